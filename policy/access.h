/* access: what a role sees of a field for a purpose, and on which conditions: the whole of a policy, written out.
 *
 * Everything is asked of decide(), with the facts turned one at a time; no rule of it is repeated here. That is enough, since a
 * role alone sees a field if all conditions hold (the test tries every combination of facts). Whoever is in several roles sees
 * what any of them sees, and unmasked what any of them sees unmasked. */
#ifndef DOSSIERFS_POLICY_ACCESS_H
#define DOSSIERFS_POLICY_ACCESS_H

#include "fs/base/buffer.h"
#include "policy/decide.h"

/* Bits: what has to be so, or else the field is hidden. That there is a value, and that its term runs, is always so. */
enum access_condition {
    ACCESS_AGREEMENT = 1 << 0,    /* a recipient's agreement is in force */
    ACCESS_CONSENT = 1 << 1,      /* the subject's consent holds */
    ACCESS_CALAMITY = 1 << 2,     /* the caller declared a calamity */
    ACCESS_INCIDENT = 1 << 3,     /* an open incident covers it */
    ACCESS_CASELOAD = 1 << 4,     /* the dossier is in the role's caseload */
    ACCESS_OWN = 1 << 5,          /* the caller wrote it */
    ACCESS_NO_OBJECTION = 1 << 6, /* no objection or opt-out holds */
    ACCESS_UNRESTRICTED = 1 << 7, /* it is not set apart */
    ACCESS_CONDITIONS = 8,        /* how many there are */
};

struct access {
    enum verdict verdict;  /* if every condition holds */
    enum decide_rule rule; /* why */
    unsigned line;         /* the deciding line */
    struct mask mask;      /* MASK_NONE unless masked */
    unsigned conditions;   /* 0 where hidden */
};

/* Indexes of the policy; -1 (no such thing): hidden. The mask's text stays the policy's. */
struct access access_of(const struct policy *policy, int role, int purpose, int kind, int field);
/* The verdict alone, which costs a ninth. The indexes are there. */
enum verdict access_verdict(const struct policy *policy, unsigned role, unsigned purpose, unsigned kind,
                            unsigned field);
/* The same to those who look: verdict, mask and conditions; rule and line may differ. */
bool access_same(const struct access *one, const struct access *other);
/* The facts under which exactly these conditions hold: for access_of(), and for tests. `standing` has the one role. */
void access_facts(const struct policy *policy, unsigned role, int kind, unsigned conditions,
                  struct policy_standing *standing, struct decide_dossier *dossier, struct decide_facts *facts);

/* "consent", "no-objection"...: stable words; `condition` is one bit. */
const char *access_condition_name(unsigned condition);
/* "hidden"; "shown"; "masked: last 4 characters, while the person's consent holds". Two that are not the same have other words. */
void access_describe(const struct access *access, struct buffer *out);
/* The conditions alone, each with ", " before it. What most have, that nothing is restricted or objected to, is not said; where it
 * doesn't matter is. */
void access_describe_conditions(unsigned conditions, struct buffer *out);

#endif
