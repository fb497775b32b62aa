/* kinds: what a dossier of each kind of examples/woningcorporatie.ini has, column by column, in the order of its fields. */
#ifndef DOSSIERFS_EXAMPLES_SAMPLE_KINDS_H
#define DOSSIERFS_EXAMPLES_SAMPLE_KINDS_H

#include <stdint.h>
#include <stdio.h>

struct sample_kind;

enum { KINDS_CODE_YEARS = 9999, KINDS_CODES_A_YEAR = 100000 };

/* NULL: there is no such kind. */
const struct sample_kind *kinds_find(const char *name);
/* Their names with commas between, `line_break` behind every sixth. */
void kinds_list(FILE *out, const char *line_break);
void kinds_write_header(const struct sample_kind *kind);
/* Row `number`, from 1. At most KINDS_CODE_YEARS times KINDS_CODES_A_YEAR rows have codes. */
void kinds_write_row(const struct sample_kind *kind, uint64_t number, uint64_t seed, int32_t today);

#endif
