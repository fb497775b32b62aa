/* entries: what the dispatcher writes into the log: openings and listings, looks and refusals, and what was counted instead of
 * written again. Not for other rooms. */
#ifndef DOSSIERFS_GATE_ENTRIES_H
#define DOSSIERFS_GATE_ENTRIES_H

#include "fs/gate/inside.h"

/* What was looked at or refused, in keys of noise, beside fields' indexes. */
enum {
    ENTRIES_LOOK = -2,
    ENTRIES_DOSSIER = -3,
    ENTRIES_LISTING = -4,
    ENTRIES_CATEGORY = -5,
    ENTRIES_LOG = -6, /* the log as files */
    ENTRIES_COMMAND = -20,
};
enum { ENTRIES_ROLES_BYTES = 512 };

/* The roles of the caller that have the purpose: what made him come this way. */
uint64_t entries_roles(const struct gate *gate, const struct door_ask *ask);
/* Fills in who, when, for what; `roles` is the caller's room for names, which the entry borrows. */
void entries_start(struct gate *gate, const struct door_ask *ask, enum log_what what, enum log_outcome outcome,
                   char roles[static ENTRIES_ROLES_BYTES], struct log_entry *entry);
/* 0, or -EIO: it can't be logged, so it must not be shown. */
int entries_queue(struct gate *gate, const struct log_entry *entry, door_done *done, void *context);
/* Once a minute for the same caller, purpose and dossier. 0 or -EIO. */
int entries_look(struct gate *gate, const struct door_ask *ask, uint32_t dossier, const char *name);
/* One refusal: into the log (counted if repeated) and onto the caller's own page. `code` is the dossier that was asked for. */
void entries_refuse(struct gate *gate, const struct door_ask *ask, const char *code, size_t code_bytes, int leaf,
                    const char *name, const struct decision *decision);
/* The same for what is refused by no decision about a field: the rule for the log, the reason for the caller. */
void entries_refuse_because(struct gate *gate, const struct door_ask *ask, const char *code, size_t code_bytes,
                            int leaf, const char *name, const char *rule, const char *reason);
/* Writes what was counted in minutes that are over; all of it, if `all`. */
void entries_write_counted(struct gate *gate, bool all);

#endif
