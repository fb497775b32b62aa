/* Goal: a replay tells exactly the decisions that would have come out otherwise under another policy, with its facts at the time
 * of each entry; keeps apart what the policy in force decides so already; and says what it could not replay. */
#include "fs/gate/replay.h"
#include "tests/unit/gate_stage.h"

/* %s: members of collectors, what collectors may see of it, their mask, term of `person`, further lines of roles. */
static const char policy_format[] =
    "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
    "[kind tenant]\ncode = T[0-9]{4}\n"
    "[category person]\nretention = %s after end\n[category other]\n"
    "[field surname]\ncategory = person\ntype = surname\n[field birth]\ncategory = person\ntype = date\n"
    "[field end]\ncategory = other\ntype = date\n"
    "[purpose %s]\nground = A\nkinds = tenant\nfields = person\n"
    "[role collectors]\nmembers = %s\npurposes = %s\nfields = %s\nmask = %s\n"
    "[role officers]\nmembers = 61008\ncommands = log.*, import, policy.replay\n"
    "[secrecy]\nbound = 61001 2020-01-01, 61003 2020-01-01, 61008 2020-01-01\n";

struct variant {
    const char *term, *purpose, *members, *fields, *mask;
};
static const struct variant usual = {"50y", "rent", "61001", "surname, birth", "birth:year"};

static struct stage stage;
static char text[2048];

static const char *text_of(struct variant variant)
{
    snprintf(text, sizeof text, policy_format, variant.term, variant.purpose, variant.members, variant.purpose,
             variant.fields, variant.mask);
    return text;
}

static int open_leaf(uint32_t uid, const char *code, const char *field)
{
    struct door_ask ask = stage_ask(&stage, uid, "rent");
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct door_found found;
    int leaf = field[0] ? (int)stage_field(&stage, field) : DOOR_WHOLE;
    int error = door_look_leaf(stage.gate, &ask, stage_dossier(&stage, code), leaf, &found, &shown);

    if (!error)
        error = door_open_leaf(stage.gate, &ask, stage_dossier(&stage, code), leaf, &found, &shown, NULL, NULL);
    door_shown_clear(&shown);
    return error;
}

static void look_for(uint32_t uid, const char *code)
{
    struct door_ask ask = stage_ask(&stage, uid, "rent");
    struct door_found found;

    assert_int_equal(door_look_dossier(stage.gate, &ask, code, strlen(code), &found), -ENOENT);
}

static void nothing(void *context, int status)
{
    (void)context;
    (void)status;
}

static void list_rent(uint32_t uid, int wanted)
{
    struct door_ask ask = stage_ask(&stage, uid, "rent");
    uint32_t *numbers = NULL, count;

    assert_int_equal(door_list_dossiers(stage.gate, &ask, &numbers, &count, nothing, NULL), wanted);
    free(numbers);
}

static void put(const char *code, const char *birth, const char *end_date)
{
    stage_import_one(&stage, "tenant", code,
                     (struct stage_cell[]){
                         {"surname", "Iemand"}, {"end", end_date}, {birth ? "birth" : NULL, birth}, {NULL, NULL}});
}

/* The log of every test: 61001 opens four surnames and two dates of birth (a year of them) and one dossier as a whole; 61003 is
 * refused T0001, its surname, and T9999, which isn't there. */
static int begin(void **state)
{
    struct report_why why = {""};

    (void)state;
    stage_begin(&stage);
    stage_open(&stage, text_of(usual), false);
    put("T0001", "1970-01-02", "2010-06-01");
    put("T0002", "1980-01-02", "2020-06-01");
    put("T0003", NULL, "2020-06-01");
    put("T0004", NULL, "2024-06-01");
    stage_open(&stage, text_of(usual), true);
    for (unsigned n = 1; n <= 4; n++) {
        char code[8];

        snprintf(code, sizeof code, "T%04u", n);
        assert_int_equal(open_leaf(61001, code, "surname"), 0);
    }
    assert_int_equal(open_leaf(61001, "T0001", "birth"), 0);
    assert_int_equal(open_leaf(61001, "T0002", "birth"), 0);
    assert_int_equal(open_leaf(61001, "T0002", ""), 0);
    look_for(61003, "T0001");
    look_for(61003, "T9999");
    assert_int_equal(open_leaf(61003, "T0001", "surname"), -ENOENT);
    list_rent(61001, 0);
    list_rent(61003, -ENOENT);
    assert_int_equal(gate_command(stage.gate, &STAGE_IMPORTER, "log.show", &why), 0);
    stage_flush(&stage);
    return 0;
}

static int end(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static int replay(const char *other, struct gate_replay *out)
{
    struct policy_faults faults = {0};
    struct gate_replay_question question = {
        .file = "other.ini", .text = other, .length_bytes = strlen(other), .faults = &faults};
    struct report_why why = {""};
    int error = gate_replay(stage.gate, &STAGE_IMPORTER, &question, out, &why);

    assert_int_equal(faults.count > 0, error == -EINVAL && strstr(why.text, "has faults"));
    policy_faults_clear(&faults);
    return error;
}

static struct gate_replay replayed(struct variant variant)
{
    struct gate_replay out = {0};

    assert_int_equal(replay(text_of(variant), &out), 0);
    return out;
}

/* How many decisions of that kind changed so; -1: no group. */
static int times(const struct gate_replay *out, enum log_what what, const char *name, enum gate_replay_verdict was,
                 enum gate_replay_verdict would)
{
    for (size_t i = 0; i < out->group_count; i++) {
        const struct gate_replay_group *group = &out->groups[i];

        if (group->what == what && strcmp(group->name, name) == 0 && group->was == was && group->would == would)
            return (int)group->decisions;
    }
    return -1;
}

static void the_same_policy_changes_nothing(void **state)
{
    struct gate_replay out = replayed(usual);

    (void)state;
    assert_int_equal(out.otherwise, 0);
    assert_int_equal(out.already, 0);
    assert_int_equal(out.group_count, 0);
    assert_true(out.replayed >= 4 + 2 + 2 + 3 + 2 + 1);
    assert_int_equal(out.gone + out.unknown_persons + out.gaps + out.erased + out.renamed + out.left_out, 0);
    assert_true(out.entries > out.undecided);
    gate_replay_clear(&out);
}

static void a_field_that_is_narrowed_away(void **state)
{
    struct variant variant = usual;
    struct gate_replay out;

    (void)state;
    variant.fields = "birth";
    out = replayed(variant);
    assert_int_equal(times(&out, LOG_FIELD, "surname", GATE_REPLAY_SHOWN, GATE_REPLAY_REFUSED), 4);
    assert_int_equal(times(&out, LOG_DOSSIER, "surname", GATE_REPLAY_SHOWN, GATE_REPLAY_REFUSED), 1);
    /* Looked at before it was opened. A dossier without a date of birth does not show at all. */
    assert_int_equal(times(&out, LOG_LOOK, "surname", GATE_REPLAY_SHOWN, GATE_REPLAY_REFUSED), 4);
    assert_int_equal(times(&out, LOG_FIELD, "birth", GATE_REPLAY_MASKED, GATE_REPLAY_REFUSED), -1);
    assert_int_equal(out.already, 0);
    for (size_t i = 0; i < out.group_count; i++) {
        assert_int_equal(out.groups[i].persons, 1);
        assert_string_equal(out.groups[i].purpose, "rent");
        assert_string_equal(out.groups[i].role, "collectors");
        assert_non_null(strstr(out.groups[i].rule, "role-field 2"));
        assert_true(out.groups[i].first_ms > 0 && out.groups[i].first_ms <= out.groups[i].last_ms);
    }
    gate_replay_clear(&out);
}

static void another_mask(void **state)
{
    struct variant variant = usual;
    struct gate_replay out;

    (void)state;
    variant.mask = "surname:last2";
    out = replayed(variant);
    assert_int_equal(times(&out, LOG_FIELD, "surname", GATE_REPLAY_SHOWN, GATE_REPLAY_MASKED), 4);
    assert_int_equal(times(&out, LOG_FIELD, "birth", GATE_REPLAY_MASKED, GATE_REPLAY_SHOWN), 2);
    assert_int_equal(times(&out, LOG_DOSSIER, "birth", GATE_REPLAY_MASKED, GATE_REPLAY_SHOWN), 1);
    /* That it was seen is no more and no less than before. */
    assert_int_equal(times(&out, LOG_LOOK, "surname", GATE_REPLAY_SHOWN, GATE_REPLAY_MASKED), -1);
    gate_replay_clear(&out);
}

static void a_new_member(void **state)
{
    struct variant variant = usual;
    struct gate_replay out;

    (void)state;
    variant.members = "61001, 61003";
    out = replayed(variant);
    assert_int_equal(times(&out, LOG_LOOK, "surname", GATE_REPLAY_REFUSED, GATE_REPLAY_SHOWN), 1);
    assert_int_equal(times(&out, LOG_LOOK, "", GATE_REPLAY_REFUSED, GATE_REPLAY_SHOWN), 1); /* not T9999 */
    assert_int_equal(times(&out, LOG_LISTING, "", GATE_REPLAY_REFUSED, GATE_REPLAY_SHOWN), 1);
    assert_int_equal(out.otherwise, 3);
    gate_replay_clear(&out);
}

static void another_purpose(void **state)
{
    struct variant variant = usual;
    struct gate_replay out;

    (void)state;
    variant.purpose = "hire";
    out = replayed(variant);
    assert_int_equal(times(&out, LOG_FIELD, "surname", GATE_REPLAY_SHOWN, GATE_REPLAY_REFUSED), 4);
    assert_int_equal(times(&out, LOG_LISTING, "", GATE_REPLAY_SHOWN, GATE_REPLAY_REFUSED), 1);
    assert_string_equal(out.groups[0].rule, "no-purpose");
    gate_replay_clear(&out);
}

/* The entries are of today: T0001 ended in 2010, T0002 and T0003 in 2020, T0004 in 2024. */
static void a_shorter_term(void **state)
{
    struct variant variant = usual;
    struct gate_replay out;
    int year, month, day;

    (void)state;
    terms_date(stage_today(), &year, &month, &day);
    if (year < 2025 || year > 2029)
        skip();
    variant.term = "10y";
    out = replayed(variant);
    assert_int_equal(times(&out, LOG_FIELD, "surname", GATE_REPLAY_SHOWN, GATE_REPLAY_REFUSED), 1);
    assert_int_equal(times(&out, LOG_FIELD, "birth", GATE_REPLAY_MASKED, GATE_REPLAY_REFUSED), 1);
    assert_non_null(strstr(out.groups[0].rule, "expired 7"));
    gate_replay_clear(&out);
}

static void what_the_policy_in_force_decides_already(void **state)
{
    struct variant variant = usual;
    struct gate_replay out;

    (void)state;
    variant.fields = "birth";
    stage_open(&stage, text_of(variant), true);
    out = replayed(variant);
    assert_int_equal(out.otherwise, 0);
    assert_true(out.already >= 9);
    assert_true(out.group_count > 0 && out.groups[0].already);
    gate_replay_clear(&out);
    stage_open(&stage, text_of(usual), true);
}

static void a_dossier_that_changed_since(void **state)
{
    struct gate_replay out;

    (void)state;
    /* Its end moves back: what was shown would not be today, under either policy; not the new one's doing. */
    put("T0004", NULL, "1950-01-01");
    out = replayed(usual);
    assert_int_equal(out.otherwise, 0);
    assert_int_equal(times(&out, LOG_FIELD, "surname", GATE_REPLAY_SHOWN, GATE_REPLAY_REFUSED), 1);
    assert_int_equal(out.already, 2); /* looked at, and opened */
    gate_replay_clear(&out);
}

static void who_may(void **state)
{
    const struct gate_person other = {.uid = 61001, .pid = 1, .program = "stage"};
    struct policy_faults faults = {0};
    struct gate_replay_question question = {
        .file = "other.ini", .text = "no policy", .length_bytes = 9, .faults = &faults};
    struct gate_replay out = {0};
    struct report_why why = {""};
    struct stage_log log = {0};

    (void)state;
    assert_int_equal(gate_replay(stage.gate, &other, &question, &out, &why), -EACCES);
    assert_int_equal(faults.count, 0); /* not even read */
    assert_int_equal(replay("no policy", &out), -EINVAL);
    stage_log_read(&stage, stage_log_size(&stage) - 3, &log);
    assert_true(log.count >= 1);
    assert_int_equal(log.entries[log.count - 1].entry.what, LOG_COMMAND);
    assert_string_equal(log.entries[log.count - 1].entry.name, "policy.replay");
    stage_log_clear(&log);
}

/* A policy that lacks a field with values would not come in force. */
static void what_the_store_holds(void **state)
{
    struct gate_replay out = {0};
    char *at;

    (void)state;
    text_of((struct variant){"50y", "rent", "61001", "surname", "surname:last2"});
    at = strstr(text, "[field birth]");
    memcpy(at, "[field bairn]", 13);
    assert_int_equal(replay(text, &out), -EINVAL);
}

/* A field that has another name now is the same field. */
static void what_is_renamed(void **state)
{
    struct gate_replay out = {0};
    char *at;

    (void)state;
    text_of((struct variant){"50y", "rent", "61001", "family", "birth:year"});
    at = strstr(text, "[field surname]\n");
    memmove(at + 28, at + 16, strlen(at + 16) + 1);
    memcpy(at, "[field family]\nwas=surname\n", 27);
    at[27] = '\n';
    assert_int_equal(replay(text, &out), 0);
    assert_int_equal(times(&out, LOG_FIELD, "surname", GATE_REPLAY_SHOWN, GATE_REPLAY_REFUSED), -1);
    assert_int_equal(times(&out, LOG_FIELD, "birth", GATE_REPLAY_MASKED, GATE_REPLAY_REFUSED), 2);
    gate_replay_clear(&out);
}

static bool stop_at_once(void *context, uint64_t entries)
{
    (void)context;
    (void)entries;
    return false;
}

static void many_entries(void **state)
{
    struct policy_faults faults = {0};
    struct variant variant = usual;
    struct gate_replay_question question = {.file = "other.ini", .faults = &faults};
    struct gate_replay out = {0};
    struct report_why why = {""};

    (void)state;
    for (unsigned i = 0; i < 1200; i++)
        assert_int_equal(open_leaf(61001, "T0002", "surname"), 0);
    stage_flush(&stage);
    variant.fields = "birth";
    out = replayed(variant);
    assert_int_equal(times(&out, LOG_FIELD, "surname", GATE_REPLAY_SHOWN, GATE_REPLAY_REFUSED), 1203);
    gate_replay_clear(&out);
    question.text = text_of(usual);
    question.length_bytes = strlen(question.text);
    question.progress = stop_at_once;
    assert_int_equal(gate_replay(stage.gate, &STAGE_IMPORTER, &question, &out, &why), -EINTR);
    /* From a moment on: nothing is older. */
    question.progress = NULL;
    question.from_ms = clock_now_ms() + 1000;
    assert_int_equal(gate_replay(stage.gate, &STAGE_IMPORTER, &question, &out, &why), 0);
    assert_int_equal(out.entries, 0);
    gate_replay_clear(&out);
    policy_faults_clear(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_policy_changes_nothing),
        cmocka_unit_test(a_field_that_is_narrowed_away),
        cmocka_unit_test(another_mask),
        cmocka_unit_test(a_new_member),
        cmocka_unit_test(another_purpose),
        cmocka_unit_test(a_shorter_term),
        cmocka_unit_test(what_the_policy_in_force_decides_already),
        cmocka_unit_test(who_may),
        cmocka_unit_test(what_the_store_holds),
        cmocka_unit_test(what_is_renamed),
        cmocka_unit_test(a_dossier_that_changed_since),
        cmocka_unit_test(many_entries),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
