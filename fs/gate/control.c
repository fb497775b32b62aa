#include "fs/gate/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs/base/bytes.h"
#include "fs/gate/clock.h"
#include "fs/gate/control_packet.h"
#include "fs/gate/control_stream.h"

/* Linux 6.16; Debian 12's headers are older. */
#if !defined SO_PASSRIGHTS && !defined __hppa__ && !defined __sparc__
#define SO_PASSRIGHTS 83
#endif

enum { FLAG_OUT_IS_TERMINAL = 1, FLAG_ERROR_IS_TERMINAL = 2 };

/* ---- where ---------------------------------------------------------------------------------------------------- */

int control_name(const char *name, const char *policy_path, char out[static 64])
{
    const char *from = name ? name : policy_path ? policy_path : "";
    size_t length_bytes;

    if (!name && strrchr(from, '/'))
        from = strrchr(from, '/') + 1;
    length_bytes = strlen(from);
    if (!name && length_bytes > 4 && strcmp(from + length_bytes - 4, ".ini") == 0)
        length_bytes -= 4;
    if (length_bytes == 0 || length_bytes > 63 || from[0] == '.' || memchr(from, '/', length_bytes))
        return -EINVAL;
    memcpy(out, from, length_bytes);
    out[length_bytes] = '\0';
    return 0;
}

int control_path(const char *name, bool root, char path[static CONTROL_PATH_BYTES])
{
    const char *run = root ? "/run" : getenv("XDG_RUNTIME_DIR");
    char text[CONTROL_PATH_BYTES];

    if (!run || run[0] != '/')
        return -ENOENT;
    if ((size_t)snprintf(text, sizeof text, "%s/dossierfs/%s.sock", run, name) >= sizeof text)
        return -ENAMETOOLONG;
    memcpy(path, text, sizeof text);
    return 0;
}

static int address_of(const char *path, struct sockaddr_un *address)
{
    if (strlen(path) >= sizeof address->sun_path)
        return -ENAMETOOLONG;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, strlen(path) + 1);
    return 0;
}

/* ---- listening ------------------------------------------------------------------------------------------------ */

static int make_directory(const char *path, struct report_why *why)
{
    char directory[CONTROL_PATH_BYTES];
    char *slash;

    snprintf(directory, sizeof directory, "%s", path);
    slash = strrchr(directory, '/');
    if (!slash || slash == directory)
        return 0;
    *slash = '\0';
    if (mkdir(directory, 0755) < 0) {
        if (errno == EEXIST)
            return 0;
        return report_fail(why, -errno, "the directory %s for the control socket can't be made: %s", directory,
                           strerror(errno));
    }
    /* The umask of whoever starts the daemon must not keep the command's users out. */
    return chmod(directory, 0755) < 0 ? -errno : 0;
}

/* Removes a socket that nobody answers on. */
static int replace_stale(const char *path, struct report_why *why)
{
    struct stat status;
    int fd = -1, result;

    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : report_fail(why, -errno, "%s can't be looked at: %s", path, strerror(errno));
    if (!S_ISSOCK(status.st_mode))
        return report_fail(why, -EEXIST, "%s is there and is no socket; it is left alone", path);
    result = control_connect(path, &fd);
    if (result == 0) {
        close(fd);
        return report_fail(why, -EADDRINUSE,
                           "another daemon answers on %s (--control names another socket for this one)", path);
    }
    if (result != -ECONNREFUSED)
        return report_fail(why, result, "the socket %s is there and does not say whose it is: %s", path,
                           strerror(-result));
    return unlink(path) < 0
               ? report_fail(why, -errno, "the old socket %s can't be removed: %s", path, strerror(errno))
               : 0;
}

/* Who sends a descriptor gets an error, on the sockets of all clients that connect from now on. An older kernel has no such
 * option (control.h says what then holds). */
static void refuse_descriptors(int sock)
{
#ifdef SO_PASSRIGHTS
    int passes = 0;

    (void)!setsockopt(sock, SOL_SOCKET, SO_PASSRIGHTS, &passes, sizeof passes);
#else
    (void)sock;
#endif
}

int control_listen(const char *path, int *fd, struct report_why *why)
{
    struct sockaddr_un address;
    mode_t umask_before;
    int sock = -1, result = address_of(path, &address);

    if (result < 0)
        return report_fail(why, result, "the path of the control socket is longer than %zu bytes",
                           sizeof address.sun_path - 1);
    result = make_directory(path, why);
    if (result == 0)
        result = replace_stale(path, why);
    if (result < 0)
        return result;
    sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock < 0)
        return report_fail(why, -errno, "no socket: %s", strerror(errno));
    refuse_descriptors(sock);
    /* The mode is right from the first moment: bind takes the socket's own, cut by the umask. */
    umask_before = umask(0);
    if (fchmod(sock, 0666) < 0 || bind(sock, (struct sockaddr *)&address, sizeof address) < 0 || listen(sock, 64) < 0)
        result = report_fail(why, -errno, "the control socket %s can't be made: %s", path, strerror(errno));
    umask(umask_before);
    if (result < 0) {
        close(sock);
        return result;
    }
    *fd = sock;
    return 0;
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static void send_answer(int fd, enum control_word word, int code, const char *text)
{
    /* A client that is gone or lets its socket fill up loses its answer, nothing else. */
    control_packet_send(fd, word, (uint32_t)code, text, strnlen(text, 255), MSG_DONTWAIT);
}

/* What a packet means; 0 or -EPROTO. */
static int read_answer(struct control_answer *answer, uint32_t word, uint32_t number, size_t length_bytes)
{
    answer->word = (enum control_word)word;
    if (word == CONTROL_READY || word == CONTROL_BUSY || word == CONTROL_EXIT) {
        if (length_bytes >= sizeof answer->text)
            return -EPROTO;
        answer->code = (int)number;
        memcpy(answer->text, answer->bytes, length_bytes);
        answer->text[length_bytes] = '\0';
        return 0;
    }
    answer->stream = number;
    answer->length_bytes = length_bytes;
    if (word == CONTROL_WANT && length_bytes == 4)
        answer->length_bytes = bytes_get_u32(answer->bytes);
    else if (word != CONTROL_OUTPUT)
        return -EPROTO;
    return number < CONTROL_MAX_STREAMS && answer->length_bytes > 0 && answer->length_bytes <= CONTROL_CHUNK_BYTES
               ? 0
               : -EPROTO;
}

int control_receive(int fd, int timeout_ms, struct control_answer *answer)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    uint32_t word = 0, number = 0;
    ssize_t length_bytes;
    int count;

    do
        count = poll(&wait, 1, timeout_ms);
    while (count < 0 && errno == EINTR);
    if (count <= 0)
        return count < 0 ? -errno : -ETIMEDOUT;
    length_bytes = control_packet_take(fd, &word, &number, answer->bytes, sizeof answer->bytes);
    if (length_bytes < 0)
        return length_bytes == -EPROTO ? -EPROTO : -ECONNRESET;
    return read_answer(answer, word, number, (size_t)length_bytes);
}

/* ---- client --------------------------------------------------------------------------------------------------- */

int control_connect(const char *path, int *fd)
{
    struct sockaddr_un address;
    int sock, result = address_of(path, &address);

    if (result < 0)
        return result;
    sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return -errno;
    if (connect(sock, (struct sockaddr *)&address, sizeof address) < 0) {
        result = -errno;
        close(sock);
        return result;
    }
    *fd = sock;
    return 0;
}

static int encode(const struct control_request *request, struct buffer *body)
{
    uint32_t inputs = 0;

    if (request->argc > CONTROL_MAX_ARGUMENTS || request->stream_count > CONTROL_MAX_STREAMS)
        return -E2BIG;
    for (unsigned i = 0; i < request->stream_count; i++)
        inputs |= (uint32_t)request->is_input[i] << i;
    buffer_append_u32(body, request->columns);
    buffer_append_u64(body, request->store_device);
    buffer_append_u64(body, request->store_inode);
    buffer_append_u32(body, request->stream_count);
    buffer_append_u32(body, inputs);
    buffer_append_u32(body, request->argc);
    for (unsigned i = 0; i < request->argc; i++) {
        size_t length_bytes = strlen(request->argv[i]);

        if (length_bytes > CONTROL_MAX_REQUEST_BYTES)
            return -E2BIG;
        buffer_append_u32(body, (uint32_t)length_bytes);
        buffer_append(body, request->argv[i], length_bytes);
    }
    if (body->failed)
        return -ENOMEM;
    return body->length_bytes > CONTROL_MAX_REQUEST_BYTES ? -E2BIG : 0;
}

int control_send(int fd, const struct control_request *request)
{
    uint32_t flags = (request->out_is_terminal ? FLAG_OUT_IS_TERMINAL : 0) |
                     (request->error_is_terminal ? FLAG_ERROR_IS_TERMINAL : 0);
    struct buffer body = BUFFER_EMPTY;
    int result = encode(request, &body);

    if (result == 0)
        result = control_packet_send(fd, CONTROL_REQUEST, flags, body.bytes, body.length_bytes, 0);
    buffer_clear(&body);
    return result;
}

int control_send_input(int fd, unsigned stream, const void *bytes, size_t length_bytes)
{
    return control_packet_send(fd, CONTROL_INPUT, stream, bytes, length_bytes, 0);
}

int control_send_closed(int fd, unsigned stream)
{
    return control_packet_send(fd, CONTROL_CLOSED, stream, NULL, 0, 0);
}

/* ---- server: one request -------------------------------------------------------------------------------------- */

enum seat_state { SEAT_FREE, SEAT_WAITING, SEAT_BUSY };
/* A client that is being served, or waits for its thread. */
struct seat {
    enum seat_state state;
    int fd;
    uint32_t uid;
    int32_t pid;
};

struct control {
    int listen_fd;
    int wake_fd; /* eventfd, raised once when the daemon stops and never read */
    control_run *run;
    void *context;
    struct control_limits limits;
    pthread_t acceptor;
    pthread_t workers[CONTROL_THREADS];
    unsigned worker_count;
    bool has_acceptor;

    pthread_mutex_t lock; /* guards the three below */
    pthread_cond_t seated;
    bool stopping;
    struct seat seats[CONTROL_THREADS];
};

/* A request while it is served. */
struct session {
    struct control_talk talk;
    struct control_request request;
    struct buffer packet; /* the request's body */
    const char *argv[CONTROL_MAX_ARGUMENTS + 1];
    struct control_stream *streams[CONTROL_MAX_STREAMS];
};

static const char not_understood[] =
    "the request is not one that this daemon understands (are the command and the daemon of one version?)";

/* The one packet of a request. 0, or negative with *why a phrase for the client (NULL: he is gone). */
static int receive_request(struct session *session, int timeout_ms, const char **why)
{
    struct pollfd waits[2] = {{.fd = session->talk.socket_fd, .events = POLLIN},
                              {.fd = session->talk.wake_fd, .events = POLLIN}};
    uint32_t word = 0, flags = 0;
    void *room = buffer_reserve(&session->packet, CONTROL_MAX_REQUEST_BYTES);
    ssize_t length_bytes;

    if (!room)
        return -ENOMEM;
    *why = NULL;
    if (poll(waits, 2, timeout_ms) <= 0 || waits[1].revents)
        return -ETIMEDOUT;
    length_bytes = control_packet_take(session->talk.socket_fd, &word, &flags, room, CONTROL_MAX_REQUEST_BYTES);
    if (length_bytes == -EPROTO || (length_bytes >= 0 && word != CONTROL_REQUEST)) {
        *why = not_understood;
        return -EPROTO;
    }
    if (length_bytes < 0)
        return (int)length_bytes;
    session->packet.length_bytes += (size_t)length_bytes;
    session->request.out_is_terminal = flags & FLAG_OUT_IS_TERMINAL;
    session->request.error_is_terminal = flags & FLAG_ERROR_IS_TERMINAL;
    return 0;
}

/* Two to eight streams, of which the first two are written. */
static int decode_streams(struct session *session, uint32_t count, uint32_t inputs)
{
    struct control_request *request = &session->request;

    if (count < 2 || count > CONTROL_MAX_STREAMS || inputs & 3 || inputs >> count)
        return -EPROTO;
    request->stream_count = count;
    for (unsigned i = 0; i < count; i++)
        request->is_input[i] = inputs >> i & 1;
    session->talk.outputs = ((1u << count) - 1) & ~inputs;
    return 0;
}

/* The strings stay where they are: the length behind one is overwritten by the NUL that ends the one before, after it was
 * read. */
static int decode(struct session *session)
{
    struct control_request *request = &session->request;
    struct bytes_reader reader;
    uint32_t streams, inputs;
    uint8_t *end = NULL;

    buffer_append_u8(&session->packet, 0); /* the last string ends here */
    if (session->packet.failed)
        return -ENOMEM;
    bytes_reader_init(&reader, session->packet.bytes, session->packet.length_bytes - 1);
    request->columns = bytes_read_u32(&reader);
    request->store_device = bytes_read_u64(&reader);
    request->store_inode = bytes_read_u64(&reader);
    streams = bytes_read_u32(&reader);
    inputs = bytes_read_u32(&reader);
    request->argc = bytes_read_u32(&reader);
    if (reader.failed || request->argc == 0 || request->argc > CONTROL_MAX_ARGUMENTS || request->columns > 10000 ||
        decode_streams(session, streams, inputs) < 0)
        return -EPROTO;
    for (unsigned i = 0; i < request->argc; i++) {
        uint32_t length_bytes = bytes_read_u32(&reader);
        const uint8_t *at = bytes_read(&reader, length_bytes);

        if (!at || memchr(at, 0, length_bytes))
            return -EPROTO;
        if (end)
            *end = '\0';
        session->argv[i] = (const char *)at;
        end = session->packet.bytes + (at - session->packet.bytes) + length_bytes;
    }
    *end = '\0';
    request->argv = session->argv;
    return bytes_left(&reader) > 0 ? -EPROTO : 0;
}

static int open_streams(struct session *session)
{
    struct control_request *request = &session->request;

    for (unsigned i = 0; i < request->stream_count; i++) {
        int result = control_stream_open(&session->talk, i, &session->streams[i]);

        if (result < 0)
            return result;
        request->streams[i] = control_stream_file(session->streams[i]);
    }
    return 0;
}

static bool session_stopped(const void *context)
{
    return control_talk_ended(context);
}

static void close_streams(struct session *session)
{
    for (unsigned i = 0; i < CONTROL_MAX_STREAMS; i++) {
        control_stream_close(session->streams[i]);
        session->streams[i] = NULL;
    }
}

static void close_session(struct session *session)
{
    close_streams(session);
    buffer_clear(&session->packet);
    free(session);
}

/* Serves one client. *why becomes the line for him, NULL if there is none. On return his output was sent, and if he takes it
 * there is room for the answer. */
static int serve(struct control *control, const struct seat *seat, const char **why)
{
    struct session *session = calloc(1, sizeof *session);
    int result, code = 2;

    *why = "the daemon has no memory for this command";
    if (!session)
        return code;
    session->talk = (struct control_talk){
        .socket_fd = seat->fd, .wake_fd = control->wake_fd, .stall_ms = control->limits.stall_ms};
    session->request.uid = seat->uid;
    session->request.pid = seat->pid;
    session->request.stopped = session_stopped;
    session->request.stopped_context = &session->talk;
    result = receive_request(session, control->limits.request_ms, why);
    if (result == 0) {
        *why = not_understood;
        result = decode(session);
    }
    if (result == 0)
        result = open_streams(session);
    if (result == -ENOMEM)
        *why = "the daemon has no memory for this command";
    if (result == 0) {
        code = control->run(control->context, &session->request);
        *why = NULL;
        close_streams(session);
        control_talk_wait_for_room(&session->talk);
    }
    close_session(session);
    return code;
}

/* ---- server: threads ------------------------------------------------------------------------------------------ */

/* The next client that waits, or NULL when the daemon stops. */
static struct seat *next_seat(struct control *control)
{
    struct seat *found = NULL;

    pthread_mutex_lock(&control->lock);
    while (!found && !control->stopping) {
        for (unsigned i = 0; i < CONTROL_THREADS && !found; i++)
            if (control->seats[i].state == SEAT_WAITING)
                found = &control->seats[i];
        if (!found)
            pthread_cond_wait(&control->seated, &control->lock);
    }
    if (control->stopping)
        found = NULL;
    if (found)
        found->state = SEAT_BUSY;
    pthread_mutex_unlock(&control->lock);
    return found;
}

static void *work(void *context)
{
    struct control *control = context;
    struct seat *seat;

    while ((seat = next_seat(control))) {
        struct seat mine = *seat; /* a busy seat is its thread's alone */
        const char *why;
        int code = serve(control, &mine, &why);

        /* The seat is free before the client sees the end, so that his next command finds it. */
        pthread_mutex_lock(&control->lock);
        *seat = (struct seat){.state = SEAT_FREE, .fd = -1};
        pthread_mutex_unlock(&control->lock);
        send_answer(mine.fd, CONTROL_EXIT, code, why ? why : "");
        close(mine.fd);
    }
    return NULL;
}

/* Gives a client a seat, or says why not. */
static const char *seat_client(struct control *control, int fd, const struct ucred *who)
{
    struct seat *free_seat = NULL;
    unsigned same_uid = 0;
    const char *refusal = NULL;

    pthread_mutex_lock(&control->lock);
    for (unsigned i = 0; i < CONTROL_THREADS; i++) {
        if (control->seats[i].state == SEAT_FREE)
            free_seat = &control->seats[i];
        else if (control->seats[i].uid == who->uid)
            same_uid++;
    }
    if (same_uid >= CONTROL_PER_UID)
        refusal = "you have as many commands running as one person may; try again when one has ended";
    else if (!free_seat)
        refusal = "the daemon has as many commands running as it takes; try again in a moment";
    if (!refusal) {
        *free_seat = (struct seat){.state = SEAT_WAITING, .fd = fd, .uid = who->uid, .pid = who->pid};
        /* Before a thread can take it: the greeting is the first packet. */
        send_answer(fd, CONTROL_READY, 0, "");
        pthread_cond_signal(&control->seated);
    }
    pthread_mutex_unlock(&control->lock);
    return refusal;
}

static void take_client(struct control *control)
{
    struct ucred who;
    socklen_t who_bytes = sizeof who;
    const char *refusal;
    int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        struct pollfd wait = {.fd = control->wake_fd, .events = POLLIN};

        /* Without descriptors or memory the client stays in the queue: look again in a moment, don't spin. */
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            poll(&wait, 1, 100);
        return;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_bytes) < 0) {
        close(fd);
        return;
    }
    refusal = seat_client(control, fd, &who);
    if (refusal) {
        send_answer(fd, CONTROL_BUSY, 2, refusal);
        close(fd);
    }
}

static void *accept_clients(void *context)
{
    struct control *control = context;

    for (;;) {
        struct pollfd waits[2] = {{.fd = control->listen_fd, .events = POLLIN},
                                  {.fd = control->wake_fd, .events = POLLIN}};

        if (poll(waits, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (waits[1].revents)
            return NULL;
        if (waits[0].revents)
            take_client(control);
    }
}

static int start_threads(struct control *control)
{
    sigset_t all, before;
    int result = 0;

    /* Signals are for the daemon's main thread; and a pipe without a reader must be an error, not SIGPIPE. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; control->worker_count < CONTROL_THREADS && result == 0; control->worker_count += result == 0)
        result = -pthread_create(&control->workers[control->worker_count], NULL, work, control);
    if (result == 0) {
        result = -pthread_create(&control->acceptor, NULL, accept_clients, control);
        control->has_acceptor = result == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

int control_start_limited(int fd, control_run *run, void *context, const struct control_limits *limits,
                          struct control **out)
{
    struct control *control = calloc(1, sizeof *control);
    int result = -ENOMEM;

    if (!control) {
        close(fd);
        return result;
    }
    control->listen_fd = fd;
    control->run = run;
    control->context = context;
    control->limits = *limits;
    for (unsigned i = 0; i < CONTROL_THREADS; i++)
        control->seats[i].fd = -1;
    pthread_mutex_init(&control->lock, NULL);
    pthread_cond_init(&control->seated, NULL);
    control->wake_fd = eventfd(0, EFD_CLOEXEC);
    result = control->wake_fd < 0 ? -errno : start_threads(control);
    if (result < 0) {
        control_stop(control);
        return result;
    }
    *out = control;
    return 0;
}

int control_start(int fd, control_run *run, void *context, struct control **out)
{
    static const struct control_limits limits = {.request_ms = CONTROL_REQUEST_MS, .stall_ms = CONTROL_STALL_MS};

    return control_start_limited(fd, run, context, &limits, out);
}

void control_stop(struct control *control)
{
    if (!control)
        return;
    pthread_mutex_lock(&control->lock);
    control->stopping = true;
    pthread_cond_broadcast(&control->seated);
    pthread_mutex_unlock(&control->lock);
    if (control->wake_fd >= 0)
        eventfd_write(control->wake_fd, 1);
    if (control->has_acceptor)
        pthread_join(control->acceptor, NULL);
    for (unsigned i = 0; i < control->worker_count; i++)
        pthread_join(control->workers[i], NULL);
    for (unsigned i = 0; i < CONTROL_THREADS; i++)
        if (control->seats[i].fd >= 0)
            close(control->seats[i].fd);
    if (control->wake_fd >= 0)
        close(control->wake_fd);
    close(control->listen_fd);
    pthread_mutex_destroy(&control->lock);
    pthread_cond_destroy(&control->seated);
    free(control);
}
