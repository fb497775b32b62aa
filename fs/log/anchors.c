/* Rules:
 *  - a record counts when the key that is due has signed it, and that key is the one which the record before it named;
 *  - a checkpoint counts when a key of the chain has signed it;
 *  - what they say of the tree is compared with the tree: the first that does not fit is the fault, and nothing after it counts. */
#include "fs/log/anchors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs/base/file.h"

enum { WINDOW_BYTES = 4 * NOTE_MAX_BYTES };

/* A checkpoint by itself: the newest one, or the one that was brought along. */
struct single {
    bool present, met, known_key, trusted_key;
    struct note_signed note;
    struct note_key key; /* the one that signed it, if it is known */
};

struct anchors {
    int succession_fd; /* -1: there is none */
    off_t at_bytes, end_bytes;
    off_t window_at;
    size_t window_bytes;
    char window[WINDOW_BYTES];

    bool have_record; /* the next one to be met */
    struct note_signed record;
    bool have_key; /* the one that has to sign the next record */
    struct note_key key;
    bool given; /* a key was brought along, */
    struct note_key given_key;
    bool trusted; /* and the chain has come to it */
    struct single newest;
    struct single *kept; /* that were brought along, in their order */
    size_t kept_count, kept_at;
    struct months_erased *erased;
    uint64_t met_size; /* up to here everything fits */
    struct anchors_reach reach;
    struct anchors_fault fault;
};

static void fail(struct anchors *anchors, enum verify_result result, uint64_t entry, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void fail(struct anchors *anchors, enum verify_result result, uint64_t entry, const char *format, ...)
{
    va_list arguments;

    if (anchors->fault.result != VERIFY_INTACT)
        return;
    anchors->fault.result = result;
    anchors->fault.entry = entry;
    va_start(arguments, format);
    vsnprintf(anchors->fault.text, sizeof anchors->fault.text, format, arguments);
    va_end(arguments);
}

/* ---- the chain of keys ------------------------------------------------------------------------------------------ */

static void know_key(const struct anchors *anchors, struct single *single, const struct note_key *key)
{
    if (!single->present || single->known_key || !note_is_signed_by(&single->note, key))
        return;
    single->known_key = true;
    single->key = *key;
    single->trusted_key = anchors->trusted;
}

/* A key of the chain has come by. */
static void see_key(struct anchors *anchors, const struct note_key *key)
{
    if (anchors->given && note_key_same(key, &anchors->given_key))
        anchors->trusted = true;
    know_key(anchors, &anchors->newest, key);
    for (size_t i = 0; i < anchors->kept_count; i++)
        know_key(anchors, &anchors->kept[i], key);
    anchors->key = *key;
    anchors->have_key = true;
}

static void begin_chain(struct anchors *anchors, const struct note_signed *record)
{
    anchors->reach.chains++;
    if (!note_is_signed_by(record, &record->note.key))
        fail(anchors, VERIFY_ALTERED, record->note.size + 1,
             "altered: the first record of a chain of keys, after entry %llu, is not signed by its own key",
             (unsigned long long)record->note.size);
    else if (anchors->trusted)
        fail(anchors, VERIFY_ALTERED, anchors->reach.key + 1,
             "altered: the chain of the given key ends after entry %llu, and another key goes on",
             (unsigned long long)anchors->reach.key);
}

static void check_record(struct anchors *anchors, const struct note_signed *record)
{
    unsigned long long size = record->note.size;

    if (size < anchors->met_size)
        fail(anchors, VERIFY_ALTERED, size + 1, "altered: the record of keys goes back from entry %llu to entry %llu",
             (unsigned long long)anchors->met_size, size);
    else if (record->note.kind == NOTE_FIRST)
        begin_chain(anchors, record);
    else if (record->note.kind != NOTE_NEXT || !anchors->have_key)
        fail(anchors, VERIFY_ALTERED, size + 1, "altered: the record of keys holds something else at entry %llu",
             size);
    else if (!note_is_signed_by(record, &anchors->key))
        fail(anchors, VERIFY_ALTERED, anchors->reach.sealed + 1,
             "altered: the checkpoint after entry %llu in the record of keys is not signed by the key of that time",
             size);
    if (anchors->fault.result == VERIFY_INTACT)
        see_key(anchors, &record->note.key);
}

/* Brings the next record into reach. What is at the end and cut off was never a record. */
static void next_record(struct anchors *anchors)
{
    off_t left_bytes = anchors->end_bytes - anchors->at_bytes;
    size_t offset_bytes, note_bytes = 0;
    int error = 0;

    anchors->have_record = false;
    if (left_bytes <= 0 || anchors->fault.result != VERIFY_INTACT)
        return;
    if (anchors->at_bytes < anchors->window_at ||
        anchors->at_bytes + NOTE_MAX_BYTES > anchors->window_at + (off_t)anchors->window_bytes) {
        anchors->window_at = anchors->at_bytes;
        anchors->window_bytes = left_bytes < WINDOW_BYTES ? (size_t)left_bytes : WINDOW_BYTES;
        error = file_pread(anchors->succession_fd, anchors->window, anchors->window_bytes, anchors->window_at);
    }
    if (error) {
        fail(anchors, VERIFY_DAMAGED, 0, "damaged: the record of keys can't be read: %s", strerror(-error));
        return;
    }
    offset_bytes = (size_t)(anchors->at_bytes - anchors->window_at);
    error = note_parse(anchors->window + offset_bytes, anchors->window_bytes - offset_bytes, &anchors->record,
                       &note_bytes);
    if (error == -EINVAL)
        fail(anchors, VERIFY_ALTERED, anchors->met_size + 1, "altered: the record of keys after entry %llu is none",
             (unsigned long long)anchors->met_size);
    if (error)
        return;
    anchors->at_bytes += (off_t)note_bytes;
    check_record(anchors, &anchors->record);
    anchors->have_record = anchors->fault.result == VERIFY_INTACT;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* None, or nothing in it (a loss of power may leave that): `present` stays false. */
static int read_newest(struct anchors *anchors, int directory_fd)
{
    char bytes[NOTE_MAX_BYTES + 1];
    int fd = openat(directory_fd, "checkpoint", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    size_t note_bytes = 0;
    ssize_t got;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    got = pread(fd, bytes, sizeof bytes, 0);
    close(fd);
    if (got < 0)
        return -EIO;
    if (got == 0)
        return 0;
    if (note_parse(bytes, (size_t)got, &anchors->newest.note, &note_bytes) < 0 || note_bytes != (size_t)got ||
        anchors->newest.note.note.kind != NOTE_CHECKPOINT) {
        fail(anchors, VERIFY_ALTERED, 0, "altered: the file `checkpoint` holds no checkpoint");
        return 0;
    }
    anchors->newest.present = true;
    return 0;
}

/* As far as the file goes now: it may grow while the entries are read, past those that will have been read. */
static int open_succession(struct anchors *anchors, int directory_fd)
{
    struct stat status;

    anchors->succession_fd = openat(directory_fd, "succession", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (anchors->succession_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(anchors->succession_fd, &status) < 0)
        return -errno;
    anchors->end_bytes = S_ISREG(status.st_mode) ? status.st_size : 0;
    return 0;
}

static int read_kept(struct anchors *anchors, const char *text)
{
    size_t left_bytes = strlen(text), room = 0;

    while (left_bytes > 0) {
        struct single *kept;
        size_t note_bytes = 0;

        if (anchors->kept_count == room) {
            room = room ? room * 2 : 4;
            kept = realloc(anchors->kept, room * sizeof *kept);
            if (!kept)
                return -ENOMEM;
            anchors->kept = kept;
        }
        kept = &anchors->kept[anchors->kept_count];
        *kept = (struct single){.present = true};
        if (note_parse(text, left_bytes, &kept->note, &note_bytes) < 0 || kept->note.signature_count == 0)
            return -EINVAL;
        if (anchors->kept_count > 0 && kept->note.note.size < kept[-1].note.note.size)
            fail(anchors, VERIFY_ALTERED, kept->note.note.size + 1,
                 "altered: the given checkpoints go back from entry %llu to entry %llu",
                 (unsigned long long)kept[-1].note.note.size, (unsigned long long)kept->note.note.size);
        anchors->kept_count++;
        text += note_bytes;
        left_bytes -= note_bytes;
    }
    return anchors->kept_count > 0 ? 0 : -EINVAL;
}

int anchors_open(int directory_fd, const struct note_key *key, const char *kept, struct anchors **out)
{
    struct anchors *anchors = calloc(1, sizeof *anchors);
    int error;

    if (!anchors)
        return -ENOMEM;
    anchors->succession_fd = -1;
    anchors->given = key != NULL;
    if (key)
        anchors->given_key = *key;
    error = kept ? read_kept(anchors, kept) : 0;
    /* In this order: the key of the newest checkpoint is then in the record. */
    if (!error)
        error = read_newest(anchors, directory_fd);
    if (!error)
        error = open_succession(anchors, directory_fd);
    if (error) {
        anchors_close(anchors);
        return error;
    }
    next_record(anchors);
    *out = anchors;
    return 0;
}

void anchors_close(struct anchors *anchors)
{
    if (!anchors)
        return;
    if (anchors->succession_fd >= 0)
        close(anchors->succession_fd);
    free(anchors->erased);
    free(anchors->kept);
    free(anchors);
}

/* ---- comparing -------------------------------------------------------------------------------------------------- */

static bool waits(const struct single *single)
{
    return single->present && !single->met;
}

uint64_t anchors_wanted(const struct anchors *anchors)
{
    uint64_t wanted = UINT64_MAX;

    if (anchors->fault.result != VERIFY_INTACT)
        return wanted;
    if (anchors->have_record)
        wanted = anchors->record.note.size;
    if (waits(&anchors->newest) && anchors->newest.note.note.size < wanted)
        wanted = anchors->newest.note.note.size;
    if (anchors->kept_at < anchors->kept_count && anchors->kept[anchors->kept_at].note.note.size < wanted)
        wanted = anchors->kept[anchors->kept_at].note.note.size;
    return wanted;
}

/* `root` NULL: it can't be known. `from`: the first entry that may be another if it does not fit. */
static bool fits(struct anchors *anchors, const struct note *note, const uint8_t *root, const char *which,
                 unsigned long long from)
{
    unsigned long long to = note->size;

    if (!root)
        return false;
    if (memcmp(root, note->root, TREE_HASH_BYTES) == 0)
        return true;
    if (from >= to)
        fail(anchors, VERIFY_ALTERED, to, "altered: entry %llu: %s has another root there", to, which);
    else
        fail(anchors, VERIFY_ALTERED, from, "altered: between entry %llu and entry %llu, where %s has another root",
             from, to, which);
    return false;
}

/* By the decision's time, by that of the record (2021-03-05T...), and by now: neither can be a time that is still to come. */
static bool was_due(const struct note *note)
{
    unsigned year, month;

    if (sscanf(note->time, "%4u-%2u-", &year, &month) != 2 || year < 1970 || year > 7000 || month < 1 || month > 12)
        return false;
    return (year - 1970) * 12 + month - 1 >= note->erased.month + 1 + note->erased.rule.term_months &&
           erasure_is_due(note->erased.month, note->erased.rule.term_months, note->erased.time_s * 1000) &&
           erasure_is_due(note->erased.month, note->erased.rule.term_months, (int64_t)time(NULL) * 1000);
}

/* The same month a second time: its announcement was repeated, since it was interrupted, or it got entries again. */
static struct months_erased *place_for(struct anchors *anchors, uint16_t month)
{
    size_t *count = &anchors->reach.erased_count;
    struct months_erased *more;

    for (size_t i = 0; i < *count; i++)
        if (anchors->erased[i].erasure.month == month)
            return &anchors->erased[i];
    more = *count < MONTHS_SLOTS_MAX ? realloc(anchors->erased, (*count + 1) * sizeof *more) : NULL;
    if (!more)
        return NULL;
    anchors->reach.erased = anchors->erased = more;
    return &more[(*count)++];
}

static void take_erasure(struct anchors *anchors, const struct note *note)
{
    unsigned month = note->erased.month;
    struct months_erased *place;

    if (!note->has_erased)
        return;
    if (note->kind != NOTE_NEXT || !note->has_months || note->erased.last > note->size || !was_due(note)) {
        fail(anchors, VERIFY_ALTERED, note->erased.first,
             "altered: a record of keys after entry %llu has month %u-%02u erased, which was not past its term then",
             (unsigned long long)note->size, 1970 + month / 12, month % 12 + 1);
        return;
    }
    place = place_for(anchors, note->erased.month);
    if (place)
        *place = (struct months_erased){.erasure = note->erased, .below = note->months};
    else
        fail(anchors, VERIFY_IMPOSSIBLE, 0, "no memory");
}

static void meet_records(struct anchors *anchors, uint64_t size, const uint8_t *root)
{
    while (anchors->have_record && anchors->record.note.size == size) {
        if (fits(anchors, &anchors->record.note, root, "the record of keys", anchors->met_size + 1)) {
            anchors->reach.sealed = anchors->reach.signed_ = size;
            memcpy(anchors->reach.time, anchors->record.note.time, sizeof anchors->reach.time);
            if (anchors->trusted)
                anchors->reach.key = size;
            if (anchors->record.note.has_months) {
                anchors->reach.has_months = true;
                anchors->reach.months = anchors->record.note.months;
                memcpy(anchors->reach.months_sum, anchors->record.note.months_sum, TREE_HASH_BYTES);
            }
            take_erasure(anchors, &anchors->record.note);
        }
        next_record(anchors);
    }
}

/* Where the log was put back and went on, with the keys of then, its own records fit: they don't narrow it down. */
static void meet_kept(struct anchors *anchors, uint64_t size, const uint8_t *root)
{
    for (; anchors->kept_at < anchors->kept_count; anchors->kept_at++) {
        struct single *kept = &anchors->kept[anchors->kept_at];

        if (kept->note.note.size != size)
            return;
        kept->met = true;
        if (fits(anchors, &kept->note.note, root, "the given checkpoint", anchors->reach.since + 1))
            anchors->reach.since = size;
    }
}

static void meet(struct anchors *anchors, uint64_t size, const uint8_t *root)
{
    meet_kept(anchors, size, root);
    meet_records(anchors, size, root);
    if (waits(&anchors->newest) && anchors->newest.note.note.size == size) {
        anchors->newest.met = true;
        if (fits(anchors, &anchors->newest.note.note, root, "the newest checkpoint", anchors->met_size + 1)) {
            anchors->reach.signed_ = size;
            memcpy(anchors->reach.time, anchors->newest.note.note.time, sizeof anchors->reach.time);
        }
    }
    if (anchors->fault.result == VERIFY_INTACT)
        anchors->met_size = size;
}

void anchors_meet(struct anchors *anchors, uint64_t size, const uint8_t root[static TREE_HASH_BYTES])
{
    meet(anchors, size, root);
}

void anchors_pass(struct anchors *anchors, uint64_t size)
{
    meet(anchors, size, NULL);
}

/* Keys of records behind the end are looked at all the same: they may be those of the checkpoints. */
static void see_rest(struct anchors *anchors, uint64_t size)
{
    while (anchors->have_record) {
        fail(anchors, VERIFY_SHORTER, size + 1,
             "shorter: it ends with entry %llu, and the record of keys vouches for entry %llu; it fits up to entry "
             "%llu",
             (unsigned long long)size, (unsigned long long)anchors->record.note.size,
             (unsigned long long)anchors->met_size);
        next_record(anchors);
    }
}

static void end_single(struct anchors *anchors, struct single *single, uint64_t size, const char *which)
{
    if (!single->present)
        return;
    if (!single->met)
        fail(anchors, VERIFY_SHORTER, size + 1,
             "shorter: it ends with entry %llu, and %s vouches for entry %llu; it fits up to entry %llu",
             (unsigned long long)size, which, (unsigned long long)single->note.note.size,
             (unsigned long long)anchors->met_size);
    if (!single->known_key)
        fail(anchors, VERIFY_ALTERED, anchors->reach.sealed + 1,
             "altered: %s, after entry %llu, is not signed by any key in the record of keys", which,
             (unsigned long long)single->note.note.size);
}

void anchors_end(struct anchors *anchors, uint64_t size, const char *origin)
{
    bool other_key = anchors->given && strcmp(anchors->given_key.origin, origin) != 0, other = other_key;

    for (size_t i = 0; i < anchors->kept_count; i++)
        other |= strcmp(anchors->kept[i].note.note.origin, origin) != 0;
    if (other)
        fail(anchors, VERIFY_IMPOSSIBLE, 0, "the given %s is of another log: this one is %s",
             other_key ? "key" : "checkpoint", origin);
    see_rest(anchors, size);
    for (size_t i = 0; i < anchors->kept_count; i++)
        end_single(anchors, &anchors->kept[i], size, "the given checkpoint");
    end_single(anchors, &anchors->newest, size, "the newest checkpoint");
    if (anchors->newest.trusted_key && anchors->reach.key < anchors->newest.note.note.size)
        anchors->reach.key = anchors->newest.note.note.size;
    if (anchors->given && !anchors->trusted)
        fail(anchors, VERIFY_ALTERED, 1, "altered: it is signed by other keys than the given one%s",
             anchors->reach.chains == 0 ? ": there is no record of keys" : "");
}

const struct note_signed *anchors_checkpoint(const struct anchors *anchors)
{
    return anchors->newest.present ? &anchors->newest.note : NULL;
}

int anchors_newest(struct anchors *anchors, struct note_signed *newest, struct note_key *key)
{
    while (anchors->have_record)
        next_record(anchors);
    if (!anchors->newest.present && anchors->fault.result == VERIFY_INTACT)
        return -ENOENT;
    if (!anchors->newest.known_key)
        return -EBADMSG;
    *newest = anchors->newest.note;
    *key = anchors->newest.key;
    return 0;
}

const struct anchors_fault *anchors_fault(const struct anchors *anchors)
{
    return &anchors->fault;
}

struct anchors_reach anchors_reach(const struct anchors *anchors)
{
    return anchors->reach;
}
