/* Making, opening, checking and closing a store: the order of the steps, and what a person is told about each. */
#include "fs/store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/store/destroy.h"
#include "fs/store/header.h"
#include "fs/store/inside.h"

/* ---- making -------------------------------------------------------------------------------------------------------- */

static int directory_is_empty(int fd, bool *empty)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *entry;

    if (!directory) {
        int error = -errno;

        if (copy >= 0)
            close(copy);
        return error;
    }
    *empty = true;
    while ((entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            *empty = false;
    closedir(directory);
    return 0;
}

/* Opens the directory of a new store, making it if need be. */
static int make_directory(const char *path, bool *made, int *directory_fd, struct report_why *why)
{
    bool empty = false;
    int error;
    int fd;

    *made = mkdir(path, 0700) == 0;
    if (!*made && errno != EEXIST)
        return report_fail(why, -errno, "can't make the store's directory: %s", strerror(errno));
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return report_fail(why, errno == ENOTDIR ? -EEXIST : -errno, "can't open the store's directory: %s",
                           strerror(errno));
    error = directory_is_empty(fd, &empty);
    if (error < 0)
        report_fail(why, error, "can't read the store's directory: %s", strerror(-error));
    else if (!empty)
        error = report_fail(why, -EEXIST, "the directory for the new store is not empty");
    else if (fchmod(fd, 0700) < 0)
        error = report_fail(why, -errno, "can't set the mode of the store's directory: %s", strerror(errno));
    if (error < 0) {
        close(fd);
        return error;
    }
    *directory_fd = fd;
    return 0;
}

static int write_header(int directory_fd, const uint8_t bytes[static HEADER_BYTES])
{
    int fd = openat(directory_fd, "header", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error;

    if (fd < 0)
        return -errno;
    error = file_pwrite(fd, bytes, HEADER_BYTES, 0);
    if (error == 0 && fsync(fd) < 0)
        error = -errno;
    close(fd);
    return error;
}

static int make_database(int directory_fd, const char *path, const struct crypt_keys *keys)
{
    struct buffer name = BUFFER_EMPTY;
    int fd = openat(directory_fd, "records.db", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error;

    if (fd < 0)
        return -errno;
    close(fd);
    error = buffer_printf(&name, "%s/records.db", path);
    if (error == 0)
        error = schema_create(buffer_text(&name), keys);
    buffer_clear(&name);
    return error;
}

/* The header comes last: a directory without one is no store, however far the making came. */
static int make_files(int directory_fd, const char *path, struct crypt_keys *keys,
                      const uint8_t header[static HEADER_BYTES])
{
    int error = keyring_create(directory_fd, keys);

    if (error == 0)
        error = make_database(directory_fd, path, keys);
    if (error == 0 && mkdirat(directory_fd, "log", 0700) < 0)
        error = -errno;
    if (error == 0)
        error = file_sync_directory(directory_fd);
    if (error == 0)
        error = write_header(directory_fd, header);
    if (error == 0)
        error = file_sync_directory(directory_fd);
    return error;
}

static void remove_files(int directory_fd)
{
    static const char *const names[] = {"header", "records.db", "records.db-wal", "records.db-shm",
                                        "records.db-journal"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlinkat(directory_fd, names[i], 0);
    keyring_remove(directory_fd);
    unlinkat(directory_fd, "log", AT_REMOVEDIR);
}

/* The store's own name is durable only when the directory above is synced. */
static int sync_parent(int directory_fd)
{
    int parent = openat(directory_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error;

    if (parent < 0)
        return errno == EACCES ? 0 : -errno;
    error = file_sync_directory(parent);
    close(parent);
    return error;
}

int store_create(const char *path, const struct store_secret *secrets, size_t secret_count, struct report_why *why)
{
    struct crypt_keys *keys = NULL;
    uint8_t header[HEADER_BYTES];
    int directory_fd = -1;
    bool made = false;
    int error = crypt_init();

    if (error < 0)
        return report_fail(why, error, "the cipher library can't start");
    keys = crypt_keys_new();
    if (!keys)
        return report_fail(why, -ENOMEM, "no memory could be locked for the keys (see ulimit -l)");
    randombytes_buf(keys->store_id, CRYPT_ID_BYTES);
    randombytes_buf(keys->master, CRYPT_KEY_BYTES);
    crypt_keys_derive(keys);
    error = header_make(keys, secrets, secret_count, header, why);
    if (error < 0)
        goto out;
    error = make_directory(path, &made, &directory_fd, why);
    if (error < 0)
        goto out;
    error = make_files(directory_fd, path, keys, header);
    if (error == 0)
        error = sync_parent(directory_fd);
    if (error < 0) {
        remove_files(directory_fd);
        report_fail(why, error, "can't write the new store: %s", strerror(-error));
    }
out:
    if (directory_fd >= 0)
        close(directory_fd);
    if (made && error < 0)
        rmdir(path);
    crypt_keys_free(keys);
    return error;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static int open_directory(struct store *store, const char *path, struct report_why *why)
{
    store->path = realpath(path, NULL);
    if (!store->path)
        return report_fail(why, -errno, "can't open the store: %s", strerror(errno));
    if (asprintf(&store->database, "%s/records.db", store->path) < 0) {
        store->database = NULL;
        return report_fail(why, -ENOMEM, "no memory");
    }
    store->directory_fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->directory_fd < 0)
        return report_fail(why, -errno, "can't open the store: %s", strerror(errno));
    return 0;
}

static int lock_header(struct store *store, struct report_why *why)
{
    store->lock_fd = openat(store->directory_fd, "header", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (store->lock_fd < 0 && errno == ENOENT)
        return report_fail(why, -ENOENT, "there is no store in this directory: it has no header");
    if (store->lock_fd < 0)
        return report_fail(why, -errno, "can't open the store's header: %s", strerror(errno));
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? report_fail(why, -EBUSY, "the store is in use by another process")
                                    : report_fail(why, -errno, "can't lock the store: %s", strerror(errno));
    return 0;
}

static int unlock_master(struct store *store, const struct store_secret *secret, struct report_why *why)
{
    struct buffer header = BUFFER_EMPTY;
    int error;

    store->keys = crypt_keys_new();
    if (!store->keys)
        return report_fail(why, -ENOMEM, "no memory could be locked for the keys (see ulimit -l)");
    error = file_read_all(store->lock_fd, 2 * HEADER_BYTES, &header);
    if (error == -EFBIG)
        report_fail(why, error = -EBADMSG, "the store's header is too long");
    else if (error < 0)
        report_fail(why, error, "can't read the store's header: %s", strerror(-error));
    else
        error = header_open(header.bytes, header.length_bytes, secret, store->keys, why);
    if (error == 0)
        crypt_keys_derive(store->keys);
    buffer_clear(&header);
    return error;
}

int store_read_id(const char *path, uint8_t id[static STORE_ID_BYTES], struct report_why *why)
{
    struct buffer name = BUFFER_EMPTY, header = BUFFER_EMPTY;
    int error = buffer_printf(&name, "%s/header", path);

    if (error == 0)
        error = file_read_path(buffer_text(&name), (size_t)2 * HEADER_BYTES, &header);
    if (error == 0)
        error = header_check(header.bytes, header.length_bytes, id, why);
    else
        report_fail(why, error, "the store's header can't be read: %s", strerror(-error));
    buffer_clear(&header);
    buffer_clear(&name);
    return error;
}

/* SQLite's write-ahead log: there and not empty after a crash, or after a close on a full disk. */
static bool has_log(const struct store *store)
{
    struct stat log;

    return fstatat(store->directory_fd, "records.db-wal", &log, AT_SYMLINK_NOFOLLOW) == 0 && log.st_size > 0;
}

/* Everything that can be checked without changing anything. */
static int check_files(struct store *store, struct report_why *why)
{
    struct stat status;
    int error = keyring_open(store->directory_fd, store->keys, &store->keyring, why);

    if (error < 0)
        return error;
    if (fstatat(store->directory_fd, "records.db", &status, AT_SYMLINK_NOFOLLOW) < 0)
        return report_fail(why, errno == ENOENT ? -EBADMSG : -errno, "can't open records.db: %s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return report_fail(why, -EBADMSG, "records.db is no file");
    /* With a log, a page may be missing in part: the log has it whole. Without one SQLite would take it as ending in zeros. */
    if (!has_log(store) && status.st_size % SCHEMA_PAGE_BYTES != 0)
        return report_fail(why, -EBADMSG, "records.db is cut short");
    return schema_check(store->database, has_log(store), store->keys, why);
}

static int open_database(struct store *store, struct report_why *why)
{
    int error = schema_open_writer(store->database, &store->db);

    if (error == 0)
        error = schema_load_counters(store->db, &store->counters);
    if (error == 0)
        error = names_open(store->db, store->keys, &store->names);
    if (error == -EBADMSG)
        return report_fail(why, error, "records.db was altered or cut short");
    if (error < 0)
        return report_fail(why, error, "can't open records.db: %s", strerror(-error));
    if ((uint64_t)store->counters.next_slot > keyring_file_slots(store->keyring))
        return report_fail(why, -EBADMSG, "the store's keyring is cut short, or older than records.db");
    keyring_set_next(store->keyring, (uint64_t)store->counters.next_slot);
    return 0;
}

/* Finishes what a crash left. Slots that no commit counts come first: from then on every number is accounted for. */
static int recover(struct store *store, struct report_why *why)
{
    uint64_t slots = 0, batches = 0, replaced = 0;
    int error = destroy_uncommitted_slots(store, &slots);

    if (error == 0)
        error = destroy_unpublished(store, &batches);
    if (error == 0)
        error = destroy_replaced(store, &replaced);
    if (error == -ENOSPC) {
        /* Everything hidden stays hidden; the rest waits for room. */
        report(REPORT_WARNING, "the disk is full: what a crash left in the store is hidden, not yet taken back");
        store->leftover = true;
        error = 0;
    }
    if (error < 0)
        return report_fail(why, error, "can't finish what a crash left in the store: %s", strerror(-error));
    if (batches > 0 || slots > 0)
        report(REPORT_WARNING,
               "the store was not closed: unpublished imports taken back: %llu; keys without a row destroyed: %llu",
               (unsigned long long)batches, (unsigned long long)slots);
    if (replaced > 0)
        report(REPORT_INFO, "the store was not closed: destroyed the keys of %llu replaced summaries",
               (unsigned long long)replaced);
    return 0;
}

int store_open(const char *path, const struct store_secret *secret, struct store **out, struct report_why *why)
{
    struct store *store;
    int error = crypt_init();

    if (error < 0)
        return report_fail(why, error, "the cipher library can't start");
    store = calloc(1, sizeof *store);
    if (!store)
        return report_fail(why, -ENOMEM, "no memory");
    store->directory_fd = store->lock_fd = -1;
    pthread_mutex_init(&store->writing, NULL);
    error = open_directory(store, path, why);
    if (error == 0)
        error = lock_header(store, why);
    if (error == 0)
        error = unlock_master(store, secret, why);
    if (error == 0)
        error = check_files(store, why);
    if (error == 0)
        error = open_database(store, why);
    if (error < 0) {
        schema_close_untouched(store->db);
        store->db = NULL;
    }
    if (error == 0)
        error = recover(store, why);
    if (error < 0) {
        store_close(store);
        return error;
    }
    *out = store;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    names_close(store->names);
    if (store->db && inside_failed(store))
        schema_close_untouched(store->db);
    else
        sqlite3_close(store->db);
    keyring_close(store->keyring);
    crypt_keys_free(store->keys);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    if (store->directory_fd >= 0)
        close(store->directory_fd);
    pthread_mutex_destroy(&store->writing);
    free(store->database);
    free(store->path);
    free(store);
}

const uint8_t *store_id(const struct store *store)
{
    return store->keys->store_id;
}

const char *store_path(const struct store *store)
{
    return store->path;
}

void store_derive_key(const struct store *store, const char use[static 8], uint8_t key[static STORE_KEY_BYTES])
{
    crypt_derive_outside(store->keys, use, key);
}
