/* reload: another policy comes in force while dossiers are open, whole or not at all; and what `dossier status` says of it.
 *
 * A thread that may wait reads the text, checks it, and makes the tables that it needs from the store; then the dispatcher, between
 * two requests, exchanges the old ones for them, which takes some microseconds. Tables are made anew only if what a dossier
 * holds (kinds, categories, fields, terms) is written differently; the numbers of dossiers stay as they are.
 *
 * What can't change while mounted: the time zone, and where [mount] says that the store, the mount point and the key are. */
#ifndef DOSSIERFS_GATE_RELOAD_H
#define DOSSIERFS_GATE_RELOAD_H

#include "fs/gate/door.h"
#include "fs/log/sent.h"

/* Puts the policy in force and returns when it is. 0: it is (if it was already, nothing is done). -EINVAL: it is faulty, or does not
 * fit the dossiers or the mount: what is in force stays, and the faults are kept to be told. Anything else (-ENOMEM, -EIO, -ENOSPC):
 * `why`; the same policy may be tried again. -ECANCELED: gate_reload_cancel(). For one thread, not the dispatcher; it holds no policy
 * when it calls. */
int gate_reload(struct gate *gate, const struct gate_policy_text *text, struct report_why *why);
/* The dispatcher serves no more: a gate_reload() that waits for it ends, and those to come. Any thread. */
void gate_reload_cancel(struct gate *gate);

/* ---- status --------------------------------------------------------------------------------------------------- */

struct gate_status {
    bool mounted;
    char *file, *store, *mountpoint; /* owned; mountpoint "" if nothing is mounted */
    uint8_t version[POLICY_HASH_BYTES];
    int64_t in_force_ms; /* since when, Unix time */
    uint32_t owner_uid;  /* whose file it was; meaningful if owner_known */
    bool owner_known;
    uint32_t replaced; /* how many policies came in force since the start, without the first */
    unsigned kinds, fields, purposes, roles;
    uint32_t dossiers;
    uint64_t entries; /* of the log */
    int64_t uptime_s;
    int64_t faulty_ms; /* since when the file is not what is in force; 0: it is */
    struct policy_faults faults;
    size_t sent_count; /* places that checkpoints of the log are sent to, and what became of it */
    struct sent_place sent[POLICY_MAX_SENDS];
};
/* For those who have the command "status", and for root and the store's owner, who can read the files anyway; logged. 0: to be
 * cleared. -EACCES, -EIO, -ENOMEM. */
int gate_status(struct gate *gate, const struct gate_person *person, struct gate_status *status,
                struct report_why *why);
void gate_status_clear(struct gate_status *status);
/* The places that checkpoints of the log are sent to by the policy that the thread works under; how many. It proves nothing, and
 * discloses nothing of anybody. */
size_t gate_sent(const struct gate *gate, struct sent_place places[static POLICY_MAX_SENDS]);

/* For the caller's own page, if his role may edit the policy (command "policy.edit"): which policy is in force and the faults of the
 * file. Nothing for others. For the dispatcher. */
void gate_tell_editor(struct gate *gate, const struct door_caller *caller, struct buffer *out);

/* ---- for this room alone ------------------------------------------------------------------------------------------ */

/* gate->policy becomes the first in force. */
int reload_begin(struct gate *gate, const struct gate_options *options);
/* Whose file the policy in force is, as far as is known: by this daemon, or by what the store keeps of it. For a thread that may wait. */
bool reload_owner(struct gate *gate, uint32_t *uid);
/* Frees the policies. */
void reload_end(struct gate *gate);
/* For the dispatcher: does the exchange if one waits. */
void reload_take(struct gate *gate);

#endif
