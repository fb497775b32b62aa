#include "tools/activity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *key, *names[2];
} parts[ACTIVITY_PARTS] = {
    [ACTIVITY_ID] = {"id", {"Id", "Kenmerk"}},
    [ACTIVITY_PURPOSE] = {"purpose", {"Purpose", "Doel"}},
    [ACTIVITY_CONTROLLER] = {"controller", {"Controller", "Verantwoordelijke"}},
    [ACTIVITY_GROUND] = {"ground", {"Ground", "Grondslag"}},
    [ACTIVITY_PEOPLE] = {"people", {"People concerned", "Betrokkenen"}},
    [ACTIVITY_CATEGORIES] = {"categories", {"Categories of data", "Soorten gegevens"}},
    [ACTIVITY_ACCESS] = {"access", {"Seen by", "Ingezien door"}},
    [ACTIVITY_RECIPIENTS] = {"recipients", {"Recipients outside", "Ontvangers buiten de organisatie"}},
    [ACTIVITY_TRANSFERS] = {"transfers", {"Transfers outside the EU", "Doorgifte buiten de EU"}},
    [ACTIVITY_TERMS] = {"terms", {"Kept for", "Bewaartermijnen"}},
    [ACTIVITY_SECURITY] = {"security", {"Security measures", "Beveiliging"}},
    [ACTIVITY_SOURCE] = {"source", {"Source", "Bron"}},
};

const char *activity_name(enum activity_part part, enum wording_language language)
{
    return parts[part].names[language];
}

const char *activity_key(enum activity_part part)
{
    return parts[part].key;
}

static void next_line(struct buffer *out)
{
    if (out->length_bytes > 0)
        buffer_append_text(out, "\n");
}

/* ---- what the statement shares --------------------------------------------------------------------------------- */

bool activity_role_sees(const struct policy *policy, const struct policy_role *role, unsigned purpose)
{
    if (!(role->purposes >> purpose & 1))
        return false;
    for (unsigned i = 0; i < policy->field_count; i++)
        if (field_set_has(&policy->purposes[purpose].fields, i) &&
            (!role->narrows || field_set_has(&role->fields, i)))
            return true;
    return false;
}

bool activity_fields(const struct policy *policy, unsigned category, const struct field_set *fields,
                     struct buffer *out)
{
    bool any = false;

    for (unsigned i = 0; i < policy->field_count; i++) {
        if (policy->fields[i].category != category || !field_set_has(fields, i))
            continue;
        buffer_printf(out, "%s%s", any ? ", " : "", policy->fields[i].label);
        any = true;
    }
    return any;
}

void activity_term(const struct policy *policy, unsigned category, uint32_t kinds, enum wording_language language,
                   struct buffer *out)
{
    unsigned first = kinds ? (unsigned)__builtin_ctz(kinds) : 0;
    const struct retention *retention = policy_retention(policy, category, first);
    bool differ = false;

    for (unsigned kind = 0; kind < policy->kind_count; kind++)
        differ |= kinds >> kind & 1 && policy_retention(policy, category, kind) != retention;
    if (!differ) {
        wording_retention(policy, retention, language, out);
        return;
    }
    for (unsigned kind = first; kind < policy->kind_count; kind++) {
        if (!(kinds >> kind & 1))
            continue;
        buffer_printf(out, "%s%s: ", kind == first ? "" : "; ", policy->kinds[kind].label);
        wording_retention(policy, policy_retention(policy, category, kind), language, out);
    }
}

const char *activity_security(enum wording_language language)
{
    static const char *const words[] = {
        [WORDING_ENGLISH] = "Access only by role and purpose, for people who are bound to secrecy\n"
                            "Stored encrypted, each item under a key of its own\n"
                            "Every access is in a log that can't be altered unnoticed, before anything is shown\n"
                            "Out of sight the moment the term ends",
        [WORDING_DUTCH] =
            "Toegang alleen per rol en doel, voor wie aan geheimhouding gebonden is\n"
            "Versleuteld opgeslagen, elk onderdeel met een eigen sleutel\n"
            "Elke inzage staat in een logboek dat niet ongemerkt te veranderen is, voordat er iets te zien is\n"
            "Onzichtbaar zodra de termijn om is",
    };

    return words[language];
}

void activity_version(const struct policy *policy, char version[static 2 * POLICY_HASH_BYTES + 1])
{
    for (size_t i = 0; i < POLICY_HASH_BYTES; i++)
        snprintf(version + 2 * i, 3, "%02x", policy->hash[i]);
}

/* ---- the parts ------------------------------------------------------------------------------------------------- */

static void describe_controller(const struct policy *policy, struct buffer *out)
{
    buffer_append_text(out, policy->organisation);
    if (*policy->contact) {
        next_line(out);
        buffer_append_text(out, policy->contact);
    }
}

static void describe_people(const struct policy *policy, uint32_t kinds, struct buffer *out)
{
    for (unsigned i = 0; i < policy->kind_count; i++)
        if (kinds >> i & 1) {
            next_line(out);
            buffer_append_text(out, policy->kinds[i].label);
        }
}

static void describe_categories(const struct policy *policy, const struct policy_purpose *purpose, struct buffer *out)
{
    for (unsigned i = 0; i < policy->category_count; i++) {
        struct buffer fields = BUFFER_EMPTY;

        if (activity_fields(policy, i, &purpose->fields, &fields)) {
            next_line(out);
            buffer_printf(out, "%s: %s", policy->categories[i].label, buffer_text(&fields));
        }
        out->failed |= fields.failed;
        buffer_clear(&fields);
    }
}

static bool uses_category(const struct policy *policy, const struct policy_purpose *purpose, unsigned category)
{
    for (unsigned i = 0; i < policy->field_count; i++)
        if (policy->fields[i].category == category && field_set_has(&purpose->fields, i))
            return true;
    return false;
}

/* Categories with the same term share a line. */
static void describe_terms(const struct policy *policy, const struct policy_purpose *purpose,
                           enum wording_language language, struct buffer *out)
{
    struct buffer terms[POLICY_MAX_CATEGORIES] = {0};
    uint64_t left = 0;

    for (unsigned i = 0; i < policy->category_count; i++)
        if (uses_category(policy, purpose, i)) {
            left |= (uint64_t)1 << i;
            activity_term(policy, i, purpose->kinds, language, &terms[i]);
        }
    while (left) {
        unsigned first = (unsigned)__builtin_ctzll(left);

        next_line(out);
        for (unsigned i = first; i < policy->category_count; i++)
            if (left >> i & 1 && strcmp(buffer_text(&terms[i]), buffer_text(&terms[first])) == 0) {
                buffer_printf(out, "%s%s", i == first ? "" : ", ", policy->categories[i].label);
                left &= ~((uint64_t)1 << i);
            }
        buffer_printf(out, ": %s", buffer_text(&terms[first]));
    }
    for (unsigned i = 0; i < policy->category_count; i++) {
        out->failed |= terms[i].failed;
        buffer_clear(&terms[i]);
    }
}

static void describe_access(const struct policy *policy, unsigned purpose, enum wording_language language,
                            struct buffer *out)
{
    for (unsigned i = 0; i < policy->role_count; i++)
        if (activity_role_sees(policy, &policy->roles[i], purpose)) {
            next_line(out);
            buffer_append_text(out, policy->roles[i].label);
        }
    if (out->length_bytes == 0)
        buffer_append_text(out, language == WORDING_DUTCH ? "niemand" : "nobody");
}

int activity_describe(const struct policy *policy, unsigned purpose, enum wording_language language,
                      struct activity *activity)
{
    const struct policy_purpose *it = &policy->purposes[purpose];
    const char *none = language == WORDING_DUTCH ? "geen" : "none";
    struct buffer *out;
    bool failed = false;

    *activity = (struct activity){0};
    out = activity->parts;
    buffer_append_text(&out[ACTIVITY_ID], it->name);
    buffer_append_text(&out[ACTIVITY_PURPOSE], it->label);
    describe_controller(policy, &out[ACTIVITY_CONTROLLER]);
    buffer_printf(&out[ACTIVITY_GROUND], "%c, ", it->ground);
    wording_ground(it->ground, language, &out[ACTIVITY_GROUND]);
    describe_people(policy, it->kinds, &out[ACTIVITY_PEOPLE]);
    describe_categories(policy, it, &out[ACTIVITY_CATEGORIES]);
    describe_access(policy, purpose, language, &out[ACTIVITY_ACCESS]);
    buffer_append_text(&out[ACTIVITY_RECIPIENTS], none);
    buffer_append_text(&out[ACTIVITY_TRANSFERS], none);
    describe_terms(policy, it, language, &out[ACTIVITY_TERMS]);
    buffer_append_text(&out[ACTIVITY_SECURITY], activity_security(language));
    buffer_printf(&out[ACTIVITY_SOURCE], "%s:%u", policy->file, it->line);
    for (unsigned i = 0; i < ACTIVITY_PARTS; i++)
        failed |= out[i].failed;
    return failed ? -ENOMEM : 0;
}

void activity_clear(struct activity *activity)
{
    for (unsigned i = 0; i < ACTIVITY_PARTS; i++)
        buffer_clear(&activity->parts[i]);
}
