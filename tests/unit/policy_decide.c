/* Goal: every row of the hand-written decision table comes out as written, and the explanation of each agrees with it. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/base/file.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/mask.h"
#include "policy/policy.h"

#define POLICY_FILE "tests/policy/decisions.ini"
#define TABLE_FILE  "tests/policy/decisions.txt"

enum { COLUMNS = 12, COLUMNS_WITH_FACTS, MAX_GROUPS = 8, ENOUGH_ROWS = 390, ENOUGH_ROWS_A_RULE = 5 };
static const int64_t day_s = 86400;

static struct buffer policy_text = BUFFER_EMPTY, table_text = BUFFER_EMPTY;
static struct policy *policy;

/* One row, with its columns read and its question asked of the policy. */
struct row {
    unsigned line;
    struct policy_standing standing;
    int purpose, field;
    struct decide_facts facts;
    struct decide_dossier dossier; /* what `facts` points at, unless nothing is known */
    bool knows;
    int64_t now_s;
    const char *verdict, *rule;
    unsigned where;
};

static int load(void **state)
{
    struct policy_faults faults = {0};
    int error;

    (void)state;
    if (file_read_path(POLICY_FILE, POLICY_TEXT_MAX_BYTES, &policy_text) ||
        file_read_path(TABLE_FILE, POLICY_TEXT_MAX_BYTES, &table_text)) {
        print_error(POLICY_FILE " and " TABLE_FILE ": start the test in the root of the tree\n");
        return -1;
    }
    error = policy_load(POLICY_FILE, (const char *)policy_text.bytes, policy_text.length_bytes, &policy, &faults);
    for (size_t i = 0; i < faults.count; i++)
        print_error(POLICY_FILE ":%u: %s\n", faults.faults[i].line, faults.faults[i].text);
    policy_faults_clear(&faults);
    return error;
}

static int unload(void **state)
{
    (void)state;
    policy_free(policy);
    buffer_clear(&policy_text);
    buffer_clear(&table_text);
    return 0;
}

static int64_t moment(const char *text)
{
    struct tm tm = {0};
    const char *end;

    if (strcmp(text, "never") == 0)
        return INT64_MAX;
    end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!end || *end)
        fail_msg("'%s' is no time", text);
    return timegm(&tm);
}

/* The number of the line that `where` speaks of: the first in its section that holds the words behind the '/'. */
static unsigned line_of(const char *where)
{
    const char *slash = strchr(where, '/'), *colon = strchr(where, ':');
    const char *at = buffer_text(&policy_text);
    char section[100];
    bool inside = false;

    if (strcmp(where, "-") == 0)
        return 0;
    if (colon && (!slash || colon < slash))
        snprintf(section, sizeof section, "[%.*s %.*s]\n", (int)(colon - where), where,
                 (int)(slash ? slash - colon - 1 : 90), colon + 1);
    else
        snprintf(section, sizeof section, "[%.*s]\n", (int)(slash ? slash - where : 90), where);
    for (unsigned line = 1; *at; line++) {
        size_t length = strcspn(at, "\n");

        if (*at == '[')
            inside = strncmp(at, section, strlen(section)) == 0;
        if (inside && (!slash || memmem(at, length, slash + 1, strlen(slash + 1))))
            return line;
        at += length + (at[length] == '\n');
    }
    fail_msg("%s has no %s", POLICY_FILE, where);
    return 0;
}

static struct policy_standing standing_of(char *const *column, int64_t now_s)
{
    const char *groups[MAX_GROUPS];
    struct policy_caller caller = {.uid = (uint32_t)strtoul(column[0], NULL, 10), .groups = groups};
    char *rest = NULL;

    if (strcmp(column[1], "-") != 0)
        caller.user = column[1];
    if (strcmp(column[2], "-") != 0)
        for (char *group = strtok_r(column[2], ",", &rest); group; group = strtok_r(NULL, ",", &rest)) {
            assert_true(caller.group_count < MAX_GROUPS);
            groups[caller.group_count++] = group;
        }
    return policy_match(policy, &caller, (int32_t)(now_s / day_s));
}

static uint64_t bit(int index)
{
    return index < 0 || index >= 64 ? 0 : (uint64_t)1 << index;
}

/* `WORD` is about the purpose or the category that is asked for, `WORD:NAME` about another. */
static void read_fact(char *word, struct row *row)
{
    static const char *const words[] = {"consent", "objection", "calamity", "restricted", "incident"};
    uint64_t *const sets[] = {&row->dossier.consents, &row->dossier.objections, &row->dossier.calamity,
                              &row->dossier.restricted, &row->dossier.incidents};
    char *name = strchr(word, ':');

    if (name)
        *name++ = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bool of_purpose = i < 3;
        int asked = of_purpose || row->field < 0 ? row->purpose : (int)policy->fields[row->field].category;

        if (strcmp(word, words[i]) != 0)
            continue;
        if (name)
            asked = of_purpose ? policy_find_purpose(policy, name) : policy_find_category(policy, name);
        if (asked < 0)
            fail_msg("%s:%u: '%s' of what?", TABLE_FILE, row->line, word);
        *sets[i] |= bit(asked);
        return;
    }
    if (strcmp(word, "inside") == 0)
        row->dossier.inside |= name ? bit(policy_find_role(policy, name)) : UINT64_MAX;
    else if (strcmp(word, "own") == 0)
        row->facts.own = true;
    else if (strcmp(word, "none") != 0)
        fail_msg("%s:%u: '%s' is no fact", TABLE_FILE, row->line, word);
}

static void read_facts(char *words, struct row *row)
{
    char *rest = NULL;

    row->knows = true;
    for (char *word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
        read_fact(word, row);
}

static void read_row(char *text, unsigned line, struct row *row)
{
    char *column[COLUMNS_WITH_FACTS], *rest = NULL;
    int columns = 0;

    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (columns == COLUMNS_WITH_FACTS)
            fail_msg("%s:%u: more than %d columns", TABLE_FILE, line, COLUMNS_WITH_FACTS);
        column[columns++] = word;
    }
    if (columns < COLUMNS)
        fail_msg("%s:%u: %d columns, not %d", TABLE_FILE, line, columns, COLUMNS);
    row->line = line;
    row->now_s = moment(column[8]);
    row->standing = standing_of(column, row->now_s);
    row->purpose = policy_find_purpose(policy, column[3]);
    row->field = policy_find_field(policy, column[4]);
    row->facts.kind = strcmp(column[5], "-") == 0 ? -1 : policy_find_kind(policy, column[5]);
    row->facts.present = strcmp(column[6], "yes") == 0;
    row->facts.ends_s = moment(column[7]);
    if ((row->facts.kind < 0) != (strcmp(column[5], "-") == 0) ||
        (!row->facts.present && strcmp(column[6], "no") != 0))
        fail_msg("%s:%u: no such kind, or neither yes nor no", TABLE_FILE, line);
    row->verdict = column[9];
    row->rule = column[10];
    row->where = line_of(column[11]);
    if (columns == COLUMNS_WITH_FACTS)
        read_facts(column[12], row);
}

/* Calls `check` for every row. The columns are: uid user groups purpose field kind present ends now verdict rule where. */
static unsigned each_row(void (*check)(const struct row *row, void *context), void *context)
{
    char *text = strdup(buffer_text(&table_text)), *at = text;
    unsigned rows = 0;

    for (unsigned line = 1; at && *at; line++) {
        char *next = strchr(at, '\n');
        struct row row = {0};

        if (next)
            *next++ = '\0';
        if (*at && *at != '#') {
            read_row(at, line, &row);
            check(&row, context);
            rows++;
        }
        at = next;
    }
    free(text);
    return rows;
}

/* A row is copied about; its facts are to point at its own dossier. */
static struct decide_facts facts_of(const struct row *row)
{
    struct decide_facts facts = row->facts;

    facts.dossier = row->knows ? &row->dossier : NULL;
    return facts;
}

static struct decision ask(const struct row *row)
{
    struct decide_facts facts = facts_of(row);

    return decide(policy, &row->standing, row->purpose, row->field, &facts, row->now_s);
}

/* The verdict as the table writes it. The mask may be anything, when it is a faulty decision's. */
static void write_verdict(const struct decision *decision, char *text, size_t size)
{
    switch (decision->verdict == VERDICT_MASKED ? (int)decision->mask.code : -1) {
    case -1:
        snprintf(text, size, "%s", decision->verdict == VERDICT_SHOWN ? "shown" : "hidden");
        break;
    case MASK_YEAR:
        snprintf(text, size, "masked:year");
        break;
    case MASK_LAST:
        snprintf(text, size, "masked:last%u", decision->mask.count);
        break;
    case MASK_FIRST:
        snprintf(text, size, "masked:first%u", decision->mask.count);
        break;
    case MASK_INITIAL:
        snprintf(text, size, "masked:initial");
        break;
    default:
        snprintf(text, size, "masked:nothing");
    }
}

static bool is_consistent(const struct decision *decision)
{
    if (decision->verdict == VERDICT_HIDDEN)
        return decision->role == -1 && decision->mask.code == MASK_NONE && decision->rule < DECIDE_SHOWN;
    return decision->role >= 0 && (unsigned)decision->role < policy->role_count &&
           (decision->verdict == VERDICT_MASKED) == (decision->mask.code != MASK_NONE) &&
           decision->rule == (decision->verdict == VERDICT_MASKED ? DECIDE_MASKED : DECIDE_SHOWN);
}

static void check_decision(const struct row *row, void *context)
{
    struct decision decision = ask(row);
    unsigned *red = context;
    char verdict[40];

    write_verdict(&decision, verdict, sizeof verdict);
    if (strcmp(verdict, row->verdict) == 0 && strcmp(decide_rule_name(decision.rule), row->rule) == 0 &&
        decision.line == row->where && is_consistent(&decision))
        return;
    ++*red;
    print_error("%s:%u: red: %s %s line %u, not %s %s line %u\n", TABLE_FILE, row->line, verdict,
                decide_rule_name(decision.rule), decision.line, row->verdict, row->rule, row->where);
}

static void the_table(void **state)
{
    unsigned red = 0, rows = each_row(check_decision, &red);

    (void)state;
    print_message("%u rows\n", rows);
    assert_int_equal(red, 0);
    assert_true(rows >= ENOUGH_ROWS);
}

static void count_rule(const struct row *row, void *context)
{
    unsigned *rules = context;

    for (int rule = DECIDE_NO_PURPOSE; rule <= DECIDE_MASKED; rule++)
        rules[rule] += strcmp(row->rule, decide_rule_name((enum decide_rule)rule)) == 0;
}

static void the_table_reaches_every_rule(void **state)
{
    unsigned rules[DECIDE_MASKED + 1] = {0}, sum = 0, rows = each_row(count_rule, rules);

    (void)state;
    for (int rule = DECIDE_NO_PURPOSE; rule <= DECIDE_MASKED; rule++) {
        assert_true(rules[rule] >= ENOUGH_ROWS_A_RULE);
        sum += rules[rule];
    }
    assert_int_equal(sum, rows); /* no misspelt rule */
    assert_string_equal(decide_rule_name((enum decide_rule)99), "unknown");
}

static void assert_same(const struct decision *a, const struct decision *b)
{
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->rule, b->rule);
    assert_int_equal(a->role, b->role);
    assert_int_equal(a->line, b->line);
    assert_int_equal(a->mask.code, b->mask.code);
    assert_int_equal(a->mask.count, b->mask.count);
}

/* Who has no right to a field gets one answer, whatever is there. */
static void check_rights_come_before_facts(const struct row *row, void *context)
{
    static const int64_t ends_s[] = {INT64_MIN, 0, 1773576000, INT64_MAX};
    static const struct decide_dossier dossiers[] = {
        {0},
        {.consents = UINT64_MAX, .incidents = UINT64_MAX, .calamity = UINT64_MAX, .inside = UINT64_MAX},
        {.objections = UINT64_MAX, .restricted = UINT64_MAX}};
    struct decision decision = ask(row);

    (void)context;
    if (decision.verdict != VERDICT_HIDDEN || decision.rule >= DECIDE_ABSENT)
        return;
    for (int present = 0; present < 2; present++)
        for (size_t i = 0; i < sizeof ends_s / sizeof ends_s[0]; i++)
            for (size_t known = 0; known <= sizeof dossiers / sizeof *dossiers; known++) {
                struct row other = *row;
                struct decision again;

                other.facts.present = present;
                other.facts.ends_s = ends_s[i];
                other.facts.own = known % 2;
                other.knows = known > 0;
                if (known > 0)
                    other.dossier = dossiers[known - 1];
                again = ask(&other);
                assert_same(&decision, &again);
            }
}

static void rights_come_before_facts(void **state)
{
    (void)state;
    each_row(check_rights_come_before_facts, NULL);
}

/* Whatever a caller sees goes when any of the conditions goes. */
static void check_each_condition_hides(const struct row *row, void *context)
{
    struct row other;

    (void)context;
    if (ask(row).verdict == VERDICT_HIDDEN)
        return;
    other = *row;
    other.standing.roles = 0;
    assert_int_equal(ask(&other).rule, DECIDE_NO_ROLE);
    other = *row;
    other.standing.bound = false;
    assert_int_equal(ask(&other).rule, DECIDE_NOT_BOUND);
    other = *row;
    other.purpose = policy_find_purpose(policy, "toezicht");
    assert_int_equal(ask(&other).rule, DECIDE_ROLE_PURPOSE);
    other = *row;
    other.facts.kind = -1;
    assert_int_equal(ask(&other).rule, DECIDE_PURPOSE_KIND);
    other = *row;
    other.facts.kind = POLICY_MAX_KINDS + 32;
    assert_int_equal(ask(&other).rule, DECIDE_PURPOSE_KIND);
    other = *row;
    other.facts.present = false;
    assert_int_equal(ask(&other).rule, DECIDE_ABSENT);
    other = *row;
    other.facts.ends_s = row->now_s;
    assert_int_equal(ask(&other).rule, DECIDE_EXPIRED);
    other.facts.ends_s = row->now_s + 1;
    assert_int_equal(ask(&other).verdict, ask(row).verdict);
    other = *row;
    other.purpose = (int)policy->purpose_count;
    assert_int_equal(ask(&other).rule, DECIDE_NO_PURPOSE);
    other = *row;
    other.field = (int)policy->field_count;
    assert_int_equal(ask(&other).rule, DECIDE_NO_PURPOSE);
    other.field = -1;
    assert_int_equal(ask(&other).rule, DECIDE_NO_PURPOSE);
}

/* Each fact about the dossier, where the policy asks for it. */
static void check_each_fact_hides(const struct row *row, void *context)
{
    struct decision decision = ask(row);
    const struct policy_purpose *purpose;
    struct row other;

    (void)context;
    if (decision.verdict == VERDICT_HIDDEN)
        return;
    purpose = &policy->purposes[row->purpose];
    other = *row;
    other.standing.in_force = 0;
    assert_int_equal(ask(&other).rule, DECIDE_AGREEMENT);
    other = *row;
    other.knows = true;
    other.dossier.restricted = UINT64_MAX;
    assert_int_equal(ask(&other).rule, purpose->restriction_line ? decision.rule : DECIDE_RESTRICTED);
    other = *row;
    other.knows = true;
    other.dossier.objections = UINT64_MAX;
    assert_int_equal(ask(&other).rule, purpose->ground == 'B' ? decision.rule : DECIDE_OBJECTION);
    other = *row;
    other.dossier.consents = 0;
    assert_int_equal(ask(&other).rule, purpose->ground == 'D' ? DECIDE_NO_CONSENT : decision.rule);
    other = *row;
    other.dossier.calamity = 0;
    assert_int_equal(ask(&other).rule, purpose->ground == 'E' ? DECIDE_NO_CALAMITY : decision.rule);
    other = *row;
    other.dossier.incidents = 0;
    assert_int_equal(ask(&other).rule, policy->categories[policy->fields[row->field].category].incident
                                           ? DECIDE_NO_INCIDENT
                                           : decision.rule);
    /* What no role of the caller needs makes no difference. */
    other = *row;
    other.knows = true;
    other.dossier.inside = UINT64_MAX;
    other.facts.own = true;
    assert_int_not_equal(ask(&other).verdict, VERDICT_HIDDEN);
}

static void each_condition_hides(void **state)
{
    (void)state;
    each_row(check_each_condition_hides, NULL);
    each_row(check_each_fact_hides, NULL);
}

static void check_explanation(const struct row *row, void *context)
{
    struct explain_step steps[EXPLAIN_STEPS];
    struct decide_facts facts = facts_of(row);
    struct decision decision = ask(row), told;
    int failed = -1;

    (void)context;
    memset(steps, 0xff, sizeof steps);
    told = explain(policy, &row->standing, row->purpose, row->field, &facts, row->now_s, steps);
    assert_same(&decision, &told);
    for (int i = 0; i < EXPLAIN_STEPS; i++) {
        assert_int_equal(steps[i].rule, i);
        assert_true(strnlen(steps[i].text, sizeof steps[i].text) < sizeof steps[i].text);
        assert_true(strlen(steps[i].text) > 10);
        assert_int_equal(steps[i].checked, failed < 0);
        assert_true(steps[i].checked || !steps[i].pass);
        if (steps[i].pass)
            assert_true(steps[i].line > 0);
        else if (failed < 0)
            failed = i;
    }
    if (decision.verdict != VERDICT_HIDDEN) {
        assert_int_equal(failed, -1);
    } else {
        assert_int_equal(failed, decision.rule);
        assert_int_equal(steps[failed].line, decision.line);
    }
}

static void the_explanation_agrees(void **state)
{
    (void)state;
    each_row(check_explanation, NULL);
}

/* The sentence names the file and the line, and the role where one shows the field. */
static void check_sentence(const struct row *row, void *context)
{
    struct decision decision = ask(row);
    struct buffer out = BUFFER_EMPTY;
    char place[80];

    (void)context;
    explain_sentence(policy, &decision, &out);
    snprintf(place, sizeof place, ", %s:%u", POLICY_FILE, decision.line);
    assert_false(out.failed);
    assert_true(out.length_bytes > 5);
    assert_int_equal(decision.line > 0, strstr(buffer_text(&out), place) != NULL);
    if (decision.role >= 0)
        assert_non_null(strstr(buffer_text(&out), policy->roles[decision.role].name));
    assert_null(strchr(buffer_text(&out), '\n'));
    buffer_clear(&out);
}

static void the_sentence_names_the_line(void **state)
{
    (void)state;
    each_row(check_sentence, NULL);
}

/* What explain() says of a passed step must be so: read by hand, to the step that failed or to the end. */
struct told {
    const char *said, *where;
};

static void check_told(const struct policy_caller *caller, const char *purpose, const char *field, int kind,
                       const struct decide_facts *facts, const struct told *told, enum decide_rule rule)
{
    struct policy_standing standing = policy_match(policy, caller, 20530); /* 2026-03-18 */
    struct decide_facts known = *facts;
    struct explain_step steps[EXPLAIN_STEPS];
    struct decision decision;

    known.kind = kind;
    decision = explain(policy, &standing, policy_find_purpose(policy, purpose), policy_find_field(policy, field),
                       &known, 1000, steps);
    assert_int_equal(decision.rule, rule);
    for (int i = 0; i < EXPLAIN_STEPS; i++) {
        assert_int_equal(steps[i].pass, i < (int)rule);
        if (i > (int)rule) {
            assert_non_null(strstr(steps[i].text, ": not looked at"));
            continue;
        }
        assert_string_equal(steps[i].text, told[i].said);
        assert_int_equal(steps[i].line, line_of(told[i].where));
    }
}

static void an_explanation_of_what_is_over(void **state)
{
    static const char *const groups[] = {"kcc", "klachten"};
    static const struct told told[EXPLAIN_STEPS] = {
        {"purpose huur-innen and field rekeningnummer exist", "purpose:huur-innen"},
        {"the caller is in role kcc and others", "role:kcc/members"},
        {"the caller is bound to secrecy today", "secrecy/dora"},
        {"role kcc has purpose huur-innen", "role:kcc/purposes"},
        {"role kcc needs no agreement", "role:kcc"},
        {"purpose huur-innen covers dossiers of kind huurder", "purpose:huur-innen/kinds"},
        {"purpose huur-innen lists field rekeningnummer", "purpose:huur-innen/fields"},
        {"role kcc lists field rekeningnummer", "role:kcc/fields"},
        {"field rekeningnummer is not special", "field:rekeningnummer"},
        {"category betaling admits every role", "category:betaling"},
        {"the dossier has a value for field rekeningnummer", "field:rekeningnummer"},
        {"the term of category betaling has ended", "category:betaling/retention"}};
    struct policy_caller caller = {20200, "dora", groups, 2};
    struct decide_facts facts = {.present = true, .ends_s = 1000};

    (void)state;
    check_told(&caller, "huur-innen", "rekeningnummer", policy_find_kind(policy, "huurder"), &facts, told,
               DECIDE_EXPIRED);
}

static void an_explanation_of_what_shows(void **state)
{
    static const char *const groups[] = {"wacht"};
    static const struct told told[EXPLAIN_STEPS] = {
        {"purpose noodgeval and field beperking exist", "purpose:noodgeval"},
        {"the caller is in role wacht", "role:wacht/members"},
        {"the caller is bound to secrecy today", "secrecy/21004"},
        {"role wacht has purpose noodgeval", "role:wacht/purposes"},
        {"role wacht needs no agreement", "role:wacht"},
        {"purpose noodgeval covers dossiers of kind huurder", "purpose:noodgeval/kinds"},
        {"purpose noodgeval lists field beperking", "purpose:noodgeval/fields"},
        {"role wacht does not narrow field beperking away", "role:wacht/purposes"},
        {"role wacht is trusted with special field beperking", "role:wacht/special"},
        {"category zorg admits every role", "category:zorg"},
        {"the dossier has a value for field beperking", "field:beperking"},
        {"the term of category zorg has not ended", "category:zorg"},
        {"category zorg is not restricted", "category:zorg"},
        {"purpose noodgeval needs no consent", "purpose:noodgeval/ground"},
        {"no objection to purpose noodgeval holds", "purpose:noodgeval/ground"},
        {"the caller declared a calamity for purpose noodgeval", "purpose:noodgeval/ground"},
        {"category zorg needs no incident", "category:zorg"},
        {"role wacht has no caseload that limits it", "role:wacht"},
        {"role wacht sees field beperking whoever wrote it", "role:wacht"}};
    struct policy_caller caller = {21004, NULL, groups, 1};
    struct decide_facts facts = {.present = true, .ends_s = INT64_MAX, .dossier = &decide_favourable};

    (void)state;
    check_told(&caller, "noodgeval", "beperking", policy_find_kind(policy, "huurder"), &facts, told, DECIDE_SHOWN);
}

static void an_explanation_of_a_recipient(void **state)
{
    static const struct told told[EXPLAIN_STEPS] = {
        {"purpose cameratoezicht and field opname exist", "purpose:cameratoezicht"},
        {"the caller is in role politie", "recipient:politie/members"},
        {"the caller is bound to secrecy today", "secrecy/21510"},
        {"role politie has purpose cameratoezicht", "recipient:politie/purposes"},
        {"the agreement of recipient politie is in force", "recipient:politie/agreement"},
        {"purpose cameratoezicht covers dossiers of kind camera", "purpose:cameratoezicht/kinds"},
        {"purpose cameratoezicht lists field opname", "purpose:cameratoezicht/fields"},
        {"role politie lists field opname", "recipient:politie/fields"},
        {"field opname is not special", "field:opname"},
        {"category beelden admits role politie", "category:beelden/roles"},
        {"the dossier has a value for field opname", "field:opname"},
        {"the term of category beelden has not ended", "category:beelden/retention"},
        {"category beelden is not restricted", "category:beelden"},
        {"purpose cameratoezicht needs no consent", "purpose:cameratoezicht/ground"},
        {"no objection to purpose cameratoezicht holds", "purpose:cameratoezicht/ground"},
        {"purpose cameratoezicht needs no calamity", "purpose:cameratoezicht/ground"},
        {"no open incident covers category beelden", "category:beelden/incident"}};
    struct policy_caller caller = {.uid = 21510};
    struct decide_facts facts = {.present = true, .ends_s = INT64_MAX};

    (void)state;
    check_told(&caller, "cameratoezicht", "opname", policy_find_kind(policy, "camera"), &facts, told,
               DECIDE_NO_INCIDENT);
}

/* What only holds under exceptions says so. */
static void an_explanation_of_exceptions(void **state)
{
    static const char *const groups[] = {"controle"}, *const own[] = {"consulenten"}, *const north[] = {"noord"};
    static const struct decide_dossier against = {.objections = UINT64_MAX, .restricted = UINT64_MAX};
    struct decide_facts facts = {
        .kind = policy_find_kind(policy, "huurder"), .present = true, .ends_s = INT64_MAX, .dossier = &against};
    struct explain_step steps[EXPLAIN_STEPS];
    struct policy_caller caller = {21012, NULL, groups, 1};
    struct policy_standing standing = policy_match(policy, &caller, 20530);

    (void)state;
    explain(policy, &standing, policy_find_purpose(policy, "inkomenscontrole"), policy_find_field(policy, "inkomen"),
            &facts, 0, steps);
    assert_string_equal(steps[DECIDE_RESTRICTED].text, "category inkomensgegevens is restricted, and purpose "
                                                       "inkomenscontrole sees it despite that");
    assert_int_equal(steps[DECIDE_RESTRICTED].line, line_of("purpose:inkomenscontrole/despite-restriction"));
    assert_string_equal(steps[DECIDE_OBJECTION].text,
                        "an objection does not end purpose inkomenscontrole, a legal duty");
    caller = (struct policy_caller){21009, NULL, own, 1};
    standing = policy_match(policy, &caller, 20530);
    facts.dossier = &decide_favourable;
    facts.own = true;
    explain(policy, &standing, policy_find_purpose(policy, "overlast"), policy_find_field(policy, "notitie"), &facts,
            0, steps);
    assert_string_equal(steps[DECIDE_NOT_OWN].text, "the caller wrote field notitie of this dossier");
    assert_int_equal(steps[DECIDE_NOT_OWN].line, line_of("role:consulent/own"));
    caller = (struct policy_caller){21007, NULL, north, 1};
    standing = policy_match(policy, &caller, 20530);
    explain(policy, &standing, policy_find_purpose(policy, "overlast"), policy_find_field(policy, "notitie"), &facts,
            0, steps);
    assert_string_equal(steps[DECIDE_CASELOAD].text, "the dossier is in the caseload of role wijk-noord");
    assert_int_equal(steps[DECIDE_CASELOAD].line, line_of("role:wijk-noord/caseload"));
}

/* ---- cost ---- */

enum { BIG_ROLES = 20, BIG_PURPOSES = 30, BIG_FIELDS = 60, BIG_ROUNDS = 50 };

/* The caller is in all roles, each with all purposes and a mask, and only the last one shows the last field. */
static void make_big(struct policy *big, struct policy_purpose *purposes, struct policy_role *roles,
                     struct policy_field *fields, struct policy_category *category)
{
    *big = (struct policy){.kind_count = 1,
                           .category_count = 1,
                           .field_count = BIG_FIELDS,
                           .purpose_count = BIG_PURPOSES,
                           .role_count = BIG_ROLES,
                           .categories = category,
                           .fields = fields,
                           .purposes = purposes,
                           .roles = roles};
    for (unsigned field = 0; field < BIG_FIELDS; field++)
        for (int i = 0; i < BIG_PURPOSES; i++) {
            purposes[i].kinds = 1;
            field_set_add(&purposes[i].fields, field);
        }
    for (int i = 0; i < BIG_ROLES; i++) {
        roles[i].purposes = ((uint64_t)1 << BIG_PURPOSES) - 1;
        roles[i].narrows = true;
        for (unsigned field = 0; field < BIG_FIELDS - (i < BIG_ROLES - 1); field++) {
            field_set_add(&roles[i].fields, field);
            roles[i].mask[field].code = MASK_YEAR;
        }
    }
}

static double nanoseconds_each(const struct policy *big)
{
    struct policy_standing standing = {
        .roles = ((uint64_t)1 << BIG_ROLES) - 1, .in_force = UINT64_MAX, .bound = true, .bound_line = 1};
    struct decide_facts facts = {.present = true, .ends_s = INT64_MAX, .dossier = &decide_favourable, .own = true};
    struct timespec begin, end;
    unsigned masked = 0;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (int purpose = 0; purpose < BIG_PURPOSES; purpose++)
        for (int field = 0; field < BIG_FIELDS; field++)
            masked += decide(big, &standing, purpose, field, &facts, 0).verdict == VERDICT_MASKED;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_int_equal(masked, BIG_PURPOSES * BIG_FIELDS);
    return ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
           (BIG_PURPOSES * BIG_FIELDS);
}

static void under_a_microsecond_without_memory(void **state)
{
    struct policy_purpose *purposes = calloc(BIG_PURPOSES, sizeof *purposes);
    struct policy_role *roles = calloc(BIG_ROLES, sizeof *roles);
    struct policy_field *fields = calloc(BIG_FIELDS, sizeof *fields);
    struct policy_category category = {0};
    const char *preload = getenv("LD_PRELOAD");
    struct policy big;
    double best = 1e9;
    size_t used;

    (void)state;
    make_big(&big, purposes, roles, fields, &category);
    used = mallinfo2().uordblks;
    for (int i = 0; i < BIG_ROUNDS; i++) {
        double took = nanoseconds_each(&big);

        best = took < best ? took : best;
    }
    assert_int_equal(mallinfo2().uordblks, used);
    free(purposes);
    free(roles);
    free(fields);
    if (preload && strstr(preload, "vgpreload")) {
        print_message("under valgrind time says nothing\n");
        skip();
    }
    print_message("%.0f ns a decision\n", best);
    assert_true(best < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table),
        cmocka_unit_test(the_table_reaches_every_rule),
        cmocka_unit_test(rights_come_before_facts),
        cmocka_unit_test(each_condition_hides),
        cmocka_unit_test(the_explanation_agrees),
        cmocka_unit_test(the_sentence_names_the_line),
        cmocka_unit_test(an_explanation_of_what_is_over),
        cmocka_unit_test(an_explanation_of_what_shows),
        cmocka_unit_test(an_explanation_of_a_recipient),
        cmocka_unit_test(an_explanation_of_exceptions),
        cmocka_unit_test(under_a_microsecond_without_memory),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
