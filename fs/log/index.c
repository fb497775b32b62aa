#include "fs/log/index.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fs/base/bytes.h"
#include "fs/log/batch.h"
#include "fs/log/entry.h"
#include "fs/log/reader.h"
#include "fs/log/segment.h"

enum {
    APPLICATION_ID = 0x4446534c, /* DFSL */
    VERSION = 1,
    ENTRIES_PER_COMMIT = 50000,
    ENTRIES_PER_SPAN = 1024,
    REST_NS = 1000000000,
};
/* Each column that stands for a name or number has a hash key of its own, so that values can't be compared across them. */
enum hash_key { HASH_USER, HASH_UID, HASH_SUBJECT, HASH_PURPOSE, HASH_OWNER, HASH_IDS, HASH_KEYS };

static const char hash_context[crypto_kdf_CONTEXTBYTES] = "dfslog-i";

/* How far the index goes. */
struct progress {
    uint64_t size;                 /* leaves taken in, lost ones included */
    uint32_t segment;              /* the next batch is looked for here ... */
    uint64_t offset;               /* ... from here on */
    uint64_t last;                 /* offset of the last batch taken in, 0 if there is none in this segment */
    uint8_t root[TREE_HASH_BYTES]; /* the root that it recorded: if it is another one, the index is not of this log */
};

/* That an entry is about a subject. These are kept until the end of a transaction and go in sorted: scattered over the
 * whole table, one by one, they would cost more than all the rest. */
struct about {
    int64_t subject; /* hash */
    uint64_t leaf;
};

/* The times of a stretch of entries: enough to find where a day lies, and nearly free, unlike an index on time. */
struct span {
    uint64_t first, end; /* leaves; end 0: empty */
    int64_t low_ms, high_ms;
};

struct index {
    pthread_mutex_t lock; /* guards all below that changes */
    int directory_fd;
    char *path; /* of index.db */
    uint8_t store_id[LOG_STORE_ID_BYTES];
    struct months *months;
    uint8_t *keys; /* HASH_KEYS of them, locked memory */
    sqlite3 *db;   /* NULL: not open */
    sqlite3_stmt *insert, *insert_bad, *insert_about, *insert_span, *save;
    struct progress progress;
    struct about *abouts;
    size_t about_count, about_capacity;
    struct span span;
    struct buffer body;
};

static const char schema[] =
    "CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), owner INTEGER NOT NULL, clean INTEGER NOT NULL,"
    " size INTEGER NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL, last INTEGER NOT NULL,"
    " root BLOB NOT NULL) STRICT;"
    "CREATE TABLE entry (leaf INTEGER PRIMARY KEY, time INTEGER NOT NULL, user INTEGER, uid INTEGER,"
    " purpose INTEGER, what INTEGER, outcome INTEGER, segment INTEGER NOT NULL, batch INTEGER NOT NULL,"
    " place INTEGER NOT NULL, first INTEGER NOT NULL) STRICT;"
    "CREATE TABLE about (subject INTEGER NOT NULL, leaf INTEGER NOT NULL, PRIMARY KEY (subject, leaf))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE span (first INTEGER PRIMARY KEY, end INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL)"
    " STRICT;"
    "CREATE TABLE bad (leaf INTEGER PRIMARY KEY) STRICT;";

static int64_t hash(const struct index *index, enum hash_key which, const void *value, size_t length_bytes)
{
    uint8_t out[crypto_shorthash_BYTES];

    crypto_shorthash(out, value, length_bytes, index->keys + (size_t)which * crypto_shorthash_KEYBYTES);
    return (int64_t)bytes_get_u64(out);
}

void index_ids(const struct index *index, uint64_t leaf, uint8_t trace[static 16], uint8_t span[static 8])
{
    uint8_t number[8], ids[24];

    bytes_put_u64(number, leaf);
    crypto_generichash(ids, sizeof ids, number, sizeof number,
                       index->keys + (size_t)HASH_IDS * crypto_shorthash_KEYBYTES, crypto_shorthash_KEYBYTES);
    memcpy(trace, ids, 16);
    memcpy(span, ids + 16, 8);
}

static int64_t hash_number(const struct index *index, enum hash_key which, uint64_t value)
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, value);
    return hash(index, which, bytes, sizeof bytes);
}

static int64_t hash_text(const struct index *index, enum hash_key which, const char *text)
{
    return hash(index, which, text, strlen(text));
}

/* -EUCLEAN: what is in the file makes no sense, so it has to be made anew. */
static int error_of(const struct index *index)
{
    switch (sqlite3_errcode(index->db) & 0xff) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EIO;
    default:
        return -EUCLEAN;
    }
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

int index_new(int directory_fd, const char *path, const uint8_t key[static LOG_KEY_BYTES],
              const uint8_t store_id[static LOG_STORE_ID_BYTES], struct months *months, struct index **out)
{
    struct index *index = calloc(1, sizeof *index);
    char *directory = realpath(path, NULL);

    if (!index || !directory || asprintf(&index->path, "%s/index.db", directory) < 0)
        goto fail;
    pthread_mutex_init(&index->lock, NULL);
    index->directory_fd = directory_fd;
    index->months = months;
    memcpy(index->store_id, store_id, LOG_STORE_ID_BYTES);
    index->keys = sodium_malloc((size_t)HASH_KEYS * crypto_shorthash_KEYBYTES);
    if (!index->keys)
        goto fail;
    for (size_t i = 0; i < HASH_KEYS; i++)
        crypto_kdf_derive_from_key(index->keys + i * crypto_shorthash_KEYBYTES, crypto_shorthash_KEYBYTES, i + 1,
                                   hash_context, key);
    free(directory);
    *out = index;
    return 0;
fail:
    free(directory);
    index_free(index);
    return -ENOMEM;
}

static void close_file(struct index *index)
{
    sqlite3_finalize(index->insert);
    sqlite3_finalize(index->insert_bad);
    sqlite3_finalize(index->insert_about);
    sqlite3_finalize(index->insert_span);
    sqlite3_finalize(index->save);
    index->insert = index->insert_bad = index->insert_about = index->insert_span = index->save = NULL;
    index->about_count = 0;
    index->span = (struct span){0};
    sqlite3_close(index->db);
    index->db = NULL;
}

static int execute(struct index *index, const char *sql)
{
    return sqlite3_exec(index->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : error_of(index);
}

static int prepare(struct index *index, const char *sql, sqlite3_stmt **out)
{
    return sqlite3_prepare_v2(index->db, sql, -1, out, NULL) == SQLITE_OK ? 0 : error_of(index);
}

/* One number that a statement yields; -1 if it yields none. */
static int64_t ask(struct index *index, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t answer = -1;

    if (prepare(index, sql, &statement) == 0 && sqlite3_step(statement) == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

static int open_file(struct index *index)
{
    /* Made here for its mode: SQLite gives its other files that of the first. */
    int fd = openat(index->directory_fd, "index.db", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error;

    if (fd < 0)
        return -errno;
    close(fd);
    if (sqlite3_open_v2(index->path, &index->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        close_file(index);
        return -EIO;
    }
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(index->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* Nobody else opens it, which spares the shared-memory file; lost after a power cut means made anew, so no syncs. */
    error = execute(index, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                           "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA secure_delete = ON;");
    if (error)
        close_file(index);
    return error;
}

static int prepare_writes(struct index *index)
{
    int error = prepare(index, "INSERT OR REPLACE INTO entry VALUES (?,?,?,?,?,?,?,?,?,?,?)", &index->insert);

    if (!error)
        error = prepare(index, "INSERT OR IGNORE INTO bad VALUES (?)", &index->insert_bad);
    if (!error)
        error = prepare(index, "INSERT OR IGNORE INTO about VALUES (?,?)", &index->insert_about);
    if (!error)
        error = prepare(index, "REPLACE INTO span VALUES (?,?,?,?)", &index->insert_span);
    if (!error)
        error = prepare(index, "REPLACE INTO progress VALUES (1,?,?,?,?,?,?,?)", &index->save);
    return error;
}

static int save_progress(struct index *index, bool clean)
{
    sqlite3_stmt *save = index->save;

    sqlite3_bind_int64(save, 1, hash(index, HASH_OWNER, index->store_id, sizeof index->store_id));
    sqlite3_bind_int(save, 2, clean);
    sqlite3_bind_int64(save, 3, (int64_t)index->progress.size);
    sqlite3_bind_int64(save, 4, index->progress.segment);
    sqlite3_bind_int64(save, 5, (int64_t)index->progress.offset);
    sqlite3_bind_int64(save, 6, (int64_t)index->progress.last);
    sqlite3_bind_blob(save, 7, index->progress.root, sizeof index->progress.root, SQLITE_STATIC);
    sqlite3_step(save);
    return sqlite3_reset(save) == SQLITE_OK ? 0 : error_of(index);
}

/* Was the file closed properly, by this log's owner? */
static bool load_progress(struct index *index, bool *clean)
{
    sqlite3_stmt *load = NULL;
    bool fits = false;

    if (prepare(index, "SELECT owner, clean, size, segment, offset, last, root FROM progress", &load) == 0 &&
        sqlite3_step(load) == SQLITE_ROW && sqlite3_column_bytes(load, 6) == TREE_HASH_BYTES &&
        sqlite3_column_int64(load, 0) == hash(index, HASH_OWNER, index->store_id, sizeof index->store_id)) {
        *clean = sqlite3_column_int(load, 1) != 0;
        index->progress.size = (uint64_t)sqlite3_column_int64(load, 2);
        index->progress.segment = (uint32_t)sqlite3_column_int64(load, 3);
        index->progress.offset = (uint64_t)sqlite3_column_int64(load, 4);
        index->progress.last = (uint64_t)sqlite3_column_int64(load, 5);
        memcpy(index->progress.root, sqlite3_column_blob(load, 6), TREE_HASH_BYTES);
        fits = true;
    }
    sqlite3_finalize(load);
    return fits;
}

/* Does the log still hold what the index says it took in last? */
static bool progress_fits(struct index *index, uint64_t durable)
{
    const struct progress *progress = &index->progress;
    struct reader *reader = NULL;
    struct batch batch;
    bool fits = false;

    if (progress->size == 0 || progress->last < SEGMENT_HEADER_BYTES)
        return progress->size == 0;
    if (progress->size > durable || progress->offset > INT64_MAX || progress->last > INT64_MAX ||
        reader_open(index->directory_fd, progress->segment, (off_t)progress->last, &reader) != 0)
        return false;
    if (reader_next(reader, &batch) >= 0 && batch.count > 0)
        fits = batch.first + batch.count == progress->size &&
               memcmp(batch_root(&batch), progress->root, TREE_HASH_BYTES) == 0;
    reader_close(reader);
    return fits;
}

static bool file_is_usable(struct index *index, uint64_t durable)
{
    bool clean = false;

    if (ask(index, "PRAGMA application_id") != APPLICATION_ID || ask(index, "PRAGMA user_version") != VERSION ||
        !load_progress(index, &clean) || !progress_fits(index, durable))
        return false;
    return clean || ask(index, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)") == 1;
}

static int make_file(struct index *index)
{
    char sql[96];
    int error;

    close_file(index);
    unlinkat(index->directory_fd, "index.db", 0);
    unlinkat(index->directory_fd, "index.db-wal", 0);
    unlinkat(index->directory_fd, "index.db-shm", 0);
    unlinkat(index->directory_fd, "index.db-journal", 0);
    memset(&index->progress, 0, sizeof index->progress);
    error = open_file(index);
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; BEGIN IMMEDIATE;",
             APPLICATION_ID, VERSION);
    if (!error)
        error = execute(index, sql);
    if (!error)
        error = execute(index, schema);
    if (!error)
        error = prepare_writes(index);
    if (!error)
        error = save_progress(index, false);
    if (!error)
        error = execute(index, "COMMIT");
    if (error)
        close_file(index);
    return error;
}

/* Opens what is there, or makes it anew. From now on it counts as unclean until it is closed. */
static int ready(struct index *index, uint64_t durable)
{
    int error;

    if (index->db)
        return 0;
    error = open_file(index);
    if (!error && file_is_usable(index, durable)) {
        error = prepare_writes(index);
        if (!error)
            error = save_progress(index, false);
        if (!error)
            return 0;
    }
    if (error == -ENOSPC || error == -ENOMEM) {
        close_file(index);
        return error;
    }
    return make_file(index);
}

void index_free(struct index *index)
{
    if (!index)
        return;
    if (index->db && index->save)
        save_progress(index, true);
    close_file(index);
    sodium_free(index->keys);
    buffer_clear(&index->body);
    free(index->abouts);
    free(index->path);
    free(index);
}

/* ---- taking in -------------------------------------------------------------------------------------------------- */

static int run_once(struct index *index, sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement) == SQLITE_OK ? 0 : error_of(index);
}

static int insert_bad(struct index *index, uint64_t leaf)
{
    sqlite3_bind_int64(index->insert_bad, 1, (int64_t)leaf);
    return run_once(index, index->insert_bad);
}

/* It goes on: written again when it is longer. A stretch a question would make questions slower and slower. */
static int insert_span(struct index *index)
{
    struct span span = index->span;

    if (span.end == 0)
        return 0;
    sqlite3_bind_int64(index->insert_span, 1, (int64_t)span.first);
    sqlite3_bind_int64(index->insert_span, 2, (int64_t)span.end);
    sqlite3_bind_int64(index->insert_span, 3, span.low_ms);
    sqlite3_bind_int64(index->insert_span, 4, span.high_ms);
    return run_once(index, index->insert_span);
}

static int note_time(struct index *index, uint64_t leaf, int64_t time_ms)
{
    struct span *span = &index->span;
    bool full = span->end > 0 && leaf >= span->first + ENTRIES_PER_SPAN;
    int error = full ? insert_span(index) : 0;

    if (span->end == 0 || full)
        *span = (struct span){.first = leaf, .low_ms = time_ms, .high_ms = time_ms};
    span->end = leaf + 1;
    if (time_ms < span->low_ms)
        span->low_ms = time_ms;
    if (time_ms > span->high_ms)
        span->high_ms = time_ms;
    return error;
}

static int note_subject(struct index *index, uint64_t leaf, uint64_t subject)
{
    if (index->about_count == index->about_capacity) {
        size_t capacity = index->about_capacity ? index->about_capacity * 2 : 1024;
        struct about *abouts = realloc(index->abouts, capacity * sizeof *abouts);

        if (!abouts)
            return -ENOMEM;
        index->abouts = abouts;
        index->about_capacity = capacity;
    }
    index->abouts[index->about_count++] =
        (struct about){.subject = hash_number(index, HASH_SUBJECT, subject), .leaf = leaf};
    return 0;
}

static int by_subject(const void *left, const void *right)
{
    const struct about *a = left, *b = right;

    if (a->subject != b->subject)
        return a->subject < b->subject ? -1 : 1;
    return a->leaf < b->leaf ? -1 : a->leaf > b->leaf;
}

/* Writes what was kept back for the end of the transaction. */
static int insert_rest(struct index *index)
{
    int error = insert_span(index);

    if (index->about_count > 1)
        qsort(index->abouts, index->about_count, sizeof *index->abouts, by_subject);
    for (size_t i = 0; !error && i < index->about_count; i++) {
        sqlite3_bind_int64(index->insert_about, 1, index->abouts[i].subject);
        sqlite3_bind_int64(index->insert_about, 2, (int64_t)index->abouts[i].leaf);
        error = run_once(index, index->insert_about);
    }
    index->about_count = 0;
    return error;
}

/* `entry` NULL: erased, only its month is known. */
static int insert(struct index *index, const struct index_place *place, int64_t time_ms,
                  const struct log_entry *entry)
{
    sqlite3_stmt *statement = index->insert;
    int error = note_time(index, place->leaf, time_ms);

    if (!error && entry && entry->subject)
        error = note_subject(index, place->leaf, entry->subject);
    if (error)
        return error;
    sqlite3_clear_bindings(statement);
    sqlite3_bind_int64(statement, 1, (int64_t)place->leaf);
    sqlite3_bind_int64(statement, 2, time_ms);
    if (entry) {
        sqlite3_bind_int64(statement, 3, hash_text(index, HASH_USER, entry->user));
        sqlite3_bind_int64(statement, 4, hash_number(index, HASH_UID, entry->uid));
        sqlite3_bind_int64(statement, 5, hash_text(index, HASH_PURPOSE, entry->purpose));
        sqlite3_bind_int64(statement, 6, entry->what);
        sqlite3_bind_int64(statement, 7, entry->outcome);
    }
    sqlite3_bind_int64(statement, 8, place->segment);
    sqlite3_bind_int64(statement, 9, (int64_t)place->batch);
    sqlite3_bind_int64(statement, 10, (int64_t)place->entry);
    sqlite3_bind_int64(statement, 11, (int64_t)place->first);
    return run_once(index, statement);
}

static int take_entry(struct index *index, const struct batch *batch, uint64_t batch_at,
                      const struct batch_entry *from)
{
    struct index_place place = {.leaf = from->leaf,
                                .segment = index->progress.segment,
                                .batch = batch_at,
                                .entry = batch_at + from->place,
                                .first = batch->first};
    struct log_entry entry;
    struct log_erasure erasure;
    int error;

    buffer_reset(&index->body);
    error = batch_unseal(from, index->months, index->store_id, &index->body);
    /* What was destroyed under the rule is not asked for here: log_erasures() tells. */
    if (error == -ENOKEY && months_erasure(index->months, from->month, &erasure))
        return 0;
    if (error == -ENOKEY)
        return insert(index, &place, entry_month_start_ms(from->month), NULL);
    if (!error)
        error = entry_decode(index->body.bytes, index->body.length_bytes, &entry);
    if (error == -EBADMSG)
        return insert_bad(index, from->leaf);
    return error ? error : insert(index, &place, entry.time_ms, &entry);
}

/* Entries of a batch whose checksum does not fit are taken all the same: each opens by itself, or is bad by itself. */
static int take_batch(struct index *index, const struct batch *batch, uint64_t batch_at)
{
    struct batch_entry entry = {0};
    int error = 0;

    if (batch->first > index->progress.size)
        error = insert_bad(index, index->progress.size);
    for (size_t place = 0, left = batch->count; !error && left > 0; left--) {
        if (!batch_next(batch, &place, &entry))
            return -EUCLEAN;
        error = take_entry(index, batch, batch_at, &entry);
    }
    if (error)
        return error;
    index->progress.size = batch->first + batch->count;
    index->progress.last = batch_at;
    index->progress.offset = batch_at + batch->length_bytes;
    memcpy(index->progress.root, batch_root(batch), TREE_HASH_BYTES);
    return 0;
}

/* Reads a segment until `most` more entries are taken in (1: there may be more) or it holds no more that count (0). */
static int take_segment(struct index *index, struct reader *reader, uint64_t limit, uint64_t most)
{
    uint64_t until = index->progress.size + most;

    while (index->progress.size < limit) {
        struct batch batch;
        uint64_t at;
        int error = 0, step;

        if (index->progress.size >= until)
            return 1;
        step = reader_next(reader, &batch);
        if (step < 0 || step == READER_END)
            return step < 0 ? step : 0;
        if (batch.count == 0) {
            step = reader_resync(reader);
            if (step <= 0)
                return step;
            continue;
        }
        if (step == READER_BAD)
            reader_skip(reader, &batch);
        at = (uint64_t)reader_offset(reader) - batch.length_bytes;
        if (batch.first >= index->progress.size && batch.first < limit && batch.first + batch.count <= limit)
            error = take_batch(index, &batch, at);
        if (error)
            return error;
    }
    return 0;
}

/* One transaction's worth. 1: there is more; 0: all of it is in. */
static int take_some(struct index *index, uint64_t durable)
{
    uint64_t start = index->progress.size;

    while (index->progress.size < durable && index->progress.size - start < ENTRIES_PER_COMMIT) {
        struct reader *reader = NULL;
        uint64_t limit = segment_limit(index->directory_fd, index->progress.segment);
        uint64_t from = index->progress.offset < SEGMENT_HEADER_BYTES ? SEGMENT_HEADER_BYTES : index->progress.offset;
        uint32_t next;
        int error = reader_open(index->directory_fd, index->progress.segment, (off_t)from, &reader);

        if (!error)
            error = take_segment(index, reader, limit < durable ? limit : durable, ENTRIES_PER_COMMIT);
        reader_close(reader);
        if (error == 1)
            return 1;
        if (!error || error == -ENOENT)
            error = segment_neighbour(index->directory_fd, index->progress.segment, true, &next);
        if (error || index->progress.size >= durable || next == 0)
            return error;
        index->progress.segment = next;
        index->progress.offset = index->progress.last = 0;
    }
    return index->progress.size < durable;
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int take_all(struct index *index, uint64_t durable, int64_t most_ns)
{
    int64_t start_ns = now_ns();
    int more = 1;

    while (more > 0 && index->progress.size < durable && (most_ns == 0 || now_ns() - start_ns < most_ns)) {
        int error = execute(index, "BEGIN IMMEDIATE");

        more = error ? error : take_some(index, durable);
        if (more >= 0)
            error = insert_rest(index);
        if (more >= 0 && !error)
            error = save_progress(index, false);
        if (more >= 0 && !error)
            error = execute(index, "COMMIT");
        if (error)
            more = error;
    }
    if (more < 0)
        close_file(index); /* which takes back what was begun; opened again, it tells how far it is */
    return more < 0 ? more : 0;
}

static int remake(struct index *index, uint64_t durable, int64_t most_ns)
{
    int error;

    report(REPORT_WARNING, "log: the index is damaged and is made anew");
    error = make_file(index);
    if (!error)
        error = take_all(index, durable, most_ns);
    return error;
}

static int update(struct index *index, uint64_t durable, int64_t most_ns)
{
    int error = ready(index, durable);

    if (!error)
        error = take_all(index, durable, most_ns);
    return error == -EUCLEAN ? remake(index, durable, most_ns) : error;
}

int index_remake(struct index *index, uint64_t durable)
{
    int error;

    pthread_mutex_lock(&index->lock);
    error = remake(index, durable, 0);
    pthread_mutex_unlock(&index->lock);
    return error;
}

int index_update(struct index *index, uint64_t durable, struct report_why *why)
{
    int error;

    pthread_mutex_lock(&index->lock);
    error = update(index, durable, 0);
    pthread_mutex_unlock(&index->lock);
    return error ? report_fail(why, error, "log: the index can't be brought up to date: %s", strerror(-error)) : 0;
}

void index_rest(struct index *index, uint64_t durable)
{
    pthread_mutex_lock(&index->lock);
    (void)update(index, durable, REST_NS);
    pthread_mutex_unlock(&index->lock);
}

/* ---- clearing --------------------------------------------------------------------------------------------------- */

/* The spans are those of what is left. */
static int clear_rows(struct index *index, int64_t from_ms, int64_t to_ms)
{
    char sql[768];

    snprintf(sql, sizeof sql,
             "BEGIN IMMEDIATE;"
             "DELETE FROM about WHERE leaf IN (SELECT leaf FROM entry WHERE time >= %1$lld AND time < %2$lld);"
             "DELETE FROM entry WHERE time >= %1$lld AND time < %2$lld;"
             "UPDATE span SET"
             " low = coalesce((SELECT min(time) FROM entry WHERE leaf >= span.first AND leaf < span.end), 0),"
             " high = coalesce((SELECT max(time) FROM entry WHERE leaf >= span.first AND leaf < span.end), -1)"
             " WHERE high >= %1$lld AND low < %2$lld;"
             "DELETE FROM span WHERE low = 0 AND high = -1;"
             "COMMIT;",
             (long long)from_ms, (long long)to_ms);
    return execute(index, sql);
}

int index_clear_month(struct index *index, uint16_t month, uint64_t durable, struct report_why *why)
{
    int64_t from_ms = month == 0 ? INT64_MIN : entry_month_start_ms(month);
    int64_t to_ms = month == UINT16_MAX ? INT64_MAX : entry_month_start_ms((uint16_t)(month + 1));
    int error;

    pthread_mutex_lock(&index->lock);
    error = ready(index, durable);
    if (!error)
        error = clear_rows(index, from_ms, to_ms);
    /* Deleted rows stay in the write-ahead log until it is cut to nothing. */
    if (!error)
        error = execute(index, "PRAGMA wal_checkpoint(TRUNCATE)");
    if (error && index->db)
        close_file(index);
    if (error == -EUCLEAN)
        error = make_file(index);
    pthread_mutex_unlock(&index->lock);
    return error ? report_fail(why, error, "log: a month can't be taken out of the index: %s", strerror(-error)) : 0;
}

/* ---- finding ---------------------------------------------------------------------------------------------------- */

/* The conditions as SQL; the values are numbers and hashes, so they are written into it. */
static void conditions(const struct index *index, const struct log_filter *filter, uint64_t from, uint64_t to,
                       struct buffer *sql)
{
    buffer_printf(sql, " WHERE leaf >= %lld AND leaf < %lld", (long long)from, (long long)to);
    if (filter->from_ms)
        buffer_printf(sql, " AND time >= %lld", (long long)filter->from_ms);
    if (filter->to_ms)
        buffer_printf(sql, " AND time < %lld", (long long)filter->to_ms);
    if (filter->user)
        buffer_printf(sql, " AND user = %lld", (long long)hash_text(index, HASH_USER, filter->user));
    if (filter->has_uid)
        buffer_printf(sql, " AND uid = %lld", (long long)hash_number(index, HASH_UID, filter->uid));
    if (filter->purpose)
        buffer_printf(sql, " AND purpose = %lld", (long long)hash_text(index, HASH_PURPOSE, filter->purpose));
    if (filter->outcome)
        buffer_printf(sql, " AND outcome = %d", (int)filter->outcome);
    if (filter->what)
        buffer_printf(sql, " AND what = %d", (int)filter->what);
    if (filter->subjects) {
        buffer_printf(sql,
                      " AND leaf IN (SELECT leaf FROM about WHERE leaf >= %lld AND leaf < %lld AND subject IN (NULL",
                      (long long)from, (long long)to);
        for (size_t i = 0; i < filter->subject_count; i++)
            buffer_printf(sql, ",%lld", (long long)hash_number(index, HASH_SUBJECT, filter->subjects[i]));
        buffer_printf(sql, "))");
    }
}

static int fail_asking(struct report_why *why, int error)
{
    return error == -EUCLEAN ? error : report_fail(why, error, "log: the index can't be asked: %s", strerror(-error));
}

static int start(struct index *index, struct buffer *sql, sqlite3_stmt **statement, struct report_why *why)
{
    int error = -ENOMEM;
    const char *text = buffer_text(sql);

    if (!sql->failed)
        error = index->db ? prepare(index, text, statement) : -EUCLEAN;
    return error ? fail_asking(why, error) : 0;
}

/* The only row of a question for bounds. False and an error if the file is bad. */
static bool only_row(struct index *index, sqlite3_stmt *statement, int *error, struct report_why *why)
{
    int step = *error ? SQLITE_DONE : sqlite3_step(statement);

    if (step != SQLITE_ROW && step != SQLITE_DONE)
        *error = fail_asking(why, error_of(index));
    return step == SQLITE_ROW;
}

int index_find(struct index *index, const struct log_filter *filter, uint64_t from, uint64_t to, int most,
               struct index_place *out, struct report_why *why)
{
    struct buffer sql = BUFFER_EMPTY;
    sqlite3_stmt *statement = NULL;
    int count = 0, error, step = SQLITE_DONE;

    pthread_mutex_lock(&index->lock);
    buffer_append_text(&sql, "SELECT leaf, segment, batch, place, first FROM entry");
    conditions(index, filter, from, to, &sql);
    buffer_printf(&sql, " ORDER BY leaf LIMIT %d", most);
    error = start(index, &sql, &statement, why);
    while (!error && count < most && (step = sqlite3_step(statement)) == SQLITE_ROW)
        out[count++] = (struct index_place){
            .leaf = (uint64_t)sqlite3_column_int64(statement, 0),
            .segment = (uint32_t)sqlite3_column_int64(statement, 1),
            .batch = (uint64_t)sqlite3_column_int64(statement, 2),
            .entry = (uint64_t)sqlite3_column_int64(statement, 3),
            .first = (uint64_t)sqlite3_column_int64(statement, 4),
        };
    if (!error && step != SQLITE_ROW && step != SQLITE_DONE)
        error = fail_asking(why, error_of(index));
    sqlite3_finalize(statement);
    pthread_mutex_unlock(&index->lock);
    buffer_clear(&sql);
    return error ? error : count;
}

/* Times nearly follow the numbers, so the stretches that touch the times asked for enclose little else. */
static int bounds_of_time(struct index *index, const struct log_filter *filter, uint64_t *from, uint64_t *to,
                          struct report_why *why)
{
    struct buffer sql = BUFFER_EMPTY;
    sqlite3_stmt *statement = NULL;
    int error;

    buffer_printf(&sql, "SELECT min(first), max(end) FROM span WHERE high >= %lld AND low < %lld",
                  (long long)(filter->from_ms ? filter->from_ms : INT64_MIN),
                  (long long)(filter->to_ms ? filter->to_ms : INT64_MAX));
    error = start(index, &sql, &statement, why);
    if (only_row(index, statement, &error, why)) {
        uint64_t low = (uint64_t)sqlite3_column_int64(statement, 0);
        uint64_t high = (uint64_t)sqlite3_column_int64(statement, 1);

        if (sqlite3_column_type(statement, 0) == SQLITE_NULL)
            *to = *from;
        if (low > *from)
            *from = low;
        if (high < *to)
            *to = high;
    }
    sqlite3_finalize(statement);
    buffer_clear(&sql);
    return error;
}

static int bounds_of_newest(struct index *index, const struct log_filter *filter, uint64_t *from, uint64_t to,
                            struct report_why *why)
{
    struct buffer sql = BUFFER_EMPTY;
    sqlite3_stmt *statement = NULL;
    int error;

    buffer_append_text(&sql, "SELECT leaf FROM entry");
    conditions(index, filter, *from, to, &sql);
    buffer_printf(&sql, " ORDER BY leaf DESC LIMIT 1 OFFSET %lld",
                  (long long)(filter->limit > INT64_MAX ? INT64_MAX : filter->limit - 1));
    error = start(index, &sql, &statement, why);
    if (only_row(index, statement, &error, why))
        *from = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    buffer_clear(&sql);
    return error;
}

int index_bounds(struct index *index, const struct log_filter *filter, uint64_t *from, uint64_t *to,
                 struct report_why *why)
{
    int error = 0;

    pthread_mutex_lock(&index->lock);
    if (filter->from_ms || filter->to_ms)
        error = bounds_of_time(index, filter, from, to, why);
    if (!error && filter->newest && filter->limit)
        error = bounds_of_newest(index, filter, from, *to, why);
    pthread_mutex_unlock(&index->lock);
    return error;
}

uint64_t index_bad(struct index *index, uint64_t from, uint64_t to)
{
    char sql[128];
    int64_t found = -1;

    snprintf(sql, sizeof sql, "SELECT leaf FROM bad WHERE leaf >= %lld AND leaf < %lld ORDER BY leaf LIMIT 1",
             (long long)from, (long long)to);
    pthread_mutex_lock(&index->lock);
    if (index->db)
        found = ask(index, sql);
    pthread_mutex_unlock(&index->lock);
    return found < 0 ? UINT64_MAX : (uint64_t)found;
}

/* ---- when there are entries ------------------------------------------------------------------------------------- */

typedef int each_time(void *context, int64_t first_ms, int64_t last_ms);

/* The times of the entries with from <= leaf < to, one by one. What is erased has its month's for a time, and no user. */
static int tell_times(struct index *index, int64_t from, int64_t to, each_time *each, void *context,
                      struct report_why *why)
{
    struct buffer sql = BUFFER_EMPTY;
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_DONE, error;

    buffer_printf(&sql, "SELECT time FROM entry WHERE leaf >= %lld AND leaf < %lld AND user IS NOT NULL",
                  (long long)from, (long long)to);
    error = start(index, &sql, &statement, why);
    while (error >= 0 && statement && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t time_ms = sqlite3_column_int64(statement, 0);

        error = each(context, time_ms, time_ms);
    }
    if (error >= 0 && step != SQLITE_DONE)
        error = fail_asking(why, error_of(index));
    sqlite3_finalize(statement);
    buffer_clear(&sql);
    return error < 0 ? error : 0;
}

int index_times(struct index *index, each_time *each, void *context, struct report_why *why)
{
    struct buffer sql = BUFFER_EMPTY;
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_DONE, error;

    pthread_mutex_lock(&index->lock);
    buffer_append_text(&sql, "SELECT first, end, low, high FROM span ORDER BY first");
    error = start(index, &sql, &statement, why);
    while (error >= 0 && statement && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t low_ms = sqlite3_column_int64(statement, 2), high_ms = sqlite3_column_int64(statement, 3);

        /* A stretch of one time may be an erased month's. */
        error = low_ms == high_ms ? 1 : each(context, low_ms, high_ms);
        if (error == 1)
            error = tell_times(index, sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1), each,
                               context, why);
    }
    if (error >= 0 && step != SQLITE_DONE)
        error = fail_asking(why, error_of(index));
    sqlite3_finalize(statement);
    pthread_mutex_unlock(&index->lock);
    buffer_clear(&sql);
    return error < 0 ? error : 0;
}
