/* log_place: where the log is that a local command is about. */
#ifndef DOSSIERFS_TOOLS_LOG_PLACE_H
#define DOSSIERFS_TOOLS_LOG_PLACE_H

#include <stdbool.h>

#include "tools/commands.h"

enum { LOG_PLACE_BYTES = 4096 };

/* The directory that is argument number `place`, from 0, else the store's `log`. False: none was given, or it is too long, and that was said. */
bool log_place(const struct command_context *context, unsigned place, char path[static LOG_PLACE_BYTES]);

#endif
