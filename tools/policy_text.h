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
/* What it says in vain (policy/warn.h), as of today in its own time zone, which the system knows: the process's from now on. For
 * policy_faults_clear(). 0 or a negative errno. */
int policy_text_warnings(const struct policy *policy, struct policy_faults *warnings);
/* `path:line: warning: text` each, at most so many, and how many more there are. */
void policy_text_print_warnings(FILE *out, const char *path, const struct policy_faults *warnings, size_t most);

#endif
