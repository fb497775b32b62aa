/* names: from a name to its index, by binary search: lists of a hostile policy and look-ups of a busy mount both ask it
 * often. */
#ifndef DOSSIERFS_POLICY_NAMES_H
#define DOSSIERFS_POLICY_NAMES_H

#include "policy/arena.h"

struct names_entry {
    const char *name;
    unsigned index;
};
struct names {
    struct names_entry *entries; /* sorted by name */
    unsigned count;
};

/* Room for `count` names; -ENOMEM. */
int names_init(struct names *names, struct arena *arena, unsigned count);
/* Fills one place, by index; `name` is borrowed. */
void names_set(struct names *names, unsigned index, const char *name);
/* To be called once, when all are filled. */
void names_sort(struct names *names);
/* The index, or -1. */
int names_find(const struct names *names, const char *name);

#endif
