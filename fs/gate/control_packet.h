/* control_packet: one packet of the control socket's talk (control.h says what is said), as it is on the wire.
 *
 *   packet  magic[8] word:u32 number:u32 body */
#ifndef DOSSIERFS_GATE_CONTROL_PACKET_H
#define DOSSIERFS_GATE_CONTROL_PACKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CONTROL_PACKET_HEAD_BYTES = 16 };

/* Sends one packet, without SIGPIPE. `flags` 0 waits for room, MSG_DONTWAIT answers -EAGAIN. 0 or negative. */
int control_packet_send(int fd, uint32_t word, uint32_t number, const void *body, size_t body_bytes, int flags);
/* Takes one packet, never waiting; its body goes to `body`. The body's length, or -EAGAIN: none is there; -ECONNRESET: the
 * other side is gone; -EPROTO: it is no packet, longer than `room_bytes`, or came with descriptors, which are dropped. */
ssize_t control_packet_take(int fd, uint32_t *word, uint32_t *number, void *body, size_t room_bytes);

#endif
