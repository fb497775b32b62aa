#include "tools/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/base/number.h"

enum { KEPT_MAX_BYTES = 1 << 20 };

/* The second line of a checkpoint. */
static uint64_t size_of(const char *text)
{
    const char *line = strchr(text, '\n');
    uint64_t size = 0;

    if (line)
        number_parse_u64(line + 1, strcspn(line + 1, "\n"), 0, UINT64_MAX, &size);
    return size;
}

int checkpoint_newest(struct command_context *context, const char *path, struct checkpoint *checkpoint)
{
    int error = verify_checkpoint(path, checkpoint->text, checkpoint->key);

    if (error == -ENOENT)
        return commands_cannot(context, "%s: there is no checkpoint yet", path);
    if (error == -EBADMSG)
        return commands_cannot(
            context, "%s: the checkpoint is not signed by a key of this log; dossier log verify tells more", path);
    if (error)
        return commands_cannot(context, "%s: the checkpoint can't be read: %s", path, strerror(-error));
    checkpoint->size = size_of(checkpoint->text);
    return COMMAND_DONE;
}

int checkpoint_append(const char *path, const char *checkpoint, struct report_why *why)
{
    struct buffer kept = BUFFER_EMPTY;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
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
    if (error == 0 || error == -EALREADY)
        return 0;
    return report_fail(why, error, "%s",
                       error == -ERANGE   ? "the log has become shorter than it says: see dossier log verify --since"
                       : error == -EXDEV  ? "it holds checkpoints of another log"
                       : error == -EINVAL ? "it holds something else than checkpoints"
                                          : strerror(-error));
}
