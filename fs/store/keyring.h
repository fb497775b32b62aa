/* keyring: the item keys, wrapped, in a file of fixed slots, so that destroying one is an overwrite of its bytes.
 *
 * A slot is free, then filled, then destroyed, and never filled again: what a slot held can't come back under its number.
 * Slots are given out by appending. The order that makes a crash harmless: slots are synced before the rows that name
 * them are committed; a destruction is recorded durably, then overwritten and synced, and only then its rows are dropped.
 *
 * Threads: keyring_read() from any; everything else belongs to whoever holds the store's writer lock. */
#ifndef DOSSIERFS_STORE_KEYRING_H
#define DOSSIERFS_STORE_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/base/report.h"
#include "fs/store/crypt.h"

struct keyring;

/* Which slot, and whose key is in it. The generation is random: a slot of an older or other file doesn't fit. */
struct keyring_slot {
    uint64_t number;
    uint32_t generation;
    struct crypt_place place;
};

enum {
    KEYRING_RANDOM_BYTES = CRYPT_NONCE_BYTES + 4, /* what filling one slot takes from the random generator */
    KEYRING_MAX_SLOTS_SHIFT = 40,                 /* numbers are below 2^40 */
};

/* Makes the files `epoch` and `keyring`, synced, and fills keys->epoch. */
int keyring_create(int directory_fd, struct crypt_keys *keys);
/* Opens both and fills keys->epoch. -EBADMSG: cut short, altered, of another store. */
int keyring_open(int directory_fd, struct crypt_keys *keys, struct keyring **out, struct report_why *why);
void keyring_close(struct keyring *keyring); /* NULL is allowed */
/* Removes what keyring_create() made. */
void keyring_remove(int directory_fd);

/* How many slots the file has room for: a number below is in the file. */
uint64_t keyring_file_slots(const struct keyring *keyring);
/* The number of the next slot to fill. Set once after opening, from what the database says was committed. */
uint64_t keyring_next(const struct keyring *keyring);
void keyring_set_next(struct keyring *keyring, uint64_t next);

/* Fills the next slot, in memory; slot->place is given, number and generation are set. `random`: KEYRING_RANDOM_BYTES. */
int keyring_add(struct keyring *keyring, struct keyring_slot *slot, const uint8_t key[static CRYPT_KEY_BYTES],
                const uint8_t *random);
/* Takes back slots added since the last flush, from number `next` on. */
void keyring_take_back(struct keyring *keyring, uint64_t next);
/* Writes and syncs what was added. On failure the numbers stay used. -ENOSPC, -EIO. */
int keyring_flush(struct keyring *keyring);

/* The key in a slot, from the file. -EBADMSG: it isn't there, it is another's, or it was destroyed. */
int keyring_read(const struct keyring *keyring, const struct keyring_slot *slot, uint8_t key[static CRYPT_KEY_BYTES]);
/* The same for who reads many slots in nearly the order of their numbers: a stretch of the file is read at once and kept, wrapped
 * as it is, since a system call for each slot is dear. What was destroyed since it was read counts as there. */
struct keyring_stretch;
struct keyring_stretch *keyring_stretch_new(void);          /* NULL: no memory */
void keyring_stretch_free(struct keyring_stretch *stretch); /* wipes; NULL is allowed */
int keyring_read_along(const struct keyring *keyring, struct keyring_stretch *stretch,
                       const struct keyring_slot *slot, uint8_t key[static CRYPT_KEY_BYTES]);
/* The same for the writer, who also sees what isn't flushed. */
int keyring_read_newest(const struct keyring *keyring, const struct keyring_slot *slot,
                        uint8_t key[static CRYPT_KEY_BYTES]);

enum keyring_state { KEYRING_FREE, KEYRING_FILLED, KEYRING_DESTROYED, KEYRING_DAMAGED };
/* What the file holds at slot->number; the rest of *slot is filled for KEYRING_FILLED, unauthenticated. */
int keyring_look(const struct keyring *keyring, struct keyring_slot *slot, enum keyring_state *state);
/* Overwrites a slot. Certain only after keyring_sync(). */
int keyring_destroy(struct keyring *keyring, uint64_t number);
int keyring_sync(struct keyring *keyring);

#endif
