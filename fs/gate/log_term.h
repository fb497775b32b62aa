/* log_term: months of the processing log that are past its own term: the policy in force has the rule, the log carries it out, and this
 * says who may confirm. */
#ifndef DOSSIERFS_GATE_LOG_TERM_H
#define DOSSIERFS_GATE_LOG_TERM_H

#include "fs/gate/gate.h"

/* For those who have the command "log.expire", which has to be named; logged. Destroys or shows, as log_expire_due() does. LOG_EXPIRE_CONFIRM:
 * -EACCES if a shortened term made months due and the person is the owner of the policy's file, or it can't be known who that
 * is: it takes two. -EACCES, -EIO and others. For a thread that may wait. */
int gate_log_expire(struct gate *gate, const struct gate_person *person, enum log_expire how, log_each_erasure *each,
                    void *context, struct log_expired *out, struct report_why *why);
/* What is left out of answers for the rule. For those who were answered: it asks nobody. */
int gate_log_erasures(struct gate *gate, int64_t from_ms, int64_t to_ms, log_each_erasure *each, void *context);

/* ---- for this room alone: the policy has come in force; never waits */
void log_term_set(struct gate *gate, const struct policy *policy);

#endif
