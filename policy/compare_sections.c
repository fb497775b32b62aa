/* compare_sections: all that a policy says besides who sees what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compare_inside.h"
#include "policy/pattern.h"
#include "policy/wording.h"

const char *compare_section_name(const struct policy *policy, enum difference_what what, int index, unsigned *line)
{
    switch (what) {
    case DIFFERENCE_PURPOSE:
        *line = policy->purposes[index].line;
        return policy->purposes[index].name;
    case DIFFERENCE_CATEGORY:
        *line = policy->categories[index].line;
        return policy->categories[index].name;
    case DIFFERENCE_FIELD:
        *line = policy->fields[index].line;
        return policy->fields[index].name;
    default:
        *line = policy->kinds[index].line;
        return policy->kinds[index].name;
    }
}

/* Adds "is new" or "is gone". False: it is in both. */
static bool tell_section(struct compare *compare, enum difference_what what, const struct compare_pair *pair)
{
    struct difference difference = {.what = what};

    if (pair->old >= 0 && pair->new >= 0)
        return false;
    if (pair->new >= 0) {
        difference.way = DIFFERENCE_GAINS;
        difference.name = compare_section_name(compare->new, what, pair->new, &difference.new_line);
    } else {
        difference.way = DIFFERENCE_LOSES;
        difference.name = compare_section_name(compare->old, what, pair->old, &difference.old_line);
    }
    compare_add(compare, &difference);
    return true;
}

static const char *yes(bool is_so)
{
    return is_so ? "yes" : "";
}

/* ---- terms ------------------------------------------------------------------------------------------------------- */

static int by_text(const void *one, const void *other)
{
    return strcmp(one, other);
}

/* What a term comes to, in a form that is equal for terms that end equally: weeks are days, years are months. Terms after capture
 * in days and weeks are exact to the second, those in months are not; so they stay apart. */
static void term_key(const struct policy *policy, const struct term *term, char key[static 128])
{
    bool days = term->unit == TERM_DAYS || term->unit == TERM_WEEKS;
    unsigned amount = term->amount * (term->unit == TERM_WEEKS ? 7 : term->unit == TERM_YEARS ? 12 : 1);

    snprintf(key, 128, "%u %s after %s%s", amount, days ? "d" : "m",
             term->start == TERM_AFTER_FIELD
                 ? compare_stored(policy->fields[term->field].name, policy->fields[term->field].was)
                 : "capture!",
             term->year_end ? " year-end" : "");
}

/* Equal keys: equal ends, whatever the dossier. */
static void retention_key(const struct policy *policy, const struct retention *retention, struct buffer *out)
{
    char keys[RETENTION_MAX_TERMS][128];

    if (!retention)
        return;
    for (unsigned i = 0; i < retention->term_count; i++)
        term_key(policy, &retention->terms[i], keys[i]);
    qsort(keys, retention->term_count, sizeof keys[0], by_text);
    if (retention->term_count > 1)
        buffer_append_text(out, retention->rule == RETENTION_EARLIEST ? "earliest " : "latest ");
    for (unsigned i = 0; i < retention->term_count; i++)
        compare_append(out, keys[i]);
}

static void tell_term(struct compare *compare, const char *name, const char *about, const struct retention *old,
                      const struct retention *new, unsigned old_line, unsigned new_line)
{
    struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY;
    struct difference difference = {.what = DIFFERENCE_CATEGORY,
                                    .way = DIFFERENCE_CHANGES,
                                    .name = name,
                                    .about = about,
                                    .old_line = old_line,
                                    .new_line = new_line};

    wording_retention(compare->old, old, WORDING_ENGLISH, &before);
    wording_retention(compare->new, new, WORDING_ENGLISH, &after);
    difference.before = buffer_text(&before);
    difference.after = buffer_text(&after);
    compare_add(compare, &difference);
    compare->list->arena.failed |= before.failed || after.failed;
    buffer_clear(&before);
    buffer_clear(&after);
}

static void compare_term(struct compare *compare, const struct compare_pair *category,
                         const struct compare_pair *kind)
{
    const struct retention *old = policy_retention(compare->old, (unsigned)category->old, (unsigned)kind->old),
                           *new = policy_retention(compare->new, (unsigned)category->new, (unsigned)kind->new);
    const struct policy_category *before = &compare->old->categories[category->old],
                                 *after = &compare->new->categories[category->new];
    struct buffer old_key = BUFFER_EMPTY, new_key = BUFFER_EMPTY;
    char about[POLICY_NAME_MAX_BYTES + 40];

    retention_key(compare->old, old, &old_key);
    retention_key(compare->new, new, &new_key);
    snprintf(about, sizeof about, "the term for kind %s", compare->new->kinds[kind->new].name);
    if (strcmp(buffer_text(&old_key), buffer_text(&new_key)) != 0)
        tell_term(compare, after->name, about, old, new,
                  before->retention_line ? before->retention_line : before->line,
                  after->retention_line ? after->retention_line : after->line);
    compare->list->arena.failed |= old_key.failed || new_key.failed;
    buffer_clear(&old_key);
    buffer_clear(&new_key);
}

/* ---- sets of names -------------------------------------------------------------------------------------------------- */

static void append_roles(const struct policy *policy, uint64_t roles, struct buffer *out)
{
    const char *names[POLICY_MAX_ROLES];
    size_t count = 0;

    for (unsigned i = 0; i < policy->role_count; i++)
        if (roles >> i & 1)
            names[count++] = policy->roles[i].name;
    compare_append_sorted(out, names, count);
}

/* By the names that they have in `other`, if they are there: a kind that is only renamed is no difference here. */
static void append_kinds(const struct policy *policy, uint32_t kinds, const struct policy *other, struct buffer *out)
{
    const char *names[POLICY_MAX_KINDS];
    size_t count = 0;

    for (unsigned i = 0; i < policy->kind_count; i++) {
        int same = compare_same_kind(policy, i, other);

        if (kinds >> i & 1)
            names[count++] = same >= 0 ? other->kinds[same].name : policy->kinds[i].name;
    }
    compare_append_sorted(out, names, count);
}

/* The fields of `purpose` that the other's same purpose does not list. */
static void append_fields(const struct policy *policy, int purpose, const struct policy *other, int same,
                          struct buffer *out)
{
    for (unsigned i = 0; i < policy->field_count; i++) {
        int field = compare_same_field(policy, i, other);

        if (field_set_has(&policy->purposes[purpose].fields, i) &&
            (field < 0 || !field_set_has(&other->purposes[same].fields, (unsigned)field)))
            compare_append(out, policy->fields[i].name);
    }
}

/* compare_texts() of two buffers, which are cleared. */
static void compare_buffers(struct compare *compare, enum difference_what what, const char *name, const char *about,
                            struct buffer *before, struct buffer *after, unsigned old_line, unsigned new_line)
{
    compare_texts(compare, what, name, about, buffer_text(before), buffer_text(after), old_line, new_line);
    compare->list->arena.failed |= before->failed || after->failed;
    buffer_clear(before);
    buffer_clear(after);
}

/* ---- the sections ------------------------------------------------------------------------------------------------- */

static void compare_category(struct compare *compare, const struct compare_pair *pair)
{
    const struct policy_category *old = &compare->old->categories[pair->old],
                                 *new = &compare->new->categories[pair->new];
    struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY;
    enum difference_what what = DIFFERENCE_CATEGORY;

    compare_texts(compare, what, new->name, "name", old->name, new->name, old->line, new->line);
    compare_texts(compare, what, new->name, "label", old->label, new->label, old->line, new->line);
    for (unsigned k = 0; k < compare->kinds.count; k++)
        if (compare->kinds.pairs[k].old >= 0 && compare->kinds.pairs[k].new >= 0)
            compare_term(compare, pair, &compare->kinds.pairs[k]);
    compare_texts(compare, what, new->name, "never stored", yes(old->never_stored), yes(new->never_stored),
                  old->store_line, new->store_line);
    compare_texts(compare, what, new->name, "incident required", yes(old->incident), yes(new->incident),
                  old->incident_line, new->incident_line);
    compare_texts(compare, what, new->name, "source", old->source, new->source, old->line, new->line);
    append_roles(compare->old, old->roles, &before);
    append_roles(compare->new, new->roles, &after);
    compare_buffers(compare, what, new->name, "roles that alone see it", &before, &after, old->roles_line,
                    new->roles_line);
}

static void describe_type(const struct type *type, struct buffer *out)
{
    buffer_printf(out, "%s%s", type->is_list ? "a list of " : "", type_name(type->code));
    if (type->code == TYPE_PATTERN)
        buffer_printf(out, " %s", pattern_text(type->pattern));
    if (type->code == TYPE_ENUM) {
        struct buffer words = BUFFER_EMPTY;

        compare_append_sorted(&words, type->words, type->word_count);
        buffer_printf(out, ": %s", buffer_text(&words));
        out->failed |= words.failed;
        buffer_clear(&words);
    }
}

static void compare_field_category(struct compare *compare, const struct policy_field *old,
                                   const struct policy_field *new)
{
    const struct policy_category *before = &compare->old->categories[old->category],
                                 *after = &compare->new->categories[new->category];

    if (strcmp(compare_stored(before->name, before->was), compare_stored(after->name, after->was)) != 0)
        compare_texts(compare, DIFFERENCE_FIELD, new->name, "category", before->name, after->name, old->line,
                      new->line);
}

static void compare_field(struct compare *compare, const struct compare_pair *pair)
{
    const struct policy_field *old = &compare->old->fields[pair->old], *new = &compare->new->fields[pair->new];
    struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY;
    enum difference_what what = DIFFERENCE_FIELD;

    compare_texts(compare, what, new->name, "name", old->name, new->name, old->line, new->line);
    compare_texts(compare, what, new->name, "label", old->label, new->label, old->line, new->line);
    compare_field_category(compare, old, new);
    describe_type(&old->type, &before);
    describe_type(&new->type, &after);
    compare_buffers(compare, what, new->name, "type", &before, &after, old->line, new->line);
    compare_texts(compare, what, new->name, "special", old->special_word, new->special_word, old->special_line,
                  new->special_line);
}

static void compare_kind(struct compare *compare, const struct compare_pair *pair)
{
    const struct policy_kind *old = &compare->old->kinds[pair->old], *new = &compare->new->kinds[pair->new];
    enum difference_what what = DIFFERENCE_KIND;

    compare_texts(compare, what, new->name, "name", old->name, new->name, old->line, new->line);
    compare_texts(compare, what, new->name, "label", old->label, new->label, old->line, new->line);
    compare_texts(compare, what, new->name, "people", old->people, new->people, old->line, new->line);
    compare_texts(compare, what, new->name, "controller", old->controller, new->controller, old->line, new->line);
    compare_texts(compare, what, new->name, "code", pattern_text(old->code), pattern_text(new->code), old->line,
                  new->line);
}

static void compare_purpose_sets(struct compare *compare, const struct compare_pair *pair)
{
    const struct policy_purpose *old = &compare->old->purposes[pair->old], *new = &compare->new->purposes[pair->new];
    struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY, none = BUFFER_EMPTY;
    enum difference_what what = DIFFERENCE_PURPOSE;

    append_kinds(compare->old, old->kinds, compare->new, &before);
    append_kinds(compare->new, new->kinds, compare->new, &after);
    compare_buffers(compare, what, new->name, "kinds", &before, &after, old->kinds_line, new->kinds_line);
    append_fields(compare->old, pair->old, compare->new, pair->new, &before);
    compare_buffers(compare, what, new->name, "fields", &before, &none, old->fields_line, 0);
    append_fields(compare->new, pair->new, compare->old, pair->old, &after);
    compare_buffers(compare, what, new->name, "fields", &none, &after, 0, new->fields_line);
}

static void compare_purpose(struct compare *compare, const struct compare_pair *pair)
{
    const struct policy_purpose *old = &compare->old->purposes[pair->old], *new = &compare->new->purposes[pair->new];
    enum difference_what what = DIFFERENCE_PURPOSE;

    const char before[2] = {old->ground, '\0'}, after[2] = {new->ground, '\0'};

    compare_texts(compare, what, new->name, "name", old->name, new->name, old->line, new->line);
    compare_texts(compare, what, new->name, "label", old->label, new->label, old->line, new->line);
    compare_texts(compare, what, new->name, "ground", before, after, old->ground_line, new->ground_line);
    compare_texts(compare, what, new->name, "article", old->article, new->article, old->line, new->line);
    compare_texts(compare, what, new->name, "balancing", old->balancing, new->balancing, old->line, new->line);
    compare_texts(compare, what, new->name, "second ground", old->second_ground, new->second_ground, old->line,
                  new->line);
    compare_texts(compare, what, new->name, "reason to see what is restricted", old->despite_restriction,
                  new->despite_restriction, old->restriction_line, new->restriction_line);
    compare_purpose_sets(compare, pair);
}

static void compare_head(struct compare *compare)
{
    const struct policy *old = compare->old, *new = compare->new;
    const struct {
        enum difference_what what;
        const char *about, *before, *after;
    } texts[] = {
        {DIFFERENCE_POLICY, "organisation", old->organisation, new->organisation},
        {DIFFERENCE_POLICY, "timezone", old->timezone, new->timezone},
        {DIFFERENCE_POLICY, "contact", old->contact, new->contact},
        {DIFFERENCE_POLICY, "public-body", yes(old->public_body), yes(new->public_body)},
        {DIFFERENCE_POLICY, "address", old->published.address, new->published.address},
        {DIFFERENCE_POLICY, "website", old->published.website, new->published.website},
        {DIFFERENCE_POLICY, "officer", old->published.officer, new->published.officer},
        {DIFFERENCE_POLICY, "authority", old->published.authority, new->published.authority},
        {DIFFERENCE_POLICY, "security", old->published.security, new->published.security},
        {DIFFERENCE_POLICY, "language", old->published.language, new->published.language},
        {DIFFERENCE_MOUNT, "store", old->mount.store, new->mount.store},
        {DIFFERENCE_MOUNT, "mountpoint", old->mount.mountpoint, new->mount.mountpoint},
        {DIFFERENCE_MOUNT, "key-file", old->mount.key_file, new->mount.key_file},
        {DIFFERENCE_MOUNT, "suffix", old->mount.suffix, new->mount.suffix},
        {DIFFERENCE_MOUNT, "dossier", old->mount.dossier, new->mount.dossier},
        {DIFFERENCE_MOUNT, "my-access", old->mount.my_access, new->mount.my_access},
        {DIFFERENCE_MOUNT, "processing-log", old->mount.processing_log, new->mount.processing_log},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        compare_texts(compare, texts[i].what, "", texts[i].about, texts[i].before, texts[i].after, 0, 0);
}

static void append_programs(const struct policy_mount *mount, struct buffer *out)
{
    const char **names = mount->refused_count ? reallocarray(NULL, mount->refused_count, sizeof *names) : NULL;

    out->failed |= mount->refused_count && !names;
    for (size_t i = 0; names && i < mount->refused_count; i++)
        names[i] = mount->refused[i].name;
    if (names)
        compare_append_sorted(out, names, mount->refused_count);
    free(names);
}

static void compare_programs(struct compare *compare)
{
    const struct policy_mount *old = &compare->old->mount, *new = &compare->new->mount;
    struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY;

    append_programs(old, &before);
    append_programs(new, &after);
    compare_buffers(compare, DIFFERENCE_MOUNT, "", "refused programs", &before, &after,
                    old->refused_count ? old->refused[0].line : 0, new->refused_count ? new->refused[0].line : 0);
}

static void append_sends(const struct policy_log *log, struct buffer *out)
{
    const char *names[POLICY_MAX_SENDS];

    for (size_t i = 0; i < log->send_count; i++)
        names[i] = log->send[i].text;
    compare_append_sorted(out, names, log->send_count);
}

static void append_retention(const struct policy_log *log, struct buffer *out)
{
    bool years = log->retention_months % 12 == 0;

    if (log->retention_months > 0)
        buffer_printf(out, "%u%c", (unsigned)(years ? log->retention_months / 12 : log->retention_months),
                      years ? 'y' : 'm');
}

static void compare_log(struct compare *compare)
{
    const struct policy_log *old = &compare->old->log, *new = &compare->new->log;
    struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY;
    const struct {
        const char *about;
        uint32_t before, after;
    } limits[] = {{"unusual-dossiers", old->unusual_dossiers, new->unusual_dossiers},
                  {"unusual-refusals", old->unusual_refusals, new->unusual_refusals},
                  {"unusual-times", old->unusual_times, new->unusual_times}};

    append_retention(old, &before);
    append_retention(new, &after);
    compare_buffers(compare, DIFFERENCE_LOG, "", "retention", &before, &after, old->retention_line,
                    new->retention_line);
    append_sends(old, &before);
    append_sends(new, &after);
    compare_buffers(compare, DIFFERENCE_LOG, "", "places that checkpoints are sent to", &before, &after,
                    old->send_count ? old->send[0].line : 0, new->send_count ? new->send[0].line : 0);
    buffer_printf(&before, "%u-%u", old->work_from, old->work_to);
    buffer_printf(&after, "%u-%u", new->work_from, new->work_to);
    compare_buffers(compare, DIFFERENCE_LOG, "", "working-hours", &before, &after, 0, 0);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        buffer_printf(&before, "%u", limits[i].before);
        buffer_printf(&after, "%u", limits[i].after);
        compare_buffers(compare, DIFFERENCE_LOG, "", limits[i].about, &before, &after, 0, 0);
    }
}

void compare_section(struct compare *compare, enum difference_what what, const struct compare_pair *pair)
{
    switch (what) {
    case DIFFERENCE_PURPOSE:
        compare_purpose(compare, pair);
        break;
    case DIFFERENCE_CATEGORY:
        compare_category(compare, pair);
        break;
    case DIFFERENCE_FIELD:
        compare_field(compare, pair);
        break;
    default:
        compare_kind(compare, pair);
    }
}

/* New and gone ones are told here; the others are compared. */
static void compare_each(struct compare *compare, enum difference_what what, const struct compare_pairs *pairs)
{
    for (unsigned i = 0; i < pairs->count; i++)
        if (!tell_section(compare, what, &pairs->pairs[i]))
            compare_section(compare, what, &pairs->pairs[i]);
}

/* Those of `policy` that the other does not have. */
static void tell_nevers(struct compare *compare, const struct policy *policy, const struct policy *other,
                        enum difference_way way)
{
    for (size_t i = 0; i < policy->never_count; i++) {
        const struct policy_never *said = &policy->never[i];
        struct difference difference = {.what = DIFFERENCE_NEVER, .way = way, .name = "", .about = said->text};
        bool known = false;

        for (size_t j = 0; j < other->never_count && !known; j++)
            known = strcmp(other->never[j].text, said->text) == 0;
        if (way == DIFFERENCE_GAINS)
            difference.new_line = said->line;
        else
            difference.old_line = said->line;
        if (!known)
            compare_add(compare, &difference);
    }
}

void compare_sections(struct compare *compare)
{
    compare_each(compare, DIFFERENCE_PURPOSE, &compare->purposes);
    compare_each(compare, DIFFERENCE_CATEGORY, &compare->categories);
    compare_each(compare, DIFFERENCE_FIELD, &compare->fields);
    compare_each(compare, DIFFERENCE_KIND, &compare->kinds);
    compare_head(compare);
    compare_programs(compare);
    compare_log(compare);
    tell_nevers(compare, compare->old, compare->new, DIFFERENCE_LOSES);
    tell_nevers(compare, compare->new, compare->old, DIFFERENCE_GAINS);
}
