#include "tools/dossier_state.h"

#include <errno.h>

#include "tools/moment.h"
#include "tools/table.h"

struct state {
    const struct policy *policy;
    const struct gate_reasons *reasons;
    const struct policy_purpose *purpose;
    struct table *table;
};

static int add(struct state *state, const char *what, const char *of, const char *now)
{
    const char *const cells[] = {what, of, now};

    return table_add(state->table, cells);
}

/* ---- what is about a category --------------------------------------------------------------------------------- */

/* A field of the category that the dossier has a value for, or -1; all of them end together. */
static int field_with_value(const struct state *state, unsigned category)
{
    for (unsigned i = 0; i < state->policy->field_count; i++)
        if (state->policy->fields[i].category == category && state->reasons->fields[i].present)
            return (int)i;
    return -1;
}

static int add_term(struct state *state, unsigned category)
{
    const struct gate_reasons *reasons = state->reasons;
    const char *name = state->policy->categories[category].name;
    bool kept = reasons->kept >> category & 1;
    int field = field_with_value(state, category);
    char moment[MOMENT_BYTES], text[128];
    int64_t ends_s;

    if (field < 0)
        return add(state, "term", name, "there is no value");
    ends_s = reasons->fields[field].ends_s;
    if (ends_s == INT64_MAX)
        return add(state, "term", name,
                   kept                                                       ? "a hold or an incident keeps it"
                   : policy_retention(state->policy, category, reasons->kind) ? "not running"
                                                                              : "there is none");
    moment_print(ends_s * 1000, moment);
    snprintf(text, sizeof text, "%s %s%s", ends_s > reasons->now_s ? "ends at" : "ended at", moment,
             kept && ends_s > reasons->now_s ? ", kept by a hold or an incident" : "");
    return add(state, "term", name, text);
}

static int add_restriction(struct state *state, unsigned category)
{
    const char *name = state->policy->categories[category].name;

    if (!(state->reasons->dossier.restricted >> category & 1))
        return add(state, "restriction", name, "none");
    return add(state, "restriction", name,
               state->purpose->restriction_line ? "holds; the purpose sees it despite that" : "holds");
}

static int add_incident(struct state *state, unsigned category)
{
    if (!state->policy->categories[category].incident)
        return 0;
    return add(state, "incident", state->policy->categories[category].name,
               state->reasons->dossier.incidents >> category & 1 ? "open, and covers it" : "none that covers it");
}

/* Those of the fields that were asked about. */
static uint64_t categories_of(const struct state *state)
{
    uint64_t categories = 0;

    if (state->reasons->field >= 0)
        return (uint64_t)1 << state->policy->fields[state->reasons->field].category;
    for (unsigned i = 0; i < state->policy->field_count; i++)
        if (field_set_has(&state->purpose->fields, i))
            categories |= (uint64_t)1 << state->policy->fields[i].category;
    return categories;
}

static int add_categories(struct state *state)
{
    uint64_t categories = categories_of(state);
    int error = 0;

    for (unsigned i = 0; i < state->policy->category_count && !error; i++) {
        if (!(categories >> i & 1))
            continue;
        error = add_term(state, i);
        if (!error)
            error = add_restriction(state, i);
        if (!error)
            error = add_incident(state, i);
    }
    return error;
}

/* ---- what is about the purpose and the person's roles --------------------------------------------------------- */

static int add_purpose(struct state *state)
{
    const struct decide_dossier *dossier = &state->reasons->dossier;
    unsigned purpose = (unsigned)state->reasons->purpose;
    const char *name = state->purpose->name;
    int error = 0;

    if (state->purpose->ground == 'D')
        error = add(state, "consent", name, dossier->consents >> purpose & 1 ? "given" : "none");
    if (!error)
        error = add(state, "objection", name,
                    !(dossier->objections >> purpose & 1) ? "none"
                    : state->purpose->ground == 'B'       ? "holds; a legal duty goes on"
                                                          : "holds");
    if (!error && state->purpose->ground == 'E')
        error = add(state, "calamity", name,
                    dossier->calamity >> purpose & 1 ? "declared by this person" : "none of this person");
    return error;
}

/* Of a caseload only whether the dossier is inside: the value that says so is not told. */
static int add_roles(struct state *state)
{
    const struct gate_reasons *reasons = state->reasons;
    int error = 0;

    for (unsigned i = 0; i < state->policy->role_count && !error; i++) {
        const struct policy_role *role = &state->policy->roles[i];

        if (!(reasons->standing.roles >> i & 1) || !(role->purposes >> reasons->purpose & 1))
            continue;
        if (role->caseload_field >= 0)
            error = add(state, "caseload", role->name, reasons->dossier.inside >> i & 1 ? "inside" : "not inside");
        if (!error && role->agreement != AGREEMENT_NONE)
            error = add(state, "agreement", role->name,
                        reasons->standing.in_force >> i & 1 ? "in force" : "not in force");
    }
    return error;
}

int dossier_state_print(FILE *out, unsigned width, const struct policy *policy, const struct gate_reasons *reasons)
{
    static const struct table_column columns[] = {
        {"WHAT", TABLE_LEFT}, {"OF", TABLE_LEFT}, {"NOW", TABLE_SHRINKS}, {NULL, 0}};
    struct state state = {policy, reasons, &policy->purposes[reasons->purpose], NULL};
    int error = table_new(out, columns, true, width, &state.table);

    if (!error)
        error = add_categories(&state);
    if (!error)
        error = add_purpose(&state);
    if (!error)
        error = add_roles(&state);
    if (!error)
        error = table_print(state.table);
    table_free(state.table);
    return error;
}
