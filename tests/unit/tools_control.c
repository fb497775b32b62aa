/* Goal: the control socket serves honest clients and outlives hostile ones: descriptors, too much, too little, garbage, what
 * was not asked, clients that never read, that die; and stopping never hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs/base/buffer.h"
#include "fs/gate/clock.h"
#include "fs/gate/control.h"
#include "fs/gate/control_packet.h"

static char directory[64], path[CONTROL_PATH_BYTES];
static struct control *control;
static atomic_int runs, ended, last_code;

/* ---- the server's command: what the first word says ------------------------------------------------------------ */

static int flood(const struct control_request *request)
{
    char block[4096];

    memset(block, 'f', sizeof block);
    while (!ferror(request->streams[0]) && !request->stopped(request->stopped_context))
        fwrite(block, 1, sizeof block, request->streams[0]);
    fputs("flooded", request->streams[1]);
    return ferror(request->streams[0]) ? 41 : 42;
}

static int echo(const struct control_request *request)
{
    char block[4096];
    size_t count;

    if (request->stream_count < 3)
        return 3;
    while ((count = fread(block, 1, sizeof block, request->streams[2])) > 0)
        fwrite(block, 1, count, request->streams[0]);
    return ferror(request->streams[2]) ? 43 : 0;
}

/* Writes as much as goes into the socket of a client that does not read, and leaves no room for the answer to wait in: the
 * daemon's socket polls as full from a quarter of its buffer on. */
static int fill(const struct control_request *request)
{
    static const char block[100 * 1000];

    return fwrite(block, 1, sizeof block, request->streams[0]) == sizeof block && fflush(request->streams[0]) == 0
               ? 5
               : 6;
}

static int wait_for_stop(const struct control_request *request)
{
    while (!request->stopped(request->stopped_context))
        poll(NULL, 0, 5);
    return 44;
}

static int run(void *context, const struct control_request *request)
{
    int code = 3;

    (void)context;
    runs++;
    if (strcmp(request->argv[0], "flood") == 0)
        code = flood(request);
    else if (strcmp(request->argv[0], "echo") == 0)
        code = echo(request);
    else if (strcmp(request->argv[0], "fill") == 0)
        code = fill(request);
    else if (strcmp(request->argv[0], "wait") == 0)
        code = wait_for_stop(request);
    else if (strcmp(request->argv[0], "who") == 0)
        fprintf(request->streams[0], "%u %d %u %d%d %u", request->uid, request->pid, request->argc,
                request->out_is_terminal, request->error_is_terminal, request->columns);
    last_code = code;
    ended++;
    return code;
}

static int start(void **state)
{
    const struct control_limits limits = {.request_ms = 200, .stall_ms = 300};
    int fd = -1;

    (void)state;
    runs = ended = last_code = 0;
    if (control_listen(path, &fd, NULL) < 0)
        return -1;
    return control_start_limited(fd, run, NULL, &limits, &control);
}

static int stop(void **state)
{
    (void)state;
    control_stop(control);
    control = NULL;
    return 0;
}

/* ---- clients --------------------------------------------------------------------------------------------------- */

static struct control_answer answer; /* large */

static int greet(void)
{
    int fd = -1;

    for (int i = 0; i < 200; i++) {
        assert_int_equal(control_connect(path, &fd), 0);
        assert_int_equal(control_receive(fd, 2000, &answer), 0);
        if (answer.word == CONTROL_READY)
            return fd;
        close(fd); /* the client before is still being cleared away */
        poll(NULL, 0, 5);
    }
    fail_msg("never free");
    return -1;
}

/* Two outputs, and from the third on inputs. */
static void send_words(int fd, const char *const *words, unsigned count, unsigned streams)
{
    struct control_request request = {
        .argc = count, .argv = words, .out_is_terminal = true, .columns = 99, .stream_count = streams};

    for (unsigned i = 2; i < streams; i++)
        request.is_input[i] = true;
    assert_int_equal(control_send(fd, &request), 0);
}

static void ask(int fd, const char *word)
{
    send_words(fd, &word, 1, 2);
}

/* The exit code; what comes before it is kept in text[stream], if that is not NULL. */
static int exit_code_and(int fd, struct buffer *texts)
{
    for (;;) {
        assert_int_equal(control_receive(fd, 3000, &answer), 0);
        if (answer.word == CONTROL_EXIT)
            return answer.code;
        assert_int_equal(answer.word, CONTROL_OUTPUT);
        assert_in_range(answer.stream, 0, 1);
        if (texts)
            buffer_append(&texts[answer.stream], answer.bytes, answer.length_bytes);
    }
}

static int exit_code(int fd)
{
    return exit_code_and(fd, NULL);
}

/* The next thing that the server wants; its size. */
static size_t expect_want(int fd, unsigned stream)
{
    assert_int_equal(control_receive(fd, 3000, &answer), 0);
    assert_int_equal(answer.word, CONTROL_WANT);
    assert_int_equal(answer.stream, stream);
    return answer.length_bytes;
}

/* The server still serves. */
static void expect_alive(void)
{
    int fd = greet();

    ask(fd, "nothing");
    assert_int_equal(exit_code(fd), 3);
    close(fd);
}

/* A refused request: exit code 2, and nothing ran. */
static void expect_refused(int fd)
{
    assert_int_equal(control_receive(fd, 3000, &answer), 0);
    assert_int_equal(answer.word, CONTROL_EXIT);
    assert_int_equal(answer.code, 2);
    assert_true(answer.text[0] != '\0');
    assert_int_equal(runs, 0);
    close(fd);
}

static int open_files(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* The server closes its ends a moment after its answer. */
static void expect_open_files(int wanted)
{
    for (int i = 0; i < 200 && open_files() != wanted; i++)
        poll(NULL, 0, 5);
    assert_int_equal(open_files(), wanted);
}

/* ---- tests ----------------------------------------------------------------------------------------------------- */

static void tells_who_asks(void **state)
{
    const char *words[] = {"who", "x", ""};
    struct buffer texts[2] = {BUFFER_EMPTY, BUFFER_EMPTY};
    char wanted[100];
    int fd = greet();

    (void)state;
    send_words(fd, words, 3, 2);
    assert_int_equal(exit_code_and(fd, texts), 3);
    snprintf(wanted, sizeof wanted, "%u %d 3 10 99", getuid(), getpid());
    assert_string_equal(buffer_text(&texts[0]), wanted);
    assert_int_equal(texts[1].length_bytes, 0);
    for (int i = 0; i < 2; i++)
        buffer_clear(&texts[i]);
    close(fd);
}

/* In pieces of all sizes; input and output are in packets of their own and may cross. */
static void passes_a_megabyte_through(void **state)
{
    enum { MEGABYTE = 1 << 20 };
    const char *words[] = {"echo", "-"};
    int fd = greet();
    size_t sent_bytes = 0, received_bytes = 0, wanted_bytes, i;
    unsigned seed = 7;
    uint8_t *bytes = malloc(MEGABYTE);

    (void)state;
    for (i = 0; i < MEGABYTE; i++)
        bytes[i] = (uint8_t)rand_r(&seed);
    send_words(fd, words, 2, 3);
    for (;;) {
        assert_int_equal(control_receive(fd, 3000, &answer), 0);
        if (answer.word == CONTROL_EXIT)
            break;
        if (answer.word == CONTROL_OUTPUT) {
            assert_true(answer.length_bytes <= MEGABYTE - received_bytes);
            assert_memory_equal(answer.bytes, bytes + received_bytes, answer.length_bytes);
            received_bytes += answer.length_bytes;
            continue;
        }
        assert_int_equal(answer.word, CONTROL_WANT);
        wanted_bytes = answer.length_bytes;
        if (rand_r(&seed) % 3 == 0)
            wanted_bytes = 1 + (size_t)rand_r(&seed) % wanted_bytes;
        if (wanted_bytes > MEGABYTE - sent_bytes)
            wanted_bytes = MEGABYTE - sent_bytes;
        assert_int_equal(control_send_input(fd, 2, bytes + sent_bytes, wanted_bytes), 0);
        sent_bytes += wanted_bytes;
    }
    assert_int_equal(answer.code, 0);
    assert_int_equal(received_bytes, MEGABYTE);
    free(bytes);
    close(fd);
}

/* An input that ends without a word that it is whole ended because its client died. */
static void half_an_input_is_no_input(void **state)
{
    const char *words[] = {"echo", "-"};

    (void)state;
    for (int half = 0; half < 2; half++) {
        int fd = greet();

        send_words(fd, words, 2, 3);
        expect_want(fd, 2);
        if (half) {
            assert_int_equal(control_send_input(fd, 2, "half", 4), 0);
            expect_want(fd, 2);
        }
        close(fd);
        for (int i = 0; i < 400 && ended <= half; i++)
            poll(NULL, 0, 5);
        assert_int_equal(ended, half + 1);
        assert_int_equal(last_code, 43);
    }
}

/* `| head`: the command learns it, and what it says on the other stream still comes. */
static void a_reader_who_leaves(void **state)
{
    struct buffer texts[2] = {BUFFER_EMPTY, BUFFER_EMPTY};
    int64_t began_ms = clock_tick_ms();
    int fd = greet();

    (void)state;
    ask(fd, "flood");
    assert_int_equal(control_receive(fd, 3000, &answer), 0);
    assert_int_equal(answer.word, CONTROL_OUTPUT);
    assert_int_equal(control_send_closed(fd, 0), 0);
    assert_int_equal(exit_code_and(fd, texts), 41);
    assert_string_equal(buffer_text(&texts[1]), "flooded");
    assert_true(clock_tick_ms() - began_ms < 250);
    for (int i = 0; i < 2; i++)
        buffer_clear(&texts[i]);
    close(fd);
}

/* Who says what was not asked has spoken for the last time. */
static void unasked_words(void **state)
{
    static const struct {
        uint32_t word, number;
        size_t body_bytes;
    } packets[] = {{CONTROL_INPUT, 2, 1 + CONTROL_CHUNK_BYTES},
                   {CONTROL_INPUT, 3, 1},
                   {CONTROL_INPUT, 0, 1},
                   {CONTROL_INPUT, 32 + 2, 1},
                   {CONTROL_INPUT, UINT32_MAX, 0},
                   {CONTROL_CLOSED, 2, 0},
                   {CONTROL_CLOSED, 3, 0},
                   {CONTROL_CLOSED, 32, 0},
                   {CONTROL_CLOSED, UINT32_MAX, 0},
                   {CONTROL_CLOSED, 0, 1},
                   {CONTROL_REQUEST, 0, 40},
                   {CONTROL_OUTPUT, 0, 1},
                   {CONTROL_WANT, 2, 4},
                   {0, 0, 0},
                   {UINT32_MAX, UINT32_MAX, CONTROL_CHUNK_BYTES}};
    static const uint8_t body[2 * CONTROL_CHUNK_BYTES];
    const char *words[] = {"echo", "-"};

    (void)state;
    for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++) {
        int fd = greet();

        send_words(fd, words, 2, 3);
        expect_want(fd, 2);
        assert_int_equal(control_packet_send(fd, packets[i].word, packets[i].number, body, packets[i].body_bytes, 0),
                         0);
        assert_int_equal(exit_code(fd), 43);
        close(fd);
    }
    for (int i = 0; i < 2; i++) {
        int fd = greet();

        ask(fd, "flood");
        for (int j = 0; j <= i; j++) /* twice is once too often; input nobody wants is so at once */
            control_packet_send(fd, i ? CONTROL_CLOSED : CONTROL_INPUT, 0, NULL, 0, 0);
        assert_int_equal(exit_code(fd), 41);
        close(fd);
    }
    expect_alive();
}

static void append_request(struct buffer *body, uint32_t streams, uint32_t inputs)
{
    buffer_append_u32(body, 80);
    buffer_append_u64(body, 0);
    buffer_append_u64(body, 0);
    buffer_append_u32(body, streams);
    buffer_append_u32(body, inputs);
    buffer_append_u32(body, 1);
    buffer_append_u32(body, 3);
    buffer_append(body, "who", 3);
}

static void wrong_streams(void **state)
{
    static const struct {
        uint32_t streams, inputs;
    } wrong[] = {{0, 0}, {1, 0}, {9, 0},   {64, 0}, {UINT32_MAX, 0}, {2, 1},
                 {2, 2}, {2, 4}, {8, 256}, {3, 8},  {3, 0x80000004}};
    struct buffer body = BUFFER_EMPTY;
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        buffer_reset(&body);
        append_request(&body, wrong[i].streams, wrong[i].inputs);
        fd = greet();
        assert_int_equal(control_packet_send(fd, CONTROL_REQUEST, 0, body.bytes, body.length_bytes, 0), 0);
        expect_refused(fd);
    }
    buffer_reset(&body);
    append_request(&body, 8, 0xFC);
    fd = greet();
    assert_int_equal(control_packet_send(fd, CONTROL_REQUEST, 0, body.bytes, body.length_bytes, 0), 0);
    assert_int_equal(exit_code(fd), 3);
    close(fd);
    buffer_clear(&body);
}

/* Sends bytes and descriptors with them: 0, or -errno. */
static int send_descriptors(int fd, const void *bytes, size_t length_bytes, int descriptor, unsigned count)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int) * 253)];
    } control_part = {
        .header = {.cmsg_len = CMSG_LEN(sizeof(int) * count), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length_bytes};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control_part.room,
                             .msg_controllen = CMSG_SPACE(sizeof(int) * count)};

    for (unsigned i = 0; i < count; i++)
        memcpy(CMSG_DATA(&control_part.header) + i * sizeof(int), &descriptor, sizeof(int));
    return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A request as it is on the wire. */
static void make_request(struct buffer *packet)
{
    buffer_append(packet, "dossctl2", 8);
    buffer_append_u32(packet, CONTROL_REQUEST);
    buffer_append_u32(packet, 0);
    append_request(packet, 2, 0);
}

/* They are refused by the kernel, or dropped by it and the request refused; the server never has them. */
static void takes_no_descriptors(void **state)
{
    struct buffer packet = BUFFER_EMPTY;
    int before = open_files(), out[2], fd;

    (void)state;
    make_request(&packet);
    assert_int_equal(pipe(out), 0);
    for (unsigned count = 1; count <= 253; count += 63) {
        fd = greet();
        if (send_descriptors(fd, packet.bytes, packet.length_bytes, out[1], count) < 0)
            close(fd);
        else
            expect_refused(fd);
    }
    fd = greet();
    ask(fd, "flood");
    assert_int_equal(control_receive(fd, 3000, &answer), 0);
    buffer_reset(&packet);
    buffer_append(&packet, "dossctl2", 8);
    buffer_append_u32(&packet, CONTROL_CLOSED);
    buffer_append_u32(&packet, 0);
    if (send_descriptors(fd, packet.bytes, packet.length_bytes, out[1], 1) == 0)
        assert_int_equal(exit_code(fd), 41);
    close(fd);
    buffer_clear(&packet);
    /* None is left behind in the server: the last writer was ours. */
    close(out[1]);
    assert_int_equal(poll(&(struct pollfd){.fd = out[0], .events = POLLIN}, 1, 2000), 1);
    close(out[0]);
    expect_alive();
    expect_open_files(before);
}

/* A TCP socket whose last close waits, for hours, until what it sent is read; and the two behind it, to be closed after. */
static int make_lingering(int others[static 2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    struct linger linger = {.l_onoff = 1, .l_linger = 10000};
    static const char block[65536];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    others[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(others[0], (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(others[0], 1), 0);
    assert_int_equal(getsockname(others[0], (struct sockaddr *)&address, &address_bytes), 0);
    (void)!connect(fd, (struct sockaddr *)&address, sizeof address);
    others[1] = accept(others[0], NULL, NULL);
    assert_true(others[1] >= 0);
    while (write(fd, block, sizeof block) > 0)
        ;
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    return fd;
}

/* SO_PASSRIGHTS, which Debian 12's headers lack. */
static bool kernel_refuses_descriptors(void)
{
    int pair[2], zero = 0;
    bool refuses;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    refuses = setsockopt(pair[0], SOL_SOCKET, 83, &zero, sizeof zero) == 0;
    close(pair[0]);
    close(pair[1]);
    return refuses;
}

/* The last reference to a file must not be dropped by the server's thread, since that may wait. */
static void a_descriptor_whose_close_waits(void **state)
{
    const struct linger reset = {.l_onoff = 1};
    struct buffer packet = BUFFER_EMPTY;
    int others[2], fd, lingering;

    if (!kernel_refuses_descriptors()) {
        print_message("skipped: this kernel can't refuse descriptors to the sender (SO_PASSRIGHTS, Linux 6.16)\n");
        skip();
    }
    lingering = make_lingering(others);
    make_request(&packet);
    fd = greet();
    assert_int_equal(send_descriptors(fd, packet.bytes, packet.length_bytes, lingering, 1), -EPERM);
    close(fd);
    /* As well before the server has accepted, and while a command runs. */
    assert_int_equal(control_connect(path, &fd), 0);
    assert_int_equal(send_descriptors(fd, packet.bytes, packet.length_bytes, lingering, 1), -EPERM);
    close(fd);
    fd = greet();
    ask(fd, "wait");
    assert_int_equal(send_descriptors(fd, packet.bytes, packet.length_bytes, lingering, 1), -EPERM);
    close(fd);
    buffer_clear(&packet);
    /* So the last reference is ours: reset, or our own close would wait. */
    assert_int_equal(setsockopt(lingering, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    close(lingering);
    for (int i = 0; i < 2; i++)
        close(others[i]);
    alarm(10); /* the fault shows as a hang */
    expect_alive();
    stop(state);
    alarm(0);
}

static void garbage(void **state)
{
    static const uint8_t head[] = "dossctl2\x10\0\0";
    uint8_t packet[200 * 1000] = {0};
    unsigned seed = 1;

    (void)state;
    for (int i = 0; i < 300; i++) {
        size_t length_bytes = i < 60 ? (size_t)i + 1 : 1 + (size_t)rand_r(&seed) % 500;
        int fd = greet();

        for (size_t j = 0; j < length_bytes; j++)
            packet[j] = (uint8_t)(rand_r(&seed) % (i % 3 ? 256 : 4));
        if (i % 2)
            memcpy(packet, head, length_bytes < 12 ? length_bytes : 12);
        assert_int_equal(send(fd, packet, length_bytes, 0), (int)length_bytes);
        expect_refused(fd);
    }
    for (size_t length_bytes = CONTROL_MAX_REQUEST_BYTES; length_bytes < sizeof packet; length_bytes += 60000) {
        int fd = greet();

        assert_int_equal(send(fd, packet, length_bytes, 0), (int)length_bytes);
        expect_refused(fd);
    }
    expect_alive();
}

static void limits_of_the_client_side(void **state)
{
    const char *words[CONTROL_MAX_ARGUMENTS + 1];
    char *text = calloc(1, 70000);
    struct control_request request = {.argc = CONTROL_MAX_ARGUMENTS + 1, .argv = words};
    int fd = greet();

    (void)state;
    request.stream_count = 2;
    for (int i = 0; i <= CONTROL_MAX_ARGUMENTS; i++)
        words[i] = "x";
    assert_int_equal(control_send(fd, &request), -E2BIG);
    memset(text, 'x', 69999);
    words[0] = text;
    request.argc = 1;
    assert_int_equal(control_send(fd, &request), -E2BIG);
    free(text);
    close(fd);
}

/* Who says nothing is dropped, and holds no seat for longer. */
static void silent_clients(void **state)
{
    int fds[CONTROL_PER_UID], more = -1;

    (void)state;
    for (int i = 0; i < CONTROL_PER_UID; i++)
        fds[i] = greet();
    assert_int_equal(control_connect(path, &more), 0);
    assert_int_equal(control_receive(more, 2000, &answer), 0);
    assert_int_equal(answer.word, CONTROL_BUSY);
    assert_non_null(strstr(answer.text, "as one person may"));
    close(more);
    for (int i = 0; i < CONTROL_PER_UID; i++) {
        struct pollfd wait = {.fd = fds[i], .events = POLLIN};

        assert_int_equal(poll(&wait, 1, 2000), 1);
        close(fds[i]);
    }
    expect_alive();
}

static void clients_that_leave(void **state)
{
    static const char *const words[] = {"flood", "wait", "echo", "who"};

    (void)state;
    for (int i = 0; i < 40; i++) {
        int fd = greet();

        send_words(fd, &words[i % 4], 1, i % 4 == 2 ? 3 : 2);
        if (i % 3 == 0)
            poll(NULL, 0, 1);
        if (i % 5 == 0)
            shutdown(fd, i % 2 ? SHUT_RD : SHUT_WR);
        close(fd);
    }
    expect_alive();
    for (int i = 0; i < 400 && ended < runs; i++)
        poll(NULL, 0, 5);
    assert_int_equal(ended, runs);
}

/* It holds its socket and reads nothing: the command ends by itself, and so does the talk. */
static void client_that_never_reads(void **state)
{
    int64_t began_ms = clock_tick_ms();
    int fd = greet(), result;

    (void)state;
    ask(fd, "flood");
    for (int i = 0; i < 400 && ended == 0; i++)
        poll(NULL, 0, 5);
    assert_int_equal(ended, 1);
    assert_int_equal(last_code, 41);
    assert_true(clock_tick_ms() - began_ms >= 250);
    while ((result = control_receive(fd, 3000, &answer)) == 0 && answer.word == CONTROL_OUTPUT)
        ;
    assert_true(result == -ECONNRESET || (result == 0 && answer.word == CONTROL_EXIT && answer.code == 41));
    close(fd);
}

/* One that reads slowly is served for longer than one that does not read at all. */
static void client_that_reads_slowly(void **state)
{
    int64_t began_ms = clock_tick_ms();
    int fd = greet();

    (void)state;
    ask(fd, "flood");
    while (clock_tick_ms() - began_ms < 600) {
        for (int i = 0; i < 8; i++)
            assert_int_equal(control_receive(fd, 3000, &answer), 0);
        assert_int_equal(answer.word, CONTROL_OUTPUT);
        poll(NULL, 0, 40);
    }
    assert_int_equal(ended, 0);
    close(fd);
}

/* Who does not take the end of his output keeps his seat: other commands of his wait, and not the threads of others. */
static void an_output_not_taken_holds_its_seat(void **state)
{
    int fds[CONTROL_PER_UID], more = -1;

    (void)state;
    for (int i = 0; i < CONTROL_PER_UID; i++) {
        fds[i] = greet();
        ask(fds[i], "fill");
    }
    for (int i = 0; i < 400 && ended < CONTROL_PER_UID; i++)
        poll(NULL, 0, 5);
    assert_int_equal(ended, CONTROL_PER_UID);
    assert_int_equal(control_connect(path, &more), 0);
    assert_int_equal(control_receive(more, 2000, &answer), 0);
    assert_int_equal(answer.word, CONTROL_BUSY);
    close(more);
    for (int i = 0; i < CONTROL_PER_UID; i++) {
        assert_int_equal(exit_code(fds[i]), 5);
        close(fds[i]);
    }
}

/* Stopping ends what runs, whatever the clients do. */
static void stops_under_load(void **state)
{
    int fds[2];
    int64_t began_ms;

    (void)state;
    fds[0] = greet();
    ask(fds[0], "flood");
    fds[1] = greet();
    ask(fds[1], "wait");
    for (int i = 0; i < 400 && runs < 2; i++)
        poll(NULL, 0, 5);
    assert_int_equal(runs, 2);
    began_ms = clock_tick_ms();
    stop(state);
    assert_true(clock_tick_ms() - began_ms < 250);
    assert_int_equal(ended, 2);
    for (int i = 0; i < 2; i++)
        close(fds[i]);
}

static void the_path(void **state)
{
    struct report_why why = {""};
    struct stat status;
    char long_path[200], name[64];
    int fd = -1;
    FILE *file;

    (void)state;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0666);
    assert_int_equal(control_listen(path, &fd, &why), -EADDRINUSE);
    stop(state);
    assert_int_equal(control_listen(path, &fd, &why), 0); /* nobody answers any more: replaced */
    close(fd);
    assert_int_equal(unlink(path), 0);
    file = fopen(path, "w");
    fclose(file);
    assert_int_equal(control_listen(path, &fd, &why), -EEXIST);
    assert_int_equal(unlink(path), 0);
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(control_listen(long_path, &fd, &why), -ENAMETOOLONG);
    assert_int_equal(control_connect(path, &fd), -ENOENT);
    assert_int_equal(control_name(NULL, "/a/b/huur.ini", name), 0);
    assert_string_equal(name, "huur");
    assert_int_equal(control_name("../x", NULL, name), -EINVAL);
    assert_int_equal(control_name(".x", NULL, name), -EINVAL);
    assert_int_equal(control_name("", NULL, name), -EINVAL);
    assert_int_equal(control_name(NULL, "/a/b/.ini", name), -EINVAL);
}

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/var/tmp/tools_control.XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    /* One more level, which control_listen() makes. */
    snprintf(path, sizeof path, "%s/run/test.sock", directory);
    return 0;
}

static int remove_directory(void **state)
{
    char inner[80];

    (void)state;
    unlink(path);
    snprintf(inner, sizeof inner, "%s/run", directory);
    rmdir(inner);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_who_asks, start, stop),
        cmocka_unit_test_setup_teardown(passes_a_megabyte_through, start, stop),
        cmocka_unit_test_setup_teardown(half_an_input_is_no_input, start, stop),
        cmocka_unit_test_setup_teardown(a_reader_who_leaves, start, stop),
        cmocka_unit_test_setup_teardown(unasked_words, start, stop),
        cmocka_unit_test_setup_teardown(wrong_streams, start, stop),
        cmocka_unit_test_setup_teardown(takes_no_descriptors, start, stop),
        cmocka_unit_test_setup_teardown(a_descriptor_whose_close_waits, start, stop),
        cmocka_unit_test_setup_teardown(garbage, start, stop),
        cmocka_unit_test_setup_teardown(limits_of_the_client_side, start, stop),
        cmocka_unit_test_setup_teardown(silent_clients, start, stop),
        cmocka_unit_test_setup_teardown(clients_that_leave, start, stop),
        cmocka_unit_test_setup_teardown(client_that_never_reads, start, stop),
        cmocka_unit_test_setup_teardown(client_that_reads_slowly, start, stop),
        cmocka_unit_test_setup_teardown(an_output_not_taken_holds_its_seat, start, stop),
        cmocka_unit_test_setup_teardown(stops_under_load, start, stop),
        cmocka_unit_test_setup_teardown(the_path, start, stop),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
