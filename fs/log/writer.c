#include "fs/log/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/log/batch.h"
#include "fs/log/reader.h"
#include "fs/log/segment.h"

struct writer {
    int directory_fd; /* borrowed */
    uint32_t segment_bytes;
    uint32_t last; /* highest number of a segment; 0: none */
    uint8_t store_id[LOG_STORE_ID_BYTES];
    struct months *months; /* borrowed */
    enum log_durability durability;
    struct tree tree;              /* of what is acknowledged */
    uint8_t root[TREE_HASH_BYTES]; /* its root */
    struct tree next;              /* of that and what is launched */
    struct segment segment;        /* fd -1: the next batch begins a new one */
    struct buffer batch;
};

/* ---- finding the end -------------------------------------------------------------------------------------------- */

/* What replaying a segment finds. */
struct replay {
    bool clean;      /* nothing but zeros behind the last batch */
    off_t end_bytes; /* behind the last good batch */
};

static void say_damage(uint32_t number, off_t offset, const struct tree *tree, uint64_t go_on)
{
    report(
        REPORT_ERROR,
        "log: segment %u is damaged at byte %lld, in front of entry %llu; it is kept as it is, and the log goes on "
        "after entry %llu in a new segment",
        number, (long long)offset, (unsigned long long)tree_size(tree) + 1, (unsigned long long)go_on);
}

/* Takes a batch into the tree. False if it does not belong there: wrong place, or another root. */
static bool absorb(struct tree *tree, const struct batch *batch)
{
    struct tree next = *tree;
    struct batch_entry entry = {0};
    uint8_t hash[TREE_HASH_BYTES];

    if (batch->first != tree_size(tree))
        return false;
    for (size_t place = 0, left = batch->count; left > 0; left--) {
        if (!batch_next(batch, &place, &entry))
            return false;
        batch_leaf(&entry, hash);
        tree_add(&next, hash);
    }
    tree_root(&next, hash);
    if (memcmp(hash, batch_root(batch), sizeof hash) != 0)
        return false;
    *tree = next;
    return true;
}

/* Past damage the leaves cannot be recomputed, so the recorded roots stand for them: the last one that is whole counts. */
static int replay_damaged(struct reader *reader, struct tree *tree)
{
    struct batch batch;
    int step;

    for (;;) {
        step = reader_next(reader, &batch);
        if (step < 0)
            return step;
        if (step == READER_END)
            return 0;
        if (step == READER_BAD) {
            step = reader_resync(reader);
            if (step <= 0)
                return step;
        } else if (batch.first >= tree_size(tree)) {
            tree_restart(tree, batch.first + batch.count, batch_root(&batch));
        }
    }
}

static int replay_bad(struct reader *reader, uint32_t number, struct tree *tree)
{
    off_t bad_at = reader_offset(reader), length_bytes = 0;
    struct tree before = *tree;
    int torn, found = reader_resync(reader);

    if (found < 0)
        return found;
    if (found) {
        int error = replay_damaged(reader, tree);

        if (!error)
            say_damage(number, bad_at, &before, tree_size(tree));
        return error;
    }
    torn = reader_torn(reader, &length_bytes);
    if (torn < 0)
        return torn;
    if (torn)
        report(REPORT_WARNING, "log: %lld bytes behind entry %llu were never acknowledged: cut back",
               (long long)length_bytes, (unsigned long long)tree_size(tree));
    else
        report(
            REPORT_ERROR,
            "log: the %lld bytes behind entry %llu are no batch, nor one that was cut short: cut back, but look into "
            "it",
            (long long)length_bytes, (unsigned long long)tree_size(tree));
    return 0;
}

static int replay(int directory_fd, uint32_t number, struct tree *tree, struct replay *out)
{
    struct reader *reader;
    struct batch batch;
    int step, error = reader_open(directory_fd, number, SEGMENT_HEADER_BYTES, &reader);

    if (error)
        return error;
    for (;;) {
        off_t at = reader_offset(reader);
        struct tree before = *tree;

        step = reader_next(reader, &batch);
        out->clean = step == READER_END;
        out->end_bytes = at;
        if (step != READER_BATCH)
            break;
        if (absorb(tree, &batch))
            continue;
        out->clean = false;
        if (batch.first >= tree_size(tree))
            tree_restart(tree, batch.first + batch.count, batch_root(&batch));
        step = replay_damaged(reader, tree);
        if (step == 0)
            say_damage(number, at, &before, tree_size(tree));
        break;
    }
    if (step == READER_BAD)
        step = replay_bad(reader, number, tree);
    reader_close(reader);
    return step < 0 ? step : 0;
}

/* The newest segment whose header can be read tells where to begin. A later one without is damage, and its batches are
 * replayed all the same. */
static int find_start(struct writer *writer, uint32_t *from, struct report_why *why)
{
    struct segment_header header;
    uint32_t number = writer->last;
    int error = 0;

    while (!error && number > 0) {
        error = segment_header_read_number(writer->directory_fd, number, &header);
        if (!error && memcmp(header.store_id, writer->store_id, LOG_STORE_ID_BYTES) != 0)
            return report_fail(why, -EBADMSG, "log: segment %u belongs to another store", number);
        if (!error) {
            writer->tree = header.tree;
            *from = number;
            return 0;
        }
        if (error == -ENOTSUP)
            return report_fail(why, -EBADMSG, "log: segment %u has another version of the format than this program",
                               number);
        if (error != -EBADMSG && error != -ENODATA)
            return report_fail(why, error, "log: segment %u can't be read: %s", number, strerror(-error));
        report(REPORT_ERROR, "log: segment %u has no header that can be read", number);
        error = segment_neighbour(writer->directory_fd, number, false, &number);
    }
    if (error)
        return report_fail(why, error, "log: the directory can't be read: %s", strerror(-error));
    return report_fail(why, -EBADMSG, "log: none of the segments has a header that can be read");
}

static int find_end(struct writer *writer, struct report_why *why)
{
    uint32_t first = 0, from = 0, number;
    struct replay found = {0};
    int error = segment_range(writer->directory_fd, &first, &writer->last);

    if (error)
        return report_fail(why, error, "log: the directory can't be read: %s", strerror(-error));
    if (writer->last == 0)
        return 0;
    error = find_start(writer, &from, why);
    for (number = from; !error && number > 0;) {
        error = replay(writer->directory_fd, number, &writer->tree, &found);
        if (!error)
            error = segment_neighbour(writer->directory_fd, number, true, &number);
        if (error)
            return report_fail(why, error, "log: segment %u can't be read: %s", number, strerror(-error));
    }
    if (error || !found.clean || from != writer->last)
        return error;
    error = segment_open(writer->directory_fd, from, found.end_bytes, &writer->segment);
    /* It can be read, so the log can be opened; the first entry will try a new one. */
    if (error)
        report(REPORT_WARNING, "log: segment %u can't be written: %s", from, strerror(-error));
    return 0;
}

int writer_open(int directory_fd, const uint8_t store_id[static LOG_STORE_ID_BYTES], uint32_t segment_bytes,
                enum log_durability durability, struct writer **out, struct report_why *why)
{
    struct writer *writer = calloc(1, sizeof *writer);
    int error;

    if (!writer)
        return -ENOMEM;
    writer->directory_fd = directory_fd;
    writer->segment_bytes = segment_bytes;
    writer->durability = durability;
    writer->segment = SEGMENT_NONE;
    memcpy(writer->store_id, store_id, LOG_STORE_ID_BYTES);
    tree_init(&writer->tree);
    error = find_end(writer, why);
    tree_root(&writer->tree, writer->root);
    if (error) {
        writer_close(writer);
        return error;
    }
    *out = writer;
    return 0;
}

void writer_set_months(struct writer *writer, struct months *months)
{
    writer->months = months;
}

void writer_close(struct writer *writer)
{
    if (!writer)
        return;
    segment_close(&writer->segment);
    buffer_clear(&writer->batch);
    free(writer);
}

uint64_t writer_size(const struct writer *writer)
{
    return tree_size(&writer->tree);
}

void writer_root(const struct writer *writer, uint8_t out[static TREE_HASH_BYTES])
{
    memcpy(out, writer->root, sizeof writer->root);
}

/* What the batch adds is acknowledged. Its root is not computed a second time. */
static void acknowledge(struct writer *writer, const struct tree *next)
{
    writer->tree = *next;
    memcpy(writer->root, writer->batch.bytes + writer->batch.length_bytes - BATCH_TRAILER_BYTES, TREE_HASH_BYTES);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static int begin_segment(struct writer *writer, size_t needed_bytes)
{
    struct segment_header header = {.tree = writer->tree};
    struct segment next = SEGMENT_NONE;
    int error;

    memcpy(header.store_id, writer->store_id, LOG_STORE_ID_BYTES);
    do {
        header.number = writer->last + 1;
        error = segment_create(writer->directory_fd, &header, writer->segment_bytes, needed_bytes, &next);
        /* An earlier try got as far as its name: that one stays empty. */
        if (error == -EEXIST)
            writer->last++;
    } while (error == -EEXIST);
    if (error)
        return error;
    segment_leave(&writer->segment);
    writer->segment = next;
    writer->last = header.number;
    return 0;
}

int writer_start(struct writer *writer, struct report_why *why)
{
    int error = writer->last > 0 ? 0 : begin_segment(writer, BATCH_SEALED_MAX_BYTES);

    return error ? report_fail(why, error, "log: the first segment can't be made: %s", strerror(-error)) : 0;
}

/* Fills the batch with what fits; `tree` runs ahead of what is acknowledged. */
static int fill_batch(struct writer *writer, const struct writer_entry *entries, size_t count, const uint8_t *bodies,
                      struct tree *tree, size_t *taken)
{
    size_t most_bytes = segment_room(&writer->segment);
    size_t done = 0;
    int error = batch_begin(&writer->batch, tree_size(tree));

    if (most_bytes > BATCH_MAX_BYTES)
        most_bytes = BATCH_MAX_BYTES;
    while (!error && done < count && batch_length_with(&writer->batch, entries[done].length_bytes) <= most_bytes) {
        error = batch_add(&writer->batch, writer->months, writer->store_id, entries[done].month,
                          bodies + entries[done].offset_bytes, entries[done].length_bytes, tree);
        done++;
    }
    if (!error)
        error = batch_end(&writer->batch, tree);
    if (!error)
        *taken = done;
    return error;
}

static size_t needed_for(const struct writer_entry *entry)
{
    return BATCH_HEADER_BYTES + BATCH_ENTRY_BYTES + entry->length_bytes + BATCH_TAG_BYTES + BATCH_TRAILER_BYTES;
}

/* The status that the log's callers know, and the errno behind it. */
static int tell_cause(int error, int *cause)
{
    *cause = -error;
    return error == -ENOSPC || error == -EDQUOT ? -ENOSPC : -EIO;
}

static int append_batch(struct writer *writer)
{
    return segment_append(&writer->segment, writer->batch.bytes, writer->batch.length_bytes,
                          writer->durability == LOG_DURABLE_POWER);
}

void writer_recover(struct writer *writer)
{
    segment_leave(&writer->segment);
    /* At once, not with the next entry: the header of the new one is what says that these bytes don't count. */
    (void)begin_segment(writer, SEGMENT_MIN_BYTES - SEGMENT_HEADER_BYTES);
}

int writer_write(struct writer *writer, const struct writer_entry *entries, size_t count, const uint8_t *bodies,
                 size_t *taken, int *cause)
{
    struct tree next = writer->tree;
    size_t batch_count = count;
    int error = 0;

    if (segment_room(&writer->segment) < needed_for(&entries[0]))
        error = begin_segment(writer, needed_for(&entries[0]));
    if (!error)
        error = fill_batch(writer, entries, count, bodies, &next, &batch_count);
    if (!error) {
        error = append_batch(writer);
        if (error)
            writer_recover(writer);
    }
    *taken = batch_count;
    if (error)
        return tell_cause(error, cause);
    acknowledge(writer, &next);
    return 0;
}

int writer_launch(struct writer *writer, struct flight *flight, const struct writer_entry *entries, size_t count,
                  const uint8_t *bodies, size_t *taken)
{
    size_t batch_count = 0;

    if (segment_room(&writer->segment) < needed_for(&entries[0]))
        return -EAGAIN;
    writer->next = writer->tree;
    if (fill_batch(writer, entries, count, bodies, &writer->next, &batch_count) < 0 || batch_count == 0 ||
        !segment_can_launch(&writer->segment, writer->batch.length_bytes))
        return -EAGAIN;
    if (writer->durability == LOG_DURABLE_POWER) {
        if (segment_launch(&writer->segment, flight, writer->batch.bytes, writer->batch.length_bytes) < 0)
            return -EAGAIN;
        *taken = batch_count;
        return 0;
    }
    /* A failure is left to writer_write(), which does the same over again, over the same place, and knows what to do. */
    if (append_batch(writer) < 0)
        return -EAGAIN;
    acknowledge(writer, &writer->next);
    *taken = batch_count;
    return 1;
}

int writer_land(struct writer *writer, int status, int *cause)
{
    if (status)
        return tell_cause(status, cause);
    segment_land(&writer->segment, writer->batch.length_bytes);
    acknowledge(writer, &writer->next);
    return 0;
}
