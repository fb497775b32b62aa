/* Goal: whatever is done to the files, verify says so and names the entry, opening keeps what is whole and says what is not,
 * and nothing crashes. */
#include "tests/unit/log_stage.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "fs/base/bytes.h"
#include "fs/log/batch.h"
#include "fs/log/reader.h"
#include "fs/log/segment.h"

enum { ENTRIES = 900, PER_BATCH = 6, FLIPS = 240 };

/* Several entries a batch, so that there is something inside of it to find. */
static void append_batches(struct stage *stage, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        struct log_entry entry = stage_entry(i);

        if ((i + 1) % PER_BATCH == 0 || i + 1 == to)
            assert_int_equal(log_append_and_wait(stage->log, &entry), 0);
        else
            assert_int_equal(log_append(stage->log, &entry, NULL, NULL), 0);
    }
}

static void begin_filled(struct stage *stage)
{
    stage_begin(stage);
    stage_open(stage);
    append_batches(stage, 0, ENTRIES);
    stage_close(stage);
    assert_int_equal(stage_verify(stage).result, VERIFY_NOT_ANCHORED);
}

/* A segment in memory, and where its batches are. */
struct image {
    unsigned number;
    struct buffer bytes;
    size_t at[ENTRIES + 1]; /* of each batch; the last one is where they end */
    size_t batches;
};

static void load(const struct stage *stage, unsigned number, struct image *image)
{
    char path[128];
    struct batch batch;
    size_t at = SEGMENT_HEADER_BYTES;

    memset(image, 0, sizeof *image);
    image->number = number;
    stage_segment_path(stage, number, path);
    assert_int_equal(file_read_path(path, 1 << 20, &image->bytes), 0);
    while (batch_parse(image->bytes.bytes + at, image->bytes.length_bytes - at, &batch)) {
        image->at[image->batches++] = at;
        at += batch.length_bytes;
    }
    image->at[image->batches] = at;
    assert_true(image->batches > 3);
}

static struct batch batch_of(const struct image *image, size_t i)
{
    struct batch batch;

    assert_true(batch_parse(image->bytes.bytes + image->at[i], image->at[i + 1] - image->at[i], &batch));
    return batch;
}

static void store(const struct stage *stage, const struct image *image)
{
    char path[128];
    int fd;

    stage_segment_path(stage, image->number, path);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(file_pwrite(fd, image->bytes.bytes, image->bytes.length_bytes, 0), 0);
    close(fd);
}

/* What someone does who knows the format, but has not got the tree on his side. */
static void fix_checksum(uint8_t *bytes, size_t length_bytes)
{
    crypto_generichash(bytes + length_bytes - 16, 16, bytes, length_bytes - 16, NULL, 0);
}

static void assert_bad(const struct stage *stage, enum verify_result result, uint64_t entry)
{
    struct verify_report report = stage_verify(stage);

    if (report.result != result || report.bad_entry != entry)
        print_error("%d, entry %llu: %s\n", (int)report.result, (unsigned long long)report.bad_entry, report.text);
    assert_int_equal(report.result, result);
    assert_int_equal(report.bad_entry, entry);
}

static unsigned last_segment(const struct stage *stage)
{
    int fd = open(stage->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint32_t first, last;

    assert_int_equal(segment_range(fd, &first, &last), 0);
    close(fd);
    return last;
}

/* One byte at a time, put back afterwards. What was verified before the bad entry must be right, too. */
static void flipped_bytes_are_found(void **state)
{
    struct stage stage;
    unsigned last;

    (void)state;
    begin_filled(&stage);
    last = last_segment(&stage);
    assert_true(last >= 3);
    for (unsigned number = 1; number <= last; number++) {
        int fd = stage_segment_fd(&stage, number);
        struct image image;

        load(&stage, number, &image);
        /* At the end of the last one verify takes its time: it might be written at this moment. */
        for (unsigned round = 0; round < (number < last ? FLIPS / last : 24); round++) {
            size_t content = round % 8 ? image.at[image.batches] : SEGMENT_HEADER_BYTES, i = 0;
            size_t at = randombytes_uniform((uint32_t)content);
            uint8_t byte = image.bytes.bytes[at] ^ (uint8_t)(1 + randombytes_uniform(255));
            struct verify_report report;

            assert_int_equal(file_pwrite(fd, &byte, 1, (off_t)at), 0);
            report = stage_verify(&stage);
            if (report.result != VERIFY_ALTERED && report.result != VERIFY_DAMAGED)
                print_error("segment %u byte %zu: %d %s\n", number, at, (int)report.result, report.text);
            assert_true(report.result == VERIFY_ALTERED || report.result == VERIFY_DAMAGED);
            while (at >= SEGMENT_HEADER_BYTES && image.at[i + 1] <= at)
                i++;
            assert_in_range(report.bad_entry, batch_of(&image, i).first + 1,
                            batch_of(&image, i).first + batch_of(&image, i).count);
            assert_int_equal(file_pwrite(fd, image.bytes.bytes + at, 1, (off_t)at), 0);
        }
        buffer_clear(&image.bytes);
        close(fd);
    }
    assert_int_equal(stage_verify(&stage).result, VERIFY_NOT_ANCHORED);
    stage_end(&stage);
}

static void altered_entry_is_named(void **state)
{
    struct stage stage;
    struct image image;
    struct batch batch;
    struct batch_entry entry = {0};
    size_t place = 0, target = 0;

    (void)state;
    begin_filled(&stage);
    load(&stage, 2, &image);
    target = 1;
    while (batch_of(&image, target).count < 4)
        target++;
    batch = batch_of(&image, target);
    for (unsigned i = 0; i < 3; i++)
        assert_true(batch_next(&batch, &place, &entry));
    image.bytes.bytes[image.at[target] + entry.place + BATCH_ENTRY_BYTES + 5] ^= 1;
    store(&stage, &image);
    assert_bad(&stage, VERIFY_ALTERED, batch.first + 3);
    fix_checksum(image.bytes.bytes + image.at[target], batch.length_bytes);
    store(&stage, &image);
    assert_bad(&stage, VERIFY_ALTERED, batch.first + 3);
    buffer_clear(&image.bytes);
    stage_end(&stage);
}

/* Where entry `i` of a batch lies, and how long it is with its header. */
static size_t entry_at(const struct batch *batch, unsigned i, size_t *length_bytes)
{
    struct batch_entry entry = {0};
    size_t place = 0;

    for (unsigned k = 0; k <= i; k++)
        assert_true(batch_next(batch, &place, &entry));
    *length_bytes = BATCH_ENTRY_BYTES + entry.sealed_bytes;
    return entry.place;
}

static size_t batch_with(const struct image *image, unsigned count)
{
    for (size_t i = 1; i < image->batches; i++)
        if (batch_of(image, i).count >= count)
            return i;
    fail();
    return 0;
}

static void removed_entry_is_found(void **state)
{
    struct stage stage;
    struct image image;
    struct batch batch;
    size_t target, place, length_bytes;
    uint8_t *bytes;

    (void)state;
    begin_filled(&stage);
    load(&stage, 1, &image);
    target = batch_with(&image, 4);
    batch = batch_of(&image, target);
    place = entry_at(&batch, 1, &length_bytes);
    bytes = image.bytes.bytes + image.at[target];
    memmove(bytes + place, bytes + place + length_bytes,
            image.bytes.length_bytes - image.at[target] - place - length_bytes);
    image.bytes.length_bytes -= length_bytes;
    bytes_put_u32(bytes + 4, (uint32_t)(batch.length_bytes - length_bytes));
    bytes_put_u32(bytes + 16, batch.count - 1);
    fix_checksum(bytes, batch.length_bytes - length_bytes);
    store(&stage, &image);
    assert_bad(&stage, VERIFY_ALTERED, batch.first + 2);
    buffer_clear(&image.bytes);
    stage_end(&stage);
}

static void swap(uint8_t *a, uint8_t *b, size_t length_bytes)
{
    for (size_t i = 0; i < length_bytes; i++) {
        uint8_t kept = a[i];

        a[i] = b[i];
        b[i] = kept;
    }
}

static void swapped_entries_are_found(void **state)
{
    struct stage stage;
    struct image image;
    struct batch batch;
    size_t target, one, two, one_bytes, two_bytes;
    uint8_t *bytes;

    (void)state;
    begin_filled(&stage);
    load(&stage, 1, &image);
    target = batch_with(&image, 5);
    batch = batch_of(&image, target);
    bytes = image.bytes.bytes + image.at[target];
    one = entry_at(&batch, 1, &one_bytes);
    two = entry_at(&batch, 3, &two_bytes);
    if (one_bytes != two_bytes)
        two = entry_at(&batch, 4, &two_bytes);
    assert_int_equal(one_bytes, two_bytes);
    swap(bytes + one, bytes + two, one_bytes);
    fix_checksum(bytes, batch.length_bytes);
    store(&stage, &image);
    assert_bad(&stage, VERIFY_ALTERED, batch.first + 2);
    buffer_clear(&image.bytes);
    stage_end(&stage);
}

static void cut_and_moved_batches_are_found(void **state)
{
    struct stage stage;
    struct image image;
    struct buffer kept = BUFFER_EMPTY;
    size_t from, to;
    uint64_t first, tail;

    (void)state;
    begin_filled(&stage);
    load(&stage, 2, &image);
    buffer_append(&kept, image.bytes.bytes, image.bytes.length_bytes);
    from = image.at[2];
    to = image.at[3];
    first = batch_of(&image, 2).first;
    tail = batch_of(&image, image.batches - 1).first;

    memmove(image.bytes.bytes + from, image.bytes.bytes + to, image.bytes.length_bytes - to);
    image.bytes.length_bytes -= to - from;
    store(&stage, &image);
    assert_bad(&stage, VERIFY_ALTERED, first + 1);

    buffer_reset(&image.bytes); /* the third batch behind the fourth */
    buffer_append(&image.bytes, kept.bytes, from);
    buffer_append(&image.bytes, kept.bytes + to, image.at[4] - to);
    buffer_append(&image.bytes, kept.bytes + from, to - from);
    buffer_append(&image.bytes, kept.bytes + image.at[4], kept.length_bytes - image.at[4]);
    store(&stage, &image);
    assert_bad(&stage, VERIFY_ALTERED, first + 1);

    buffer_reset(&image.bytes); /* the last one is cut off: the next segment counts on it */
    buffer_append(&image.bytes, kept.bytes, image.at[image.batches - 1]);
    store(&stage, &image);
    assert_bad(&stage, VERIFY_ALTERED, tail + 1);

    buffer_reset(&image.bytes); /* and replaced by zeros */
    buffer_append(&image.bytes, kept.bytes, kept.length_bytes);
    memset(image.bytes.bytes + image.at[2], 0, to - from);
    store(&stage, &image);
    assert_bad(&stage, VERIFY_DAMAGED, first + 1);
    buffer_clear(&image.bytes);
    buffer_clear(&kept);
    stage_end(&stage);
}

static void missing_segments_are_found(void **state)
{
    struct stage stage;
    struct image image;

    (void)state;
    begin_filled(&stage);
    load(&stage, 2, &image);
    assert_int_equal(stage_shell(&stage, "mv 00000002.seg kept"), 0);
    assert_bad(&stage, VERIFY_ALTERED, batch_of(&image, 0).first + 1);
    assert_int_equal(stage_shell(&stage, "cp 00000001.seg 00000002.seg"), 0);
    assert_bad(&stage, VERIFY_DAMAGED, batch_of(&image, 0).first + 1);
    assert_int_equal(stage_shell(&stage, "head -c 50000 /dev/urandom > 00000002.seg"), 0);
    assert_bad(&stage, VERIFY_DAMAGED, batch_of(&image, 0).first + 1);
    assert_int_equal(stage_shell(&stage, "mv kept 00000002.seg && mv 00000001.seg kept"), 0);
    assert_bad(&stage, VERIFY_ALTERED, 1);
    assert_int_equal(stage_shell(&stage, "rm *.seg"), 0);
    assert_bad(&stage, VERIFY_ALTERED, 1);
    assert_int_equal(stage_shell(&stage, "mv kept 00000001.seg && cp 00000001.seg 99999999.seg"), 0);
    assert_int_equal(stage_verify(&stage).result, VERIFY_ALTERED); /* and soon: gaps are not counted through */
    assert_int_equal(stage_shell(&stage, "rm *"), 0);
    assert_bad(&stage, VERIFY_IMPOSSIBLE, 0);
    buffer_clear(&image.bytes);
    stage_end(&stage);
    assert_bad(&stage, VERIFY_IMPOSSIBLE, 0);
}

/* A write that was cut short: some sectors of the last batch were never written. */
static void torn_tail_is_cut_back(void **state)
{
    static const unsigned keeps[] = {1, 30, 100, 200};
    struct stage stage;
    unsigned count = 0;
    uint64_t remains_bytes = 0, first_gone = 0;

    (void)state;
    stage_begin(&stage);
    stage.segment_bytes = 1 << 18;
    for (unsigned round = 0; round < 4; round++) {
        struct image image;
        struct verify_report report;
        struct batch batch;
        size_t at;

        stage_open(&stage);
        append_batches(&stage, count, count + 60);
        stage_close(&stage);
        load(&stage, last_segment(&stage), &image);
        batch = batch_of(&image, image.batches - 1);
        at = image.at[image.batches - 1] + keeps[round];
        assert_true(keeps[round] + 600 < batch.length_bytes);
        memset(image.bytes.bytes + at, 0, image.at[image.batches] - at);
        store(&stage, &image);
        report = stage_verify(&stage);
        assert_int_equal(report.result, round == 0 ? VERIFY_SHORTER : VERIFY_ALTERED); /* what is gone was signed */
        if (round == 0)
            first_gone = batch.first + 1;
        assert_true(report.bad_entry > 0 && report.bad_entry <= first_gone);
        assert_int_equal(report.entries, batch.first);
        remains_bytes += keeps[round] < 20 ? keeps[round] : batch.length_bytes;
        assert_int_equal(report.unacknowledged_bytes, remains_bytes);
        count = (unsigned)batch.first;
        stage_open(&stage);
        assert_int_equal(log_size(stage.log), count);
        stage_close(&stage);
        buffer_clear(&image.bytes);
    }
    stage_open(&stage);
    stage_append(&stage, count, count + 5);
    assert_int_equal(stage_count(&stage), count + 5);
    assert_int_equal(stage_verify(&stage).entries, count + 5);
    assert_int_equal(stage_verify(&stage).result, VERIFY_ALTERED);
    stage_end(&stage);
}

static void cut_file_is_cut_back(void **state)
{
    struct stage stage;
    struct image image;
    unsigned last;
    uint64_t first;
    int fd;

    (void)state;
    begin_filled(&stage);
    last = last_segment(&stage);
    load(&stage, last, &image);
    first = batch_of(&image, image.batches - 1).first;
    fd = stage_segment_fd(&stage, last);
    assert_int_equal(ftruncate(fd, (off_t)image.at[image.batches] - 20), 0);
    close(fd);
    assert_int_equal(stage_verify(&stage).result, VERIFY_SHORTER);
    assert_int_equal(stage_verify(&stage).bad_entry, first + 1);
    stage_open(&stage);
    assert_int_equal(log_size(stage.log), first);
    stage_append(&stage, (unsigned)first, ENTRIES);
    assert_int_equal(stage_count(&stage), ENTRIES);
    assert_int_equal(stage_verify(&stage).entries, ENTRIES);
    buffer_clear(&image.bytes);
    stage_end(&stage);
}

/* Whole batches behind a bad one: nothing of them is given up, nothing of the damage is forgotten. */
static void damage_is_kept_and_said(void **state)
{
    struct stage stage;
    struct image image;
    struct stage_answer answer;
    struct verify_report report;
    uint64_t lost, lost_count;

    (void)state;
    begin_filled(&stage);
    load(&stage, last_segment(&stage), &image);
    lost = batch_of(&image, 1).first;
    lost_count = batch_of(&image, 1).count;
    memset(image.bytes.bytes + image.at[1], 0xee, image.at[2] - image.at[1]);
    store(&stage, &image);
    assert_bad(&stage, VERIFY_DAMAGED, lost + 1);
    assert_int_equal(stage_shell(&stage, "rm -f index.db*"), 0);
    for (unsigned round = 0; round < 2; round++) {
        stage_open(&stage);
        assert_int_equal(log_size(stage.log), ENTRIES + round * 20);
        append_batches(&stage, ENTRIES + round * 20, ENTRIES + 20 + round * 20);
        assert_int_equal(stage_query(&stage, &(struct log_filter){0}, &answer), -EBADMSG);
        assert_int_equal(answer.count, ENTRIES + 20 + round * 20 - lost_count);
        assert_int_equal(answer.last, ENTRIES + 20 + round * 20);
        assert_int_equal(stage_query(&stage, &(struct log_filter){.after = lost + lost_count}, &answer), 0);
        assert_int_equal(stage_query(&stage, &(struct log_filter){.limit = 3}, &answer), 0);
        assert_int_equal(stage_query(&stage, &(struct log_filter){.limit = 3, .newest = true}, &answer), 0);
        stage_close(&stage);
    }
    assert_bad(&stage, VERIFY_DAMAGED, lost + 1);
    report = stage_verify(&stage);
    assert_int_equal(report.entries, lost + 40); /* all that can be: before the damage, and in the new segment */
    buffer_clear(&image.bytes);
    stage_end(&stage);
}

static void broken_header_is_survived(void **state)
{
    struct stage stage;
    struct image image;
    uint64_t first;

    (void)state;
    begin_filled(&stage);
    load(&stage, last_segment(&stage), &image);
    first = batch_of(&image, 0).first;
    image.bytes.bytes[100] ^= 1;
    store(&stage, &image);
    assert_bad(&stage, VERIFY_DAMAGED, first + 1);
    stage_open(&stage);
    assert_int_equal(log_size(stage.log), ENTRIES);
    stage_append(&stage, ENTRIES, ENTRIES + 10);
    assert_int_equal(stage_count(&stage), ENTRIES + 10);
    assert_bad(&stage, VERIFY_DAMAGED, first + 1);
    assert_int_equal(stage_verify(&stage).entries, ENTRIES + 10);
    buffer_clear(&image.bytes);
    stage_end(&stage);
}

/* Random changes all over: opening, asking and verifying end, each with an answer. The sanitizers watch. */
static void random_changes_do_no_harm(void **state)
{
    static const char *const names[] = {"00000001.seg", "00000002.seg", "00000003.seg", "months", "index.db"};
    struct stage stage;
    char path[128];

    (void)state;
    begin_filled(&stage);
    for (unsigned round = 0; round < 40; round++) {
        struct stage_answer answer;
        struct stat status;
        uint8_t bytes[64];
        int fd;

        snprintf(path, sizeof path, "%s/%s", stage.path, names[round % 5]);
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
            randombytes_buf(bytes, sizeof bytes);
            assert_int_equal(file_pwrite(fd, bytes, 1 + randombytes_uniform(sizeof bytes),
                                         (off_t)randombytes_uniform((uint32_t)status.st_size)),
                             0);
        }
        if (fd >= 0)
            close(fd);
        assert_int_not_equal(stage_verify(&stage).result, VERIFY_INTACT);
        if (stage_try_open(&stage) == 0) {
            struct log_entry entry = stage_entry(round);
            int error = stage_query(&stage, &(struct log_filter){0}, &answer);

            assert_true(error == 0 || error == -EBADMSG);
            assert_int_equal(log_append_and_wait(stage.log, &entry), 0);
            stage_close(&stage);
        }
    }
    stage_end(&stage);
}

static void *verify_meanwhile(void *context)
{
    atomic_bool *stop = ((void **)context)[1];
    const struct stage *stage = ((void **)context)[0];
    uint64_t before = 0;

    while (!*stop) {
        struct verify_report report = stage_verify(stage);

        if (report.result != VERIFY_NOT_ANCHORED || report.entries < before) {
            print_error("%s\n", report.text);
            return context;
        }
        before = report.entries;
    }
    return NULL;
}

static void running_log_can_be_verified(void **state)
{
    struct stage stage;
    atomic_bool stop = false;
    pthread_t thread;
    void *context[] = {&stage, &stop}, *failed;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    assert_int_equal(pthread_create(&thread, NULL, verify_meanwhile, context), 0);
    append_batches(&stage, 0, 6000);
    stop = true;
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(stage_verify(&stage).entries, 6000);
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipped_bytes_are_found),         cmocka_unit_test(altered_entry_is_named),
        cmocka_unit_test(removed_entry_is_found),          cmocka_unit_test(swapped_entries_are_found),
        cmocka_unit_test(cut_and_moved_batches_are_found), cmocka_unit_test(missing_segments_are_found),
        cmocka_unit_test(torn_tail_is_cut_back),           cmocka_unit_test(cut_file_is_cut_back),
        cmocka_unit_test(damage_is_kept_and_said),         cmocka_unit_test(broken_header_is_survived),
        cmocka_unit_test(random_changes_do_no_harm),       cmocka_unit_test(running_log_can_be_verified),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
