#include "policy/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int names_init(struct names *names, struct arena *arena, unsigned count)
{
    struct names_entry *entries = arena_take_many(arena, count, sizeof *entries);

    if (!entries)
        return -ENOMEM;
    *names = (struct names){.entries = entries, .count = count};
    return 0;
}

void names_set(struct names *names, unsigned index, const char *name)
{
    names->entries[index] = (struct names_entry){.name = name, .index = index};
}

static int compare(const void *a, const void *b)
{
    const struct names_entry *left = a, *right = b;

    return strcmp(left->name, right->name);
}

void names_sort(struct names *names)
{
    if (names->count > 1)
        qsort(names->entries, names->count, sizeof *names->entries, compare);
}

int names_find(const struct names *names, const char *name)
{
    const struct names_entry wanted = {.name = name};
    const struct names_entry *found =
        names->count ? bsearch(&wanted, names->entries, names->count, sizeof wanted, compare) : NULL;

    return found ? (int)found->index : -1;
}
