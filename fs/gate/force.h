/* force: the policy in force, and those that a thread still works under. Not for other rooms.
 *
 * The dispatcher reads gate->policy, which it alone replaces, so it needs no lock. Another thread holds the policy that is in
 * force when its work begins and sees that one until its work ends, so that indexes don't change their meaning under it. A
 * replaced policy is freed when nobody holds it. */
#ifndef DOSSIERFS_GATE_FORCE_H
#define DOSSIERFS_GATE_FORCE_H

#include "policy/policy.h"

struct force;
/* A policy with its place in the list, made beforehand so that putting it in force can't fail. */
struct force_policy;

/* `records` marks what a dossier holds under the policy: equal marks, equal tables. 0: not known, equal to nothing. */
struct force_policy *force_prepare(struct policy *policy, uint64_t records);
/* Frees it and its policy, if it was not put in force. NULL is allowed. */
void force_discard(struct force_policy *prepared);

int force_new(struct force **out);
/* Frees the policies too; nobody holds one any more. NULL is allowed. */
void force_free(struct force *force);

/* Puts it in force and takes it over. For the dispatcher, or while there is one thread. */
void force_replace(struct force *force, struct force_policy *prepared);
/* Frees what was replaced and is held by nobody; for a thread that may wait. */
void force_sweep(struct force *force);

/* From here to force_let_go() this thread works under what is in force now. Not nested. */
void force_hold(struct force *force);
void force_let_go(struct force *force);
/* What this thread holds; NULL: nothing, so it is the dispatcher or the only one. */
const struct policy *force_held(const struct force *force);
/* Does what this thread holds (or, if nothing, what is in force) give the same tables as what is in force? */
bool force_same_records(struct force *force);
/* The mark of what is in force. */
uint64_t force_records(struct force *force);

#endif
