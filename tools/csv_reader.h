/* csv_reader: rows of a CSV file from outside, one at a time, in constant memory. libcsv reads the grammar (RFC 4180,
 * strictly); this file sees to lines, lengths, encoding, NUL, and that every fault has its line.
 *
 * After a fault reading goes on with the next line, so that one run tells all faults. */
#ifndef DOSSIERFS_TOOLS_CSV_READER_H
#define DOSSIERFS_TOOLS_CSV_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "fs/base/report.h"

enum { CSV_READER_ROW_MAX_BYTES = 1 << 20, CSV_READER_MAX_COLUMNS = 4096 };

enum csv_reader_encoding { CSV_READER_UTF8, CSV_READER_WINDOWS_1252 };

struct csv_reader;

/* Values are UTF-8, without the blanks around an unquoted one, and valid until the next call. */
struct csv_row {
    unsigned long line; /* in which the row begins, 1.. */
    size_t count;
    const struct csv_value {
        const char *text; /* not NUL-terminated; holds no NUL */
        size_t length_bytes;
    } * values;
    const char *raw;  /* the row as it stands in the file, in the file's encoding, without its line end */
    size_t raw_bytes; /* 0 for a row that was too long */
};

enum csv_reader_result {
    CSV_READER_ROW,
    CSV_READER_FAULT, /* row->line, row->raw and `why` tell which; count is 0 */
    CSV_READER_END,
    CSV_READER_BROKEN, /* the stream failed, or there is no memory; `why` tells; nothing can follow */
};

/* `in` stays the caller's. -ENOTSUP: the system can't decode this; -ENOMEM. */
int csv_reader_new(FILE *in, char delimiter, enum csv_reader_encoding encoding, struct csv_reader **out);
void csv_reader_free(struct csv_reader *reader);
/* `why` never holds a value. Blank lines are skipped. */
enum csv_reader_result csv_reader_next(struct csv_reader *reader, struct csv_row *row, struct report_why *why);

#endif
