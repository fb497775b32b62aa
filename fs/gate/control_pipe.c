#include "fs/gate/control_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/gate/clock.h"

enum { CHUNK_BYTES = 65536, FILE_BYTES = 32768 };

struct control_pipe {
    int fd;
    int inner[2]; /* [0] is read, [1] is written; empty between two calls */
    bool is_input;
    int failed; /* the first failure; nothing is tried after it, so that closing doesn't wait again */
    unsigned place;
    struct control_watch *watch;
    FILE *file;
    char *room; /* the FILE's buffer, FILE_BYTES */
};

bool control_watch_ended(const struct control_watch *watch)
{
    struct pollfd ends[2] = {{.fd = watch->socket_fd, .events = POLLRDHUP}, {.fd = watch->wake_fd, .events = POLLIN}};

    return poll(ends, 2, 0) > 0;
}

/* Waits until the pipe may move. 0, -EPIPE, -ETIMEDOUT. */
static int wait_for(const struct control_pipe *pipe, int64_t until_ms)
{
    struct pollfd waits[3] = {{.fd = pipe->watch->socket_fd, .events = POLLRDHUP},
                              {.fd = pipe->watch->wake_fd, .events = POLLIN},
                              {.fd = pipe->fd, .events = pipe->is_input ? POLLIN : POLLOUT}};
    int64_t left_ms = until_ms - clock_tick_ms();
    int count;

    if (left_ms <= 0)
        return -ETIMEDOUT;
    count = poll(waits, 3, (int)left_ms);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    if (count == 0)
        return -ETIMEDOUT;
    return waits[0].revents || waits[1].revents ? -EPIPE : 0;
}

/* Moves up to `length_bytes` between the client's pipe and the inner one. The number moved, 0 at the end of an input. */
static ssize_t move(struct control_pipe *pipe, size_t length_bytes)
{
    int from = pipe->is_input ? pipe->fd : pipe->inner[0];
    int to = pipe->is_input ? pipe->inner[1] : pipe->fd;
    int64_t until_ms = clock_tick_ms() + pipe->watch->stall_ms;

    while (pipe->failed == 0) {
        ssize_t moved;

        pipe->failed = wait_for(pipe, until_ms);
        if (pipe->failed < 0)
            break;
        moved = splice(from, NULL, to, NULL, length_bytes, SPLICE_F_NONBLOCK);
        if (moved >= 0)
            return moved;
        if (errno != EAGAIN && errno != EINTR)
            pipe->failed = -errno;
    }
    return pipe->failed;
}

/* The pipe is at its end: is the input? 0 or negative. */
static int confirm_whole(struct control_pipe *pipe)
{
    struct control_watch *watch = pipe->watch;
    int64_t until_ms = clock_tick_ms() + watch->stall_ms;

    while (!(watch->whole >> pipe->place & 1) && pipe->failed == 0) {
        struct pollfd waits[2] = {{.fd = watch->socket_fd, .events = POLLIN | POLLRDHUP},
                                  {.fd = watch->wake_fd, .events = POLLIN}};
        int64_t left_ms = until_ms - clock_tick_ms();

        if (left_ms <= 0 || (poll(waits, 2, (int)left_ms) < 0 && errno != EINTR))
            pipe->failed = -ETIMEDOUT;
        else if (waits[1].revents)
            pipe->failed = -EPIPE;
        else if (waits[0].revents)
            pipe->failed = watch->take_packet(watch);
    }
    return pipe->failed;
}

static ssize_t read_pipe(void *cookie, char *to, size_t length_bytes)
{
    struct control_pipe *pipe = cookie;
    ssize_t moved = move(pipe, length_bytes < CHUNK_BYTES ? length_bytes : CHUNK_BYTES);

    if (moved == 0)
        moved = confirm_whole(pipe);
    if (moved < 0) {
        errno = (int)-moved;
        return -1;
    }
    return moved == 0 ? 0 : read(pipe->inner[0], to, (size_t)moved);
}

/* What could not be passed on must not stay in the inner pipe: the next write would send it. */
static void drain(struct control_pipe *pipe)
{
    char scrap[4096];

    while (read(pipe->inner[0], scrap, sizeof scrap) > 0)
        ;
    explicit_bzero(scrap, sizeof scrap);
}

static ssize_t write_pipe(void *cookie, const char *from, size_t length_bytes)
{
    struct control_pipe *pipe = cookie;
    ssize_t taken = write(pipe->inner[1], from, length_bytes < CHUNK_BYTES ? length_bytes : CHUNK_BYTES);
    size_t left;

    if (taken < 0)
        return 0;
    for (left = (size_t)taken; left > 0;) {
        ssize_t moved = move(pipe, left);

        if (moved <= 0) {
            drain(pipe);
            errno = moved == 0 ? EPIPE : (int)-moved;
            return 0; /* fopencookie: a write that fails answers 0 */
        }
        left -= (size_t)moved;
    }
    return taken;
}

static int make(struct control_pipe *pipe)
{
    cookie_io_functions_t functions = {.read = pipe->is_input ? read_pipe : NULL,
                                       .write = pipe->is_input ? NULL : write_pipe};

    if (pipe2(pipe->inner, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    pipe->room = malloc(FILE_BYTES);
    if (!pipe->room)
        return -ENOMEM;
    pipe->file = fopencookie(pipe, pipe->is_input ? "r" : "w", functions);
    if (!pipe->file)
        return -ENOMEM;
    setvbuf(pipe->file, pipe->room, _IOFBF, FILE_BYTES);
    return 0;
}

int control_pipe_open(int fd, unsigned place, struct control_watch *watch, struct control_pipe **out, bool *is_input)
{
    struct control_pipe *pipe = NULL;
    struct stat status;
    int flags = fcntl(fd, F_GETFL), mode = flags & O_ACCMODE;
    int result = -EINVAL;

    /* An O_PATH descriptor of a FIFO passes S_ISFIFO, and one opened for both would never end. */
    if (flags < 0 || (flags & O_PATH) || mode == O_RDWR || fstat(fd, &status) < 0 || !S_ISFIFO(status.st_mode))
        goto out;
    result = -ENOMEM;
    pipe = malloc(sizeof *pipe);
    if (!pipe)
        goto out;
    *pipe = (struct control_pipe){
        .fd = fd, .inner = {-1, -1}, .is_input = mode == O_RDONLY, .place = place, .watch = watch};
    fd = -1;
    result = make(pipe);
    if (result < 0)
        goto out;
    *is_input = pipe->is_input;
    *out = pipe;
    pipe = NULL;
out:
    control_pipe_close(pipe);
    if (fd >= 0)
        close(fd);
    return result;
}

FILE *control_pipe_file(const struct control_pipe *pipe)
{
    return pipe->file;
}

void control_pipe_close(struct control_pipe *pipe)
{
    if (!pipe)
        return;
    if (pipe->file)
        fclose(pipe->file);
    if (pipe->room)
        explicit_bzero(pipe->room, FILE_BYTES);
    free(pipe->room);
    for (int i = 0; i < 2; i++)
        if (pipe->inner[i] >= 0)
            close(pipe->inner[i]);
    close(pipe->fd);
    free(pipe);
}
