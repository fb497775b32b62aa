#include "tools/remote.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/gate/clock.h"
#include "fs/gate/control.h"
#include "tools/serve.h"

enum {
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
    struct control_request request = {.argc = 1, .argv = words, .stream_count = 2};
    struct control_answer answer;
    int result = name_store(store, &request);

    if (result < 0)
        return result == -ENOENT ? 0 : result;
    result = control_send(fd, &request);
    if (result == 0)
        result = control_receive(fd, GREETING_MS, &answer);
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

/* ---- the talk ------------------------------------------------------------------------------------------------- */

struct talk {
    const struct remote *remote;
    struct control_request request;
    int ours[CONTROL_MAX_STREAMS];    /* what each stream is here */
    bool closed[CONTROL_MAX_STREAMS]; /* an output whose reader left */
    bool wants;                       /* the daemon waits for input: */
    unsigned wanted;                  /* of this stream, */
    size_t wanted_bytes;              /* at most so much */
    bool answered;
    const char *broken; /* why the command can't go on; NULL: it can */
    struct control_answer answer;
};

static void name_streams(struct talk *talk)
{
    const struct files *files = talk->remote->files;

    talk->request.stream_count = 2 + files->count;
    talk->ours[0] = STDOUT_FILENO;
    talk->ours[1] = STDERR_FILENO;
    for (unsigned i = 0; i < files->count; i++) {
        talk->request.is_input[2 + i] = files->named[i].file == COMMAND_READ;
        talk->ours[2 + i] = fileno(files->streams[i]);
    }
}

/* Writes what came; all of it, or the output is closed. A terminal or pipe of ours may have been made non-blocking by another
 * program. */
static void write_output(struct talk *talk)
{
    const struct control_answer *answer = &talk->answer;
    int fd = talk->ours[answer->stream];

    for (size_t at = 0; at < answer->length_bytes && !talk->closed[answer->stream] && !talk->broken;) {
        ssize_t count = write(fd, answer->bytes + at, answer->length_bytes - at);

        if (count >= 0) {
            at += (size_t)count;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (errno == EPIPE) { /* a reader of our output who left is no fault */
            control_send_closed(talk->remote->socket, answer->stream);
            talk->closed[answer->stream] = true;
        } else if (errno != EINTR) {
            talk->broken = "the output can't be written";
        }
    }
}

/* Reads what the source has and passes it on. One that fails breaks the command off, since half a file must not look like a
 * whole one. */
static void pass_input(struct talk *talk)
{
    uint8_t *room = talk->answer.bytes;
    ssize_t count = read(talk->ours[talk->wanted], room, talk->wanted_bytes);

    if (count >= 0) {
        talk->wants = false;
        /* A daemon that ended shows when its answer is taken. */
        control_send_input(talk->remote->socket, talk->wanted, room, (size_t)count);
    } else if (errno != EAGAIN && errno != EINTR) {
        talk->broken = "an input file can't be read to its end";
    }
}

static void take_answer(struct talk *talk)
{
    const struct control_answer *answer = &talk->answer;
    int result = control_receive(talk->remote->socket, 0, &talk->answer);
    bool known = result == 0 && answer->stream < talk->request.stream_count;

    if (result < 0 && result != -EPROTO) {
        talk->broken = "the daemon ended before the command did; what it did can be seen in the log";
    } else if (result == 0 && answer->word == CONTROL_EXIT) {
        talk->answered = true;
    } else if (known && answer->word == CONTROL_OUTPUT && !talk->request.is_input[answer->stream]) {
        write_output(talk);
    } else if (known && answer->word == CONTROL_WANT && talk->request.is_input[answer->stream] && !talk->wants) {
        talk->wants = true;
        talk->wanted = answer->stream;
        talk->wanted_bytes = answer->length_bytes;
    } else {
        talk->broken = "what the daemon answers can't be understood (are the command and the daemon of one version?)";
    }
}

/* The socket first: a daemon that ended needs no more input. */
static void go_on(struct talk *talk)
{
    while (!talk->broken && !talk->answered) {
        struct pollfd waits[2] = {
            {.fd = talk->remote->socket, .events = POLLIN},
            {.fd = talk->wants ? talk->ours[talk->wanted] : -1, .events = POLLIN},
        };

        if (poll(waits, 2, -1) < 0) {
            if (errno != EINTR)
                talk->broken = "waiting for the daemon failed";
        } else if (waits[0].revents) {
            take_answer(talk);
        } else if (waits[1].revents) {
            pass_input(talk);
        }
    }
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static int send_request(struct talk *talk)
{
    const struct remote *remote = talk->remote;
    struct words words = {.count = 0};
    int result = name_store(remote->store, &talk->request);

    fill_words(remote->line, &words);
    talk->request.argv = words.words;
    talk->request.argc = words.count;
    if (result == 0)
        result = control_send(remote->socket, &talk->request);
    talk->request.argv = NULL;
    return result;
}

int remote_run(const struct remote *remote, FILE *error)
{
    struct talk talk = {.remote = remote,
                        .request = {.out_is_terminal = remote->out_is_terminal,
                                    .error_is_terminal = remote->error_is_terminal,
                                    .columns = remote->columns}};
    int result, code = COMMAND_CANNOT;

    name_streams(&talk);
    result = send_request(&talk);
    if (result == 0)
        go_on(&talk);
    /* Now, not when our files are closed: a command that was broken off is to stop. */
    shutdown(remote->socket, SHUT_RDWR);
    if (result < 0) {
        fprintf(error, "dossier: the command can't be given to the daemon: %s\n",
                result == -E2BIG ? "it is too long" : strerror(-result));
    } else if (talk.broken) {
        fprintf(error, "dossier: %s\n", talk.broken);
    } else {
        code = talk.answer.code;
        if (talk.answer.text[0])
            fprintf(error, "dossier: %s\n", talk.answer.text);
    }
    explicit_bzero(&talk.answer, sizeof talk.answer);
    return code;
}
