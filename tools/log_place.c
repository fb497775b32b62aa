#include "tools/log_place.h"

#include <stdio.h>

bool log_place(const struct command_context *context, unsigned place, char path[static LOG_PLACE_BYTES])
{
    const char *directory = context->argument_count > place ? context->argument_text[place] : NULL;

    if (!directory && !context->place.store) {
        commands_cannot(context, "which log? -n NAME, -s STORE, or the log's directory as an argument");
        return false;
    }
    if ((size_t)snprintf(path, LOG_PLACE_BYTES, "%s%s", directory ? directory : context->place.store,
                         directory ? "" : "/log") >= LOG_PLACE_BYTES) {
        commands_cannot(context, "the path of the log is too long");
        return false;
    }
    return true;
}
