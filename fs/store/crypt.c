#include "fs/store/crypt.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>

#include "fs/base/bytes.h"

_Static_assert(CRYPT_KEY_BYTES == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "key of a cell");
_Static_assert(CRYPT_TAG_BYTES == crypto_aead_chacha20poly1305_ietf_ABYTES, "tag of a cell");
_Static_assert(CRYPT_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key of a box");
_Static_assert(CRYPT_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce of a box");
_Static_assert(CRYPT_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag of a box");
_Static_assert(CRYPT_KEY_BYTES == crypto_kdf_KEYBYTES, "master key");

/* Subkey numbers: the store's own keys and those given to other rooms can't meet, whatever context a room asks for. */
enum { KDF_OWN = 1, KDF_OUTSIDE = 2 };

enum { LENGTH_BYTES = 4, CELL_AD_BYTES = 16 + 5 * 4 };

int crypt_init(void)
{
    return sodium_init() < 0 ? -EIO : 0;
}

void *crypt_locked_new(size_t length_bytes)
{
    void *locked = sodium_malloc(length_bytes);

    if (!locked)
        return NULL;
    /* sodium_malloc() goes on when the memory can't be locked; a key that may reach the swap must not be held. */
    if (mlock(locked, length_bytes) < 0) {
        int error = errno;

        sodium_free(locked);
        errno = error;
        return NULL;
    }
    sodium_memzero(locked, length_bytes);
    return locked;
}

void crypt_locked_free(void *locked)
{
    sodium_free(locked);
}

struct crypt_keys *crypt_keys_new(void)
{
    return crypt_locked_new(sizeof(struct crypt_keys));
}

void crypt_keys_free(struct crypt_keys *keys)
{
    crypt_locked_free(keys);
}

static void derive_own(const struct crypt_keys *keys, const char context[static 8],
                       uint8_t key[static CRYPT_KEY_BYTES])
{
    crypto_kdf_derive_from_key(key, CRYPT_KEY_BYTES, KDF_OWN, context, keys->master);
}

void crypt_keys_derive(struct crypt_keys *keys)
{
    derive_own(keys, "st_epoch", keys->epoch_wrap);
    derive_own(keys, "st_names", keys->names);
    derive_own(keys, "st_codes", keys->codes);
    derive_own(keys, "st_check", keys->check);
}

void crypt_derive_outside(const struct crypt_keys *keys, const char use[static 8],
                          uint8_t key[static CRYPT_KEY_BYTES])
{
    crypto_kdf_derive_from_key(key, CRYPT_KEY_BYTES, KDF_OUTSIDE, use, keys->master);
}

/* Few sizes among the small, where most values are and where a size tells most; then eight steps to each power of two,
 * so that padding costs 12 % at the most. */
size_t crypt_padded_bytes(size_t length_bytes)
{
    static const size_t small[] = {64, 128, 192, 256, 384, 512};
    size_t step = 64;

    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        if (length_bytes <= small[i])
            return small[i];
    while (length_bytes > step * 16)
        step *= 2;
    return (length_bytes + step - 1) / step * step;
}

/* Chunk 0, and the last: cells have one chunk. The two fields stand here so that what is kept in several chunks can't be
 * cut short or reordered. */
static void cell_ad(const struct crypt_keys *keys, const struct crypt_place *place, uint8_t ad[static CELL_AD_BYTES])
{
    memcpy(ad, keys->store_id, CRYPT_ID_BYTES);
    bytes_put_u32(ad + 16, place->subject);
    bytes_put_u32(ad + 20, place->category);
    bytes_put_u32(ad + 24, place->version);
    bytes_put_u32(ad + 28, 0);
    bytes_put_u32(ad + 32, 1);
}

static const uint8_t CHUNK_0_NONCE[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

int crypt_seal_cell(const struct crypt_keys *keys, const uint8_t key[static CRYPT_KEY_BYTES],
                    const struct crypt_place *place, const void *plain, size_t length_bytes, struct buffer *sealed)
{
    uint8_t ad[CELL_AD_BYTES];
    size_t padded_bytes;
    uint8_t *cell;

    if (length_bytes > CRYPT_PLAIN_MAX_BYTES)
        return -EFBIG;
    padded_bytes = crypt_padded_bytes(LENGTH_BYTES + length_bytes);
    cell = buffer_reserve(sealed, padded_bytes + CRYPT_TAG_BYTES);
    if (!cell)
        return -ENOMEM;
    bytes_put_u32(cell, (uint32_t)length_bytes);
    if (length_bytes > 0)
        memcpy(cell + LENGTH_BYTES, plain, length_bytes);
    memset(cell + LENGTH_BYTES + length_bytes, 0, padded_bytes - LENGTH_BYTES - length_bytes);
    cell_ad(keys, place, ad);
    crypto_aead_chacha20poly1305_ietf_encrypt(cell, NULL, cell, padded_bytes, ad, sizeof ad, NULL, CHUNK_0_NONCE,
                                              key);
    sealed->length_bytes += padded_bytes + CRYPT_TAG_BYTES;
    return 0;
}

int crypt_open_cell(const struct crypt_keys *keys, const uint8_t key[static CRYPT_KEY_BYTES],
                    const struct crypt_place *place, const void *sealed, size_t sealed_bytes, struct buffer *plain,
                    const uint8_t **content, size_t *content_bytes)
{
    size_t padded_bytes = sealed_bytes - CRYPT_TAG_BYTES;
    uint8_t ad[CELL_AD_BYTES];
    uint8_t *bytes;
    uint32_t length;

    buffer_reset(plain);
    if (!sealed || sealed_bytes < CRYPT_TAG_BYTES + LENGTH_BYTES ||
        padded_bytes > crypt_padded_bytes(LENGTH_BYTES + CRYPT_PLAIN_MAX_BYTES))
        return -EBADMSG;
    bytes = buffer_reserve(plain, padded_bytes);
    if (!bytes) {
        buffer_reset(plain);
        return -ENOMEM;
    }
    cell_ad(keys, place, ad);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(bytes, NULL, NULL, sealed, sealed_bytes, ad, sizeof ad,
                                                  CHUNK_0_NONCE, key) != 0)
        return -EBADMSG;
    plain->length_bytes += padded_bytes;
    length = bytes_get_u32(bytes);
    if (length > CRYPT_PLAIN_MAX_BYTES || crypt_padded_bytes(LENGTH_BYTES + (size_t)length) != padded_bytes) {
        buffer_reset(plain);
        return -EBADMSG;
    }
    *content = bytes + LENGTH_BYTES;
    *content_bytes = length;
    return 0;
}

void crypt_seal_box(const uint8_t key[static CRYPT_KEY_BYTES], const void *ad, size_t ad_bytes,
                    const uint8_t nonce[static CRYPT_NONCE_BYTES], const void *plain, size_t length_bytes,
                    uint8_t *box)
{
    memcpy(box, nonce, CRYPT_NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + CRYPT_NONCE_BYTES, NULL, plain, length_bytes, ad, ad_bytes, NULL,
                                               nonce, key);
}

int crypt_open_box(const uint8_t key[static CRYPT_KEY_BYTES], const void *ad, size_t ad_bytes, const uint8_t *box,
                   void *plain, size_t length_bytes)
{
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, box + CRYPT_NONCE_BYTES,
                                                   length_bytes + CRYPT_TAG_BYTES, ad, ad_bytes, box, key) == 0)
        return 0;
    sodium_memzero(plain, length_bytes);
    return -EBADMSG;
}

void crypt_hash_code(const struct crypt_keys *keys, const char *code, size_t code_bytes,
                     uint8_t hash[static CRYPT_CODE_HASH_BYTES])
{
    crypto_generichash(hash, CRYPT_CODE_HASH_BYTES, (const uint8_t *)code, code_bytes, keys->codes, CRYPT_KEY_BYTES);
}
