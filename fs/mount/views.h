/* views: names of files, and what stands in them. */
#ifndef DOSSIERFS_MOUNT_VIEWS_H
#define DOSSIERFS_MOUNT_VIEWS_H

#include "fs/base/buffer.h"
#include "fs/gate/door.h"
#include "fs/gate/logbook.h"

enum { VIEWS_UNKNOWN = -100, VIEWS_CATEGORY = -101, VIEWS_NAME_MAX_BYTES = 128 };

/* The leaf that a name in a dossier's directory means: a field's index, DOOR_WHOLE, VIEWS_CATEGORY (a name that the policy
 * knows, but no leaf) or VIEWS_UNKNOWN. */
int views_leaf(const struct policy *policy, const char *name);
/* The name of a leaf in a dossier's directory. */
void views_leaf_name(const struct policy *policy, int leaf, char name[VIEWS_NAME_MAX_BYTES]);

/* Appends the content of a leaf's file: a field's value and a line end (several values: one a line), or, for DOOR_WHOLE, all
 * values with their labels for a person. 0 or -ENOMEM. */
int views_render(const struct policy *policy, int leaf, const char *code, const struct door_shown *shown,
                 struct buffer *out);

/* Appends the caller's own page: who the caller is to the policy, what each purpose shows, the last refusals and why, and the
 * caller's last entries in the log. `own` NULL: they are not known yet. The page is in the policy's language, but for the
 * reasons of refusals and the words for masks. */
int views_render_own(struct gate *gate, const struct door_caller *caller, const struct logbook_own *own,
                     struct buffer *out);

#endif
