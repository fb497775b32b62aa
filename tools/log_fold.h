/* log_fold: entries of the log that agree in what is asked for become one line: how often, from when to when, which fields, how many
 * dossiers. In memory there is a line a group, and a number an entry where dossiers are counted. */
#ifndef DOSSIERFS_TOOLS_LOG_FOLD_H
#define DOSSIERFS_TOOLS_LOG_FOLD_H

#include "fs/gate/answers.h"
#include "tools/commands.h"

struct log_fold;

enum { LOG_FOLD_KEYS_MAX = 5 };

/* `keys` are the names of the columns that make a group, NULL at the end; borrowed. */
int log_fold_new(const char *const *keys, bool counts_dossiers, struct log_fold **out);
void log_fold_free(struct log_fold *fold);
/* `values` has one for each key. -ENOMEM. */
int log_fold_add(struct log_fold *fold, const char *const *values, const struct log_entry *entry);
/* Entries so far. */
uint64_t log_fold_entries(const struct log_fold *fold);
/* The lines, those that began first in front: a table, or CSV or JSON lines where the command's --csv or --json say so. */
int log_fold_print(struct log_fold *fold, struct command_context *context);

#endif
