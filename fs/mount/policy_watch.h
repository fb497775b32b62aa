/* policy_watch: notices that the policy's file was changed or replaced, and reads it when nobody is writing it. For the keeper. */
#ifndef DOSSIERFS_MOUNT_POLICY_WATCH_H
#define DOSSIERFS_MOUNT_POLICY_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct policy_watch;

/* More than a policy may have, so that a longer one is told for what it is. */
enum { POLICY_WATCH_MAX_BYTES = (1 << 20) + 1 };

/* Watches the directory of the file, since most editors put a new file in its place, and that of the file it links to, if it is a
 * link. Where the kernel can't watch (said through report()) only policy_watch_ask() has it read. NULL: no memory. */
struct policy_watch *policy_watch_new(const char *path);
void policy_watch_free(struct policy_watch *watch); /* NULL is allowed */
/* Readable when something happened; -1: never. */
int policy_watch_fd(const struct policy_watch *watch);
/* Has the file read, changed or not. */
void policy_watch_ask(struct policy_watch *watch);
/* A change is known that could not be read yet: try again in a moment. */
bool policy_watch_waits(const struct policy_watch *watch);
/* 0: *fd is a file in memory with the text, at its beginning, for the caller to close; -EAGAIN: nothing new, or not yet. */
int policy_watch_take(struct policy_watch *watch, int *fd, uint32_t *owner_uid);

#endif
