#define FUSE_USE_VERSION 314
#include "fs/mount/notifier.h"

#include <errno.h>
#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "fs/base/report.h"

struct notifier {
    struct fuse_session *session;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t more;
    uint64_t *ids;
    size_t count, capacity;
    bool stopping, ended;
};

static void *send_all(void *context)
{
    struct notifier *notifier = context;

    pthread_mutex_lock(&notifier->lock);
    while (!notifier->stopping) {
        uint64_t *ids = notifier->ids;
        size_t count = notifier->count;

        if (count == 0) {
            pthread_cond_wait(&notifier->more, &notifier->lock);
            continue;
        }
        notifier->ids = NULL;
        notifier->count = notifier->capacity = 0;
        pthread_mutex_unlock(&notifier->lock);
        /* -ENOENT says that the kernel does not know the node any more, which is as good. */
        for (size_t i = 0; i < count && !__atomic_load_n(&notifier->stopping, __ATOMIC_RELAXED); i++)
            fuse_lowlevel_notify_inval_inode(notifier->session, ids[i], 0, 0);
        free(ids);
        pthread_mutex_lock(&notifier->lock);
    }
    notifier->ended = true;
    pthread_mutex_unlock(&notifier->lock);
    return NULL;
}

int notifier_start(struct fuse_session *session, struct notifier **out)
{
    struct notifier *notifier = calloc(1, sizeof *notifier);
    int error;

    if (!notifier)
        return -ENOMEM;
    notifier->session = session;
    pthread_mutex_init(&notifier->lock, NULL);
    pthread_cond_init(&notifier->more, NULL);
    error = -pthread_create(&notifier->thread, NULL, send_all, notifier);
    if (error) {
        free(notifier);
        return error;
    }
    *out = notifier;
    return 0;
}

void notifier_drop(struct notifier *notifier, uint64_t node_id)
{
    pthread_mutex_lock(&notifier->lock);
    if (notifier->count == notifier->capacity) {
        size_t capacity = notifier->capacity ? notifier->capacity * 2 : 64;
        uint64_t *ids = realloc(notifier->ids, capacity * sizeof *ids);

        if (ids) {
            notifier->ids = ids;
            notifier->capacity = capacity;
        }
    }
    if (notifier->count < notifier->capacity) {
        notifier->ids[notifier->count++] = node_id;
        pthread_cond_signal(&notifier->more);
    } else {
        report(REPORT_ERROR, "no memory to drop a file from the kernel's cache");
    }
    pthread_mutex_unlock(&notifier->lock);
}

void notifier_end(struct notifier *notifier)
{
    pthread_mutex_lock(&notifier->lock);
    __atomic_store_n(&notifier->stopping, true, __ATOMIC_RELAXED);
    pthread_cond_signal(&notifier->more);
    pthread_mutex_unlock(&notifier->lock);
}

bool notifier_ended(struct notifier *notifier)
{
    bool ended;

    pthread_mutex_lock(&notifier->lock);
    ended = notifier->ended;
    pthread_mutex_unlock(&notifier->lock);
    return ended;
}

void notifier_stop(struct notifier *notifier)
{
    if (!notifier)
        return;
    notifier_end(notifier);
    pthread_join(notifier->thread, NULL);
    pthread_cond_destroy(&notifier->more);
    pthread_mutex_destroy(&notifier->lock);
    free(notifier->ids);
    free(notifier);
}
