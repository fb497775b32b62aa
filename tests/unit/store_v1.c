/* Goal: a store of format version 1, as it was once written, opens and reads today.
 *
 * The store lies in tests/store-v1/store/, its key file beside it. It was written by this program: `store_v1 --make
 * DIRECTORY` makes such a store in DIRECTORY/store and DIRECTORY/key. It is made once for each version of the format and
 * then never again; a reader of later versions has to keep opening it. */
#include "tests/unit/store_stage.h"

#include <sodium.h>

enum { PERSONS = 3 };

static const char *const CODES[PERSONS] = {"2024-00001", "2024-00002", "K 7/\xc3\xa9\xc3\xa9n"};
static const char *const FIELD_NAMES[] = {"naam", "telefoon", "rekeningnummer", "geboortedatum"};

/* What person `n` has; the second edition of person 1 is the newest. The bank accounts are of no real bank. */
struct expected {
    const char *name;
    const char *phones;
    const char *account;
    const char *born;
    int32_t born_day;
    unsigned version;
};
static const struct expected EXPECTED[PERSONS] = {
    {"J. van der Wolkenveer", "+31600000001", "NL18TEST0123456789", "1980-02-29", 3711, 1},
    {"A\xc3\xafsha \xc3\x96zt\xc3\xbcrk-Duinzand", "+31600000002\n+31100000002", "", "1999-12-31", 10956, 2},
    {"B. 't Zeeschuim", "", "NL18TEST0987654321", "1753-01-01", -79258, 1},
};

static void fill(struct store_field *field, uint32_t number, const char *value)
{
    *field = (struct store_field){
        .number = number,
        .captured_s = 1704067200 + number,
        .source = number == 3 ? "bankopgave" : "import huurders.csv",
        .value = (const uint8_t *)value,
        .value_bytes = strlen(value),
    };
}

static int put(struct store_batch *batch, unsigned n, const char *name, uint32_t *id)
{
    const struct expected *person = &EXPECTED[n];
    struct store_subject subject = {
        .id = *id,
        .kind = 1 + n / 2,
        .code_bytes = (uint8_t)strlen(CODES[n]),
        .category_count = 2,
        .categories = {{1, 1704067201}, {2, 1704067203}},
        .field_count = 4,
        .fields = {1, 2, 3, 4},
        .date_count = 1,
        .dates = {{4, person->born_day}},
    };
    struct store_field fields[4];
    struct store_item_draft items[2] = {{1, fields, 2}, {2, fields + 2, 2}};
    int error;

    snprintf(subject.code, sizeof subject.code, "%s", CODES[n]);
    fill(&fields[0], 1, name);
    fill(&fields[1], 2, person->phones);
    fill(&fields[2], 3, person->account);
    fill(&fields[3], 4, person->born);
    error = store_batch_put(batch, &subject, items, 2);
    *id = subject.id;
    return error;
}

static int fill_store(struct store *store)
{
    struct store_batch *batch = NULL;
    uint32_t ids[PERSONS] = {0};
    uint32_t number;
    int error = store_number_assign(store, STORE_KINDS, "huurder", &number);

    if (error == 0)
        error = store_number_assign(store, STORE_KINDS, "woningzoekende", &number);
    if (error == 0)
        error = store_number_assign(store, STORE_CATEGORIES, "persoon", &number);
    if (error == 0)
        error = store_number_assign(store, STORE_CATEGORIES, "betaling", &number);
    for (unsigned i = 0; error == 0 && i < 4; i++)
        error = store_number_assign(store, STORE_FIELDS, FIELD_NAMES[i], &number);
    for (unsigned round = 0; error == 0 && round < 2; round++) {
        error = store_batch_begin(store, &batch);
        for (unsigned n = 0; error == 0 && n < PERSONS; n++)
            if (round == 0)
                error = put(batch, n, n == 1 ? "verkeerd overgenomen" : EXPECTED[n].name, &ids[n]);
        if (error == 0 && round == 1)
            error = put(batch, 1, EXPECTED[1].name, &ids[1]);
        if (error == 0)
            error = store_batch_publish(batch);
    }
    return error;
}

static int make(const char *directory)
{
    struct report_why why = {""};
    struct store *store = NULL;
    uint8_t key[64];
    struct store_secret secret = {STORE_KEY_FILE, key, sizeof key};
    char path[PATH_MAX];
    int error = sodium_init() < 0 ? -EIO : 0;

    randombytes_buf(key, sizeof key);
    snprintf(path, sizeof path, "%s/store", directory);
    if (error == 0)
        error = store_create(path, &secret, 1, &why);
    if (error == 0)
        error = store_open(path, &secret, &store, &why);
    if (error == 0)
        error = fill_store(store);
    store_close(store);
    if (error < 0) {
        fprintf(stderr, "%s: %s %s\n", path, strerror(-error), why.text);
        return 1;
    }
    stage_save(stage_file(directory, "key"), key, sizeof key);
    /* Free slots at the end need not be kept: 12 were filled, three of two items and a summary, and one of them anew. */
    return truncate(stage_file(path, "keyring"), 128 + 12 * 128) < 0;
}

static struct stage stage;

static void expect_field(const struct store_field *field, uint32_t number, const char *value)
{
    assert_int_equal(field->number, number);
    assert_int_equal(field->captured_s, 1704067200 + number);
    assert_string_equal(field->source, number == 3 ? "bankopgave" : "import huurders.csv");
    assert_int_equal(field->value_bytes, strlen(value));
    assert_memory_equal(field->value, value, strlen(value));
}

static void expect_person(struct store_reader *reader, unsigned n)
{
    const struct expected *person = &EXPECTED[n];
    struct store_item item = {0};
    struct store_subject subject;
    uint32_t id;

    assert_int_equal(store_find(reader, CODES[n], strlen(CODES[n]), &id), 0);
    assert_int_equal(store_read_subject(reader, id, &subject), 0);
    assert_string_equal(subject.code, CODES[n]);
    assert_int_equal(subject.version, person->version);
    assert_int_equal(subject.kind, 1 + n / 2);
    assert_int_not_equal(subject.pseudonym, 0);
    assert_int_equal(subject.categories[0].captured_s, 1704067201);
    assert_int_equal(subject.categories[1].category, 2);
    assert_int_equal(subject.field_count, 4);
    assert_int_equal(subject.dates[0].day, person->born_day);
    assert_int_equal(store_read_item(reader, id, 1, &item), 0);
    assert_int_equal(item.field_count, 2);
    expect_field(&item.fields[0], 1, person->name);
    expect_field(&item.fields[1], 2, person->phones);
    assert_int_equal(store_read_item(reader, id, 2, &item), 0);
    assert_int_equal(item.field_count, 2);
    expect_field(&item.fields[0], 3, person->account);
    expect_field(&item.fields[1], 4, person->born);
    store_item_clear(&item);
}

static void reads_version_1(void **state)
{
    struct buffer key = BUFFER_EMPTY;
    struct report_why why = {""};
    struct store_reader *reader;
    struct store_secret secret = {.type = STORE_KEY_FILE};
    struct store *store = NULL;
    uint32_t number = 0;

    (void)state;
    stage_begin(&stage);
    stage_copy("tests/store-v1/store", stage.path); /* opening may change it */
    stage_load("tests/store-v1/key", &key);
    secret.bytes = key.bytes;
    secret.length_bytes = key.length_bytes;
    if (store_open(stage.path, &secret, &store, &why) != 0)
        fail_msg("%s", why.text);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(store_number(store, STORE_FIELDS, FIELD_NAMES[i], &number), 0);
        assert_int_equal(number, i + 1);
    }
    assert_int_equal(store_number(store, STORE_KINDS, "woningzoekende", &number), 0);
    assert_int_equal(number, 2);
    reader = stage_reader(store);
    assert_int_equal(stage_count(reader), PERSONS);
    for (unsigned n = 0; n < PERSONS; n++)
        expect_person(reader, n);
    store_reader_close(reader);
    store_close(store);
    buffer_clear(&key);
    stage_end(&stage);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_version_1)};

    if (argc == 3 && strcmp(argv[1], "--make") == 0)
        return make(argv[2]);
    return cmocka_run_group_tests_name("store_v1", tests, NULL, NULL);
}
