/* Goal: no policy, however made, crashes, hangs or leaks; what is refused says why, and what loads can be asked.
 *
 * A libFuzzer target (`make fuzz`): its input is the text of a policy. Beside what the sanitizers see, a text that is
 * refused has to have faults that can be shown, and in one that loads every name is found, and explain() tells what
 * decide() decided. The same function reads the kept corpus in the quick tests (tests/unit/policy_corpus.c). */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/mask.h"
#include "policy/match.h"
#include "policy/policy.h"
#include "policy/warn.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length_bytes);

/* Not assert(): it has to hold in every build. */
#define MUST(condition) ((condition) ? (void)0 : broken(#condition, __LINE__))

static _Noreturn void broken(const char *condition, int line)
{
    fprintf(stderr, "tests/fuzz/policy.c:%d: does not hold: %s\n", line, condition);
    abort();
}

static void check_faults(const struct policy_faults *faults, const uint8_t *input, size_t length_bytes)
{
    unsigned lines = 1, before = 0;

    for (size_t i = 0; i < length_bytes; i++)
        lines += input[i] == '\n';
    MUST(faults->count > 0);
    for (size_t i = 0; i < faults->count; i++) {
        const struct policy_fault *fault = &faults->faults[i];

        MUST(memchr(fault->text, '\0', sizeof fault->text) && strlen(fault->text) > 5);
        for (const char *at = fault->text; *at; at++)
            MUST((unsigned char)*at >= 0x20 && *at != 0x7f);
        MUST(fault->line <= lines && fault->line >= before);
        before = fault->line;
    }
}

static void check_names(const struct policy *policy)
{
    for (unsigned i = 0; i < policy->kind_count; i++)
        MUST(policy_find_kind(policy, policy->kinds[i].name) == (int)i);
    for (unsigned i = 0; i < policy->category_count; i++)
        MUST(policy_find_category(policy, policy->categories[i].name) == (int)i);
    for (unsigned i = 0; i < policy->field_count; i++)
        MUST(policy_find_field(policy, policy->fields[i].name) == (int)i);
    for (unsigned i = 0; i < policy->purpose_count; i++)
        MUST(policy_find_purpose(policy, policy->purposes[i].name) == (int)i);
    for (unsigned i = 0; i < policy->role_count; i++)
        MUST(policy_find_role(policy, policy->roles[i].name) == (int)i);
}

static void check_explanation(const struct policy *policy, const struct decision *decision,
                              const struct decision *told, const struct explain_step *steps)
{
    struct buffer sentence = BUFFER_EMPTY;

    MUST(told->verdict == decision->verdict && told->rule == decision->rule && told->line == decision->line);
    for (int i = 0; i < EXPLAIN_STEPS; i++) {
        MUST(memchr(steps[i].text, '\0', sizeof steps[i].text) && strlen(steps[i].text) > 5);
        MUST(steps[i].pass == (steps[i].rule < decision->rule));
    }
    explain_sentence(policy, decision, &sentence);
    MUST(!sentence.failed && sentence.length_bytes > 5);
    buffer_clear(&sentence);
}

static void check_decision(const struct policy *policy, const struct policy_standing *standing, int purpose,
                           int field, const struct decide_facts *facts)
{
    static const char value[] = "1966-01-14 \xc3\xa9\xe2\x82\xac";
    struct decision decision = decide(policy, standing, purpose, field, facts, 0), told;
    struct explain_step steps[EXPLAIN_STEPS];
    struct buffer shown = BUFFER_EMPTY;

    told = explain(policy, standing, purpose, field, facts, 0, steps);
    check_explanation(policy, &decision, &told, steps);
    MUST((decision.verdict == VERDICT_HIDDEN) == (decision.role < 0));
    MUST((decision.verdict == VERDICT_MASKED) == (decision.mask.code != MASK_NONE));
    MUST(decision.verdict == VERDICT_HIDDEN || (standing->bound && standing->roles >> decision.role & 1));
    MUST(decision.verdict == VERDICT_HIDDEN || decision.line > 0);
    MUST(decision.verdict == VERDICT_HIDDEN || standing->in_force >> decision.role & 1);
    MUST(decision.rule >= DECIDE_ABSENT || decision.rule < DECIDE_ROLE_PURPOSE || decision.line > 0);
    if (decision.verdict != VERDICT_MASKED)
        return;
    MUST(mask_apply(&decision.mask, NULL, value, sizeof value - 1, &shown) == 0);
    MUST(shown.length_bytes != sizeof value - 1 || memcmp(shown.bytes, value, sizeof value - 1) != 0);
    buffer_clear(&shown);
}

/* Who has no right to a field gets one answer, whatever is there; and what shows of a dossier that nothing is known of shows
 * under the best of facts too. */
static void check_facts(const struct policy *policy, const struct policy_standing *standing, int purpose, int field,
                        int kind)
{
    static const struct decide_dossier against = {.objections = UINT64_MAX, .restricted = UINT64_MAX};
    struct decide_facts facts = {.kind = kind, .ends_s = INT64_MIN, .dossier = &against};
    struct decision worst = decide(policy, standing, purpose, field, &facts, 0), unknown, best;

    facts = (struct decide_facts){.kind = kind, .present = true, .ends_s = INT64_MAX};
    unknown = decide(policy, standing, purpose, field, &facts, 0);
    facts.dossier = &decide_favourable;
    facts.own = true;
    best = decide(policy, standing, purpose, field, &facts, 0);
    MUST(worst.verdict == VERDICT_HIDDEN);
    MUST(worst.rule >= DECIDE_ABSENT || (worst.rule == best.rule && worst.line == best.line));
    MUST(unknown.verdict == VERDICT_HIDDEN || best.verdict != VERDICT_HIDDEN);
    MUST(unknown.rule <= best.rule || best.verdict == VERDICT_SHOWN);
    check_decision(policy, standing, purpose, field, &facts);
}

/* Enough of the whole to meet every line of the decision, and few enough that an input takes no longer than its text. */
static void check_decisions(const struct policy *policy, const struct policy_standing *standing)
{
    int purposes = policy->purpose_count < 6 ? (int)policy->purpose_count : 6;
    int fields = policy->field_count < 12 ? (int)policy->field_count : 12;

    for (int purpose = -1; purpose <= purposes; purpose++)
        for (int field = -1; field <= fields; field++)
            for (int kind = -1; kind < 2; kind++) {
                check_decision(policy, standing, purpose, field,
                               &(struct decide_facts){.kind = kind, .present = kind != 1, .ends_s = field});
                check_facts(policy, standing, purpose, field, kind);
            }
}

static void check_callers(const struct policy *policy)
{
    static const char *const groups[] = {"incasso", "kcc"};
    const struct policy_caller callers[] = {
        {.uid = 61001}, {.uid = 20001, .user = "anna", .groups = groups, .group_count = 2}, {.uid = UINT32_MAX}};
    unsigned line;

    for (size_t i = 0; i < sizeof callers / sizeof *callers; i++)
        for (int32_t today = 20000; today < 21500; today += 500) {
            struct policy_standing standing = policy_match(policy, &callers[i], today);

            policy_allows_command(policy, &standing, "log.show", &line);
            check_decisions(policy, &standing);
        }
}

static void check_codes(const struct policy *policy)
{
    static const char *const codes[] = {
        "", "2024-00123", "K123456", "..", "a/b", "\xff", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        int kind = policy_kind_of_code(policy, codes[i], strlen(codes[i]));

        MUST(kind >= -1 && kind < (int)policy->kind_count);
        MUST(kind < 0 || (*codes[i] && *codes[i] != '.' && !strchr(codes[i], '/')));
    }
}

static void check_warnings(const struct policy *policy, const uint8_t *input, size_t length_bytes)
{
    struct policy_faults warnings = {0};

    MUST(policy_warnings(policy, 20500, &warnings) == 0);
    if (warnings.count > 0)
        check_faults(&warnings, input, length_bytes);
    for (size_t i = 0; i < warnings.count; i++)
        MUST(warnings.faults[i].line > 0);
    policy_faults_clear(&warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t length_bytes)
{
    struct policy_faults faults = {0};
    struct policy *policy = NULL;
    int error = policy_load("fuzz.ini", (const char *)input, length_bytes, &policy, &faults);

    MUST((error == 0 && policy && faults.count == 0) || (error == -EINVAL && !policy));
    if (policy) {
        check_names(policy);
        check_codes(policy);
        check_callers(policy);
        check_warnings(policy, input, length_bytes);
    } else {
        check_faults(&faults, input, length_bytes);
    }
    policy_free(policy);
    policy_faults_clear(&faults);
    return 0;
}
