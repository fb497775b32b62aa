#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/model.h"
#include "policy/retention.h"
#include "policy/suggest.h"

/* ---- [policy] ---- */

/* "Europe/Amsterdam": words of letters, digits, '_', '+' and '-' with '/' between. Whether the system knows the zone is
 * not asked here: a policy is read without files. It becomes a file's name, hence no '.'. */
static bool is_timezone(const char *text)
{
    size_t word_bytes = 0;

    if (strlen(text) > 64)
        return false;
    for (; *text; text++) {
        bool letter = (*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z');

        if (*text == '/' ? word_bytes == 0 : word_bytes == 0 && !letter)
            return false;
        if (*text != '/' && !letter && !strchr("0123456789_+-", *text))
            return false;
        word_bytes = *text == '/' ? 0 : word_bytes + 1;
    }
    return word_bytes > 0;
}

void model_policy(struct model *model)
{
    const struct draft *draft = model->draft;
    const struct draft_section *section = draft->counts[SECTION_POLICY] ? draft->sections[SECTION_POLICY][0] : NULL;
    struct policy *policy = model->policy;

    if (!section && !draft->damaged)
        faults_add(model->faults, 0,
                   "the section [policy] is missing; required: [policy] with organisation and timezone");
    policy->organisation = model_text(section, KEY_ORGANISATION, "");
    policy->timezone = model_text(section, KEY_TIMEZONE, "");
    policy->contact = model_text(section, KEY_CONTACT, "");
    policy->public_body = section && model_yes(model, section, KEY_PUBLIC_BODY);
    if (*policy->timezone && !is_timezone(policy->timezone))
        faults_add(model->faults, model_line(section, KEY_TIMEZONE),
                   "'%s' is no time zone; allowed: a name such as Europe/Amsterdam",
                   faults_word(policy->timezone).text);
}

/* ---- [kind] ---- */

static const struct pattern *compile(struct model *model, const struct draft_section *section, enum key key)
{
    struct pattern *pattern = NULL;
    const char *why = "";

    if (!section->values[key])
        return NULL;
    switch (pattern_compile(section->values[key]->text, &pattern, &why)) {
    case 0:
        return pattern;
    case -ENOMEM:
        model->arena->failed = true;
        return NULL;
    default:
        faults_add(
            model->faults, section->values[key]->line,
            "no pattern: %s; allowed: characters, ., [a-z], [^a-z], \\ before a special one, and ?, *, +, {n}, "
            "{n,m}",
            why);
        return NULL;
    }
}

void model_kinds(struct model *model)
{
    for (unsigned i = 0; i < model->policy->kind_count; i++) {
        const struct draft_section *section = model->draft->sections[SECTION_KIND][i];
        struct policy_kind *kind = &model->kinds[i];

        kind->name = section->name;
        kind->label = model_text(section, KEY_LABEL, section->name);
        kind->was = model_was(model, section);
        kind->controller = model_text(section, KEY_CONTROLLER, model->policy->organisation);
        kind->line = section->line;
        kind->code = compile(model, section, KEY_CODE);
        /* A code is unique in the store, whatever its kind: two kinds may not look wholly alike. */
        for (unsigned other = 0; kind->code && other < i; other++)
            if (model->kinds[other].code &&
                strcmp(pattern_text(model->kinds[other].code), pattern_text(kind->code)) == 0)
                faults_add(model->faults, model_line(section, KEY_CODE),
                           "the code is the same as that of [kind %s]; allowed: a pattern of its own for each kind",
                           model->kinds[other].name);
    }
}

/* ---- [category] ---- */

/* A name in a list of fields stands for a field or for a category. */
static void check_apart(struct model *model, const struct draft_section *category)
{
    int field = name_table_find(&model->private->names[SECTION_FIELD], category->name);
    unsigned line;

    if (field < 0)
        return;
    line = model->draft->sections[SECTION_FIELD][field]->line;
    faults_add(model->faults, line > category->line ? line : category->line,
               "'%s' is a field and a category, the other on line %u; allowed: different names", category->name,
               line > category->line ? category->line : line);
}

/* A key with one word: without the key the opposite holds. False, with a fault: another word. */
static bool read_only_word(struct model *model, const struct draft_section *section, enum key key, const char *word)
{
    const char *text = model_text(section, key, NULL);
    char what[48];

    if (!text || strcmp(text, word) == 0)
        return text != NULL;
    snprintf(what, sizeof what, "value of %s", grammar_key_of(SECTION_CATEGORY, key)->name);
    faults_add_unknown(model->faults, model_line(section, key), what, text, NULL, word);
    return false;
}

static void read_only_roles(struct model *model, const struct draft_section *section,
                            struct policy_category *category)
{
    struct model_list list = model_list(model, section, KEY_ROLES);

    category->roles_line = model_line(section, KEY_ROLES);
    while (model_list_next(&list)) {
        int role = model_reference_role(model, list.text, list.line);

        if (role < 0)
            continue;
        if (category->roles >> role & 1)
            faults_add(model->faults, list.line, "'%s' is listed twice; allowed: once", list.text);
        category->roles |= (uint64_t)1 << role;
    }
}

static void read_category_rules(struct model *model, const struct draft_section *section,
                                struct policy_category *category)
{
    category->never_stored = read_only_word(model, section, KEY_STORED, "never");
    category->store_line = model_line(section, KEY_STORED);
    category->incident = read_only_word(model, section, KEY_INCIDENT, "required");
    category->incident_line = model_line(section, KEY_INCIDENT);
    read_only_roles(model, section, category);
}

void model_categories(struct model *model)
{
    for (unsigned i = 0; i < model->policy->category_count; i++) {
        const struct draft_section *section = model->draft->sections[SECTION_CATEGORY][i];

        model->categories[i].name = section->name;
        model->categories[i].label = model_text(section, KEY_LABEL, section->name);
        model->categories[i].was = model_was(model, section);
        model->categories[i].line = section->line;
        model->categories[i].retention_line = section->values[KEY_RETENTION] ? model_line(section, KEY_RETENTION) : 0;
        read_category_rules(model, section, &model->categories[i]);
        check_apart(model, section);
    }
}

void model_terms(struct model *model)
{
    for (unsigned i = 0; i < model->policy->category_count; i++) {
        const struct draft_section *section = model->draft->sections[SECTION_CATEGORY][i];
        const struct draft_value *value = section->values[KEY_RETENTION];
        struct policy_category *category = &model->categories[i];

        if (value)
            category->has_retention = retention_read(model, value, &category->retention);
        for (const struct draft_by_kind *by = section->by_kind; by; by = by->next) {
            int kind = model_reference(model, SECTION_KIND, by->kind, by->value->line);
            struct retention ignored;

            if (!category->retention_line)
                category->retention_line = by->value->line;
            if (kind < 0)
                retention_read(model, by->value, &ignored);
            else
                category->has_retention_kind[kind] =
                    retention_read(model, by->value, &category->retention_kind[kind]);
        }
    }
}

/* ---- [field] ---- */

static void read_type(struct model *model, const struct draft_section *section, struct policy_field *field)
{
    const char *word = model_text(section, KEY_TYPE, NULL);
    int code = word ? type_find(word) : -1;
    struct suggest suggest;
    char allowed[200] = "";

    field->type.code = TYPE_TEXT;
    if (code >= 0)
        field->type.code = (enum type_code)code;
    if (!word || code >= 0)
        return;
    suggest_init(&suggest, word);
    for (enum type_code each = TYPE_TEXT; each <= TYPE_PATTERN; each++) {
        suggest_consider(&suggest, type_name(each));
        if (each != TYPE_TEXT)
            strncat(allowed, ", ", sizeof allowed - strlen(allowed) - 1);
        strncat(allowed, type_name(each), sizeof allowed - strlen(allowed) - 1);
    }
    faults_add_unknown(model->faults, model_line(section, KEY_TYPE), "type", word, suggest.nearest, allowed);
}

static bool has_word(const struct type *type, const char *word)
{
    for (size_t i = 0; i < type->word_count; i++)
        if (strcmp(type->words[i], word) == 0)
            return true;
    return false;
}

enum { ENUM_MAX_WORDS = 256 };

static void read_words(struct model *model, const struct draft_section *section, struct type *type)
{
    struct model_list list = model_list(model, section, KEY_VALUES);
    size_t room = model_list_room(section, KEY_VALUES);
    const char **words = arena_take_many(model->arena, room, sizeof *words);

    if (!words)
        return;
    type->words = words;
    while (model_list_next(&list)) {
        if (type->word_count == ENUM_MAX_WORDS) {
            faults_add(model->faults, list.line, "more than %d values; allowed: at most %d", ENUM_MAX_WORDS,
                       ENUM_MAX_WORDS);
            return;
        }
        if (has_word(type, list.text))
            faults_add(model->faults, list.line, "'%s' is listed twice; allowed: once", faults_word(list.text).text);
        else if (strchr(list.text, '|'))
            faults_add(model->faults, list.line, "'%s' has a '|', which separates the values of a list",
                       faults_word(list.text).text);
        else
            words[type->word_count++] = list.text;
    }
}

/* A key that one type needs and no other may have. */
static bool goes_with(struct model *model, const struct draft_section *section, enum key key, enum type_code needed,
                      const struct type *type)
{
    const char *name = grammar_key_of(SECTION_FIELD, key)->name;
    bool right = type->code == needed, given = section->values[key];

    if (section->damaged || !section->values[KEY_TYPE] || type_find(section->values[KEY_TYPE]->text) < 0)
        return given;
    if (right && !given)
        faults_add(model->faults, model_line(section, KEY_TYPE), "type %s needs '%s'", type_name(needed), name);
    if (!right && given)
        faults_add(model->faults, model_line(section, key), "'%s' goes with type = %s only", name, type_name(needed));
    return right && given;
}

static void read_is_list(struct model *model, const struct draft_section *section, struct type *type)
{
    const char *text = model_text(section, KEY_LIST, "no");

    type->is_list = strcmp(text, "yes") == 0;
    if (!type->is_list && strcmp(text, "no") != 0)
        faults_add_unknown(model->faults, model_line(section, KEY_LIST), "value of list", text, NULL, "yes, no");
}

/* Does the name have the word between hyphens? "rating" is in "operating-costs". */
static bool says_word(const char *name, const char *word)
{
    size_t length_bytes = strlen(word);

    for (const char *at = name; (at = strstr(at, word)); at++)
        if ((at == name || at[-1] == '-') && (!at[length_bytes] || at[length_bytes] == '-'))
            return true;
    return false;
}

/* No profiling (A5): a field whose name says that it judges people has to be justified in the policy itself. */
static void check_profiling(struct model *model, const struct draft_section *section)
{
    static const struct {
        const char *text;
        bool whole; /* only as a word of its own; otherwise also within one: risicoklasse */
    } words[] = {{"score", false},   {"risico", false}, {"risk", false},  {"profiel", false},
                 {"profile", false}, {"rating", true},  {"ranking", true}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bool says =
            words[i].whole ? says_word(section->name, words[i].text) : strstr(section->name, words[i].text) != NULL;

        if (says && !section->values[KEY_NOT_PROFILING] && !section->damaged) {
            faults_add(model->faults, section->line,
                       "the name '%s' says '%s': profiles of people aren't kept; allowed: another name, or "
                       "not-profiling = why it is none",
                       section->name, words[i].text);
            return;
        }
    }
}

static void check_field_name(struct model *model, const struct draft_section *section)
{
    if (strcmp(section->name, "capture") == 0 || strcmp(section->name, "recording") == 0)
        faults_add(model->faults, section->line, "'%s' is a word of the terms of retention; allowed: another name",
                   section->name);
    check_profiling(model, section);
}

/* Data that the law sets apart: health, belief and so on (GDPR art. 9), offences (art. 10), the BSN, children (H4). */
static void read_special(struct model *model, const struct draft_section *section, struct policy_field *field)
{
    static const char *const words[] = {"bsn", "health", "children", "belief", "origin", "criminal"};
    const char *text = model_text(section, KEY_SPECIAL, field->type.code == TYPE_BSN ? "bsn" : NULL);
    struct suggest suggest;

    field->special_word = "";
    if (!text)
        return;
    field->special = true;
    field->special_line = section->values[KEY_SPECIAL] ? model_line(section, KEY_SPECIAL) : section->line;
    suggest_init(&suggest, text);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], text) == 0) {
            field->special_word = words[i];
            return;
        }
        suggest_consider(&suggest, words[i]);
    }
    faults_add_unknown(model->faults, field->special_line, "kind of special data", text, suggest.nearest,
                       "bsn, health, children, belief, origin, criminal");
}

void model_fields(struct model *model)
{
    for (unsigned i = 0; i < model->policy->field_count; i++) {
        const struct draft_section *section = model->draft->sections[SECTION_FIELD][i];
        const char *category = model_text(section, KEY_CATEGORY, NULL);
        struct policy_field *field = &model->fields[i];
        int index;

        field->name = section->name;
        field->label = model_text(section, KEY_LABEL, section->name);
        field->was = model_was(model, section);
        field->line = section->line;
        check_field_name(model, section);
        index = category ? model_reference(model, SECTION_CATEGORY, category, model_line(section, KEY_CATEGORY)) : -1;
        field->category = index < 0 ? POLICY_MAX_CATEGORIES : (unsigned)index; /* none: there is a fault */
        read_type(model, section, field);
        read_special(model, section, field);
        read_is_list(model, section, &field->type);
        if (goes_with(model, section, KEY_VALUES, TYPE_ENUM, &field->type))
            read_words(model, section, &field->type);
        if (goes_with(model, section, KEY_PATTERN, TYPE_PATTERN, &field->type))
            field->type.pattern = compile(model, section, KEY_PATTERN);
    }
}
