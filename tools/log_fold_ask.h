/* log_fold_ask: a question to the log whose answer is folded. */
#ifndef DOSSIERFS_TOOLS_LOG_FOLD_ASK_H
#define DOSSIERFS_TOOLS_LOG_FOLD_ASK_H

#include "tools/log_fold.h"

struct log_fold_form {
    const char *const *keys; /* as for log_fold_new() */
    bool counts_dossiers;
    int (*add)(struct log_fold *fold, const struct log_entry *entry); /* adds the entry, or passes it over; -ENOMEM */
};

/* Asks with the command's --from and --to besides the question's own conditions, and prints. The command's exit code. */
int log_fold_ask(struct command_context *context, struct gate_log_question *question,
                 const struct log_fold_form *form);

#endif
