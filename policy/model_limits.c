#include <errno.h>
#include <string.h>

#include "fs/base/number.h"
#include "policy/model.h"
#include "policy/suggest.h"

/* ---- fields of a role ---- */

/* What a role may write, own, drop or be trusted with. The line is 0 where the key isn't given. */
static unsigned read_set(struct model *model, const struct draft_section *section, enum key key,
                         struct field_set *set)
{
    model_fields_of(model, section, key, set);
    return section->values[key] ? model_line(section, key) : 0;
}

/* Trust in special data is given by name: what else is in the category would come along unseen. */
static unsigned read_special(struct model *model, const struct draft_section *section, struct policy_role *role)
{
    struct model_list list = model_list(model, section, KEY_SPECIAL);

    while (model_list_next(&list)) {
        int field = model_reference(model, SECTION_FIELD, list.text, list.line);

        if (field < 0)
            continue;
        if (!model->fields[field].special)
            faults_add(model->faults, list.line,
                       "'%s' is no special data; allowed: a [field] with 'special', or of type bsn", list.text);
        if (field_set_has(&role->special, (unsigned)field))
            faults_add(model->faults, list.line, "'%s' is listed twice; allowed: once", list.text);
        field_set_add(&role->special, (unsigned)field);
    }
    return section->values[KEY_SPECIAL] ? model_line(section, KEY_SPECIAL) : 0;
}

/* ---- caseload ---- */

enum { CASELOAD_MAX_VALUES = 256 };

static void add_value(struct model *model, struct policy_role *role, const char **values, const char *text,
                      unsigned line)
{
    for (size_t i = 0; i < role->caseload_count; i++)
        if (strcmp(values[i], text) == 0) {
            faults_add(model->faults, line, "'%s' is listed twice; allowed: once", faults_word(text).text);
            return;
        }
    if (role->caseload_count == CASELOAD_MAX_VALUES) {
        faults_add(model->faults, line, "more than %d values; allowed: at most %d", CASELOAD_MAX_VALUES,
                   CASELOAD_MAX_VALUES);
        return;
    }
    values[role->caseload_count++] = text;
}

/* The value as it is kept, so that it can be compared with what is in the store: one value, also of a field that has several. */
static const char *kept_form(struct model *model, const struct type *type, const char *text, unsigned line)
{
    struct buffer canonical = BUFFER_EMPTY;
    struct type one = *type;
    const char *why = "";
    char *kept = NULL;
    int error;

    one.is_list = false;
    error = type_check(&one, text, strlen(text), &canonical, &why);
    if (type->is_list && strchr(text, '|'))
        faults_add(model->faults, line, "'%s' is several values; allowed: one, and ',' before the next",
                   faults_word(text).text);
    else if (error == -EINVAL)
        faults_add(model->faults, line, "'%s' can't be a value of that field: %s", faults_word(text).text, why);
    else if (error == 0 && canonical.length_bytes == 0)
        faults_add(model->faults, line, "a value that counts as empty in that field; allowed: FIELD: VALUE, VALUE");
    else if (error == 0)
        kept = arena_take(model->arena, canonical.length_bytes + 1);
    else
        model->arena->failed = true;
    if (kept)
        memcpy(kept, canonical.bytes, canonical.length_bytes);
    buffer_clear(&canonical);
    return kept;
}

/* `caseload = FIELD: VALUE, VALUE`. */
static void read_caseload(struct model *model, const struct draft_section *section, struct policy_role *role)
{
    struct model_list list = model_list(model, section, KEY_CASELOAD);
    const char **values = arena_take_many(model->arena, model_list_room(section, KEY_CASELOAD), sizeof *values);
    bool first = true;

    role->caseload_field = -1;
    if (!section->values[KEY_CASELOAD] || !values)
        return;
    role->caseload_line = model_line(section, KEY_CASELOAD);
    role->caseload_values = values;
    for (; model_list_next(&list); first = false) {
        char *text = list.text, *colon = first ? strchr(text, ':') : NULL;
        const char *kept;

        if (first && !colon) {
            faults_add(model->faults, list.line, "no caseload; allowed: FIELD: VALUE, VALUE");
            return;
        }
        if (colon) {
            *colon = '\0';
            role->caseload_field = model_reference(model, SECTION_FIELD, text, list.line);
            text = colon + 1 + strspn(colon + 1, " ");
        }
        if (role->caseload_field < 0)
            return;
        kept = kept_form(model, &model->fields[role->caseload_field].type, text, list.line);
        if (kept)
            add_value(model, role, values, kept, list.line);
    }
}

/* ---- bulk ---- */

enum { DOSSIERS_PER_HOUR_MAX = 1000000 };

static void read_bulk(struct model *model, const struct draft_section *section, struct policy_role *role)
{
    const char *text = model_text(section, KEY_DOSSIERS_PER_HOUR, NULL);

    if (!text)
        return;
    role->dossiers_line = model_line(section, KEY_DOSSIERS_PER_HOUR);
    if (number_parse_u32(text, strlen(text), 1, DOSSIERS_PER_HOUR_MAX, &role->dossiers_per_hour) < 0)
        faults_add(model->faults, role->dossiers_line, "'%s' is no number of dossiers; allowed: 1 to %d",
                   faults_word(text).text, DOSSIERS_PER_HOUR_MAX);
}

void model_limits(struct model *model, const struct draft_section *section, struct policy_role *role)
{
    role->write_line = read_set(model, section, KEY_WRITE, &role->write);
    role->own_line = read_set(model, section, KEY_OWN, &role->own);
    role->drop_line = read_set(model, section, KEY_DROP, &role->drop);
    role->special_line = read_special(model, section, role);
    read_caseload(model, section, role);
    read_bulk(model, section, role);
    for (unsigned field = 0; field < model->policy->field_count; field++)
        if (field_set_has(&role->own, field) && field_set_has(&role->drop, field)) {
            faults_add(model->faults, role->drop_line,
                       "'%s' can't be seen by its author ('own') and by nobody in the role ('drop') at once",
                       model->fields[field].name);
            return;
        }
}

/* ---- recipients ---- */

/* English, and what Dutch associations call them. */
static const struct {
    const char *word;
    enum policy_agreement agreement;
} agreements[] = {
    {"processor", AGREEMENT_PROCESSOR},     {"covenant", AGREEMENT_COVENANT},
    {"legal-power", AGREEMENT_LEGAL_POWER}, {"verwerkersovereenkomst", AGREEMENT_PROCESSOR},
    {"convenant", AGREEMENT_COVENANT},      {"wettelijke-bevoegdheid", AGREEMENT_LEGAL_POWER},
};

static void read_agreement(struct model *model, const struct draft_section *section, struct policy_role *role)
{
    const char *text = model_text(section, KEY_AGREEMENT, NULL);
    struct suggest suggest;

    role->agreement = AGREEMENT_PROCESSOR; /* after a fault: still a recipient */
    if (!text)
        return;
    suggest_init(&suggest, text);
    for (size_t i = 0; i < sizeof agreements / sizeof *agreements; i++) {
        if (strcmp(agreements[i].word, text) == 0) {
            role->agreement = agreements[i].agreement;
            return;
        }
        suggest_consider(&suggest, agreements[i].word);
    }
    faults_add_unknown(model->faults, model_line(section, KEY_AGREEMENT), "agreement", text, suggest.nearest,
                       "processor (verwerkersovereenkomst), covenant (convenant), legal-power "
                       "(wettelijke-bevoegdheid)");
}

static void read_term(struct model *model, const struct draft_section *section, struct policy_role *role)
{
    const struct draft_value *from = section->values[KEY_SIGNED], *until = section->values[KEY_UNTIL];

    role->agreement_line = model_line(section, until ? KEY_UNTIL : from ? KEY_SIGNED : KEY_AGREEMENT);
    if (!from && role->agreement != AGREEMENT_LEGAL_POWER && section->values[KEY_AGREEMENT] && !section->damaged)
        faults_add(model->faults, model_line(section, KEY_AGREEMENT),
                   "[recipient %s] lacks 'signed': an agreement holds from the day it was signed", section->name);
    if (from)
        model_day(model, from->text, from->line, &role->signed_day);
    if (until && model_day(model, until->text, until->line, &role->until_day) && role->until_day < role->signed_day)
        faults_add(model->faults, until->line, "the last day %s is before the day it was signed", until->text);
}

void model_agreement(struct model *model, const struct draft_section *section, struct policy_role *role)
{
    read_agreement(model, section, role);
    read_term(model, section, role);
    role->agreement_article = model_reason(model, section, KEY_ARTICLE);
    role->requester = model_reason(model, section, KEY_REQUESTER);
    if (section->damaged)
        return;
    if (role->agreement == AGREEMENT_LEGAL_POWER && !section->values[KEY_ARTICLE])
        faults_add(model->faults, section->line, "[recipient %s] needs 'article': the law that gives it the power",
                   section->name);
    if (role->agreement == AGREEMENT_LEGAL_POWER && !section->values[KEY_REQUESTER])
        faults_add(model->faults, section->line,
                   "[recipient %s] needs 'requester': who demands the data, by which demand", section->name);
    if (role->agreement != AGREEMENT_LEGAL_POWER && section->values[KEY_REQUESTER])
        faults_add(model->faults, model_line(section, KEY_REQUESTER),
                   "'requester' with an agreement; allowed: with a legal power, which acts on a demand");
    if (section->values[KEY_FIELDS] && !section->values[KEY_PURPOSES])
        faults_add(model->faults, role->fields_line, "fields without 'purposes'; allowed: both, or neither");
    if (section->values[KEY_PURPOSES] && !section->values[KEY_FIELDS])
        faults_add(model->faults, role->purposes_line,
                   "[recipient %s] lacks 'fields': an agreement names the data it covers", section->name);
}
