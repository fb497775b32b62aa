#include "fs/gate/log_term.h"

#include <errno.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "fs/gate/inside.h"
#include "fs/gate/reload.h"

/* Unmounted, months are hidden all the same, and destroyed by hand. */
void log_term_set(struct gate *gate, const struct policy *policy)
{
    struct log_rule rule = {.term_months = policy->log.retention_months, .line = policy->log.retention_line};

    memcpy(rule.policy, policy->hash, sizeof rule.policy);
    log_set_rule(gate->log, &rule, gate->mounted);
}

static int second_person(struct gate *gate, const struct gate_person *person, struct report_why *why)
{
    struct log_expired now;
    uint32_t owner;
    int error = log_expire_due(gate->log, clock_now_ms(), LOG_EXPIRE_SHOW, NULL, NULL, &now, why);

    if (error || !now.rule_shortened)
        return error;
    if (!reload_owner(gate, &owner))
        return report_fail(
            why, -EACCES,
            "the policy shortened the log's term, and it is not known whose file it was: confirm while the "
            "store is mounted with it");
    if (owner == person->uid)
        return report_fail(
            why, -EACCES,
            "the policy shortened the log's term, and its file is yours (uid %u): somebody else has to "
            "confirm",
            (unsigned)owner);
    return 0;
}

/* Who vouched for what is destroyed next, or was not let, is in the log in front of it. */
static int note_confirmation(struct gate *gate, const struct gate_person *person, bool refused,
                             struct report_why *why)
{
    struct log_entry entry;
    int error;

    gate_entry_person(gate, person, LOG_COMMAND, refused ? LOG_REFUSED : LOG_DONE, &entry);
    entry.name = "log.expire --confirm";
    entry.rule = refused ? "second-person" : "";
    error = log_append_and_wait(gate->log, &entry);
    return error ? report_fail(why, -EIO, "the processing log can't be written, so nothing is done: %s",
                               strerror(-error))
                 : 0;
}

static int confirm(struct gate *gate, const struct gate_person *person, struct report_why *why)
{
    int refused = second_person(gate, person, why);
    int error = !refused || refused == -EACCES ? note_confirmation(gate, person, refused != 0, why) : 0;

    return refused ? refused : error;
}

int gate_log_expire(struct gate *gate, const struct gate_person *person, enum log_expire how, log_each_erasure *each,
                    void *context, struct log_expired *out, struct report_why *why)
{
    int error = gate_command(gate, person, "log.expire", why);

    if (!error && how == LOG_EXPIRE_CONFIRM)
        error = confirm(gate, person, why);
    return error ? error : log_expire_due(gate->log, clock_now_ms(), how, each, context, out, why);
}

int gate_log_erasures(struct gate *gate, int64_t from_ms, int64_t to_ms, log_each_erasure *each, void *context)
{
    return log_erasures(gate->log, from_ms, to_ms, each, context);
}
