/* log send: takes the newest checkpoint of the processing log to the places that the policy names ([log] send), and keeps when that
 * last worked, for `status` and the report. Meant for a timer. Needs no key; neither asks the daemon nor needs one. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/gate/clock.h"
#include "fs/log/sent.h"
#include "tools/checkpoint.h"
#include "tools/log_place.h"
#include "tools/place.h"

enum { COMMAND_WAIT_MS = 60 * 1000, EXIT_NOT_RUN = 127 };

/* ---- the journal ------------------------------------------------------------------------------------------------ */

/* The library keeps silent where no journal listens; whoever counts on it being kept has to know. */
static int look_for_journal(struct report_why *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
    int error = 0, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        error = report_fail(why, -errno, "no journal listens at %s: %s", address.sun_path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return error;
}

static int send_to_journal(const struct checkpoint *checkpoint, struct report_why *why)
{
    int error = look_for_journal(why);

    if (error)
        return error;
    error = sd_journal_send("MESSAGE=%s", checkpoint->text, "PRIORITY=5", "SYSLOG_IDENTIFIER=dossierfs-checkpoint",
                            "DOSSIERFS_ENTRIES=%llu", (unsigned long long)checkpoint->size, "DOSSIERFS_KEY=%s",
                            checkpoint->key, NULL);
    return error < 0 ? report_fail(why, error, "the journal: %s", strerror(-error)) : 0;
}

/* ---- a command ---------------------------------------------------------------------------------------------------- */

/* A text of that size is taken by an empty pipe at once, so that a program which does not read keeps nobody waiting. */
static int write_pipe(const struct checkpoint *checkpoint, int ends[2])
{
    size_t length_bytes = strlen(checkpoint->text);
    int error = pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;

    if (!error && write(ends[1], checkpoint->text, length_bytes) != (ssize_t)length_bytes)
        error = -EIO;
    return error;
}

static _Noreturn void become(const char *path, int in)
{
    char *const words[] = {(char *)path, NULL};
    char *const environment[] = {(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                 (char *)"LC_ALL=C.UTF-8", NULL};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    /* What it prints is for people: standard output is this command's. */
    if (setpgid(0, 0) == 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        execve(path, words, environment);
    _exit(EXIT_NOT_RUN);
}

/* How it ended, as waitpid() says; -ETIMEDOUT: it was ended. */
static int wait_for(pid_t child)
{
    struct pollfd ended = {.fd = pidfd_open(child, 0), .events = POLLIN};
    int status = 0, ready = 0;

    while (ended.fd >= 0 && (ready = poll(&ended, 1, COMMAND_WAIT_MS)) < 0 && errno == EINTR)
        ;
    if (ended.fd >= 0)
        close(ended.fd);
    if (ready == 0)
        kill(-child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return ready == 0 ? -ETIMEDOUT : status;
}

static int send_to_command(const char *path, const struct checkpoint *checkpoint, struct report_why *why)
{
    int ends[2] = {-1, -1}, status, error = write_pipe(checkpoint, ends);
    pid_t child = error ? -1 : fork();

    if (child == 0)
        become(path, ends[0]);
    if (!error && child < 0)
        error = -errno;
    for (unsigned i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    if (error)
        return report_fail(why, error, "it can't be started: %s", strerror(-error));
    status = wait_for(child);
    if (status == -ETIMEDOUT)
        return report_fail(why, status, "it did not end within %d seconds and was ended", COMMAND_WAIT_MS / 1000);
    if (WIFSIGNALED(status))
        return report_fail(why, -EIO, "it was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) == EXIT_NOT_RUN)
        return report_fail(why, -ENOENT, "it can't be run");
    return WEXITSTATUS(status) ? report_fail(why, -EIO, "it failed (exit code %d)", WEXITSTATUS(status)) : 0;
}

/* ---- the places --------------------------------------------------------------------------------------------------- */

static int send_to(const struct policy_send *send, const struct checkpoint *checkpoint, struct report_why *why)
{
    switch (send->way) {
    case SEND_JOURNAL:
        return send_to_journal(checkpoint, why);
    case SEND_FILE:
        return checkpoint_append(send->path, checkpoint->text, why);
    default:
        return send_to_command(send->path, checkpoint, why);
    }
}

/* Each place is tried, whatever became of the others. */
static int send_all(struct command_context *context, const struct policy_log *log, const char *path,
                    const struct checkpoint *checkpoint)
{
    struct sent_place places[POLICY_MAX_SENDS] = {0};
    int code = COMMAND_DONE, error;

    for (size_t i = 0; i < log->send_count; i++) {
        struct report_why why = {""};

        snprintf(places[i].place, sizeof places[i].place, "%s", log->send[i].text);
        sent_read(path, &places[i]);
        places[i].tried_s = clock_now_s();
        places[i].why[0] = '\0';
        error = send_to(&log->send[i], checkpoint, &why);
        if (error) {
            commands_cannot(context, "%s: %s", log->send[i].text, why.text);
            snprintf(places[i].why, sizeof places[i].why, "%.150s", why.text);
            if (code != COMMAND_FAULTS)
                code = error == -ERANGE || error == -EXDEV || error == -EINVAL ? COMMAND_FAULTS : COMMAND_CANNOT;
        } else {
            places[i].sent_s = places[i].tried_s;
            places[i].size = checkpoint->size;
        }
    }
    error = sent_write(path, places, log->send_count);
    if (error)
        return commands_cannot(context, "%s/sent can't be written: %s", path, strerror(-error));
    return code;
}

int log_send_run(struct command_context *context)
{
    char path[LOG_PLACE_BYTES];
    struct checkpoint checkpoint;
    struct policy *policy = NULL;
    int code;

    if (!context->place.policy)
        return commands_cannot(context, "which policy? -n NAME, or -s STORE -p POLICY");
    code = place_read_policy(context->place.policy, &policy, context->error);
    if (code != COMMAND_DONE)
        return code;
    if (!context->place.store && policy->mount.store[0])
        context->place.store = policy->mount.store;
    code = COMMAND_CANNOT;
    if (policy->log.send_count == 0)
        commands_cannot(context, "the policy names no place: `send` in its [log] section");
    else if (log_place(context, 0, path) && checkpoint_newest(context, path, &checkpoint) == COMMAND_DONE)
        code = send_all(context, &policy->log, path, &checkpoint);
    policy_free(policy);
    return code;
}
