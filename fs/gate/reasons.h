/* reasons: why a dossier shows, or does not show, to somebody for a purpose: what is so for it at this moment, as an open would find
 * it. For those who have the command "policy.explain", which also tells whether there is a dossier with a code.
 *
 * What is told are facts about the dossier, and never a value: of the field that a caseload goes by, only whether the dossier is
 * inside. Each question is two entries, durable before anything is told: the command, and what was explained (LOG_EXPLAIN), under
 * the dossier's number, with the purpose, whose view and the field; refused for a code that has no dossier. */
#ifndef DOSSIERFS_GATE_REASONS_H
#define DOSSIERFS_GATE_REASONS_H

#include "fs/gate/gate.h"
#include "policy/decide.h"

struct gate_reasons_question {
    const char *code;
    const char *user;    /* whose view: the name of an account, or a uid in digits */
    const char *purpose; /* name */
    const char *field;   /* name; NULL: every field */
};

/* Indexes are those of gate_policy() in the thread that asked. */
struct gate_reasons {
    struct gate_person whose;
    struct policy_standing standing; /* today */
    int purpose, field;              /* field -1: every field */
    unsigned kind;                   /* of the dossier */
    int64_t now_s;                   /* Unix time: the moment all of it is so */
    uint64_t kept; /* per category: a hold, or an incident that covers it, keeps it past its term now */
    struct decide_dossier dossier;
    struct decide_facts fields[POLICY_MAX_FIELDS]; /* each with `dossier` behind it */
};
/* For threads that may wait. 0: *out is to be freed. -EACCES: no right, and nothing of the question was looked at; -EINVAL: the policy
 * has no such purpose or field; -ENOENT: no dossier has this code, or no account this name; -EAGAIN: NSS failed; -EIO (log or store),
 * -ENOMEM. */
int gate_reasons(struct gate *gate, const struct gate_person *person, const struct gate_reasons_question *question,
                 struct gate_reasons **out, struct report_why *why);
void gate_reasons_free(struct gate_reasons *reasons); /* NULL is allowed */

#endif
