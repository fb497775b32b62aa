/* private: what a published policy keeps to itself: who its members are, and its memory. Known to the files that build
 * a policy and to match.c. */
#ifndef DOSSIERFS_POLICY_PRIVATE_H
#define DOSSIERFS_POLICY_PRIVATE_H

#include "policy/arena.h"
#include "policy/grammar.h"
#include "policy/name_table.h"
#include "policy/policy.h"

enum member_kind { MEMBER_UID, MEMBER_USER, MEMBER_GROUP };

/* Who a line is about: a uid, a user name, or (not in [secrecy]) a group. */
struct policy_member {
    enum member_kind kind;
    uint32_t uid;
    const char *name; /* without the '@'; NULL for MEMBER_UID */
    unsigned line;
};

struct policy_command {
    const char *text; /* "log.show" or "log.*" */
    unsigned line;
};

/* What policy_role does not say, by the index of the role. */
struct private_role {
    struct policy_member *members;
    size_t member_count;
    struct policy_command *commands;
    size_t command_count;
};

/* A secrecy record: from the first to the last day, both included. */
struct private_bound {
    struct policy_member member;
    int32_t from_day, until_day; /* INT32_MAX: for ever */
};

struct policy_private {
    struct arena arena; /* holds the policy itself, this struct, and all of their strings */
    struct private_role roles[POLICY_MAX_ROLES];
    struct private_bound *bounds;
    size_t bound_count;
    struct name_table names[SECTION_TYPES]; /* of the sections that have names */
};

#endif
