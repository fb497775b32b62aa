/* model_never: what a policy says of itself that it never shows. It is proved when all else is right, since what is never shown
 * can only be told of a whole policy; a policy that breaks its own word does not load. */
#include <string.h>

#include "policy/model.h"
#include "policy/never.h"

static void tell_broken(struct model *model, const struct policy_never *said, const struct never_example *example,
                        unsigned broken)
{
    const struct policy *policy = model->policy;
    static const char *const verdicts[] = {"hidden", "shown", "masked"};

    faults_add(model->faults, said->line,
               "'%s' is not so: %s sees %s of %s for %s, %s (line %u)%s; allowed: what the policy keeps",
               faults_word(said->text).text, policy->roles[example->role].name, policy->fields[example->field].name,
               policy->kinds[example->kind].name, policy->purposes[example->purpose].name,
               verdicts[example->access.verdict], example->access.line, broken > 1 ? ", and more" : "");
}

static bool said_before(const struct policy_never *said, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(said[i].text, text) == 0)
            return true;
    return false;
}

/* Reads the sentences; how many could be read stands in `count`. */
static void read_sentences(struct model *model, const struct draft_section *section, struct policy_never *said,
                           struct never *sentences, size_t *count)
{
    struct model_list list = model_list(model, section, KEY_THAT);
    char why[NEVER_WHY_BYTES];

    while (model_list_next(&list)) {
        if (*count == POLICY_MAX_NEVER) {
            faults_add(model->faults, list.line, "more than %d sentences; allowed: at most %d", POLICY_MAX_NEVER,
                       POLICY_MAX_NEVER);
            return;
        }
        if (said_before(said, *count, list.text)) {
            faults_add(model->faults, list.line, "'%s' is said twice; allowed: once", faults_word(list.text).text);
            continue;
        }
        if (never_parse(model->policy, list.text, &sentences[*count], why) < 0) {
            faults_add(model->faults, list.line, "'%s': %s", faults_word(list.text).text, why);
            continue;
        }
        said[(*count)++] = (struct policy_never){.text = list.text, .line = list.line};
    }
}

void model_never(struct model *model)
{
    const struct draft_section *section =
        model->draft->counts[SECTION_NEVER] ? model->draft->sections[SECTION_NEVER][0] : NULL;
    struct never sentences[POLICY_MAX_NEVER];
    struct never_example examples[POLICY_MAX_NEVER];
    unsigned broken[POLICY_MAX_NEVER] = {0};
    struct policy_never *said;
    size_t count = 0;

    if (!section || model->faults->found.count > 0)
        return;
    said = arena_take_many(model->arena, POLICY_MAX_NEVER, sizeof *said);
    if (!said)
        return;
    read_sentences(model, section, said, sentences, &count);
    never_judge(model->policy, sentences, count, broken, examples);
    for (size_t i = 0; i < count; i++)
        if (broken[i])
            tell_broken(model, &said[i], &examples[i], broken[i]);
    model->policy->never = said;
    model->policy->never_count = count;
}
