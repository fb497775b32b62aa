/* log_lines: an entry of the log, with all that it holds, as a line for programs. */
#ifndef DOSSIERFS_TOOLS_LOG_LINES_H
#define DOSSIERFS_TOOLS_LOG_LINES_H

#include <stdio.h>

#include "fs/gate/answers.h"

/* `code` is the dossier's, "" if there is none. 0, -ENOMEM, -EIO. */
int log_lines_csv_head(FILE *out);
int log_lines_csv(FILE *out, const struct log_record *record, const char *code);
int log_lines_json(FILE *out, const struct log_record *record, const char *code);

#endif
