/* Goal: dossier-policy(5) describes every section, key, type and word of the language, and every example in it loads and
 * means what the text beside it says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/base/file.h"
#include "policy/decide.h"
#include "policy/grammar.h"
#include "policy/policy.h"

#define MANUAL "policy/dossier-policy.5"

enum { EXAMPLES_MAX = 32, EXAMPLES_LEAST = 9 };

static struct buffer manual = BUFFER_EMPTY;
static char *examples[EXAMPLES_MAX]; /* the first is a whole policy, the others are added to it */
static size_t example_count;

/* What mdoc needs a backslash for, as it reads on the page. */
static char *unescaped(const char *text, size_t length_bytes)
{
    char *plain = malloc(length_bytes + 1), *to = plain;

    assert_non_null(plain);
    for (const char *at = text; at < text + length_bytes; at++) {
        if (strncmp(at, "\\&", 2) == 0 || strncmp(at, "\\e", 2) == 0) {
            if (*++at == 'e')
                *to++ = '\\';
            continue;
        }
        assert_int_not_equal(*at, '\\'); /* another escape: to be added here */
        *to++ = *at;
    }
    *to = '\0';
    return plain;
}

static int read_manual(void **state)
{
    static const char begins[] = "\n.Bd -literal -offset indent\n";
    const char *at;

    (void)state;
    assert_int_equal(file_read_path(MANUAL, 1 << 20, &manual), 0);
    at = strstr(buffer_text(&manual), "\n.Sh EXAMPLES\n");
    assert_non_null(at);
    while ((at = strstr(at, begins))) {
        const char *end = strstr(at, "\n.Ed\n");

        assert_non_null(end);
        assert_true(example_count < EXAMPLES_MAX);
        at += sizeof begins - 1;
        examples[example_count++] = unescaped(at, (size_t)(end - at) + 1);
        at = end;
    }
    return 0;
}

static int drop_manual(void **state)
{
    (void)state;
    for (size_t i = 0; i < example_count; i++)
        free(examples[i]);
    buffer_clear(&manual);
    return 0;
}

/* ---- what it describes ---- */

/* The part of the page from `from` on, until a line that begins with `stop`. */
static char *part(const char *from, const char *stop)
{
    const char *begin = strstr(buffer_text(&manual), from), *end;

    if (!begin)
        fail_msg("the manual lacks '%s'", from + 1);
    end = strstr(begin + 1, stop);
    return strndup(begin, end ? (size_t)(end - begin) : strlen(begin));
}

static void check_key(const char *section_text, const struct grammar_section *section, const struct grammar_key *key)
{
    char wanted[64];
    const char *begin, *end;
    char *text;
    bool required, with;

    snprintf(wanted, sizeof wanted, "\n.It Cm %s\n", key->name);
    begin = strstr(section_text, wanted);
    if (!begin)
        fail_msg("the manual lacks %s of [%s]", key->name, section->word);
    begin += strlen(wanted);
    end = strstr(begin, "\n.It Cm ");
    text = strndup(begin, end ? (size_t)(end - begin) : strlen(begin));
    required = strncmp(text, "Required.", 9) == 0;
    with = strstr(text, "Required with") || strstr(text, "Required unless");
    if (required != key->required)
        fail_msg("the manual is wrong on whether %s of [%s] is required", key->name, section->word);
    if (!required && !with && !strstr(text, "Default"))
        fail_msg("the manual does not say what holds without %s of [%s]", key->name, section->word);
    if (key->by_kind) {
        snprintf(wanted, sizeof wanted, "\n.It Cm %s.KIND\n", key->name);
        assert_non_null(strstr(section_text, wanted));
    }
    free(text);
}

static void it_describes_every_key(void **state)
{
    (void)state;
    for (enum section_type type = 0; type < SECTION_TYPES; type++) {
        const struct grammar_section *section = grammar_section(type);
        char heading[64];
        char *text;

        snprintf(heading, sizeof heading, "\n.Ss [%s%s] section", section->word, section->named ? " NAME" : "");
        text = part(heading, type == SECTION_SECRECY ? "\n.Sh " : "\n.Ss ");
        for (const struct grammar_key *key = section->keys; key->name; key++)
            check_key(text, section, key);
        free(text);
    }
}

/* No key on the page that the language does not have: it would be a promise. */
static void it_describes_no_other_key(void **state)
{
    char *sections = part("\n.Sh SECTIONS\n", "\n.Sh PATTERNS");

    (void)state;
    for (const char *at = sections; (at = strstr(at, "\n.It Cm ")); at++) {
        char name[64] = "";
        bool known = false;

        sscanf(at, "\n.It Cm %63s", name);
        if (strcmp(name, "retention.KIND") == 0)
            continue;
        for (enum section_type type = 0; type < SECTION_TYPES; type++)
            known |= grammar_key(type, name) != NULL;
        if (!known)
            fail_msg("the manual describes '%s', which no section has", name);
    }
    free(sections);
}

static void it_names_every_type(void **state)
{
    char *fields = part("\n.Ss [field NAME] section", "\n.Ss ");

    (void)state;
    for (int code = 0; type_name((enum type_code)code); code++) {
        char wanted[64];

        snprintf(wanted, sizeof wanted, "\n.It %s\n", type_name((enum type_code)code));
        if (!strstr(fields, wanted))
            fail_msg("the manual lacks the type %s", type_name((enum type_code)code));
    }
    free(fields);
}

/* In the order in which they are asked. */
static void it_names_every_rule(void **state)
{
    char *rules = part("\n.Sh COMBINING RULE\n", "\n.Sh ");
    const char *at = rules;

    (void)state;
    for (int rule = DECIDE_NO_PURPOSE; rule < DECIDE_SHOWN; rule++) {
        char wanted[64];

        snprintf(wanted, sizeof wanted, "\n.It %s\n", decide_rule_name((enum decide_rule)rule));
        at = strstr(at, wanted);
        if (!at)
            fail_msg("the manual lacks the rule %s, or has it in another place", wanted + 5);
    }
    assert_null(strstr(at + 1, "\n.It "));
    free(rules);
}

/* ---- its examples ---- */

static struct policy *load_text(const char *text)
{
    struct policy_faults faults = {0};
    struct policy *policy = NULL;

    if (policy_load(MANUAL, text, strlen(text), &policy, &faults)) {
        for (size_t i = 0; i < faults.count; i++)
            print_error("line %u of the example: %s\n", faults.faults[i].line, faults.faults[i].text);
        fail_msg("an example of the manual does not load:\n%s", text);
    }
    return policy;
}

static void every_example_loads(void **state)
{
    (void)state;
    assert_true(example_count >= EXAMPLES_LEAST);
    for (size_t i = 0; i < example_count; i++) {
        struct buffer text = BUFFER_EMPTY;

        assert_int_equal(strncmp(examples[i], "[policy]", 8) == 0, i == 0);
        buffer_append_text(&text, examples[0]);
        if (i > 0)
            buffer_append_text(&text, examples[i]);
        policy_free(load_text(buffer_text(&text)));
        buffer_clear(&text);
    }
}

/* All of them together, with more people bound. */
static struct policy *load_all(void)
{
    struct buffer text = BUFFER_EMPTY;
    struct policy *policy;

    for (size_t i = 0; i < example_count; i++)
        buffer_append_text(&text, examples[i]);
    policy = load_text(buffer_text(&text));
    buffer_clear(&text);
    return policy;
}

enum { LACKS_NOTHING, LACKS_CONSENT, LACKS_CALAMITY, LACKS_INCIDENT, LACKS_CASELOAD, OPTED_OUT, RESTRICTED };

/* What the text beside an example says, asked of the policy; who is written as a member, and is bound to secrecy. */
static const struct claim {
    const char *who, *purpose, *kind, *field;
    int lacks;
    bool own;
    int32_t day;      /* 20635: 1 July 2026 */
    const char *says; /* a rule */
} claims[] = {
    {"20001", "rent-collection", "tenant", "birth-date", LACKS_NOTHING, false, 20635, "masked"},
    {"20001", "rent-collection", "tenant", "account", LACKS_NOTHING, false, 20635, "role-field"},
    {"anna", "rent-collection", "tenant", "birth-date", LACKS_NOTHING, false, 20635, "shown"},
    {"20002", "income-control", "tenant", "bsn", LACKS_NOTHING, false, 20635, "shown"},
    {"20002", "income-control", "tenant", "bsn", RESTRICTED, false, 20635, "shown"},
    {"anna", "rent-collection", "tenant", "surname", RESTRICTED, false, 20635, "restricted"},
    {"@editors", "newsletter", "tenant", "email", LACKS_NOTHING, false, 20635, "shown"},
    {"@editors", "newsletter", "tenant", "email", LACKS_CONSENT, false, 20635, "no-consent"},
    {"@editors", "newsletter", "tenant", "email", OPTED_OUT, false, 20635, "objection"},
    {"@adaptation", "adapting-homes", "tenant", "adapted-home", LACKS_NOTHING, false, 20635, "shown"},
    {"@caretakers", "calamity", "tenant", "adapted-home", LACKS_NOTHING, false, 20635, "shown"},
    {"@caretakers", "calamity", "tenant", "adapted-home", LACKS_CALAMITY, false, 20635, "no-calamity"},
    {"@caretakers", "adapting-homes", "tenant", "adapted-home", LACKS_NOTHING, false, 20635, "role-purpose"},
    {"20003", "camera-safety", "camera", "recording-note", LACKS_NOTHING, false, 20635, "shown"},
    {"20003", "camera-safety", "camera", "recording-note", LACKS_INCIDENT, false, 20635, "no-incident"},
    {"20060", "camera-safety", "camera", "recording-note", LACKS_NOTHING, false, 20635, "shown"},
    {"20004", "social-management", "tenant", "working-note", LACKS_NOTHING, true, 20635, "shown"},
    {"20004", "social-management", "tenant", "working-note", LACKS_NOTHING, false, 20635, "not-own"},
    {"20004", "social-management", "tenant", "report", LACKS_NOTHING, false, 20635, "shown"},
    {"20004", "social-management", "tenant", "surname", LACKS_CASELOAD, false, 20635, "caseload"},
    {"@desk", "social-management", "tenant", "surname", LACKS_CASELOAD, false, 20635, "shown"},
    {"@desk", "social-management", "tenant", "report", LACKS_NOTHING, true, 20635, "role-field"},
    {"@callers", "calling-back", "tenant", "mail", LACKS_NOTHING, false, 20635, "masked"},
    {"@callers", "calling-back", "tenant", "reference", LACKS_NOTHING, false, 20635, "masked"},
    {"20050", "rent-collection", "tenant", "account", LACKS_NOTHING, false, 20635, "shown"},
    {"20050", "rent-collection", "tenant", "birth-date", LACKS_NOTHING, false, 20635, "role-field"},
    {"20050", "rent-collection", "tenant", "account", LACKS_NOTHING, false, 20453, "agreement"}, /* 2025-12-31 */
    {"20050", "rent-collection", "tenant", "account", LACKS_NOTHING, false, 20454, "shown"},     /* 2026-01-01 */
    {"20050", "rent-collection", "tenant", "account", LACKS_NOTHING, false, 21183, "shown"},     /* 2027-12-31 */
    {"20050", "rent-collection", "tenant", "account", LACKS_NOTHING, false, 21184, "agreement"}, /* 2028-01-01 */
    {"20051", "rent-collection", "tenant", "account", LACKS_NOTHING, false, 20635, "role-field"},
};

static struct decide_dossier dossier_of(const struct claim *claim)
{
    struct decide_dossier dossier = decide_favourable;

    if (claim->lacks == LACKS_CONSENT)
        dossier.consents = 0;
    if (claim->lacks == LACKS_CALAMITY)
        dossier.calamity = 0;
    if (claim->lacks == LACKS_INCIDENT)
        dossier.incidents = 0;
    if (claim->lacks == LACKS_CASELOAD)
        dossier.inside = 0;
    if (claim->lacks == OPTED_OUT)
        dossier.objections = UINT64_MAX;
    if (claim->lacks == RESTRICTED)
        dossier.restricted = UINT64_MAX;
    return dossier;
}

static struct policy_standing standing_of(const struct policy *policy, const struct claim *claim)
{
    const char *group = claim->who + 1;
    struct policy_caller caller = {.uid = UINT32_MAX - 1};
    struct policy_standing standing;

    if (*claim->who == '@') {
        caller.groups = &group;
        caller.group_count = 1;
    } else if (*claim->who >= '0' && *claim->who <= '9') {
        caller.uid = (uint32_t)strtoul(claim->who, NULL, 10);
    } else {
        caller.user = claim->who;
    }
    standing = policy_match(policy, &caller, claim->day);
    standing.bound = true;
    return standing;
}

static void every_example_means_what_is_said(void **state)
{
    struct policy *policy = load_all();
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        const struct claim *claim = &claims[i];
        struct policy_standing standing = standing_of(policy, claim);
        struct decide_dossier dossier = dossier_of(claim);
        struct decide_facts facts = {.kind = policy_find_kind(policy, claim->kind),
                                     .present = true,
                                     .ends_s = INT64_MAX,
                                     .dossier = &dossier,
                                     .own = claim->own};
        struct decision decision;

        assert_true(facts.kind >= 0);
        decision = decide(policy, &standing, policy_find_purpose(policy, claim->purpose),
                          policy_find_field(policy, claim->field), &facts, 0);
        if (strcmp(decide_rule_name(decision.rule), claim->says) != 0) {
            print_error("%s, %s, %s: %s, not %s\n", claim->who, claim->purpose, claim->field,
                        decide_rule_name(decision.rule), claim->says);
            wrong++;
        }
    }
    policy_free(policy);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_describes_every_key), cmocka_unit_test(it_describes_no_other_key),
        cmocka_unit_test(it_names_every_type),    cmocka_unit_test(it_names_every_rule),
        cmocka_unit_test(every_example_loads),    cmocka_unit_test(every_example_means_what_is_said),
    };

    return cmocka_run_group_tests(tests, read_manual, drop_manual);
}
