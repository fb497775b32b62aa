/* number: the one place where text becomes a number. The whole text must be the number: no blanks, no sign unless said,
 * no rest. Decimal. 0, or -EINVAL (not a number) or -ERANGE (outside min..max); the output is untouched on failure. */
#ifndef DOSSIERFS_BASE_NUMBER_H
#define DOSSIERFS_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

int number_parse_u64(const char *text, size_t length_bytes, uint64_t min, uint64_t max, uint64_t *out);
int number_parse_u32(const char *text, size_t length_bytes, uint32_t min, uint32_t max, uint32_t *out);

#endif
