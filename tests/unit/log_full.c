/* Goal: on a full disk waiters are told so, nothing acknowledged is lost, nothing failed is shown, and the log goes on by
 * itself when there is room again. */
#include "tests/unit/log_stage.h"

#include <sched.h>
#include <sys/mount.h>

static int fill(struct stage *stage, unsigned *next)
{
    int error = 0;

    while (!error) {
        struct log_entry entry = stage_entry(*next);

        error = log_append_and_wait(stage->log, &entry);
        if (!error)
            ++*next;
    }
    return error;
}

static void assert_state(struct stage *stage, unsigned count)
{
    struct verify_report report = stage_verify(stage);
    struct stage_answer answer;
    uint64_t sum = 0;

    assert_int_equal(report.result, VERIFY_NOT_ANCHORED);
    assert_int_equal(report.entries, count);
    assert_int_equal(log_size(stage->log), count);
    assert_int_equal(stage_query(stage, &(struct log_filter){0}, &answer), 0);
    assert_int_equal(answer.count, count);
    for (unsigned i = 0; i < count; i++)
        sum += (i + 1) * (uint64_t)(stage_entry(i).pid + 1);
    assert_true(answer.sum == sum);
}

static void full_disk_is_told_and_recovered_from(void **state)
{
    struct stage *stage = *state;
    unsigned next = 0, before;

    stage_open(stage);
    for (unsigned round = 0; round < 3; round++) {
        struct log_entry failing = stage_entry(999999);

        assert_int_equal(stage_shell(stage, "{ cat /dev/zero > ballast; truncate -s -512K ballast; } 2>/dev/null"),
                         0);
        before = next;
        assert_int_equal(fill(stage, &next), -ENOSPC);
        assert_true(next > before);
        for (unsigned i = 0; i < 20; i++)
            assert_int_equal(log_append_and_wait(stage->log, &failing), -ENOSPC);
        assert_int_equal(log_append(stage->log, &failing, NULL, NULL), 0); /* nobody waits: counted, said once */
        assert_int_equal(stage_verify(stage).result, VERIFY_NOT_ANCHORED);
        assert_int_equal(log_append_and_wait(stage->log, &failing), -ENOSPC);
        assert_int_equal(stage_shell(stage, "rm ballast"), 0);
        stage_append(stage, next, next + 10);
        next += 10;
        assert_state(stage, next);
    }
    /* Full when it is opened, too. */
    assert_int_equal(stage_shell(stage, "{ cat /dev/zero > ballast; truncate -s -512K ballast; } 2>/dev/null"), 0);
    fill(stage, &next);
    stage_close(stage);
    stage_open(stage);
    assert_int_equal(log_size(stage->log), next);
    assert_int_equal(stage_shell(stage, "rm ballast"), 0);
    stage_append(stage, next, next + 10);
    assert_state(stage, next + 10);
    stage_close(stage);
}

int main(void)
{
    struct stage stage;
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(full_disk_is_told_and_recovered_from, &stage)};
    int status;

    stage_begin(&stage);
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("log-test", stage.path, "tmpfs", 0, "size=8m") < 0) {
        printf("skipped: can't mount a small tmpfs here: %s\n", strerror(errno));
        rmdir(stage.path);
        return 77;
    }
    status = cmocka_run_group_tests(tests, NULL, NULL);
    umount(stage.path);
    rmdir(stage.path);
    return status;
}
