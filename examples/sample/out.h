/* out: rows of CSV on standard output (RFC 4180). */
#ifndef DOSSIERFS_EXAMPLES_SAMPLE_OUT_H
#define DOSSIERFS_EXAMPLES_SAMPLE_OUT_H

#include <stdbool.h>
#include <stdint.h>

/* Between the values; ',' unless said. Before the first value. */
void out_delimiter(char delimiter);
/* The next value of the row, quoted where it has to be. A row is at most 4096 bytes. */
void out_value(const char *value);
void out_number(int number, int digits);
void out_day(int32_t day); /* as in policy/terms.h */
/* With the decimal comma that goes with a semicolon between the values. */
void out_amount(int cents);
void out_end_row(void);
/* Whether writing failed so far: errno says why. */
bool out_failed(void);
/* Writes what is left; false: it failed, now or before. */
bool out_close(void);

#endif
