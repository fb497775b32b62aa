#include "tools/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/gate/clock.h"
#include "fs/gate/control.h"
#include "tools/serve.h"

enum {
    ROOM_BYTES = 65536,
    COPIES_MAX = 2 + COMMAND_MAX_FILES,
    GREETING_MS = 10000,
    BUSY_WAIT_MS = 5000, /* how long to try again when the daemon has no seat free */
    BUSY_PAUSE_MS = 50,
};

/* ---- connecting ----------------------------------------------------------------------------------------------- */

/* A connection to `path` that was greeted; -ENOENT if nobody listens there; -EINVAL after a line. */
static int connect_one(const char *path, FILE *error)
{
    int64_t until_ms = clock_tick_ms() + BUSY_WAIT_MS;
    struct control_answer answer = {0};

    for (;;) {
        int fd = -1, result = control_connect(path, &fd);

        if (result == -ENOENT || result == -ECONNREFUSED || result == -ENOTDIR)
            return -ENOENT;
        if (result == 0)
            result = control_receive(fd, GREETING_MS, &answer);
        if (result == 0 && answer.word == CONTROL_READY)
            return fd;
        if (fd >= 0)
            close(fd);
        if (result < 0 || answer.word != CONTROL_BUSY || clock_tick_ms() >= until_ms) {
            fprintf(error, "dossier: the daemon behind %s does not take the command: %s\n", path,
                    result < 0 ? strerror(-result) : answer.text);
            return -EINVAL;
        }
        poll(NULL, 0, BUSY_PAUSE_MS);
    }
}

/* Names the store in the request, so that no other one is worked on. */
static int name_store(const char *store, struct control_request *request)
{
    struct stat status;

    if (!store)
        return 0;
    if (stat(store, &status) < 0)
        return -errno;
    request->store_device = status.st_dev;
    request->store_inode = status.st_ino;
    return 0;
}

/* Does the daemon behind `fd` have this store? 1, 0, or negative. */
static int ask_store(int fd, const char *store)
{
    const char *words[] = {tools_serve_question};
    struct control_request request = {.argc = 1, .argv = words};
    struct control_answer answer;
    int out[2], result = name_store(store, &request);

    if (result < 0)
        return result == -ENOENT ? 0 : result;
    if (pipe2(out, O_CLOEXEC) < 0)
        return -errno;
    result = control_send(fd, &request, (int[]){out[1], out[1]}, 2);
    if (result == 0)
        result = control_receive(fd, GREETING_MS, &answer);
    close(out[0]);
    close(out[1]);
    if (result == 0 && answer.word != CONTROL_EXIT)
        result = -EPROTO;
    return result < 0 ? result : answer.code == COMMAND_DONE;
}

/* A connection to the daemon behind `path`, if it is the one of the store. */
static int connect_store(const char *path, const char *store, FILE *error)
{
    int fd = connect_one(path, error), serves;

    if (fd < 0 || !store)
        return fd;
    serves = ask_store(fd, store);
    close(fd);
    if (serves > 0)
        return connect_one(path, error);
    if (serves == 0)
        return -ENOENT;
    fprintf(error, "dossier: whether the daemon behind %s has the store can't be known: %s\n", path,
            strerror(-serves));
    return -EINVAL;
}

int remote_connect(const char *control, const char *name, const char *store, FILE *error)
{
    char path[CONTROL_PATH_BYTES];
    int result = -ENOENT;

    if (control)
        return connect_store(control, store, error);
    for (int own = 0; own < 2 && result == -ENOENT; own++)
        if ((own == 0 || geteuid() != 0) && control_path(name, own == 0, path) == 0)
            result = connect_store(path, store, error);
    return result;
}

/* ---- the request ---------------------------------------------------------------------------------------------- */

/* The daemon needs no paths of ours: it gets the last part of a file's name, which is the default source of an import. */
static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

struct words {
    const char *words[CONTROL_MAX_ARGUMENTS + 1];
    char options[COMMAND_MAX_OPTIONS][64];
    unsigned count;
};

static void fill_words(const struct command_line *line, struct words *words)
{
    const struct command *command = line->command;

    words->words[words->count++] = command->noun;
    if (command->verb)
        words->words[words->count++] = command->verb;
    for (int i = 0; command->options[i].name; i++) {
        if (!line->option_text[i])
            continue;
        snprintf(words->options[i], sizeof words->options[i], "--%s", command->options[i].name);
        words->words[words->count++] = words->options[i];
        if (command->options[i].value)
            words->words[words->count++] =
                command->options[i].file == COMMAND_TEXT ? line->option_text[i] : last_part(line->option_text[i]);
    }
    words->words[words->count++] = "--";
    for (unsigned i = 0; i < line->argument_count; i++)
        words->words[words->count++] =
            command->arguments_are == COMMAND_TEXT ? line->argument_text[i] : last_part(line->argument_text[i]);
}

/* ---- copying -------------------------------------------------------------------------------------------------- */

/* One stream on its way; ours is the file here, theirs the end of the pipe. */
struct copy {
    unsigned stream; /* place in the request */
    bool is_input;   /* from here to the daemon */
    int ours, pipe;  /* pipe -1: done */
    size_t at, filled;
    char room[ROOM_BYTES];
};

struct copying {
    const struct remote *remote;
    struct copy *copies; /* COPIES_MAX */
    unsigned count;
    bool answered;
    struct control_answer answer;
    const char *broken; /* why the command can't go on; NULL: it can */
};

/* Makes the pipe of each stream; `theirs` are the ends for the daemon. */
static int make_pipes(struct copying *copying, int theirs[static COPIES_MAX])
{
    const struct files *files = copying->remote->files;

    for (unsigned i = 0; i < 2 + files->count; i++) {
        struct copy *copy = &copying->copies[i];
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
            return -errno;
        copy->stream = i;
        copy->is_input = i >= 2 && files->named[i - 2].file == COMMAND_READ;
        copy->ours = i < 2 ? STDOUT_FILENO + (int)i : fileno(files->streams[i - 2]);
        copy->pipe = ends[copy->is_input];
        theirs[i] = ends[!copy->is_input];
        copying->count = i + 1;
        if (fcntl(copy->pipe, F_SETFL, O_NONBLOCK) < 0)
            return -errno;
    }
    return 0;
}

static void end_copy(struct copy *copy)
{
    if (copy->pipe >= 0)
        close(copy->pipe);
    copy->pipe = -1;
}

/* Reads what the source has. An input that ends is told to be whole before its pipe is closed; one that fails breaks the
 * command off, since half a file must not look like a whole one. */
static void fill(struct copying *copying, struct copy *copy)
{
    ssize_t count = read(copy->is_input ? copy->ours : copy->pipe, copy->room, sizeof copy->room);

    if (count > 0) {
        copy->at = 0;
        copy->filled = (size_t)count;
    } else if (count == 0) {
        if (copy->is_input && !copying->answered)
            control_send_whole(copying->remote->socket, copy->stream);
        end_copy(copy);
    } else if (errno != EAGAIN && errno != EINTR) {
        if (copy->is_input)
            copying->broken = "an input file can't be read to its end";
        end_copy(copy);
    }
}

static void empty(struct copying *copying, struct copy *copy)
{
    size_t left = copy->filled - copy->at;
    ssize_t count = write(copy->is_input ? copy->pipe : copy->ours, copy->room + copy->at, left < 4096 ? left : 4096);

    if (count >= 0) {
        copy->at += (size_t)count;
    } else if (errno != EAGAIN && errno != EINTR) {
        /* The daemon needs no more of an input; a reader of our output who left is no fault either. */
        if (!copy->is_input && errno != EPIPE)
            copying->broken = "the output can't be written";
        copy->at = copy->filled;
        end_copy(copy);
    }
}

static void take_answer(struct copying *copying)
{
    if (control_receive(copying->remote->socket, 0, &copying->answer) < 0 || copying->answer.word != CONTROL_EXIT) {
        copying->broken = "the daemon ended before the command did; what it did can be seen in the log";
        return;
    }
    copying->answered = true;
    for (unsigned i = 0; i < copying->count; i++)
        if (copying->copies[i].is_input)
            end_copy(&copying->copies[i]);
}

/* What a copy waits for; an end of the other side is noticed only while something is to be moved. */
static struct pollfd wait_of(const struct copy *copy)
{
    bool has = copy->at < copy->filled;

    if (copy->pipe < 0 && !has)
        return (struct pollfd){.fd = -1};
    if (has)
        return (struct pollfd){.fd = copy->is_input ? copy->pipe : copy->ours, .events = POLLOUT};
    return (struct pollfd){.fd = copy->is_input ? copy->ours : copy->pipe, .events = POLLIN};
}

static bool outputs_open(const struct copying *copying)
{
    for (unsigned i = 0; i < copying->count; i++)
        if (!copying->copies[i].is_input &&
            (copying->copies[i].pipe >= 0 || copying->copies[i].at < copying->copies[i].filled))
            return true;
    return false;
}

static void copy_all(struct copying *copying)
{
    while (!copying->broken && (!copying->answered || outputs_open(copying))) {
        struct pollfd waits[COPIES_MAX + 1];

        for (unsigned i = 0; i < copying->count; i++)
            waits[i] = wait_of(&copying->copies[i]);
        waits[copying->count] =
            (struct pollfd){.fd = copying->answered ? -1 : copying->remote->socket, .events = POLLIN};
        if (poll(waits, copying->count + 1, -1) < 0 && errno != EINTR)
            copying->broken = "waiting for the daemon failed";
        for (unsigned i = 0; i < copying->count; i++) {
            if (!waits[i].revents || waits[i].fd < 0)
                continue;
            if (copying->copies[i].at < copying->copies[i].filled)
                empty(copying, &copying->copies[i]);
            else
                fill(copying, &copying->copies[i]);
        }
        if (waits[copying->count].revents)
            take_answer(copying);
    }
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static int send_request(const struct remote *remote, const int *theirs, unsigned count)
{
    struct words words = {.count = 0};
    struct control_request request = {.out_is_terminal = remote->out_is_terminal,
                                      .error_is_terminal = remote->error_is_terminal,
                                      .columns = remote->columns};
    int result = name_store(remote->store, &request);

    fill_words(remote->line, &words);
    request.argv = words.words;
    request.argc = words.count;
    return result < 0 ? result : control_send(remote->socket, &request, theirs, count);
}

int remote_run(const struct remote *remote, FILE *error)
{
    static struct copy copies[COPIES_MAX]; /* large, and there is one command in a process */
    struct copying copying = {.remote = remote, .copies = copies};
    int theirs[COPIES_MAX];
    int result = make_pipes(&copying, theirs), code = COMMAND_CANNOT;

    if (result == 0)
        result = send_request(remote, theirs, copying.count);
    for (unsigned i = 0; i < copying.count; i++)
        close(theirs[i]);
    if (result < 0)
        fprintf(error, "dossier: the command can't be given to the daemon: %s\n",
                result == -E2BIG ? "it is too long" : strerror(-result));
    else
        copy_all(&copying);
    if (result == 0 && copying.broken)
        fprintf(error, "dossier: %s\n", copying.broken);
    else if (result == 0) {
        code = copying.answer.code;
        if (copying.answer.text[0])
            fprintf(error, "dossier: %s\n", copying.answer.text);
    }
    /* Before the pipes: the daemon must see that we are gone before it sees an input end. */
    shutdown(remote->socket, SHUT_RDWR);
    for (unsigned i = 0; i < copying.count; i++)
        end_copy(&copies[i]);
    explicit_bzero(copies, sizeof copies);
    return code;
}
