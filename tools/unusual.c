#include "tools/unusual.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/gate/clock.h"

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

struct unusual {
    struct unusual_limits limits;
    int64_t from_ms;
    struct worker *workers;
    size_t worker_count;
    struct unusual_finding *findings;
    size_t finding_count;
};

struct unusual_limits unusual_limits_of(const struct policy *policy)
{
    return (struct unusual_limits){.bulk = policy->log.unusual_dossiers,
                                   .refusals = policy->log.unusual_refusals,
                                   .times = policy->log.unusual_times,
                                   .day_from = policy->log.work_from,
                                   .day_to = policy->log.work_to};
}

int unusual_new(const struct unusual_limits *limits, int64_t from_ms, struct unusual **out)
{
    struct unusual *unusual = calloc(1, sizeof *unusual);

    if (!unusual)
        return -ENOMEM;
    unusual->limits = *limits;
    unusual->from_ms = from_ms;
    *out = unusual;
    return 0;
}

void unusual_free(struct unusual *unusual)
{
    if (!unusual)
        return;
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
        free(unusual->findings[i].purpose);
    }
    free(unusual->workers);
    free(unusual->findings);
    free(unusual);
}

int64_t unusual_reads_from_ms(int64_t from_ms)
{
    int64_t past_ms = from_ms - PAST_DAYS * DAY_MS;

    return past_ms > 0 ? past_ms : 1;
}

const char *unusual_name(enum unusual_rule rule)
{
    static const char *const names[UNUSUAL_RULES] = {"bulk", "refusals", "habit", "hours", "new-purpose"};

    return names[rule];
}

void unusual_text(const struct unusual_limits *limits, const struct unusual_finding *finding,
                  char text[static UNUSUAL_TEXT_BYTES])
{
    switch (finding->rule) {
    case UNUSUAL_BULK:
        snprintf(text, UNUSUAL_TEXT_BYTES, "%" PRIu64 " dossiers within an hour; the limit is %" PRIu64,
                 finding->count, limits->bulk);
        break;
    case UNUSUAL_REFUSALS:
        snprintf(text, UNUSUAL_TEXT_BYTES, "%" PRIu64 " refusals within an hour; the limit is %" PRIu64,
                 finding->count, limits->refusals);
        break;
    case UNUSUAL_HABIT:
        snprintf(text, UNUSUAL_TEXT_BYTES,
                 "%" PRIu64 " dossiers on one day; on none of %u days before more than %" PRIu64, finding->count,
                 finding->days, finding->most);
        break;
    case UNUSUAL_HOURS:
        snprintf(text, UNUSUAL_TEXT_BYTES,
                 "content shown %" PRIu64 " time%s outside of %u to %u o'clock on working days", finding->count,
                 finding->count == 1 ? "" : "s", limits->day_from, limits->day_to);
        break;
    case UNUSUAL_NEW_PURPOSE:
    case UNUSUAL_RULES:
        snprintf(text, UNUSUAL_TEXT_BYTES, "acts for %.80s for the first time in %d days", finding->purpose,
                 PAST_DAYS);
    }
}

/* ---- findings --------------------------------------------------------------------------------------------------- */

static int find(struct unusual *unusual, enum unusual_rule rule, const struct worker *worker, int64_t time_ms,
                uint64_t count, const char *purpose)
{
    struct unusual_finding *findings, *found;

    if (time_ms < unusual->from_ms)
        return 0; /* the past is read for what people are used to */
    findings = realloc(unusual->findings, (unusual->finding_count + 1) * sizeof *findings);
    if (!findings)
        return -ENOMEM;
    unusual->findings = findings;
    found = &findings[unusual->finding_count++];
    *found = (struct unusual_finding){.rule = rule,
                                      .uid = worker->uid,
                                      .user = strdup(worker->user),
                                      .time_ms = time_ms,
                                      .count = count,
                                      .days = worker->days,
                                      .most = worker->most,
                                      .purpose = strdup(purpose)};
    return found->user && found->purpose ? 0 : -ENOMEM;
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

    worker->on_day.count = 0;
    if (dossiers == 0)
        return 0;
    if (worker->days >= HABIT_DAYS && dossiers > HABIT_DOSSIERS && dossiers > unusual->limits.times * worker->most)
        error = find(unusual, UNUSUAL_HABIT, worker, clock_first_second((int32_t)worker->day) * 1000, dossiers, "");
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
    int error = 0;

    for (size_t i = 0; !error && i < worker->in_hour.count; i++)
        error = add_subject(&worker->on_day, worker->in_hour.numbers[i]);
    worker->in_hour.count = 0;
    worker->refusals = 0;
    if (time_ms < unusual->from_ms && time_ms + HOUR_MS > unusual->from_ms)
        time_ms = unusual->from_ms;
    if (!error && dossiers > unusual->limits.bulk)
        error = find(unusual, UNUSUAL_BULK, worker, time_ms, dossiers, "");
    if (!error && refusals > unusual->limits.refusals)
        error = find(unusual, UNUSUAL_REFUSALS, worker, time_ms, refusals, "");
    return error;
}

static int end_day(struct unusual *unusual, struct worker *worker)
{
    uint64_t odd = worker->odd;

    worker->odd = 0;
    return odd == 0 ? 0 : find(unusual, UNUSUAL_HOURS, worker, worker->odd_ms, odd, "");
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
           (local.tm_wday == 0 || local.tm_wday == 6 || local.tm_hour < (int)unusual->limits.day_from ||
            local.tm_hour >= (int)unusual->limits.day_to);
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
    int error = 0;

    for (size_t i = 0; i < worker->habit_count; i++)
        if (strcmp(worker->habits[i].purpose, entry->purpose) == 0)
            return 0;
    habits = realloc(worker->habits, (worker->habit_count + 1) * sizeof *habits);
    if (!habits)
        return -ENOMEM;
    worker->habits = habits;
    if (worker->habit_count > 0 && entry->time_ms - worker->began_ms >= WHILE_DAYS * DAY_MS)
        error = find(unusual, UNUSUAL_NEW_PURPOSE, worker, entry->time_ms, 1, entry->purpose);
    habits[worker->habit_count].purpose = strdup(entry->purpose);
    if (!habits[worker->habit_count].purpose)
        return -ENOMEM;
    worker->habit_count++;
    return error;
}

int unusual_add(struct unusual *unusual, const struct log_record *record)
{
    const struct log_entry *entry = &record->entry;
    bool content =
        entry->what == LOG_FIELD || entry->what == LOG_DOSSIER || (entry->what == LOG_LISTING && entry->subject);
    struct worker *worker;
    int64_t day;
    int error = 0;

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

static int by_time(const void *one, const void *other)
{
    const struct unusual_finding *left = one, *right = other;

    if (left->time_ms != right->time_ms)
        return left->time_ms < right->time_ms ? -1 : 1;
    return left->uid < right->uid ? -1 : left->uid > right->uid;
}

int unusual_end(struct unusual *unusual, const struct unusual_finding **findings, size_t *count)
{
    int error = 0;

    for (size_t i = 0; !error && i < unusual->worker_count; i++) {
        error = end_hour(unusual, &unusual->workers[i]);
        if (!error)
            error = end_work(unusual, &unusual->workers[i]);
        if (!error)
            error = end_day(unusual, &unusual->workers[i]);
    }
    if (error)
        return error;
    if (unusual->finding_count > 1)
        qsort(unusual->findings, unusual->finding_count, sizeof *unusual->findings, by_time);
    *findings = unusual->findings;
    *count = unusual->finding_count;
    return 0;
}
