/* destroy: taking back what was never published, and what was replaced: keys first, then rows.
 *
 * All take the writer's lock as held and no transaction as open. They work in short commits and may be cut off anywhere:
 * the rows `batch` and `intent` are the durable record of what is still to be done, and go last. */
#ifndef DOSSIERFS_STORE_DESTROY_H
#define DOSSIERFS_STORE_DESTROY_H

#include <stdint.h>

#include "fs/store/inside.h"

/* Takes back every unpublished batch; *batches is how many there were. */
int destroy_unpublished(struct store *store, uint64_t *batches);
/* Destroys the summaries that published ones replaced; *keys is counted up. */
int destroy_replaced(struct store *store, uint64_t *keys);
/* Destroys what a crash left in slots that no commit counts; *keys is counted up. */
int destroy_uncommitted_slots(struct store *store, uint64_t *keys);

#endif
