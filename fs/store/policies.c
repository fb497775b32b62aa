/* The policies that were in force, each in a file of its own that is written once: FORMAT.md says what is in it. A file appears under
 * its name whole and durable, so that a crash leaves at most one called "new", which the next one overwrites. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/bytes.h"
#include "fs/base/file.h"
#include "fs/store/inside.h"

enum { MAGIC_BYTES = 8, AD_BYTES = CRYPT_ID_BYTES + 4, HEAD_BYTES = 4 + 8 + 1 + 4, FILE_MAX_BYTES = 4 << 20 };
static const char the_directory[] = "policies", the_magic[MAGIC_BYTES + 1] = "dosspol1";

static void name_of(uint32_t number, char name[static 16])
{
    snprintf(name, 16, "%08u", (unsigned)number);
}

/* 0: it is none of them. */
static uint32_t number_of(const char *name)
{
    uint32_t number = 0;

    if (strlen(name) != 8 || strspn(name, "0123456789") != 8)
        return 0;
    for (; *name; name++)
        number = number * 10 + (uint32_t)(*name - '0');
    return number;
}

/* -ENOENT: nothing was kept yet. */
static int open_directory(const struct store *store, bool make)
{
    int fd;

    if (make && mkdirat(store->directory_fd, the_directory, 0700) == 0)
        file_sync_directory(store->directory_fd);
    fd = openat(store->directory_fd, the_directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int by_number(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

/* Numbers of all of them, in order; malloc()ed. */
static int list(int directory_fd, uint32_t **numbers, size_t *count)
{
    int copy = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    size_t capacity = 0;
    struct dirent *entry;
    int error = directory ? 0 : -errno;

    *numbers = NULL;
    *count = 0;
    while (!error && (entry = readdir(directory)) != NULL) {
        uint32_t number = number_of(entry->d_name);

        if (number == 0)
            continue;
        if (*count == capacity) {
            uint32_t *more = reallocarray(*numbers, capacity * 2 + 16, sizeof *more);

            if (!more) {
                error = -ENOMEM;
                break;
            }
            *numbers = more;
            capacity = capacity * 2 + 16;
        }
        (*numbers)[(*count)++] = number;
    }
    if (directory)
        closedir(directory);
    else if (copy >= 0)
        close(copy);
    if (!error && *count > 0)
        qsort(*numbers, *count, sizeof **numbers, by_number);
    if (error) {
        free(*numbers);
        *numbers = NULL;
    }
    return error;
}

static void fill_ad(const struct store *store, uint32_t number, uint8_t ad[static AD_BYTES])
{
    memcpy(ad, store->keys->store_id, CRYPT_ID_BYTES);
    bytes_put_u32(ad + CRYPT_ID_BYTES, number);
}

static void derive(const struct store *store, uint8_t key[static CRYPT_KEY_BYTES])
{
    crypt_derive_outside(store->keys, "policies", key);
}

/* ---- keeping ---------------------------------------------------------------------------------------------------- */

static int seal(const struct store *store, const struct store_policy *policy, const char *text, size_t length_bytes,
                struct buffer *sealed)
{
    uint8_t key[CRYPT_KEY_BYTES], nonce[CRYPT_NONCE_BYTES], ad[AD_BYTES];
    struct buffer plain = BUFFER_EMPTY;
    size_t padded_bytes = crypt_padded_bytes(HEAD_BYTES + length_bytes);
    uint8_t *box = NULL;

    buffer_append_u32(&plain, (uint32_t)length_bytes);
    buffer_append_u64(&plain, (uint64_t)policy->since_ms);
    buffer_append_u8(&plain, policy->owner_known);
    buffer_append_u32(&plain, policy->owner_uid);
    buffer_append(&plain, text, length_bytes);
    while (plain.length_bytes < padded_bytes && !plain.failed)
        buffer_append_u8(&plain, 0);
    buffer_append(sealed, the_magic, MAGIC_BYTES);
    if (!plain.failed)
        box = buffer_reserve(sealed, padded_bytes + CRYPT_BOX_EXTRA_BYTES);
    if (box) {
        derive(store, key);
        fill_ad(store, policy->number, ad);
        randombytes_buf(nonce, sizeof nonce);
        crypt_seal_box(key, ad, sizeof ad, nonce, plain.bytes, padded_bytes, box);
        sealed->length_bytes += padded_bytes + CRYPT_BOX_EXTRA_BYTES;
        explicit_bzero(key, sizeof key);
    }
    buffer_clear(&plain);
    return box ? 0 : -ENOMEM;
}

static int write_new(int directory_fd, uint32_t number, const struct buffer *sealed)
{
    char name[16];
    int fd = openat(directory_fd, "new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = fd < 0 ? -errno : file_pwrite(fd, sealed->bytes, sealed->length_bytes, 0);

    if (!error && fsync(fd) < 0)
        error = -errno;
    if (fd >= 0)
        close(fd);
    name_of(number, name);
    if (!error && renameat(directory_fd, "new", directory_fd, name) < 0)
        error = -errno;
    if (error)
        unlinkat(directory_fd, "new", 0);
    return error ? error : file_sync_directory(directory_fd);
}

int store_policy_keep(struct store *store, struct store_policy *policy, const char *text, size_t length_bytes)
{
    struct buffer sealed = BUFFER_EMPTY, newest = BUFFER_EMPTY;
    struct store_policy last = {0};
    uint32_t *numbers = NULL;
    size_t count = 0;
    int directory_fd = open_directory(store, true);
    int error = directory_fd < 0 ? directory_fd : list(directory_fd, &numbers, &count);

    /* The newest can't be read: it is damaged, and the new one is kept all the same. */
    if (!error && count > 0 && store_policy_read(store, numbers[count - 1], &last, &newest) == 0 &&
        newest.length_bytes == length_bytes && (length_bytes == 0 || memcmp(newest.bytes, text, length_bytes) == 0)) {
        *policy = last;
        goto out;
    }
    policy->number = count > 0 ? numbers[count - 1] + 1 : 1;
    if (!error && policy->number > 99999999)
        error = -ENOSPC;
    if (!error)
        error = seal(store, policy, text, length_bytes, &sealed);
    if (!error)
        error = write_new(directory_fd, policy->number, &sealed);
out:
    buffer_clear(&sealed);
    buffer_clear(&newest);
    free(numbers);
    if (directory_fd >= 0)
        close(directory_fd);
    return error;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static int unseal(const struct store *store, struct store_policy *policy, const struct buffer *sealed,
                  struct buffer *text)
{
    uint8_t key[CRYPT_KEY_BYTES], ad[AD_BYTES];
    struct bytes_reader reader;
    struct buffer plain = BUFFER_EMPTY;
    const uint8_t *content = NULL;
    uint32_t length_bytes;
    size_t plain_bytes;
    uint8_t *room;
    int error = -EBADMSG;

    if (sealed->length_bytes < MAGIC_BYTES + CRYPT_BOX_EXTRA_BYTES + HEAD_BYTES ||
        memcmp(sealed->bytes, the_magic, MAGIC_BYTES) != 0)
        return -EBADMSG;
    plain_bytes = sealed->length_bytes - MAGIC_BYTES - CRYPT_BOX_EXTRA_BYTES;
    room = buffer_reserve(&plain, plain_bytes);
    if (!room)
        return -ENOMEM;
    derive(store, key);
    fill_ad(store, policy->number, ad);
    if (crypt_open_box(key, ad, sizeof ad, sealed->bytes + MAGIC_BYTES, room, plain_bytes) == 0) {
        plain.length_bytes = plain_bytes;
        bytes_reader_init(&reader, plain.bytes, plain_bytes);
        length_bytes = bytes_read_u32(&reader);
        policy->since_ms = (int64_t)bytes_read_u64(&reader);
        policy->owner_known = bytes_read_u8(&reader) != 0;
        policy->owner_uid = bytes_read_u32(&reader);
        content = bytes_read(&reader, length_bytes);
        error = content ? buffer_append(text, content, length_bytes) : -EBADMSG;
    }
    explicit_bzero(key, sizeof key);
    buffer_clear(&plain);
    return error;
}

int store_policy_read(struct store *store, uint32_t number, struct store_policy *policy, struct buffer *text)
{
    struct store_policy found = {.number = number};
    struct buffer sealed = BUFFER_EMPTY;
    int directory_fd = open_directory(store, false), fd = -1, error;
    char name[16];

    name_of(number, name);
    if (directory_fd >= 0)
        fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    error = directory_fd < 0 ? directory_fd : fd < 0 ? -errno : file_read_all(fd, FILE_MAX_BYTES, &sealed);
    if (error == -EFBIG)
        error = -EBADMSG;
    if (!error)
        error = unseal(store, &found, &sealed, text);
    if (!error)
        *policy = found;
    buffer_clear(&sealed);
    if (fd >= 0)
        close(fd);
    if (directory_fd >= 0)
        close(directory_fd);
    return error;
}

int store_policy_each(struct store *store, store_policy_taker *each, void *context)
{
    uint32_t *numbers = NULL;
    size_t count = 0;
    int directory_fd = open_directory(store, false);
    int error = directory_fd == -ENOENT ? 0 : directory_fd < 0 ? directory_fd : list(directory_fd, &numbers, &count);

    for (size_t i = 0; i < count && !error; i++) {
        struct store_policy policy = {.number = numbers[i]};
        struct buffer text = BUFFER_EMPTY;
        int damage = store_policy_read(store, numbers[i], &policy, &text);

        error = damage == -ENOMEM ? damage : each(context, &policy, damage ? NULL : &text);
        buffer_clear(&text);
    }
    free(numbers);
    if (directory_fd >= 0)
        close(directory_fd);
    return error;
}
