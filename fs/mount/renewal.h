/* renewal: what the kernel holds, and what is open, when another policy comes in force.
 *
 * From that moment every look-up and every opening is decided under the new policy, since a node that was made under another one is
 * not found any more and does not open. What is open is decided about once more for its opener, when it is next read or asked for
 * its attributes: what still shows, masked no more than it was, goes on; the rest answers ESTALE. Meanwhile, in slices, the old nodes
 * are retired and the kernel drops their pages, so that mappings ask again. */
#ifndef DOSSIERFS_MOUNT_RENEWAL_H
#define DOSSIERFS_MOUNT_RENEWAL_H

#include "fs/gate/door.h"
#include "fs/mount/inside.h"

/* Another policy came in force, if one did. */
void renewal_begin(struct session *session);
/* Does a slice. */
void renewal_go_on(struct session *session);
/* Is what is open of the node to be decided about again, while its opener isn't known just now? Then the request has to wait. */
bool renewal_waits(const struct session *session, const struct node *node);
/* 0; -ESTALE: not any more; -EIO: NSS can't tell who opened it. */
int renewal_decide(struct session *session, struct node *node);
/* Keeps what an opening showed. 0 or -ENOMEM. */
int renewal_note(struct session *session, struct node *node, const struct door_shown *shown);

#endif
