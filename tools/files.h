/* files: the frontend opens what a command line names, so that commands need no paths. */
#ifndef DOSSIERFS_TOOLS_FILES_H
#define DOSSIERFS_TOOLS_FILES_H

#include "tools/command_line.h"

struct files {
    unsigned count;
    struct command_line_file named[COMMAND_MAX_FILES];
    FILE *streams[COMMAND_MAX_FILES];
    char *rooms[COMMAND_MAX_FILES]; /* their buffers, which hold personal data and are wiped */
};

/* COMMAND_DONE, or COMMAND_CANNOT after a line on `error`, with nothing left open or made. */
int files_open(const struct command_line *line, struct files *files, FILE *error);
/* Puts the streams where the command looks for them. */
void files_hand_over(const struct files *files, struct command_context *context);
/* Closes all; a file that was to be written is removed if it is empty. Answers `code`, or COMMAND_CANNOT if a written file
 * could not be completed. */
int files_close(struct files *files, int code, FILE *error);

#endif
