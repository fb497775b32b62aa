/* policy matrix: what each role sees, written out: a table a purpose, a row a field, a column a role. As text, as CSV with a
 * line for each cell, or as a page. */
#include <errno.h>
#include <string.h>

#include "policy/access.h"
#include "policy/wording.h"
#include "tools/activity.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/page.h"
#include "tools/place.h"
#include "tools/policy_names.h"
#include "tools/table.h"

/* What nearly everything needs: said once, at the end. */
static const unsigned usual = ACCESS_NO_OBJECTION | ACCESS_UNRESTRICTED;
static const char legend[] =
    "Everything shows only to members who are bound to secrecy, until its term ends, and, where nothing else is "
    "said, while it is "
    "not restricted and the use of it not objected to. Who is in several roles sees what any of them sees.";

/* One table: a purpose, the kinds for which it shows the same, and the roles that have it. */
struct sheet {
    const struct policy *policy;
    const struct policy_purpose *purpose;
    unsigned purpose_index, kind; /* one of the kinds, as good as the others */
    uint32_t kinds;               /* bit each */
    unsigned role_count, roles[POLICY_MAX_ROLES];
    unsigned common;  /* conditions of everything that shows, besides the usual ones: said once, above */
    unsigned lacking; /* usual ones that nothing has: said there too */
};

static struct access cell_of(const struct sheet *sheet, unsigned kind, unsigned role, unsigned field)
{
    return access_of(sheet->policy, (int)role, (int)sheet->purpose_index, (int)kind, (int)field);
}

static bool same_for(const struct sheet *sheet, unsigned kind)
{
    for (unsigned i = 0; i < sheet->role_count; i++)
        for (unsigned f = 0; f < sheet->policy->field_count; f++) {
            struct access one = cell_of(sheet, sheet->kind, sheet->roles[i], f),
                          other = cell_of(sheet, kind, sheet->roles[i], f);

            if (!access_same(&one, &other))
                return false;
        }
    return true;
}

static void find_common(struct sheet *sheet)
{
    unsigned all = ~0U, any = 0;
    bool shows = false;

    for (unsigned i = 0; i < sheet->role_count; i++)
        for (unsigned f = 0; f < sheet->policy->field_count; f++) {
            struct access access = cell_of(sheet, sheet->kind, sheet->roles[i], f);

            if (access.verdict == VERDICT_HIDDEN)
                continue;
            all &= access.conditions;
            any |= access.conditions;
            shows = true;
        }
    if (shows) {
        sheet->common = all & ~usual;
        sheet->lacking = usual & ~any;
    }
}

/* The next table of a purpose: the first kind it covers that is not in `done`, and those like it. False: none is left. */
static bool next_sheet(const struct policy *policy, unsigned purpose, uint32_t *done, struct sheet *sheet)
{
    uint32_t left = policy->purposes[purpose].kinds & ~*done;

    if (!left)
        return false;
    *sheet = (struct sheet){.policy = policy,
                            .purpose = &policy->purposes[purpose],
                            .purpose_index = purpose,
                            .kind = (unsigned)__builtin_ctz(left)};
    for (unsigned r = 0; r < policy->role_count; r++)
        if (policy->roles[r].purposes >> purpose & 1)
            sheet->roles[sheet->role_count++] = r;
    for (unsigned k = sheet->kind; k < policy->kind_count; k++)
        if (left >> k & 1 && same_for(sheet, k))
            sheet->kinds |= UINT32_C(1) << k;
    find_common(sheet);
    *done |= sheet->kinds;
    return true;
}

/* ---- words --------------------------------------------------------------------------------------------------------- */

static bool may_change(const struct sheet *sheet, unsigned role, unsigned field)
{
    return field_set_has(&sheet->policy->roles[role].write, field);
}

static bool may_drop(const struct sheet *sheet, unsigned role, unsigned field)
{
    return field_set_has(&sheet->policy->roles[role].drop, field);
}

/* "shown"; "masked: last 4 characters, in the role's caseload"; "-". */
static void describe_cell(const struct sheet *sheet, unsigned role, unsigned field, struct buffer *out)
{
    struct access access = cell_of(sheet, sheet->kind, role, field);

    access.conditions = (access.conditions & ~sheet->common) | sheet->lacking;
    if (access.verdict == VERDICT_HIDDEN)
        buffer_append_text(out, "-");
    else
        access_describe(&access, out);
    if (may_change(sheet, role, field))
        buffer_append_text(out, ", may change it");
    if (may_drop(sheet, role, field))
        buffer_append_text(out, ", may create it");
}

static void describe_kinds(const struct sheet *sheet, struct buffer *out)
{
    const char *between = "";

    for (unsigned k = 0; k < sheet->policy->kind_count; k++)
        if (sheet->kinds >> k & 1) {
            buffer_printf(out, "%s%s", between, sheet->policy->kinds[k].label);
            between = ", ";
        }
}

/* What is above the table: ground, kinds, and what all of it needs. */
static void describe_sheet(const struct sheet *sheet, struct buffer *out)
{
    buffer_printf(out, "Ground %c, ", sheet->purpose->ground);
    wording_ground(sheet->purpose->ground, WORDING_ENGLISH, out);
    buffer_append_text(out, ". Dossiers: ");
    describe_kinds(sheet, out);
    if (sheet->common || sheet->lacking) {
        buffer_append_text(out, ". All of it");
        access_describe_conditions(sheet->common | (usual & ~sheet->lacking), out);
    }
    buffer_append_text(out, sheet->role_count ? "." : ". No role has this purpose.");
}

/* The cells of a field's row in the order of the roles, each to be cleared; cells[0] is the field's. */
static int fill_row(const struct sheet *sheet, unsigned field, bool labels, struct buffer *texts, const char **cells)
{
    bool failed = false;

    cells[0] = labels ? sheet->policy->fields[field].label : sheet->policy->fields[field].name;
    for (unsigned i = 0; i < sheet->role_count; i++) {
        texts[i] = BUFFER_EMPTY;
        describe_cell(sheet, sheet->roles[i], field, &texts[i]);
        cells[i + 1] = buffer_text(&texts[i]);
        failed |= texts[i].failed;
    }
    return failed ? -ENOMEM : 0;
}

static void clear_row(const struct sheet *sheet, struct buffer *texts)
{
    for (unsigned i = 0; i < sheet->role_count; i++)
        buffer_clear(&texts[i]);
}

/* ---- text ----------------------------------------------------------------------------------------------------------- */

static int add_rows(const struct sheet *sheet, struct table *table)
{
    struct buffer texts[POLICY_MAX_ROLES];
    const char *cells[POLICY_MAX_ROLES + 1];
    int result = 0;

    for (unsigned f = 0; f < sheet->policy->field_count && result == 0; f++) {
        if (!field_set_has(&sheet->purpose->fields, f))
            continue;
        result = fill_row(sheet, f, false, texts, cells);
        if (result == 0)
            result = table_add(table, cells);
        clear_row(sheet, texts);
    }
    return result;
}

static int print_table(const struct command_context *context, const struct sheet *sheet)
{
    struct table_column columns[POLICY_MAX_ROLES + 2] = {{"FIELD", TABLE_LEFT}};
    struct table *table = NULL;
    int result;

    for (unsigned i = 0; i < sheet->role_count; i++)
        columns[i + 1] = (struct table_column){sheet->policy->roles[sheet->roles[i]].name, TABLE_LEFT};
    result = table_new(context->out, columns, true, 0, &table);
    if (result == 0)
        result = add_rows(sheet, table);
    if (result == 0)
        result = table_print(table);
    table_free(table);
    return result;
}

static int print_text(const struct command_context *context, const struct sheet *sheet)
{
    struct buffer about = BUFFER_EMPTY, safe = BUFFER_EMPTY;
    int result;

    describe_sheet(sheet, &about);
    output_safe(&safe, buffer_text(&about));
    fprintf(context->out, "%s\n%s\n", sheet->purpose->name, buffer_text(&safe));
    result = about.failed || safe.failed ? -ENOMEM : 0;
    if (result == 0 && sheet->role_count)
        result = print_table(context, sheet);
    fputc('\n', context->out);
    buffer_clear(&about);
    buffer_clear(&safe);
    return result;
}

/* ---- CSV -------------------------------------------------------------------------------------------------------------- */

static int print_mask(FILE *out, const struct mask *mask)
{
    const struct access access = {.verdict = VERDICT_MASKED, .mask = *mask, .conditions = usual};
    struct buffer text = BUFFER_EMPTY;
    int result = 0;

    if (mask->code != MASK_NONE)
        access_describe(&access, &text);
    if (text.length_bytes)
        result = output_csv_safe(out, buffer_text(&text) + strlen("masked: "));
    if (text.failed)
        result = -ENOMEM;
    buffer_clear(&text);
    return result;
}

static int print_cell(FILE *out, const struct sheet *sheet, unsigned kind, unsigned role, unsigned field)
{
    static const char *const verdicts[] = {"hidden", "shown", "masked"};
    const struct policy *policy = sheet->policy;
    struct access access = cell_of(sheet, kind, role, field);
    const char *between = "";
    int result;

    fprintf(out, "%s,%c,%s,%s,%s,%s,%s,", sheet->purpose->name, sheet->purpose->ground, policy->kinds[kind].name,
            policy->roles[role].name, role < policy->own_roles ? "role" : "recipient", policy->fields[field].name,
            verdicts[access.verdict]);
    result = print_mask(out, &access.mask);
    fputc(',', out);
    for (unsigned bit = 0; bit < ACCESS_CONDITIONS; bit++)
        if (access.conditions >> bit & 1) {
            fprintf(out, "%s%s", between, access_condition_name(1U << bit));
            between = " ";
        }
    fprintf(out, ",%s,%s,%s,%u\r\n", decide_rule_name(access.rule), may_change(sheet, role, field) ? "yes" : "no",
            may_drop(sheet, role, field) ? "yes" : "no", access.line);
    return result;
}

static int print_csv(const struct command_context *context, const struct sheet *sheet)
{
    const struct policy *policy = sheet->policy;
    int result = 0;

    for (unsigned k = 0; k < policy->kind_count; k++)
        for (unsigned i = 0; i < sheet->role_count && sheet->kinds >> k & 1; i++)
            for (unsigned f = 0; f < policy->field_count && result == 0; f++)
                if (field_set_has(&sheet->purpose->fields, f))
                    result = print_cell(context->out, sheet, k, sheet->roles[i], f);
    return result;
}

/* ---- a page ------------------------------------------------------------------------------------------------------------ */

static int print_page_rows(const struct command_context *context, const struct sheet *sheet, const char *const *names)
{
    struct buffer texts[POLICY_MAX_ROLES];
    const char *cells[POLICY_MAX_ROLES + 1];
    int result = 0;

    for (unsigned f = 0; f < sheet->policy->field_count && result == 0; f++) {
        if (!field_set_has(&sheet->purpose->fields, f))
            continue;
        result = fill_row(sheet, f, true, texts, cells);
        if (result == 0)
            page_table_row(context->out, names, cells);
        clear_row(sheet, texts);
    }
    return result;
}

static int print_page(const struct command_context *context, const struct sheet *sheet)
{
    const char *names[POLICY_MAX_ROLES + 2] = {"Field"};
    struct buffer about = BUFFER_EMPTY;
    int result = 0;

    for (unsigned i = 0; i < sheet->role_count; i++)
        names[i + 1] = sheet->policy->roles[sheet->roles[i]].label;
    describe_sheet(sheet, &about);
    /* A second table of the same purpose goes without: an id stands once. */
    page_heading(context->out, 2,
                 sheet->kind == (unsigned)__builtin_ctz(sheet->purpose->kinds) ? sheet->purpose->name : NULL,
                 sheet->purpose->label);
    page_element(context->out, "p", buffer_text(&about));
    if (sheet->role_count) {
        page_table_begin(context->out, PAGE_STACKED, NULL, names);
        result = print_page_rows(context, sheet, names);
        page_table_end(context->out);
    }
    if (about.failed)
        result = -ENOMEM;
    buffer_clear(&about);
    return result;
}

static int begin_page(const struct command_context *context, const struct policy *policy, int only)
{
    char version[2 * POLICY_HASH_BYTES + 1];
    struct buffer title = BUFFER_EMPTY, made = BUFFER_EMPTY;
    int result;

    activity_version(policy, version);
    buffer_printf(&title, "Who sees what: %s", policy->organisation);
    buffer_printf(&made, "Made from the policy that is enforced: %s, version %s.", policy->file, version);
    page_begin(context->out, "en", buffer_text(&title));
    page_element(context->out, "p", buffer_text(&made));
    page_element(context->out, "p", legend);
    if (only < 0) {
        page_contents_begin(context->out, "Purposes");
        for (unsigned p = 0; p < policy->purpose_count; p++)
            page_contents(context->out, policy->purposes[p].name, policy->purposes[p].label);
        page_contents_end(context->out);
    }
    result = title.failed || made.failed ? -ENOMEM : 0;
    buffer_clear(&title);
    buffer_clear(&made);
    return result;
}

/* ---- all of it --------------------------------------------------------------------------------------------------------- */

static int print_sheets(const struct command_context *context, const struct policy *policy, int only,
                        int (*print)(const struct command_context *context, const struct sheet *sheet))
{
    int result = 0;

    for (unsigned p = 0; p < policy->purpose_count && result == 0; p++) {
        uint32_t done = 0;
        struct sheet sheet;

        while ((only < 0 || p == (unsigned)only) && result == 0 && next_sheet(policy, p, &done, &sheet))
            result = print(context, &sheet);
    }
    return result;
}

static int print_all(const struct command_context *context, const struct policy *policy, int only)
{
    int result;

    if (commands_option(context, "csv")) {
        fputs("purpose,ground,kind,role,party,field,verdict,mask,conditions,rule,may_change,may_create,line\r\n",
              context->out);
        return print_sheets(context, policy, only, print_csv);
    }
    if (!commands_option(context, "html")) {
        result = print_sheets(context, policy, only, print_text);
        fprintf(context->out, "%s\n", legend);
        return result;
    }
    result = begin_page(context, policy, only);
    if (result == 0)
        result = print_sheets(context, policy, only, print_page);
    page_end(context->out);
    return result;
}

int policy_matrix_run(struct command_context *context)
{
    const char *purpose = commands_option(context, "purpose"), *nearest;
    struct policy *policy = NULL;
    int code, only = -1;

    if (!context->place.policy)
        return commands_cannot(context, "which policy? -n NAME or -p POLICY");
    if (commands_option(context, "csv") && commands_option(context, "html"))
        return commands_cannot(context, "--csv or --html, not both");
    code = place_read_policy(context->place.policy, &policy, context->error);
    if (code == COMMAND_DONE && purpose) {
        only = policy_names_find(policy, POLICY_PURPOSES, purpose, &nearest);
        if (only < 0)
            code = commands_cannot(context, "the policy has no purpose \"%.63s\"%s%s%s", purpose,
                                   nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    }
    if (code == COMMAND_DONE && print_all(context, policy, only) < 0)
        code = commands_cannot(context, "no memory");
    policy_free(policy);
    return code;
}
