/* log checkpoint: the newest signed checkpoint of the processing log, or the key that signed it; printed, or put behind those that are
 * kept in a file elsewhere. Reads the log's directory itself: no key, no policy, no daemon. */
#include <errno.h>

#include "tools/checkpoint.h"
#include "tools/log_place.h"

/* A file that does not go on is left as it is: that the log went back is for people to look into. */
static int append(struct command_context *context, const char *path, const char *checkpoint)
{
    struct report_why why = {""};
    int error = checkpoint_append(path, checkpoint, &why);

    if (error == 0)
        return COMMAND_DONE;
    commands_cannot(context, "%s: %s", path, why.text);
    return error == -ERANGE || error == -EXDEV || error == -EINVAL ? COMMAND_FAULTS : COMMAND_CANNOT;
}

int log_checkpoint_run(struct command_context *context)
{
    const char *append_to = commands_option(context, "append");
    char path[LOG_PLACE_BYTES];
    struct checkpoint checkpoint;

    if (!log_place(context, 0, path) || checkpoint_newest(context, path, &checkpoint) != COMMAND_DONE)
        return COMMAND_CANNOT;
    if (append_to)
        return append(context, append_to, checkpoint.text);
    if (commands_option(context, "pubkey"))
        fprintf(context->out, "%s\n", checkpoint.key);
    else
        fputs(checkpoint.text, context->out);
    return ferror(context->out) ? COMMAND_CANNOT : COMMAND_DONE;
}
