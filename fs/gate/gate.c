#include "fs/gate/gate.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/base/bytes.h"
#include "fs/gate/clock.h"
#include "fs/gate/entries.h"
#include "fs/gate/inside.h"
#include "fs/gate/reload.h"
#include "fs/gate/tables.h"

/* ---- opening -------------------------------------------------------------------------------------------------- */

static int load_summaries(struct gate *gate, struct report_why *why)
{
    struct tables tables;
    int error = tables_load(gate->store, gate->reader, gate->policy, NULL, &tables, why);

    if (!error) {
        gate->dossiers = tables.dossiers;
        gate->numbers = tables.numbers;
    }
    return error;
}

static int open_log(struct gate *gate, enum log_durability durability, struct report_why *why)
{
    uint8_t key[STORE_KEY_BYTES];
    char path[4096];
    struct log_options options = {
        .path = path, .key = key, .store_id = store_id(gate->store), .durability = durability};
    int error;

    if ((size_t)snprintf(path, sizeof path, "%s/log", store_path(gate->store)) >= sizeof path)
        return report_fail(why, -ENAMETOOLONG, "the store's path is too long");
    store_derive_key(gate->store, "log_____", key);
    store_derive_key(gate->store, "inode___", gate->hash_key);
    error = log_open(&options, &gate->log, why);
    explicit_bzero(key, sizeof key);
    return error;
}

/* Opening the log replays its newest segment, which takes as long as some ten thousand summaries: both at once. */
struct log_opening {
    struct gate *gate;
    enum log_durability durability;
    pthread_t thread;
    bool in_thread;
    struct report_why why;
    int error;
};

static void *open_log_beside(void *context)
{
    struct log_opening *opening = context;

    opening->error = open_log(opening->gate, opening->durability, &opening->why);
    return NULL;
}

static void log_opening_begin(struct log_opening *opening)
{
    opening->in_thread = pthread_create(&opening->thread, NULL, open_log_beside, opening) == 0;
}

/* Waits for it. After it failed, gate->log is NULL. */
static int log_opening_end(struct log_opening *opening, struct report_why *why)
{
    if (opening->in_thread)
        pthread_join(opening->thread, NULL);
    else
        open_log_beside(opening);
    *why = opening->why;
    return opening->error;
}

static int log_start(struct gate *gate, enum log_durability durability, struct report_why *why)
{
    struct log_entry entry;
    int error;

    gate_entry(gate, LOG_MOUNT, LOG_DONE, &entry);
    entry.uid = geteuid();
    entry.pid = getpid();
    entry.name = "start";
    /* Whoever reads the log later must know that a loss of power may have taken entries with it. */
    if (durability == LOG_DURABLE_CRASH)
        entry.rule = "log-durability crash";
    error = log_append_and_wait(gate->log, &entry);
    if (!error) {
        gate_entry(gate, LOG_POLICY, LOG_DONE, &entry);
        entry.uid = geteuid();
        entry.name = "in force";
        error = log_append_and_wait(gate->log, &entry);
    }
    if (error)
        return report_fail(why, error, "the processing log can't be written: %s", strerror(-error));
    return 0;
}

int gate_open(struct gate_options *options, struct gate **out, struct report_why *why)
{
    struct gate *gate = calloc(1, sizeof *gate);
    pthread_condattr_t monotonic;
    int error;

    if (!gate)
        return report_fail(why, -ENOMEM, "no memory");
    gate->wake_fd = -1;
    pthread_mutex_init(&gate->publishing, NULL);
    pthread_mutex_init(&gate->changes_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&gate->changes_taken, &monotonic);
    pthread_condattr_destroy(&monotonic);
    gate->policy = options->policy;
    gate->mounted = options->mounted;
    error = clock_set_zone(gate->policy->timezone, why);
    if (!error)
        error = store_open(options->store, &options->secret, &gate->store, why);
    if (!error)
        error = store_reader_open(gate->store, &gate->reader);
    if (!error) {
        struct log_opening opening = {.gate = gate, .durability = options->log_durability};
        struct report_why log_why = {""};
        int log_error;

        log_opening_begin(&opening);
        error = load_summaries(gate, why);
        log_error = log_opening_end(&opening, &log_why);
        if (!error && log_error && why)
            *why = log_why;
        error = error ? error : log_error;
    }
    if (!error && (gate->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
        error = -errno;
    if (!error)
        error = noise_new(&gate->noise);
    if (!error)
        error = bulk_new(&gate->bulk);
    if (!error && gate->mounted)
        error = identity_new(gate->wake_fd, &gate->identity);
    if (!error)
        error = callers_new(gate->policy, gate->identity, &gate->callers);
    if (!error && gate->mounted)
        error = log_start(gate, options->log_durability, why);
    if (!error)
        error = reload_begin(gate, options);
    if (error) {
        gate->policy = NULL; /* still the caller's */
        gate_close(gate);
        return error;
    }
    options->policy = NULL;
    *out = gate;
    return 0;
}

void gate_close(struct gate *gate)
{
    if (!gate)
        return;
    if (gate->log && gate->mounted && gate->policy) {
        struct log_entry entry;

        if (gate->noise)
            entries_write_counted(gate, true);
        gate_entry(gate, LOG_MOUNT, LOG_DONE, &entry);
        entry.uid = geteuid();
        entry.name = "stop";
        log_append(gate->log, &entry, NULL, NULL);
    }
    identity_free(gate->identity);
    callers_free(gate->callers);
    noise_free(gate->noise);
    bulk_free(gate->bulk);
    log_close(gate->log);
    dossiers_free(gate->dossiers);
    store_reader_close(gate->reader);
    store_close(gate->store);
    reload_end(gate);
    if (gate->wake_fd >= 0)
        close(gate->wake_fd);
    free(gate->changed);
    pthread_cond_destroy(&gate->changes_taken);
    pthread_mutex_destroy(&gate->changes_lock);
    pthread_mutex_destroy(&gate->publishing);
    explicit_bzero(gate, sizeof *gate);
    free(gate);
}

const struct policy *gate_policy(const struct gate *gate)
{
    const struct policy *held = force_held(gate->force);

    return held ? held : gate->policy;
}

void gate_hold_policy(struct gate *gate)
{
    force_hold(gate->force);
}

void gate_let_go_policy(struct gate *gate)
{
    force_let_go(gate->force);
}

const char *gate_store_path(const struct gate *gate)
{
    return store_path(gate->store);
}

int gate_statvfs(const struct gate *gate, struct statvfs *figures)
{
    return statvfs(store_path(gate->store), figures) < 0 ? -errno : 0;
}

/* ---- entries -------------------------------------------------------------------------------------------------- */

void gate_entry(const struct gate *gate, enum log_what what, enum log_outcome outcome, struct log_entry *entry)
{
    memset(entry, 0, sizeof *entry);
    entry->time_ms = clock_now_ms();
    entry->what = what;
    entry->outcome = outcome;
    entry->count = 1;
    memcpy(entry->policy, gate_policy(gate)->hash, sizeof entry->policy);
}

void gate_entry_person(const struct gate *gate, const struct gate_person *person, enum log_what what,
                       enum log_outcome outcome, struct log_entry *entry)
{
    gate_entry(gate, what, outcome, entry);
    entry->uid = person->uid;
    entry->pid = person->pid;
    entry->user = person->user;
    entry->program = person->program;
}

uint64_t gate_code_mark(const struct gate *gate, const char *code, size_t code_bytes)
{
    uint8_t hash[crypto_generichash_BYTES_MIN];
    uint64_t mark;

    crypto_generichash(hash, sizeof hash, (const uint8_t *)code, code_bytes, gate->hash_key, sizeof gate->hash_key);
    mark = bytes_get_u64(hash);
    return mark ? mark : 1;
}

void gate_rule_text(const char *word, unsigned line, char text[static GATE_RULE_BYTES])
{
    if (line > 0)
        snprintf(text, GATE_RULE_BYTES, "%s %u", word, line);
    else
        snprintf(text, GATE_RULE_BYTES, "%s", word);
}

void gate_role_names(const struct policy *policy, uint64_t roles, char *text, size_t text_bytes)
{
    size_t used = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < policy->role_count; i++) {
        int wrote;

        if (!(roles >> i & 1))
            continue;
        wrote = snprintf(text + used, text_bytes - used, "%s%s", used ? "," : "", policy->roles[i].name);
        if (wrote < 0 || (size_t)wrote >= text_bytes - used) {
            text[used] = '\0';
            return;
        }
        used += (size_t)wrote;
    }
}

/* ---- commands ------------------------------------------------------------------------------------------------- */

struct policy_standing gate_standing(const struct gate *gate, const struct gate_person *person)
{
    struct policy_caller who = {person->uid, person->user[0] ? person->user : NULL,
                                (const char *const *)person->groups, person->group_count};

    return policy_match(gate_policy(gate), &who, clock_day_of(clock_now_s()));
}

static int refuse_command(const struct gate *gate, const struct gate_person *person,
                          const struct policy_standing *standing, const char *command, struct report_why *why)
{
    if (gate_is_unknown(person->user, standing))
        return report_fail(why, -EACCES,
                           "no account has your uid, %u, and no role in %s names it, so \"%s\" is not for you",
                           (unsigned)person->uid, gate_policy(gate)->file, command);
    if (standing->roles != 0 && !standing->bound)
        return report_fail(why, -EACCES,
                           "you are not bound to secrecy today ([secrecy] in %s), so \"%s\" is not for you",
                           gate_policy(gate)->file, command);
    return report_fail(why, -EACCES, "no role of yours has \"%s\" among its commands in %s", command,
                       gate_policy(gate)->file);
}

int gate_command(struct gate *gate, const struct gate_person *person, const char *command, struct report_why *why)
{
    struct policy_standing standing = gate_standing(gate, person);
    unsigned line = 0;
    /* Unmounted, the key is the right: who holds one can read the store's bytes anyway. It is logged all the same. */
    bool allowed = !gate->mounted || policy_allows_command(gate_policy(gate), &standing, command, &line);
    bool unknown = !allowed && gate_is_unknown(person->user, &standing);
    struct noise_key key = {person->uid, -1, gate_code_mark(gate, command, strlen(command)), ENTRIES_COMMAND, true};
    char roles[512], rule[GATE_RULE_BYTES];
    struct log_entry entry;
    int error;

    if (!allowed && !noise_first(gate->noise, &key, clock_now_s()))
        return refuse_command(gate, person, &standing, command, why);
    gate_entry_person(gate, person, LOG_COMMAND, allowed ? LOG_DONE : unknown ? LOG_GAP : LOG_REFUSED, &entry);
    gate_role_names(gate_policy(gate), standing.roles, roles, sizeof roles);
    gate_rule_text(gate->mounted ? "commands" : "key holder", line, rule);
    entry.role = roles;
    entry.rule = unknown ? GATE_NO_ACCOUNT : rule;
    entry.name = command;
    error = log_append_and_wait(gate->log, &entry);
    if (error)
        return report_fail(why, -EIO, "the processing log can't be written, so nothing is done: %s",
                           strerror(-error));
    return allowed ? 0 : refuse_command(gate, person, &standing, command, why);
}

int gate_find_subject(struct store_reader *reader, const char *code, struct store_subject *subject,
                      struct report_why *why)
{
    uint32_t id;
    int error = strlen(code) > STORE_CODE_MAX_BYTES ? -ENOENT : store_find(reader, code, strlen(code), &id);

    if (!error)
        error = store_read_subject(reader, id, subject);
    if (error == -ENOENT)
        return report_fail(why, error, "there is no dossier with this code");
    return error ? report_fail(why, error, "the store can't be read: %s", strerror(-error)) : 0;
}

/* ---- changes published by other threads ------------------------------------------------------------------------- */

int gate_take_subject(struct gate *gate, struct store_reader *reader, uint32_t subject_id)
{
    struct store_subject *subject = malloc(sizeof *subject);
    int error = subject ? store_read_subject(reader, subject_id, subject) : -ENOMEM;

    if (!error) {
        dossiers_write_begin(gate->dossiers);
        tables_find_numbers(gate->store, gate->policy, &gate->numbers);
        error = dossiers_put(gate->dossiers, &gate->numbers, subject);
        dossiers_write_end(gate->dossiers);
    }
    if (subject)
        explicit_bzero(subject, sizeof *subject);
    free(subject);
    return error;
}

static void wait_for_dispatcher(struct gate *gate, uint64_t posting)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 10; /* it is published either way; waiting only spares the caller a surprise */
    while (gate->changes_done < posting &&
           pthread_cond_timedwait(&gate->changes_taken, &gate->changes_lock, &until) == 0)
        ;
}

static int put_summary(void *context, const struct store_subject *subject)
{
    struct gate *gate = context;

    return dossiers_put(gate->dossiers, &gate->numbers, subject);
}

/* Where nothing is mounted there is one thread. The new subjects, which an import may have a million of, come in one walk. */
static void take_at_once(struct gate *gate, const uint32_t *subjects, size_t count)
{
    uint32_t known = dossiers_count(gate->dossiers), last = 0;

    if (known > 0)
        last = dossiers_get(gate->dossiers, known - 1).subject;
    store_reader_rest(gate->reader);
    for (size_t i = 0; i < count; i++)
        if (subjects[i] <= last)
            gate_take_subject(gate, gate->reader, subjects[i]);
    tables_find_numbers(gate->store, gate->policy, &gate->numbers);
    store_each_subject(gate->reader, last, put_summary, gate, NULL);
    store_reader_rest(gate->reader);
}

int gate_post_changes(struct gate *gate, uint32_t *subjects, size_t count)
{
    uint32_t *all;

    if (!gate->mounted) {
        take_at_once(gate, subjects, count);
        atomic_fetch_sub(&gate->unsettled, 1);
        free(subjects);
        return 0;
    }
    pthread_mutex_lock(&gate->changes_lock);
    all = realloc(gate->changed, (gate->changed_count + count) * sizeof *all + 1);
    if (all) {
        if (count > 0)
            memcpy(all + gate->changed_count, subjects, count * sizeof *all);
        gate->changed = all;
        gate->changed_count += count;
        gate->changes_posted++;
        eventfd_write(gate->wake_fd, 1);
        wait_for_dispatcher(gate, gate->changes_posted);
    }
    pthread_mutex_unlock(&gate->changes_lock);
    free(subjects);
    return all ? 0 : -ENOMEM;
}
