#include "fs/log/months.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
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
enum { FILLED = 1, DESTROYED = ERASURE_STATE };

_Static_assert((int)SLOT_BYTES == (int)ERASURE_SLOT_BYTES, "an erasure fills a slot");

static const char magic[8] = "DFSMONTH";
static const char wrap_context[crypto_kdf_CONTEXTBYTES] = "dfslog-m";

struct slot {
    uint16_t month;
    bool usable;                /* the key is there; false: destroyed or bad */
    bool erased;                /* destroyed, */
    struct log_erasure erasure; /* by this */
};

struct months {
    pthread_mutex_t lock;       /* guards all below but first and the keys */
    pthread_rwlock_t keys_lock; /* for reading while a key is used, for writing while one is destroyed; taken first */
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
    months->slots[slot].erased =
        bytes[S_STATE] == DESTROYED && erasure_from_slot(bytes, &months->slots[slot].erasure);
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
    pthread_rwlock_init(&months->keys_lock, NULL);
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
    pthread_rwlock_destroy(&months->keys_lock);
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

static int find_key(struct months *months, uint16_t month, const uint8_t **key)
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

int months_seal(struct months *months, uint16_t month, const uint8_t *plain, size_t plain_bytes, const uint8_t *bound,
                size_t bound_bytes, const uint8_t *nonce, uint8_t *out)
{
    const uint8_t *key;
    int error;

    pthread_rwlock_rdlock(&months->keys_lock);
    error = find_key(months, month, &key);
    if (!error)
        crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain, plain_bytes, bound, bound_bytes, NULL, nonce,
                                                   key);
    pthread_rwlock_unlock(&months->keys_lock);
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
    bool open = false;

    pthread_rwlock_rdlock(&months->keys_lock);
    while (!open && next_key(months, month, &slot, &key)) {
        any = true;
        if (!key)
            absent = true;
        else
            open = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, sealed_bytes, bound,
                                                              bound_bytes, nonce, key) == 0;
    }
    pthread_rwlock_unlock(&months->keys_lock);
    return open ? 0 : absent || !any ? -ENOKEY : -EBADMSG;
}

uint32_t months_durable(struct months *months)
{
    uint32_t durable;

    pthread_mutex_lock(&months->lock);
    durable = months->durable;
    pthread_mutex_unlock(&months->lock);
    return durable;
}

/* ---- destruction ------------------------------------------------------------------------------------------------ */

int months_next(struct months *months, uint32_t from, uint32_t to)
{
    int next = -1;

    pthread_mutex_lock(&months->lock);
    for (uint32_t i = 0; i < months->slot_count; i++) {
        uint16_t month = months->slots[i].month;

        if (months->slots[i].usable && month >= from && month < to && (next < 0 || month < next))
            next = month;
    }
    pthread_mutex_unlock(&months->lock);
    return next;
}

int months_next_erased(struct months *months, uint32_t from)
{
    int next = -1;

    pthread_mutex_lock(&months->lock);
    for (uint32_t i = 0; i < months->slot_count; i++)
        if (months->slots[i].erased && months->slots[i].month >= from && (next < 0 || months->slots[i].month < next))
            next = months->slots[i].month;
    pthread_mutex_unlock(&months->lock);
    return next;
}

bool months_erasure(struct months *months, uint16_t month, struct log_erasure *out)
{
    bool found = false;

    pthread_mutex_lock(&months->lock);
    for (uint32_t i = 0; i < months->slot_count; i++)
        if (months->slots[i].erased && months->slots[i].month == month) {
            *out = months->slots[i].erasure;
            found = true;
        }
    pthread_mutex_unlock(&months->lock);
    return found;
}

/* Under both locks. State and month are written as they were or will be, so that a write that is cut short leaves the month
 * readable. A slot that was destroyed before keeps what it says. */
static int destroy_slot(struct months *months, uint32_t slot, const struct log_erasure *erasure)
{
    uint8_t bytes[SLOT_BYTES], *key = key_place(months, slot);
    int error;

    erasure_to_slot(erasure, bytes);
    error = file_pwrite(months->fd, bytes, sizeof bytes, HEADER_BYTES + (off_t)slot * SLOT_BYTES);
    if (error)
        return error;
    if (key)
        sodium_memzero(key, KEY_BYTES);
    months->slots[slot] =
        (struct slot){.month = erasure->month, .usable = false, .erased = true, .erasure = *erasure};
    return 0;
}

int months_destroy(struct months *months, const struct log_erasure *erasure)
{
    int error = 0;

    pthread_rwlock_wrlock(&months->keys_lock);
    pthread_mutex_lock(&months->lock);
    for (uint32_t i = 0; !error && i < months->slot_count; i++)
        if (months->slots[i].month == erasure->month && !months->slots[i].erased)
            error = destroy_slot(months, i, erasure);
    if (!error && fdatasync(months->fd) < 0)
        error = -errno;
    pthread_mutex_unlock(&months->lock);
    pthread_rwlock_unlock(&months->keys_lock);
    return error;
}

/* ---- kept bytes ------------------------------------------------------------------------------------------------- */

enum { KEPT_BOUND_BYTES = LOG_STORE_ID_BYTES + 32 };

/* The name follows the store's id, as no month does: those have four bytes there. */
static size_t kept_bound(const struct months *months, const char *name, uint8_t bound[static KEPT_BOUND_BYTES])
{
    size_t name_bytes = strnlen(name, KEPT_BOUND_BYTES - LOG_STORE_ID_BYTES - 5);

    memcpy(bound, months->store_id, LOG_STORE_ID_BYTES);
    memcpy(bound + LOG_STORE_ID_BYTES, "file ", 5);
    memcpy(bound + LOG_STORE_ID_BYTES + 5, name, name_bytes);
    return LOG_STORE_ID_BYTES + 5 + name_bytes;
}

static int replace_file(int directory_fd, const char *name, const uint8_t *bytes, size_t length_bytes)
{
    char new_name[40];
    int fd, error;

    snprintf(new_name, sizeof new_name, "%.32s.new", name);
    fd = openat(directory_fd, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    error = fd < 0 ? -errno : file_pwrite(fd, bytes, length_bytes, 0);
    if (!error && fdatasync(fd) < 0)
        error = -errno;
    if (fd >= 0 && close(fd) < 0 && !error)
        error = -errno;
    if (!error && renameat(directory_fd, new_name, directory_fd, name) < 0)
        error = -errno;
    return error ? error : file_sync_directory(directory_fd);
}

int months_keep(struct months *months, int directory_fd, const char *name, const uint8_t *bytes, size_t length_bytes)
{
    uint8_t bound[KEPT_BOUND_BYTES], file[MONTHS_KEPT_MAX_BYTES + MONTHS_KEPT_MORE_BYTES];

    if (length_bytes > MONTHS_KEPT_MAX_BYTES)
        return -EINVAL;
    randombytes_buf(file, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(file + NONCE_BYTES, NULL, bytes, length_bytes, bound,
                                               kept_bound(months, name, bound), NULL, file, months->wrap_key);
    return replace_file(directory_fd, name, file, length_bytes + MONTHS_KEPT_MORE_BYTES);
}

int months_kept(struct months *months, int directory_fd, const char *name, uint8_t *bytes, size_t length_bytes)
{
    uint8_t bound[KEPT_BOUND_BYTES], file[MONTHS_KEPT_MAX_BYTES + MONTHS_KEPT_MORE_BYTES];
    uint8_t plain[MONTHS_KEPT_MAX_BYTES];
    size_t file_bytes = length_bytes + MONTHS_KEPT_MORE_BYTES;
    int fd, error;

    if (length_bytes > MONTHS_KEPT_MAX_BYTES)
        return -EINVAL;
    fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    error = file_pread(fd, file, file_bytes, 0);
    close(fd);
    if (error)
        return error == -ENODATA ? -EBADMSG : error;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, file + NONCE_BYTES, file_bytes - NONCE_BYTES,
                                                   bound, kept_bound(months, name, bound), file,
                                                   months->wrap_key) != 0)
        return -EBADMSG;
    memcpy(bytes, plain, length_bytes);
    return 0;
}

/* ---- without a key ---------------------------------------------------------------------------------------------- */

static int open_to_read(int directory_fd)
{
    int fd = openat(directory_fd, "months", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    return fd < 0 ? -errno : fd;
}

static const struct months_erased *erased_of(const struct months_erased *erased, size_t count, uint32_t slot,
                                             uint32_t month)
{
    for (size_t i = 0; i < count; i++)
        if (erased[i].erasure.month == month && slot < erased[i].below)
            return &erased[i];
    return NULL;
}

static int read_slot(int fd, uint32_t slot, uint8_t bytes[static SLOT_BYTES])
{
    return file_pread(fd, bytes, SLOT_BYTES, HEADER_BYTES + (off_t)slot * SLOT_BYTES);
}

int months_sum(int directory_fd, uint32_t count, const struct months_erased *erased, size_t erased_count,
               uint8_t sum[static MONTHS_SUM_BYTES])
{
    uint8_t bytes[SLOT_BYTES];
    struct log_erasure said;
    crypto_hash_sha256_state state;
    int fd = open_to_read(directory_fd), error = fd < 0 ? fd : 0;

    crypto_hash_sha256_init(&state);
    if (!error)
        error = file_pread(fd, bytes, HEADER_BYTES, 0);
    crypto_hash_sha256_update(&state, bytes, HEADER_BYTES);
    for (uint32_t i = 0; !error && i < count; i++) {
        const struct months_erased *by;

        error = read_slot(fd, i, bytes);
        by = error ? NULL : erased_of(erased, erased_count, i, bytes_get_u32(bytes + S_MONTH));
        /* Filled or half overwritten: its destruction was announced, and is finished at the next start. One that was destroyed
         * by an earlier erasure says so itself. */
        if (by && !erasure_from_slot(bytes, &said))
            erasure_to_slot(&by->erasure, bytes);
        crypto_hash_sha256_update(&state, bytes, sizeof bytes);
    }
    if (fd >= 0)
        close(fd);
    if (!error)
        crypto_hash_sha256_final(&state, sum);
    return error;
}

int months_lost(int directory_fd, uint32_t count, const struct months_erased *erased, size_t erased_count)
{
    uint8_t bytes[SLOT_BYTES];
    int fd = open_to_read(directory_fd), lost = -1;

    for (uint32_t i = 0; fd >= 0 && lost < 0 && i < count; i++) {
        uint32_t month;

        if (read_slot(fd, i, bytes) != 0)
            continue;
        month = bytes_get_u32(bytes + S_MONTH);
        if (bytes[S_STATE] != FILLED && month > 0 && month <= UINT16_MAX &&
            !erased_of(erased, erased_count, i, month))
            lost = (int)month;
    }
    if (fd >= 0)
        close(fd);
    return lost;
}

int months_is_destroyed(int directory_fd, const struct months_erased *erased)
{
    uint8_t bytes[SLOT_BYTES];
    struct log_erasure said;
    int fd = open_to_read(directory_fd), error = fd < 0 ? fd : 0;
    bool all = true;

    for (uint32_t i = 0; !error && i < erased->below; i++) {
        error = read_slot(fd, i, bytes);
        if (!error && bytes_get_u32(bytes + S_MONTH) == erased->erasure.month && !erasure_from_slot(bytes, &said))
            all = false;
    }
    if (fd >= 0)
        close(fd);
    return error ? error : all;
}
