/* Goal: an import adds and changes what its rows say and nothing else, is there whole or not at all, and every change is in the
 * log before anybody can see it. */
#include "tests/unit/gate_stage.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>

static const char the_policy[] = "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
                                 "[kind tenant]\ncode = T[0-9]{4}\n"
                                 "[kind seeker]\ncode = S[0-9]{4}\n"
                                 "[category person]\n[category contact]\n"
                                 "[field surname]\ncategory = person\ntype = surname\n"
                                 "[field born]\ncategory = person\ntype = date\n"
                                 "[field account]\ncategory = person\ntype = iban\n"
                                 "[field phones]\ncategory = contact\ntype = phone\nlist = yes\n"
                                 "[field note]\ncategory = contact\ntype = text\n"
                                 "[purpose rent]\nground = A\nkinds = tenant, seeker\nfields = person, contact\n"
                                 "[role all]\nmembers = 61001\npurposes = rent\n"
                                 "[role importers]\nmembers = 61008, 61007\ncommands = import, log.show\n"
                                 "[secrecy]\nbound = 61001 2020-01-01, 61008 2020-01-01\n";

static struct stage stage;

static int begin(void **state)
{
    (void)state;
    stage_begin(&stage);
    stage_open(&stage, the_policy, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

#define ROW(...) ((struct stage_cell[]){__VA_ARGS__, {NULL, NULL}})

/* ---- what the store holds afterwards ---- */

/* The value of a field, with where it is from; "" if there is none. */
struct kept {
    char value[128], source[64];
    int64_t captured_s;
    uint32_t version;
};

static struct kept kept_of(const char *code, const char *field)
{
    const struct policy *policy = gate_policy(stage.gate);
    unsigned index = stage_field(&stage, field);
    struct store_item item = {.plain = BUFFER_EMPTY};
    struct store_subject subject = {.id = 0};
    struct kept kept = {.value = ""};
    uint32_t id = 0, category, number;
    struct store_reader *reader;

    assert_int_equal(store_reader_open(stage.gate->store, &reader), 0);
    if (store_find(reader, code, strlen(code), &id) == 0) {
        assert_int_equal(store_read_subject(reader, id, &subject), 0);
        kept.version = subject.version;
        assert_int_equal(store_number(stage.gate->store, STORE_CATEGORIES,
                                      policy->categories[policy->fields[index].category].name, &category),
                         0);
        assert_int_equal(store_number(stage.gate->store, STORE_FIELDS, field, &number), 0);
        if (store_read_item(reader, id, category, &item) == 0)
            for (unsigned i = 0; i < item.field_count; i++)
                if (item.fields[i].number == number) {
                    snprintf(kept.value, sizeof kept.value, "%.*s", (int)item.fields[i].value_bytes,
                             (const char *)item.fields[i].value);
                    snprintf(kept.source, sizeof kept.source, "%s", item.fields[i].source);
                    kept.captured_s = item.fields[i].captured_s;
                }
    }
    store_item_clear(&item);
    store_reader_close(reader);
    return kept;
}

static bool is_there(const char *code)
{
    return kept_of(code, "surname").version > 0;
}

static void expect_kept(const char *code, const char *field, const char *value, const char *source)
{
    struct kept kept = kept_of(code, field);

    assert_string_equal(kept.value, value);
    assert_string_equal(kept.source, source);
    assert_true(kept.captured_s > clock_now_s() - 600 && kept.captured_s <= clock_now_s());
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void test_added_then_unchanged_then_rejected(void **state)
{
    struct gate_import_reject reject = {.column = 77};
    struct gate_import *import = stage_import_begin(&stage, "tenant", "first.csv", false);

    (void)state;
    assert_int_equal(
        stage_row(&stage, import, "T0001",
                  ROW({"surname", "Wolkenveer"}, {"born", "28-02-1980"}, {"phones", "06-12345678|010 1234567"}),
                  &reject),
        GATE_IMPORT_ADDED);
    assert_int_equal(reject.column, 77); /* untouched */
    stage_publish(import);
    expect_kept("T0001", "surname", "Wolkenveer", "first.csv");
    expect_kept("T0001", "born", "1980-02-28", "first.csv");
    expect_kept("T0001", "phones", "+31612345678\n+31101234567", "first.csv");
    assert_int_equal(kept_of("T0001", "surname").version, 1);

    import = stage_import_begin(&stage, "tenant", "second.csv", false);
    assert_int_equal(stage_row(&stage, import, "T0001",
                               ROW({"surname", " Wolkenveer "}, {"born", "1980-02-28"},
                                   {"phones", "+31612345678|+31101234567"}, {"note", ""}),
                               NULL),
                     GATE_IMPORT_UNCHANGED);
    stage_publish(import);
    expect_kept("T0001", "surname", "Wolkenveer", "first.csv"); /* nothing was written */
    assert_int_equal(kept_of("T0001", "surname").version, 1);

    import = stage_import_begin(&stage, "tenant", "third.csv", false);
    assert_int_equal(
        stage_row(&stage, import, "T0001", ROW({"surname", "Wolkenveer"}, {"born", "1981-02-28"}), &reject),
        GATE_IMPORT_REJECTED);
    assert_int_equal(reject.column, 1);
    assert_null(strstr(reject.reason, "198"));
    stage_publish(import);
    expect_kept("T0001", "born", "1980-02-28", "first.csv");
}

static void test_update_keeps_the_rest(void **state)
{
    struct gate_import *import = stage_import_begin(&stage, "tenant", "one.csv", false);
    struct kept before;

    (void)state;
    stage_row(&stage, import, "T0100", ROW({"surname", "Groen"}, {"born", "1970-01-01"}, {"note", "n"}), NULL);
    stage_publish(import);
    before = kept_of("T0100", "surname");
    while (clock_now_s() == before.captured_s)
        poll(NULL, 0, 20); /* so that another capture is another second */
    import = stage_import_begin(&stage, "tenant", "two.csv", true);
    assert_int_equal(stage_row(&stage, import, "T0100",
                               ROW({"born", "1971-01-01"}, {"account", "NL91 ABNA 0417 1643 00"}, {"surname", ""}),
                               NULL),
                     GATE_IMPORT_CHANGED);
    stage_publish(import);
    assert_int_equal(kept_of("T0100", "surname").version, 2);
    expect_kept("T0100", "surname", "Groen", "one.csv");
    assert_true(kept_of("T0100", "surname").captured_s == before.captured_s);
    expect_kept("T0100", "born", "1971-01-01", "two.csv");
    assert_true(kept_of("T0100", "born").captured_s > before.captured_s);
    expect_kept("T0100", "account", "NL91ABNA0417164300", "two.csv");
    expect_kept("T0100", "note", "n", "one.csv");
    import = stage_import_begin(&stage, "tenant", "three.csv", true);
    assert_int_equal(stage_row(&stage, import, "T0100", ROW({"born", "1971-01-01"}), NULL), GATE_IMPORT_UNCHANGED);
    stage_publish(import);
    assert_int_equal(kept_of("T0100", "surname").version, 2);
}

static void test_bad_rows(void **state)
{
    static const struct {
        const char *code;
        size_t code_bytes;
        const char *field, *value;
        int column;
    } rows[] = {
        {"", 0, "note", "x", -1},
        {"T001", 4, "note", "x", -1},
        {"T00011", 6, "note", "x", -1},
        {"S0001", 5, "note", "x", -1},
        {"T000\0", 5, "note", "x", -1},
        {"T0001\0", 6, "note", "x", -1},
        {"../..", 5, "note", "x", -1},
        {"T0200", 5, "account", "NL91ABNA0417164301", 0},
        {"T0201", 5, "born", "31-02-1980", 0},
        {"T0202", 5, "phones", "0612345678|99", 0},
        {"T0203", 5, "surname", "Pl\xffr", 0},
        {"T0204", 5, "note", "zw\001rt", 0},
    };
    struct gate_import *import = stage_import_begin(&stage, "tenant", "bad.csv", true);

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct gate_import_value value = {stage_field(&stage, rows[i].field), rows[i].value,
                                                strlen(rows[i].value)};
        enum gate_import_outcome outcome = GATE_IMPORT_ADDED;
        struct gate_import_reject reject = {.column = 77};

        assert_int_equal(gate_import_row(import, rows[i].code, rows[i].code_bytes, &value, 1, &outcome, &reject), 0);
        assert_int_equal(outcome, GATE_IMPORT_REJECTED);
        assert_int_equal(reject.column, rows[i].column);
        assert_true(strlen(reject.reason) > 0);
        assert_true(rows[i].column < 0 || !strstr(reject.reason, rows[i].value));
    }
    stage_publish(import);
    assert_false(is_there("T0200"));
    assert_false(is_there("T0204"));
}

static void test_a_bad_row_leaves_no_trace_in_the_next(void **state)
{
    struct gate_import *import = stage_import_begin(&stage, "tenant", "bad.csv", false);

    (void)state;
    assert_int_equal(
        stage_row(&stage, import, "T0210", ROW({"surname", "Blauw"}, {"note", "kept?"}, {"born", "x"}), NULL),
        GATE_IMPORT_REJECTED);
    assert_int_equal(stage_row(&stage, import, "T0211", ROW({"surname", "Rood"}), NULL), GATE_IMPORT_ADDED);
    stage_publish(import);
    assert_false(is_there("T0210"));
    expect_kept("T0211", "surname", "Rood", "bad.csv");
    assert_string_equal(kept_of("T0211", "note").value, "");
}

static void test_code_twice(void **state)
{
    struct gate_import *import = stage_import_begin(&stage, "tenant", "twice.csv", true);
    struct gate_import_reject reject;
    char code[8];

    (void)state;
    assert_int_equal(stage_row(&stage, import, "T9999", ROW({"surname", "Een"}), NULL), GATE_IMPORT_ADDED);
    assert_int_equal(stage_row(&stage, import, "T9999", ROW({"surname", "Twee"}), &reject), GATE_IMPORT_REJECTED);
    assert_int_equal(reject.column, -1);
    assert_non_null(strstr(reject.reason, "twice"));
    for (unsigned round = 0; round < 2; round++) /* more than the first table of codes holds */
        for (unsigned n = 1000; n < 9000; n++) {
            snprintf(code, sizeof code, "T%04u", n);
            stage_row(&stage, import, code, ROW({"born", "not a date"}), &reject);
            assert_int_equal(reject.column, round ? -1 : 0);
        }
    stage_publish(import);
    expect_kept("T9999", "surname", "Een", "twice.csv");
    assert_false(is_there("T1000"));
}

static void test_empty_values(void **state)
{
    struct gate_import *import = stage_import_begin(&stage, "tenant", "empty.csv", false);

    (void)state;
    assert_int_equal(
        stage_row(&stage, import, "T0300", ROW({"surname", ""}, {"born", "1753-01-01"}, {"phones", " "}), NULL),
        GATE_IMPORT_ADDED);
    stage_publish(import);
    assert_true(is_there("T0300"));
    assert_string_equal(kept_of("T0300", "born").value, "");
    import = stage_import_begin(&stage, "tenant", "empty.csv", false);
    assert_int_equal(stage_row(&stage, import, "T0300", ROW({"surname", ""}), NULL), GATE_IMPORT_UNCHANGED);
    assert_int_equal(stage_row(&stage, import, "T0301", ((struct stage_cell[]){{NULL, NULL}}), NULL),
                     GATE_IMPORT_ADDED);
    stage_publish(import);
    assert_true(is_there("T0301"));
}

static void test_code_of_another_kind(void **state)
{
    char swapped[sizeof the_policy];
    struct gate_import_reject reject;
    struct gate_import *import;

    (void)state;
    stage_import_one(&stage, "tenant", "T0400", ROW({"surname", "Kind"}));
    memcpy(swapped, the_policy, sizeof swapped);
    *strstr(swapped, "T[0-9]") = 'X';
    *strstr(swapped, "S[0-9]") = 'T';
    stage_open(&stage, swapped, false);
    import = stage_import_begin(&stage, "seeker", "kinds.csv", true);
    assert_int_equal(stage_row(&stage, import, "T0400", ROW({"surname", "Ander"}), &reject), GATE_IMPORT_REJECTED);
    assert_int_equal(reject.column, -1);
    stage_publish(import);
    stage_open(&stage, the_policy, false);
    expect_kept("T0400", "surname", "Kind", "stage.csv");
}

static void test_a_field_of_no_policy(void **state)
{
    const struct gate_import_value value = {POLICY_MAX_FIELDS + 3, "x", 1};
    struct gate_import *import = stage_import_begin(&stage, "tenant", "odd.csv", true);
    struct gate_import_reject reject;
    enum gate_import_outcome outcome;

    (void)state;
    assert_int_equal(gate_import_row(import, "T0450", 5, &value, 1, &outcome, &reject), 0);
    assert_int_equal(outcome, GATE_IMPORT_REJECTED);
    assert_int_equal(reject.column, 0);
    gate_import_abandon(import);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void test_abandon_leaves_nothing(void **state)
{
    uint64_t after = stage_log_size(&stage);
    struct gate_import *import = stage_import_begin(&stage, "tenant", "gone.csv", true);
    struct stage_log log = {NULL, 0};

    (void)state;
    assert_int_equal(stage_row(&stage, import, "T0500", ROW({"surname", "Weg"}), NULL), GATE_IMPORT_ADDED);
    assert_int_equal(stage_row(&stage, import, "T0100", ROW({"surname", "Anders"}), NULL), GATE_IMPORT_CHANGED);
    gate_import_abandon(import);
    gate_import_abandon(NULL);
    assert_false(is_there("T0500"));
    expect_kept("T0100", "surname", "Groen", "one.csv");
    stage_log_read(&stage, after, &log);
    assert_int_equal(log.count, 2);
    assert_int_equal(log.entries[0].entry.what, LOG_COMMAND);
    assert_string_equal(log.entries[0].entry.name, "import");
    assert_int_equal(log.entries[1].entry.what, LOG_IMPORT);
    assert_int_equal(log.entries[1].entry.outcome, LOG_FAILED);
    assert_string_equal(log.entries[1].entry.rule, "taken back");
    assert_int_equal(log.entries[1].entry.count, 2);
    stage_open(&stage, the_policy, false);
    assert_false(is_there("T0500"));
    assert_int_equal(kept_of("T0100", "surname").version, 2);
    stage_log_clear(&log);
}

static void test_entries_of_changes(void **state)
{
    uint64_t after = stage_log_size(&stage);
    struct gate_import *import = stage_import_begin(&stage, "tenant", "log.csv", true);
    struct stage_log log = {NULL, 0};
    const struct log_entry *entry;

    (void)state;
    stage_row(&stage, import, "T0600", ROW({"surname", "Nieuw"}, {"note", "n"}), NULL);
    stage_row(&stage, import, "T0100", ROW({"note", "other"}, {"surname", "Groen"}), NULL);
    stage_row(&stage, import, "T0001", ROW({"surname", "Wolkenveer"}), NULL);
    stage_row(&stage, import, "T0602", ROW({"born", "never"}), NULL);
    stage_publish(import);
    stage_log_read(&stage, after, &log);
    assert_int_equal(log.count, 4); /* the command, two changes, the end */
    entry = &log.entries[1].entry;
    assert_int_equal(entry->what, LOG_CHANGE);
    assert_int_equal(entry->uid, 61008);
    assert_string_equal(entry->name, "import, new");
    assert_string_equal(entry->fields, "surname,note");
    assert_true(entry->subject == dossiers_get(stage.gate->dossiers, stage_dossier(&stage, "T0600")).pseudonym);
    entry = &log.entries[2].entry;
    assert_string_equal(entry->name, "import, changed");
    assert_string_equal(entry->fields, "note");
    entry = &log.entries[3].entry;
    assert_int_equal(entry->what, LOG_IMPORT);
    assert_int_equal(entry->outcome, LOG_DONE);
    assert_string_equal(entry->name, "tenant");
    assert_int_equal(entry->count, 2);
    stage_log_clear(&log);
}

static void test_one_at_a_time(void **state)
{
    const struct gate_import_options options = {0, "second.csv", false};
    struct gate_import *import = stage_import_begin(&stage, "tenant", "first.csv", false), *other = NULL;
    struct report_why why = {""};

    (void)state;
    assert_int_equal(gate_import_begin(stage.gate, &STAGE_IMPORTER, &options, &other, &why), -EBUSY);
    assert_null(other);
    assert_non_null(strstr(why.text, "another import"));
    gate_import_abandon(import);
    gate_import_abandon(stage_import_begin(&stage, "tenant", "third.csv", false));
}

static void test_source(void **state)
{
    struct gate_import_options options = {0, "", false};
    char source[STORE_SOURCE_MAX_BYTES + 2];
    struct gate_import *import = NULL;

    (void)state;
    memset(source, 's', sizeof source);
    source[sizeof source - 1] = '\0';
    assert_int_equal(gate_import_begin(stage.gate, &STAGE_IMPORTER, &options, &import, NULL), -EINVAL);
    options.source = source;
    assert_int_equal(gate_import_begin(stage.gate, &STAGE_IMPORTER, &options, &import, NULL), -EINVAL);
    assert_null(import);
    source[STORE_SOURCE_MAX_BYTES] = '\0';
    assert_int_equal(gate_import_begin(stage.gate, &STAGE_IMPORTER, &options, &import, NULL), 0);
    assert_int_equal(stage_row(&stage, import, "T0650", ROW({"surname", "Lang"}), NULL), GATE_IMPORT_ADDED);
    stage_publish(import);
}

/* ---- mounted ----------------------------------------------------------------------------------------------------- */

static void expect_refused(uint32_t uid)
{
    struct gate_person person = {.uid = uid, .program = "stage"};
    const struct gate_import_options options = {0, "stage.csv", false};
    uint64_t after = stage_log_size(&stage);
    struct gate_import *import = NULL;
    struct stage_log log = {NULL, 0};
    struct report_why why = {""};

    if (uid == 0)
        memcpy(person.user, "root", 5);
    assert_int_equal(gate_import_begin(stage.gate, &person, &options, &import, &why), -EACCES);
    assert_null(import);
    assert_true(strlen(why.text) > 0);
    stage_log_read(&stage, after, &log);
    assert_int_equal(log.count, 1);
    assert_int_equal(log.entries[0].entry.what, LOG_COMMAND);
    assert_int_equal(log.entries[0].entry.outcome, LOG_REFUSED);
    assert_int_equal(log.entries[0].entry.uid, uid);
    assert_string_equal(log.entries[0].entry.name, "import");
    assert_string_equal(log.entries[0].entry.rule, "commands"); /* no line lets him */
    stage_log_clear(&log);
}

static void test_permissions_when_mounted(void **state)
{
    struct stage_log log = {NULL, 0};
    uint64_t after;

    (void)state;
    stage_open(&stage, the_policy, true);
    expect_refused(61001); /* sees everything, may give no command */
    expect_refused(61007); /* is in the role, but not bound to secrecy */
    expect_refused(0);
    after = stage_log_size(&stage);
    gate_import_abandon(stage_import_begin(&stage, "tenant", "stage.csv", false));
    stage_log_read(&stage, after, &log);
    assert_int_equal(log.count, 2);
    assert_int_equal(log.entries[0].entry.outcome, LOG_DONE);
    assert_string_equal(log.entries[0].entry.role, "importers");
    assert_memory_equal(log.entries[0].entry.rule, "commands ", 9);
    assert_true(strtoul(log.entries[0].entry.rule + 9, NULL, 10) > 0);
    stage_log_clear(&log);
}

static uint32_t listed(void)
{
    struct door_ask ask = stage_ask(&stage, 61001, "rent");
    uint32_t *numbers, count;

    assert_int_equal(door_list_dossiers(stage.gate, &ask, &numbers, &count, NULL, NULL), 0);
    free(numbers);
    return count;
}

static void test_publish_shows_after_the_tick(void **state)
{
    struct gate_import *import;
    struct stage_publisher publisher;
    uint32_t before = listed();
    char code[8];

    (void)state;
    import = stage_import_begin(&stage, "seeker", "many.csv", false);
    for (unsigned n = 0; n < 300; n++) {
        snprintf(code, sizeof code, "S%04u", n);
        assert_int_equal(stage_row(&stage, import, code, ROW({"surname", "Zoeker"}), NULL), GATE_IMPORT_ADDED);
    }
    door_tick(stage.gate, stage_changed, NULL);
    door_rest(stage.gate);
    assert_int_equal(listed(), before);
    stage_publish_start(&stage, &publisher, import);
    assert_int_equal(stage_publish_finish(&stage, &publisher), 300);
    assert_int_equal(listed(), before + 300);
    assert_int_equal(atomic_load(&stage.gate->unsettled), 0);
}

/* ---- the log is slow, or can't be written -------------------------------------------------------------------------- */

static void hold_log(void *context, int status)
{
    sem_t *released = context;

    (void)status;
    while (sem_wait(released) < 0)
        ;
}

/* Holds the log thread, and fills what it may have waiting to the brim. */
static void stall(sem_t *released, bool fill)
{
    struct log_entry entry;

    sem_init(released, 0, 0);
    gate_entry(stage.gate, LOG_MOUNT, LOG_DONE, &entry);
    assert_int_equal(log_append(stage.gate->log, &entry, hold_log, released), 0);
    while (fill && log_append(stage.gate->log, &entry, NULL, NULL) == 0)
        ;
}

static void test_nothing_shows_before_its_entry(void **state)
{
    struct gate_import *import;
    struct stage_publisher publisher;
    sem_t released;

    (void)state;
    stage_open(&stage, the_policy, false);
    import = stage_import_begin(&stage, "tenant", "slow.csv", false);
    stage_row(&stage, import, "T0700", ROW({"surname", "Traag"}), NULL);
    stall(&released, false);
    stage_publish_start(&stage, &publisher, import);
    for (unsigned i = 0; i < 20; i++) {
        assert_false(is_there("T0700"));
        poll(NULL, 0, 2);
    }
    assert_false(atomic_load(&publisher.ended));
    sem_post(&released);
    pthread_join(publisher.thread, NULL);
    assert_int_equal(publisher.error, 0);
    assert_true(is_there("T0700"));
}

static void test_a_full_queue_is_waited_for(void **state)
{
    struct gate_import *import = stage_import_begin(&stage, "tenant", "full.csv", false);
    struct stage_publisher publisher;
    sem_t released;

    (void)state;
    stage_row(&stage, import, "T0701", ROW({"surname", "Vol"}), NULL);
    stall(&released, true);
    stage_publish_start(&stage, &publisher, import);
    poll(NULL, 0, 30);
    assert_false(atomic_load(&publisher.ended));
    sem_post(&released);
    pthread_join(publisher.thread, NULL);
    assert_int_equal(publisher.error, 0);
    assert_true(is_there("T0701"));
}

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_without_a_log_nothing_is_published(void **state)
{
    struct gate_import *import = stage_import_begin(&stage, "tenant", "nolog.csv", false);
    struct report_why why = {""};
    struct stage_log log = {NULL, 0};
    uint64_t after = stage_log_size(&stage);

    (void)state;
    stage_row(&stage, import, "T0800", ROW({"surname", "Nooit"}), NULL);
    signal(SIGXFSZ, SIG_IGN);
    set_file_limit(0);
    assert_int_equal(gate_import_publish(import, &why), -EIO);
    set_file_limit(RLIM_INFINITY);
    assert_non_null(strstr(why.text, "log"));
    assert_false(is_there("T0800"));
    gate_import_abandon(import);
    assert_false(is_there("T0800"));
    stage_log_read(&stage, after, &log);
    assert_int_equal(log.count, 1); /* the log recovered: it says that the import was taken back */
    assert_string_equal(log.entries[0].entry.rule, "taken back");
    stage_import_one(&stage, "tenant", "T0800", ROW({"surname", "Toch"}));
    expect_kept("T0800", "surname", "Toch", "stage.csv");
    stage_log_clear(&log);
}

/* ---- large -------------------------------------------------------------------------------------------------------- */

/* A policy may put all of its 256 fields into one category. */
static void test_as_many_fields_as_a_policy_has(void **state)
{
    struct gate_import_value values[POLICY_MAX_FIELDS];
    struct buffer text = BUFFER_EMPTY;
    struct gate_import_reject reject;
    enum gate_import_outcome outcome;
    struct gate_import *import;
    struct stage wide;

    (void)state;
    buffer_append_text(&text,
                       "[policy]\norganisation = Wide\ntimezone = Europe/Amsterdam\n[kind tenant]\ncode = T[0-9]{4}\n"
                       "[category all]\n");
    for (unsigned f = 0; f < POLICY_MAX_FIELDS; f++)
        buffer_printf(&text, "[field f%u]\ncategory = all\ntype = text\n", f);
    buffer_append_text(&text, "[purpose rent]\nground = A\nkinds = tenant\nfields = all\n"
                              "[role r]\nmembers = 61001\npurposes = rent\n[secrecy]\nbound = 61001 2020-01-01\n");
    stage_begin(&wide);
    stage_open(&wide, buffer_text(&text), false);
    for (unsigned f = 0; f < POLICY_MAX_FIELDS; f++)
        values[f] = (struct gate_import_value){f, "value", 5};
    import = stage_import_begin(&wide, "tenant", "wide.csv", true);
    assert_int_equal(gate_import_row(import, "T0001", 5, values, POLICY_MAX_FIELDS, &outcome, &reject), 0);
    assert_int_equal(outcome, GATE_IMPORT_ADDED);
    stage_publish(import);
    import = stage_import_begin(&wide, "tenant", "wide.csv", true);
    values[200].value = "other";
    assert_int_equal(gate_import_row(import, "T0001", 5, values, POLICY_MAX_FIELDS, &outcome, &reject), 0);
    assert_int_equal(outcome, GATE_IMPORT_CHANGED);
    stage_publish(import);
    stage_end(&wide);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_added_then_unchanged_then_rejected),
        cmocka_unit_test(test_update_keeps_the_rest),
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_a_bad_row_leaves_no_trace_in_the_next),
        cmocka_unit_test(test_code_twice),
        cmocka_unit_test(test_empty_values),
        cmocka_unit_test(test_code_of_another_kind),
        cmocka_unit_test(test_a_field_of_no_policy),
        cmocka_unit_test(test_abandon_leaves_nothing),
        cmocka_unit_test(test_entries_of_changes),
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_source),
        cmocka_unit_test(test_permissions_when_mounted),
        cmocka_unit_test(test_publish_shows_after_the_tick),
        cmocka_unit_test(test_nothing_shows_before_its_entry),
        cmocka_unit_test(test_a_full_queue_is_waited_for),
        cmocka_unit_test(test_without_a_log_nothing_is_published),
        cmocka_unit_test(test_as_many_fields_as_a_policy_has),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
