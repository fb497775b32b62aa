/* match: who a caller is to the policy. Pure: user and groups were asked from NSS by the caller of this function. */
#ifndef DOSSIERFS_POLICY_MATCH_H
#define DOSSIERFS_POLICY_MATCH_H

#include "policy/policy.h"

/* A person at a day. Strings are borrowed for the call. */
struct policy_caller {
    uint32_t uid;
    const char *user; /* NULL: the uid has no account */
    const char *const *groups;
    size_t group_count;
};

/* What the policy makes of a caller on one day; a plain value, to be computed again when the day or the policy changes. */
struct policy_standing {
    uint64_t roles;      /* bit per role the caller is a member of (`@group`, user name or uid) */
    uint64_t in_force;   /* bit per role of these that is no recipient, or whose agreement covers the day (E1-E4) */
    bool bound;          /* a secrecy record of the caller covers the day (D4) */
    unsigned bound_line; /* the [secrecy] line that says so, or, if not bound, that ended or begins later; 0: none */
};

/* `today` is a day number (terms.h) in the organisation's time zone; a record holds from its first to its last day,
 * both included, without an end for ever. Members of [secrecy] are user names and uids, not groups: secrecy is a
 * person's. Root and uid 4294967295 have no special place: without a role they have none. */
struct policy_standing policy_match(const struct policy *policy, const struct policy_caller *caller, int32_t today);

/* The purposes, bit each, that a caller of this standing may act for: those of his roles, and of agreements in force; none
 * without a secrecy record. */
uint64_t policy_purposes(const struct policy *policy, const struct policy_standing *standing);

/* May a caller of this standing give this command (`log.show`, `import`) to the daemon? `commands` of a role lists words
 * or PREFIX.*; default none. A member who isn't bound to secrecy may not. *line becomes the deciding line (0: none). */
bool policy_allows_command(const struct policy *policy, const struct policy_standing *standing, const char *command,
                           unsigned *line);

/* Does one entry of `commands` cover a command (or another entry)? `log.*` covers what begins with "log." and goes on, and is the same
 * for each group; but policy.explain and log.expire have to be named: who keeps the policy learns nothing of a dossier by that, and
 * who reads the log destroys nothing of it. */
bool policy_command_covers(const char *allowed, const char *command);

/* Whether anybody may be in the role on this day: a member with a secrecy record, as both are written, a name for a name and a
 * number for a number. Who is in a group isn't known here: one counts if any record covers the day. */
enum policy_role_bound { ROLE_BOUND, ROLE_UNBOUND, ROLE_EMPTY };
enum policy_role_bound policy_role_bound(const struct policy *policy, unsigned role, int32_t today);

#endif
