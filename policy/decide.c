/* decide: hidden, unless every condition below holds. What each condition must keep:
 *
 * - One condition, one statement that returns, in the order of enum decide_rule; nothing shows by default, so that a
 *   condition that is forgotten elsewhere can't open a dossier here.
 * - Facts about the dossier come last. Whoever fails a condition on rights gets the same answer whether or not the dossier
 *   is there, and no condition on facts is reached for him.
 * - Nothing is looked up by name and nothing is allocated: a few passes over the caller's roles. */
#include "policy/decide.h"

const struct decide_dossier decide_favourable = {
    .consents = UINT64_MAX, .incidents = UINT64_MAX, .calamity = UINT64_MAX, .inside = UINT64_MAX};
static const struct decide_dossier nothing_known;

/* A place that the model gave no line falls back on its section's. */
static unsigned line_or(unsigned line, unsigned section_line)
{
    return line ? line : section_line;
}

static struct decision hidden(enum decide_rule rule, unsigned line)
{
    return (struct decision){.verdict = VERDICT_HIDDEN, .rule = rule, .role = -1, .line = line};
}

static bool is_known(const struct policy *policy, int purpose, int field)
{
    return purpose >= 0 && (unsigned)purpose < policy->purpose_count && field >= 0 &&
           (unsigned)field < policy->field_count;
}

static bool covers_kind(const struct policy_purpose *purpose, int kind)
{
    return kind >= 0 && kind < POLICY_MAX_KINDS && (purpose->kinds >> kind & 1);
}

/* The set is never empty where this is asked; if it were, role 0 is at least a place in the policy. */
static int first_role(uint64_t roles)
{
    return roles ? __builtin_ctzll(roles) : 0;
}

static uint64_t roles_with_purpose(const struct policy *policy, uint64_t roles, int purpose)
{
    uint64_t with = 0;

    for (uint64_t left = roles; left; left &= left - 1) {
        int role = first_role(left);

        if (policy->roles[role].purposes >> purpose & 1)
            with |= (uint64_t)1 << role;
    }
    return with;
}

static uint64_t roles_showing(const struct policy *policy, uint64_t roles, int field)
{
    uint64_t showing = 0;

    for (uint64_t left = roles; left; left &= left - 1) {
        int role = first_role(left);

        if ((!policy->roles[role].narrows || field_set_has(&policy->roles[role].fields, (unsigned)field)) &&
            !field_set_has(&policy->roles[role].drop, (unsigned)field))
            showing |= (uint64_t)1 << role;
    }
    return showing;
}

static uint64_t roles_trusted(const struct policy *policy, uint64_t roles, int field)
{
    uint64_t trusted = 0;

    for (uint64_t left = roles; left; left &= left - 1) {
        int role = first_role(left);

        if (!policy->fields[field].special || field_set_has(&policy->roles[role].special, (unsigned)field))
            trusted |= (uint64_t)1 << role;
    }
    return trusted;
}

static uint64_t roles_admitted(const struct policy_category *category, uint64_t roles)
{
    return category->roles ? roles & category->roles : roles;
}

static uint64_t roles_inside(const struct policy *policy, uint64_t roles, const struct decide_dossier *dossier)
{
    uint64_t inside = 0;

    for (uint64_t left = roles; left; left &= left - 1) {
        int role = first_role(left);

        if (policy->roles[role].caseload_field < 0 || (dossier->inside >> role & 1))
            inside |= (uint64_t)1 << role;
    }
    return inside;
}

static uint64_t roles_reading(const struct policy *policy, uint64_t roles, int field, bool own)
{
    uint64_t reading = 0;

    for (uint64_t left = roles; left; left &= left - 1) {
        int role = first_role(left);

        if (own || !field_set_has(&policy->roles[role].own, (unsigned)field))
            reading |= (uint64_t)1 << role;
    }
    return reading;
}

static uint64_t roles_without_mask(const struct policy *policy, uint64_t roles, int field)
{
    uint64_t plain = 0;

    for (uint64_t left = roles; left; left &= left - 1) {
        int role = first_role(left);

        if (policy->roles[role].mask[field].code == MASK_NONE)
            plain |= (uint64_t)1 << role;
    }
    return plain;
}

/* Where the first of the caller's roles says which purposes it has. */
static unsigned purposes_line(const struct policy *policy, uint64_t roles)
{
    const struct policy_role *role = &policy->roles[first_role(roles)];

    return line_or(role->purposes_line, role->line);
}

/* Where the first of the roles cuts the fields; or, if it does not, where the purpose lists them. */
static unsigned fields_line(const struct policy *policy, uint64_t roles, const struct policy_purpose *purpose)
{
    const struct policy_role *role = &policy->roles[first_role(roles)];

    if (role->narrows)
        return line_or(role->fields_line, role->line);
    return line_or(purpose->fields_line, purpose->line);
}

static struct decision masked(const struct policy *policy, uint64_t roles, int field)
{
    int first = first_role(roles);
    const struct policy_role *role = &policy->roles[first];

    return (struct decision){.verdict = VERDICT_MASKED,
                             .rule = DECIDE_MASKED,
                             .role = first,
                             .line = line_or(role->mask_line[field], role->line),
                             .mask = role->mask[field]};
}

/* Where the first of the roles says that it may create the field without reading it, or else what fields_line() says. */
static unsigned hiding_line(const struct policy *policy, uint64_t roles, const struct policy_purpose *purpose,
                            int field)
{
    const struct policy_role *role = &policy->roles[first_role(roles)];

    return field_set_has(&role->drop, (unsigned)field) ? role->drop_line : fields_line(policy, roles, purpose);
}

/* A bit of a fact; without an index that can be one there is no fact. */
static bool holds(uint64_t bits, unsigned index)
{
    return bits >> index & 1;
}

struct decision decide_by_roles(const struct policy *policy, const struct policy_standing *standing, int purpose,
                                int field, const struct decide_facts *facts, int64_t now_s,
                                struct decide_roles *roles)
{
    const struct decide_dossier *dossier = facts->dossier ? facts->dossier : &nothing_known;
    const struct policy_purpose *asked;
    const struct policy_category *category;
    unsigned in_category;
    uint64_t plain;

    *roles = (struct decide_roles){0};
    if (!is_known(policy, purpose, field))
        return hidden(DECIDE_NO_PURPOSE, 0);
    asked = &policy->purposes[purpose];
    in_category = policy->fields[field].category;
    category = &policy->categories[in_category];

    if (!standing->roles)
        return hidden(DECIDE_NO_ROLE, 0);
    if (!standing->bound)
        return hidden(DECIDE_NOT_BOUND, standing->bound_line);

    roles->with = roles_with_purpose(policy, standing->roles, purpose);
    if (!roles->with)
        return hidden(DECIDE_ROLE_PURPOSE, purposes_line(policy, standing->roles));
    roles->in_force = roles->with & standing->in_force;
    if (!roles->in_force)
        return hidden(DECIDE_AGREEMENT, policy->roles[first_role(roles->with)].agreement_line);
    if (!covers_kind(asked, facts->kind))
        return hidden(DECIDE_PURPOSE_KIND, line_or(asked->kinds_line, asked->line));
    if (!field_set_has(&asked->fields, (unsigned)field))
        return hidden(DECIDE_PURPOSE_FIELD, line_or(asked->fields_line, asked->line));

    roles->showing = roles_showing(policy, roles->in_force, field);
    if (!roles->showing)
        return hidden(DECIDE_ROLE_FIELD, hiding_line(policy, roles->in_force, asked, field));
    roles->trusted = roles_trusted(policy, roles->showing, field);
    if (!roles->trusted)
        return hidden(DECIDE_SPECIAL, policy->fields[field].special_line);
    roles->admitted = roles_admitted(category, roles->trusted);
    if (!roles->admitted)
        return hidden(DECIDE_CATEGORY_ROLE, category->roles_line);

    if (!facts->present)
        return hidden(DECIDE_ABSENT, policy->fields[field].line);
    if (now_s >= facts->ends_s)
        return hidden(DECIDE_EXPIRED, line_or(category->retention_line, category->line));
    if (holds(dossier->restricted, in_category) && !asked->restriction_line)
        return hidden(DECIDE_RESTRICTED, category->line);
    if (asked->ground == 'D' && !holds(dossier->consents, (unsigned)purpose))
        return hidden(DECIDE_NO_CONSENT, line_or(asked->ground_line, asked->line));
    if (asked->ground != 'B' && holds(dossier->objections, (unsigned)purpose))
        return hidden(DECIDE_OBJECTION, line_or(asked->ground_line, asked->line));
    if (asked->ground == 'E' && !holds(dossier->calamity, (unsigned)purpose))
        return hidden(DECIDE_NO_CALAMITY, line_or(asked->ground_line, asked->line));
    if (category->incident && !holds(dossier->incidents, in_category))
        return hidden(DECIDE_NO_INCIDENT, line_or(category->incident_line, category->line));

    roles->inside = roles_inside(policy, roles->admitted, dossier);
    if (!roles->inside)
        return hidden(DECIDE_CASELOAD, policy->roles[first_role(roles->admitted)].caseload_line);
    roles->reading = roles_reading(policy, roles->inside, field, facts->own);
    if (!roles->reading)
        return hidden(DECIDE_NOT_OWN, policy->roles[first_role(roles->inside)].own_line);

    plain = roles_without_mask(policy, roles->reading, field);
    if (!plain)
        return masked(policy, roles->reading, field);
    return (struct decision){.verdict = VERDICT_SHOWN,
                             .rule = DECIDE_SHOWN,
                             .role = first_role(plain),
                             .line = fields_line(policy, plain, asked)};
}

struct decision decide(const struct policy *policy, const struct policy_standing *standing, int purpose, int field,
                       const struct decide_facts *facts, int64_t now_s)
{
    struct decide_roles roles;

    return decide_by_roles(policy, standing, purpose, field, facts, now_s, &roles);
}

const char *decide_rule_name(enum decide_rule rule)
{
    static const char *const names[] = {
        [DECIDE_NO_PURPOSE] = "no-purpose",
        [DECIDE_NO_ROLE] = "no-role",
        [DECIDE_NOT_BOUND] = "not-bound",
        [DECIDE_ROLE_PURPOSE] = "role-purpose",
        [DECIDE_AGREEMENT] = "agreement",
        [DECIDE_PURPOSE_KIND] = "purpose-kind",
        [DECIDE_PURPOSE_FIELD] = "purpose-field",
        [DECIDE_ROLE_FIELD] = "role-field",
        [DECIDE_SPECIAL] = "special",
        [DECIDE_CATEGORY_ROLE] = "category-role",
        [DECIDE_ABSENT] = "absent",
        [DECIDE_EXPIRED] = "expired",
        [DECIDE_RESTRICTED] = "restricted",
        [DECIDE_NO_CONSENT] = "no-consent",
        [DECIDE_OBJECTION] = "objection",
        [DECIDE_NO_CALAMITY] = "no-calamity",
        [DECIDE_NO_INCIDENT] = "no-incident",
        [DECIDE_CASELOAD] = "caseload",
        [DECIDE_NOT_OWN] = "not-own",
        [DECIDE_SHOWN] = "shown",
        [DECIDE_MASKED] = "masked",
    };

    return (unsigned)rule < sizeof names / sizeof names[0] ? names[rule] : "unknown";
}
