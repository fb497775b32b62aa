/* Goal: jobs are done in another thread and handed back in this one; one uid's do not keep those of another; what was not done when the
 * worker ends is handed back as cancelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fs/mount/worker.h"

struct counted {
    struct worker_job job;
    unsigned slices, worked;
    bool there, back, cancelled; /* done by another thread, handed back in this one */
    unsigned order;
};

static pthread_t dispatcher;
static unsigned handed_back;
static atomic_bool held;
static atomic_uint holding;

static bool work(struct worker_job *job)
{
    struct counted *counted = (struct counted *)job;

    atomic_fetch_add(&holding, 1);
    while (atomic_load(&held))
        usleep(100);
    counted->there = !pthread_equal(pthread_self(), dispatcher);
    return ++counted->worked < counted->slices;
}

static void done(struct worker_job *job)
{
    struct counted *counted = (struct counted *)job;

    counted->back = pthread_equal(pthread_self(), dispatcher);
    counted->cancelled = job->cancelled;
    counted->order = ++handed_back;
}

static void give(struct worker *worker, struct counted *counted, uint32_t uid, unsigned slices)
{
    *counted = (struct counted){.job = {.uid = uid, .work = work, .done = done}, .slices = slices};
    worker_give(worker, &counted->job);
}

static void take_until(struct worker *worker, int fd, unsigned wanted)
{
    while (handed_back < wanted) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        eventfd_t count;

        assert_int_equal(poll(&wait, 1, 10000), 1);
        eventfd_read(fd, &count);
        worker_take(worker);
    }
}

static void test_turns(void **state)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    struct worker *worker = NULL;
    struct counted hostile[50], other, first;

    (void)state;
    dispatcher = pthread_self();
    handed_back = 0;
    assert_int_equal(worker_start(fd, &worker), 0);
    atomic_store(&held, true);
    give(worker, &first, 7, 1);
    while (atomic_load(&holding) == 0)
        usleep(100);
    for (unsigned i = 0; i < 50; i++)
        give(worker, &hostile[i], 7, 3);
    give(worker, &other, 8, 2);
    atomic_store(&held, false);
    take_until(worker, fd, 52);
    assert_int_equal(first.order, 1);
    assert_in_range(other.order, 2, 4); /* though 50 were there before it */
    assert_int_equal(other.worked, 2);
    for (unsigned i = 0; i < 50; i++)
        assert_true(hostile[i].worked == 3 && hostile[i].there && hostile[i].back && !hostile[i].cancelled);
    worker_stop(worker);
    close(fd);
}

static void test_end(void **state)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    struct worker *worker = NULL;
    struct counted endless, waiting[3];

    (void)state;
    dispatcher = pthread_self();
    handed_back = 0;
    assert_int_equal(worker_start(fd, &worker), 0);
    give(worker, &endless, 1, UINT32_MAX);
    for (unsigned i = 0; i < 3; i++)
        give(worker, &waiting[i], 1, UINT32_MAX);
    worker_stop(worker);
    assert_int_equal(handed_back, 4);
    assert_true(endless.cancelled && endless.back);
    for (unsigned i = 0; i < 3; i++)
        assert_true(waiting[i].cancelled && waiting[i].back);
    worker_stop(NULL);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_turns), cmocka_unit_test(test_end)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
