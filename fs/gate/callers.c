#include "fs/gate/callers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"

enum { BUCKETS = 256, CALLERS_MAX = 4096, NO_DAY = INT32_MIN };

struct callers {
    const struct policy *policy;
    struct identity *identity;
    struct door_caller *buckets[BUCKETS];
    unsigned count;
    int32_t today;
    int64_t today_from_s, today_until_s; /* the seconds for which `today` is right */
    struct field_set none;
};

int callers_new(const struct policy *policy, struct identity *identity, struct callers **out)
{
    struct callers *callers = calloc(1, sizeof *callers);

    if (!callers)
        return -ENOMEM;
    callers->policy = policy;
    callers->identity = identity;
    *out = callers;
    return 0;
}

static void forget_candidates(struct door_caller *caller)
{
    for (unsigned i = 0; i < POLICY_MAX_PURPOSES; i++) {
        free(caller->candidates[i]);
        caller->candidates[i] = NULL;
    }
}

static void forget_all(struct callers *callers)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        while (callers->buckets[i]) {
            struct door_caller *caller = callers->buckets[i];

            callers->buckets[i] = caller->next;
            forget_candidates(caller);
            explicit_bzero(caller, sizeof *caller);
            free(caller);
        }
    callers->count = 0;
}

void callers_free(struct callers *callers)
{
    if (!callers)
        return;
    forget_all(callers);
    free(callers);
}

void callers_set_policy(struct callers *callers, const struct policy *policy)
{
    callers->policy = policy;
    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct door_caller *caller = callers->buckets[i]; caller; caller = caller->next) {
            caller->day = NO_DAY; /* callers_get() finds out who he is now */
            caller->standing = (struct policy_standing){0};
            forget_candidates(caller);
        }
}

void callers_trim(struct callers *callers)
{
    if (callers->count <= CALLERS_MAX)
        return;
    forget_all(callers);
    identity_forget(callers->identity);
}

static int32_t today(struct callers *callers)
{
    int64_t now_s = clock_now_s();

    if (now_s < callers->today_from_s || now_s >= callers->today_until_s) {
        callers->today = clock_day_of(now_s);
        callers->today_from_s = clock_first_second(callers->today);
        callers->today_until_s = clock_first_second(callers->today + 1);
    }
    return callers->today;
}

static struct door_caller *find_or_add(struct callers *callers, uint32_t uid)
{
    struct door_caller **bucket = &callers->buckets[uid % BUCKETS];
    struct door_caller *caller = *bucket;

    while (caller && caller->uid != uid)
        caller = caller->next;
    if (caller)
        return caller;
    caller = calloc(1, sizeof *caller);
    if (!caller)
        return NULL;
    caller->uid = uid;
    caller->gap = true;
    caller->next = *bucket;
    *bucket = caller;
    callers->count++;
    return caller;
}

static void take_person(struct callers *callers, struct door_caller *caller, const struct gate_person *person,
                        uint64_t generation, int32_t day)
{
    struct policy_caller who = {person->uid, person->user[0] ? person->user : NULL,
                                (const char *const *)person->groups, person->group_count};

    caller->gap = false;
    caller->person = person;
    caller->generation = generation;
    caller->day = day;
    caller->standing = policy_match(callers->policy, &who, day);
    forget_candidates(caller);
}

struct door_caller *callers_get(struct callers *callers, uint32_t uid)
{
    const struct gate_person *person;
    uint64_t generation;
    int32_t day = today(callers);
    struct door_caller *caller;

    switch (identity_get(callers->identity, uid, clock_tick_ms(), &person, &generation)) {
    case IDENTITY_ASKING:
        return NULL;
    case IDENTITY_GAP:
        caller = find_or_add(callers, uid);
        if (caller) {
            caller->gap = true;
            caller->person = NULL;
            caller->standing = (struct policy_standing){0};
            forget_candidates(caller);
        }
        return caller;
    case IDENTITY_KNOWN:
        break;
    }
    caller = find_or_add(callers, uid);
    if (caller && (caller->gap || caller->generation != generation || caller->day != day))
        take_person(callers, caller, person, generation, day);
    return caller;
}

const struct field_set *callers_candidates(struct callers *callers, struct door_caller *caller, int purpose,
                                           unsigned kind)
{
    const struct policy *policy = callers->policy;
    struct decide_facts facts = {.present = true, .ends_s = TERMS_NEVER, .dossier = &decide_favourable, .own = true};
    struct field_set *sets;

    if (caller->gap || purpose < 0)
        return &callers->none;
    if (caller->candidates[purpose])
        return &caller->candidates[purpose][kind];
    sets = calloc(policy->kind_count ? policy->kind_count : 1, sizeof *sets);
    if (!sets)
        return &callers->none; /* without memory nothing shows */
    for (unsigned k = 0; k < policy->kind_count; k++)
        for (unsigned f = 0; f < policy->field_count; f++) {
            facts.kind = (int)k;
            if (decide(policy, &caller->standing, purpose, (int)f, &facts, 0).verdict != VERDICT_HIDDEN)
                field_set_add(&sets[k], f);
        }
    caller->candidates[purpose] = sets;
    return &sets[kind];
}

void callers_refused(struct door_caller *caller, const struct door_refusal *refusal)
{
    if (caller->refusal_count == DOOR_REFUSALS_KEPT) {
        memmove(caller->refusals, caller->refusals + 1, sizeof *refusal * (DOOR_REFUSALS_KEPT - 1));
        caller->refusal_count--;
    }
    caller->refusals[caller->refusal_count++] = *refusal;
}
