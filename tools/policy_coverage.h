/* policy_coverage: which parts of a policy the questions asked of it touch, and which they don't. */
#ifndef DOSSIERFS_TOOLS_POLICY_COVERAGE_H
#define DOSSIERFS_TOOLS_POLICY_COVERAGE_H

#include <jansson.h>
#include <stdio.h>

#include "policy/decide.h"
#include "tools/policy_names.h"

enum { COVERAGE_RULES = DECIDE_MASKED + 1 };

struct policy_coverage {
    bool parts[POLICY_PARTS][POLICY_MAX_FIELDS];       /* by part and index; the largest part is that of the fields */
    bool rules[COVERAGE_RULES];                        /* by enum decide_rule: it decided once */
    bool pairs[POLICY_MAX_ROLES][POLICY_MAX_PURPOSES]; /* a member of the role asked for this purpose, which it has */
};

void policy_coverage_add(struct policy_coverage *coverage, const struct policy *policy,
                         const struct policy_standing *standing, int purpose, int kind, int field,
                         const struct decision *decision);
/* A line a part: how many of how many, and the names that are missing. */
void policy_coverage_print(FILE *out, const struct policy_coverage *coverage, const struct policy *policy);
/* NULL: no memory. */
json_t *policy_coverage_json(const struct policy_coverage *coverage, const struct policy *policy);

#endif
