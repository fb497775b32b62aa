/* notary: a thread that signs what is acknowledged, so that nobody who waits for an entry waits for a signature: a checkpoint
 * a second while there are entries, and a hand-over of the key at its start, at its stop and each hour.
 * Its start is the first entry: a log that is opened and closed without one stays as it was. */
#ifndef DOSSIERFS_LOG_NOTARY_H
#define DOSSIERFS_LOG_NOTARY_H

#include "fs/log/signer.h"

struct notary;

/* `directory_fd` stays open until notary_stop(). `hour_ms`: between two hand-overs; 0: an hour. */
int notary_start(int directory_fd, const uint8_t store_id[static LOG_STORE_ID_BYTES], const struct signer_head *head,
                 uint32_t hour_ms, struct notary **out);
/* The log has grown. From any thread; some ten nanoseconds. */
void notary_tell(struct notary *notary, const struct signer_head *head);
/* Hands over with a record that the month's bodies are destroyed, and waits for it; not while notary_stop() runs. 0: it is
 * durable. */
int notary_erase(struct notary *notary, const struct log_erasure *erased);
/* Signs the last head, hands over, ends. NULL is allowed. */
void notary_stop(struct notary *notary);

#endif
