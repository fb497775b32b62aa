/* months: the keys under which entries are sealed, one for each month (UTC), so that a month can be destroyed by itself.
 *
 * Each key is random, wrapped under the log's key, in an aligned slot of a file of its own. A slot is filled once and synced
 * before anything is sealed under its key; it is never filled again after it was destroyed or found bad. Thread-safe. */
#ifndef DOSSIERFS_LOG_MONTHS_H
#define DOSSIERFS_LOG_MONTHS_H

#include <stddef.h>
#include <stdint.h>

#include "fs/base/report.h"
#include "fs/log/log.h"

struct months;

/* Opens `months` in the directory or creates it; `first` is the number of leaves that are already there, which a new file
 * cannot have keys for. The keys stay in locked memory. -EBADMSG: of another store or key, or no such file at all. */
int months_open(int directory_fd, const uint8_t key[static LOG_KEY_BYTES],
                const uint8_t store_id[static LOG_STORE_ID_BYTES], uint64_t first, struct months **out,
                struct report_why *why);
void months_close(struct months *months);

/* The key to seal with; makes and stores one if the month has none. The key stays where it is until months_close(). */
int months_key(struct months *months, uint16_t month, const uint8_t **key);

/* Opens what was sealed as leaf `leaf`; `out` has room for sealed_bytes - 16. 0; -ENOKEY: its key is destroyed or absent;
 * -EBADMSG: there is a key, and it does not open. */
int months_unseal(struct months *months, uint16_t month, uint64_t leaf, const uint8_t *sealed, size_t sealed_bytes,
                  const uint8_t *bound, size_t bound_bytes, const uint8_t *nonce, uint8_t *out);

/* How many slots are durable for certain: the sum over them may be signed. */
uint32_t months_durable(struct months *months);

/* Without any key: */
enum { MONTHS_SUM_BYTES = 32, MONTHS_SLOTS_MAX = 4096 };
/* SHA-256 over the header and the first `count` slots of the file. -ENOENT, -ENODATA (there are not so many), reading. */
int months_sum(int directory_fd, uint32_t count, uint8_t sum[static MONTHS_SUM_BYTES]);
/* The first month that has no filled slot among the first `count`, but one that should be; -1: none. */
int months_lost(int directory_fd, uint32_t count);

#endif
