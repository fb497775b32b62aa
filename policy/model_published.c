/* What a policy says for its readers alone: the register and the statement print it, and no decision depends on it. */
#include <string.h>

#include "policy/model.h"

/* The elements of a list, a line each; NULL if memory ran out. */
static const char *read_lines(struct model *model, const struct draft_section *section, enum key key)
{
    struct model_list list = model_list(model, section, key);
    size_t room_bytes = 1, at = 0;
    char *lines;

    for (const struct draft_value *value = section->values[key]; value; value = value->next)
        room_bytes += strlen(value->text) + 1;
    lines = arena_take(model->arena, room_bytes);
    while (lines && model_list_next(&list)) {
        size_t length_bytes = strlen(list.text);

        if (at)
            lines[at++] = '\n';
        memcpy(lines + at, list.text, length_bytes);
        at += length_bytes;
    }
    return lines;
}

static const char *read_language(struct model *model, const struct draft_section *section)
{
    const char *text = model_text(section, KEY_LANGUAGE, "");

    if (section->values[KEY_LANGUAGE] && strcmp(text, "en") != 0 && strcmp(text, "nl") != 0)
        faults_add_unknown(model->faults, model_line(section, KEY_LANGUAGE), "language", text, NULL,
                           "en (English), nl (Dutch)");
    return text;
}

static void read_policy(struct model *model, const struct draft_section *section)
{
    struct policy_published *published = &model->policy->published;

    published->address = model_reason(model, section, KEY_ADDRESS);
    published->website = model_reason(model, section, KEY_WEBSITE);
    published->officer = model_reason(model, section, KEY_OFFICER);
    published->authority = model_reason(model, section, KEY_AUTHORITY);
    published->security = read_lines(model, section, KEY_SECURITY);
    published->language = read_language(model, section);
}

void model_published(struct model *model)
{
    const struct draft *draft = model->draft;
    const struct policy *policy = model->policy;

    model->policy->published = (struct policy_published){"", "", "", "", "", ""};
    if (draft->counts[SECTION_POLICY])
        read_policy(model, draft->sections[SECTION_POLICY][0]);
    for (unsigned i = 0; i < policy->kind_count; i++) {
        model->kinds[i].people = model_reason(model, draft->sections[SECTION_KIND][i], KEY_PEOPLE);
        if (!*model->kinds[i].people)
            model->kinds[i].people = model->kinds[i].label;
    }
    for (unsigned i = 0; i < policy->category_count; i++)
        model->categories[i].source = model_reason(model, draft->sections[SECTION_CATEGORY][i], KEY_SOURCE);
    for (unsigned i = 0; i < policy->role_count; i++)
        model->roles[i].transfer =
            i < policy->own_roles
                ? ""
                : model_reason(model, draft->sections[SECTION_RECIPIENT][i - policy->own_roles], KEY_TRANSFER);
}
