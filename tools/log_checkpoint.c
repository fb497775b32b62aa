/* log checkpoint: the newest signed checkpoint of the processing log, or the key that signed it; printed, or put behind those that are
 * kept in a file elsewhere. Reads the log's directory itself: no key, no policy, no daemon. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/log/verify.h"
#include "tools/commands.h"
#include "tools/log_place.h"

enum { KEPT_MAX_BYTES = 1 << 20 };

/* A file that does not go on is left as it is: that the log went back is for people to look into. */
static int refuse(struct command_context *context, const char *path, int error)
{
    const char *why = error == -ERANGE   ? "the log has become shorter than it says: see dossier log verify --since"
                      : error == -EXDEV  ? "it holds checkpoints of another log"
                      : error == -EINVAL ? "it holds something else than checkpoints"
                                         : strerror(-error);

    commands_cannot(context, "%s: %s", path, why);
    return error == -ERANGE || error == -EXDEV || error == -EINVAL ? COMMAND_FAULTS : COMMAND_CANNOT;
}

static int append(struct command_context *context, const char *path, const char *checkpoint)
{
    struct buffer kept = BUFFER_EMPTY;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    int error = fd < 0 ? -errno : file_read_all(fd, KEPT_MAX_BYTES, &kept);

    if (!error)
        error = verify_goes_on(buffer_text(&kept), checkpoint);
    if (!error)
        error = file_pwrite(fd, checkpoint, strlen(checkpoint), (off_t)kept.length_bytes);
    if (!error && fsync(fd) < 0)
        error = -errno;
    if (fd >= 0 && close(fd) < 0 && !error)
        error = -errno;
    buffer_clear(&kept);
    return error == 0 || error == -EALREADY ? COMMAND_DONE : refuse(context, path, error);
}

int log_checkpoint_run(struct command_context *context)
{
    const char *append_to = commands_option(context, "append");
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
    if (append_to)
        return append(context, append_to, checkpoint);
    if (commands_option(context, "pubkey"))
        fprintf(context->out, "%s\n", key);
    else
        fputs(checkpoint, context->out);
    return ferror(context->out) ? COMMAND_CANNOT : COMMAND_DONE;
}
