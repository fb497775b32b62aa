/* numbers: the store's numbers of what the policy names. A thing that was renamed (`was`) keeps the number that the store gave
 * its old name, so that its data is found under the new one; the store is not changed by that, and the old policy still fits. */
#ifndef DOSSIERFS_GATE_NUMBERS_H
#define DOSSIERFS_GATE_NUMBERS_H

#include "fs/store/store.h"

/* `was` is the old name, or "". -ENOENT: the store knows neither name. Any thread. */
int numbers_find(struct store *store, enum store_names names, const char *name, const char *was, uint32_t *number);
/* The same, and gives `name` the next free number if the store knows neither. As store_number_assign(). */
int numbers_assign(struct store *store, enum store_names names, const char *name, const char *was, uint32_t *number);

#endif
