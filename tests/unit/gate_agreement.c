/* Goal: a recipient acts under an agreement from its first to its last day: outside them his purposes are not his, no dossier is
 * there, and the log names him with no role. */
#include "tests/unit/gate_stage.h"

static struct stage stage;
static char policy_text[2048];

/* 61001 has an agreement for today alone, 61002 had one until yesterday, 61003 will have one from tomorrow; 61004 has a role of
 * the organisation too. */
static int begin(void **state)
{
    char today[16], before[16], after[16];
    struct gate_import *import;

    (void)state;
    stage_date(stage_today(), today);
    stage_date(stage_today() - 1, before);
    stage_date(stage_today() + 1, after);
    snprintf(policy_text, sizeof policy_text,
             "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n[kind tenant]\ncode = T[0-9]{4}\n"
             "[category person]\n[field surname]\ncategory = person\ntype = surname\n"
             "[purpose rent]\nground = A\nkinds = tenant\nfields = person\n"
             "[purpose debts]\nground = A\nkinds = tenant\nfields = person\n"
             "[role own]\nmembers = 61004\npurposes = rent\n"
             "[role importers]\nmembers = 61008\ncommands = import, log.show\n"
             "[recipient now]\nagreement = covenant\nsigned = %s\nuntil = %s\nmembers = 61001\npurposes = debts\n"
             "fields = surname\n"
             "[recipient over]\nagreement = processor\nsigned = 2020-01-01\nuntil = %s\nmembers = 61002, 61004\n"
             "purposes = debts\nfields = surname\n"
             "[recipient later]\nagreement = covenant\nsigned = %s\nmembers = 61003\npurposes = debts\n"
             "fields = surname\n"
             "[secrecy]\nbound = 61001 2020-01-01, 61002 2020-01-01, 61003 2020-01-01, 61004 2020-01-01\n"
             "bound += 61008 2020-01-01\n",
             today, today, before, after);
    stage_begin(&stage);
    stage_open(&stage, policy_text, false);
    import = stage_import_begin(&stage, "tenant", "rows.csv", false);
    stage_row(&stage, import, "T0001", (struct stage_cell[]){{"surname", "Wolkenveer"}, {NULL, NULL}}, NULL);
    stage_publish(import);
    stage_open(&stage, policy_text, true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static void his_purposes_are_his_while_it_holds(void **state)
{
    static const struct {
        uint32_t uid;
        bool rent, debts;
    } rows[] = {{61001, false, true}, {61002, false, false}, {61003, false, false}, {61004, true, false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct door_ask ask = {stage_caller(&stage, rows[i].uid), (int32_t)getpid(), -1};
        struct stage_done done = {0};
        uint64_t purposes = 0;

        assert_int_equal(door_list_purposes(stage.gate, &ask, &purposes, stage_done, &done), 0);
        stage_flush(&stage);
        assert_int_equal(purposes >> stage_purpose(&stage, "rent") & 1, rows[i].rent);
        assert_int_equal(purposes >> stage_purpose(&stage, "debts") & 1, rows[i].debts);
    }
}

static void a_dossier_is_there_while_it_holds(void **state)
{
    static const struct {
        uint32_t uid;
        int result;
    } rows[] = {{61001, 0}, {61002, -ENOENT}, {61003, -ENOENT}, {61004, -ENOENT}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct door_ask ask = stage_ask(&stage, rows[i].uid, "debts");
        uint64_t after = stage_log_size(&stage);
        struct stage_log log = {NULL, 0};
        struct door_found found;

        assert_int_equal(door_look_dossier(stage.gate, &ask, "T0001", 5, &found), rows[i].result);
        stage_log_read(&stage, after, &log);
        assert_int_equal(log.count, 1);
        assert_string_equal(log.entries[0].entry.role, rows[i].result ? "" : "now");
        if (rows[i].result)
            assert_memory_equal(log.entries[0].entry.rule, "agreement ", 10);
        stage_log_clear(&log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(his_purposes_are_his_while_it_holds),
        cmocka_unit_test(a_dossier_is_there_while_it_holds),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
