/* log: the processing log: an append-only record of every disclosure and change, sealed, hashed into a tree, durable before
 * anyone is answered. The bytes are described in FORMAT.md beside this file.
 *
 * The truth is the segment files; the SQLite file beside them is an index for questions, filled from them in batches and
 * rebuilt when in doubt. Entry bodies are sealed under a key of their month (UTC), so that a month can be destroyed and the
 * tree still verifies: see log_set_rule().
 *
 * What is acknowledged is signed: a checkpoint a second while there are entries, by a key that lives for an hour and hands over
 * to the next (signer.h, FORMAT.md). That is another thread's work (notary.h); nobody waits for it.
 *
 * Threads: log_append() may be called from any thread and never waits for the disk; a log thread of this module takes what
 * waits, writes and syncs one batch, and then calls each entry's `done`. A thread with an event loop can do most of that itself:
 * see log_drive(). log_query() may be called from any thread. */
#ifndef DOSSIERFS_LOG_LOG_H
#define DOSSIERFS_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/base/report.h"

enum {
    LOG_KEY_BYTES = 32,
    LOG_STORE_ID_BYTES = 16,
    LOG_ROOT_BYTES = 32,
    LOG_TEXT_MAX_BYTES = 4096, /* of each string of an entry; a longer one is cut at a character */
    LOG_QUEUE_MAX = 65536,     /* entries that may wait */
};

struct log;

/* What was done (the verbs of GDPR art. 4(2), as far as there are operations for them). Numbers are part of the format. */
enum log_what {
    LOG_FIELD = 1,     /* a field file was opened */
    LOG_DOSSIER = 2,   /* a rendering of the whole dossier was opened */
    LOG_LISTING = 3,   /* a directory was listed */
    LOG_LOOK = 4,      /* looked at without opening (stat) */
    LOG_OWN = 5,       /* the caller's own access page was opened */
    LOG_CHANGE = 6,    /* a dossier was created or changed */
    LOG_IMPORT = 7,    /* an import was published, or taken back */
    LOG_QUERY = 8,     /* the log was read */
    LOG_MOUNT = 9,     /* the daemon started or stopped, or found something at its start */
    LOG_POLICY = 10,   /* a policy came in force */
    LOG_COMMAND = 11,  /* another command was given */
    LOG_FACT = 12,     /* something was registered of a dossier, or ended: a consent, a restriction and so on */
    LOG_CALAMITY = 13, /* a calamity was declared, ended or reviewed: the glass was broken */
    LOG_EXPLAIN = 14,  /* it was told why a dossier shows, or not, to somebody: what is so for it, and no value */
    LOG_ERASE = 15,    /* what is past its term was destroyed: the bodies of a month of this log */
};
enum log_outcome { LOG_SHOWN = 1, LOG_MASKED = 2, LOG_REFUSED = 3, LOG_DONE = 4, LOG_FAILED = 5, LOG_GAP = 6 };

/* An entry. Strings are UTF-8 or any bytes without NUL, borrowed for the call, NULL or "" if there is nothing to say. */
struct log_entry {
    int64_t time_ms; /* Unix time */
    enum log_what what;
    enum log_outcome outcome;
    uint32_t uid;
    int32_t pid;         /* a hint */
    const char *user;    /* name of the account */
    const char *program; /* a hint: comm of the caller */
    const char *role;    /* the deciding role, or several with commas */
    const char *purpose;
    char ground;        /* 'A'..'E', 0 if none */
    uint64_t subject;   /* pseudonym; 0: none */
    const char *name;   /* the name asked for: field, listing, command */
    const char *fields; /* names of the fields shown, with commas; '~' before a masked one */
    const char *rule;   /* what decided: "expired", "role-purpose 40" */
    uint32_t count;     /* 1; more when identical refusals were counted into one entry */
    uint8_t policy[8];  /* version of the policy */
    /* Zeros: the log makes them of its key, the same whenever the entry is read. */
    uint8_t trace[16], span[8];
};

/* What an entry outlives once its `done` was told 0: a loss of power, or only the end of this process, however it ends. The
 * second is for measuring, and for stores whose power does not fail. */
enum log_durability { LOG_DURABLE_POWER, LOG_DURABLE_CRASH };

struct log_options {
    const char *path;   /* the directory, which exists */
    const uint8_t *key; /* LOG_KEY_BYTES; copied into locked memory */
    const uint8_t *store_id;
    uint32_t segment_bytes; /* how much a segment preallocates, 65536..1 GiB; 0: 16 MiB */
    enum log_durability durability;
    uint32_t hour_ms; /* after which a signing key hands over to the next; 0: an hour */
};

/* Opens, checks the end of the newest segment and cuts back a tail that was never acknowledged (said through report()). A
 * bad batch with valid ones behind it is damage: it is kept as it is, said, and a new segment begins. Starts the log
 * thread. -EBADMSG: belongs to another store or key; -EBUSY: open elsewhere. */
int log_open(const struct log_options *options, struct log **out, struct report_why *why);
/* Writes what waits, calls the last `done`s, joins the thread. NULL is allowed. */
void log_close(struct log *log);

/* Called in the log thread, or in the one that drives the log (or, if the entry could not even be queued, not at all: log_append() failed). status 0: the
 * entry is durable. -EIO / -ENOSPC: it is not, and will never be. Must not wait and must not call log_close(). */
typedef void log_done(void *context, int status);

/* Queues a copy of the entry. 0; -EAGAIN: LOG_QUEUE_MAX entries wait already, or 64 MiB of them; -ENOMEM; -EINVAL: what,
 * outcome or ground is none of the above. `done` may be NULL (nobody waits: it
 * becomes durable with the next batch, after 200 ms at the latest, and is dropped if that fails). Entries keep their
 * order. A batch is written as soon as somebody waits and the thread is free. After a failure the segment is never written again: the next batch tries a new one, so the log
 * recovers by itself once there is room. */
int log_append(struct log *log, const struct log_entry *entry, log_done *done, void *context);
/* Waits until the entry is durable; for threads that may wait. 0 or the status. */
int log_append_and_wait(struct log *log, const struct log_entry *entry);
/* Number of entries that are durable. */
uint64_t log_size(struct log *log);

/* ---- driving -------------------------------------------------------------------------------------------------- */

/* A thread that has an event loop may write the log itself, without ever waiting for the disk: it begins a write, goes on, and
 * takes in later that it landed. That spares two hand-overs between threads an entry. What takes long stays with the log thread:
 * new segments, zeros written ahead, what others queued while nothing was under way, a disk that fails. */

/* The calling thread drives from now on. A negative errno (flight.h): it can't, and the log goes on as before. */
int log_drive_begin(struct log *log);
/* Readable when there is something for log_drive() to take in. */
int log_drive_fd(const struct log *log);
/* Takes in what landed and calls its `done`s; with `launch`, then also begins to write what waits. Returns the milliseconds
 * after which it wants to be called with `launch` though nothing happened; -1: not before something does. */
int log_drive(struct log *log, bool launch);
/* Is a write under way? The driver's. */
bool log_drive_busy(const struct log *log);
/* Waits for what is under way; the log thread has the log again. Does nothing if nobody drives. */
void log_drive_end(struct log *log);

/* ---- the log's own term -------------------------------------------------------------------------------------- */

/* The rule: the bodies of a month (UTC) are destroyed so many calendar months after its end, and hidden from questions from that
 * second on. The tree keeps their hashes. */
struct log_rule {
    uint32_t term_months; /* 1..1200; 0: there is none, all is kept */
    uint32_t line;        /* of the policy that has it, */
    uint8_t policy[8];    /* of this version */
};
/* A month's destruction, as the record of keys has it for all to read. */
struct log_erasure {
    uint16_t month;       /* (year - 1970) * 12 + month - 1 */
    uint64_t first, last; /* numbers of the first and the last entry of the month, */
    uint64_t count;       /* and how many it has; 0: all three are not known yet */
    int64_t time_s;       /* when it was decided */
    struct log_rule rule;
};
enum log_erasure_state {
    LOG_ERASED, /* destroyed; the rule is the one of then */
    LOG_DUE,    /* hidden, and destroyed with the next run */
    LOG_HELD,   /* hidden, and waits for a confirmation */
};
typedef int log_each_erasure(void *context, const struct log_erasure *erasure, enum log_erasure_state state);

/* The rule that is in force from now on: what it makes due is hidden at once. `by_itself`: a thread of the log's own destroys what may
 * be destroyed, now and each hour, and says so. From any thread; never waits for the disk. */
void log_set_rule(struct log *log, const struct log_rule *rule, bool by_itself);

/* Destruction is careful. A month is held when the clock went ahead by more than 36 hours at once since it was last known, or
 * when the rule makes due what the one before it kept; then its key lives until a person confirms. */
enum log_expire {
    LOG_EXPIRE_SHOW,    /* destroys nothing: what would be */
    LOG_EXPIRE_NOW,     /* what may be without a confirmation */
    LOG_EXPIRE_CONFIRM, /* all that is due: a second person vouches for clock and rule */
};
struct log_expired {
    bool clock_leapt, rule_shortened; /* why months are held */
    int64_t known_ms;                 /* the time that is certain: due by it is certainly due */
};
/* Does so now, in the calling thread, as of the time `now_ms`, and tells `each` (may be NULL) what was destroyed, is due or is held,
 * oldest first; a negative answer ends the telling, not the destruction. A failure leaves the rest for the next run. -EAGAIN: the clock stands
 * in front of what was decided before. */
int log_expire_due(struct log *log, int64_t now_ms, enum log_expire how, log_each_erasure *each, void *context,
                   struct log_expired *out, struct report_why *why);
/* What questions leave out for the rule: months destroyed under it, and months that are hidden; those that have anything at
 * from_ms <= time < to_ms (0: no bound). */
int log_erasures(struct log *log, int64_t from_ms, int64_t to_ms, log_each_erasure *each, void *context);

/* ---- questions ------------------------------------------------------------------------------------------------ */

/* All conditions must hold; a zero or NULL member is no condition. */
struct log_filter {
    int64_t from_ms, to_ms; /* from <= time < to */
    const char *user;       /* name of the account */
    bool has_uid;
    uint32_t uid;
    const uint64_t *subjects; /* any of these, at most 30000; NULL is no condition, an empty list matches nothing */
    size_t subject_count;
    const char *purpose;
    enum log_outcome outcome;
    enum log_what what;
    uint64_t after; /* entries with a number above this */
    uint64_t limit; /* at most so many; the newest so many if `newest` */
    bool newest;
};
/* An entry read back: `erased` when the key of its month is destroyed, and then only number and month are there. Strings
 * are never NULL and live until `each` returns. */
struct log_record {
    uint64_t number; /* 1.. ; the leaf's index + 1 */
    bool erased;
    struct log_entry entry;
};
/* Brings the index up to date, then calls `each` in the order of the numbers until it answers a negative number, which
 * becomes the result; 0 goes on. -EBADMSG: among those asked about there is an entry that was lost or does not open (the first one's number in
 * why); told after all others were given. -E2BIG: too many subjects. Does not log anything itself: the gate does. */
int log_query(struct log *log, const struct log_filter *filter, int (*each)(void *, const struct log_record *),
              void *context, struct report_why *why);
/* When there are entries: brings the index up to date, then tells the first and the last time of one stretch of entries after the
 * other; where `each` answers 1, also those of each entry in it by itself. Entries that are erased don't count. A negative answer
 * ends it and becomes the result. */
int log_times(struct log *log, int (*each)(void *context, int64_t first_ms, int64_t last_ms), void *context,
              struct report_why *why);
enum { LOG_ERASURE_NAME_BYTES = 256 };
/* "2021-03, entries 1 to 120 (118 of them), under [log] retention = 5y, line 12 of policy 0011223344556677, on 2026-04-01". */
void log_erasure_name(const struct log_erasure *erasure, char text[static LOG_ERASURE_NAME_BYTES]);
const char *log_what_name(enum log_what what);          /* "field" */
const char *log_outcome_name(enum log_outcome outcome); /* "shown" */
/* Was nothing given: refused, or a gap, in which nobody knew who asked? */
bool log_outcome_is_refusal(enum log_outcome outcome);
/* From the name; -1 if there is no such one. */
int log_what_find(const char *name);
int log_outcome_find(const char *name);

#endif
