#include "fs/store/behind.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct behind {
    void (*work)(void *context, void *piece);
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void *piece; /* under `lock`, as below: what the thread has; NULL: it is free */
    bool ending;
};

static void *run(void *context)
{
    struct behind *behind = context;

    pthread_mutex_lock(&behind->lock);
    for (;;) {
        while (!behind->piece && !behind->ending)
            pthread_cond_wait(&behind->changed, &behind->lock);
        if (!behind->piece)
            break;
        pthread_mutex_unlock(&behind->lock);
        behind->work(behind->context, behind->piece); /* only this thread takes it away */
        pthread_mutex_lock(&behind->lock);
        behind->piece = NULL;
        pthread_cond_broadcast(&behind->changed);
    }
    pthread_mutex_unlock(&behind->lock);
    return NULL;
}

int behind_new(void (*work)(void *context, void *piece), void *context, struct behind **out)
{
    struct behind *behind = calloc(1, sizeof *behind);
    int error;

    if (!behind)
        return -ENOMEM;
    behind->work = work;
    behind->context = context;
    pthread_mutex_init(&behind->lock, NULL);
    pthread_cond_init(&behind->changed, NULL);
    error = -pthread_create(&behind->thread, NULL, run, behind);
    if (error) {
        pthread_cond_destroy(&behind->changed);
        pthread_mutex_destroy(&behind->lock);
        free(behind);
        return error;
    }
    *out = behind;
    return 0;
}

static void wait_locked(struct behind *behind)
{
    while (behind->piece)
        pthread_cond_wait(&behind->changed, &behind->lock);
}

void behind_give(struct behind *behind, void *piece)
{
    pthread_mutex_lock(&behind->lock);
    wait_locked(behind);
    behind->piece = piece;
    pthread_cond_broadcast(&behind->changed);
    pthread_mutex_unlock(&behind->lock);
}

void behind_wait(struct behind *behind)
{
    if (!behind)
        return;
    pthread_mutex_lock(&behind->lock);
    wait_locked(behind);
    pthread_mutex_unlock(&behind->lock);
}

void behind_free(struct behind *behind)
{
    if (!behind)
        return;
    pthread_mutex_lock(&behind->lock);
    behind->ending = true;
    pthread_cond_broadcast(&behind->changed);
    pthread_mutex_unlock(&behind->lock);
    pthread_join(behind->thread, NULL);
    pthread_cond_destroy(&behind->changed);
    pthread_mutex_destroy(&behind->lock);
    free(behind);
}
