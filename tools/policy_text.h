/* policy_text: the text of a policy, checked as the daemon does when it starts: the language, and that the system knows its
 * time zone. */
#ifndef DOSSIERFS_TOOLS_POLICY_TEXT_H
#define DOSSIERFS_TOOLS_POLICY_TEXT_H

#include <stdio.h>

#include "fs/base/buffer.h"
#include "policy/policy.h"

/* As policy_load(): 0 with *out, -EINVAL with `faults`, -ENOMEM. */
int policy_text_check(const char *file, struct buffer *text, struct policy **out, struct policy_faults *faults);
/* `path:line: text` a fault, at most so many, and how many there are. */
void policy_text_print_faults(FILE *out, const char *path, const struct policy_faults *faults, size_t most);

#endif
