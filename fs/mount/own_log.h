/* own_log: what each person did last, for his own page, as the worker found it in the log. What was found is kept, so that the next
 * time only what came since is looked through.
 *
 * Belongs to the dispatcher. */
#ifndef DOSSIERFS_MOUNT_OWN_LOG_H
#define DOSSIERFS_MOUNT_OWN_LOG_H

#include "fs/gate/logbook.h"
#include "fs/mount/inside.h"

struct own_log;

int own_log_new(struct session *session, struct own_log **out);
void own_log_free(struct own_log *own_log); /* after worker_stop(); NULL is allowed */
/* Has a request of the uid, that came when session->turns was `turn`, to wait for the worker, which is given what it takes? Not for longer than a
 * fifth of a second, even if the worker has something long to do. */
bool own_log_waits(struct own_log *own_log, uint32_t uid, uint64_t turn);
/* What was found last, until the next own_log_waits(); NULL: nothing yet. */
const struct logbook_own *own_log_get(const struct own_log *own_log, uint32_t uid);

#endif
