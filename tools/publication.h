/* publication: what `policy register` and `policy statement` have in common: whose policy, in which form and language, and
 * where it goes. It is made in memory and written at once, so that nothing half-made is ever seen. */
#ifndef DOSSIERFS_TOOLS_PUBLICATION_H
#define DOSSIERFS_TOOLS_PUBLICATION_H

#include "policy/wording.h"
#include "tools/commands.h"

struct publication {
    struct command_context *context;
    struct policy *policy;
    enum wording_language language;
    unsigned format; /* index of the word in `formats` */
    FILE *out;
    char *text;
    size_t text_bytes;
};

/* Loads the policy and looks at --format, --language and --output; `formats` ends with NULL, its first is the default.
 * COMMAND_DONE; else the code for the person, who was told why. publication_end() is due in any case. */
int publication_begin(struct command_context *context, const char *const *formats, struct publication *publication);
/* If `result` is 0, what was written goes where it is wanted. The command's exit code. */
int publication_end(struct publication *publication, int code, int result);

#endif
