/* Goal: two threads hand over every summary once, in order, in the thread of who asked, whatever their number is beside the size
 * of a block; who has enough ends both. */
#include "tests/unit/store_stage.h"

#include <pthread.h>

#include "fs/gate/loading.h"

struct seen {
    unsigned count, stop_at;
    uint32_t last;
    pthread_t asked_by;
};

static int see(void *context, const struct store_subject *subject)
{
    struct seen *seen = context;

    assert_true(pthread_equal(pthread_self(), seen->asked_by));
    assert_true(subject->id > seen->last);
    assert_in_range(subject->code_bytes, 1, STORE_CODE_MAX_BYTES);
    seen->last = subject->id;
    return ++seen->count == seen->stop_at ? 55 : 0;
}

static struct stage stage;
static struct store *store;
static struct store_reader *reader;

static unsigned load(unsigned stop_at, int answer)
{
    struct seen seen = {.stop_at = stop_at, .asked_by = pthread_self()};
    uint64_t damaged = 0;

    store_reader_rest(reader);
    assert_int_equal(loading_each(reader, see, &seen, &damaged), answer);
    assert_int_equal(damaged, 0);
    return seen.count;
}

static void every_number_of_summaries(void **state)
{
    static const unsigned sizes[] = {0, 1, 255, 256, 257, 511, 512, 513, 1000};
    unsigned have = 0;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i] > have)
            stage_publish_new(store, have, sizes[i]);
        have = sizes[i];
        assert_int_equal(load(0, 0), have);
    }
    for (unsigned stop_at = 1; stop_at <= 1000; stop_at += stop_at < 250 ? 83 : 85)
        assert_int_equal(load(stop_at, 55), stop_at);
    assert_int_equal(load(1000, 55), 1000);
    assert_int_equal(load(0, 0), 1000);
}

/* Damage is counted, and the rest is there: the summary's bytes are altered in the file, while it is closed. */
static void damage_is_counted(void **state)
{
    struct seen seen = {.asked_by = pthread_self()};
    uint64_t damaged = 0;

    (void)state;
    store_reader_close(reader);
    store_close(store);
    stage_sql(stage.path, "UPDATE summary SET sealed = zeroblob(length(sealed)) WHERE id IN "
                          "(SELECT id FROM summary ORDER BY id LIMIT 3 OFFSET 300)");
    store = stage_open(stage.path);
    reader = stage_reader(store);
    assert_int_equal(loading_each(reader, see, &seen, &damaged), 0);
    assert_int_equal(damaged, 3);
    assert_int_equal(seen.count, 997);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_number_of_summaries),
                                       cmocka_unit_test(damage_is_counted)};
    int status;

    stage_begin(&stage);
    stage_create(stage.path);
    store = stage_open(stage.path);
    reader = stage_reader(store);
    status = cmocka_run_group_tests_name("gate_loading", tests, NULL, NULL);
    store_reader_close(reader);
    store_close(store);
    stage_end(&stage);
    return status;
}
