#include "fs/log/query.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/log/batch.h"
#include "fs/log/entry.h"
#include "fs/log/segment.h"

enum { PLACES = 512, GUESS_BYTES = 512 };

/* Where reading is: the segment that is open and the batch whose header was read last. */
struct cursor {
    int fd;
    uint32_t segment;
    uint64_t batch; /* 0: none */
    uint8_t batch_header[BATCH_HEADER_BYTES];
    uint8_t bytes[BATCH_ENTRY_BYTES + BATCH_SEALED_MAX_BYTES];
    struct buffer body;
};

static int go_to_segment(const struct query *query, struct cursor *cursor, uint32_t segment)
{
    char name[SEGMENT_NAME_BYTES];

    if (cursor->fd >= 0 && cursor->segment == segment)
        return 0;
    if (cursor->fd >= 0)
        close(cursor->fd);
    segment_name(segment, name);
    cursor->fd = openat(query->directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    cursor->segment = segment;
    cursor->batch = 0;
    return cursor->fd < 0 ? -errno : 0;
}

static int go_to_batch(struct cursor *cursor, const struct index_place *place)
{
    int error;

    if (cursor->batch == place->batch)
        return 0;
    cursor->batch = 0;
    if (place->batch > INT64_MAX || place->entry > INT64_MAX || place->first > place->leaf)
        return -EBADMSG;
    error = file_pread(cursor->fd, cursor->batch_header, sizeof cursor->batch_header, (off_t)place->batch);
    if (!error)
        cursor->batch = place->batch;
    return error == -ENODATA ? -EBADMSG : error;
}

/* Most entries fit into the first read; the rest of a longer one is read as its header says. */
static int read_entry(struct cursor *cursor, const struct index_place *place, struct batch_entry *out)
{
    struct batch batch;
    ssize_t got = pread(cursor->fd, cursor->bytes, GUESS_BYTES, (off_t)place->entry);

    if (got < 0)
        return -errno;
    if (!batch_begins(cursor->batch_header, sizeof cursor->batch_header, &batch))
        return -EBADMSG;
    if (batch_entry_parse(cursor->bytes, (size_t)got, batch_prefix(&batch), place->first, place->leaf, out))
        return 0;
    got = pread(cursor->fd, cursor->bytes, sizeof cursor->bytes, (off_t)place->entry);
    if (got < 0)
        return -errno;
    return batch_entry_parse(cursor->bytes, (size_t)got, batch_prefix(&batch), place->first, place->leaf, out)
               ? 0
               : -EBADMSG;
}

/* Entries are authentic by themselves: their seal covers number, month and store. */
static int fetch(const struct query *query, struct cursor *cursor, const struct index_place *place,
                 struct log_record *out)
{
    struct log_record record = {.number = place->leaf + 1};
    struct batch_entry entry;
    int error = go_to_segment(query, cursor, place->segment);

    if (!error)
        error = go_to_batch(cursor, place);
    if (!error)
        error = read_entry(cursor, place, &entry);
    if (!error) {
        buffer_reset(&cursor->body);
        error = batch_unseal(&entry, query->months, query->store_id, &cursor->body);
    }
    if (!error)
        error = entry_decode(cursor->body.bytes, cursor->body.length_bytes, &record.entry);
    if (!error && sodium_is_zero(record.entry.trace, sizeof record.entry.trace) &&
        sodium_is_zero(record.entry.span, sizeof record.entry.span))
        index_ids(query->index, place->leaf, record.entry.trace, record.entry.span);
    if (error == -ENOKEY) {
        record.erased = true;
        record.entry = (struct log_entry){.time_ms = entry_month_start_ms(entry.month),
                                          .user = "",
                                          .program = "",
                                          .role = "",
                                          .purpose = "",
                                          .name = "",
                                          .fields = "",
                                          .rule = ""};
        error = 0;
    }
    if (!error)
        *out = record;
    return error == -ENOENT ? -EBADMSG : error;
}

static bool is_among(const uint64_t *subjects, size_t count, uint64_t wanted)
{
    for (size_t i = 0; i < count; i++)
        if (subjects[i] == wanted)
            return true;
    return false;
}

/* The index works with hashes, so what it found is looked at again. */
static bool matches(const struct log_filter *filter, const struct log_record *record)
{
    const struct log_entry *entry = &record->entry;

    if (record->erased)
        return true;
    return (!filter->from_ms || entry->time_ms >= filter->from_ms) &&
           (!filter->to_ms || entry->time_ms < filter->to_ms) &&
           (!filter->user || strcmp(filter->user, entry->user) == 0) &&
           (!filter->has_uid || filter->uid == entry->uid) &&
           (!filter->subjects || is_among(filter->subjects, filter->subject_count, entry->subject)) &&
           (!filter->purpose || strcmp(filter->purpose, entry->purpose) == 0) &&
           (!filter->outcome || filter->outcome == entry->outcome) && (!filter->what || filter->what == entry->what);
}

/* What is still to come. */
struct rest {
    uint64_t from, to; /* leaves */
    uint64_t wanted;   /* UINT64_MAX: all */
    uint64_t bad;      /* lowest leaf that was found not to open, UINT64_MAX: none */
};

static int answer(const struct query *query, const struct log_filter *filter, struct cursor *cursor,
                  struct rest *rest, int (*each)(void *, const struct log_record *), void *context,
                  struct report_why *why)
{
    struct index_place places[PLACES];
    int count = index_find(query->index, filter, rest->from, rest->to, PLACES, places, why);

    for (int i = 0; i < count && rest->wanted > 0; i++) {
        struct log_record record;
        int error = fetch(query, cursor, &places[i], &record);

        rest->from = places[i].leaf + 1;
        if (error == -EBADMSG && places[i].leaf < rest->bad)
            rest->bad = places[i].leaf;
        if (error == -EBADMSG)
            continue;
        if (error)
            return report_fail(why, error, "log: entry %llu can't be read: %s",
                               (unsigned long long)places[i].leaf + 1, strerror(-error));
        if (!matches(filter, &record))
            continue;
        rest->wanted--;
        error = each(context, &record);
        if (error)
            return error;
    }
    return count;
}

/* The lowest bad leaf among those that were passed. Told at the end, so that one bad entry does not hide all after it. */
static int tell_bad(const struct query *query, const struct rest *rest, uint64_t from, struct report_why *why)
{
    uint64_t bad = index_bad(query->index, from, rest->wanted > 0 ? rest->to : rest->from);

    if (rest->bad < bad)
        bad = rest->bad;
    if (bad == UINT64_MAX)
        return 0;
    return report_fail(why, -EBADMSG, "log: entry %llu does not open: it was altered or damaged",
                       (unsigned long long)bad + 1);
}

/* Answers page after page. Where the index turns out to be damaged it is made anew, once, and the answer goes on. */
static int answer_all(const struct query *query, const struct log_filter *filter, struct rest *rest,
                      int (*each)(void *, const struct log_record *), void *context, struct report_why *why)
{
    struct cursor *cursor = calloc(1, sizeof *cursor);
    bool remade = false;
    int count = PLACES;

    if (!cursor)
        return -ENOMEM;
    cursor->fd = -1;
    while (count == PLACES && rest->from < rest->to && rest->wanted > 0) {
        count = answer(query, filter, cursor, rest, each, context, why);
        if (count == -EUCLEAN && !remade) {
            remade = true;
            count = index_remake(query->index, query->durable);
            if (count == 0)
                count = PLACES;
        }
    }
    if (cursor->fd >= 0)
        close(cursor->fd);
    buffer_clear(&cursor->body);
    free(cursor);
    return count < 0 ? count : 0;
}

/* What is past its term is left out by its time, before anything else: else that somebody is in it would show. */
static struct log_filter without_hidden(const struct query *query, const struct log_filter *filter)
{
    struct log_filter narrowed = *filter;
    int64_t begins_ms = query->hidden > 0 ? entry_month_start_ms((uint16_t)query->hidden) : 0;

    if (query->hidden > 0 && (!filter->from_ms || filter->from_ms < begins_ms))
        narrowed.from_ms = begins_ms;
    return narrowed;
}

int query_run(const struct query *query, const struct log_filter *asked,
              int (*each)(void *, const struct log_record *), void *context, struct report_why *why)
{
    const struct log_filter narrowed = without_hidden(query, asked), *filter = &narrowed;
    struct rest rest = {.to = query->durable, .wanted = filter->limit, .bad = UINT64_MAX};
    uint64_t from = filter->after < query->durable ? filter->after : query->durable;
    int error;

    if (filter->subject_count > INDEX_SUBJECTS_MAX)
        return report_fail(why, -E2BIG, "log: at most %d subjects can be asked for at once", INDEX_SUBJECTS_MAX);
    if (rest.wanted == 0)
        rest.wanted = UINT64_MAX;
    error = index_update(query->index, query->durable, why);
    if (!error)
        error = index_bounds(query->index, filter, &from, &rest.to, why);
    if (error == -EUCLEAN) {
        error = index_remake(query->index, query->durable);
        if (!error)
            error = index_bounds(query->index, filter, &from, &rest.to, why);
    }
    rest.from = from;
    if (!error)
        error = answer_all(query, filter, &rest, each, context, why);
    if (error == -EUCLEAN)
        error = report_fail(why, -EIO, "log: the index is damaged, also after it was made anew");
    return error ? error : tell_bad(query, &rest, from, why);
}
