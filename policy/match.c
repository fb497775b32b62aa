#include "policy/match.h"

#include <string.h>

#include "policy/private.h"

static bool is_person(const struct policy_member *member, const struct policy_caller *caller)
{
    if (member->kind == MEMBER_UID)
        return member->uid == caller->uid;
    return member->kind == MEMBER_USER && caller->user && strcmp(member->name, caller->user) == 0;
}

static bool is_in_group(const struct policy_member *member, const struct policy_caller *caller)
{
    if (member->kind != MEMBER_GROUP)
        return false;
    for (size_t i = 0; i < caller->group_count; i++)
        if (strcmp(member->name, caller->groups[i]) == 0)
            return true;
    return false;
}

static bool is_member(const struct private_role *role, const struct policy_caller *caller)
{
    for (size_t i = 0; i < role->member_count; i++)
        if (is_person(&role->members[i], caller) || is_in_group(&role->members[i], caller))
            return true;
    return false;
}

/* One record that covers the day is enough, whatever the others say. */
static void find_bound(const struct policy_private *private, const struct policy_caller *caller, int32_t today,
                       struct policy_standing *standing)
{
    for (size_t i = 0; i < private->bound_count && !standing->bound; i++) {
        const struct private_bound *bound = &private->bounds[i];

        if (!is_person(&bound->member, caller))
            continue;
        standing->bound = bound->from_day <= today && today <= bound->until_day;
        standing->bound_line = bound->member.line;
    }
}

struct policy_standing policy_match(const struct policy *policy, const struct policy_caller *caller, int32_t today)
{
    struct policy_standing standing = {0};

    /* The kernel's "no such user": nobody in particular, so never a member, whatever name it was given. */
    if (caller->uid == UINT32_MAX)
        return standing;
    for (unsigned i = 0; i < policy->role_count; i++)
        if (is_member(&policy->private->roles[i], caller)) {
            standing.roles |= (uint64_t)1 << i;
            if (policy->roles[i].signed_day <= today && today <= policy->roles[i].until_day)
                standing.in_force |= (uint64_t)1 << i;
        }
    find_bound(policy->private, caller, today, &standing);
    return standing;
}

/* What tells of data subjects is no part of keeping a policy, and what destroys is no part of reading. */
static const char *const by_name_alone[] = {"policy.explain", "log.expire"};

bool policy_command_covers(const char *allowed, const char *command)
{
    size_t length_bytes = strlen(allowed);

    for (size_t i = 0; i < sizeof by_name_alone / sizeof *by_name_alone; i++)
        if (strcmp(command, by_name_alone[i]) == 0)
            return strcmp(allowed, command) == 0;
    if (length_bytes > 2 && strcmp(allowed + length_bytes - 2, ".*") == 0)
        return strncmp(allowed, command, length_bytes - 1) == 0 && command[length_bytes - 1] != '\0';
    return strcmp(allowed, command) == 0;
}

uint64_t policy_purposes(const struct policy *policy, const struct policy_standing *standing)
{
    uint64_t purposes = 0;

    for (unsigned i = 0; i < policy->role_count && standing->bound; i++)
        if (standing->roles & standing->in_force & (uint64_t)1 << i)
            purposes |= policy->roles[i].purposes;
    return purposes;
}

bool policy_allows_command(const struct policy *policy, const struct policy_standing *standing, const char *command,
                           unsigned *line)
{
    *line = 0;
    if (!standing->bound) {
        *line = standing->bound_line;
        return false;
    }
    for (unsigned i = 0; i < policy->role_count; i++) {
        const struct private_role *role = &policy->private->roles[i];

        for (size_t j = 0; (standing->roles >> i & 1) && j < role->command_count; j++) {
            if (policy_command_covers(role->commands[j].text, command)) {
                *line = role->commands[j].line;
                return true;
            }
        }
    }
    return false;
}

static bool may_be_bound(const struct policy_member *member, const struct private_bound *bound)
{
    if (member->kind == MEMBER_GROUP)
        return true;
    if (member->kind != bound->member.kind)
        return false;
    return member->kind == MEMBER_UID ? member->uid == bound->member.uid
                                      : strcmp(member->name, bound->member.name) == 0;
}

enum policy_role_bound policy_role_bound(const struct policy *policy, unsigned role, int32_t today)
{
    const struct private_role *asked = &policy->private->roles[role];

    for (size_t i = 0; i < policy->private->bound_count; i++) {
        const struct private_bound *bound = &policy->private->bounds[i];

        for (size_t j = 0; bound->from_day <= today && today <= bound->until_day && j < asked->member_count; j++)
            if (may_be_bound(&asked->members[j], bound))
                return ROLE_BOUND;
    }
    return asked->member_count ? ROLE_UNBOUND : ROLE_EMPTY;
}
