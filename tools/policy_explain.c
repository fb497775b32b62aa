/* policy explain: what a policy shows to a person, and the line that decides. Of the policy alone: that a dossier is there, with
 * every field and every fact that lets it show, is assumed, and said. With --dossier: of a dossier, with what is so for it now. */
#include <errno.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "fs/gate/reasons.h"
#include "policy/explain.h"
#include "policy/mask.h"
#include "tools/commands.h"
#include "tools/dossier_state.h"
#include "tools/moment.h"
#include "tools/place.h"
#include "tools/policy_names.h"
#include "tools/table.h"

struct question {
    struct command_context *context;
    const struct policy *policy;
    const struct gate_reasons *reasons; /* of a dossier; NULL: of the policy alone */
    const struct gate_person *person;
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
static int take_user(struct question *question, struct gate_person *person)
{
    const char *user = commands_option(question->context, "user");
    int error = gate_person_find(user, person);
    struct policy_caller caller;

    if (error == -ENOENT && strlen(user) >= GATE_USER_MAX_BYTES)
        return commands_cannot(question->context, "--user: no account has such a long name");
    if (error == -ENOENT) {
        person->uid = UINT32_MAX;
        memcpy(person->user, user, strlen(user) + 1);
    } else if (error) {
        return commands_cannot(question->context, "who %s is can't be looked up now (NSS)", user);
    }
    question->person = person;
    caller = (struct policy_caller){.uid = person->uid,
                                    .user = person->user[0] ? person->user : NULL,
                                    .groups = (const char *const *)person->groups,
                                    .group_count = person->group_count};
    question->standing = policy_match(question->policy, &caller, clock_day_of(question->at_s));
    return COMMAND_DONE;
}

/* ---- what is answered ----------------------------------------------------------------------------------------- */

static void print_person(FILE *out, const struct gate_person *person)
{
    bool has_account = person->uid != UINT32_MAX && person->user[0];

    fprintf(out, "person    %s", person->user[0] ? person->user : "(no account)");
    if (person->uid != UINT32_MAX)
        fprintf(out, ", uid %u", person->uid);
    if (!has_account)
        fputs("; no account here, so no groups", out);
    for (unsigned i = 0; i < person->group_count; i++)
        fprintf(out, "%s%s", i ? ", " : "; groups: ", person->groups[i]);
}

static void print_head(const struct question *question)
{
    FILE *out = question->context->out;
    const struct policy *policy = question->policy;
    const char *between = "", *code = question->reasons ? commands_option(question->context, "dossier") : NULL;
    char time[MOMENT_BYTES];

    moment_print(question->at_s * 1000, time);
    print_person(out, question->person);
    fputs("\nroles     ", out);
    for (unsigned i = 0; i < policy->role_count; i++)
        if (question->standing.roles >> i & 1) {
            fprintf(out, "%s%s", between, policy->roles[i].name);
            between = ", ";
        }
    if (!question->standing.roles)
        fputs(question->person->user[0] ? "none" : "none: in the log a gap (no-account), and no denial", out);
    fprintf(out, "\nsecrecy   %s\n", question->standing.bound ? "bound" : "not bound on this day");
    fprintf(out, "purpose   %s, for %s%s of kind %s\nat        %s\n\n", policy->purposes[question->purpose].name,
            code ? "dossier " : "a dossier", code ? code : "", policy->kinds[question->kind].name, time);
}

static struct decide_facts facts_of(const struct question *question, unsigned field)
{
    if (question->reasons)
        return question->reasons->fields[field];
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
    struct table *table = NULL;
    int result = table_new(context->out, columns, true, context->out_is_terminal ? context->columns : 0, &table);

    for (unsigned i = 0; i < policy->field_count && result == 0; i++) {
        const struct decide_facts facts = facts_of(question, i);
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
    const struct decide_facts facts = facts_of(question, (unsigned)question->field);
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

/* The decision, and what it rests on. */
static int print_answer(const struct question *question)
{
    struct command_context *context = question->context;
    int error = 0;

    print_head(question);
    if (question->reasons) {
        error = dossier_state_print(context->out, context->out_is_terminal ? context->columns : 0, question->policy,
                                    question->reasons);
        fputc('\n', context->out);
    }
    if (question->field >= 0)
        print_chain(question);
    else if (!error)
        error = print_table(question);
    print_limits(question);
    fputs(
        question->reasons
            ? "\nNot looked at: from which program it is opened, and how many dossiers were opened within the hour.\n"
            : "\nAssumed: the dossier is there, has a value for the field, and no term has ended; consents are "
              "given, and nothing\nis objected to or restricted; incidents and calamities are open; it is in every "
              "caseload, and written by this person.\n",
        context->out);
    return error ? commands_cannot(context, "no memory") : COMMAND_DONE;
}

/* ---- of the policy alone, of a dossier ------------------------------------------------------------------------ */

static int explain_policy(struct command_context *context)
{
    struct question question = {.context = context};
    struct gate_person person = {0};
    struct policy *policy = NULL;
    int code;

    if (!context->place.policy)
        return commands_cannot(context, "which policy? -n NAME or -p POLICY");
    code = place_read_policy(context->place.policy, &policy, context->error);
    question.policy = policy;
    if (code == COMMAND_DONE)
        code = take_names(&question);
    if (code == COMMAND_DONE)
        code = take_time(&question);
    if (code == COMMAND_DONE)
        code = take_user(&question, &person);
    if (code == COMMAND_DONE)
        code = print_answer(&question);
    gate_person_clear(&person);
    policy_free(policy);
    return code;
}

/* What the gate refused. That it looked at the names means that the person may know which ones there are. */
static int failed(struct question *question, int error, const struct report_why *why)
{
    struct command_context *context = question->context;

    if (error == -EINVAL && take_names(question) != COMMAND_DONE)
        return COMMAND_CANNOT;
    commands_cannot(context, "%s", why->text[0] ? why->text : strerror(-error));
    return error == -EACCES || error == -ENOENT ? COMMAND_FAULTS : COMMAND_CANNOT;
}

static int explain_dossier(struct command_context *context)
{
    const struct gate_reasons_question asked = {.code = commands_option(context, "dossier"),
                                                .user = commands_option(context, "user"),
                                                .purpose = commands_option(context, "purpose"),
                                                .field = commands_option(context, "field")};
    struct question question = {.context = context, .policy = gate_policy(context->gate)};
    struct gate_reasons *reasons = NULL;
    struct report_why why = {""};
    int error, code;

    if (commands_option(context, "at") || commands_option(context, "kind"))
        return commands_cannot(context,
                               "--at and --kind are for the policy alone; of a dossier it is told what is so now");
    error = gate_reasons(context->gate, context->person, &asked, &reasons, &why);
    if (error)
        return failed(&question, error, &why);
    question.reasons = reasons;
    question.person = &reasons->whose;
    question.standing = reasons->standing;
    question.purpose = reasons->purpose;
    question.field = reasons->field;
    question.kind = reasons->kind;
    question.at_s = reasons->now_s;
    code = print_answer(&question);
    gate_reasons_free(reasons);
    return code;
}

int policy_explain_run(struct command_context *context)
{
    if (!commands_option(context, "user"))
        return commands_cannot(context, "whose view? --user USER or a uid");
    if (!commands_option(context, "purpose"))
        return commands_cannot(context, "for which purpose? --purpose PURPOSE");
    return context->gate ? explain_dossier(context) : explain_policy(context);
}
