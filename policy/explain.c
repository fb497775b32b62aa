/* explain: asks decide() and tells the chain that led to its answer. The chain is made from the answer and not checked a
 * second time, so the two can't come apart: what stands before the deciding condition held, what stands behind it was
 * not looked at. */
#include "policy/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/mask.h"

/* What a step may speak about; NULL where the policy knows no such purpose or field. */
struct question {
    const struct policy *policy;
    const struct policy_standing *standing;
    const struct policy_purpose *purpose;
    const struct policy_field *field;
    const struct policy_category *category; /* the field's */
    unsigned purpose_index;
    const struct decide_facts *facts;
    struct decide_roles roles; /* as the decision left them */
};

static const struct policy_role *first_role(const struct policy *policy, uint64_t roles)
{
    return &policy->roles[roles ? __builtin_ctzll(roles) : 0];
}

/* The role that a condition which held rests on: the first that is left behind it. */
static const struct policy_role *role_of(const struct question *question, enum decide_rule rule)
{
    const struct decide_roles *roles = &question->roles;

    switch (rule) {
    case DECIDE_NO_ROLE:
        return first_role(question->policy, question->standing->roles);
    case DECIDE_ROLE_PURPOSE:
        return first_role(question->policy, roles->with);
    case DECIDE_AGREEMENT:
        return first_role(question->policy, roles->in_force);
    case DECIDE_ROLE_FIELD:
        return first_role(question->policy, roles->showing);
    case DECIDE_SPECIAL:
        return first_role(question->policy, roles->trusted);
    case DECIDE_CATEGORY_ROLE:
        return first_role(question->policy, roles->admitted);
    case DECIDE_CASELOAD:
        return first_role(question->policy, roles->inside);
    default:
        return first_role(question->policy, roles->reading);
    }
}

static bool is_restricted(const struct question *question)
{
    const struct decide_dossier *dossier = question->facts->dossier;

    return dossier && (dossier->restricted >> question->field->category & 1);
}

static bool is_objected(const struct question *question)
{
    const struct decide_dossier *dossier = question->facts->dossier;

    return dossier && (dossier->objections >> question->purpose_index & 1);
}

static unsigned line_or(unsigned line, unsigned section_line)
{
    return line ? line : section_line;
}

/* The line that a condition on the caller's roles which held rests on. */
static unsigned line_of_role(const struct question *question, enum decide_rule rule)
{
    const struct policy_role *role = role_of(question, rule);

    switch (rule) {
    case DECIDE_NO_ROLE:
        return line_or(role->members_line, role->line);
    case DECIDE_ROLE_PURPOSE:
        return line_or(role->purposes_line, role->line);
    case DECIDE_AGREEMENT:
        return line_or(role->agreement_line, role->line);
    case DECIDE_ROLE_FIELD:
        return line_or(role->narrows ? role->fields_line : role->purposes_line, role->line);
    case DECIDE_SPECIAL:
        return question->field->special ? line_or(role->special_line, role->line) : question->field->line;
    case DECIDE_CATEGORY_ROLE:
        return question->category->roles ? question->category->roles_line : question->category->line;
    case DECIDE_CASELOAD:
        return line_or(role->caseload_line, role->line);
    default:
        return line_or(role->own_line, role->line);
    }
}

/* The line that a condition which held rests on. */
static unsigned line_of_pass(const struct question *question, enum decide_rule rule)
{
    const struct policy_purpose *purpose = question->purpose;
    const struct policy_category *category = question->category;

    switch (rule) {
    case DECIDE_NO_PURPOSE:
        return purpose->line;
    case DECIDE_NOT_BOUND:
        return question->standing->bound_line;
    case DECIDE_PURPOSE_KIND:
        return line_or(purpose->kinds_line, purpose->line);
    case DECIDE_PURPOSE_FIELD:
        return line_or(purpose->fields_line, purpose->line);
    case DECIDE_ABSENT:
        return question->field->line;
    case DECIDE_EXPIRED:
        return line_or(category->retention_line, category->line);
    case DECIDE_RESTRICTED:
        return is_restricted(question) ? purpose->restriction_line : category->line;
    case DECIDE_NO_CONSENT:
    case DECIDE_OBJECTION:
    case DECIDE_NO_CALAMITY:
        return line_or(purpose->ground_line, purpose->line);
    case DECIDE_NO_INCIDENT:
        return category->incident ? category->incident_line : category->line;
    default:
        return line_of_role(question, rule);
    }
}

static const char *kind_name(const struct question *question)
{
    int kind = question->facts->kind;

    return kind >= 0 && (unsigned)kind < question->policy->kind_count ? question->policy->kinds[kind].name
                                                                      : "unknown";
}

static void __attribute__((format(printf, 2, 3))) tell(struct explain_step *step, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(step->text, sizeof step->text, format, arguments);
    va_end(arguments);
}

/* What holds of the caller's roles. */
static void tell_role(const struct question *question, struct explain_step *step)
{
    const struct policy_role *role = role_of(question, step->rule);
    const char *field = question->field->name;
    bool others = question->standing->roles & (question->standing->roles - 1);

    switch (step->rule) {
    case DECIDE_NO_ROLE:
        tell(step, "the caller is in role %s%s", role->name, others ? " and others" : "");
        break;
    case DECIDE_ROLE_PURPOSE:
        tell(step, "role %s has purpose %s", role->name, question->purpose->name);
        break;
    case DECIDE_AGREEMENT:
        if (role->agreement == AGREEMENT_NONE)
            tell(step, "role %s needs no agreement", role->name);
        else
            tell(step, "the agreement of recipient %s is in force", role->name);
        break;
    case DECIDE_ROLE_FIELD:
        if (role->narrows)
            tell(step, "role %s lists field %s", role->name, field);
        else
            tell(step, "role %s does not narrow field %s away", role->name, field);
        break;
    case DECIDE_SPECIAL:
        if (question->field->special)
            tell(step, "role %s is trusted with special field %s", role->name, field);
        else
            tell(step, "field %s is not special", field);
        break;
    case DECIDE_CATEGORY_ROLE:
        if (question->category->roles)
            tell(step, "category %s admits role %s", question->category->name, role->name);
        else
            tell(step, "category %s admits every role", question->category->name);
        break;
    case DECIDE_CASELOAD:
        if (role->caseload_field >= 0)
            tell(step, "the dossier is in the caseload of role %s", role->name);
        else
            tell(step, "role %s has no caseload that limits it", role->name);
        break;
    default:
        if (field_set_has(&role->own, (unsigned)(question->field - question->policy->fields)))
            tell(step, "the caller wrote field %s of this dossier", field);
        else
            tell(step, "role %s sees field %s whoever wrote it", role->name, field);
    }
}

static void tell_pass(const struct question *question, struct explain_step *step)
{
    const char *purpose = question->purpose->name, *category = question->category->name;
    char ground = question->purpose->ground;

    switch (step->rule) {
    case DECIDE_NO_PURPOSE:
        tell(step, "purpose %s and field %s exist", purpose, question->field->name);
        break;
    case DECIDE_NOT_BOUND:
        tell(step, "the caller is bound to secrecy today");
        break;
    case DECIDE_PURPOSE_KIND:
        tell(step, "purpose %s covers dossiers of kind %s", purpose, kind_name(question));
        break;
    case DECIDE_PURPOSE_FIELD:
        tell(step, "purpose %s lists field %s", purpose, question->field->name);
        break;
    case DECIDE_ABSENT:
        tell(step, "the dossier has a value for field %s", question->field->name);
        break;
    case DECIDE_EXPIRED:
        tell(step, "the term of category %s has not ended", category);
        break;
    case DECIDE_RESTRICTED:
        if (is_restricted(question))
            tell(step, "category %s is restricted, and purpose %s sees it despite that", category, purpose);
        else
            tell(step, "category %s is not restricted", category);
        break;
    case DECIDE_NO_CONSENT:
        tell(step, ground == 'D' ? "a consent for purpose %s holds" : "purpose %s needs no consent", purpose);
        break;
    case DECIDE_OBJECTION:
        tell(step,
             is_objected(question) ? "an objection does not end purpose %s, a legal duty"
                                   : "no objection to purpose %s holds",
             purpose);
        break;
    case DECIDE_NO_CALAMITY:
        tell(step, ground == 'E' ? "the caller declared a calamity for purpose %s" : "purpose %s needs no calamity",
             purpose);
        break;
    case DECIDE_NO_INCIDENT:
        tell(step,
             question->category->incident ? "an open incident covers category %s" : "category %s needs no incident",
             category);
        break;
    default:
        tell_role(question, step);
    }
}

/* Why it does not show, by what the policy says of the caller. */
static void tell_no_right(const struct question *question, struct explain_step *step)
{
    const char *purpose = question->purpose ? question->purpose->name : "";
    const char *field = question->field ? question->field->name : "";

    switch (step->rule) {
    case DECIDE_NO_PURPOSE:
        tell(step, "the policy has no such %s", question->purpose ? "field" : "purpose");
        break;
    case DECIDE_NO_ROLE:
        tell(step, "the caller is in no role");
        break;
    case DECIDE_NOT_BOUND:
        tell(step, "the caller is not bound to secrecy today: %s",
             step->line ? "the record begins later or has ended" : "there is no record");
        break;
    case DECIDE_ROLE_PURPOSE:
        tell(step, "no role of the caller has purpose %s", purpose);
        break;
    case DECIDE_AGREEMENT:
        tell(step, "purpose %s rests on an agreement that is not in force today", purpose);
        break;
    case DECIDE_PURPOSE_KIND:
        tell(step, "purpose %s does not cover dossiers of kind %s", purpose, kind_name(question));
        break;
    case DECIDE_PURPOSE_FIELD:
        tell(step, "purpose %s does not list field %s", purpose, field);
        break;
    case DECIDE_ROLE_FIELD:
        tell(step, "every role of the caller with purpose %s narrows field %s away or drops it", purpose, field);
        break;
    case DECIDE_SPECIAL:
        tell(step, "field %s is special (%s), and no such role of the caller is trusted with it", field,
             question->field->special_word);
        break;
    default:
        tell(step, "category %s admits other roles alone", question->category->name);
    }
}

static void tell_fail(const struct question *question, struct explain_step *step)
{
    switch (step->rule) {
    case DECIDE_ABSENT:
        tell(step, "there is no such dossier, or it has no value for field %s", question->field->name);
        break;
    case DECIDE_EXPIRED:
        tell(step, "the term of category %s has ended", question->category->name);
        break;
    case DECIDE_RESTRICTED:
        tell(step, "category %s is restricted for this subject", question->category->name);
        break;
    case DECIDE_NO_CONSENT:
        tell(step, "no consent of the subject for purpose %s holds", question->purpose->name);
        break;
    case DECIDE_OBJECTION:
        tell(step, "the subject objected to purpose %s, or opted out", question->purpose->name);
        break;
    case DECIDE_NO_CALAMITY:
        tell(step, "the caller declared no calamity for this dossier, or it is over");
        break;
    case DECIDE_NO_INCIDENT:
        tell(step, "no open incident covers category %s", question->category->name);
        break;
    case DECIDE_CASELOAD:
        tell(step, "the dossier is in the caseload of no such role of the caller");
        break;
    case DECIDE_NOT_OWN:
        tell(step, "such roles of the caller see field %s only where the caller wrote it", question->field->name);
        break;
    default:
        tell_no_right(question, step);
    }
}

struct decision explain(const struct policy *policy, const struct policy_standing *standing, int purpose, int field,
                        const struct decide_facts *facts, int64_t now_s, struct explain_step steps[EXPLAIN_STEPS])
{
    bool has_purpose = purpose >= 0 && (unsigned)purpose < policy->purpose_count;
    bool has_field = field >= 0 && (unsigned)field < policy->field_count;
    struct question question = {.policy = policy,
                                .standing = standing,
                                .purpose = has_purpose ? &policy->purposes[purpose] : NULL,
                                .field = has_field ? &policy->fields[field] : NULL,
                                .category = has_field ? &policy->categories[policy->fields[field].category] : NULL,
                                .purpose_index = (unsigned)purpose,
                                .facts = facts};
    struct decision decision = decide_by_roles(policy, standing, purpose, field, facts, now_s, &question.roles);

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
            tell(step, "%s: not looked at", decide_rule_name(step->rule));
        }
    }
    return decision;
}

static const char *sentence(const struct decision *decision)
{
    static const char *const sentences[] = {
        [DECIDE_NO_PURPOSE] = "the policy has no such purpose or field",
        [DECIDE_NO_ROLE] = "the caller is in no role",
        [DECIDE_NOT_BOUND] = "the caller's secrecy record begins later or has ended",
        [DECIDE_ROLE_PURPOSE] = "no role of the caller has this purpose",
        [DECIDE_AGREEMENT] = "the agreement of this recipient is not in force",
        [DECIDE_PURPOSE_KIND] = "the purpose does not cover this kind of dossier",
        [DECIDE_PURPOSE_FIELD] = "the purpose does not list this field",
        [DECIDE_ROLE_FIELD] = "the caller's roles narrow this field away or drop it",
        [DECIDE_SPECIAL] = "this field is special, and no such role of the caller is trusted with it",
        [DECIDE_CATEGORY_ROLE] = "the category of this field admits other roles alone",
        [DECIDE_ABSENT] = "there is no such dossier, or it has no value for this field",
        [DECIDE_EXPIRED] = "the term of its category has ended",
        [DECIDE_RESTRICTED] = "its category is restricted for this subject",
        [DECIDE_NO_CONSENT] = "no consent of the subject for this purpose holds",
        [DECIDE_OBJECTION] = "the subject objected to this purpose, or opted out",
        [DECIDE_NO_CALAMITY] = "the caller declared no calamity for this dossier, or it is over",
        [DECIDE_NO_INCIDENT] = "no open incident covers its category",
        [DECIDE_CASELOAD] = "the dossier is in the caseload of no such role of the caller",
        [DECIDE_NOT_OWN] = "such roles of the caller see this field only where the caller wrote it",
        [DECIDE_SHOWN] = "shown",
        [DECIDE_MASKED] = "masked",
    };

    if (decision->rule == DECIDE_NOT_BOUND && !decision->line)
        return "the caller has no secrecy record";
    return sentences[decision->rule];
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
