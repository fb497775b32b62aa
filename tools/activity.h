/* activity: a processing activity in words: what the record of GDPR art. 30(1) has to say about one purpose of a policy.
 *
 * Everything comes from the policy that is enforced; members are never named. */
#ifndef DOSSIERFS_TOOLS_ACTIVITY_H
#define DOSSIERFS_TOOLS_ACTIVITY_H

#include "fs/base/buffer.h"
#include "policy/wording.h"

enum activity_part {
    ACTIVITY_ID,         /* the purpose's name */
    ACTIVITY_PURPOSE,    /* its label */
    ACTIVITY_CONTROLLER, /* who answers for it, where they are and where to turn to */
    ACTIVITY_OFFICER,    /* the data protection officer */
    ACTIVITY_GROUND,     /* "A, a contract (GDPR art. 6(1)(b))" */
    ACTIVITY_BASIS,      /* article, balancing, exceptions: "Article: ...", one a line */
    ACTIVITY_PEOPLE,     /* kinds of people */
    ACTIVITY_CATEGORIES, /* "Contact: Telephone, E-mail", a category a line */
    ACTIVITY_ACCESS,     /* the roles that see any of it */
    ACTIVITY_CHANGES,    /* the roles that may change some of it, and what */
    ACTIVITY_RECIPIENTS, /* outside the organisation: who, under what, which data */
    ACTIVITY_TRANSFERS,  /* outside the European Union */
    ACTIVITY_TERMS,      /* "Name, Address: 2 years after ...", a term a line */
    ACTIVITY_SECURITY,   /* a measure a line */
    ACTIVITY_SOURCE,     /* file and line of the purpose */
    ACTIVITY_PARTS,
};

/* Several answers are parted by line ends. */
struct activity {
    struct buffer parts[ACTIVITY_PARTS];
    bool has_recipients; /* otherwise that part says that there is none */
};

/* 0 or -ENOMEM; to be cleared in any case. */
int activity_describe(const struct policy *policy, unsigned purpose, enum wording_language language,
                      struct activity *activity);
void activity_clear(struct activity *activity);

/* What a part is called: for people, and for machines ("terms"; the same in every language). */
const char *activity_name(enum activity_part part, enum wording_language language);
const char *activity_key(enum activity_part part);

/* ---- what the statement shares ---- */

/* What the role or recipient sees of the purpose, if the facts of a dossier allow it and an agreement is in force; by asking
 * decide(). False: nothing. */
bool activity_sees(const struct policy *policy, unsigned role, unsigned purpose, struct field_set *seen);
/* The labels of the fields of a category that are in the set, with ", " between, special data marked; false: none is. */
bool activity_fields(const struct policy *policy, unsigned category, const struct field_set *fields,
                     enum wording_language language, struct buffer *out);
/* "processor agreement, signed on 2026-01-01, until 2027-12-31". */
void activity_agreement(const struct policy_role *recipient, enum wording_language language, struct buffer *out);
/* The organisation and, where kinds have another controller, "Other (kind, kind)", one a line; of `kinds`. */
void activity_controllers(const struct policy *policy, uint32_t kinds, struct buffer *out);
/* The term of a category for dossiers of `kinds` (a bit a kind): once if all have the same, else "Kind, kind: term" with
 * "; ", kinds with the same term together. */
void activity_term(const struct policy *policy, unsigned category, uint32_t kinds, enum wording_language language,
                   struct buffer *out);
/* What the file system does by itself, and what the policy says besides, a measure a line. */
void activity_security(const struct policy *policy, enum wording_language language, struct buffer *out);
/* The policy's version: 16 hexadecimal digits. */
void activity_version(const struct policy *policy, char version[static 2 * POLICY_HASH_BYTES + 1]);

#endif
