/* file: whole reads and writes, and the syncs that make a name durable. All return 0 or a negative errno. */
#ifndef DOSSIERFS_BASE_FILE_H
#define DOSSIERFS_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "fs/base/buffer.h"

/* Exactly `length_bytes` bytes at `offset`; -ENODATA if the file ends before. */
int file_pread(int fd, void *to, size_t length_bytes, off_t offset);
int file_pwrite(int fd, const void *from, size_t length_bytes, off_t offset);
/* Appends what `fd` yields until its end to `out`; -EFBIG past `max_bytes` (what was read is wiped). */
int file_read_all(int fd, size_t max_bytes, struct buffer *out);
/* The same for the file named `path`. */
int file_read_path(const char *path, size_t max_bytes, struct buffer *out);
/* Makes the entries of a directory durable (fsync of the directory). */
int file_sync_directory(int directory_fd);

#endif
