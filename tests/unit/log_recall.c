/* Goal: a question about a person, or about what a user did, is answered with each entry that was written about it, in order, and with no
 * other; whether entries were written alone or many at once, over many segments, across a stop, and with the index lost. */
#include "tests/unit/log_stage.h"

#include <time.h>

enum { ENTRIES = 20000, SUBJECTS = 300, USERS = 7, STOP_AT = 9000, LOSE_AT = 15000 };

static uint64_t draw(uint64_t number)
{
    uint64_t z = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uneven: some are asked about much more than others, and neighbours in number are neighbours in the index. */
static uint64_t subject_of(unsigned i)
{
    uint64_t drawn = draw(i);

    return 1000 + (drawn >> 60 ? drawn % SUBJECTS : drawn % 5);
}

static unsigned user_of(unsigned i)
{
    return (unsigned)(draw(i) >> 32) % USERS;
}

static const char *name_of(unsigned user)
{
    static const char *const names[USERS] = {"anna", "ann", "anna ", "bram", "chris", "61003", "d"};

    return names[user];
}

static struct log_entry entry_of(unsigned i)
{
    struct log_entry entry = stage_entry(i);

    entry.subject = subject_of(i);
    entry.uid = 61000 + user_of(i);
    entry.user = name_of(user_of(i));
    entry.pid = (int32_t)i;
    return entry;
}

static void note_done(void *context, int status)
{
    assert_int_equal(status, 0);
    __atomic_sub_fetch((unsigned *)context, 1, __ATOMIC_RELAXED);
}

/* A few hundred at once, then one alone. */
static void write_entries(struct stage *stage, unsigned from, unsigned to)
{
    unsigned left = 0;

    for (unsigned i = from; i < to; i++) {
        struct log_entry entry = entry_of(i);

        __atomic_add_fetch(&left, 1, __ATOMIC_RELAXED);
        assert_int_equal(log_append(stage->log, &entry, note_done, &left), 0);
        while (i % 400 > 380 && __atomic_load_n(&left, __ATOMIC_RELAXED) > 0)
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
    while (__atomic_load_n(&left, __ATOMIC_RELAXED) > 0)
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

struct told {
    unsigned *numbers; /* as entry_of() numbers them */
    size_t count;
};

static int take(void *context, const struct log_record *record)
{
    struct told *told = context;

    assert_int_equal(record->number, (uint64_t)record->entry.pid + 1);
    assert_true(told->count < ENTRIES);
    told->numbers[told->count++] = (unsigned)record->entry.pid;
    return 0;
}

/* What holds of entry `i` by the filter, told by the test's own rules. */
static bool wanted(const struct log_filter *filter, unsigned i)
{
    int64_t time_ms = stage_start_ms + (int64_t)i * 1000;

    return (!filter->subjects || *filter->subjects == subject_of(i)) &&
           (!filter->user || strcmp(filter->user, name_of(user_of(i))) == 0) &&
           (!filter->has_uid || filter->uid == 61000 + user_of(i)) &&
           (!filter->from_ms || time_ms >= filter->from_ms) && (!filter->to_ms || time_ms < filter->to_ms);
}

static void compare(struct stage *stage, const struct log_filter *filter, unsigned written, unsigned *room)
{
    struct told told = {.numbers = room};
    size_t at = 0;

    assert_int_equal(log_query(stage->log, filter, take, &told, &stage->why), 0);
    for (unsigned i = 0; i < written; i++)
        if (wanted(filter, i)) {
            assert_true(at < told.count);
            assert_int_equal(told.numbers[at++], i);
        }
    assert_int_equal(at, told.count);
}

static void ask_all(struct stage *stage, unsigned written)
{
    unsigned *room = calloc(ENTRIES, sizeof *room);

    assert_non_null(room);
    for (uint64_t subject = 1000 - 2; subject < 1000 + SUBJECTS + 2; subject++) {
        struct log_filter filter = {.subjects = &subject, .subject_count = 1};

        compare(stage, &filter, written, room);
        filter.user = name_of((unsigned)subject % USERS);
        compare(stage, &filter, written, room);
        filter.from_ms = stage_start_ms + (int64_t)(subject % 100) * 50000;
        filter.to_ms = filter.from_ms + 6000000;
        compare(stage, &filter, written, room);
    }
    for (unsigned user = 0; user < USERS; user++) {
        compare(stage, &(struct log_filter){.user = name_of(user)}, written, room);
        compare(stage, &(struct log_filter){.has_uid = true, .uid = 61000 + user}, written, room);
    }
    free(room);
}

static void recall(void **state)
{
    struct stage stage;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    write_entries(&stage, 0, STOP_AT);
    ask_all(&stage, STOP_AT);
    stage_close(&stage);
    stage_open(&stage);
    write_entries(&stage, STOP_AT, LOSE_AT);
    stage_close(&stage);
    assert_int_equal(stage_shell(&stage, "rm index.db*"), 0);
    stage_open(&stage);
    ask_all(&stage, LOSE_AT);
    write_entries(&stage, LOSE_AT, ENTRIES);
    ask_all(&stage, ENTRIES);
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(recall)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
