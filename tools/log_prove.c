/* log prove: a proof that an entry is in the log that was signed. Reads the log's directory itself: no key, no policy, no daemon. */
#include <errno.h>
#include <string.h>

#include "fs/base/number.h"
#include "fs/log/verify.h"
#include "tools/commands.h"
#include "tools/log_place.h"

int log_prove_run(struct command_context *context)
{
    const char *text = context->argument_text[0];
    struct buffer proof = BUFFER_EMPTY;
    struct verify_report report;
    char path[LOG_PLACE_BYTES];
    uint64_t number;
    int error;

    if (number_parse_u64(text, strlen(text), 1, INT64_MAX, &number) < 0)
        return commands_cannot(context, "\"%.40s\" is no number of an entry: they count from 1", text);
    if (!log_place(context, 1, path))
        return COMMAND_CANNOT;
    error = verify_prove(&(struct verify_options){.path = path}, number, &proof, &report);
    if (error)
        commands_cannot(context, "%s: %s", path, report.text);
    else
        fputs(buffer_text(&proof), context->out);
    buffer_clear(&proof);
    if (error)
        return report.result == VERIFY_IMPOSSIBLE ? COMMAND_CANNOT : COMMAND_FAULTS;
    return ferror(context->out) ? COMMAND_CANNOT : COMMAND_DONE;
}
