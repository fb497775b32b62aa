/* crypt: the ciphers of the store, its keys in locked memory, and the padding. FORMAT.md says what is bound to what.
 *
 * Two ways of sealing, so that no nonce can ever come twice under one key:
 *   cell   ChaCha20-Poly1305 (IETF) under a random key that seals one plaintext only; the nonce is the chunk's number
 *   box    XChaCha20-Poly1305 under a lasting key; the nonce is random, so a restored backup can't repeat one */
#ifndef DOSSIERFS_STORE_CRYPT_H
#define DOSSIERFS_STORE_CRYPT_H

#include <stddef.h>
#include <stdint.h>

#include "fs/base/buffer.h"

enum {
    CRYPT_ID_BYTES = 16,
    CRYPT_KEY_BYTES = 32,
    CRYPT_NONCE_BYTES = 24,
    CRYPT_TAG_BYTES = 16,
    CRYPT_BOX_EXTRA_BYTES = CRYPT_NONCE_BYTES + CRYPT_TAG_BYTES,
    CRYPT_WRAPPED_KEY_BYTES = CRYPT_KEY_BYTES + CRYPT_BOX_EXTRA_BYTES,
    CRYPT_CODE_HASH_BYTES = 16,
    CRYPT_PLAIN_MAX_BYTES = 16 << 20, /* of one cell */
};

/* All long-lived keys of an open store. Only ever in the locked memory that crypt_keys_new() gives. */
struct crypt_keys {
    uint8_t store_id[CRYPT_ID_BYTES];
    uint8_t master[CRYPT_KEY_BYTES];
    uint8_t epoch[CRYPT_KEY_BYTES];      /* wraps the item keys of the keyring */
    uint8_t epoch_wrap[CRYPT_KEY_BYTES]; /* seals the epoch key in its file */
    uint8_t names[CRYPT_KEY_BYTES];      /* seals the names of the registry */
    uint8_t codes[CRYPT_KEY_BYTES];      /* keys the hash by which a code is found */
    uint8_t check[CRYPT_KEY_BYTES];      /* seals the store's own id in records.db */
};

/* Memory for secrets that is never swapped and wiped when freed; NULL with errno set if it can't be locked. */
void *crypt_locked_new(size_t length_bytes);
void crypt_locked_free(void *locked); /* NULL is allowed */

/* 0 or -EIO: libsodium can't start. Any thread, any number of times. */
int crypt_init(void);
struct crypt_keys *crypt_keys_new(void);
void crypt_keys_free(struct crypt_keys *keys); /* NULL is allowed */
/* Fills the keys that follow from the master key. */
void crypt_keys_derive(struct crypt_keys *keys);
/* A key for another room. Apart from the store's own, whatever `use` is. */
void crypt_derive_outside(const struct crypt_keys *keys, const char use[static 8],
                          uint8_t key[static CRYPT_KEY_BYTES]);

/* Where a cell belongs. Category 0 is the subject's summary. */
struct crypt_place {
    uint32_t subject;
    uint32_t category;
    uint32_t version;
};

/* The size that a plaintext of `length_bytes` is padded to. */
size_t crypt_padded_bytes(size_t length_bytes);
/* Appends the cell: `length_bytes` bytes at `plain`, length in front, padded, sealed. -EFBIG, -ENOMEM. */
int crypt_seal_cell(const struct crypt_keys *keys, const uint8_t key[static CRYPT_KEY_BYTES],
                    const struct crypt_place *place, const void *plain, size_t length_bytes, struct buffer *sealed);
/* Opens a cell into `plain` (emptied first): *content points into it. -EBADMSG, -ENOMEM; then `plain` is empty. */
int crypt_open_cell(const struct crypt_keys *keys, const uint8_t key[static CRYPT_KEY_BYTES],
                    const struct crypt_place *place, const void *sealed, size_t sealed_bytes, struct buffer *plain,
                    const uint8_t **content, size_t *content_bytes);

/* box = nonce, then ciphertext and tag: length_bytes + CRYPT_BOX_EXTRA_BYTES bytes at `box`. The nonce is the caller's,
 * fresh and random, so that many can be drawn with one call. */
void crypt_seal_box(const uint8_t key[static CRYPT_KEY_BYTES], const void *ad, size_t ad_bytes,
                    const uint8_t nonce[static CRYPT_NONCE_BYTES], const void *plain, size_t length_bytes,
                    uint8_t *box);
/* -EBADMSG, with `plain` wiped. `length_bytes` is the plaintext's. */
int crypt_open_box(const uint8_t key[static CRYPT_KEY_BYTES], const void *ad, size_t ad_bytes, const uint8_t *box,
                   void *plain, size_t length_bytes);

void crypt_hash_code(const struct crypt_keys *keys, const char *code, size_t code_bytes,
                     uint8_t hash[static CRYPT_CODE_HASH_BYTES]);

#endif
