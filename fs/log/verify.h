/* verify: is the log what it was? Read-only, without any key, of a running or stopped store or of a copy: it recomputes
 * every leaf, the tree, the root that each batch and segment recorded, and the order. What an attacker who rewrites
 * everything could still fake is told: without an anchor kept elsewhere the result is at best "not anchored". */
#ifndef DOSSIERFS_LOG_VERIFY_H
#define DOSSIERFS_LOG_VERIFY_H

#include <stdint.h>

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
struct verify_report {
    enum verify_result result;
    uint64_t entries; /* that were verified */
    uint64_t segments;
    uint64_t bad_entry;            /* number of the first bad entry; 0: none or not known */
    uint64_t unacknowledged_bytes; /* a tail that was never acknowledged (a crash, or a batch being written) */
    uint8_t root[LOG_ROOT_BYTES];  /* of the verified entries, RFC 6962 */
    char text[256];                /* one line for a person */
};
/* `progress` may be NULL; called now and then with bytes done and in all. */
void verify_log(const char *path, void (*progress)(void *, uint64_t done_bytes, uint64_t all_bytes), void *context,
                struct verify_report *report);

#endif
