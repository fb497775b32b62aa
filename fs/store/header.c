#include "fs/store/header.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "fs/base/bytes.h"

enum {
    FORMAT_VERSION = 1,
    PASSPHRASE_MAX_BYTES = 1024,
    SALT_BYTES = 16,
    CHECKSUM_BYTES = 32,

    AT_VERSION = 16,
    AT_ID = 20,
    AT_SLOTS = 256,
    AT_CHECKSUM = HEADER_BYTES - CHECKSUM_BYTES,

    SLOT_BYTES = 256,
    SLOT_TYPE = 0,
    SLOT_OPSLIMIT = 4,
    SLOT_SALT = 8,
    SLOT_MEMLIMIT = 24,
    SLOT_BOX = 32,

    SLOT_AD_BYTES = CRYPT_ID_BYTES + 4 + 4 + 4 + 8,
};

static const char MAGIC[] = "dossierfs store\n";

_Static_assert(sizeof MAGIC - 1 == 16, "the magic is one block");
_Static_assert(SALT_BYTES == crypto_pwhash_SALTBYTES, "salt of Argon2id");

struct slot {
    uint32_t type;
    uint32_t opslimit;
    uint64_t memlimit_bytes;
    const uint8_t *salt;
};

int header_check_secret(const struct store_secret *secret, struct report_why *why)
{
    switch (secret->type) {
    case STORE_PASSPHRASE:
        if (secret->length_bytes >= 1 && secret->length_bytes <= PASSPHRASE_MAX_BYTES)
            return 0;
        return report_fail(why, -EINVAL, "a passphrase has 1 to %d bytes", PASSPHRASE_MAX_BYTES);
    case STORE_KEY_FILE:
        if (secret->length_bytes >= STORE_KEY_FILE_MIN_BYTES && secret->length_bytes <= STORE_KEY_FILE_MAX_BYTES)
            return 0;
        return report_fail(why, -EINVAL, "a key file has %d to %d bytes", STORE_KEY_FILE_MIN_BYTES,
                           STORE_KEY_FILE_MAX_BYTES);
    }
    return report_fail(why, -EINVAL, "unknown type of key");
}

static void checksum(const uint8_t bytes[static HEADER_BYTES], uint8_t sum[static CHECKSUM_BYTES])
{
    crypto_generichash(sum, CHECKSUM_BYTES, bytes, AT_CHECKSUM, NULL, 0);
}

static void slot_ad(const uint8_t *store_id, uint32_t number, const struct slot *slot,
                    uint8_t ad[static SLOT_AD_BYTES])
{
    memcpy(ad, store_id, CRYPT_ID_BYTES);
    bytes_put_u32(ad + 16, number);
    bytes_put_u32(ad + 20, slot->type);
    bytes_put_u32(ad + 24, slot->opslimit);
    bytes_put_u64(ad + 28, slot->memlimit_bytes);
}

/* The limits come from the file: one that asks for more than libsodium's highest preset would stop the machine. */
static bool limits_are_sane(const struct slot *slot)
{
    return slot->opslimit >= crypto_pwhash_OPSLIMIT_MIN && slot->opslimit <= 2 * crypto_pwhash_OPSLIMIT_SENSITIVE &&
           slot->memlimit_bytes >= crypto_pwhash_MEMLIMIT_MIN &&
           slot->memlimit_bytes <= crypto_pwhash_MEMLIMIT_SENSITIVE;
}

/* The key that seals the master key in this slot. A key file is random already, so it is hashed and not stretched. */
static int slot_key(const struct slot *slot, const struct store_secret *secret, uint8_t key[static CRYPT_KEY_BYTES])
{
    if (secret->type == STORE_KEY_FILE) {
        crypto_generichash(key, CRYPT_KEY_BYTES, secret->bytes, secret->length_bytes, slot->salt, SALT_BYTES);
        return 0;
    }
    if (crypto_pwhash(key, CRYPT_KEY_BYTES, (const char *)secret->bytes, secret->length_bytes, slot->salt,
                      slot->opslimit, (size_t)slot->memlimit_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return -ENOMEM;
    return 0;
}

static int fill_slot(const struct crypt_keys *keys, const struct store_secret *secret, uint32_t number, uint8_t *at)
{
    struct slot slot = {.type = secret->type, .salt = at + SLOT_SALT};
    uint8_t *key = crypt_locked_new(CRYPT_KEY_BYTES);
    uint8_t nonce[CRYPT_NONCE_BYTES];
    uint8_t ad[SLOT_AD_BYTES];
    int error = -ENOMEM;

    if (!key)
        goto out;
    if (secret->type == STORE_PASSPHRASE) {
        slot.opslimit = crypto_pwhash_OPSLIMIT_MODERATE;
        slot.memlimit_bytes = crypto_pwhash_MEMLIMIT_MODERATE;
    }
    randombytes_buf(at + SLOT_SALT, SALT_BYTES);
    randombytes_buf(nonce, sizeof nonce);
    error = slot_key(&slot, secret, key);
    if (error < 0)
        goto out;
    bytes_put_u32(at + SLOT_TYPE, slot.type);
    bytes_put_u32(at + SLOT_OPSLIMIT, slot.opslimit);
    bytes_put_u64(at + SLOT_MEMLIMIT, slot.memlimit_bytes);
    slot_ad(keys->store_id, number, &slot, ad);
    crypt_seal_box(key, ad, sizeof ad, nonce, keys->master, CRYPT_KEY_BYTES, at + SLOT_BOX);
out:
    crypt_locked_free(key);
    return error;
}

int header_make(const struct crypt_keys *keys, const struct store_secret *secrets, size_t secret_count,
                uint8_t bytes[static HEADER_BYTES], struct report_why *why)
{
    if (secret_count < 1 || secret_count > HEADER_SLOTS)
        return report_fail(why, -EINVAL, "a store has 1 to %d key slots", HEADER_SLOTS);
    for (size_t i = 0; i < secret_count; i++) {
        int error = header_check_secret(&secrets[i], why);

        if (error < 0)
            return error;
    }
    memset(bytes, 0, HEADER_BYTES);
    memcpy(bytes, MAGIC, sizeof MAGIC - 1);
    bytes_put_u32(bytes + AT_VERSION, FORMAT_VERSION);
    memcpy(bytes + AT_ID, keys->store_id, CRYPT_ID_BYTES);
    for (size_t i = 0; i < secret_count; i++) {
        int error = fill_slot(keys, &secrets[i], (uint32_t)i, bytes + AT_SLOTS + i * SLOT_BYTES);

        if (error < 0)
            return report_fail(why, error, "no memory to derive a key");
    }
    checksum(bytes, bytes + AT_CHECKSUM);
    return 0;
}

/* -EKEYREJECTED: another secret's slot. */
static int try_slot(const uint8_t *store_id, uint32_t number, const uint8_t *at, const struct store_secret *secret,
                    struct crypt_keys *keys, struct report_why *why)
{
    struct slot slot = {
        .type = bytes_get_u32(at + SLOT_TYPE),
        .opslimit = bytes_get_u32(at + SLOT_OPSLIMIT),
        .memlimit_bytes = bytes_get_u64(at + SLOT_MEMLIMIT),
        .salt = at + SLOT_SALT,
    };
    uint8_t ad[SLOT_AD_BYTES];
    uint8_t *key;
    int error;

    if (slot.type != secret->type)
        return -EKEYREJECTED;
    if (slot.type == STORE_PASSPHRASE && !limits_are_sane(&slot))
        return report_fail(why, -EBADMSG, "the store's header asks for absurd Argon2id limits in key slot %u",
                           number);
    key = crypt_locked_new(CRYPT_KEY_BYTES);
    if (!key)
        return report_fail(why, -ENOMEM, "no memory could be locked for a key");
    error = slot_key(&slot, secret, key);
    if (error < 0)
        report_fail(why, error, "no memory to derive a key");
    slot_ad(store_id, number, &slot, ad);
    if (error == 0 && crypt_open_box(key, ad, sizeof ad, at + SLOT_BOX, keys->master, CRYPT_KEY_BYTES) < 0)
        error = -EKEYREJECTED;
    crypt_locked_free(key);
    return error;
}

int header_check(const uint8_t *bytes, size_t length_bytes, uint8_t store_id[static CRYPT_ID_BYTES],
                 struct report_why *why)
{
    uint8_t sum[CHECKSUM_BYTES];

    if (length_bytes != HEADER_BYTES)
        return report_fail(why, -EBADMSG, "the store's header is cut short or too long");
    checksum(bytes, sum);
    if (memcmp(bytes, MAGIC, sizeof MAGIC - 1) != 0 || memcmp(sum, bytes + AT_CHECKSUM, sizeof sum) != 0)
        return report_fail(why, -EBADMSG, "the store's header was altered");
    if (bytes_get_u32(bytes + AT_VERSION) > FORMAT_VERSION)
        return report_fail(why, -ENOTSUP, "the store has format version %u, this program knows %d",
                           bytes_get_u32(bytes + AT_VERSION), FORMAT_VERSION);
    if (bytes_get_u32(bytes + AT_VERSION) != FORMAT_VERSION)
        return report_fail(why, -EBADMSG, "the store's header has no valid version");
    memcpy(store_id, bytes + AT_ID, CRYPT_ID_BYTES);
    return 0;
}

int header_open(const uint8_t *bytes, size_t length_bytes, const struct store_secret *secret, struct crypt_keys *keys,
                struct report_why *why)
{
    uint8_t id[CRYPT_ID_BYTES];
    int bad = header_check(bytes, length_bytes, id, why);

    if (bad)
        return bad;
    if (header_check_secret(secret, NULL) < 0)
        return report_fail(why, -EKEYREJECTED, "no key slot opens with this key: wrong length");
    for (uint32_t i = 0; i < HEADER_SLOTS; i++) {
        int error = try_slot(bytes + AT_ID, i, bytes + AT_SLOTS + (size_t)i * SLOT_BYTES, secret, keys, why);

        if (error == 0)
            memcpy(keys->store_id, bytes + AT_ID, CRYPT_ID_BYTES);
        if (error != -EKEYREJECTED)
            return error;
    }
    return report_fail(why, -EKEYREJECTED, "no key slot opens with this %s",
                       secret->type == STORE_PASSPHRASE ? "passphrase" : "key file");
}
