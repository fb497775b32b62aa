/* log_ask: the options that questions to the log share, as conditions. */
#ifndef DOSSIERFS_TOOLS_LOG_ASK_H
#define DOSSIERFS_TOOLS_LOG_ASK_H

#include "fs/gate/answers.h"
#include "tools/commands.h"

/* --from and --to, which the command must have. COMMAND_DONE; COMMAND_CANNOT, and the slip was told. */
int log_ask_times(struct command_context *context, struct log_filter *filter);
/* All digits are a uid, also where an account has such a name. Who left has no account any more, but has entries: the
 * question stands, and only a slip of the pen is told. NULL: nobody in particular. */
void log_ask_user(struct command_context *context, const char *user, struct log_filter *filter);
/* A dossier's code, or "~" and the 16 hex digits of the number under which the log knows a subject, as `log show` prints it when the
 * code is erased. A code that no kind has now is told, and stands: an older policy may have had it. NULL: all. */
void log_ask_subject(struct command_context *context, const char *code, struct gate_log_question *question);
/* Says on standard error which months the answer leaves out since they were erased under the log's own term, or wait for that. For a
 * question that was answered. */
void log_ask_erased(struct command_context *context, const struct log_filter *filter);
/* What became of a question: 0 or negative, as gate_log_ask() answers, into an exit code, with the reason told. */
int log_ask_end(struct command_context *context, int result, const struct report_why *why);

#endif
