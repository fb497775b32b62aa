/* import: putting dossiers into the store, a batch that is published whole or not at all. Every value is checked here by its
 * field's type, whoever calls. One log entry per changed dossier is durable before the batch is published.
 *
 * For one thread, which may wait. */
#ifndef DOSSIERFS_GATE_IMPORT_H
#define DOSSIERFS_GATE_IMPORT_H

#include "fs/gate/gate.h"

struct gate_import;

struct gate_import_options {
    unsigned kind;      /* index in the policy */
    const char *source; /* where the values come from (B2): 1..STORE_SOURCE_MAX_BYTES bytes of UTF-8 */
    bool update;        /* different values of a known dossier make a new version instead of a reject */
};

/* Checks that the person may import (command "import"), logs it and begins. -EACCES, -EBUSY (another import is running),
 * -EIO. */
int gate_import_begin(struct gate *gate, const struct gate_person *person, const struct gate_import_options *options,
                      struct gate_import **out, struct report_why *why);

enum gate_import_outcome {
    GATE_IMPORT_ADDED,
    GATE_IMPORT_CHANGED,   /* `update`: a new version */
    GATE_IMPORT_UNCHANGED, /* known, with equal values for every given field; nothing was written */
    GATE_IMPORT_REJECTED,  /* see the reject; nothing was written for this row */
};
struct gate_import_value {
    unsigned field;    /* index in the policy */
    const char *value; /* any bytes; an empty value: the row says nothing about the field */
    size_t value_bytes;
};
struct gate_import_reject {
    int column;       /* index into `values`; -1: the code; -2: the row as a whole */
    char reason[200]; /* for a person, never the value */
};
/* One row. 0: *outcome says what became of it (and *reject why). Otherwise the import can't go on (-ENOSPC, -EIO, -ENOMEM):
 * abandon it. A code that came before in this import is a reject ("twice in one file"), as is one of another kind. */
int gate_import_row(struct gate_import *import, const char *code, size_t code_bytes,
                    const struct gate_import_value *values, size_t value_count, enum gate_import_outcome *outcome,
                    struct gate_import_reject *reject);

/* Publishes: the entries durable in the log first, then one commit. 0 and freed; on failure nothing became visible and it
 * must be abandoned. */
int gate_import_publish(struct gate_import *import, struct report_why *why);
/* Takes everything back (logged) and frees. NULL is allowed. */
void gate_import_abandon(struct gate_import *import);

#endif
