#include "fs/gate/tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/report.h"
#include "fs/gate/loading.h"
#include "fs/gate/numbers.h"

struct load {
    struct store *store;
    const struct policy *policy;
    struct tables *tables;
    struct dossiers *like;
    uint32_t *subjects; /* of `like`, in the order of its numbers, which is that of the subjects */
    uint32_t count, next;
    char unknown[400]; /* what the policy lacks, for the message */
};

void tables_find_numbers(struct store *store, const struct policy *policy, struct dossiers_numbers *numbers)
{
    for (unsigned i = 0; i < policy->kind_count; i++)
        if (numbers->kinds[i] == 0)
            numbers_find(store, STORE_KINDS, policy->kinds[i].name, policy->kinds[i].was, &numbers->kinds[i]);
    for (unsigned i = 0; i < policy->category_count; i++)
        if (numbers->categories[i] == 0)
            numbers_find(store, STORE_CATEGORIES, policy->categories[i].name, policy->categories[i].was,
                         &numbers->categories[i]);
    for (unsigned i = 0; i < policy->field_count; i++)
        if (numbers->fields[i] == 0)
            numbers_find(store, STORE_FIELDS, policy->fields[i].name, policy->fields[i].was, &numbers->fields[i]);
    for (unsigned i = 0; i < policy->purpose_count; i++)
        if (numbers->purposes[i] == 0)
            numbers_find(store, STORE_PURPOSES, policy->purposes[i].name, policy->purposes[i].was,
                         &numbers->purposes[i]);
}

static int index_of(const uint32_t *numbers, unsigned count, uint32_t number)
{
    for (unsigned i = 0; i < count; i++)
        if (numbers[i] == number)
            return (int)i;
    return -1;
}

static bool holds_category(const struct load *load, const struct store_subject *subject, unsigned category)
{
    for (unsigned i = 0; i < subject->category_count; i++)
        if (subject->categories[i].category == load->tables->numbers.categories[category])
            return true;
    return false;
}

static void tell_unknown(struct load *load, const char *what, const char *name)
{
    snprintf(load->unknown, sizeof load->unknown,
             "the %s \"%s\", which the policy %s lacks: put it back (no purpose needs to list it), or say what it is "
             "called now with was = %s",
             what, name, load->policy->file, name);
}

/* Which kind, field or category of the subject the policy lacks: names, not values. */
static void find_unknown(struct load *load, const struct store_subject *subject)
{
    const struct policy *policy = load->policy;
    char name[64] = "";

    if (index_of(load->tables->numbers.kinds, policy->kind_count, subject->kind) < 0) {
        store_name(load->store, STORE_KINDS, subject->kind, name);
        tell_unknown(load, "kind", name);
    }
    for (unsigned i = 0; i < subject->field_count && !load->unknown[0]; i++) {
        int field = index_of(load->tables->numbers.fields, policy->field_count, subject->fields[i]);

        store_name(load->store, STORE_FIELDS, subject->fields[i], name);
        if (field < 0)
            tell_unknown(load, "field", name);
        else if (!holds_category(load, subject, policy->fields[field].category))
            snprintf(load->unknown, sizeof load->unknown,
                     "the field \"%s\" in another category than \"%s\": put it back, or say what the category is "
                     "called now with was",
                     name, policy->categories[policy->fields[field].category].name);
    }
}

/* What the table of now has and the store does not give any more: it keeps its number, and shows nothing. */
static int put_blank(struct load *load, uint32_t number)
{
    struct store_subject *blank = calloc(1, sizeof *blank);
    struct dossier old;
    int error = blank ? -EINVAL : -ENOMEM;

    dossiers_read_begin(load->like);
    old = dossiers_get(load->like, number);
    if (blank) {
        *blank = (struct store_subject){.id = old.subject, .version = old.version, .pseudonym = old.pseudonym};
        blank->code_bytes = (uint8_t)strlen(old.code);
        memcpy(blank->code, old.code, blank->code_bytes);
    }
    dossiers_read_end(load->like);
    for (unsigned i = 0; blank && i < load->policy->kind_count && error == -EINVAL; i++) {
        blank->kind = load->tables->numbers.kinds[i];
        if (blank->kind != 0)
            error = dossiers_put(load->tables->dossiers, &load->tables->numbers, blank);
    }
    free(blank);
    return error;
}

static int put_blanks_below(struct load *load, uint64_t subject)
{
    int error = 0;

    while (!error && load->next < load->count && load->subjects[load->next] < subject)
        error = put_blank(load, load->next++);
    return error;
}

static int take_summary(void *context, const struct store_subject *subject)
{
    struct load *load = context;
    int error = put_blanks_below(load, subject->id);

    if (!error && load->next < load->count && load->subjects[load->next] == subject->id)
        load->next++;
    else if (load->next < load->count)
        return error; /* damaged when the table of now was made, so it has no number: it stays hidden */
    if (!error)
        error = dossiers_put(load->tables->dossiers, &load->tables->numbers, subject);
    if (error == -EINVAL && !load->unknown[0])
        find_unknown(load, subject);
    return error;
}

static int note_subjects(struct load *load)
{
    if (!load->like)
        return 0;
    dossiers_read_begin(load->like);
    load->count = dossiers_count(load->like);
    load->subjects = malloc(((size_t)load->count + 1) * sizeof *load->subjects);
    for (uint32_t i = 0; load->subjects && i < load->count; i++)
        load->subjects[i] = dossiers_get(load->like, i).subject;
    dossiers_read_end(load->like);
    return load->subjects ? 0 : -ENOMEM;
}

int tables_load(struct store *store, struct store_reader *reader, const struct policy *policy, struct dossiers *like,
                struct tables *out, struct report_why *why)
{
    struct tables tables = {0};
    struct load load = {.store = store, .policy = policy, .tables = &tables, .like = like};
    uint64_t damaged = 0;
    int error = note_subjects(&load);

    tables_find_numbers(store, policy, &tables.numbers);
    if (!error)
        error = dossiers_new(policy, &tables.dossiers);
    if (!error)
        error = loading_each(reader, take_summary, &load, &damaged);
    store_reader_rest(reader);
    if (!error)
        error = put_blanks_below(&load, UINT64_MAX);
    free(load.subjects);
    if (damaged > 0)
        report(REPORT_ERROR, "%llu dossiers are damaged in the store and stay hidden", (unsigned long long)damaged);
    if (!error) {
        *out = tables;
        return 0;
    }
    dossiers_free(tables.dossiers);
    if (error == -EINVAL)
        return load.unknown[0] ? report_fail(why, error, "the store holds dossiers with %s", load.unknown)
                               : report_fail(why, error,
                                             "the store holds dossiers of a kind or field that the "
                                             "policy lacks");
    return report_fail(why, error, "the store's summaries can't be read: %s", strerror(-error));
}
