#include "tools/policy_names.h"

#include <string.h>

#include "policy/suggest.h"

const char *policy_names_word(enum policy_names_of part)
{
    static const char *const words[POLICY_PARTS] = {"purpose", "kind", "category", "field", "role"};

    return words[part];
}

unsigned policy_names_count(const struct policy *policy, enum policy_names_of part)
{
    switch (part) {
    case POLICY_PURPOSES:
        return policy->purpose_count;
    case POLICY_KINDS:
        return policy->kind_count;
    case POLICY_CATEGORIES:
        return policy->category_count;
    case POLICY_FIELDS:
        return policy->field_count;
    default:
        return policy->role_count;
    }
}

const char *policy_names_at(const struct policy *policy, enum policy_names_of part, unsigned index)
{
    if (index >= policy_names_count(policy, part))
        return NULL;
    switch (part) {
    case POLICY_PURPOSES:
        return policy->purposes[index].name;
    case POLICY_KINDS:
        return policy->kinds[index].name;
    case POLICY_CATEGORIES:
        return policy->categories[index].name;
    case POLICY_FIELDS:
        return policy->fields[index].name;
    default:
        return policy->roles[index].name;
    }
}

int policy_names_find(const struct policy *policy, enum policy_names_of part, const char *name, const char **nearest)
{
    struct suggest suggest;

    suggest_init(&suggest, name);
    for (unsigned i = 0; i < policy_names_count(policy, part); i++) {
        const char *known = policy_names_at(policy, part, i);

        if (strcmp(known, name) == 0)
            return (int)i;
        suggest_consider(&suggest, known);
    }
    *nearest = suggest.nearest;
    return -1;
}
