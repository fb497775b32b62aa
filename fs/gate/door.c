/* The rules of this file:
 *  - what a caller may see is what decide() says; sets of candidates only spare asking it in vain, and whatever leaves here was
 *    asked for field by field;
 *  - hidden and absent take the same steps: the same sets are walked, the same entry is written;
 *  - a value is read from the store only after it was decided that it shows. */
#include "fs/gate/door.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fs/base/bytes.h"
#include "fs/gate/callers.h"
#include "fs/gate/clock.h"
#include "fs/gate/inside.h"
#include "policy/explain.h"
#include "policy/mask.h"

enum { LOOK_LEAF = -2, DOSSIER_LEAF = -3, LISTING_LEAF = -4, CATEGORY_LEAF = -5 };
enum { CHANGES_PER_TICK = 256, CATCH_UP_TRIES = 16 };

const struct door_caller *door_caller(struct gate *gate, uint32_t uid)
{
    return callers_get(gate->callers, uid);
}

bool door_is_gap(const struct door_caller *caller)
{
    return caller->gap;
}

int door_wake_fd(const struct gate *gate)
{
    return gate->wake_fd;
}

void door_shown_clear(struct door_shown *shown)
{
    buffer_clear(&shown->text);
    shown->count = 0;
}

/* Callers are handed out const, so that the mount can't change them; here they are ours. */
static struct door_caller *mine(const struct door_ask *ask)
{
    return (struct door_caller *)ask->caller;
}

/* ---- entries -------------------------------------------------------------------------------------------------- */

/* The name of a program changes rarely and is a hint only, so one look into /proc serves a second. */
static const char *program_of(int32_t pid, int64_t now_s)
{
    static struct {
        int32_t pid;
        int64_t until_s;
        char name[16];
    } seen[64];
    unsigned at = (unsigned)pid % 64;
    char path[64];
    ssize_t got = -1;
    int fd;

    if (pid <= 0)
        return "";
    if (seen[at].pid == pid && now_s < seen[at].until_s && now_s >= seen[at].until_s - 1)
        return seen[at].name;
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, seen[at].name, sizeof seen[at].name - 1);
        close(fd);
    }
    seen[at].name[got > 0 ? got : 0] = '\0';
    seen[at].name[strcspn(seen[at].name, "\n")] = '\0';
    seen[at].pid = pid;
    seen[at].until_s = now_s + 1;
    return seen[at].name;
}

/* The roles of the caller that have the purpose: what made him come this way. */
static uint64_t roles_for(const struct gate *gate, const struct door_ask *ask)
{
    uint64_t roles = 0;

    for (unsigned i = 0; i < gate->policy->role_count && ask->purpose >= 0; i++)
        if ((ask->caller->standing.roles >> i & 1) && (gate->policy->roles[i].purposes >> ask->purpose & 1))
            roles |= (uint64_t)1 << i;
    return roles;
}

static void start_entry(struct gate *gate, const struct door_ask *ask, enum log_what what, enum log_outcome outcome,
                        char roles[512], struct log_entry *entry)
{
    gate_entry(gate, what, outcome, entry);
    entry->uid = ask->caller->uid;
    entry->pid = ask->pid;
    entry->user = ask->caller->person ? ask->caller->person->user : "";
    entry->program = program_of(ask->pid, entry->time_ms / 1000);
    gate_role_names(gate->policy, roles_for(gate, ask), roles, 512);
    entry->role = roles;
    if (ask->purpose >= 0) {
        entry->purpose = gate->policy->purposes[ask->purpose].name;
        entry->ground = gate->policy->purposes[ask->purpose].ground;
    }
}

static int queue(struct gate *gate, const struct log_entry *entry, door_done *done, void *context)
{
    /* A full queue and a lack of memory are the same to the caller: what can't be logged is not shown. */
    return log_append(gate->log, entry, done, context) == 0 ? 0 : -EIO;
}

/* -EIO: the look can't be logged, so there is no look. */
static int note_look(struct gate *gate, const struct door_ask *ask, uint32_t number, const char *name)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    struct noise_key key = {ask->caller->uid, ask->purpose, dossier.pseudonym, LOOK_LEAF, false};
    struct log_entry entry;
    char roles[512];

    if (!noise_first(gate->noise, &key, clock_now_s()))
        return 0;
    start_entry(gate, ask, LOG_LOOK, LOG_SHOWN, roles, &entry);
    entry.subject = dossier.pseudonym;
    entry.name = name;
    if (queue(gate, &entry, NULL, NULL) == 0)
        return 0;
    noise_take_back(gate->noise, &key);
    return -EIO;
}

/* What the policy alone says about the caller and the purpose; for a refusal that must not tell whether a thing exists. */
static struct decision rule_for(struct gate *gate, const struct door_caller *caller, int purpose, int field,
                                unsigned kind)
{
    struct decide_facts facts = {.kind = (int)kind, .present = true, .ends_s = TERMS_NEVER};
    struct decision decision;

    if (field >= 0)
        return decide(gate->policy, &caller->standing, purpose, field, &facts, 0);
    /* A dossier as a whole: what lets any field show, or else what hides the first. */
    decision = decide(gate->policy, &caller->standing, purpose, 0, &facts, 0);
    for (unsigned i = 1; i < gate->policy->field_count && decision.verdict == VERDICT_HIDDEN; i++) {
        struct decision other = decide(gate->policy, &caller->standing, purpose, (int)i, &facts, 0);

        if (other.verdict != VERDICT_HIDDEN || other.rule > decision.rule)
            decision = other;
    }
    return decision;
}

struct decision door_rule(struct gate *gate, const struct door_caller *caller, int purpose, int field, unsigned kind)
{
    return rule_for(gate, caller, purpose, field, kind);
}

/* One refusal: into the log (counted if repeated) and onto the caller's own page. `code` is the dossier that was asked for. */
static void refuse(struct gate *gate, const struct door_ask *ask, const char *code, size_t code_bytes, int leaf,
                   const char *name, const struct decision *decision)
{
    uint64_t mark = gate_code_mark(gate, code, code_bytes);
    uint32_t number = dossiers_find(gate->dossiers, code, code_bytes);
    /* A dossier that isn't there is named by a keyed hash of its code, which looks like a subject's number. */
    uint64_t subject = number == DOSSIERS_NONE ? mark : dossiers_get(gate->dossiers, number).pseudonym;
    struct noise_key key = {ask->caller->uid, ask->purpose, code_bytes > 0 ? subject : 0, leaf, true};
    struct door_refusal refusal = {.purpose = ask->purpose};
    struct buffer reason = BUFFER_EMPTY;
    struct log_entry entry;
    char roles[512], rule[GATE_RULE_BYTES];

    if (!noise_first(gate->noise, &key, clock_now_s()))
        return;
    start_entry(gate, ask, leaf == LISTING_LEAF ? LOG_LISTING : LOG_LOOK, ask->caller->gap ? LOG_GAP : LOG_REFUSED,
                roles, &entry);
    entry.subject = key.subject;
    gate_rule_text(decide_rule_name(decision->rule), decision->line, rule);
    entry.rule = ask->caller->gap ? "identity" : rule;
    entry.name = name;
    queue(gate, &entry, NULL, NULL);
    refusal.time_ms = entry.time_ms;
    snprintf(refusal.name, sizeof refusal.name, "%.*s%s%s", (int)code_bytes, code, code_bytes && name[0] ? "/" : "",
             name);
    explain_sentence(gate->policy, decision, &reason);
    snprintf(refusal.reason, sizeof refusal.reason, "%s", buffer_text(&reason));
    buffer_clear(&reason);
    callers_refused(mine(ask), &refusal);
}

/* For what the policy would let show: nothing is there, or no longer. Absent and expired get the same words. */
static struct decision absent_unless_hidden(struct decision decision)
{
    if (decision.verdict == VERDICT_HIDDEN)
        return decision;
    return (struct decision){.verdict = VERDICT_HIDDEN, .rule = DECIDE_ABSENT, .role = -1};
}

/* ---- seeing --------------------------------------------------------------------------------------------------- */

static struct decision decide_field(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier,
                                    unsigned field, int64_t now_s)
{
    struct decide_facts facts = {.kind = (int)dossier->kind, .present = field_set_has(dossier->present, field)};

    facts.ends_s = dossiers_ends_s(gate->dossiers, dossier->number, gate->policy->fields[field].category);
    return decide(gate->policy, &ask->caller->standing, ask->purpose, (int)field, &facts, now_s);
}

static bool sees(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier, int64_t now_s)
{
    const struct field_set *candidates = callers_candidates(gate->callers, mine(ask), ask->purpose, dossier->kind);

    for (unsigned word = 0; word < POLICY_MAX_FIELDS / 64; word++) {
        uint64_t left = candidates->bits[word] & dossier->present->bits[word];

        for (; left; left &= left - 1) {
            unsigned field = word * 64 + (unsigned)__builtin_ctzll(left);

            if (decide_field(gate, ask, dossier, field, now_s).verdict != VERDICT_HIDDEN)
                return true;
        }
    }
    return false;
}

bool door_sees(struct gate *gate, const struct door_ask *ask, uint32_t number)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);

    return !ask->caller->gap && sees(gate, ask, &dossier, clock_now_s());
}

/* Another dossier to look into for a code that has none, so that both touch as much memory. */
static uint32_t stand_in(const struct gate *gate, const char *code, size_t code_bytes)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < code_bytes; i++)
        hash = (hash ^ (uint8_t)code[i]) * 16777619u;
    return hash % dossiers_count(gate->dossiers);
}

/* Does anything of the dossier show? Walks all candidates to their end whatever it finds, and walks those of another dossier
 * if there is none of this code: expired, empty and absent must not be told apart by the time it takes. */
static bool sees_by_code(struct gate *gate, const struct door_ask *ask, unsigned kind, uint32_t number,
                         const char *code, size_t code_bytes)
{
    const struct field_set *candidates = callers_candidates(gate->callers, mine(ask), ask->purpose, kind);
    bool exists = number != DOSSIERS_NONE, any = false;
    int64_t now_s = clock_now_s();
    struct dossier dossier;

    if (ask->caller->gap || dossiers_count(gate->dossiers) == 0)
        return false;
    dossier = dossiers_get(gate->dossiers, exists ? number : stand_in(gate, code, code_bytes));
    for (unsigned field = 0; field < gate->policy->field_count; field++) {
        struct decide_facts facts = {.kind = (int)kind, .present = field_set_has(dossier.present, field)};

        if (!field_set_has(candidates, field))
            continue;
        facts.ends_s = dossiers_ends_s(gate->dossiers, dossier.number, gate->policy->fields[field].category);
        facts.present &= exists;
        any |= decide(gate->policy, &ask->caller->standing, ask->purpose, (int)field, &facts, now_s).verdict !=
               VERDICT_HIDDEN;
    }
    return any;
}

int door_look_dossier(struct gate *gate, const struct door_ask *ask, const char *code, size_t code_bytes,
                      struct door_found *found)
{
    int kind = policy_kind_of_code(gate->policy, code, code_bytes);
    struct decision decision;
    uint32_t number;
    int error;

    if (kind < 0)
        return -ENOENT;
    number = dossiers_find(gate->dossiers, code, code_bytes);
    if (sees_by_code(gate, ask, (unsigned)kind, number, code, code_bytes)) {
        error = note_look(gate, ask, number, "");
        if (!error)
            *found = (struct door_found){
                .dossier = number, .version = dossiers_get(gate->dossiers, number).version, .ends_s = TERMS_NEVER};
        return error;
    }
    decision = absent_unless_hidden(rule_for(gate, ask->caller, ask->purpose, -1, (unsigned)kind));
    refuse(gate, ask, code, code_bytes, DOSSIER_LEAF, "", &decision);
    return ask->caller->gap ? -EIO : -ENOENT;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

/* Which fields would show now, with their masks; how long that holds. False: none. */
static bool choose(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier, int leaf,
                   int64_t now_s, struct decision decisions[POLICY_MAX_FIELDS], struct field_set *fields,
                   struct door_found *found)
{
    bool any = false;

    memset(fields, 0, sizeof *fields);
    *found =
        (struct door_found){dossier->number, dossier->version, bytes_get_u64(gate->policy->hash), TERMS_NEVER, 0};
    for (unsigned field = 0; field < gate->policy->field_count; field++) {
        int64_t ends_s = dossiers_ends_s(gate->dossiers, dossier->number, gate->policy->fields[field].category);

        if (leaf >= 0 && field != (unsigned)leaf)
            continue;
        decisions[field] = decide_field(gate, ask, dossier, field, now_s);
        if (decisions[field].verdict == VERDICT_HIDDEN)
            continue;
        any = true;
        field_set_add(fields, field);
        if (ends_s < found->ends_s)
            found->ends_s = ends_s;
        found->view = mix(found->view, field + 1);
        found->view = mix(found->view, (uint64_t)decisions[field].mask.code << 32 | decisions[field].mask.count);
    }
    return any && !ask->caller->gap;
}

/* Appends the kept values of one field, masked if so decided. */
static int show_value(const struct decision *decision, const struct store_field *value, unsigned field,
                      struct door_shown *shown)
{
    struct door_value *out = &shown->values[shown->count];
    size_t at = shown->text.length_bytes, from = 0;
    int error = 0;

    *out = (struct door_value){field, decision->verdict == VERDICT_MASKED, at, 0};
    if (!out->masked)
        error = buffer_append(&shown->text, value->value, value->value_bytes);
    while (out->masked && !error && from <= value->value_bytes) {
        const uint8_t *end = memchr(value->value + from, '\n', value->value_bytes - from);
        size_t length_bytes = end ? (size_t)(end - value->value) - from : value->value_bytes - from;

        error = mask_apply(&decision->mask, (const char *)value->value + from, length_bytes, &shown->text);
        if (!error && end)
            error = buffer_append_u8(&shown->text, '\n');
        from += length_bytes + 1;
    }
    if (error)
        return error;
    out->length_bytes = shown->text.length_bytes - at;
    shown->count++;
    return 0;
}

static const struct store_field *field_of(const struct store_item *item, uint32_t number)
{
    for (unsigned i = 0; i < item->field_count; i++)
        if (item->fields[i].number == number)
            return &item->fields[i];
    return NULL;
}

/* Reads what was chosen: each item once, values in the order of the policy. */
static int read_chosen(struct gate *gate, const struct dossier *dossier, const struct field_set *fields,
                       const struct decision decisions[POLICY_MAX_FIELDS], struct door_found *found,
                       struct door_shown *shown)
{
    struct store_item items[POLICY_MAX_CATEGORIES];
    bool have[POLICY_MAX_CATEGORIES] = {false};
    int error = 0;

    memset(items, 0, sizeof items);
    for (unsigned field = 0; field < gate->policy->field_count && !error; field++) {
        unsigned category = gate->policy->fields[field].category;
        const struct store_field *value;

        if (!field_set_has(fields, field))
            continue;
        if (!have[category])
            error =
                store_read_item(gate->reader, dossier->subject, gate->numbers.categories[category], &items[category]);
        if (error)
            break;
        have[category] = true;
        value = field_of(&items[category], gate->numbers.fields[field]);
        if (!value) {
            error = -EBADMSG; /* the summary promised it */
            break;
        }
        if (value->captured_s > found->changed_s)
            found->changed_s = value->captured_s;
        error = show_value(&decisions[field], value, field, shown);
    }
    for (unsigned i = 0; i < POLICY_MAX_CATEGORIES; i++)
        store_item_clear(&items[i]);
    if (error)
        report(REPORT_ERROR, "an item of the store can't be read: %s", strerror(-error));
    return error ? -EIO : 0;
}

static int find_leaf_once(struct gate *gate, const struct door_ask *ask, uint32_t number, int leaf,
                          struct door_found *found, struct door_shown *shown,
                          struct decision decisions[POLICY_MAX_FIELDS])
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    struct field_set fields;
    struct door_found now;
    int error;

    if (!choose(gate, ask, &dossier, leaf, clock_now_s(), decisions, &fields, &now)) {
        struct decision decision =
            absent_unless_hidden(rule_for(gate, ask->caller, ask->purpose, leaf, dossier.kind));

        refuse(gate, ask, dossier.code, strlen(dossier.code), leaf < 0 ? DOSSIER_LEAF : leaf,
               leaf < 0 ? "" : gate->policy->fields[leaf].name, &decision);
        return ask->caller->gap ? -EIO : -ENOENT;
    }
    shown->count = 0;
    buffer_reset(&shown->text);
    error = read_chosen(gate, &dossier, &fields, decisions, &now, shown);
    if (error)
        door_shown_clear(shown);
    else
        *found = now;
    return error;
}

/* An import shows in the store a moment before the dispatcher is told. What was read then may be newer than the version that
 * the table knows, and sizes and cached pages go by that version. 1: the table was behind and isn't any more. */
static int catch_up(struct gate *gate, uint32_t number)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    struct store_subject *subject;
    int error, behind;

    if (atomic_load(&gate->unsettled) == 0)
        return 0;
    subject = malloc(sizeof *subject);
    error = subject ? store_read_subject(gate->reader, dossier.subject, subject) : -ENOMEM;
    behind = !error && subject->version != dossier.version;
    if (subject)
        explicit_bzero(subject, sizeof *subject);
    free(subject);
    if (behind)
        error = gate_take_subject(gate, gate->reader, dossier.subject);
    return error ? error : behind;
}

/* What look and open have in common. -ENOENT is refused and logged here. */
static int find_leaf(struct gate *gate, const struct door_ask *ask, uint32_t number, int leaf,
                     struct door_found *found, struct door_shown *shown, struct decision decisions[POLICY_MAX_FIELDS])
{
    struct door_found now;
    int error, behind = 1;

    for (unsigned tries = 0; behind == 1 && tries < CATCH_UP_TRIES; tries++) {
        error = find_leaf_once(gate, ask, number, leaf, &now, shown, decisions);
        if (error)
            return error;
        behind = catch_up(gate, number);
        if (behind != 0)
            door_shown_clear(shown);
    }
    if (behind != 0)
        return -EIO;
    *found = now;
    return 0;
}

int door_look_leaf(struct gate *gate, const struct door_ask *ask, uint32_t dossier, int leaf,
                   struct door_found *found, struct door_shown *shown)
{
    struct decision decisions[POLICY_MAX_FIELDS];
    int error = find_leaf(gate, ask, dossier, leaf, found, shown, decisions);

    if (!error)
        error = note_look(gate, ask, dossier, leaf >= 0 ? gate->policy->fields[leaf].name : "");
    if (error)
        door_shown_clear(shown);
    return error;
}

void door_look_refused(struct gate *gate, const struct door_ask *ask, uint32_t number, const char *name)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    struct decision decision = {.rule = DECIDE_NO_PURPOSE, .role = -1};

    refuse(gate, ask, dossier.code, strlen(dossier.code), CATEGORY_LEAF, name, &decision);
}

/* ---- opening and listing --------------------------------------------------------------------------------------- */

/* "naam,~geboortedatum" */
static void name_fields(const struct policy *policy, const struct door_shown *shown, struct buffer *out)
{
    for (unsigned i = 0; i < shown->count; i++)
        buffer_printf(out, "%s%s%s", i ? "," : "", shown->values[i].masked ? "~" : "",
                      policy->fields[shown->values[i].field].name);
}

int door_open_leaf(struct gate *gate, const struct door_ask *ask, uint32_t number, int leaf, struct door_found *found,
                   struct door_shown *shown, door_done *done, void *context)
{
    struct decision decisions[POLICY_MAX_FIELDS];
    struct buffer names = BUFFER_EMPTY;
    struct log_entry entry;
    char roles[512], rule[GATE_RULE_BYTES];
    struct door_found now;
    int error = find_leaf(gate, ask, number, leaf, &now, shown, decisions);

    if (!error && (now.view != found->view || now.version != found->version)) {
        door_shown_clear(shown);
        error = -ESTALE;
    }
    if (error)
        return error;
    *found = now;
    start_entry(gate, ask, leaf >= 0 ? LOG_FIELD : LOG_DOSSIER,
                leaf >= 0 && decisions[leaf].verdict == VERDICT_MASKED ? LOG_MASKED : LOG_SHOWN, roles, &entry);
    entry.subject = dossiers_get(gate->dossiers, number).pseudonym;
    entry.name = leaf >= 0 ? gate->policy->fields[leaf].name : gate->policy->mount.dossier;
    name_fields(gate->policy, shown, &names);
    entry.fields = buffer_text(&names);
    if (leaf >= 0) {
        gate_rule_text(decide_rule_name(decisions[leaf].rule), decisions[leaf].line, rule);
        entry.rule = rule;
    }
    error = names.failed ? -EIO : queue(gate, &entry, done, context);
    buffer_clear(&names);
    if (error)
        door_shown_clear(shown);
    return error;
}

int door_list_purposes(struct gate *gate, const struct door_ask *ask, uint64_t *purposes, door_done *done,
                       void *context)
{
    const struct policy_standing *standing = &ask->caller->standing;
    struct log_entry entry;
    char roles[512];
    uint64_t mine_all = 0;
    int error;

    if (ask->caller->gap)
        return -EIO;
    for (unsigned i = 0; i < gate->policy->role_count && standing->bound; i++)
        if (standing->roles >> i & 1)
            mine_all |= gate->policy->roles[i].purposes;
    /* Names of purposes are public, and everybody may list them: past a bound that is counted and not written one by one. */
    if (!noise_within(gate->noise, ask->caller->uid, clock_now_s())) {
        *purposes = mine_all;
        done(context, 0);
        return 0;
    }
    start_entry(gate, ask, LOG_LISTING, LOG_SHOWN, roles, &entry);
    gate_role_names(gate->policy, standing->roles, roles, sizeof roles);
    entry.name = "/";
    error = queue(gate, &entry, done, context);
    if (!error)
        *purposes = mine_all;
    return error;
}

static bool has_purpose(struct gate *gate, const struct door_ask *ask)
{
    return !ask->caller->gap && ask->caller->standing.bound && roles_for(gate, ask) != 0;
}

int door_list_dossiers(struct gate *gate, const struct door_ask *ask, uint32_t **numbers, uint32_t *count,
                       door_done *done, void *context)
{
    uint32_t all = dossiers_count(gate->dossiers), found = 0;
    int64_t now_s = clock_now_s();
    struct log_entry entry;
    char roles[512];
    uint32_t *list;
    int error;

    if (!has_purpose(gate, ask)) {
        struct decision decision = rule_for(gate, ask->caller, ask->purpose, -1, 0);

        refuse(gate, ask, "", 0, LISTING_LEAF, gate->policy->purposes[ask->purpose].name, &decision);
        return ask->caller->gap ? -EIO : -ENOENT;
    }
    list = malloc(((size_t)all + 1) * sizeof *list);
    if (!list)
        return -EIO;
    for (uint32_t i = 0; i < all; i++) {
        struct dossier dossier = dossiers_get(gate->dossiers, i);

        if (sees(gate, ask, &dossier, now_s))
            list[found++] = i;
    }
    start_entry(gate, ask, LOG_LISTING, LOG_SHOWN, roles, &entry);
    entry.name = gate->policy->purposes[ask->purpose].name;
    error = queue(gate, &entry, done, context);
    if (error) {
        free(list);
        return error;
    }
    *numbers = list;
    *count = found;
    return 0;
}

int door_list_leaves(struct gate *gate, const struct door_ask *ask, uint32_t number, struct field_set *fields,
                     door_done *done, void *context)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    struct decision decisions[POLICY_MAX_FIELDS];
    struct buffer names = BUFFER_EMPTY;
    struct door_found found;
    struct field_set showing;
    struct log_entry entry;
    char roles[512];
    int error;

    if (!choose(gate, ask, &dossier, DOOR_WHOLE, clock_now_s(), decisions, &showing, &found)) {
        struct decision decision =
            absent_unless_hidden(rule_for(gate, ask->caller, ask->purpose, DOOR_WHOLE, dossier.kind));

        refuse(gate, ask, dossier.code, strlen(dossier.code), DOSSIER_LEAF, "", &decision);
        return ask->caller->gap ? -EIO : -ENOENT;
    }
    start_entry(gate, ask, LOG_LISTING, LOG_SHOWN, roles, &entry);
    entry.subject = dossier.pseudonym;
    for (unsigned i = 0; i < gate->policy->field_count; i++)
        if (field_set_has(&showing, i))
            buffer_printf(&names, "%s%s", names.length_bytes ? "," : "", gate->policy->fields[i].name);
    entry.fields = buffer_text(&names);
    error = names.failed ? -EIO : queue(gate, &entry, done, context);
    buffer_clear(&names);
    if (!error)
        *fields = showing;
    return error;
}

int door_open_own(struct gate *gate, const struct door_ask *ask, door_done *done, void *context)
{
    struct door_ask own = *ask;
    struct log_entry entry;
    char roles[512];

    if (!noise_within(gate->noise, ask->caller->uid, clock_now_s())) {
        done(context, 0);
        return 0;
    }
    own.purpose = -1;
    start_entry(gate, &own, LOG_OWN, LOG_SHOWN, roles, &entry);
    gate_role_names(gate->policy, ask->caller->standing.roles, roles, sizeof roles);
    entry.name = gate->policy->mount.my_access;
    return queue(gate, &entry, done, context);
}

/* ---- names, numbers, the caller's page --------------------------------------------------------------------------- */

uint32_t door_count(const struct gate *gate)
{
    return dossiers_count(gate->dossiers);
}

const char *door_code(const struct gate *gate, uint32_t dossier)
{
    return dossier < dossiers_count(gate->dossiers) ? dossiers_get(gate->dossiers, dossier).code : "";
}

uint32_t door_version(const struct gate *gate, uint32_t dossier)
{
    return dossier < dossiers_count(gate->dossiers) ? dossiers_get(gate->dossiers, dossier).version : 0;
}

uint64_t door_inode(const struct gate *gate, int purpose, uint32_t dossier, int leaf)
{
    uint64_t pseudonym =
        dossier < dossiers_count(gate->dossiers) ? dossiers_get(gate->dossiers, dossier).pseudonym : 0;
    uint8_t named[16];
    uint64_t inode;

    bytes_put_u64(named, pseudonym);
    bytes_put_u32(named + 8, (uint32_t)purpose);
    bytes_put_u32(named + 12, (uint32_t)leaf);
    crypto_shorthash((uint8_t *)&inode, named, sizeof named, gate->hash_key);
    return inode > 1 ? inode : inode + 2;
}

void door_self(struct gate *gate, const struct door_caller *caller, struct door_self *self)
{
    (void)gate;
    *self = (struct door_self){.uid = caller->uid,
                               .user = caller->person ? caller->person->user : "",
                               .gap = caller->gap,
                               .standing = caller->standing,
                               .refusal_count = caller->refusal_count,
                               .refusals = caller->refusals};
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

static void write_counted(void *context, const struct noise_key *key, uint32_t count)
{
    struct gate *gate = context;
    struct log_entry entry;

    gate_entry(gate,
               key->leaf == LISTING_LEAF        ? LOG_LISTING
               : key->leaf == GATE_COMMAND_LEAF ? LOG_COMMAND
                                                : LOG_LOOK,
               LOG_REFUSED, &entry);
    entry.uid = key->uid;
    entry.count = count;
    if (key->purpose >= 0)
        entry.purpose = gate->policy->purposes[key->purpose].name;
    if (key->leaf == INT_MIN)
        entry.rule = "more than are written one by one";
    else
        entry.rule = "repeated";
    if (key->leaf == LISTING_LEAF)
        entry.name = entry.purpose;
    else if (key->leaf != GATE_COMMAND_LEAF)
        entry.subject = key->subject;
    if (key->leaf >= 0)
        entry.name = gate->policy->fields[key->leaf].name;
    queue(gate, &entry, NULL, NULL);
}

void door_write_counted(struct gate *gate, bool all)
{
    noise_flush(gate->noise, clock_now_s(), all, write_counted, gate);
}

/* Takes a slice of what was published; true if more is left. */
static bool take_changes(struct gate *gate, void (*changed)(void *, uint32_t), void *context)
{
    uint32_t subjects[CHANGES_PER_TICK];
    size_t count;
    bool more;

    pthread_mutex_lock(&gate->changes_lock);
    count = gate->changed_count - gate->changed_from;
    if (count > CHANGES_PER_TICK)
        count = CHANGES_PER_TICK;
    if (count > 0)
        memcpy(subjects, gate->changed + gate->changed_from, count * sizeof *subjects);
    gate->changed_from += count;
    more = gate->changed_from < gate->changed_count;
    if (!more)
        gate->changed_from = gate->changed_count = 0;
    pthread_mutex_unlock(&gate->changes_lock);
    if (count > 0)
        store_reader_rest(gate->reader); /* to see what was published */
    for (size_t i = 0; i < count; i++) {
        int error = gate_take_subject(gate, gate->reader, subjects[i]);
        uint32_t number = dossiers_find_subject(gate->dossiers, subjects[i]);

        if (error)
            report(REPORT_ERROR, "a changed dossier can't be read and stays as it was: %s", strerror(-error));
        if (number != DOSSIERS_NONE)
            changed(context, number);
    }
    pthread_mutex_lock(&gate->changes_lock);
    if (!more && gate->changed_count == 0) {
        atomic_fetch_sub(&gate->unsettled, (unsigned)(gate->changes_posted - gate->changes_done));
        gate->changes_done = gate->changes_posted;
        pthread_cond_broadcast(&gate->changes_taken);
    }
    pthread_mutex_unlock(&gate->changes_lock);
    return more;
}

bool door_tick(struct gate *gate, void (*changed)(void *context, uint32_t dossier), void *context)
{
    eventfd_t count;
    bool more;

    eventfd_read(gate->wake_fd, &count);
    more = take_changes(gate, changed, context);
    if (more)
        eventfd_write(gate->wake_fd, 1); /* more waits, but so do the callers */
    door_write_counted(gate, false);
    callers_trim(gate->callers);
    return more;
}

void door_rest(struct gate *gate)
{
    store_reader_rest(gate->reader);
}
