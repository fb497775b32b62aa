/* codes: from the number under which the log knows a subject to the dossier and its code, for threads that may wait. Not for other
 * rooms. */
#ifndef DOSSIERFS_GATE_CODES_H
#define DOSSIERFS_GATE_CODES_H

#include "fs/gate/inside.h"

struct codes;
enum { CODES_BYTES = STORE_CODE_MAX_BYTES + 1 };

/* With all dossiers that there are now: sorts them, which takes a second for some millions. */
int codes_new(struct gate *gate, struct codes **out);
void codes_free(struct codes *codes); /* NULL is allowed */
/* Takes in dossiers that came since. 0 or -ENOMEM. */
int codes_refresh(struct codes *codes);
/* How many dossiers were taken in: those with a number below that. */
uint32_t codes_count(const struct codes *codes);
/* The number of the dossier, DOSSIERS_NONE if there is none. */
uint32_t codes_find(const struct codes *codes, uint64_t pseudonym);
/* Its code, "" if there is none among the first `known` dossiers: personal, so the caller wipes it. */
void codes_text(const struct codes *codes, uint64_t pseudonym, uint32_t known, char code[static CODES_BYTES]);

#endif
