/* table: columns for people (libsmartcols), whatever the locale of the process is. Cells are made safe for terminals. */
#ifndef DOSSIERFS_TOOLS_TABLE_H
#define DOSSIERFS_TOOLS_TABLE_H

#include <stdbool.h>
#include <stdio.h>

struct table;

enum {
    TABLE_LEFT = 0,
    TABLE_RIGHT = 1,
    TABLE_SHRINKS = 2 /* is cut, with a mark, where the terminal is too narrow */
};
struct table_column {
    const char *name; /* NULL ends the list */
    int flags;
};

/* `width` is the terminal's; 0: as wide as it takes. -ENOMEM. */
int table_new(FILE *out, const struct table_column *columns, bool headings, unsigned width, struct table **out_table);
void table_free(struct table *table);
/* One line; a NULL cell is empty. `cells` has as many as there are columns. -ENOMEM. */
int table_add(struct table *table, const char *const *cells);
/* Prints what was added, without blanks at the ends of lines. 0 or negative. */
int table_print(struct table *table);

#endif
