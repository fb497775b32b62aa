/* log who-saw: who was shown something of a dossier, when, for which purpose, which fields. Also for the answer to a person who asks. */
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
    char uid[16];

    (void)code;
    if (commands_stopped(asking->context))
        return -EINTR;
    if (record->erased || (entry->outcome != LOG_SHOWN && entry->outcome != LOG_MASKED))
        return 0;
    if (progress_due(&asking->progress))
        progress_show(&asking->progress, "reading the log");
    snprintf(uid, sizeof uid, "%u", (unsigned)entry->uid);
    return log_fold_add(asking->fold, (const char *[]){entry->user, uid, entry->role, entry->purpose}, entry);
}

int log_who_saw_run(struct command_context *context)
{
    static const char *const keys[] = {"user", "uid", "role", "purpose", NULL};
    struct gate_log_question question = {.command = "log.who-saw", .without_codes = true};
    struct asking asking = {.context = context};
    struct report_why why = {""};
    int result;

    if (commands_option(context, "csv") && commands_option(context, "json"))
        return commands_cannot(context, "either --csv or --json");
    log_ask_subject(context, context->argument_text[0], &question);
    if (log_ask_times(context, &question.filter) != COMMAND_DONE)
        return COMMAND_CANNOT;
    if (log_fold_new(keys, false, &asking.fold) < 0)
        return commands_cannot(context, "no memory");
    progress_init(&asking.progress, context->error, context->error_is_terminal);
    result = gate_log_ask(context->gate, context->person, &question, take, &asking, &why);
    progress_erase(&asking.progress);
    /* What came before a damaged entry is told all the same. */
    if (result == 0 || result == -EBADMSG) {
        int printed = log_fold_print(asking.fold, context);

        result = result ? result : printed;
        log_ask_erased(context, &question.filter);
    }
    log_fold_free(asking.fold);
    return log_ask_end(context, result, &why);
}
