#include "tools/activity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/decide.h"

static const struct {
    const char *key, *names[2];
} parts[ACTIVITY_PARTS] = {
    [ACTIVITY_ID] = {"id", {"Id", "Kenmerk"}},
    [ACTIVITY_PURPOSE] = {"purpose", {"Purpose", "Doel"}},
    [ACTIVITY_CONTROLLER] = {"controller", {"Controller", "Verantwoordelijke"}},
    [ACTIVITY_OFFICER] = {"officer", {"Data protection officer", "Functionaris gegevensbescherming"}},
    [ACTIVITY_GROUND] = {"ground", {"Ground", "Grondslag"}},
    [ACTIVITY_BASIS] = {"basis", {"Because", "Onderbouwing"}},
    [ACTIVITY_PEOPLE] = {"people", {"People concerned", "Betrokkenen"}},
    [ACTIVITY_CATEGORIES] = {"categories", {"Categories of data", "Soorten gegevens"}},
    [ACTIVITY_ACCESS] = {"access", {"Seen by", "Ingezien door"}},
    [ACTIVITY_CHANGES] = {"changes", {"Changed by", "Gewijzigd door"}},
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

bool activity_sees(const struct policy *policy, unsigned role, unsigned purpose, struct field_set *seen)
{
    const struct policy_standing standing = {
        .roles = (uint64_t)1 << role, .in_force = (uint64_t)1 << role, .bound = true};
    const struct decide_facts facts = {.kind = __builtin_ctz(policy->purposes[purpose].kinds | UINT32_C(1) << 31),
                                       .present = true,
                                       .ends_s = INT64_MAX,
                                       .dossier = &decide_favourable,
                                       .own = true};
    bool any = false;

    *seen = (struct field_set){0};
    for (unsigned i = 0; i < policy->field_count; i++)
        if (decide(policy, &standing, (int)purpose, (int)i, &facts, 0).verdict != VERDICT_HIDDEN) {
            field_set_add(seen, i);
            any = true;
        }
    return any;
}

static const char *special_word(const char *word, enum wording_language language)
{
    static const char *const dutch[][2] = {{"health", "gezondheid"},       {"belief", "overtuiging"},
                                           {"origin", "afkomst"},          {"criminal", "strafrechtelijk"},
                                           {"bsn", "burgerservicenummer"}, {"children", "kinderen"}};

    for (size_t i = 0; language == WORDING_DUTCH && i < sizeof dutch / sizeof dutch[0]; i++)
        if (strcmp(dutch[i][0], word) == 0)
            return dutch[i][1];
    return word;
}

bool activity_fields(const struct policy *policy, unsigned category, const struct field_set *fields,
                     enum wording_language language, struct buffer *out)
{
    bool any = false;

    for (unsigned i = 0; i < policy->field_count; i++) {
        const struct policy_field *field = &policy->fields[i];

        if (field->category != category || !field_set_has(fields, i))
            continue;
        buffer_printf(out, "%s%s", any ? ", " : "", field->label);
        if (field->special)
            buffer_printf(out, " (%s: %s)", language == WORDING_DUTCH ? "bijzonder" : "special",
                          special_word(field->special_word, language));
        any = true;
    }
    return any;
}

static void append_day(int32_t day, struct buffer *out)
{
    int year, month, month_day;

    terms_date(day, &year, &month, &month_day);
    buffer_printf(out, "%04d-%02d-%02d", year, month, month_day);
}

void activity_agreement(const struct policy_role *recipient, enum wording_language language, struct buffer *out)
{
    static const char *const words[][2] = {
        [AGREEMENT_NONE] = {"", ""},
        [AGREEMENT_PROCESSOR] = {"processor agreement", "verwerkersovereenkomst"},
        [AGREEMENT_COVENANT] = {"covenant", "convenant"},
        [AGREEMENT_LEGAL_POWER] = {"legal power", "wettelijke bevoegdheid"},
    };
    bool dutch = language == WORDING_DUTCH;

    buffer_append_text(out, words[recipient->agreement][language]);
    if (*recipient->agreement_article)
        buffer_printf(out, ", %s", recipient->agreement_article);
    if (*recipient->requester)
        buffer_printf(out, dutch ? ", op verzoek van %s" : ", on demand of %s", recipient->requester);
    if (recipient->signed_day != INT32_MIN) {
        buffer_append_text(out, dutch ? ", getekend op " : ", signed on ");
        append_day(recipient->signed_day, out);
    }
    if (recipient->until_day != INT32_MAX) {
        buffer_append_text(out, dutch ? ", tot en met " : ", until ");
        append_day(recipient->until_day, out);
    }
}

/* ", " and the labels of the kinds whose text is that of `first`, which is the first of them. */
static void append_kinds(const struct policy *policy, uint32_t kinds, const char *const texts[POLICY_MAX_KINDS],
                         unsigned first, struct buffer *out)
{
    for (unsigned kind = first; kind < policy->kind_count; kind++)
        if (kinds >> kind & 1 && strcmp(texts[kind], texts[first]) == 0)
            buffer_printf(out, "%s%s", kind == first ? "" : ", ", policy->kinds[kind].label);
}

/* Whether a kind before it has the same text. */
static bool is_said(uint32_t kinds, const char *const texts[POLICY_MAX_KINDS], unsigned kind)
{
    for (unsigned before = 0; before < kind; before++)
        if (kinds >> before & 1 && strcmp(texts[before], texts[kind]) == 0)
            return true;
    return false;
}

void activity_controllers(const struct policy *policy, uint32_t kinds, struct buffer *out)
{
    const char *controllers[POLICY_MAX_KINDS];
    bool organisation = kinds == 0;

    for (unsigned i = 0; i < policy->kind_count; i++) {
        controllers[i] = policy->kinds[i].controller;
        organisation |= kinds >> i & 1 && strcmp(controllers[i], policy->organisation) == 0;
    }
    if (organisation)
        buffer_append_text(out, policy->organisation);
    for (unsigned i = 0; i < policy->kind_count; i++) {
        if (!(kinds >> i & 1) || strcmp(controllers[i], policy->organisation) == 0 || is_said(kinds, controllers, i))
            continue;
        next_line(out);
        buffer_printf(out, "%s (", controllers[i]);
        append_kinds(policy, kinds, controllers, i, out);
        buffer_append_text(out, ")");
    }
}

/* The term, and what else a reader has to know of a category before believing it. */
static void append_term(const struct policy *policy, unsigned category, unsigned kind, enum wording_language language,
                        struct buffer *out)
{
    const struct policy_category *it = &policy->categories[category];
    bool dutch = language == WORDING_DUTCH;

    if (it->never_stored)
        buffer_append_text(out, dutch ? "getoond en niet bewaard; dat het gezien is: "
                                      : "shown and not kept; that it was seen: ");
    wording_retention(policy, policy_retention(policy, category, kind), language, out);
    if (it->incident)
        buffer_append_text(out, dutch ? ", en alleen te zien bij een incident" : ", and only seen after an incident");
}

void activity_term(const struct policy *policy, unsigned category, uint32_t kinds, enum wording_language language,
                   struct buffer *out)
{
    struct buffer terms[POLICY_MAX_KINDS] = {0};
    const char *texts[POLICY_MAX_KINDS] = {""};
    unsigned first = kinds ? (unsigned)__builtin_ctz(kinds) : 0;
    bool differ = false;

    /* Of a category that no kind uses, the term is that of any. */
    for (unsigned kind = first; kind == first || kind < policy->kind_count; kind++) {
        append_term(policy, category, kind, language, &terms[kind]);
        texts[kind] = buffer_text(&terms[kind]);
        differ |= kinds >> kind & 1 && strcmp(texts[kind], texts[first]) != 0;
    }
    if (!differ)
        buffer_append_text(out, texts[first]);
    for (unsigned kind = first; differ && kind < policy->kind_count; kind++) {
        if (!(kinds >> kind & 1) || is_said(kinds & -(UINT32_C(1) << first), texts, kind))
            continue;
        buffer_append_text(out, kind == first ? "" : "; ");
        append_kinds(policy, kinds, texts, kind, out);
        buffer_printf(out, ": %s", texts[kind]);
    }
    for (unsigned kind = first; kind == first || kind < policy->kind_count; kind++) {
        out->failed |= terms[kind].failed;
        buffer_clear(&terms[kind]);
    }
}

void activity_security(const struct policy *policy, enum wording_language language, struct buffer *out)
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

    buffer_append_text(out, words[language]);
    if (*policy->published.security) {
        next_line(out);
        buffer_append_text(out, policy->published.security);
    }
}

void activity_version(const struct policy *policy, char version[static 2 * POLICY_HASH_BYTES + 1])
{
    for (size_t i = 0; i < POLICY_HASH_BYTES; i++)
        snprintf(version + 2 * i, 3, "%02x", policy->hash[i]);
}

/* ---- the parts ------------------------------------------------------------------------------------------------- */

static void add_line(struct buffer *out, const char *text)
{
    if (*text) {
        next_line(out);
        buffer_append_text(out, text);
    }
}

static void describe_controller(const struct policy *policy, uint32_t kinds, struct buffer *out)
{
    activity_controllers(policy, kinds, out);
    add_line(out, policy->published.address);
    add_line(out, policy->published.website);
    add_line(out, policy->contact);
}

static void describe_basis(const struct policy_purpose *purpose, enum wording_language language, struct buffer *out)
{
    const struct {
        const char *text, *names[2];
    } lines[] = {
        {purpose->article, {"Article", "Artikel"}},
        {purpose->balancing, {"Interests weighed", "Belangenafweging"}},
        {purpose->second_ground, {"Special data are allowed by", "Bijzondere gegevens mogen vanwege"}},
        {purpose->despite_restriction, {"Also what is restricted", "Ook wat is afgeschermd"}},
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (*lines[i].text) {
            next_line(out);
            buffer_printf(out, "%s: %s", lines[i].names[language], lines[i].text);
        }
}

static void describe_people(const struct policy *policy, uint32_t kinds, struct buffer *out)
{
    for (unsigned i = 0; i < policy->kind_count; i++)
        if (kinds >> i & 1) {
            next_line(out);
            buffer_append_text(out, policy->kinds[i].people);
        }
}

static void describe_categories(const struct policy *policy, const struct policy_purpose *purpose,
                                enum wording_language language, struct buffer *out)
{
    for (unsigned i = 0; i < policy->category_count; i++) {
        struct buffer fields = BUFFER_EMPTY;

        if (activity_fields(policy, i, &purpose->fields, language, &fields)) {
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

/* Every label of a set, whatever its category. */
static void append_fields(const struct policy *policy, const struct field_set *fields, struct buffer *out)
{
    bool any = false;

    for (unsigned i = 0; i < policy->field_count; i++)
        if (field_set_has(fields, i)) {
            buffer_printf(out, "%s%s", any ? ", " : "", policy->fields[i].label);
            any = true;
        }
}

static void describe_access(const struct policy *policy, unsigned purpose, enum wording_language language,
                            struct buffer *out)
{
    struct field_set seen;

    for (unsigned i = 0; i < policy->own_roles; i++)
        if (activity_sees(policy, i, purpose, &seen)) {
            next_line(out);
            buffer_append_text(out, policy->roles[i].label);
        }
    if (out->length_bytes == 0)
        buffer_append_text(out, language == WORDING_DUTCH ? "niemand" : "nobody");
}

static void describe_changes(const struct policy *policy, unsigned purpose, enum wording_language language,
                             struct buffer *out)
{
    for (unsigned i = 0; i < policy->own_roles; i++) {
        struct field_set both = {0};
        bool any = false;

        for (unsigned field = 0; field < policy->field_count; field++)
            if (policy->roles[i].purposes >> purpose & 1 && field_set_has(&policy->roles[i].write, field) &&
                field_set_has(&policy->purposes[purpose].fields, field)) {
                field_set_add(&both, field);
                any = true;
            }
        if (!any)
            continue;
        next_line(out);
        buffer_printf(out, "%s: ", policy->roles[i].label);
        append_fields(policy, &both, out);
    }
    if (out->length_bytes == 0)
        buffer_append_text(out, language == WORDING_DUTCH ? "niemand" : "nobody");
}

static bool describe_recipients(const struct policy *policy, unsigned purpose, enum wording_language language,
                                struct buffer *recipients, struct buffer *transfers)
{
    const char *none = language == WORDING_DUTCH ? "geen" : "none";

    for (unsigned i = policy->own_roles; i < policy->role_count; i++) {
        struct field_set seen;

        if (!activity_sees(policy, i, purpose, &seen))
            continue;
        next_line(recipients);
        buffer_printf(recipients, "%s (", policy->roles[i].label);
        activity_agreement(&policy->roles[i], language, recipients);
        buffer_append_text(recipients, "): ");
        append_fields(policy, &seen, recipients);
        if (!*policy->roles[i].transfer)
            continue;
        next_line(transfers);
        buffer_printf(transfers, "%s: %s", policy->roles[i].label, policy->roles[i].transfer);
    }
    if (transfers->length_bytes == 0)
        buffer_append_text(transfers, none);
    if (recipients->length_bytes > 0)
        return true;
    buffer_append_text(recipients, none);
    return false;
}

int activity_describe(const struct policy *policy, unsigned purpose, enum wording_language language,
                      struct activity *activity)
{
    const struct policy_purpose *it = &policy->purposes[purpose];
    struct buffer *out;
    bool failed = false;

    *activity = (struct activity){0};
    out = activity->parts;
    buffer_append_text(&out[ACTIVITY_ID], it->name);
    buffer_append_text(&out[ACTIVITY_PURPOSE], it->label);
    describe_controller(policy, it->kinds, &out[ACTIVITY_CONTROLLER]);
    buffer_append_text(&out[ACTIVITY_OFFICER], policy->published.officer);
    buffer_printf(&out[ACTIVITY_GROUND], "%c, ", it->ground);
    wording_ground(it->ground, language, &out[ACTIVITY_GROUND]);
    describe_basis(it, language, &out[ACTIVITY_BASIS]);
    describe_people(policy, it->kinds, &out[ACTIVITY_PEOPLE]);
    describe_categories(policy, it, language, &out[ACTIVITY_CATEGORIES]);
    describe_access(policy, purpose, language, &out[ACTIVITY_ACCESS]);
    describe_changes(policy, purpose, language, &out[ACTIVITY_CHANGES]);
    activity->has_recipients =
        describe_recipients(policy, purpose, language, &out[ACTIVITY_RECIPIENTS], &out[ACTIVITY_TRANSFERS]);
    describe_terms(policy, it, language, &out[ACTIVITY_TERMS]);
    activity_security(policy, language, &out[ACTIVITY_SECURITY]);
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
