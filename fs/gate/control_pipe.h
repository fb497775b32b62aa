/* control_pipe: a client's pipe as a FILE that can't hold a thread.
 *
 * O_NONBLOCK belongs to the open pipe, which the client may still hold and change, or fill between our poll and our write;
 * so neither the flag nor poll protects. splice() takes "don't wait" with each call: bytes go through a small pipe of our
 * own, and only splice touches the client's. SIGPIPE must be blocked in the calling thread.
 *
 * Reads and writes fail with EPIPE when the client's socket ends or the daemon stops, and with ETIMEDOUT when the client left
 * the pipe untouched for too long. What the FILE buffers is wiped when it is closed. */
#ifndef DOSSIERFS_GATE_CONTROL_PIPE_H
#define DOSSIERFS_GATE_CONTROL_PIPE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct control_pipe;

/* When a wait has to end; of one client, used by its thread alone. */
struct control_watch {
    int socket_fd; /* of the client */
    int wake_fd;   /* readable: the daemon stops */
    int stall_ms;
    uint32_t whole; /* a bit per stream of which the client said that it was passed whole */
    /* Takes one packet from the socket and sets bits in `whole`. 0 or negative. */
    int (*take_packet)(struct control_watch *watch);
};
bool control_watch_ended(const struct control_watch *watch);

/* `fd` is taken over, also on failure. `watch` must outlive the pipe. `place` is the stream's: an input ends only if the
 * client said that it is whole, otherwise its end is an error. *is_input: which end of a pipe it is. -EINVAL: not an
 * end of a pipe. -EMFILE, -ENOMEM. */
int control_pipe_open(int fd, unsigned place, struct control_watch *watch, struct control_pipe **out, bool *is_input);
FILE *control_pipe_file(const struct control_pipe *pipe);
/* Flushes (what can't be written is dropped), closes, wipes. NULL is allowed. */
void control_pipe_close(struct control_pipe *pipe);

#endif
