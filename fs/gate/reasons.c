/* The dossier's summary is read anew into a table of one, under the policy that this thread holds: the gate's own table belongs to
 * the policy in force from moment to moment. The rest is what an open does: sight_facts() and sight_field_facts(). */
#include "fs/gate/reasons.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "fs/gate/inside.h"
#include "fs/gate/sight.h"
#include "fs/gate/tables.h"

/* One dossier, as the policy sees it. */
struct one {
    struct dossiers_numbers numbers;
    struct dossiers *dossiers;
    struct store_reader *reader;
};

struct asking {
    struct gate *gate;
    const struct gate_person *person;
    const struct gate_reasons_question *question;
    struct gate_reasons *reasons;
    struct report_why *why;
};

static int find_names(struct asking *asking)
{
    const struct gate_reasons_question *question = asking->question;
    struct gate_reasons *reasons = asking->reasons;

    reasons->purpose = policy_find_purpose(gate_policy(asking->gate), question->purpose);
    reasons->field = question->field ? policy_find_field(gate_policy(asking->gate), question->field) : -1;
    if (reasons->purpose < 0)
        return report_fail(asking->why, -EINVAL, "the policy has no such purpose");
    return question->field && reasons->field < 0 ? report_fail(asking->why, -EINVAL, "the policy has no such field")
                                                 : 0;
}

static int find_person(struct asking *asking)
{
    int error = gate_person_find(asking->question->user, &asking->reasons->whose);

    if (error == -ENOENT)
        return report_fail(asking->why, error, "no account has this name");
    return error ? report_fail(asking->why, error, "who this is can't be looked up now (NSS)") : 0;
}

/* Durable before anything is told. `subject` is a keyed hash of a code that has no dossier, as in any refusal. */
static int write_entry(struct asking *asking, uint64_t subject, enum log_outcome outcome)
{
    const struct gate_reasons_question *question = asking->question;
    const struct policy_standing standing = gate_standing(asking->gate, asking->person);
    const char *user = asking->reasons->whose.user;
    char roles[512], name[GATE_USER_MAX_BYTES + POLICY_NAME_MAX_BYTES + 8];
    struct log_entry entry;
    int error;

    gate_entry_person(asking->gate, asking->person, LOG_EXPLAIN, outcome, &entry);
    gate_role_names(gate_policy(asking->gate), standing.roles, roles, sizeof roles);
    snprintf(name, sizeof name, "%s%s%s", user[0] ? user : question->user, question->field ? ": " : "",
             question->field ? question->field : "");
    entry.role = roles;
    entry.subject = subject;
    entry.purpose = question->purpose;
    entry.name = name;
    entry.rule = outcome == LOG_REFUSED ? decide_rule_name(DECIDE_ABSENT) : "";
    error = log_append_and_wait(asking->gate->log, &entry);
    return error ? report_fail(asking->why, -EIO, "the processing log can't be written, so nothing is told") : 0;
}

static int load(struct asking *asking, const struct store_subject *subject, struct one *one)
{
    const struct policy *policy = gate_policy(asking->gate);
    int error = dossiers_new(policy, &one->dossiers);

    tables_find_numbers(asking->gate->store, policy, &one->numbers);
    if (!error)
        error = dossiers_put(one->dossiers, &one->numbers, subject);
    return error ? report_fail(asking->why, error,
                               error == -EINVAL ? "the dossier does not fit the policy" : "no memory")
                 : 0;
}

static void take_facts(struct asking *asking, const struct one *one)
{
    const struct policy *policy = gate_policy(asking->gate);
    const struct sight_source source = {policy, one->dossiers, &one->numbers, one->reader};
    const struct dossier dossier = dossiers_get(one->dossiers, 0);
    struct gate_reasons *reasons = asking->reasons;
    int64_t until_s, next_s;

    reasons->now_s = clock_now_s();
    next_s = reasons->now_s + 1; /* what began in this second keeps what ends in the next */
    reasons->kind = dossier.kind;
    sight_facts(&source, reasons->whose.uid, reasons->standing.roles, reasons->purpose, &dossier, reasons->now_s,
                &reasons->dossier, &until_s);
    for (unsigned field = 0; field < policy->field_count; field++)
        reasons->fields[field] = sight_field_facts(policy, one->dossiers, &dossier, &reasons->dossier, field);
    for (unsigned i = 0; i < policy->category_count; i++)
        if (facts_ends_s(dossiers_facts(one->dossiers, 0), i, next_s) > next_s)
            reasons->kept |= (uint64_t)1 << i;
}

static int find_dossier(struct asking *asking)
{
    struct store_subject *subject = calloc(1, sizeof *subject);
    const char *code = asking->question->code;
    struct one one = {.dossiers = NULL};
    int error = subject ? store_reader_open(asking->gate->store, &one.reader) : -ENOMEM, logged = 0;

    if (error)
        report_fail(asking->why, error, "the store can't be read: %s", strerror(-error));
    else
        error = gate_find_subject(one.reader, code, subject, asking->why);
    if (!error)
        logged = write_entry(asking, subject->pseudonym, LOG_SHOWN);
    else if (error == -ENOENT)
        logged = write_entry(asking, gate_code_mark(asking->gate, code, strlen(code)), LOG_REFUSED);
    if (logged)
        error = logged;
    if (!error)
        error = load(asking, subject, &one);
    if (!error)
        take_facts(asking, &one);
    dossiers_free(one.dossiers);
    store_reader_close(one.reader);
    if (subject)
        explicit_bzero(subject, sizeof *subject);
    free(subject);
    return error;
}

int gate_reasons(struct gate *gate, const struct gate_person *person, const struct gate_reasons_question *question,
                 struct gate_reasons **out, struct report_why *why)
{
    struct asking asking = {gate, person, question, calloc(1, sizeof *asking.reasons), why};
    int error = asking.reasons ? gate_command(gate, person, "policy.explain", why) : -ENOMEM;

    if (!error)
        error = find_names(&asking);
    if (!error)
        error = find_person(&asking);
    if (!error) {
        asking.reasons->standing = gate_standing(gate, &asking.reasons->whose);
        error = find_dossier(&asking);
    }
    if (error) {
        gate_reasons_free(asking.reasons);
        return error;
    }
    *out = asking.reasons;
    return 0;
}

void gate_reasons_free(struct gate_reasons *reasons)
{
    if (!reasons)
        return;
    gate_person_clear(&reasons->whose);
    free(reasons);
}
