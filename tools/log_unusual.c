/* log unusual: what stands out, for a person to look at (unusual.h). */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "fs/base/number.h"
#include "fs/gate/clock.h"
#include "tools/log_ask.h"
#include "tools/moment.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/table.h"
#include "tools/unusual.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

struct log_unusual {
    struct command_context *context;
    struct unusual_limits limits;
    int64_t from_ms;
    struct unusual *unusual;
    struct progress progress;
};

static int on_record(void *context, const struct log_record *record, const char *code)
{
    struct log_unusual *asked = context;

    (void)code;
    if (commands_stopped(asked->context))
        return -EINTR;
    if (progress_due(&asked->progress))
        progress_show(&asked->progress, "reading the log");
    return unusual_add(asked->unusual, record);
}

/* ---- printing --------------------------------------------------------------------------------------------------- */

static int print_json(const struct log_unusual *asked, const struct unusual_finding *findings, size_t count)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < count; i++) {
        char time[MOMENT_BYTES], text[UNUSUAL_TEXT_BYTES];

        moment_print_iso(findings[i].time_ms, time);
        unusual_text(&asked->limits, &findings[i], text);
        result = output_json(asked->context->out,
                             json_pack("{ss ss so sI sI so}", "time", time, "rule", unusual_name(findings[i].rule),
                                       "user", output_json_text(findings[i].user), "uid", (json_int_t)findings[i].uid,
                                       "count", (json_int_t)findings[i].count, "text", output_json_text(text)));
    }
    return result;
}

static int print_table(const struct log_unusual *asked, const struct unusual_finding *findings, size_t count)
{
    static const struct table_column columns[] = {{"TIME", TABLE_LEFT}, {"USER", TABLE_SHRINKS}, {"UID", TABLE_RIGHT},
                                                  {"RULE", TABLE_LEFT}, {"WHY", TABLE_SHRINKS},  {NULL, 0}};
    struct table *table = NULL;
    int result = table_new(asked->context->out, columns, true,
                           asked->context->out_is_terminal ? asked->context->columns : 0, &table);

    for (size_t i = 0; result == 0 && i < count; i++) {
        char time[MOMENT_BYTES], uid[16], text[UNUSUAL_TEXT_BYTES];

        moment_print(findings[i].time_ms, time);
        snprintf(uid, sizeof uid, "%" PRIu32, findings[i].uid);
        unusual_text(&asked->limits, &findings[i], text);
        result =
            table_add(table, (const char *[]){time, findings[i].user, uid, unusual_name(findings[i].rule), text});
    }
    if (result == 0)
        result = table_print(table);
    table_free(table);
    return result;
}

static int print(struct log_unusual *asked)
{
    const struct unusual_finding *findings;
    size_t count;
    int result = unusual_end(asked->unusual, &findings, &count);

    if (result)
        return result;
    if (commands_option(asked->context, "json"))
        return print_json(asked, findings, count);
    if (count > 0)
        return print_table(asked, findings, count);
    fputs("nothing stands out\n", asked->context->error);
    return 0;
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

/* Of the option; without it `out` stays what the policy says. */
static int take_number(struct command_context *context, const char *option, uint64_t *out)
{
    const char *text = commands_option(context, option);

    if (text && number_parse_u64(text, strlen(text), 1, INT64_MAX, out) < 0)
        return commands_cannot(context, "--%s is a number from 1 on", option);
    return COMMAND_DONE;
}

static int take_hours(struct command_context *context, struct unusual_limits *limits)
{
    const char *text = commands_option(context, "hours"), *dash = text ? strchr(text, '-') : NULL;

    if (text && (!dash || number_parse_u32(text, (size_t)(dash - text), 0, 24, &limits->day_from) < 0 ||
                 number_parse_u32(dash + 1, strlen(dash + 1), 0, 24, &limits->day_to) < 0 ||
                 limits->day_from >= limits->day_to))
        return commands_cannot(context, "--hours is like 7-19: when people work");
    return COMMAND_DONE;
}

/* The last seven days, unless something else is asked for; and, for what people are used to, what was before. */
static int take_question(struct log_unusual *asked, struct log_filter *filter)
{
    int code = log_ask_times(asked->context, filter);

    asked->limits = unusual_limits_of(gate_policy(asked->context->gate));
    if (code != COMMAND_DONE)
        return code;
    asked->from_ms = filter->from_ms ? filter->from_ms : clock_now_s() * 1000 - 7 * DAY_MS;
    filter->from_ms = unusual_reads_from_ms(asked->from_ms);
    code = take_number(asked->context, "bulk", &asked->limits.bulk);
    if (code == COMMAND_DONE)
        code = take_number(asked->context, "refusals", &asked->limits.refusals);
    if (code == COMMAND_DONE)
        code = take_number(asked->context, "times", &asked->limits.times);
    return code == COMMAND_DONE ? take_hours(asked->context, &asked->limits) : code;
}

int log_unusual_run(struct command_context *context)
{
    struct gate_log_question question = {.command = "log.unusual", .without_codes = true};
    struct log_unusual asked = {.context = context};
    struct report_why why = {""};
    int result;

    if (take_question(&asked, &question.filter) != COMMAND_DONE)
        return COMMAND_CANNOT;
    if (unusual_new(&asked.limits, asked.from_ms, &asked.unusual) < 0)
        return commands_cannot(context, "no memory");
    progress_init(&asked.progress, context->error, context->error_is_terminal);
    result = gate_log_ask(context->gate, context->person, &question, on_record, &asked, &why);
    progress_erase(&asked.progress);
    if (result == 0 || result == -EBADMSG) {
        int printed = print(&asked);

        result = result ? result : printed;
        log_ask_erased(context, &(struct log_filter){.from_ms = asked.from_ms, .to_ms = question.filter.to_ms});
    }
    unusual_free(asked.unusual);
    return log_ask_end(context, result, &why);
}
