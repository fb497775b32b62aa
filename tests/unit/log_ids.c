/* Goal: every entry that is read back has a trace and a span id, its own: the one it was given, or one that the log makes of its key, the
 * same in every reading, and another for every entry and every log. */
#include "tests/unit/log_stage.h"

enum { ENTRIES = 500, OWN_EVERY = 7, ID_BYTES = 24 };

struct ids {
    uint8_t bytes[ENTRIES][ID_BYTES];
    size_t count;
};

static int take(void *context, const struct log_record *record)
{
    struct ids *ids = context;

    assert_true(ids->count < ENTRIES);
    memcpy(ids->bytes[ids->count], record->entry.trace, sizeof record->entry.trace);
    memcpy(ids->bytes[ids->count] + sizeof record->entry.trace, record->entry.span, sizeof record->entry.span);
    ids->count++;
    return 0;
}

static void write_entries(struct stage *stage)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct log_entry entry = stage_entry(i);

        if (i % OWN_EVERY) {
            memset(entry.trace, 0, sizeof entry.trace);
            memset(entry.span, 0, sizeof entry.span);
        }
        entry.time_ms = stage_start_ms; /* all at the same time: the number alone tells them apart */
        assert_int_equal(log_append(stage->log, &entry, NULL, NULL), 0);
    }
    stage_append(stage, 0, 1);
}

static struct ids read_ids(struct stage *stage)
{
    struct ids ids = {.count = 0};

    assert_int_equal(log_query(stage->log, &(struct log_filter){.limit = ENTRIES}, take, &ids, &stage->why), 0);
    assert_int_equal(ids.count, ENTRIES);
    return ids;
}

static bool are_same(const struct ids *one, unsigned i, const struct ids *other, unsigned j, size_t from,
                     size_t bytes)
{
    return memcmp(one->bytes[i] + from, other->bytes[j] + from, bytes) == 0;
}

static void ids_of_ones_own(void **state)
{
    struct stage stage, other;
    struct ids first, again, others;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    write_entries(&stage);
    first = read_ids(&stage);
    stage_close(&stage);
    assert_int_equal(stage_shell(&stage, "rm index.db*"), 0);
    stage_open(&stage);
    again = read_ids(&stage);
    assert_memory_equal(&first, &again, sizeof first);
    stage_begin(&other);
    other.key[0] ^= 1;
    stage_open(&other);
    write_entries(&other);
    others = read_ids(&other);
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct log_entry given = stage_entry(i);
        bool own = i % OWN_EVERY == 0;

        assert_int_equal(memcmp(first.bytes[i], given.trace, sizeof given.trace) == 0, own);
        assert_int_equal(are_same(&first, i, &others, i, 0, ID_BYTES), own);
        for (unsigned j = 0; j < i && !own; j++)
            assert_false(are_same(&first, i, &first, j, 0, 16) || are_same(&first, i, &first, j, 16, 8));
    }
    stage_end(&other);
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_of_ones_own)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
