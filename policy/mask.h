/* mask: what a masked value looks like. Source of the forms: account numbers show their last 4 characters, birth dates
 * their year. */
#ifndef DOSSIERFS_POLICY_MASK_H
#define DOSSIERFS_POLICY_MASK_H

#include "policy/policy.h"

/* "year", "last4" (1..16), "first2" (1..16), "initial". 0, or -EINVAL. */
int mask_parse(const char *text, struct mask *out);
/* Appends the word for people ("last 4 characters"). */
void mask_describe(const struct mask *mask, struct buffer *out);
/* Appends the masked form of one kept value: one '*' for each hidden character, so that the form has
 * the value's length; MASK_YEAR keeps yyyy of a date; a value with nothing to hide left (shorter than or as long as what
 * would stay) is masked whole. Characters are UTF-8 code points. 0 or -ENOMEM. */
int mask_apply(const struct mask *mask, const char *value, size_t length_bytes, struct buffer *out);

#endif
