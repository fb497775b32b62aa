#include "fs/gate/control_stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fs/base/bytes.h"
#include "fs/gate/clock.h"
#include "fs/gate/control.h"
#include "fs/gate/control_packet.h"

enum { BROKEN_MS = 1000 };

struct control_stream {
    struct control_talk *talk;
    unsigned place;
    bool is_output;
    bool whole; /* the client said that the input has ended */
    FILE *file;
    char *room; /* the FILE's buffer, CONTROL_CHUNK_BYTES */
};

/* ---- the talk ------------------------------------------------------------------------------------------------- */

bool control_talk_ended(const struct control_talk *talk)
{
    struct pollfd ends[2] = {{.fd = talk->socket_fd, .events = POLLRDHUP}, {.fd = talk->wake_fd, .events = POLLIN}};

    return talk->failed < 0 || poll(ends, 2, 0) > 0;
}

/* Waits until the socket may move. 0 (perhaps too early) or negative, which ends the talk. */
static int wait_for(struct control_talk *talk, short events, int64_t until_ms)
{
    struct pollfd waits[2] = {{.fd = talk->socket_fd, .events = (short)(events | POLLRDHUP)},
                              {.fd = talk->wake_fd, .events = POLLIN}};
    int64_t left_ms = until_ms - clock_tick_ms();
    int count = left_ms > 0 ? poll(waits, 2, (int)left_ms) : 0;

    if (count == 0)
        talk->failed = -ETIMEDOUT;
    else if (count < 0 && errno != EINTR)
        talk->failed = -errno;
    else if (count > 0 && (waits[0].revents & ~events || waits[1].revents))
        talk->failed = -EPIPE;
    return talk->failed;
}

int control_talk_wait_for_room(struct control_talk *talk)
{
    struct pollfd waits[2] = {{.fd = talk->socket_fd, .events = POLLOUT | POLLRDHUP},
                              {.fd = talk->wake_fd, .events = POLLIN}};

    /* A client that broke the rules while output was on its way is to hear the end as well, if it takes the output soon. */
    if (talk->failed == -EPROTO)
        poll(waits, 2, BROKEN_MS);
    return talk->failed < 0 ? talk->failed : wait_for(talk, POLLOUT, clock_tick_ms() + talk->stall_ms);
}

/* Takes a packet, if one is there. Input of the stream that was asked for (`asked`, or CONTROL_MAX_STREAMS: none) goes to
 * `to`, and its length to *got; that an output is closed is noted once; anything else ends the talk. */
static int take_packet(struct control_talk *talk, unsigned asked, char *to, size_t room_bytes, ssize_t *got)
{
    uint32_t word = 0, number = 0;
    ssize_t length_bytes = control_packet_take(talk->socket_fd, &word, &number, to, room_bytes);

    if (length_bytes == -EAGAIN)
        return 0;
    if (length_bytes < 0)
        talk->failed = (int)length_bytes;
    else if (word == CONTROL_INPUT && asked < CONTROL_MAX_STREAMS && number == asked)
        *got = length_bytes;
    else if (word == CONTROL_CLOSED && length_bytes == 0 && number < CONTROL_MAX_STREAMS &&
             talk->outputs & ~talk->closed & 1u << number)
        talk->closed |= 1u << number;
    else
        talk->failed = -EPROTO;
    return talk->failed;
}

/* Sends a packet of a stream as soon as there is room. */
static int send_packet(struct control_stream *stream, enum control_word word, const void *body, size_t body_bytes)
{
    struct control_talk *talk = stream->talk;
    int64_t until_ms = clock_tick_ms() + talk->stall_ms;

    while (talk->failed == 0) {
        int result;

        if (control_talk_ended(talk))
            talk->failed = -EPIPE;
        else if (take_packet(talk, CONTROL_MAX_STREAMS, NULL, 0, NULL) < 0)
            break;
        if (talk->closed & 1u << stream->place)
            return -EPIPE;
        if (talk->failed < 0)
            break;
        result = control_packet_send(talk->socket_fd, word, stream->place, body, body_bytes, MSG_DONTWAIT);
        if (result == 0)
            return 0;
        if (result != -EAGAIN)
            talk->failed = result;
        else
            wait_for(talk, POLLIN | POLLOUT, until_ms);
    }
    return talk->failed;
}

/* ---- the FILE ------------------------------------------------------------------------------------------------- */

static ssize_t read_input(void *cookie, char *to, size_t room_bytes)
{
    struct control_stream *stream = cookie;
    struct control_talk *talk = stream->talk;
    int64_t until_ms;
    uint8_t most[4];
    ssize_t got = -1;

    if (room_bytes > CONTROL_CHUNK_BYTES)
        room_bytes = CONTROL_CHUNK_BYTES;
    if (stream->whole || room_bytes == 0)
        return 0;
    bytes_put_u32(most, (uint32_t)room_bytes);
    send_packet(stream, CONTROL_WANT, most, sizeof most);
    until_ms = clock_tick_ms() + talk->stall_ms;
    while (got < 0 && talk->failed == 0)
        if (wait_for(talk, POLLIN, until_ms) == 0)
            take_packet(talk, stream->place, to, room_bytes, &got);
    if (talk->failed < 0) {
        errno = -talk->failed;
        return -1;
    }
    stream->whole = got == 0;
    return got;
}

/* All of it or nothing: stdio takes a short count of a cookie for a failure. */
static ssize_t write_output(void *cookie, const char *from, size_t length_bytes)
{
    struct control_stream *stream = cookie;

    for (size_t at = 0; at < length_bytes;) {
        size_t left = length_bytes - at, part_bytes = left < CONTROL_CHUNK_BYTES ? left : CONTROL_CHUNK_BYTES;
        int result = send_packet(stream, CONTROL_OUTPUT, from + at, part_bytes);

        if (result < 0) {
            errno = -result;
            return 0;
        }
        at += part_bytes;
    }
    return (ssize_t)length_bytes;
}

int control_stream_open(struct control_talk *talk, unsigned place, struct control_stream **out)
{
    struct control_stream *stream = malloc(sizeof *stream);
    cookie_io_functions_t functions = {0};

    if (!stream)
        return -ENOMEM;
    *stream = (struct control_stream){.talk = talk, .place = place, .is_output = talk->outputs >> place & 1};
    functions.read = stream->is_output ? NULL : read_input;
    functions.write = stream->is_output ? write_output : NULL;
    stream->room = malloc(CONTROL_CHUNK_BYTES);
    if (stream->room)
        stream->file = fopencookie(stream, stream->is_output ? "w" : "r", functions);
    if (!stream->file) {
        control_stream_close(stream);
        return -ENOMEM;
    }
    setvbuf(stream->file, stream->room, _IOFBF, CONTROL_CHUNK_BYTES);
    *out = stream;
    return 0;
}

FILE *control_stream_file(const struct control_stream *stream)
{
    return stream->file;
}

void control_stream_close(struct control_stream *stream)
{
    if (!stream)
        return;
    if (stream->file)
        fclose(stream->file);
    if (stream->room)
        explicit_bzero(stream->room, CONTROL_CHUNK_BYTES);
    free(stream->room);
    free(stream);
}
