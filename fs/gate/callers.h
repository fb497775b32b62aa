/* callers: the callers that the dispatcher knows: identity, standing today, and for each purpose and kind the fields that the
 * policy alone would show, so that a listing of many dossiers is a few operations on sets each. What is kept here is computed
 * by decide() and thrown away when the day, the answer of NSS or the policy changes. */
#ifndef DOSSIERFS_GATE_CALLERS_H
#define DOSSIERFS_GATE_CALLERS_H

#include "fs/gate/door.h"
#include "fs/gate/identity.h"

struct callers;

struct door_caller {
    struct door_caller *next;
    uint32_t uid;
    bool gap;
    const struct gate_person *person; /* NULL for a gap */
    uint64_t generation;
    int32_t day;
    struct policy_standing standing;
    struct field_set *candidates[POLICY_MAX_PURPOSES]; /* an array by kind each, or NULL: not computed yet */
    struct door_refusal refusals[DOOR_REFUSALS_KEPT];
    unsigned refusal_count;
};

int callers_new(const struct policy *policy, struct identity *identity, struct callers **out);
void callers_free(struct callers *callers);
/* Another policy came in force: what was computed from the old one is forgotten. */
void callers_set_policy(struct callers *callers, const struct policy *policy);
/* NULL: still being asked for. */
struct door_caller *callers_get(struct callers *callers, uint32_t uid);
/* Forgets callers that weren't seen for a while, when there are many: whoever can act as ever new uids must not fill our
 * memory. Pointers from callers_get() end here. */
void callers_trim(struct callers *callers);
/* The fields of a kind that would show for a purpose if they are there and their term runs. */
const struct field_set *callers_candidates(struct callers *callers, struct door_caller *caller, int purpose,
                                           unsigned kind);
/* Callers are handed out const, so that the mount can't change them; in the gate they are ours. */
static inline struct door_caller *callers_own(const struct door_caller *caller)
{
    return (struct door_caller *)caller;
}
/* Keeps a refusal for the caller's own page; the oldest goes. */
void callers_refused(struct door_caller *caller, const struct door_refusal *refusal);

#endif
