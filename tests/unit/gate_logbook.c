/* Goal: a day of the log is one text however it is read: in any pieces, while it grows, with more entries than fit into memory at once,
 * with dossiers that come in meanwhile; and a damaged entry ends it aloud. */
#include "fs/base/bytes.h"
#include "fs/gate/log_csv.h"
#include "fs/gate/logbook.h"
#include "tests/unit/gate_stage.h"

static const char the_policy[] =
    "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
    "[kind tenant]\ncode = T[0-9]{4}\n[category person]\n[field surname]\ncategory = person\ntype = surname\n"
    "[purpose rent]\nground = A\nkinds = tenant\nfields = person\n"
    "[role officers]\nmembers = 61008\ncommands = log.*, import\n[secrecy]\nbound = 61008 2020-01-01\n";

enum { DAY_S = 86400, MANY = 30000 };

static struct stage stage;
static struct logbook *book;

static void import_one(const char *code)
{
    stage_import_one(&stage, "tenant", code, (struct stage_cell[]){{"surname", "Iemand"}, {NULL, NULL}});
}

static int begin(void **state)
{
    (void)state;
    clock_set_zone("Europe/Amsterdam", NULL);
    stage_begin(&stage);
    stage_open(&stage, the_policy, true);
    import_one("T0001");
    assert_int_equal(logbook_new(stage.gate, &book), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    logbook_free(book);
    stage_end(&stage);
    return 0;
}

/* `count` entries of that second, about a dossier. */
static void add(int64_t second, unsigned count, uint64_t subject)
{
    struct log_entry entry;

    for (unsigned i = 0; i < count; i++) {
        gate_entry(stage.gate, LOG_FIELD, LOG_SHOWN, &entry);
        entry.time_ms = second * 1000 + i % 1000;
        entry.subject = subject;
        entry.name = i % 3 ? "surname" : "=a \"name\"; that, is odd";
        while (log_append(stage.gate->log, &entry, NULL, NULL) == -EAGAIN)
            stage_flush(&stage);
    }
    stage_flush(&stage);
}

static uint64_t subject_of(const char *code)
{
    return dossiers_get(stage.gate->dossiers, stage_dossier(&stage, code)).pseudonym;
}

static uint64_t measure(int32_t day)
{
    uint64_t bytes = 0;
    int result;

    while ((result = logbook_measure(book, day, &bytes)) == 1)
        ;
    assert_int_equal(result, 0);
    return bytes;
}

/* The whole of a day, read in parts of `part` bytes; the caller clears it. */
static struct buffer read_all(int32_t day, size_t part)
{
    struct buffer out = BUFFER_EMPTY;
    size_t before;

    do {
        before = out.length_bytes;
        assert_int_equal(logbook_read(book, day, before, part, &out), 0);
    } while (out.length_bytes > before);
    return out;
}

struct expected {
    int32_t day;
    struct buffer text;
};

static int expect_line(void *context, const struct log_record *record, const char *code)
{
    struct expected *expected = context;

    if (clock_day_of(record->entry.time_ms / 1000) != expected->day)
        return 0;
    return log_csv_line(&expected->text, record, code);
}

/* By the way that the command goes. */
static struct buffer expected_of(int32_t day)
{
    const struct gate_log_question question = {.command = "log.export"};
    struct expected expected = {day, BUFFER_EMPTY};

    log_csv_head(&expected.text);
    assert_int_equal(gate_log_ask(stage.gate, &STAGE_IMPORTER, &question, expect_line, &expected, NULL), 0);
    return expected.text;
}

static void expect_day(int32_t day, size_t part)
{
    struct buffer want = expected_of(day), got = read_all(day, part);

    assert_int_equal(got.length_bytes, want.length_bytes);
    assert_memory_equal(got.bytes, want.bytes, want.length_bytes);
    assert_int_equal(measure(day), want.length_bytes);
    buffer_clear(&want);
    buffer_clear(&got);
}

static void expect_days(const int32_t *wanted, size_t wanted_count)
{
    int32_t *days = NULL;
    size_t count = 0;

    assert_int_equal(logbook_days(book, &days, &count), 0);
    assert_int_equal(count, wanted_count);
    assert_memory_equal(days, wanted, wanted_count * sizeof *days);
    free(days);
}

static void test_days(void **state)
{
    int32_t today = stage_today();
    int64_t noon = clock_first_second(today) + DAY_S / 2;

    (void)state;
    expect_days((int32_t[]){today}, 1);
    add(clock_first_second(today - 40), 1, 1);        /* the first second of a day */
    add(clock_first_second(today - 29) - 1, 1, 1);    /* the last one */
    add(noon - 9 * DAY_S, 3000, subject_of("T0001")); /* stretches of one day */
    add(noon - 12 * DAY_S, 1, 1);                     /* a clock that was set back */
    add(noon + 2 * DAY_S, 1, 1);                      /* and one that was ahead */
    expect_days((int32_t[]){today - 40, today - 30, today - 12, today - 9, today}, 5);
}

static void test_text(void **state)
{
    int32_t today = stage_today();

    (void)state;
    expect_day(today - 40, 1 << 20);
    expect_day(today - 30, 7);
    expect_day(today - 9, 4096);
    expect_day(today - 9, LOGBOOK_READ_MAX_BYTES);
    expect_day(today - 8, 100); /* nothing but its head */
}

/* Parts from anywhere are parts of the whole. */
static void test_random_parts(void **state)
{
    int32_t day = stage_today() - 9;
    struct buffer whole = read_all(day, 65536), part = BUFFER_EMPTY;
    uint64_t random = 11;

    (void)state;
    assert_true(whole.length_bytes > 3 * 131072);
    for (unsigned i = 0; i < 300; i++) {
        size_t at, size;

        random = random * 6364136223846793005u + 1442695040888963407u;
        at = (size_t)(random >> 33) % (whole.length_bytes + 100);
        size = (size_t)(random >> 20) % 300000;
        buffer_reset(&part);
        assert_int_equal(logbook_read(book, day, at, size, &part), 0);
        if (at >= whole.length_bytes)
            assert_int_equal(part.length_bytes, 0);
        else
            assert_int_equal(part.length_bytes, size < whole.length_bytes - at ? size : whole.length_bytes - at);
        assert_true(part.length_bytes == 0 || memcmp(part.bytes, whole.bytes + at, part.length_bytes) == 0);
    }
    assert_int_equal(logbook_read(book, day, UINT64_MAX - 5, 100, &part), 0);
    buffer_clear(&part);
    buffer_clear(&whole);
}

/* What was read stays what it was, whatever comes after it: entries, and dossiers that give earlier entries a code. */
static void test_growth(void **state)
{
    int32_t day = stage_today() - 5;
    int64_t noon = clock_first_second(day) + DAY_S / 2;
    struct buffer before, after;

    (void)state;
    add(noon, MANY, subject_of("T0001"));
    before = read_all(day, 100000);
    import_one("T0002");
    add(noon, 5, subject_of("T0002"));
    after = read_all(day, 99999);
    assert_true(after.length_bytes > before.length_bytes);
    assert_memory_equal(after.bytes, before.bytes, before.length_bytes);
    assert_non_null(strstr(buffer_text(&after) + before.length_bytes, "\"T0002\""));
    expect_day(day, 131072);
    buffer_clear(&before);
    buffer_clear(&after);
}

/* More days than are kept at once. */
static void test_many_days(void **state)
{
    uint64_t bytes = measure(stage_today() - 9);

    (void)state;
    for (int32_t day = 1; day < 900; day++)
        assert_true(measure(day) < 200);
    assert_int_equal(measure(stage_today() - 9), bytes);
    expect_day(stage_today() - 9, 65536);
}

static void add_of(uint32_t uid, enum log_what what, enum log_outcome outcome, const char *name, int64_t time_ms)
{
    struct log_entry entry;

    gate_entry(stage.gate, what, outcome, &entry);
    entry.uid = uid;
    entry.time_ms = time_ms;
    entry.name = name;
    entry.subject = subject_of("T0001");
    assert_int_equal(log_append_and_wait(stage.gate->log, &entry), 0);
}

/* One's own alone, the newest of them, without looks and one's own page; asked again, what came since is added. */
static void test_own(void **state)
{
    int64_t now_ms = clock_now_ms();
    struct logbook_own own = {0}, other = {0};
    char name[16];

    (void)state;
    assert_int_equal(logbook_own(book, 61077, &own), 0);
    assert_int_equal(own.count, 0);
    add_of(61077, LOG_FIELD, LOG_SHOWN, "old", now_ms - (int64_t)31 * DAY_S * 1000);
    add_of(61077, LOG_FIELD, LOG_SHOWN, "first", now_ms);
    add_of(61078, LOG_FIELD, LOG_SHOWN, "another's", now_ms);
    add_of(61077, LOG_LOOK, LOG_SHOWN, "look", now_ms);
    add_of(61077, LOG_OWN, LOG_SHOWN, "own page", now_ms);
    add_of(61077, LOG_LISTING, LOG_SHOWN, "/", now_ms);
    add_of(61077, LOG_LOOK, LOG_REFUSED, "refused", now_ms);
    assert_int_equal(logbook_own(book, 61077, &own), 0);
    assert_int_equal(own.count, 2);
    assert_string_equal(own.entries[0].name, "first");
    assert_string_equal(own.entries[1].name, "refused");
    assert_int_equal(own.entries[0].dossier, stage_dossier(&stage, "T0001"));
    for (unsigned i = 0; i < LOGBOOK_OWN_MAX - 1; i++) {
        snprintf(name, sizeof name, "n%u", i);
        add_of(61077, LOG_FIELD, LOG_SHOWN, name, now_ms);
    }
    assert_int_equal(logbook_own(book, 61077, &own), 0);
    assert_int_equal(own.count, LOGBOOK_OWN_MAX);
    assert_string_equal(own.entries[0].name, "refused");
    assert_string_equal(own.entries[LOGBOOK_OWN_MAX - 1].name, name);
    assert_int_equal(logbook_own(book, 61077, &own), 0);
    assert_int_equal(own.count, LOGBOOK_OWN_MAX); /* nothing comes twice */
    assert_string_equal(own.entries[0].name, "refused");
    own.entries[0].time_ms -= (int64_t)31 * DAY_S * 1000;
    assert_int_equal(logbook_own(book, 61077, &own), 0);
    assert_int_equal(own.count, LOGBOOK_OWN_MAX - 1); /* and what became too old goes */
    assert_int_equal(logbook_own(book, 61077, &other), 0);
    assert_int_equal(other.count, LOGBOOK_OWN_MAX);
    assert_string_equal(other.entries[0].name, "refused");
}

/* Flips bytes so near to each other that some entries have one, wherever they lie. */
static void damage(void)
{
    char path[160];
    FILE *file;

    snprintf(path, sizeof path, "%s/log/00000001.seg", stage.path);
    file = fopen(path, "r+b");
    assert_non_null(file);
    for (long at = 200000; at < 202000; at += 50) {
        uint8_t byte;

        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fread(&byte, 1, 1, file), 1);
        byte ^= 1;
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fwrite(&byte, 1, 1, file), 1);
    }
    fclose(file);
}

static void test_damage(void **state)
{
    int32_t day = stage_today() - 9;
    struct buffer out = BUFFER_EMPTY;
    uint64_t bytes;
    int error = 0;

    (void)state;
    logbook_free(book);
    book = NULL;
    damage();
    assert_int_equal(logbook_new(stage.gate, &book), 0);
    bytes = measure(day);
    while (!error && out.length_bytes < bytes)
        error = logbook_read(book, day, out.length_bytes, 65536, &out);
    assert_int_equal(error, 0); /* all that is sound is there */
    assert_int_equal(logbook_read(book, day, bytes, 65536, &out), -EBADMSG);
    buffer_clear(&out);
}

static bool has_day(int32_t wanted)
{
    int32_t *days = NULL;
    size_t count = 0;
    bool found = false;

    assert_int_equal(logbook_days(book, &days, &count), 0);
    for (size_t i = 0; i < count; i++)
        found |= days[i] == wanted;
    free(days);
    return found;
}

/* Overwrites the key of a month, and nothing else: the index is as it was. */
static void destroy_month(uint32_t month)
{
    uint8_t slot[128];
    char path[160];
    FILE *file;
    long at = 0;

    snprintf(path, sizeof path, "%s/log/months", stage.path);
    file = fopen(path, "r+b");
    assert_non_null(file);
    do {
        at += (long)sizeof slot;
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fread(slot, 1, sizeof slot, file), sizeof slot);
    } while (bytes_get_u32(slot + 4) != month);
    memset(slot, 0, sizeof slot);
    slot[0] = 2;
    bytes_put_u32(slot + 4, month);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(slot, 1, sizeof slot, file), sizeof slot);
    fclose(file);
}

static void test_erased_month(void **state)
{
    int32_t day = stage_today() - 400, next = day + 62;
    int year, month, month_day;

    (void)state;
    add(clock_first_second(day) + DAY_S / 2, 3, 1);
    add(clock_first_second(next) + DAY_S / 2, 3, 1);
    assert_true(has_day(day) && has_day(next));
    logbook_free(book);
    stage_close(&stage);
    terms_date(day, &year, &month, &month_day);
    destroy_month((uint32_t)((year - 1970) * 12 + month - 1));
    stage_open(&stage, the_policy, true);
    assert_int_equal(logbook_new(stage.gate, &book), 0);
    assert_false(has_day(day));
    assert_true(has_day(next) && has_day(stage_today()));
}

/* What is past the log's own term is hidden at once, also from who was at it, before it is destroyed. */
static void test_term(void **state)
{
    const struct log_rule rule = {.term_months = 20, .line = 1};
    int32_t old = stage_today() - 800, recent = stage_today() - 60;
    struct buffer out = BUFFER_EMPTY;

    (void)state;
    add(clock_first_second(old) + DAY_S / 2, 3, 1);
    add(clock_first_second(recent) + DAY_S / 2, 3, 1);
    assert_true(has_day(old) && has_day(recent));
    expect_day(old, 65536);
    log_set_rule(stage.gate->log, &rule, false);
    usleep(1100000); /* what was read is kept for a second */
    assert_int_equal(logbook_read(book, old, 0, 65536, &out), -ESTALE);
    assert_int_equal(out.length_bytes, 0);
    assert_true(!has_day(old) && has_day(recent));
    expect_day(old, 65536); /* nothing but its head */
    expect_day(recent, 65536);
    buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),         cmocka_unit_test(test_text),      cmocka_unit_test(test_random_parts),
        cmocka_unit_test(test_growth),       cmocka_unit_test(test_many_days), cmocka_unit_test(test_own),
        cmocka_unit_test(test_erased_month), cmocka_unit_test(test_term),      cmocka_unit_test(test_damage),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
