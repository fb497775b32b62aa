/* reloader: a thread that takes the policies which the keeper sends and has the gate put them in force. */
#ifndef DOSSIERFS_MOUNT_RELOADER_H
#define DOSSIERFS_MOUNT_RELOADER_H

#include "fs/gate/gate.h"
#include "fs/mount/keeper.h"

struct reloader;

int reloader_start(struct gate *gate, struct keeper_talk *talk, struct reloader **out);
/* The dispatcher serves no more: joins the thread and frees. NULL is allowed. */
void reloader_stop(struct reloader *reloader);

#endif
