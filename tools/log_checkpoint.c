/* log checkpoint: the newest signed checkpoint of the processing log, or the key that signed it. Reads the log's directory
 * itself: no key, no policy, no daemon. */
#include <errno.h>
#include <string.h>

#include "fs/log/verify.h"
#include "tools/commands.h"
#include "tools/log_place.h"

int log_checkpoint_run(struct command_context *context)
{
    char path[LOG_PLACE_BYTES], checkpoint[VERIFY_CHECKPOINT_BYTES], key[VERIFY_KEY_BYTES];
    int error;

    if (!log_place(context, 0, path))
        return COMMAND_CANNOT;
    error = verify_checkpoint(path, checkpoint, key);
    if (error == -ENOENT)
        return commands_cannot(context, "%s: there is no checkpoint yet", path);
    if (error == -EBADMSG)
        return commands_cannot(
            context, "%s: the checkpoint is not signed by a key of this log; dossier log verify tells more", path);
    if (error)
        return commands_cannot(context, "%s: the checkpoint can't be read: %s", path, strerror(-error));
    if (commands_option(context, "pubkey"))
        fprintf(context->out, "%s\n", key);
    else
        fputs(checkpoint, context->out);
    return ferror(context->out) ? COMMAND_CANNOT : COMMAND_DONE;
}
