/* The queue and the log thread. Rules:
 *  - `done` is called after the entry's batch is synced, in the order in which entries were queued, and by one thread;
 *  - an entry is either durable, or its waiter was told that it is not; entries nobody waits for are counted when lost;
 *  - bodies exist in the clear only in the queue's buffers, which wipe themselves.
 * Locks: queue_lock guards the queue; the index has its own. Neither is taken while the other is held. */
#include "fs/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "fs/log/entry.h"
#include "fs/log/index.h"
#include "fs/log/months.h"
#include "fs/log/query.h"
#include "fs/log/segment.h"
#include "fs/log/writer.h"

enum {
    SEGMENT_DEFAULT_BYTES = 16 << 20,
    SEGMENT_MAX_BYTES = 1 << 30,
    QUEUE_MAX_BYTES = 64 << 20, /* entries may be long, so their number alone does not bound the memory */
    SPIN_NS = 20000,
    SPIN_WORTH_MAX = 8,
    /* Entries that nobody waits for ride with the next batch: a sync of their own would hold up an open that comes just
     * behind them. They wait this long at most, or until so many are there. */
    LAZY_MS = 200,
    LAZY_ENTRIES = 1024,
};

struct waiter {
    log_done *done;
    void *context;
};

/* Entries that wait, as three arrays in step. */
struct queue {
    struct buffer bodies;
    struct writer_entry *entries;
    struct waiter *waiters;
    size_t count, capacity;
};

struct log {
    int directory_fd, lock_fd;
    uint8_t store_id[LOG_STORE_ID_BYTES];
    struct months *months;
    struct writer *writer; /* of the log thread, once that runs */
    struct index *index;
    atomic_uint_least64_t durable;

    pthread_t thread;
    bool thread_runs;
    pthread_mutex_t queue_lock;
    pthread_cond_t work;   /* the thread sleeps on it */
    struct queue waiting;  /* queue_lock */
    bool stopping;         /* queue_lock */
    bool asleep;           /* queue_lock */
    bool urgent;           /* queue_lock: somebody waits for what is queued, or it is much */
    int64_t lazy_until_ns; /* queue_lock: when what nobody waits for is written anyway */
    atomic_size_t pending; /* entries queued and not yet done; raised under queue_lock */
    atomic_bool arrived;   /* something urgent waits: what the thread spins on */

    struct queue taken; /* of the log thread, as all below */
    int spin_worth;     /* how often spinning paid of late */
    bool failing;
    uint64_t lost; /* entries without a waiter that failed since `failing` */
};

/* ---- the queue -------------------------------------------------------------------------------------------------- */

static int queue_grow(struct queue *queue)
{
    size_t capacity = queue->capacity ? queue->capacity * 2 : 256;
    struct writer_entry *entries = realloc(queue->entries, capacity * sizeof *entries);
    struct waiter *waiters;

    if (!entries)
        return -ENOMEM;
    queue->entries = entries;
    waiters = realloc(queue->waiters, capacity * sizeof *waiters);
    if (!waiters)
        return -ENOMEM;
    queue->waiters = waiters;
    queue->capacity = capacity;
    return 0;
}

static int queue_put(struct queue *queue, const struct log_entry *entry, log_done *done, void *context)
{
    size_t offset_bytes = queue->bodies.length_bytes;
    int error = queue->count < queue->capacity ? 0 : queue_grow(queue);

    if (!error)
        error = entry_encode(entry, &queue->bodies);
    if (error)
        return error;
    queue->entries[queue->count] = (struct writer_entry){
        .offset_bytes = offset_bytes,
        .length_bytes = (uint32_t)(queue->bodies.length_bytes - offset_bytes),
        .month = entry_month(entry->time_ms),
    };
    queue->waiters[queue->count] = (struct waiter){.done = done, .context = context};
    queue->count++;
    return 0;
}

static void queue_reset(struct queue *queue)
{
    buffer_reset(&queue->bodies);
    queue->count = 0;
}

static void queue_clear(struct queue *queue)
{
    buffer_clear(&queue->bodies);
    free(queue->entries);
    free(queue->waiters);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Under queue_lock, after an entry was put. True: the thread is to be signalled, once the lock is given back (or it would
 * wake only to wait for it). */
static bool announce(struct log *log, bool waited_for)
{
    bool first = log->waiting.count == 1;

    if (first)
        log->lazy_until_ns = now_ns() + LAZY_MS * INT64_C(1000000);
    if (waited_for || log->waiting.count >= LAZY_ENTRIES) {
        log->urgent = true;
        atomic_store_explicit(&log->arrived, true, memory_order_release);
    }
    /* The first lazy one wakes it too, so that it sets itself a time. */
    if (!log->asleep || !(log->urgent || first))
        return false;
    log->asleep = false;
    return true;
}

int log_append(struct log *log, const struct log_entry *entry, log_done *done, void *context)
{
    bool signal = false;
    int error = -EAGAIN;

    pthread_mutex_lock(&log->queue_lock);
    if (log->pending < LOG_QUEUE_MAX && log->waiting.bodies.length_bytes < QUEUE_MAX_BYTES)
        error = queue_put(&log->waiting, entry, done, context);
    if (!error) {
        log->pending++;
        signal = announce(log, done != NULL);
    }
    pthread_mutex_unlock(&log->queue_lock);
    if (signal)
        pthread_cond_signal(&log->work);
    return error;
}

struct wait {
    sem_t done;
    int status;
};

static void wake(void *context, int status)
{
    struct wait *wait = context;

    wait->status = status;
    sem_post(&wait->done);
}

int log_append_and_wait(struct log *log, const struct log_entry *entry)
{
    struct wait wait = {.status = 0};
    int error;

    sem_init(&wait.done, 0, 0);
    error = log_append(log, entry, wake, &wait);
    if (!error) {
        while (sem_wait(&wait.done) < 0 && errno == EINTR)
            ;
        error = wait.status;
    }
    sem_destroy(&wait.done);
    return error;
}

uint64_t log_size(struct log *log)
{
    return log->durable;
}

/* ---- the log thread --------------------------------------------------------------------------------------------- */

/* Waking a sleeping thread costs more than a short wait, but only if work does come within it: so spinning is given up
 * while it does not pay, and tried again when a sleep turned out short. */
static void spin(struct log *log)
{
    int64_t start = now_ns();

    if (log->spin_worth == 0)
        return;
    while (now_ns() - start < SPIN_NS) {
        if (atomic_load_explicit(&log->arrived, memory_order_acquire)) {
            if (log->spin_worth < SPIN_WORTH_MAX)
                log->spin_worth++;
            return;
        }
        sched_yield();
    }
    log->spin_worth--;
}

/* Under queue_lock: sleeps until there is news, or until the lazy are due. */
static void doze(struct log *log)
{
    struct timespec until = {.tv_sec = log->lazy_until_ns / 1000000000, .tv_nsec = log->lazy_until_ns % 1000000000};

    if (log->waiting.count == 0)
        pthread_cond_wait(&log->work, &log->queue_lock);
    else
        pthread_cond_timedwait(&log->work, &log->queue_lock, &until);
}

/* Waits for work and takes all of it. False: there is none and will be none. */
static bool take(struct log *log)
{
    struct queue empty;
    bool some;

    if (!atomic_load_explicit(&log->arrived, memory_order_acquire))
        spin(log);
    pthread_mutex_lock(&log->queue_lock);
    while (!log->urgent && !log->stopping && (log->waiting.count == 0 || now_ns() < log->lazy_until_ns)) {
        int64_t slept_at = now_ns();

        log->asleep = true;
        doze(log);
        log->asleep = false;
        if (log->urgent && now_ns() - slept_at < 2 * SPIN_NS && log->spin_worth < SPIN_WORTH_MAX)
            log->spin_worth++;
    }
    some = log->waiting.count > 0;
    log->urgent = false;
    empty = log->taken;
    log->taken = log->waiting;
    log->waiting = empty;
    atomic_store_explicit(&log->arrived, false, memory_order_relaxed);
    pthread_mutex_unlock(&log->queue_lock);
    return some;
}

static void say_state(struct log *log, int status, int cause)
{
    if (status && !log->failing)
        report(REPORT_ERROR, "log: can't be written (%s); nothing is shown until it can", strerror(cause));
    if (!status && log->failing)
        report(REPORT_WARNING, "log: is written again; %llu entries that nobody waited for were lost",
               (unsigned long long)log->lost);
    if (!status)
        log->lost = 0;
    log->failing = status != 0;
}

static void finish(struct log *log, size_t from, size_t count, int status)
{
    for (size_t i = from; i < from + count; i++) {
        struct waiter *waiter = &log->taken.waiters[i];

        log->pending--;
        if (waiter->done)
            waiter->done(waiter->context, status);
        else if (status)
            log->lost++;
    }
}

static void *run(void *context)
{
    struct log *log = context;

    while (take(log)) {
        for (size_t at = 0; at < log->taken.count;) {
            size_t count = 0;
            int cause = 0;
            int status = writer_write(log->writer, log->taken.entries + at, log->taken.count - at,
                                      log->taken.bodies.bytes, &count, &cause);

            if (!status)
                log->durable = writer_size(log->writer);
            say_state(log, status, cause);
            finish(log, at, count, status);
            at += count;
        }
        queue_reset(&log->taken);
    }
    if (log->failing && log->lost > 0)
        report(REPORT_ERROR, "log: %llu entries that nobody waited for were lost", (unsigned long long)log->lost);
    return NULL;
}

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static int lock_directory(struct log *log, const char *path, struct report_why *why)
{
    log->directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (log->directory_fd < 0)
        return report_fail(why, -errno, "log: the directory can't be opened: %s", strerror(errno));
    log->lock_fd = openat(log->directory_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->lock_fd < 0)
        return report_fail(why, -errno, "log: the lock can't be opened: %s", strerror(errno));
    if (flock(log->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return report_fail(why, -EBUSY, "log: another process has it open");
    return report_fail(why, -errno, "log: can't be locked: %s", strerror(errno));
}

static int open_parts(struct log *log, const struct log_options *options, uint32_t segment_bytes,
                      struct report_why *why)
{
    int error = lock_directory(log, options->path, why);

    if (!error)
        error = writer_open(log->directory_fd, log->store_id, segment_bytes, &log->writer, why);
    if (!error)
        error = writer_start(log->writer, why);
    if (!error)
        error =
            months_open(log->directory_fd, options->key, log->store_id, writer_size(log->writer), &log->months, why);
    if (!error)
        error = index_new(log->directory_fd, options->path, options->key, log->store_id, log->months, &log->index);
    if (error)
        return error;
    writer_set_months(log->writer, log->months);
    log->durable = writer_size(log->writer);
    return 0;
}

int log_open(const struct log_options *options, struct log **out, struct report_why *why)
{
    uint32_t segment_bytes = options->segment_bytes ? options->segment_bytes : SEGMENT_DEFAULT_BYTES;
    pthread_condattr_t monotonic;
    struct log *log;
    int error;

    if (segment_bytes < SEGMENT_MIN_BYTES || segment_bytes > SEGMENT_MAX_BYTES)
        return report_fail(why, -EINVAL, "log: segments have 65536 bytes to 1 GiB");
    if (sodium_init() < 0)
        return report_fail(why, -EIO, "log: libsodium can't start");
    log = calloc(1, sizeof *log);
    if (!log)
        return -ENOMEM;
    log->directory_fd = log->lock_fd = -1;
    memcpy(log->store_id, options->store_id, LOG_STORE_ID_BYTES);
    pthread_mutex_init(&log->queue_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&log->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    log->spin_worth = 1;
    error = open_parts(log, options, segment_bytes, why);
    if (!error) {
        error = -pthread_create(&log->thread, NULL, run, log);
        log->thread_runs = !error;
        if (error)
            report_fail(why, error, "log: no thread: %s", strerror(-error));
    }
    if (error) {
        log_close(log);
        return error;
    }
    *out = log;
    return 0;
}

void log_close(struct log *log)
{
    if (!log)
        return;
    if (log->thread_runs) {
        pthread_mutex_lock(&log->queue_lock);
        log->stopping = true;
        pthread_cond_signal(&log->work);
        pthread_mutex_unlock(&log->queue_lock);
        pthread_join(log->thread, NULL);
        index_rest(log->index, log->durable);
    }
    index_free(log->index);
    writer_close(log->writer);
    months_close(log->months);
    queue_clear(&log->waiting);
    queue_clear(&log->taken);
    if (log->lock_fd >= 0)
        close(log->lock_fd);
    if (log->directory_fd >= 0)
        close(log->directory_fd);
    pthread_cond_destroy(&log->work);
    pthread_mutex_destroy(&log->queue_lock);
    free(log);
}

int log_query(struct log *log, const struct log_filter *filter, int (*each)(void *, const struct log_record *),
              void *context, struct report_why *why)
{
    struct query query = {
        .directory_fd = log->directory_fd,
        .store_id = log->store_id,
        .months = log->months,
        .index = log->index,
        .durable = log->durable,
    };

    return query_run(&query, filter, each, context, why);
}
