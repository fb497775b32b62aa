/* policy replay: which decisions of the log would have come out otherwise under another policy, in groups. What it can't know
 * about the past it says. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/file.h"
#include "fs/base/number.h"
#include "fs/gate/clock.h"
#include "fs/gate/replay.h"
#include "tools/commands.h"
#include "tools/moment.h"
#include "tools/output.h"
#include "tools/policy_text.h"
#include "tools/progress.h"
#include "tools/table.h"

enum { DAYS_DEFAULT = 30, DAYS_MAX = 36600, DAY_S = 86400 };

struct replay_command {
    struct command_context *context;
    struct progress progress;
    struct gate_replay_question question;
    struct gate_replay result;
    struct policy_faults faults;
    struct buffer text;
    int64_t from_s, to_s;
};

/* ---- the question --------------------------------------------------------------------------------------------- */

static bool show_progress(void *context, uint64_t entries)
{
    struct replay_command *command = context;
    char text[80];

    if (progress_due(&command->progress)) {
        snprintf(text, sizeof text, "%" PRIu64 " entries", entries);
        progress_show(&command->progress, text);
    }
    return !commands_stopped(command->context);
}

/* The stream may be the socket of a client, who sends what he likes. */
static int read_text(struct replay_command *command)
{
    FILE *in = command->context->argument_stream[0];
    size_t got;

    do {
        uint8_t *room = buffer_reserve(&command->text, BUFSIZ);

        if (!room)
            return commands_cannot(command->context, "no memory");
        got = fread(room, 1, BUFSIZ, in);
        command->text.length_bytes += got;
        if (command->text.length_bytes > POLICY_TEXT_MAX_BYTES)
            return commands_cannot(command->context, "the new policy is longer than %d bytes, which none may be",
                                   POLICY_TEXT_MAX_BYTES);
    } while (got > 0);
    if (ferror(in))
        return commands_cannot(command->context, "the new policy can't be read to its end");
    return COMMAND_DONE;
}

static int take_question(struct replay_command *command)
{
    struct command_context *context = command->context;
    const char *text = commands_option(context, "days");
    uint32_t days = DAYS_DEFAULT;

    if (text && number_parse_u32(text, strlen(text), 1, DAYS_MAX, &days) < 0)
        return commands_cannot(context, "--days is a number from 1 to %d", DAYS_MAX);
    if (read_text(command) != COMMAND_DONE)
        return COMMAND_CANNOT;
    command->to_s = clock_now_s();
    command->from_s = command->to_s - (int64_t)days * DAY_S;
    command->question = (struct gate_replay_question){
        .file = strcmp(context->argument_text[0], "-") ? context->argument_text[0] : "(stdin)",
        .text = buffer_text(&command->text),
        .length_bytes = command->text.length_bytes,
        .faults = &command->faults,
        .from_ms = command->from_s * 1000,
        .to_ms = (command->to_s + 1) * 1000,
        .progress = show_progress,
        .context = command};
    return COMMAND_DONE;
}

/* ---- the answer ----------------------------------------------------------------------------------------------- */

static const char *verdict_name(const struct gate_replay_group *group, enum gate_replay_verdict verdict)
{
    if (verdict == GATE_REPLAY_REFUSED)
        return "refused";
    if (group->what == LOG_COMMAND)
        return "allowed";
    return verdict == GATE_REPLAY_MASKED ? "masked" : "shown";
}

/* What would be hidden first, then what would be shown, the larger groups before the smaller. */
static int by_weight(const void *a, const void *b)
{
    const struct gate_replay_group *left = a, *right = b;

    if (left->would != right->would)
        return left->would < right->would ? -1 : 1;
    if (left->decisions != right->decisions)
        return left->decisions > right->decisions ? -1 : 1;
    return left->first_ms < right->first_ms ? -1 : left->first_ms > right->first_ms;
}

static int print_groups(const struct replay_command *command, bool already)
{
    static const struct table_column columns[] = {
        {"WAS", TABLE_LEFT},     {"WOULD BE", TABLE_LEFT}, {"WHAT", TABLE_LEFT},    {"PURPOSE", TABLE_SHRINKS},
        {"NAME", TABLE_SHRINKS}, {"ROLE", TABLE_SHRINKS},  {"TIMES", TABLE_RIGHT},  {"PERSONS", TABLE_RIGHT},
        {"FIRST", TABLE_LEFT},   {"LAST", TABLE_LEFT},     {"RULE", TABLE_SHRINKS}, {NULL, 0},
    };
    const struct command_context *context = command->context;
    struct table *table = NULL;
    int result = table_new(context->out, columns, true, context->out_is_terminal ? context->columns : 0, &table);

    for (size_t i = 0; i < command->result.group_count && result == 0; i++) {
        const struct gate_replay_group *group = &command->result.groups[i];
        char times[24], persons[16], first[MOMENT_BYTES], last[MOMENT_BYTES];
        const char *cells[] = {verdict_name(group, group->was),
                               verdict_name(group, group->would),
                               log_what_name(group->what),
                               group->purpose,
                               group->name,
                               group->role,
                               times,
                               persons,
                               first,
                               last,
                               group->rule};

        if (group->already != already)
            continue;
        snprintf(times, sizeof times, "%" PRIu64, group->decisions);
        snprintf(persons, sizeof persons, "%u", group->persons);
        moment_print(group->first_ms, first);
        moment_print(group->last_ms, last);
        result = table_add(table, cells);
    }
    if (result == 0)
        result = table_print(table);
    table_free(table);
    return result;
}

static void print_left_out(const struct replay_command *command)
{
    const struct gate_replay *result = &command->result;
    const struct {
        uint64_t count;
        const char *why;
    } reasons[] = {
        {result->erased, "of months that were destroyed"},
        {result->gaps, "made while nobody knew who asked"},
        {result->gone, "about dossiers that are gone"},
        {result->unknown_persons, "of people whom the directory (NSS) can't tell now"},
        {result->undecided, "that no policy decides (starts, imports, lists of purposes, holders of a key)"},
    };
    bool any = false;

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].count == 0)
            continue;
        fprintf(command->context->out, "%s%" PRIu64 " %s", any ? ", " : "Not replayed: ", reasons[i].count,
                reasons[i].why);
        any = true;
    }
    if (any)
        fputs(".\n", command->context->out);
    if (result->left_out > 0)
        fprintf(command->context->out, "%" PRIu64 " are in more groups than are told.\n", result->left_out);
}

static void print_facts(const struct replay_command *command)
{
    FILE *out = command->context->out;

    fputs("Replayed with the time, person and purpose of each entry; groups as the directory tells them today; what "
          "is registered\n"
          "of a dossier, and terms, at the time of the entry, by the dates kept today; and, for what was refused, "
          "whether there is a\n"
          "value today. What these were in the past is not kept.\n",
          out);
    if (command->result.renamed > 0)
        fprintf(out, "%" PRIu64 " without groups, since the account has another name now, or none.\n",
                command->result.renamed);
    if (command->result.other_zone)
        fputs("The new policy has another time zone; days are those of the one in force.\n", out);
}

static int print_text(struct replay_command *command)
{
    const struct gate_replay *result = &command->result;
    char from[MOMENT_BYTES], to[MOMENT_BYTES];
    FILE *out = command->context->out;
    int error = 0;

    moment_print(command->from_s * 1000, from);
    moment_print(command->to_s * 1000, to);
    fprintf(out, "%" PRIu64 " decisions of %" PRIu64 " entries from %s to %s were taken again under %s:\n",
            result->replayed, result->entries, from, to, command->question.file);
    fprintf(out, "%" PRIu64 " would have come out otherwise.\n", result->otherwise);
    if (result->otherwise > 0)
        error = print_groups(command, false);
    if (!error && result->already > 0) {
        fprintf(out,
                "%" PRIu64
                " more come out otherwise under the policy in force already, which or whose facts changed since:\n",
                result->already);
        error = print_groups(command, true);
    }
    print_left_out(command);
    print_facts(command);
    return error;
}

static json_t *json_group(const struct gate_replay_group *group)
{
    char first[MOMENT_BYTES], last[MOMENT_BYTES];

    moment_print_iso(group->first_ms, first);
    moment_print_iso(group->last_ms, last);
    return json_pack("{ss ss ss so so so sb sI si ss ss so}", "was", verdict_name(group, group->was), "would_be",
                     verdict_name(group, group->would), "what", log_what_name(group->what), "purpose",
                     output_json_text(group->purpose), "name", output_json_text(group->name), "role",
                     output_json_text(group->role), "already", group->already, "times", (json_int_t)group->decisions,
                     "persons", (int)group->persons, "first", first, "last", last, "rule",
                     output_json_text(group->rule));
}

static int print_json(const struct replay_command *command)
{
    const struct gate_replay *result = &command->result;
    char version[2 * POLICY_HASH_BYTES + 1], from[MOMENT_BYTES], to[MOMENT_BYTES];
    json_t *groups = json_array(), *object;

    sodium_bin2hex(version, sizeof version, result->policy, sizeof result->policy);
    moment_print_iso(command->from_s * 1000, from);
    moment_print_iso(command->to_s * 1000, to);
    for (size_t i = 0; groups && i < result->group_count; i++)
        json_array_append_new(groups, json_group(&result->groups[i]));
    object = json_pack(
        "{so ss ss ss sI sI sI sI so s{sI sI sI sI sI} sI sI sb}", "file", output_json_text(command->question.file),
        "policy", version, "from", from, "to", to, "entries", (json_int_t)result->entries, "replayed",
        (json_int_t)result->replayed, "otherwise", (json_int_t)result->otherwise, "already",
        (json_int_t)result->already, "groups", groups, "not_replayed", "erased", (json_int_t)result->erased, "gaps",
        (json_int_t)result->gaps, "dossiers_gone", (json_int_t)result->gone, "unknown_persons",
        (json_int_t)result->unknown_persons, "undecided", (json_int_t)result->undecided, "without_groups",
        (json_int_t)result->renamed, "left_out", (json_int_t)result->left_out, "other_time_zone", result->other_zone);
    return output_json(command->context->out, object);
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static int tell(struct replay_command *command, int result, const struct report_why *why)
{
    struct command_context *context = command->context;
    int code = COMMAND_DONE;

    if (command->faults.count > 0)
        policy_text_print_faults(context->error, command->question.file, &command->faults, 20);
    else if (result < 0)
        commands_cannot(context, "%s",
                        why->text[0]         ? why->text
                        : result == -EINTR   ? "stopped"
                        : result == -EBADMSG ? "an entry of the log can't be read; dossier log verify tells more"
                                             : strerror(-result));
    if (result < 0)
        code = result == -EACCES || result == -EINVAL ? COMMAND_FAULTS : COMMAND_CANNOT;
    /* What could be read is told all the same. */
    if (result == 0 || result == -EBADMSG) {
        qsort(command->result.groups, command->result.group_count, sizeof *command->result.groups, by_weight);
        if ((commands_option(context, "json") ? print_json(command) : print_text(command)) < 0)
            code = commands_cannot(context, "the result can't be printed");
    }
    return code;
}

int policy_replay_run(struct command_context *context)
{
    struct replay_command command = {.context = context};
    struct report_why why = {""};
    int code = take_question(&command), result;

    if (code == COMMAND_DONE) {
        progress_init(&command.progress, context->error, context->error_is_terminal);
        result = gate_replay(context->gate, context->person, &command.question, &command.result, &why);
        progress_erase(&command.progress);
        code = tell(&command, result, &why);
    }
    gate_replay_clear(&command.result);
    policy_faults_clear(&command.faults);
    buffer_clear(&command.text);
    return code;
}
