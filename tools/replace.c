#include "tools/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/base/random.h"

enum { ACCESS_LIST_MAX_BYTES = 65536, OLD_MAX_BYTES = 1 << 26 };
static const char access_list[] = "system.posix_acl_access";

/* Where the file is, links followed. */
struct spot {
    int directory_fd;
    char path[PATH_MAX];
    const char *name; /* the last part of the path */
    bool there;
};

/* ---- which file ----------------------------------------------------------------------------------------------- */

/* The path of a file that isn't there yet: its directory must be. */
static int resolve_new(const char *path, char resolved[static PATH_MAX], struct report_why *why)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char directory[PATH_MAX];
    struct stat status;
    size_t length;

    if (lstat(path, &status) == 0)
        return report_fail(why, -ENOENT, "%s is a symbolic link to nothing", path);
    if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return report_fail(why, -EINVAL, "%s is no name of a file", path);
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    if (!realpath(directory, resolved))
        return report_fail(why, -errno, "%s can't be reached: %s", directory, strerror(errno));
    length = strlen(resolved);
    if ((size_t)snprintf(resolved + length, PATH_MAX - length, "/%s", name) >= PATH_MAX - length)
        return report_fail(why, -ENAMETOOLONG, "the path is too long");
    return 0;
}

static int find_spot(const char *path, struct spot *spot, struct report_why *why)
{
    char *slash;
    int error;

    *spot = (struct spot){.directory_fd = -1, .there = true};
    if (strlen(path) >= PATH_MAX)
        return report_fail(why, -ENAMETOOLONG, "the path is too long");
    if (!realpath(path, spot->path)) {
        if (errno != ENOENT)
            return report_fail(why, -errno, "%s can't be reached: %s", path, strerror(errno));
        spot->there = false;
        error = resolve_new(path, spot->path, why);
        if (error)
            return error;
    }
    slash = strrchr(spot->path, '/');
    spot->name = slash + 1;
    *slash = '\0';
    spot->directory_fd = open(slash == spot->path ? "/" : spot->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *slash = '/';
    if (spot->directory_fd < 0)
        return report_fail(why, -errno, "the directory of %s can't be opened: %s", spot->path, strerror(errno));
    return 0;
}

static void leave_spot(struct spot *spot)
{
    if (spot->directory_fd >= 0)
        close(spot->directory_fd);
}

/* What is there: its bytes, and whose it is. *fd stays open, for the access list. */
static int read_old(const struct spot *spot, size_t max_bytes, int *fd, struct stat *status, struct buffer *bytes,
                    struct report_why *why)
{
    int error;

    *fd = openat(spot->directory_fd, spot->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, status) < 0)
        return report_fail(why, -errno, "%s can't be read: %s", spot->path, strerror(errno));
    if (!S_ISREG(status->st_mode))
        return report_fail(why, -EINVAL, "%s is no regular file", spot->path);
    error = file_read_all(*fd, max_bytes, bytes);
    if (error == -EFBIG)
        return report_fail(why, error, "%s is longer than %zu bytes", spot->path, max_bytes);
    if (error)
        return report_fail(why, error, "%s can't be read: %s", spot->path, strerror(-error));
    return 0;
}

int replace_read(const char *path, size_t max_bytes, struct buffer *bytes, struct report_why *why)
{
    struct stat status;
    struct spot spot;
    int fd = -1, error;

    if (access(path, F_OK) < 0)
        return report_fail(why, -errno, "%s can't be read: %s", path, strerror(errno));
    error = find_spot(path, &spot, why);
    if (!error)
        error = read_old(&spot, max_bytes, &fd, &status, bytes, why);
    if (fd >= 0)
        close(fd);
    leave_spot(&spot);
    return error;
}

static bool is_expected(const struct buffer *expected, const struct buffer *found)
{
    return !expected ||
           (expected->length_bytes == found->length_bytes &&
            (found->length_bytes == 0 || memcmp(expected->bytes, found->bytes, found->length_bytes) == 0));
}

/* ---- the new file --------------------------------------------------------------------------------------------- */

/* An access list that is lost could let in whom it kept out: its mask stands where the mode has the group's rights. */
static int copy_access_list(int from, int to)
{
    char *room = malloc(ACCESS_LIST_MAX_BYTES);
    ssize_t length;
    int error = 0;

    if (!room)
        return -ENOMEM;
    length = fgetxattr(from, access_list, room, ACCESS_LIST_MAX_BYTES);
    if (length >= 0 && fsetxattr(to, access_list, room, (size_t)length, 0) < 0)
        error = -errno;
    else if (length < 0 && errno != ENODATA && errno != ENOTSUP)
        error = -errno;
    free(room);
    return error;
}

/* Owner first: to give a file away takes its set-id bits. */
static int copy_rights(int from, const struct stat *status, int to)
{
    struct stat now;

    if (fstat(to, &now) < 0)
        return -errno;
    if ((now.st_uid != status->st_uid || now.st_gid != status->st_gid) &&
        fchown(to, status->st_uid, status->st_gid) < 0)
        return -errno;
    if (fchmod(to, status->st_mode & 07777) < 0)
        return -errno;
    return copy_access_list(from, to);
}

/* A name that nobody has, in `name`; open for writing, for this user alone until it is complete. */
static int make_beside(const struct spot *spot, const char *like, char name[static NAME_MAX + 1])
{
    for (int attempt = 0; attempt < 100; attempt++) {
        uint8_t drawn[8];
        int fd;

        random_draw(drawn, sizeof drawn);
        snprintf(name, NAME_MAX + 1, ".%.200s.%02x%02x%02x%02x%02x%02x", like, drawn[0], drawn[1], drawn[2], drawn[3],
                 drawn[4], drawn[5]);
        fd = openat(spot->directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd < 0 ? -errno : fd;
    }
    return -EEXIST;
}

/* Writes the bytes, gives them the rights of `old_fd` (-1: `mode`), and syncs. */
static int fill(int fd, const void *bytes, size_t length_bytes, int old_fd, const struct stat *status, mode_t mode)
{
    int error = file_pwrite(fd, bytes, length_bytes, 0);

    if (!error && old_fd >= 0)
        error = copy_rights(old_fd, status, fd);
    else if (!error && fchmod(fd, mode) < 0)
        error = -errno;
    if (!error && fsync(fd) < 0)
        error = -errno;
    return error;
}

struct content {
    const void *bytes;
    size_t length_bytes;
    int old_fd; /* whose rights it gets; -1: `mode` */
    const struct stat *status;
    mode_t mode;
};

static int put(const struct spot *spot, const char *name, const struct content *content, struct report_why *why)
{
    char beside[NAME_MAX + 1];
    int fd = make_beside(spot, name, beside), error = 0;

    if (fd < 0)
        return report_fail(why, fd, "nothing can be made beside %s: %s", spot->path, strerror(-fd));
    error = fill(fd, content->bytes, content->length_bytes, content->old_fd, content->status, content->mode);
    if (close(fd) < 0 && !error)
        error = -errno;
    if (error == -EPERM) {
        report_fail(why, error, "the new %s can't be given owner, group, mode or access list of the old one", name);
        goto out;
    }
    if (!error && renameat(spot->directory_fd, beside, spot->directory_fd, name) < 0)
        error = -errno;
    if (error) {
        report_fail(why, error, "the new %s can't be written: %s", name, strerror(-error));
        goto out;
    }
    error = file_sync_directory(spot->directory_fd);
    return error ? report_fail(
                       why, -EIO,
                       "%s was written, but its directory can't be synced (%s): a loss of power may take it back",
                       name, strerror(-error))
                 : 0;
out:
    unlinkat(spot->directory_fd, beside, 0);
    return error;
}

static int back_up(const struct spot *spot, const char *suffix, const struct buffer *old, int old_fd,
                   const struct stat *status, struct report_why *why)
{
    const struct content content = {old->bytes, old->length_bytes, old_fd, status, 0};
    char name[NAME_MAX + 1];

    if ((size_t)snprintf(name, sizeof name, "%s%s", spot->name, suffix) >= sizeof name)
        return report_fail(why, -ENAMETOOLONG, "the name of the backup is too long");
    return put(spot, name, &content, why);
}

int replace_known(const char *path, const struct replace *replace, struct report_why *why)
{
    struct buffer old = BUFFER_EMPTY, again = BUFFER_EMPTY;
    struct stat status = {0};
    struct spot spot;
    int old_fd = -1, again_fd = -1, error = find_spot(path, &spot, why);

    if (!error && spot.there)
        error = read_old(&spot, OLD_MAX_BYTES, &old_fd, &status, &old, why);
    if (!error && (spot.there ? !is_expected(replace->expected, &old) : replace->expected != NULL))
        error = report_fail(why, -ESTALE, "%s was changed by somebody else meanwhile", spot.path);
    if (!error && spot.there && replace->backup)
        error = back_up(&spot, replace->backup, &old, old_fd, &status, why);
    /* Once more, since the backup waited for the disk. */
    if (!error && spot.there && replace->expected) {
        error = read_old(&spot, OLD_MAX_BYTES, &again_fd, &status, &again, why);
        if (!error && !is_expected(replace->expected, &again))
            error = report_fail(why, -ESTALE, "%s was changed by somebody else meanwhile", spot.path);
    }
    if (!error) {
        const struct content content = {replace->bytes, replace->length_bytes, old_fd, &status, replace->mode};

        error = put(&spot, spot.name, &content, why);
    }
    if (old_fd >= 0)
        close(old_fd);
    if (again_fd >= 0)
        close(again_fd);
    leave_spot(&spot);
    buffer_clear(&old);
    buffer_clear(&again);
    return error;
}

/* ---- what a command writes ------------------------------------------------------------------------------------ */

static int write_output(const char *path, struct replace *replace)
{
    struct stat status;
    size_t length = strlen(path);
    mode_t mask;

    if (length == 0 || path[length - 1] == '/')
        return -EISDIR;
    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return -EEXIST;
    mask = umask(0);
    umask(mask);
    replace->mode = 0666 & ~mask;
    return replace_known(path, replace, NULL);
}

int replace_file(const char *path, const void *bytes, size_t length_bytes, FILE *error)
{
    struct replace replace = {.bytes = bytes, .length_bytes = length_bytes};
    int result = write_output(path, &replace);

    if (result < 0)
        fprintf(error, "%s: %s can't be written: %s\n", program_invocation_short_name, path,
                result == -EEXIST ? "it is there and no regular file; it is left as it is" : strerror(-result));
    return result;
}

/* ---- one at a time -------------------------------------------------------------------------------------------- */

/* The lock is the kernel's on the open file, so it ends with the process. Its file is in a name that only whoever may write
 * the directory can make, and has a mode that lets nobody else open it: a reader of the policy could take a lock on the policy
 * itself and keep everybody out. */
struct replace_lock {
    struct spot spot;
    char name[NAME_MAX + 1];
    int fd;
};

static int tell_busy(const struct replace_lock *lock, struct report_why *why)
{
    struct buffer text = BUFFER_EMPTY;
    long pid = 0;

    if (file_read_all(lock->fd, 64, &text) == 0)
        pid = strtol(buffer_text(&text), NULL, 10);
    buffer_clear(&text);
    if (pid > 0)
        return report_fail(why, -EBUSY, "%s is being edited by process %ld", lock->spot.path, pid);
    return report_fail(why, -EBUSY, "%s is being edited by somebody else", lock->spot.path);
}

/* Is the file that is locked still the one with that name? Whoever had it before may just have taken the name away. */
static bool is_named(const struct replace_lock *lock)
{
    struct stat named, held;

    return fstatat(lock->spot.directory_fd, lock->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(lock->fd, &held) == 0 && named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

static int take(struct replace_lock *lock, struct report_why *why)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        lock->fd =
            openat(lock->spot.directory_fd, lock->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (lock->fd < 0)
            return report_fail(why, -errno, "%s can't be locked with %s beside it: %s", lock->spot.path, lock->name,
                               strerror(errno));
        if (flock(lock->fd, LOCK_EX | LOCK_NB) < 0)
            return errno == EWOULDBLOCK
                       ? tell_busy(lock, why)
                       : report_fail(why, -errno, "%s can't be locked: %s", lock->spot.path, strerror(errno));
        if (is_named(lock))
            return 0;
        close(lock->fd);
        lock->fd = -1;
    }
    return report_fail(why, -EBUSY, "%s is being edited by others", lock->spot.path);
}

int replace_lock(const char *path, struct replace_lock **out, struct report_why *why)
{
    struct replace_lock *lock = calloc(1, sizeof *lock);
    int error;

    if (!lock)
        return report_fail(why, -ENOMEM, "no memory");
    lock->fd = -1;
    error = find_spot(path, &lock->spot, why);
    if (!error && (size_t)snprintf(lock->name, sizeof lock->name, "%s.lock", lock->spot.name) >= sizeof lock->name)
        error = report_fail(why, -ENAMETOOLONG, "the name is too long");
    if (!error)
        error = take(lock, why);
    if (error) {
        if (lock->fd >= 0)
            close(lock->fd);
        leave_spot(&lock->spot);
        free(lock);
        return error;
    }
    if (ftruncate(lock->fd, 0) == 0)
        dprintf(lock->fd, "%ld\n", (long)getpid()); /* only to be told */
    *out = lock;
    return 0;
}

void replace_unlock(struct replace_lock *lock)
{
    if (!lock)
        return;
    if (is_named(lock))
        unlinkat(lock->spot.directory_fd, lock->name, 0);
    close(lock->fd);
    leave_spot(&lock->spot);
    free(lock);
}
