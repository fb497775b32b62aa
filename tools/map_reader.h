/* map_reader: the file that says which column is which field: lines `column = field`; a field `-` leaves the column out;
 * lines that begin with # or ; and blank ones say nothing. The last `=` of a line divides it, since a column's name may
 * hold one and a field's name can't. */
#ifndef DOSSIERFS_TOOLS_MAP_READER_H
#define DOSSIERFS_TOOLS_MAP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "policy/policy.h"

enum { MAP_READER_LINE_MAX_BYTES = 1024, MAP_READER_MAX_ENTRIES = 4096 };

struct map {
    size_t count;
    struct map_entry {
        char *column;
        int field; /* index in the policy; -1: left out */
        unsigned line;
        bool used; /* set by who finds the column */
    } * entries;
};

/* Called with each fault. */
typedef void map_reader_fault(void *context, unsigned line, const char *text);
/* 0; -EINVAL after at least one fault; -EIO: the stream failed; -ENOMEM. */
int map_reader_read(FILE *in, const struct policy *policy, map_reader_fault *fault, void *context, struct map *map);
void map_reader_clear(struct map *map);

#endif
