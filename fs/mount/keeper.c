#define FUSE_USE_VERSION 314
#include "fs/mount/keeper.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/mount/policy_watch.h"

/* Words on the socket pair, one byte each: daemon to keeper 'M' (mount), 'R' (serves), 'H' (alive), 'P' (the policy is dealt with);
 * keeper to daemon 'F' with the descriptor, 'N' (could not mount), or 'P' with a file in memory that holds a policy, and its owner. */
enum { POLICY_RETRY_MS = 50 /* while somebody writes the policy's file */ };

struct keeper_talk {
    int fd;
    int stop_fd;
};

struct keeper {
    const struct keeper_options *options;
    int talk_fd, signal_fd;
    pid_t child;
    bool mounted, serves, stopping;
    uint64_t mount_id;
    unsigned device_minor; /* the connection's number in the kernel's control file system */
    int64_t heard_s;
    struct policy_watch *watch; /* NULL: none */
    bool policy_out;            /* the daemon has one and did not say that it is dealt with */
};

/* ---- the mount point ---------------------------------------------------------------------------------------------- */

static bool is_ours_in_table(const char *path)
{
    FILE *table = setmntent("/proc/self/mounts", "r");
    struct mntent *entry;
    bool found = false;

    while (table && (entry = getmntent(table)))
        if (strcmp(entry->mnt_dir, path) == 0)
            found = strcmp(entry->mnt_type, "fuse.dossierfs") == 0; /* the last one is on top */
    if (table)
        endmntent(table);
    return found;
}

static int unmount_path(const char *path)
{
    const char *arguments[] = {"fusermount3", "-u", "-z", "-q", "--", path, NULL};
    int status;
    pid_t pid;

    if (geteuid() == 0)
        return umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
    /* posix_spawnp() does not change its arguments; its type is older than const. */
    if (posix_spawnp(&pid, arguments[0], NULL, NULL, (char *const *)arguments, environ) != 0)
        return -ENOENT;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

/* A mount whose daemon is gone answers ENOTCONN to everything. realpath() can't pass it, so the path must be the one that the
 * table shows. */
static void take_away_stale(const char *path)
{
    struct statvfs there;

    /* Not stat(): the kernel may still know the attributes of the root, and answer for the dead. */
    if (statvfs(path, &there) == 0 || errno != ENOTCONN || !is_ours_in_table(path))
        return;
    if (unmount_path(path) == 0)
        report(REPORT_WARNING, "%s: a mount was left whose daemon is gone; unmounted it", path);
}

int keeper_check_mountpoint(const char *path, char real[static PATH_MAX], struct report_why *why)
{
    struct dirent *entry;
    struct stat there;
    bool empty = true;
    DIR *directory;

    take_away_stale(path);
    if (!realpath(path, real))
        return report_fail(why, -errno, "the mount point %s can't be used: %s", path, strerror(errno));
    if (is_ours_in_table(real))
        return report_fail(why, -EBUSY, "a dossierfs is mounted on %s already", real);
    if (stat(real, &there) < 0 || !S_ISDIR(there.st_mode))
        return report_fail(why, -ENOTDIR, "the mount point %s is not a directory", path);
    directory = opendir(real);
    if (!directory)
        return report_fail(why, -errno, "the mount point %s can't be read: %s", path, strerror(errno));
    while (empty && (entry = readdir(directory)))
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(directory);
    if (!empty)
        return report_fail(why, -ENOTEMPTY, "the mount point %s is not empty", path);
    return 0;
}

/* The number of the mount on the path, without asking the daemon for anything. 0: not known. */
static uint64_t mount_id_of(const char *path, unsigned *device_minor)
{
    struct statx there;

    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &there) < 0 ||
        !(there.stx_mask & STATX_MNT_ID))
        return 0;
    if (device_minor)
        *device_minor = there.stx_dev_minor;
    return there.stx_mnt_id;
}

/* Ends the connection in the kernel, so that every request in it fails: those of users, and those in which a thread of a dead
 * daemon still hangs (a notification can wait for a page that only the daemon could have read). */
static void abort_connection(const struct keeper *keeper)
{
    char path[64];
    int fd;

    if (!keeper->mounted)
        return;
    snprintf(path, sizeof path, "/sys/fs/fuse/connections/%u/abort", keeper->device_minor);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, "1", 1) != 1)
            report(REPORT_WARNING, "the connection can't be ended: %s", strerror(errno));
        close(fd);
    } else if (geteuid() == 0 && keeper->mount_id != 0 &&
               mount_id_of(keeper->options->mountpoint, NULL) == keeper->mount_id) {
        umount2(keeper->options->mountpoint,
                MNT_FORCE | UMOUNT_NOFOLLOW); /* ends it, whether it can unmount or not */
    }
}

static void unmount(struct keeper *keeper)
{
    int error;

    if (!keeper->mounted)
        return;
    keeper->mounted = false;
    /* Only what was mounted here: an administrator may have unmounted it and put something else in its place. */
    if (keeper->mount_id != 0 && mount_id_of(keeper->options->mountpoint, NULL) != keeper->mount_id)
        return;
    error = unmount_path(keeper->options->mountpoint);
    if (error && error != -EINVAL)
        report(REPORT_ERROR, "%s can't be unmounted: %s", keeper->options->mountpoint, strerror(-error));
}

/* ---- the child ----------------------------------------------------------------------------------------------------- */

/* Becomes the unprivileged user for good: no capabilities, no new privileges, nothing to be dumped. */
static int drop_privileges(const struct keeper_options *options)
{
    struct rlimit none = {0, 0};

    if (geteuid() == 0) {
        capng_clear(CAPNG_SELECT_BOTH);
        if (capng_change_id((int)options->uid, (int)options->gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
            return -EPERM;
        if (setuid(0) == 0)
            return -EPERM; /* it must not come back */
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        return -errno;
    /* After the change of user, which resets it. */
    return prctl(PR_SET_DUMPABLE, 0) < 0 ? -errno : 0;
}

static int run_child(const struct keeper_options *options, int (*daemon)(void *, struct keeper_talk *), void *context,
                     int fd, int signal_fd)
{
    struct keeper_talk talk = {fd, signal_fd};
    int error = drop_privileges(options);

    if (error) {
        report(REPORT_ERROR, "privileges can't be given up: %s", strerror(-error));
        return 2;
    }
    return daemon(context, &talk);
}

int keeper_fd(const struct keeper_talk *talk)
{
    return talk->fd;
}

const int *keeper_stop_fd(const struct keeper_talk *talk)
{
    return &talk->stop_fd;
}

/* One message of the keeper: its word, the four bytes behind it, and the descriptor, or -1. */
static int receive(const struct keeper_talk *talk, char *word, uint32_t *number, int *fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec parts[] = {{word, 1}, {number, sizeof *number}};
    struct msghdr message = {
        .msg_iov = parts, .msg_iovlen = 2, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    const struct cmsghdr *header;
    ssize_t got;

    while ((got = recvmsg(talk->fd, &message, MSG_CMSG_CLOEXEC)) < 0)
        if (errno != EINTR)
            return -errno;
    if (got == 0)
        return -ECONNRESET;
    header = CMSG_FIRSTHDR(&message);
    *fd = -1;
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(header), sizeof *fd);
    return 0;
}

int keeper_request_mount(struct keeper_talk *talk, int *fuse_fd)
{
    uint32_t number;
    char word = 0;
    int fd = -1, error = send(talk->fd, "M", 1, MSG_NOSIGNAL) < 0 ? -errno : receive(talk, &word, &number, &fd);

    if (error)
        return error;
    if (word != 'F' || fd < 0)
        return -EPERM;
    *fuse_fd = fd;
    return 0;
}

int keeper_next_policy(struct keeper_talk *talk, int wake_fd, int timeout_ms, struct buffer *text,
                       uint32_t *owner_uid)
{
    struct pollfd waits[] = {{talk->fd, POLLIN, 0}, {wake_fd, POLLIN, 0}};
    char word = 0;
    int count, fd = -1, error;

    do
        count = poll(waits, 2, timeout_ms);
    while (count < 0 && errno == EINTR);
    if (count <= 0)
        return count < 0 ? -errno : -ETIMEDOUT;
    if (waits[1].revents)
        return -ECANCELED;
    error = receive(talk, &word, owner_uid, &fd);
    if (!error)
        error = word == 'P' && fd >= 0 ? file_read_all(fd, POLICY_WATCH_MAX_BYTES, text) : -EPROTO;
    if (fd >= 0)
        close(fd);
    return error;
}

void keeper_policy_taken(struct keeper_talk *talk)
{
    send(talk->fd, "P", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- mounting ------------------------------------------------------------------------------------------------------- */

static int send_descriptor(int to, char word, uint32_t number, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec parts[] = {{&word, 1}, {&number, sizeof number}};
    struct msghdr message = {
        .msg_iov = parts, .msg_iovlen = 2, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header;

    memset(&control, 0, sizeof control);
    header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* libfuse mounts (or has fusermount3 do it for an ordinary user); the descriptor goes to the daemon, and this process keeps
 * none, so that the connection ends with the daemon. */
static int mount_and_send(struct keeper *keeper)
{
    static const struct fuse_lowlevel_ops nothing;
    bool plain = !strpbrk(keeper->options->source, ",\\\n");
    char name[] = "dossierfs", flag[] = "-o", options[PATH_MAX + 200];
    char *arguments[] = {name, flag, options, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, arguments);
    struct fuse_session *session;
    int error = -EPERM;

    snprintf(options, sizeof options, "subtype=dossierfs,fsname=%s,ro,nosuid,nodev,noexec%s",
             plain ? keeper->options->source : "dossierfs", keeper->options->allow_other ? ",allow_other" : "");
    session = fuse_session_new(&args, &nothing, sizeof nothing, NULL);
    fuse_opt_free_args(&args);
    if (!session)
        return -ENOMEM;
    if (fuse_session_mount(session, keeper->options->mountpoint) == 0) {
        keeper->mounted = true;
        keeper->mount_id = mount_id_of(keeper->options->mountpoint, &keeper->device_minor);
        error = send_descriptor(keeper->talk_fd, 'F', 0, fuse_session_fd(session));
    }
    fuse_session_destroy(session); /* closes the descriptor, and leaves the mount */
    if (error)
        send(keeper->talk_fd, "N", 1, MSG_NOSIGNAL);
    return error;
}

/* ---- watching -------------------------------------------------------------------------------------------------------- */

static int64_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void stop_child(struct keeper *keeper)
{
    if (keeper->stopping) {
        kill(keeper->child, SIGKILL); /* asked twice */
        return;
    }
    keeper->stopping = true;
    keeper->heard_s = now_s();
    kill(keeper->child, SIGTERM);
}

static void hear(struct keeper *keeper, void (*ready)(void *), void *context)
{
    char word;
    ssize_t got = recv(keeper->talk_fd, &word, 1, MSG_DONTWAIT);

    if (got <= 0) {
        if (got == 0) {
            close(keeper->talk_fd);
            keeper->talk_fd = -1; /* the child is ending; its status will tell */
        }
        return;
    }
    keeper->heard_s = now_s();
    if (word == 'M' && !keeper->mounted && mount_and_send(keeper) < 0)
        report(REPORT_ERROR, "%s can't be mounted on (is /dev/fuse there, and may you?)",
               keeper->options->mountpoint);
    if (word == 'P')
        keeper->policy_out = false;
    if (word == 'R' && !keeper->serves) {
        keeper->serves = true;
        ready(context);
    }
}

/* Its first thread is gone, and another one hangs in the kernel: the process can't end by itself. */
static bool is_half_dead(pid_t pid)
{
    char path[64], text[512];
    const char *state;
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    state = strrchr(text, ')'); /* behind the name, which may hold anything */
    return state && state[1] == ' ' && state[2] == 'Z';
}

/* Gives the daemon what is in the policy's file, if that is new and nobody is writing it. */
static void send_policy(struct keeper *keeper)
{
    uint32_t owner_uid;
    int fd;

    if (!keeper->watch || !keeper->serves || keeper->stopping || keeper->policy_out || keeper->talk_fd < 0 ||
        policy_watch_take(keeper->watch, &fd, &owner_uid) != 0)
        return;
    if (send_descriptor(keeper->talk_fd, 'P', owner_uid, fd) == 0)
        keeper->policy_out = true;
    else
        policy_watch_ask(keeper->watch);
    close(fd);
}

static void take_signal(struct keeper *keeper)
{
    struct signalfd_siginfo signal;

    if (read(keeper->signal_fd, &signal, sizeof signal) != sizeof signal || signal.ssi_signo == SIGCHLD)
        return;
    if (signal.ssi_signo != SIGHUP)
        stop_child(keeper);
    else if (keeper->watch)
        policy_watch_ask(keeper->watch);
}

/* Until the child ended; its status. */
static int watch(struct keeper *keeper, void (*ready)(void *), void *context)
{
    int status;

    for (;;) {
        struct pollfd waits[] = {{keeper->talk_fd, POLLIN, 0},
                                 {keeper->signal_fd, POLLIN, 0},
                                 {keeper->watch ? policy_watch_fd(keeper->watch) : -1, POLLIN, 0}};

        poll(waits, 3, keeper->watch && policy_watch_waits(keeper->watch) ? POLICY_RETRY_MS : 1000);
        if (waits[0].revents)
            hear(keeper, ready, context);
        if (waits[1].revents)
            take_signal(keeper);
        send_policy(keeper);
        if (waitpid(keeper->child, &status, WNOHANG) == keeper->child)
            return status;
        if (is_half_dead(keeper->child))
            abort_connection(keeper);
        if ((keeper->serves || keeper->stopping) && now_s() - keeper->heard_s > KEEPER_HEARTBEAT_S) {
            report(REPORT_ERROR, "the daemon gave no sign of life for %d s; it is killed", KEEPER_HEARTBEAT_S);
            kill(keeper->child, SIGKILL);
            abort_connection(keeper);
            keeper->heard_s = now_s();
        }
    }
}

int keeper_run(const struct keeper_options *options, int (*daemon)(void *context, struct keeper_talk *talk),
               void (*ready)(void *context), void *context)
{
    struct keeper keeper = {.options = options, .talk_fd = -1, .signal_fd = -1};
    int pair[2], status;
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGHUP, SIG_IGN); /* to the daemon it means nothing; to this process, see below */
    keeper.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK); /* the child's own from here on as well */
    if (keeper.signal_fd < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        report(REPORT_ERROR, "can't start: %s", strerror(errno));
        return 2;
    }
    keeper.child = fork();
    if (keeper.child == 0) {
        close(pair[0]);
        _exit(run_child(options, daemon, context, pair[1], keeper.signal_fd));
    }
    close(pair[1]);
    keeper.talk_fd = pair[0];
    if (keeper.child < 0) {
        report(REPORT_ERROR, "can't fork: %s", strerror(errno));
        return 2;
    }
    if (options->policy_file)
        keeper.watch = policy_watch_new(options->policy_file);
    signal(SIGHUP, SIG_DFL);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signalfd(keeper.signal_fd, &signals, 0);
    status = watch(&keeper, ready, context);
    unmount(&keeper);
    close(keeper.signal_fd);
    policy_watch_free(keeper.watch);
    if (keeper.talk_fd >= 0)
        close(keeper.talk_fd);
    if (WIFSIGNALED(status))
        report(REPORT_ERROR, "the daemon was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (!keeper.serves)
        return 2;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
