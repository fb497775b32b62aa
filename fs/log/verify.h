/* verify: is the log what it was? Read-only, without any key, of a running or stopped store or of a copy: it recomputes
 * every leaf, the tree, the root that each batch and segment recorded, the order, the chain of signing keys, and the
 * checkpoints that they signed. What an attacker who rewrites everything could still fake is told: without an anchor kept
 * elsewhere (a key on paper, a checkpoint) the result is at best "not anchored". */
#ifndef DOSSIERFS_LOG_VERIFY_H
#define DOSSIERFS_LOG_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/base/buffer.h"
#include "fs/log/log.h"

/* The numbers are the exit codes of `dossier log verify`. */
enum verify_result {
    VERIFY_INTACT = 0,
    VERIFY_ALTERED = 1,
    VERIFY_IMPOSSIBLE = 2, /* can't be checked: no such directory, no right to read, not a log */
    VERIFY_SHORTER = 3,
    VERIFY_DAMAGED = 4,
    VERIFY_NOT_ANCHORED = 5,
};
/* What to look at, and what the person who asks brings along from elsewhere. */
struct verify_options {
    const char *path;  /* of the log's directory */
    const char *key;   /* a public key as text, or NULL */
    const char *since; /* a checkpoint as text, or several, or NULL */
    void (*progress)(void *context, uint64_t done_bytes, uint64_t all_bytes); /* NULL: nobody looks */
    /* NULL, or told at the end of each month that was erased under the log's rule, in the order of their destruction. `finished`:
     * its key is gone; else that was begun only, and the next start goes on. */
    void (*erased)(void *context, const struct log_erasure *erasure, bool finished);
    void *context;
};
struct verify_report {
    enum verify_result result;
    uint64_t entries; /* that were verified */
    uint64_t segments;
    uint64_t bad_entry;            /* number of the first bad entry; 0: none or not known */
    uint64_t unacknowledged_bytes; /* a tail that was never acknowledged (a crash, or a batch being written) */
    uint8_t root[LOG_ROOT_BYTES];  /* of the verified entries, RFC 6962 */
    uint64_t sealed;               /* up to this entry, keys that are destroyed since have signed it */
    uint64_t is_signed;            /* up to this entry it is signed at all, */
    char signed_at[24];            /* at this time, UTC */
    uint64_t by_key, by_since;     /* up to this entry the given key, the given checkpoint vouch for it; 0: not */
    uint64_t erased_months;        /* erased under the log's own rule, */
    uint64_t erased_entries;       /* and so many entries with them: their bodies can't be read any more */
    uint64_t chains;               /* of signing keys: 1, more if one was begun anew, 0 in an old log */
    char text[256];                /* one line for a person */
    char tail[512];                /* what that does not say: how far it reaches */
};
void verify_log(const struct verify_options *options, struct verify_report *report);

/* Verifies, and appends to `out` the proof that entry `number` (from 1) is in the log of the newest checkpoint (proof.h). 0; else
 * the report says why not, with result VERIFY_IMPOSSIBLE if the log itself is none the worse: -ENOENT, no such entry, or none that is signed
 * yet; -EBADMSG, the log is not what it was; -ENOTSUP, its tree was restarted after damage. */
int verify_prove(const struct verify_options *options, uint64_t number, struct buffer *out,
                 struct verify_report *report);

enum { VERIFY_CHECKPOINT_BYTES = 4097, VERIFY_KEY_BYTES = 128 };
/* The newest checkpoint as text, and the public key that signed it. -ENOENT: there is none; -EBADMSG: it is none, or is not
 * signed by a key that the record of keys knows; reading. */
int verify_checkpoint(const char *path, char checkpoint[static VERIFY_CHECKPOINT_BYTES],
                      char key[static VERIFY_KEY_BYTES]);
/* May the checkpoint be put behind those that are kept (text; may be empty)? 0; -EALREADY: it is the last of them; -ERANGE: it goes
 * back; -EXDEV: of another log; -EINVAL: what is kept is no list of checkpoints. */
int verify_goes_on(const char *kept, const char *checkpoint);

#endif
