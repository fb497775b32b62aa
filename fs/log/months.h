/* months: the keys under which entries are sealed, one for each month (UTC), so that a month can be destroyed by itself.
 *
 * Each key is random, wrapped under the log's key, in an aligned slot of a file of its own. A slot is filled once and synced
 * before anything is sealed under its key; it is never filled again after it was destroyed or found bad. Thread-safe.
 *
 * The log's key also seals what must not be made up by whoever can write files: months_keep(). */
#ifndef DOSSIERFS_LOG_MONTHS_H
#define DOSSIERFS_LOG_MONTHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/base/report.h"
#include "fs/log/erasure.h"
#include "fs/log/log.h"

struct months;

/* Opens `months` in the directory or creates it; `first` is the number of leaves that are already there, which a new file
 * cannot have keys for. The keys stay in locked memory. -EBADMSG: of another store or key, or no such file at all. */
int months_open(int directory_fd, const uint8_t key[static LOG_KEY_BYTES],
                const uint8_t store_id[static LOG_STORE_ID_BYTES], uint64_t first, struct months **out,
                struct report_why *why);
void months_close(struct months *months);

/* Seals under the month's key, which is made and stored if the month has none; `out` has room for 16 bytes more. */
int months_seal(struct months *months, uint16_t month, const uint8_t *plain, size_t plain_bytes, const uint8_t *bound,
                size_t bound_bytes, const uint8_t *nonce, uint8_t *out);

/* Opens what was sealed as leaf `leaf`; `out` has room for sealed_bytes - 16. 0; -ENOKEY: its key is destroyed or absent;
 * -EBADMSG: there is a key, and it does not open. */
int months_unseal(struct months *months, uint16_t month, uint64_t leaf, const uint8_t *sealed, size_t sealed_bytes,
                  const uint8_t *bound, size_t bound_bytes, const uint8_t *nonce, uint8_t *out);

/* How many slots are durable for certain: the sum over them may be signed. */
uint32_t months_durable(struct months *months);

/* ---- destruction ------------------------------------------------------------------------------------------------ */

/* The lowest month from <= month < to that has a key; -1: none. */
int months_next(struct months *months, uint32_t from, uint32_t to);
/* Overwrites all keys of the month in place, synced; no longer in memory either. The slots say by which erasure. */
int months_destroy(struct months *months, const struct log_erasure *erasure);
/* The erasure by which the month was destroyed last; false: by none. It may have another key since. */
bool months_erasure(struct months *months, uint16_t month, struct log_erasure *out);
/* The lowest month >= from that was destroyed by an erasure; -1: none. */
int months_next_erased(struct months *months, uint32_t from);

enum { MONTHS_KEPT_MAX_BYTES = 256, MONTHS_KEPT_MORE_BYTES = 24 + 16 };
/* Keeps some bytes as the file `name` of the directory, under the log's key and bound to the name, whole or not at all, durable. */
int months_keep(struct months *months, int directory_fd, const char *name, const uint8_t *bytes, size_t length_bytes);
/* Exactly so many. -ENOENT: nothing is kept; -EBADMSG: what is there was not written by this. */
int months_kept(struct months *months, int directory_fd, const char *name, uint8_t *bytes, size_t length_bytes);

/* ---- without any key --------------------------------------------------------------------------------------------- */

enum { MONTHS_SUM_BYTES = 32, MONTHS_SLOTS_MAX = 4096 };
/* A month whose slots below `below` count as destroyed by the erasure, whether they are already or not. */
struct months_erased {
    struct log_erasure erasure;
    uint32_t below;
};
/* SHA-256 over the header and the first `count` slots of the file. -ENOENT, -ENODATA (there are not so many), reading. */
int months_sum(int directory_fd, uint32_t count, const struct months_erased *erased, size_t erased_count,
               uint8_t sum[static MONTHS_SUM_BYTES]);
/* The first month that has no filled slot among the first `count`, but one that should be, unless it is erased; -1: none. */
int months_lost(int directory_fd, uint32_t count, const struct months_erased *erased, size_t erased_count);
/* Are all the month's slots below erased->below destroyed already? 1, 0, or reading. */
int months_is_destroyed(int directory_fd, const struct months_erased *erased);

#endif
