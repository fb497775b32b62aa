/* The writing side. A batch is a row in `batch` as long as it is unpublished; readers skip every row that carries such a
 * number. So publishing is dropping that one row, and taking back is done by its slots (destroy.c).
 *
 * A put prepares everything in memory, where it can fail without a trace, and only then touches the database.
 *
 * What was queued is encoded and sealed at once, and gets its slots and rows from a second thread, a group at a time:
 * about as much work for each. That thread holds store->writing while it works; every other change waits for it first
 * (drain()), so that both never use the batch at once. */
#include <errno.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/behind.h"
#include "fs/store/destroy.h"
#include "fs/store/inside.h"
#include "fs/store/record.h"
#include "fs/store/sql.h"

enum {
    PUTS_PER_COMMIT = 4096, /* each commit flushes twice and writes the touched pages of the codes' index again */
    CELLS = STORE_MAX_CATEGORIES + 1, /* of one put: the items, and in the end the summary */
    CELL_RANDOM_BYTES = CRYPT_KEY_BYTES + KEYRING_RANDOM_BYTES,
    GROUP_SUBJECTS = 64,
    GROUP_BYTES = 1 << 20, /* an item may be large: with so much a group is full too */
    GROUP_CELLS = 1024,
};

enum statement { ADD_SUBJECT, CODE_HASH, NEWEST_SUMMARY, NEWEST_ITEM, ADD_SUMMARY, ADD_ITEM, ADD_INTENT, STATEMENTS };

static const char *const TEXTS[STATEMENTS] = {
    [ADD_SUBJECT] = "INSERT INTO subject VALUES (?1, ?2, ?3)",
    [CODE_HASH] = "SELECT code_hash FROM subject WHERE id = ?1",
    [NEWEST_SUMMARY] =
        "SELECT id, generation, slot, sealed FROM summary WHERE id >= ?1 AND id <= ?2 ORDER BY id DESC LIMIT 1",
    [NEWEST_ITEM] = "SELECT id FROM item WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
    [ADD_SUMMARY] = "INSERT INTO summary VALUES (?1, ?2, ?3, ?4, ?5)",
    [ADD_ITEM] = "INSERT INTO item VALUES (?1, ?2, ?3, ?4, ?5)",
    [ADD_INTENT] = "INSERT INTO intent VALUES (?1, ?2, ?3)",
};

/* One sealed plaintext on its way into a row. */
struct cell {
    struct keyring_slot slot;
    size_t at; /* in `sealed` */
    size_t length_bytes;
};

/* What a put is about to write, besides the cells. */
struct change {
    bool is_new;
    uint32_t id;
    uint32_t version;
    uint64_t pseudonym;
    struct keyring_slot replaced; /* the summary before; not for a new subject */
    uint8_t hash[CRYPT_CODE_HASH_BYTES];
};

/* Cells of one put, the summary's last. */
struct cells {
    struct cell *cells;
    size_t count;
    struct buffer *sealed;
    uint8_t *random; /* locked: CELL_RANDOM_BYTES for each, the first part of which is the key */
};

/* A new subject that waits for the second thread; its cells are sealed. */
struct queued {
    struct change change;
    unsigned first, cell_count; /* in the group's cells */
};
struct group {
    struct buffer sealed;
    uint8_t *random; /* locked: GROUP_CELLS times CELL_RANDOM_BYTES */
    unsigned count, cell_count;
    struct cell cells[GROUP_CELLS];
    struct queued queued[GROUP_SUBJECTS];
};

struct store_batch {
    struct store *store;
    int64_t number;
    bool begun; /* its row is in the database, in a commit or in the open transaction */
    bool in_transaction;
    bool ended;        /* something went wrong midway: only abandoning is left */
    atomic_int failed; /* what went wrong with what was queued */
    unsigned puts;     /* since the last commit */
    sqlite3_stmt *statements[STATEMENTS];
    struct buffer plain;
    struct buffer sealed;
    struct cell cells[CELLS];
    uint8_t *random;       /* locked: CELLS times CELL_RANDOM_BYTES */
    struct behind *behind; /* NULL until something is queued */
    struct group *groups;  /* two: one is filled while the other is written */
    unsigned filling;      /* which */
    int64_t next_subject;  /* of what is queued; 0: nothing was since the last drain */
};

/* ---- transactions ------------------------------------------------------------------------------------------------- */

static void batch_free(struct store_batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(batch->statements[i]);
    behind_free(batch->behind);
    for (unsigned i = 0; i < 2 && batch->groups; i++) {
        buffer_clear(&batch->groups[i].sealed);
        crypt_locked_free(batch->groups[i].random);
    }
    free(batch->groups);
    buffer_clear(&batch->plain);
    buffer_clear(&batch->sealed);
    crypt_locked_free(batch->random);
    explicit_bzero(batch, sizeof *batch);
    free(batch);
}

static int insert_batch_row(struct store_batch *batch)
{
    struct store *store = batch->store;
    sqlite3_stmt *statement = NULL;
    int error = sql_prepare(store->db, "INSERT INTO batch VALUES (?1, ?2, ?3)", &statement);

    if (error == 0) {
        sql_bind(statement, 3,
                 (int64_t[]){batch->number, (int64_t)keyring_next(store->keyring), store->counters.next_subject});
        error = sql_run(statement);
    }
    sqlite3_finalize(statement);
    return error;
}

static int open_transaction(struct store_batch *batch)
{
    int error;

    if (batch->in_transaction)
        return 0;
    error = inside_begin(batch->store);
    if (error < 0)
        return error;
    batch->in_transaction = true;
    if (!batch->begun)
        error = insert_batch_row(batch);
    if (error == 0)
        batch->begun = true;
    else
        batch->ended = true;
    return error;
}

/* The slots are durable before the rows that need them. What a batch that ended has open is never committed. */
static int commit_part(struct store_batch *batch)
{
    struct store *store = batch->store;
    struct schema_counters counters = store->counters;
    int error;

    if (!batch->in_transaction)
        return 0;
    error = batch->ended ? -ECANCELED : keyring_flush(store->keyring);
    if (error == 0) {
        counters.next_slot = (int64_t)keyring_next(store->keyring);
        error = schema_save_counters(store->db, &counters);
    }
    error = inside_end(store, error);
    batch->in_transaction = false;
    batch->puts = 0;
    if (error == 0)
        store->counters = counters;
    else
        batch->ended = true;
    return error;
}

int store_batch_begin(struct store *store, struct store_batch **out)
{
    struct store_batch *batch = NULL;
    int error = 0;

    pthread_mutex_lock(&store->writing);
    if (inside_failed(store))
        error = -EIO;
    else if (store->batch)
        error = -EBUSY;
    else if (store->leftover)
        error = destroy_unpublished(store, &(uint64_t){0});
    if (error < 0)
        goto out;
    store->leftover = false;
    batch = calloc(1, sizeof *batch);
    error = -ENOMEM;
    if (!batch)
        goto out;
    batch->random = crypt_locked_new((size_t)CELLS * CELL_RANDOM_BYTES);
    if (!batch->random)
        goto out;
    batch->store = store;
    error = 0;
    for (size_t i = 0; error == 0 && i < STATEMENTS; i++)
        error = sql_prepare(store->db, TEXTS[i], &batch->statements[i]);
    if (error < 0)
        goto out;
    batch->number = store->counters.next_batch++;
    *out = store->batch = batch;
    batch = NULL;
out:
    pthread_mutex_unlock(&store->writing);
    batch_free(batch);
    return inside_note(store, error);
}

/* ---- a put -------------------------------------------------------------------------------------------------------- */

static int check_draft(const struct store_subject *subject, const struct store_item_draft *items, size_t item_count)
{
    int error = record_check_subject(subject);

    if (item_count > STORE_MAX_CATEGORIES)
        return -EINVAL;
    for (size_t i = 0; error == 0 && i < item_count; i++) {
        if (items[i].category > SCHEMA_CATEGORY_MAX)
            return -EINVAL;
        for (size_t j = 0; j < i; j++)
            if (items[j].category == items[i].category)
                return -EINVAL;
        error = record_check_item(&items[i]);
    }
    return error;
}

/* Opens the summary before, for the pseudonym: it stays the subject's own as long as the subject is there. */
static int open_replaced(struct store_batch *batch, sqlite3_stmt *row, struct change *change)
{
    struct store *store = batch->store;
    int64_t generation = sqlite3_column_int64(row, 1), number = sqlite3_column_int64(row, 2);
    struct store_subject before;
    const uint8_t *content;
    size_t content_bytes;
    int error;

    change->replaced.place = (struct crypt_place){
        .subject = change->id,
        .version = (uint32_t)(sqlite3_column_int64(row, 0) & SCHEMA_VERSION_MAX),
    };
    if (generation < 0 || generation > UINT32_MAX || number < 0)
        return -EBADMSG;
    change->replaced.generation = (uint32_t)generation;
    change->replaced.number = (uint64_t)number;
    error = keyring_read_newest(store->keyring, &change->replaced, batch->random);
    if (error == 0)
        error = crypt_open_cell(store->keys, batch->random, &change->replaced.place, sqlite3_column_blob(row, 3),
                                (size_t)sqlite3_column_bytes(row, 3), &batch->plain, &content, &content_bytes);
    if (error == 0)
        error = record_get_subject(content, content_bytes, &before);
    if (error == 0)
        change->pseudonym = before.pseudonym;
    explicit_bzero(&before, sizeof before);
    buffer_reset(&batch->plain);
    return error;
}

static int check_code(struct store_batch *batch, const struct change *change)
{
    sqlite3_stmt *statement = batch->statements[CODE_HASH];
    int error;
    int rc;

    sql_bind(statement, 1, (int64_t[]){change->id});
    rc = sqlite3_step(statement);
    error = rc == SQLITE_DONE ? -ENOENT : sql_error(rc);
    if (rc == SQLITE_ROW && (sqlite3_column_bytes(statement, 0) != CRYPT_CODE_HASH_BYTES ||
                             memcmp(sqlite3_column_blob(statement, 0), change->hash, CRYPT_CODE_HASH_BYTES) != 0))
        error = -EINVAL;
    sqlite3_reset(statement);
    return error;
}

static int look_up_subject(struct store_batch *batch, struct change *change)
{
    sqlite3_stmt *statement = batch->statements[NEWEST_SUMMARY];
    int error = check_code(batch, change);
    int rc;

    if (error < 0)
        return error;
    sql_bind(statement, 2,
             (int64_t[]){schema_summary_row(change->id, 0), schema_summary_row(change->id, SCHEMA_VERSION_MAX)});
    rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        error = open_replaced(batch, statement, change);
    else
        error = rc == SQLITE_DONE ? -EBADMSG : sql_error(rc);
    sqlite3_reset(statement);
    if (error == 0 && change->replaced.place.version == SCHEMA_VERSION_MAX)
        error = -EOVERFLOW;
    if (error == 0)
        change->version = change->replaced.place.version + 1;
    return error;
}

static int prepare_change(struct store_batch *batch, const struct store_subject *subject, struct change *change)
{
    *change = (struct change){.is_new = subject->id == 0, .id = subject->id, .version = 1};
    crypt_hash_code(batch->store->keys, subject->code, subject->code_bytes, change->hash);
    if (!change->is_new)
        return subject->id > SCHEMA_SUBJECT_MAX ? -ENOENT : look_up_subject(batch, change);
    if (batch->store->counters.next_subject > SCHEMA_SUBJECT_MAX)
        return -ENOSPC;
    change->id = (uint32_t)batch->store->counters.next_subject;
    randombytes_buf(&change->pseudonym, sizeof change->pseudonym);
    return 0;
}

static int next_item_version(struct store_batch *batch, const struct change *change, uint32_t category,
                             uint32_t *version)
{
    sqlite3_stmt *statement = batch->statements[NEWEST_ITEM];
    int rc;

    *version = 1;
    if (change->is_new)
        return 0;
    sql_bind(statement, 2,
             (int64_t[]){schema_item_row(change->id, category, 0),
                         schema_item_row(change->id, category, SCHEMA_VERSION_MAX)});
    rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *version = (uint32_t)(sqlite3_column_int64(statement, 0) & SCHEMA_VERSION_MAX) + 1;
    sqlite3_reset(statement);
    return *version > SCHEMA_VERSION_MAX ? -EOVERFLOW : sql_error(rc);
}

/* Seals what is in batch->plain, which is empty then, as the next of the cells. -EFBIG, -ENOMEM. */
static int seal_plain(struct store_batch *batch, struct cells *cells, const struct crypt_place *place)
{
    struct cell *cell = &cells->cells[cells->count];
    int error = batch->plain.failed ? -ENOMEM : 0;

    cell->slot = (struct keyring_slot){.place = *place};
    cell->at = cells->sealed->length_bytes;
    if (error == 0)
        error = crypt_seal_cell(batch->store->keys, cells->random + cells->count * CELL_RANDOM_BYTES, place,
                                batch->plain.bytes, batch->plain.length_bytes, cells->sealed);
    buffer_reset(&batch->plain);
    if (error < 0)
        return error;
    cell->length_bytes = cells->sealed->length_bytes - cell->at;
    cells->count++;
    return 0;
}

/* Their keys get slots, and are wiped. On failure too; the slots are then to be taken back. */
static int add_keys(struct store_batch *batch, struct cells *cells)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < cells->count; i++) {
        const uint8_t *random = cells->random + i * CELL_RANDOM_BYTES;

        error = keyring_add(batch->store->keyring, &cells->cells[i].slot, random, random + CRYPT_KEY_BYTES);
    }
    explicit_bzero(cells->random, cells->count * CELL_RANDOM_BYTES);
    return error;
}

static int seal_all(struct store_batch *batch, struct cells *cells, const struct change *change,
                    const struct store_subject *subject, const struct store_item_draft *items, size_t item_count)
{
    struct store_subject summary;
    int error = 0;

    store_subject_copy(&summary, subject);

    for (size_t i = 0; error == 0 && i < item_count; i++) {
        struct crypt_place place = {.subject = change->id, .category = items[i].category};

        error = next_item_version(batch, change, items[i].category, &place.version);
        if (error == 0) {
            record_put_item(&batch->plain, &items[i]);
            error = seal_plain(batch, cells, &place);
        }
    }
    if (error == 0) {
        summary.pseudonym = change->pseudonym;
        record_put_subject(&batch->plain, &summary);
        error = seal_plain(batch, cells, &(struct crypt_place){.subject = change->id, .version = change->version});
    }
    explicit_bzero(&summary, sizeof summary);
    return error;
}

/* -EEXIST: the code is another subject's, published or of this batch. */
static int add_subject(struct store_batch *batch, const struct change *change)
{
    sqlite3_stmt *statement = batch->statements[ADD_SUBJECT];

    sql_bind(statement, 2, (int64_t[]){change->id, batch->number});
    sqlite3_bind_blob(statement, 3, change->hash, CRYPT_CODE_HASH_BYTES, SQLITE_STATIC);
    return sql_run(statement);
}

static int add_cell(struct store_batch *batch, const struct cell *cell, const struct buffer *sealed)
{
    const struct crypt_place *place = &cell->slot.place;
    bool is_summary = place->category == 0;
    sqlite3_stmt *statement = batch->statements[is_summary ? ADD_SUMMARY : ADD_ITEM];

    sql_bind(statement, 4,
             (int64_t[]){is_summary ? schema_summary_row(place->subject, place->version)
                                    : schema_item_row(place->subject, place->category, place->version),
                         batch->number, cell->slot.generation, (int64_t)cell->slot.number});
    sqlite3_bind_blob(statement, 5, sealed->bytes + cell->at, (int)cell->length_bytes, SQLITE_STATIC);
    return sql_run(statement);
}

static int add_rows(struct store_batch *batch, const struct change *change, const struct cells *cells)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < cells->count; i++)
        error = add_cell(batch, &cells->cells[i], cells->sealed);
    if (error == 0 && !change->is_new) {
        sqlite3_stmt *statement = batch->statements[ADD_INTENT];

        sql_bind(statement, 3,
                 (int64_t[]){(int64_t)change->replaced.number, batch->number,
                             schema_summary_row(change->id, change->replaced.place.version)});
        error = sql_run(statement);
    }
    /* A row that is there already, although no version should be, is damage, not a code that is taken. */
    if (error < 0)
        batch->ended = true;
    return error == -EEXIST ? -EBADMSG : error;
}

/* What was sealed goes into keyring and database. A failure to add the subject, -EEXIST say, leaves no trace. */
static int put_rows(struct store_batch *batch, const struct change *change, struct cells *cells)
{
    struct store *store = batch->store;
    uint64_t next = keyring_next(store->keyring);
    int error = add_keys(batch, cells);

    if (error == 0 && change->is_new)
        error = add_subject(batch, change);
    if (error < 0) {
        keyring_take_back(store->keyring, next);
        return error;
    }
    if (change->is_new)
        store->counters.next_subject++;
    error = add_rows(batch, change, cells);
    if (error == 0 && ++batch->puts >= PUTS_PER_COMMIT)
        error = commit_part(batch);
    return error;
}

static int put(struct store_batch *batch, struct store_subject *subject, const struct store_item_draft *items,
               size_t item_count)
{
    struct cells cells = {.cells = batch->cells, .sealed = &batch->sealed, .random = batch->random};
    struct change change = {0};
    int error = open_transaction(batch);

    if (error == 0)
        error = prepare_change(batch, subject, &change);
    if (error == 0) {
        buffer_reset(&batch->sealed);
        randombytes_buf(batch->random, (item_count + 1) * CELL_RANDOM_BYTES);
        error = seal_all(batch, &cells, &change, subject, items, item_count);
        if (error < 0)
            explicit_bzero(batch->random, (item_count + 1) * CELL_RANDOM_BYTES);
    }
    if (error == 0)
        error = put_rows(batch, &change, &cells);
    if (error < 0)
        return error;
    subject->id = change.id;
    subject->version = change.version;
    subject->pseudonym = change.pseudonym;
    return 0;
}

/* Under store->writing. SQLite may end a transaction by itself when it fails. A row put after that would stand outside the
 * batch. */
static void end_if_broken(struct store_batch *batch, int error)
{
    if (error == -ENOSPC || error == -EIO || (batch->in_transaction && sqlite3_get_autocommit(batch->store->db)))
        batch->ended = true;
}

/* Why a batch that ended takes nothing any more. */
static int ended_by(const struct store_batch *batch)
{
    return batch->failed < 0 ? batch->failed : -ECANCELED;
}

/* ---- what is done behind ---------------------------------------------------------------------------------------- */

static int write_queued(struct store_batch *batch, struct group *group, const struct queued *queued)
{
    struct cells cells = {
        .cells = group->cells + queued->first,
        .count = queued->cell_count,
        .sealed = &group->sealed,
        .random = group->random + (size_t)queued->first * CELL_RANDOM_BYTES,
    };
    int error = open_transaction(batch);

    return error < 0 ? error : put_rows(batch, &queued->change, &cells);
}

static void empty(struct group *group)
{
    buffer_reset(&group->sealed);
    explicit_bzero(group->random, (size_t)GROUP_CELLS * CELL_RANDOM_BYTES);
    explicit_bzero(group->queued, group->count * sizeof *group->queued);
    group->count = group->cell_count = 0;
}

/* In the second thread. What can't be written ends the batch: those who queued it were told that it would be. */
static void write_group(void *context, void *piece)
{
    struct store_batch *batch = context;
    struct store *store = batch->store;
    struct group *group = piece;
    int error = 0;

    pthread_mutex_lock(&store->writing);
    for (unsigned i = 0; error == 0 && i < group->count && !batch->ended; i++) {
        error = inside_failed(store) ? -EIO : write_queued(batch, group, &group->queued[i]);
        end_if_broken(batch, error);
    }
    if (error < 0) {
        batch->ended = true;
        batch->failed = error;
    }
    pthread_mutex_unlock(&store->writing);
    inside_note(store, error);
    empty(group);
}

/* Waits until all that was queued is written, or can't be. */
static void drain(struct store_batch *batch)
{
    if (!batch->behind)
        return;
    if (batch->groups[batch->filling].count > 0) {
        behind_give(batch->behind, &batch->groups[batch->filling]);
        batch->filling = !batch->filling;
    }
    behind_wait(batch->behind);
    batch->next_subject = 0;
}

/* The batch can't go on; what is queued will never be written. */
static void end_for(struct store_batch *batch, struct group *group, int error)
{
    pthread_mutex_lock(&batch->store->writing);
    batch->ended = true;
    batch->failed = error;
    pthread_mutex_unlock(&batch->store->writing);
    empty(group);
}

/* Seals a subject and its items into the group. -EFBIG leaves the group as it was; -ENOMEM ends the batch. */
static int seal_queued(struct store_batch *batch, struct group *group, const struct store_subject *subject,
                       const struct store_item_draft *items, size_t item_count)
{
    struct queued *queued = &group->queued[group->count];
    struct cells cells = {
        .cells = group->cells + group->cell_count,
        .sealed = &group->sealed,
        .random = group->random + (size_t)group->cell_count * CELL_RANDOM_BYTES,
    };
    size_t began_bytes = group->sealed.length_bytes;
    int error;

    if (group->count == 0)
        randombytes_buf(group->random, (size_t)GROUP_CELLS * CELL_RANDOM_BYTES);
    queued->change =
        (struct change){.is_new = true, .id = subject->id, .version = 1, .pseudonym = subject->pseudonym};
    crypt_hash_code(batch->store->keys, subject->code, subject->code_bytes, queued->change.hash);
    error = seal_all(batch, &cells, &queued->change, subject, items, item_count);
    if (error == -ENOMEM) {
        end_for(batch, group, error); /* the buffer may have lost the others of the group as well */
        return error;
    }
    if (error < 0) {
        buffer_cut(&group->sealed, began_bytes);
        randombytes_buf(cells.random, cells.count * CELL_RANDOM_BYTES); /* a key seals once, whatever became of it */
        return error;
    }
    queued->first = group->cell_count;
    queued->cell_count = (unsigned)cells.count;
    group->cell_count += (unsigned)cells.count;
    group->count++;
    return 0;
}

static bool is_full(const struct group *group)
{
    return group->count == GROUP_SUBJECTS || group->cell_count > GROUP_CELLS - CELLS ||
           group->sealed.length_bytes >= GROUP_BYTES;
}

static int start_behind(struct store_batch *batch)
{
    if (batch->behind)
        return 0;
    if (!batch->groups)
        batch->groups = calloc(2, sizeof *batch->groups);
    for (unsigned i = 0; i < 2 && batch->groups; i++) {
        struct group *group = &batch->groups[i];

        if (!group->random)
            group->random = crypt_locked_new((size_t)GROUP_CELLS * CELL_RANDOM_BYTES);
        if (!group->random)
            return -ENOMEM;
    }
    return batch->groups ? behind_new(write_group, batch, &batch->behind) : -ENOMEM;
}

int store_batch_queue(struct store_batch *batch, struct store_subject *subject, const struct store_item_draft *items,
                      size_t item_count)
{
    struct store_subject draft;
    struct group *group;
    int error = subject->id != 0 ? -EINVAL : check_draft(subject, items, item_count);

    if (error < 0)
        return error;
    store_subject_copy(&draft, subject);
    if (start_behind(batch) < 0)
        return store_batch_put(batch, subject, items, item_count);
    group = &batch->groups[batch->filling];
    if (batch->next_subject == 0) {
        behind_wait(batch->behind);
        batch->next_subject = batch->store->counters.next_subject;
    }
    if (batch->next_subject > SCHEMA_SUBJECT_MAX)
        return -ENOSPC;
    draft.id = (uint32_t)batch->next_subject;
    randombytes_buf(&draft.pseudonym, sizeof draft.pseudonym);
    error = seal_queued(batch, group, &draft, items, item_count);
    if (error == 0) {
        batch->next_subject++;
        subject->id = draft.id;
        subject->version = 1;
        subject->pseudonym = draft.pseudonym;
        if (is_full(group)) {
            behind_give(batch->behind, group); /* the other one is written by now */
            batch->filling = !batch->filling;
            error = batch->failed;
        }
    }
    explicit_bzero(&draft, sizeof draft);
    return error;
}

int store_batch_put(struct store_batch *batch, struct store_subject *subject, const struct store_item_draft *items,
                    size_t item_count)
{
    struct store *store = batch->store;
    int error = check_draft(subject, items, item_count);

    if (error < 0)
        return error;
    drain(batch);
    pthread_mutex_lock(&store->writing);
    if (inside_failed(store))
        error = -EIO;
    else if (batch->ended)
        error = ended_by(batch);
    else
        error = put(batch, subject, items, item_count);
    end_if_broken(batch, error);
    pthread_mutex_unlock(&store->writing);
    return inside_note(store, error);
}

/* ---- ending ------------------------------------------------------------------------------------------------------- */

static int publish(struct store_batch *batch)
{
    sqlite3_stmt *statement = NULL;
    int error = open_transaction(batch);

    if (error == 0)
        error = sql_prepare(batch->store->db, "DELETE FROM batch WHERE number = ?1", &statement);
    if (error == 0) {
        sql_bind(statement, 1, &batch->number);
        error = sql_run(statement);
    }
    sqlite3_finalize(statement);
    if (error == 0)
        error = commit_part(batch);
    if (error < 0)
        batch->ended = true;
    return error;
}

int store_batch_publish(struct store_batch *batch)
{
    struct store *store = batch->store;
    int error = 0;

    drain(batch);
    pthread_mutex_lock(&store->writing);
    if (inside_failed(store))
        error = -EIO;
    else if (batch->ended)
        error = ended_by(batch);
    else if (batch->begun)
        error = publish(batch);
    if (error == 0) {
        /* Published and durable whatever comes now: intents that can't be carried out wait for the next time. */
        destroy_replaced(store, &(uint64_t){0});
        store->batch = NULL;
    }
    pthread_mutex_unlock(&store->writing);
    if (error == 0)
        batch_free(batch);
    return inside_note(store, error);
}

/* Slots whose rows were never committed first, since no row tells of them; then what the database knows of. */
static int take_back(struct store *store)
{
    int error;

    keyring_take_back(store->keyring, 0);
    keyring_set_next(store->keyring, (uint64_t)store->counters.next_slot);
    error = destroy_uncommitted_slots(store, &(uint64_t){0});
    if (error == 0 || error == -ENOSPC) {
        int rows = destroy_unpublished(store, &(uint64_t){0});

        error = rows < 0 ? rows : error;
    }
    return error;
}

void store_batch_abandon(struct store_batch *batch)
{
    struct store *store;

    if (!batch)
        return;
    store = batch->store;
    pthread_mutex_lock(&store->writing);
    batch->ended = true; /* what is queued need not be written any more */
    pthread_mutex_unlock(&store->writing);
    behind_wait(batch->behind);
    pthread_mutex_lock(&store->writing);
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->batch = NULL;
    /* A failed store is left as it is: the next open takes the batch back. */
    if (!inside_failed(store) && batch->begun && take_back(store) < 0)
        store->leftover = true;
    pthread_mutex_unlock(&store->writing);
    batch_free(batch);
}

/* ---- names: here, since a number must be durable even in the midst of a batch ------------------------------------- */

int store_number(struct store *store, enum store_names names, const char *name, uint32_t *number)
{
    return inside_failed(store) ? -EIO : names_find(store->names, names, name, number);
}

int store_name(struct store *store, enum store_names names, uint32_t number, char name[static 64])
{
    return inside_failed(store) ? -EIO : names_name(store->names, names, number, name);
}

int store_number_assign(struct store *store, enum store_names names, const char *name, uint32_t *number)
{
    int error = store_number(store, names, name, number);

    if (error != -ENOENT)
        return error;
    pthread_mutex_lock(&store->writing);
    error = store->batch ? commit_part(store->batch) : 0;
    if (error == -ECANCELED)
        error = 0;
    if (error == 0)
        error = names_add(store->names, store->db, names, name, number);
    pthread_mutex_unlock(&store->writing);
    return inside_note(store, error);
}
