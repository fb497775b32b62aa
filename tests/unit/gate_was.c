/* Goal: what is renamed in the policy keeps its data (`was`), in both directions and while more is recorded; without the word
 * such a policy is refused, and nothing is lost. */
#include "tests/unit/gate_stage.h"

#include "fs/gate/facts.h"
#include "fs/gate/registry.h"
#include "fs/gate/reload.h"

#define HEAD "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
#define TAIL(purpose, lines)                                                                                         \
    "[purpose " purpose "]\nground = A\n" lines "[role all]\nmembers = 61001\npurposes = " purpose "\n"              \
    "[role importers]\nmembers = 61008\ncommands = import, log.show\n"                                               \
    "[secrecy]\nbound = 61001 2020-01-01, 61008 2020-01-01\n"

static const char before[] =
    HEAD "[kind tenant]\ncode = T[0-9]{4}\n[category person]\n"
         "[field surname]\ncategory = person\ntype = surname\n"
         "[field first-names]\ncategory = person\ntype = text\n"
         "[field born]\ncategory = person\ntype = date\n" TAIL("rent", "kinds = tenant\nfields = person\n");
/* A kind, a category and a field are called otherwise; one field is new, and takes no old name. */
static const char after[] = HEAD
    "[kind renter]\ncode = T[0-9]{4}\nwas = tenant\n[category people]\nwas = person\n"
    "[field given-names]\ncategory = people\ntype = text\nwas = first-names\n"
    "[field surname]\ncategory = people\ntype = surname\n"
    "[field nickname]\ncategory = people\ntype = text\n"
    "[field born]\ncategory = people\ntype = date\n" TAIL("letting", "was = rent\nkinds = renter\nfields = people\n");
static const char forgotten[] =
    HEAD "[kind tenant]\ncode = T[0-9]{4}\n[category person]\n"
         "[field surname]\ncategory = person\ntype = surname\n"
         "[field given-names]\ncategory = person\ntype = text\n"
         "[field born]\ncategory = person\ntype = date\n" TAIL("rent", "kinds = tenant\nfields = person\n");

static struct stage stage;

#define ROW(...) ((struct stage_cell[]){__VA_ARGS__, {NULL, NULL}})

/* Where nothing is mounted; what was open before is closed. */
static void import_one(const char *policy, const char *kind, const char *code, const struct stage_cell *cells,
                       enum gate_import_outcome outcome)
{
    struct gate_import *import;

    stage_open(&stage, policy, false);
    import = stage_import_begin(&stage, kind, "rows.csv", true);
    assert_int_equal(stage_row(&stage, import, code, cells, NULL), outcome);
    stage_publish(import);
}

/* What 61001 sees of the field, "" if it is hidden or empty. */
static void expect_seen(const char *code, const char *field, const char *value)
{
    bool renamed = policy_find_purpose(gate_policy(stage.gate), "rent") < 0;
    struct door_ask ask = stage_ask(&stage, 61001, renamed ? "letting" : "rent");
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct door_found found;
    int result = door_look_leaf(stage.gate, &ask, stage_dossier(&stage, code), (int)stage_field(&stage, field),
                                &found, &shown);

    assert_int_equal(result, *value ? 0 : -ENOENT);
    if (!result) {
        assert_int_equal(shown.count, 1);
        assert_int_equal(shown.values[0].length_bytes, strlen(value));
        assert_memory_equal(buffer_text(&shown.text) + shown.values[0].at, value, strlen(value));
    }
    door_shown_clear(&shown);
}

static int begin(void **state)
{
    (void)state;
    stage_begin(&stage);
    import_one(before, "tenant", "T0001",
               ROW({"surname", "Wolkenveer"}, {"first-names", "Anna Maria"}, {"born", "1980-02-28"}),
               GATE_IMPORT_ADDED);
    return 0;
}

static int end(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static void what_is_renamed_keeps_its_data(void **state)
{
    (void)state;
    stage_open(&stage, after, true);
    expect_seen("T0001", "given-names", "Anna Maria");
    expect_seen("T0001", "surname", "Wolkenveer");
    expect_seen("T0001", "born", "1980-02-28");
    expect_seen("T0001", "nickname", "");
}

static void more_is_recorded_in_the_same_place(void **state)
{
    (void)state;
    import_one(after, "renter", "T0001", ROW({"given-names", "Anne"}), GATE_IMPORT_CHANGED);
    import_one(after, "renter", "T0002", ROW({"surname", "Duinhart"}, {"given-names", "Bo"}, {"nickname", "B"}),
               GATE_IMPORT_ADDED);
    stage_open(&stage, after, true);
    expect_seen("T0001", "given-names", "Anne");
    expect_seen("T0001", "surname", "Wolkenveer");
    expect_seen("T0002", "given-names", "Bo");
    expect_seen("T0002", "nickname", "B");
}

static void the_old_policy_still_fits(void **state)
{
    (void)state;
    stage_open(&stage, before, true);
    expect_seen("T0001", "first-names", "Anna Maria");
    import_one(after, "renter", "T0001", ROW({"given-names", "Anne"}), GATE_IMPORT_CHANGED);
    stage_open(&stage, before, true);
    expect_seen("T0001", "first-names", "Anne");
    expect_seen("T0001", "surname", "Wolkenveer");
}

static void without_the_word_it_is_refused(void **state)
{
    struct gate_options options = {.store = stage.path,
                                   .secret = {STORE_KEY_FILE, STAGE_KEY, sizeof STAGE_KEY},
                                   .policy = stage_policy(forgotten)};
    struct report_why why = {""};

    (void)state;
    stage_close(&stage);
    assert_int_equal(gate_open(&options, &stage.gate, &why), -EINVAL);
    assert_non_null(strstr(why.text, "the field \"first-names\""));
    assert_non_null(strstr(why.text, "was = first-names"));
    policy_free(options.policy);
    stage_open(&stage, after, true);
    expect_seen("T0001", "given-names", "Anna Maria");
}

/* ---- what is registered ---- */

static void registers(const char *policy, unsigned word, const char *about)
{
    const struct gate_fact_draft draft = {word, about, STORE_NEVER, STORE_NEVER, "asked by letter"};
    struct report_why why = {""};
    uint32_t id;

    stage_open(&stage, policy, false);
    if (gate_fact_set(stage.gate, &STAGE_IMPORTER, "T0001", &draft, &id, &why) < 0)
        fail_msg("gate_fact_set: %s", why.text);
}

static void ends(const char *policy, unsigned word, const char *about)
{
    struct report_why why = {""};
    unsigned ended = 0;

    stage_open(&stage, policy, false);
    if (gate_fact_end(stage.gate, &STAGE_IMPORTER, "T0001", word, about, &ended, &why) < 0)
        fail_msg("gate_fact_end: %s", why.text);
    assert_int_equal(ended, 1);
}

/* Registered first under a new name, it must not give that name a number of its own: the data would be lost to it. */
static void what_is_registered_is_kept_too(void **state)
{
    static const struct {
        unsigned word;
        const char *old, *new;
    } rows[] = {{FACT_RESTRICTION, "person", "people"}, {FACT_OPT_OUT, "rent", "letting"}};

    (void)state;
    registers(before, FACT_OPT_OUT,
              "rent"); /* a purpose has a name in the store once something was registered of it */
    ends(before, FACT_OPT_OUT, "rent");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        registers(after, rows[i].word, rows[i].new);
        stage_open(&stage, after, true);
        expect_seen("T0001", "surname", "");
        stage_open(&stage, before, true);
        expect_seen("T0001", "surname", "");
        ends(before, rows[i].word, rows[i].old);
        stage_open(&stage, after, true);
        expect_seen("T0001", "surname", "Wolkenveer");
        registers(before, rows[i].word, rows[i].old);
        stage_open(&stage, after, true);
        expect_seen("T0001", "surname", "");
        ends(after, rows[i].word, rows[i].new);
        stage_open(&stage, after, true);
        expect_seen("T0001", "surname", "Wolkenveer");
    }
}

/* ---- while dossiers are open ---- */

struct reloading {
    const char *text;
    int result;
    atomic_bool ended;
};

static void *reload(void *context)
{
    struct reloading *reloading = context;
    const struct gate_policy_text text = {reloading->text, strlen(reloading->text), 0};
    struct report_why why = {""};

    reloading->result = gate_reload(stage.gate, &text, &why);
    atomic_store(&reloading->ended, true);
    eventfd_write(door_wake_fd(stage.gate), 1);
    return NULL;
}

/* Another policy comes in force, with this thread as the dispatcher. */
static int put_in_force(const char *text)
{
    struct reloading reloading = {.text = text};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, reload, &reloading), 0);
    while (!atomic_load(&reloading.ended)) {
        struct pollfd wake = {.fd = door_wake_fd(stage.gate), .events = POLLIN};

        poll(&wake, 1, 100);
        door_tick(stage.gate, stage_changed, NULL);
    }
    pthread_join(thread, NULL);
    return reloading.result;
}

static void it_may_be_renamed_while_it_is_open(void **state)
{
    struct gate_options options = {.store = stage.path,
                                   .secret = {STORE_KEY_FILE, STAGE_KEY, sizeof STAGE_KEY},
                                   .policy = stage_policy(before),
                                   .policy_text = {before, sizeof before - 1, 0},
                                   .mounted = true};
    struct report_why why = {""};

    (void)state;
    stage_close(&stage);
    assert_int_equal(gate_open(&options, &stage.gate, &why), 0);
    expect_seen("T0001", "first-names", "Anna Maria");
    assert_int_equal(put_in_force(after), 0);
    expect_seen("T0001", "given-names", "Anna Maria");
    expect_seen("T0001", "surname", "Wolkenveer");
    assert_int_equal(put_in_force(forgotten), -EINVAL);
    expect_seen("T0001", "given-names", "Anna Maria");
    assert_int_equal(put_in_force(before), 0);
    expect_seen("T0001", "first-names", "Anna Maria");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_renamed_keeps_its_data, begin, end),
        cmocka_unit_test_setup_teardown(more_is_recorded_in_the_same_place, begin, end),
        cmocka_unit_test_setup_teardown(the_old_policy_still_fits, begin, end),
        cmocka_unit_test_setup_teardown(without_the_word_it_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(what_is_registered_is_kept_too, begin, end),
        cmocka_unit_test_setup_teardown(it_may_be_renamed_while_it_is_open, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
