/* The rules of this file:
 *  - what a caller may see is what decide() says; sets of candidates only spare asking it in vain, and whatever leaves here was
 *    asked for field by field;
 *  - hidden and absent take the same steps: the same sets are walked, the same entry is written;
 *  - a value is read from the store only after it was decided that it shows. */
#include "fs/gate/sight.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/bytes.h"
#include "fs/gate/clock.h"
#include "fs/gate/entries.h"
#include "policy/mask.h"

enum { CATCH_UP_TRIES = 16 };

/* What the policy alone says about the caller and the purpose; for a refusal that must not tell whether a thing exists. */
struct decision sight_rule(struct gate *gate, const struct door_caller *caller, int purpose, int field, unsigned kind)
{
    struct decide_facts facts = {
        .kind = (int)kind, .present = true, .ends_s = TERMS_NEVER, .dossier = &decide_favourable, .own = true};
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

/* For what the policy would let show: nothing is there, or no longer. Absent and expired get the same words. */
struct decision sight_absent_unless_hidden(struct decision decision)
{
    if (decision.verdict == VERDICT_HIDDEN)
        return decision;
    return (struct decision){.verdict = VERDICT_HIDDEN, .rule = DECIDE_ABSENT, .role = -1};
}

/* ---- what is so for a dossier ------------------------------------------------------------------------------------ */

static const struct store_field *field_of(const struct store_item *item, uint32_t number)
{
    for (unsigned i = 0; i < item->field_count; i++)
        if (item->fields[i].number == number)
            return &item->fields[i];
    return NULL;
}

static bool has_value(const struct store_field *value, const struct policy_role *role)
{
    size_t from = 0;

    while (value && from <= value->value_bytes) {
        const uint8_t *end = memchr(value->value + from, '\n', value->value_bytes - from);
        size_t length_bytes = end ? (size_t)(end - value->value) - from : value->value_bytes - from;

        for (size_t i = 0; i < role->caseload_count; i++)
            if (strlen(role->caseload_values[i]) == length_bytes &&
                memcmp(role->caseload_values[i], value->value + from, length_bytes) == 0)
                return true;
        from += length_bytes + 1;
    }
    return false;
}

/* Is the dossier in the caseload of a role? The value that says so is not disclosed, and has to be there and in its term. */
static bool is_inside(const struct sight_source *source, const struct dossier *dossier,
                      const struct policy_role *role, int64_t now_s, int64_t *until_s)
{
    unsigned field = (unsigned)role->caseload_field;
    unsigned category = source->policy->fields[field].category;
    int64_t ends_s = dossiers_ends_s(source->dossiers, dossier->number, category);
    const struct store_item *item;

    if (!field_set_has(dossier->present, field) || now_s >= ends_s ||
        store_borrow_item(source->reader, dossier->subject, source->numbers->categories[category], &item) < 0)
        return false;
    if (ends_s < *until_s)
        *until_s = ends_s;
    return has_value(field_of(item, source->numbers->fields[field]), role);
}

void sight_facts(const struct sight_source *source, uint32_t uid, uint64_t roles, int purpose,
                 const struct dossier *dossier, int64_t now_s, struct decide_dossier *facts, int64_t *until_s)
{
    facts->inside = 0;
    facts_at(dossiers_facts(source->dossiers, dossier->number), uid, purpose, now_s, facts, until_s);
    for (uint64_t left = purpose >= 0 ? roles : 0; left; left &= left - 1) {
        const struct policy_role *role = &source->policy->roles[__builtin_ctzll(left)];

        if (role->caseload_field >= 0 && (role->purposes >> purpose & 1) &&
            is_inside(source, dossier, role, now_s, until_s))
            facts->inside |= left & -left;
    }
}

/* Who wrote an item is not kept, as long as nothing is written through the mount: nothing is anyone's own. */
struct decide_facts sight_field_facts(const struct policy *policy, const struct dossiers *dossiers,
                                      const struct dossier *dossier, const struct decide_dossier *known,
                                      unsigned field)
{
    return (struct decide_facts){.kind = (int)dossier->kind,
                                 .present = field_set_has(dossier->present, field),
                                 .ends_s = dossiers_ends_s(dossiers, dossier->number, policy->fields[field].category),
                                 .dossier = known};
}

/* What a decision for this caller and purpose takes; *until_s: the first second at which it may be otherwise and show less. */
static void find_facts(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier, int64_t now_s,
                       struct decide_dossier *facts, int64_t *until_s)
{
    const struct sight_source source = {gate->policy, gate->dossiers, &gate->numbers, gate->reader};

    sight_facts(&source, ask->caller->uid, ask->caller->standing.roles, ask->purpose, dossier, now_s, facts, until_s);
}

static struct decision decide_by(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier,
                                 const struct decide_dossier *known, unsigned field, int64_t now_s,
                                 struct decide_roles *roles)
{
    const struct decide_facts facts = sight_field_facts(gate->policy, gate->dossiers, dossier, known, field);

    return decide_by_roles(gate->policy, &ask->caller->standing, ask->purpose, (int)field, &facts, now_s, roles);
}

static struct decision decide_field(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier,
                                    const struct decide_dossier *known, unsigned field, int64_t now_s)
{
    struct decide_roles roles;

    return decide_by(gate, ask, dossier, known, field, now_s, &roles);
}

uint64_t sight_roles(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier, unsigned field,
                     int64_t now_s)
{
    struct decide_dossier known;
    struct decide_roles roles;
    int64_t until_s;

    find_facts(gate, ask, dossier, now_s, &known, &until_s);
    return decide_by(gate, ask, dossier, &known, field, now_s, &roles).verdict == VERDICT_HIDDEN ? 0 : roles.reading;
}

bool sight_sees(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier, int64_t now_s)
{
    const struct field_set *candidates =
        callers_candidates(gate->callers, callers_own(ask->caller), ask->purpose, dossier->kind);
    struct decide_dossier known;
    int64_t until_s;
    bool asked = false;

    for (unsigned word = 0; word < POLICY_MAX_FIELDS / 64; word++) {
        uint64_t left = candidates->bits[word] & dossier->present->bits[word];

        for (; left; left &= left - 1) {
            unsigned field = word * 64 + (unsigned)__builtin_ctzll(left);

            if (!asked)
                find_facts(gate, ask, dossier, now_s, &known, &until_s);
            asked = true;
            if (decide_field(gate, ask, dossier, &known, field, now_s).verdict != VERDICT_HIDDEN)
                return true;
        }
    }
    return false;
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
bool sight_sees_code(struct gate *gate, const struct door_ask *ask, unsigned kind, uint32_t number, const char *code,
                     size_t code_bytes)
{
    const struct field_set *candidates =
        callers_candidates(gate->callers, callers_own(ask->caller), ask->purpose, kind);
    bool exists = number != DOSSIERS_NONE, any = false;
    int64_t now_s = clock_now_s(), until_s;
    struct decide_dossier known;
    struct dossier dossier;

    if (gate_is_gap(ask) || dossiers_count(gate->dossiers) == 0)
        return false;
    dossier = dossiers_get(gate->dossiers, exists ? number : stand_in(gate, code, code_bytes));
    find_facts(gate, ask, &dossier, now_s, &known, &until_s);
    for (unsigned field = 0; field < gate->policy->field_count; field++) {
        struct decide_facts facts;

        if (!field_set_has(candidates, field))
            continue;
        facts = sight_field_facts(gate->policy, gate->dossiers, &dossier, &known, field);
        facts.kind = (int)kind;
        facts.present &= exists;
        any |= decide(gate->policy, &ask->caller->standing, ask->purpose, (int)field, &facts, now_s).verdict !=
               VERDICT_HIDDEN;
    }
    return any;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

/* Which fields would show now, with their masks; how long that holds. False: none. */
bool sight_choose(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier, int leaf,
                  int64_t now_s, struct decision decisions[POLICY_MAX_FIELDS], struct field_set *fields,
                  struct door_found *found)
{
    struct decide_dossier known;
    int64_t until_s;
    bool any = false;

    find_facts(gate, ask, dossier, now_s, &known, &until_s);
    memset(fields, 0, sizeof *fields);
    *found = (struct door_found){dossier->number, dossier->version, bytes_get_u64(gate->policy->hash), until_s, 0};
    for (unsigned field = 0; field < gate->policy->field_count; field++) {
        int64_t ends_s = dossiers_ends_s(gate->dossiers, dossier->number, gate->policy->fields[field].category);

        if (leaf >= 0 && field != (unsigned)leaf)
            continue;
        decisions[field] = decide_field(gate, ask, dossier, &known, field, now_s);
        if (decisions[field].verdict == VERDICT_HIDDEN)
            continue;
        any = true;
        field_set_add(fields, field);
        if (ends_s < found->ends_s)
            found->ends_s = ends_s;
        found->view = mix(found->view, field + 1);
        found->view = mix(found->view, (uint64_t)decisions[field].mask.code << 32 | decisions[field].mask.count);
        /* Two roles may mask by different texts; a text stays where it is as long as its policy is in force. */
        found->view = mix(found->view, (uint64_t)(uintptr_t)decisions[field].mask.text);
    }
    return any && !gate_is_gap(ask);
}

/* A mark of a mask that outlives the policy: of the words that tell people what it does. */
static uint64_t mark_of(const struct decision *decision)
{
    struct buffer words = BUFFER_EMPTY;
    uint64_t mark = 0xcbf29ce484222325u;

    if (decision->verdict != VERDICT_MASKED)
        return 0;
    mask_describe(&decision->mask, &words);
    for (size_t i = 0; i < words.length_bytes; i++)
        mark = (mark ^ words.bytes[i]) * 0x100000001b3u;
    buffer_clear(&words);
    return mark | 1;
}

bool sight_still_shows(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier,
                       const struct door_granted *granted, int64_t now_s, int64_t *ends_s)
{
    struct decide_dossier known;
    struct decision decision;
    int64_t field_ends_s, until_s;

    if (granted->field < 0)
        return false;
    find_facts(gate, ask, dossier, now_s, &known, &until_s);
    decision = decide_field(gate, ask, dossier, &known, (unsigned)granted->field, now_s);
    field_ends_s = dossiers_ends_s(gate->dossiers, dossier->number, gate->policy->fields[granted->field].category);
    if (field_ends_s < *ends_s)
        *ends_s = field_ends_s;
    if (until_s < *ends_s)
        *ends_s = until_s;
    return decision.verdict == VERDICT_SHOWN ||
           (decision.verdict == VERDICT_MASKED && mark_of(&decision) == granted->mask);
}

/* Appends the kept values of one field, masked if so decided. */
static int show_value(const struct decision *decision, const struct store_field *value, unsigned field,
                      const uint8_t *purpose_key, struct door_shown *shown)
{
    struct door_value *out = &shown->values[shown->count];
    size_t at = shown->text.length_bytes, from = 0;
    int error = 0;

    *out = (struct door_value){field, decision->verdict == VERDICT_MASKED, at, 0, mark_of(decision)};
    if (!out->masked)
        error = buffer_append(&shown->text, value->value, value->value_bytes);
    while (out->masked && !error && from <= value->value_bytes) {
        const uint8_t *end = memchr(value->value + from, '\n', value->value_bytes - from);
        size_t length_bytes = end ? (size_t)(end - value->value) - from : value->value_bytes - from;

        error =
            mask_apply(&decision->mask, purpose_key, (const char *)value->value + from, length_bytes, &shown->text);
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

/* Under the name of the purpose, so that marks of one purpose can't be matched with those of another. */
static void purpose_mask_key(const struct gate *gate, int purpose, uint8_t key[static MASK_KEY_BYTES])
{
    const char *name = gate->policy->purposes[purpose].name;

    crypto_generichash(key, MASK_KEY_BYTES, (const uint8_t *)name, strlen(name), gate->hash_key,
                       sizeof gate->hash_key);
}

/* Reads what was chosen, values in the order of the policy. */
static int read_chosen(struct gate *gate, int purpose, const struct dossier *dossier, const struct field_set *fields,
                       const struct decision decisions[POLICY_MAX_FIELDS], struct door_found *found,
                       struct door_shown *shown)
{
    uint8_t key[MASK_KEY_BYTES];
    int error = 0;

    purpose_mask_key(gate, purpose, key);
    for (unsigned field = 0; field < gate->policy->field_count && !error; field++) {
        const struct store_item *item;
        const struct store_field *value;

        if (!field_set_has(fields, field))
            continue;
        error = store_borrow_item(gate->reader, dossier->subject,
                                  gate->numbers.categories[gate->policy->fields[field].category], &item);
        if (error)
            break;
        value = field_of(item, gate->numbers.fields[field]);
        if (!value) {
            error = -EBADMSG; /* the summary promised it */
            break;
        }
        if (value->captured_s > found->changed_s)
            found->changed_s = value->captured_s;
        error = show_value(&decisions[field], value, field, key, shown);
    }
    sodium_memzero(key, sizeof key);
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

    if (!sight_choose(gate, ask, &dossier, leaf, clock_now_s(), decisions, &fields, &now)) {
        struct decision decision =
            sight_absent_unless_hidden(sight_rule(gate, ask->caller, ask->purpose, leaf, dossier.kind));

        entries_refuse(gate, ask, dossier.code, strlen(dossier.code), leaf < 0 ? ENTRIES_DOSSIER : leaf,
                       leaf < 0 ? "" : gate->policy->fields[leaf].name, &decision);
        return gate_is_gap(ask) ? -EIO : -ENOENT;
    }
    shown->count = 0;
    buffer_reset(&shown->text);
    error = read_chosen(gate, ask->purpose, &dossier, &fields, decisions, &now, shown);
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
int sight_find_leaf(struct gate *gate, const struct door_ask *ask, uint32_t number, int leaf,
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
