/* names: the numbers of kinds, categories, fields and purposes, and the names behind them, kept sealed. */
#ifndef DOSSIERFS_STORE_NAMES_H
#define DOSSIERFS_STORE_NAMES_H

#include <sqlite3.h>
#include <stdint.h>

#include "fs/store/crypt.h"
#include "fs/store/store.h"

struct names;

/* Loads all names. -EBADMSG: one can't be opened, or doesn't fit. */
int names_open(sqlite3 *db, const struct crypt_keys *keys, struct names **out);
void names_close(struct names *names); /* NULL is allowed */
/* Any thread. -ENOENT, -EINVAL (length). */
int names_find(struct names *names, enum store_names list, const char *name, uint32_t *number);
/* The name of a number. -ENOENT. Any thread. */
int names_name(struct names *names, enum store_names list, uint32_t number, char name[static 64]);
/* Gives the next free number: a row in `db`, which must not be inside a transaction. Only with the writer's lock held.
 * -ENOSPC: no number left, or no room. */
int names_add(struct names *names, sqlite3 *db, enum store_names list, const char *name, uint32_t *number);

#endif
