#include "tools/policy_coverage.h"

void policy_coverage_add(struct policy_coverage *coverage, const struct policy *policy,
                         const struct policy_standing *standing, int purpose, int kind, int field,
                         const struct decision *decision)
{
    coverage->parts[POLICY_PURPOSES][purpose] = true;
    coverage->parts[POLICY_KINDS][kind] = true;
    coverage->parts[POLICY_FIELDS][field] = true;
    coverage->parts[POLICY_CATEGORIES][policy->fields[field].category] = true;
    coverage->rules[decision->rule] = true;
    for (unsigned i = 0; i < policy->role_count; i++) {
        bool has = policy->roles[i].purposes >> purpose & 1;

        if (!(standing->roles >> i & 1))
            continue;
        /* One with purposes is touched by a question for one of these; one without, by whatever its members ask. */
        if (has || !policy->roles[i].purposes)
            coverage->parts[POLICY_ROLES][i] = true;
        if (has)
            coverage->pairs[i][purpose] = true;
    }
}

/* ---- what a line tells ---------------------------------------------------------------------------------------- */

/* Something that is there, and whether it was touched; name NULL: there are no more. Roles in pairs have a second name. */
struct seen {
    const char *name, *of;
    bool touched;
};

static struct seen see_part(const struct policy_coverage *coverage, const struct policy *policy, int part,
                            unsigned at)
{
    const char *name = policy_names_at(policy, (enum policy_names_of)part, at);

    return (struct seen){name, NULL, name && coverage->parts[part][at]};
}

/* All but the first: in a file of expectations a name that the policy doesn't know is a fault. */
static struct seen see_rule(const struct policy_coverage *coverage, unsigned at)
{
    unsigned rule = at + DECIDE_NO_PURPOSE + 1;

    if (rule >= COVERAGE_RULES)
        return (struct seen){0};
    return (struct seen){decide_rule_name((enum decide_rule)rule), NULL, coverage->rules[rule]};
}

/* The at-th pair of a role and a purpose that it has. */
static struct seen see_pair(const struct policy_coverage *coverage, const struct policy *policy, unsigned at)
{
    for (unsigned i = 0; i < policy->role_count; i++) {
        unsigned count = (unsigned)__builtin_popcountll(policy->roles[i].purposes);

        if (at >= count) {
            at -= count;
            continue;
        }
        for (unsigned purpose = 0; purpose < policy->purpose_count; purpose++)
            if ((policy->roles[i].purposes >> purpose & 1) && at-- == 0)
                return (struct seen){policy->roles[i].name, policy->purposes[purpose].name,
                                     coverage->pairs[i][purpose]};
    }
    return (struct seen){0};
}

enum { LINE_RULES = POLICY_PARTS, LINE_PAIRS, LINES };
static const char *const line_words[LINES] = {"purposes", "kinds", "categories",        "fields",
                                              "roles",    "rules", "purposes of a role"};
static const char *const line_keys[LINES] = {"purposes", "kinds", "categories", "fields", "roles", "rules", "pairs"};

static struct seen see(const struct policy_coverage *coverage, const struct policy *policy, int line, unsigned at)
{
    if (line < POLICY_PARTS)
        return see_part(coverage, policy, line, at);
    return line == LINE_RULES ? see_rule(coverage, at) : see_pair(coverage, policy, at);
}

static unsigned count(const struct policy_coverage *coverage, const struct policy *policy, int line, unsigned *of)
{
    unsigned touched = 0;
    struct seen seen;

    for (*of = 0; (seen = see(coverage, policy, line, *of)).name; ++*of)
        touched += seen.touched;
    return touched;
}

void policy_coverage_print(FILE *out, const struct policy_coverage *coverage, const struct policy *policy)
{
    for (int line = 0; line < LINES; line++) {
        unsigned of, touched = count(coverage, policy, line, &of);
        const char *between = "; not asked: ";

        fprintf(out, "%-18s  %u of %u", line_words[line], touched, of);
        for (unsigned at = 0; at < of; at++) {
            struct seen seen = see(coverage, policy, line, at);

            if (seen.touched)
                continue;
            fprintf(out, "%s%s%s%s", between, seen.name, seen.of ? "/" : "", seen.of ? seen.of : "");
            between = ", ";
        }
        fputc('\n', out);
    }
}

json_t *policy_coverage_json(const struct policy_coverage *coverage, const struct policy *policy)
{
    json_t *object = json_object();

    for (int line = 0; object && line < LINES; line++) {
        unsigned of, touched = count(coverage, policy, line, &of);
        json_t *missing = json_array();

        for (unsigned at = 0; missing && at < of; at++) {
            struct seen seen = see(coverage, policy, line, at);

            if (!seen.touched)
                json_array_append_new(missing,
                                      seen.of ? json_sprintf("%s/%s", seen.name, seen.of) : json_string(seen.name));
        }
        json_object_set_new(object, line_keys[line],
                            json_pack("{si si so}", "asked", (int)touched, "of", (int)of, "missing", missing));
    }
    return object;
}
