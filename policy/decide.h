/* decide: does a field of a dossier show to a caller, for a purpose, at a moment? The heart of dossierfs.
 *
 * A field shows if the caller, bound to secrecy, is a member of a role that has the purpose (a recipient: under an agreement in
 * force); the purpose covers the dossier's kind and lists the field; the role does not narrow it away, is trusted with it
 * where it is special and is one of those that its category admits; the item is there, its term has not ended and it is not
 * restricted; the ground of the purpose holds for this subject (consent given, no objection, a calamity declared); an open
 * incident covers it where the category asks for one; and the dossier is in the role's caseload, the item the caller's own
 * where the role sees no other. Otherwise it is hidden. Several roles add up within a purpose; a mask holds only if every role
 * that shows the field masks it (of several masks the first role's, in the policy's order, is taken).
 *
 * Pure, allocates nothing, and takes the same path for what is absent and what is hidden. */
#ifndef DOSSIERFS_POLICY_DECIDE_H
#define DOSSIERFS_POLICY_DECIDE_H

#include "policy/match.h"

enum verdict { VERDICT_HIDDEN, VERDICT_SHOWN, VERDICT_MASKED };

/* The condition that decided: the first that failed, in this order, or what let it show. */
enum decide_rule {
    /* what the policy alone says about the caller */
    DECIDE_NO_PURPOSE,    /* the policy has no such purpose, or no such field (index -1) */
    DECIDE_NO_ROLE,       /* the caller is in no role */
    DECIDE_NOT_BOUND,     /* no secrecy record covers today (D4) */
    DECIDE_ROLE_PURPOSE,  /* no role of the caller has the purpose (A4, D5) */
    DECIDE_AGREEMENT,     /* only recipients have it, and no agreement of theirs covers today (E1-E4) */
    DECIDE_PURPOSE_KIND,  /* the purpose does not cover the dossier's kind */
    DECIDE_PURPOSE_FIELD, /* the purpose does not list the field (A1) */
    DECIDE_ROLE_FIELD,    /* every such role narrows the field away, or may only drop it (D5) */
    DECIDE_SPECIAL,       /* it is special data, and no such role is trusted with it (H4) */
    DECIDE_CATEGORY_ROLE, /* the category admits other roles alone (B7) */
    /* what is so for this dossier */
    DECIDE_ABSENT,      /* there is no such dossier, or it has no value for the field */
    DECIDE_EXPIRED,     /* the term of its category ended (D6) */
    DECIDE_RESTRICTED,  /* the category is set apart for this subject (F19) */
    DECIDE_NO_CONSENT,  /* ground D, and no consent holds (A9, D3, G1) */
    DECIDE_OBJECTION,   /* the subject objected, or opted out, and that holds (A9, F16-F17) */
    DECIDE_NO_CALAMITY, /* ground E, and the caller declared no calamity for this dossier, or it is over (H9) */
    DECIDE_NO_INCIDENT, /* no open incident covers the item (B6) */
    DECIDE_CASELOAD,    /* the dossier is in the caseload of none of those roles (D5) */
    DECIDE_NOT_OWN,     /* those roles see what the caller wrote himself alone */
    DECIDE_SHOWN,
    DECIDE_MASKED,
};

/* Facts about the dossier as a whole, at the moment asked: what holds now, no history. Bits are indexes of the policy. */
struct decide_dossier {
    uint64_t consents;   /* per purpose: a live consent of the subject */
    uint64_t objections; /* per purpose: an objection that holds, or an opt-out; ground B goes on (F18) */
    uint64_t restricted; /* per category: set apart */
    uint64_t incidents;  /* per category: an open incident covers the item and its time */
    uint64_t calamity;   /* per purpose: this caller broke the glass for this dossier, and that still runs */
    uint64_t inside;     /* per role: the dossier is in that role's caseload; roles without a caseload need no bit */
};
/* Every fact as it lets most be seen: for what the policy alone says, whatever the dossier. */
extern const struct decide_dossier decide_favourable;

/* Facts about one field of one dossier. */
struct decide_facts {
    int kind;       /* index; for a dossier that isn't there, of the kind its code looks like, or -1 */
    bool present;   /* the dossier is there and the field has a value */
    int64_t ends_s; /* first second (Unix time) at which the item is gone; INT64_MAX: no running term (or a hold) */
    const struct decide_dossier *dossier; /* NULL: nothing is known; what needs a fact to show does not */
    bool own;                             /* the caller wrote the item */
};

struct decision {
    enum verdict verdict;
    enum decide_rule rule;
    int role;         /* the role that shows it (the first), or -1 */
    unsigned line;    /* the deciding line of the policy; 0: none (nobody wrote a rule that lets it show) */
    struct mask mask; /* MASK_NONE unless VERDICT_MASKED */
};

/* The caller's roles that are left behind each condition on roles, as far as the decision came; what stands behind the one that
 * failed is 0. For explain(). */
struct decide_roles {
    uint64_t with, in_force, showing, trusted, admitted, inside, reading;
};

/* `purpose` and `field` are indexes or -1. `now_s` is Unix time. */
struct decision decide(const struct policy *policy, const struct policy_standing *standing, int purpose, int field,
                       const struct decide_facts *facts, int64_t now_s);
/* The same decision, and how it came about. */
struct decision decide_by_roles(const struct policy *policy, const struct policy_standing *standing, int purpose,
                                int field, const struct decide_facts *facts, int64_t now_s,
                                struct decide_roles *roles);

/* A word for people and the log ("no-role", "expired"), stable. */
const char *decide_rule_name(enum decide_rule rule);

#endif
