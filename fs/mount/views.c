#include "fs/mount/views.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "fs/gate/reload.h"
#include "policy/explain.h"
#include "policy/mask.h"

int views_leaf(const struct policy *policy, const char *name)
{
    size_t suffix_bytes = strlen(policy->mount.suffix), name_bytes = strlen(name);
    char field[POLICY_NAME_MAX_BYTES + 1];
    int found = -1;

    if (strcmp(name, policy->mount.dossier) == 0)
        return DOOR_WHOLE;
    if (name_bytes > suffix_bytes && name_bytes - suffix_bytes < sizeof field &&
        strcmp(name + name_bytes - suffix_bytes, policy->mount.suffix) == 0) {
        memcpy(field, name, name_bytes - suffix_bytes);
        field[name_bytes - suffix_bytes] = '\0';
        found = policy_find_field(policy, field);
    }
    if (found >= 0)
        return found;
    return policy_find_category(policy, name) >= 0 ? VIEWS_CATEGORY : VIEWS_UNKNOWN;
}

void views_leaf_name(const struct policy *policy, int leaf, char name[VIEWS_NAME_MAX_BYTES])
{
    if (leaf == DOOR_WHOLE)
        snprintf(name, VIEWS_NAME_MAX_BYTES, "%s", policy->mount.dossier);
    else
        snprintf(name, VIEWS_NAME_MAX_BYTES, "%s%s", policy->fields[leaf].name, policy->mount.suffix);
}

/* Columns that a UTF-8 text takes, near enough for labels: code points. */
static int columns(const char *text)
{
    int count = 0;

    for (; *text; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

static void pad_to(struct buffer *out, int have, int want)
{
    for (; have < want; have++)
        buffer_append_u8(out, ' ');
}

static void render_labelled(const char *label, int width, const uint8_t *value, size_t length_bytes,
                            struct buffer *out)
{
    size_t from = 0;

    buffer_printf(out, "%s:", label);
    pad_to(out, columns(label), width);
    do { /* further values of a list stand under the first */
        const uint8_t *end = memchr(value + from, '\n', length_bytes - from);
        size_t line_bytes = end ? (size_t)(end - value) - from : length_bytes - from;

        if (from > 0)
            pad_to(out, -1, width);
        buffer_append_u8(out, ' ');
        buffer_append(out, value + from, line_bytes);
        buffer_append_u8(out, '\n');
        from += line_bytes + 1;
    } while (from < length_bytes);
}

int views_render(const struct policy *policy, int leaf, const char *code, const struct door_shown *shown,
                 struct buffer *out)
{
    int width = 0;

    if (leaf != DOOR_WHOLE) {
        buffer_append(out, shown->text.bytes + shown->values[0].at, shown->values[0].length_bytes);
        buffer_append_u8(out, '\n');
        return out->failed ? -ENOMEM : 0;
    }
    buffer_printf(out, "%s\n\n", code);
    for (unsigned i = 0; i < shown->count; i++) {
        int label = columns(policy->fields[shown->values[i].field].label);

        width = label > width ? label : width;
    }
    for (unsigned i = 0; i < shown->count; i++) {
        const struct door_value *value = &shown->values[i];

        render_labelled(policy->fields[value->field].label, width, shown->text.bytes + value->at, value->length_bytes,
                        out);
    }
    return out->failed ? -ENOMEM : 0;
}

/* ---- the caller's own page --------------------------------------------------------------------------------------- */

static void render_purpose(struct gate *gate, const struct door_caller *caller, unsigned purpose, struct buffer *out)
{
    const struct policy *policy = gate_policy(gate);
    bool any = false;

    buffer_printf(out, "\n%s - %s\n", policy->purposes[purpose].name, policy->purposes[purpose].label);
    for (unsigned kind = 0; kind < policy->kind_count; kind++) {
        bool first = true;

        if (!(policy->purposes[purpose].kinds >> kind & 1))
            continue;
        for (unsigned field = 0; field < policy->field_count; field++) {
            struct decision decision = door_rule(gate, caller, (int)purpose, (int)field, kind);

            if (decision.verdict == VERDICT_HIDDEN)
                continue;
            if (first)
                buffer_printf(out, "  %s: ", policy->kinds[kind].label);
            buffer_printf(out, "%s%s", first ? "" : ", ", policy->fields[field].name);
            if (decision.verdict == VERDICT_MASKED) {
                buffer_append_text(out, " (");
                mask_describe(&decision.mask, out);
                buffer_append_text(out, ")");
            }
            first = false;
            any = true;
        }
        if (!first)
            buffer_append_text(out, "\n");
    }
    if (!any)
        buffer_append_text(out, "  nothing\n");
}

static void render_refusals(const struct door_self *self, struct buffer *out)
{
    buffer_append_text(out, "\nLast refusals\n");
    if (self->refusal_count == 0)
        buffer_append_text(out, "  none\n");
    for (unsigned i = 0; i < self->refusal_count; i++) {
        const struct door_refusal *refusal = &self->refusals[i];
        char stamp[CLOCK_STAMP_BYTES];

        clock_stamp(refusal->time_ms / 1000, stamp);
        buffer_printf(out, "  %s  %s%s%s: %s\n", stamp, refusal->purpose, refusal->purpose[0] ? "/" : "",
                      refusal->name, refusal->reason);
    }
}

static uint64_t render_roles(const struct policy *policy, const struct door_self *self, struct buffer *out)
{
    bool first = true;

    buffer_printf(out, "You are: uid %u%s%s\n", (unsigned)self->uid, self->user[0] ? ", " : "", self->user);
    buffer_append_text(out, "Roles:   ");
    for (unsigned i = 0; i < policy->role_count; i++) {
        if (!(self->standing.roles >> i & 1))
            continue;
        buffer_printf(out, "%s%s%s", first ? "" : ", ", policy->roles[i].label,
                      self->standing.in_force >> i & 1 ? "" : " (the agreement is not in force today)");
        first = false;
    }
    if (!self->standing.roles)
        buffer_append_text(out, self->user[0]
                                    ? "none: nothing shows to you"
                                    : "none: no account has this uid, and no role names it: nothing shows to you");
    buffer_append_text(out, "\n");
    buffer_printf(out, "Secrecy: %s\n",
                  self->standing.bound ? "bound" : "no record in force: nothing shows to you until there is one");
    return policy_purposes(policy, &self->standing);
}

static void render_limits(struct gate *gate, const struct door_caller *caller, const struct door_self *self,
                          struct buffer *out)
{
    const struct policy *policy = gate_policy(gate);

    for (unsigned i = 0; i < policy->role_count; i++) {
        const struct policy_role *role = &policy->roles[i];
        char stamp[CLOCK_STAMP_BYTES];
        int64_t until_s = 0;
        uint32_t count;

        if (!(self->standing.roles >> i & 1) || role->dossiers_per_hour == 0)
            continue;
        count = door_bulk(gate, caller, i, &until_s);
        buffer_printf(out, "Limit:   %s: %u of %u different dossiers an hour", role->label, (unsigned)count,
                      (unsigned)role->dossiers_per_hour);
        clock_stamp(until_s, stamp);
        if (count > 0)
            buffer_printf(out, ", counted anew from %s on", stamp);
        buffer_append_text(out, "\n");
    }
}

int views_render_own(struct gate *gate, const struct door_caller *caller, struct buffer *out)
{
    const struct policy *policy = gate_policy(gate);
    struct door_self self;
    uint64_t purposes;

    door_self(gate, caller, &self);
    buffer_printf(out, "%s\n\n", policy->organisation);
    if (self.gap) {
        buffer_append_text(out,
                           "The system could not tell who you are; try again, and then ask your administrator.\n");
        return out->failed ? -ENOMEM : 0;
    }
    purposes = render_roles(policy, &self, out);
    render_limits(gate, caller, &self, out);
    for (unsigned i = 0; i < policy->purpose_count; i++)
        if (purposes >> i & 1)
            render_purpose(gate, caller, i, out);
    render_refusals(&self, out);
    gate_tell_editor(gate, caller, out);
    if (policy->contact && policy->contact[0])
        buffer_printf(out, "\nQuestions: %s\n", policy->contact);
    return out->failed ? -ENOMEM : 0;
}
