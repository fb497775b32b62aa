/* keeper: the small privileged parent: mounts, starts the daemon as an unprivileged process, watches it, and unmounts however
 * it ends, so that no "Transport endpoint is not connected" stays. It never touches the store. */
#ifndef DOSSIERFS_MOUNT_KEEPER_H
#define DOSSIERFS_MOUNT_KEEPER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/base/buffer.h"
#include "fs/base/report.h"

enum { KEEPER_HEARTBEAT_S = 30 }; /* a daemon silent for this long is taken for hung, and killed */

struct keeper_options {
    char mountpoint[PATH_MAX]; /* real path, from keeper_check_mountpoint() */
    const char *source;        /* the mount's source as mount(8) shows it */
    bool allow_other;          /* other users may come in; only root may ask for it */
    uid_t uid;                 /* whom the daemon becomes, if this process is root; not 0 */
    gid_t gid;
    /* The policy's file, absolute; NULL: none is watched. This process reads it, since the daemon's user may not, and gives the daemon
     * what it reads: at first once, then whenever the file was changed or replaced, and on SIGHUP. */
    const char *policy_file;
};

/* Resolves and checks: a directory, and empty. A stale mount of a dossierfs that died with its keeper is taken away first (said
 * through report()). 0, -ENOTDIR, -ENOTEMPTY, -ENOENT ... */
int keeper_check_mountpoint(const char *path, char real[static PATH_MAX], struct report_why *why);

/* The daemon's side of the talk with the keeper. */
struct keeper_talk;
/* The store is open: asks the keeper to mount, and gives the mount's descriptor. */
int keeper_request_mount(struct keeper_talk *talk, int *fuse_fd);
/* Waits for a text of the policy's file and appends it to `text`. A file that is being written is not read, and of several changes
 * the last one counts. 0; -ECANCELED: `wake_fd` became readable; -ECONNRESET: the keeper is gone; -ETIMEDOUT after `timeout_ms` (-1:
 * never). Not before the mount serves. */
int keeper_next_policy(struct keeper_talk *talk, int wake_fd, int timeout_ms, struct buffer *text,
                       uint32_t *owner_uid);
/* The text is dealt with: the next one may come. */
void keeper_policy_taken(struct keeper_talk *talk);
/* Where heartbeats go. */
int keeper_fd(const struct keeper_talk *talk);
/* Readable when the daemon is to end. */
const int *keeper_stop_fd(const struct keeper_talk *talk);

/* Forks: `daemon` runs in the child, unprivileged, without core dumps, and returns the exit code. `ready` is called in this
 * process once the mount serves. Returns the exit code for this process: 0 ended as asked or unmounted, 1 the daemon died,
 * 2 it could not start (and has said why). */
int keeper_run(const struct keeper_options *options, int (*daemon)(void *context, struct keeper_talk *talk),
               void (*ready)(void *context), void *context);

#endif
