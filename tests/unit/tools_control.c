/* Goal: the control socket serves honest clients and outlives hostile ones: what is no pipe, too much, too little, garbage,
 * clients that never read, that die, that fiddle with their pipes; and stopping never hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs/gate/clock.h"
#include "fs/gate/control.h"

static char directory[64], path[CONTROL_PATH_BYTES];
static struct control *control;
static atomic_int runs, ended;

/* ---- the server's command: what the first word says ------------------------------------------------------------ */

static int flood(const struct control_request *request)
{
    char block[4096];

    memset(block, 'f', sizeof block);
    while (!ferror(request->streams[0]) && !request->stopped(request->stopped_context))
        fwrite(block, 1, sizeof block, request->streams[0]);
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
    else if (strcmp(request->argv[0], "wait") == 0)
        code = wait_for_stop(request);
    else if (strcmp(request->argv[0], "who") == 0)
        fprintf(request->streams[0], "%u %d %u %d%d %u", request->uid, request->pid, request->argc,
                request->out_is_terminal, request->error_is_terminal, request->columns);
    ended++;
    return code;
}

static int start(void **state)
{
    const struct control_limits limits = {.request_ms = 200, .stall_ms = 300};
    int fd = -1;

    (void)state;
    runs = ended = 0;
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

static int greet(void)
{
    struct control_answer answer;
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

static void send_words(int fd, const char *const *words, unsigned count, const int *pipes, unsigned pipe_count)
{
    struct control_request request = {.argc = count, .argv = words, .out_is_terminal = true, .columns = 99};

    assert_int_equal(control_send(fd, &request, pipes, pipe_count), 0);
}

/* Sends one word with a pipe for output; the reading end is returned, the other ends are closed here. */
static int ask(int fd, const char *word)
{
    const char *words[] = {word};
    int out[2];

    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    send_words(fd, words, 1, (int[]){out[1], out[1]}, 2);
    close(out[1]);
    return out[0];
}

static int exit_code(int fd)
{
    struct control_answer answer = {0};

    assert_int_equal(control_receive(fd, 3000, &answer), 0);
    assert_int_equal(answer.word, CONTROL_EXIT);
    return answer.code;
}

/* The server still serves. */
static void expect_alive(void)
{
    int fd = greet(), out = ask(fd, "nothing");

    assert_int_equal(exit_code(fd), 3);
    close(out);
    close(fd);
}

/* A refused request: exit code 2, and nothing ran. */
static void expect_refused(int fd)
{
    struct control_answer answer = {0};

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
    char text[100] = "", wanted[100];
    int fd = greet(), out[2];

    (void)state;
    assert_int_equal(pipe(out), 0);
    send_words(fd, words, 3, (int[]){out[1], out[1]}, 2);
    close(out[1]);
    assert_int_equal(exit_code(fd), 3);
    assert_true(read(out[0], text, sizeof text - 1) > 0);
    snprintf(wanted, sizeof wanted, "%u %d 3 10 99", getuid(), getpid());
    assert_string_equal(text, wanted);
    close(out[0]);
    close(fd);
}

enum { MEGABYTE = 1 << 20 };
struct feed {
    int fd, to;
};

static void *feed_a_megabyte(void *context)
{
    const struct feed *feed = context;
    char block[8192];
    size_t sent = 0;

    memset(block, 'e', sizeof block);
    while (sent < MEGABYTE && write(feed->to, block, sizeof block) == sizeof block)
        sent += sizeof block;
    control_send_whole(feed->fd, 2);
    close(feed->to);
    return NULL;
}

static void passes_a_megabyte_through(void **state)
{
    const char *words[] = {"echo", "-"};
    int fd = greet(), out[2], in[2];
    struct feed feed;
    size_t read_bytes = 0;
    char block[8192];
    ssize_t count;
    pthread_t feeder;

    (void)state;
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(in), 0);
    send_words(fd, words, 2, (int[]){out[1], out[1], in[0]}, 3);
    close(out[1]);
    close(in[0]);
    feed = (struct feed){.fd = fd, .to = in[1]};
    assert_int_equal(pthread_create(&feeder, NULL, feed_a_megabyte, &feed), 0);
    while ((count = read(out[0], block, sizeof block)) > 0)
        read_bytes += (size_t)count;
    assert_int_equal(read_bytes, MEGABYTE);
    assert_int_equal(exit_code(fd), 0);
    pthread_join(feeder, NULL);
    close(out[0]);
    close(fd);
}

/* An input whose pipe ends without a word that it is whole ended because its writer died. */
static void half_an_input_is_no_input(void **state)
{
    const char *words[] = {"echo", "-"};
    int fd = greet(), out[2], in[2];

    (void)state;
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(in), 0);
    send_words(fd, words, 2, (int[]){out[1], out[1], in[0]}, 3);
    close(out[1]);
    close(in[0]);
    assert_int_equal(write(in[1], "half", 4), 4);
    close(in[1]);
    assert_int_equal(exit_code(fd), 43);
    close(out[0]);
    close(fd);
}

static void takes_pipes_only(void **state)
{
    const char *words[] = {"who"};
    int before = open_files(), out[2], pair[2], others[6];

    (void)state;
    assert_int_equal(pipe(out), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    others[0] = open("/dev/null", O_WRONLY);
    others[1] = open(directory, O_RDONLY);
    others[2] = pair[0];
    others[3] = open(directory, O_PATH);
    others[4] = out[0]; /* the wrong end */
    others[5] = open("/dev/zero", O_RDWR);
    for (int i = 0; i < 6; i++) {
        int fd = greet();

        send_words(fd, words, 1, (int[]){out[1], others[i]}, 2);
        expect_refused(fd);
        if (i == 2 || i == 4)
            continue;
        close(others[i]);
    }
    for (int i = 0; i < 2; i++) {
        close(out[i]);
        close(pair[i]);
    }
    expect_alive();
    expect_open_files(before);
}

static void too_many_descriptors(void **state)
{
    const char *words[] = {"who"};
    int before = open_files(), out[2], many[253];
    struct msghdr message = {0};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof many)];
    } parts = {0};
    struct iovec part = {.iov_base = (void *)"x", .iov_len = 1};
    int fd;

    (void)state;
    assert_int_equal(pipe(out), 0);
    for (int i = 0; i < 253; i++)
        many[i] = out[1];
    for (int count = 0; count < 64; count = count == 0 ? 1 : count == 1 ? 9 : count == 9 ? 63 : 64) {
        fd = greet();
        send_words(fd, words, 1, many, (unsigned)count);
        expect_refused(fd);
    }
    fd = greet();
    message = (struct msghdr){
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = parts.room, .msg_controllen = sizeof parts.room};
    parts.header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof many), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&parts.header), many, sizeof many);
    assert_int_equal(sendmsg(fd, &message, 0), 1);
    expect_refused(fd);
    close(out[0]);
    close(out[1]);
    expect_alive();
    expect_open_files(before);
}

static void garbage(void **state)
{
    static const uint8_t head[] = "dossctl1";
    uint8_t packet[200 * 1000] = {0};
    unsigned seed = 1;

    (void)state;
    for (int i = 0; i < 300; i++) {
        size_t length_bytes = i < 60 ? (size_t)i + 1 : 1 + (size_t)rand_r(&seed) % 500;
        int fd = greet();

        for (size_t j = 0; j < length_bytes; j++)
            packet[j] = (uint8_t)(rand_r(&seed) % (i % 3 ? 256 : 4));
        if (i % 2)
            memcpy(packet, head, length_bytes < 8 ? length_bytes : 8);
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
    for (int i = 0; i <= CONTROL_MAX_ARGUMENTS; i++)
        words[i] = "x";
    assert_int_equal(control_send(fd, &request, NULL, 0), -E2BIG);
    memset(text, 'x', 69999);
    words[0] = text;
    request.argc = 1;
    assert_int_equal(control_send(fd, &request, NULL, 0), -E2BIG);
    free(text);
    close(fd);
}

/* Who says nothing is dropped, and holds no seat for longer. */
static void silent_clients(void **state)
{
    struct control_answer answer;
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
        int fd = greet(), out = ask(fd, words[i % 4]);

        if (i % 3 == 0)
            poll(NULL, 0, 1);
        if (i % 2)
            close(out);
        close(fd);
        if (i % 2 == 0)
            close(out);
    }
    expect_alive();
    for (int i = 0; i < 400 && ended < runs; i++)
        poll(NULL, 0, 5);
    assert_int_equal(ended, runs);
}

/* It holds its socket and its pipe, and reads nothing: the command ends by itself. */
static void client_that_never_reads(void **state)
{
    int64_t began_ms = clock_tick_ms();
    int fd = greet(), out = ask(fd, "flood");

    (void)state;
    assert_int_equal(exit_code(fd), 41);
    assert_true(clock_tick_ms() - began_ms >= 250);
    close(out);
    close(fd);
}

/* The client keeps the writing end too, lets the pipe fill up, makes it blocking and then takes one page out: who trusts the
 * flag or poll now sits in a write of more than a page for ever. */
static void client_that_makes_its_pipe_block(void **state)
{
    const char *words[] = {"flood"};
    char page[4096];
    int out[2], fd = greet(), filled = 0;

    (void)state;
    assert_int_equal(pipe(out), 0);
    send_words(fd, words, 1, (int[]){out[1], out[1]}, 2);
    for (int i = 0; i < 400 && filled < 65536; i++) {
        assert_int_equal(ioctl(out[0], FIONREAD, &filled), 0);
        poll(NULL, 0, 5);
    }
    assert_int_equal(filled, 65536);
    assert_int_equal(fcntl(out[1], F_SETFL, 0), 0);
    assert_int_equal(read(out[0], page, sizeof page), sizeof page);
    alarm(10); /* the fault shows as a hang */
    stop(state);
    alarm(0);
    assert_int_equal(ended, 1);
    close(out[0]);
    close(out[1]);
    close(fd);
}

/* Stopping ends what runs, whatever the clients do. */
static void stops_under_load(void **state)
{
    int fds[2], outs[2];
    int64_t began_ms;

    (void)state;
    fds[0] = greet();
    outs[0] = ask(fds[0], "flood");
    fds[1] = greet();
    outs[1] = ask(fds[1], "wait");
    for (int i = 0; i < 400 && runs < 2; i++)
        poll(NULL, 0, 5);
    assert_int_equal(runs, 2);
    began_ms = clock_tick_ms();
    stop(state);
    assert_true(clock_tick_ms() - began_ms < 250);
    assert_int_equal(ended, 2);
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(outs[i]);
    }
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
        cmocka_unit_test_setup_teardown(takes_pipes_only, start, stop),
        cmocka_unit_test_setup_teardown(too_many_descriptors, start, stop),
        cmocka_unit_test_setup_teardown(garbage, start, stop),
        cmocka_unit_test_setup_teardown(limits_of_the_client_side, start, stop),
        cmocka_unit_test_setup_teardown(silent_clients, start, stop),
        cmocka_unit_test_setup_teardown(clients_that_leave, start, stop),
        cmocka_unit_test_setup_teardown(client_that_never_reads, start, stop),
        cmocka_unit_test_setup_teardown(client_that_makes_its_pipe_block, start, stop),
        cmocka_unit_test_setup_teardown(stops_under_load, start, stop),
        cmocka_unit_test_setup_teardown(the_path, start, stop),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
