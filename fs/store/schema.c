#include "fs/store/schema.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/sql.h"

enum {
    APPLICATION_ID = 0x646f7373, /* "doss" */
    CHECK_BYTES = CRYPT_ID_BYTES + CRYPT_BOX_EXTRA_BYTES,
    SUBJECT_START_BELOW = 1 << 30,
    BATCH_START_BELOW = 1 << 30,
};

/* STEPS[n] takes a database from version n to n + 1. A new store takes them all. */
static const char *const STEPS[] = {
    "CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), sealed BLOB NOT NULL, next_subject INTEGER NOT NULL,"
    " next_slot INTEGER NOT NULL, next_batch INTEGER NOT NULL) STRICT;"
    "CREATE TABLE name (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;"
    "CREATE TABLE subject (id INTEGER PRIMARY KEY, batch INTEGER NOT NULL, code_hash BLOB NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE summary (id INTEGER PRIMARY KEY, batch INTEGER NOT NULL, generation INTEGER NOT NULL,"
    " slot INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;"
    "CREATE TABLE item (id INTEGER PRIMARY KEY, batch INTEGER NOT NULL, generation INTEGER NOT NULL,"
    " slot INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;"
    "CREATE TABLE batch (number INTEGER PRIMARY KEY, first_slot INTEGER NOT NULL, first_subject INTEGER NOT NULL) "
    "STRICT;"
    "CREATE TABLE intent (slot INTEGER PRIMARY KEY, batch INTEGER NOT NULL, summary INTEGER NOT NULL) STRICT;",
};
enum { NEWEST = sizeof STEPS / sizeof STEPS[0] };

int64_t schema_summary_row(uint32_t subject, uint32_t version)
{
    return (int64_t)subject << SCHEMA_VERSION_BITS | version;
}

int64_t schema_item_row(uint32_t subject, uint32_t category, uint32_t version)
{
    return (int64_t)subject << 32 | (int64_t)category << SCHEMA_VERSION_BITS | version;
}

static int ask_integer(sqlite3 *db, const char *question, int64_t *answer)
{
    sqlite3_stmt *statement = NULL;
    int error = sql_prepare(db, question, &statement);

    if (error == 0) {
        int rc = sqlite3_step(statement);

        error = rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? -EBADMSG : sql_error(rc);
        if (error == 0)
            *answer = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return error;
}

/* Takes the database to the newest version, each step whole or not at all. */
static int migrate(sqlite3 *db)
{
    int64_t version;
    int error = ask_integer(db, "PRAGMA user_version", &version);

    for (; error == 0 && version < NEWEST; version++) {
        char done[64];

        snprintf(done, sizeof done, "PRAGMA user_version = %d", (int)version + 1);
        error = sql_exec(db, "BEGIN IMMEDIATE");
        if (error == 0)
            error = sql_exec(db, STEPS[version]);
        if (error == 0)
            error = sql_exec(db, done);
        if (error == 0)
            error = sql_exec(db, "COMMIT");
        if (error < 0 && !sqlite3_get_autocommit(db))
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return error;
}

/* Names, views and triggers in a file that someone else may have written must not make SQLite run anything. */
static int harden(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, (int *)NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    return sql_exec(db, "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;");
}

static int connect(const char *path, int flags, sqlite3 **out)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db,
                             flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, NULL);
    int error = (rc & 0xff) == SQLITE_CANTOPEN ? -EIO : sql_error(rc);

    if (error == 0)
        error = harden(db);
    if (error < 0) {
        sqlite3_close(db);
        return error;
    }
    *out = db;
    return 0;
}

/* secure_delete: a dropped row's cell is sealed and its key is gone, but it need not stay either. A checkpoint comes
 * after 16 MiB: about one per commit of an import, so that the log doesn't grow without end. */
static int set_up_writer(sqlite3 *db)
{
    return sql_exec(db, "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 4096;"
                        "PRAGMA cell_size_check = ON;"
                        "PRAGMA cache_size = -32768; PRAGMA journal_size_limit = 67108864;");
}

/* On a full disk SQLite can't make its shared memory and calls that an I/O error. Before anything was written that is no
 * reason to distrust the disk. */
static int opening_error(sqlite3 *db, int error)
{
    return error == -EIO && db && sqlite3_system_errno(db) == ENOSPC ? -ENOSPC : error;
}

int schema_open_writer(const char *path, sqlite3 **out)
{
    sqlite3 *db = NULL;
    int error = connect(path, SQLITE_OPEN_READWRITE, &db);

    if (error == 0)
        error = set_up_writer(db);
    if (error == 0)
        error = migrate(db);
    if (error < 0) {
        error = opening_error(db, error);
        schema_close_untouched(db);
        return error;
    }
    *out = db;
    return 0;
}

/* mmap saves a reader about 2 us a look-up on a large store. cell_size_check is the writer's: here it would go over every
 * cell of a page at each visit, and SQLite checks what it touches anyway. */
int schema_open_reader(const char *path, sqlite3 **out)
{
    sqlite3 *db = NULL;
    int error = connect(path, SQLITE_OPEN_READONLY, &db);

    if (error == 0)
        error = sql_exec(db, "PRAGMA query_only = ON; PRAGMA mmap_size = 2147418112; PRAGMA cache_size = -8192;");
    if (error < 0) {
        sqlite3_close(db);
        return error;
    }
    *out = db;
    return 0;
}

void schema_close_untouched(sqlite3 *db)
{
    if (!db)
        return;
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    sqlite3_close(db);
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

static int insert_meta(sqlite3 *db, const struct crypt_keys *keys)
{
    uint8_t nonce[CRYPT_NONCE_BYTES], sealed[CHECK_BYTES];
    sqlite3_stmt *statement = NULL;
    int error = sql_prepare(db, "INSERT INTO meta VALUES (1, ?4, ?1, ?2, ?3)", &statement);

    if (error < 0)
        return error;
    randombytes_buf(nonce, sizeof nonce);
    crypt_seal_box(keys->check, keys->store_id, CRYPT_ID_BYTES, nonce, keys->store_id, CRYPT_ID_BYTES, sealed);
    /* Random starts: rows of equal data must not be equal, and a number must not tell how old a store is. */
    sql_bind(statement, 3,
             (int64_t[]){1 + randombytes_uniform(SUBJECT_START_BELOW - 1), 0,
                         1 + randombytes_uniform(BATCH_START_BELOW - 1)});
    sqlite3_bind_blob(statement, 4, sealed, sizeof sealed, SQLITE_STATIC);
    error = sql_run(statement);
    sqlite3_finalize(statement);
    return error;
}

int schema_create(const char *path, const struct crypt_keys *keys)
{
    sqlite3 *db = NULL;
    char identify[64];
    int error = connect(path, SQLITE_OPEN_READWRITE, &db);

    snprintf(identify, sizeof identify, "PRAGMA application_id = %d", APPLICATION_ID);
    if (error == 0)
        error = set_up_writer(db);
    if (error == 0)
        error = sql_exec(db, "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;");
    if (error == 0)
        error = sql_exec(db, identify);
    if (error == 0)
        error = migrate(db);
    if (error == 0)
        error = insert_meta(db, keys);
    if (error == 0)
        error = sql_error(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
    error = opening_error(db, error);
    if (error == 0)
        error = sql_error(sqlite3_close(db));
    else
        sqlite3_close(db);
    return error;
}

/* ---- checking --------------------------------------------------------------------------------------------------- */

static int check_meta(sqlite3 *db, const struct crypt_keys *keys)
{
    sqlite3_stmt *statement = NULL;
    uint8_t id[CRYPT_ID_BYTES];
    int error = sql_prepare(db, "SELECT sealed FROM meta WHERE id = 1", &statement);

    if (error == 0) {
        int rc = sqlite3_step(statement);

        error = sql_error(rc);
        if (error == 0 && (rc != SQLITE_ROW || sqlite3_column_bytes(statement, 0) != CHECK_BYTES ||
                           crypt_open_box(keys->check, keys->store_id, CRYPT_ID_BYTES,
                                          sqlite3_column_blob(statement, 0), id, sizeof id) < 0 ||
                           memcmp(id, keys->store_id, sizeof id) != 0))
            error = -EBADMSG;
    }
    sqlite3_finalize(statement);
    return error;
}

static int check_open(sqlite3 *db, const struct crypt_keys *keys, struct report_why *why)
{
    int64_t application = 0, version = 0, strange = 0;
    int error = ask_integer(db, "PRAGMA application_id", &application);

    if (error == 0)
        error = ask_integer(db, "PRAGMA user_version", &version);
    if (error == 0 && (application != APPLICATION_ID || version < 1))
        error = -EBADMSG;
    if (error == 0 && version > NEWEST)
        return report_fail(why, -ENOTSUP, "records.db has version %lld, this program knows %d", (long long)version,
                           NEWEST);
    if (error == 0)
        error = ask_integer(db, "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')", &strange);
    if (error == 0 && strange != 0)
        error = -EBADMSG;
    if (error == 0)
        error = check_meta(db, keys);
    if (error == -EBADMSG)
        return report_fail(why, error, "records.db was altered, cut short, or belongs to another store");
    error = opening_error(db, error);
    return error < 0 ? report_fail(why, error, "can't read records.db: %s", strerror(-error)) : 0;
}

/* The characters that mean something in a URI, and all that aren't printable, go as %XX. */
static void put_uri_path(struct buffer *uri, const char *path)
{
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;

        if (c <= ' ' || c >= 0x7f || strchr("%?#", c))
            buffer_printf(uri, "%%%02X", c);
        else
            buffer_append_u8(uri, c);
    }
}

/* "immutable" leaves not even an empty log behind. But a checkpoint that was cut off makes the file alone nonsense, so
 * where there is a log it must be read as well. */
int schema_check(const char *path, bool has_log, const struct crypt_keys *keys, struct report_why *why)
{
    struct buffer uri = BUFFER_EMPTY;
    sqlite3 *db = NULL;
    const char *text;
    int error;

    buffer_append_text(&uri, "file://");
    put_uri_path(&uri, path);
    buffer_append_text(&uri, has_log ? "?mode=ro" : "?immutable=1");
    text = buffer_text(&uri);
    error = uri.failed ? -ENOMEM : connect(text, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &db);
    if (error == -EBADMSG)
        report_fail(why, error, "records.db was altered or cut short");
    else if (error < 0)
        report_fail(why, error, "can't open records.db: %s", strerror(-error));
    else
        error = check_open(db, keys, why);
    schema_close_untouched(db);
    buffer_clear(&uri);
    return error;
}

/* ---- counters --------------------------------------------------------------------------------------------------- */

int schema_load_counters(sqlite3 *db, struct schema_counters *counters)
{
    struct schema_counters loaded = {0};
    int error = ask_integer(db, "SELECT next_subject FROM meta", &loaded.next_subject);

    if (error == 0)
        error = ask_integer(db, "SELECT next_slot FROM meta", &loaded.next_slot);
    if (error == 0)
        error = ask_integer(db, "SELECT next_batch FROM meta", &loaded.next_batch);
    if (error < 0)
        return error;
    if (loaded.next_subject < 1 || loaded.next_subject > SCHEMA_SUBJECT_MAX + 1 || loaded.next_slot < 0 ||
        loaded.next_batch < 1)
        return -EBADMSG;
    *counters = loaded;
    return 0;
}

int schema_save_counters(sqlite3 *db, const struct schema_counters *counters)
{
    sqlite3_stmt *statement = NULL;
    int error = sql_prepare(db, "UPDATE meta SET next_subject = ?1, next_slot = ?2, next_batch = ?3", &statement);

    if (error == 0) {
        sql_bind(statement, 3, (int64_t[]){counters->next_subject, counters->next_slot, counters->next_batch});
        error = sql_run(statement);
    }
    sqlite3_finalize(statement);
    return error;
}
