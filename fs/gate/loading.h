/* loading: reads all summaries with two threads: one opens them, the other does with them what must be done in one. Mounting a
 * large store takes nearly half of the time so. Not for other rooms. */
#ifndef DOSSIERFS_GATE_LOADING_H
#define DOSSIERFS_GATE_LOADING_H

#include "fs/store/store.h"

/* As store_each_subject() from the first subject on; `each` is called in the calling thread. The reader belongs to this call until
 * it returns. Without a second thread it does all in one. */
int loading_each(struct store_reader *reader, int (*each)(void *context, const struct store_subject *subject),
                 void *context, uint64_t *damaged);

#endif
