/* The reading side: one connection, one set of statements and one piece of locked memory per thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/inside.h"
#include "fs/store/record.h"
#include "fs/store/sql.h"

enum { MAX_UNPUBLISHED = 8 }; /* there is one writer, so more than one is already strange */

/* A look-up and the open behind it, a script that reads the fields of a dossier one by one, a rendering: each asks for the same few
 * items again and again. */
enum { MAX_KEPT = 16, KEPT_MAX_BYTES = 65536 };

enum statement { BEGIN, COMMIT, UNPUBLISHED, FIND, ONE, WALK, ITEM, STATEMENTS };

static const char *const TEXTS[STATEMENTS] = {
    [BEGIN] = "BEGIN",
    [COMMIT] = "COMMIT",
    [UNPUBLISHED] = "SELECT number FROM batch",
    [FIND] = "SELECT id, batch FROM subject WHERE code_hash = ?1",
    [ONE] = "SELECT id, batch, generation, slot, sealed FROM summary WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC",
    [WALK] = ("SELECT id, batch, generation, slot, sealed FROM summary WHERE id > ?1 AND id < 1 << 51"
              " ORDER BY id"),
    [ITEM] = "SELECT id, batch, generation, slot, sealed FROM item WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC",
};
enum column { COLUMN_ID, COLUMN_BATCH, COLUMN_GENERATION, COLUMN_SLOT, COLUMN_SEALED };

struct store_reader {
    struct store *store;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    bool reading;   /* inside a read transaction */
    unsigned rests; /* how often it ended: whoever walks notices that its statement was reset */
    int64_t unpublished[MAX_UNPUBLISHED];
    unsigned unpublished_count;
    uint64_t tried;                  /* the slot whose key was asked for last; NO_SLOT: it didn't come to that */
    struct buffer plain;             /* what was opened last */
    struct buffer held;              /* sealed bytes of a walk's candidate */
    struct store_subject subject;    /* decoded last */
    uint8_t *key;                    /* locked */
    struct keyring_stretch *stretch; /* during a walk, and then NULL only for want of memory */
    struct kept {
        uint32_t subject, category; /* 0: none */
        struct store_item item;
    } kept[MAX_KEPT]; /* items opened since the last rest, which show no more than the transaction does */
    unsigned kept_next;
};

int store_reader_open(struct store *store, struct store_reader **out)
{
    struct store_reader *reader;
    int error;

    if (inside_failed(store))
        return -EIO;
    reader = calloc(1, sizeof *reader);
    if (!reader)
        return -ENOMEM;
    reader->store = store;
    reader->key = crypt_locked_new(CRYPT_KEY_BYTES);
    error = reader->key ? schema_open_reader(store->database, &reader->db) : -ENOMEM;
    for (size_t i = 0; error == 0 && i < STATEMENTS; i++)
        error = sql_prepare(reader->db, TEXTS[i], &reader->statements[i]);
    if (error < 0) {
        store_reader_close(reader);
        return inside_note(store, error);
    }
    *out = reader;
    return 0;
}

void store_reader_close(struct store_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(reader->statements[i]);
    sqlite3_close(reader->db);
    crypt_locked_free(reader->key);
    buffer_clear(&reader->plain);
    buffer_clear(&reader->held);
    for (unsigned i = 0; i < MAX_KEPT; i++)
        store_item_clear(&reader->kept[i].item);
    explicit_bzero(reader, sizeof *reader);
    free(reader);
}

static void drop_kept(struct store_reader *reader)
{
    for (unsigned i = 0; i < MAX_KEPT; i++) {
        if (reader->kept[i].subject > 0)
            buffer_reset(&reader->kept[i].item.plain);
        reader->kept[i].subject = 0;
    }
}

void store_reader_rest(struct store_reader *reader)
{
    reader->rests++;
    drop_kept(reader);
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_reset(reader->statements[i]);
    if (!reader->reading)
        return;
    sql_run(reader->statements[COMMIT]);
    reader->reading = false;
}

static int load_unpublished(struct store_reader *reader)
{
    sqlite3_stmt *statement = reader->statements[UNPUBLISHED];
    int rc;

    reader->unpublished_count = 0;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW && reader->unpublished_count < MAX_UNPUBLISHED)
        reader->unpublished[reader->unpublished_count++] = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return rc == SQLITE_ROW ? -EBADMSG : sql_error(rc);
}

/* Everything read until the next rest is of one state of the database, the list of unpublished batches too. */
static int begin(struct store_reader *reader)
{
    int error;

    if (inside_failed(reader->store))
        return -EIO;
    if (reader->reading)
        return 0;
    error = sql_run(reader->statements[BEGIN]);
    if (error < 0)
        return error;
    reader->reading = true;
    error = load_unpublished(reader);
    if (error < 0)
        store_reader_rest(reader);
    return error;
}

static bool is_published(const struct store_reader *reader, int64_t batch)
{
    for (unsigned i = 0; i < reader->unpublished_count; i++)
        if (reader->unpublished[i] == batch)
            return false;
    return true;
}

/* Steps to the first published row. -ENOENT if there is none. */
static int seek_published(struct store_reader *reader, sqlite3_stmt *statement)
{
    int rc;

    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        if (is_published(reader, sqlite3_column_int64(statement, COLUMN_BATCH)))
            return 0;
    return rc == SQLITE_DONE ? -ENOENT : sql_error(rc);
}

struct row {
    struct keyring_slot slot;
    const void *sealed;
    size_t sealed_bytes;
};

static int get_row(sqlite3_stmt *statement, uint32_t subject, uint32_t category, struct row *row)
{
    int64_t generation = sqlite3_column_int64(statement, COLUMN_GENERATION);
    int64_t number = sqlite3_column_int64(statement, COLUMN_SLOT);

    if (generation < 0 || generation > UINT32_MAX || number < 0)
        return -EBADMSG;
    row->slot.generation = (uint32_t)generation;
    row->slot.number = (uint64_t)number;
    row->slot.place.subject = subject;
    row->slot.place.category = category;
    row->slot.place.version = (uint32_t)(sqlite3_column_int64(statement, COLUMN_ID) & SCHEMA_VERSION_MAX);
    row->sealed = sqlite3_column_blob(statement, COLUMN_SEALED);
    row->sealed_bytes = (size_t)sqlite3_column_bytes(statement, COLUMN_SEALED);
    return row->sealed ? 0 : -EBADMSG;
}

/* A key may be destroyed while this thread still looks at the state of the database before. So what can't be opened is
 * looked up again in the newest state; only if the same slot fails once more is it damage. */
struct retry {
    uint64_t slot;
    unsigned tries;
};
enum { MAX_TRIES = 100 };
#define NO_SLOT     UINT64_MAX
#define RETRY_FIRST ((struct retry){.slot = NO_SLOT - 1})

static bool try_again(struct store_reader *reader, struct retry *retry, int error)
{
    if (error != -EBADMSG || retry->slot == reader->tried || ++retry->tries > MAX_TRIES)
        return false;
    retry->slot = reader->tried;
    store_reader_rest(reader);
    return true;
}

/* Opens a row into reader->plain. */
static int open_row(struct store_reader *reader, const struct row *row, const uint8_t **content,
                    size_t *content_bytes)
{
    struct store *store = reader->store;
    int error = reader->stretch ? keyring_read_along(store->keyring, reader->stretch, &row->slot, reader->key)
                                : keyring_read(store->keyring, &row->slot, reader->key);

    reader->tried = row->slot.number;
    if (error == 0)
        error = crypt_open_cell(store->keys, reader->key, &row->slot.place, row->sealed, row->sealed_bytes,
                                &reader->plain, content, content_bytes);
    explicit_bzero(reader->key, CRYPT_KEY_BYTES);
    return error;
}

/* Finds the newest published row in `statement`'s range and opens it. */
static int open_newest(struct store_reader *reader, sqlite3_stmt *statement, int64_t first, uint32_t subject,
                       uint32_t category, struct row *row, const uint8_t **content, size_t *content_bytes)
{
    int error = begin(reader);

    reader->tried = NO_SLOT;
    if (error < 0)
        return error;
    sql_bind(statement, 2, (int64_t[]){first, first + SCHEMA_VERSION_MAX});
    error = seek_published(reader, statement);
    if (error == 0)
        error = get_row(statement, subject, category, row);
    if (error == 0)
        error = open_row(reader, row, content, content_bytes);
    sqlite3_reset(statement);
    return error;
}

/* ---- summaries -------------------------------------------------------------------------------------------------- */

/* Decodes into reader->subject. */
static int decode_subject(struct store_reader *reader, const struct row *row, const uint8_t *content,
                          size_t content_bytes)
{
    int error = record_get_subject(content, content_bytes, &reader->subject);

    buffer_reset(&reader->plain);
    reader->subject.id = row->slot.place.subject;
    reader->subject.version = row->slot.place.version;
    return error;
}

static int read_subject(struct store_reader *reader, uint32_t subject_id)
{
    const uint8_t *content;
    size_t content_bytes;
    struct row row;
    int error = open_newest(reader, reader->statements[ONE], schema_summary_row(subject_id, 0), subject_id, 0, &row,
                            &content, &content_bytes);

    return error < 0 ? error : decode_subject(reader, &row, content, content_bytes);
}

/* Into reader->subject, as often as it takes. */
static int read_newest_subject(struct store_reader *reader, uint32_t subject_id)
{
    struct retry retry = RETRY_FIRST;
    int error = -ENOENT;

    if (subject_id > SCHEMA_SUBJECT_MAX)
        return inside_failed(reader->store) ? -EIO : -ENOENT;
    do
        error = read_subject(reader, subject_id);
    while (try_again(reader, &retry, error));
    return inside_note(reader->store, error);
}

int store_read_subject(struct store_reader *reader, uint32_t subject_id, struct store_subject *subject)
{
    int error = read_newest_subject(reader, subject_id);

    if (error == 0)
        store_subject_copy(subject, &reader->subject);
    explicit_bzero(&reader->subject, sizeof reader->subject);
    return error;
}

static int find(struct store_reader *reader, const char *code, size_t code_bytes, uint32_t *subject)
{
    sqlite3_stmt *statement = reader->statements[FIND];
    uint8_t hash[CRYPT_CODE_HASH_BYTES];
    int64_t id;
    int error = begin(reader);
    int rc;

    if (error < 0)
        return error;
    crypt_hash_code(reader->store->keys, code, code_bytes, hash);
    sqlite3_bind_blob(statement, 1, hash, sizeof hash, SQLITE_STATIC);
    rc = sqlite3_step(statement);
    id = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    if (rc == SQLITE_ROW && !is_published(reader, sqlite3_column_int64(statement, 1)))
        rc = SQLITE_DONE;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? -ENOENT : sql_error(rc);
    if (id < 1 || id > SCHEMA_SUBJECT_MAX)
        return -EBADMSG;
    *subject = (uint32_t)id;
    return 0;
}

/* The table of hashes isn't sealed: someone with write access could let a code lead to another's dossier. So the code in
 * the sealed summary has the last word. */
int store_find(struct store_reader *reader, const char *code, size_t code_bytes, uint32_t *subject)
{
    uint32_t found = 0;
    int error;

    if (code_bytes < 1 || code_bytes > STORE_CODE_MAX_BYTES)
        return inside_failed(reader->store) ? -EIO : -ENOENT;
    error = inside_note(reader->store, find(reader, code, code_bytes, &found));
    if (error < 0)
        return error;
    error = read_newest_subject(reader, found);
    if (error == -ENOENT || (error == 0 && (reader->subject.code_bytes != code_bytes ||
                                            memcmp(reader->subject.code, code, code_bytes) != 0)))
        error = -EBADMSG;
    explicit_bzero(&reader->subject, sizeof reader->subject);
    if (error == 0)
        *subject = found;
    return error;
}

/* ---- the walk over all subjects ----------------------------------------------------------------------------------- */

struct walk {
    struct store_reader *reader;
    int (*each)(void *context, const struct store_subject *subject);
    void *context;
    int answer; /* of `each`; other than 0 ends the walk */
    uint64_t damaged;
    int64_t at;   /* everything up to this row is done */
    bool holding; /* `row` is a subject's newest published summary so far, its cell copied to reader->held */
    struct row row;
};

/* Hands over the held candidate. */
static int walk_hand_over(struct walk *walk)
{
    struct store_reader *reader = walk->reader;
    uint32_t subject = walk->row.slot.place.subject;
    const uint8_t *content;
    size_t content_bytes;
    int error = open_row(reader, &walk->row, &content, &content_bytes);

    walk->holding = false;
    walk->at = schema_summary_row(subject, SCHEMA_VERSION_MAX);
    if (error == 0)
        error = decode_subject(reader, &walk->row, content, content_bytes);
    if (error == -EBADMSG)
        error = read_newest_subject(reader, subject);
    if (error == 0)
        walk->answer = walk->each(walk->context, &reader->subject);
    if (error == -EBADMSG)
        walk->damaged++;
    return error == -EBADMSG || error == -ENOENT ? 0 : error;
}

/* Keeps a row as the candidate, copied: the statement's next step takes its bytes away. */
static int walk_hold(struct walk *walk, sqlite3_stmt *statement, uint32_t subject)
{
    buffer_reset(&walk->reader->held);
    walk->holding = true;
    /* A row that makes no sense is held too, as one that no key fits, and so counts as damaged. */
    if (get_row(statement, subject, 0, &walk->row) < 0)
        walk->row = (struct row){.slot.place.subject = subject};
    if (buffer_append(&walk->reader->held, walk->row.sealed, walk->row.sealed_bytes) < 0)
        return -ENOMEM;
    walk->row.sealed = walk->reader->held.bytes;
    return 0;
}

/* Goes on behind walk->at until all is done, `each` has had enough, or something made the reader rest, which reset the
 * statement: then *again is set. */
static int walk_stretch(struct walk *walk, bool *again)
{
    struct store_reader *reader = walk->reader;
    sqlite3_stmt *statement = reader->statements[WALK];
    int error = begin(reader);
    unsigned rests = reader->rests;
    int rc = SQLITE_DONE;

    *again = false;
    if (error < 0)
        return error;
    sql_bind(statement, 1, &walk->at);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        uint32_t subject = (uint32_t)(sqlite3_column_int64(statement, COLUMN_ID) >> SCHEMA_VERSION_BITS);

        if (walk->holding && walk->row.slot.place.subject != subject) {
            error = walk_hand_over(walk);
            *again = reader->rests != rests;
            if (error < 0 || walk->answer != 0 || *again)
                return error;
        }
        if (is_published(reader, sqlite3_column_int64(statement, COLUMN_BATCH)))
            error = walk_hold(walk, statement, subject);
        if (error < 0)
            return error;
    }
    error = sql_error(rc);
    return error == 0 && walk->holding ? walk_hand_over(walk) : error;
}

int store_each_subject(struct store_reader *reader, uint32_t after,
                       int (*each)(void *context, const struct store_subject *subject), void *context,
                       uint64_t *damaged)
{
    struct walk walk = {.reader = reader, .each = each, .context = context};
    bool again = true;
    int error = 0;

    if (after > 0)
        walk.at = schema_summary_row(after, SCHEMA_VERSION_MAX);
    reader->stretch = keyring_stretch_new();
    while (again && error == 0 && walk.answer == 0) {
        walk.holding = false;
        error = walk_stretch(&walk, &again);
        sqlite3_reset(reader->statements[WALK]);
    }
    keyring_stretch_free(reader->stretch);
    reader->stretch = NULL;
    explicit_bzero(&reader->subject, sizeof reader->subject);
    if (damaged)
        *damaged += walk.damaged;
    return error < 0 ? inside_note(reader->store, error) : walk.answer;
}

/* ---- items ------------------------------------------------------------------------------------------------------ */

void store_item_clear(struct store_item *item)
{
    buffer_clear(&item->plain);
    free(item->fields);
    item->fields = NULL;
    item->field_count = 0;
}

/* The item takes the reader's buffer and gives its own in exchange: no byte is copied, no memory asked for. */
static int hand_item(struct store_reader *reader, const uint8_t *content, size_t content_bytes,
                     struct store_item *item)
{
    int count = record_count_fields(content, content_bytes);
    struct store_field *fields;
    struct buffer before;

    if (count < 0)
        return count;
    fields = reallocarray(item->fields, (size_t)count + 1, sizeof *fields);
    if (!fields)
        return -ENOMEM;
    record_get_fields(content, content_bytes, fields);
    item->fields = fields;
    item->field_count = (unsigned)count;
    before = item->plain;
    item->plain = reader->plain;
    reader->plain = before;
    return 0;
}

static int read_item(struct store_reader *reader, uint32_t subject_id, uint32_t category, struct store_item *item)
{
    const uint8_t *content;
    size_t content_bytes;
    struct row row;
    int error = open_newest(reader, reader->statements[ITEM], schema_item_row(subject_id, category, 0), subject_id,
                            category, &row, &content, &content_bytes);

    if (error == 0)
        error = hand_item(reader, content, content_bytes, item);
    buffer_reset(&reader->plain);
    return error;
}

int store_read_item(struct store_reader *reader, uint32_t subject_id, uint32_t category, struct store_item *item)
{
    struct retry retry = RETRY_FIRST;
    int error;

    if (subject_id > SCHEMA_SUBJECT_MAX || category < 1 || category > SCHEMA_CATEGORY_MAX)
        return inside_failed(reader->store) ? -EIO : -ENOENT;
    do
        error = read_item(reader, subject_id, category, item);
    while (try_again(reader, &retry, error));
    return inside_note(reader->store, error);
}

int store_borrow_item(struct store_reader *reader, uint32_t subject_id, uint32_t category,
                      const struct store_item **item)
{
    struct kept *kept;
    int error;

    if (inside_failed(reader->store))
        return -EIO;
    for (unsigned i = 0; i < MAX_KEPT; i++)
        if (reader->kept[i].subject == subject_id && reader->kept[i].category == category && subject_id > 0) {
            *item = &reader->kept[i].item;
            return 0;
        }
    kept = &reader->kept[reader->kept_next++ % MAX_KEPT];
    store_item_clear(&kept->item);
    kept->subject = 0;
    error = store_read_item(reader, subject_id, category, &kept->item);
    if (error)
        return error;
    /* A large one is lent, but not kept: the next borrowing in its place frees it. */
    kept->subject = kept->item.plain.length_bytes <= KEPT_MAX_BYTES ? subject_id : 0;
    kept->category = category;
    *item = &kept->item;
    return 0;
}
