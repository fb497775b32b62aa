/* identity: who the uids are, asked from NSS by a thread of its own, since a directory server may take its time. Answers are
 * kept for DOOR_IDENTITY_S seconds. A failing NSS, or none within DOOR_IDENTITY_WAIT_MS, is a gap, kept for a second. */
#ifndef DOSSIERFS_GATE_IDENTITY_H
#define DOSSIERFS_GATE_IDENTITY_H

#include "fs/gate/gate.h"

struct identity;

/* `wake_fd` is an eventfd that is raised when an answer came in. */
int identity_new(int wake_fd, struct identity **out);
/* Waits for the thread; a question that hangs in NSS is left behind with its thread. */
void identity_free(struct identity *identity);

enum identity_state { IDENTITY_ASKING, IDENTITY_KNOWN, IDENTITY_GAP };
/* For the dispatcher. IDENTITY_KNOWN: *person is valid until the next call of identity_get() for the same uid, and
 * `*generation` tells one answer from the next. */
enum identity_state identity_get(struct identity *identity, uint32_t uid, int64_t now_tick_ms,
                                 const struct gate_person **person, uint64_t *generation);
/* Forgets all answers; questions that are out are asked again by whoever needs them. */
void identity_forget(struct identity *identity);

#endif
