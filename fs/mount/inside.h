/* inside: what the files of the mount share. Not for other rooms. */
#ifndef DOSSIERFS_MOUNT_INSIDE_H
#define DOSSIERFS_MOUNT_INSIDE_H

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>

#include "fs/gate/gate.h"
#include "fs/mount/handles.h"
#include "fs/mount/nodes.h"
#include "fs/mount/notifier.h"

struct session {
    struct gate *gate;
    const struct policy *policy;
    struct fuse_session *fuse;
    struct nodes *nodes;
    struct notifier *notifier;
    int64_t started_s; /* every directory's times: constant, so that they tell nothing */

    int released_fd; /* an eventfd, raised when `released` is filled */
    pthread_mutex_t released_lock;
    struct handle *released; /* handles whose reply the kernel did not take */
    int pending;             /* atomic: opens that wait for the log thread */
};

extern const struct fuse_lowlevel_ops operations;
/* The kernel did not take the answer to an open; any thread. */
void session_queue_release(struct session *session, struct handle *handle);
/* Retires a node and has the kernel drop what it keeps of it. */
void session_retire(struct session *session, struct node *node);

#endif
