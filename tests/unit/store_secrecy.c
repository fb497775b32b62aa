/* Goal: the store's bytes give away no value, name or code in any usual form, and two stores of equal data with the same
 * key file have no block in common. */
#include "tests/unit/store_stage.h"

#include <sodium.h>

enum { BLOCK_BYTES = 16, PAGE_BYTES = 4096, PERSONS = 300 };

static struct stage stage;

static int set_up(void **state)
{
    (void)state;
    stage_begin(&stage);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static const char *const FAMILY_NAME = "Wolkenveer-Duinzand";
static const char *const IBAN = "NL18TEST0123456789";
static const char *const CODE = "2031-98765";
static const char *const SOURCE = "inschrijfformulier balie";
static const char *const FIELD_NAME = "rekeningnummer";

static void plant(struct store_batch *batch, struct stage_person *person)
{
    stage_person(person, 0, 1);
    person->subject.code_bytes = (uint8_t)snprintf(person->subject.code, sizeof person->subject.code, "%s", CODE);
    person->fields[0][0].value = (const uint8_t *)FAMILY_NAME;
    person->fields[0][0].value_bytes = strlen(FAMILY_NAME);
    person->fields[1][1].value = (const uint8_t *)IBAN;
    person->fields[1][1].value_bytes = strlen(IBAN);
    person->fields[1][1].source = SOURCE;
    assert_int_equal(store_batch_put(batch, &person->subject, person->items, 2), 0);
}

/* ---- the search --------------------------------------------------------------------------------------------------- */

static bool find(const struct buffer *hay, const void *needle, size_t needle_bytes)
{
    return memmem(hay->bytes, hay->length_bytes, needle, needle_bytes) != NULL;
}

static bool find_utf16(const struct buffer *hay, const char *value, int low_at)
{
    uint8_t wide[256] = {0};

    for (size_t i = 0; value[i]; i++)
        wide[2 * i + (size_t)low_at] = (uint8_t)value[i];
    return find(hay, wide, 2 * strlen(value));
}

static bool find_hex(const struct buffer *hay, const char *value)
{
    char hex[256], upper[256] = {0};

    sodium_bin2hex(hex, sizeof hex, (const uint8_t *)value, strlen(value));
    for (size_t i = 0; hex[i]; i++)
        upper[i] = hex[i] >= 'a' ? (char)(hex[i] - 32) : hex[i];
    return find(hay, hex, strlen(hex)) || find(hay, upper, strlen(upper));
}

/* Where a value starts in a larger text decides its letters: the three alignments, without the letters at either end
 * that neighbours have a part in. */
static bool find_base64(const struct buffer *hay, const char *value, size_t shift)
{
    uint8_t shifted[128] = {0};
    char text[256];
    size_t first = shift == 0 ? 0 : shift + 1;
    size_t length = (shift + strlen(value)) * 8 / 6;

    memcpy(shifted + shift, value, strlen(value));
    sodium_bin2base64(text, sizeof text, shifted, shift + strlen(value), sodium_base64_VARIANT_ORIGINAL);
    return find(hay, text + first, length - first);
}

static bool find_in_any_form(const struct buffer *hay, const char *value)
{
    return find(hay, value, strlen(value)) || find_utf16(hay, value, 0) || find_utf16(hay, value, 1) ||
           find_hex(hay, value) || find_base64(hay, value, 0) || find_base64(hay, value, 1) ||
           find_base64(hay, value, 2);
}

static void expect_unfindable(const char *value)
{
    struct buffer bytes = BUFFER_EMPTY;
    DIR *directory = opendir(stage.path);
    struct dirent *entry;
    unsigned files = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_type != DT_REG)
            continue;
        files++;
        stage_load(stage_file(stage.path, entry->d_name), &bytes);
        if (find_in_any_form(&bytes, value))
            fail_msg("%s holds %s", entry->d_name, value);
    }
    assert_true(files >= 4);
    closedir(directory);
    buffer_clear(&bytes);
}

/* The search itself finds each form, or its silence would mean nothing. */
static void search_finds_each_form(void **state)
{
    static const char *const forms[] = {
        "x NL18TEST0123456789 y",
        "N L 1 8 T E S T 0 1 2 3 4 5 6 7 8 9 ",
        " N L 1 8 T E S T 0 1 2 3 4 5 6 7 8 9",
        "4e4c31385445535430313233343536373839",
        "4E4C31385445535430313233343536373839",
        "Tkw18", /* not whole: must not be found */
    };
    struct buffer hay = BUFFER_EMPTY;
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        buffer_reset(&hay);
        buffer_append_text(&hay, forms[i]);
        for (size_t j = 0; i >= 1 && i <= 2 && j < hay.length_bytes; j++)
            if (hay.bytes[j] == ' ')
                hay.bytes[j] = 0;
        assert_int_equal(find_in_any_form(&hay, IBAN), i < 5);
    }
    for (size_t shift = 0; shift < 6; shift++) {
        uint8_t around[64];
        int length = snprintf((char *)around, sizeof around, "%.*s%s rest", (int)shift, "abcdef", IBAN);

        sodium_bin2base64(text, sizeof text, around, (size_t)length, sodium_base64_VARIANT_ORIGINAL);
        buffer_reset(&hay);
        buffer_append_text(&hay, text);
        assert_true(find_in_any_form(&hay, IBAN));
    }
    buffer_clear(&hay);
}

static void gives_nothing_away(void **state)
{
    const char *const values[] = {FAMILY_NAME, IBAN, CODE, SOURCE, FIELD_NAME, "Wolkenveer", "van edition"};
    struct stage_person person;
    struct store_batch *batch;
    struct store *store;
    uint32_t number;

    (void)state;
    stage_create(stage.path);
    store = stage_open(stage.path);
    assert_int_equal(store_number_assign(store, STORE_FIELDS, FIELD_NAME, &number), 0);
    batch = stage_batch(store);
    plant(batch, &person);
    stage_put_new(batch, 1, PERSONS);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        expect_unfindable(values[i]);
    assert_int_equal(store_batch_publish(batch), 0);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        expect_unfindable(values[i]);
    store_close(store);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        expect_unfindable(values[i]);
    expect_unfindable(STAGE_KEY);
}

/* Cells of like items have one size: a longer name or an empty one doesn't show. */
static void sizes_are_few(void **state)
{
    struct store *store;

    (void)state;
    stage_create(stage.path);
    store = stage_open(stage.path);
    stage_publish_new(store, 0, 120);
    store_close(store);
    assert_int_equal(stage_ask(stage.path, "SELECT count(DISTINCT length(sealed)) FROM item"), 1);
    assert_int_equal(stage_ask(stage.path, "SELECT count(DISTINCT length(sealed)) FROM summary"), 1);
    assert_int_equal(stage_ask(stage.path, "SELECT length(sealed) FROM item LIMIT 1"), 128 + 16);
}

/* ---- two stores ----------------------------------------------------------------------------------------------------- */

static void make_equal_store(const char *path)
{
    static const char *const names[] = {"huurder", "naam", "contact", "betaling"};
    struct store *store;
    uint32_t number;

    stage_create(path);
    store = stage_open(path);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(store_number_assign(store, STORE_CATEGORIES, names[i], &number), 0);
        assert_int_equal(store_number_assign(store, STORE_FIELDS, names[i], &number), 0);
    }
    stage_publish_new(store, 0, PERSONS);
    store_close(store);
}

/* All that two stores may have in common:
 *  - zeros, and a block of zeros with at most three other bytes: the edge of free space beside a cell's length;
 *  - a file's magic, 16 bytes at its start;
 *  - in records.db page 1: SQLite's file header and the text of the schema, the same in every store;
 *  - in its other pages the b-tree page's header and array of cell pointers: counts and offsets. */
static bool may_be_common(const char *name, const struct buffer *bytes, size_t at)
{
    const uint8_t *block = bytes->bytes + at;
    const uint8_t *page = bytes->bytes + at / PAGE_BYTES * PAGE_BYTES;
    unsigned other = 0;

    for (size_t i = 0; i < BLOCK_BYTES; i++)
        other += block[i] != 0;
    if (other <= 3)
        return true;
    if (strcmp(name, "records.db") != 0)
        return at == 0;
    if (at < PAGE_BYTES)
        return true;
    assert_true(page[0] == 2 || page[0] == 5 || page[0] == 10 || page[0] == 13);
    return at % PAGE_BYTES < (page[0] <= 5 ? 12U : 8U) + 2U * (unsigned)(page[3] << 8 | page[4]);
}

static int compare_blocks(const void *left, const void *right)
{
    return memcmp(left, right, BLOCK_BYTES);
}

/* No block of `mine` stands anywhere in `theirs`, on a boundary or not. */
static unsigned count_common(const char *name, const struct buffer *mine, const struct buffer *theirs,
                             size_t *compared)
{
    uint8_t(*blocks)[BLOCK_BYTES] = malloc(mine->length_bytes);
    unsigned common = 0;
    size_t count = 0;

    assert_non_null(blocks);
    for (size_t at = 0; at + BLOCK_BYTES <= mine->length_bytes; at += BLOCK_BYTES)
        if (!may_be_common(name, mine, at))
            memcpy(blocks[count++], mine->bytes + at, BLOCK_BYTES);
    qsort(blocks, count, BLOCK_BYTES, compare_blocks);
    for (size_t at = 0; at + BLOCK_BYTES <= theirs->length_bytes; at++)
        common += bsearch(theirs->bytes + at, blocks, count, BLOCK_BYTES, compare_blocks) != NULL;
    *compared += count;
    free(blocks);
    return common;
}

static void two_stores_have_no_block_in_common(void **state)
{
    static const char *const names[] = {"header", "epoch", "keyring", "records.db"};
    struct buffer mine = BUFFER_EMPTY, theirs = BUFFER_EMPTY;
    size_t compared = 0;
    char other[128];

    (void)state;
    snprintf(other, sizeof other, "%s/other", stage.directory);
    make_equal_store(stage.path);
    make_equal_store(other);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            unsigned common;

            stage_load(stage_file(stage.path, names[i]), &mine);
            stage_load(stage_file(other, names[j]), &theirs);
            common = count_common(names[i], &mine, &theirs, &compared);
            if (common > 0)
                fail_msg("%u blocks of %s are in the other store's %s", common, names[i], names[j]);
        }
    }
    assert_true(compared > 4 * PERSONS * 3 * 10); /* and it did compare */
    buffer_clear(&mine);
    buffer_clear(&theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_finds_each_form),
        cmocka_unit_test_setup_teardown(gives_nothing_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sizes_are_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_stores_have_no_block_in_common, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("store_secrecy", tests, NULL, NULL);
}
