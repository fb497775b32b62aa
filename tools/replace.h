/* replace: a file that is there as it was or as it is to be, and never half: written beside itself, synced, renamed. */
#ifndef DOSSIERFS_TOOLS_REPLACE_H
#define DOSSIERFS_TOOLS_REPLACE_H

#include <stddef.h>
#include <stdio.h>

/* The name may be free, or that of a regular file, whose permission bits are kept (a new one has those of the umask). What
 * else stands there (a link, a device, a directory) is left alone: -EEXIST. 0, or a negative errno after one line on `error`
 * that begins with the program's name; the file is then as it was. -EIO also: the new file is in place, but that may not
 * outlive a loss of power. */
int replace_file(const char *path, const void *bytes, size_t length_bytes, FILE *error);

#endif
