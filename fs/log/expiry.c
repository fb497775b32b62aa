/* Rules:
 *  - what is due is decided twice: by the time and the rule, which hide; and by the time that is certain and the longer of the
 *    rules, which destroy;
 *  - one destruction at a time, under run_lock; nobody who reads or writes the log waits for it;
 *  - a destruction that was begun is finished even if the rule is another one by now: it is announced, perhaps.
 * Locks: run_lock, then rule_lock. */
#include "fs/log/expiry.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fs/base/bytes.h"
#include "fs/base/file.h"
#include "fs/log/entry.h"
#include "fs/log/erasure.h"
#include "fs/log/reader.h"
#include "fs/log/segment.h"

#define LEAP_MS INT64_C(129600000) /* 36 hours */
enum { HOUR_S = 3600, STATE_BYTES = 32 };
/* Where things lie in the file `terms`. */
enum { T_KNOWN = 0, T_WALL = 8, T_TERM = 16 };

static const char intent_name[] = "erasing", state_name[] = "terms";

/* What the last run knew. */
struct state {
    int64_t known_ms; /* a time that has come for certain */
    int64_t wall_ms;  /* what the clock said */
    uint32_t term;    /* the longest rule under which months are still kept; 0: all are */
};

struct expiry {
    struct expiry_parts parts;
    pthread_mutex_t run_lock;
    struct state state; /* run_lock */
    bool has_state;     /* run_lock */

    pthread_mutex_t rule_lock;
    pthread_cond_t wake;
    struct log_rule rule; /* rule_lock */
    bool stopping;        /* rule_lock */
    bool news;            /* rule_lock: a rule was set */
    bool thread_runs;     /* rule_lock */
    pthread_t thread;
    uint32_t said_held; /* of the thread: what was said last is not said again each hour */
};

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static struct log_rule rule_of(struct expiry *expiry)
{
    struct log_rule rule;

    pthread_mutex_lock(&expiry->rule_lock);
    rule = expiry->rule;
    pthread_mutex_unlock(&expiry->rule_lock);
    return rule;
}

/* The first month that is not past the term yet. */
static uint32_t limit_of(uint32_t term, int64_t now_ms)
{
    uint32_t now = entry_month(now_ms);

    return term > 0 && now > term ? now - term : 0;
}

uint32_t expiry_hidden(struct expiry *expiry)
{
    return limit_of(rule_of(expiry).term_months, clock_ms());
}

/* ---- one destruction --------------------------------------------------------------------------------------------- */

static int remove_intent(struct expiry *expiry)
{
    if (unlinkat(expiry->parts.directory_fd, intent_name, 0) < 0)
        return -errno;
    return file_sync_directory(expiry->parts.directory_fd);
}

static int write_entry(struct expiry *expiry, const struct log_erasure *erasure)
{
    char name[16], rule[64];
    struct log_entry entry = {
        .time_ms = clock_ms(),
        .what = LOG_ERASE,
        .outcome = LOG_DONE,
        .uid = getuid(),
        .pid = getpid(),
        .name = name,
        .rule = rule,
        .count = erasure->count > UINT32_MAX ? UINT32_MAX : (uint32_t)erasure->count,
    };

    snprintf(name, sizeof name, "%d-%02d", 1970 + erasure->month / 12, erasure->month % 12 + 1);
    snprintf(rule, sizeof rule, "log-retention %u", (unsigned)erasure->rule.line);
    memcpy(entry.policy, erasure->rule.policy, sizeof entry.policy);
    return log_append_and_wait(expiry->parts.log, &entry);
}

/* All steps behind the intent; any of them may have been done already. */
static int carry_out(struct expiry *expiry, const struct log_erasure *erasure, struct report_why *why)
{
    const struct expiry_parts *parts = &expiry->parts;
    int error = write_entry(expiry, erasure);

    if (!error)
        error = notary_erase(parts->notary, erasure);
    if (error == -EAGAIN)
        return report_fail(why, error, "log: by the clock, a month whose destruction was begun is not past its term");
    if (!error)
        error = months_destroy(parts->months, erasure);
    if (!error)
        error = index_clear_month(parts->index, erasure->month, log_size(parts->log), why);
    if (!error)
        error = remove_intent(expiry);
    return error;
}

static void say_done(const struct log_erasure *erasure)
{
    report(REPORT_INFO,
           "log: month %d-%02d is erased under the log's term of %u month%s: entries %llu to %llu, %llu of them",
           1970 + erasure->month / 12, erasure->month % 12 + 1, (unsigned)erasure->rule.term_months,
           erasure->rule.term_months == 1 ? "" : "s", (unsigned long long)erasure->first,
           (unsigned long long)erasure->last, (unsigned long long)erasure->count);
}

static int destroy(struct expiry *expiry, const struct log_erasure *erasure, struct report_why *why)
{
    uint8_t intent[ERASURE_SLOT_BYTES];
    int error;

    erasure_to_slot(erasure, intent);
    error = months_keep(expiry->parts.months, expiry->parts.directory_fd, intent_name, intent, sizeof intent);
    if (!error)
        error = carry_out(expiry, erasure, why);
    if (!error)
        say_done(erasure);
    return error;
}

/* An intent that was not written by this is none, and stays where it is: somebody should look into it. */
static int finish_begun(struct expiry *expiry, struct report_why *why)
{
    struct log_erasure erasure;
    uint8_t intent[ERASURE_SLOT_BYTES];
    int error = months_kept(expiry->parts.months, expiry->parts.directory_fd, intent_name, intent, sizeof intent);

    if (error == -ENOENT)
        return 0;
    if (error == -EBADMSG || (!error && !erasure_from_slot(intent, &erasure))) {
        report(REPORT_ERROR, "log: the file '%s' was not written by this log; it is passed over", intent_name);
        return 0;
    }
    if (!error)
        error = carry_out(expiry, &erasure, why);
    if (!error)
        say_done(&erasure);
    return error;
}

/* ---- what the last run knew ----------------------------------------------------------------------------------------- */

static int save_state(struct expiry *expiry)
{
    uint8_t bytes[STATE_BYTES] = {0};

    bytes_put_u64(bytes + T_KNOWN, (uint64_t)expiry->state.known_ms);
    bytes_put_u64(bytes + T_WALL, (uint64_t)expiry->state.wall_ms);
    bytes_put_u32(bytes + T_TERM, expiry->state.term);
    return months_keep(expiry->parts.months, expiry->parts.directory_fd, state_name, bytes, sizeof bytes);
}

static int load_state(struct expiry *expiry, const struct log_rule *rule, int64_t now_ms)
{
    struct state *state = &expiry->state;
    uint8_t bytes[STATE_BYTES];
    int error;

    if (expiry->has_state)
        return 0;
    error = months_kept(expiry->parts.months, expiry->parts.directory_fd, state_name, bytes, sizeof bytes);
    if (error && error != -ENOENT && error != -EBADMSG)
        return error;
    if (error) {
        /* Nothing is known: a log that has something that is due by now has all of it wait. */
        bool due = months_next(expiry->parts.months, 0, limit_of(rule->term_months, now_ms)) >= 0;

        *state = (struct state){.known_ms = due ? 0 : now_ms, .wall_ms = now_ms};
    } else {
        *state = (struct state){.known_ms = (int64_t)bytes_get_u64(bytes + T_KNOWN),
                                .wall_ms = (int64_t)bytes_get_u64(bytes + T_WALL),
                                .term = bytes_get_u32(bytes + T_TERM)};
    }
    expiry->has_state = true;
    return 0;
}

/* Time goes on by what the clock went on, unless that is a leap; while the store was closed for longer, it is taken to have
 * stood still. A clock that is set back is believed: that destroys less. */
static void go_on(struct state *state, int64_t now_ms)
{
    int64_t step_ms = now_ms - state->wall_ms;

    if (step_ms >= 0 && step_ms <= LEAP_MS)
        state->known_ms += step_ms;
    if (state->known_ms > now_ms)
        state->known_ms = now_ms;
    state->wall_ms = now_ms;
}

/* A longer rule holds at once. A shorter one is the one that keeps as soon as it makes nothing due that is still there. */
static void adopt_rule(struct expiry *expiry, const struct log_rule *rule, int64_t now_ms)
{
    struct state *state = &expiry->state;

    if (rule->term_months == 0 || (state->term > 0 && state->term < rule->term_months) ||
        months_next(expiry->parts.months, limit_of(state->term, now_ms), limit_of(rule->term_months, now_ms)) < 0)
        state->term = rule->term_months;
}

static void note_run(struct expiry *expiry, const struct log_rule *rule, int64_t now_ms, bool confirmed)
{
    go_on(&expiry->state, now_ms);
    if (confirmed)
        expiry->state = (struct state){.known_ms = now_ms, .wall_ms = now_ms, .term = rule->term_months};
    adopt_rule(expiry, rule, now_ms);
}

/* Months below this one may be destroyed: the rule of now and the one that kept both have them due, at a certain time. */
static uint32_t certain_limit(const struct state *state, const struct log_rule *rule)
{
    uint32_t by_rule = limit_of(rule->term_months, state->known_ms);
    uint32_t by_state = limit_of(state->term, state->known_ms);

    return by_rule < by_state ? by_rule : by_state;
}

/* ---- counting ------------------------------------------------------------------------------------------------------ */

struct due {
    uint32_t below; /* months from 0 on are counted, up to this one */
    struct log_erasure *months;
};

static void count_batch(struct due *due, const struct batch *batch)
{
    struct batch_entry entry = {0};

    for (size_t place = 0, left = batch->count; left > 0 && batch_next(batch, &place, &entry); left--) {
        struct log_erasure *month;

        if (entry.month >= due->below)
            continue;
        month = &due->months[entry.month];
        month->last = entry.leaf + 1;
        month->count++;
        if (month->first == 0)
            month->first = entry.leaf + 1;
    }
}

static int count_segment(struct expiry *expiry, uint32_t number, uint64_t durable, struct due *due)
{
    struct reader *reader = NULL;
    struct batch batch;
    uint64_t limit = segment_limit(expiry->parts.directory_fd, number);
    int step, error = reader_open(expiry->parts.directory_fd, number, SEGMENT_HEADER_BYTES, &reader);

    if (limit > durable)
        limit = durable;
    while (!error && (step = reader_next(reader, &batch)) != READER_END) {
        if (step == READER_BAD)
            step = reader_resync(reader) == 1 ? READER_BAD : -EBADMSG;
        if (step == -EBADMSG || (step == READER_BATCH && batch.first + batch.count > limit))
            break;
        if (step < 0)
            error = step;
        else if (step == READER_BATCH)
            count_batch(due, &batch);
    }
    reader_close(reader);
    return error;
}

/* The segments are the truth, and what verify will count too. */
static int count_due(struct expiry *expiry, struct due *due)
{
    uint64_t durable = log_size(expiry->parts.log);
    uint32_t first = 0, last = 0, number;
    int error = segment_range(expiry->parts.directory_fd, &first, &last);

    for (number = first; !error && number > 0;) {
        error = count_segment(expiry, number, durable, due);
        if (!error)
            error = segment_neighbour(expiry->parts.directory_fd, number, true, &number);
    }
    return error;
}

/* ---- a run --------------------------------------------------------------------------------------------------------- */

struct run {
    struct expiry *expiry;
    struct log_rule rule;
    int64_t now_ms;
    bool destroys;
    uint32_t certain; /* months below this one need no confirmation */
    log_each_erasure *each;
    void *context;
    struct report_why *why;
};

static void tell(struct run *run, const struct log_erasure *erasure, enum log_erasure_state state)
{
    if (run->each && run->each(run->context, erasure, state) < 0)
        run->each = NULL;
}

/* A key under which nothing was sealed yet leaves nothing to announce. */
static int run_month(struct run *run, struct log_erasure *erasure, uint32_t month)
{
    bool certain = month < run->certain;
    int error = 0;

    erasure->month = (uint16_t)month;
    erasure->time_s = run->now_ms / 1000;
    erasure->rule = run->rule;
    if (erasure->count == 0)
        return 0;
    if (certain && run->destroys)
        error = destroy(run->expiry, erasure, run->why);
    if (!error)
        tell(run, erasure, !certain ? LOG_HELD : run->destroys ? LOG_ERASED : LOG_DUE);
    return error;
}

static int run_months(struct run *run, uint32_t below)
{
    struct months *months = run->expiry->parts.months;
    struct due due = {.below = below};
    int month = months_next(months, 0, below), error;

    if (month < 0 || (!run->destroys && !run->each) ||
        (run->destroys && !run->each && (uint32_t)month >= run->certain))
        return 0;
    due.months = calloc(below, sizeof *due.months);
    error = due.months ? count_due(run->expiry, &due) : -ENOMEM;
    for (; !error && month >= 0; month = months_next(months, (uint32_t)month + 1, below))
        error = run_month(run, &due.months[month], (uint32_t)month);
    free(due.months);
    return error;
}

static int run_now(struct run *run, enum log_expire how, struct log_expired *out)
{
    struct expiry *expiry = run->expiry;
    struct state before;
    uint32_t below = limit_of(run->rule.term_months, run->now_ms);
    int error = how == LOG_EXPIRE_SHOW ? 0 : finish_begun(expiry, run->why);

    if (!error)
        error = load_state(expiry, &run->rule, run->now_ms);
    if (error)
        return error;
    before = expiry->state;
    note_run(expiry, &run->rule, run->now_ms, how == LOG_EXPIRE_CONFIRM);
    run->certain = certain_limit(&expiry->state, &run->rule);
    if (out)
        *out = (struct log_expired){
            .clock_leapt = limit_of(run->rule.term_months, expiry->state.known_ms) < below,
            .rule_shortened = expiry->state.term != run->rule.term_months,
            .known_ms = expiry->state.known_ms,
        };
    if (how == LOG_EXPIRE_SHOW)
        expiry->state = before; /* looking changes nothing */
    else
        error = save_state(expiry);
    return error ? error : run_months(run, below);
}

int expiry_run(struct expiry *expiry, int64_t now_ms, enum log_expire how, log_each_erasure *each, void *context,
               struct log_expired *out, struct report_why *why)
{
    struct report_why reason = {""};
    struct run run = {
        .expiry = expiry,
        .rule = rule_of(expiry),
        .now_ms = now_ms,
        .destroys = how != LOG_EXPIRE_SHOW,
        .each = each,
        .context = context,
        .why = &reason,
    };
    int error;

    pthread_mutex_lock(&expiry->run_lock);
    error = run_now(&run, how, out);
    pthread_mutex_unlock(&expiry->run_lock);
    if (error && reason.text[0])
        return report_fail(why, error, "%s", reason.text);
    return error ? report_fail(why, error, "log: months past their term can't be erased: %s", strerror(-error)) : 0;
}

/* ---- by itself ------------------------------------------------------------------------------------------------------ */

static int count_held(void *context, const struct log_erasure *erasure, enum log_erasure_state state)
{
    uint32_t *held = context;

    (void)erasure;
    *held += state == LOG_HELD;
    return 0;
}

static void run_by_itself(struct expiry *expiry)
{
    struct report_why why = {""};
    struct log_expired out = {0};
    uint32_t held = 0;
    int error = expiry_run(expiry, clock_ms(), LOG_EXPIRE_NOW, NULL, NULL, &out, &why);

    if (error)
        report(REPORT_ERROR, "%s; tried again within the hour", why.text);
    if (!error && (out.clock_leapt || out.rule_shortened))
        error = expiry_run(expiry, clock_ms(), LOG_EXPIRE_SHOW, count_held, &held, NULL, NULL);
    if (!error && held > 0 && held != expiry->said_held)
        report(REPORT_WARNING,
               "log: %u month%s past the term and hidden, but not erased, since %s; `dossier log expire` shows "
               "them, and --confirm by a second person erases them",
               (unsigned)held, held == 1 ? " is" : "s are",
               out.clock_leapt ? "the clock went ahead by more than 36 hours at once"
                               : "the policy shortened the term");
    expiry->said_held = held;
}

static void *run_thread(void *context)
{
    struct expiry *expiry = context;
    bool stopping = false;

    while (!stopping) {
        struct timespec until;

        run_by_itself(expiry);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += HOUR_S;
        pthread_mutex_lock(&expiry->rule_lock);
        while (!expiry->stopping && !expiry->news &&
               pthread_cond_timedwait(&expiry->wake, &expiry->rule_lock, &until) != ETIMEDOUT)
            ;
        expiry->news = false;
        stopping = expiry->stopping;
        pthread_mutex_unlock(&expiry->rule_lock);
    }
    return NULL;
}

void expiry_set_rule(struct expiry *expiry, const struct log_rule *rule, bool by_itself)
{
    pthread_mutex_lock(&expiry->rule_lock);
    expiry->rule = *rule;
    expiry->news = true;
    /* Where there never was a rule there is nothing to do, nor to remember. */
    if (by_itself && !expiry->thread_runs &&
        (rule->term_months > 0 || faccessat(expiry->parts.directory_fd, state_name, F_OK, 0) == 0))
        expiry->thread_runs = pthread_create(&expiry->thread, NULL, run_thread, expiry) == 0;
    pthread_cond_signal(&expiry->wake);
    pthread_mutex_unlock(&expiry->rule_lock);
}

int expiry_start(const struct expiry_parts *parts, struct expiry **out)
{
    struct expiry *expiry = calloc(1, sizeof *expiry);
    struct report_why why = {""};
    pthread_condattr_t monotonic;
    int error;

    if (!expiry)
        return -ENOMEM;
    expiry->parts = *parts;
    pthread_mutex_init(&expiry->run_lock, NULL);
    pthread_mutex_init(&expiry->rule_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&expiry->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    error = finish_begun(expiry, &why);
    if (error)
        report(REPORT_ERROR, "log: a month's destruction that was begun can't be finished yet: %s",
               why.text[0] ? why.text : strerror(-error));
    *out = expiry;
    return 0;
}

void expiry_stop(struct expiry *expiry)
{
    if (!expiry)
        return;
    if (expiry->thread_runs) {
        pthread_mutex_lock(&expiry->rule_lock);
        expiry->stopping = true;
        pthread_cond_signal(&expiry->wake);
        pthread_mutex_unlock(&expiry->rule_lock);
        pthread_join(expiry->thread, NULL);
    }
    pthread_cond_destroy(&expiry->wake);
    pthread_mutex_destroy(&expiry->rule_lock);
    pthread_mutex_destroy(&expiry->run_lock);
    free(expiry);
}

/* ---- what questions leave out ---------------------------------------------------------------------------------------- */

static bool within(uint32_t month, int64_t from_ms, int64_t to_ms)
{
    int64_t end_ms = month >= UINT16_MAX ? INT64_MAX : entry_month_start_ms((uint16_t)(month + 1));

    return (!from_ms || end_ms > from_ms) && (!to_ms || entry_month_start_ms((uint16_t)month) < to_ms);
}

/* The lower of two months, of which -1 is none. */
static int lower(int one, int other)
{
    return one < 0 || (other >= 0 && other < one) ? other : one;
}

static int list_month(struct expiry *expiry, uint32_t month, uint32_t hidden, const struct log_rule *rule,
                      log_each_erasure *each, void *context)
{
    struct log_erasure erasure;
    int answer = 0;

    if (months_erasure(expiry->parts.months, (uint16_t)month, &erasure))
        answer = each(context, &erasure, LOG_ERASED);
    erasure = (struct log_erasure){.month = (uint16_t)month, .rule = *rule};
    if (answer >= 0 && months_next(expiry->parts.months, month, month + 1) >= 0 && month < hidden)
        answer = each(context, &erasure, LOG_HELD);
    return answer;
}

int expiry_list(struct expiry *expiry, int64_t from_ms, int64_t to_ms, log_each_erasure *each, void *context)
{
    struct log_rule rule = rule_of(expiry);
    uint32_t hidden = expiry_hidden(expiry);
    int answer = 0;

    for (uint32_t from = 0; answer >= 0;) {
        int month =
            lower(months_next_erased(expiry->parts.months, from), months_next(expiry->parts.months, from, hidden));

        if (month < 0)
            return 0;
        if (within((uint32_t)month, from_ms, to_ms))
            answer = list_month(expiry, (uint32_t)month, hidden, &rule, each, context);
        from = (uint32_t)month + 1;
    }
    return answer;
}
