/* control_stream: a command's stream as a FILE whose bytes go in packets over the client's socket, and that can't hold a
 * thread.
 *
 * The socket is the daemon's own end: its sends and receives never wait, and nothing a client does to his end holds a lock
 * that they need. (A pipe would not do: who reads it into memory that is mapped from a file system of his own, and never
 * answers the fault, holds the pipe's lock, and a non-blocking write on the other end then waits past SIGKILL.)
 *
 * Reads and writes fail with EPIPE when the client's socket ends, the daemon stops or the client said that he takes no more of
 * an output; with ETIMEDOUT when the client moved nothing for too long; with EPROTO when he says what was not asked. What the
 * FILE buffers is wiped when it is closed. */
#ifndef DOSSIERFS_GATE_CONTROL_STREAM_H
#define DOSSIERFS_GATE_CONTROL_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The talk with one client, used by its thread alone. */
struct control_talk {
    int socket_fd;    /* of the client, non-blocking */
    int wake_fd;      /* readable: the daemon stops */
    int stall_ms;     /* how long a wait lasts */
    int failed;       /* the first failure; nothing is tried after it, so that closing doesn't wait again */
    uint32_t outputs; /* a bit per stream that is written */
    uint32_t closed;  /* those of which the client takes no more */
};

/* Has the client gone, or does the daemon stop? */
bool control_talk_ended(const struct control_talk *talk);
/* Waits until the client has read enough that a short packet finds room. 0 or negative. */
int control_talk_wait_for_room(struct control_talk *talk);

struct control_stream;

/* `talk` must outlive the stream; `place` is the stream's number; its bit in talk->outputs says which way it goes.
 * -ENOMEM. */
int control_stream_open(struct control_talk *talk, unsigned place, struct control_stream **out);
FILE *control_stream_file(const struct control_stream *stream);
/* Flushes (what can't be written is dropped), closes, wipes. NULL is allowed. */
void control_stream_close(struct control_stream *stream);

#endif
