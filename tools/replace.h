/* replace: a file becomes another one in one step. Whoever opens the name finds what was there or the new bytes, whole,
 * whenever the power or this process ends.
 *
 * The bytes go to a new file in the same directory, which gets owner, group, mode and access control list of the old one, is
 * synced, and then takes its name; the directory is synced after that. Another hard link of the file goes on naming the old
 * bytes. */
#ifndef DOSSIERFS_TOOLS_REPLACE_H
#define DOSSIERFS_TOOLS_REPLACE_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "fs/base/buffer.h"
#include "fs/base/report.h"

/* For what a command writes. The name may be free (the file gets the mode of the umask), or that of a regular file. What else
 * stands there (a link, a device, a directory) is left alone: -EEXIST. 0, or a negative errno after one line on `error`
 * that begins with the program's name; the file is then as it was. -EIO also: the new file is in place, but that may not
 * outlive a loss of power. */
int replace_file(const char *path, const void *bytes, size_t length_bytes, FILE *error);

/* For a file that people keep: a symbolic link is followed, the file that it means is replaced and the link stays. */
struct replace {
    const void *bytes;
    size_t length_bytes;
    const struct buffer *expected; /* what must be there still; NULL: whatever is there, or nothing */
    const char *backup;            /* what is there is kept first as NAME and this behind it ("~"); NULL: it isn't */
    mode_t mode;                   /* where nothing is there yet */
};

/* 0, or a negative errno with `why`, and then the name means what it meant before. -ESTALE: what is there is not what was
 * expected. -EINVAL: it is no regular file. -EPERM: the new file can't be given owner, group, mode or access list of the
 * old. -EROFS, -ENOSPC and so on. Only if the last sync fails (-EIO) it is not known which of the two a loss of power would
 * leave; `why` says so. The old one is backed up by the same steps, so that the backup is never half a file either. */
int replace_known(const char *path, const struct replace *replace, struct report_why *why);

/* What is there, whole: of a regular file only, and a pipe is not waited for. 0 or a negative errno with `why`; -EFBIG. */
int replace_read(const char *path, size_t max_bytes, struct buffer *bytes, struct report_why *why);

/* One person at a time: a lock file beside the file, NAME.lock, for this user alone. A process that ends, however it ends, gives
 * the lock up; the file that a killed one leaves is taken over. */
struct replace_lock;

/* -EBUSY: somebody has it; `why` names the process. -EACCES, -EROFS and so on: nothing can be written there. */
int replace_lock(const char *path, struct replace_lock **out, struct report_why *why);
/* NULL is allowed. */
void replace_unlock(struct replace_lock *lock);

#endif
