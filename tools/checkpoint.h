/* checkpoint: the newest signed checkpoint of a log, and keeping it in a file elsewhere. */
#ifndef DOSSIERFS_TOOLS_CHECKPOINT_H
#define DOSSIERFS_TOOLS_CHECKPOINT_H

#include "fs/base/report.h"
#include "fs/log/verify.h"
#include "tools/commands.h"

struct checkpoint {
    char text[VERIFY_CHECKPOINT_BYTES], key[VERIFY_KEY_BYTES];
    uint64_t size; /* how many entries it vouches for */
};

/* Of the log in the directory `path`. COMMAND_DONE; COMMAND_CANNOT, and why was told. */
int checkpoint_newest(struct command_context *context, const char *path, struct checkpoint *checkpoint);
/* Puts it behind those that the file holds, durably; the file is made if it is not there. Nothing is done if it is the last of
 * them already. 0, or a negative errno with `why`, and then the file is as it was: -ERANGE, -EXDEV, -EINVAL: the log does not go
 * on from what the file holds, which is for people to look into; others: it can't be read or written. */
int checkpoint_append(const char *path, const char *checkpoint, struct report_why *why);

#endif
