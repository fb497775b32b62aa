/* sql: SQLite's answers as errno, and the few steps that every statement takes. */
#ifndef DOSSIERFS_STORE_SQL_H
#define DOSSIERFS_STORE_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 for SQLITE_OK, _ROW and _DONE; -EIO, -ENOSPC, -ENOMEM, -EBUSY, -EEXIST (a constraint), -EBADMSG (not a sound
 * database); -EIO for whatever else, since then the store can't be trusted to be what the code thinks. */
int sql_error(int rc);
/* Prepares for keeping. */
int sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **statement);
int sql_exec(sqlite3 *db, const char *text);
/* Binds `count` integers from place 1 on. Binding in the bounds of a statement can't fail. */
void sql_bind(sqlite3_stmt *statement, unsigned count, const int64_t *values);
/* Steps a statement that yields no row, and resets it. */
int sql_run(sqlite3_stmt *statement);

#endif
