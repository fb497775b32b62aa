#include "fs/store/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/bytes.h"
#include "fs/base/file.h"

enum {
    FORMAT_VERSION = 1,
    GROW_BYTES = 1 << 20,

    /* the epoch file */
    EPOCH_BYTES = 128,
    EPOCH_VERSION = 16,
    EPOCH_ID = 20,
    EPOCH_NUMBER = 36,
    EPOCH_BOX = 40,
    EPOCH_AD_BYTES = CRYPT_ID_BYTES + 4 + 4,

    /* the keyring's own header */
    HEAD_BYTES = 128,
    HEAD_MAC = 40,
    MAC_BYTES = 32,

    /* a slot: the generation stands early so that no 16-byte block is the same in two stores */
    SLOT_BYTES = 128,
    SLOT_STATE = 0,
    SLOT_GENERATION = 4,
    SLOT_NUMBER = 8,
    SLOT_SUBJECT = 16,
    SLOT_CATEGORY = 20,
    SLOT_VERSION = 24,
    SLOT_BOX = 32,
    SLOT_AD_BYTES = CRYPT_ID_BYTES + 4 + SLOT_BOX,

    STATE_FILLED = 1,
    STATE_DESTROYED = 2,
};

static const char EPOCH_MAGIC[] = "dossierfs epoch\n";
static const char HEAD_MAGIC[] = "dossierfs keys.\n";

_Static_assert(sizeof EPOCH_MAGIC - 1 == 16 && sizeof HEAD_MAGIC - 1 == 16, "a magic is one block");

struct keyring {
    int fd;
    const struct crypt_keys *keys;
    uint32_t epoch;
    uint64_t next;         /* slot */
    uint64_t flushed;      /* slots below are in the file; those from here to `next` are in `pending` */
    uint64_t file_slots;   /* room in the file */
    struct buffer pending; /* whole slots */
};

static off_t slot_offset(uint64_t number)
{
    return (off_t)(HEAD_BYTES + number * SLOT_BYTES);
}

/* What a write came to: no room, or a disk that can't be trusted. */
static int write_error(int error)
{
    if (error == -ENOSPC || error == -EDQUOT || error == -EFBIG)
        return -ENOSPC;
    return error < 0 ? -EIO : 0;
}

/* ---- the epoch's key and the header ---------------------------------------------------------------------------- */

static void epoch_ad(const struct crypt_keys *keys, uint32_t epoch, uint8_t ad[static EPOCH_AD_BYTES])
{
    memcpy(ad, keys->store_id, CRYPT_ID_BYTES);
    bytes_put_u32(ad + 16, FORMAT_VERSION);
    bytes_put_u32(ad + 20, epoch);
}

static void make_epoch(const struct crypt_keys *keys, uint32_t epoch, uint8_t bytes[static EPOCH_BYTES])
{
    uint8_t nonce[CRYPT_NONCE_BYTES];
    uint8_t ad[EPOCH_AD_BYTES];

    memset(bytes, 0, EPOCH_BYTES);
    memcpy(bytes, EPOCH_MAGIC, 16);
    bytes_put_u32(bytes + EPOCH_VERSION, FORMAT_VERSION);
    memcpy(bytes + EPOCH_ID, keys->store_id, CRYPT_ID_BYTES);
    bytes_put_u32(bytes + EPOCH_NUMBER, epoch);
    epoch_ad(keys, epoch, ad);
    randombytes_buf(nonce, sizeof nonce);
    crypt_seal_box(keys->epoch_wrap, ad, sizeof ad, nonce, keys->epoch, CRYPT_KEY_BYTES, bytes + EPOCH_BOX);
}

/* The header is short of secrets but not of trust: its MAC ties it to this store's epoch key. */
static void make_head(const struct crypt_keys *keys, uint32_t epoch, uint8_t bytes[static HEAD_BYTES])
{
    memset(bytes, 0, HEAD_BYTES);
    memcpy(bytes, HEAD_MAGIC, 16);
    bytes_put_u32(bytes + EPOCH_VERSION, FORMAT_VERSION);
    memcpy(bytes + EPOCH_ID, keys->store_id, CRYPT_ID_BYTES);
    bytes_put_u32(bytes + EPOCH_NUMBER, epoch);
    crypto_generichash(bytes + HEAD_MAC, MAC_BYTES, bytes, HEAD_MAC, keys->epoch, CRYPT_KEY_BYTES);
}

static int write_new(int directory_fd, const char *name, const uint8_t *bytes, size_t length_bytes)
{
    int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error;

    if (fd < 0)
        return -errno;
    error = file_pwrite(fd, bytes, length_bytes, 0);
    if (error == 0 && fsync(fd) < 0)
        error = -errno;
    close(fd);
    return error;
}

int keyring_create(int directory_fd, struct crypt_keys *keys)
{
    uint8_t epoch[EPOCH_BYTES], head[HEAD_BYTES];
    int error;

    randombytes_buf(keys->epoch, CRYPT_KEY_BYTES);
    make_epoch(keys, 1, epoch);
    make_head(keys, 1, head);
    error = write_new(directory_fd, "epoch", epoch, sizeof epoch);
    if (error == 0)
        error = write_new(directory_fd, "keyring", head, sizeof head);
    return error;
}

void keyring_remove(int directory_fd)
{
    unlinkat(directory_fd, "keyring", 0);
    unlinkat(directory_fd, "epoch", 0);
}

/* Checks what stands in front of both files and can be checked without a key. */
static int check_front(const uint8_t *bytes, const char *magic, const struct crypt_keys *keys, const char *name,
                       struct report_why *why)
{
    if (memcmp(bytes, magic, 16) != 0)
        return report_fail(why, -EBADMSG, "the store's file '%s' was altered", name);
    if (bytes_get_u32(bytes + EPOCH_VERSION) > FORMAT_VERSION)
        return report_fail(why, -ENOTSUP, "the store's file '%s' has format version %u, this program knows %d", name,
                           bytes_get_u32(bytes + EPOCH_VERSION), FORMAT_VERSION);
    if (memcmp(bytes + EPOCH_ID, keys->store_id, CRYPT_ID_BYTES) != 0)
        return report_fail(why, -EBADMSG, "the store's file '%s' belongs to another store", name);
    return 0;
}

static int open_file(int directory_fd, const char *name, int flags, int *fd, struct report_why *why)
{
    *fd = openat(directory_fd, name, flags | O_NOFOLLOW | O_CLOEXEC);
    if (*fd >= 0)
        return 0;
    if (errno == ENOENT)
        return report_fail(why, -EBADMSG, "the store has no file '%s'", name);
    return report_fail(why, -errno, "can't open the store's file '%s': %s", name, strerror(errno));
}

static int read_epoch(int directory_fd, struct crypt_keys *keys, uint32_t *epoch, struct report_why *why)
{
    uint8_t bytes[EPOCH_BYTES + 1], ad[EPOCH_AD_BYTES];
    struct stat status;
    int fd;
    int error = open_file(directory_fd, "epoch", O_RDONLY, &fd, why);

    if (error < 0)
        return error;
    if (fstat(fd, &status) < 0)
        error = report_fail(why, -errno, "can't read the store's file 'epoch': %s", strerror(errno));
    else if (status.st_size != EPOCH_BYTES)
        error = report_fail(why, -EBADMSG, "the store's file 'epoch' is cut short or too long");
    else if (file_pread(fd, bytes, EPOCH_BYTES, 0) < 0)
        error = report_fail(why, -EIO, "can't read the store's file 'epoch'");
    close(fd);
    if (error == 0)
        error = check_front(bytes, EPOCH_MAGIC, keys, "epoch", why);
    if (error < 0)
        return error;
    *epoch = bytes_get_u32(bytes + EPOCH_NUMBER);
    epoch_ad(keys, *epoch, ad);
    if (bytes_get_u32(bytes + EPOCH_VERSION) != FORMAT_VERSION ||
        crypt_open_box(keys->epoch_wrap, ad, sizeof ad, bytes + EPOCH_BOX, keys->epoch, CRYPT_KEY_BYTES) < 0)
        return report_fail(why, -EBADMSG, "the store's file 'epoch' was altered");
    return 0;
}

static int check_head(const struct keyring *keyring, off_t file_bytes, struct report_why *why)
{
    uint8_t bytes[HEAD_BYTES], expected[HEAD_BYTES];
    int error;

    if (file_bytes < HEAD_BYTES || (file_bytes - HEAD_BYTES) % SLOT_BYTES != 0)
        return report_fail(why, -EBADMSG, "the store's keyring is cut short");
    error = file_pread(keyring->fd, bytes, sizeof bytes, 0);
    if (error < 0)
        return report_fail(why, error, "can't read the store's keyring: %s", strerror(-error));
    error = check_front(bytes, HEAD_MAGIC, keyring->keys, "keyring", why);
    if (error < 0)
        return error;
    make_head(keyring->keys, keyring->epoch, expected);
    if (sodium_memcmp(bytes, expected, sizeof bytes) != 0)
        return report_fail(why, -EBADMSG, "the store's keyring was altered");
    return 0;
}

int keyring_open(int directory_fd, struct crypt_keys *keys, struct keyring **out, struct report_why *why)
{
    struct keyring *keyring = calloc(1, sizeof *keyring);
    struct stat status;
    int error;

    if (!keyring)
        return report_fail(why, -ENOMEM, "no memory");
    keyring->fd = -1;
    keyring->keys = keys;
    error = read_epoch(directory_fd, keys, &keyring->epoch, why);
    if (error == 0)
        error = open_file(directory_fd, "keyring", O_RDWR, &keyring->fd, why);
    if (error == 0 && fstat(keyring->fd, &status) < 0)
        error = report_fail(why, -errno, "can't read the store's keyring: %s", strerror(errno));
    if (error == 0)
        error = check_head(keyring, status.st_size, why);
    if (error < 0) {
        keyring_close(keyring);
        return error;
    }
    keyring->file_slots = ((uint64_t)status.st_size - HEAD_BYTES) / SLOT_BYTES;
    *out = keyring;
    return 0;
}

void keyring_close(struct keyring *keyring)
{
    if (!keyring)
        return;
    if (keyring->fd >= 0)
        close(keyring->fd);
    buffer_clear(&keyring->pending);
    free(keyring);
}

uint64_t keyring_file_slots(const struct keyring *keyring)
{
    return keyring->file_slots;
}

uint64_t keyring_next(const struct keyring *keyring)
{
    return keyring->next;
}

void keyring_set_next(struct keyring *keyring, uint64_t next)
{
    keyring->next = keyring->flushed = next;
}

/* ---- slots ------------------------------------------------------------------------------------------------------ */

/* Everything that stands in clear in front of the box is bound to it. */
static void slot_ad(const struct keyring *keyring, const uint8_t *slot, uint8_t ad[static SLOT_AD_BYTES])
{
    memcpy(ad, keyring->keys->store_id, CRYPT_ID_BYTES);
    bytes_put_u32(ad + CRYPT_ID_BYTES, keyring->epoch);
    memcpy(ad + CRYPT_ID_BYTES + 4, slot, SLOT_BOX);
}

static void put_front(const struct keyring_slot *slot, uint8_t *bytes)
{
    memset(bytes, 0, SLOT_BYTES);
    bytes_put_u32(bytes + SLOT_STATE, STATE_FILLED);
    bytes_put_u32(bytes + SLOT_GENERATION, slot->generation);
    bytes_put_u64(bytes + SLOT_NUMBER, slot->number);
    bytes_put_u32(bytes + SLOT_SUBJECT, slot->place.subject);
    bytes_put_u32(bytes + SLOT_CATEGORY, slot->place.category);
    bytes_put_u32(bytes + SLOT_VERSION, slot->place.version);
}

int keyring_add(struct keyring *keyring, struct keyring_slot *slot, const uint8_t key[static CRYPT_KEY_BYTES],
                const uint8_t *random)
{
    uint8_t ad[SLOT_AD_BYTES];
    uint8_t *bytes;

    if (keyring->next >> KEYRING_MAX_SLOTS_SHIFT)
        return -ENOSPC;
    bytes = buffer_reserve(&keyring->pending, SLOT_BYTES);
    if (!bytes) {
        keyring->pending.failed = false;
        return -ENOMEM;
    }
    slot->number = keyring->next;
    slot->generation = bytes_get_u32(random + CRYPT_NONCE_BYTES);
    put_front(slot, bytes);
    slot_ad(keyring, bytes, ad);
    crypt_seal_box(keyring->keys->epoch, ad, sizeof ad, random, key, CRYPT_KEY_BYTES, bytes + SLOT_BOX);
    keyring->pending.length_bytes += SLOT_BYTES;
    keyring->next++;
    return 0;
}

void keyring_take_back(struct keyring *keyring, uint64_t next)
{
    if (next < keyring->flushed)
        next = keyring->flushed;
    if (next >= keyring->next)
        return;
    buffer_cut(&keyring->pending, (size_t)(next - keyring->flushed) * SLOT_BYTES);
    keyring->next = next;
}

/* Room is made in large steps and before it is written, so that an overwrite later needs no new block. */
static int make_room(struct keyring *keyring, uint64_t slots)
{
    off_t now_bytes = slot_offset(keyring->file_slots);
    off_t needed_bytes = slot_offset(slots) - now_bytes;
    off_t more_bytes = (needed_bytes + GROW_BYTES - 1) / GROW_BYTES * GROW_BYTES;
    int error;

    if (slots <= keyring->file_slots)
        return 0;
    do
        error = posix_fallocate(keyring->fd, now_bytes, more_bytes);
    while (error == EINTR);
    if (error != 0)
        return write_error(-error);
    keyring->file_slots += (uint64_t)more_bytes / SLOT_BYTES;
    return 0;
}

int keyring_flush(struct keyring *keyring)
{
    int error;

    if (keyring->next == keyring->flushed)
        return 0;
    error = make_room(keyring, keyring->next);
    if (error == 0)
        error = write_error(file_pwrite(keyring->fd, keyring->pending.bytes, keyring->pending.length_bytes,
                                        slot_offset(keyring->flushed)));
    if (error == 0)
        error = keyring_sync(keyring);
    keyring->flushed = keyring->next;
    buffer_reset(&keyring->pending);
    return error;
}

static int open_slot(const struct keyring *keyring, const struct keyring_slot *slot, const uint8_t *bytes,
                     uint8_t key[static CRYPT_KEY_BYTES])
{
    uint8_t ad[SLOT_AD_BYTES];
    uint8_t front[SLOT_BYTES];

    put_front(slot, front);
    if (memcmp(front, bytes, SLOT_BOX) != 0)
        return -EBADMSG;
    slot_ad(keyring, bytes, ad);
    return crypt_open_box(keyring->keys->epoch, ad, sizeof ad, bytes + SLOT_BOX, key, CRYPT_KEY_BYTES);
}

static int read_slot(const struct keyring *keyring, uint64_t number, uint8_t bytes[static SLOT_BYTES])
{
    int error;

    if (number >> KEYRING_MAX_SLOTS_SHIFT)
        return -EBADMSG;
    error = file_pread(keyring->fd, bytes, SLOT_BYTES, slot_offset(number));
    if (error == -ENODATA)
        return -EBADMSG;
    return error < 0 ? -EIO : 0;
}

int keyring_read(const struct keyring *keyring, const struct keyring_slot *slot, uint8_t key[static CRYPT_KEY_BYTES])
{
    uint8_t bytes[SLOT_BYTES];
    int error = read_slot(keyring, slot->number, bytes);

    return error < 0 ? error : open_slot(keyring, slot, bytes, key);
}

/* How far a stretch reaches follows from how many of its slots were asked for. */
enum { STRETCH_MAX_SLOTS = 512, STRETCH_WORTH = 16 };
struct keyring_stretch {
    uint64_t first;
    unsigned count, asked, next_count;
    uint8_t bytes[STRETCH_MAX_SLOTS * SLOT_BYTES];
};

struct keyring_stretch *keyring_stretch_new(void)
{
    struct keyring_stretch *stretch = calloc(1, sizeof *stretch);

    if (stretch)
        stretch->next_count = STRETCH_MAX_SLOTS;
    return stretch;
}

void keyring_stretch_free(struct keyring_stretch *stretch)
{
    if (stretch)
        explicit_bzero(stretch, sizeof *stretch);
    free(stretch);
}

static void stretch_fill(const struct keyring *keyring, struct keyring_stretch *stretch, uint64_t number)
{
    uint64_t left = number < keyring->file_slots ? keyring->file_slots - number : 0;

    if (stretch->count > 0 && stretch->asked * STRETCH_WORTH < stretch->count)
        stretch->next_count = stretch->next_count > 1 ? stretch->next_count / 2 : 1;
    else if (stretch->next_count < STRETCH_MAX_SLOTS)
        stretch->next_count *= 2;
    stretch->first = number;
    stretch->asked = 0;
    stretch->count = left < stretch->next_count ? (unsigned)left : stretch->next_count;
    if (stretch->count > 0 &&
        file_pread(keyring->fd, stretch->bytes, stretch->count * (size_t)SLOT_BYTES, slot_offset(number)) < 0)
        stretch->count = 0;
}

int keyring_read_along(const struct keyring *keyring, struct keyring_stretch *stretch,
                       const struct keyring_slot *slot, uint8_t key[static CRYPT_KEY_BYTES])
{
    uint64_t number = slot->number;

    if (number >> KEYRING_MAX_SLOTS_SHIFT)
        return -EBADMSG;
    if (number < stretch->first || number - stretch->first >= stretch->count)
        stretch_fill(keyring, stretch, number);
    /* What does not open here may be newer than the stretch. */
    if (stretch->count == 0 ||
        open_slot(keyring, slot, stretch->bytes + (number - stretch->first) * SLOT_BYTES, key) < 0)
        return keyring_read(keyring, slot, key);
    stretch->asked++;
    return 0;
}

int keyring_read_newest(const struct keyring *keyring, const struct keyring_slot *slot,
                        uint8_t key[static CRYPT_KEY_BYTES])
{
    if (slot->number < keyring->flushed || slot->number >= keyring->next)
        return keyring_read(keyring, slot, key);
    return open_slot(keyring, slot, keyring->pending.bytes + (slot->number - keyring->flushed) * SLOT_BYTES, key);
}

int keyring_look(const struct keyring *keyring, struct keyring_slot *slot, enum keyring_state *state)
{
    uint8_t bytes[SLOT_BYTES];
    int error;

    if (slot->number >= keyring->file_slots) {
        *state = KEYRING_FREE;
        return 0;
    }
    error = read_slot(keyring, slot->number, bytes);
    if (error < 0)
        return error;
    slot->generation = bytes_get_u32(bytes + SLOT_GENERATION);
    slot->place.subject = bytes_get_u32(bytes + SLOT_SUBJECT);
    slot->place.category = bytes_get_u32(bytes + SLOT_CATEGORY);
    slot->place.version = bytes_get_u32(bytes + SLOT_VERSION);
    if (sodium_is_zero(bytes, sizeof bytes))
        *state = KEYRING_FREE;
    else if (bytes_get_u32(bytes + SLOT_STATE) == STATE_DESTROYED)
        *state = KEYRING_DESTROYED;
    else if (bytes_get_u32(bytes + SLOT_STATE) == STATE_FILLED && bytes_get_u64(bytes + SLOT_NUMBER) == slot->number)
        *state = KEYRING_FILLED;
    else
        *state = KEYRING_DAMAGED;
    return 0;
}

int keyring_destroy(struct keyring *keyring, uint64_t number)
{
    uint8_t bytes[SLOT_BYTES];

    if (number >= keyring->file_slots)
        return 0;
    randombytes_buf(bytes, sizeof bytes);
    bytes_put_u32(bytes + SLOT_STATE, STATE_DESTROYED);
    return write_error(file_pwrite(keyring->fd, bytes, sizeof bytes, slot_offset(number)));
}

/* After a failed sync the kernel may hold what is not on the disk, whatever the reason was: never merely "no room". */
int keyring_sync(struct keyring *keyring)
{
    return fdatasync(keyring->fd) < 0 ? -EIO : 0;
}
