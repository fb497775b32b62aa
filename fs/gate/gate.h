/* gate: the one door. Everything that discloses or changes personal data goes through this room: it knows the caller and the
 * time, asks the policy, writes the log, and only then lets the store's bytes out.
 *
 *   gate.h    opening, who is acting, the policy in force      import.h  changes by import
 *   door.h    what a caller sees of the dossiers               answers.h questions to the log
 *   clock.h   time and time zone                               control.h the socket of the command
 *   reload.h  another policy comes in force, status
 *
 * Errors are negative errno; a verdict is never an errno (policy/decide.h). */
#ifndef DOSSIERFS_GATE_GATE_H
#define DOSSIERFS_GATE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/base/report.h"
#include "fs/log/log.h"
#include "fs/store/store.h"
#include "policy/policy.h"

struct gate;

/* The text of a policy. */
struct gate_policy_text {
    const char *text; /* any bytes */
    size_t length_bytes;
    uint32_t owner_uid; /* whose file it is: as near as one gets to who wrote it */
};

struct gate_options {
    const char *store; /* path */
    struct store_secret secret;
    struct policy *policy; /* taken over (set to NULL) when gate_open() succeeds; must outlast a failed call */
    /* Where the policy came from; `text` NULL: not known, then another one can't come in force. Borrowed for the call. */
    struct gate_policy_text policy_text;
    const char *mountpoint; /* to be told to who asks; NULL: none */
    bool mounted;           /* the daemon: commands need a role; otherwise whoever holds a key slot may */
    enum log_durability log_durability;
};

/* Opens store and log, reads every summary, and logs that it did. -EBUSY, -EKEYREJECTED, -EBADMSG and so on as
 * store_open() and log_open() say; `why` tells a person. */
int gate_open(struct gate_options *options, struct gate **out, struct report_why *why);
/* Waits for the log, then closes. NULL is allowed. */
void gate_close(struct gate *gate);

/* The policy that the calling thread works under: what is in force, for the dispatcher (or the only thread), which alone may see
 * it replaced, between two requests; what it holds, for any other thread. */
const struct policy *gate_policy(const struct gate *gate);
/* Between these two a thread other than the dispatcher works under what is in force now, whatever comes in force meanwhile. Not
 * nested. */
void gate_hold_policy(struct gate *gate);
void gate_let_go_policy(struct gate *gate);
/* The file system that holds the store. 0 or a negative errno. */
struct statvfs;
int gate_statvfs(const struct gate *gate, struct statvfs *figures);
/* The store's directory, as given to gate_open(). */
const char *gate_store_path(const struct gate *gate);

/* Who acts. Filled once per request from the kernel's uid and pid; name and groups come from NSS. */
enum { GATE_USER_MAX_BYTES = 64, GATE_MAX_GROUPS = 256 };
struct gate_person {
    uint32_t uid;
    int32_t pid;                    /* a hint: 0 is not known */
    char program[16];               /* a hint: comm of pid */
    char user[GATE_USER_MAX_BYTES]; /* "" for a uid without an account */
    unsigned group_count;
    char **groups; /* names */
};
/* Asks NSS, which may wait for a directory server: never from the dispatcher. -ENOMEM; -EAGAIN: NSS failed, so who this is
 * isn't known (a gap, not a denial). */
int gate_person_look_up(uint32_t uid, int32_t pid, struct gate_person *person);
/* The same for the name of an account, or a uid in digits, which needs no account. -ENOENT: no account has this name. */
int gate_person_find(const char *user, struct gate_person *person);
void gate_person_clear(struct gate_person *person);

/* May this person give the command? Logged either way. 0 or -EACCES (why: the deciding rule) or -EIO (log). */
int gate_command(struct gate *gate, const struct gate_person *person, const char *command, struct report_why *why);

#endif
