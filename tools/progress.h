/* progress: one line on a terminal for what takes long, written over itself at most five times a second and erased at the
 * end. Where the error stream is no terminal it does nothing. */
#ifndef DOSSIERFS_TOOLS_PROGRESS_H
#define DOSSIERFS_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *stream; /* NULL: not a terminal */
    int64_t started_ms, shown_ms;
    bool visible;
};

void progress_init(struct progress *progress, FILE *stream, bool is_terminal);
/* Is it time to show something? The first time after a second, so that what is quick shows nothing. */
bool progress_due(struct progress *progress);
/* What to show, at most 70 characters. */
void progress_show(struct progress *progress, const char *text);
int64_t progress_elapsed_ms(const struct progress *progress);
void progress_erase(struct progress *progress);

#endif
