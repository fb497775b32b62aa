#include "tools/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/gate/control.h"

int place_read_policy(const char *path, struct policy **policy, FILE *error)
{
    struct buffer text = BUFFER_EMPTY;
    uint32_t owner_uid;
    int code = place_read_policy_text(path, policy, &text, &owner_uid, error);

    buffer_clear(&text);
    return code;
}

static int read_file(const char *path, struct buffer *text, uint32_t *owner_uid)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    int result = fd < 0 || fstat(fd, &status) < 0 ? -errno : file_read_all(fd, POLICY_TEXT_MAX_BYTES, text);

    if (fd >= 0)
        close(fd);
    if (!result)
        *owner_uid = (uint32_t)status.st_uid;
    return result;
}

int place_read_policy_text(const char *path, struct policy **policy, struct buffer *text, uint32_t *owner_uid,
                           FILE *error)
{
    struct policy_faults faults = {0};
    int result = read_file(path, text, owner_uid), code = COMMAND_DONE;

    if (result == -EFBIG)
        fprintf(error, "%s: the policy %s is longer than %d bytes\n", program_invocation_short_name, path,
                POLICY_TEXT_MAX_BYTES);
    else if (result < 0)
        fprintf(error, "%s: the policy %s can't be read: %s\n", program_invocation_short_name, path,
                strerror(-result));
    if (result < 0) {
        code = COMMAND_CANNOT;
        goto out;
    }
    result = policy_load(path, buffer_text(text), text->length_bytes, policy, &faults);
    if (result == -EINVAL) {
        code = COMMAND_FAULTS;
        for (size_t i = 0; i < faults.count; i++)
            fprintf(error, "%s:%u: %s\n", path, faults.faults[i].line, faults.faults[i].text);
    } else if (result < 0) {
        code = COMMAND_CANNOT;
        fprintf(error, "%s: the policy %s can't be loaded: %s\n", program_invocation_short_name, path,
                strerror(-result));
    }
out:
    policy_faults_clear(&faults);
    return code;
}

int place_name(const struct command_line_globals *globals, struct place *place, FILE *error)
{
    *place = (struct place){.store = globals->store};
    if (globals->name && (globals->store || globals->policy)) {
        fprintf(error, "%s: either -n, or -s and -p: the policy of -n says where its store is\n",
                program_invocation_short_name);
        return COMMAND_CANNOT;
    }
    if ((globals->name || globals->policy) && control_name(globals->name, globals->policy, place->name) < 0) {
        fprintf(error, "%s: \"%s\" is no name of a mount: it must be a file name of at most 63 bytes\n",
                program_invocation_short_name, globals->name ? globals->name : globals->policy);
        return COMMAND_CANNOT;
    }
    if (globals->name)
        snprintf(place->policy_path, sizeof place->policy_path, "/etc/dossierfs/%s.ini", globals->name);
    else if (globals->policy && (size_t)snprintf(place->policy_path, sizeof place->policy_path, "%s",
                                                 globals->policy) >= sizeof place->policy_path) {
        fprintf(error, "%s: the path of the policy is too long\n", program_invocation_short_name);
        return COMMAND_CANNOT;
    }
    return COMMAND_DONE;
}

int place_load(const struct command_line_globals *globals, struct place *place, FILE *error)
{
    if (!place->policy_path[0]) {
        fprintf(error, "%s: which policy? -n NAME, or -s STORE -p POLICY\n", program_invocation_short_name);
        return COMMAND_CANNOT;
    }
    if (place_read_policy(place->policy_path, &place->policy, error) != COMMAND_DONE)
        return COMMAND_CANNOT;
    if (!globals->store && place->policy->mount.store[0])
        place->store = place->policy->mount.store;
    return COMMAND_DONE;
}

void place_clear(struct place *place)
{
    policy_free(place->policy);
    *place = (struct place){0};
}
