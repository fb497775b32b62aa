#include "fs/store/inside.h"

#include <errno.h>

#include "fs/store/sql.h"

int inside_note(struct store *store, int error)
{
    if (error == -EIO && !atomic_exchange(&store->failed, true))
        report(REPORT_ERROR,
               "the store can't be read or written; nothing more is given out until it is opened again");
    return error;
}

bool inside_failed(struct store *store)
{
    return atomic_load_explicit(&store->failed, memory_order_relaxed);
}

int inside_begin(struct store *store)
{
    return inside_note(store, sql_exec(store->db, "BEGIN IMMEDIATE"));
}

int inside_end(struct store *store, int error)
{
    if (error == 0)
        error = sql_exec(store->db, "COMMIT");
    if (error < 0 && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return inside_note(store, error);
}
