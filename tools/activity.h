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
    ACTIVITY_CONTROLLER, /* who answers for it, and where to turn to */
    ACTIVITY_GROUND,     /* "A, a contract (GDPR art. 6(1)(b))" */
    ACTIVITY_PEOPLE,     /* kinds of people */
    ACTIVITY_CATEGORIES, /* "Contact: Telephone, E-mail", a category a line */
    ACTIVITY_ACCESS,     /* the roles that see any of it */
    ACTIVITY_RECIPIENTS, /* outside the organisation */
    ACTIVITY_TRANSFERS,  /* outside the European Union */
    ACTIVITY_TERMS,      /* "Name, Address: 2 years after ...", a term a line */
    ACTIVITY_SECURITY,   /* a measure a line */
    ACTIVITY_SOURCE,     /* file and line of the purpose */
    ACTIVITY_PARTS,
};

/* Several answers are parted by line ends. */
struct activity {
    struct buffer parts[ACTIVITY_PARTS];
};

/* 0 or -ENOMEM; to be cleared in any case. */
int activity_describe(const struct policy *policy, unsigned purpose, enum wording_language language,
                      struct activity *activity);
void activity_clear(struct activity *activity);

/* What a part is called: for people, and for machines ("terms"; the same in every language). */
const char *activity_name(enum activity_part part, enum wording_language language);
const char *activity_key(enum activity_part part);

/* ---- what the statement shares ---- */

/* Whether the role shows anything of the purpose. */
bool activity_role_sees(const struct policy *policy, const struct policy_role *role, unsigned purpose);
/* The labels of the fields of a category that are in the set, with ", " between; false: none is. */
bool activity_fields(const struct policy *policy, unsigned category, const struct field_set *fields,
                     struct buffer *out);
/* The term of a category for dossiers of `kinds` (a bit a kind): once if all have the same, else "Kind: term" with "; ". */
void activity_term(const struct policy *policy, unsigned category, uint32_t kinds, enum wording_language language,
                   struct buffer *out);
/* What the file system does by itself, a measure a line. */
const char *activity_security(enum wording_language language);
/* The policy's version: 16 hexadecimal digits. */
void activity_version(const struct policy *policy, char version[static 2 * POLICY_HASH_BYTES + 1]);

#endif
