#include "policy/compare_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ------------------------------------------------------------------------------------------------- */

static bool make_room(struct differences *list)
{
    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    struct difference *all;

    if (list->count < list->capacity)
        return true;
    all = reallocarray(list->all, capacity, sizeof *all);
    if (!all)
        return false;
    list->all = all;
    list->capacity = capacity;
    return true;
}

static void own(struct arena *arena, const char **text)
{
    if (*text)
        *text = arena_text(arena, *text, strlen(*text));
}

void compare_add(struct compare *compare, const struct difference *difference)
{
    struct differences *list = compare->list;
    struct difference copy = *difference;

    own(&list->arena, &copy.name);
    own(&list->arena, &copy.about);
    own(&list->arena, &copy.purpose);
    own(&list->arena, &copy.kinds);
    own(&list->arena, &copy.fields);
    own(&list->arena, &copy.before);
    own(&list->arena, &copy.after);
    own(&list->arena, &copy.groups);
    if (list->arena.failed || !make_room(list)) {
        list->arena.failed = true;
        return;
    }
    list->all[list->count++] = copy;
}

void compare_texts(struct compare *compare, enum difference_what what, const char *name, const char *about,
                   const char *before, const char *after, unsigned old_line, unsigned new_line)
{
    struct difference difference = {.what = what, .name = name, .about = about};

    if (strcmp(before, after) == 0)
        return;
    difference.way = !*before ? DIFFERENCE_GAINS : !*after ? DIFFERENCE_LOSES : DIFFERENCE_CHANGES;
    if (*before) {
        difference.before = before;
        difference.old_line = old_line;
    }
    if (*after) {
        difference.after = after;
        difference.new_line = new_line;
    }
    compare_add(compare, &difference);
}

void compare_append(struct buffer *list, const char *word)
{
    buffer_printf(list, "%s%s", list->length_bytes ? ", " : "", word);
}

static int by_alphabet(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

void compare_append_sorted(struct buffer *list, const char *const *words, size_t count)
{
    const char **sorted = count ? reallocarray(NULL, count, sizeof *sorted) : NULL;

    if (count && !sorted) {
        list->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = words[i];
    if (count)
        qsort(sorted, count, sizeof *sorted, by_alphabet);
    for (size_t i = 0; i < count; i++)
        compare_append(list, sorted[i]);
    free(sorted);
}

void differences_clear(struct differences *list)
{
    free(list->all);
    arena_clear(&list->arena);
    *list = (struct differences){0};
}

/* ---- what is the same thing ------------------------------------------------------------------------------------ */

const char *compare_stored(const char *name, const char *was)
{
    return *was ? was : name;
}

typedef const char *name_of(const struct policy *policy, unsigned index);

static const char *role_name(const struct policy *policy, unsigned index)
{
    return policy->roles[index].name;
}
static const char *purpose_name(const struct policy *policy, unsigned index)
{
    return compare_stored(policy->purposes[index].name, policy->purposes[index].was);
}
static const char *kind_name(const struct policy *policy, unsigned index)
{
    return compare_stored(policy->kinds[index].name, policy->kinds[index].was);
}
static const char *category_name(const struct policy *policy, unsigned index)
{
    return compare_stored(policy->categories[index].name, policy->categories[index].was);
}
static const char *field_name(const struct policy *policy, unsigned index)
{
    return compare_stored(policy->fields[index].name, policy->fields[index].was);
}

static int find(const struct policy *policy, unsigned count, name_of *name, const char *wanted)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(name(policy, i), wanted) == 0)
            return (int)i;
    return -1;
}

int compare_same_field(const struct policy *policy, unsigned field, const struct policy *other)
{
    return find(other, other->field_count, field_name, field_name(policy, field));
}

int compare_same_kind(const struct policy *policy, unsigned kind, const struct policy *other)
{
    return find(other, other->kind_count, kind_name, kind_name(policy, kind));
}

static void pair(const struct compare *compare, unsigned old_count, unsigned new_count, name_of *name,
                 struct compare_pairs *out)
{
    out->count = 0;
    for (unsigned i = 0; i < old_count; i++)
        out->pairs[out->count++] =
            (struct compare_pair){.old = (int)i, .new = find(compare->new, new_count, name, name(compare->old, i))};
    for (unsigned i = 0; i < new_count; i++)
        if (find(compare->old, old_count, name, name(compare->new, i)) < 0)
            out->pairs[out->count++] = (struct compare_pair){.old = -1, .new = (int)i};
}

void compare_pair_all(struct compare *compare)
{
    const struct policy *old = compare->old, *new = compare->new;

    pair(compare, old->role_count, new->role_count, role_name, &compare->roles);
    pair(compare, old->purpose_count, new->purpose_count, purpose_name, &compare->purposes);
    pair(compare, old->kind_count, new->kind_count, kind_name, &compare->kinds);
    pair(compare, old->category_count, new->category_count, category_name, &compare->categories);
    pair(compare, old->field_count, new->field_count, field_name, &compare->fields);
}

int compare_policies(const struct policy *old, const struct policy *new, struct differences *list)
{
    struct compare compare = {.old = old, .new = new, .list = list};

    *list = (struct differences){0};
    compare_pair_all(&compare);
    compare_access(&compare);
    compare_roles(&compare);
    compare_sections(&compare);
    return list->arena.failed ? -ENOMEM : 0;
}

/* ---- in words --------------------------------------------------------------------------------------------------- */

const char *difference_what_name(enum difference_what what)
{
    static const char *const names[] = {
        [DIFFERENCE_ACCESS] = "access",   [DIFFERENCE_ROLE] = "role",       [DIFFERENCE_RECIPIENT] = "recipient",
        [DIFFERENCE_SECRECY] = "secrecy", [DIFFERENCE_PURPOSE] = "purpose", [DIFFERENCE_CATEGORY] = "category",
        [DIFFERENCE_FIELD] = "field",     [DIFFERENCE_KIND] = "kind",       [DIFFERENCE_POLICY] = "policy",
        [DIFFERENCE_MOUNT] = "mount",     [DIFFERENCE_LOG] = "log",         [DIFFERENCE_NEVER] = "never"};

    return names[what];
}

static void describe_people(const struct difference *difference, struct buffer *out)
{
    bool groups = difference->groups && *difference->groups;

    buffer_append_text(out, "; ");
    if (difference->people || !groups)
        buffer_printf(out, "%u %s", difference->people, difference->people == 1 ? "person" : "people");
    if (groups)
        buffer_printf(out, "%s%s", difference->people ? " and " : "", difference->groups);
}

static void describe_access(const struct difference *difference, struct buffer *out)
{
    static const char *const verbs[] = {"gains", "loses", "sees"};

    buffer_printf(out, "%s %s %s for %s", difference->name, verbs[difference->way], difference->fields,
                  difference->purpose);
    if (difference->kinds)
        buffer_printf(out, " (%s)", difference->kinds);
    if (difference->way == DIFFERENCE_GAINS)
        buffer_printf(out, ", %s", difference->after);
    else if (difference->way == DIFFERENCE_CHANGES)
        buffer_printf(out, " %s (was %s)", difference->after, difference->before);
    describe_people(difference, out);
}

static void describe_section(const struct difference *difference, struct buffer *out)
{
    if (difference->what >= DIFFERENCE_POLICY)
        buffer_printf(out, "[%s]", difference_what_name(difference->what));
    else
        buffer_printf(out, "%s %s", difference_what_name(difference->what), difference->name);
    if (!difference->about) {
        buffer_append_text(out, difference->way == DIFFERENCE_GAINS ? " is new" : " is gone");
        if (difference->after)
            buffer_printf(out, ", %s", difference->after);
    } else if (difference->way == DIFFERENCE_CHANGES) {
        buffer_printf(out, ": %s is %s, was %s", difference->about, difference->after, difference->before);
    } else {
        const char *text = difference->way == DIFFERENCE_GAINS ? difference->after : difference->before;

        buffer_printf(out, " %s %s", difference->way == DIFFERENCE_GAINS ? "gains" : "loses", difference->about);
        if (text)
            buffer_printf(out, ": %s", text);
    }
}

void difference_describe(const struct difference *difference, struct buffer *out)
{
    if (difference->what == DIFFERENCE_ACCESS)
        describe_access(difference, out);
    else
        describe_section(difference, out);
}
