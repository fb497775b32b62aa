/* never: what a policy must never show, as a sentence that it keeps or breaks:
 *
 *     [never] WHO sees WHAT [of KIND] [for PURPOSE] [unmasked] [without CONDITION]
 *
 * WHO is `anyone`, `role` or `recipient` (any of them), `role NAME` or `recipient NAME`. WHAT is a field, a category (all its
 * fields), `special` (all special fields) or `anything`. CONDITION is what access_condition_name() calls it: `without incident` is
 * broken by what shows although no incident is open. Words are parted by blanks; those behind WHAT stand in any order, each once.
 *
 * Somebody in several roles sees what one of them shows, and unmasked what one of them shows unmasked; so a sentence that
 * holds for each role holds for each person. */
#ifndef DOSSIERFS_POLICY_NEVER_H
#define DOSSIERFS_POLICY_NEVER_H

#include "policy/access.h"

struct never {
    uint64_t roles; /* bit per role that it is about; so below */
    uint64_t purposes;
    uint32_t kinds;
    struct field_set fields;
    bool unmasked;    /* what is masked doesn't break it */
    unsigned without; /* conditions (access.h): what needs one of them doesn't break it */
};

enum { NEVER_WHY_BYTES = 200, NEVER_TEXT_MAX_BYTES = 1000 };

/* 0; or -EINVAL: `why` says what is wrong, and did you mean. The text is any text without NUL. */
int never_parse(const struct policy *policy, const char *text, struct never *out, char why[static NEVER_WHY_BYTES]);

/* What breaks it: somebody sees something. */
struct never_example {
    unsigned role, purpose, kind, field;
    struct access access;
};
/* For each of `count` sentences: how many combinations of role, purpose, kind and field break it, 0 if it holds; and the first that
 * does, in the policy's order. One walk for all of them. */
void never_judge(const struct policy *policy, const struct never *sentences, size_t count, unsigned *broken,
                 struct never_example *first);
/* The same for one. */
unsigned never_broken(const struct policy *policy, const struct never *never, struct never_example *first);

#endif
