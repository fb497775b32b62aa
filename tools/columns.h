/* columns: what the columns of an import file are: the dossier's code, a field of the policy, or left out. */
#ifndef DOSSIERFS_TOOLS_COLUMNS_H
#define DOSSIERFS_TOOLS_COLUMNS_H

#include "policy/policy.h"
#include "tools/csv_reader.h"
#include "tools/map_reader.h"

enum { COLUMNS_LEFT_OUT = -1, COLUMNS_NAME_MAX_BYTES = 64 };

struct columns {
    size_t count;
    size_t code; /* the column that holds the code; it may be a field too */
    struct column {
        int field;                             /* index in the policy, or COLUMNS_LEFT_OUT */
        char name[COLUMNS_NAME_MAX_BYTES + 4]; /* for messages; cut if it was longer */
    } * columns;
};

/* Called with each fault; `column` is the name or number of the column, "" if it is about the row. */
typedef void columns_fault(void *context, const char *column, const char *text);

/* From the first row of a file. `code` is the column of the code as the person said, or NULL: then it is the one named
 * `code`, like the kind, or `contractnummer`. `map` may be NULL. Names
 * are compared exactly first, then without regard to capitals. A column that has neither a field's name nor a line in
 * the map is a fault. 0; -EINVAL after at least one fault; -ENOMEM. */
int columns_resolve(const struct csv_row *header, const struct policy *policy, const char *kind, const char *code,
                    const struct map *map, columns_fault *fault, void *context, struct columns *columns);
void columns_clear(struct columns *columns);

#endif
