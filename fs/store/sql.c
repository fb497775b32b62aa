#include "fs/store/sql.h"

#include <errno.h>

int sql_error(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return -EBADMSG;
    default:
        return rc == SQLITE_IOERR_NOMEM ? -ENOMEM : -EIO;
    }
}

int sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **statement)
{
    int rc = sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);

    /* A table or column that isn't there: someone else's database. */
    return (rc & 0xff) == SQLITE_ERROR ? -EBADMSG : sql_error(rc);
}

int sql_exec(sqlite3 *db, const char *text)
{
    return sql_error(sqlite3_exec(db, text, NULL, NULL, NULL));
}

void sql_bind(sqlite3_stmt *statement, unsigned count, const int64_t *values)
{
    for (unsigned i = 0; i < count; i++)
        sqlite3_bind_int64(statement, (int)i + 1, values[i]);
}

int sql_run(sqlite3_stmt *statement)
{
    int rc;

    do
        rc = sqlite3_step(statement);
    while (rc == SQLITE_ROW);
    sqlite3_reset(statement);
    return sql_error(rc);
}
