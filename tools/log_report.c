/* log report: a period of the log as one page, for screen, telephone and paper: what was opened, day by day, by purpose, role and
 * program, what was refused, what stands out, and whether the log is what it was. Counts only: who did what is asked with `log did`,
 * and about whom with `log who-saw`. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "fs/gate/log_term.h"
#include "tools/log_ask.h"
#include "tools/moment.h"
#include "tools/progress.h"
#include "tools/report_page.h"

enum { DAYS_USUAL = 30, GROUPS_MAX = 1000 };
#define MONTH_MS (INT64_C(31) * 24 * 3600 * 1000)

struct log_report {
    struct command_context *context;
    struct report_counts counts;
    int64_t from_ms; /* entries before it only tell what people are used to */
    struct unusual_limits limits;
    struct unusual *unusual;
    enum wording_language language;
    struct progress progress;
};

/* ---- counting --------------------------------------------------------------------------------------------------- */

static int count_in(struct report_groups *groups, const char *name, uint64_t shown, uint64_t refused)
{
    size_t at = 0;

    while (at < groups->count && strcmp(groups->list[at].name, name) != 0)
        at++;
    if (at == GROUPS_MAX) {
        groups->others_shown += shown;
        groups->others_refused += refused;
        return 0;
    }
    if (at == groups->count) {
        struct report_group *list = realloc(groups->list, (groups->count + 1) * sizeof *list);

        if (!list)
            return -ENOMEM;
        groups->list = list;
        list[at] = (struct report_group){.name = strdup(name)};
        if (!list[at].name)
            return -ENOMEM;
        groups->count++;
    }
    groups->list[at].shown += shown;
    groups->list[at].refused += refused;
    return 0;
}

/* The rule's word, without the line of the policy behind it. */
static int count_rule(struct report_groups *groups, const char *rule, uint64_t refused)
{
    char word[64];

    snprintf(word, sizeof word, "%.*s", (int)strcspn(rule, " "), rule);
    return count_in(groups, word, 0, refused);
}

/* The entry's name begins with what was done (gate/registry.h). */
static void count_calamity(struct report_counts *counts, const struct log_entry *entry)
{
    static const char *const verbs[REPORT_CALAMITIES] = {"declare ", "end ", "review "};

    for (unsigned i = 0; i < REPORT_CALAMITIES && entry->what == LOG_CALAMITY && entry->outcome == LOG_DONE; i++)
        counts->calamities[i] += strncmp(entry->name, verbs[i], strlen(verbs[i])) == 0;
}

static int count(struct report_counts *counts, const struct log_entry *entry)
{
    bool opened = entry->what == LOG_FIELD || entry->what == LOG_DOSSIER || entry->what == LOG_LISTING;
    uint64_t shown = opened && (entry->outcome == LOG_SHOWN || entry->outcome == LOG_MASKED) ? entry->count : 0;
    uint64_t refused = log_outcome_is_refusal(entry->outcome) ? entry->count : 0;
    int32_t day = clock_day_of(entry->time_ms / 1000);
    int error;

    counts->entries++;
    counts->failed += entry->outcome == LOG_FAILED;
    count_calamity(counts, entry);
    if (shown == 0 && refused == 0)
        return 0;
    if (day >= counts->first_day && day <= counts->last_day) {
        counts->shown_on[day - counts->first_day] += shown;
        counts->refused_on[day - counts->first_day] += refused;
    }
    counts->shown += shown;
    counts->refused += refused;
    error = count_in(&counts->by[REPORT_BY_PURPOSE], entry->purpose, shown, refused);
    if (!error)
        error = count_in(&counts->by[REPORT_BY_ROLE], entry->role, shown, refused);
    if (!error)
        error = count_in(&counts->by[REPORT_BY_PROGRAM], entry->program, shown, refused);
    return error || refused == 0 ? error : count_rule(&counts->by[REPORT_BY_RULE], entry->rule, refused);
}

static int on_record(void *context, const struct log_record *record, const char *code)
{
    struct log_report *report = context;
    int64_t time_ms = record->entry.time_ms;
    int error;

    (void)code;
    if (commands_stopped(report->context))
        return -EINTR;
    if (progress_due(&report->progress))
        progress_show(&report->progress, "reading the log");
    if (record->erased) { /* only its month is known */
        report->counts.erased += time_ms > report->from_ms - MONTH_MS;
        return 0;
    }
    error = unusual_add(report->unusual, record);
    return error || time_ms < report->from_ms ? error : count(&report->counts, &record->entry);
}

/* ---- the state of the log --------------------------------------------------------------------------------------- */

static void show_progress(void *context, uint64_t done_bytes, uint64_t all_bytes)
{
    struct progress *progress = context;
    char text[80];

    if (!progress_due(progress))
        return;
    snprintf(text, sizeof text, "verifying: %" PRIu64 " of %" PRIu64 " MiB", done_bytes >> 20, all_bytes >> 20);
    progress_show(progress, text);
}

static void verify(struct log_report *report, struct verify_report *verified)
{
    char path[4096];
    const struct verify_options options = {.path = path,
                                           .key = commands_option(report->context, "pubkey"),
                                           .progress = show_progress,
                                           .context = &report->progress};

    snprintf(path, sizeof path, "%s/log", gate_store_path(report->context->gate));
    verify_log(&options, verified);
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static int take_period(struct log_report *report, struct log_filter *filter)
{
    struct report_counts *counts = &report->counts;
    int64_t now_s = clock_now_s();
    int code = log_ask_times(report->context, filter);

    if (code != COMMAND_DONE)
        return code;
    counts->last_day = clock_day_of(filter->to_ms ? filter->to_ms / 1000 - 1 : now_s);
    counts->first_day = filter->from_ms ? clock_day_of(filter->from_ms / 1000) : counts->last_day - (DAYS_USUAL - 1);
    if (counts->last_day < counts->first_day || counts->last_day - counts->first_day >= REPORT_MAX_DAYS)
        return commands_cannot(report->context, "a report is about one to %d days", REPORT_MAX_DAYS);
    report->from_ms = filter->from_ms ? filter->from_ms : clock_first_second(counts->first_day) * 1000;
    filter->from_ms = unusual_reads_from_ms(report->from_ms);
    if (!filter->to_ms)
        filter->to_ms = clock_first_second(counts->last_day + 1) * 1000;
    return COMMAND_DONE;
}

static int take_language(struct log_report *report)
{
    const char *word = commands_option(report->context, "language");

    if (!word)
        word = gate_policy(report->context->gate)->published.language;
    if (!*word || wording_find_language(word, &report->language))
        return COMMAND_DONE;
    return commands_cannot(report->context, "--language: there is no language \"%.40s\" here; allowed: en, nl", word);
}

static void report_free(struct log_report *report)
{
    for (unsigned i = 0; report && i < REPORT_GROUPINGS; i++) {
        for (size_t g = 0; g < report->counts.by[i].count; g++)
            free(report->counts.by[i].list[g].name);
        free(report->counts.by[i].list);
    }
    if (report)
        unusual_free(report->unusual);
    free(report);
}

/* A log that is not what it was is a fault, and the page says so too. */
static int tell_state(const struct log_report *report, const struct verify_report *verified)
{
    switch (verified->result) {
    case VERIFY_INTACT:
    case VERIFY_NOT_ANCHORED:
        return COMMAND_DONE;
    case VERIFY_IMPOSSIBLE:
        return commands_cannot(report->context, "the log can't be verified: %s", verified->text);
    case VERIFY_ALTERED:
    case VERIFY_SHORTER:
    case VERIFY_DAMAGED:
        break;
    }
    commands_cannot(report->context, "the log is not what it was: %s", verified->text);
    return COMMAND_FAULTS;
}

static int print(struct log_report *report, FILE *out)
{
    struct verify_report verified = {.result = VERIFY_IMPOSSIBLE};
    struct sent_place sent[POLICY_MAX_SENDS];
    struct report_page page = {.policy = gate_policy(report->context->gate),
                               .language = report->language,
                               .now_ms = clock_now_ms(),
                               .counts = &report->counts,
                               .verified = &verified,
                               .sent_count = gate_sent(report->context->gate, sent),
                               .sent = sent,
                               .limits = &report->limits};

    if (unusual_end(report->unusual, &page.findings, &page.finding_count) < 0)
        return commands_cannot(report->context, "no memory");
    verify(report, &verified);
    progress_erase(&report->progress);
    report_page_print(&page, out);
    return tell_state(report, &verified);
}

/* A month that ends within the period counts whole: more is not known of it. */
static int count_erased(void *context, const struct log_erasure *erasure, enum log_erasure_state state)
{
    struct log_report *report = context;

    (void)state;
    report->counts.erased += erasure->count;
    return 0;
}

int log_report_run(struct command_context *context)
{
    struct gate_log_question question = {.command = "log.report", .without_codes = true};
    struct log_report *report = calloc(1, sizeof *report);
    FILE *file = commands_option_stream(context, "output");
    struct report_why why = {""};
    int result, code, state = COMMAND_DONE;

    if (!report)
        return commands_cannot(context, "no memory");
    report->context = context;
    report->limits = unusual_limits_of(gate_policy(context->gate));
    code = take_period(report, &question.filter);
    if (code == COMMAND_DONE)
        code = take_language(report);
    if (code == COMMAND_DONE && unusual_new(&report->limits, report->from_ms, &report->unusual) < 0)
        code = commands_cannot(context, "no memory");
    if (code != COMMAND_DONE) {
        report_free(report);
        return code;
    }
    progress_init(&report->progress, context->error, context->error_is_terminal);
    result = gate_log_ask(context->gate, context->person, &question, on_record, report, &why);
    if (result == 0 || result == -EBADMSG)
        gate_log_erasures(context->gate, report->from_ms, question.filter.to_ms, count_erased, report);
    if (result == 0 || result == -EBADMSG)
        state = print(report, file ? file : context->out);
    progress_erase(&report->progress);
    if (result == 0 || result == -EBADMSG)
        log_ask_erased(context, &(struct log_filter){.from_ms = report->from_ms, .to_ms = question.filter.to_ms});
    report_free(report);
    code = log_ask_end(context, result, &why);
    return code == COMMAND_DONE ? state : code;
}
