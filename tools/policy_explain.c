/* policy explain: what a policy shows to a person, and the line that decides. No dossier is looked at: that one is there,
 * with every field and every fact that lets it show, is assumed, and said. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "fs/base/number.h"
#include "fs/gate/clock.h"
#include "fs/gate/gate.h"
#include "policy/explain.h"
#include "policy/mask.h"
#include "tools/commands.h"
#include "tools/moment.h"
#include "tools/place.h"
#include "tools/policy_names.h"
#include "tools/table.h"

struct question {
    struct command_context *context;
    struct policy *policy;
    struct gate_person person;
    bool has_account;
    struct policy_standing standing;
    int purpose, field; /* field -1: all */
    unsigned kind;
    int64_t at_s;
};

/* ---- what is asked -------------------------------------------------------------------------------------------- */

/* Index of a name that the policy must know. */
static int take_name(struct question *question, enum policy_names_of part, int *index)
{
    const char *word = policy_names_word(part), *name = commands_option(question->context, word), *nearest = NULL;

    if (!name)
        return COMMAND_DONE;
    *index = policy_names_find(question->policy, part, name, &nearest);
    if (*index >= 0)
        return COMMAND_DONE;
    return commands_cannot(question->context, "the policy has no %s \"%.63s\"%s%s%s", word, name,
                           nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static int take_names(struct question *question)
{
    int kind = -1;

    question->purpose = question->field = -1;
    if (take_name(question, POLICY_PURPOSES, &question->purpose) != COMMAND_DONE ||
        take_name(question, POLICY_FIELDS, &question->field) != COMMAND_DONE ||
        take_name(question, POLICY_KINDS, &kind) != COMMAND_DONE)
        return COMMAND_CANNOT;
    if (question->purpose < 0)
        return commands_cannot(question->context, "for which purpose? --purpose PURPOSE");
    question->kind = (unsigned)kind;
    if (kind < 0) {
        uint32_t kinds = question->policy->purposes[question->purpose].kinds;

        question->kind = kinds ? (unsigned)__builtin_ctz(kinds) : 0;
    }
    return COMMAND_DONE;
}

static int take_time(struct question *question)
{
    const char *text = commands_option(question->context, "at");
    struct report_why why = {""};
    bool is_day;

    if (clock_set_zone(question->policy->timezone, &why) < 0)
        return commands_cannot(question->context, "%s", why.text);
    question->at_s = clock_now_s();
    if (text && moment_parse(text, question->at_s, &question->at_s, &is_day) < 0)
        return commands_cannot(question->context, "--at: \"%.40s\" is no time: %s", text, moment_allowed);
    return COMMAND_DONE;
}

/* A name without an account here is judged by the name alone: a policy may be tried out on another machine. */
static int take_user(struct question *question)
{
    const char *user = commands_option(question->context, "user");
    const struct passwd *account;
    struct policy_caller caller;
    uint32_t uid = UINT32_MAX;
    int result = 0;

    if (!user)
        return commands_cannot(question->context, "whose view? --user USER or a uid");
    if (number_parse_u32(user, strlen(user), 0, UINT32_MAX - 1, &uid) < 0) {
        errno = 0;
        account = getpwnam(user);
        if (account)
            uid = account->pw_uid;
        else if (strlen(user) >= GATE_USER_MAX_BYTES)
            return commands_cannot(question->context, "--user: no account has such a long name");
    }
    if (uid != UINT32_MAX)
        result = gate_person_look_up(uid, 0, &question->person);
    if (result < 0)
        return commands_cannot(question->context, "who %s is can't be looked up now (NSS)", user);
    question->has_account = uid != UINT32_MAX && question->person.user[0];
    question->person.uid = uid;
    if (uid == UINT32_MAX)
        memcpy(question->person.user, user, strlen(user) + 1);
    caller = (struct policy_caller){.uid = uid,
                                    .user = question->person.user[0] ? question->person.user : NULL,
                                    .groups = (const char *const *)question->person.groups,
                                    .group_count = question->person.group_count};
    question->standing = policy_match(question->policy, &caller, clock_day_of(question->at_s));
    return COMMAND_DONE;
}

/* ---- what is answered ----------------------------------------------------------------------------------------- */

static void print_head(const struct question *question)
{
    FILE *out = question->context->out;
    const struct policy *policy = question->policy;
    char time[MOMENT_BYTES];
    const char *between = "";

    moment_print(question->at_s * 1000, time);
    fprintf(out, "person    %s", question->person.user[0] ? question->person.user : "(no account)");
    if (question->person.uid != UINT32_MAX)
        fprintf(out, ", uid %u", question->person.uid);
    if (!question->has_account)
        fputs("; no account here, so no groups", out);
    for (unsigned i = 0; i < question->person.group_count; i++)
        fprintf(out, "%s%s", i ? ", " : "; groups: ", question->person.groups[i]);
    fputs("\nroles     ", out);
    for (unsigned i = 0; i < policy->role_count; i++)
        if (question->standing.roles >> i & 1) {
            fprintf(out, "%s%s", between, policy->roles[i].name);
            between = ", ";
        }
    fprintf(out, "%s\nsecrecy   %s\n", question->standing.roles ? "" : "none",
            question->standing.bound ? "bound" : "not bound on this day");
    fprintf(out, "purpose   %s, for a dossier of kind %s\nat        %s\n\n", policy->purposes[question->purpose].name,
            policy->kinds[question->kind].name, time);
}

static struct decide_facts assumed(const struct question *question)
{
    return (struct decide_facts){.kind = (int)question->kind,
                                 .present = true,
                                 .ends_s = INT64_MAX,
                                 .dossier = &decide_favourable,
                                 .own = true};
}

static void describe(const struct question *question, const struct decision *decision, struct buffer *text)
{
    static const char *const words[] = {"hidden", "shown", "masked"};

    buffer_append_text(text, words[decision->verdict]);
    if (decision->verdict == VERDICT_MASKED) {
        buffer_append_text(text, ": ");
        mask_describe(&decision->mask, text);
    }
    (void)question;
}

static int print_table(const struct question *question)
{
    static const struct table_column columns[] = {
        {"FIELD", TABLE_LEFT}, {"VERDICT", TABLE_LEFT}, {"BECAUSE", TABLE_SHRINKS}, {NULL, 0}};
    const struct command_context *context = question->context;
    const struct policy *policy = question->policy;
    const struct decide_facts facts = assumed(question);
    struct table *table = NULL;
    int result = table_new(context->out, columns, true, context->out_is_terminal ? context->columns : 0, &table);

    for (unsigned i = 0; i < policy->field_count && result == 0; i++) {
        struct buffer verdict = BUFFER_EMPTY, because = BUFFER_EMPTY;
        struct decision decision;

        if (!field_set_has(&policy->purposes[question->purpose].fields, i))
            continue;
        decision = decide(policy, &question->standing, question->purpose, (int)i, &facts, question->at_s);
        describe(question, &decision, &verdict);
        explain_sentence(policy, &decision, &because);
        const char *const cells[3] = {policy->fields[i].name, buffer_text(&verdict), buffer_text(&because)};

        result = verdict.failed || because.failed ? -ENOMEM : table_add(table, cells);
        buffer_clear(&verdict);
        buffer_clear(&because);
    }
    if (result == 0)
        result = table_print(table);
    table_free(table);
    return result;
}

/* Nothing that decides whether a field shows, but how often. */
static void print_limits(const struct question *question)
{
    const struct policy *policy = question->policy;

    for (unsigned i = 0; i < policy->role_count; i++) {
        const struct policy_role *role = &policy->roles[i];

        if ((question->standing.roles >> i & 1) && (role->purposes >> question->purpose & 1) &&
            role->dossiers_per_hour != 0)
            fprintf(question->context->out, "\nLimit: as %s at most %u different dossiers an hour  (%s:%u)\n",
                    role->name, (unsigned)role->dossiers_per_hour, policy->file, role->dossiers_line);
    }
}

static void print_chain(const struct question *question)
{
    FILE *out = question->context->out;
    const struct decide_facts facts = assumed(question);
    struct explain_step steps[EXPLAIN_STEPS];
    struct buffer verdict = BUFFER_EMPTY;
    struct decision decision = explain(question->policy, &question->standing, question->purpose, question->field,
                                       &facts, question->at_s, steps);

    for (unsigned i = 0; i < EXPLAIN_STEPS; i++) {
        const struct explain_step *step = &steps[i];
        const char *mark = !step->checked ? "   -" : step->pass ? "  ok" : "=> no";

        fprintf(out, "%5s  %s", mark, step->text);
        if (step->checked && step->line)
            fprintf(out, "  (%s:%u)", question->policy->file, step->line);
        fputc('\n', out);
    }
    describe(question, &decision, &verdict);
    fprintf(out, "\n%s is %s", question->policy->fields[question->field].name, buffer_text(&verdict));
    /* What hides it is marked above, with its line. */
    if (decision.verdict != VERDICT_HIDDEN && decision.line)
        fprintf(out, "  (%s:%u)", question->policy->file, decision.line);
    fputc('\n', out);
    buffer_clear(&verdict);
}

int policy_explain_run(struct command_context *context)
{
    struct question question = {.context = context};
    int code;

    if (!context->place.policy)
        return commands_cannot(context, "which policy? -n NAME or -p POLICY");
    code = place_read_policy(context->place.policy, &question.policy, context->error);
    if (code == COMMAND_DONE)
        code = take_names(&question);
    if (code == COMMAND_DONE)
        code = take_time(&question);
    if (code == COMMAND_DONE)
        code = take_user(&question);
    if (code == COMMAND_DONE) {
        print_head(&question);
        if (question.field >= 0)
            print_chain(&question);
        else if (print_table(&question) < 0)
            code = commands_cannot(context, "no memory");
        print_limits(&question);
        fputs("\nAssumed: the dossier is there, has a value for the field, and no term has ended; consents are "
              "given, and"
              " nothing\nis objected to or restricted; incidents and calamities are open; it is in every caseload, "
              "and written"
              " by this person.\n",
              context->out);
    }
    gate_person_clear(&question.person);
    policy_free(question.policy);
    return code;
}
