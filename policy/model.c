#include "policy/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/number.h"
#include "policy/suggest.h"

static void index_names(struct model *model)
{
    for (enum section_type type = 0; type < SECTION_TYPES; type++) {
        struct name_table *names = &model->private->names[type];
        const struct draft *draft = model->draft;

        if (name_table_init(names, model->arena, draft->counts[type]))
            return;
        for (unsigned i = 0; i < draft->counts[type]; i++)
            name_table_set(names, i, draft->sections[type][i]->name);
        name_table_sort(names);
    }
}

static void take_room(struct model *model)
{
    const unsigned *counts = model->draft->counts;
    struct policy *policy = model->policy;

    policy->private = model->private;
    policy->kinds = model->kinds = arena_take_many(model->arena, counts[SECTION_KIND], sizeof *model->kinds);
    policy->categories = model->categories =
        arena_take_many(model->arena, counts[SECTION_CATEGORY], sizeof *model->categories);
    policy->fields = model->fields = arena_take_many(model->arena, counts[SECTION_FIELD], sizeof *model->fields);
    policy->purposes = model->purposes =
        arena_take_many(model->arena, counts[SECTION_PURPOSE], sizeof *model->purposes);
    policy->roles = model->roles =
        arena_take_many(model->arena, counts[SECTION_ROLE] + counts[SECTION_RECIPIENT], sizeof *model->roles);
    if (model->arena->failed)
        return;
    policy->kind_count = counts[SECTION_KIND];
    policy->category_count = counts[SECTION_CATEGORY];
    policy->field_count = counts[SECTION_FIELD];
    policy->purpose_count = counts[SECTION_PURPOSE];
    policy->own_roles = counts[SECTION_ROLE];
    policy->role_count = counts[SECTION_ROLE] + counts[SECTION_RECIPIENT];
    if (policy->role_count > POLICY_MAX_ROLES) {
        const struct draft_section *over =
            model->draft->sections[SECTION_RECIPIENT][POLICY_MAX_ROLES - policy->own_roles];

        faults_add(model->faults, over->line, "more than %d roles and recipients; allowed: at most %d together",
                   POLICY_MAX_ROLES, POLICY_MAX_ROLES);
        policy->role_count = POLICY_MAX_ROLES; /* what is built stays inside the tables; it is never published */
    }
}

/* Keys that a section must have. */
static void check_required(struct model *model)
{
    for (enum section_type type = 0; type < SECTION_TYPES; type++) {
        const struct grammar_section *grammar = grammar_section(type);

        for (unsigned i = 0; i < model->draft->counts[type]; i++) {
            const struct draft_section *section = model->draft->sections[type][i];

            for (const struct grammar_key *key = grammar->keys; key->name && !section->damaged; key++)
                if (key->required && !section->values[key->key])
                    faults_add(model->faults, section->line, "[%s%s%s] lacks '%s', which is required", grammar->word,
                               *section->name ? " " : "", faults_word(section->name).text, key->name);
        }
    }
}

int model_build(struct model *model, struct draft *draft)
{
    *model = (struct model){.draft = draft, .arena = &draft->arena, .faults = &draft->faults};
    model->policy = arena_take(model->arena, sizeof *model->policy);
    model->private = arena_take(model->arena, sizeof *model->private);
    if (model->arena->failed)
        return -ENOMEM;
    take_room(model);
    index_names(model);
    if (model->arena->failed)
        return -ENOMEM;
    check_required(model);
    model_policy(model);
    model_kinds(model);
    model_categories(model);
    model_fields(model);
    model_terms(model);
    model_purposes(model);
    model_rules(model);
    model_roles(model);
    model_secrecy(model);
    model_published(model);
    model_mount(model);
    model_log(model);
    model_never(model);
    return model->arena->failed || model->faults->failed ? -ENOMEM : 0;
}

struct policy *model_publish(struct model *model)
{
    struct policy *policy = model->policy;

    policy->private->arena = *model->arena;
    *model->arena = (struct arena){0};
    *model = (struct model){0};
    return policy;
}

void model_clear(struct model *model)
{
    for (unsigned i = 0; model->policy && i < model->policy->kind_count; i++)
        pattern_free((struct pattern *)model->kinds[i].code);
    for (unsigned i = 0; model->policy && i < model->policy->field_count; i++)
        pattern_free((struct pattern *)model->fields[i].type.pattern);
    *model = (struct model){0};
}

const char *model_text(const struct draft_section *section, enum key key, const char *otherwise)
{
    return section && section->values[key] ? section->values[key]->text : otherwise;
}

unsigned model_line(const struct draft_section *section, enum key key)
{
    return section->values[key] ? section->values[key]->line : section->line;
}

static void suggest_names(struct suggest *suggest, const struct draft *draft, enum section_type type)
{
    for (unsigned i = 0; i < draft->counts[type]; i++)
        suggest_consider(suggest, draft->sections[type][i]->name);
}

/* What a suggestion costs is only spent while faults are still told. */
static bool may_tell(const struct model *model)
{
    return !model->draft->damaged && model->faults->found.count < FAULTS_MAX;
}

int model_reference(struct model *model, enum section_type type, const char *name, unsigned line)
{
    int index = name_table_find(&model->private->names[type], name);
    const char *word = grammar_section(type)->word;
    char allowed[64] = "the name of a [";
    struct suggest suggest;

    if (index >= 0)
        return index;
    if (!may_tell(model)) {
        model->faults->more |= !model->draft->damaged;
        return -1;
    }
    strcat(strcat(allowed, word), "] section");
    suggest_init(&suggest, name);
    suggest_names(&suggest, model->draft, type);
    faults_add_unknown(model->faults, line, word, name, suggest.nearest, allowed);
    return -1;
}

int model_reference_role(struct model *model, const char *name, unsigned line)
{
    int role = name_table_find(&model->private->names[SECTION_ROLE], name);
    int recipient = name_table_find(&model->private->names[SECTION_RECIPIENT], name);
    struct suggest suggest;

    if (role < 0 && recipient >= 0)
        role = (int)model->policy->own_roles + recipient;
    if (role >= 0)
        return role < POLICY_MAX_ROLES ? role : -1;
    if (!may_tell(model)) {
        model->faults->more |= !model->draft->damaged;
        return -1;
    }
    suggest_init(&suggest, name);
    suggest_names(&suggest, model->draft, SECTION_ROLE);
    suggest_names(&suggest, model->draft, SECTION_RECIPIENT);
    faults_add_unknown(model->faults, line, "role", name, suggest.nearest, "the name of a [role] or a [recipient]");
    return -1;
}

bool model_reference_fields(struct model *model, const char *name, unsigned line, struct field_set *set)
{
    int field = name_table_find(&model->private->names[SECTION_FIELD], name);
    int category = name_table_find(&model->private->names[SECTION_CATEGORY], name);
    struct suggest suggest;

    if (field >= 0)
        field_set_add(set, (unsigned)field);
    for (unsigned i = 0; category >= 0 && i < model->policy->field_count; i++)
        if (model->fields[i].category == (unsigned)category)
            field_set_add(set, i);
    if (field >= 0 || category >= 0)
        return true;
    if (may_tell(model)) {
        suggest_init(&suggest, name);
        suggest_names(&suggest, model->draft, SECTION_FIELD);
        suggest_names(&suggest, model->draft, SECTION_CATEGORY);
        faults_add_unknown(model->faults, line, "field", name, suggest.nearest,
                           "the name of a [field], or of a [category] for all its fields");
    } else {
        model->faults->more |= !model->draft->damaged;
    }
    return false;
}

void model_add_fields(struct model *model, const char *name, unsigned line, const struct field_set *added,
                      struct field_set *set)
{
    bool some = false, new = false;

    for (size_t i = 0; i < sizeof set->bits / sizeof *set->bits; i++) {
        some |= added->bits[i] != 0;
        new |= (added->bits[i] & ~set->bits[i]) != 0;
        set->bits[i] |= added->bits[i];
    }
    if (!some)
        faults_add(model->faults, line, "the category '%s' has no fields; allowed: one that a [field] belongs to",
                   name);
    else if (!new)
        faults_add(model->faults, line, "'%s' is listed twice: all it stands for is there already; allowed: once",
                   name);
}

void model_fields_of(struct model *model, const struct draft_section *section, enum key key, struct field_set *set)
{
    struct model_list list = model_list(model, section, key);

    while (model_list_next(&list)) {
        struct field_set added = {0};

        if (model_reference_fields(model, list.text, list.line, &added))
            model_add_fields(model, list.text, list.line, &added, set);
    }
}

/* Data is found by one name: an old name may not be another's, now or before. */
const char *model_was(struct model *model, const struct draft_section *section)
{
    const char *was = model_text(section, KEY_WAS, "");
    const char *word = grammar_section(section->type)->word;
    unsigned line = model_line(section, KEY_WAS);

    if (!section->values[KEY_WAS])
        return was;
    if (!draft_is_name(was))
        faults_add(model->faults, line, "'%s' is no name; allowed: the name that this [%s] had before",
                   faults_word(was).text, word);
    else if (name_table_find(&model->private->names[section->type], was) >= 0)
        faults_add(model->faults, line, "[%s %s] is there, and its data is its own; allowed: a name that is gone",
                   word, was);
    for (unsigned i = 0; i < model->draft->counts[section->type]; i++) {
        const struct draft_section *other = model->draft->sections[section->type][i];

        if (other->line < section->line && strcmp(model_text(other, KEY_WAS, ""), was) == 0)
            faults_add(model->faults, line, "[%s %s] was '%s' already, on line %u; allowed: once", word, other->name,
                       faults_word(was).text, model_line(other, KEY_WAS));
    }
    return was;
}

const char *model_reason(struct model *model, const struct draft_section *section, enum key key)
{
    const char *text = model_text(section, key, "");

    if (section->values[key] && !*text)
        faults_add(model->faults, model_line(section, key), "'%s' is empty; allowed: a text that says which, or why",
                   grammar_key_of(section->type, key)->name);
    return text;
}

bool model_yes(struct model *model, const struct draft_section *section, enum key key)
{
    const char *text = model_text(section, key, "no");
    char what[48];

    if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0)
        return *text == 'y';
    snprintf(what, sizeof what, "value of %s", grammar_key_of(section->type, key)->name);
    faults_add_unknown(model->faults, model_line(section, key), what, text, NULL, "yes, no");
    return false;
}

bool model_day(struct model *model, const char *text, unsigned line, int32_t *day)
{
    uint32_t year, month, month_day;

    if (strlen(text) == 10 && text[4] == '-' && text[7] == '-' && !number_parse_u32(text, 4, 1, 9999, &year) &&
        !number_parse_u32(text + 5, 2, 1, 12, &month) && !number_parse_u32(text + 8, 2, 1, 31, &month_day) &&
        terms_day_exists((int)year, (int)month, (int)month_day)) {
        *day = terms_day((int)year, (int)month, (int)month_day);
        return true;
    }
    faults_add(model->faults, line, "'%s' is no day; allowed: YYYY-MM-DD", faults_word(text).text);
    return false;
}

struct model_list model_list(struct model *model, const struct draft_section *section, enum key key)
{
    const struct draft_value *value = section->values[key];

    return (struct model_list){.model = model, .value = value, .at = value ? value->text : NULL};
}

static char *trim(char *text)
{
    size_t length_bytes;

    while (*text == ' ')
        text++;
    length_bytes = strlen(text);
    while (length_bytes > 0 && text[length_bytes - 1] == ' ')
        text[--length_bytes] = '\0';
    return text;
}

bool model_list_next(struct model_list *list)
{
    while (list->value) {
        char *comma;

        if (!list->at) {
            list->value = list->value->next;
            list->at = list->value ? list->value->text : NULL;
            continue;
        }
        comma = strchr(list->at, ',');
        list->line = list->value->line;
        list->text = list->at;
        list->at = comma ? comma + 1 : NULL;
        if (comma)
            *comma = '\0';
        list->text = trim(list->text);
        if (*list->text)
            return true;
        faults_add(list->model->faults, list->line, "an empty place in a list; allowed: items with one ',' between");
    }
    return false;
}

size_t model_list_room(const struct draft_section *section, enum key key)
{
    size_t room = 0;

    for (const struct draft_value *value = section->values[key]; value; value = value->next) {
        room++;
        for (const char *at = value->text; (at = strchr(at, ',')); at++)
            room++;
    }
    return room;
}
