/* control: the socket over which the command talks to a running daemon.
 *
 * A Unix SOCK_SEQPACKET socket, open to every local user: who asks is known from the kernel (SO_PEERCRED), and what he may
 * do is the gate's decision. The server trusts nothing that comes in:
 *
 *   - it never opens a path named by a client; what a command reads and writes are pipes that the client passed, and nothing
 *     but pipes is taken;
 *   - it never waits in a read or write of such a pipe, whatever the client does to the pipe's flags (control_pipe.h);
 *   - a command ends when its client ends, when the daemon stops, or when the client leaves a pipe untouched for
 *     CONTROL_STALL_MS;
 *   - threads, requests, their sizes and the commands of one uid are bounded by the numbers below.
 *
 * Talk: the server greets with CONTROL_READY (or CONTROL_BUSY and ends); the client sends one request with its pipes, and for
 * each input that it passed to its end a packet that says so, before it closes that pipe: a pipe ends as well when a client
 * is killed, and half a file must not be taken for a whole one. The server answers with CONTROL_EXIT, after it closed the
 * pipes. All integers are little-endian.
 *
 *   answer   magic[8] word:u32 code:u32 text (a line for a person, without a line end, may be empty)
 *   request  magic[8] flags:u32 columns:u32 store_device:u64 store_inode:u64 argc:u32 { length:u32 bytes[length] } * argc
 *            pipes (SCM_RIGHTS): standard output, standard error, then one for each file that the command line names
 *   whole    magic[8] stream:u32 (the place of its pipe) */
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
    CONTROL_MAX_ANSWER_BYTES = 512,
    CONTROL_THREADS = 8,
    CONTROL_PER_UID = 2,           /* commands of one uid at a time */
    CONTROL_REQUEST_MS = 5000,     /* within which a client has sent its request */
    CONTROL_STALL_MS = 600 * 1000, /* how long a pipe may stay untouched by the client */
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
/* Ends running commands (they see `stopped`, their pipes fail), joins the threads, frees. NULL is allowed. */
void control_stop(struct control *control);

/* The bounds in time, apart so that a test need not wait for minutes. */
struct control_limits {
    int request_ms, stall_ms;
};
int control_start_limited(int fd, control_run *run, void *context, const struct control_limits *limits,
                          struct control **out);

/* ---- client --------------------------------------------------------------------------------------------------- */

enum control_word { CONTROL_READY = 1, CONTROL_BUSY = 2, CONTROL_EXIT = 3 };
struct control_answer {
    enum control_word word;
    int code;
    char text[256];
};

/* Connects. -ENOENT, -ECONNREFUSED: no daemon serves this; -EACCES and others: it can't be known. */
int control_connect(const char *path, int *fd);
/* Waits for one answer, at most `timeout_ms` (-1: for ever). -ECONNRESET: the daemon ended the talk. -EPROTO: not an answer. */
int control_receive(int fd, int timeout_ms, struct control_answer *answer);
/* Sends a request: of `request` argc, argv, terminals, columns and store are used; `pipes` are the ends for the server, in
 * the order of the streams. -E2BIG: past the limits. */
int control_send(int fd, const struct control_request *request, const int *pipes, unsigned pipe_count);
/* Says that the input whose pipe is `stream` was passed whole; before that pipe is closed. */
int control_send_whole(int fd, unsigned stream);

#endif
