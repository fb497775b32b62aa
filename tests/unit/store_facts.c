/* Goal: facts about a subject are kept with its summary, whole or not at all; a summary that lies about them is not believed. */
#include "tests/unit/store_stage.h"

#include "fs/store/record.h"

static struct stage stage;

static int set_up(void **state)
{
    (void)state;
    stage_begin(&stage);
    stage_create(stage.path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static struct store_fact fact(uint32_t id, uint8_t word, uint32_t about, const char *reason)
{
    struct store_fact made = {.id = id,
                              .word = word,
                              .about = about,
                              .from_s = 1000 + id,
                              .until_s = STORE_NEVER,
                              .set_s = 2000,
                              .ended_s = STORE_NEVER,
                              .reviewed_s = -5,
                              .set_uid = 61001,
                              .ended_uid = 7,
                              .reviewed_uid = UINT32_MAX};

    snprintf(made.reason, sizeof made.reason, "%s", reason);
    return made;
}

static void assert_same_fact(const struct store_fact *a, const struct store_fact *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->word, b->word);
    assert_int_equal(a->about, b->about);
    assert_true(a->from_s == b->from_s && a->until_s == b->until_s && a->set_s == b->set_s);
    assert_true(a->ended_s == b->ended_s && a->reviewed_s == b->reviewed_s);
    assert_true(a->set_uid == b->set_uid && a->ended_uid == b->ended_uid && a->reviewed_uid == b->reviewed_uid);
    assert_string_equal(a->reason, b->reason);
}

static void put_facts(struct store *store, uint32_t id, unsigned count)
{
    struct store_reader *reader = stage_reader(store);
    struct store_batch *batch = stage_batch(store);
    struct store_subject subject;

    assert_int_equal(store_read_subject(reader, id, &subject), 0);
    subject.fact_count = count;
    for (unsigned i = 0; i < count; i++)
        subject.facts[i] = fact(3 * i + 1, (uint8_t)(i % 7 + 1), i, i % 2 ? "asked by letter" : "");
    subject.last_fact = 3 * STORE_MAX_FACTS;
    assert_int_equal(store_batch_put(batch, &subject, NULL, 0), 0);
    assert_int_equal(store_batch_publish(batch), 0);
    store_reader_close(reader);
}

static void expect_facts(struct store *store, uint32_t id, unsigned count)
{
    struct store_reader *reader = stage_reader(store);
    struct store_subject subject;

    assert_int_equal(store_read_subject(reader, id, &subject), 0);
    assert_int_equal(subject.fact_count, count);
    assert_int_equal(subject.last_fact, 3 * STORE_MAX_FACTS);
    for (unsigned i = 0; i < count; i++) {
        struct store_fact expected = fact(3 * i + 1, (uint8_t)(i % 7 + 1), i, i % 2 ? "asked by letter" : "");

        assert_same_fact(&subject.facts[i], &expected);
    }
    store_reader_close(reader);
}

/* Each number of them, over a closing and opening; the items and the other subjects stay as they were. */
static void facts_come_back(void **state)
{
    static const unsigned counts[] = {1, 2, STORE_MAX_FACTS, 0};
    struct store *store = stage_open(stage.path);

    (void)state;
    stage_publish_new(store, 1, 3);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct store_reader *reader = stage_reader(store);
        uint32_t id = stage_find(reader, 2);

        store_reader_close(reader);
        put_facts(store, id, counts[i]);
        expect_facts(store, id, counts[i]);
        store_close(store);
        store = stage_open(stage.path);
        expect_facts(store, id, counts[i]);
        reader = stage_reader(store);
        stage_expect(reader, 1, 1);
        stage_expect(reader, 2, 1);
        store_reader_close(reader);
    }
    store_close(store);
}

static void a_copy_has_the_facts(void **state)
{
    static struct store_subject from, to;

    (void)state;
    from.fact_count = 2;
    from.facts[0] = fact(1, 1, 1, "one");
    from.facts[1] = fact(2, 2, 2, "two");
    memset(&to, 0xff, sizeof to);
    store_subject_copy(&to, &from);
    assert_int_equal(to.fact_count, 2);
    assert_same_fact(&to.facts[0], &from.facts[0]);
    assert_same_fact(&to.facts[1], &from.facts[1]);
}

static void drafts_are_checked(void **state)
{
    static struct store_subject good, bad;

    (void)state;
    good = (struct store_subject){.kind = 1, .code_bytes = 1, .code = "x", .last_fact = 9, .fact_count = 2};
    good.facts[0] = fact(1, 1, 1, "one");
    good.facts[1] = fact(9, 2, 65535, "two");
    assert_int_equal(record_check_subject(&good), 0);
    bad = good;
    bad.fact_count = STORE_MAX_FACTS + 1;
    assert_int_equal(record_check_subject(&bad), -EINVAL);
    bad = good;
    bad.facts[0].id = 0;
    assert_int_equal(record_check_subject(&bad), -EINVAL);
    bad = good;
    bad.facts[1].id = 1;
    assert_int_equal(record_check_subject(&bad), -EINVAL);
    bad = good;
    bad.last_fact = 8;
    assert_int_equal(record_check_subject(&bad), -EINVAL);
    bad = good;
    bad.facts[0].word = 0;
    assert_int_equal(record_check_subject(&bad), -EINVAL);
    bad = good;
    bad.facts[1].about = 65536;
    assert_int_equal(record_check_subject(&bad), -EINVAL);
    bad = good;
    memset(bad.facts[0].reason, 'x', sizeof bad.facts[0].reason);
    assert_int_equal(record_check_subject(&bad), -EINVAL);
}

/* Cut at every length, and each byte made another: it is read as some record that is whole, or refused; never past its end. */
static void hostile_records_are_refused(void **state)
{
    static struct store_subject subject, out;
    struct buffer plain = BUFFER_EMPTY;
    unsigned refused = 0;

    (void)state;
    subject = (struct store_subject){.kind = 1, .code_bytes = 1, .code = "x", .last_fact = 2, .fact_count = 2};
    subject.facts[0] = fact(1, 1, 1, "one");
    subject.facts[1] = fact(2, 2, 2, "two");
    record_put_subject(&plain, &subject);
    assert_int_equal(record_get_subject(plain.bytes, plain.length_bytes, &out), 0);
    for (size_t length = 0; length < plain.length_bytes; length++) {
        uint8_t *exact = malloc(length ? length : 1);

        memcpy(exact, plain.bytes, length);
        assert_int_equal(record_get_subject(exact, length, &out), -EBADMSG);
        free(exact);
    }
    for (size_t at = 0; at < plain.length_bytes; at++) {
        plain.bytes[at] ^= 0xff;
        refused += record_get_subject(plain.bytes, plain.length_bytes, &out) != 0;
        plain.bytes[at] ^= 0xff;
    }
    assert_true(refused >= 12); /* kind of record, counts, lengths, ids, words, and what hangs on them */
    buffer_clear(&plain);
}

static void purposes_have_numbers(void **state)
{
    struct store *store = stage_open(stage.path);
    uint32_t number, again;
    char name[64];

    (void)state;
    assert_int_equal(store_number(store, STORE_PURPOSES, "nieuwsbrief", &number), -ENOENT);
    assert_int_equal(store_number_assign(store, STORE_PURPOSES, "nieuwsbrief", &number), 0);
    store_close(store);
    store = stage_open(stage.path);
    assert_int_equal(store_number(store, STORE_PURPOSES, "nieuwsbrief", &again), 0);
    assert_int_equal(number, again);
    assert_int_equal(store_name(store, STORE_PURPOSES, number, name), 0);
    assert_string_equal(name, "nieuwsbrief");
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(facts_come_back, set_up, tear_down),
        cmocka_unit_test(a_copy_has_the_facts),
        cmocka_unit_test(drafts_are_checked),
        cmocka_unit_test(hostile_records_are_refused),
        cmocka_unit_test_setup_teardown(purposes_have_numbers, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
