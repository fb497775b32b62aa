#include "fs/mount/views.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/base/safe.h"
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

/* Whom the page is for, and in which words. */
struct page {
    struct gate *gate;
    const struct policy *policy;
    const struct door_caller *caller;
    bool dutch;
    struct buffer *out;
};

static const char *say(const struct page *page, const char *english, const char *dutch)
{
    return page->dutch ? dutch : english;
}

static void render_purpose(const struct page *page, unsigned purpose)
{
    const struct policy *policy = page->policy;
    bool any = false;

    buffer_printf(page->out, "\n%s - %s\n", policy->purposes[purpose].name, policy->purposes[purpose].label);
    for (unsigned kind = 0; kind < policy->kind_count; kind++) {
        bool first = true;

        if (!(policy->purposes[purpose].kinds >> kind & 1))
            continue;
        for (unsigned field = 0; field < policy->field_count; field++) {
            struct decision decision = door_rule(page->gate, page->caller, (int)purpose, (int)field, kind);

            if (decision.verdict == VERDICT_HIDDEN)
                continue;
            if (first)
                buffer_printf(page->out, "  %s: ", policy->kinds[kind].label);
            buffer_printf(page->out, "%s%s", first ? "" : ", ", policy->fields[field].name);
            if (decision.verdict == VERDICT_MASKED) {
                buffer_append_text(page->out, " (");
                mask_describe(&decision.mask, page->out);
                buffer_append_text(page->out, ")");
            }
            first = false;
            any = true;
        }
        if (!first)
            buffer_append_text(page->out, "\n");
    }
    if (!any)
        buffer_printf(page->out, "  %s\n", say(page, "nothing", "niets"));
}

static void render_refusals(const struct page *page, const struct door_self *self)
{
    buffer_printf(page->out, "\n%s\n", say(page, "Last refusals", "Laatste weigeringen"));
    if (self->refusal_count == 0)
        buffer_printf(page->out, "  %s\n", say(page, "none", "geen"));
    for (unsigned i = 0; i < self->refusal_count; i++) {
        const struct door_refusal *refusal = &self->refusals[i];
        char stamp[CLOCK_STAMP_BYTES];

        clock_stamp(refusal->time_ms / 1000, stamp);
        buffer_printf(page->out, "  %s  %s%s%s: %s\n", stamp, refusal->purpose, refusal->purpose[0] ? "/" : "",
                      refusal->name, refusal->reason);
    }
}

static uint64_t render_roles(const struct page *page, const struct door_self *self)
{
    const struct policy *policy = page->policy;
    bool first = true;

    buffer_printf(page->out, "%s: uid %u%s%s\n", say(page, "You are", "U bent"), (unsigned)self->uid,
                  self->user[0] ? ", " : "", self->user);
    buffer_printf(page->out, "%s", say(page, "Roles:   ", "Rollen:  "));
    for (unsigned i = 0; i < policy->role_count; i++) {
        if (!(self->standing.roles >> i & 1))
            continue;
        buffer_printf(page->out, "%s%s%s", first ? "" : ", ", policy->roles[i].label,
                      self->standing.in_force >> i & 1 ? ""
                                                       : say(page, " (the agreement is not in force today)",
                                                             " (de overeenkomst geldt vandaag niet)"));
        first = false;
    }
    if (!self->standing.roles && self->user[0])
        buffer_append_text(page->out, say(page, "none: nothing shows to you", "geen: u ziet niets"));
    else if (!self->standing.roles)
        buffer_append_text(page->out,
                           say(page, "none: no account has this uid, and no role names it: nothing shows to you",
                               "geen: dit uid heeft geen account, en geen rol noemt het: u ziet niets"));
    buffer_append_text(page->out, "\n");
    if (self->standing.bound)
        buffer_printf(page->out, "%s\n", say(page, "Secrecy: bound", "Geheim:  u bent tot geheimhouding verplicht"));
    else
        buffer_printf(page->out, "%s\n",
                      say(page, "Secrecy: no record in force: nothing shows to you until there is one",
                          "Geheim:  er geldt geen verklaring: u ziet niets tot die er is"));
    return policy_purposes(policy, &self->standing);
}

static void render_limits(const struct page *page, const struct door_self *self)
{
    for (unsigned i = 0; i < page->policy->role_count; i++) {
        const struct policy_role *role = &page->policy->roles[i];
        char stamp[CLOCK_STAMP_BYTES];
        int64_t until_s = 0;
        uint32_t count;

        if (!(self->standing.roles >> i & 1) || role->dossiers_per_hour == 0)
            continue;
        count = door_bulk(page->gate, page->caller, i, &until_s);
        buffer_printf(page->out, "%s%s: %u %s %u %s", say(page, "Limit:   ", "Grens:   "), role->label,
                      (unsigned)count, say(page, "of", "van"), (unsigned)role->dossiers_per_hour,
                      say(page, "different dossiers an hour", "verschillende dossiers per uur"));
        clock_stamp(until_s, stamp);
        if (count > 0)
            buffer_printf(page->out, ", %s %s%s", say(page, "counted anew from", "opnieuw geteld vanaf"), stamp,
                          say(page, " on", ""));
        buffer_append_text(page->out, "\n");
    }
}

static const char *word_of_what(const struct page *page, enum log_what what)
{
    switch (what) {
    case LOG_FIELD:
        return say(page, "opened", "geopend");
    case LOG_DOSSIER:
        return say(page, "opened whole", "geheel geopend");
    case LOG_LISTING:
        return say(page, "listed", "lijst bekeken");
    case LOG_LOOK:
        return say(page, "looked for", "gezocht");
    case LOG_QUERY:
        return say(page, "log read", "log gelezen");
    case LOG_CHANGE:
    case LOG_IMPORT:
        return say(page, "changed", "gewijzigd");
    case LOG_FACT:
    case LOG_CALAMITY:
        return say(page, "registered", "geregistreerd");
    default:
        return say(page, "command", "opdracht");
    }
}

static const char *word_of_outcome(const struct page *page, enum log_outcome outcome)
{
    switch (outcome) {
    case LOG_SHOWN:
        return say(page, "shown", "getoond");
    case LOG_MASKED:
        return say(page, "shown masked", "afgeschermd getoond");
    case LOG_REFUSED:
        return say(page, "refused", "geweigerd");
    case LOG_GAP:
        return say(page, "not known who asked", "niet bekend wie vroeg");
    case LOG_FAILED:
        return say(page, "failed", "mislukt");
    default:
        return say(page, "done", "gedaan");
    }
}

/* A dossier goes by its code while the person sees it for that purpose. Otherwise it has none here, whether it is there or not. */
static const char *code_for(const struct page *page, const struct logbook_own_entry *entry)
{
    const struct door_ask ask = {page->caller, DOOR_NO_PROCESS, policy_find_purpose(page->policy, entry->purpose)};

    if (entry->dossier >= door_count(page->gate) || ask.purpose < 0 || !door_sees(page->gate, &ask, entry->dossier))
        return "-";
    return door_code(page->gate, entry->dossier);
}

static void render_entry(const struct page *page, const struct logbook_own_entry *entry)
{
    char stamp[CLOCK_STAMP_BYTES];

    clock_stamp(entry->time_ms / 1000, stamp);
    buffer_printf(page->out, "  %s  %s, %s: ", stamp, word_of_what(page, entry->what),
                  word_of_outcome(page, entry->outcome));
    if (entry->purpose[0] && strcmp(entry->name, entry->purpose) == 0) {
        buffer_printf(page->out, "%s/", entry->purpose); /* all its dossiers were listed */
    } else {
        if (entry->purpose[0])
            buffer_printf(page->out, "%s/%s%s", entry->purpose, code_for(page, entry), entry->name[0] ? "/" : "");
        safe_text(page->out, entry->name);
    }
    if (entry->count > 1)
        buffer_printf(page->out, " (%u %s)", (unsigned)entry->count, say(page, "times", "keer"));
    buffer_append_text(page->out, "\n");
}

static void render_entries(const struct page *page, const struct logbook_own *own)
{
    buffer_printf(page->out, "\n%s %d, %s %d %s)\n",
                  say(page, "Your last entries in the log (at most", "Uw laatste regels in het log (hoogstens"),
                  LOGBOOK_OWN_MAX, say(page, "of", "van"), LOGBOOK_OWN_DAYS, say(page, "days", "dagen"));
    if (!own)
        buffer_printf(page->out, "  %s\n",
                      say(page, "are being looked up; open this file again in a moment",
                          "worden opgezocht; open dit bestand zo nog eens"));
    else if (own->count == 0)
        buffer_printf(page->out, "  %s\n", say(page, "none", "geen"));
    for (unsigned i = 0; own && i < own->count; i++)
        render_entry(page, &own->entries[i]);
}

int views_render_own(struct gate *gate, const struct door_caller *caller, const struct logbook_own *own,
                     struct buffer *out)
{
    const struct policy *policy = gate_policy(gate);
    const struct page page = {gate, policy, caller, strcmp(policy->published.language, "nl") == 0, out};
    struct door_self self;
    uint64_t purposes;

    door_self(gate, caller, &self);
    buffer_printf(out, "%s\n\n", policy->organisation);
    if (self.gap) {
        buffer_printf(
            out, "%s\n",
            say(&page, "The system could not tell who you are; try again, and then ask your administrator.",
                "Het systeem kon niet vaststellen wie u bent; probeer het nog eens, en vraag dan uw beheerder."));
        return out->failed ? -ENOMEM : 0;
    }
    purposes = render_roles(&page, &self);
    render_limits(&page, &self);
    for (unsigned i = 0; i < policy->purpose_count; i++)
        if (purposes >> i & 1)
            render_purpose(&page, i);
    render_refusals(&page, &self);
    render_entries(&page, own);
    gate_tell_editor(gate, caller, out);
    if (policy->contact && policy->contact[0])
        buffer_printf(out, "\n%s: %s\n", say(&page, "Questions", "Vragen"), policy->contact);
    return out->failed ? -ENOMEM : 0;
}
