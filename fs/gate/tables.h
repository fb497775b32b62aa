/* tables: what the store's summaries are under a policy: the table of all dossiers, and the store's numbers of the policy's
 * names. A policy that lacks a kind or field which dossiers have, or looks for one in another category, gets none. Not for other
 * rooms. */
#ifndef DOSSIERFS_GATE_TABLES_H
#define DOSSIERFS_GATE_TABLES_H

#include "fs/gate/dossiers.h"

struct tables {
    struct dossiers *dossiers;
    struct dossiers_numbers numbers;
};

/* Fills in the numbers that are 0: names that the store had not used before may have one now. */
void tables_find_numbers(struct store *store, const struct policy *policy, struct dossiers_numbers *numbers);
/* Reads every summary. `like` (NULL: none) is the table of now, which nobody changes meanwhile: its dossiers keep their numbers,
 * and what of it can't be read any more is there without content. -EINVAL: the policy does not fit, `why` names what it lacks.
 * -ENOMEM, -EIO. */
int tables_load(struct store *store, struct store_reader *reader, const struct policy *policy, struct dossiers *like,
                struct tables *out, struct report_why *why);

#endif
