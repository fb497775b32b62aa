/* inside: what an open store is to the files of this room, and to nobody else. */
#ifndef DOSSIERFS_STORE_INSIDE_H
#define DOSSIERFS_STORE_INSIDE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "fs/store/crypt.h"
#include "fs/store/keyring.h"
#include "fs/store/names.h"
#include "fs/store/schema.h"
#include "fs/store/store.h"

struct store {
    char *path;     /* absolute */
    char *database; /* path of records.db */
    int directory_fd;
    int lock_fd; /* the header, flocked as long as the store is open */
    struct crypt_keys *keys;
    struct keyring *keyring;
    struct names *names;
    atomic_bool failed;

    pthread_mutex_t writing; /* guards all below, and the keyring's writing side */
    sqlite3 *db;             /* the writer's connection, the only one that changes anything */
    struct schema_counters counters;
    struct store_batch *batch; /* the one under way, or NULL */
    bool leftover;             /* an abandoned batch couldn't be taken back whole: no new one before it is */
};

/* Notes what an operation came to: -EIO makes the store failed. Returns `error`. */
int inside_note(struct store *store, int error);
bool inside_failed(struct store *store);

/* One short transaction on the writer's connection. inside_end() commits if `error` is 0, takes back otherwise, and
 * returns what came of it. */
int inside_begin(struct store *store);
int inside_end(struct store *store, int error);

#endif
