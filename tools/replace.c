#include "tools/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "fs/base/file.h"

enum { NAME_ROOM_BYTES = 256 };

struct replacement {
    const char *path, *name; /* the whole, and its last part */
    int directory;
    char beside[NAME_ROOM_BYTES]; /* the new file until it is renamed; "": none */
    mode_t mode;
};

static int open_directory(struct replacement *this)
{
    size_t before_bytes = (size_t)(this->name - this->path);
    char *parent = before_bytes ? strndup(this->path, before_bytes) : strdup(".");

    if (!parent)
        return -ENOMEM;
    this->directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(parent);
    return this->directory < 0 ? -errno : 0;
}

/* What stands at the name now; -EEXIST for what is not to be replaced. */
static int look(struct replacement *this)
{
    struct stat status;
    mode_t mask;

    if (fstatat(this->directory, this->name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        this->mode = status.st_mode & 0777;
        return S_ISREG(status.st_mode) ? 0 : -EEXIST;
    }
    if (errno != ENOENT)
        return -errno;
    mask = umask(0);
    umask(mask);
    this->mode = 0666 & ~mask;
    return 0;
}

static int write_beside(struct replacement *this, const void *bytes, size_t length_bytes)
{
    int fd, result;

    if ((size_t)snprintf(this->beside, sizeof this->beside, ".%.200s.%08x", this->name, randombytes_random()) >=
        sizeof this->beside)
        return -ENAMETOOLONG;
    fd = openat(this->directory, this->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        result = -errno;
        this->beside[0] = '\0';
        return result;
    }
    result = file_pwrite(fd, bytes, length_bytes, 0);
    if (result == 0 && (fchmod(fd, this->mode) < 0 || fsync(fd) < 0))
        result = -errno;
    if (close(fd) < 0 && result == 0)
        result = -errno;
    return result;
}

static int put_in_place(struct replacement *this)
{
    if (renameat(this->directory, this->beside, this->directory, this->name) < 0)
        return -errno;
    this->beside[0] = '\0';
    return file_sync_directory(this->directory) < 0 ? -EIO : 0;
}

int replace_file(const char *path, const void *bytes, size_t length_bytes, FILE *error)
{
    const char *slash = strrchr(path, '/');
    struct replacement this = {.path = path, .name = slash ? slash + 1 : path, .directory = -1};
    int result = *this.name ? open_directory(&this) : -EISDIR;

    if (result == 0)
        result = look(&this);
    if (result == 0)
        result = write_beside(&this, bytes, length_bytes);
    if (result == 0)
        result = put_in_place(&this);
    if (this.beside[0])
        unlinkat(this.directory, this.beside, 0);
    if (this.directory >= 0)
        close(this.directory);
    if (result < 0)
        fprintf(error, "%s: %s can't be written: %s\n", program_invocation_short_name, path,
                result == -EEXIST ? "it is there and no regular file; it is left as it is" : strerror(-result));
    return result;
}
