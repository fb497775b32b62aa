/* suggest: "did you mean": the known word that is nearest to one that isn't known. */
#ifndef DOSSIERFS_POLICY_SUGGEST_H
#define DOSSIERFS_POLICY_SUGGEST_H

#include <stddef.h>

struct suggest {
    const char *word;    /* borrowed: what was written */
    const char *nearest; /* NULL: nothing is near; borrowed from the candidates */
    unsigned distance;
};

/* Capitals count as small letters; two letters changed, left out, put in or swapped are near, in a short word one. */
void suggest_init(struct suggest *suggest, const char *word);
void suggest_consider(struct suggest *suggest, const char *candidate);

#endif
