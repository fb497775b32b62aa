/* logbook: the processing log as files, one a day in the organisation's time zone, with the lines of log_csv.h. What a file says is
 * made when it is read, a piece at a time, so that the largest day takes no more memory than the smallest.
 *
 * For one thread that may wait (the mount's worker). It neither asks who reads nor logs that something is read: door.h does. */
#ifndef DOSSIERFS_GATE_LOGBOOK_H
#define DOSSIERFS_GATE_LOGBOOK_H

#include <stddef.h>
#include <stdint.h>

#include "fs/base/buffer.h"
#include "fs/gate/gate.h"

struct logbook;

int logbook_new(struct gate *gate, struct logbook **out);
void logbook_free(struct logbook *book); /* NULL is allowed */

/* The days (policy/terms.h) until today that have entries, erased ones apart, in their order; malloc()ed, the caller's. 0 or a
 * negative errno. */
int logbook_days(struct logbook *book, int32_t **days, size_t *count);

/* How many bytes the file of a day has by now, at least those of its first line. Does a slice of some milliseconds. 0; 1: there is
 * more to be counted; a negative errno. */
int logbook_measure(struct logbook *book, int32_t day, uint64_t *bytes);

enum { LOGBOOK_READ_MAX_BYTES = 1 << 20 };
/* Appends what the file of a day says from `offset` on, `size` bytes (at most LOGBOOK_READ_MAX_BYTES) or as much as there is by now.
 * 0; -EBADMSG: all was read, and an entry of that day was altered or lost; -ESTALE: the file is not what it was when it was
 * measured, since what is in it was erased; another negative errno. */
int logbook_read(struct logbook *book, int32_t day, uint64_t offset, size_t size, struct buffer *out);

/* What a person did last: openings, listings, commands and whatever was refused to him; neither looks nor the root and his own page. */
enum { LOGBOOK_OWN_MAX = 50, LOGBOOK_OWN_DAYS = 30, LOGBOOK_NAME_BYTES = 96 };
struct logbook_own {
    uint64_t after; /* entries up to this number were looked through */
    unsigned count;
    struct logbook_own_entry {
        int64_t time_ms;
        enum log_what what;
        enum log_outcome outcome;
        uint32_t count;
        uint32_t dossier;                        /* its number in door.h; UINT32_MAX: none */
        char purpose[POLICY_NAME_MAX_BYTES + 1]; /* "": none */
        char name[LOGBOOK_NAME_BYTES];           /* of the field, the command and so on; cut */
    } entries[LOGBOOK_OWN_MAX];                  /* oldest first */
};
/* Adds what came since `own` was filled last (at first, {0}) and drops what is older than LOGBOOK_OWN_DAYS. 0; a negative errno: it is
 * as it was. */
int logbook_own(struct logbook *book, uint32_t uid, struct logbook_own *own);

#endif
