#include "fs/gate/entries.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "fs/gate/programs.h"
#include "policy/explain.h"

/* The roles of the caller that have the purpose, without those whose agreement is not in force: what made him come this way. */
uint64_t entries_roles(const struct gate *gate, const struct door_ask *ask)
{
    uint64_t roles = 0;

    for (unsigned i = 0; i < gate->policy->role_count && ask->purpose >= 0; i++)
        if ((ask->caller->standing.in_force >> i & 1) && (gate->policy->roles[i].purposes >> ask->purpose & 1))
            roles |= (uint64_t)1 << i;
    return roles;
}

void entries_start(struct gate *gate, const struct door_ask *ask, enum log_what what, enum log_outcome outcome,
                   char roles[512], struct log_entry *entry)
{
    gate_entry(gate, what, outcome, entry);
    entry->uid = ask->caller->uid;
    entry->pid = ask->pid;
    entry->user = ask->caller->person ? ask->caller->person->user : "";
    entry->program = programs_name(ask->pid, entry->time_ms / 1000);
    gate_role_names(gate->policy, entries_roles(gate, ask), roles, 512);
    entry->role = roles;
    if (ask->purpose >= 0) {
        entry->purpose = gate->policy->purposes[ask->purpose].name;
        entry->ground = gate->policy->purposes[ask->purpose].ground;
    }
}

int entries_queue(struct gate *gate, const struct log_entry *entry, door_done *done, void *context)
{
    /* A full queue and a lack of memory are the same to the caller: what can't be logged is not shown. */
    return log_append(gate->log, entry, done, context) == 0 ? 0 : -EIO;
}

/* -EIO: the look can't be logged, so there is no look. */
int entries_look(struct gate *gate, const struct door_ask *ask, uint32_t number, const char *name)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    struct noise_key key = {ask->caller->uid, ask->purpose, dossier.pseudonym, ENTRIES_LOOK, false};
    struct log_entry entry;
    char roles[512];

    if (!noise_first(gate->noise, &key, clock_now_s()))
        return 0;
    entries_start(gate, ask, LOG_LOOK, LOG_SHOWN, roles, &entry);
    entry.subject = dossier.pseudonym;
    entry.name = name;
    if (entries_queue(gate, &entry, NULL, NULL) == 0)
        return 0;
    noise_take_back(gate->noise, &key);
    return -EIO;
}

/* Why it can't be said who asks; NULL: it can. */
static const char *gap_of(const struct door_caller *caller, int32_t pid)
{
    if (caller->gap)
        return "identity";
    if (pid == 0)
        return "no-process";
    return gate_is_unknown(caller->person->user, &caller->standing) ? GATE_NO_ACCOUNT : NULL;
}

/* What a refusal was about, by the key under which it is counted. */
static enum log_what what_of(int leaf)
{
    switch (leaf) {
    case ENTRIES_LISTING:
        return LOG_LISTING;
    case ENTRIES_COMMAND:
        return LOG_COMMAND;
    case ENTRIES_LOG:
        return LOG_QUERY;
    default:
        return LOG_LOOK;
    }
}

/* What makes refusals the same. A dossier that isn't there is named by a keyed hash of its code, which looks like a subject's
 * number; both are looked up in any case, so that neither takes longer. */
static struct noise_key refusal_key(const struct gate *gate, const struct door_ask *ask, const char *code,
                                    size_t code_bytes, int leaf)
{
    uint64_t mark = gate_code_mark(gate, code, code_bytes);
    uint32_t number = dossiers_find(gate->dossiers, code, code_bytes);
    uint64_t subject = number == DOSSIERS_NONE ? mark : dossiers_get(gate->dossiers, number).pseudonym;

    return (struct noise_key){ask->caller->uid, ask->purpose, code_bytes > 0 ? subject : 0, leaf, true};
}

static void write_refusal(struct gate *gate, const struct door_ask *ask, const struct noise_key *key,
                          const char *code, size_t code_bytes, const char *name, const char *rule, const char *reason)
{
    const char *gap = gap_of(ask->caller, ask->pid);
    struct door_refusal refusal = {0};
    struct log_entry entry;
    char roles[512];

    entries_start(gate, ask, what_of(key->leaf), gap ? LOG_GAP : LOG_REFUSED, roles, &entry);
    entry.subject = key->subject;
    entry.rule = gap ? gap : rule;
    entry.name = name;
    entries_queue(gate, &entry, NULL, NULL);
    refusal.time_ms = entry.time_ms;
    snprintf(refusal.purpose, sizeof refusal.purpose, "%s", entry.purpose ? entry.purpose : "");
    snprintf(refusal.name, sizeof refusal.name, "%.*s%s%s", (int)code_bytes, code, code_bytes && name[0] ? "/" : "",
             name);
    snprintf(refusal.reason, sizeof refusal.reason, "%s",
             gap && strcmp(gap, GATE_NO_ACCOUNT) == 0 ? "no account has this uid, and no role names it" : reason);
    callers_refused(callers_own(ask->caller), &refusal);
}

void entries_refuse_because(struct gate *gate, const struct door_ask *ask, const char *code, size_t code_bytes,
                            int leaf, const char *name, const char *rule, const char *reason)
{
    struct noise_key key = refusal_key(gate, ask, code, code_bytes, leaf);

    if (noise_first(gate->noise, &key, clock_now_s()))
        write_refusal(gate, ask, &key, code, code_bytes, name, rule, reason);
}

/* The sentence is made for the first of equal refusals alone: the others are only counted, and whoever floods us makes many. */
void entries_refuse(struct gate *gate, const struct door_ask *ask, const char *code, size_t code_bytes, int leaf,
                    const char *name, const struct decision *decision)
{
    struct noise_key key = refusal_key(gate, ask, code, code_bytes, leaf);
    struct buffer reason = BUFFER_EMPTY;
    char rule[GATE_RULE_BYTES];

    if (!noise_first(gate->noise, &key, clock_now_s()))
        return;
    gate_rule_text(decide_rule_name(decision->rule), decision->line, rule);
    explain_sentence(gate->policy, decision, &reason);
    write_refusal(gate, ask, &key, code, code_bytes, name, rule, buffer_text(&reason));
    buffer_clear(&reason);
}

static void write_counted(void *context, const struct noise_key *key, uint32_t count)
{
    struct gate *gate = context;
    const struct door_caller *caller = NULL;
    struct log_entry entry;

    if (gate->identity && key->uid != NOISE_CROWD)
        caller = callers_get(gate->callers, key->uid);
    gate_entry(gate, what_of(key->leaf), caller && gap_of(caller, DOOR_NO_PROCESS) ? LOG_GAP : LOG_REFUSED, &entry);
    entry.uid = key->uid;
    entry.user = caller && caller->person ? caller->person->user : ""; /* empty if NSS was not asked in time */
    entry.count = count;
    if (key->purpose >= 0)
        entry.purpose = gate->policy->purposes[key->purpose].name;
    if (key->leaf == INT_MIN)
        entry.rule = "more than are written one by one";
    else
        entry.rule = "repeated";
    if (key->leaf == ENTRIES_LISTING)
        entry.name = entry.purpose;
    else if (key->leaf == ENTRIES_LOG)
        entry.name = gate->policy->mount.processing_log;
    else if (key->leaf != ENTRIES_COMMAND)
        entry.subject = key->subject;
    if (key->leaf >= 0)
        entry.name = gate->policy->fields[key->leaf].name;
    entries_queue(gate, &entry, NULL, NULL);
}

void entries_write_counted(struct gate *gate, bool all)
{
    noise_flush(gate->noise, clock_now_s(), all, write_counted, gate);
}
