/* sight: what shows to a caller, and what it says. Not for other rooms. */
#ifndef DOSSIERFS_GATE_SIGHT_H
#define DOSSIERFS_GATE_SIGHT_H

#include "fs/gate/inside.h"

/* Where a policy's dossiers and their values are. */
struct sight_source {
    const struct policy *policy;
    const struct dossiers *dossiers;
    const struct dossiers_numbers *numbers;
    struct store_reader *reader;
};
/* What is so for a dossier at a moment, for a person, his roles and a purpose: what is registered of it, and whose caseload it is in;
 * *until_s: the first second at which less may show. */
void sight_facts(const struct sight_source *source, uint32_t uid, uint64_t roles, int purpose,
                 const struct dossier *dossier, int64_t now_s, struct decide_dossier *facts, int64_t *until_s);
/* The same for one field, which `known` is put behind. */
struct decide_facts sight_field_facts(const struct policy *policy, const struct dossiers *dossiers,
                                      const struct dossier *dossier, const struct decide_dossier *known,
                                      unsigned field);

/* What the policy alone says about the caller and the purpose (of a field, or, for -1, of a dossier as a whole); for a refusal
 * that must not tell whether a thing exists. */
struct decision sight_rule(struct gate *gate, const struct door_caller *caller, int purpose, int field,
                           unsigned kind);
/* For what the policy would let show: nothing is there, or no longer. Absent and expired get the same words. */
struct decision sight_absent_unless_hidden(struct decision decision);
/* Does anything of the dossier show? */
bool sight_sees(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier, int64_t now_s);
/* The same for a code that may have no dossier (number DOSSIERS_NONE), in the same time for all that do not show. */
bool sight_sees_code(struct gate *gate, const struct door_ask *ask, unsigned kind, uint32_t number, const char *code,
                     size_t code_bytes);
/* Which fields would show now, with their masks; how long that holds. False: none. */
bool sight_choose(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier, int leaf,
                  int64_t now_s, struct decision decisions[POLICY_MAX_FIELDS], struct field_set *fields,
                  struct door_found *found);
/* Would the field still be shown, masked no more than it was? *ends_s is cut to when it ends. */
bool sight_still_shows(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier,
                       const struct door_granted *granted, int64_t now_s, int64_t *ends_s);
/* The caller's roles that let the field show: all of them. */
uint64_t sight_roles(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier, unsigned field,
                     int64_t now_s);
/* Decides about a leaf and reads what shows. -ENOENT: refused, and logged as such. -EIO. */
int sight_find_leaf(struct gate *gate, const struct door_ask *ask, uint32_t number, int leaf,
                    struct door_found *found, struct door_shown *shown, struct decision decisions[POLICY_MAX_FIELDS]);

#endif
