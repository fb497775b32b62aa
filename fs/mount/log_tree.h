/* log_tree: the processing log as directories of years and months and a file a day, in the organisation's time zone, for those whose
 * role has log.show.
 *
 * Which days there are and how long a file is, the worker finds out; requests that need it wait, and what they are told is not
 * older than they are. A file has no pages in the kernel (direct_io): each read is asked whether its opener may still read, and
 * today's file grows. Who goes on reading it has an entry a minute, since what he reads came after his opening was logged.
 *
 * Belongs to the dispatcher. */
#ifndef DOSSIERFS_MOUNT_LOG_TREE_H
#define DOSSIERFS_MOUNT_LOG_TREE_H

#include "fs/gate/door.h"
#include "fs/mount/inside.h"

struct log_tree;

int log_tree_new(struct session *session, struct log_tree **out);
void log_tree_free(struct log_tree *tree); /* after worker_stop(); NULL is allowed */

/* Is it a node of the log? */
bool log_tree_has(const struct node *node);
/* Has a request to wait for the worker, which is given what it takes? Of the uid that asks, for a file, to list a directory, or for
 * the name in it, if not NULL. `turn` is what session->turns was when it came. */
bool log_tree_waits(struct log_tree *tree, const struct door_ask *ask, uint32_t uid, const struct node *node,
                    const char *name, uint64_t turn);

/* The key of the log's directory itself. */
struct node_key log_tree_root(void);
/* What a name in a directory of the log stands for, which is logged. 0, -ENOENT, -EIO. */
int log_tree_find(struct log_tree *tree, const struct door_ask *ask, uint32_t uid, const struct node *parent,
                  const char *name, struct node_key *key);
/* Fills in size and time of a file's node, as they were found out. 0 or -EIO. */
int log_tree_measure(const struct log_tree *tree, struct node *node);
/* May the node be told of, or read from, now? For a file its opener is asked about. 0, -ENOENT, -EIO. */
int log_tree_admits(const struct log_tree *tree, const struct door_ask *ask, const struct node *node);
/* Logs an opening and lists what is in a directory. 0, or what door_open_log() answers. */
int log_tree_list(struct log_tree *tree, const struct door_ask *ask, struct handle *handle, door_done *done,
                  void *context);
/* Logs the opening of a file. The same; -ENFILE: the uid has too many open. */
int log_tree_open(struct log_tree *tree, const struct door_ask *ask, struct handle *handle, door_done *done,
                  void *context);
/* Answers the request, now or later. */
void log_tree_read(struct log_tree *tree, fuse_req_t request, struct handle *handle, uint64_t offset, size_t size);

#endif
