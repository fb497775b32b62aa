/* explain: the decision told to a person: the chain of conditions, each with file:line and pass or fail, the first that
 * failed marked. What it says follows decide() exactly: the test compares both over the whole decision table. */
#ifndef DOSSIERFS_POLICY_EXPLAIN_H
#define DOSSIERFS_POLICY_EXPLAIN_H

#include "fs/base/buffer.h"
#include "policy/decide.h"

/* One condition of the chain. `line` 0: no line of the policy is about it. */
struct explain_step {
    enum decide_rule rule;
    bool pass;
    bool checked; /* false: an earlier condition failed, so this one did not matter */
    unsigned line;
    char text[200];
};
enum { EXPLAIN_STEPS = DECIDE_SHOWN }; /* a step for each condition, in the order of enum decide_rule */

/* The chain for one field; the decision is returned. */
struct decision explain(const struct policy *policy, const struct policy_standing *standing, int purpose, int field,
                        const struct decide_facts *facts, int64_t now_s, struct explain_step steps[EXPLAIN_STEPS]);
/* One sentence for a decision that needs no facts of a dossier, for people ("role incasso does not have this purpose,
 * huur.ini:40"). Appended to `out`. */
void explain_sentence(const struct policy *policy, const struct decision *decision, struct buffer *out);

#endif
