/* mask: what a masked value looks like. Source of the forms: account numbers show their last 4 characters, birth dates
 * their year. */
#ifndef DOSSIERFS_POLICY_MASK_H
#define DOSSIERFS_POLICY_MASK_H

#include "policy/policy.h"

/* "year", "last4" (1..16), "first2" (1..16), "initial", "domain", "yes-no", "hash", "text=WORDS". 0, or -EINVAL. A mask with a
 * text borrows it from `text`. */
int mask_parse(const char *text, struct mask *out);
/* Appends the word for people ("last 4 characters"). */
void mask_describe(const struct mask *mask, struct buffer *out);
/* Appends the masked form of one kept value: one '*' for each hidden character, so that the form has
 * the value's length; MASK_YEAR keeps yyyy of a date; a value with nothing to hide left (shorter than or as long as what
 * would stay) is masked whole. Characters are UTF-8 code points. MASK_DOMAIN keeps what follows the last '@'. MASK_YES_NO and
 * MASK_TEXT say nothing of the value; MASK_HASH is 16 hex digits of a hash (BLAKE2b) under `key`, MASK_KEY_BYTES long and one
 * for each purpose; without a key (NULL) it is masked whole. 0 or -ENOMEM. */
enum { MASK_KEY_BYTES = 32 };
int mask_apply(const struct mask *mask, const uint8_t *key, const char *value, size_t length_bytes,
               struct buffer *out);

#endif
