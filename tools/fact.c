/* fact set, end, list, review: what is registered of a dossier and decisions depend on. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "fs/base/number.h"
#include "fs/gate/clock.h"
#include "fs/gate/facts.h"
#include "fs/gate/registry.h"
#include "policy/suggest.h"
#include "tools/commands.h"
#include "tools/moment.h"
#include "tools/output.h"
#include "tools/table.h"

static int take_word(struct command_context *context, const char *text, unsigned *word)
{
    struct suggest suggest;

    *word = facts_find(text);
    if (*word)
        return COMMAND_DONE;
    suggest_init(&suggest, text);
    for (unsigned each = FACT_CONSENT; facts_name(each); each++)
        suggest_consider(&suggest, facts_name(each));
    return commands_cannot(context,
                           "no kind of fact \"%.40s\"%s%s%s allowed: consent, opt-out, objection, restriction, "
                           "incident, hold, calamity",
                           text, suggest.nearest ? "; did you mean \"" : ";", suggest.nearest ? suggest.nearest : "",
                           suggest.nearest ? "\"?" : "");
}

/* A day as the end of a term is the last of it. */
static int take_time(struct command_context *context, const char *option, bool ends, int64_t *second)
{
    const char *text = commands_option(context, option);
    bool is_day = false;

    *second = STORE_NEVER;
    if (!text)
        return COMMAND_DONE;
    if (moment_parse(text, clock_now_s(), second, &is_day) < 0)
        return commands_cannot(context, "--%s: no time; %s", option, moment_allowed);
    if (is_day && ends)
        *second = clock_first_second(clock_day_of(*second) + 1);
    return COMMAND_DONE;
}

/* What became of it, as an exit code: a right that lacks and a fact that isn't there are answers, the rest is a failure. */
static int code_of(struct command_context *context, int error, const struct report_why *why)
{
    if (error == 0)
        return COMMAND_DONE;
    commands_cannot(context, "%s", why->text[0] ? why->text : strerror(-error));
    return error == -EACCES || error == -ENOENT || error == -EPERM || error == -EALREADY ? COMMAND_FAULTS
                                                                                         : COMMAND_CANNOT;
}

int fact_set_run(struct command_context *context)
{
    struct gate_fact_draft draft = {.about = context->argument_text[2]};
    struct report_why why = {""};
    uint32_t id = 0;
    int code = take_word(context, context->argument_text[0], &draft.word);

    if (code == COMMAND_DONE)
        code = take_time(context, "from", false, &draft.from_s);
    if (code == COMMAND_DONE)
        code = take_time(context, "until", true, &draft.until_s);
    draft.reason = commands_option(context, "reason");
    if (code == COMMAND_DONE && !draft.reason)
        code = commands_cannot(context, "why? --reason TEXT: a letter's date, a case number, what happened");
    if (code != COMMAND_DONE)
        return code;
    code = code_of(context,
                   gate_fact_set(context->gate, context->person, context->argument_text[1], &draft, &id, &why), &why);
    if (code == COMMAND_DONE)
        fprintf(context->out, "%s %s of %s is registered as number %u\n", facts_name(draft.word), draft.about,
                context->argument_text[1], id);
    return code;
}

int fact_end_run(struct command_context *context)
{
    const char *about = context->argument_text[2];
    struct report_why why = {""};
    unsigned word = 0, ended = 0;
    int code = take_word(context, context->argument_text[0], &word);

    if (code != COMMAND_DONE)
        return code;
    code = code_of(
        context, gate_fact_end(context->gate, context->person, context->argument_text[1], word, about, &ended, &why),
        &why);
    if (code == COMMAND_DONE)
        fprintf(context->out, "%s %s of %s ended\n", facts_name(word), about, context->argument_text[1]);
    return code;
}

int fact_review_run(struct command_context *context)
{
    const char *number = context->argument_text[1];
    struct report_why why = {""};
    uint32_t id;
    int code;

    if (number_parse_u32(number, strlen(number), 1, UINT32_MAX, &id))
        return commands_cannot(context, "no number of a calamity; dossier fact list calamity tells which wait");
    code =
        code_of(context, gate_fact_review(context->gate, context->person, context->argument_text[0], id, &why), &why);
    if (code == COMMAND_DONE)
        fprintf(context->out, "calamity %u of %s is reviewed\n", id, context->argument_text[0]);
    return code;
}

/* ---- list --------------------------------------------------------------------------------------------------------- */

struct listing {
    struct command_context *context;
    struct table *table; /* NULL: JSON */
    unsigned word;       /* 0: all */
    unsigned count;
};

static void print_time(int64_t second, bool iso, char text[static MOMENT_BYTES])
{
    text[0] = '\0';
    if (second == STORE_NEVER)
        return;
    if (iso)
        moment_print_iso(second * 1000, text);
    else
        moment_print(second * 1000, text);
}

static const char *state_of(const struct gate_fact *fact)
{
    if (fact->holds)
        return "holds";
    return fact->fact->ended_s != STORE_NEVER || fact->fact->until_s <= clock_now_s() ? "ended" : "to come";
}

/* Who, as a number: names of accounts come and go. */
static void print_uid(bool is_there, uint32_t uid, char text[static 12])
{
    text[0] = '\0';
    if (is_there)
        snprintf(text, 12, "%u", uid);
}

static int list_line(struct listing *listing, const struct gate_fact *told)
{
    const struct store_fact *fact = told->fact;
    char from[MOMENT_BYTES], until[MOMENT_BYTES], id[12], by[12], reviewer[12];
    const char *const cells[] = {told->code, id,    told->word, told->about, state_of(told),
                                 from,       until, by,         reviewer,    fact->reason};

    snprintf(id, sizeof id, "%u", fact->id);
    print_time(fact->from_s, false, from);
    print_time(fact->ended_s < fact->until_s ? fact->ended_s : fact->until_s, false, until);
    print_uid(true, fact->set_uid, by);
    print_uid(fact->reviewed_s != STORE_NEVER, fact->reviewed_uid, reviewer);
    return table_add(listing->table, cells);
}

static json_t *json_time(int64_t second)
{
    char text[MOMENT_BYTES];

    print_time(second, true, text);
    return text[0] ? json_string(text) : json_null();
}

static json_t *json_uid(bool is_there, uint32_t uid)
{
    return is_there ? json_integer(uid) : json_null();
}

static int list_json(struct listing *listing, const struct gate_fact *told)
{
    const struct store_fact *fact = told->fact;

    return output_json(
        listing->context->out,
        json_pack("{so sI ss ss ss so so so so so so so so so}", "code", output_json_text(told->code), "number",
                  (json_int_t)fact->id, "kind", told->word, "about", told->about, "state", state_of(told), "from",
                  json_time(fact->from_s), "until", json_time(fact->until_s), "set", json_time(fact->set_s),
                  "set_uid", json_uid(true, fact->set_uid), "ended", json_time(fact->ended_s), "ended_uid",
                  json_uid(fact->ended_s != STORE_NEVER, fact->ended_uid), "reviewed", json_time(fact->reviewed_s),
                  "reviewed_uid", json_uid(fact->reviewed_s != STORE_NEVER, fact->reviewed_uid), "reason",
                  output_json_text(fact->reason)));
}

static int on_fact(void *context, const struct gate_fact *told)
{
    struct listing *listing = context;

    if (commands_stopped(listing->context))
        return -EINTR;
    if (listing->word && told->fact->word != listing->word)
        return 0;
    listing->count++;
    return listing->table ? list_line(listing, told) : list_json(listing, told);
}

static int list(struct listing *listing, const char *code)
{
    static const struct table_column columns[] = {{"DOSSIER", TABLE_LEFT},
                                                  {"NUMBER", TABLE_RIGHT},
                                                  {"KIND", TABLE_LEFT},
                                                  {"ABOUT", TABLE_LEFT},
                                                  {"STATE", TABLE_LEFT},
                                                  {"FROM", TABLE_LEFT},
                                                  {"UNTIL", TABLE_LEFT},
                                                  {"SET BY", TABLE_RIGHT},
                                                  {"REVIEWED BY", TABLE_RIGHT},
                                                  {"REASON", TABLE_SHRINKS},
                                                  {NULL, 0}};
    struct command_context *context = listing->context;
    struct report_why why = {""};
    int result = 0;

    if (!commands_option(context, "json"))
        result =
            table_new(context->out, columns, true, context->out_is_terminal ? context->columns : 0, &listing->table);
    if (!result)
        result = gate_fact_list(context->gate, context->person, code, on_fact, listing, &why);
    if (!result && listing->table && listing->count > 0)
        result = table_print(listing->table);
    table_free(listing->table);
    if (!result && listing->count == 0 && listing->table)
        fputs(code ? "nothing is registered\n" : "no calamity waits for a review\n", context->error);
    return code_of(context, result, &why);
}

int fact_list_run(struct command_context *context)
{
    struct listing listing = {.context = context};
    const char *code = context->argument_count > 1 ? context->argument_text[1] : NULL;
    int result = COMMAND_DONE;

    if (strcmp(context->argument_text[0], "all") != 0)
        result = take_word(context, context->argument_text[0], &listing.word);
    if (result == COMMAND_DONE && !code && listing.word != FACT_CALAMITY)
        result = commands_cannot(context, "of which dossier? CODE; only calamities that wait for a review are listed "
                                          "without one");
    return result == COMMAND_DONE ? list(&listing, code) : result;
}
