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
#include "fs/mount/slots.h"
#include "fs/mount/worker.h"

struct log_tree;
struct logbook;
struct own_log;

struct session {
    struct gate *gate;
    const struct policy *policy; /* in force */
    struct slots *slots;         /* of purposes and fields: what node_key names */
    uint32_t generation;         /* of the policy; 1.. */
    uint32_t changes;            /* of dossiers, counted */
    bool renewing;               /* nodes of the policy before are still being retired */
    struct nodes_cursor renewed;
    struct fuse_session *fuse;
    struct nodes *nodes;
    struct notifier *notifier;
    struct worker *worker;
    struct logbook *book; /* the worker's; NULL before its first job */
    uint64_t
        turns; /* counts the jobs that find something out: what is not older than a request has a higher number */
    struct log_tree *log_tree;
    struct own_log *own_log;
    int64_t started_s; /* every directory's times: constant, so that they tell nothing */

    int released_fd; /* an eventfd, raised when `released` is filled, or the worker has done something */
    pthread_mutex_t released_lock;
    struct handle *released; /* handles whose reply the kernel did not take */
    int pending;             /* atomic: opens that wait for the log thread */

    int64_t earliest_end_s; /* no live leaf ends before this second */
    struct lister *listers; /* who holds listings open, and how much of our memory */
};

extern const struct fuse_lowlevel_ops operations;
/* The kernel did not take the answer to an open; any thread. */
void session_queue_release(struct session *session, struct handle *handle);
/* Frees a handle and what it was charged for; the dispatcher's. */
void session_close_handle(struct session *session, struct handle *handle);
/* May the uid have another listing open? Adds its bytes to the uid's; they are taken back with the handle. */
bool session_charge(struct session *session, struct handle *handle, size_t listing_bytes);
/* The logbook, which is made when it is first needed, since sorting the subjects of a large store takes a second. For the worker. 0 or
 * a negative errno. */
int session_book(struct session *session);
/* Retires a node and has the kernel drop what it keeps of it. */
void session_retire(struct session *session, struct node *node);

#endif
