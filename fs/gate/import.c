#include "fs/gate/import.h"

#include <errno.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/gate/clock.h"
#include "fs/gate/inside.h"
#include "fs/gate/numbers.h"

/* One changed dossier, for the log: which fields, under which number. */
struct change {
    uint64_t pseudonym;
    struct field_set fields;
    bool added;
};

struct gate_import {
    struct gate *gate;
    const struct policy *policy; /* under which it began */
    const struct gate_person *person;
    struct store_reader *reader;
    struct store_batch *batch;
    unsigned kind;
    bool update;
    char source[STORE_SOURCE_MAX_BYTES + 1];
    struct dossiers_numbers numbers; /* with those assigned for this import */
    int64_t captured_s;
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
    uint64_t *seen; /* hashes of the codes that came by: open addressing, 0 is free */
    size_t seen_count, seen_slots;
    struct change *changes;
    uint32_t *subjects;
    size_t change_count, change_capacity;
    atomic_int log_error;
    atomic_uint unwritten; /* entries that `noted` will still be called for */
    /* One row at work, kept here because it is large. */
    struct store_subject subject;
    struct buffer values[POLICY_MAX_FIELDS]; /* kept forms, by field */
    bool given[POLICY_MAX_FIELDS];
    struct store_item items[POLICY_MAX_CATEGORIES]; /* what is there already */
    struct store_field drafts[POLICY_MAX_FIELDS];   /* of all categories, behind each other */
    unsigned draft_fields;
};

enum { SEEN_FIRST_SLOTS = 4096, PAUSE_NS = 1000000, PAUSES_MAX = 60000 };

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static void free_import(struct gate_import *import)
{
    if (!import)
        return;
    while (atomic_load(&import->unwritten) > 0)
        pause_briefly(); /* the log thread still holds us */
    for (unsigned i = 0; i < POLICY_MAX_FIELDS; i++)
        buffer_clear(&import->values[i]);
    for (unsigned i = 0; i < POLICY_MAX_CATEGORIES; i++)
        store_item_clear(&import->items[i]);
    store_reader_close(import->reader);
    free(import->seen);
    free(import->changes);
    free(import->subjects);
    explicit_bzero(import, sizeof *import);
    free(import);
}

static int assign_numbers(struct gate_import *import)
{
    const struct policy *policy = import->policy;
    struct store *store = import->gate->store;
    const struct policy_kind *kind = &policy->kinds[import->kind];
    int error = numbers_assign(store, STORE_KINDS, kind->name, kind->was, &import->numbers.kinds[import->kind]);

    for (unsigned i = 0; i < policy->category_count && !error; i++)
        error = numbers_assign(store, STORE_CATEGORIES, policy->categories[i].name, policy->categories[i].was,
                               &import->numbers.categories[i]);
    for (unsigned i = 0; i < policy->field_count && !error; i++)
        error = numbers_assign(store, STORE_FIELDS, policy->fields[i].name, policy->fields[i].was,
                               &import->numbers.fields[i]);
    return error;
}

int gate_import_begin(struct gate *gate, const struct gate_person *person, const struct gate_import_options *options,
                      struct gate_import **out, struct report_why *why)
{
    struct gate_import *import;
    size_t source_bytes = strlen(options->source);
    int error = gate_command(gate, person, "import", why);

    if (error)
        return error;
    if (source_bytes == 0 || source_bytes > STORE_SOURCE_MAX_BYTES)
        return report_fail(why, -EINVAL, "a source is 1 to %d bytes long", STORE_SOURCE_MAX_BYTES);
    import = calloc(1, sizeof *import);
    if (!import)
        return report_fail(why, -ENOMEM, "no memory");
    import->gate = gate;
    import->policy = gate_policy(gate);
    import->person = person;
    import->kind = options->kind;
    import->update = options->update;
    import->captured_s = clock_now_s();
    memcpy(import->source, options->source, source_bytes);
    randombytes_buf(import->hash_key, sizeof import->hash_key);
    import->seen_slots = SEEN_FIRST_SLOTS;
    import->seen = calloc(import->seen_slots, sizeof *import->seen);
    error = import->seen ? store_reader_open(gate->store, &import->reader) : -ENOMEM;
    if (!error)
        error = assign_numbers(import);
    if (!error)
        error = store_batch_begin(gate->store, &import->batch);
    if (error) {
        free_import(import);
        return report_fail(why, error,
                           error == -EBUSY ? "another import is running" : "the store can't take an import: %s",
                           strerror(-error));
    }
    *out = import;
    return 0;
}

/* ---- codes seen ------------------------------------------------------------------------------------------------- */

/* True if the place was free, and now holds the hash. */
static bool insert_hash(uint64_t *slots, size_t slot_count, uint64_t hash)
{
    size_t at = hash & (slot_count - 1);

    while (slots[at] != 0 && slots[at] != hash)
        at = (at + 1) & (slot_count - 1);
    if (slots[at] == hash)
        return false;
    slots[at] = hash;
    return true;
}

/* 1: seen before; 0: new, and remembered. With 64 keyed bits two codes of a file of a million rows share a hash once in
 * 37 million such files, and that row would be rejected, not lost. */
static int see_code(struct gate_import *import, const char *code, size_t code_bytes)
{
    uint64_t hash;

    crypto_shorthash((uint8_t *)&hash, (const uint8_t *)code, code_bytes, import->hash_key);
    hash |= hash == 0;
    if (import->seen_count >= import->seen_slots / 2) {
        uint64_t *larger = calloc(import->seen_slots * 2, sizeof *larger);

        if (!larger)
            return -ENOMEM;
        for (size_t i = 0; i < import->seen_slots; i++)
            if (import->seen[i])
                insert_hash(larger, import->seen_slots * 2, import->seen[i]);
        free(import->seen);
        import->seen = larger;
        import->seen_slots *= 2;
    }
    if (!insert_hash(import->seen, import->seen_slots, hash))
        return 1;
    import->seen_count++;
    return 0;
}

/* ---- one row ---------------------------------------------------------------------------------------------------- */

static bool reject(struct gate_import_reject *reject, int column, const char *reason)
{
    reject->column = column;
    snprintf(reject->reason, sizeof reject->reason, "%s", reason);
    return false;
}

static bool check_code(struct gate_import *import, const char *code, size_t code_bytes,
                       struct gate_import_reject *why)
{
    const struct policy *policy = import->policy;
    char text[200];
    int kind = policy_kind_of_code(policy, code, code_bytes);

    if (kind == (int)import->kind)
        return true;
    if (code_bytes == 0)
        return reject(why, -1, "the code is empty");
    snprintf(text, sizeof text, "the code does not have the form of a %s (%s)", policy->kinds[import->kind].name,
             pattern_text(policy->kinds[import->kind].code));
    return reject(why, -1, text);
}

/* Brings the row's values into their kept form. False: rejected; -ENOMEM through *error. */
static bool check_values(struct gate_import *import, const struct gate_import_value *values, size_t count,
                         struct gate_import_reject *why, int *error)
{
    const struct policy *policy = import->policy;

    memset(import->given, 0, sizeof import->given);
    for (size_t i = 0; i < count; i++) {
        const char *reason = "";
        unsigned field = values[i].field;

        if (field >= policy->field_count)
            return reject(why, (int)i, "no such field");
        buffer_reset(&import->values[field]);
        *error = type_check(&policy->fields[field].type, values[i].value, values[i].value_bytes,
                            &import->values[field], &reason);
        if (*error == -EINVAL) {
            *error = 0;
            return reject(why, (int)i, reason);
        }
        if (*error)
            return false;
        import->given[field] = import->values[field].length_bytes > 0;
    }
    return true;
}

static const struct store_field *existing_field(const struct gate_import *import, unsigned field)
{
    const struct store_item *item = &import->items[import->policy->fields[field].category];

    for (unsigned i = 0; i < item->field_count; i++)
        if (item->fields[i].number == import->numbers.fields[field])
            return &item->fields[i];
    return NULL;
}

static bool category_given(const struct gate_import *import, unsigned category)
{
    for (unsigned field = 0; field < import->policy->field_count; field++)
        if (import->given[field] && import->policy->fields[field].category == category)
            return true;
    return false;
}

/* Reads what a known dossier holds in the categories that the row speaks of. */
static int read_existing(struct gate_import *import)
{
    int error = store_read_subject(import->reader, import->subject.id, &import->subject);

    for (unsigned i = 0; i < import->policy->category_count && !error; i++) {
        if (!category_given(import, i))
            continue;
        error = store_read_item(import->reader, import->subject.id, import->numbers.categories[i], &import->items[i]);
        if (error == -ENOENT)
            error = 0;
    }
    return error;
}

static bool equal_value(const struct buffer *value, const struct store_field *old)
{
    return old && old->value_bytes == value->length_bytes &&
           sodium_memcmp(old->value, value->bytes, value->length_bytes) == 0;
}

/* Which given fields differ from what is there; their number. */
static unsigned compare(const struct gate_import *import, struct field_set *changed)
{
    unsigned count = 0;

    memset(changed, 0, sizeof *changed);
    for (unsigned field = 0; field < import->policy->field_count; field++)
        if (import->given[field] && !equal_value(&import->values[field], existing_field(import, field))) {
            field_set_add(changed, field);
            count++;
        }
    return count;
}

static int first_changed(const struct gate_import_value *values, size_t count, const struct field_set *changed)
{
    for (size_t i = 0; i < count; i++)
        if (field_set_has(changed, values[i].field))
            return (int)i;
    return -2;
}

/* ---- drafts ----------------------------------------------------------------------------------------------------- */

static int summarise_field(struct gate_import *import, unsigned field)
{
    struct store_subject *subject = &import->subject;
    uint32_t number = import->numbers.fields[field];
    int32_t day;
    unsigned i;

    for (i = 0; i < subject->field_count && subject->fields[i] != number; i++)
        ;
    if (i == STORE_MAX_FIELDS)
        return -EOVERFLOW;
    subject->fields[i] = number;
    if (i == subject->field_count)
        subject->field_count++;
    if (import->policy->fields[field].type.code != TYPE_DATE || import->policy->fields[field].type.is_list ||
        !type_date_day((const char *)import->values[field].bytes, import->values[field].length_bytes, &day))
        return 0;
    for (i = 0; i < subject->date_count && subject->dates[i].field != number; i++)
        ;
    if (i == STORE_MAX_DATES)
        return -EOVERFLOW;
    subject->dates[i] = (struct store_date){number, day};
    if (i == subject->date_count)
        subject->date_count++;
    return 0;
}

/* A category counts as captured when its newest value was: all its fields are sealed as one item with one term. */
static int summarise_category(struct gate_import *import, unsigned category)
{
    struct store_subject *subject = &import->subject;
    uint32_t number = import->numbers.categories[category];
    unsigned i;

    for (i = 0; i < subject->category_count && subject->categories[i].category != number; i++)
        ;
    if (i == STORE_MAX_CATEGORIES)
        return -EOVERFLOW;
    subject->categories[i] = (struct store_start){number, import->captured_s};
    if (i == subject->category_count)
        subject->category_count++;
    return 0;
}

/* The new item of a category: what changed with this import's source, the rest as it was. */
static int draft_category(struct gate_import *import, unsigned category, const struct field_set *changed,
                          struct store_item_draft *draft)
{
    const struct policy *policy = import->policy;
    struct store_field *fields = import->drafts + import->draft_fields;
    unsigned count = 0, room = POLICY_MAX_FIELDS - import->draft_fields;
    int error = 0;

    for (unsigned i = 0; i < import->items[category].field_count; i++) {
        const struct store_field *old = &import->items[category].fields[i];
        bool replaced = false;

        for (unsigned field = 0; field < policy->field_count; field++)
            replaced |= field_set_has(changed, field) && import->numbers.fields[field] == old->number;
        if (replaced)
            continue;
        if (count == room)
            return -EOVERFLOW;
        fields[count++] = *old;
    }
    for (unsigned field = 0; field < policy->field_count && !error; field++) {
        if (!field_set_has(changed, field) || policy->fields[field].category != category)
            continue;
        if (count == room)
            return -EOVERFLOW;
        fields[count++] = (struct store_field){import->numbers.fields[field], import->captured_s, import->source,
                                               import->values[field].bytes, import->values[field].length_bytes};
        error = summarise_field(import, field);
    }
    import->draft_fields += count;
    *draft = (struct store_item_draft){import->numbers.categories[category], fields, count};
    return error ? error : summarise_category(import, category);
}

static int remember(struct gate_import *import, const struct field_set *changed, bool added)
{
    if (import->change_count == import->change_capacity) {
        size_t capacity = import->change_capacity ? import->change_capacity * 2 : 1024;
        struct change *changes = realloc(import->changes, capacity * sizeof *changes);
        uint32_t *subjects;

        if (!changes)
            return -ENOMEM;
        import->changes = changes;
        subjects = realloc(import->subjects, capacity * sizeof *subjects);
        if (!subjects)
            return -ENOMEM;
        import->subjects = subjects;
        import->change_capacity = capacity;
    }
    import->changes[import->change_count] = (struct change){import->subject.pseudonym, *changed, added};
    import->subjects[import->change_count++] = import->subject.id;
    return 0;
}

static int put(struct gate_import *import, const struct field_set *changed, bool added)
{
    const struct policy *policy = import->policy;
    struct store_item_draft drafts[POLICY_MAX_CATEGORIES];
    size_t draft_count = 0;
    int error = 0;

    import->draft_fields = 0;
    for (unsigned category = 0; category < policy->category_count && !error; category++) {
        bool touched = false;

        for (unsigned field = 0; field < policy->field_count; field++)
            touched |= field_set_has(changed, field) && policy->fields[field].category == category;
        if (touched)
            error = draft_category(import, category, changed, &drafts[draft_count++]);
    }
    /* A code that neither the store nor this import knows is new: its sealing need not be waited for. */
    if (!error)
        error = (import->subject.id == 0 ? store_batch_queue : store_batch_put)(import->batch, &import->subject,
                                                                                drafts, draft_count);
    return error ? error : remember(import, changed, added);
}

static int take_row(struct gate_import *import, const char *code, size_t code_bytes,
                    const struct gate_import_value *values, size_t count, enum gate_import_outcome *outcome,
                    struct gate_import_reject *why)
{
    struct store_subject *subject = &import->subject;
    struct field_set changed;
    uint32_t known = 0;
    int error = store_find(import->reader, code, code_bytes, &known);

    memset(subject, 0, sizeof *subject);
    if (error && error != -ENOENT)
        return error;
    if (!error) {
        subject->id = known;
        error = read_existing(import);
        if (error)
            return error;
    } else {
        subject->kind = import->numbers.kinds[import->kind];
        subject->code_bytes = (uint8_t)code_bytes;
        memcpy(subject->code, code, code_bytes);
    }
    if (known && subject->kind != import->numbers.kinds[import->kind]) {
        reject(why, -1, "the code is known for a dossier of another kind");
        *outcome = GATE_IMPORT_REJECTED;
        return 0;
    }
    if (compare(import, &changed) == 0 && known) {
        *outcome = GATE_IMPORT_UNCHANGED;
        return 0;
    }
    if (known && !import->update) {
        reject(why, first_changed(values, count, &changed),
               "differs from what is kept (--update makes a new version)");
        *outcome = GATE_IMPORT_REJECTED;
        return 0;
    }
    error = put(import, &changed, !known);
    if (!error)
        *outcome = known ? GATE_IMPORT_CHANGED : GATE_IMPORT_ADDED;
    return error;
}

int gate_import_row(struct gate_import *import, const char *code, size_t code_bytes,
                    const struct gate_import_value *values, size_t value_count, enum gate_import_outcome *outcome,
                    struct gate_import_reject *why)
{
    int error = 0;

    *outcome = GATE_IMPORT_REJECTED;
    if (!check_code(import, code, code_bytes, why))
        return 0;
    error = see_code(import, code, code_bytes);
    if (error < 0)
        return error;
    if (error == 1) {
        reject(why, -1, "the code is twice in the file");
        return 0;
    }
    error = 0;
    if (!check_values(import, values, value_count, why, &error))
        return error;
    error = take_row(import, code, code_bytes, values, value_count, outcome, why);
    for (unsigned i = 0; i < import->policy->category_count; i++)
        store_item_clear(&import->items[i]);
    return error;
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void noted(void *context, int status)
{
    struct gate_import *import = context;

    if (status)
        atomic_store(&import->log_error, status);
    atomic_fetch_sub(&import->unwritten, 1);
}

/* A large import is faster than the disk, and the log takes only so many entries until it has written some. */
static int append_patiently(struct gate_import *import, const struct log_entry *entry)
{
    int error = -EAGAIN;

    atomic_fetch_add(&import->unwritten, 1);
    for (unsigned i = 0; i < PAUSES_MAX; i++) {
        error = log_append(import->gate->log, entry, noted, import);
        if (error != -EAGAIN)
            break;
        pause_briefly();
    }
    if (error)
        atomic_fetch_sub(&import->unwritten, 1);
    return error;
}

static void log_change(struct gate_import *import, const struct change *change)
{
    const struct policy *policy = import->policy;
    struct buffer names = BUFFER_EMPTY;
    struct log_entry entry;
    int error;

    for (unsigned i = 0; i < policy->field_count; i++)
        if (field_set_has(&change->fields, i))
            buffer_printf(&names, "%s%s", names.length_bytes ? "," : "", policy->fields[i].name);
    gate_entry_person(import->gate, import->person, LOG_CHANGE, LOG_DONE, &entry);
    entry.subject = change->pseudonym;
    entry.name = change->added ? "import, new" : "import, changed";
    entry.fields = buffer_text(&names);
    error = append_patiently(import, &entry);
    if (error)
        atomic_store(&import->log_error, error);
    buffer_clear(&names);
}

/* Durable, and so is all that was logged before, when this returns 0; `log_error` tells if some of it isn't. */
static int log_end(struct gate_import *import, enum log_outcome outcome, const char *rule)
{
    struct log_entry entry;
    int error;

    gate_entry_person(import->gate, import->person, LOG_IMPORT, outcome, &entry);
    entry.name = import->policy->kinds[import->kind].name;
    entry.rule = rule;
    entry.count = import->change_count > UINT32_MAX ? UINT32_MAX : (uint32_t)import->change_count;
    error = append_patiently(import, &entry);
    while (atomic_load(&import->unwritten) > 0)
        pause_briefly();
    return error ? error : atomic_load(&import->log_error);
}

/* With gate->publishing held, so that no other policy comes in force meanwhile. */
static int publish(struct gate_import *import, struct report_why *why)
{
    int error;

    if (!force_same_records(import->gate->force))
        return report_fail(why, -ESTALE,
                           "the policy was changed meanwhile in what a dossier holds, so nothing was imported: "
                           "import again");
    error = log_end(import, LOG_DONE, "published");
    if (error)
        return report_fail(why, -EIO, "the processing log can't be written, so nothing was imported: %s",
                           strerror(-error));
    atomic_fetch_add(&import->gate->unsettled, 1);
    error = store_batch_publish(import->batch);
    if (error) {
        atomic_fetch_sub(&import->gate->unsettled, 1);
        return report_fail(why, error, "the store can't publish the import: %s", strerror(-error));
    }
    import->batch = NULL;
    gate_post_changes(import->gate, import->subjects, import->change_count);
    import->subjects = NULL;
    return 0;
}

int gate_import_publish(struct gate_import *import, struct report_why *why)
{
    int error;

    store_reader_rest(import->reader);
    for (size_t i = 0; i < import->change_count && atomic_load(&import->log_error) == 0; i++)
        log_change(import, &import->changes[i]);
    if (atomic_load(&import->log_error))
        return report_fail(why, -EIO, "the processing log can't be written, so nothing was imported: %s",
                           strerror(-atomic_load(&import->log_error)));
    pthread_mutex_lock(&import->gate->publishing);
    error = publish(import, why);
    pthread_mutex_unlock(&import->gate->publishing);
    if (!error)
        free_import(import);
    return error;
}

void gate_import_abandon(struct gate_import *import)
{
    if (!import)
        return;
    store_reader_rest(import->reader);
    store_batch_abandon(import->batch);
    log_end(import, LOG_FAILED, "taken back");
    free_import(import);
}
