#include "fs/gate/control_packet.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "fs/base/bytes.h"

static const char magic[8] = {'d', 'o', 's', 's', 'c', 't', 'l', '2'};

int control_packet_send(int fd, uint32_t word, uint32_t number, const void *body, size_t body_bytes, int flags)
{
    uint8_t head[CONTROL_PACKET_HEAD_BYTES];
    struct iovec parts[2] = {{.iov_base = head, .iov_len = sizeof head},
                             {.iov_base = (void *)(uintptr_t)body, .iov_len = body_bytes}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent;

    memcpy(head, magic, 8);
    bytes_put_u32(head + 8, word);
    bytes_put_u32(head + 12, number);
    do
        sent = sendmsg(fd, &message, flags | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

ssize_t control_packet_take(int fd, uint32_t *word, uint32_t *number, void *body, size_t room_bytes)
{
    uint8_t head[CONTROL_PACKET_HEAD_BYTES];
    struct iovec parts[2] = {{.iov_base = head, .iov_len = sizeof head}, {.iov_base = body, .iov_len = room_bytes}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2}; /* no room for descriptors */
    ssize_t length_bytes;

    do
        length_bytes = recvmsg(fd, &message, MSG_DONTWAIT);
    while (length_bytes < 0 && errno == EINTR);
    /* Who ended without reading all we sent leaves this error once, in front of his last words. */
    if (length_bytes < 0 && errno == ECONNRESET)
        length_bytes = recvmsg(fd, &message, MSG_DONTWAIT);
    if (length_bytes < 0)
        return -errno;
    if (length_bytes == 0 && message.msg_flags == 0)
        return -ECONNRESET;
    if (length_bytes < CONTROL_PACKET_HEAD_BYTES || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
        memcmp(head, magic, 8) != 0)
        return -EPROTO;
    *word = bytes_get_u32(head + 8);
    *number = bytes_get_u32(head + 12);
    return length_bytes - CONTROL_PACKET_HEAD_BYTES;
}
