#include "fs/log/months.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/bytes.h"
#include "fs/base/file.h"

enum {
    VERSION = 1,
    HEADER_BYTES = 128,
    SLOT_BYTES = 128,
    READY_SLOTS = 127, /* zeros written at creation, so that a full disk does not stop a new month: ten years */
    MAX_SLOTS = MONTHS_SLOTS_MAX,
    CHUNK_KEYS = 64,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    KEY_BYTES = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
};
/* Where things lie in the header ... */
enum { H_VERSION = 8, H_FIRST = 16, H_STORE = 24, H_NONCE = 40, H_CHECK = 64 };
/* ... and in a slot. */
enum { S_STATE = 0, S_MONTH = 4, S_NONCE = 8, S_KEY = 32, S_END = S_KEY + KEY_BYTES + TAG_BYTES };
enum { FREE = 0, FILLED = 1, DESTROYED = 2 };

static const char magic[8] = "DFSMONTH";
static const char wrap_context[crypto_kdf_CONTEXTBYTES] = "dfslog-m";

struct slot {
    uint16_t month;
    bool usable; /* the key is there; false: destroyed or bad */
};

struct months {
    pthread_mutex_t lock; /* guards all below but first and the keys, which do not change once they are there */
    int fd;
    uint64_t first;
    uint8_t store_id[LOG_STORE_ID_BYTES];
    uint8_t *wrap_key; /* locked memory */
    struct slot slots[MAX_SLOTS];
    uint32_t slot_count;
    uint32_t durable;                      /* slots; those behind may or may not be on disk */
    bool doubtful;                         /* a sync failed: nothing more becomes durable for certain */
    uint8_t *keys[MAX_SLOTS / CHUNK_KEYS]; /* locked memory; pieces that never move, so that a key can be lent out */
};

static void bound_bytes_of(const struct months *months, uint32_t month, uint8_t out[static LOG_STORE_ID_BYTES + 4])
{
    memcpy(out, months->store_id, LOG_STORE_ID_BYTES);
    bytes_put_u32(out + LOG_STORE_ID_BYTES, month);
}

/* Where the key of a slot lies; NULL without memory. */
static uint8_t *key_place(struct months *months, uint32_t slot)
{
    uint8_t **piece = &months->keys[slot / CHUNK_KEYS];

    if (!*piece)
        *piece = sodium_malloc(CHUNK_KEYS * KEY_BYTES);
    return *piece ? *piece + (size_t)(slot % CHUNK_KEYS) * KEY_BYTES : NULL;
}

/* Month 0xffffffff stands for the header: its sealed zeros show whether store and key are the right ones. */
static int seal(const struct months *months, uint32_t month, const uint8_t plain[static KEY_BYTES],
                uint8_t nonce[static NONCE_BYTES], uint8_t *sealed)
{
    uint8_t bound[LOG_STORE_ID_BYTES + 4];

    randombytes_buf(nonce, NONCE_BYTES);
    bound_bytes_of(months, month, bound);
    return crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, plain, KEY_BYTES, bound, sizeof bound, NULL,
                                                      nonce, months->wrap_key);
}

static int unseal(const struct months *months, uint32_t month, const uint8_t *nonce, const uint8_t *sealed,
                  uint8_t plain[static KEY_BYTES])
{
    uint8_t bound[LOG_STORE_ID_BYTES + 4];

    bound_bytes_of(months, month, bound);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed, KEY_BYTES + TAG_BYTES, bound,
                                                      sizeof bound, nonce, months->wrap_key);
}

static int create(struct months *months, int directory_fd, uint64_t first)
{
    static const uint8_t zeros[KEY_BYTES];
    uint8_t file[HEADER_BYTES + READY_SLOTS * SLOT_BYTES] = {0};
    int fd, error;

    memcpy(file, magic, sizeof magic);
    bytes_put_u32(file + H_VERSION, VERSION);
    bytes_put_u64(file + H_FIRST, first);
    memcpy(file + H_STORE, months->store_id, LOG_STORE_ID_BYTES);
    seal(months, UINT32_MAX, zeros, file + H_NONCE, file + H_CHECK);

    fd = openat(directory_fd, "months.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    error = file_pwrite(fd, file, sizeof file, 0);
    if (!error && fsync(fd) < 0)
        error = -errno;
    if (!error && renameat(directory_fd, "months.new", directory_fd, "months") < 0)
        error = -errno;
    if (!error)
        error = file_sync_directory(directory_fd);
    if (error) {
        close(fd);
        return error;
    }
    months->fd = fd;
    months->first = first;
    return 0;
}

static int check_header(struct months *months, struct report_why *why)
{
    uint8_t header[HEADER_BYTES], plain[KEY_BYTES];
    int error = file_pread(months->fd, header, sizeof header, 0);

    if (error == -ENODATA || (!error && memcmp(header, magic, sizeof magic) != 0))
        return report_fail(why, -EBADMSG, "log: 'months' is not a file of month keys");
    if (error)
        return report_fail(why, error, "log: 'months' can't be read: %s", strerror(-error));
    if (bytes_get_u32(header + H_VERSION) != VERSION)
        return report_fail(why, -EBADMSG, "log: 'months' has format version %u; this program reads %d",
                           bytes_get_u32(header + H_VERSION), VERSION);
    if (memcmp(header + H_STORE, months->store_id, LOG_STORE_ID_BYTES) != 0)
        return report_fail(why, -EBADMSG, "log: 'months' belongs to another store");
    if (unseal(months, UINT32_MAX, header + H_NONCE, header + H_CHECK, plain) != 0)
        return report_fail(why, -EBADMSG, "log: 'months' belongs to another key, or is damaged");
    months->first = bytes_get_u64(header + H_FIRST);
    return 0;
}

/* A slot that is neither free nor opens is kept as unusable: what was sealed under it is gone, the rest goes on. */
static int load_slot(struct months *months, uint32_t slot, const uint8_t bytes[static SLOT_BYTES])
{
    uint32_t month = bytes_get_u32(bytes + S_MONTH);
    uint8_t *key = key_place(months, slot);

    if (!key)
        return -ENOMEM;
    months->slots[slot].month = (uint16_t)month;
    months->slots[slot].usable = bytes[S_STATE] == FILLED && month <= UINT16_MAX &&
                                 unseal(months, month, bytes + S_NONCE, bytes + S_KEY, key) == 0;
    if (!months->slots[slot].usable && bytes[S_STATE] != DESTROYED)
        report(REPORT_ERROR, "log: slot %u of the month keys is damaged; what was sealed under it can't be read",
               slot);
    months->slot_count = slot + 1;
    return 0;
}

static int load_slots(struct months *months)
{
    static const uint8_t zeros[SLOT_BYTES];
    uint8_t bytes[SLOT_BYTES];

    for (uint32_t slot = 0; slot < MAX_SLOTS; slot++) {
        int error = file_pread(months->fd, bytes, sizeof bytes, HEADER_BYTES + (off_t)slot * SLOT_BYTES);

        if (error == -ENODATA)
            return 0;
        if (!error && memcmp(bytes, zeros, sizeof zeros) != 0)
            error = load_slot(months, slot, bytes);
        if (error)
            return error;
    }
    return 0;
}

int months_open(int directory_fd, const uint8_t key[static LOG_KEY_BYTES],
                const uint8_t store_id[static LOG_STORE_ID_BYTES], uint64_t first, struct months **out,
                struct report_why *why)
{
    struct months *months = calloc(1, sizeof *months);
    int error = -ENOMEM;

    if (!months)
        return error;
    months->fd = -1;
    pthread_mutex_init(&months->lock, NULL);
    memcpy(months->store_id, store_id, LOG_STORE_ID_BYTES);
    months->wrap_key = sodium_malloc(KEY_BYTES);
    if (!months->wrap_key)
        goto out;
    crypto_kdf_derive_from_key(months->wrap_key, KEY_BYTES, 1, wrap_context, key);

    months->fd = openat(directory_fd, "months", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (months->fd >= 0) {
        error = check_header(months, why);
    } else if (errno == ENOENT) {
        if (first > 0)
            report(REPORT_ERROR, "log: the month keys are gone; the %llu entries so far can't be read any more",
                   (unsigned long long)first);
        error = create(months, directory_fd, first);
    } else {
        error = -errno;
    }
    if (!error)
        error = load_slots(months);
    months->durable = months->slot_count;
    if (error && error != -EBADMSG)
        report_fail(why, error, "log: the month keys can't be opened: %s", strerror(-error));
out:
    if (error) {
        months_close(months);
        return error;
    }
    *out = months;
    return 0;
}

void months_close(struct months *months)
{
    if (!months)
        return;
    for (size_t i = 0; i < MAX_SLOTS / CHUNK_KEYS; i++)
        sodium_free(months->keys[i]);
    sodium_free(months->wrap_key);
    if (months->fd >= 0)
        close(months->fd);
    pthread_mutex_destroy(&months->lock);
    free(months);
}

static int fill_slot(struct months *months, uint32_t slot, uint16_t month, uint8_t *key)
{
    uint8_t bytes[SLOT_BYTES] = {0};
    int error;

    randombytes_buf(key, KEY_BYTES);
    bytes[S_STATE] = FILLED;
    bytes_put_u32(bytes + S_MONTH, month);
    seal(months, month, key, bytes + S_NONCE, bytes + S_KEY);
    error = file_pwrite(months->fd, bytes, sizeof bytes, HEADER_BYTES + (off_t)slot * SLOT_BYTES);
    if (!error && fdatasync(months->fd) < 0)
        error = -errno;
    return error;
}

/* A slot whose sync failed may or may not be on disk, so it is passed over and not tried again. */
static int add_key(struct months *months, uint16_t month, const uint8_t **key)
{
    uint32_t slot = months->slot_count;
    uint8_t *place;
    int error;

    if (slot >= MAX_SLOTS)
        return -ENOSPC;
    place = key_place(months, slot);
    if (!place)
        return -ENOMEM;
    error = fill_slot(months, slot, month, place);
    if (error == -ENOSPC)
        return error;
    months->slots[slot] = (struct slot){.month = month, .usable = !error};
    months->slot_count++;
    months->doubtful |= error != 0;
    if (!months->doubtful)
        months->durable = months->slot_count;
    if (!error)
        *key = place;
    return error;
}

int months_key(struct months *months, uint16_t month, const uint8_t **key)
{
    int error = 0;
    uint32_t slot;

    pthread_mutex_lock(&months->lock);
    for (slot = months->slot_count; slot > 0; slot--)
        if (months->slots[slot - 1].month == month && months->slots[slot - 1].usable)
            break;
    if (slot > 0)
        *key = key_place(months, slot - 1);
    else
        error = add_key(months, month, key);
    pthread_mutex_unlock(&months->lock);
    return error;
}

/* The newest slot below `*slot` that belongs to the month; NULL key if it is not usable. False: there is no more. */
static bool next_key(struct months *months, uint16_t month, uint32_t *slot, const uint8_t **key)
{
    bool found = false;

    pthread_mutex_lock(&months->lock);
    if (*slot > months->slot_count)
        *slot = months->slot_count;
    while (!found && *slot > 0) {
        --*slot;
        found = months->slots[*slot].month == month;
    }
    if (found)
        *key = months->slots[*slot].usable ? key_place(months, *slot) : NULL;
    pthread_mutex_unlock(&months->lock);
    return found;
}

int months_unseal(struct months *months, uint16_t month, uint64_t leaf, const uint8_t *sealed, size_t sealed_bytes,
                  const uint8_t *bound, size_t bound_bytes, const uint8_t *nonce, uint8_t *out)
{
    bool absent = leaf < months->first, any = false;
    const uint8_t *key = NULL;
    uint32_t slot = UINT32_MAX;

    while (next_key(months, month, &slot, &key)) {
        any = true;
        if (!key)
            absent = true;
        else if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, sealed_bytes, bound, bound_bytes,
                                                            nonce, key) == 0)
            return 0;
    }
    return absent || !any ? -ENOKEY : -EBADMSG;
}

uint32_t months_durable(struct months *months)
{
    uint32_t durable;

    pthread_mutex_lock(&months->lock);
    durable = months->durable;
    pthread_mutex_unlock(&months->lock);
    return durable;
}

/* ---- without a key ---------------------------------------------------------------------------------------------- */

static int open_to_read(int directory_fd)
{
    int fd = openat(directory_fd, "months", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    return fd < 0 ? -errno : fd;
}

int months_sum(int directory_fd, uint32_t count, uint8_t sum[static MONTHS_SUM_BYTES])
{
    uint8_t bytes[SLOT_BYTES];
    crypto_hash_sha256_state state;
    int fd = open_to_read(directory_fd), error = fd < 0 ? fd : 0;

    crypto_hash_sha256_init(&state);
    for (uint32_t i = 0; !error && i <= count; i++) { /* the header is as long as a slot */
        error = file_pread(fd, bytes, sizeof bytes, (off_t)i * SLOT_BYTES);
        crypto_hash_sha256_update(&state, bytes, sizeof bytes);
    }
    if (fd >= 0)
        close(fd);
    if (!error)
        crypto_hash_sha256_final(&state, sum);
    return error;
}

int months_lost(int directory_fd, uint32_t count)
{
    uint8_t bytes[SLOT_BYTES];
    int fd = open_to_read(directory_fd), lost = -1;

    for (uint32_t i = 0; fd >= 0 && lost < 0 && i < count; i++)
        if (file_pread(fd, bytes, sizeof bytes, HEADER_BYTES + (off_t)i * SLOT_BYTES) == 0 &&
            bytes[S_STATE] != FILLED && bytes_get_u32(bytes + S_MONTH) > 0 &&
            bytes_get_u32(bytes + S_MONTH) <= UINT16_MAX)
            lost = (int)bytes_get_u32(bytes + S_MONTH);
    if (fd >= 0)
        close(fd);
    return lost;
}
