#include "fs/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int file_pread(int fd, void *to, size_t length_bytes, off_t offset)
{
    char *at = to;

    while (length_bytes > 0) {
        ssize_t got = pread(fd, at, length_bytes, offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return -ENODATA;
        at += got;
        offset += got;
        length_bytes -= (size_t)got;
    }
    return 0;
}

int file_pwrite(int fd, const void *from, size_t length_bytes, off_t offset)
{
    const char *at = from;

    while (length_bytes > 0) {
        ssize_t put = pwrite(fd, at, length_bytes, offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? -errno : -EIO;
        at += put;
        offset += put;
        length_bytes -= (size_t)put;
    }
    return 0;
}

int file_read_all(int fd, size_t max_bytes, struct buffer *out)
{
    size_t before = out->length_bytes;

    for (;;) {
        uint8_t *to = buffer_reserve(out, 65536);
        ssize_t got;

        if (!to) {
            buffer_cut(out, before);
            return -ENOMEM;
        }
        got = read(fd, to, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int error = -errno;

            buffer_cut(out, before);
            return error;
        }
        if (got == 0)
            return 0;
        out->length_bytes += (size_t)got;
        if (out->length_bytes - before > max_bytes) {
            buffer_cut(out, before);
            return -EFBIG;
        }
    }
}

int file_read_path(const char *path, size_t max_bytes, struct buffer *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error;

    if (fd < 0)
        return -errno;
    error = file_read_all(fd, max_bytes, out);
    close(fd);
    return error;
}

int file_sync_directory(int directory_fd)
{
    return fsync(directory_fd) < 0 ? -errno : 0;
}
