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

enum { COLUMNS = 12, MAX_GROUPS = 8, ENOUGH_ROWS = 200, ENOUGH_ROWS_A_RULE = 5 };
static const int64_t day_s = 86400;

static struct buffer policy_text = BUFFER_EMPTY, table_text = BUFFER_EMPTY;
static struct policy *policy;

/* One row, with its columns read and its question asked of the policy. */
struct row {
    unsigned line;
    struct policy_standing standing;
    int purpose, field;
    struct decide_facts facts;
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

static struct policy_standing standing_of(char *column[COLUMNS], int64_t now_s)
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

static void read_row(char *text, unsigned line, struct row *row)
{
    char *column[COLUMNS], *rest = NULL;
    int columns = 0;

    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (columns == COLUMNS)
            fail_msg("%s:%u: more than %d columns", TABLE_FILE, line, COLUMNS);
        column[columns++] = word;
    }
    if (columns != COLUMNS)
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

static struct decision ask(const struct row *row)
{
    return decide(policy, &row->standing, row->purpose, row->field, &row->facts, row->now_s);
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
        return decision->role == -1 && decision->mask.code == MASK_NONE && decision->rule <= DECIDE_EXPIRED;
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
    struct decision decision = ask(row);

    (void)context;
    if (decision.verdict != VERDICT_HIDDEN || decision.rule >= DECIDE_ABSENT)
        return;
    for (int present = 0; present < 2; present++)
        for (size_t i = 0; i < sizeof ends_s / sizeof ends_s[0]; i++) {
            struct row other = *row;
            struct decision again;

            other.facts.present = present;
            other.facts.ends_s = ends_s[i];
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

static void each_condition_hides(void **state)
{
    (void)state;
    each_row(check_each_condition_hides, NULL);
}

static void check_explanation(const struct row *row, void *context)
{
    struct explain_step steps[EXPLAIN_STEPS];
    struct decision decision = ask(row), told;
    int failed = -1;

    (void)context;
    memset(steps, 0xff, sizeof steps);
    told = explain(policy, &row->standing, row->purpose, row->field, &row->facts, row->now_s, steps);
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

/* What explain() says of a passed step must be so: here by one caller with two roles, read by hand. */
static void an_explanation_in_full(void **state)
{
    static const char *const groups[] = {"kcc", "klachten"};
    static const char *const said[EXPLAIN_STEPS] = {"purpose huur-innen and field rekeningnummer exist",
                                                    "the caller is in role kcc and others",
                                                    "the caller is bound to secrecy today",
                                                    "role kcc has purpose huur-innen",
                                                    "purpose huur-innen covers dossiers of kind huurder",
                                                    "purpose huur-innen lists field rekeningnummer",
                                                    "role kcc lists field rekeningnummer",
                                                    "the dossier has a value for field rekeningnummer",
                                                    "the term of category betaling has ended"};
    static const char *const where[EXPLAIN_STEPS] = {
        "purpose:huur-innen", "role:kcc/members",         "secrecy/dora",
        "role:kcc/purposes",  "purpose:huur-innen/kinds", "purpose:huur-innen/fields",
        "role:kcc/fields",    "field:rekeningnummer",     "category:betaling/retention"};
    struct policy_caller caller = {20200, "dora", groups, 2};
    struct policy_standing standing = policy_match(policy, &caller, 20500);
    struct decide_facts facts = {policy_find_kind(policy, "huurder"), true, 1000};
    struct explain_step steps[EXPLAIN_STEPS];
    struct decision decision;

    (void)state;
    decision = explain(policy, &standing, policy_find_purpose(policy, "huur-innen"),
                       policy_find_field(policy, "rekeningnummer"), &facts, 1000, steps);
    assert_int_equal(decision.rule, DECIDE_EXPIRED);
    for (int i = 0; i < EXPLAIN_STEPS; i++) {
        assert_string_equal(steps[i].text, said[i]);
        assert_int_equal(steps[i].line, line_of(where[i]));
        assert_int_equal(steps[i].pass, i < DECIDE_EXPIRED);
    }
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
    struct policy_standing standing = {((uint64_t)1 << BIG_ROLES) - 1, true, 1};
    struct decide_facts facts = {0, true, INT64_MAX};
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
        cmocka_unit_test(an_explanation_in_full),
        cmocka_unit_test(under_a_microsecond_without_memory),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
