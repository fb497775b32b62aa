#include "policy/name_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int name_table_init(struct name_table *names, struct arena *arena, unsigned count)
{
    struct name_table_entry *entries = arena_take_many(arena, count, sizeof *entries);

    if (!entries)
        return -ENOMEM;
    *names = (struct name_table){.entries = entries, .count = count};
    return 0;
}

void name_table_set(struct name_table *names, unsigned index, const char *name)
{
    names->entries[index] = (struct name_table_entry){.name = name, .index = index};
}

static int compare(const void *a, const void *b)
{
    const struct name_table_entry *left = a, *right = b;

    return strcmp(left->name, right->name);
}

void name_table_sort(struct name_table *names)
{
    if (names->count > 1)
        qsort(names->entries, names->count, sizeof *names->entries, compare);
}

int name_table_find(const struct name_table *names, const char *name)
{
    const struct name_table_entry wanted = {.name = name};
    const struct name_table_entry *found =
        names->count ? bsearch(&wanted, names->entries, names->count, sizeof wanted, compare) : NULL;

    return found ? (int)found->index : -1;
}
