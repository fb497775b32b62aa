/* The queue, the log thread, and whoever drives the log beside it. Rules:
 *  - `done` is called after the entry's batch is durable, in the order in which entries were queued, and by one thread at a time;
 *  - an entry is either durable, or its waiter was told that it is not; entries nobody waits for are counted when lost;
 *  - the writer and the entries taken belong to one hand, the log thread's or the driver's; it changes under queue_lock. The
 *    driver lets go of them as soon as nothing is under way, so that others' entries need not wait for it.
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
#include <sys/eventfd.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "fs/base/patience.h"
#include "fs/log/entry.h"
#include "fs/log/expiry.h"
#include "fs/log/flight.h"
#include "fs/log/index.h"
#include "fs/log/months.h"
#include "fs/log/notary.h"
#include "fs/log/query.h"
#include "fs/log/queue.h"
#include "fs/log/segment.h"
#include "fs/log/writer.h"

enum {
    SEGMENT_DEFAULT_BYTES = 16 << 20,
    SEGMENT_MAX_BYTES = 1 << 30,
    QUEUE_MAX_BYTES = 64 << 20, /* entries may be long, so their number alone does not bound the memory */
    /* Entries that nobody waits for ride with the next batch: a sync of their own would hold up an open that comes just
     * behind them. They wait this long at most, or until so many are there. */
    LAZY_MS = 200,
    LAZY_ENTRIES = 1024,
};

enum hand { HAND_NONE, HAND_THREAD, HAND_DRIVER };

struct log {
    int directory_fd, lock_fd;
    uint8_t store_id[LOG_STORE_ID_BYTES];
    struct months *months;
    struct index *index;
    struct notary *notary;
    struct expiry *expiry;
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
    enum hand hand;        /* queue_lock: who has what stands at the end */
    bool driven;           /* queue_lock: somebody drives */
    bool asked;            /* queue_lock: an entry of another thread than the driver waits */
    pthread_t driver;      /* queue_lock */
    atomic_size_t pending; /* entries queued and not yet done; raised under queue_lock */
    atomic_bool arrived;   /* something urgent waits: what the thread spins on */

    _Atomic(struct flight *) flight; /* of the driver, who alone changes it; NULL: nobody drives */
    atomic_bool nudged;              /* the thread made the driver's descriptor readable */
    size_t in_flight;                /* of the driver: so many of the taken entries are under way; 0: none */
    struct patience patience;        /* of the log thread */

    struct writer *writer; /* of the hand that has it, as all below; once the log thread runs */
    struct queue taken;
    size_t taken_at; /* entries in front are done */
    size_t failed;   /* so many of the next ones were launched and failed: the log thread recovers and tells them */
    int failed_status, failed_cause;
    bool failing;
    uint64_t lost; /* entries without a waiter that failed since `failing` */
};

/* ---- the queue -------------------------------------------------------------------------------------------------- */

/* Under queue_lock, after an entry was put. True: the thread is to be signalled, once the lock is given back (or it would
 * wake only to wait for it). */
static bool announce(struct log *log, bool waited_for)
{
    bool first = log->waiting.count == 1;

    if (first)
        log->lazy_until_ns = patience_now_ns() + LAZY_MS * INT64_C(1000000);
    if (waited_for || log->waiting.count >= LAZY_ENTRIES) {
        log->urgent = true;
        atomic_store_explicit(&log->arrived, true, memory_order_release);
    }
    if (log->driven && pthread_equal(pthread_self(), log->driver))
        return false; /* it will call log_drive() */
    log->asked = true;
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

/* ---- what whoever has the hand does ------------------------------------------------------------------------------ */

static bool lazy_due(const struct log *log)
{
    return log->waiting.count > 0 && patience_now_ns() >= log->lazy_until_ns;
}

/* Under queue_lock: all that waits changes hands. */
static void take_waiting(struct log *log, enum hand hand)
{
    queue_swap(&log->waiting, &log->taken);
    log->taken_at = 0;
    log->hand = hand;
    log->urgent = false;
    log->asked = false;
    atomic_store_explicit(&log->arrived, false, memory_order_relaxed);
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

static struct signer_head head_of(const struct log *log)
{
    struct signer_head head = {.size = writer_size(log->writer), .months = months_durable(log->months)};

    writer_root(log->writer, head.root);
    return head;
}

static void acknowledge(struct log *log)
{
    struct signer_head head = head_of(log);

    log->durable = head.size;
    notary_tell(log->notary, &head);
}

/* The next `count` of the taken entries are durable, or are not and will not be. */
static void finish(struct log *log, size_t count, int status, int cause)
{
    size_t to = log->taken_at + count;

    if (!status)
        acknowledge(log);
    say_state(log, status, cause);
    for (; log->taken_at < to; log->taken_at++) {
        struct queue_waiter *waiter = &log->taken.waiters[log->taken_at];

        log->pending--;
        if (waiter->done)
            waiter->done(waiter->context, status);
        else if (status)
            log->lost++;
    }
}

/* ---- the log thread --------------------------------------------------------------------------------------------- */

static void spin(struct log *log)
{
    int64_t until_ns = patience_now_ns() + PATIENCE_NS;
    bool arrived = false;

    if (!patience_has(&log->patience))
        return;
    while (!arrived && patience_now_ns() < until_ns) {
        sched_yield();
        arrived = atomic_load_explicit(&log->arrived, memory_order_acquire);
    }
    patience_polled(&log->patience, arrived);
}

/* Under queue_lock: is there something to do for the thread? What the driver queued is the driver's. */
static bool thread_due(const struct log *log)
{
    if (log->hand != HAND_NONE)
        return log->hand == HAND_THREAD;
    if (log->stopping)
        return true;
    return (!log->driven || log->asked) && (log->urgent || lazy_due(log));
}

/* Under queue_lock: sleeps until there is news, or until the lazy are due. */
static void doze(struct log *log)
{
    struct timespec until = {.tv_sec = log->lazy_until_ns / 1000000000, .tv_nsec = log->lazy_until_ns % 1000000000};

    if (log->waiting.count == 0 || log->hand != HAND_NONE || (log->driven && !log->asked))
        pthread_cond_wait(&log->work, &log->queue_lock);
    else
        pthread_cond_timedwait(&log->work, &log->queue_lock, &until);
}

/* Waits for work and takes all of it. False: there is none and will be none. */
static bool take(struct log *log)
{
    bool some;

    if (!log->flight && !atomic_load_explicit(&log->arrived, memory_order_acquire))
        spin(log);
    pthread_mutex_lock(&log->queue_lock);
    while (!thread_due(log)) {
        int64_t slept_at = patience_now_ns();

        log->asleep = true;
        doze(log);
        log->asleep = false;
        if (log->urgent)
            patience_slept(&log->patience, patience_now_ns() - slept_at);
    }
    some = log->hand == HAND_THREAD || log->waiting.count > 0;
    if (some && log->hand == HAND_NONE)
        take_waiting(log, HAND_THREAD);
    pthread_mutex_unlock(&log->queue_lock);
    return some;
}

/* Nothing is taken any more. What the driver queued meanwhile, it is told of. */
static void give_back(struct log *log)
{
    bool wake_driver;

    queue_reset(&log->taken);
    pthread_mutex_lock(&log->queue_lock);
    log->hand = HAND_NONE;
    wake_driver = log->driven && log->waiting.count > 0 && !log->asked;
    if (wake_driver) {
        log->nudged = true;
        eventfd_write(flight_fd(log->flight), 1);
    }
    pthread_mutex_unlock(&log->queue_lock);
}

static void *run(void *context)
{
    struct log *log = context;

    while (take(log)) {
        if (log->failed > 0) {
            writer_recover(log->writer);
            finish(log, log->failed, log->failed_status, log->failed_cause);
            log->failed = 0;
        }
        while (log->taken_at < log->taken.count) {
            size_t count = 0;
            int cause = 0;
            int status = writer_write(log->writer, log->taken.entries + log->taken_at,
                                      log->taken.count - log->taken_at, log->taken.bodies.bytes, &count, &cause);

            finish(log, count, status, cause);
        }
        give_back(log);
    }
    if (log->failing && log->lost > 0)
        report(REPORT_ERROR, "log: %llu entries that nobody waited for were lost", (unsigned long long)log->lost);
    return NULL;
}

/* ---- the driver -------------------------------------------------------------------------------------------------- */

int log_drive_begin(struct log *log)
{
    struct flight *flight;
    int error;

    if (log->flight)
        return -EBUSY;
    error = flight_new(&flight);
    if (error)
        return error;
    pthread_mutex_lock(&log->queue_lock);
    log->flight = flight;
    log->driver = pthread_self();
    log->driven = true;
    pthread_mutex_unlock(&log->queue_lock);
    return 0;
}

bool log_drive_busy(const struct log *log)
{
    return log->in_flight > 0;
}

int log_drive_fd(const struct log *log)
{
    return log->flight ? flight_fd(log->flight) : -1;
}

/* The driver has no more to do with the hand, which goes on to the thread or is free. */
static void let_go(struct log *log, enum hand hand)
{
    bool signal;

    if (hand == HAND_NONE)
        queue_reset(&log->taken);
    pthread_mutex_lock(&log->queue_lock);
    log->hand = hand;
    signal = hand == HAND_THREAD || log->asked || log->stopping;
    pthread_mutex_unlock(&log->queue_lock);
    if (signal)
        pthread_cond_signal(&log->work);
}

/* Begins to write what was taken. */
static void launch(struct log *log)
{
    while (log->taken_at < log->taken.count) {
        size_t count = 0;
        int begun = writer_launch(log->writer, log->flight, log->taken.entries + log->taken_at,
                                  log->taken.count - log->taken_at, log->taken.bodies.bytes, &count);

        if (begun < 0) {
            let_go(log, HAND_THREAD);
            return;
        }
        if (begun == 0) {
            log->in_flight = count;
            return;
        }
        finish(log, count, 0, 0);
    }
    let_go(log, HAND_NONE);
}

/* Takes in what landed; true: nothing is under way now. */
static bool land(struct log *log, bool wait)
{
    int status = 0, cause = 0;
    size_t count = log->in_flight;

    if (count == 0)
        return true;
    if (!flight_landed(log->flight, wait, &status))
        return false;
    log->in_flight = 0;
    status = writer_land(log->writer, status, &cause);
    if (status) {
        log->failed = count;
        log->failed_status = status;
        log->failed_cause = cause;
        let_go(log, HAND_THREAD);
        return true;
    }
    finish(log, count, 0, 0);
    launch(log); /* what did not fit */
    return log->in_flight == 0;
}

int log_drive(struct log *log, bool may_launch)
{
    int64_t left_ns = -1;
    bool took = false;
    eventfd_t count;

    if (!log->flight)
        return -1;
    if (atomic_exchange(&log->nudged, false))
        eventfd_read(flight_fd(log->flight), &count);
    if (!land(log, false))
        return -1;
    pthread_mutex_lock(&log->queue_lock);
    if (may_launch && log->hand == HAND_NONE && (log->urgent || lazy_due(log))) {
        take_waiting(log, HAND_DRIVER);
        took = true;
    } else if (log->waiting.count > 0 && log->hand == HAND_NONE) {
        left_ns = log->urgent ? 0 : log->lazy_until_ns - patience_now_ns();
        if (left_ns < 0)
            left_ns = 0;
    }
    pthread_mutex_unlock(&log->queue_lock);
    if (took)
        launch(log);
    return left_ns < 0 ? -1 : (int)(left_ns / 1000000) + 1;
}

void log_drive_end(struct log *log)
{
    struct flight *flight = log->flight;

    if (!flight)
        return;
    while (!land(log, true))
        ;
    pthread_mutex_lock(&log->queue_lock);
    log->driven = false;
    log->asked = log->waiting.count > 0;
    log->flight = NULL; /* under the lock: the thread wakes a driver by it */
    pthread_mutex_unlock(&log->queue_lock);
    pthread_cond_signal(&log->work);
    flight_free(flight);
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
    struct signer_head head;
    int error = lock_directory(log, options->path, why);

    if (!error)
        error = writer_open(log->directory_fd, log->store_id, segment_bytes, options->durability, &log->writer, why);
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
    head = head_of(log);
    log->durable = head.size;
    error = notary_start(log->directory_fd, log->store_id, &head, options->hour_ms, &log->notary);
    return error ? report_fail(why, error, "log: nothing can be signed: %s", strerror(-error)) : 0;
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
    error = open_parts(log, options, segment_bytes, why);
    if (!error) {
        error = -pthread_create(&log->thread, NULL, run, log);
        log->thread_runs = !error;
        if (error)
            report_fail(why, error, "log: no thread: %s", strerror(-error));
    }
    if (!error)
        error = expiry_start(&(struct expiry_parts){log, log->directory_fd, log->months, log->index, log->notary},
                             &log->expiry);
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
    log_drive_end(log);
    expiry_stop(log->expiry); /* it appends and signs */
    if (log->thread_runs) {
        pthread_mutex_lock(&log->queue_lock);
        log->stopping = true;
        pthread_cond_signal(&log->work);
        pthread_mutex_unlock(&log->queue_lock);
        pthread_join(log->thread, NULL);
        index_rest(log->index, log->durable);
    }
    notary_stop(log->notary);
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
        .hidden = expiry_hidden(log->expiry),
    };

    return query_run(&query, filter, each, context, why);
}

/* What is hidden has no days either. */
struct times {
    int64_t begins_ms;
    int (*each)(void *context, int64_t first_ms, int64_t last_ms);
    void *context;
};

static int pass_times(void *context, int64_t first_ms, int64_t last_ms)
{
    const struct times *times = context;

    if (last_ms < times->begins_ms)
        return 0;
    return times->each(times->context, first_ms < times->begins_ms ? times->begins_ms : first_ms, last_ms);
}

int log_times(struct log *log, int (*each)(void *context, int64_t first_ms, int64_t last_ms), void *context,
              struct report_why *why)
{
    uint32_t hidden = expiry_hidden(log->expiry);
    struct times times = {hidden > 0 ? entry_month_start_ms((uint16_t)hidden) : INT64_MIN, each, context};
    uint64_t durable = log->durable;
    int error = index_update(log->index, durable, why);

    if (!error)
        error = index_times(log->index, pass_times, &times, why);
    if (error != -EUCLEAN)
        return error;
    error = index_remake(log->index, durable);
    if (!error)
        error = index_times(log->index, pass_times, &times, why);
    return error == -EUCLEAN ? report_fail(why, -EIO, "log: the index is damaged, also after it was made anew")
                             : error;
}

void log_set_rule(struct log *log, const struct log_rule *rule, bool by_itself)
{
    expiry_set_rule(log->expiry, rule, by_itself);
}

int log_expire_due(struct log *log, int64_t now_ms, enum log_expire how, log_each_erasure *each, void *context,
                   struct log_expired *out, struct report_why *why)
{
    return expiry_run(log->expiry, now_ms, how, each, context, out, why);
}

int log_erasures(struct log *log, int64_t from_ms, int64_t to_ms, log_each_erasure *each, void *context)
{
    return expiry_list(log->expiry, from_ms, to_ms, each, context);
}
