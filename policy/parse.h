/* parse: the text of a policy into a draft. The only file that knows inih: line.h guards what goes into it. */
#ifndef DOSSIERFS_POLICY_PARSE_H
#define DOSSIERFS_POLICY_PARSE_H

#include "policy/draft.h"

/* Any bytes. Faults go to the draft. 0 or -ENOMEM. */
int parse(const char *text, size_t length_bytes, struct draft *draft);

#endif
