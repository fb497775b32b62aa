/* dossier_state: what is so for a dossier, as `policy explain` tells it before the decision. */
#ifndef DOSSIERFS_TOOLS_DOSSIER_STATE_H
#define DOSSIERFS_TOOLS_DOSSIER_STATE_H

#include <stdio.h>

#include "fs/gate/reasons.h"

/* A table of what decides for the purpose that was asked about: terms, restrictions and incidents of its categories (of the field's, if
 * one was asked about), consent, objection and calamity, and what the person's roles need. `width` is the terminal's; 0: none.
 * 0 or -ENOMEM. */
int dossier_state_print(FILE *out, unsigned width, const struct policy *policy, const struct gate_reasons *reasons);

#endif
