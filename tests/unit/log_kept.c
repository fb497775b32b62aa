/* Goal: a log of format version 1 that was written once and kept can still be opened, asked, verified and appended to.
 * `log_kept make DIRECTORY` is how the kept one was made. */
#include "tests/unit/log_stage.h"

#include <sodium.h>

#define KEPT "tests/log-v1"
#define ROOT "2d544a3a3e83df0661047e74a2c6b8dfa42f549667b42aeb60577204d16c87df"

enum { ENTRIES = 400 };

static void fill(struct stage *stage)
{
    stage_open(stage);
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct log_entry entry = stage_entry(i);

        entry.time_ms = stage_start_ms + (int64_t)i * 6 * 3600 * 1000; /* over four months */
        if (i % 8 == 7 || i + 1 == ENTRIES)
            assert_int_equal(log_append_and_wait(stage->log, &entry), 0);
        else
            assert_int_equal(log_append(stage->log, &entry, NULL, NULL), 0);
    }
    stage_close(stage);
}

static void read_exactly(const char *path, uint8_t *to, size_t length_bytes)
{
    struct buffer bytes = BUFFER_EMPTY;

    assert_int_equal(file_read_path(path, 4096, &bytes), 0);
    assert_int_equal(bytes.length_bytes, length_bytes);
    memcpy(to, bytes.bytes, length_bytes);
    buffer_clear(&bytes);
}

static void kept_log_can_be_used(void **state)
{
    struct stage stage;
    struct stage_answer answer;
    struct verify_report report;
    struct log_filter filter = {.user = "bram", .purpose = "onderhoud"};
    char command[128], root[2 * LOG_ROOT_BYTES + 1];

    (void)state;
    stage_begin(&stage);
    read_exactly(KEPT "/key", stage.key, sizeof stage.key);
    read_exactly(KEPT "/store-id", stage.store_id, sizeof stage.store_id);
    snprintf(command, sizeof command, "cp " KEPT "/*.seg " KEPT "/months '%s'", stage.path);
    assert_int_equal(system(command), 0);

    report = stage_verify(&stage);
    assert_int_equal(report.result, VERIFY_NOT_ANCHORED);
    assert_int_equal(report.entries, ENTRIES);
    assert_int_equal(report.segments, 2);
    sodium_bin2hex(root, sizeof root, report.root, sizeof report.root);
    assert_string_equal(root, ROOT);

    stage_open(&stage);
    assert_int_equal(log_size(stage.log), ENTRIES);
    assert_int_equal(stage_query(&stage, &(struct log_filter){0}, &answer), 0);
    assert_int_equal(answer.count, ENTRIES);
    assert_int_equal(answer.erased, 0);
    assert_int_equal(stage_query(&stage, &filter, &answer), 0);
    assert_int_equal(answer.count, ENTRIES / 6 + 1); /* 1, 7, 13, ... */
    stage_append(&stage, ENTRIES, ENTRIES + 10);
    assert_int_equal(stage_count(&stage), ENTRIES + 10);
    assert_int_equal(stage_verify(&stage).entries, ENTRIES + 10);
    stage_end(&stage);
}

static void put(const char *directory, const char *name, const uint8_t *bytes, size_t length_bytes)
{
    char path[256];
    int fd;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(file_pwrite(fd, bytes, length_bytes, 0), 0);
    close(fd);
}

static int make(const char *directory)
{
    struct stage stage;
    struct verify_report report;
    char command[512], root[2 * LOG_ROOT_BYTES + 1];

    stage_begin(&stage);
    randombytes_buf(stage.key, sizeof stage.key);
    randombytes_buf(stage.store_id, sizeof stage.store_id);
    fill(&stage);
    report = stage_verify(&stage);
    sodium_bin2hex(root, sizeof root, report.root, sizeof report.root);
    printf("%s\n", root);
    put(directory, "key", stage.key, sizeof stage.key);
    put(directory, "store-id", stage.store_id, sizeof stage.store_id);
    snprintf(command, sizeof command, "cp '%s'/*.seg '%s'/months '%s'", stage.path, stage.path, directory);
    assert_int_equal(system(command), 0);
    stage_end(&stage);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kept_log_can_be_used)};

    if (sodium_init() < 0)
        return 1;
    if (argc == 3 && strcmp(argv[1], "make") == 0)
        return make(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
