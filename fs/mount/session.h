/* session: the dispatcher: takes requests from the kernel, one after the other, and never waits for anything but the next one.
 * Requests of a uid that NSS hasn't told of yet are parked, whole, and taken up again when it has. */
#ifndef DOSSIERFS_MOUNT_SESSION_H
#define DOSSIERFS_MOUNT_SESSION_H

#include "fs/gate/gate.h"

struct session_options {
    int fuse_fd;        /* of a mount; taken over */
    int keeper_fd;      /* a byte is written here each second, and 'R' when the session serves; -1: none */
    const int *stop_fd; /* readable: end (a signalfd, say) */
};

/* Serves until the mount ends or `stop_fd` becomes readable. 0, or a negative errno with `why`. */
int session_serve(struct gate *gate, const struct session_options *options, struct report_why *why);

#endif
