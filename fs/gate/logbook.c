#include "fs/gate/logbook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "fs/gate/codes.h"
#include "fs/gate/log_csv.h"

enum {
    PIECE_BYTES = 128 * 1024, /* a piece ends with the line that would pass this */
    PIECES_KEPT = 8,
    DAYS_KEPT = 400,
    SLICE_ENTRIES = 2048,
    TEXT_MS = 1000,      /* what was erased may be read no longer than that from what is kept */
    OWN_LOOKED_AT = 500, /* entries of one person, of which the last LOGBOOK_OWN_MAX that tell something are kept */
};

/* A stretch of a file: the lines of the day's entries with after < number <= last; the first one has the head before them. It says the
 * same whenever it is read, so codes of dossiers that came in since it was counted stay out of it. */
struct piece {
    uint64_t at; /* in the file */
    uint64_t after, last;
    size_t bytes;
    uint32_t known; /* dossiers */
};

struct day {
    struct day *next; /* the one that was asked for before it */
    int32_t day;
    struct piece *pieces;
    size_t count, capacity;
    uint64_t bytes;
    bool damaged;
};

/* What a piece said when it was read a moment ago. */
struct text {
    int32_t day;
    uint64_t at;
    int64_t tick_ms;
    struct buffer bytes;
};

struct logbook {
    struct gate *gate;
    struct codes *codes;
    struct day *days; /* those asked for last come first */
    struct text texts[PIECES_KEPT];
    unsigned oldest;
    struct buffer line;
};

int logbook_new(struct gate *gate, struct logbook **out)
{
    struct logbook *book = calloc(1, sizeof *book);
    int error = book ? codes_new(gate, &book->codes) : -ENOMEM;

    if (error) {
        free(book);
        return error;
    }
    book->gate = gate;
    *out = book;
    return 0;
}

static void free_day(struct day *day)
{
    free(day->pieces);
    free(day);
}

void logbook_free(struct logbook *book)
{
    if (!book)
        return;
    for (struct day *day = book->days, *next; day; day = next) {
        next = day->next;
        free_day(day);
    }
    for (unsigned i = 0; i < PIECES_KEPT; i++)
        buffer_clear(&book->texts[i].bytes);
    buffer_clear(&book->line);
    codes_free(book->codes);
    free(book);
}

/* ---- which days there are ---------------------------------------------------------------------------------------- */

struct calendar {
    int32_t *days;
    size_t count, capacity;
    int32_t last, today;
    int64_t last_from_ms, last_until_ms; /* the day that was looked up last */
};

static int32_t day_of(struct calendar *calendar, int64_t time_ms)
{
    if (time_ms < calendar->last_from_ms || time_ms >= calendar->last_until_ms) {
        calendar->last = clock_day_of(time_ms / 1000 - (time_ms % 1000 < 0));
        calendar->last_from_ms = clock_first_second(calendar->last) * 1000;
        calendar->last_until_ms = clock_first_second(calendar->last + 1) * 1000;
    }
    return calendar->last;
}

static int add_day(struct calendar *calendar, int32_t day)
{
    if (day > calendar->today || (calendar->count > 0 && calendar->days[calendar->count - 1] == day))
        return 0;
    if (calendar->count == calendar->capacity) {
        size_t capacity = calendar->capacity ? calendar->capacity * 2 : 512;
        int32_t *days = realloc(calendar->days, capacity * sizeof *days);

        if (!days)
            return -ENOMEM;
        calendar->days = days;
        calendar->capacity = capacity;
    }
    calendar->days[calendar->count++] = day;
    return 0;
}

static int take_times(void *context, int64_t first_ms, int64_t last_ms)
{
    struct calendar *calendar = context;
    int32_t day = day_of(calendar, first_ms);

    if (day_of(calendar, last_ms) != day)
        return 1;
    return add_day(calendar, day);
}

static int by_number(const void *a, const void *b)
{
    const int32_t *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

/* A clock that was set back makes a day come twice. */
static void sort_days(struct calendar *calendar)
{
    size_t kept = 0;

    if (calendar->count > 0)
        qsort(calendar->days, calendar->count, sizeof *calendar->days, by_number);
    for (size_t i = 0; i < calendar->count; i++)
        if (kept == 0 || calendar->days[kept - 1] != calendar->days[i])
            calendar->days[kept++] = calendar->days[i];
    calendar->count = kept;
}

static struct log_filter filter_of(int32_t day, uint64_t after)
{
    return (struct log_filter){
        .from_ms = clock_first_second(day) * 1000, .to_ms = clock_first_second(day + 1) * 1000, .after = after};
}

static int is_readable(void *context, const struct log_record *record)
{
    (void)context;
    return record->erased ? 0 : -ECANCELED;
}

/* The index may still know of what can't be read any more. That is what is oldest, so the first day that can be read ends it. */
static int drop_erased(struct logbook *book, struct calendar *calendar)
{
    size_t erased = 0;
    int error = 0;

    while (!error && erased < calendar->count) {
        struct log_filter filter = filter_of(calendar->days[erased], 0);

        error = log_query(book->gate->log, &filter, is_readable, NULL, NULL);
        erased += !error;
    }
    calendar->count -= erased;
    memmove(calendar->days, calendar->days + erased, calendar->count * sizeof *calendar->days);
    return error == -ECANCELED || error == -EBADMSG ? 0 : error;
}

int logbook_days(struct logbook *book, int32_t **days, size_t *count)
{
    struct calendar calendar = {.today = clock_day_of(clock_now_s())};
    int error = log_times(book->gate->log, take_times, &calendar, NULL);

    if (!error) {
        sort_days(&calendar);
        error = drop_erased(book, &calendar);
    }
    if (error) {
        free(calendar.days);
        return error;
    }
    *days = calendar.days;
    *count = calendar.count;
    return 0;
}

/* ---- how long a file is ------------------------------------------------------------------------------------------- */

static int add_piece(struct day *day, uint64_t after, uint32_t known)
{
    if (day->count == day->capacity) {
        size_t capacity = day->capacity ? day->capacity * 2 : 4;
        struct piece *pieces = realloc(day->pieces, capacity * sizeof *pieces);

        if (!pieces)
            return -ENOMEM;
        day->pieces = pieces;
        day->capacity = capacity;
    }
    day->pieces[day->count++] = (struct piece){.at = day->bytes, .after = after, .last = after, .known = known};
    return 0;
}

static struct day *new_day(struct logbook *book, int32_t number)
{
    struct day *day = calloc(1, sizeof *day);

    if (!day || add_piece(day, 0, codes_count(book->codes)) < 0) {
        free(day);
        return NULL;
    }
    day->day = number;
    buffer_reset(&book->line);
    log_csv_head(&book->line);
    day->bytes = day->pieces[0].bytes = book->line.length_bytes;
    return day;
}

static void forget_day(struct logbook *book, int32_t number)
{
    for (struct day **at = &book->days; *at; at = &(*at)->next)
        if ((*at)->day == number) {
            struct day *day = *at;

            *at = day->next;
            free_day(day);
            return;
        }
}

/* Finds or makes, and puts it in front; the one that nobody asked for the longest goes. */
static struct day *get_day(struct logbook *book, int32_t number)
{
    struct day **at = &book->days, *day;
    unsigned count = 0;

    while (*at && (*at)->day != number && (*at)->next) {
        at = &(*at)->next;
        count++;
    }
    day = *at && (*at)->day == number ? *at : new_day(book, number);
    if (!day)
        return NULL;
    if (*at == day) {
        *at = day->next;
    } else if (*at && count + 1 >= DAYS_KEPT) {
        free_day(*at);
        *at = NULL;
    }
    day->next = book->days;
    book->days = day;
    return day;
}

static int render(struct logbook *book, const struct log_record *record, uint32_t known, struct buffer *out)
{
    char code[CODES_BYTES] = "";
    int error;

    if (!record->erased)
        codes_text(book->codes, record->entry.subject, known, code);
    error = log_csv_line(out, record, code);
    explicit_bzero(code, sizeof code);
    return error;
}

struct counting {
    struct logbook *book;
    struct day *day;
    unsigned left;
};

static int count_line(void *context, const struct log_record *record)
{
    struct counting *counting = context;
    struct day *day = counting->day;
    struct buffer *line = &counting->book->line;
    struct piece *piece = &day->pieces[day->count - 1];
    uint32_t known = codes_count(counting->book->codes);
    int error;

    counting->left--;
    buffer_reset(line);
    error = render(counting->book, record, known, line);
    if (!error && (piece->known != known || piece->bytes + line->length_bytes > PIECE_BYTES))
        error = add_piece(day, piece->last, known);
    if (error)
        return error;
    piece = &day->pieces[day->count - 1];
    piece->bytes += line->length_bytes;
    piece->last = record->number;
    day->bytes += line->length_bytes;
    return 0;
}

/* 1: there is more. A question that ends by itself, and is not broken off, tells of entries that are bad. */
static int measure(struct logbook *book, struct day *day)
{
    struct counting counting = {book, day, SLICE_ENTRIES};
    struct log_filter filter = filter_of(day->day, day->pieces[day->count - 1].last);
    struct report_why why = {""};
    int error = codes_refresh(book->codes);

    filter.limit = SLICE_ENTRIES;
    if (!error)
        error = log_query(book->gate->log, &filter, count_line, &counting, &why);
    if (error == -EBADMSG && !day->damaged)
        report(REPORT_ERROR, "%s", why.text);
    if (error == -EBADMSG)
        day->damaged = true;
    if (error && error != -EBADMSG)
        return error;
    return counting.left == 0;
}

int logbook_measure(struct logbook *book, int32_t day, uint64_t *bytes)
{
    struct day *measured = get_day(book, day);
    int result = measured ? measure(book, measured) : -ENOMEM;

    if (result >= 0)
        *bytes = measured->bytes;
    return result;
}

/* ---- what is in a file -------------------------------------------------------------------------------------------- */

struct rendering {
    struct logbook *book;
    const struct piece *piece;
    struct buffer *out;
};

static int add_line(void *context, const struct log_record *record)
{
    struct rendering *rendering = context;

    if (record->number > rendering->piece->last)
        return -ECANCELED;
    return render(rendering->book, record, rendering->piece->known, rendering->out);
}

static int render_piece(struct logbook *book, int32_t day, const struct piece *piece, struct buffer *out)
{
    struct rendering rendering = {book, piece, out};
    struct log_filter filter = filter_of(day, piece->after);
    int error = 0;

    buffer_reset(out);
    if (piece->at == 0)
        log_csv_head(out);
    if (piece->last > piece->after)
        error = log_query(book->gate->log, &filter, add_line, &rendering, NULL);
    if (error == -ECANCELED || error == -EBADMSG) /* which measure() tells */
        error = 0;
    if (!error && out->failed)
        error = -ENOMEM;
    return !error && out->length_bytes != piece->bytes ? -ESTALE : error;
}

static void forget_old(struct logbook *book)
{
    int64_t now_ms = clock_tick_ms();

    for (unsigned i = 0; i < PIECES_KEPT; i++)
        if (now_ms - book->texts[i].tick_ms >= TEXT_MS)
            buffer_clear(&book->texts[i].bytes);
}

/* The text of a piece. */
static int get_text(struct logbook *book, int32_t day, const struct piece *piece, const struct buffer **out)
{
    struct text *text = NULL;
    int error;

    forget_old(book);
    for (unsigned i = 0; i < PIECES_KEPT; i++)
        if (book->texts[i].day == day && book->texts[i].at == piece->at && book->texts[i].bytes.length_bytes > 0)
            text = &book->texts[i];
    if (text && text->bytes.length_bytes == piece->bytes) {
        *out = &text->bytes;
        return 0;
    }
    if (!text) {
        text = &book->texts[book->oldest];
        book->oldest = (book->oldest + 1) % PIECES_KEPT;
    }
    error = render_piece(book, day, piece, &text->bytes);
    if (error) {
        buffer_clear(&text->bytes);
        return error;
    }
    text->day = day;
    text->at = piece->at;
    text->tick_ms = clock_tick_ms();
    *out = &text->bytes;
    return 0;
}

static const struct piece *piece_at(const struct day *day, uint64_t offset)
{
    size_t low = 0, high = day->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (day->pieces[middle].at <= offset)
            low = middle;
        else
            high = middle;
    }
    return &day->pieces[low];
}

static int read_pieces(struct logbook *book, const struct day *day, uint64_t offset, size_t size, struct buffer *out)
{
    while (size > 0 && offset < day->bytes) {
        const struct piece *piece = piece_at(day, offset);
        const struct buffer *text;
        size_t from = (size_t)(offset - piece->at), part;
        int error = get_text(book, day->day, piece, &text);

        if (error)
            return error;
        part = text->length_bytes - from < size ? text->length_bytes - from : size;
        if (buffer_append(out, text->bytes + from, part) < 0)
            return -ENOMEM;
        offset += part;
        size -= part;
    }
    return 0;
}

int logbook_read(struct logbook *book, int32_t number, uint64_t offset, size_t size, struct buffer *out)
{
    struct day *day = get_day(book, number);
    int error = day ? 1 : -ENOMEM;

    if (size > LOGBOOK_READ_MAX_BYTES)
        size = LOGBOOK_READ_MAX_BYTES;
    while (error == 1 && (offset >= day->bytes || size > day->bytes - offset))
        error = measure(book, day);
    if (error < 0)
        return error;
    if (offset >= day->bytes)
        return day->damaged ? -EBADMSG : 0;
    error = read_pieces(book, day, offset, size, out);
    if (error == -ESTALE)
        forget_day(book, number); /* so that whoever opens it again reads it as it is now */
    return error;
}

/* ---- what a person did --------------------------------------------------------------------------------------------- */

static bool tells_something(const struct log_entry *entry)
{
    if (entry->outcome == LOG_REFUSED || entry->outcome == LOG_GAP)
        return true;
    return entry->what != LOG_LOOK && entry->what != LOG_OWN &&
           !(entry->what == LOG_LISTING && strcmp(entry->name, "/") == 0);
}

static void drop_first(struct logbook_own *own, unsigned count)
{
    own->count -= count;
    memmove(own->entries, own->entries + count, own->count * sizeof own->entries[0]);
}

struct remembering {
    struct logbook *book;
    struct logbook_own *own;
};

static int remember(void *context, const struct log_record *record)
{
    struct remembering *remembering = context;
    const struct log_entry *entry = &record->entry;
    struct logbook_own *own = remembering->own;
    struct logbook_own_entry *kept;

    if (record->erased || !tells_something(entry))
        return 0;
    if (own->count == LOGBOOK_OWN_MAX)
        drop_first(own, 1);
    kept = &own->entries[own->count++];
    *kept = (struct logbook_own_entry){.time_ms = entry->time_ms,
                                       .what = entry->what,
                                       .outcome = entry->outcome,
                                       .count = entry->count,
                                       .dossier = codes_find(remembering->book->codes, entry->subject)};
    strncat(kept->purpose, entry->purpose, sizeof kept->purpose - 1);
    strncat(kept->name, entry->name, sizeof kept->name - 1);
    return 0;
}

int logbook_own(struct logbook *book, uint32_t uid, struct logbook_own *own)
{
    int64_t from_ms = (clock_now_s() - (int64_t)LOGBOOK_OWN_DAYS * 86400) * 1000;
    struct log_filter filter = {
        .from_ms = from_ms, .has_uid = true, .uid = uid, .after = own->after, .limit = OWN_LOOKED_AT, .newest = true};
    struct logbook_own *now = malloc(sizeof *now);
    struct remembering remembering = {book, now};
    uint64_t size = log_size(book->gate->log);
    unsigned old = 0;
    int error = now ? codes_refresh(book->codes) : -ENOMEM;

    if (!error) {
        *now = *own;
        error = log_query(book->gate->log, &filter, remember, &remembering, NULL);
    }
    if (!error || error == -EBADMSG) { /* what is damaged is told elsewhere */
        error = 0;
        while (old < now->count && now->entries[old].time_ms < from_ms)
            old++;
        drop_first(now, old);
        now->after = size;
        *own = *now;
    }
    free(now);
    return error;
}
