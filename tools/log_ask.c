#include "tools/log_ask.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/number.h"
#include "fs/gate/clock.h"
#include "fs/gate/log_term.h"
#include "tools/moment.h"

enum { SUBJECT_DIGITS = 16 };

static int take_time(struct command_context *context, const char *option, bool end_of_day, int64_t *ms)
{
    const char *text = commands_option(context, option);
    int64_t second;
    bool is_day;

    if (!text)
        return COMMAND_DONE;
    if (moment_parse(text, clock_now_s(), &second, &is_day) < 0)
        return commands_cannot(context, "--%s: \"%.40s\" is no time: %s", option, text, moment_allowed);
    if (is_day && end_of_day)
        second = clock_first_second(clock_day_of(second) + 1);
    *ms = second * 1000;
    return COMMAND_DONE;
}

int log_ask_times(struct command_context *context, struct log_filter *filter)
{
    int code = take_time(context, "from", false, &filter->from_ms);

    return code == COMMAND_DONE ? take_time(context, "to", true, &filter->to_ms) : code;
}

/* Whether NSS says for certain that there is none; in the daemon, other threads ask at the same time. */
static bool has_no_account(const char *user)
{
    struct passwd account, *found = NULL;
    char room[16384];

    return getpwnam_r(user, &account, room, sizeof room, &found) == 0 && !found;
}

void log_ask_user(struct command_context *context, const char *user, struct log_filter *filter)
{
    if (user && number_parse_u32(user, strlen(user), 0, UINT32_MAX, &filter->uid) == 0)
        filter->has_uid = true;
    else
        filter->user = user;
    if (filter->user && has_no_account(user))
        fprintf(context->error, "dossier: no account \"%.63s\" here; entries are searched by that name alone\n",
                user);
}

static bool is_number(const char *code, uint64_t *number)
{
    if (code[0] != '~' || strlen(code) != SUBJECT_DIGITS + 1 ||
        strspn(code + 1, "0123456789abcdef") != SUBJECT_DIGITS)
        return false;
    *number = strtoull(code + 1, NULL, 16);
    return true;
}

void log_ask_subject(struct command_context *context, const char *code, struct gate_log_question *question)
{
    if (code && is_number(code, &question->number))
        return;
    question->code = code;
    if (code && policy_kind_of_code(gate_policy(context->gate), code, strlen(code)) < 0)
        fputs("dossier: no kind of dossier in the policy in force has codes like that one\n", context->error);
}

/* Months in a row under one rule are one line. */
struct left_out {
    struct command_context *context;
    struct log_erasure first, last;
    enum log_erasure_state state;
    bool some;
    uint64_t after; /* entries up to here are not asked for */
};

static void say_left_out(struct left_out *left_out)
{
    struct log_erasure whole = left_out->last;
    char text[LOG_ERASURE_NAME_BYTES];

    if (!left_out->some)
        return;
    whole.first = left_out->first.first;
    log_erasure_name(&whole, text);
    fputs("dossier: left out: ", left_out->context->error);
    if (left_out->first.month != whole.month)
        fprintf(left_out->context->error, "%d-%02d to ", 1970 + left_out->first.month / 12,
                left_out->first.month % 12 + 1);
    fprintf(left_out->context->error, "%s%s\n", text,
            left_out->state == LOG_ERASED ? ": erased" : ": past the term, hidden and not erased yet");
}

static bool goes_on(const struct left_out *left_out, const struct log_erasure *erasure, enum log_erasure_state state)
{
    const struct log_rule *one = &left_out->last.rule, *other = &erasure->rule;

    return left_out->some && left_out->state == state && erasure->month == left_out->last.month + 1 &&
           one->term_months == other->term_months && one->line == other->line &&
           memcmp(one->policy, other->policy, sizeof one->policy) == 0;
}

static int take_left_out(void *context, const struct log_erasure *erasure, enum log_erasure_state state)
{
    struct left_out *left_out = context;
    uint64_t count = erasure->count;

    if (count > 0 && erasure->last <= left_out->after)
        return 0;
    if (goes_on(left_out, erasure, state)) {
        count += left_out->last.count;
    } else {
        say_left_out(left_out);
        left_out->first = *erasure;
    }
    left_out->last = *erasure;
    left_out->last.count = count;
    left_out->state = state;
    left_out->some = true;
    return 0;
}

void log_ask_erased(struct command_context *context, const struct log_filter *filter)
{
    struct left_out left_out = {.context = context, .after = filter->after};

    gate_log_erasures(context->gate, filter->from_ms, filter->to_ms, take_left_out, &left_out);
    say_left_out(&left_out);
}

int log_ask_end(struct command_context *context, int result, const struct report_why *why)
{
    if (result == 0)
        return ferror(context->out) ? COMMAND_CANNOT : COMMAND_DONE;
    if (ferror(context->out))
        return COMMAND_CANNOT;
    commands_cannot(context, "%s",
                    why->text[0]         ? why->text
                    : result == -EINTR   ? "stopped"
                    : result == -EBADMSG ? "an entry of the log can't be read; dossier log verify tells more"
                                         : strerror(-result));
    return result == -EACCES ? COMMAND_FAULTS : COMMAND_CANNOT;
}
