#include "policy/warn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/decide.h"
#include "policy/faults.h"
#include "policy/warn_number.h"

struct warnings {
    const struct policy *policy;
    int32_t today;
    struct fault_list list;
    struct field_set reached[POLICY_MAX_ROLES]; /* what the purposes of the role list */
    struct field_set seen[POLICY_MAX_ROLES];    /* what the role shows under one of its purposes */
    struct field_set used[POLICY_MAX_PURPOSES]; /* what some role with the purpose shows, or may write */
};

static bool has_bit(uint64_t bits, unsigned index)
{
    return bits >> index & 1;
}

static unsigned line_or(unsigned line, unsigned section_line)
{
    return line ? line : section_line;
}

static const char *section_of(const struct policy *policy, unsigned role)
{
    return role < policy->own_roles ? "role" : "recipient";
}

/* ---- what shows at all ---- */

static bool shows(const struct policy *policy, unsigned role, unsigned purpose, unsigned field)
{
    const struct policy_standing standing = {
        .roles = (uint64_t)1 << role, .in_force = (uint64_t)1 << role, .bound = true};
    const struct decide_facts facts = {.kind = __builtin_ctz(policy->purposes[purpose].kinds),
                                       .present = true,
                                       .ends_s = TERMS_NEVER,
                                       .dossier = &decide_favourable,
                                       .own = true};

    return decide(policy, &standing, (int)purpose, (int)field, &facts, 0).verdict != VERDICT_HIDDEN;
}

/* A role sees nothing under a purpose that it writes for: customer contact drops a report and never reads it. */
static bool writes(const struct policy_role *role, unsigned field)
{
    return field_set_has(&role->write, field) || field_set_has(&role->drop, field);
}

/* What one role does with one purpose; false: nothing. */
static bool use(struct warnings *warnings, unsigned role, unsigned purpose)
{
    const struct policy *policy = warnings->policy;
    bool used = false;

    for (unsigned i = 0; i < policy->field_count; i++) {
        bool seen;

        if (!field_set_has(&policy->purposes[purpose].fields, i))
            continue;
        field_set_add(&warnings->reached[role], i);
        seen = shows(policy, role, purpose, i);
        if (seen)
            field_set_add(&warnings->seen[role], i);
        if (seen || writes(&policy->roles[role], i)) {
            field_set_add(&warnings->used[purpose], i);
            used = true;
        }
    }
    return used;
}

static void warn_uses(struct warnings *warnings)
{
    const struct policy *policy = warnings->policy;

    for (unsigned i = 0; i < policy->role_count; i++)
        for (unsigned j = 0; j < policy->purpose_count; j++)
            if (has_bit(policy->roles[i].purposes, j) && !use(warnings, i, j))
                faults_add(&warnings->list, line_or(policy->roles[i].purposes_line, policy->roles[i].line),
                           "[%s %s] has the purpose '%s' and shows and writes nothing under it",
                           section_of(policy, i), policy->roles[i].name, policy->purposes[j].name);
}

/* ---- names in a sentence ---- */

/* The fields of a set by name: one, or the first and how many more. */
struct some_fields {
    unsigned count, first;
};

static void some_add(struct some_fields *some, unsigned field)
{
    if (some->count++ == 0)
        some->first = field;
}

/* Where one line lists many fields in vain it is still one warning. */
static void warn_some(struct warnings *warnings, unsigned line, const struct some_fields *some, const char *where,
                      const char *what)
{
    const char *name = warnings->policy->fields[some->first].name;

    if (some->count == 1)
        faults_add(&warnings->list, line, "%s: '%s' %s", where, name, what);
    else if (some->count > 1)
        faults_add(&warnings->list, line, "%s: '%s' and %u more %s", where, name, some->count - 1, what);
}

/* ---- kinds, categories, fields ---- */

static void warn_kinds(struct warnings *warnings)
{
    const struct policy *policy = warnings->policy;

    for (unsigned i = 0; i < policy->kind_count; i++) {
        uint32_t covered = 0;

        for (unsigned j = 0; j < policy->purpose_count; j++)
            covered |= policy->purposes[j].kinds;
        if (!(covered >> i & 1))
            faults_add(&warnings->list, policy->kinds[i].line,
                       "no purpose covers the kind '%s': nobody can see such a dossier", policy->kinds[i].name);
    }
}

static bool has_field(const struct policy *policy, unsigned category)
{
    for (unsigned i = 0; i < policy->field_count; i++)
        if (policy->fields[i].category == category)
            return true;
    return false;
}

/* Dossiers of the kind have fields of the category, as far as purposes tell. */
static bool has_kind(const struct policy *policy, unsigned category, unsigned kind)
{
    for (unsigned i = 0; i < policy->purpose_count; i++)
        for (unsigned j = 0; (policy->purposes[i].kinds >> kind & 1) && j < policy->field_count; j++)
            if (policy->fields[j].category == category && field_set_has(&policy->purposes[i].fields, j))
                return true;
    return false;
}

static void warn_terms(struct warnings *warnings, unsigned category)
{
    const struct policy *policy = warnings->policy;
    const struct policy_category *about = &policy->categories[category];
    bool any = about->has_retention;

    for (unsigned i = 0; i < policy->kind_count; i++)
        any = any || about->has_retention_kind[i];
    if (!any)
        faults_add(&warnings->list, about->line,
                   "the category '%s' has no term ('retention'): it is kept until someone erases it", about->name);
    for (unsigned i = 0; any && i < policy->kind_count; i++)
        if (!policy_retention(policy, category, i) && has_kind(policy, category, i))
            faults_add(&warnings->list, line_or(about->retention_line, about->line),
                       "the category '%s' has no term for the kind '%s': there it is kept until someone erases it",
                       about->name, policy->kinds[i].name);
}

static void warn_category_roles(struct warnings *warnings, unsigned category)
{
    const struct policy *policy = warnings->policy;
    const struct policy_category *about = &policy->categories[category];

    for (unsigned i = 0; i < policy->role_count; i++) {
        bool seen = false;

        for (unsigned j = 0; j < policy->field_count; j++)
            seen = seen || (policy->fields[j].category == category && field_set_has(&warnings->seen[i], j));
        if (has_bit(about->roles, i) && !seen)
            faults_add(&warnings->list, about->roles_line,
                       "[%s %s] shows nothing of the category '%s' that admits it", section_of(policy, i),
                       policy->roles[i].name, about->name);
    }
}

static void warn_categories(struct warnings *warnings)
{
    const struct policy *policy = warnings->policy;

    for (unsigned i = 0; i < policy->category_count; i++) {
        if (!has_field(policy, i)) {
            faults_add(&warnings->list, policy->categories[i].line, "the category '%s' has no field",
                       policy->categories[i].name);
            continue;
        }
        warn_terms(warnings, i);
        warn_category_roles(warnings, i);
    }
}

static bool starts(const struct retention *retention, unsigned field)
{
    for (unsigned i = 0; i < retention->term_count; i++)
        if (retention->terms[i].start == TERM_AFTER_FIELD && retention->terms[i].field == (int)field)
            return true;
    return false;
}

/* A term or a caseload rests on the field, so it is kept for that, whoever sees it. */
static bool is_leaned_on(const struct policy *policy, unsigned field)
{
    for (unsigned i = 0; i < policy->category_count; i++) {
        const struct policy_category *category = &policy->categories[i];

        if (category->has_retention && starts(&category->retention, field))
            return true;
        for (unsigned j = 0; j < policy->kind_count; j++)
            if (category->has_retention_kind[j] && starts(&category->retention_kind[j], field))
                return true;
    }
    for (unsigned i = 0; i < policy->role_count; i++)
        if (policy->roles[i].caseload_field == (int)field)
            return true;
    return false;
}

static void warn_fields(struct warnings *warnings)
{
    const struct policy *policy = warnings->policy;

    for (unsigned i = 0; i < policy->field_count; i++) {
        const char *type = warn_number_type(&policy->fields[i]);
        bool listed = false;

        for (unsigned j = 0; j < policy->purpose_count; j++)
            listed = listed || field_set_has(&policy->purposes[j].fields, i);
        if (!listed && !is_leaned_on(policy, i))
            faults_add(&warnings->list, policy->fields[i].line, "no purpose lists the field '%s': nobody can see it",
                       policy->fields[i].name);
        if (type)
            faults_add(
                &warnings->list, policy->fields[i].line,
                "the field '%s' may well hold a number of type %s, which its type does not check; better: type "
                "= %s, or a pattern that takes no such number",
                policy->fields[i].name, type, type);
    }
}

/* ---- purposes ---- */

static void warn_purposes(struct warnings *warnings)
{
    const struct policy *policy = warnings->policy;

    for (unsigned i = 0; i < policy->purpose_count; i++) {
        const struct policy_purpose *purpose = &policy->purposes[i];
        struct some_fields unused = {0};
        char where[POLICY_NAME_MAX_BYTES + 16];
        bool had = false;

        for (unsigned j = 0; j < policy->role_count; j++)
            had = had || has_bit(policy->roles[j].purposes, i);
        if (!had) {
            faults_add(&warnings->list, purpose->line, "no role has the purpose '%s': nobody sees anything for it",
                       purpose->name);
            continue;
        }
        for (unsigned j = 0; j < policy->field_count; j++)
            if (field_set_has(&purpose->fields, j) && !field_set_has(&warnings->used[i], j))
                some_add(&unused, j);
        snprintf(where, sizeof where, "[purpose %s]", purpose->name);
        warn_some(warnings, line_or(purpose->fields_line, purpose->line), &unused, where,
                  "listed, and neither shown nor written by any role with this purpose");
    }
}

/* ---- roles ---- */

static void warn_members(struct warnings *warnings, unsigned index)
{
    const struct policy *policy = warnings->policy;
    const struct policy_role *role = &policy->roles[index];
    unsigned line = line_or(role->members_line, role->line);

    switch (policy_role_bound(policy, index, warnings->today)) {
    case ROLE_BOUND:
        break;
    case ROLE_EMPTY:
        /* An agreement may be there for the register alone: web statistics that get no field. */
        if (role->purposes)
            faults_add(&warnings->list, line, "[%s %s] has purposes and no members: nobody sees anything by it",
                       section_of(policy, index), role->name);
        break;
    case ROLE_UNBOUND:
        faults_add(
            &warnings->list, line,
            "no member of [%s %s] is bound to secrecy today, as [secrecy] writes them: it gives nobody anything",
            section_of(policy, index), role->name);
    }
}

static void warn_agreement(struct warnings *warnings, unsigned index)
{
    const struct policy *policy = warnings->policy;
    const struct policy_role *role = &policy->roles[index];
    int year, month, day;

    if (role->until_day >= warnings->today)
        return;
    terms_date(role->until_day, &year, &month, &day);
    faults_add(&warnings->list, role->agreement_line,
               "the agreement of [recipient %s] ended on %04d-%02d-%02d: nobody sees anything under it", role->name,
               year, month, day);
}

/* Of a set that a line wrote, the fields that the role does not reach. A category stands for all its fields, so where all of
 * them are in the set it is enough that one is reached. */
static struct some_fields unreached(const struct policy *policy, const struct field_set *written,
                                    const struct field_set *reached)
{
    struct some_fields some = {0};

    for (unsigned i = 0; i < policy->category_count; i++) {
        bool whole = true, met = false;

        for (unsigned j = 0; j < policy->field_count; j++) {
            if (policy->fields[j].category != i || policy->fields[j].special)
                continue;
            whole = whole && field_set_has(written, j);
            met = met || field_set_has(reached, j);
        }
        for (unsigned j = 0; j < policy->field_count; j++)
            if (policy->fields[j].category == i && field_set_has(written, j) && !field_set_has(reached, j) &&
                !(whole && met && !policy->fields[j].special))
                some_add(&some, j);
    }
    return some;
}

static void warn_lists(struct warnings *warnings, unsigned index)
{
    const struct policy_role *role = &warnings->policy->roles[index];
    const struct {
        const char *key;
        const struct field_set *set;
        unsigned line;
    } lists[] = {{"fields", &role->fields, role->fields_line},
                 {"write", &role->write, role->write_line},
                 {"own", &role->own, role->own_line},
                 {"drop", &role->drop, role->drop_line},
                 {"special", &role->special, role->special_line}};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct some_fields some = unreached(warnings->policy, lists[i].set, &warnings->reached[index]);
        char where[POLICY_NAME_MAX_BYTES + 32];

        snprintf(where, sizeof where, "[%s %s] %s", section_of(warnings->policy, index), role->name, lists[i].key);
        warn_some(warnings, line_or(lists[i].line, role->line), &some, where,
                  "in vain: no purpose of the role lists it");
    }
}

static void warn_masks(struct warnings *warnings, unsigned index)
{
    const struct policy *policy = warnings->policy;
    const struct policy_role *role = &policy->roles[index];

    for (unsigned i = 0; i < policy->field_count; i++)
        if (role->mask[i].code != MASK_NONE && !field_set_has(&warnings->seen[index], i))
            faults_add(&warnings->list, role->mask_line[i], "[%s %s] masks '%s' in vain: the role does not show it",
                       section_of(policy, index), role->name, policy->fields[i].name);
}

int policy_warnings(const struct policy *policy, int32_t today, struct policy_faults *out)
{
    struct warnings warnings = {.policy = policy, .today = today};
    struct policy_faults found = {0};

    warn_uses(&warnings);
    warn_kinds(&warnings);
    warn_categories(&warnings);
    warn_fields(&warnings);
    warn_purposes(&warnings);
    for (unsigned i = 0; i < policy->role_count; i++) {
        warn_members(&warnings, i);
        warn_agreement(&warnings, i);
        warn_lists(&warnings, i);
        warn_masks(&warnings, i);
    }
    faults_finish(&warnings.list, &found);
    if (warnings.list.failed) {
        policy_faults_clear(&found);
        return -ENOMEM;
    }
    *out = found;
    return 0;
}
