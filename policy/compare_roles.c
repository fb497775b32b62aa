/* compare_roles: who the people are, and what roles and recipients may besides seeing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compare_inside.h"
#include "policy/match.h"
#include "policy/private.h"

/* ---- sets of words: members, commands ---------------------------------------------------------------------------- */

static void member_text(const struct policy_member *member, struct buffer *out)
{
    if (member->kind == MEMBER_UID)
        buffer_printf(out, "%u", member->uid);
    else
        buffer_printf(out, "%s%s", member->kind == MEMBER_GROUP ? "@" : "", member->name);
}

static bool same_member(const struct policy_member *one, const struct policy_member *other)
{
    if (one->kind != other->kind)
        return false;
    return one->kind == MEMBER_UID ? one->uid == other->uid : strcmp(one->name, other->name) == 0;
}

static bool has_member(const struct private_role *role, const struct policy_member *member)
{
    for (size_t i = 0; role && i < role->member_count; i++)
        if (same_member(&role->members[i], member))
            return true;
    return false;
}

static void add_word(struct compare *compare, struct difference *difference, const char *kind, const char *word,
                     unsigned line)
{
    struct buffer about = BUFFER_EMPTY;

    buffer_printf(&about, "%s %s", kind, word);
    difference->about = buffer_text(&about);
    difference->old_line = difference->way == DIFFERENCE_LOSES ? line : 0;
    difference->new_line = difference->way == DIFFERENCE_GAINS ? line : 0;
    compare_add(compare, difference);
    compare->list->arena.failed |= about.failed;
    buffer_clear(&about);
}

/* What `role` has and `other` (NULL: no such role) has not. */
static void tell_members(struct compare *compare, struct difference *difference, const struct private_role *role,
                         const struct private_role *other)
{
    for (size_t i = 0; role && i < role->member_count; i++) {
        struct buffer word = BUFFER_EMPTY;

        if (has_member(other, &role->members[i]))
            continue;
        member_text(&role->members[i], &word);
        add_word(compare, difference, "member", buffer_text(&word), role->members[i].line);
        compare->list->arena.failed |= word.failed;
        buffer_clear(&word);
    }
}

/* "log.*" covers "log.show"; so what is told is what may really be done, or no more. */
static void tell_commands(struct compare *compare, struct difference *difference, const struct private_role *role,
                          const struct private_role *other)
{
    for (size_t i = 0; role && i < role->command_count; i++) {
        bool known = false;

        for (size_t j = 0; other && j < other->command_count && !known; j++)
            known = policy_command_covers(other->commands[j].text, role->commands[i].text);
        if (!known)
            add_word(compare, difference, "command", role->commands[i].text, role->commands[i].line);
    }
}

/* ---- sets of fields: write, drop ---------------------------------------------------------------------------------- */

static void append_fields(const struct policy *policy, const struct field_set *fields, const struct policy *other,
                          const struct field_set *there, struct buffer *out)
{
    for (unsigned i = 0; i < policy->field_count; i++) {
        int same = compare_same_field(policy, i, other);

        if (field_set_has(fields, i) && (same < 0 || !there || !field_set_has(there, (unsigned)same)))
            compare_append(out, policy->fields[i].name);
    }
}

/* What each has and the other has not. `old` or `new` is NULL where the role isn't there. */
static void tell_fields(struct compare *compare, const struct difference *base, const char *about,
                        const struct field_set *old, const struct field_set *new, unsigned old_line,
                        unsigned new_line)
{
    struct buffer lost = BUFFER_EMPTY, gained = BUFFER_EMPTY;

    if (old)
        append_fields(compare->old, old, compare->new, new, &lost);
    if (new)
        append_fields(compare->new, new, compare->old, old, &gained);
    compare_texts(compare, base->what, base->name, about, buffer_text(&lost), "", old_line, 0);
    compare_texts(compare, base->what, base->name, about, "", buffer_text(&gained), 0, new_line);
    compare->list->arena.failed |= lost.failed || gained.failed;
    buffer_clear(&lost);
    buffer_clear(&gained);
}

/* ---- what is one text ------------------------------------------------------------------------------------------------ */

static void describe_day(int32_t day, struct buffer *out)
{
    int year, month, month_day;

    if (day == INT32_MIN || day == INT32_MAX)
        return;
    terms_date(day, &year, &month, &month_day);
    buffer_printf(out, "%04d-%02d-%02d", year, month, month_day);
}

static void describe_caseload(const struct policy *policy, const struct policy_role *role, struct buffer *out)
{
    struct buffer values = BUFFER_EMPTY;

    if (role->caseload_field < 0)
        return;
    compare_append_sorted(&values, role->caseload_values, role->caseload_count);
    buffer_printf(out, "%s: %s", policy->fields[role->caseload_field].name, buffer_text(&values));
    out->failed |= values.failed;
    buffer_clear(&values);
}

static void compare_limit(struct compare *compare, const struct difference *base, const struct policy_role *old,
                          const struct policy_role *new)
{
    char before[16] = "", after[16] = "";

    if (old->dossiers_per_hour)
        snprintf(before, sizeof before, "%u", old->dossiers_per_hour);
    if (new->dossiers_per_hour)
        snprintf(after, sizeof after, "%u", new->dossiers_per_hour);
    compare_texts(compare, base->what, base->name, "limit of dossiers per hour", before, after, old->dossiers_line,
                  new->dossiers_line);
}

static void compare_days(struct compare *compare, const struct difference *base, const char *about, int32_t old_day,
                         int32_t new_day, unsigned old_line, unsigned new_line)
{
    struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY;

    describe_day(old_day, &before);
    describe_day(new_day, &after);
    compare_texts(compare, base->what, base->name, about, buffer_text(&before), buffer_text(&after), old_line,
                  new_line);
    compare->list->arena.failed |= before.failed || after.failed;
    buffer_clear(&before);
    buffer_clear(&after);
}

static void compare_agreement(struct compare *compare, const struct difference *base, const struct policy_role *old,
                              const struct policy_role *new)
{
    static const char *const words[] = {[AGREEMENT_NONE] = "",
                                        [AGREEMENT_PROCESSOR] = "processor",
                                        [AGREEMENT_COVENANT] = "covenant",
                                        [AGREEMENT_LEGAL_POWER] = "legal power"};

    compare_texts(compare, base->what, base->name, "agreement", words[old->agreement], words[new->agreement],
                  old->line, new->line);
    compare_texts(compare, base->what, base->name, "article", old->agreement_article, new->agreement_article,
                  old->line, new->line);
    compare_texts(compare, base->what, base->name, "requester", old->requester, new->requester, old->line, new->line);
    compare_texts(compare, base->what, base->name, "transfer", old->transfer, new->transfer, old->line, new->line);
    compare_days(compare, base, "first day of the agreement", old->signed_day, new->signed_day, old->line, new->line);
    compare_days(compare, base, "last day of the agreement", old->until_day, new->until_day, old->agreement_line,
                 new->agreement_line);
}

static void compare_role_texts(struct compare *compare, const struct difference *base, const struct policy_role *old,
                               const struct policy_role *new)
{
    struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY;

    compare_texts(compare, base->what, base->name, "label", old->label, new->label, old->line, new->line);
    describe_caseload(compare->old, old, &before);
    describe_caseload(compare->new, new, &after);
    compare_texts(compare, base->what, base->name, "caseload", buffer_text(&before), buffer_text(&after),
                  old->caseload_line, new->caseload_line);
    compare->list->arena.failed |= before.failed || after.failed;
    buffer_clear(&before);
    buffer_clear(&after);
    compare_limit(compare, base, old, new);
    compare_agreement(compare, base, old, new);
}

static void compare_role(struct compare *compare, const struct compare_pair *pair)
{
    const struct policy_role *old = pair->old >= 0 ? &compare->old->roles[pair->old] : NULL,
                             *new = pair->new >= 0 ? &compare->new->roles[pair->new] : NULL, *role = new ? new : old;
    const struct private_role *had = old ? &compare->old->private->roles[pair->old] : NULL,
                              *has = new ? &compare->new->private->roles[pair->new] : NULL;
    struct difference base = {.what = role->agreement == AGREEMENT_NONE ? DIFFERENCE_ROLE : DIFFERENCE_RECIPIENT,
                              .name = role->name,
                              .old_line = old ? old->line : 0,
                              .new_line = new ? new->line : 0};

    base.way = new ? DIFFERENCE_GAINS : DIFFERENCE_LOSES;
    if (!old || !new)
        compare_add(compare, &base);
    base.way = DIFFERENCE_LOSES;
    tell_members(compare, &base, had, has);
    tell_commands(compare, &base, had, has);
    base.way = DIFFERENCE_GAINS;
    tell_members(compare, &base, has, had);
    tell_commands(compare, &base, has, had);
    tell_fields(compare, &base, "fields that it may change", old ? &old->write : NULL, new ? &new->write : NULL,
                old ? old->write_line : 0, new ? new->write_line : 0);
    tell_fields(compare, &base, "fields that it may create and not read back", old ? &old->drop : NULL,
                new ? &new->drop : NULL, old ? old->drop_line : 0, new ? new->drop_line : 0);
    if (old && new)
        compare_role_texts(compare, &base, old, new);
}

/* ---- secrecy ---------------------------------------------------------------------------------------------------------- */

struct days {
    int32_t from, until;
};

static int by_first_day(const void *one, const void *other)
{
    const struct days *a = one, *b = other;

    return a->from < b->from ? -1 : a->from > b->from;
}

/* The days on which a person is bound: records that touch or overlap are one. */
static void describe_bound(const struct policy *policy, const struct policy_member *member, struct buffer *out,
                           unsigned *line)
{
    const struct policy_private *private = policy->private;
    struct days *days = reallocarray(NULL, private->bound_count + 1, sizeof *days);
    size_t count = 0;

    *line = 0;
    out->failed |= !days;
    for (size_t i = 0; days && i < private->bound_count; i++)
        if (same_member(&private->bounds[i].member, member)) {
            days[count++] = (struct days){private->bounds[i].from_day, private->bounds[i].until_day};
            *line = private->bounds[i].member.line;
        }
    if (count)
        qsort(days, count, sizeof *days, by_first_day);
    for (size_t i = 0; i < count; i++) {
        struct days one = days[i];

        for (; i + 1 < count && (int64_t)days[i + 1].from <= (int64_t)one.until + 1; i++)
            one.until = days[i + 1].until > one.until ? days[i + 1].until : one.until;
        buffer_append_text(out, out->length_bytes ? ", from " : "from ");
        describe_day(one.from, out);
        buffer_append_text(out, one.until == INT32_MAX ? "" : " until ");
        describe_day(one.until, out);
    }
    free(days);
}

static void compare_person(struct compare *compare, const struct policy_member *member)
{
    struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY, name = BUFFER_EMPTY;
    unsigned old_line, new_line;

    member_text(member, &name);
    describe_bound(compare->old, member, &before, &old_line);
    describe_bound(compare->new, member, &after, &new_line);
    compare_texts(compare, DIFFERENCE_SECRECY, buffer_text(&name), "bound", buffer_text(&before), buffer_text(&after),
                  old_line, new_line);
    compare->list->arena.failed |= before.failed || after.failed || name.failed;
    buffer_clear(&before);
    buffer_clear(&after);
    buffer_clear(&name);
}

/* Is the record the first of its person? */
static bool is_first(const struct policy_private *private, size_t count, const struct policy_member *member)
{
    for (size_t i = 0; i < count; i++)
        if (same_member(&private->bounds[i].member, member))
            return false;
    return true;
}

static void compare_secrecy(struct compare *compare)
{
    const struct policy_private *old = compare->old->private, *new = compare->new->private;

    for (size_t i = 0; i < old->bound_count; i++)
        if (is_first(old, i, &old->bounds[i].member))
            compare_person(compare, &old->bounds[i].member);
    for (size_t i = 0; i < new->bound_count; i++)
        if (is_first(new, i, &new->bounds[i].member) && is_first(old, old->bound_count, &new->bounds[i].member))
            compare_person(compare, &new->bounds[i].member);
}

void compare_roles(struct compare *compare)
{
    for (unsigned i = 0; i < compare->roles.count; i++)
        compare_role(compare, &compare->roles.pairs[i]);
    compare_secrecy(compare);
}
