/* Goal: months of the log past its own term are destroyed so that nothing of them can be read, anybody can see without a key that it
 * was right, a crash at any step is finished by the next start, and nothing is destroyed on a leap of the clock or a rule that
 * became shorter before somebody confirms. */
#include "tests/unit/log_stage.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "fs/log/entry.h"
#include "fs/log/erasure.h"

enum { MONTHS = 6, PER_MONTH = 10, ENTRIES = MONTHS * PER_MONTH, TERM = 12 };
#define HOUR_MS INT64_C(3600000)

/* ---- a process that dies at its n-th step to the disk --------------------------------------------------------------- */

static atomic_int steps_left; /* of all threads; 0: never */

static void step(void)
{
    if (steps_left > 0 && atomic_fetch_sub(&steps_left, 1) == 1)
        kill(getpid(), SIGKILL);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))(uintptr_t)dlsym(RTLD_NEXT, "fdatasync");

    step();
    return real(fd);
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))(uintptr_t)dlsym(RTLD_NEXT, "fsync");

    step();
    return real(fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    int (*real)(int, const char *, int, const char *) =
        (int (*)(int, const char *, int, const char *))(uintptr_t)dlsym(RTLD_NEXT, "renameat");

    step();
    return real(from_fd, from, to_fd, to);
}

int unlinkat(int fd, const char *name, int flags)
{
    int (*real)(int, const char *, int) = (int (*)(int, const char *, int))(uintptr_t)dlsym(RTLD_NEXT, "unlinkat");

    step();
    return real(fd, name, flags);
}

/* ---- a log with months that are due -------------------------------------------------------------------------------- */

static const struct log_rule rule = {.term_months = TERM, .line = 12, .policy = {0xaa, 0xbb, 0xcc}};

static int64_t now_ms(void)
{
    return (int64_t)time(NULL) * 1000;
}

/* The number of the stage's month `i`: three of the six are past the term. */
static uint16_t month_of(unsigned i)
{
    return (uint16_t)(entry_month(now_ms()) - TERM - 3 + i);
}

static void fill(struct stage *stage)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct log_entry entry = stage_entry(i);

        entry.time_ms = entry_month_start_ms(month_of(i / PER_MONTH)) + 5 * 24 * HOUR_MS + i * 1000;
        assert_int_equal(log_append_and_wait(stage->log, &entry), 0);
    }
    (void)stage_count(stage); /* fills the index */
}

static void begin(struct stage *stage)
{
    stage_begin(stage);
    stage_open(stage);
    fill(stage);
}

struct told {
    unsigned erased, due, held;
    struct log_erasure first;
};

static int tell(void *context, const struct log_erasure *erasure, enum log_erasure_state state)
{
    struct told *told = context;

    if (told->erased + told->due + told->held == 0)
        told->first = *erasure;
    told->erased += state == LOG_ERASED;
    told->due += state == LOG_DUE;
    told->held += state == LOG_HELD;
    return 0;
}

static struct told expire(struct stage *stage, int64_t at_ms, enum log_expire how, struct log_expired *out)
{
    struct told told = {0};
    int error = log_expire_due(stage->log, at_ms, how, tell, &told, out, &stage->why);

    if (error)
        print_error("%s\n", stage->why.text);
    assert_int_equal(error, 0);
    return told;
}

static void count_erased(void *context, const struct log_erasure *erasure, bool finished)
{
    struct told *told = context;

    if (told->erased + told->due == 0)
        told->first = *erasure;
    told->erased += finished;
    told->due += !finished;
}

static struct verify_report verify_erased(const struct stage *stage, const char *since, struct told *told)
{
    struct verify_report report;

    *told = (struct told){0};
    verify_log(&(struct verify_options){.path = stage->path, .since = since, .erased = count_erased, .context = told},
               &report);
    return report;
}

/* A log whose rule was in force, at the time `at_ms`, before its first entry was made: nothing has to be confirmed for the rule. */
static void begin_with_rule(struct stage *stage, const struct log_rule *first, int64_t at_ms)
{
    stage_begin(stage);
    stage->durability = LOG_DURABLE_CRASH;
    stage_open(stage);
    log_set_rule(stage->log, first, false);
    expire(stage, at_ms, LOG_EXPIRE_NOW, NULL);
    fill(stage);
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

static void kept_without_a_rule(void **state)
{
    struct stage stage;
    struct told told;

    (void)state;
    begin(&stage);
    told = expire(&stage, now_ms(), LOG_EXPIRE_CONFIRM, NULL);
    assert_int_equal(told.erased + told.due + told.held, 0);
    assert_int_equal(stage_count(&stage), ENTRIES);
    stage_close(&stage);
    assert_int_equal(verify_erased(&stage, NULL, &told).erased_months, 0);
    stage_end(&stage);
}

/* What index.db holds of an entry, as bytes: its time in SQLite's varint-free form (6 bytes, big-endian) and the hash of its user. */
static bool index_holds(const struct stage *stage, const uint8_t *needle, size_t needle_bytes)
{
    static const char *const names[] = {"index.db", "index.db-wal"};
    bool found = false;

    for (size_t i = 0; i < 2; i++) {
        struct buffer bytes = BUFFER_EMPTY;
        char path[128];

        snprintf(path, sizeof path, "%s/%s", stage->path, names[i]);
        if (file_read_path(path, 1 << 24, &bytes) == 0)
            found |= memmem(bytes.bytes, bytes.length_bytes, needle, needle_bytes) != NULL;
        buffer_clear(&bytes);
    }
    return found;
}

static void time_bytes(unsigned entry, uint8_t out[static 6])
{
    uint64_t time = (uint64_t)(entry_month_start_ms(month_of(entry / PER_MONTH)) + 5 * 24 * HOUR_MS + entry * 1000);

    for (unsigned i = 0; i < 6; i++)
        out[i] = (uint8_t)(time >> (8 * (5 - i)));
}

static void destroyed_and_gone(void **state)
{
    struct stage stage;
    struct told told;
    struct verify_report report;
    struct log_filter users = {.user = "anna"};
    struct stage_answer answer;
    char since[VERIFY_CHECKPOINT_BYTES], key[VERIFY_KEY_BYTES];
    uint8_t old_time[6], new_time[6];

    (void)state;
    begin(&stage);
    stage_close(&stage);
    assert_int_equal(verify_checkpoint(stage.path, since, key), 0);
    time_bytes(PER_MONTH + 3, old_time);
    time_bytes(4 * PER_MONTH + 3, new_time);
    assert_true(index_holds(&stage, old_time, sizeof old_time));

    stage_open(&stage);
    log_set_rule(stage.log, &rule, false);
    assert_int_equal(stage_count(&stage), ENTRIES / 2); /* at once, whatever becomes of the keys */
    told = expire(&stage, now_ms(), LOG_EXPIRE_SHOW, NULL);
    assert_int_equal(told.held, 3);
    assert_int_equal(told.first.count, PER_MONTH);
    told = expire(&stage, now_ms(), LOG_EXPIRE_CONFIRM, NULL);
    assert_int_equal(told.erased, 3);
    assert_int_equal(stage_query(&stage, &users, &answer), 0);
    assert_int_equal(answer.count, PER_MONTH);
    assert_int_equal(answer.first, 31);
    told = (struct told){0};
    assert_int_equal(log_erasures(stage.log, 0, 0, tell, &told), 0);
    assert_int_equal(told.erased, 3);
    assert_int_equal(told.first.first, 1);
    assert_int_equal(told.first.last, PER_MONTH);
    assert_int_equal(told.first.rule.line, 12);
    told = (struct told){0};
    assert_int_equal(log_erasures(stage.log, entry_month_start_ms(month_of(2)), 0, tell, &told), 0);
    assert_int_equal(told.erased, 1);
    stage_close(&stage);

    assert_false(index_holds(&stage, old_time, sizeof old_time));
    assert_true(index_holds(&stage, new_time, sizeof new_time));
    report = verify_erased(&stage, since, &told);
    assert_string_equal(report.result == VERIFY_INTACT ? "" : report.text, "");
    assert_int_equal(report.by_since, ENTRIES);
    assert_int_equal(report.erased_months, 3);
    assert_int_equal(report.erased_entries, 3 * PER_MONTH);
    assert_int_equal(told.erased, 3);
    assert_int_equal(told.first.rule.term_months, TERM);

    /* The index is made anew without them, and another rule brings nothing back. */
    assert_int_equal(stage_shell(&stage, "rm index.db*"), 0);
    stage_open(&stage);
    assert_int_equal(stage_query(&stage, &(struct log_filter){0}, &answer), 0);
    assert_int_equal(answer.count, ENTRIES / 2 + 3); /* the entries of the erasures */
    assert_int_equal(answer.erased, 0);
    assert_int_equal(stage_query(&stage, &(struct log_filter){.what = LOG_ERASE}, &answer), 0);
    assert_int_equal(answer.count, 3);
    stage_end(&stage);
}

/* A month that was destroyed gets entries again, since a clock stands wrong, and is destroyed again. */
static void month_that_comes_back(void **state)
{
    struct stage stage;
    struct told told;
    struct log_entry entry = stage_entry(1);

    (void)state;
    begin(&stage);
    log_set_rule(stage.log, &rule, false);
    expire(&stage, now_ms(), LOG_EXPIRE_CONFIRM, NULL);
    entry.time_ms = entry_month_start_ms(month_of(1)) + 1;
    assert_int_equal(log_append_and_wait(stage.log, &entry), 0);
    stage_close(&stage);
    assert_int_equal(verify_erased(&stage, NULL, &told).result, VERIFY_NOT_ANCHORED);
    stage_open(&stage);
    log_set_rule(stage.log, &rule, false);
    expire(&stage, now_ms(), LOG_EXPIRE_CONFIRM, NULL);
    stage_close(&stage);
    assert_int_equal(verify_erased(&stage, NULL, &told).result, VERIFY_NOT_ANCHORED);
    assert_int_equal(verify_erased(&stage, NULL, &told).erased_entries, 3 * PER_MONTH + 1);
    assert_int_equal(told.erased, 3);
    stage_end(&stage);
}

/* As if the process died before its n-th step to the disk, for each n until it gets through. */
static void killed_at_each_step(void **state)
{
    struct stage whole;
    bool *finished = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0, n;

    (void)state;
    assert_ptr_not_equal(finished, MAP_FAILED);
    begin_with_rule(&whole, &rule, now_ms());
    stage_close(&whole);
    for (n = 1; n < 300; n++) {
        struct stage stage;
        struct told told;
        char command[256];
        pid_t child;

        stage_begin(&stage);
        stage.durability = LOG_DURABLE_CRASH;
        snprintf(command, sizeof command, "cp '%s'/* .", whole.path);
        assert_int_equal(stage_shell(&stage, command), 0);
        child = fork();
        if (child == 0) {
            stage_open(&stage);
            log_set_rule(stage.log, &rule, false);
            steps_left = n;
            log_expire_due(stage.log, now_ms(), LOG_EXPIRE_NOW, NULL, NULL, NULL, NULL);
            *finished = true;
            kill(getpid(), SIGKILL); /* without an end of its own, of which valgrind would have something to say */
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(verify_erased(&stage, NULL, &told).result,
                         VERIFY_NOT_ANCHORED); /* also while it is half done */
        stage_open(&stage);
        if (access(stage.path, F_OK) == 0)
            assert_int_equal(stage_shell(&stage, "test ! -e erasing"), 0);
        stage_close(&stage);
        assert_int_equal(verify_erased(&stage, NULL, &told).result, VERIFY_NOT_ANCHORED);
        assert_int_equal(told.due, 0);
        stage_open(&stage);
        log_set_rule(stage.log, &rule, false);
        assert_int_equal(stage_count(&stage) >= ENTRIES / 2, 1);
        expire(&stage, now_ms(), LOG_EXPIRE_NOW, NULL);
        stage_close(&stage);
        assert_int_equal(verify_erased(&stage, NULL, &told).erased_entries, 3 * PER_MONTH);
        assert_int_equal(told.erased, 3);
        stage_end(&stage);
        if (*finished)
            break;
    }
    stage_end(&whole);
    assert_true(*finished);
    assert_true(n > 15);
}

static void rule_that_became_shorter(void **state)
{
    struct log_rule longer = rule;
    struct log_expired out;
    struct stage stage;
    struct told told;

    (void)state;
    longer.term_months = 3 * TERM;
    begin_with_rule(&stage, &longer, now_ms());
    assert_int_equal(stage_count(&stage), ENTRIES);
    log_set_rule(stage.log, &rule, false);
    for (unsigned i = 0; i < 3; i++) { /* however often */
        told = expire(&stage, now_ms(), LOG_EXPIRE_NOW, &out);
        assert_int_equal(told.held, 3);
        assert_int_equal(told.erased, 0);
        assert_true(out.rule_shortened);
        assert_false(out.clock_leapt);
        assert_int_equal(stage_count(&stage), ENTRIES / 2);
        stage_close(&stage);
        stage_open(&stage);
        log_set_rule(stage.log, &rule, false);
    }
    log_set_rule(stage.log, &longer, false); /* it was a mistake: all is there */
    assert_int_equal(stage_count(&stage), ENTRIES);
    assert_int_equal(expire(&stage, now_ms(), LOG_EXPIRE_NOW, &out).held, 0);
    log_set_rule(stage.log, &rule, false);
    told = expire(&stage, now_ms(), LOG_EXPIRE_CONFIRM, &out);
    assert_int_equal(told.erased, 3);
    assert_false(out.rule_shortened);
    /* From now on it is the rule that was always there. */
    told = expire(&stage, now_ms(), LOG_EXPIRE_NOW, &out);
    assert_int_equal(told.erased + told.held, 0);
    assert_false(out.rule_shortened);
    stage_end(&stage);
}

static void clock_that_leapt(void **state)
{
    int64_t before_ms = entry_month_start_ms(entry_month(now_ms())) - 2 * HOUR_MS;
    struct log_expired out;
    struct stage stage;
    struct told told;

    (void)state;
    begin_with_rule(&stage, &rule, before_ms);
    told = expire(&stage, before_ms, LOG_EXPIRE_NOW, &out);
    assert_int_equal(told.erased, 2); /* the third is due in two hours */
    told = expire(&stage, before_ms + 100 * HOUR_MS, LOG_EXPIRE_NOW, &out);
    assert_int_equal(told.erased, 0);
    assert_int_equal(told.held, 1);
    assert_true(out.clock_leapt);
    assert_true(out.known_ms == before_ms);
    /* Set back, and ahead again within the limit: two hours have come, but for certain only then. */
    told = expire(&stage, before_ms + HOUR_MS, LOG_EXPIRE_NOW, &out);
    assert_int_equal(told.erased + told.held, 0);
    told = expire(&stage, before_ms + 200 * HOUR_MS, LOG_EXPIRE_NOW, &out);
    assert_int_equal(told.held, 1);
    told = expire(&stage, before_ms + 201 * HOUR_MS, LOG_EXPIRE_SHOW, &out);
    assert_int_equal(told.held, 1);
    told = expire(&stage, before_ms + 210 * HOUR_MS, LOG_EXPIRE_NOW, &out);
    assert_int_equal(told.erased,
                     1); /* ten hours after the leap: it is past its term however far the leap was wrong */
    stage_end(&stage);

    begin_with_rule(&stage, &rule, before_ms);
    told = expire(&stage, before_ms + 100 * HOUR_MS, LOG_EXPIRE_NOW, &out);
    assert_int_equal(told.erased, 2);
    assert_int_equal(told.held, 1);
    told = expire(&stage, before_ms + 100 * HOUR_MS, LOG_EXPIRE_CONFIRM, &out);
    assert_int_equal(told.erased, 1);
    assert_false(out.clock_leapt);
    stage_end(&stage);
}

/* Whoever can write files, but has no key, neither begins a destruction nor makes one certain. */
static void files_made_up(void **state)
{
    static const char *const names[] = {"erasing", "terms"};
    struct stage stage, other;
    struct told told;
    char command[256];

    (void)state;
    begin(&stage);
    log_set_rule(stage.log, &rule, false);
    expire(&stage, now_ms(), LOG_EXPIRE_NOW, NULL); /* held */
    stage_close(&stage);
    begin_with_rule(&other, &rule, now_ms());
    stage_close(&other);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < 2; i++) {
            if (round == 0)
                snprintf(command, sizeof command, "head -c 200 /dev/urandom >%s", names[i]);
            else if (round == 1)
                snprintf(command, sizeof command, "printf x >%s", names[i]);
            else /* true ones, each under the other's name */
                snprintf(command, sizeof command, "cp '%s/terms' %s", other.path, i == 0 ? "erasing" : "lock");
            assert_int_equal(stage_shell(&stage, command), 0);
        }
        stage_open(&stage);
        log_set_rule(stage.log, &rule, false);
        told = expire(&stage, now_ms(), LOG_EXPIRE_NOW, NULL);
        assert_int_equal(told.held, 3);
        stage_close(&stage);
    }
    assert_int_equal(verify_erased(&stage, NULL, &told).erased_months, 0);
    stage_end(&other);
    stage_end(&stage);
}

static void lines_and_slots(void **state)
{
    static const char *const bad[] = {
        "erased 2021-03 1 120 118 1774000000 60 12 001122334455667",    /* cut */
        "erased 2021-13 1 120 118 1774000000 60 12 0011223344556677",   /* no month */
        "erased 2021-03 120 1 118 1774000000 60 12 0011223344556677",   /* backwards */
        "erased 2021-03 1 120 121 1774000000 60 12 0011223344556677",   /* more than there is room for */
        "erased 2021-03 1 120 0 1774000000 60 12 0011223344556677",     /* none */
        "erased 2021-03 1 120 118 1774000000 0 12 0011223344556677",    /* no term */
        "erased 2021-03 1 120 118 1774000000 1201 12 0011223344556677", /* too long */
        "erased 2021-03 01 120 118 1774000000 60 12 0011223344556677",
        "erased 2021-03 1 120 118 1774000000 60 12 0011223344556677 x",
        "erased 2021-03  1 120 118 1774000000 60 12 0011223344556677",
        "erased 2021-03 1 120 118 1774000000 60 12 001122334455667g",
        "erased",
        "erased ",
    };
    static const char good[] = "erased 2021-03 1 120 118 1774000000 60 12 0011223344556677";
    struct log_erasure erasure, again;
    uint8_t slot[ERASURE_SLOT_BYTES];
    char text[ERASURE_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(erasure_parse(bad[i], strlen(bad[i]), &erasure), -EINVAL);
    assert_int_equal(erasure_parse(good, strlen(good), &erasure), 0);
    erasure_print(&erasure, text);
    assert_string_equal(text, good);
    erasure_to_slot(&erasure, slot);
    assert_true(erasure_from_slot(slot, &again));
    assert_true(erasure_same(&erasure, &again));
    for (size_t i = 0; i < sizeof slot; i += 7) { /* nothing may hide in it */
        slot[i] ^= 1;
        if (erasure_from_slot(slot, &again))
            assert_false(erasure_same(&erasure, &again));
        slot[i] ^= 1;
    }
    slot[100] = 1;
    assert_false(erasure_from_slot(slot, &again));
    assert_true(erasure_is_due(10, 2, entry_month_start_ms(13)));
    assert_false(erasure_is_due(10, 2, entry_month_start_ms(13) - 1));
    assert_false(erasure_is_due(10, 0, INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_slots),
        cmocka_unit_test(kept_without_a_rule),
        cmocka_unit_test(destroyed_and_gone),
        cmocka_unit_test(month_that_comes_back),
        cmocka_unit_test(rule_that_became_shorter),
        cmocka_unit_test(clock_that_leapt),
        cmocka_unit_test(files_made_up),
        cmocka_unit_test(killed_at_each_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
