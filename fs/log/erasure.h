/* erasure: the destruction of a month's bodies under the log's own term, as it is written down: in the record of keys, for all to
 * read, and in the slot of the key that was destroyed. Pure: no files, no clock. What is read is taken for hostile. */
#ifndef DOSSIERFS_LOG_ERASURE_H
#define DOSSIERFS_LOG_ERASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/log/log.h"

enum {
    ERASURE_SLOT_BYTES = 128,    /* a slot of the months' keys */
    ERASURE_STATE = 2,           /* its first byte: destroyed */
    ERASURE_TEXT_BYTES = 160,    /* with the NUL */
    ERASURE_TERM_MAX = 100 * 12, /* months */
};

/* Is the month past a term of so many months (0: none, never) at this time? The term runs from the month's end, UTC. */
bool erasure_is_due(uint16_t month, uint32_t term_months, int64_t time_ms);

/* The slot of a key that was destroyed: nothing of the key, and all of the erasure. */
void erasure_to_slot(const struct log_erasure *erasure, uint8_t slot[static ERASURE_SLOT_BYTES]);
/* False: the slot was destroyed otherwise, or not at all. */
bool erasure_from_slot(const uint8_t slot[static ERASURE_SLOT_BYTES], struct log_erasure *out);

/* The line of a record, without its end: "erased 2021-03 1 120 118 1774000000 60 12 0011223344556677". */
void erasure_print(const struct log_erasure *erasure, char text[static ERASURE_TEXT_BYTES]);
/* -EINVAL: it is no such line, or one that no program would write. */
int erasure_parse(const char *text, size_t length_bytes, struct log_erasure *out);

bool erasure_same(const struct log_erasure *one, const struct log_erasure *other);

#endif
