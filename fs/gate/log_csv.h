/* log_csv: an entry of the log, with all that it holds, as a line of CSV (RFC 4180): for the command, and for the files of the mount. */
#ifndef DOSSIERFS_GATE_LOG_CSV_H
#define DOSSIERFS_GATE_LOG_CSV_H

#include "fs/base/buffer.h"
#include "fs/log/log.h"

/* Appends the line that names the columns. */
void log_csv_head(struct buffer *out);
/* Appends a line. `code` is the dossier's, "" if there is none. 0 or -ENOMEM. */
int log_csv_line(struct buffer *out, const struct log_record *record, const char *code);

#endif
