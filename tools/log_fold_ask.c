#include "tools/log_fold_ask.h"

#include <errno.h>

#include "tools/log_ask.h"
#include "tools/progress.h"

struct asking {
    struct command_context *context;
    const struct log_fold_form *form;
    struct log_fold *fold;
    struct progress progress;
};

static int take(void *context, const struct log_record *record, const char *code)
{
    struct asking *asking = context;

    (void)code;
    if (commands_stopped(asking->context))
        return -EINTR;
    if (progress_due(&asking->progress))
        progress_show(&asking->progress, "reading the log");
    return record->erased ? 0 : asking->form->add(asking->fold, &record->entry);
}

int log_fold_ask(struct command_context *context, struct gate_log_question *question,
                 const struct log_fold_form *form)
{
    struct asking asking = {.context = context, .form = form};
    struct report_why why = {""};
    int result;

    if (commands_option(context, "csv") && commands_option(context, "json"))
        return commands_cannot(context, "either --csv or --json");
    if (log_ask_times(context, &question->filter) != COMMAND_DONE)
        return COMMAND_CANNOT;
    if (log_fold_new(form->keys, form->counts_dossiers, &asking.fold) < 0)
        return commands_cannot(context, "no memory");
    progress_init(&asking.progress, context->error, context->error_is_terminal);
    result = gate_log_ask(context->gate, context->person, question, take, &asking, &why);
    progress_erase(&asking.progress);
    /* What came before a damaged entry is told all the same. */
    if (result == 0 || result == -EBADMSG) {
        int printed = log_fold_print(asking.fold, context);

        result = result ? result : printed;
        log_ask_erased(context, &question->filter);
    }
    log_fold_free(asking.fold);
    return log_ask_end(context, result, &why);
}
