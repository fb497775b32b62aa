/* retention: the words of a category's term, `2y after end`, `earliest(1y after seen, 28d after capture)`. What the
 * words come to on the calendar is in terms.h. */
#ifndef DOSSIERFS_POLICY_RETENTION_H
#define DOSSIERFS_POLICY_RETENTION_H

#include "policy/model.h"

/* False, with a fault: no retention. Fields must be built. The text is cut up. */
bool retention_read(struct model *model, const struct draft_value *value, struct retention *out);

#endif
