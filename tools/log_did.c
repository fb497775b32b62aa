/* log did: what a person did, for which purposes, and in how many dossiers. */
#include "tools/log_ask.h"
#include "tools/log_fold_ask.h"

static int add(struct log_fold *fold, const struct log_entry *entry)
{
    return log_fold_add(
        fold,
        (const char *[]){log_what_name(entry->what), log_outcome_name(entry->outcome), entry->role, entry->purpose},
        entry);
}

int log_did_run(struct command_context *context)
{
    static const char *const keys[] = {"what", "outcome", "role", "purpose", NULL};
    struct gate_log_question question = {.command = "log.did", .without_codes = true};

    log_ask_user(context, context->argument_text[0], &question.filter);
    return log_fold_ask(context, &question, &(struct log_fold_form){keys, true, add});
}
