/* log breach: what was disclosed to a person or a program, as the notification of a data breach asks for it (GDPR art. 33): when, about
 * how many people at least and at most, which kinds of data, and when the 72 hours are over.
 *
 * At least: the dossiers of which some content was shown. At most: also those that were looked at or refused, and, where a list of
 * codes was shown, every dossier that there is. What was done with it afterwards, no log of ours can tell. */
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "tools/log_ask.h"
#include "tools/moment.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/table.h"

enum { TERM_S = 72 * 3600 };

/* A data subject. */
struct person {
    uint64_t subject;
    char code[STORE_CODE_MAX_BYTES + 1]; /* "" if it is erased, or there never was one */
    bool shown;                          /* content, not only that it is there */
    uint64_t categories;                 /* by index of the policy */
    bool unknown;                        /* fields that the policy has no more */
    uint64_t times;
    int64_t first_ms, last_ms;
};

struct breach {
    struct command_context *context;
    const struct policy *policy;
    const char *program;
    void *tree;
    struct person **people;
    size_t count, room;
    uint64_t entries, refused, listings;
    int64_t first_ms, last_ms, noticed_s;
    struct progress progress;
};

/* What it comes to. */
struct sums {
    uint64_t least, most;
    uint64_t by_category[POLICY_MAX_CATEGORIES], unknown;
};

static int by_subject(const void *one, const void *other)
{
    const struct person *left = one, *right = other;

    return left->subject < right->subject ? -1 : left->subject > right->subject;
}

static struct person *find_person(struct breach *breach, uint64_t subject, const char *code)
{
    const struct person wanted = {.subject = subject};
    struct person *const *found = tfind(&wanted, &breach->tree, by_subject), *person;

    if (found)
        return *found;
    if (breach->count == breach->room) {
        size_t room = breach->room ? breach->room * 2 : 256;
        struct person **people = realloc(breach->people, room * sizeof *people);

        if (!people)
            return NULL;
        breach->people = people;
        breach->room = room;
    }
    person = calloc(1, sizeof *person);
    if (!person)
        return NULL;
    person->subject = subject;
    snprintf(person->code, sizeof person->code, "%s", code);
    if (!tsearch(person, &breach->tree, by_subject)) {
        free(person);
        return NULL;
    }
    breach->people[breach->count++] = person;
    return person;
}

static void note_fields(const struct breach *breach, struct person *person, const char *fields)
{
    char name[256];

    for (const char *at = fields; *at; at += strspn(at, ",")) {
        size_t bytes = strcspn(at, ",");
        const char *from = *at == '~' ? at + 1 : at;
        int field;

        snprintf(name, sizeof name, "%.*s", (int)(at + bytes - from), from);
        field = policy_find_field(breach->policy, name);
        if (field >= 0)
            person->categories |= UINT64_C(1) << breach->policy->fields[field].category;
        else
            person->unknown = true;
        at += bytes;
    }
}

static int note_person(struct breach *breach, const struct log_entry *entry, const char *code)
{
    struct person *person = find_person(breach, entry->subject, code);

    if (!person)
        return -ENOMEM;
    if (person->times == 0 || entry->time_ms < person->first_ms)
        person->first_ms = entry->time_ms;
    if (person->times == 0 || entry->time_ms > person->last_ms)
        person->last_ms = entry->time_ms;
    person->times += entry->count;
    /* A field or a rendering is content; a listing of a dossier tells which fields have one, which is content too. */
    if (!log_outcome_is_refusal(entry->outcome) && entry->what != LOG_LOOK) {
        person->shown = true;
        note_fields(breach, person, entry->fields);
    }
    return 0;
}

static bool is_disclosure(const struct log_entry *entry)
{
    return (entry->what == LOG_FIELD || entry->what == LOG_DOSSIER || entry->what == LOG_LISTING ||
            entry->what == LOG_LOOK) &&
           (entry->outcome == LOG_SHOWN || entry->outcome == LOG_MASKED || log_outcome_is_refusal(entry->outcome));
}

static int on_record(void *context, const struct log_record *record, const char *code)
{
    struct breach *breach = context;
    const struct log_entry *entry = &record->entry;

    if (commands_stopped(breach->context))
        return -EINTR;
    if (progress_due(&breach->progress))
        progress_show(&breach->progress, "reading the log");
    if (record->erased || !is_disclosure(entry) || (breach->program && strcmp(breach->program, entry->program) != 0))
        return 0;
    if (breach->entries == 0 || entry->time_ms < breach->first_ms)
        breach->first_ms = entry->time_ms;
    if (breach->entries == 0 || entry->time_ms > breach->last_ms)
        breach->last_ms = entry->time_ms;
    breach->entries++;
    breach->refused += log_outcome_is_refusal(entry->outcome);
    if (entry->subject)
        return note_person(breach, entry, code);
    breach->listings += entry->what == LOG_LISTING && entry->outcome == LOG_SHOWN && entry->purpose[0];
    return 0;
}

static struct sums sum_up(const struct breach *breach)
{
    struct sums sums = {.most = breach->count};
    uint64_t all = gate_log_subjects(breach->context->gate);

    for (size_t i = 0; i < breach->count; i++) {
        const struct person *person = breach->people[i];

        sums.least += person->shown;
        sums.unknown += person->unknown;
        for (unsigned category = 0; category < breach->policy->category_count; category++)
            sums.by_category[category] += person->categories >> category & 1;
    }
    if (breach->listings > 0 && all > sums.most)
        sums.most = all;
    return sums;
}

/* ---- printing --------------------------------------------------------------------------------------------------- */

static json_t *json_time(bool known, int64_t ms)
{
    char text[MOMENT_BYTES];

    moment_print_iso(ms, text);
    return known ? json_string(text) : json_null();
}

static json_t *json_categories(const struct breach *breach, const struct sums *sums)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < breach->policy->category_count; i++)
        if (sums->by_category[i] > 0)
            json_array_append_new(
                list,
                json_pack("{so so sI}", "category", output_json_text(breach->policy->categories[i].name), "label",
                          output_json_text(breach->policy->categories[i].label ? breach->policy->categories[i].label
                                                                               : breach->policy->categories[i].name),
                          "persons", (json_int_t)sums->by_category[i]));
    return list;
}

static json_t *json_person(const struct breach *breach, const struct person *person)
{
    json_t *categories = json_array();
    char subject[17];

    snprintf(subject, sizeof subject, "%016" PRIx64, person->subject);
    for (unsigned i = 0; i < breach->policy->category_count; i++)
        if (person->categories >> i & 1)
            json_array_append_new(categories, output_json_text(breach->policy->categories[i].name));
    return json_pack("{so ss sb so so so sI}", "dossier", output_json_text(person->code), "subject_number", subject,
                     "content", (int)person->shown, "categories", categories, "first",
                     json_time(true, person->first_ms), "last", json_time(true, person->last_ms), "times",
                     (json_int_t)person->times);
}

static int print_json(const struct breach *breach, const struct sums *sums)
{
    bool some = breach->entries > 0, noticed = breach->noticed_s > 0;
    json_t *people = json_array();

    for (size_t i = 0; i < breach->count; i++)
        json_array_append_new(people, json_person(breach, breach->people[i]));
    return output_json(breach->context->out,
                       json_pack("{s{so so so so} s{sI sI sI sI} s{sI sI} so so ss ss}", "timeline", "first",
                                 json_time(some, breach->first_ms), "last", json_time(some, breach->last_ms),
                                 "noticed", json_time(noticed, breach->noticed_s * 1000), "notify_before",
                                 json_time(noticed, (breach->noticed_s + TERM_S) * 1000), "records", "entries",
                                 (json_int_t)breach->entries, "refused", (json_int_t)breach->refused,
                                 "lists_of_dossiers", (json_int_t)breach->listings, "persons_with_fields_unknown_now",
                                 (json_int_t)sums->unknown, "persons", "minimum", (json_int_t)sums->least, "maximum",
                                 (json_int_t)sums->most, "categories", json_categories(breach, sums), "dossiers",
                                 people, "measures", "", "consequences", ""));
}

/* The form asks for hours; a person wants to know how many are left. */
static void print_clock(const struct breach *breach)
{
    FILE *out = breach->context->out;
    int64_t left_s = breach->noticed_s + TERM_S - clock_now_s();
    char text[MOMENT_BYTES];

    if (breach->noticed_s == 0) {
        fputs("notify the authority within 72 hours after it was noticed (--noticed TIME)\n", out);
        return;
    }
    moment_print((breach->noticed_s + TERM_S) * 1000, text);
    if (left_s >= 0)
        fprintf(out, "notify the authority before %s: %" PRId64 " hours left\n", text, left_s / 3600);
    else
        fprintf(out, "the authority was to be notified before %s: %" PRId64 " hours ago\n", text, -left_s / 3600);
}

static int print_people(const struct breach *breach)
{
    static const struct table_column columns[] = {{"DOSSIER", TABLE_SHRINKS},
                                                  {"CONTENT", TABLE_LEFT},
                                                  {"CATEGORIES", TABLE_SHRINKS},
                                                  {"FIRST", TABLE_LEFT},
                                                  {"LAST", TABLE_LEFT},
                                                  {"TIMES", TABLE_RIGHT},
                                                  {NULL, 0}};
    struct buffer names = BUFFER_EMPTY;
    struct table *table = NULL;
    int result = table_new(breach->context->out, columns, true,
                           breach->context->out_is_terminal ? breach->context->columns : 0, &table);

    for (size_t i = 0; result == 0 && i < breach->count; i++) {
        const struct person *person = breach->people[i];
        char subject[24], first[MOMENT_BYTES], last[MOMENT_BYTES], times[24];

        buffer_reset(&names);
        for (unsigned c = 0; c < breach->policy->category_count; c++)
            if (person->categories >> c & 1)
                buffer_printf(&names, "%s%s", names.length_bytes ? "," : "", breach->policy->categories[c].name);
        snprintf(subject, sizeof subject, "~%016" PRIx64, person->subject);
        snprintf(times, sizeof times, "%" PRIu64, person->times);
        moment_print(person->first_ms, first);
        moment_print(person->last_ms, last);
        result =
            table_add(table, (const char *[]){person->code[0] ? person->code : subject, person->shown ? "yes" : "no",
                                              buffer_text(&names), first, last, times});
    }
    if (result == 0)
        result = table_print(table);
    table_free(table);
    buffer_clear(&names);
    return result;
}

static int print_text(const struct breach *breach, const struct sums *sums)
{
    FILE *out = breach->context->out;
    char first[MOMENT_BYTES], last[MOMENT_BYTES];

    if (breach->entries == 0) {
        fputs("no entries\n", breach->context->error);
        return 0;
    }
    moment_print(breach->first_ms, first);
    moment_print(breach->last_ms, last);
    fprintf(out, "first, last    %s, %s\n", first, last);
    fprintf(out, "entries        %" PRIu64 ", of which %" PRIu64 " were refusals\n", breach->entries,
            breach->refused);
    fprintf(out, "persons        at least %" PRIu64 " (content was shown), at most %" PRIu64 "%s\n", sums->least,
            sums->most, breach->listings ? " (a list of dossiers was shown)" : "");
    for (unsigned i = 0; i < breach->policy->category_count; i++)
        if (sums->by_category[i] > 0)
            fprintf(out, "kind of data   %s: %" PRIu64 " person%s\n", breach->policy->categories[i].name,
                    sums->by_category[i], sums->by_category[i] == 1 ? "" : "s");
    if (sums->unknown > 0)
        fprintf(out, "kind of data   fields that the policy has no more: %" PRIu64 " person%s\n", sums->unknown,
                sums->unknown == 1 ? "" : "s");
    print_clock(breach);
    return commands_option(breach->context, "dossiers") ? print_people(breach) : 0;
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static int take_noticed(struct breach *breach)
{
    const char *text = commands_option(breach->context, "noticed");
    bool is_day;

    if (!text || moment_parse(text, clock_now_s(), &breach->noticed_s, &is_day) == 0)
        return COMMAND_DONE;
    return commands_cannot(breach->context, "--noticed: \"%.40s\" is no time: %s", text, moment_allowed);
}

static void keep(void *node)
{
    (void)node;
}

static void breach_clear(struct breach *breach)
{
    tdestroy(breach->tree, keep);
    for (size_t i = 0; i < breach->count; i++) {
        explicit_bzero(breach->people[i], sizeof *breach->people[i]);
        free(breach->people[i]);
    }
    free(breach->people);
}

int log_breach_run(struct command_context *context)
{
    struct gate_log_question question = {.command = "log.breach"};
    struct breach breach = {
        .context = context, .policy = gate_policy(context->gate), .program = commands_option(context, "program")};
    struct report_why why = {""};
    int result;

    log_ask_user(context, commands_option(context, "user"), &question.filter);
    log_ask_subject(context, commands_option(context, "dossier"), &question);
    if (log_ask_times(context, &question.filter) != COMMAND_DONE || take_noticed(&breach) != COMMAND_DONE)
        return COMMAND_CANNOT;
    progress_init(&breach.progress, context->error, context->error_is_terminal);
    result = gate_log_ask(context->gate, context->person, &question, on_record, &breach, &why);
    progress_erase(&breach.progress);
    if (result == 0 || result == -EBADMSG) {
        struct sums sums = sum_up(&breach);
        int printed = commands_option(context, "json") ? print_json(&breach, &sums) : print_text(&breach, &sums);

        result = result ? result : printed;
        log_ask_erased(context, &question.filter);
    }
    breach_clear(&breach);
    return log_ask_end(context, result, &why);
}
