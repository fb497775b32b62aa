/* slots: numbers of purposes and fields that outlive a policy. The kernel keeps nodes while another policy comes in force, in which
 * an index may mean something else; a slot means one name for as long as the mount lasts.
 *
 * Belongs to the dispatcher. */
#ifndef DOSSIERFS_MOUNT_SLOTS_H
#define DOSSIERFS_MOUNT_SLOTS_H

#include <stdint.h>

#include "policy/policy.h"

struct slots;

int slots_new(struct slots **out);
void slots_free(struct slots *slots); /* NULL is allowed */
/* Takes in the names of a policy that came in force; new ones get slots. -ENOMEM: some found no room, and are SLOTS_GONE. */
int slots_take(struct slots *slots, const struct policy *policy);
/* From the policy's index to the slot and back. SLOTS_GONE: the policy has no such name any more. Other negative numbers, which
 * stand for other things than names, come back as they are. */
enum { SLOTS_GONE = INT32_MIN };
int slots_of_purpose(const struct slots *slots, int index);
int slots_purpose(const struct slots *slots, int slot);
int slots_of_field(const struct slots *slots, int index);
int slots_field(const struct slots *slots, int slot);

#endif
