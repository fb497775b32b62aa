/* explain: asks decide() and tells the chain that led to its answer. The chain is made from the answer and not checked a
 * second time, so the two can't come apart: what stands before the deciding condition held, what stands behind it was
 * not looked at. */
#include "policy/explain.h"

#include <stdio.h>
#include <string.h>

#include "policy/mask.h"

/* What a step may speak about; NULL where the policy knows no such purpose or field. */
struct question {
    const struct policy *policy;
    const struct policy_standing *standing;
    const struct policy_purpose *purpose;
    const struct policy_field *field;
    int purpose_index, field_index;
    const struct decide_facts *facts;
};

static const struct policy_role *first_role(const struct policy *policy, uint64_t roles)
{
    return roles ? &policy->roles[__builtin_ctzll(roles)] : NULL;
}

static uint64_t roles_with_purpose(const struct question *question)
{
    uint64_t with = 0;

    for (uint64_t left = question->standing->roles; left; left &= left - 1)
        if (first_role(question->policy, left)->purposes >> question->purpose_index & 1)
            with |= left & -left;
    return with;
}

/* The first role that leaves the field in, or else the first that has the purpose. */
static const struct policy_role *role_for_field(const struct question *question)
{
    uint64_t with = roles_with_purpose(question);

    for (uint64_t left = with; left; left &= left - 1) {
        const struct policy_role *role = first_role(question->policy, left);

        if (!role->narrows || field_set_has(&role->fields, (unsigned)question->field_index))
            return role;
    }
    return first_role(question->policy, with);
}

static unsigned line_or(unsigned line, unsigned section_line)
{
    return line ? line : section_line;
}

/* The line that a condition which held rests on. */
static unsigned line_of_pass(const struct question *question, enum decide_rule rule)
{
    const struct policy *policy = question->policy;
    const struct policy_role *role = first_role(policy, question->standing->roles);
    const struct policy_category *category;

    switch (rule) {
    case DECIDE_NO_PURPOSE:
        return question->purpose->line;
    case DECIDE_NO_ROLE:
        return line_or(role->members_line, role->line);
    case DECIDE_NOT_BOUND:
        return question->standing->bound_line;
    case DECIDE_ROLE_PURPOSE:
        role = first_role(policy, roles_with_purpose(question));
        return line_or(role->purposes_line, role->line);
    case DECIDE_PURPOSE_KIND:
        return line_or(question->purpose->kinds_line, question->purpose->line);
    case DECIDE_PURPOSE_FIELD:
        return line_or(question->purpose->fields_line, question->purpose->line);
    case DECIDE_ROLE_FIELD:
        role = role_for_field(question);
        return role->narrows ? line_or(role->fields_line, role->line) : line_or(role->purposes_line, role->line);
    case DECIDE_ABSENT:
        return question->field->line;
    default:
        category = &policy->categories[question->field->category];
        return line_or(category->retention_line, category->line);
    }
}

static const char *kind_name(const struct question *question)
{
    int kind = question->facts->kind;

    return kind >= 0 && (unsigned)kind < question->policy->kind_count ? question->policy->kinds[kind].name
                                                                      : "unknown";
}

static void tell_pass(const struct question *question, struct explain_step *step)
{
    const struct policy *policy = question->policy;
    const struct policy_role *role;
    char *text = step->text;
    size_t size = sizeof step->text;

    switch (step->rule) {
    case DECIDE_NO_PURPOSE:
        snprintf(text, size, "purpose %s and field %s exist", question->purpose->name, question->field->name);
        break;
    case DECIDE_NO_ROLE:
        role = first_role(policy, question->standing->roles);
        snprintf(text, size, "the caller is in role %s%s", role->name,
                 question->standing->roles & (question->standing->roles - 1) ? " and others" : "");
        break;
    case DECIDE_NOT_BOUND:
        snprintf(text, size, "the caller is bound to secrecy today");
        break;
    case DECIDE_ROLE_PURPOSE:
        role = first_role(policy, roles_with_purpose(question));
        snprintf(text, size, "role %s has purpose %s", role->name, question->purpose->name);
        break;
    case DECIDE_PURPOSE_KIND:
        snprintf(text, size, "purpose %s covers dossiers of kind %s", question->purpose->name, kind_name(question));
        break;
    case DECIDE_PURPOSE_FIELD:
        snprintf(text, size, "purpose %s lists field %s", question->purpose->name, question->field->name);
        break;
    case DECIDE_ROLE_FIELD:
        role = role_for_field(question);
        snprintf(text, size, role->narrows ? "role %s lists field %s" : "role %s does not narrow field %s away",
                 role->name, question->field->name);
        break;
    case DECIDE_ABSENT:
        snprintf(text, size, "the dossier has a value for field %s", question->field->name);
        break;
    default:
        snprintf(text, size, "the term of category %s has not ended",
                 policy->categories[question->field->category].name);
    }
}

static void tell_fail(const struct question *question, struct explain_step *step)
{
    char *text = step->text;
    size_t size = sizeof step->text;

    switch (step->rule) {
    case DECIDE_NO_PURPOSE:
        snprintf(text, size, "the policy has no such %s", question->purpose ? "field" : "purpose");
        break;
    case DECIDE_NO_ROLE:
        snprintf(text, size, "the caller is in no role");
        break;
    case DECIDE_NOT_BOUND:
        snprintf(text, size, "the caller is not bound to secrecy today: %s",
                 step->line ? "the record begins later or has ended" : "there is no record");
        break;
    case DECIDE_ROLE_PURPOSE:
        snprintf(text, size, "no role of the caller has purpose %s", question->purpose->name);
        break;
    case DECIDE_PURPOSE_KIND:
        snprintf(text, size, "purpose %s does not cover dossiers of kind %s", question->purpose->name,
                 kind_name(question));
        break;
    case DECIDE_PURPOSE_FIELD:
        snprintf(text, size, "purpose %s does not list field %s", question->purpose->name, question->field->name);
        break;
    case DECIDE_ROLE_FIELD:
        snprintf(text, size, "every role of the caller with purpose %s narrows field %s away",
                 question->purpose->name, question->field->name);
        break;
    case DECIDE_ABSENT:
        snprintf(text, size, "there is no such dossier, or it has no value for field %s", question->field->name);
        break;
    default:
        snprintf(text, size, "the term of category %s has ended",
                 question->policy->categories[question->field->category].name);
    }
}

struct decision explain(const struct policy *policy, const struct policy_standing *standing, int purpose, int field,
                        const struct decide_facts *facts, int64_t now_s, struct explain_step steps[EXPLAIN_STEPS])
{
    struct decision decision = decide(policy, standing, purpose, field, facts, now_s);
    bool has_purpose = purpose >= 0 && (unsigned)purpose < policy->purpose_count;
    bool has_field = field >= 0 && (unsigned)field < policy->field_count;
    struct question question = {.policy = policy,
                                .standing = standing,
                                .purpose = has_purpose ? &policy->purposes[purpose] : NULL,
                                .field = has_field ? &policy->fields[field] : NULL,
                                .purpose_index = purpose,
                                .field_index = field,
                                .facts = facts};

    for (int i = 0; i < EXPLAIN_STEPS; i++) {
        struct explain_step *step = &steps[i];

        memset(step, 0, sizeof *step);
        step->rule = (enum decide_rule)i;
        step->checked = step->rule <= decision.rule;
        step->pass = step->rule < decision.rule;
        if (step->pass) {
            step->line = line_of_pass(&question, step->rule);
            tell_pass(&question, step);
        } else if (step->checked) {
            step->line = decision.line;
            tell_fail(&question, step);
        } else {
            snprintf(step->text, sizeof step->text, "%s: not looked at", decide_rule_name(step->rule));
        }
    }
    return decision;
}

static const char *sentence(const struct decision *decision)
{
    switch (decision->rule) {
    case DECIDE_NO_PURPOSE:
        return "the policy has no such purpose or field";
    case DECIDE_NO_ROLE:
        return "the caller is in no role";
    case DECIDE_NOT_BOUND:
        return decision->line ? "the caller's secrecy record begins later or has ended"
                              : "the caller has no secrecy record";
    case DECIDE_ROLE_PURPOSE:
        return "no role of the caller has this purpose";
    case DECIDE_PURPOSE_KIND:
        return "the purpose does not cover this kind of dossier";
    case DECIDE_PURPOSE_FIELD:
        return "the purpose does not list this field";
    case DECIDE_ROLE_FIELD:
        return "the caller's roles narrow this field away";
    case DECIDE_ABSENT:
        return "there is no such dossier, or it has no value for this field";
    case DECIDE_EXPIRED:
        return "the term of its category has ended";
    case DECIDE_SHOWN:
        return "shown";
    default:
        return "masked";
    }
}

void explain_sentence(const struct policy *policy, const struct decision *decision, struct buffer *out)
{
    buffer_append_text(out, sentence(decision));
    if (decision->verdict == VERDICT_MASKED) {
        buffer_append_text(out, " (");
        mask_describe(&decision->mask, out);
        buffer_append_text(out, ")");
    }
    if (decision->verdict != VERDICT_HIDDEN && decision->role >= 0 && (unsigned)decision->role < policy->role_count)
        buffer_printf(out, " by role %s", policy->roles[decision->role].name);
    if (decision->line > 0)
        buffer_printf(out, ", %s:%u", policy->file, decision->line);
}
