/* What leaves here was decided in sight.c and is logged by entries.c; this file puts both in order: first the decision, then the
 * entry, and the answer only when the entry is durable. */
#include "fs/gate/door.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "fs/base/bytes.h"
#include "fs/gate/callers.h"
#include "fs/gate/clock.h"
#include "fs/gate/entries.h"
#include "fs/gate/inside.h"
#include "fs/gate/programs.h"
#include "fs/gate/reload.h"
#include "fs/gate/sight.h"

enum { CHANGES_PER_TICK = 256 };

const struct door_caller *door_caller(struct gate *gate, uint32_t uid)
{
    return callers_get(gate->callers, uid);
}

bool door_is_gap(const struct door_caller *caller)
{
    return caller->gap;
}

int door_wake_fd(const struct gate *gate)
{
    return gate->wake_fd;
}

void door_shown_clear(struct door_shown *shown)
{
    buffer_clear(&shown->text);
    shown->count = 0;
}

struct decision door_rule(struct gate *gate, const struct door_caller *caller, int purpose, int field, unsigned kind)
{
    return sight_rule(gate, caller, purpose, field, kind);
}

/* ---- looking --------------------------------------------------------------------------------------------------- */

bool door_sees(struct gate *gate, const struct door_ask *ask, uint32_t number)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);

    return !gate_is_gap(ask) && sight_sees(gate, ask, &dossier, clock_now_s());
}

int door_look_dossier(struct gate *gate, const struct door_ask *ask, const char *code, size_t code_bytes,
                      struct door_found *found)
{
    int kind = policy_kind_of_code(gate->policy, code, code_bytes);
    struct decision decision;
    uint32_t number;
    int error;

    if (kind < 0)
        return -ENOENT;
    number = dossiers_find(gate->dossiers, code, code_bytes);
    if (sight_sees_code(gate, ask, (unsigned)kind, number, code, code_bytes)) {
        error = entries_look(gate, ask, number, "");
        if (!error)
            *found = (struct door_found){
                .dossier = number, .version = dossiers_get(gate->dossiers, number).version, .ends_s = TERMS_NEVER};
        return error;
    }
    decision = sight_absent_unless_hidden(sight_rule(gate, ask->caller, ask->purpose, -1, (unsigned)kind));
    entries_refuse(gate, ask, code, code_bytes, ENTRIES_DOSSIER, "", &decision);
    return gate_is_gap(ask) ? -EIO : -ENOENT;
}

int door_look_leaf(struct gate *gate, const struct door_ask *ask, uint32_t dossier, int leaf,
                   struct door_found *found, struct door_shown *shown)
{
    struct decision decisions[POLICY_MAX_FIELDS];
    int error = sight_find_leaf(gate, ask, dossier, leaf, found, shown, decisions);

    if (!error)
        error = entries_look(gate, ask, dossier, leaf >= 0 ? gate->policy->fields[leaf].name : "");
    if (error)
        door_shown_clear(shown);
    return error;
}

void door_look_refused(struct gate *gate, const struct door_ask *ask, uint32_t number, const char *name)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    struct decision decision = {.rule = DECIDE_NO_PURPOSE, .role = -1};

    entries_refuse(gate, ask, dossier.code, strlen(dossier.code), ENTRIES_CATEGORY, name, &decision);
}

/* ---- programs and bulk ------------------------------------------------------------------------------------------ */

/* 0, or -EACCES, and it is logged. Only asked about what the caller sees, so it tells nothing. */
static int refuse_program(struct gate *gate, const struct door_ask *ask, const char *code, int leaf, const char *name)
{
    unsigned line = programs_refused(gate->policy, ask->pid, clock_now_s());
    char rule[GATE_RULE_BYTES], reason[200];

    if (line == 0)
        return 0;
    gate_rule_text("program", line, rule);
    snprintf(reason, sizeof reason, "program %s may open and list nothing here, %s:%u",
             programs_name(ask->pid, clock_now_s()), gate->policy->file, line);
    entries_refuse_because(gate, ask, code, strlen(code), leaf, name, rule, reason);
    return -EACCES;
}

/* Of the roles that show a field, the one whose limit counts: the most generous. -1: one of them has none. */
static int role_that_counts(const struct policy *policy, uint64_t roles)
{
    int chosen = -1;

    for (; roles; roles &= roles - 1) {
        int role = __builtin_ctzll(roles);

        if (policy->roles[role].dossiers_per_hour == 0)
            return -1;
        if (chosen < 0 || policy->roles[role].dossiers_per_hour > policy->roles[chosen].dossiers_per_hour)
            chosen = role;
    }
    return chosen;
}

static bool any_limit(const struct gate *gate, const struct door_ask *ask)
{
    for (uint64_t roles = ask->caller->standing.roles; roles; roles &= roles - 1)
        if (gate->policy->roles[__builtin_ctzll(roles)].dossiers_per_hour != 0)
            return true;
    return false;
}

static void refuse_bulk(struct gate *gate, const struct door_ask *ask, const struct dossier *dossier, int leaf,
                        const struct policy_role *role, int64_t until_s)
{
    char rule[GATE_RULE_BYTES], reason[200], stamp[CLOCK_STAMP_BYTES];

    clock_stamp(until_s, stamp);
    gate_rule_text("dossiers-per-hour", role->dossiers_line, rule);
    snprintf(reason, sizeof reason, "as %s you opened %u different dossiers within an hour; more from %s on, %s:%u",
             role->name, (unsigned)role->dossiers_per_hour, stamp, gate->policy->file, role->dossiers_line);
    entries_refuse_because(gate, ask, dossier->code, strlen(dossier->code), leaf < 0 ? ENTRIES_DOSSIER : leaf,
                           leaf < 0 ? "" : gate->policy->fields[leaf].name, rule, reason);
}

/* Counts the dossier in each role that is needed for what shows. 0; -EDQUOT, and it is logged; -EIO. */
static int take_bulk(struct gate *gate, const struct door_ask *ask, uint32_t number, int leaf,
                     const struct door_shown *shown)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    int64_t now_s = clock_now_s(), until_s;
    uint64_t counted = 0;

    if (!any_limit(gate, ask))
        return 0;
    for (unsigned i = 0; i < shown->count; i++) {
        int role = role_that_counts(gate->policy, sight_roles(gate, ask, &dossier, shown->values[i].field, now_s));

        if (role >= 0)
            counted |= (uint64_t)1 << role;
    }
    for (uint64_t left = counted; left; left &= left - 1) {
        const struct policy_role *role = &gate->policy->roles[__builtin_ctzll(left)];

        if (bulk_ask(gate->bulk, ask->caller->uid, role->name, role->dossiers_per_hour, dossier.pseudonym, now_s,
                     &until_s) == 0)
            continue;
        refuse_bulk(gate, ask, &dossier, leaf, role, until_s);
        return -EDQUOT;
    }
    for (uint64_t left = counted; left; left &= left - 1)
        if (bulk_count(gate->bulk, ask->caller->uid, gate->policy->roles[__builtin_ctzll(left)].name,
                       dossier.pseudonym, now_s) < 0)
            return -EIO;
    return 0;
}

uint32_t door_bulk(struct gate *gate, const struct door_caller *caller, unsigned role, int64_t *until_s)
{
    return bulk_counted(gate->bulk, caller->uid, gate->policy->roles[role].name, clock_now_s(), until_s);
}

/* ---- opening and listing --------------------------------------------------------------------------------------- */

/* "naam,~geboortedatum" */
static void name_fields(const struct policy *policy, const struct door_shown *shown, struct buffer *out)
{
    for (unsigned i = 0; i < shown->count; i++)
        buffer_printf(out, "%s%s%s", i ? "," : "", shown->values[i].masked ? "~" : "",
                      policy->fields[shown->values[i].field].name);
}

int door_open_leaf(struct gate *gate, const struct door_ask *ask, uint32_t number, int leaf, struct door_found *found,
                   struct door_shown *shown, door_done *done, void *context)
{
    struct decision decisions[POLICY_MAX_FIELDS];
    struct buffer names = BUFFER_EMPTY;
    struct log_entry entry;
    char roles[512], rule[GATE_RULE_BYTES];
    struct door_found now;
    int error = sight_find_leaf(gate, ask, number, leaf, &now, shown, decisions);

    if (!error && (now.view != found->view || now.version != found->version)) {
        door_shown_clear(shown);
        error = -ESTALE;
    }
    if (!error)
        error = refuse_program(gate, ask, door_code(gate, number), leaf < 0 ? ENTRIES_DOSSIER : leaf,
                               leaf < 0 ? "" : gate->policy->fields[leaf].name);
    if (!error)
        error = take_bulk(gate, ask, number, leaf, shown);
    if (error) {
        door_shown_clear(shown);
        return error;
    }
    *found = now;
    entries_start(gate, ask, leaf >= 0 ? LOG_FIELD : LOG_DOSSIER,
                  leaf >= 0 && decisions[leaf].verdict == VERDICT_MASKED ? LOG_MASKED : LOG_SHOWN, roles, &entry);
    entry.subject = dossiers_get(gate->dossiers, number).pseudonym;
    entry.name = leaf >= 0 ? gate->policy->fields[leaf].name : gate->policy->mount.dossier;
    name_fields(gate->policy, shown, &names);
    entry.fields = buffer_text(&names);
    if (leaf >= 0) {
        gate_rule_text(decide_rule_name(decisions[leaf].rule), decisions[leaf].line, rule);
        entry.rule = rule;
    }
    error = names.failed ? -EIO : entries_queue(gate, &entry, done, context);
    buffer_clear(&names);
    if (error)
        door_shown_clear(shown);
    return error;
}

int door_list_purposes(struct gate *gate, const struct door_ask *ask, uint64_t *purposes, door_done *done,
                       void *context)
{
    const struct policy_standing *standing = &ask->caller->standing;
    struct log_entry entry;
    char roles[512];
    uint64_t mine_all = policy_purposes(gate->policy, standing);
    int error;

    if (gate_is_gap(ask))
        return -EIO;
    /* Names of purposes are public, and everybody may list them: past a bound that is counted and not written one by one. */
    if (!noise_within(gate->noise, ask->caller->uid, clock_now_s())) {
        *purposes = mine_all;
        done(context, 0);
        return 0;
    }
    entries_start(gate, ask, LOG_LISTING, LOG_SHOWN, roles, &entry);
    gate_role_names(gate->policy, standing->roles, roles, sizeof roles);
    entry.name = "/";
    error = entries_queue(gate, &entry, done, context);
    if (!error)
        *purposes = mine_all;
    return error;
}

static bool has_purpose(struct gate *gate, const struct door_ask *ask)
{
    return !gate_is_gap(ask) && ask->caller->standing.bound && entries_roles(gate, ask) != 0;
}

int door_list_dossiers(struct gate *gate, const struct door_ask *ask, uint32_t **numbers, uint32_t *count,
                       door_done *done, void *context)
{
    uint32_t all = dossiers_count(gate->dossiers), found = 0;
    int64_t now_s = clock_now_s();
    struct log_entry entry;
    char roles[512];
    uint32_t *list;
    int error;

    if (!has_purpose(gate, ask)) {
        struct decision decision = sight_rule(gate, ask->caller, ask->purpose, -1, 0);

        entries_refuse(gate, ask, "", 0, ENTRIES_LISTING, gate->policy->purposes[ask->purpose].name, &decision);
        return gate_is_gap(ask) ? -EIO : -ENOENT;
    }
    error = refuse_program(gate, ask, "", ENTRIES_LISTING, gate->policy->purposes[ask->purpose].name);
    if (error)
        return error;
    list = malloc(((size_t)all + 1) * sizeof *list);
    if (!list)
        return -EIO;
    for (uint32_t i = 0; i < all; i++) {
        struct dossier dossier = dossiers_get(gate->dossiers, i);

        if (sight_sees(gate, ask, &dossier, now_s))
            list[found++] = i;
    }
    entries_start(gate, ask, LOG_LISTING, LOG_SHOWN, roles, &entry);
    entry.name = gate->policy->purposes[ask->purpose].name;
    error = entries_queue(gate, &entry, done, context);
    if (error) {
        free(list);
        return error;
    }
    *numbers = list;
    *count = found;
    return 0;
}

int door_list_leaves(struct gate *gate, const struct door_ask *ask, uint32_t number, struct field_set *fields,
                     door_done *done, void *context)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    struct decision decisions[POLICY_MAX_FIELDS];
    struct buffer names = BUFFER_EMPTY;
    struct door_found found;
    struct field_set showing;
    struct log_entry entry;
    char roles[512];
    int error;

    if (!sight_choose(gate, ask, &dossier, DOOR_WHOLE, clock_now_s(), decisions, &showing, &found)) {
        struct decision decision =
            sight_absent_unless_hidden(sight_rule(gate, ask->caller, ask->purpose, DOOR_WHOLE, dossier.kind));

        entries_refuse(gate, ask, dossier.code, strlen(dossier.code), ENTRIES_DOSSIER, "", &decision);
        return gate_is_gap(ask) ? -EIO : -ENOENT;
    }
    error = refuse_program(gate, ask, dossier.code, ENTRIES_DOSSIER, "");
    if (error)
        return error;
    entries_start(gate, ask, LOG_LISTING, LOG_SHOWN, roles, &entry);
    entry.subject = dossier.pseudonym;
    for (unsigned i = 0; i < gate->policy->field_count; i++)
        if (field_set_has(&showing, i))
            buffer_printf(&names, "%s%s", names.length_bytes ? "," : "", gate->policy->fields[i].name);
    entry.fields = buffer_text(&names);
    error = names.failed ? -EIO : entries_queue(gate, &entry, done, context);
    buffer_clear(&names);
    if (!error)
        *fields = showing;
    return error;
}

int door_open_own(struct gate *gate, const struct door_ask *ask, door_done *done, void *context)
{
    struct door_ask own = *ask;
    struct log_entry entry;
    char roles[512];

    if (!noise_within(gate->noise, ask->caller->uid, clock_now_s())) {
        done(context, 0);
        return 0;
    }
    own.purpose = -1;
    entries_start(gate, &own, LOG_OWN, LOG_SHOWN, roles, &entry);
    gate_role_names(gate->policy, ask->caller->standing.roles, roles, sizeof roles);
    entry.name = gate->policy->mount.my_access;
    return entries_queue(gate, &entry, done, context);
}

/* ---- the processing log as files ---------------------------------------------------------------------------------- */

static const char reads_log[] = "log.show";
enum { LOG_PATH_BYTES = 256 };

bool door_reads_log(const struct gate *gate, const struct door_ask *ask)
{
    unsigned line;

    return !gate_is_gap(ask) && policy_allows_command(gate->policy, &ask->caller->standing, reads_log, &line);
}

static void log_path(const struct gate *gate, const char *name, char path[static LOG_PATH_BYTES])
{
    snprintf(path, LOG_PATH_BYTES, "%s%s%s", gate->policy->mount.processing_log, name[0] ? "/" : "", name);
}

/* 0, or the refusal, which is logged. `rule` becomes the rule of the entry. */
static int admit_to_log(struct gate *gate, const struct door_ask *ask, const char *path, char rule[GATE_RULE_BYTES])
{
    char reason[200];
    unsigned line = 0;
    bool allowed = policy_allows_command(gate->policy, &ask->caller->standing, reads_log, &line);

    gate_rule_text("commands", line, rule);
    if (allowed && !gate_is_gap(ask))
        return 0;
    snprintf(reason, sizeof reason, "the log is for those whose role has %s among its commands, %s", reads_log,
             gate->policy->file);
    entries_refuse_because(gate, ask, "", 0, ENTRIES_LOG, path, rule, reason);
    return gate_is_gap(ask) ? -EIO : -ENOENT;
}

static void start_of_log(struct gate *gate, const struct door_ask *ask, enum log_what what, const char *path,
                         const char *rule, char roles[static ENTRIES_ROLES_BYTES], struct log_entry *entry)
{
    entries_start(gate, ask, what, LOG_SHOWN, roles, entry);
    gate_role_names(gate->policy, ask->caller->standing.roles, roles, ENTRIES_ROLES_BYTES);
    entry->name = path;
    entry->rule = rule;
}

int door_look_log(struct gate *gate, const struct door_ask *ask, const char *name, bool is_file)
{
    char path[LOG_PATH_BYTES], rule[GATE_RULE_BYTES], roles[ENTRIES_ROLES_BYTES];
    struct noise_key key = {ask->caller->uid, -1, gate_code_mark(gate, name, strlen(name)), ENTRIES_LOG, false};
    struct log_entry entry;
    int error;

    log_path(gate, name, path);
    error = admit_to_log(gate, ask, path, rule);
    if (error || !is_file || !noise_first(gate->noise, &key, clock_now_s()))
        return error;
    start_of_log(gate, ask, LOG_LOOK, path, rule, roles, &entry);
    error = entries_queue(gate, &entry, NULL, NULL);
    if (error)
        noise_take_back(gate->noise, &key);
    return error;
}

int door_open_log(struct gate *gate, const struct door_ask *ask, const char *name, bool is_file, door_done *done,
                  void *context)
{
    char path[LOG_PATH_BYTES], rule[GATE_RULE_BYTES], roles[ENTRIES_ROLES_BYTES];
    struct log_entry entry;
    int error;

    log_path(gate, name, path);
    error = admit_to_log(gate, ask, path, rule);
    if (!error)
        error = refuse_program(gate, ask, "", ENTRIES_LOG, path);
    if (error)
        return error;
    start_of_log(gate, ask, is_file ? LOG_QUERY : LOG_LISTING, path, rule, roles, &entry);
    return entries_queue(gate, &entry, done, context);
}

/* ---- names, numbers, the caller's page --------------------------------------------------------------------------- */

uint32_t door_count(const struct gate *gate)
{
    return dossiers_count(gate->dossiers);
}

const char *door_code(const struct gate *gate, uint32_t dossier)
{
    return dossier < dossiers_count(gate->dossiers) ? dossiers_get(gate->dossiers, dossier).code : "";
}

uint32_t door_version(const struct gate *gate, uint32_t dossier)
{
    return dossier < dossiers_count(gate->dossiers) ? dossiers_get(gate->dossiers, dossier).version : 0;
}

uint64_t door_inode(const struct gate *gate, int purpose, uint32_t dossier, int leaf)
{
    uint64_t pseudonym =
        dossier < dossiers_count(gate->dossiers) ? dossiers_get(gate->dossiers, dossier).pseudonym : 0;
    uint8_t named[16];
    uint64_t inode;

    bytes_put_u64(named, pseudonym);
    bytes_put_u32(named + 8, (uint32_t)purpose);
    bytes_put_u32(named + 12, (uint32_t)leaf);
    crypto_shorthash((uint8_t *)&inode, named, sizeof named, gate->hash_key);
    return inode > 1 ? inode : inode + 2;
}

void door_self(struct gate *gate, const struct door_caller *caller, struct door_self *self)
{
    (void)gate;
    *self = (struct door_self){.uid = caller->uid,
                               .user = caller->person ? caller->person->user : "",
                               .gap = caller->gap,
                               .standing = caller->standing,
                               .refusal_count = caller->refusal_count,
                               .refusals = caller->refusals};
}

/* ---- another policy --------------------------------------------------------------------------------------------- */

uint32_t door_generation(const struct gate *gate)
{
    return gate->generation;
}

bool door_still_shows(struct gate *gate, const struct door_ask *ask, uint32_t number,
                      const struct door_granted *granted, unsigned count, int64_t *ends_s)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    int64_t now_s = clock_now_s(), first_end_s = TERMS_NEVER;

    if (gate_is_gap(ask) || ask->purpose < 0)
        return false;
    for (unsigned i = 0; i < count; i++)
        if (!sight_still_shows(gate, ask, &dossier, &granted[i], now_s, &first_end_s))
            return false;
    *ends_s = first_end_s;
    return true;
}

bool door_has_purpose(struct gate *gate, const struct door_ask *ask, int purpose)
{
    const struct door_ask same = {ask->caller, ask->pid, purpose};

    return purpose >= 0 && has_purpose(gate, &same);
}

bool door_sees_leaf(struct gate *gate, const struct door_ask *ask, uint32_t number, int leaf)
{
    struct dossier dossier = dossiers_get(gate->dossiers, number);
    struct decision decisions[POLICY_MAX_FIELDS];
    struct field_set fields;
    struct door_found found;

    return ask->purpose >= 0 && sight_choose(gate, ask, &dossier, leaf, clock_now_s(), decisions, &fields, &found);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

/* Takes a slice of what was published; true if more is left. */
static bool take_changes(struct gate *gate, void (*changed)(void *, uint32_t), void *context)
{
    uint32_t subjects[CHANGES_PER_TICK];
    size_t count;
    bool more;

    pthread_mutex_lock(&gate->changes_lock);
    count = gate->changed_count - gate->changed_from;
    if (count > CHANGES_PER_TICK)
        count = CHANGES_PER_TICK;
    if (count > 0)
        memcpy(subjects, gate->changed + gate->changed_from, count * sizeof *subjects);
    gate->changed_from += count;
    more = gate->changed_from < gate->changed_count;
    if (!more)
        gate->changed_from = gate->changed_count = 0;
    pthread_mutex_unlock(&gate->changes_lock);
    if (count > 0)
        store_reader_rest(gate->reader); /* to see what was published */
    for (size_t i = 0; i < count; i++) {
        int error = gate_take_subject(gate, gate->reader, subjects[i]);
        uint32_t number = dossiers_find_subject(gate->dossiers, subjects[i]);

        if (error)
            report(REPORT_ERROR, "a changed dossier can't be read and stays as it was: %s", strerror(-error));
        if (number != DOSSIERS_NONE)
            changed(context, number);
    }
    pthread_mutex_lock(&gate->changes_lock);
    if (!more && gate->changed_count == 0) {
        atomic_fetch_sub(&gate->unsettled, (unsigned)(gate->changes_posted - gate->changes_done));
        gate->changes_done = gate->changes_posted;
        pthread_cond_broadcast(&gate->changes_taken);
    }
    pthread_mutex_unlock(&gate->changes_lock);
    return more;
}

bool door_tick(struct gate *gate, void (*changed)(void *context, uint32_t dossier), void *context)
{
    eventfd_t count;
    bool more;

    eventfd_read(gate->wake_fd, &count);
    more = take_changes(gate, changed, context);
    reload_take(gate);
    if (more)
        eventfd_write(gate->wake_fd, 1); /* more waits, but so do the callers */
    entries_write_counted(gate, false);
    callers_trim(gate->callers);
    return more;
}

void door_rest(struct gate *gate)
{
    store_reader_rest(gate->reader);
}

/* ---- the log ---------------------------------------------------------------------------------------------------- */

void door_log_begin(struct gate *gate)
{
    int error = log_drive_begin(gate->log);

    if (error)
        report(REPORT_WARNING, "log: the kernel writes nothing beside other work (%s), so opens take longer",
               strerror(-error));
}

void door_log_end(struct gate *gate)
{
    log_drive_end(gate->log);
}

int door_log_fd(const struct gate *gate)
{
    return log_drive_fd(gate->log);
}

int door_log(struct gate *gate, bool launch)
{
    return log_drive(gate->log, launch);
}

bool door_log_busy(const struct gate *gate)
{
    return log_drive_busy(gate->log);
}
