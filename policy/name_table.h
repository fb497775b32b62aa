/* name_table: from a name to its index, by binary search: lists of a hostile policy and look-ups of a busy mount both ask it
 * often. */
#ifndef DOSSIERFS_POLICY_NAME_TABLE_H
#define DOSSIERFS_POLICY_NAME_TABLE_H

#include "policy/arena.h"

struct name_table_entry {
    const char *name;
    unsigned index;
};
struct name_table {
    struct name_table_entry *entries; /* sorted by name */
    unsigned count;
};

/* Room for `count` names; -ENOMEM. */
int name_table_init(struct name_table *names, struct arena *arena, unsigned count);
/* Fills one place, by index; `name` is borrowed. */
void name_table_set(struct name_table *names, unsigned index, const char *name);
/* To be called once, when all are filled. */
void name_table_sort(struct name_table *names);
/* The index, or -1. */
int name_table_find(const struct name_table *names, const char *name);

#endif
