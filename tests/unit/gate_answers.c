/* Goal: questions to the log are asked by those who may, are logged before they are answered, and answer with the right entries
 * and codes. */
#include "tests/unit/gate_stage.h"

static const char the_policy[] =
    "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
    "[kind tenant]\ncode = T[0-9]{4}\n[category person]\n[field surname]\ncategory = person\ntype = surname\n"
    "[purpose rent]\nground = A\nkinds = tenant\nfields = person\n"
    "[role all]\nmembers = 61001\npurposes = rent\n"
    "[role others]\nmembers = 61002\ncommands = import\n"
    "[role officers]\nmembers = 61008\ncommands = log.*, import\n"
    "[secrecy]\nbound = 61001 2020-01-01, 61008 2020-01-01\n";

static struct stage stage;

static void open_field(const char *code)
{
    struct door_ask ask = stage_ask(&stage, 61001, "rent");
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct door_found found;
    uint32_t number = stage_dossier(&stage, code);

    assert_int_equal(door_look_leaf(stage.gate, &ask, number, 0, &found, &shown), 0);
    assert_int_equal(door_open_leaf(stage.gate, &ask, number, 0, &found, &shown, NULL, NULL), 0);
    door_shown_clear(&shown);
}

static void look_for(uint32_t uid, const char *code)
{
    struct door_ask ask = stage_ask(&stage, uid, "rent");
    struct door_found found;

    assert_int_equal(door_look_dossier(stage.gate, &ask, code, strlen(code), &found), -ENOENT);
}

static int begin(void **state)
{
    struct gate_import *import;
    char code[8];

    (void)state;
    stage_begin(&stage);
    stage_open(&stage, the_policy, false);
    import = stage_import_begin(&stage, "tenant", "stage.csv", false);
    for (unsigned n = 1; n <= 30; n++) {
        snprintf(code, sizeof code, "T%04u", n);
        stage_row(&stage, import, code, (struct stage_cell[]){{"surname", "Iemand"}, {NULL, NULL}}, NULL);
    }
    stage_publish(import);
    stage_open(&stage, the_policy, true);
    for (unsigned n = 1; n <= 30; n++) {
        snprintf(code, sizeof code, "T%04u", n);
        open_field(code);
    }
    look_for(61002, "T0003"); /* there, and hidden */
    look_for(61002, "T8888"); /* not there */
    stage_flush(&stage);
    return 0;
}

static int end(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

struct answer {
    unsigned count, opened, refused, changed, imports, questions, others, stop_at;
    char codes[128][8]; /* of those opened or refused, in the order of the answer */
};

static int hear(void *context, const struct log_record *record, const char *code)
{
    struct answer *answer = context;

    assert_false(record->erased);
    answer->count++;
    if (answer->stop_at && answer->count == answer->stop_at)
        return -ECANCELED;
    if (record->entry.what == LOG_FIELD || record->entry.outcome == LOG_REFUSED) {
        unsigned at = answer->opened + answer->refused;

        assert_in_range(at, 0, 127);
        snprintf(answer->codes[at], sizeof answer->codes[at], "%s", code);
    }
    answer->opened += record->entry.what == LOG_FIELD;
    answer->refused += record->entry.outcome == LOG_REFUSED;
    answer->changed += record->entry.what == LOG_CHANGE;
    answer->imports += record->entry.what == LOG_IMPORT;
    answer->questions += record->entry.what == LOG_COMMAND && strcmp(record->entry.name, "log.show") == 0;
    return 0;
}

static struct answer ask(const struct gate_log_question *question)
{
    struct answer answer = {.count = 0};
    struct report_why why = {""};

    if (gate_log_ask(stage.gate, &STAGE_IMPORTER, question, hear, &answer, &why) < 0)
        fail_msg("%s", why.text);
    return answer;
}

static void test_all(void **state)
{
    struct answer answer = ask(&(struct gate_log_question){.command = "log.show", .code = NULL});
    char code[8];

    (void)state;
    assert_int_equal(answer.opened, 30);
    assert_int_equal(answer.refused, 2);
    assert_int_equal(answer.changed, 30);
    assert_int_equal(answer.imports, 1);
    assert_int_equal(answer.questions, 1); /* this one is among its answers */
    for (unsigned n = 1; n <= 30; n++) {
        snprintf(code, sizeof code, "T%04u", n);
        assert_string_equal(answer.codes[n - 1], code);
    }
    assert_string_equal(answer.codes[30], "T0003");
    assert_string_equal(answer.codes[31], ""); /* there is nobody to be named */
}

static void test_of_one(void **state)
{
    struct answer answer = ask(&(struct gate_log_question){.command = "log.show", .code = "T0003"});

    (void)state;
    assert_int_equal(answer.count, 4); /* change, look, open, refusal */
    answer = ask(&(struct gate_log_question){.command = "log.who-saw", .code = "T0003", .without_codes = true});
    assert_int_equal(answer.count, 4);
    assert_string_equal(answer.codes[0], ""); /* found by the code, and not told it */
    answer = ask(&(struct gate_log_question){.command = "log.show", .code = "T0003"});
    assert_int_equal(answer.opened, 1);
    assert_int_equal(answer.refused, 1);
    answer = ask(&(struct gate_log_question){
        .command = "log.show", .code = "T8888"}); /* what was asked for in vain is found by its code, too */
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.refused, 1);
    answer = ask(&(struct gate_log_question){.command = "log.show", .code = "T7777"});
    assert_int_equal(answer.count, 0);
    answer = ask(&(struct gate_log_question){.command = "log.show", .code = ""});
    assert_int_equal(answer.count, 0);
    answer =
        ask(&(struct gate_log_question){.command = "log.show", .code = "T0003", .filter = {.outcome = LOG_REFUSED}});
    assert_int_equal(answer.count, 1);
    answer = ask(&(struct gate_log_question){
        .command = "log.show", .code = "T0003", .filter = {.has_uid = true, .uid = 61008}});
    assert_int_equal(answer.count, 1); /* the import */
}

static void test_each_ends_it(void **state)
{
    const struct gate_log_question question = {.command = "log.show"};
    struct answer answer = {.stop_at = 5};

    (void)state;
    assert_int_equal(gate_log_ask(stage.gate, &STAGE_IMPORTER, &question, hear, &answer, NULL), -ECANCELED);
    assert_int_equal(answer.count, 5);
}

static void test_who_may_not(void **state)
{
    static const uint32_t uids[] = {0, 61001, 61002};
    const struct gate_log_question question = {.command = "log.show"};
    struct answer answer = {.count = 0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct gate_person person = {.uid = uids[i]};
        uint64_t after = stage_log_size(&stage);
        struct stage_log log = {NULL, 0};
        struct report_why why = {""};

        if (uids[i] == 0)
            memcpy(person.user, "root", 5);
        assert_int_equal(gate_log_ask(stage.gate, &person, &question, hear, &answer, &why), -EACCES);
        assert_int_equal(answer.count, 0);
        assert_true(strlen(why.text) > 0);
        stage_log_read(&stage, after, &log);
        assert_int_equal(log.count, 1);
        assert_int_equal(log.entries[0].entry.outcome, LOG_REFUSED);
        assert_string_equal(log.entries[0].entry.name, "log.show");
        stage_log_clear(&log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_of_one),
        cmocka_unit_test(test_each_ends_it),
        cmocka_unit_test(test_who_may_not),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
