/* difference_lines: what is otherwise under another policy, for people, a sentence a line. */
#ifndef DOSSIERFS_TOOLS_DIFFERENCE_LINES_H
#define DOSSIERFS_TOOLS_DIFFERENCE_LINES_H

#include <stdio.h>

#include "policy/compare.h"

/* 0 or -ENOMEM. */
int difference_lines_print(FILE *out, const struct differences *list);

#endif
