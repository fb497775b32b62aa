/* Goal: a log that is driven by a thread with other work keeps all that a log with a thread of its own promises: told means
 * durable, in order, nothing lost when it is killed or when the disk fails, and nobody waits for a driver who is busy elsewhere. */
#include "tests/unit/log_stage.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { WAIT_MS = 5000 };

static struct told {
    atomic_uint count; /* raised last: a done may come from the log thread */
    unsigned failed, out_of_order;
    uintptr_t last;
    pthread_t by;
} told;

static void note(void *context, int status)
{
    told.failed += status != 0;
    told.out_of_order += (uintptr_t)context <= told.last;
    told.last = (uintptr_t)context;
    told.by = pthread_self();
    told.count++;
}

static void queue_one(struct stage *stage, unsigned i)
{
    struct log_entry entry = stage_entry(i);

    assert_int_equal(log_append(stage->log, &entry, note, (void *)(uintptr_t)(i + 1)), 0);
}

/* Drives until `count` entries were told of. */
static void drive_until(struct stage *stage, unsigned count)
{
    struct pollfd fd = {log_drive_fd(stage->log), POLLIN, 0};

    for (unsigned tries = 0; told.count < count; tries++) {
        assert_in_range(tries, 0, WAIT_MS);
        log_drive(stage->log, true);
        if (told.count < count)
            poll(&fd, 1, 1);
    }
}

static void begin_driven(struct stage *stage)
{
    memset(&told, 0, sizeof told);
    stage_begin(stage);
    stage_open(stage);
    assert_int_equal(log_drive_begin(stage->log), 0);
    assert_int_equal(log_drive_begin(stage->log), -EBUSY);
}

static void assert_whole(struct stage *stage, unsigned count)
{
    struct verify_report report = stage_verify(stage);

    assert_int_equal(report.result, VERIFY_NOT_ANCHORED);
    assert_int_equal(report.entries, count);
    assert_int_equal(stage_count(stage), count);
}

static void nothing_is_told_before_the_driver_drives(void **state)
{
    struct stage stage;

    (void)state;
    begin_driven(&stage);
    queue_one(&stage, 0);
    poll(NULL, 0, 50);
    assert_int_equal(told.count, 0);
    assert_int_equal(log_drive(stage.log, false), 1); /* wants to be driven at once, and was not allowed to */
    assert_int_equal(log_size(stage.log), 0);
    drive_until(&stage, 1);
    assert_int_equal(log_size(stage.log), 1);
    assert_int_equal(told.failed, 0);
    assert_whole(&stage, 1);
    stage_end(&stage);
}

/* Long and short ones, over the ends of blocks, of what zeros are written ahead for, and of segments. */
static void many_sizes_over_many_segments(void **state)
{
    static char name[3000];
    struct stage stage;
    unsigned next = 0;

    (void)state;
    begin_driven(&stage);
    memset(name, 'n', sizeof name - 1);
    for (unsigned round = 0; round < 400; round++) {
        for (unsigned i = 0; i < 1 + round % 7; i++, next++) {
            struct log_entry entry = stage_entry(next);

            if (next % 3 == 0)
                entry.name = name + (next * 37) % (sizeof name - 1);
            assert_int_equal(log_append(stage.log, &entry, note, (void *)(uintptr_t)(next + 1)), 0);
        }
        drive_until(&stage, next);
    }
    assert_int_equal(told.failed, 0);
    assert_int_equal(told.out_of_order, 0);
    assert_whole(&stage, next);
    /* Closed with entries still queued, and opened again: the end is found, the last block goes on. */
    queue_one(&stage, next);
    stage_close(&stage);
    assert_int_equal(told.count, next + 1);
    stage_open(&stage);
    assert_int_equal(log_drive_begin(stage.log), 0);
    memset(&told, 0, sizeof told);
    for (unsigned i = 0; i < 100; i++) {
        queue_one(&stage, next + 1 + i);
        drive_until(&stage, i + 1);
    }
    assert_whole(&stage, next + 101);
    stage_end(&stage);
}

static void *append_from_elsewhere(void *context)
{
    struct stage *stage = context;

    stage_append(stage, 1000, 1200);
    return NULL;
}

static void others_do_not_wait_for_a_busy_driver(void **state)
{
    struct stage stage;
    pthread_t other;

    (void)state;
    begin_driven(&stage);
    assert_int_equal(pthread_create(&other, NULL, append_from_elsewhere, &stage), 0);
    pthread_join(other, NULL); /* while nobody calls log_drive() */
    assert_int_equal(log_size(stage.log), 200);
    /* And both at once. */
    assert_int_equal(pthread_create(&other, NULL, append_from_elsewhere, &stage), 0);
    for (unsigned i = 0; i < 300; i++) {
        queue_one(&stage, i);
        drive_until(&stage, i + 1);
    }
    /* The other's entries ride with ours: it must not starve when we stop driving. */
    pthread_join(other, NULL);
    assert_int_equal(told.failed, 0);
    assert_int_equal(told.out_of_order, 0);
    assert_whole(&stage, 700);
    stage_end(&stage);
}

static void what_nobody_waits_for_is_written_in_time(void **state)
{
    struct log_entry entry = stage_entry(0);
    struct stage stage;
    int wants_ms;

    (void)state;
    begin_driven(&stage);
    assert_int_equal(log_drive(stage.log, true), -1);
    assert_int_equal(log_append(stage.log, &entry, NULL, NULL), 0);
    wants_ms = log_drive(stage.log, true);
    assert_in_range(wants_ms, 1, 201);
    for (unsigned tries = 0; log_size(stage.log) == 0; tries++) {
        struct pollfd fd = {log_drive_fd(stage.log), POLLIN, 0};

        assert_in_range(tries, 0, 100);
        poll(&fd, 1, wants_ms > 0 ? wants_ms : WAIT_MS);
        wants_ms = log_drive(stage.log, true);
    }
    assert_whole(&stage, 1);
    stage_end(&stage);
}

/* RLIMIT_FSIZE makes a write fail that the kernel had begun, and the making of the next segment as well. */
static void a_write_that_fails_is_told_and_recovered_from(void **state)
{
    struct rlimit whole, small = {4096, RLIM_INFINITY};
    struct stage stage;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    begin_driven(&stage);
    queue_one(&stage, 0);
    queue_one(&stage, 1);
    drive_until(&stage, 2);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (unsigned i = 2; i < 5; i++) {
        queue_one(&stage, i);
        drive_until(&stage, i + 1);
    }
    small.rlim_cur = whole.rlim_cur;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(told.failed, 3);
    assert_int_equal(log_size(stage.log), 2);
    queue_one(&stage, 5);
    drive_until(&stage, 6);
    queue_one(&stage, 6);
    drive_until(&stage, 7);
    assert_int_equal(told.failed, 3);
    assert_int_equal(told.out_of_order, 0);
    assert_whole(&stage, 4);
    stage_end(&stage);
}

static void ending_waits_for_what_is_under_way(void **state)
{
    struct stage stage;

    (void)state;
    begin_driven(&stage);
    for (unsigned i = 0; i < 50; i++) {
        queue_one(&stage, i);
        log_drive(stage.log, true);
        log_drive_end(stage.log);
        assert_int_equal(log_drive_fd(stage.log), -1);
        assert_int_equal(log_drive(stage.log, true), -1);
        assert_int_equal(log_drive_begin(stage.log), 0);
    }
    drive_until(&stage, 50);
    log_drive_end(stage.log);
    stage_append(&stage, 50, 60); /* the thread has it again */
    assert_whole(&stage, 60);
    stage_end(&stage);
}

static void durable_against_a_crash_alone(void **state)
{
    struct stage stage;

    (void)state;
    memset(&told, 0, sizeof told);
    stage_begin(&stage);
    stage.durability = LOG_DURABLE_CRASH;
    stage_open(&stage);
    stage_append(&stage, 0, 10);
    assert_int_equal(log_drive_begin(stage.log), 0);
    for (unsigned i = 10; i < 600; i++) {
        queue_one(&stage, i);
        drive_until(&stage, i - 9);
    }
    assert_int_equal(told.failed, 0);
    assert_whole(&stage, 600);
    stage_end(&stage);
}

/* ---- SIGKILL ------------------------------------------------------------------------------------------------------ */

enum { ROUNDS = 8, MOST = 60000, TOGETHER = 16 };
static int pipe_to_parent;
static atomic_uint under_way;

static void acknowledge(void *context, int status)
{
    uint32_t number = (uint32_t)(uintptr_t)context;

    under_way--;
    if (status == 0 && write(pipe_to_parent, &number, sizeof number) != (ssize_t)sizeof number)
        _exit(3);
}

static void child(struct stage *stage, uint32_t from)
{
    if (stage_try_open(stage) != 0 || log_drive_begin(stage->log) != 0)
        _exit(2);
    for (uint32_t i = from;;) {
        struct pollfd fd = {log_drive_fd(stage->log), POLLIN, 0};

        for (; under_way < 1 + i % TOGETHER; i++, under_way++) {
            struct log_entry entry = stage_entry(i);

            entry.pid = (int32_t)i;
            if (log_append(stage->log, &entry, acknowledge, (void *)(uintptr_t)i) != 0)
                _exit(4);
        }
        log_drive(stage->log, true);
        poll(&fd, 1, 1);
    }
}

static uint8_t acknowledged[MOST], found[MOST];

static int note_found(void *context, const struct log_record *record)
{
    (void)context;
    if (record->entry.pid < 0 || record->entry.pid >= MOST)
        return -EINVAL;
    found[record->entry.pid]++;
    return 0;
}

static uint32_t run_and_kill(struct stage *stage, uint32_t from, unsigned wait_for)
{
    uint32_t number, highest = from;
    int ends[2], status;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        pipe_to_parent = ends[1];
        child(stage, from);
    }
    close(ends[1]);
    for (unsigned seen = 0; read(ends[0], &number, sizeof number) == (ssize_t)sizeof number; seen++) {
        assert_in_range(number, from, MOST - 1);
        acknowledged[number] = 1;
        highest = number;
        if (seen == wait_for)
            assert_int_equal(kill(pid, SIGKILL), 0);
    }
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return highest;
}

static void acknowledged_entries_survive_a_kill(void **state)
{
    enum log_durability durability = *(enum log_durability *)*state;
    struct stage stage;
    uint32_t next = 0;

    memset(acknowledged, 0, sizeof acknowledged);
    stage_begin(&stage);
    stage.segment_bytes = 1 << 17;
    stage.durability = durability;
    for (unsigned round = 0; round < ROUNDS; round++) {
        next = run_and_kill(&stage, next, 61 * round) + TOGETHER + 1;
        memset(found, 0, sizeof found);
        stage_open(&stage);
        assert_int_equal(stage_verify(&stage).result, VERIFY_NOT_ANCHORED);
        assert_int_equal(log_query(stage.log, &(struct log_filter){0}, note_found, NULL, &stage.why), 0);
        for (uint32_t i = 0; i < next; i++)
            if (found[i] > 1 || found[i] < acknowledged[i])
                fail_msg("entry %u was acknowledged %u times and found %u times", i, acknowledged[i], found[i]);
        stage_close(&stage);
    }
    assert_true(next > ROUNDS * 60);
    stage_end(&stage);
}

int main(void)
{
    static enum log_durability power = LOG_DURABLE_POWER, crash = LOG_DURABLE_CRASH;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_before_the_driver_drives),
        cmocka_unit_test(many_sizes_over_many_segments),
        cmocka_unit_test(others_do_not_wait_for_a_busy_driver),
        cmocka_unit_test(what_nobody_waits_for_is_written_in_time),
        cmocka_unit_test(a_write_that_fails_is_told_and_recovered_from),
        cmocka_unit_test(ending_waits_for_what_is_under_way),
        cmocka_unit_test(durable_against_a_crash_alone),
        cmocka_unit_test_prestate(acknowledged_entries_survive_a_kill, &power),
        cmocka_unit_test_prestate(acknowledged_entries_survive_a_kill, &crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
