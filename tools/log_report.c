/* log report: a period of the log as one page, for screen, telephone and paper: what was opened, day by day, by purpose, role and
 * program, and what was refused. Counts only: who did what is asked with `log did`, and about whom with `log who-saw`. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/gate/clock.h"
#include "tools/log_ask.h"
#include "tools/moment.h"
#include "tools/page.h"
#include "tools/progress.h"

enum { DAYS_USUAL = 30, DAYS_MAX = 400, GROUPS_MAX = 1000 };
enum { PLOT_WIDTH = 720, PLOT_HEIGHT = 180, PLOT_BELOW = 24 };

struct group {
    char *name;
    uint64_t shown, refused;
};

/* Groups by one member of the entries. */
struct groups {
    const char *title, *name; /* the heading, and what a row is */
    struct group *list;
    size_t count;
    uint64_t others_shown, others_refused; /* past GROUPS_MAX, which programs can name at will */
};

enum { BY_PURPOSE, BY_ROLE, BY_PROGRAM, BY_RULE, GROUPINGS };

struct log_report {
    struct command_context *context;
    int32_t first_day, last_day;
    uint64_t shown_on[DAYS_MAX], refused_on[DAYS_MAX];
    uint64_t entries, shown, refused, failed, erased;
    struct groups by[GROUPINGS];
    struct progress progress;
};

/* ---- counting --------------------------------------------------------------------------------------------------- */

static int count_in(struct groups *groups, const char *name, uint64_t shown, uint64_t refused)
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
        struct group *list = realloc(groups->list, (groups->count + 1) * sizeof *list);

        if (!list)
            return -ENOMEM;
        groups->list = list;
        list[at] = (struct group){.name = strdup(name)};
        if (!list[at].name)
            return -ENOMEM;
        groups->count++;
    }
    groups->list[at].shown += shown;
    groups->list[at].refused += refused;
    return 0;
}

/* The rule's word, without the line of the policy behind it. */
static int count_rule(struct groups *groups, const char *rule, uint64_t refused)
{
    char word[64];

    snprintf(word, sizeof word, "%.*s", (int)strcspn(rule, " "), rule);
    return count_in(groups, word, 0, refused);
}

static int on_record(void *context, const struct log_record *record, const char *code)
{
    struct log_report *report = context;
    const struct log_entry *entry = &record->entry;
    bool opened = entry->what == LOG_FIELD || entry->what == LOG_DOSSIER || entry->what == LOG_LISTING;
    uint64_t shown = opened && (entry->outcome == LOG_SHOWN || entry->outcome == LOG_MASKED) ? entry->count : 0;
    uint64_t refused = log_outcome_is_refusal(entry->outcome) ? entry->count : 0;
    int32_t day;
    int error;

    (void)code;
    if (commands_stopped(report->context))
        return -EINTR;
    if (progress_due(&report->progress))
        progress_show(&report->progress, "reading the log");
    report->entries++;
    report->erased += record->erased;
    report->failed += !record->erased && entry->outcome == LOG_FAILED;
    if (record->erased || (shown == 0 && refused == 0))
        return 0;
    day = clock_day_of(entry->time_ms / 1000);
    if (day >= report->first_day && day <= report->last_day) {
        report->shown_on[day - report->first_day] += shown;
        report->refused_on[day - report->first_day] += refused;
    }
    report->shown += shown;
    report->refused += refused;
    error = count_in(&report->by[BY_PURPOSE], entry->purpose, shown, refused);
    if (!error)
        error = count_in(&report->by[BY_ROLE], entry->role, shown, refused);
    if (!error)
        error = count_in(&report->by[BY_PROGRAM], entry->program, shown, refused);
    return error || refused == 0 ? error : count_rule(&report->by[BY_RULE], entry->rule, refused);
}

/* ---- the page --------------------------------------------------------------------------------------------------- */

static void print_day(int32_t day, char text[static 16])
{
    char moment[MOMENT_BYTES];

    moment_print(clock_first_second(day) * 1000, moment);
    snprintf(text, 16, "%.10s", moment);
}

/* Bars, a day each; what they say is in the table below too, which is the picture's text. */
static void plot(const struct log_report *report, FILE *out)
{
    unsigned days = (unsigned)(report->last_day - report->first_day) + 1;
    double step = (double)PLOT_WIDTH / days;
    uint64_t most = 1;
    char first[16], last[16];

    for (unsigned i = 0; i < days; i++)
        if (report->shown_on[i] > most)
            most = report->shown_on[i];
    print_day(report->first_day, first);
    print_day(report->last_day, last);
    fprintf(out,
            "<svg role=\"img\" viewBox=\"0 0 %d %d\" width=\"100%%\" xmlns=\"http://www.w3.org/2000/svg\">"
            "<title>Opened per day, from %s to %s; at most %" PRIu64 " on one day</title>\n",
            PLOT_WIDTH, PLOT_HEIGHT + PLOT_BELOW, first, last, report->shown ? most : 0);
    for (unsigned i = 0; i < days; i++) {
        double height = (double)report->shown_on[i] / (double)most * PLOT_HEIGHT;

        if (report->shown_on[i] > 0)
            fprintf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"currentColor\"/>\n",
                    i * step, PLOT_HEIGHT - height, step * 0.8, height);
    }
    fprintf(out,
            "<path d=\"M0 %d.5H%d\" stroke=\"currentColor\"/><text x=\"0\" y=\"%d\" font-size=\"14\" "
            "fill=\"currentColor\">%s</text><text x=\"%d\" y=\"%d\" font-size=\"14\" text-anchor=\"end\" "
            "fill=\"currentColor\">%s</text></svg>\n",
            PLOT_HEIGHT, PLOT_WIDTH, PLOT_HEIGHT + PLOT_BELOW - 4, first, PLOT_WIDTH, PLOT_HEIGHT + PLOT_BELOW - 4,
            last);
}

static void row(FILE *out, const char *const *names, const char *name, uint64_t shown, uint64_t refused)
{
    char numbers[2][24];

    snprintf(numbers[0], sizeof numbers[0], "%" PRIu64, shown);
    snprintf(numbers[1], sizeof numbers[1], "%" PRIu64, refused);
    page_table_row(out, names, (const char *[]){name, numbers[0], numbers[1]});
}

static void print_days(const struct log_report *report, FILE *out)
{
    static const char *const names[] = {"Day", "Opened", "Refused", NULL};
    char day[16];

    page_element(out, "h2", "Day by day");
    plot(report, out);
    page_table_begin(out, PAGE_WIDE, "Days on which something was opened or refused", names);
    for (int32_t i = 0; i <= report->last_day - report->first_day; i++) {
        print_day(report->first_day + i, day);
        if (report->shown_on[i] > 0 || report->refused_on[i] > 0)
            row(out, names, day, report->shown_on[i], report->refused_on[i]);
    }
    page_table_end(out);
}

static int by_shown(const void *one, const void *other)
{
    const struct group *left = one, *right = other;

    if (left->shown != right->shown)
        return left->shown > right->shown ? -1 : 1;
    if (left->refused != right->refused)
        return left->refused > right->refused ? -1 : 1;
    return strcmp(left->name, right->name);
}

static void print_groups(struct groups *groups, FILE *out)
{
    const char *const names[] = {groups->name, "Opened", "Refused", NULL};

    if (groups->count > 1)
        qsort(groups->list, groups->count, sizeof *groups->list, by_shown);
    page_element(out, "h2", groups->title);
    page_table_begin(out, PAGE_WIDE, groups->title, names);
    for (size_t i = 0; i < groups->count; i++)
        row(out, names, groups->list[i].name[0] ? groups->list[i].name : "(none)", groups->list[i].shown,
            groups->list[i].refused);
    if (groups->others_shown > 0 || groups->others_refused > 0)
        row(out, names, "(others)", groups->others_shown, groups->others_refused);
    page_table_end(out);
}

static void print_page(struct log_report *report, FILE *out)
{
    char title[96], first[16], last[16], text[256];

    print_day(report->first_day, first);
    print_day(report->last_day, last);
    snprintf(title, sizeof title, "Processing log, %s to %s", first, last);
    page_begin(out, "en", title);
    page_element(out, "p", gate_policy(report->context->gate)->organisation);
    snprintf(text, sizeof text,
             "%" PRIu64 " entries: %" PRIu64 " times something was opened, %" PRIu64
             " times something was refused, %" PRIu64 " failures.",
             report->entries, report->shown, report->refused, report->failed);
    page_element(out, "p", text);
    if (report->erased > 0) {
        snprintf(text, sizeof text, "%" PRIu64 " entries are not counted: they can't be opened any more.",
                 report->erased);
        page_element(out, "p", text);
    }
    page_element(out, "p",
                 "Whether the log is what it was is not said here: dossier log verify tells it, with a key or a "
                 "checkpoint that "
                 "is kept elsewhere.");
    print_days(report, out);
    for (unsigned i = 0; i < GROUPINGS; i++)
        print_groups(&report->by[i], out);
    page_end(out);
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static int take_period(struct log_report *report, struct log_filter *filter)
{
    int64_t now_s = clock_now_s();
    int code = log_ask_times(report->context, filter);

    if (code != COMMAND_DONE)
        return code;
    report->last_day = clock_day_of(filter->to_ms ? filter->to_ms / 1000 - 1 : now_s);
    report->first_day = filter->from_ms ? clock_day_of(filter->from_ms / 1000) : report->last_day - (DAYS_USUAL - 1);
    if (report->last_day < report->first_day || report->last_day - report->first_day >= DAYS_MAX)
        return commands_cannot(report->context, "a report is about one to %d days", DAYS_MAX);
    if (!filter->from_ms)
        filter->from_ms = clock_first_second(report->first_day) * 1000;
    if (!filter->to_ms)
        filter->to_ms = clock_first_second(report->last_day + 1) * 1000;
    return COMMAND_DONE;
}

static void clear(struct log_report *report)
{
    for (unsigned i = 0; i < GROUPINGS; i++) {
        for (size_t g = 0; g < report->by[i].count; g++)
            free(report->by[i].list[g].name);
        free(report->by[i].list);
    }
    free(report);
}

int log_report_run(struct command_context *context)
{
    struct gate_log_question question = {.command = "log.report", .without_codes = true};
    struct log_report *report = calloc(1, sizeof *report);
    FILE *file = commands_option_stream(context, "output");
    struct report_why why = {""};
    int result, code;

    if (!report)
        return commands_cannot(context, "no memory");
    report->context = context;
    report->by[BY_PURPOSE] = (struct groups){.title = "By purpose", .name = "Purpose"};
    report->by[BY_ROLE] = (struct groups){.title = "By role", .name = "Role"};
    report->by[BY_PROGRAM] = (struct groups){.title = "By program", .name = "Program"};
    report->by[BY_RULE] = (struct groups){.title = "Why it was refused", .name = "Rule"};
    code = take_period(report, &question.filter);
    if (code != COMMAND_DONE) {
        clear(report);
        return code;
    }
    progress_init(&report->progress, context->error, context->error_is_terminal);
    result = gate_log_ask(context->gate, context->person, &question, on_record, report, &why);
    progress_erase(&report->progress);
    if (result == 0 || result == -EBADMSG)
        print_page(report, file ? file : context->out);
    clear(report);
    return log_ask_end(context, result, &why);
}
