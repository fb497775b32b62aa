/* editor: lets a person edit a file with the editor of his choice. */
#ifndef DOSSIERFS_TOOLS_EDITOR_H
#define DOSSIERFS_TOOLS_EDITOR_H

#include <stdbool.h>

#include "fs/base/report.h"

enum { EDITOR_MAX_WORDS = 16 };

/* Runs $VISUAL, else $EDITOR, else sensible-editor (which asks select-editor and then nano and vi), with `path` behind it, and
 * waits until it ends. The variable is no shell command: it is split at blanks, and '...' or "..." holds a word together;
 * nothing else in it means anything. The editor has this process's terminal; Ctrl-C there is the editor's. `stopped` true, asked
 * when a signal arrives: the editor is told to end.
 * 0: it ended with 0. -ECANCELED: it did not; -ENOENT: there is no such program; -EINVAL: the variable can't be split. */
int editor_run(const char *path, bool (*stopped)(const void *context), const void *context, struct report_why *why);

/* Splits in place. How many words; -EINVAL: none, more than EDITOR_MAX_WORDS, or a quote that does not end. */
int editor_split(char *text, char *words[EDITOR_MAX_WORDS]);

#endif
