/* log who-saw: who was shown something of a dossier, when, for which purpose, which fields. Also for the answer to a person who asks. */
#include <stdio.h>

#include "tools/log_ask.h"
#include "tools/log_fold_ask.h"

static int add(struct log_fold *fold, const struct log_entry *entry)
{
    char uid[16];

    if (entry->outcome != LOG_SHOWN && entry->outcome != LOG_MASKED)
        return 0;
    snprintf(uid, sizeof uid, "%u", (unsigned)entry->uid);
    return log_fold_add(fold, (const char *[]){entry->user, uid, entry->role, entry->purpose}, entry);
}

int log_who_saw_run(struct command_context *context)
{
    static const char *const keys[] = {"user", "uid", "role", "purpose", NULL};
    struct gate_log_question question = {.command = "log.who-saw", .without_codes = true};

    log_ask_subject(context, context->argument_text[0], &question);
    return log_fold_ask(context, &question, &(struct log_fold_form){keys, false, add});
}
