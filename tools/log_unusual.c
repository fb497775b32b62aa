/* log unusual: what stands out, for a person to look at; simple rules, each told with its number, none a verdict:
 *  - bulk: one person was shown something of many dossiers within an hour;
 *  - refusals: many were refused to one person within an hour;
 *  - habit: one person was shown many more dossiers on a day than on any of his own days before;
 *  - hours: content was shown at night or in the weekend;
 *  - new-purpose: a person who has been at work for a while acts for a purpose for the first time.
 * People are compared with limits and with their own past, never with each other: this ranks nobody. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/base/number.h"
#include "fs/gate/clock.h"
#include "tools/log_ask.h"
#include "tools/moment.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/table.h"

enum { HOUR_MS = 3600 * 1000, PAST_DAYS = 90, WHILE_DAYS = 7, HABIT_DAYS = 5, HABIT_DOSSIERS = 10 };
#define DAY_MS (INT64_C(24) * HOUR_MS)

/* What a person did for a purpose: only that it was done before. */
struct habit {
    char *purpose;
};

/* Dossiers that were shown, by their numbers in the log; the same one may be there several times. */
struct subjects {
    uint64_t *numbers;
    size_t count, room;
};

/* A person, as far as the log has been read. Times are those of the entries, which nearly follow their numbers. */
struct worker {
    uint32_t uid;
    char *user;
    int64_t began_ms; /* the first entry that was read */
    int64_t hour;     /* the one that is being counted, since the epoch */
    struct subjects in_hour, on_day;
    int64_t day;   /* the one that is being counted, in the organisation's zone */
    uint64_t most; /* dossiers on a day before */
    unsigned days; /* on which he was shown any */
    uint64_t refusals;
    int64_t odd_day; /* the day of which odd hours are counted */
    uint64_t odd;
    int64_t odd_ms;
    struct habit *habits;
    size_t habit_count;
};

struct finding {
    const char *rule;
    uint32_t uid;
    char *user;
    int64_t time_ms;
    uint64_t count;
    char *text;
};

struct unusual {
    struct command_context *context;
    int64_t from_ms, to_ms;
    uint64_t bulk, refusals, times;
    unsigned day_from, day_to; /* hours at which people work */
    struct worker *workers;
    size_t worker_count;
    struct finding *findings;
    size_t finding_count;
    struct progress progress;
};

/* ---- findings --------------------------------------------------------------------------------------------------- */

static int find(struct unusual *unusual, const char *rule, const struct worker *worker, int64_t time_ms,
                uint64_t count, const char *text)
{
    struct finding *findings;

    if (time_ms < unusual->from_ms)
        return 0; /* the past is read for what people are used to */
    findings = realloc(unusual->findings, (unusual->finding_count + 1) * sizeof *findings);
    if (!findings)
        return -ENOMEM;
    unusual->findings = findings;
    findings[unusual->finding_count] = (struct finding){.rule = rule,
                                                        .uid = worker->uid,
                                                        .user = strdup(worker->user),
                                                        .time_ms = time_ms,
                                                        .count = count,
                                                        .text = strdup(text)};
    if (!findings[unusual->finding_count].user || !findings[unusual->finding_count].text)
        return -ENOMEM;
    unusual->finding_count++;
    return 0;
}

static int by_number(const void *one, const void *other)
{
    uint64_t left = *(const uint64_t *)one, right = *(const uint64_t *)other;

    return left < right ? -1 : left > right;
}

static int add_subject(struct subjects *subjects, uint64_t number)
{
    if (subjects->count == subjects->room) {
        size_t room = subjects->room ? subjects->room * 2 : 64;
        uint64_t *numbers = realloc(subjects->numbers, room * sizeof *numbers);

        if (!numbers)
            return -ENOMEM;
        subjects->numbers = numbers;
        subjects->room = room;
    }
    subjects->numbers[subjects->count++] = number;
    return 0;
}

/* Leaves each once. How many that are. */
static uint64_t fold_subjects(struct subjects *subjects)
{
    size_t kept = 0;

    if (subjects->count > 1)
        qsort(subjects->numbers, subjects->count, sizeof *subjects->numbers, by_number);
    for (size_t i = 0; i < subjects->count; i++)
        if (i == 0 || subjects->numbers[i] != subjects->numbers[i - 1])
            subjects->numbers[kept++] = subjects->numbers[i];
    return subjects->count = kept;
}

/* The day is over. */
static int end_work(struct unusual *unusual, struct worker *worker)
{
    uint64_t dossiers = fold_subjects(&worker->on_day);
    int error = 0;
    char text[128];

    worker->on_day.count = 0;
    if (dossiers == 0)
        return 0;
    if (worker->days >= HABIT_DAYS && dossiers > HABIT_DOSSIERS && dossiers > unusual->times * worker->most) {
        snprintf(text, sizeof text, "%" PRIu64 " dossiers on one day; on none of %u days before more than %" PRIu64,
                 dossiers, worker->days, worker->most);
        error = find(unusual, "habit", worker, clock_first_second((int32_t)worker->day) * 1000, dossiers, text);
    }
    if (dossiers > worker->most)
        worker->most = dossiers;
    worker->days++;
    return error;
}

/* The hour is over. */
static int end_hour(struct unusual *unusual, struct worker *worker)
{
    uint64_t dossiers = fold_subjects(&worker->in_hour), refusals = worker->refusals;
    int64_t time_ms = worker->hour * HOUR_MS;
    char text[128];
    int error = 0;

    for (size_t i = 0; !error && i < worker->in_hour.count; i++)
        error = add_subject(&worker->on_day, worker->in_hour.numbers[i]);
    worker->in_hour.count = 0;
    worker->refusals = 0;
    if (time_ms < unusual->from_ms && time_ms + HOUR_MS > unusual->from_ms)
        time_ms = unusual->from_ms;
    if (!error && dossiers > unusual->bulk) {
        snprintf(text, sizeof text, "%" PRIu64 " dossiers within an hour; the limit is %" PRIu64, dossiers,
                 unusual->bulk);
        error = find(unusual, "bulk", worker, time_ms, dossiers, text);
    }
    if (!error && refusals > unusual->refusals) {
        snprintf(text, sizeof text, "%" PRIu64 " refusals within an hour; the limit is %" PRIu64, refusals,
                 unusual->refusals);
        error = find(unusual, "refusals", worker, time_ms, refusals, text);
    }
    return error;
}

static int end_day(struct unusual *unusual, struct worker *worker)
{
    uint64_t odd = worker->odd;
    char text[128];

    worker->odd = 0;
    if (odd == 0)
        return 0;
    snprintf(text, sizeof text, "content shown %" PRIu64 " time%s outside of %u to %u o'clock on working days", odd,
             odd == 1 ? "" : "s", unusual->day_from, unusual->day_to);
    return find(unusual, "hours", worker, worker->odd_ms, odd, text);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static struct worker *find_worker(struct unusual *unusual, const struct log_entry *entry)
{
    struct worker *workers;

    for (size_t i = 0; i < unusual->worker_count; i++)
        if (unusual->workers[i].uid == entry->uid)
            return &unusual->workers[i];
    workers = realloc(unusual->workers, (unusual->worker_count + 1) * sizeof *workers);
    if (!workers)
        return NULL;
    unusual->workers = workers;
    workers[unusual->worker_count] =
        (struct worker){.uid = entry->uid, .user = strdup(entry->user), .began_ms = entry->time_ms};
    if (!workers[unusual->worker_count].user)
        return NULL;
    return &workers[unusual->worker_count++];
}

static bool is_odd(const struct unusual *unusual, int64_t time_ms)
{
    time_t second = (time_t)(time_ms / 1000);
    struct tm local;

    return localtime_r(&second, &local) &&
           (local.tm_wday == 0 || local.tm_wday == 6 || local.tm_hour < (int)unusual->day_from ||
            local.tm_hour >= (int)unusual->day_to);
}

static int note_shown(struct unusual *unusual, struct worker *worker, const struct log_entry *entry)
{
    int64_t day = clock_day_of(entry->time_ms / 1000);

    if (entry->subject && add_subject(&worker->in_hour, entry->subject) < 0)
        return -ENOMEM;
    if (!is_odd(unusual, entry->time_ms))
        return 0;
    if (worker->odd > 0 && worker->odd_day != day) {
        int error = end_day(unusual, worker);

        if (error)
            return error;
    }
    if (worker->odd++ == 0) {
        worker->odd_day = day;
        worker->odd_ms = entry->time_ms;
    }
    return 0;
}

static int note_purpose(struct unusual *unusual, struct worker *worker, const struct log_entry *entry)
{
    struct habit *habits;
    char text[160];
    int error = 0;

    for (size_t i = 0; i < worker->habit_count; i++)
        if (strcmp(worker->habits[i].purpose, entry->purpose) == 0)
            return 0;
    habits = realloc(worker->habits, (worker->habit_count + 1) * sizeof *habits);
    if (!habits)
        return -ENOMEM;
    worker->habits = habits;
    if (worker->habit_count > 0 && entry->time_ms - worker->began_ms >= WHILE_DAYS * DAY_MS) {
        snprintf(text, sizeof text, "acts for %.80s for the first time in %d days", entry->purpose, PAST_DAYS);
        error = find(unusual, "new-purpose", worker, entry->time_ms, 1, text);
    }
    habits[worker->habit_count].purpose = strdup(entry->purpose);
    if (!habits[worker->habit_count].purpose)
        return -ENOMEM;
    worker->habit_count++;
    return error;
}

static int on_record(void *context, const struct log_record *record, const char *code)
{
    struct unusual *unusual = context;
    const struct log_entry *entry = &record->entry;
    bool content =
        entry->what == LOG_FIELD || entry->what == LOG_DOSSIER || (entry->what == LOG_LISTING && entry->subject);
    struct worker *worker;
    int64_t day;
    int error = 0;

    (void)code;
    if (commands_stopped(unusual->context))
        return -EINTR;
    if (progress_due(&unusual->progress))
        progress_show(&unusual->progress, "reading the log");
    if (record->erased || (!content && entry->what != LOG_LOOK && entry->what != LOG_LISTING))
        return 0;
    worker = find_worker(unusual, entry);
    if (!worker)
        return -ENOMEM;
    if (worker->hour != entry->time_ms / HOUR_MS)
        error = end_hour(unusual, worker);
    worker->hour = entry->time_ms / HOUR_MS;
    day = clock_day_of(entry->time_ms / 1000);
    if (!error && worker->day != day)
        error = end_work(unusual, worker);
    worker->day = day;
    if (!error && log_outcome_is_refusal(entry->outcome))
        worker->refusals += entry->count;
    else if (!error && content && (entry->outcome == LOG_SHOWN || entry->outcome == LOG_MASKED))
        error = note_shown(unusual, worker, entry);
    if (!error && content && !log_outcome_is_refusal(entry->outcome) && entry->purpose[0])
        error = note_purpose(unusual, worker, entry);
    return error;
}

static int end_all(struct unusual *unusual)
{
    int error = 0;

    for (size_t i = 0; !error && i < unusual->worker_count; i++) {
        error = end_hour(unusual, &unusual->workers[i]);
        if (!error)
            error = end_work(unusual, &unusual->workers[i]);
        if (!error)
            error = end_day(unusual, &unusual->workers[i]);
    }
    return error;
}

/* ---- printing --------------------------------------------------------------------------------------------------- */

static int by_time(const void *one, const void *other)
{
    const struct finding *left = one, *right = other;

    if (left->time_ms != right->time_ms)
        return left->time_ms < right->time_ms ? -1 : 1;
    return left->uid < right->uid ? -1 : left->uid > right->uid;
}

static int print_json(const struct unusual *unusual)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < unusual->finding_count; i++) {
        const struct finding *finding = &unusual->findings[i];
        char time[MOMENT_BYTES];

        moment_print_iso(finding->time_ms, time);
        result = output_json(unusual->context->out,
                             json_pack("{ss ss so sI sI so}", "time", time, "rule", finding->rule, "user",
                                       output_json_text(finding->user), "uid", (json_int_t)finding->uid, "count",
                                       (json_int_t)finding->count, "text", output_json_text(finding->text)));
    }
    return result;
}

static int print_table(const struct unusual *unusual)
{
    static const struct table_column columns[] = {{"TIME", TABLE_LEFT}, {"USER", TABLE_SHRINKS}, {"UID", TABLE_RIGHT},
                                                  {"RULE", TABLE_LEFT}, {"WHY", TABLE_SHRINKS},  {NULL, 0}};
    struct table *table = NULL;
    int result = table_new(unusual->context->out, columns, true,
                           unusual->context->out_is_terminal ? unusual->context->columns : 0, &table);

    for (size_t i = 0; result == 0 && i < unusual->finding_count; i++) {
        const struct finding *finding = &unusual->findings[i];
        char time[MOMENT_BYTES], uid[16];

        moment_print(finding->time_ms, time);
        snprintf(uid, sizeof uid, "%" PRIu32, finding->uid);
        result = table_add(table, (const char *[]){time, finding->user, uid, finding->rule, finding->text});
    }
    if (result == 0)
        result = table_print(table);
    table_free(table);
    return result;
}

static int print(struct unusual *unusual)
{
    if (unusual->finding_count > 1)
        qsort(unusual->findings, unusual->finding_count, sizeof *unusual->findings, by_time);
    if (commands_option(unusual->context, "json"))
        return print_json(unusual);
    if (unusual->finding_count > 0)
        return print_table(unusual);
    fputs("nothing stands out\n", unusual->context->error);
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

static int take_hours(struct unusual *unusual)
{
    const char *text = commands_option(unusual->context, "hours"), *dash = text ? strchr(text, '-') : NULL;

    if (text && (!dash || number_parse_u32(text, (size_t)(dash - text), 0, 24, &unusual->day_from) < 0 ||
                 number_parse_u32(dash + 1, strlen(dash + 1), 0, 24, &unusual->day_to) < 0 ||
                 unusual->day_from >= unusual->day_to))
        return commands_cannot(unusual->context, "--hours is like 7-19: when people work");
    return COMMAND_DONE;
}

/* The last seven days, unless something else is asked for; and, for what people are used to, what was before. */
static int take_question(struct unusual *unusual, struct log_filter *filter)
{
    const struct policy_log *usual = &gate_policy(unusual->context->gate)->log;
    int code = log_ask_times(unusual->context, filter);

    unusual->bulk = usual->unusual_dossiers;
    unusual->refusals = usual->unusual_refusals;
    unusual->times = usual->unusual_times;
    unusual->day_from = usual->work_from;
    unusual->day_to = usual->work_to;
    if (code != COMMAND_DONE)
        return code;
    unusual->to_ms = filter->to_ms;
    unusual->from_ms = filter->from_ms ? filter->from_ms : clock_now_s() * 1000 - 7 * DAY_MS;
    filter->from_ms = unusual->from_ms - PAST_DAYS * DAY_MS;
    if (filter->from_ms <= 0)
        filter->from_ms = 1;
    code = take_number(unusual->context, "bulk", &unusual->bulk);
    if (code == COMMAND_DONE)
        code = take_number(unusual->context, "refusals", &unusual->refusals);
    if (code == COMMAND_DONE)
        code = take_number(unusual->context, "times", &unusual->times);
    return code == COMMAND_DONE ? take_hours(unusual) : code;
}

static void unusual_clear(struct unusual *unusual)
{
    for (size_t i = 0; i < unusual->worker_count; i++) {
        for (size_t h = 0; h < unusual->workers[i].habit_count; h++)
            free(unusual->workers[i].habits[h].purpose);
        free(unusual->workers[i].habits);
        free(unusual->workers[i].in_hour.numbers);
        free(unusual->workers[i].on_day.numbers);
        free(unusual->workers[i].user);
    }
    for (size_t i = 0; i < unusual->finding_count; i++) {
        free(unusual->findings[i].user);
        free(unusual->findings[i].text);
    }
    free(unusual->workers);
    free(unusual->findings);
}

int log_unusual_run(struct command_context *context)
{
    struct gate_log_question question = {.command = "log.unusual", .without_codes = true};
    struct unusual unusual = {.context = context};
    struct report_why why = {""};
    int result;

    if (take_question(&unusual, &question.filter) != COMMAND_DONE)
        return COMMAND_CANNOT;
    progress_init(&unusual.progress, context->error, context->error_is_terminal);
    result = gate_log_ask(context->gate, context->person, &question, on_record, &unusual, &why);
    progress_erase(&unusual.progress);
    if (result == 0 || result == -EBADMSG) {
        int printed = end_all(&unusual);

        if (printed == 0)
            printed = print(&unusual);
        result = result ? result : printed;
    }
    unusual_clear(&unusual);
    return log_ask_end(context, result, &why);
}
