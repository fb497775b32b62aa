/* handles: open files and directories. What a handle shows was bound to it when it was opened.
 *
 * A handle is made by the dispatcher, may be answered by the log thread, and is freed by the dispatcher alone: a reply that the
 * kernel did not take queues the handle's release back. */
#ifndef DOSSIERFS_MOUNT_HANDLES_H
#define DOSSIERFS_MOUNT_HANDLES_H

#include "fs/mount/nodes.h"

/* One name of a listing. */
struct handle_name {
    uint64_t inode;
    uint32_t at; /* in `names` */
    uint32_t dossier;
    bool is_directory;
};

struct handle {
    struct node *node; /* referenced */
    uint32_t uid;      /* of the opener */
    struct buffer content;
    bool failed; /* could not be filled after its entry was queued: answers EIO */
    bool is_listing;
    int64_t logged_s; /* a file of the log: when its reading was logged last */
    int64_t listed_s; /* when the listing was made, under which policy, and after how many changes of dossiers */
    uint32_t generation, changes;
    struct buffer names; /* NUL-terminated, behind each other */
    struct handle_name *list;
    size_t list_count, list_capacity;
    uint32_t *dossiers; /* a listing of dossiers is kept as their numbers; their names are known to the gate */
    size_t dossier_count;
    size_t charged_bytes;         /* session_charge() */
    struct handle *next_released; /* in the session's list of releases */
};

/* Takes a reference to the node. NULL: no memory. */
struct handle *handles_new(struct node *node, uint32_t uid);
/* Wipes, drops the reference, frees. NULL is allowed. */
void handles_free(struct nodes *nodes, struct handle *handle);
/* Adds a name to a listing. 0 or -ENOMEM. */
int handles_add(struct handle *handle, const char *name, uint64_t inode, bool is_directory, uint32_t dossier);

#endif
