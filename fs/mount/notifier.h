/* notifier: tells the kernel to drop what it keeps of a node. A thread of its own, since such a message can wait for locks that
 * another request of ours holds; nobody waits for it. */
#ifndef DOSSIERFS_MOUNT_NOTIFIER_H
#define DOSSIERFS_MOUNT_NOTIFIER_H

#include <stdbool.h>
#include <stdint.h>

struct notifier;
struct fuse_session;

int notifier_start(struct fuse_session *session, struct notifier **out);
/* Attributes and pages of the node, as soon as may be. */
void notifier_drop(struct notifier *notifier, uint64_t node_id);
/* Lets the thread end; what still waits is not sent. What is being sent may wait for a page whose read only the dispatcher can
 * answer, so requests must be answered until notifier_ended(). */
void notifier_end(struct notifier *notifier);
bool notifier_ended(struct notifier *notifier);
/* Joins the thread, which must have ended or be about to, and frees. NULL is allowed. */
void notifier_stop(struct notifier *notifier);

#endif
