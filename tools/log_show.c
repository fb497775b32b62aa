/* log show: entries of the processing log, for people as a table, for programs as CSV or JSON lines. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "fs/base/number.h"
#include "fs/gate/answers.h"
#include "policy/suggest.h"
#include "tools/commands.h"
#include "tools/log_ask.h"
#include "tools/log_lines.h"
#include "tools/moment.h"
#include "tools/table.h"

enum {
    TERMINAL_LIMIT = 50,
    TABLE_LINES = 5000, /* a table is in memory as a whole; a longer one is printed in parts */
};

struct show {
    struct command_context *context;
    bool csv, json;
    struct table *table;
    unsigned table_lines;
    bool headings_done;
    uint64_t shown;
};

/* ---- the question --------------------------------------------------------------------------------------------- */

static int unknown_word(struct command_context *context, const char *option, const char *word,
                        const char *(*name_of)(int))
{
    struct suggest suggest;
    char allowed[160] = "";

    suggest_init(&suggest, word);
    for (int i = 1; i < 32; i++) {
        const char *name = name_of(i);
        size_t used = strlen(allowed);

        if (!name || !name[0] || strcmp(name, "?") == 0 || strcmp(name, "unknown") == 0)
            continue;
        suggest_consider(&suggest, name);
        snprintf(allowed + used, sizeof allowed - used, "%s%s", used ? ", " : "", name);
    }
    return commands_cannot(context, "--%s: no \"%.40s\"%s%s%s allowed: %s", option, word,
                           suggest.nearest ? "; did you mean \"" : ";", suggest.nearest ? suggest.nearest : "",
                           suggest.nearest ? "\"?" : "", allowed);
}

static const char *outcome_name(int number)
{
    return number <= LOG_GAP ? log_outcome_name((enum log_outcome)number) : NULL;
}

static const char *what_name(int number)
{
    return number <= LOG_ERASE ? log_what_name((enum log_what)number) : NULL;
}

static int take_words(struct command_context *context, struct log_filter *filter)
{
    const char *outcome = commands_option(context, "outcome"), *what = commands_option(context, "what");
    int number;

    if (outcome) {
        number = log_outcome_find(outcome);
        if (number < 0)
            return unknown_word(context, "outcome", outcome, outcome_name);
        filter->outcome = (enum log_outcome)number;
    }
    if (what) {
        number = log_what_find(what);
        if (number < 0)
            return unknown_word(context, "what", what, what_name);
        filter->what = (enum log_what)number;
    }
    return COMMAND_DONE;
}

static int take_purpose(struct command_context *context, struct log_filter *filter)
{
    const struct policy *policy = gate_policy(context->gate);
    struct suggest suggest;

    filter->purpose = commands_option(context, "purpose");
    if (!filter->purpose || policy_find_purpose(policy, filter->purpose) >= 0)
        return COMMAND_DONE;
    /* An older policy may have had it: the question stands, but a slip of the pen is told. */
    suggest_init(&suggest, filter->purpose);
    for (unsigned i = 0; i < policy->purpose_count; i++)
        suggest_consider(&suggest, policy->purposes[i].name);
    fprintf(context->error, "dossier: the policy in force has no purpose \"%.63s\"%s%s%s\n", filter->purpose,
            suggest.nearest ? "; did you mean \"" : "", suggest.nearest ? suggest.nearest : "",
            suggest.nearest ? "\"?" : "");
    return COMMAND_DONE;
}

static int take_limit(struct command_context *context, bool for_people, struct log_filter *filter)
{
    const char *text = commands_option(context, "limit");

    if (!text && context->out_is_terminal && for_people)
        filter->limit = TERMINAL_LIMIT;
    if (text && number_parse_u64(text, strlen(text), 1, INT64_MAX, &filter->limit) < 0)
        return commands_cannot(context, "--limit is a number from 1 on");
    filter->newest = filter->limit > 0;
    return COMMAND_DONE;
}

static int take_question(struct show *show, struct gate_log_question *question)
{
    struct command_context *context = show->context;
    struct log_filter *filter = &question->filter;

    show->csv = commands_option(context, "csv") != NULL;
    show->json = commands_option(context, "json") != NULL;
    if (show->csv && show->json)
        return commands_cannot(context, "either --csv or --json");
    log_ask_subject(context, commands_option(context, "subject"), question);
    log_ask_user(context, commands_option(context, "user"), filter);
    if (log_ask_times(context, filter) != COMMAND_DONE || take_words(context, filter) != COMMAND_DONE ||
        take_purpose(context, filter) != COMMAND_DONE ||
        take_limit(context, !show->csv && !show->json, filter) != COMMAND_DONE)
        return COMMAND_CANNOT;
    return COMMAND_DONE;
}

/* ---- the answers ---------------------------------------------------------------------------------------------- */

static const struct table_column columns[] = {
    {"TIME", TABLE_LEFT},       {"USER", TABLE_SHRINKS},
    {"WHAT", TABLE_LEFT},       {"SUBJECT", TABLE_SHRINKS},
    {"PURPOSE", TABLE_SHRINKS}, {"NAME", TABLE_SHRINKS},
    {"OUTCOME", TABLE_LEFT},    {"RULE", TABLE_SHRINKS},
    {"COUNT", TABLE_RIGHT},     {NULL, 0},
};

static int flush_table(struct show *show)
{
    int result = show->table ? table_print(show->table) : 0;

    table_free(show->table);
    show->table = NULL;
    show->table_lines = 0;
    show->headings_done = true;
    return result;
}

static int show_line(struct show *show, const struct log_record *record, const char *code)
{
    const struct log_entry *entry = &record->entry;
    char time[MOMENT_BYTES] = "(erased)", uid[16] = "", count[16] = "", subject[32] = "";
    const char *cells[9] = {time};
    int result = 0;

    if (!show->table)
        result = table_new(show->context->out, columns, !show->headings_done,
                           show->context->out_is_terminal ? show->context->columns : 0, &show->table);
    if (result < 0)
        return result;
    if (!record->erased) {
        moment_print(entry->time_ms, time);
        snprintf(uid, sizeof uid, "%" PRIu32, entry->uid);
        if (entry->count > 1)
            snprintf(count, sizeof count, "%" PRIu32, entry->count);
        /* A subject whose code is gone is still one subject. */
        if (entry->subject)
            snprintf(subject, sizeof subject, "~%016" PRIx64, entry->subject);
        cells[1] = entry->user[0] ? entry->user : uid;
        cells[2] = log_what_name(entry->what);
        cells[3] = code[0] ? code : subject;
        cells[4] = entry->purpose;
        cells[5] = entry->name;
        cells[6] = log_outcome_name(entry->outcome);
        cells[7] = entry->rule;
        cells[8] = count;
    }
    result = table_add(show->table, cells);
    if (result == 0 && ++show->table_lines >= TABLE_LINES)
        result = flush_table(show);
    return result;
}

static int on_record(void *context, const struct log_record *record, const char *code)
{
    struct show *show = context;
    int result;

    if (commands_stopped(show->context))
        return -EINTR;
    if (show->csv && show->shown == 0)
        log_lines_csv_head(show->context->out);
    if (show->csv)
        result = log_lines_csv(show->context->out, record, code);
    else if (show->json)
        result = log_lines_json(show->context->out, record, code);
    else
        result = show_line(show, record, code);
    show->shown++;
    return result;
}

int log_show_run(struct command_context *context)
{
    struct show show = {.context = context};
    struct gate_log_question question = {.command = "log.show"};
    struct report_why why = {""};
    int result;

    if (take_question(&show, &question) != COMMAND_DONE)
        return COMMAND_CANNOT;
    result = gate_log_ask(context->gate, context->person, &question, on_record, &show, &why);
    /* What came before a damaged entry is shown all the same. */
    if (flush_table(&show) < 0 && result == 0)
        result = -EIO;
    if (result == 0 && show.shown == 0 && !show.csv && !show.json)
        fputs("no entries\n", context->error);
    if (result == 0 || result == -EBADMSG)
        log_ask_erased(context, &question.filter);
    return log_ask_end(context, result, &why);
}
