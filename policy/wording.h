/* wording: what the rules say, in words for people who read neither ini nor law: terms and grounds, in English and Dutch.
 *
 * Labels come from the policy as they are; the words around them are here. Everything is appended to a buffer (which keeps a
 * failure), without a capital and without a full stop. */
#ifndef DOSSIERFS_POLICY_WORDING_H
#define DOSSIERFS_POLICY_WORDING_H

#include "fs/base/buffer.h"
#include "policy/policy.h"

enum wording_language { WORDING_ENGLISH, WORDING_DUTCH };

/* "en", "nl" (ISO 639-1); false: another. */
bool wording_find_language(const char *code, enum wording_language *out);
const char *wording_language_code(enum wording_language language);

/* A ground 'A'..'F' with its place in the GDPR: "a contract (GDPR art. 6(1)(b))". */
void wording_ground(char ground, enum wording_language language, struct buffer *out);

/* "2 years after End of the tenancy"; "whichever comes first: ...; ...". NULL: no term, kept until someone erases it. */
void wording_retention(const struct policy *policy, const struct retention *retention, enum wording_language language,
                       struct buffer *out);

#endif
