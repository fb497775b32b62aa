/* Goal: when there are entries is told for all that are left, without a look at each; and asking does not make the index worse. */
#include <sqlite3.h>

#include "fs/base/bytes.h"
#include "tests/unit/log_stage.h"

enum { MONTH_MS = 32 * 86400 };

struct told {
    unsigned stretches, singles;
    int64_t low_ms, high_ms;
    bool want_singles;
    int answer;
};

static int tell(void *context, int64_t first_ms, int64_t last_ms)
{
    struct told *told = context;

    assert_true(first_ms <= last_ms);
    if (told->low_ms == 0 || first_ms < told->low_ms)
        told->low_ms = first_ms;
    if (last_ms > told->high_ms)
        told->high_ms = last_ms;
    if (first_ms == last_ms)
        told->singles++;
    else
        told->stretches++;
    return told->answer ? told->answer : told->want_singles && first_ms < last_ms;
}

static void times_of_all_are_told(void **state)
{
    struct told stretches = {0}, all = {.want_singles = true}, ended = {.answer = -ECANCELED};
    struct stage stage;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    assert_int_equal(log_times(stage.log, tell, &all, &stage.why), 0);
    assert_int_equal(all.stretches + all.singles, 0);
    stage_append(&stage, 0, 3000);
    assert_int_equal(log_times(stage.log, tell, &stretches, &stage.why), 0);
    assert_in_range(stretches.stretches, 1, 4);
    assert_int_equal(stretches.singles, 0);
    assert_true(stretches.low_ms == stage_start_ms && stretches.high_ms == stage_start_ms + 2999000);
    assert_int_equal(log_times(stage.log, tell, &all, &stage.why), 0);
    assert_int_equal(all.singles, 3000);
    assert_int_equal(log_times(stage.log, tell, &ended, &stage.why), -ECANCELED);
    assert_int_equal(ended.stretches, 1);
    stage_end(&stage);
}

/* A month whose key is gone. */
static void what_is_erased_is_not_told(void **state)
{
    struct told all = {.want_singles = true};
    uint8_t destroyed[128] = {2};
    struct stage stage;
    char path[128];
    int fd;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    for (unsigned i = 0; i < 40; i++) {
        struct log_entry entry = stage_entry(i);

        entry.time_ms += (int64_t)(i / 20) * MONTH_MS * 1000;
        assert_int_equal(log_append_and_wait(stage.log, &entry), 0);
    }
    stage_close(&stage);
    snprintf(path, sizeof path, "%s/months", stage.path);
    fd = open(path, O_RDWR | O_CLOEXEC);
    bytes_put_u32(destroyed + 4, (2026 - 1970) * 12 + 9); /* October 2026, which the log begins with */
    assert_int_equal(file_pwrite(fd, destroyed, sizeof destroyed, 128), 0);
    close(fd);
    assert_int_equal(stage_shell(&stage, "rm -f index.db*"), 0);
    stage_open(&stage);
    assert_int_equal(log_times(stage.log, tell, &all, &stage.why), 0);
    assert_int_equal(all.singles, 20);
    assert_true(all.high_ms > stage_start_ms + (int64_t)MONTH_MS * 1000);
    stage_end(&stage);
}

static int64_t spans_of(const struct stage *stage)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;
    int64_t count;
    char path[128];

    snprintf(path, sizeof path, "%s/index.db", stage->path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM span", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

/* A question a second for a year must not leave millions of stretches that each later question goes through. */
static void questions_do_not_cut_the_index_up(void **state)
{
    struct told told = {0};
    struct stage stage;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    for (unsigned i = 0; i < 200; i++) {
        stage_append(&stage, i, i + 1);
        assert_int_equal(log_times(stage.log, tell, &told, &stage.why), 0);
    }
    stage_close(&stage);
    assert_int_equal(spans_of(&stage), 1);
    stage_open(&stage);
    told = (struct told){.want_singles = true};
    assert_int_equal(log_times(stage.log, tell, &told, &stage.why), 0);
    assert_int_equal(told.singles, 200);
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_all_are_told),
        cmocka_unit_test(what_is_erased_is_not_told),
        cmocka_unit_test(questions_do_not_cut_the_index_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
