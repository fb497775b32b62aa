/* Goal: an entry is acknowledged only after it is durable: whatever a process that is killed under load had acknowledged is
 * found again, whole and in order, time after time. */
#include "tests/unit/log_stage.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

enum { ROUNDS = 12, IN_FLIGHT = 64, MOST = 60000 };

static int pipe_to_parent;
static sem_t free_places;

static void acknowledge(void *context, int status)
{
    uint32_t number = (uint32_t)(uintptr_t)context;

    if (status == 0 && write(pipe_to_parent, &number, sizeof number) != (ssize_t)sizeof number)
        _exit(3);
    sem_post(&free_places);
}

/* Appends for ever, some of the entries long, so that batches span sectors and pages. */
static void child(struct stage *stage, uint32_t from)
{
    static char long_name[1500];

    memset(long_name, 'n', sizeof long_name - 1);
    if (stage_try_open(stage) != 0)
        _exit(2);
    sem_init(&free_places, 0, IN_FLIGHT);
    for (uint32_t i = from;; i++) {
        struct log_entry entry = stage_entry(i);

        entry.pid = (int32_t)i;
        if (i % 5 == 0)
            entry.name = long_name;
        sem_wait(&free_places);
        if (log_append(stage->log, &entry, acknowledge, (void *)(uintptr_t)i) != 0)
            _exit(4);
    }
}

static uint8_t acknowledged[MOST], found[MOST];

static int note_found(void *context, const struct log_record *record)
{
    (void)context;
    if (record->erased || record->entry.pid < 0 || record->entry.pid >= MOST)
        return -EINVAL;
    found[record->entry.pid]++;
    return 0;
}

/* Lets a child append until it has acknowledged `wait_for` entries, then kills it. Returns the highest number seen. */
static uint32_t run_and_kill(struct stage *stage, uint32_t from, unsigned wait_for)
{
    int ends[2], status;
    uint32_t number, highest = from;
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
    struct stage stage;
    uint32_t next = 0;

    (void)state;
    stage_begin(&stage);
    stage.segment_bytes = 1 << 18;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct verify_report report;

        next = run_and_kill(&stage, next, 37 * round) + IN_FLIGHT + 1;
        report = stage_verify(&stage);
        assert_int_equal(report.result, VERIFY_NOT_ANCHORED);
        memset(found, 0, sizeof found);
        stage_open(&stage);
        assert_int_equal(log_query(stage.log, &(struct log_filter){0}, note_found, NULL, &stage.why), 0);
        for (uint32_t i = 0; i < next; i++) {
            if (acknowledged[i] && !found[i])
                print_error("entry %u was acknowledged and is lost\n", i);
            assert_true(found[i] <= 1 && found[i] >= acknowledged[i]);
        }
        stage_close(&stage);
    }
    assert_true(next > ROUNDS * 100);
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(acknowledged_entries_survive_a_kill)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
