/* Goal: every cell, key and name opens in its own place only, and bytes that lie are refused, never followed. */
#include "tests/unit/store_stage.h"

#include "fs/store/record.h"

static struct stage stage;
static uint32_t first; /* id of person 0 */

static int set_up(void **state)
{
    struct store *store;
    struct store_reader *reader;
    struct store_batch *batch;
    uint32_t number;

    (void)state;
    stage_begin(&stage);
    stage_create(stage.path);
    store = stage_open(stage.path);
    stage_publish_new(store, 0, 4);
    reader = stage_reader(store);
    first = stage_find(reader, 0);
    batch = stage_batch(store);
    for (unsigned edition = 2; edition < 4; edition++) {
        struct stage_person person;

        stage_person(&person, 1, edition);
        person.subject.id = first + 1;
        assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), 0);
    }
    assert_int_equal(store_batch_publish(batch), 0);
    assert_int_equal(store_number_assign(store, STORE_FIELDS, "naam", &number), 0);
    assert_int_equal(store_number_assign(store, STORE_FIELDS, "iban", &number), 0);
    store_reader_close(reader);
    store_close(store);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static int item_row(char *text, size_t room, unsigned n, unsigned category, unsigned version)
{
    return snprintf(text, room, "%lld",
                    (long long)(((int64_t)(first + n) << 32) | ((int64_t)category << 20) | version));
}

struct answers {
    int subject;
    int item[2];
};

static void ask(const char *path, unsigned n, struct answers *answers)
{
    struct store *store = stage_open(path);
    struct store_reader *reader = stage_reader(store);
    struct store_item item = {0};
    struct store_subject subject;

    answers->subject = store_read_subject(reader, first + n, &subject);
    for (unsigned c = 0; c < 2; c++)
        answers->item[c] = store_read_item(reader, first + n, c + 1, &item);
    assert_int_equal(item.field_count, answers->item[0] == 0 || answers->item[1] == 0 ? 2 : 0);
    store_item_clear(&item);
    store_reader_close(reader);
    store_close(store);
}

/* Runs one alteration on a copy, expects these answers for person `n`, and forgets the copy. */
static void alter(const char *text, unsigned n, int subject, int item_1, int item_2)
{
    struct answers answers;
    char copy[128];

    snprintf(copy, sizeof copy, "%s/copy", stage.directory);
    stage_copy(stage.path, copy);
    stage_sql(copy, text);
    ask(copy, n, &answers);
    if (answers.subject != subject || answers.item[0] != item_1 || answers.item[1] != item_2)
        fail_msg("%s: answers %d %d %d", text, answers.subject, answers.item[0], answers.item[1]);
    stage_remove(copy);
}

/* Takes generation, slot and cell of one row into another, whole. */
static void copy_row(char *text, size_t room, const char *table, const char *from, const char *to)
{
    snprintf(text, room,
             "UPDATE %s SET (generation, slot, sealed) = (SELECT generation, slot, sealed FROM %s WHERE id = %s)"
             " WHERE id = %s",
             table, table, from, to);
}

static void refuses_rows_in_other_places(void **state)
{
    char from[32], to[32], text[512];

    (void)state;
    item_row(to, sizeof to, 0, 1, 1);
    item_row(from, sizeof from, 0, 2, 1); /* another category */
    copy_row(text, sizeof text, "item", from, to);
    alter(text, 0, 0, -EBADMSG, 0);
    item_row(from, sizeof from, 2, 1, 1); /* another subject */
    copy_row(text, sizeof text, "item", from, to);
    alter(text, 0, 0, -EBADMSG, 0);
    item_row(to, sizeof to, 1, 1, 3);
    item_row(from, sizeof from, 1, 1, 2); /* an older version as the newest */
    copy_row(text, sizeof text, "item", from, to);
    alter(text, 1, 0, -EBADMSG, 0);
    snprintf(from, sizeof from, "%lld", (long long)(first + 2) << 20 | 1);
    snprintf(to, sizeof to, "%lld", (long long)first << 20 | 1);
    copy_row(text, sizeof text, "summary", from, to);
    alter(text, 0, -EBADMSG, 0, 0);
    snprintf(text, sizeof text, "UPDATE summary SET id = id + 1 WHERE id = %s", to); /* a later version */
    alter(text, 0, -EBADMSG, 0, 0);
}

static void refuses_altered_rows(void **state)
{
    static const char *const changes[] = {
        "UPDATE item SET sealed = substr(sealed, 1, 20)",
        "UPDATE item SET sealed = substr(sealed, 1, length(sealed) - 1)",
        "UPDATE item SET sealed = CAST(sealed || x'00' AS BLOB)",
        "UPDATE item SET sealed = x''",
        "UPDATE item SET sealed = zeroblob(3000000)",
        "UPDATE item SET generation = generation + 1",
        "UPDATE item SET generation = -1",
        "UPDATE item SET generation = 9223372036854775807",
        "UPDATE item SET slot = slot + 1",
        "UPDATE item SET slot = -1",
        "UPDATE item SET slot = 1000000000",
        "UPDATE item SET slot = 9223372036854775807",
    };

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        alter(changes[i], 0, 0, -EBADMSG, -EBADMSG);
    alter("UPDATE summary SET sealed = substr(sealed, 1, 20)", 0, -EBADMSG, 0, 0);
    alter("UPDATE summary SET slot = slot + 1", 2, -EBADMSG, 0, 0);
    alter("DELETE FROM summary", 0, -ENOENT, 0, 0);
}

/* Every byte of a cell, one bit each. */
static void refuses_each_altered_byte(void **state)
{
    struct buffer bytes = BUFFER_EMPTY, cell = BUFFER_EMPTY;
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;
    char row[32], question[128];
    size_t at;

    (void)state;
    item_row(row, sizeof row, 0, 1, 1);
    snprintf(question, sizeof question, "SELECT sealed FROM item WHERE id = %s", row);
    assert_int_equal(sqlite3_open(stage_file(stage.path, "records.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, question, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    buffer_append(&cell, sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    stage_load(stage_file(stage.path, "records.db"), &bytes);
    at = (size_t)((uint8_t *)memmem(bytes.bytes, bytes.length_bytes, cell.bytes, cell.length_bytes) - bytes.bytes);
    for (size_t i = 0; i < cell.length_bytes; i += 5) {
        struct answers answers;

        bytes.bytes[at + i] ^= (uint8_t)(1 << i % 8);
        stage_save(stage_file(stage.path, "records.db"), bytes.bytes, bytes.length_bytes);
        ask(stage.path, 0, &answers);
        assert_int_equal(answers.item[0], -EBADMSG);
        assert_int_equal(answers.item[1], 0);
        bytes.bytes[at + i] ^= (uint8_t)(1 << i % 8);
    }
    buffer_clear(&bytes);
    buffer_clear(&cell);
}

/* Person 0's slots are 0 and 1 (items) and 2 (summary): one whole slot over another, and every byte of slot 0. */
static void refuses_altered_slots(void **state)
{
    struct buffer bytes = BUFFER_EMPTY;
    struct answers answers;

    (void)state;
    stage_load(stage_file(stage.path, "keyring"), &bytes);
    for (size_t at = 128; at < 128 + 104; at += 3) {
        bytes.bytes[at] ^= 0x10;
        stage_save(stage_file(stage.path, "keyring"), bytes.bytes, bytes.length_bytes);
        ask(stage.path, 0, &answers);
        if (answers.item[0] != -EBADMSG || answers.item[1] != 0 || answers.subject != 0)
            fail_msg("a change at %zu of a slot: %d %d %d", at - 128, answers.item[0], answers.item[1],
                     answers.subject);
        bytes.bytes[at] ^= 0x10;
    }
    memcpy(bytes.bytes + 128 + 32, bytes.bytes + 256 + 32, 72); /* the wrapped key of the next slot */
    stage_save(stage_file(stage.path, "keyring"), bytes.bytes, bytes.length_bytes);
    ask(stage.path, 0, &answers);
    assert_int_equal(answers.item[0], -EBADMSG);
    assert_int_equal(answers.item[1], 0);
    buffer_clear(&bytes);
}

/* Rows and slots of another store of the same data, the same key file and the same numbers open nothing. */
static void refuses_another_stores_cells(void **state)
{
    char other[128], text[2048];
    struct store *store;
    struct answers answers;

    (void)state;
    snprintf(other, sizeof other, "%s/other", stage.directory);
    stage_create(other);
    snprintf(text, sizeof text, "UPDATE meta SET next_subject = %u", first);
    stage_sql(other, text);
    store = stage_open(other);
    stage_publish_new(store, 0, 4);
    store_close(store);
    snprintf(text, sizeof text,
             "ATTACH '%s' AS other; BEGIN; DELETE FROM item; DELETE FROM summary;"
             "INSERT INTO item SELECT id, 1, generation, slot, sealed FROM other.item;"
             "INSERT INTO summary SELECT id, 1, generation, slot, sealed FROM other.summary; COMMIT",
             stage_file(other, "records.db"));
    stage_sql(stage.path, text);
    ask(stage.path, 0, &answers);
    assert_int_equal(answers.subject, -EBADMSG);
    assert_int_equal(answers.item[0], -EBADMSG);
    { /* with that store's slots as well, under this one's header */
        struct buffer mine = BUFFER_EMPTY, theirs = BUFFER_EMPTY;

        stage_load(stage_file(stage.path, "keyring"), &mine);
        stage_load(stage_file(other, "keyring"), &theirs);
        assert_int_equal(mine.length_bytes, theirs.length_bytes);
        memcpy(mine.bytes + 128, theirs.bytes + 128, theirs.length_bytes - 128);
        stage_save(stage_file(stage.path, "keyring"), mine.bytes, mine.length_bytes);
        buffer_clear(&mine);
        buffer_clear(&theirs);
    }
    ask(stage.path, 0, &answers);
    assert_int_equal(answers.subject, -EBADMSG);
    assert_int_equal(answers.item[0], -EBADMSG);
    assert_int_equal(answers.item[1], -EBADMSG);
}

/* The table of code hashes is in the clear: exchanged hashes must not lead to another's dossier. */
static void refuses_a_code_that_leads_elsewhere(void **state)
{
    struct store *store;
    struct store_reader *reader;
    uint32_t id = 7;
    uint64_t damaged = 0;
    unsigned count = 0;
    char text[512];

    (void)state;
    snprintf(text, sizeof text,
             "CREATE TEMP TABLE t AS SELECT id, code_hash AS h FROM subject WHERE id <= %u; DELETE FROM subject;"
             "INSERT INTO subject SELECT CASE id WHEN %u THEN %u ELSE %u END, 1, h FROM t",
             first + 1, first, first + 1, first);
    stage_sql(stage.path, text);
    store = stage_open(stage.path);
    reader = stage_reader(store);
    assert_int_equal(store_find(reader, "2024-00000", 10, &id), -EBADMSG);
    assert_int_equal(store_find(reader, "2024-00003", 10, &id), -ENOENT);
    assert_int_equal(id, 7);
    store_reader_close(reader);
    store_close(store);
    stage_sql(stage.path, "UPDATE summary SET slot = slot + 1 WHERE id = (SELECT min(id) FROM summary)");
    store = stage_open(stage.path);
    reader = stage_reader(store);
    assert_int_equal(store_each_subject(reader, 0, stage_count_one, &count, &damaged), 0);
    assert_int_equal(count, 3);
    assert_int_equal(damaged, 1);
    store_reader_close(reader);
    store_close(store);
}

static void refuses_altered_names(void **state)
{
    static const char *const changes[] = {
        "UPDATE name SET sealed = substr(sealed, 1, 50)",
        "UPDATE name SET id = id + 4096",
        "UPDATE name SET id = id - 65536",
        "UPDATE name SET id = -id",
        "UPDATE name SET sealed = (SELECT sealed FROM name ORDER BY id LIMIT 1)",
    };
    struct report_why why = {""};
    char copy[128];

    (void)state;
    snprintf(copy, sizeof copy, "%s/copy", stage.directory);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        stage_copy(stage.path, copy);
        stage_sql(copy, changes[i]);
        assert_int_equal(stage_try_open(copy, &why), -EBADMSG);
        stage_remove(copy);
    }
}

/* ---- the decoders ---- */

static uint64_t chance = 88172645463325252;

static uint32_t draw(uint32_t below)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)(chance >> 20) % below;
}

static void decode(const uint8_t *bytes, size_t length_bytes)
{
    uint8_t *exact = malloc(length_bytes ? length_bytes : 1); /* so that a sanitizer sees a step over the end */
    struct store_field fields[STORE_MAX_FIELDS];
    struct store_subject subject;
    int count;

    assert_non_null(exact);
    memcpy(exact, bytes, length_bytes);
    if (record_get_subject(exact, length_bytes, &subject) == 0)
        assert_int_equal(record_check_subject(&subject) == 0 || subject.category_count > 1, 1);
    count = record_count_fields(exact, length_bytes);
    assert_true(count == -EBADMSG || (count >= 0 && count <= STORE_MAX_FIELDS));
    if (count > 0) {
        record_get_fields(exact, length_bytes, fields);
        for (int i = 0; i < count; i++) {
            assert_true(fields[i].value >= exact && fields[i].value + fields[i].value_bytes <= exact + length_bytes);
            assert_true(strlen(fields[i].source) <= STORE_SOURCE_MAX_BYTES);
        }
    }
    free(exact);
}

static void decodes_hostile_records(void **state)
{
    struct buffer subject = BUFFER_EMPTY, item = BUFFER_EMPTY;
    struct stage_person person;
    uint8_t bytes[600];

    (void)state;
    stage_person(&person, 3, 1);
    record_put_subject(&subject, &person.subject);
    record_put_item(&item, &person.items[0]);
    for (size_t length = 0; length < subject.length_bytes; length++) {
        struct store_subject out;

        assert_int_equal(record_get_subject(subject.bytes, length, &out), -EBADMSG);
    }
    for (size_t length = 0; length < item.length_bytes; length++)
        assert_int_equal(record_count_fields(item.bytes, length), -EBADMSG);
    for (unsigned round = 0; round < 200000; round++) {
        const struct buffer *from = round % 3 == 0 ? &subject : &item;
        size_t length = from->length_bytes;

        memcpy(bytes, from->bytes, length);
        if (round % 3 == 2)
            for (size_t i = 1; i < sizeof bytes; i++)
                bytes[i] = (uint8_t)draw(draw(4) ? 4 : 256);
        for (unsigned i = draw(4); i > 0; i--)
            bytes[draw((uint32_t)length)] = (uint8_t)draw(256);
        decode(bytes, draw(4) ? length : draw(sizeof bytes));
    }
    buffer_clear(&subject);
    buffer_clear(&item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses_rows_in_other_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_altered_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_each_altered_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_altered_slots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_another_stores_cells, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_code_that_leads_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_altered_names, set_up, tear_down),
        cmocka_unit_test(decodes_hostile_records),
    };

    return cmocka_run_group_tests_name("store_hostile", tests, NULL, NULL);
}
