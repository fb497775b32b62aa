/* decide: does a field of a dossier show to a caller, for a purpose, at a moment? The heart of dossierfs.
 *
 * A field shows if the caller, bound to secrecy, is a member of a role that has the purpose; the purpose covers the
 * dossier's kind and lists the field; the role does not narrow it away; the item is there and its term has not ended.
 * Otherwise it is hidden. Several roles add up within a purpose; a mask holds only if every role that shows the field
 * masks it (of several masks the first role's, in the policy's order, is taken).
 *
 * Pure, allocates nothing, and takes the same path for what is absent and what is hidden. */
#ifndef DOSSIERFS_POLICY_DECIDE_H
#define DOSSIERFS_POLICY_DECIDE_H

#include "policy/match.h"

enum verdict { VERDICT_HIDDEN, VERDICT_SHOWN, VERDICT_MASKED };

/* The condition that decided: the first that failed, in this order, or what let it show. */
enum decide_rule {
    DECIDE_NO_PURPOSE,    /* the policy has no such purpose, or no such field (index -1) */
    DECIDE_NO_ROLE,       /* the caller is in no role */
    DECIDE_NOT_BOUND,     /* no secrecy record covers today (D4) */
    DECIDE_ROLE_PURPOSE,  /* no role of the caller has the purpose (A4, D5) */
    DECIDE_PURPOSE_KIND,  /* the purpose does not cover the dossier's kind */
    DECIDE_PURPOSE_FIELD, /* the purpose does not list the field (A1) */
    DECIDE_ROLE_FIELD,    /* every role of the caller with the purpose narrows the field away (D5) */
    DECIDE_ABSENT,        /* there is no such dossier, or it has no value for the field */
    DECIDE_EXPIRED,       /* the term of its category ended (D6) */
    DECIDE_SHOWN,
    DECIDE_MASKED,
};

/* Facts about one field of one dossier. */
struct decide_facts {
    int kind; /* index of the dossier's kind; for a dossier that isn't there, the kind its code looks like, or -1 */
    bool present;   /* the dossier is there and the field has a value */
    int64_t ends_s; /* first second (Unix time) at which the item is gone; INT64_MAX: no running term */
};

struct decision {
    enum verdict verdict;
    enum decide_rule rule;
    int role;         /* the role that shows it (the first), or -1 */
    unsigned line;    /* the deciding line of the policy; 0: none (nobody wrote a rule that lets it show) */
    struct mask mask; /* MASK_NONE unless VERDICT_MASKED */
};

/* `purpose` and `field` are indexes or -1. `now_s` is Unix time. */
struct decision decide(const struct policy *policy, const struct policy_standing *standing, int purpose, int field,
                       const struct decide_facts *facts, int64_t now_s);

/* A word for people and the log ("no-role", "expired"), stable. */
const char *decide_rule_name(enum decide_rule rule);

#endif
