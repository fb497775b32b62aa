#include <string.h>

#include "policy/model.h"

static void need(struct model *model, const struct draft_section *section, enum key key, char ground, const char *why)
{
    if (!section->values[key] && !section->damaged)
        faults_add(model->faults, model_line(section, KEY_GROUND), "ground %c needs '%s': %s", ground,
                   grammar_key_of(SECTION_PURPOSE, key)->name, why);
}

/* The grounds of the GDPR, art. 6(1): A = b, B = c, C = f, D = a, E = d, F = e. */
static void read_ground(struct model *model, const struct draft_section *section, struct policy_purpose *purpose)
{
    const char *text = model_text(section, KEY_GROUND, NULL);
    char capital[2] = "";

    if (!text)
        return;
    purpose->ground_line = model_line(section, KEY_GROUND);
    if (text[0] >= 'a' && text[0] <= 'e' && !text[1])
        capital[0] = (char)(text[0] - 'a' + 'A');
    if (strcmp(text, "F") == 0 && model->policy->public_body) {
        purpose->ground = 'F';
        return;
    }
    if (strcmp(text, "F") == 0) {
        faults_add(model->faults, purpose->ground_line,
                   "ground F, a public task, is for public bodies only (public-body = yes); allowed: A (contract), B "
                   "(legal duty), C (legitimate interest), D (consent), E (life or death)");
        return;
    }
    if (text[0] < 'A' || text[0] > 'E' || text[1]) {
        faults_add_unknown(model->faults, purpose->ground_line, "ground", text, *capital ? capital : NULL,
                           "A (contract), B (legal duty), C (legitimate interest), D (consent), E (life or death)");
        return;
    }
    purpose->ground = text[0];
    if (purpose->ground == 'B')
        need(model, section, KEY_ARTICLE, 'B', "the article of the law that says so");
    if (purpose->ground == 'C')
        need(model, section, KEY_BALANCING, 'C', "how the interest was weighed against that of the data subject");
}

static void read_kinds(struct model *model, const struct draft_section *section, struct policy_purpose *purpose)
{
    struct model_list list = model_list(model, section, KEY_KINDS);

    purpose->kinds_line = model_line(section, KEY_KINDS);
    while (model_list_next(&list)) {
        int kind = model_reference(model, SECTION_KIND, list.text, list.line);

        if (kind < 0)
            continue;
        if (purpose->kinds >> kind & 1)
            faults_add(model->faults, list.line, "'%s' is listed twice; allowed: once", list.text);
        purpose->kinds |= (uint32_t)1 << kind;
    }
}

/* The BSN is for legal duties alone (Dutch GDPR act, art. 46). */
static void check_bsn(struct model *model, const struct policy_purpose *purpose, const struct field_set *added,
                      unsigned line)
{
    for (unsigned i = 0; i < model->policy->field_count; i++) {
        if (!field_set_has(added, i) || model->fields[i].type.code != TYPE_BSN || !purpose->ground ||
            purpose->ground == 'B')
            continue;
        faults_add(model->faults, line,
                   "'%s' is a BSN, which needs ground B and its article; this purpose has ground %c",
                   model->fields[i].name, purpose->ground);
    }
}

/* A category's name does not stand for its special fields: those are listed by their own (H4). False, with a fault: it has no
 * others. */
static bool leave_special(struct model *model, const char *name, unsigned line, struct field_set *added)
{
    bool special = false, other = false;

    if (name_table_find(&model->private->names[SECTION_FIELD], name) >= 0)
        return true;
    for (unsigned i = 0; i < model->policy->field_count; i++) {
        if (!field_set_has(added, i))
            continue;
        special |= model->fields[i].special;
        other |= !model->fields[i].special;
        if (model->fields[i].special)
            added->bits[i / 64] &= ~((uint64_t)1 << (i % 64));
    }
    if (special && !other)
        faults_add(model->faults, line, "all fields of the category '%s' are special; allowed: each by its own name",
                   name);
    return other || !special;
}

static void read_fields(struct model *model, const struct draft_section *section, struct policy_purpose *purpose)
{
    struct model_list list = model_list(model, section, KEY_FIELDS);

    purpose->fields_line = model_line(section, KEY_FIELDS);
    while (model_list_next(&list)) {
        struct field_set added = {0};

        if (!model_reference_fields(model, list.text, list.line, &added))
            continue;
        if (!leave_special(model, list.text, list.line, &added))
            continue;
        check_bsn(model, purpose, &added, list.line);
        model_add_fields(model, list.text, list.line, &added, &purpose->fields);
    }
}

void model_purposes(struct model *model)
{
    for (unsigned i = 0; i < model->policy->purpose_count; i++) {
        const struct draft_section *section = model->draft->sections[SECTION_PURPOSE][i];
        struct policy_purpose *purpose = &model->purposes[i];

        purpose->name = section->name;
        purpose->label = model_text(section, KEY_LABEL, section->name);
        purpose->was = model_was(model, section);
        purpose->line = section->line;
        purpose->article = model_reason(model, section, KEY_ARTICLE);
        purpose->balancing = model_reason(model, section, KEY_BALANCING);
        purpose->second_ground = model_reason(model, section, KEY_SECOND_GROUND);
        purpose->despite_restriction = model_reason(model, section, KEY_DESPITE_RESTRICTION);
        if (section->values[KEY_DESPITE_RESTRICTION])
            purpose->restriction_line = model_line(section, KEY_DESPITE_RESTRICTION);
        read_ground(model, section, purpose);
        read_kinds(model, section, purpose);
        read_fields(model, section, purpose);
    }
}
