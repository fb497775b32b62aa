/* compare: what is otherwise under one policy than under another, in people's words. Everything is finite, so everything is
 * compared: what each role sees of each field, for each purpose and kind of dossier (access.h), and all that a policy says
 * besides. Comments, layout and the order of sections are no difference, unless they change what somebody sees.
 *
 * Sections are the same if they have the same name: one that is renamed is gone, and another is new. */
#ifndef DOSSIERFS_POLICY_COMPARE_H
#define DOSSIERFS_POLICY_COMPARE_H

#include "fs/base/buffer.h"
#include "policy/access.h"
#include "policy/arena.h"

enum difference_what {
    DIFFERENCE_ACCESS, /* what a role or recipient sees */
    DIFFERENCE_ROLE,   /* from here on: what the section says besides */
    DIFFERENCE_RECIPIENT,
    DIFFERENCE_SECRECY,
    DIFFERENCE_PURPOSE,
    DIFFERENCE_CATEGORY,
    DIFFERENCE_FIELD,
    DIFFERENCE_KIND,
    DIFFERENCE_POLICY,
    DIFFERENCE_MOUNT,
    DIFFERENCE_LOG,
    DIFFERENCE_NEVER, /* what the policy says of itself */
};
enum difference_way { DIFFERENCE_GAINS, DIFFERENCE_LOSES, DIFFERENCE_CHANGES };

/* Strings belong to the list; NULL where there is nothing to say. */
struct difference {
    enum difference_what what;
    enum difference_way way;
    const char *name;            /* of the section; of the person, in [secrecy] */
    const char *about;           /* "label", "member anna"; NULL: the section as a whole is new or gone */
    const char *purpose;         /* DIFFERENCE_ACCESS */
    const char *kinds;           /* the same: names with ", " between; NULL: all that there are */
    const char *fields;          /* the same */
    const char *before, *after;  /* in words */
    unsigned people;             /* DIFFERENCE_ACCESS: users and uids whom it concerns... */
    const char *groups;          /* ...and groups, "@a, @b", whose members are not known here; NULL: none */
    unsigned old_line, new_line; /* where each policy says so; 0: nowhere */
};

struct differences {
    struct difference *all; /* access first, then the rest, in the order of the policies */
    size_t count, capacity;
    struct arena arena;
};

/* 0 with the list, perhaps empty; or -ENOMEM. To be cleared in any case. The policies may go before it. */
int compare_policies(const struct policy *old, const struct policy *new, struct differences *list);
void differences_clear(struct differences *list);

/* What seems to be renamed without `was`: a purpose, category, field or kind that is gone, and one that is new and says the same but
 * for its label (a field: with the same label, if it has one; a category: with the same fields in it). Then what is recorded and
 * registered under the old name is not found under the new one. Warnings with lines of the new policy, for policy_faults_clear();
 * 0, or -ENOMEM with *out untouched. */
int compare_renames(const struct policy *old, const struct policy *new, struct policy_faults *out);

/* "role", "access": stable. */
const char *difference_what_name(enum difference_what what);
/* One sentence without a full stop: "incasso gains rekeningnummer for huur-innen, masked: last 4 characters; 12 people". */
void difference_describe(const struct difference *difference, struct buffer *out);

#endif
