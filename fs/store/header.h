/* header: the file that says what store this is, and whose key slots hold the master key. FORMAT.md has the layout. */
#ifndef DOSSIERFS_STORE_HEADER_H
#define DOSSIERFS_STORE_HEADER_H

#include <stdint.h>

#include "fs/base/report.h"
#include "fs/store/crypt.h"
#include "fs/store/store.h"

enum { HEADER_BYTES = 4096, HEADER_SLOTS = 8 };

/* -EINVAL: a secret is too short or too long. */
int header_check_secret(const struct store_secret *secret, struct report_why *why);
/* Writes the header of the store whose id and master key `keys` holds into `bytes`, one slot a secret. */
int header_make(const struct crypt_keys *keys, const struct store_secret *secrets, size_t secret_count,
                uint8_t bytes[static HEADER_BYTES], struct report_why *why);
/* Is it whole? -EBADMSG: altered or cut short; -ENOTSUP: newer. Else the store's id. */
int header_check(const uint8_t *bytes, size_t length_bytes, uint8_t store_id[static CRYPT_ID_BYTES],
                 struct report_why *why);
/* Fills id and master key of `keys`. -EBADMSG: altered or cut short; -ENOTSUP: newer; -EKEYREJECTED: no slot opens.
 * `length_bytes` is how many bytes the file had. */
int header_open(const uint8_t *bytes, size_t length_bytes, const struct store_secret *secret, struct crypt_keys *keys,
                struct report_why *why);

#endif
