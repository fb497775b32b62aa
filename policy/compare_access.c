/* compare_access: what each role sees of each field, for each purpose and kind, under both policies. Fields that change alike
 * are told together, and so are kinds for which the same fields do. */
#include <stdlib.h>
#include <string.h>

#include "policy/compare_inside.h"
#include "policy/mask.h"
#include "policy/private.h"

enum { FIELDS = 2 * POLICY_MAX_FIELDS };

/* Fields (by their place in the pairs) that change in one way, for some kinds. */
struct change {
    struct access before, after;
    uint32_t kinds; /* a bit a pair */
    uint64_t fields[FIELDS / 64];
};
struct changes {
    struct change *all;
    unsigned count, capacity;
    bool failed;
};

static struct change *new_change(struct changes *changes)
{
    unsigned capacity = changes->capacity ? 2 * changes->capacity : 16;
    struct change *all = changes->all;

    if (changes->count == changes->capacity) {
        all = reallocarray(all, capacity, sizeof *all);
        if (!all) {
            changes->failed = true;
            return NULL;
        }
        changes->all = all;
        changes->capacity = capacity;
    }
    all[changes->count] = (struct change){0};
    return &all[changes->count++];
}

static bool same_way(const struct change *one, const struct change *other)
{
    return access_same(&one->before, &other->before) && access_same(&one->after, &other->after);
}

/* Adds a field to the change of its kind that goes the same way; those before `first` are of other kinds. */
static void add_field(struct changes *changes, unsigned first, const struct change *way, unsigned kind,
                      unsigned field)
{
    struct change *change = NULL;

    for (unsigned i = first; i < changes->count && !change; i++)
        if (same_way(&changes->all[i], way))
            change = &changes->all[i];
    if (!change) {
        change = new_change(changes);
        if (!change)
            return;
        change->before = way->before;
        change->after = way->after;
        change->kinds = UINT32_C(1) << kind;
    }
    change->fields[field / 64] |= (uint64_t)1 << (field % 64);
}

/* Changes from `first` on that an earlier kind has too become one with it. */
static void merge_kinds(struct changes *changes, unsigned first)
{
    unsigned kept = first;

    for (unsigned i = first; i < changes->count; i++) {
        const struct change *change = &changes->all[i];
        unsigned like = 0;

        while (like < first && (!same_way(&changes->all[like], change) ||
                                memcmp(changes->all[like].fields, change->fields, sizeof change->fields) != 0))
            like++;
        if (like < first)
            changes->all[like].kinds |= change->kinds;
        else
            changes->all[kept++] = *change;
    }
    changes->count = kept;
}

static void find_changes(const struct compare *compare, const struct compare_pair *role,
                         const struct compare_pair *purpose, struct changes *changes)
{
    for (unsigned k = 0; k < compare->kinds.count; k++) {
        const struct compare_pair *kind = &compare->kinds.pairs[k];
        unsigned first = changes->count;

        for (unsigned f = 0; f < compare->fields.count; f++) {
            const struct compare_pair *field = &compare->fields.pairs[f];
            struct change way = {.before = access_of(compare->old, role->old, purpose->old, kind->old, field->old),
                                 .after = access_of(compare->new, role->new, purpose->new, kind->new, field->new)};

            if (!access_same(&way.before, &way.after))
                add_field(changes, first, &way, k, f);
        }
        merge_kinds(changes, first);
    }
}

/* ---- telling them ----------------------------------------------------------------------------------------------- */

static void describe_members(const struct private_role *role, struct difference *difference, struct buffer *groups)
{
    for (size_t i = 0; i < role->member_count; i++) {
        if (role->members[i].kind != MEMBER_GROUP) {
            difference->people++;
            continue;
        }
        buffer_printf(groups, "%s@%s", groups->length_bytes ? ", " : "", role->members[i].name);
    }
}

static void describe_fields(const struct compare *compare, const struct change *change, struct buffer *out)
{
    for (unsigned f = 0; f < compare->fields.count; f++) {
        const struct compare_pair *field = &compare->fields.pairs[f];

        if (change->fields[f / 64] >> (f % 64) & 1)
            compare_append(out, field->new >= 0 ? compare->new->fields[field->new].name
                                                : compare->old->fields[field->old].name);
    }
}

/* Nothing if it is so for each kind that both policies' purpose covers and knows. */
static void describe_kinds(const struct compare *compare, const struct change *change, struct buffer *out)
{
    if (compare->kinds.count == 1)
        return;
    for (unsigned k = 0; k < compare->kinds.count; k++) {
        const struct compare_pair *kind = &compare->kinds.pairs[k];

        if (change->kinds >> k & 1)
            compare_append(out, kind->new >= 0 ? compare->new->kinds[kind->new].name
                                               : compare->old->kinds[kind->old].name);
    }
}

static void tell(struct compare *compare, const struct compare_pair *role, const struct compare_pair *purpose,
                 const struct change *change)
{
    bool gone = change->after.verdict == VERDICT_HIDDEN, is_new = change->before.verdict == VERDICT_HIDDEN;
    const struct policy *policy = gone ? compare->old : compare->new;
    unsigned in = (unsigned)(gone ? role->old : role->new);
    struct difference difference = {.what = DIFFERENCE_ACCESS,
                                    .way = gone     ? DIFFERENCE_LOSES
                                           : is_new ? DIFFERENCE_GAINS
                                                    : DIFFERENCE_CHANGES,
                                    .name = policy->roles[in].name,
                                    .purpose = policy->purposes[gone ? purpose->old : purpose->new].name,
                                    .old_line = change->before.line,
                                    .new_line = change->after.line};
    struct buffer fields = BUFFER_EMPTY, kinds = BUFFER_EMPTY, before = BUFFER_EMPTY, after = BUFFER_EMPTY,
                  groups = BUFFER_EMPTY;

    describe_fields(compare, change, &fields);
    describe_kinds(compare, change, &kinds);
    access_describe(&change->before, &before);
    access_describe(&change->after, &after);
    describe_members(&policy->private->roles[in], &difference, &groups);
    difference.fields = buffer_text(&fields);
    difference.kinds = kinds.length_bytes ? buffer_text(&kinds) : NULL;
    difference.before = buffer_text(&before);
    difference.after = buffer_text(&after);
    difference.groups = groups.length_bytes ? buffer_text(&groups) : NULL;
    compare_add(compare, &difference);
    compare->list->arena.failed |= fields.failed || kinds.failed || before.failed || after.failed || groups.failed;
    buffer_clear(&fields);
    buffer_clear(&kinds);
    buffer_clear(&before);
    buffer_clear(&after);
    buffer_clear(&groups);
}

/* A purpose that a role has or has no more, and sees nothing for, is a directory that appears or goes. */
static void tell_empty_purpose(struct compare *compare, const struct compare_pair *role,
                               const struct compare_pair *purpose)
{
    bool before =
             role->old >= 0 && purpose->old >= 0 && (compare->old->roles[role->old].purposes >> purpose->old & 1),
         after = role->new >= 0 && purpose->new >= 0 && (compare->new->roles[role->new].purposes >> purpose->new & 1);
    const struct policy_role *in = role->new >= 0 ? &compare->new->roles[role->new] : &compare->old->roles[role->old];
    const char *name =
        purpose->new >= 0 ? compare->new->purposes[purpose->new].name : compare->old->purposes[purpose->old].name;

    compare_texts(compare, in->agreement == AGREEMENT_NONE ? DIFFERENCE_ROLE : DIFFERENCE_RECIPIENT, in->name,
                  "a purpose for which it sees nothing", before ? name : "", after ? name : "",
                  role->old >= 0 ? compare->old->roles[role->old].purposes_line : 0, in->purposes_line);
}

/* ---- two roles that mask a field in different ways: the first in the file goes before ---------------------------- */

/* The field's masks of two roles differ somewhere: who is in both sees the first one's. */
static bool masks_differ(const struct policy *policy, int one, int other, int field)
{
    for (unsigned p = 0; p < policy->purpose_count; p++)
        for (unsigned k = 0; k < policy->kind_count; k++) {
            struct access first = access_of(policy, one, (int)p, (int)k, field),
                          second = access_of(policy, other, (int)p, (int)k, field);

            first.conditions = second.conditions = 0;
            if (first.verdict == VERDICT_MASKED && second.verdict == VERDICT_MASKED && !access_same(&first, &second))
                return true;
        }
    return false;
}

static void compare_order(struct compare *compare, const struct compare_pair *one, const struct compare_pair *other)
{
    const struct compare_pair *first = one->new < other->new ? one : other,
                              *second = one->new < other->new ? other : one;
    const struct policy *new = compare->new;
    struct buffer about = BUFFER_EMPTY, fields = BUFFER_EMPTY;

    if ((one->old < other->old) == (one->new < other->new))
        return;
    for (unsigned f = 0; f < new->field_count; f++)
        if (masks_differ(new, one->new, other->new, (int)f))
            compare_append(&fields, new->fields[f].name);
    if (fields.length_bytes) {
        buffer_printf(&about, "whose mask holds for who is in it and in %s", new->roles[second->new].name);
        compare_texts(compare, DIFFERENCE_ROLE, new->roles[first->new].name, buffer_text(&about), "",
                      buffer_text(&fields), 0, new->roles[first->new].line);
    }
    compare->list->arena.failed |= about.failed || fields.failed;
    buffer_clear(&about);
    buffer_clear(&fields);
}

static void compare_orders(struct compare *compare)
{
    const struct compare_pairs *roles = &compare->roles;

    for (unsigned i = 0; i < roles->count; i++)
        for (unsigned j = i + 1; j < roles->count; j++)
            if (roles->pairs[i].old >= 0 && roles->pairs[i].new >= 0 && roles->pairs[j].old >= 0 &&
                roles->pairs[j].new >= 0)
                compare_order(compare, &roles->pairs[i], &roles->pairs[j]);
}

void compare_access(struct compare *compare)
{
    struct changes changes = {0};

    for (unsigned r = 0; r < compare->roles.count; r++)
        for (unsigned p = 0; p < compare->purposes.count; p++) {
            const struct compare_pair *role = &compare->roles.pairs[r], *purpose = &compare->purposes.pairs[p];

            changes.count = 0;
            find_changes(compare, role, purpose, &changes);
            for (unsigned i = 0; i < changes.count; i++)
                tell(compare, role, purpose, &changes.all[i]);
            if (changes.count == 0)
                tell_empty_purpose(compare, role, purpose);
        }
    compare_orders(compare);
    compare->list->arena.failed |= changes.failed;
    free(changes.all);
}
