/* A stage for the store's unit tests: a directory of one's own, invented people, and hands on the files. */
#ifndef DOSSIERFS_TESTS_STORE_STAGE_H
#define DOSSIERFS_TESTS_STORE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/store/store.h"

struct stage {
    char directory[64];
    char path[96]; /* of the store, inside */
};

static const char STAGE_KEY[] = "the bytes of an invented key file";

static inline struct store_secret stage_secret(void)
{
    return (struct store_secret){STORE_KEY_FILE, (const uint8_t *)STAGE_KEY, sizeof STAGE_KEY - 1};
}

static inline void stage_begin(struct stage *stage)
{
    snprintf(stage->directory, sizeof stage->directory, "/tmp/dossierfs-store-XXXXXX");
    assert_non_null(mkdtemp(stage->directory));
    snprintf(stage->path, sizeof stage->path, "%s/store", stage->directory);
}

static inline int stage_remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void stage_remove(const char *path)
{
    nftw(path, stage_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void stage_end(struct stage *stage)
{
    stage_remove(stage->directory);
}

static inline void stage_create(const char *path)
{
    struct store_secret secret = stage_secret();
    struct report_why why = {""};
    int error = store_create(path, &secret, 1, &why);

    if (error < 0)
        fail_msg("store_create: %s (%s)", strerror(-error), why.text);
}

static inline struct store *stage_open(const char *path)
{
    struct store_secret secret = stage_secret();
    struct report_why why = {""};
    struct store *store = NULL;
    int error = store_open(path, &secret, &store, &why);

    if (error < 0)
        fail_msg("store_open: %s (%s)", strerror(-error), why.text);
    return store;
}

static inline int stage_try_open(const char *path, struct report_why *why)
{
    struct store_secret secret = stage_secret();
    struct store *store = NULL;
    int error = store_open(path, &secret, &store, why);

    if (error == 0)
        store_close(store);
    else
        assert_null(store);
    return error;
}

/* Person `n` has two categories; the values carry `n` and `edition`, so that a mix-up shows. */
struct stage_person {
    struct store_subject subject;
    struct store_field fields[2][2];
    struct store_item_draft items[2];
    char values[2][2][64];
};

static inline void stage_person(struct stage_person *person, unsigned n, unsigned edition)
{
    struct store_subject *subject = &person->subject;

    memset(person, 0, sizeof *person);
    subject->kind = 1;
    subject->code_bytes = (uint8_t)snprintf(subject->code, sizeof subject->code, "2024-%05u", n);
    subject->category_count = 2;
    for (unsigned c = 0; c < 2; c++) {
        subject->categories[c] = (struct store_start){c + 1, 1700000000 + (int64_t)n};
        person->items[c] = (struct store_item_draft){c + 1, person->fields[c], 2};
        for (unsigned f = 0; f < 2; f++) {
            int length =
                snprintf(person->values[c][f], 64, "Wolkenveer-%u van edition %u in %u.%u", n, edition, c, f);

            person->fields[c][f] = (struct store_field){
                .number = c * 2 + f + 1,
                .captured_s = 1700000000 + (int64_t)n,
                .source = f ? "bron twee" : "bron een",
                .value = (const uint8_t *)person->values[c][f],
                .value_bytes = (size_t)length,
            };
            subject->fields[subject->field_count++] = c * 2 + f + 1;
        }
    }
    subject->date_count = 1;
    subject->dates[0] = (struct store_date){4, -3 - (int32_t)n};
}

static inline struct store_batch *stage_batch(struct store *store)
{
    struct store_batch *batch = NULL;

    assert_int_equal(store_batch_begin(store, &batch), 0);
    return batch;
}

/* How new persons are put: by the thread that asks, or queued for a second one. Tests that set it run once each way. */
static bool stage_queues;

/* Puts persons from..to-1 as new ones. */
static inline void stage_put_new(struct store_batch *batch, unsigned from, unsigned to)
{
    for (unsigned n = from; n < to; n++) {
        struct stage_person person;

        stage_person(&person, n, 1);
        assert_int_equal(
            (stage_queues ? store_batch_queue : store_batch_put)(batch, &person.subject, person.items, 2), 0);
        assert_int_equal(person.subject.version, 1);
        assert_true(person.subject.id > 0);
    }
}

static inline void stage_publish_new(struct store *store, unsigned from, unsigned to)
{
    struct store_batch *batch = stage_batch(store);

    stage_put_new(batch, from, to);
    assert_int_equal(store_batch_publish(batch), 0);
}

static inline uint32_t stage_find(struct store_reader *reader, unsigned n)
{
    char code[16];
    uint32_t id = 0;
    int length = snprintf(code, sizeof code, "2024-%05u", n);

    return store_find(reader, code, (size_t)length, &id) == 0 ? id : 0;
}

/* Person `n` is there, whole, in this edition. */
static inline void stage_expect(struct store_reader *reader, unsigned n, unsigned edition)
{
    uint32_t id = stage_find(reader, n);
    struct store_item item = {0};
    struct store_subject subject;
    struct stage_person person;

    stage_person(&person, n, edition);
    assert_int_not_equal(id, 0);
    assert_int_equal(store_read_subject(reader, id, &subject), 0);
    assert_int_equal(subject.id, id);
    assert_string_equal(subject.code, person.subject.code);
    assert_int_equal(subject.category_count, 2);
    assert_int_equal(subject.categories[1].captured_s, 1700000000 + n);
    assert_int_equal(subject.field_count, 4);
    assert_int_equal(subject.date_count, 1);
    assert_int_equal(subject.dates[0].day, -3 - (int32_t)n);
    for (unsigned c = 0; c < 2; c++) {
        assert_int_equal(store_read_item(reader, id, c + 1, &item), 0);
        assert_int_equal(item.field_count, 2);
        for (unsigned f = 0; f < 2; f++) {
            assert_int_equal(item.fields[f].number, c * 2 + f + 1);
            assert_int_equal(item.fields[f].captured_s, 1700000000 + n);
            assert_string_equal(item.fields[f].source, f ? "bron twee" : "bron een");
            assert_int_equal(item.fields[f].value_bytes, strlen(person.values[c][f]));
            assert_memory_equal(item.fields[f].value, person.values[c][f], item.fields[f].value_bytes);
        }
    }
    store_item_clear(&item);
}

static inline int stage_count_one(void *context, const struct store_subject *subject)
{
    (void)subject;
    ++*(unsigned *)context;
    return 0;
}

static inline unsigned stage_count(struct store_reader *reader)
{
    unsigned count = 0;
    uint64_t damaged = 0;

    assert_int_equal(store_each_subject(reader, 0, stage_count_one, &count, &damaged), 0);
    assert_int_equal(damaged, 0);
    return count;
}

static inline struct store_reader *stage_reader(struct store *store)
{
    struct store_reader *reader = NULL;

    assert_int_equal(store_reader_open(store, &reader), 0);
    return reader;
}

/* ---- the files ---- */

static inline const char *stage_file(const char *path, const char *name)
{
    static char file[2][PATH_MAX + 64];
    static int which;

    which = !which;
    snprintf(file[which], sizeof file[which], "%s/%s", path, name);
    return file[which];
}

static inline void stage_load(const char *file, struct buffer *bytes)
{
    buffer_clear(bytes);
    assert_int_equal(file_read_path(file, 1 << 29, bytes), 0);
}

static inline void stage_save(const char *file, const void *bytes, size_t length_bytes)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(file_pwrite(fd, bytes, length_bytes, 0), 0);
    close(fd);
}

static inline void stage_copy_file(const char *from, const char *to)
{
    struct buffer bytes = BUFFER_EMPTY;

    stage_load(from, &bytes);
    stage_save(to, bytes.bytes, bytes.length_bytes);
    buffer_clear(&bytes);
}

/* Copies the plain files of a closed store. */
static inline void stage_copy(const char *from, const char *to)
{
    DIR *directory = opendir(from);
    struct dirent *entry;

    assert_non_null(directory);
    assert_int_equal(mkdir(to, 0700), 0);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_type == DT_REG)
            stage_copy_file(stage_file(from, entry->d_name), stage_file(to, entry->d_name));
    closedir(directory);
}

/* Runs SQL on the database of a closed store, as someone with the file but without a key could. */
static inline void stage_sql(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    assert_int_equal(sqlite3_open(stage_file(path, "records.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", text, message);
    sqlite3_close(db);
}

static inline int64_t stage_ask(const char *path, const char *question)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;
    int64_t answer;

    assert_int_equal(sqlite3_open(stage_file(path, "records.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, question, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

/* How many slots of a keyring hold a key. */
static inline unsigned stage_filled_slots(const char *path)
{
    struct buffer bytes = BUFFER_EMPTY;
    unsigned filled = 0;

    stage_load(stage_file(path, "keyring"), &bytes);
    for (size_t at = 128; at + 128 <= bytes.length_bytes; at += 128)
        filled +=
            bytes.bytes[at] == 1 && bytes.bytes[at + 1] == 0 && bytes.bytes[at + 2] == 0 && bytes.bytes[at + 3] == 0;
    buffer_clear(&bytes);
    return filled;
}

#endif
