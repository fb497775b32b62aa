/* warn_number: whether a field looks as if it held a citizen service number or an account number under another type. */
#ifndef DOSSIERFS_POLICY_WARN_NUMBER_H
#define DOSSIERFS_POLICY_WARN_NUMBER_H

#include "policy/policy.h"

/* The name of the type that the field ought to have ("bsn", "iban"), or NULL. By name or label: it says so, and its type takes
 * such a number. By pattern: it takes such numbers and not others; nine digits are no BSN where the name says RSIN, the number of
 * an organisation. */
const char *warn_number_type(const struct policy_field *field);

#endif
