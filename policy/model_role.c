#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/number.h"
#include "policy/mask.h"
#include "policy/model.h"
#include "policy/suggest.h"

#define MEMBER_RULE "a user name, or the number of a uid (0 to 4294967294)"

enum { MEMBER_MAX_BYTES = 127 };

/* ---- members ---- */

static bool is_account_name(const char *name)
{
    size_t length_bytes = strlen(name);

    return length_bytes > 0 && length_bytes <= MEMBER_MAX_BYTES && !strchr("@-+0123456789", *name) &&
           !strpbrk(name, ":/#'\"()<>|");
}

/* `@group`, a user name, or a uid. False, with a fault: none of these. */
static bool read_member(struct model *model, const char *text, unsigned line, bool groups, struct policy_member *out)
{
    const char *group = *text == '@' ? text + 1 : NULL;
    size_t length_bytes = strlen(text);

    *out = (struct policy_member){.line = line};
    if (strspn(text, "0123456789") == length_bytes) {
        out->kind = MEMBER_UID;
        /* 007 would be octal to some and decimal to others. */
        if ((*text != '0' || length_bytes == 1) &&
            !number_parse_u32(text, length_bytes, 0, UINT32_MAX - 1, &out->uid))
            return true;
    } else if (group && groups && is_account_name(group)) {
        out->kind = MEMBER_GROUP;
        out->name = group;
        return true;
    } else if (!group && is_account_name(text) && !strchr(text, ' ')) {
        out->kind = MEMBER_USER;
        out->name = text;
        return true;
    }
    if (group && !groups)
        faults_add(model->faults, line, "'%s': secrecy is a person's, not a group's; allowed: " MEMBER_RULE,
                   faults_word(text).text);
    else
        faults_add(model->faults, line, "'%s' is no member; allowed: %s" MEMBER_RULE, faults_word(text).text,
                   groups ? "@group, " : "");
    return false;
}

static int compare_members(const void *a, const void *b)
{
    const struct policy_member *left = a, *right = b;

    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    if (left->kind == MEMBER_UID)
        return (left->uid > right->uid) - (left->uid < right->uid);
    return strcmp(left->name, right->name);
}

static void check_members_once(struct model *model, const struct private_role *role)
{
    struct policy_member *sorted = arena_take_many(model->arena, role->member_count, sizeof *sorted);

    if (!sorted || role->member_count < 2)
        return;
    memcpy(sorted, role->members, role->member_count * sizeof *sorted);
    qsort(sorted, role->member_count, sizeof *sorted, compare_members);
    for (size_t i = 1; i < role->member_count; i++) {
        unsigned line = sorted[i].line > sorted[i - 1].line ? sorted[i].line : sorted[i - 1].line;

        if (compare_members(&sorted[i - 1], &sorted[i]) != 0)
            continue;
        if (sorted[i].kind == MEMBER_UID)
            faults_add(model->faults, line, "'%u' is listed twice; allowed: once", sorted[i].uid);
        else
            faults_add(model->faults, line, "'%s' is listed twice; allowed: once", faults_word(sorted[i].name).text);
    }
}

static void read_members(struct model *model, const struct draft_section *section, struct private_role *role)
{
    struct model_list list = model_list(model, section, KEY_MEMBERS);

    role->members = arena_take_many(model->arena, model_list_room(section, KEY_MEMBERS), sizeof *role->members);
    while (role->members && model_list_next(&list))
        if (read_member(model, list.text, list.line, true, &role->members[role->member_count]))
            role->member_count++;
    if (role->members)
        check_members_once(model, role);
}

/* ---- purposes, fields, masks ---- */

static void read_purposes(struct model *model, const struct draft_section *section, struct policy_role *role)
{
    struct model_list list = model_list(model, section, KEY_PURPOSES);

    role->purposes_line = model_line(section, KEY_PURPOSES);
    if (section->type == SECTION_ROLE && !section->values[KEY_PURPOSES] && !section->values[KEY_COMMANDS] &&
        !section->damaged)
        faults_add(model->faults, section->line,
                   "[role %s] has neither 'purposes' nor 'commands'; required: one of them",
                   faults_word(section->name).text);
    while (model_list_next(&list)) {
        int purpose = model_reference(model, SECTION_PURPOSE, list.text, list.line);

        if (purpose < 0)
            continue;
        if (role->purposes >> purpose & 1)
            faults_add(model->faults, list.line, "'%s' is listed twice; allowed: once", list.text);
        role->purposes |= (uint64_t)1 << purpose;
    }
}

static void read_narrowing(struct model *model, const struct draft_section *section, struct policy_role *role)
{
    /* What an agreement does not name is outside it: a recipient without fields sees nothing. */
    role->narrows = section->values[KEY_FIELDS] != NULL || section->type == SECTION_RECIPIENT;
    role->fields_line = model_line(section, KEY_FIELDS);
    model_fields_of(model, section, KEY_FIELDS, &role->fields);
}

static bool read_mask(struct model *model, const char *text, unsigned line, struct mask *out)
{
    static const char *const forms[] = {"year", "last4", "first2", "initial", "domain", "yes-no", "hash", "text=..."};
    struct suggest suggest;

    if (mask_parse(text, out) == 0)
        return true;
    suggest_init(&suggest, text);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        suggest_consider(&suggest, forms[i]);
    faults_add_unknown(model->faults, line, "mask", text, suggest.nearest,
                       "year, initial, domain, yes-no, hash, text=WORDS, firstN and lastN with N 1 to 16");
    return false;
}

static void add_mask(struct model *model, char *text, unsigned line, struct policy_role *role)
{
    char *colon = strchr(text, ':');
    struct mask mask;
    int field;

    if (!colon) {
        faults_add(model->faults, line, "'%s' is no mask; allowed: FIELD:MASK, such as a birth date's :year",
                   faults_word(text).text);
        return;
    }
    *colon = '\0';
    if (name_table_find(&model->private->names[SECTION_CATEGORY], text) >= 0) {
        faults_add(model->faults, line, "'%s' is a category; allowed: FIELD:MASK, for one field each", text);
        return;
    }
    field = model_reference(model, SECTION_FIELD, text, line);
    if (!read_mask(model, colon + 1, line, &mask) || field < 0)
        return;
    if (mask.code == MASK_YEAR && model->fields[field].type.code != TYPE_DATE) {
        faults_add(model->faults, line, "'%s' has no year: it is of type %s; allowed: year with a field of type date",
                   text, type_name(model->fields[field].type.code));
        return;
    }
    if (mask.code == MASK_DOMAIN && model->fields[field].type.code != TYPE_EMAIL) {
        faults_add(model->faults, line,
                   "'%s' has no domain: it is of type %s; allowed: domain with a field of type email", text,
                   type_name(model->fields[field].type.code));
        return;
    }
    if (role->mask[field].code != MASK_NONE) {
        faults_add(model->faults, line, "'%s' is masked twice, first on line %u; allowed: once", text,
                   role->mask_line[field]);
        return;
    }
    role->mask[field] = mask;
    role->mask_line[field] = line;
}

static void read_masks(struct model *model, const struct draft_section *section, struct policy_role *role)
{
    struct model_list list = model_list(model, section, KEY_MASK);

    while (model_list_next(&list))
        add_mask(model, list.text, list.line, role);
}

/* ---- commands ---- */

/* What may be given to the daemon, and the groups of these (`log.*`). */
/* clang-format off */
static const char *const commands_known[] = {
    "import",
    "fact.consent", "fact.opt-out", "fact.objection", "fact.restriction", "fact.incident", "fact.hold", "fact.list",
    "fact.review", "fact.*",
    "log.breach", "log.did", "log.expire", "log.export", "log.report", "log.show", "log.unusual", "log.who-saw", "log.*",
    "policy.edit", "policy.explain", "policy.replay", "policy.versions", "policy.*",
    "status",
};
/* clang-format on */
enum { COMMANDS_KNOWN = sizeof commands_known / sizeof *commands_known };

static bool is_command(struct model *model, const char *text, unsigned line)
{
    struct suggest suggest;

    suggest_init(&suggest, text);
    for (size_t i = 0; i < COMMANDS_KNOWN; i++) {
        if (strcmp(commands_known[i], text) == 0)
            return true;
        suggest_consider(&suggest, commands_known[i]);
    }
    faults_add_unknown(model->faults, line, "command", text, suggest.nearest,
                       "fact.*, import, log.*, policy.*, status, or one of these groups (the list is in "
                       "dossier-policy(5))");
    return false;
}

static void add_command(struct model *model, const char *text, unsigned line, struct private_role *role)
{
    for (size_t i = 0; i < role->command_count; i++) {
        if (strcmp(role->commands[i].text, text) == 0) {
            faults_add(model->faults, line, "'%s' is listed twice; allowed: once", text);
            return;
        }
    }
    role->commands[role->command_count++] = (struct policy_command){.text = text, .line = line};
}

static void read_commands(struct model *model, const struct draft_section *section, struct private_role *role)
{
    struct model_list list = model_list(model, section, KEY_COMMANDS);

    role->commands = arena_take_many(model->arena, COMMANDS_KNOWN, sizeof *role->commands);
    while (role->commands && model_list_next(&list))
        if (is_command(model, list.text, list.line))
            add_command(model, list.text, list.line, role);
}

static void read_role(struct model *model, const struct draft_section *section, unsigned index)
{
    struct policy_role *role = &model->roles[index];

    role->name = section->name;
    role->label = model_text(section, KEY_LABEL, section->name);
    role->line = section->line;
    role->members_line = model_line(section, KEY_MEMBERS);
    role->agreement_article = role->requester = "";
    role->signed_day = INT32_MIN;
    role->until_day = INT32_MAX;
    read_members(model, section, &model->private->roles[index]);
    read_purposes(model, section, role);
    read_narrowing(model, section, role);
    read_masks(model, section, role);
    read_commands(model, section, &model->private->roles[index]);
    model_limits(model, section, role);
}

void model_roles(struct model *model)
{
    unsigned own = model->policy->own_roles;

    for (unsigned i = 0; i < own; i++)
        read_role(model, model->draft->sections[SECTION_ROLE][i], i);
    for (unsigned i = own; i < model->policy->role_count; i++) {
        const struct draft_section *section = model->draft->sections[SECTION_RECIPIENT][i - own];

        if (name_table_find(&model->private->names[SECTION_ROLE], section->name) >= 0)
            faults_add(model->faults, section->line, "'%s' is a role and a recipient; allowed: different names",
                       section->name);
        read_role(model, section, i);
        model_agreement(model, section, &model->roles[i]);
    }
}

/* ---- [secrecy] ---- */

static void add_bound(struct model *model, char *text, unsigned line)
{
    struct private_bound bound = {.until_day = INT32_MAX};
    char *rest = NULL, *member = strtok_r(text, " ", &rest);
    char *from = strtok_r(NULL, " ", &rest), *until = strtok_r(NULL, " ", &rest);

    if (!member || !from || strtok_r(NULL, " ", &rest)) {
        faults_add(model->faults, line,
                   "no secrecy record; allowed: MEMBER FROM, or MEMBER FROM UNTIL, days as "
                   "YYYY-MM-DD, MEMBER " MEMBER_RULE);
        return;
    }
    if (!read_member(model, member, line, false, &bound.member) || !model_day(model, from, line, &bound.from_day) ||
        (until && !model_day(model, until, line, &bound.until_day)))
        return;
    if (bound.until_day < bound.from_day) {
        faults_add(model->faults, line, "the last day %s is before the first day %s", until, from);
        return;
    }
    model->private->bounds[model->private->bound_count++] = bound;
}

void model_secrecy(struct model *model)
{
    const struct draft_section *section =
        model->draft->counts[SECTION_SECRECY] ? model->draft->sections[SECTION_SECRECY][0] : NULL;
    struct model_list list;

    if (!section)
        return;
    model->private->bounds =
        arena_take_many(model->arena, model_list_room(section, KEY_BOUND), sizeof *model->private->bounds);
    list = model_list(model, section, KEY_BOUND);
    while (model->private->bounds && model_list_next(&list))
        add_bound(model, list.text, list.line);
}
