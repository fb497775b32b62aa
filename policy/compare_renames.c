/* compare_renames: what is gone, and is there under another name. Two sections say the same if comparing them, as if they had one name,
 * finds nothing but the names. */
#include <errno.h>
#include <string.h>

#include "policy/compare_inside.h"
#include "policy/faults.h"

struct renames {
    struct compare compare;
    struct fault_list warnings;
    bool failed;
};

/* A label that is not given is the name. */
static bool has_own_label(const struct policy_field *field)
{
    return strcmp(field->label, field->name) != 0;
}

/* Fields are many, and their types few: two with labels of their own are only the same where these are the same. */
static bool label_matters(const struct compare *compare, enum difference_what what, const struct compare_pair *pair)
{
    return what == DIFFERENCE_FIELD &&
           (has_own_label(&compare->old->fields[pair->old]) || has_own_label(&compare->new->fields[pair->new]));
}

static bool is_name(const struct difference *difference, bool label_matters)
{
    return difference->about && (strcmp(difference->about, "name") == 0 || strcmp(difference->about, "people") == 0 ||
                                 (strcmp(difference->about, "label") == 0 && !label_matters));
}

/* The old one's fields are the new one's, and there are some: terms alone are soon equal. */
static bool has_same_fields(const struct compare *compare, const struct compare_pair *pair)
{
    unsigned count = 0;

    for (unsigned i = 0; i < compare->fields.count; i++) {
        const struct compare_pair *field = &compare->fields.pairs[i];
        bool before = field->old >= 0 && compare->old->fields[field->old].category == (unsigned)pair->old;
        bool after = field->new >= 0 && compare->new->fields[field->new].category == (unsigned)pair->new;

        if (before != after)
            return false;
        count += before;
    }
    return count > 0;
}

static bool says_the_same(struct renames *renames, enum difference_what what, const struct compare_pair *pair)
{
    struct compare *compare = &renames->compare;
    struct differences list = {0};
    bool same = what != DIFFERENCE_CATEGORY || has_same_fields(compare, pair);

    if (!same)
        return false;
    compare->list = &list;
    compare_section(compare, what, pair);
    for (size_t i = 0; i < list.count && same; i++)
        same = is_name(&list.all[i], label_matters(compare, what, pair));
    compare->list = NULL;
    renames->failed |= list.arena.failed;
    differences_clear(&list);
    return same;
}

static void warn(struct renames *renames, enum difference_what what, const struct compare_pair *pair)
{
    static const char *const lost[] = {
        [DIFFERENCE_PURPOSE] = "the consents, objections and calamities about it hold no more",
        [DIFFERENCE_CATEGORY] = "the restrictions, incidents and holds about it hold no more",
        [DIFFERENCE_FIELD] = "its values are not found",
        [DIFFERENCE_KIND] = "its dossiers are not found",
    };
    unsigned old_line, line;
    const char *old = compare_section_name(renames->compare.old, what, pair->old, &old_line);
    const char *new = compare_section_name(renames->compare.new, what, pair->new, &line);

    faults_add(&renames->warnings, line,
               "%s %s is gone, and %s is new and says the same: without was = %s it is not the same, and %s",
               difference_what_name(what), old, new, old, lost[what]);
}

static void find(struct renames *renames, enum difference_what what, const struct compare_pairs *pairs)
{
    uint64_t taken[2 * POLICY_MAX_FIELDS / 64] = {0}; /* each new one is told once */

    for (unsigned i = 0; i < pairs->count; i++)
        for (unsigned j = 0; pairs->pairs[i].new < 0 && j < pairs->count; j++) {
            const struct compare_pair pair = {pairs->pairs[i].old, pairs->pairs[j].new};

            if (pairs->pairs[j].old >= 0 || taken[j / 64] >> j % 64 & 1 || !says_the_same(renames, what, &pair))
                continue;
            taken[j / 64] |= (uint64_t)1 << j % 64;
            warn(renames, what, &pair);
            break;
        }
}

int compare_renames(const struct policy *old, const struct policy *new, struct policy_faults *out)
{
    struct renames renames = {.compare = {.old = old, .new = new}};

    compare_pair_all(&renames.compare);
    find(&renames, DIFFERENCE_PURPOSE, &renames.compare.purposes);
    find(&renames, DIFFERENCE_CATEGORY, &renames.compare.categories);
    find(&renames, DIFFERENCE_FIELD, &renames.compare.fields);
    find(&renames, DIFFERENCE_KIND, &renames.compare.kinds);
    if (renames.failed || renames.warnings.failed) {
        faults_clear(&renames.warnings);
        return -ENOMEM;
    }
    faults_finish(&renames.warnings, out);
    return 0;
}
