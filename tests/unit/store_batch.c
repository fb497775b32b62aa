/* Goal: what was put and published is read back whole, by version; what is not published is nobody's to see. */
#include "tests/unit/store_stage.h"

#include <pthread.h>
#include <stdatomic.h>

static struct stage stage;
static struct store *store;
static struct store_reader *reader;

static int set_up(void **state)
{
    (void)state;
    stage_begin(&stage);
    stage_create(stage.path);
    store = stage_open(stage.path);
    reader = stage_reader(store);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_reader_close(reader);
    store_close(store);
    reader = NULL;
    store = NULL;
    stage_end(&stage);
    return 0;
}

static void reopen(void)
{
    store_reader_close(reader);
    store_close(store);
    store = stage_open(stage.path);
    reader = stage_reader(store);
}

static void close_all(void)
{
    store_reader_close(reader);
    store_close(store);
    reader = NULL;
    store = NULL;
}

/* A new edition of person `n`, who is published already. */
static int put_edition(struct store_batch *batch, unsigned n, unsigned edition, uint32_t id, uint32_t *version)
{
    struct stage_person person;
    int error;

    stage_person(&person, n, edition);
    person.subject.id = id;
    error = store_batch_put(batch, &person.subject, person.items, 2);
    if (error == 0)
        *version = person.subject.version;
    return error;
}

static void publishes_all_at_once(void **state)
{
    struct store_batch *batch = stage_batch(store);

    (void)state;
    stage_put_new(batch, 0, 2500); /* over several commits */
    assert_int_equal(stage_count(reader), 0);
    assert_int_equal(stage_find(reader, 7), 0);
    assert_int_equal(store_batch_publish(batch), 0);
    assert_int_equal(stage_find(reader, 7), 0); /* still the state from before: a reader sees one until it rests */
    store_reader_rest(reader);
    assert_int_equal(stage_count(reader), 2500);
    for (unsigned n = 0; n < 2500; n += 83)
        stage_expect(reader, n, 1);
    reopen();
    assert_int_equal(stage_count(reader), 2500);
    stage_expect(reader, 2499, 1);
}

static void abandons_without_a_trace(void **state)
{
    struct store_batch *batch;
    uint32_t id, version;

    (void)state;
    stage_publish_new(store, 0, 3);
    id = stage_find(reader, 1);
    batch = stage_batch(store);
    stage_put_new(batch, 3, 1500);
    assert_int_equal(put_edition(batch, 1, 2, id, &version), 0);
    store_batch_abandon(batch);
    store_reader_rest(reader);
    assert_int_equal(stage_count(reader), 3);
    stage_expect(reader, 1, 1);
    stage_publish_new(store, 3, 5); /* the codes are free again */
    store_reader_rest(reader);
    stage_expect(reader, 4, 1);
    store_batch_abandon(stage_batch(store));
    store_batch_abandon(NULL);
    close_all();
    assert_int_equal(stage_filled_slots(stage.path), 5 * 3);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM summary"), 5);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM item"), 10);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM subject"), 5);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM batch"), 0);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM intent"), 0);
}

static void makes_versions(void **state)
{
    struct store_subject before, after;
    struct store_batch *batch;
    struct stage_person person;
    uint32_t version = 0;
    uint32_t id;

    (void)state;
    stage_publish_new(store, 0, 10);
    id = stage_find(reader, 5);
    assert_int_equal(store_read_subject(reader, id, &before), 0);
    assert_int_equal(before.version, 1);
    batch = stage_batch(store);
    assert_int_equal(put_edition(batch, 5, 2, id, &version), 0);
    assert_int_equal(version, 2);
    assert_int_equal(put_edition(batch, 5, 3, id, &version), 0); /* twice in one batch */
    store_reader_rest(reader);
    stage_expect(reader, 5, 1);
    assert_int_equal(stage_count(reader), 10);
    assert_int_equal(store_batch_publish(batch), 0);
    store_reader_rest(reader);
    stage_expect(reader, 5, 3);
    assert_int_equal(store_read_subject(reader, id, &after), 0);
    assert_int_equal(after.version, 3);
    assert_true(after.pseudonym == before.pseudonym);
    /* only one category changes: the other stays as it was */
    batch = stage_batch(store);
    stage_person(&person, 5, 4);
    person.subject.id = id;
    assert_int_equal(store_batch_put(batch, &person.subject, &person.items[1], 1), 0);
    assert_int_equal(store_batch_publish(batch), 0);
    store_reader_rest(reader);
    {
        struct store_item item = {0};

        assert_int_equal(store_read_item(reader, id, 1, &item), 0);
        assert_non_null(memmem(item.fields[0].value, item.fields[0].value_bytes, "edition 3", 9));
        assert_int_equal(store_read_item(reader, id, 2, &item), 0);
        assert_non_null(memmem(item.fields[0].value, item.fields[0].value_bytes, "edition 4", 9));
        store_item_clear(&item);
    }
    assert_int_equal(stage_count(reader), 10);
    close_all();
    /* every replaced summary's key is gone; the items' versions stay: 10 summaries, 20 items, and 5 more versions */
    assert_int_equal(stage_filled_slots(stage.path), 10 + 20 + 5);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM summary"), 10);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM intent"), 0);
}

static void refuses_and_goes_on(void **state)
{
    struct store_batch *batch, *second = NULL;
    struct stage_person person;
    uint32_t version = 0;
    uint32_t id;
    char value[] = "0";

    (void)state;
    stage_publish_new(store, 0, 2);
    id = stage_find(reader, 1);
    batch = stage_batch(store);
    assert_int_equal(store_batch_begin(store, &second), -EBUSY);
    assert_null(second);
    stage_put_new(batch, 2, 3);
    stage_person(&person, 1, 2);
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EEXIST);
    assert_int_equal(person.subject.id, 0);
    stage_person(&person, 2, 2);
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EEXIST);
    assert_int_equal(put_edition(batch, 1, 2, id + 1000, &version), -ENOENT);
    assert_int_equal(put_edition(batch, 1, 2, 0xffffffff, &version), -ENOENT);
    assert_int_equal(put_edition(batch, 0, 2, id, &version), -EINVAL); /* another's code */
    stage_person(&person, 9, 1);
    person.items[1].category = 1;
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EINVAL);
    person.items[1].category = 0;
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EINVAL);
    person.items[1].category = 4096;
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EINVAL);
    stage_person(&person, 9, 1);
    person.subject.code[3] = '\0';
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EINVAL);
    stage_person(&person, 9, 1);
    person.subject.code_bytes = 0;
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EINVAL);
    stage_person(&person, 9, 1);
    person.subject.category_count = STORE_MAX_CATEGORIES + 1;
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EINVAL);
    stage_person(&person, 9, 1);
    person.fields[0][1].number = person.fields[0][0].number;
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EINVAL);
    stage_person(&person, 9, 1);
    person.fields[1][1].value = calloc(1, 17 << 20);
    person.fields[1][1].value_bytes = 17 << 20;
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EFBIG);
    free((void *)(uintptr_t)person.fields[1][1].value);
    /* none of that did anything */
    stage_person(&person, 9, 1);
    person.fields[0][0].value = (const uint8_t *)value;
    person.fields[0][0].value_bytes = 0;
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), 0);
    assert_int_equal(store_batch_publish(batch), 0);
    store_reader_rest(reader);
    assert_int_equal(stage_count(reader), 4);
    stage_expect(reader, 1, 1);
    stage_expect(reader, 2, 1);
    close_all();
    assert_int_equal(stage_filled_slots(stage.path), 4 * 3);
}

static void refuses_the_last_version(void **state)
{
    struct store_batch *batch;
    uint32_t version = 0;
    char text[256];
    uint32_t id;

    (void)state;
    stage_publish_new(store, 0, 2);
    id = stage_find(reader, 1);
    close_all();
    snprintf(text, sizeof text,
             "INSERT INTO item SELECT id | 1048575, batch, generation, slot, sealed FROM item"
             " WHERE id >> 32 = %u AND (id >> 20) & 4095 = 2",
             id);
    stage_sql(stage.path, text);
    store = stage_open(stage.path);
    reader = stage_reader(store);
    batch = stage_batch(store);
    assert_int_equal(put_edition(batch, 1, 2, id, &version), -EOVERFLOW);
    stage_put_new(batch, 2, 3);
    assert_int_equal(store_batch_publish(batch), 0);
    close_all();
    assert_int_equal(stage_filled_slots(stage.path), 3 * 3);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM summary"), 3);
}

static void keeps_big_and_small_values(void **state)
{
    static const size_t sizes[] = {0, 1, 40, 63, 64, 65, 511, 512, 513, 4000, 4096, 70000, 3000000};
    uint8_t *value = malloc(3000000);
    struct store_item item = {0};

    (void)state;
    assert_non_null(value);
    for (size_t i = 0; i < 3000000; i++)
        value[i] = (uint8_t)(i * 31 + i / 251);
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct store_batch *batch = stage_batch(store);
        struct stage_person person;

        stage_person(&person, i, 1);
        person.fields[0][1].value = value;
        person.fields[0][1].value_bytes = sizes[i];
        assert_int_equal(store_batch_put(batch, &person.subject, person.items, 1), 0);
        assert_int_equal(store_batch_publish(batch), 0);
        store_reader_rest(reader);
        assert_int_equal(store_read_item(reader, person.subject.id, 1, &item), 0);
        assert_int_equal(item.fields[1].value_bytes, sizes[i]);
        assert_memory_equal(item.fields[1].value, value, sizes[i]);
        assert_int_equal(store_read_item(reader, person.subject.id, 2, &item), -ENOENT);
        assert_int_equal(item.field_count, 2); /* untouched by what failed */
    }
    assert_int_equal(store_read_item(reader, 1, 0, &item), -ENOENT);
    assert_int_equal(store_read_item(reader, UINT32_MAX, 1, &item), -ENOENT);
    assert_int_equal(store_read_item(reader, 1, UINT32_MAX, &item), -ENOENT);
    store_item_clear(&item);
    free(value);
}

static void gives_names_numbers(void **state)
{
    struct store_batch *batch;
    uint32_t number = 0, again = 0;
    char longest[65];
    char name[32];

    (void)state;
    memset(longest, 'n', 64);
    longest[64] = '\0';
    assert_int_equal(store_number(store, STORE_FIELDS, "naam", &number), -ENOENT);
    assert_int_equal(store_number_assign(store, STORE_FIELDS, "naam", &number), 0);
    assert_int_equal(number, 1);
    assert_int_equal(store_number_assign(store, STORE_FIELDS, "iban", &number), 0);
    assert_int_equal(number, 2);
    assert_int_equal(store_number_assign(store, STORE_FIELDS, "naam", &again), 0);
    assert_int_equal(again, 1);
    assert_int_equal(store_number_assign(store, STORE_KINDS, "naam", &again), 0);
    assert_int_equal(again, 1);
    assert_int_equal(store_number_assign(store, STORE_KINDS, longest, &again), -EINVAL);
    assert_int_equal(store_number_assign(store, STORE_KINDS, "", &again), -EINVAL);
    assert_int_equal(store_number_assign(store, STORE_KINDS, longest + 1, &again), 0);
    /* a number stays given although the batch it was given in is taken back */
    batch = stage_batch(store);
    stage_put_new(batch, 0, 5);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "naam-%u", i * 37 % 100);
        assert_int_equal(store_number_assign(store, STORE_CATEGORIES, name, &number), 0);
        assert_int_equal(number, i + 1);
    }
    stage_put_new(batch, 5, 6);
    store_batch_abandon(batch);
    reopen();
    assert_int_equal(stage_count(reader), 0);
    assert_int_equal(store_number(store, STORE_FIELDS, "iban", &number), 0);
    assert_int_equal(number, 2);
    assert_int_equal(store_number(store, STORE_KINDS, longest + 1, &number), 0);
    assert_int_equal(store_number(store, STORE_CATEGORIES, "naam-37", &number), 0);
    assert_int_equal(number, 2);
}

struct meddling {
    unsigned seen;
    uint32_t last;
    int stop_at;
};

/* Publishes a change of everybody while the walk stands in the middle, and makes the reader rest. */
static int meddle(void *context, const struct store_subject *subject)
{
    struct meddling *meddling = context;

    assert_true(subject->id > meddling->last);
    meddling->last = subject->id;
    if (++meddling->seen == 10) {
        struct store_batch *batch = stage_batch(store);
        struct store_reader *other = stage_reader(store);
        uint32_t version;

        for (unsigned n = 0; n < 30; n++)
            assert_int_equal(put_edition(batch, n, 2, stage_find(other, n), &version), 0);
        stage_put_new(batch, 30, 35);
        assert_int_equal(store_batch_publish(batch), 0);
        store_reader_close(other);
    }
    if (meddling->seen == 20)
        store_reader_rest(reader);
    return meddling->stop_at > 0 && meddling->seen == (unsigned)meddling->stop_at ? 77 : 0;
}

/* The keys of the summaries that the walk still looks at are destroyed under it. */
static void walks_while_others_publish(void **state)
{
    struct meddling meddling = {0};
    uint64_t damaged = 0;

    (void)state;
    stage_publish_new(store, 0, 30);
    assert_int_equal(store_each_subject(reader, 0, meddle, &meddling, &damaged), 0);
    assert_int_equal(damaged, 0);
    assert_in_range(meddling.seen, 30, 35);
    store_reader_rest(reader);
    assert_int_equal(stage_count(reader), 35);
    stage_expect(reader, 29, 2);
    meddling = (struct meddling){.stop_at = 3};
    assert_int_equal(store_each_subject(reader, 0, meddle, &meddling, NULL), 77);
    assert_int_equal(meddling.seen, 3);
}

/* A reader in the state from before finds the newest one when the keys it looks for are gone. */
static void reads_what_replaced_it(void **state)
{
    struct store_batch *batch;
    struct store_subject subject;
    uint32_t version;
    uint32_t id;

    (void)state;
    stage_publish_new(store, 0, 3);
    id = stage_find(reader, 1);
    batch = stage_batch(store);
    assert_int_equal(put_edition(batch, 1, 2, id, &version), 0);
    assert_int_equal(store_batch_publish(batch), 0);
    assert_int_equal(store_read_subject(reader, id, &subject), 0);
    assert_int_equal(subject.version, 2);
}

static atomic_bool reading_ends;

static void *read_on(void *unused)
{
    struct store_reader *mine = stage_reader(store);
    struct store_subject subject;
    uintptr_t faults = 0;

    (void)unused;
    while (!atomic_load(&reading_ends)) {
        uint32_t id = stage_find(mine, 1);
        struct store_item item = {0};

        faults += id == 0 || store_read_subject(mine, id, &subject) != 0 || store_read_item(mine, id, 1, &item) != 0;
        store_item_clear(&item);
        store_reader_rest(mine);
    }
    store_reader_close(mine);
    return (void *)faults;
}

static void reads_while_another_thread_writes(void **state)
{
    pthread_t thread;
    void *faults = NULL;
    uint32_t id, version;

    (void)state;
    stage_publish_new(store, 0, 3);
    id = stage_find(reader, 1);
    atomic_store(&reading_ends, false);
    assert_int_equal(pthread_create(&thread, NULL, read_on, NULL), 0);
    for (unsigned edition = 2; edition < 60; edition++) {
        struct store_batch *batch = stage_batch(store);

        assert_int_equal(put_edition(batch, 1, edition, id, &version), 0);
        assert_int_equal(store_batch_publish(batch), 0);
    }
    atomic_store(&reading_ends, true);
    pthread_join(thread, &faults);
    assert_int_equal((uintptr_t)faults, 0);
}

/* Puts and queued ones in one batch, over the ends of groups and commits; each sees what came before. */
static void queues_between_puts(void **state)
{
    struct store_batch *batch = stage_batch(store);
    struct stage_person person;
    uint32_t version;

    (void)state;
    stage_put_new(batch, 0, 100);
    assert_int_equal(store_batch_publish(batch), 0);
    store_reader_rest(reader);
    batch = stage_batch(store);
    for (unsigned n = 100; n < 1500; n += 100) {
        stage_put_new(batch, n, n + 99);
        assert_int_equal(put_edition(batch, n / 100, 2, stage_find(reader, n / 100), &version), 0);
        stage_person(&person, n + 99, 1);
        assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), 0);
    }
    assert_int_equal(store_batch_publish(batch), 0);
    store_reader_rest(reader);
    assert_int_equal(stage_count(reader), 1500);
    for (unsigned n = 0; n < 1500; n += 7)
        stage_expect(reader, n, n >= 1 && n <= 14 ? 2 : 1);
}

/* A code that is taken is found out behind, and ends the batch: by the next put, at the latest by publishing. */
static void queued_codes_that_are_taken_end_the_batch(void **state)
{
    struct store_batch *batch;
    struct stage_person person;

    (void)state;
    stage_publish_new(store, 0, 5);
    for (unsigned twice_in_batch = 0; twice_in_batch < 2; twice_in_batch++) {
        batch = stage_batch(store);
        stage_person(&person, 50, 1);
        assert_int_equal(store_batch_queue(batch, &person.subject, person.items, 2), 0);
        stage_person(&person, twice_in_batch ? 50 : 3, 1);
        assert_int_equal(store_batch_queue(batch, &person.subject, person.items, 2), 0);
        stage_person(&person, 51, 1);
        if (twice_in_batch)
            assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EEXIST);
        assert_int_equal(store_batch_publish(batch), -EEXIST);
        store_batch_abandon(batch);
    }
    /* And soon, not only in the end: nobody should queue a million for nothing. */
    batch = stage_batch(store);
    stage_person(&person, 3, 1);
    assert_int_equal(store_batch_queue(batch, &person.subject, person.items, 2), 0);
    for (unsigned n = 100, error = 0; error == 0; n++) {
        assert_in_range(n, 100, 400);
        stage_person(&person, n, 1);
        error = store_batch_queue(batch, &person.subject, person.items, 2) == -EEXIST;
    }
    store_batch_abandon(batch);
    stage_person(&person, 3, 1);
    person.subject.id = 1;
    batch = stage_batch(store);
    assert_int_equal(store_batch_queue(batch, &person.subject, person.items, 2), -EINVAL);
    store_batch_abandon(batch);
    store_reader_rest(reader);
    assert_int_equal(stage_count(reader), 5);
    close_all();
    assert_int_equal(stage_filled_slots(stage.path), 5 * 3);
}

/* One that is too large is refused at once and takes nothing with it, whether it is the first of its group or comes later. */
static void queues_on_after_one_that_is_too_large(void **state)
{
    struct store_batch *batch = stage_batch(store);
    uint8_t *large = calloc(1, 17 << 20);
    struct stage_person person;

    (void)state;
    assert_non_null(large);
    for (unsigned n = 0; n < 10; n++) {
        stage_person(&person, 100 + n, 1); /* the first item is sealed before the second turns out too large */
        person.fields[1][1].value = large;
        person.fields[1][1].value_bytes = 17 << 20;
        if (n % 3 == 0)
            assert_int_equal(store_batch_queue(batch, &person.subject, person.items, 2), -EFBIG);
        stage_person(&person, n, 1);
        assert_int_equal(store_batch_queue(batch, &person.subject, person.items, 2), 0);
    }
    free(large);
    assert_int_equal(store_batch_publish(batch), 0);
    store_reader_rest(reader);
    assert_int_equal(stage_count(reader), 10);
    for (unsigned n = 0; n < 10; n++)
        stage_expect(reader, n, 1);
    close_all();
    assert_int_equal(stage_filled_slots(stage.path), 10 * 3);
}

/* What is lent is kept while the state of the database is, and no longer; another item is never taken for it. */
static void lends_items_until_it_rests(void **state)
{
    const struct store_item *item, *again;
    uint32_t id, version;
    struct store_batch *batch;

    (void)state;
    stage_publish_new(store, 0, 40);
    id = stage_find(reader, 7);
    assert_int_equal(store_borrow_item(reader, id, 1, &item), 0);
    assert_int_equal(store_borrow_item(reader, id, 1, &again), 0);
    assert_ptr_equal(item, again);
    for (unsigned n = 0; n < 40; n++) /* more than are kept */
        for (uint32_t category = 1; category <= 2; category++) {
            struct store_item fresh = {.plain = BUFFER_EMPTY};

            assert_int_equal(store_read_item(reader, stage_find(reader, n), category, &fresh), 0);
            for (unsigned twice = 0; twice < 2; twice++) {
                assert_int_equal(store_borrow_item(reader, stage_find(reader, n), category, &item), 0);
                assert_int_equal(item->field_count, fresh.field_count);
                assert_int_equal(item->fields[0].value_bytes, fresh.fields[0].value_bytes);
                assert_memory_equal(item->fields[0].value, fresh.fields[0].value, fresh.fields[0].value_bytes);
            }
            store_item_clear(&fresh);
        }
    assert_int_equal(store_borrow_item(reader, id, 3, &again), -ENOENT);
    assert_int_equal(store_borrow_item(reader, 0, 1, &again), -ENOENT);
    batch = stage_batch(store);
    assert_int_equal(put_edition(batch, 7, 2, id, &version), 0);
    assert_int_equal(store_batch_publish(batch), 0);
    store_reader_rest(reader);
    assert_int_equal(store_borrow_item(reader, id, 1, &item), 0);
    stage_expect(reader, 7, 2);
    {
        struct stage_person person;

        stage_person(&person, 7, 2);
        assert_int_equal(item->fields[0].value_bytes, strlen(person.values[0][0]));
        assert_memory_equal(item->fields[0].value, person.values[0][0], item->fields[0].value_bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(publishes_all_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(abandons_without_a_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(makes_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_and_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_the_last_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_big_and_small_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_names_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(walks_while_others_publish, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_what_replaced_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(queues_between_puts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(queued_codes_that_are_taken_end_the_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(queues_on_after_one_that_is_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lends_items_until_it_rests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_while_another_thread_writes, set_up, tear_down),
    };

    int failed = cmocka_run_group_tests_name("store_batch", tests, NULL, NULL);

    stage_queues = true;
    return failed + cmocka_run_group_tests_name("store_batch, queued", tests, NULL, NULL);
}
