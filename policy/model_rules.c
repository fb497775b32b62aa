#include "policy/model.h"

static bool is_sensitive(const struct policy_field *field)
{
    return field->special && field->type.code != TYPE_BSN;
}

/* NULL: the field's category is not known, which was told. */
static const struct policy_category *category_of(const struct model *model, unsigned field)
{
    unsigned category = model->fields[field].category;

    return category < model->policy->category_count ? &model->categories[category] : NULL;
}

/* Special data (GDPR art. 9 and 10) is forbidden unless an exception holds: the purpose has to name it (H4). The BSN's
 * second ground is the article that ground B names. */
static void check_second_ground(struct model *model, const struct policy_purpose *purpose)
{
    for (unsigned field = 0; field < model->policy->field_count; field++) {
        if (!field_set_has(&purpose->fields, field) || !is_sensitive(&model->fields[field]) ||
            *purpose->second_ground)
            continue;
        faults_add(model->faults, purpose->fields_line,
                   "'%s' is special data (%s), which needs 'second-ground': the exception that allows it",
                   model->fields[field].name, model->fields[field].special_word);
        return;
    }
}

/* What cameras and access registers hold has a purpose of its own, unreachable from any other (B4). */
static void check_incident_apart(struct model *model, const struct policy_purpose *purpose)
{
    int bound = -1, other = -1;

    for (unsigned field = 0; field < model->policy->field_count; field++) {
        const struct policy_category *category = category_of(model, field);

        if (!field_set_has(&purpose->fields, field) || !category)
            continue;
        if (category->incident)
            bound = (int)field;
        else
            other = (int)field;
    }
    if (bound >= 0 && other >= 0)
        faults_add(model->faults, purpose->fields_line,
                   "'%s' is bound to an incident and '%s' is not; allowed: a purpose of its own for what is bound",
                   model->fields[bound].name, model->fields[other].name);
}

/* Of what is only shown, never kept, the record says when it was seen, which kind it was and who saw it (B3). */
static void check_never_stored(struct model *model, unsigned index)
{
    const struct policy_category *category = category_of(model, index);
    const struct policy_field *field = &model->fields[index];

    if (!category || !category->never_stored)
        return;
    if (field->type.is_list)
        faults_add(model->faults, field->line,
                   "[category %s] is never stored, so '%s' can't be a list; allowed: one value", category->name,
                   field->name);
    if (field->type.code == TYPE_DATE || field->type.code == TYPE_ENUM || field->type.code == TYPE_INITIALS)
        return;
    faults_add(model->faults, field->line,
               "[category %s] is never stored, so '%s' can't be of type %s; allowed: date (seen on), enum (which "
               "kind), initials (by whom)",
               category->name, field->name, type_name(field->type.code));
}

static void check_category(struct model *model, const struct policy_category *category)
{
    if (category->incident && !category->roles)
        faults_add(model->faults, category->incident_line,
                   "[category %s] is bound to an incident, which needs 'roles': who may see it then", category->name);
    if (category->incident && category->never_stored)
        faults_add(model->faults, category->store_line,
                   "[category %s] can't be bound to an incident and never stored; allowed: one of them",
                   category->name);
}

void model_rules(struct model *model)
{
    for (unsigned i = 0; i < model->policy->category_count; i++)
        check_category(model, &model->categories[i]);
    for (unsigned i = 0; i < model->policy->field_count; i++)
        check_never_stored(model, i);
    for (unsigned i = 0; i < model->policy->purpose_count; i++) {
        check_second_ground(model, &model->purposes[i]);
        check_incident_apart(model, &model->purposes[i]);
    }
}
