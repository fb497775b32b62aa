/* control: the socket over which the command talks to a running daemon.
 *
 * A Unix SOCK_SEQPACKET socket, open to every local user: who asks is known from the kernel (SO_PEERCRED), and what he may
 * do is the gate's decision. The server trusts nothing that comes in:
 *
 *   - it opens no path that a client names and takes no descriptor from him, since closing a file of the client's own file
 *     system can wait for ever; what a command reads and writes goes in packets over the socket (control_stream.h). Where the
 *     kernel can (SO_PASSRIGHTS, Linux 6.16), it refuses descriptors to the sender. Older kernels drop them when the packet
 *     is taken: they never are in the daemon's table, but if that was the last reference to a file whose release waits (a
 *     socket that lingers, say), the wait is that of the client's thread;
 *   - it never waits in a send or receive;
 *   - a command ends when its client ends, when the daemon stops, or when the client moves nothing for CONTROL_STALL_MS;
 *   - threads, requests, their sizes and the commands of one uid are bounded by the numbers below.
 *
 * Talk: the server greets with READY (or BUSY and ends); the client sends one REQUEST. Then the server sends OUTPUT as it
 * comes, and WANT when the command reads an input, which the client answers with one INPUT; an empty one says that the input
 * is whole: a client that is killed must not leave half a file that is taken for a whole one. At the end comes EXIT. Packets
 * are as in control_packet.h; all integers are little-endian.
 *
 *   from     word     number   body
 *   server   READY    0
 *            BUSY     2        a line for a person, without a line end
 *            OUTPUT   stream   bytes, at most CONTROL_CHUNK_BYTES
 *            WANT     stream   most:u32, how much is taken at once
 *            EXIT     code     a line for a person, may be empty
 *   client   REQUEST  flags    columns:u32 store_device:u64 store_inode:u64 streams:u32 inputs:u32 argc:u32
 *                              { length:u32 bytes[length] } * argc
 *            INPUT    stream   bytes, as many as were wanted or fewer; none: the input is whole
 *            CLOSED   stream   nobody takes this output any more
 *
 * `streams` is how many there are: standard output, standard error, then one for each file that the command line names;
 * `inputs` has a bit for each that the command reads. */
#ifndef DOSSIERFS_GATE_CONTROL_H
#define DOSSIERFS_GATE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "fs/base/buffer.h"
#include "fs/base/report.h"

enum {
    CONTROL_PATH_BYTES = 108, /* with the NUL; what sockaddr_un holds */
    CONTROL_MAX_ARGUMENTS = 64,
    CONTROL_MAX_REQUEST_BYTES = 65536,
    CONTROL_MAX_STREAMS = 8,
    CONTROL_CHUNK_BYTES = 32768, /* of a stream in one packet */
    CONTROL_THREADS = 8,
    CONTROL_PER_UID = 2,           /* commands of one uid at a time */
    CONTROL_REQUEST_MS = 5000,     /* within which a client has sent its request */
    CONTROL_STALL_MS = 600 * 1000, /* how long a client may leave a stream untouched */
};

/* ---- where ---------------------------------------------------------------------------------------------------- */

/* The name of a mount: `name` as given with -n or, if NULL, the policy file's base name without ".ini". -EINVAL: it can't be
 * a file name. */
int control_name(const char *name, const char *policy_path, char out[static 64]);
/* Where the daemon of a mount listens: for root /run/dossierfs/NAME.sock, otherwise $XDG_RUNTIME_DIR/dossierfs/NAME.sock.
 * -ENOENT: XDG_RUNTIME_DIR is not set; -ENAMETOOLONG. */
int control_path(const char *name, bool root, char path[static CONTROL_PATH_BYTES]);

/* ---- server --------------------------------------------------------------------------------------------------- */

/* One command as it came in. Everything is borrowed for the call. */
struct control_request {
    uint32_t uid; /* of the client, from the kernel */
    int32_t pid;
    unsigned argc;
    const char *const *argv;            /* any bytes without NUL; ends with NULL */
    FILE *streams[CONTROL_MAX_STREAMS]; /* [0] standard output, [1] standard error, the others in the order sent */
    bool is_input[CONTROL_MAX_STREAMS]; /* to be read by the command; the others are to be written */
    unsigned stream_count;              /* at least 2 */
    bool out_is_terminal, error_is_terminal;
    unsigned columns;                     /* of the terminal; 0: not known */
    uint64_t store_device, store_inode;   /* of the store that the client means; 0, 0: whichever this daemon has */
    bool (*stopped)(const void *context); /* true: the client is gone or the daemon stops; end soon */
    const void *stopped_context;
};
/* Runs a command in one of the control threads and returns its exit code. It must not close the streams. */
typedef int control_run(void *context, const struct control_request *request);

struct control;

/* Makes the socket (mode 0666) and, if it is missing, its directory (0755). A socket that nobody answers on is replaced.
 * -EADDRINUSE: somebody does; -EEXIST: something that is no socket is there. Call it while the process has one thread. */
int control_listen(const char *path, int *fd, struct report_why *why);
/* Starts to serve; takes over `fd` (also on failure it is closed). */
int control_start(int fd, control_run *run, void *context, struct control **out);
/* Ends running commands (they see `stopped`, their streams fail), joins the threads, frees. NULL is allowed. */
void control_stop(struct control *control);

/* The bounds in time, apart so that a test need not wait for minutes. */
struct control_limits {
    int request_ms, stall_ms;
};
int control_start_limited(int fd, control_run *run, void *context, const struct control_limits *limits,
                          struct control **out);

/* ---- client --------------------------------------------------------------------------------------------------- */

enum control_word {
    CONTROL_READY = 1,
    CONTROL_BUSY = 2,
    CONTROL_EXIT = 3,
    CONTROL_OUTPUT = 4,
    CONTROL_WANT = 5,
    CONTROL_REQUEST = 16,
    CONTROL_INPUT = 17,
    CONTROL_CLOSED = 18,
};
struct control_answer {
    enum control_word word;
    int code;            /* BUSY, EXIT */
    char text[256];      /* BUSY, EXIT */
    unsigned stream;     /* OUTPUT, WANT: below CONTROL_MAX_STREAMS */
    size_t length_bytes; /* OUTPUT: of `bytes`; WANT: how much is taken at most, 1 to CONTROL_CHUNK_BYTES */
    uint8_t bytes[CONTROL_CHUNK_BYTES]; /* OUTPUT: may be personal data, the caller wipes it */
};

/* Connects. -ENOENT, -ECONNREFUSED: no daemon serves this; -EACCES and others: it can't be known. */
int control_connect(const char *path, int *fd);
/* Waits for one answer, at most `timeout_ms` (-1: for ever). -ECONNRESET: the daemon ended the talk. -EPROTO: not an answer. */
int control_receive(int fd, int timeout_ms, struct control_answer *answer);
/* Sends a request: of `request` argc, argv, terminals, columns, store, stream_count and is_input are used. -E2BIG: past the
 * limits. */
int control_send(int fd, const struct control_request *request);
/* Answers a WANT; no bytes: the input is whole. */
int control_send_input(int fd, unsigned stream, const void *bytes, size_t length_bytes);
/* Says that an output need not be sent any more; once for each. */
int control_send_closed(int fd, unsigned stream);

#endif
