/* warn: what a policy that has no fault says in vain, or probably did not mean.
 *
 * A warning stops nothing and changes nothing: the policy is in force as it is written. Whether something shows is asked of
 * decide(), with every fact as it lets most be seen, so that a warning of "shows nothing" holds for every dossier. Told are:
 *
 * - what nothing is about: a kind without a purpose, a category without a field, a field that no purpose lists and no term or
 *   caseload rests on, a purpose that no role has, a field of a purpose that no role with it shows or may write (A1);
 * - roles that give nothing: no member bound to secrecy today (D4), no members, an agreement that has ended (E1), a purpose
 *   under which the role sees and writes nothing;
 * - lines without effect: `fields`, `write`, `own`, `drop`, `special` and `mask` with a field, or all of a category, that the
 *   role does not reach; a category's `roles` with one that shows nothing of it;
 * - a category without a term for a kind of dossier that has it (D6);
 * - a field that by its name or label is, or by its pattern looks like, a citizen service number (BSN) or an account number,
 *   and is of a type that does not check it (and, for a BSN, escapes the rules for it).
 *
 * Whom a [secrecy] record is about can only be compared as it is written: a name with a name, a number with a number; a
 * group counts as bound if anybody is. */
#ifndef DOSSIERFS_POLICY_WARN_H
#define DOSSIERFS_POLICY_WARN_H

#include "policy/policy.h"

/* The warnings, in the order of the lines, for policy_faults_clear(); `today` is a day number (terms.h) in the organisation's
 * time zone. 0, or -ENOMEM with *out untouched. */
int policy_warnings(const struct policy *policy, int32_t today, struct policy_faults *out);

#endif
