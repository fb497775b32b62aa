/* facts: what is so for a dossier and a decision depends on, as the register in the store says it: which words there are, and what
 * they come to at a moment. Not for other rooms.
 *
 * consent and opt-out, objection and calamity are about a purpose; restriction, incident and hold about a category. A fact holds from
 * its first second until the second it ends at, by its own term or because it was ended.
 *
 * An incident has a period that it is about, and is open from when it was set until it is ended: while it is open it covers what was
 * recorded in its period (B6). When something was recorded is the day of the first date that its category has a value for, or else the
 * time of capture. A hold, and an incident that covers, keep what they are about past its term, if they began before that (B8). */
#ifndef DOSSIERFS_GATE_FACTS_H
#define DOSSIERFS_GATE_FACTS_H

#include "fs/store/store.h"
#include "policy/decide.h"

/* Kept in the store: numbers stay. */
enum fact_word {
    FACT_CONSENT = 1,
    FACT_OPT_OUT = 2,
    FACT_OBJECTION = 3,
    FACT_RESTRICTION = 4,
    FACT_INCIDENT = 5,
    FACT_HOLD = 6,
    FACT_CALAMITY = 7,
};
/* "consent"; NULL for another number. */
const char *facts_name(unsigned word);
/* 0 if there is no such word. */
unsigned facts_find(const char *name);
bool facts_is_about_purpose(unsigned word);

/* The store's numbers of what facts are about; 0: it has none. */
struct facts_numbers {
    const uint32_t *purposes, *categories, *fields; /* by the policy's index */
};

/* The facts of one dossier in the policy's terms. */
struct facts;

/* *out becomes NULL for a dossier of which nothing is registered that the policy knows. 0 or -ENOMEM. */
int facts_new(const struct policy *policy, const struct facts_numbers *numbers, const struct store_subject *subject,
              struct facts **out);
void facts_free(struct facts *facts); /* NULL is allowed */

/* When an item of the category ends that would end at `ends_s` (TERMS_NEVER: not). NULL is allowed: nothing keeps it. */
int64_t facts_ends_s(const struct facts *facts, unsigned category, int64_t ends_s);
/* What holds at `now_s` for a caller, but for `inside`, which is no fact of the register and stays as it is. *until_s becomes the
 * first second after it at which a fact changes so that less may show for the purpose; TERMS_NEVER: none. NULL is allowed. */
void facts_at(const struct facts *facts, uint32_t uid, int purpose, int64_t now_s, struct decide_dossier *out,
              int64_t *until_s);

#endif
