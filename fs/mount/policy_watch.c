/* Rules of this file: half of a file can be a policy too, with fewer rules; so a file that somebody has open for writing is not
 * read. A lease of the kernel's tells, and makes who opens it meanwhile wait until it was read, which takes milliseconds. Where no
 * lease can be had (a network file system, or a file of another user while this process is not root) the file must look the same
 * before and after. */
#include "fs/mount/policy_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/buffer.h"
#include "fs/base/file.h"
#include "fs/base/report.h"

enum { WATCHED = IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB };

struct policy_watch {
    char *path;
    int inotify_fd;
    bool asked;       /* to be read, changed or not */
    bool changed;     /* perhaps: something happened in its directory */
    bool missing;     /* said already */
    struct stat seen; /* as it was when it was last read */
};

static void watch_directory(const struct policy_watch *watch, const char *path)
{
    char *directory = strdup(path);
    char *slash = directory ? strrchr(directory, '/') : NULL;

    if (slash) {
        slash[slash == directory] = '\0';
        if (inotify_add_watch(watch->inotify_fd, directory, WATCHED) < 0)
            report(REPORT_WARNING, "changes of the policy in %s are not noticed (%s); SIGHUP has it read", directory,
                   strerror(errno));
    }
    free(directory);
}

struct policy_watch *policy_watch_new(const char *path)
{
    struct policy_watch *watch = calloc(1, sizeof *watch);
    char real[PATH_MAX];

    if (watch)
        watch->path = strdup(path);
    if (!watch || !watch->path) {
        free(watch);
        return NULL;
    }
    signal(SIGIO, SIG_IGN); /* how the kernel tells that somebody waits for the lease */
    watch->asked = true;    /* it may have been changed since it was read at the start */
    watch->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    watch_directory(watch, path);
    if (realpath(path, real) && strcmp(real, path) != 0)
        watch_directory(watch, real);
    return watch;
}

void policy_watch_free(struct policy_watch *watch)
{
    if (!watch)
        return;
    if (watch->inotify_fd >= 0)
        close(watch->inotify_fd);
    free(watch->path);
    free(watch);
}

int policy_watch_fd(const struct policy_watch *watch)
{
    return watch->inotify_fd;
}

void policy_watch_ask(struct policy_watch *watch)
{
    watch->asked = true;
}

bool policy_watch_waits(const struct policy_watch *watch)
{
    return watch->asked || watch->changed;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* What happened is looked at in the file itself: whatever the events say, and however many got lost. */
static void drain(struct policy_watch *watch)
{
    char events[4096];

    while (watch->inotify_fd >= 0 && read(watch->inotify_fd, events, sizeof events) > 0)
        watch->changed = true;
}

/* -EAGAIN: somebody writes it. */
static int read_unwritten(int fd, struct stat *status, struct buffer *text)
{
    bool leased = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
    struct stat after;
    int error = !leased && errno == EAGAIN ? -EAGAIN : 0;

    if (!error && fstat(fd, status) < 0)
        error = -errno;
    if (!error)
        error = file_read_all(fd, POLICY_WATCH_MAX_BYTES, text);
    if (error == -EFBIG) { /* the text says so to whoever reads it as a policy */
        buffer_clear(text);
        for (size_t i = 0; i < POLICY_WATCH_MAX_BYTES && !text->failed; i++)
            buffer_append_u8(text, '\n');
        error = text->failed ? -ENOMEM : 0;
    }
    if (!error && (fstat(fd, &after) < 0 || !same_file(status, &after)))
        error = -EAGAIN;
    if (leased)
        fcntl(fd, F_SETLEASE, F_UNLCK);
    return error;
}

static int to_memory(const struct buffer *text, int *out)
{
    int fd = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error = fd < 0 ? -errno : file_pwrite(fd, text->bytes, text->length_bytes, 0);

    if (!error && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        error = -errno;
    if (error && fd >= 0)
        close(fd);
    if (!error)
        *out = fd;
    return error;
}

static void say_missing(struct policy_watch *watch, int error)
{
    if (!watch->missing)
        report(REPORT_ERROR, "the policy %s can't be read (%s); what is in force stays", watch->path,
               strerror(error));
    watch->missing = true;
}

int policy_watch_take(struct policy_watch *watch, int *out, uint32_t *owner_uid)
{
    struct buffer text = BUFFER_EMPTY;
    struct stat status;
    int fd, error;

    drain(watch);
    if (!watch->asked && !watch->changed)
        return -EAGAIN;
    fd = open(watch->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        say_missing(watch, fd < 0 ? errno : EINVAL);
        watch->asked = watch->changed = false;
        error = -EAGAIN;
        goto out;
    }
    watch->missing = false;
    error = !watch->asked && same_file(&status, &watch->seen) ? -EAGAIN : 0;
    if (error)
        watch->changed = false; /* it was another file of the directory */
    if (!error)
        error = read_unwritten(fd, &status, &text);
    if (!error)
        error = to_memory(&text, out);
    if (!error) {
        watch->asked = watch->changed = false;
        watch->seen = status;
        *owner_uid = (uint32_t)status.st_uid;
    }
out:
    buffer_clear(&text);
    if (fd >= 0)
        close(fd);
    return error ? -EAGAIN : 0;
}
