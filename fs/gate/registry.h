/* registry: setting, ending, listing and reviewing what is registered of a dossier: consents, opt-outs, objections, restrictions,
 * incidents, holds and calamities (fs/gate/facts.h says what each means). Each needs a command right (`fact.consent`,
 * `fact.list`, `fact.review`), and is in the log, durable, before it is done.
 *
 * A calamity is declared by who needs it (H9): whoever is a member, bound to secrecy, of a role that has a purpose of ground E may
 * declare one for himself and one dossier, with a reason, for at most GATE_CALAMITY_MAX_S. It is an entry of its own kind, and stays on
 * the list of what waits for a review until somebody else reviewed it.
 *
 * For threads that may wait. 0 or a negative errno, `why` for a person: -EACCES (no right), -ENOENT (no such dossier or fact), -EINVAL,
 * -EOVERFLOW (too many facts that still matter), -EBUSY (an import is running), -EIO. After an error nothing changed. */
#ifndef DOSSIERFS_GATE_REGISTRY_H
#define DOSSIERFS_GATE_REGISTRY_H

#include "fs/gate/gate.h"

enum {
    GATE_CALAMITY_DEFAULT_S = 3600,
    GATE_CALAMITY_MAX_S = 86400,
    GATE_CALAMITIES_WAITING = 8, /* of one dossier, for a review */
};

struct gate_fact_draft {
    unsigned word;      /* enum fact_word */
    const char *about;  /* name of a purpose or a category */
    int64_t from_s;     /* STORE_NEVER: now */
    int64_t until_s;    /* STORE_NEVER: without end; for a calamity: the default */
    const char *reason; /* 1..STORE_REASON_MAX_BYTES bytes of one line of UTF-8 */
};
/* *id: by which it is reviewed. */
int gate_fact_set(struct gate *gate, const struct gate_person *person, const char *code,
                  const struct gate_fact_draft *draft, uint32_t *id, struct report_why *why);
/* Ends now what holds, or is still to begin, of that word about that purpose or category; *ended: how many. -ENOENT: none. Who declared
 * a calamity may end it without a right, and ends only his own. */
int gate_fact_end(struct gate *gate, const struct gate_person *person, const char *code, unsigned word,
                  const char *about, unsigned *ended, struct report_why *why);
/* -EPERM: by who declared it himself; -EINVAL: no calamity; -EALREADY. */
int gate_fact_review(struct gate *gate, const struct gate_person *person, const char *code, uint32_t id,
                     struct report_why *why);

/* A fact with the name of what it is about; strings hold for the call. */
struct gate_fact {
    const char *code;
    const char *word, *about; /* "?" for what the policy does not know any more */
    const struct store_fact *fact;
    bool holds; /* now */
};
/* Answers 0 to go on, or a negative number to stop. */
typedef int gate_fact_each(void *context, const struct gate_fact *fact);
/* Those of one dossier, ended ones too; or, without a code (NULL), every calamity that waits for a review. */
int gate_fact_list(struct gate *gate, const struct gate_person *person, const char *code, gate_fact_each *each,
                   void *context, struct report_why *why);

#endif
