/* Goal: the facts that are given as reasons decide exactly as an open does, for whoever, purpose and field; they are told to those alone
 * who may ask, after an entry that names the dossier, and never hold a value. */
#include "fs/gate/facts.h"
#include "fs/gate/reasons.h"
#include "fs/gate/registry.h"
#include "policy/explain.h"
#include "tests/unit/gate_stage.h"

#include <signal.h>
#include <sys/resource.h>

static const char policy_text[] =
    "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
    "[kind tenant]\ncode = T[0-9]{4}\n[kind seeker]\ncode = S[0-9]{4}\n"
    "[category person]\nretention = 2y after end\n[category contact]\nretention = 2y after end\n"
    "[category film]\nincident = required\nroles = wardens\n[category place]\n[category contract]\n"
    "[field surname]\ncategory = person\ntype = surname\n[field birth]\ncategory = person\ntype = date\n"
    "[field phone]\ncategory = contact\ntype = phone\n[field image]\ncategory = film\ntype = text\n"
    "[field district]\ncategory = place\ntype = text\n[field end]\ncategory = contract\ntype = date\n"
    "[purpose rent]\nground = A\nkinds = tenant\nfields = person, end\n"
    "[purpose help]\nground = C\nbalancing = weighed\nkinds = tenant, seeker\nfields = person, phone\n"
    "[purpose news]\nground = D\nkinds = tenant\nfields = phone\n"
    "[purpose rescue]\nground = E\nkinds = tenant\nfields = phone\n"
    "[purpose watch]\nground = C\nbalancing = weighed\nkinds = tenant\nfields = film\n"
    "[role collectors]\nmembers = 61001\npurposes = rent, help\nmask = birth:year\n"
    "[role callers]\nmembers = 61002\npurposes = help, news, rescue\n"
    "[role wardens]\nmembers = 61003\npurposes = help, watch, rescue\ncaseload = district: North\n"
    "[role officers]\nmembers = 61008\ncommands = import, fact.*, log.show, policy.explain\n"
    "[recipient bailiff]\nagreement = processor\nsigned = 2020-01-01\nuntil = 2020-12-31\nmembers = 61005\n"
    "purposes = rent\nfields = surname\n"
    "[secrecy]\nbound = 61001 2020-01-01, 61002 2020-01-01, 61003 2020-01-01, 61005 2020-01-01, 61008 2020-01-01\n";

static const uint32_t people[] = {61001, 61002, 61003, 61004, 61005, 61008};
static const char *const codes[] = {"T0001", "T0002", "T0003", "T0004", "S0001"};

static struct stage stage;

static void begin_facts(void)
{
    static const struct {
        const char *code;
        enum fact_word word;
        const char *about;
        uint32_t uid;
    } rows[] = {
        {"T0001", FACT_CONSENT, "news", 61008},       {"T0001", FACT_CALAMITY, "rescue", 61002},
        {"T0001", FACT_INCIDENT, "film", 61008},      {"T0002", FACT_OBJECTION, "help", 61008},
        {"T0002", FACT_RESTRICTION, "person", 61008}, {"T0002", FACT_INCIDENT, "film", 61008},
        {"T0003", FACT_HOLD, "contact", 61008},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct gate_person person = {.uid = rows[i].uid};
        struct gate_fact_draft draft = {.word = rows[i].word,
                                        .about = rows[i].about,
                                        .from_s = rows[i].word == FACT_INCIDENT ? 0 : STORE_NEVER,
                                        .until_s = STORE_NEVER,
                                        .reason = "staged"};
        struct report_why why = {""};
        uint32_t id;

        if (gate_fact_set(stage.gate, &person, rows[i].code, &draft, &id, &why) < 0)
            fail_msg("%s of %s: %s", facts_name(rows[i].word), rows[i].code, why.text);
    }
}

static int begin(void **state)
{
    struct gate_import *import;
    char over[16], runs[16];

    (void)state;
    stage_begin(&stage);
    stage_open(&stage, policy_text, false);
    stage_date(stage_today() - 1000, over);
    stage_date(stage_today() - 100, runs);
    import = stage_import_begin(&stage, "tenant", "rows.csv", false);
    stage_row(&stage, import, "T0001",
              (struct stage_cell[]){{"surname", "Wolkenveer"},
                                    {"birth", "1970-01-02"},
                                    {"phone", "0612345678"},
                                    {"image", "street"},
                                    {"district", "North"},
                                    {NULL, NULL}},
              NULL);
    stage_row(&stage, import, "T0002",
              (struct stage_cell[]){{"surname", "Quintbrugge"},
                                    {"phone", "0612345679"},
                                    {"image", "hall"},
                                    {"district", "South"},
                                    {"end", runs},
                                    {NULL, NULL}},
              NULL);
    stage_row(&stage, import, "T0003",
              (struct stage_cell[]){{"surname", "Verwegen"}, {"phone", "0612345670"}, {"end", over}, {NULL, NULL}},
              NULL);
    stage_row(&stage, import, "T0004", (struct stage_cell[]){{"district", "North"}, {NULL, NULL}}, NULL);
    stage_publish(import);
    import = stage_import_begin(&stage, "seeker", "rows.csv", false);
    stage_row(&stage, import, "S0001", (struct stage_cell[]){{"surname", "Noordstam"}, {NULL, NULL}}, NULL);
    stage_publish(import);
    begin_facts();
    stage_open(&stage, policy_text, true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static struct gate_reasons *reasons_for(const char *code, uint32_t uid, const char *purpose)
{
    struct gate_reasons_question question = {.code = code, .purpose = purpose};
    struct gate_reasons *reasons = NULL;
    struct report_why why = {""};
    char user[16];

    snprintf(user, sizeof user, "%u", uid);
    question.user = user;
    if (gate_reasons(stage.gate, &STAGE_IMPORTER, &question, &reasons, &why) < 0)
        fail_msg("gate_reasons: %s", why.text);
    return reasons;
}

/* What an open gives: VERDICT_HIDDEN if there is none. */
static enum verdict opened(uint32_t uid, const char *purpose, const char *code, unsigned field)
{
    struct door_ask ask = stage_ask(&stage, uid, purpose);
    struct door_shown shown = {.text = BUFFER_EMPTY};
    enum verdict verdict = VERDICT_HIDDEN;
    struct door_found found;
    int error = door_look_leaf(stage.gate, &ask, stage_dossier(&stage, code), (int)field, &found, &shown);

    if (!error)
        error = door_open_leaf(stage.gate, &ask, stage_dossier(&stage, code), (int)field, &found, &shown, NULL, NULL);
    if (!error && shown.count == 1)
        verdict = shown.values[0].masked ? VERDICT_MASKED : VERDICT_SHOWN;
    else
        assert_int_equal(error, -ENOENT);
    door_shown_clear(&shown);
    return verdict;
}

static void reasons_decide_as_an_open_does(void **state)
{
    const struct policy *policy = gate_policy(stage.gate);
    unsigned verdicts[3] = {0}, rules[DECIDE_MASKED + 1] = {0};
    /* What this stage is made to reach: each is reached, so that the comparison says something about it. */
    static const enum decide_rule reached[] = {
        DECIDE_NO_ROLE,     DECIDE_ROLE_PURPOSE, DECIDE_AGREEMENT,  DECIDE_PURPOSE_KIND, DECIDE_PURPOSE_FIELD,
        DECIDE_ABSENT,      DECIDE_EXPIRED,      DECIDE_RESTRICTED, DECIDE_NO_CONSENT,   DECIDE_OBJECTION,
        DECIDE_NO_CALAMITY, DECIDE_CASELOAD,     DECIDE_SHOWN,      DECIDE_MASKED};

    (void)state;
    for (size_t c = 0; c < sizeof codes / sizeof *codes; c++)
        for (size_t p = 0; p < sizeof people / sizeof *people; p++)
            for (unsigned purpose = 0; purpose < policy->purpose_count; purpose++) {
                const char *name = policy->purposes[purpose].name;
                struct gate_reasons *reasons = reasons_for(codes[c], people[p], name);

                for (unsigned field = 0; field < policy->field_count; field++) {
                    struct explain_step steps[EXPLAIN_STEPS];
                    struct decision decision = explain(policy, &reasons->standing, reasons->purpose, (int)field,
                                                       &reasons->fields[field], reasons->now_s, steps);

                    verdicts[decision.verdict]++;
                    rules[decision.rule]++;
                    if (decision.verdict != opened(people[p], name, codes[c], field))
                        fail_msg("%u, %s, %s of %s: %s", people[p], name, policy->fields[field].name, codes[c],
                                 decide_rule_name(decision.rule));
                }
                gate_reasons_free(reasons);
            }
    assert_true(verdicts[VERDICT_SHOWN] > 0 && verdicts[VERDICT_MASKED] > 0);
    for (size_t i = 0; i < sizeof reached / sizeof *reached; i++)
        if (rules[reached[i]] == 0)
            fail_msg("%s was not reached", decide_rule_name(reached[i]));
}

static void kept_says_what_a_hold_keeps(void **state)
{
    const struct policy *policy = gate_policy(stage.gate);
    struct gate_reasons *reasons = reasons_for("T0003", 61002, "help");

    (void)state;
    assert_true(reasons->kept == (uint64_t)1 << policy_find_category(policy, "contact"));
    gate_reasons_free(reasons);
    reasons = reasons_for("T0004", 61002, "help");
    assert_true(reasons->kept == 0);
    gate_reasons_free(reasons);
}

static int ask(uint32_t uid, struct gate_reasons_question question)
{
    const struct gate_person person = {.uid = uid};
    struct gate_reasons *reasons = NULL;
    struct report_why why = {""};
    int error = gate_reasons(stage.gate, &person, &question, &reasons, &why);

    assert_true((error != 0) == (reasons == NULL));
    gate_reasons_free(reasons);
    return error;
}

static void entries_come_first(void **state)
{
    struct stage_log log = {0};
    uint64_t before = stage_log_size(&stage);
    const struct log_entry *entry;

    (void)state;
    assert_int_equal(ask(61008, (struct gate_reasons_question){"T0001", "61001", "rent", "birth"}), 0);
    stage_log_read(&stage, before, &log);
    assert_int_equal(log.count, 2);
    entry = &log.entries[0].entry;
    assert_int_equal(entry->what, LOG_COMMAND);
    assert_string_equal(entry->name, "policy.explain");
    entry = &log.entries[1].entry;
    assert_int_equal(entry->what, LOG_EXPLAIN);
    assert_int_equal(entry->outcome, LOG_SHOWN);
    assert_int_equal(entry->uid, 61008);
    assert_true(entry->subject == dossiers_get(stage.gate->dossiers, stage_dossier(&stage, "T0001")).pseudonym);
    assert_string_equal(entry->purpose, "rent");
    assert_string_equal(entry->name, "61001: birth");
    assert_string_equal(entry->role, "officers");
    assert_string_equal(entry->fields, "");

    before = stage_log_size(&stage);
    assert_int_equal(ask(61008, (struct gate_reasons_question){"T9999", "61001", "rent", NULL}), -ENOENT);
    stage_log_read(&stage, before, &log);
    assert_int_equal(log.count, 2);
    entry = &log.entries[1].entry;
    assert_int_equal(entry->outcome, LOG_REFUSED);
    assert_true(entry->subject == gate_code_mark(stage.gate, "T9999", 5));
    assert_string_equal(entry->rule, "absent");
    stage_log_clear(&log);
}

/* Who has no right gets one answer, whatever is asked, and the log names no dossier with it. */
static void no_right_no_answer(void **state)
{
    static const struct gate_reasons_question questions[] = {{"T0001", "61001", "rent", NULL},
                                                             {"T9999", "61001", "rent", NULL},
                                                             {"T0001", "nobody-of-that-name", "nothing", "none"}};
    struct stage_log log = {0};
    uint64_t before = stage_log_size(&stage);

    (void)state;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        assert_int_equal(ask(61001, questions[i]), -EACCES);
    stage_log_read(&stage, before, &log);
    assert_int_equal(log.count, 1); /* and counted after that */
    assert_int_equal(log.entries[0].entry.what, LOG_COMMAND);
    assert_int_equal(log.entries[0].entry.outcome, LOG_REFUSED);
    assert_true(log.entries[0].entry.subject == 0);
    stage_log_clear(&log);
}

static void names_that_are_none(void **state)
{
    (void)state;
    assert_int_equal(ask(61008, (struct gate_reasons_question){"T0001", "61001", "rants", NULL}), -EINVAL);
    assert_int_equal(ask(61008, (struct gate_reasons_question){"T0001", "61001", "rent", "none"}), -EINVAL);
    assert_int_equal(ask(61008, (struct gate_reasons_question){"T0001", "nobody-of-that-name", "rent", NULL}),
                     -ENOENT);
}

/* Whose caseload a dossier is in shows in a bit; what is given has no place for the value that says so. */
static void a_caseload_is_a_bit(void **state)
{
    const struct policy *policy = gate_policy(stage.gate);
    uint64_t bit = (uint64_t)1 << policy_find_role(policy, "wardens");
    struct gate_reasons *reasons = reasons_for("T0001", 61003, "help");

    (void)state;
    assert_true(reasons->dossier.inside == bit);
    gate_reasons_free(reasons);
    reasons = reasons_for("T0002", 61003, "help");
    assert_true(reasons->dossier.inside == 0);
    gate_reasons_free(reasons);
}

/* Without a log there are no reasons either; and with one again there are. */
static void no_entry_no_answer(void **state)
{
    const struct gate_reasons_question question = {"T0001", "61001", "rent", NULL};
    struct rlimit limit;

    (void)state;
    stage_flush(&stage);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, limit.rlim_max}), 0);
    assert_int_equal(ask(61008, question), -EIO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(ask(61008, question), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_decide_as_an_open_does),
        cmocka_unit_test(kept_says_what_a_hold_keeps),
        cmocka_unit_test(entries_come_first),
        cmocka_unit_test(no_right_no_answer),
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(a_caseload_is_a_bit),
        cmocka_unit_test(no_entry_no_answer),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
