/* log did: what a person did, for which purposes, and in how many dossiers. */
#include <errno.h>
#include <stdio.h>

#include "tools/log_ask.h"
#include "tools/log_fold.h"
#include "tools/progress.h"

struct asking {
    struct command_context *context;
    struct log_fold *fold;
    struct progress progress;
};

static int take(void *context, const struct log_record *record, const char *code)
{
    struct asking *asking = context;
    const struct log_entry *entry = &record->entry;

    (void)code;
    if (commands_stopped(asking->context))
        return -EINTR;
    if (record->erased)
        return 0;
    if (progress_due(&asking->progress))
        progress_show(&asking->progress, "reading the log");
    return log_fold_add(
        asking->fold,
        (const char *[]){log_what_name(entry->what), log_outcome_name(entry->outcome), entry->role, entry->purpose},
        entry);
}

int log_did_run(struct command_context *context)
{
    static const char *const keys[] = {"what", "outcome", "role", "purpose", NULL};
    struct gate_log_question question = {.command = "log.did", .without_codes = true};
    struct asking asking = {.context = context};
    struct report_why why = {""};
    int result;

    if (commands_option(context, "csv") && commands_option(context, "json"))
        return commands_cannot(context, "either --csv or --json");
    log_ask_user(context, context->argument_text[0], &question.filter);
    if (log_ask_times(context, &question.filter) != COMMAND_DONE)
        return COMMAND_CANNOT;
    if (log_fold_new(keys, true, &asking.fold) < 0)
        return commands_cannot(context, "no memory");
    progress_init(&asking.progress, context->error, context->error_is_terminal);
    result = gate_log_ask(context->gate, context->person, &question, take, &asking, &why);
    progress_erase(&asking.progress);
    if (result == 0 || result == -EBADMSG) {
        int printed = log_fold_print(asking.fold, context);

        result = result ? result : printed;
        log_ask_erased(context, &question.filter);
    }
    log_fold_free(asking.fold);
    return log_ask_end(context, result, &why);
}
