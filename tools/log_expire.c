/* log expire: the months of the log that are past its own term: which, what becomes of them, and the second person's word. */
#include <errno.h>
#include <string.h>

#include "fs/gate/log_term.h"
#include "tools/commands.h"
#include "tools/moment.h"
#include "tools/output.h"
#include "tools/table.h"

static const char *const states[] = {[LOG_ERASED] = "erased", [LOG_DUE] = "due", [LOG_HELD] = "waits"};

struct expiring {
    struct command_context *context;
    struct table *table; /* NULL: JSON */
    uint64_t months[3], entries[3];
};

static int print_one(struct expiring *expiring, const struct log_erasure *erasure, const char *month,
                     const char *state)
{
    return output_json(expiring->context->out,
                       json_pack("{ss ss sI sI sI si si}", "month", month, "state", state, "first",
                                 (json_int_t)erasure->first, "last", (json_int_t)erasure->last, "entries",
                                 (json_int_t)erasure->count, "term_months", (int)erasure->rule.term_months, "line",
                                 (int)erasure->rule.line));
}

static int take(void *context, const struct log_erasure *erasure, enum log_erasure_state state)
{
    struct expiring *expiring = context;
    char month[16], first[24], last[24], count[24];
    const char *cells[] = {month, first, last, count, states[state]};

    snprintf(month, sizeof month, "%d-%02d", 1970 + erasure->month / 12, erasure->month % 12 + 1);
    snprintf(first, sizeof first, "%llu", (unsigned long long)erasure->first);
    snprintf(last, sizeof last, "%llu", (unsigned long long)erasure->last);
    snprintf(count, sizeof count, "%llu", (unsigned long long)erasure->count);
    expiring->months[state]++;
    expiring->entries[state] += erasure->count;
    return expiring->table ? table_add(expiring->table, cells) : print_one(expiring, erasure, month, states[state]);
}

static void say_sums(const struct expiring *expiring, const struct log_expired *expired)
{
    FILE *to = expiring->context->error;
    char known[MOMENT_BYTES];

    for (size_t state = 0; state < 3; state++)
        if (expiring->months[state] > 0)
            fprintf(to, "dossier: %s: %llu month%s, %llu entries\n", states[state],
                    (unsigned long long)expiring->months[state], expiring->months[state] == 1 ? "" : "s",
                    (unsigned long long)expiring->entries[state]);
    if (expiring->months[LOG_HELD] > 0 && expired->clock_leapt) {
        moment_print(expired->known_ms, known);
        fprintf(to,
                "dossier: the clock went ahead by more than 36 hours at once; only what was due by %s is certain\n",
                expired->known_ms > 0 ? known : "then, which is not known,");
    }
    if (expiring->months[LOG_HELD] > 0 && expired->rule_shortened)
        fputs(
            "dossier: the policy shortened the log's term: somebody else than the owner of its file has to confirm\n",
            to);
    if (expiring->months[LOG_HELD] > 0)
        fputs("dossier: --confirm erases what waits\n", to);
}

int log_expire_run(struct command_context *context)
{
    static const struct table_column columns[] = {{"MONTH", TABLE_LEFT}, {"FIRST", TABLE_RIGHT},
                                                  {"LAST", TABLE_RIGHT}, {"ENTRIES", TABLE_RIGHT},
                                                  {"STATE", TABLE_LEFT}, {NULL, 0}};
    bool confirm = commands_option(context, "confirm") != NULL;
    struct expiring expiring = {.context = context};
    struct log_expired expired = {0};
    struct report_why why = {""};
    enum log_expire how = confirm ? LOG_EXPIRE_CONFIRM : LOG_EXPIRE_NOW;
    int error = 0;

    if (commands_option(context, "dry-run") && confirm)
        return commands_cannot(context, "either --dry-run or --confirm");
    if (commands_option(context, "dry-run"))
        how = LOG_EXPIRE_SHOW;
    if (!commands_option(context, "json"))
        error =
            table_new(context->out, columns, true, context->out_is_terminal ? context->columns : 0, &expiring.table);
    if (!error)
        error = gate_log_expire(context->gate, context->person, how, take, &expiring, &expired, &why);
    if (expiring.table && expiring.months[0] + expiring.months[1] + expiring.months[2] > 0 &&
        table_print(expiring.table) < 0 && !error)
        error = -EIO;
    table_free(expiring.table);
    if (error) {
        commands_cannot(context, "%s", why.text[0] ? why.text : strerror(-error));
        return error == -EACCES ? COMMAND_FAULTS : COMMAND_CANNOT;
    }
    say_sums(&expiring, &expired);
    if (expiring.months[0] + expiring.months[1] + expiring.months[2] == 0)
        fputs(gate_policy(context->gate)->log.retention_months ? "dossier: no month of the log is past its term\n"
                                                               : "dossier: the policy has no term for the log\n",
              context->error);
    return ferror(context->out) ? COMMAND_CANNOT : COMMAND_DONE;
}
