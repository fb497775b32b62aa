#include "fs/store/destroy.h"

#include <errno.h>

#include "fs/store/sql.h"

enum { STRIDE = 1024 }; /* slots or rows of one commit */

/* ---- unpublished batches ---------------------------------------------------------------------------------------- */

struct doomed {
    int64_t number; /* of the batch */
    int64_t first_slot;
    int64_t first_subject;
};

struct doomed_rows {
    int64_t summaries[STRIDE];
    int64_t items[STRIDE];
    unsigned summary_count;
    unsigned item_count;
};

/* Destroys the keys of up to STRIDE slots and notes whose they were. `blind` is set when a slot no longer tells. */
static int destroy_stride(struct store *store, uint64_t from, uint64_t to, struct doomed_rows *rows, bool *blind)
{
    int error = 0;

    rows->summary_count = rows->item_count = 0;
    for (uint64_t number = from; error == 0 && number < to; number++) {
        struct keyring_slot slot = {.number = number};
        enum keyring_state state;

        error = keyring_look(store->keyring, &slot, &state);
        if (error < 0 || state == KEYRING_FREE)
            continue;
        if (state != KEYRING_FILLED)
            *blind = true;
        else if (slot.place.category == 0)
            rows->summaries[rows->summary_count++] = schema_summary_row(slot.place.subject, slot.place.version);
        else
            rows->items[rows->item_count++] =
                schema_item_row(slot.place.subject, slot.place.category, slot.place.version);
        if (state != KEYRING_DESTROYED)
            error = keyring_destroy(store->keyring, number);
    }
    return error == 0 ? keyring_sync(store->keyring) : error;
}

/* The slot's word for its row is not authenticated; the batch's number in the row must agree. */
static int drop_rows(sqlite3 *db, const char *statement_text, const int64_t *rows, unsigned count, int64_t batch)
{
    sqlite3_stmt *statement = NULL;
    int error = sql_prepare(db, statement_text, &statement);

    for (unsigned i = 0; error == 0 && i < count; i++) {
        sql_bind(statement, 2, (int64_t[]){rows[i], batch});
        error = sql_run(statement);
    }
    sqlite3_finalize(statement);
    return error;
}

static int drop_by_slots(struct store *store, const struct doomed *batch, const struct doomed_rows *rows)
{
    int error = inside_begin(store);

    if (error < 0)
        return error;
    error = drop_rows(store->db, "DELETE FROM summary WHERE id = ?1 AND batch = ?2", rows->summaries,
                      rows->summary_count, batch->number);
    if (error == 0)
        error = drop_rows(store->db, "DELETE FROM item WHERE id = ?1 AND batch = ?2", rows->items, rows->item_count,
                          batch->number);
    return inside_end(store, error);
}

/* Collects up to STRIDE row numbers of `question` (bound: batch, start), in their order. */
static int collect(sqlite3 *db, const char *question, int64_t batch, int64_t start, int64_t *rows, unsigned *count)
{
    sqlite3_stmt *statement = NULL;
    int error = sql_prepare(db, question, &statement);
    int rc = SQLITE_DONE;

    *count = 0;
    if (error == 0) {
        sql_bind(statement, 3, (int64_t[]){batch, start, STRIDE});
        while (*count < STRIDE && (rc = sqlite3_step(statement)) == SQLITE_ROW)
            rows[(*count)++] = sqlite3_column_int64(statement, 0);
        error = sql_error(rc);
    }
    sqlite3_finalize(statement);
    return error;
}

/* Drops what `question` finds from row `start` on, a stride a commit. */
static int drop_found(struct store *store, const char *question, const char *statement_text, int64_t batch,
                      int64_t start)
{
    int64_t rows[STRIDE];
    unsigned count = STRIDE;
    int error = 0;

    while (error == 0 && count == STRIDE) {
        error = collect(store->db, question, batch, start, rows, &count);
        if (error < 0 || count == 0)
            break;
        start = rows[count - 1];
        error = inside_begin(store);
        if (error == 0)
            error = inside_end(store, drop_rows(store->db, statement_text, rows, count, batch));
    }
    return error;
}

/* After a crash in the midst of this work some slots no longer tell whose they were: then the tables are read through. */
static int drop_by_reading(struct store *store, const struct doomed *batch)
{
    int error = drop_found(store, "SELECT id FROM item WHERE batch = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                           "DELETE FROM item WHERE id = ?1 AND batch = ?2", batch->number, 0);

    if (error == 0)
        error = drop_found(store, "SELECT id FROM summary WHERE batch = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                           "DELETE FROM summary WHERE id = ?1 AND batch = ?2", batch->number, 0);
    return error;
}

/* The last step: subjects that the batch brought, its intents, and its own row. */
static int forget_batch(struct store *store, const struct doomed *batch)
{
    int error =
        drop_found(store, "SELECT id FROM subject WHERE batch = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                   "DELETE FROM subject WHERE id = ?1 AND batch = ?2", batch->number, batch->first_subject - 1);
    int64_t row = batch->number;

    if (error == 0)
        error = drop_found(store, "SELECT slot FROM intent WHERE batch = ?1 AND slot > ?2 ORDER BY slot LIMIT ?3",
                           "DELETE FROM intent WHERE slot = ?1 AND batch = ?2", batch->number, -1);
    if (error == 0)
        error = inside_begin(store);
    if (error < 0)
        return error;
    store->counters.next_slot = (int64_t)keyring_next(store->keyring);
    error = schema_save_counters(store->db, &store->counters);
    if (error == 0)
        error = drop_rows(store->db, "DELETE FROM batch WHERE number = ?1 AND ?2 = number", &row, 1, batch->number);
    return inside_end(store, error);
}

/* On a full disk the rows can't be dropped, but every key can still be overwritten: go on, and tell in the end. */
static int take_back(struct store *store, const struct doomed *batch)
{
    uint64_t end = keyring_next(store->keyring);
    struct doomed_rows rows;
    bool blind = false;
    int full = 0;

    for (uint64_t from = (uint64_t)batch->first_slot; from < end; from += STRIDE) {
        int error = destroy_stride(store, from, from + STRIDE < end ? from + STRIDE : end, &rows, &blind);

        if (error == 0)
            error = drop_by_slots(store, batch, &rows);
        if (error == -ENOSPC)
            full = error;
        else if (error < 0)
            return error;
    }
    if (full < 0)
        return full;
    if (blind) {
        int error = drop_by_reading(store, batch);

        if (error < 0)
            return error;
    }
    return forget_batch(store, batch);
}

static int next_unpublished(struct store *store, struct doomed *batch, bool *found)
{
    sqlite3_stmt *statement = NULL;
    int error = sql_prepare(store->db, "SELECT number, first_slot, first_subject FROM batch ORDER BY number LIMIT 1",
                            &statement);
    int rc;

    if (error < 0)
        return error;
    rc = sqlite3_step(statement);
    *found = rc == SQLITE_ROW;
    if (*found) {
        batch->number = sqlite3_column_int64(statement, 0);
        batch->first_slot = sqlite3_column_int64(statement, 1);
        batch->first_subject = sqlite3_column_int64(statement, 2);
    }
    sqlite3_finalize(statement);
    if (*found && (batch->first_slot < 0 || batch->first_slot > (int64_t)keyring_next(store->keyring) ||
                   batch->first_subject < 1))
        return -EBADMSG;
    return sql_error(rc);
}

int destroy_unpublished(struct store *store, uint64_t *batches)
{
    struct doomed batch = {0};
    bool found = true;
    int error = 0;

    while (error == 0) {
        error = next_unpublished(store, &batch, &found);
        if (error < 0 || !found)
            break;
        error = take_back(store, &batch);
        if (error == 0)
            (*batches)++;
    }
    return inside_note(store, error);
}

/* ---- replaced summaries ----------------------------------------------------------------------------------------- */

struct replaced {
    int64_t slots[STRIDE];
    int64_t summaries[STRIDE];
    unsigned count;
};

/* Intents of a batch that is still unpublished aren't due: if it is abandoned, what it would replace stays. */
static int load_due(struct store *store, struct replaced *due)
{
    sqlite3_stmt *statement = NULL;
    int error = sql_prepare(store->db,
                            "SELECT slot, summary FROM intent WHERE batch NOT IN (SELECT number FROM batch) LIMIT ?1",
                            &statement);
    int rc = SQLITE_DONE;

    due->count = 0;
    if (error == 0) {
        sql_bind(statement, 1, (int64_t[]){STRIDE});
        while (due->count < STRIDE && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
            due->slots[due->count] = sqlite3_column_int64(statement, 0);
            due->summaries[due->count++] = sqlite3_column_int64(statement, 1);
        }
        error = sql_error(rc);
    }
    sqlite3_finalize(statement);
    return error;
}

static int drop_due(struct store *store, const struct replaced *due)
{
    sqlite3_stmt *drop = NULL, *done = NULL;
    int error = sql_prepare(store->db, "DELETE FROM summary WHERE id = ?1 AND slot = ?2", &drop);

    if (error == 0)
        error = sql_prepare(store->db, "DELETE FROM intent WHERE slot = ?1", &done);
    for (unsigned i = 0; error == 0 && i < due->count; i++) {
        sql_bind(drop, 2, (int64_t[]){due->summaries[i], due->slots[i]});
        error = sql_run(drop);
        sql_bind(done, 1, &due->slots[i]);
        if (error == 0)
            error = sql_run(done);
    }
    sqlite3_finalize(drop);
    sqlite3_finalize(done);
    return error;
}

int destroy_replaced(struct store *store, uint64_t *keys)
{
    struct replaced due = {.count = STRIDE};
    int error = 0;

    while (error == 0 && due.count == STRIDE) {
        error = load_due(store, &due);
        if (error < 0 || due.count == 0)
            break;
        for (unsigned i = 0; error == 0 && i < due.count; i++)
            if (due.slots[i] >= 0)
                error = keyring_destroy(store->keyring, (uint64_t)due.slots[i]);
        if (error == 0)
            error = keyring_sync(store->keyring);
        if (error == 0)
            error = inside_begin(store);
        if (error == 0)
            error = inside_end(store, drop_due(store, &due));
        if (error == 0)
            *keys += due.count;
    }
    return inside_note(store, error);
}

/* ---- slots above the committed mark ------------------------------------------------------------------------------- */

int destroy_uncommitted_slots(struct store *store, uint64_t *keys)
{
    uint64_t mark = keyring_next(store->keyring);
    uint64_t above = mark;
    int error = 0;

    for (uint64_t number = mark; error == 0 && number < keyring_file_slots(store->keyring); number++) {
        struct keyring_slot slot = {.number = number};
        enum keyring_state state;

        error = keyring_look(store->keyring, &slot, &state);
        if (error < 0 || state == KEYRING_FREE)
            continue;
        above = number + 1;
        if (state == KEYRING_DESTROYED)
            continue;
        error = keyring_destroy(store->keyring, number);
        (*keys)++;
    }
    if (error == 0 && above > mark)
        error = keyring_sync(store->keyring);
    if (error < 0 || above == mark)
        return inside_note(store, error);
    keyring_set_next(store->keyring, above);
    store->counters.next_slot = (int64_t)above;
    error = inside_begin(store);
    if (error == 0)
        error = inside_end(store, schema_save_counters(store->db, &store->counters));
    return inside_note(store, error);
}
