/* Goal: kill -9 at any moment of a batch loses nothing published and leaves nothing unpublished, no key of it either. */
#include "tests/unit/store_stage.h"

#include <signal.h>
#include <sys/wait.h>

#include "fs/base/report.h"

enum { BEFORE = 20 }; /* persons published before the crash */

static struct stage stage;

static int set_up(void **state)
{
    struct store *store;

    (void)state;
    stage_begin(&stage);
    stage_create(stage.path);
    store = stage_open(stage.path);
    stage_publish_new(store, 0, BEFORE);
    store_close(store);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
}

static void put_edition(struct store_batch *batch, struct store_reader *reader, unsigned n, unsigned edition)
{
    struct stage_person person;

    stage_person(&person, n, edition);
    person.subject.id = stage_find(reader, n);
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), 0);
}

/* Puts `fresh` new persons and a second edition of the first `changed`, and dies; in the last step after publishing. */
struct crash {
    unsigned fresh;
    unsigned changed;
    bool published;
    bool name;
};

static void run_child(const struct crash *crash)
{
    struct store *store = stage_open(stage.path);
    struct store_reader *reader = stage_reader(store);
    struct store_batch *batch = stage_batch(store);
    uint32_t number;

    for (unsigned n = 0; n < crash->changed; n++)
        put_edition(batch, reader, n, 2);
    stage_put_new(batch, BEFORE, BEFORE + crash->fresh);
    if (crash->name) /* commits what the batch has so far */
        assert_int_equal(store_number_assign(store, STORE_FIELDS, "naam", &number), 0);
    if (crash->published)
        assert_int_equal(store_batch_publish(batch), 0);
    die();
}

static void crash_child(void (*run)(const struct crash *), const struct crash *crash)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        run(crash);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* What must be there after a crash, and not a row or key more. */
static void expect_after(unsigned persons, unsigned changed)
{
    struct store *store = stage_open(stage.path);
    struct store_reader *reader = stage_reader(store);

    assert_int_equal(stage_count(reader), persons);
    for (unsigned n = 0; n < persons; n++)
        stage_expect(reader, n, n < changed ? 2 : 1);
    assert_int_equal(stage_find(reader, persons), 0);
    store_reader_close(reader);
    store_close(store);
    assert_int_equal(stage_filled_slots(stage.path), persons * 3 + changed * 2);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM summary"), persons);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM item"), persons * 2 + changed * 2);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM subject"), persons);
    assert_int_equal(stage_ask(stage.path, "SELECT (SELECT count(*) FROM batch) + (SELECT count(*) FROM intent)"), 0);
}

static void takes_back_an_unpublished_batch(void **state)
{
    static const struct crash crashes[] = {
        {.fresh = 0},
        {.fresh = 1},
        {.fresh = 5, .changed = 3},
        {.fresh = 5, .changed = 3, .name = true},
        {.fresh = 1023},
        {.fresh = 1024},
        {.fresh = 1500, .changed = BEFORE},
        {.fresh = 2048 - BEFORE, .changed = BEFORE},
        {.fresh = 2500, .name = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        crash_child(run_child, &crashes[i]);
        expect_after(BEFORE, 0);
    }
}

static void keeps_a_published_batch(void **state)
{
    (void)state;
    crash_child(run_child, &(struct crash){.fresh = 1100, .changed = BEFORE, .published = true});
    expect_after(BEFORE + 1100, BEFORE);
}

/* An open that is itself killed in the midst of taking back, at several moments, is taken up by the next. */
static void takes_up_a_take_back_that_was_killed(void **state)
{
    (void)state;
    for (useconds_t after_us = 500; after_us < 60000; after_us = after_us * 5 / 3) {
        pid_t child;

        crash_child(run_child, &(struct crash){.fresh = 1500, .changed = BEFORE, .name = true});
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            store_close(stage_open(stage.path));
            _exit(0);
        }
        usleep(after_us); /* wherever it is then; every place is right */
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        expect_after(BEFORE, 0);
    }
}

/* The slots are written and synced before the commit that counts them: a crash between leaves keys above the mark. */
static void destroys_slots_above_the_mark(void **state)
{
    struct buffer bytes = BUFFER_EMPTY;

    (void)state;
    stage_load(stage_file(stage.path, "keyring"), &bytes);
    for (unsigned i = 0; i < 40; i += 3) /* copies of slot 0, with gaps; and a torn one */
        memcpy(bytes.bytes + 128 + (BEFORE * 3 + i) * 128, bytes.bytes + 128, 128);
    memset(bytes.bytes + 128 + (BEFORE * 3 + 50) * 128 + 60, 7, 20);
    stage_save(stage_file(stage.path, "keyring"), bytes.bytes, bytes.length_bytes);
    expect_after(BEFORE, 0);
    stage_load(stage_file(stage.path, "keyring"), &bytes);
    assert_int_equal(bytes.bytes[128 + (BEFORE * 3 + 50) * 128], 2);
    assert_int_equal(stage_ask(stage.path, "SELECT next_slot FROM meta"), BEFORE * 3 + 51);
    expect_after(BEFORE, 0);
    buffer_clear(&bytes);
}

/* A destruction that was intended and not carried out is carried out by the next open. */
static void finishes_intents(void **state)
{
    (void)state;
    stage_sql(stage.path, "INSERT INTO intent SELECT slot, batch, id FROM summary ORDER BY id LIMIT 1");
    {
        struct store *store = stage_open(stage.path);
        struct store_reader *reader = stage_reader(store);

        assert_int_equal(stage_count(reader), BEFORE - 1);
        store_reader_close(reader);
        store_close(store);
    }
    assert_int_equal(stage_filled_slots(stage.path), BEFORE * 3 - 1);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM intent"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_back_an_unpublished_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_a_published_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_up_a_take_back_that_was_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(destroys_slots_above_the_mark, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finishes_intents, set_up, tear_down),
    };

    int failed = cmocka_run_group_tests_name("store_crash", tests, NULL, NULL);

    stage_queues = true;
    return failed + cmocka_run_group_tests_name("store_crash, queued", tests, NULL, NULL);
}
