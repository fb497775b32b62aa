#include "fs/mount/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NICE = 5 };

struct list {
    struct worker_job *first, **end;
};

struct worker {
    pthread_t thread;
    int done_fd;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t more;
    struct list waiting, done;
    uint32_t last_uid;
    bool stopping;
};

static void add(struct list *list, struct worker_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

/* The first job of another uid than the last one; if there is none, the first. */
static struct worker_job *choose(struct worker *worker)
{
    struct worker_job **at = &worker->waiting.first, *job;

    while (*at && (*at)->uid == worker->last_uid)
        at = &(*at)->next;
    if (!*at)
        at = &worker->waiting.first;
    job = *at;
    if (!job)
        return NULL;
    *at = job->next;
    if (worker->waiting.end == &job->next)
        worker->waiting.end = at;
    worker->last_uid = job->uid;
    return job;
}

static void *work_all(void *context)
{
    struct worker *worker = context;

    /* Requests come first. (Of this thread alone, in Linux.) */
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    pthread_mutex_lock(&worker->lock);
    while (!worker->stopping) {
        struct worker_job *job = choose(worker);
        bool more;

        if (!job) {
            pthread_cond_wait(&worker->more, &worker->lock);
            continue;
        }
        pthread_mutex_unlock(&worker->lock);
        more = job->work(job);
        pthread_mutex_lock(&worker->lock);
        add(more ? &worker->waiting : &worker->done, job);
        if (!more)
            eventfd_write(worker->done_fd, 1);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

int worker_start(int done_fd, struct worker **out)
{
    struct worker *worker = calloc(1, sizeof *worker);
    int error;

    if (!worker)
        return -ENOMEM;
    worker->done_fd = done_fd;
    worker->waiting.end = &worker->waiting.first;
    worker->done.end = &worker->done.first;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->more, NULL);
    error = -pthread_create(&worker->thread, NULL, work_all, worker);
    if (error) {
        free(worker);
        return error;
    }
    *out = worker;
    return 0;
}

void worker_give(struct worker *worker, struct worker_job *job)
{
    pthread_mutex_lock(&worker->lock);
    job->cancelled = false;
    add(&worker->waiting, job);
    pthread_cond_signal(&worker->more);
    pthread_mutex_unlock(&worker->lock);
}

void worker_take(struct worker *worker)
{
    struct worker_job *job;

    pthread_mutex_lock(&worker->lock);
    job = worker->done.first;
    worker->done.first = NULL;
    worker->done.end = &worker->done.first;
    pthread_mutex_unlock(&worker->lock);
    while (job) {
        struct worker_job *next = job->next;

        job->done(job);
        job = next;
    }
}

void worker_stop(struct worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_signal(&worker->more);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    worker_take(worker);
    while (worker->waiting.first) {
        struct worker_job *job = worker->waiting.first;

        worker->waiting.first = job->next;
        job->cancelled = true;
        job->done(job);
    }
    pthread_cond_destroy(&worker->more);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}
