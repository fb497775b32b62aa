/* policy_names: what a policy has, found by name, with the nearest name for one that it doesn't have. */
#ifndef DOSSIERFS_TOOLS_POLICY_NAMES_H
#define DOSSIERFS_TOOLS_POLICY_NAMES_H

#include "policy/policy.h"

enum policy_names_of { POLICY_PURPOSES, POLICY_KINDS, POLICY_CATEGORIES, POLICY_FIELDS, POLICY_ROLES, POLICY_PARTS };

/* "purpose", "kind"... */
const char *policy_names_word(enum policy_names_of part);
unsigned policy_names_count(const struct policy *policy, enum policy_names_of part);
/* The name of one; NULL past the last. */
const char *policy_names_at(const struct policy *policy, enum policy_names_of part, unsigned index);
/* Its index; -1: the policy has none of this name, and *nearest is the name that may have been meant, or NULL. */
int policy_names_find(const struct policy *policy, enum policy_names_of part, const char *name, const char **nearest);

#endif
