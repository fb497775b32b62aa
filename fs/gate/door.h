/* door: what a caller sees of the dossiers. The mount asks here, and nowhere else: each function knows the time, asks the
 * policy, sees to the log entry, and gives out what may be seen.
 *
 * All of it belongs to one thread, the dispatcher, but for door_done, which the log thread may call. Nothing here waits.
 * Hidden is -ENOENT, whether the thing exists or not, by one path: the same steps, the same entry. A caller whose identity
 * could not be had (NSS failed, or the kernel names no process) gets -EIO: a gap, not a denial, and so the log calls it. */
#ifndef DOSSIERFS_GATE_DOOR_H
#define DOSSIERFS_GATE_DOOR_H

#include "fs/base/buffer.h"
#include "fs/gate/gate.h"
#include "policy/decide.h"

/* ---- who asks ------------------------------------------------------------------------------------------------- */

/* A caller as the gate knows him: name and groups from NSS, kept for DOOR_IDENTITY_S seconds; his standing in the policy. */
struct door_caller;
enum { DOOR_IDENTITY_S = 60, DOOR_IDENTITY_WAIT_MS = 2000 };

/* The caller of a request, or NULL: it isn't known yet and is being asked for; try again after door_wake_fd() was readable
 * or a tick passed. After DOOR_IDENTITY_WAIT_MS the answer is a caller who is a gap. Valid until the next door_tick(). */
const struct door_caller *door_caller(struct gate *gate, uint32_t uid);
/* NSS could not tell who it is. */
bool door_is_gap(const struct door_caller *caller);
/* Readable when an identity came in or an import was published: then call door_tick(). */
int door_wake_fd(const struct gate *gate);

/* ---- the place asked about ------------------------------------------------------------------------------------ */

enum { DOOR_NO_PROCESS = -1 };
enum { DOOR_WHOLE = -1 }; /* leaf: the rendering of all visible fields; a field's index otherwise */

/* A request: who, from which process (a hint for the log), for which purpose. */
struct door_ask {
    const struct door_caller *caller;
    int32_t
        pid; /* 0: the kernel can't name it, and then it isn't known who asks; DOOR_NO_PROCESS: it is the gate's own question */
    int purpose; /* index */
};

/* What a look-up finds. */
struct door_found {
    uint32_t dossier; /* number, never reused */
    uint32_t version; /* of the dossier's content */
    uint64_t view; /* a mark of what is shown (which fields, which masks, which policy): another view, another mark */
    int64_t ends_s;    /* first second at which this view is gone */
    int64_t changed_s; /* when the newest value in it was captured */
};

/* Values that are shown, in the order of the policy's fields. Belongs to the caller of the function; door_shown_clear(). */
struct door_shown {
    struct buffer text; /* the values, behind each other */
    unsigned count;
    struct door_value {
        unsigned field;
        bool masked;
        size_t at, length_bytes; /* in `text`; several values are separated by '\n' */
        uint64_t mask;           /* 0: not masked; otherwise a mark: equal marks, equal masks */
    } values[POLICY_MAX_FIELDS];
};
void door_shown_clear(struct door_shown *shown);

/* ---- looking: logged in the background ------------------------------------------------------------------------- */

/* A dossier by its code (any bytes). 0 or -ENOENT. A text that can't be a code is not logged. */
int door_look_dossier(struct gate *gate, const struct door_ask *ask, const char *code, size_t code_bytes,
                      struct door_found *found);
/* A leaf of a dossier: a field's index or DOOR_WHOLE. Fills `shown` with what an opening would show, so that sizes can be
 * told. 0, -ENOENT, -EIO, -EBADMSG. */
int door_look_leaf(struct gate *gate, const struct door_ask *ask, uint32_t dossier, int leaf,
                   struct door_found *found, struct door_shown *shown);
/* A name that the policy knows but that is no leaf (a category's): the same entry as for a hidden leaf. */
void door_look_refused(struct gate *gate, const struct door_ask *ask, uint32_t dossier, const char *name);
/* Does the caller see the dossier (still)? For attributes of directories; not logged apart. */
bool door_sees(struct gate *gate, const struct door_ask *ask, uint32_t dossier);

/* ---- opening and listing: nothing leaves before the entry is durable ----------------------------------------------- */

/* Called once with 0 or -EIO, if the function that took it returned 0, and never otherwise: in the log thread, in door_log(), or
 * at once where nothing needs an entry of its own. */
typedef void door_done(void *context, int status);

/* Decides afresh and fills `shown`; the content must not leave before `done` said 0. -ENOENT, -EIO, -ESTALE: what *found says was
 * looked up is not so any more; -EACCES: the policy refuses the program (also for listings); -EDQUOT: the caller opened as many
 * different dossiers as his role may within an hour. */
int door_open_leaf(struct gate *gate, const struct door_ask *ask, uint32_t dossier, int leaf,
                   struct door_found *found, struct door_shown *shown, door_done *done, void *context);
/* The purposes that the caller may act for: a bit each. */
int door_list_purposes(struct gate *gate, const struct door_ask *ask, uint64_t *purposes, door_done *done,
                       void *context);
/* The dossiers in which the caller sees something for ask->purpose: numbers, malloc()ed, the caller's. */
int door_list_dossiers(struct gate *gate, const struct door_ask *ask, uint32_t **numbers, uint32_t *count,
                       door_done *done, void *context);
/* The fields that show of one dossier, as a set. -ENOENT if none. */
int door_list_leaves(struct gate *gate, const struct door_ask *ask, uint32_t dossier, struct field_set *fields,
                     door_done *done, void *context);
/* Logs that the caller opened his own access page. */
int door_open_own(struct gate *gate, const struct door_ask *ask, door_done *done, void *context);

/* ---- the processing log as files (logbook.h) ------------------------------------------------------------------------ */

/* Whoever has the command log.show reads the log as files too: they say what `log show` says. `name` is what is asked for, below the
 * log's directory: "", "2026", "2026/11", "2026/11/27.csv".
 *
 * May the caller read the log? Not logged. */
bool door_reads_log(const struct gate *gate, const struct door_ask *ask);
/* Looked at: an entry a minute for a file, in the background; none for a directory. -ENOENT: refused, and logged as such whether or
 * not the thing is there; -EIO. */
int door_look_log(struct gate *gate, const struct door_ask *ask, const char *name, bool is_file);
/* Opened: a directory is listed, a file read. What is in it must not leave before `done` said 0. -ENOENT, -EACCES, -EIO. */
int door_open_log(struct gate *gate, const struct door_ask *ask, const char *name, bool is_file, door_done *done,
                  void *context);

/* How many dossiers there are, hidden ones too: for the gate's neighbours, and nobody else's eyes. */
uint32_t door_count(const struct gate *gate);
/* Code of a dossier; "" past the end. Valid until the next door_tick(). */
const char *door_code(const struct gate *gate, uint32_t dossier);
uint32_t door_version(const struct gate *gate, uint32_t dossier);
/* A stable number for st_ino: a keyed hash of what is named, never 0 or 1. */
uint64_t door_inode(const struct gate *gate, int purpose, uint32_t dossier, int leaf);

/* ---- the caller's own page ------------------------------------------------------------------------------------- */

enum { DOOR_REFUSALS_KEPT = 8 };
struct door_refusal {
    int64_t time_ms;
    char purpose[POLICY_NAME_MAX_BYTES + 1]; /* "": none; a name, since it may outlive the policy */
    char name[128];                          /* as asked: a code, or a field's name */
    char reason[200];                        /* what the policy says without looking at any dossier */
};
/* Who the caller is; strings hold as long as the caller. */
struct door_self {
    uint32_t uid;
    const char *user;
    bool gap;
    struct policy_standing standing;
    unsigned refusal_count;
    const struct door_refusal *refusals; /* oldest first */
};
void door_self(struct gate *gate, const struct door_caller *caller, struct door_self *self);
/* How many different dossiers count in the hour that runs for the caller in a role whose dossiers_per_hour is set; it ends at
 * *until_s. 0: none runs. */
uint32_t door_bulk(struct gate *gate, const struct door_caller *caller, unsigned role, int64_t *until_s);
/* What a purpose shows to the caller as far as the policy alone decides. */
struct decision door_rule(struct gate *gate, const struct door_caller *caller, int purpose, int field, unsigned kind);

/* ---- another policy --------------------------------------------------------------------------------------------- */

/* Counts the policies that came in force; door_tick() is where it changes. What was got under one number must not be used with
 * another: indexes of purposes and fields, and what was decided. */
uint32_t door_generation(const struct gate *gate);
/* What a handle showed when it was opened: fields, each with a mark of its mask. */
struct door_granted {
    int field;     /* index under the policy of now; -1: it has no such field any more */
    uint64_t mask; /* door_value.mask */
};
/* Would all of it still be shown, masked no more than it was? *ends_s becomes the first second at which it won't be. */
bool door_still_shows(struct gate *gate, const struct door_ask *ask, uint32_t dossier,
                      const struct door_granted *granted, unsigned count, int64_t *ends_s);
/* May the caller act for the purpose (index; negative: never)? */
bool door_has_purpose(struct gate *gate, const struct door_ask *ask, int purpose);
/* Does the leaf show at all? For names in a listing that was opened under another policy. */
bool door_sees_leaf(struct gate *gate, const struct door_ask *ask, uint32_t dossier, int leaf);

/* ---- time ------------------------------------------------------------------------------------------------------ */

/* Takes in what happened elsewhere: identities, published imports (each changed dossier is told), counted refusals whose
 * minute is over. Call it when door_wake_fd() is readable, and each second. Does a slice of some milliseconds; true: more is
 * left, so call it again soon. */
bool door_tick(struct gate *gate, void (*changed)(void *context, uint32_t dossier), void *context);
/* The dispatcher is about to wait: ends the store's read transaction. */
void door_rest(struct gate *gate);

/* ---- the log ---------------------------------------------------------------------------------------------------- */

/* The dispatcher writes the log beside its other work, as far as that needs no wait (log.h), from the first to the last of
 * these calls. Where it can't, the log's own thread does, and the others do nothing. */
void door_log_begin(struct gate *gate);
void door_log_end(struct gate *gate);
/* Readable when door_log() has something to take in; -1: never. */
int door_log_fd(const struct gate *gate);
/* Answers those whose entries became durable; with `launch` (no more requests wait) then begins to write what was logged since.
 * Returns after how many milliseconds it is to be called with `launch` though nothing happened; -1: not before something does. */
int door_log(struct gate *gate, bool launch);
/* Does somebody wait for what the disk does just now? */
bool door_log_busy(const struct gate *gate);

#endif
