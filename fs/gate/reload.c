#include "fs/gate/reload.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fs/gate/callers.h"
#include "fs/gate/clock.h"
#include "fs/gate/entries.h"
#include "fs/gate/inside.h"
#include "fs/gate/log_term.h"
#include "fs/gate/tables.h"

enum { FAULTS_REPORTED = 20, FAULTS_SHOWN = 8 };

/* What the dispatcher is to exchange. `tables.dossiers` NULL: the table stays. */
struct exchange {
    struct force_policy *prepared; /* NULL once it was taken */
    struct policy *policy;
    struct tables tables;
};

struct reloading {
    char *mountpoint;
    int64_t started_tick_ms;
    struct exchange *exchange; /* waits for the dispatcher; under gate->changes_lock, as is what follows */
    bool cancelled;

    pthread_mutex_t lock; /* guards what follows */
    int64_t in_force_ms;
    uint32_t owner_uid;
    bool owner_known;
    uint32_t replaced;
    struct policy_faults faults; /* of the newest text that did not come in force */
    int64_t faulty_ms;
    uint8_t faulty_hash[POLICY_HASH_BYTES];
};

/* ---- the text ---------------------------------------------------------------------------------------------------- */

static void hash_of(const struct gate_policy_text *text, uint8_t hash[static POLICY_HASH_BYTES])
{
    uint8_t whole[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(whole, (const unsigned char *)text->text, text->length_bytes);
    memcpy(hash, whole, POLICY_HASH_BYTES);
}

/* The next line of a text, without its end; false: there is none. */
static bool next_line(const struct gate_policy_text *text, size_t *at, const char **line, size_t *length_bytes)
{
    const char *end;

    if (*at >= text->length_bytes)
        return false;
    *line = text->text + *at;
    end = memchr(*line, '\n', text->length_bytes - *at);
    *length_bytes = end ? (size_t)(end - *line) : text->length_bytes - *at;
    *at += *length_bytes + 1;
    return true;
}

/* Sections that say who may see what, and nothing of what a dossier holds. What isn't known here counts as the other. */
static bool is_about_people(const char *line, size_t length_bytes)
{
    static const char *const sections[] = {"[mount]", "[purpose ", "[role ", "[recipient ", "[secrecy]"};

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (length_bytes >= strlen(sections[i]) && memcmp(line, sections[i], strlen(sections[i])) == 0)
            return true;
    return false;
}

/* What is registered of a dossier is kept by the places of purposes in the policy: which there are, in what order, and what they
 * were called before, counts. */
static bool names_purpose(const char *line, size_t length_bytes)
{
    static const char begins[] = "[purpose ", was[] = "was";

    return (length_bytes >= sizeof begins - 1 && memcmp(line, begins, sizeof begins - 1) == 0) ||
           (length_bytes >= sizeof was - 1 && memcmp(line, was, sizeof was - 1) == 0);
}

/* A mark of the lines that say what a dossier holds; never 0. */
static uint64_t records_of(const struct gate_policy_text *text)
{
    crypto_generichash_state state;
    const char *line;
    size_t at = 0, length_bytes;
    bool counts = true;
    uint64_t mark;

    crypto_generichash_init(&state, NULL, 0,
                            sizeof mark < crypto_generichash_BYTES_MIN ? crypto_generichash_BYTES_MIN : sizeof mark);
    while (next_line(text, &at, &line, &length_bytes)) {
        if (length_bytes > 0 && line[0] == '[')
            counts = !is_about_people(line, length_bytes);
        if (!counts && !names_purpose(line, length_bytes))
            continue;
        crypto_generichash_update(&state, (const uint8_t *)line, length_bytes);
        crypto_generichash_update(&state, (const uint8_t *)"\n", 1);
    }
    {
        uint8_t hash[crypto_generichash_BYTES_MIN];

        crypto_generichash_final(&state, hash, sizeof hash);
        memcpy(&mark, hash, sizeof mark);
    }
    return mark ? mark : 1;
}

/* The line of a key of a section; 0: it isn't there. */
static unsigned line_of(const struct gate_policy_text *text, const char *section, const char *key)
{
    size_t at = 0, length_bytes, key_bytes = strlen(key);
    unsigned number = 0;
    bool inside = false;
    const char *line;

    while (next_line(text, &at, &line, &length_bytes)) {
        number++;
        if (length_bytes > 0 && line[0] == '[')
            inside = length_bytes >= strlen(section) && memcmp(line, section, strlen(section)) == 0;
        else if (inside && length_bytes > key_bytes && memcmp(line, key, key_bytes) == 0 &&
                 (line[key_bytes] == ' ' || line[key_bytes] == '=' || line[key_bytes] == '\t'))
            return number;
    }
    return 0;
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static int add_fault(struct policy_faults *faults, unsigned line, const char *text)
{
    struct policy_fault *more = realloc(faults->faults, (faults->count + 1) * sizeof *more);

    if (!more)
        return -ENOMEM;
    faults->faults = more;
    faults->faults[faults->count].line = line;
    snprintf(faults->faults[faults->count].text, sizeof faults->faults->text, "%s", text);
    faults->count++;
    return -EINVAL;
}

/* In the journal, once for a text; `faults` is taken over. */
static void keep_faults(struct gate *gate, const struct gate_policy_text *text, struct policy_faults *faults)
{
    struct reloading *reloading = gate->reloading;
    const char *file = gate_policy(gate)->file;
    uint8_t hash[POLICY_HASH_BYTES];
    bool known;

    hash_of(text, hash);
    pthread_mutex_lock(&reloading->lock);
    known = reloading->faulty_ms != 0 && memcmp(hash, reloading->faulty_hash, sizeof hash) == 0;
    for (size_t i = 0; i < faults->count && i < FAULTS_REPORTED && !known; i++)
        report(REPORT_ERROR, "%s:%u: %s", file, faults->faults[i].line, faults->faults[i].text);
    if (!known)
        report(REPORT_ERROR, "%s has %zu fault%s; the policy that is in force stays", file, faults->count,
               faults->count == 1 ? "" : "s");
    policy_faults_clear(&reloading->faults);
    reloading->faults = *faults;
    *faults = (struct policy_faults){0};
    if (!known)
        reloading->faulty_ms = clock_now_ms();
    memcpy(reloading->faulty_hash, hash, sizeof hash);
    pthread_mutex_unlock(&reloading->lock);
}

static void forget_faults(struct reloading *reloading)
{
    policy_faults_clear(&reloading->faults);
    reloading->faulty_ms = 0;
}

/* ---- what must not change ---------------------------------------------------------------------------------------- */

static int check_fixed(const struct policy *old, const struct policy *new, const struct gate_policy_text *text,
                       struct policy_faults *faults)
{
    const struct {
        const char *section, *key, *old, *new;
    } fixed[] = {
        {"[policy]", "timezone", old->timezone, new->timezone},
        {"[mount]", "store", old->mount.store, new->mount.store},
        {"[mount]", "mountpoint", old->mount.mountpoint, new->mount.mountpoint},
        {"[mount]", "key-file", old->mount.key_file, new->mount.key_file},
    };
    char fault[120];
    int error = 0;

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(fixed[i].old, fixed[i].new) != 0) {
            snprintf(fault, sizeof fault, "%s of %s can't change while mounted: unmount, and mount again",
                     fixed[i].key, fixed[i].section);
            error = add_fault(faults, line_of(text, fixed[i].section, fixed[i].key), fault);
        }
    return error;
}

static bool has_values(struct dossiers *dossiers, unsigned field)
{
    for (uint32_t i = 0; i < dossiers_count(dossiers); i++)
        if (field_set_has(dossiers_get(dossiers, i).present, field))
            return true;
    return false;
}

static int field_of_number(const struct gate *gate, uint32_t number)
{
    for (unsigned i = 0; number != 0 && i < gate_policy(gate)->field_count; i++)
        if (gate->numbers.fields[i] == number)
            return (int)i;
    return -1;
}

/* Values are kept with their category: under another one they would not be found. By the store's numbers, which a thing that was
 * renamed keeps; the dispatcher does not change them while nothing is published. */
static int check_moved(const struct gate *gate, const struct policy *new, const struct tables *tables,
                       struct policy_faults *faults)
{
    const struct policy *old = gate_policy(gate);
    char fault[280];
    int error = 0;

    for (unsigned i = 0; i < new->field_count; i++) {
        int before = field_of_number(gate, tables->numbers.fields[i]);
        unsigned category = before < 0 ? 0 : old->fields[before].category;

        if (before < 0 || !has_values(tables->dossiers, i) ||
            gate->numbers.categories[category] == tables->numbers.categories[new->fields[i].category])
            continue;
        snprintf(fault, sizeof fault, "field %s has values in category %s, so it can't move to another one",
                 new->fields[i].name, old->categories[category].name);
        error = add_fault(faults, new->fields[i].line, fault);
    }
    return error;
}

/* ---- in force ---------------------------------------------------------------------------------------------------- */

static bool cancelled(struct gate *gate)
{
    bool is;

    pthread_mutex_lock(&gate->changes_lock);
    is = gate->reloading->cancelled;
    pthread_mutex_unlock(&gate->changes_lock);
    return is;
}

void gate_reload_cancel(struct gate *gate)
{
    pthread_mutex_lock(&gate->changes_lock);
    gate->reloading->cancelled = true;
    pthread_cond_broadcast(&gate->changes_taken);
    pthread_mutex_unlock(&gate->changes_lock);
}

/* The dispatcher knows of all that was published. Nothing more is: gate->publishing is held. */
static int wait_for_changes(struct gate *gate)
{
    int error;

    pthread_mutex_lock(&gate->changes_lock);
    while (gate->changes_done < gate->changes_posted && !gate->reloading->cancelled)
        pthread_cond_wait(&gate->changes_taken, &gate->changes_lock);
    error = gate->reloading->cancelled ? -ECANCELED : 0;
    pthread_mutex_unlock(&gate->changes_lock);
    return error;
}

/* -ECANCELED: the dispatcher did not take it and won't. */
static int hand_over(struct gate *gate, struct exchange *exchange)
{
    int error;

    pthread_mutex_lock(&gate->changes_lock);
    gate->reloading->exchange = exchange;
    eventfd_write(gate->wake_fd, 1);
    while (gate->reloading->exchange && !gate->reloading->cancelled)
        pthread_cond_wait(&gate->changes_taken, &gate->changes_lock);
    error = gate->reloading->exchange ? -ECANCELED : 0;
    gate->reloading->exchange = NULL;
    pthread_mutex_unlock(&gate->changes_lock);
    return error;
}

void reload_take(struct gate *gate)
{
    struct exchange *exchange;
    bool taken = false;

    if (!gate->reloading)
        return;
    pthread_mutex_lock(&gate->changes_lock);
    exchange = gate->reloading->exchange;
    if (!exchange || gate->reloading->cancelled)
        goto out;
    if (exchange->tables.dossiers && !dossiers_exchange(gate->dossiers, exchange->tables.dossiers)) {
        eventfd_write(gate->wake_fd, 1); /* a command reads the table: in a moment it doesn't */
        goto out;
    }
    entries_write_counted(gate, true); /* what was counted names things by their place in the old policy */
    if (exchange->tables.dossiers)
        gate->numbers = exchange->tables.numbers;
    else
        dossiers_set_policy(gate->dossiers, exchange->policy);
    force_replace(gate->force, exchange->prepared);
    exchange->prepared = NULL;
    gate->policy = exchange->policy;
    callers_set_policy(gate->callers, gate->policy);
    log_term_set(gate, gate->policy);
    gate->generation++;
    gate->reloading->exchange = NULL;
    taken = true;
out:
    if (taken)
        pthread_cond_broadcast(&gate->changes_taken);
    pthread_mutex_unlock(&gate->changes_lock);
}

/* *since_ms (may be NULL): when it came in force, if that is longer ago. */
static int keep_version(struct gate *gate, const struct gate_policy_text *text, int64_t *since_ms)
{
    struct store_policy kept = {.since_ms = clock_now_ms(), .owner_known = true, .owner_uid = text->owner_uid};
    int error = store_policy_keep(gate->store, &kept, text->text, text->length_bytes);

    if (!error && since_ms)
        *since_ms = kept.since_ms;
    return error;
}

static int log_in_force(struct gate *gate, const struct policy *policy, const struct gate_policy_text *text)
{
    struct log_entry entry;

    gate_entry(gate, LOG_POLICY, LOG_DONE, &entry);
    entry.uid = text->owner_uid;
    entry.name = "in force";
    entry.rule = "owner of the file";
    memcpy(entry.policy, policy->hash, sizeof entry.policy);
    return log_append_and_wait(gate->log, &entry);
}

/* With gate->publishing held. */
static int put_in_force(struct gate *gate, struct exchange *exchange, const struct gate_policy_text *text,
                        uint64_t records, struct policy_faults *faults, struct report_why *why)
{
    struct store_reader *reader = NULL;
    struct report_why unfit = {""};
    int error = wait_for_changes(gate);

    if (!error && records != force_records(gate->force)) {
        error = store_reader_open(gate->store, &reader);
        if (!error)
            error = tables_load(gate->store, reader, exchange->policy, gate->dossiers, &exchange->tables, &unfit);
        if (error == -EINVAL)
            add_fault(faults, 0, unfit.text);
        else if (error)
            report_fail(why, error, "%s", unfit.text[0] ? unfit.text : strerror(-error));
        store_reader_close(reader);
        if (!error)
            error = check_moved(gate, exchange->policy, &exchange->tables, faults);
    }
    if (!error && cancelled(gate))
        error = -ECANCELED;
    if (!error) {
        error = keep_version(gate, text, NULL);
        if (error)
            report_fail(why, error, "the store can't keep it: %s", strerror(-error));
    }
    if (!error) {
        error = log_in_force(gate, exchange->policy, text);
        if (error)
            report_fail(why, error, "the processing log can't be written: %s", strerror(-error));
    }
    return error ? error : hand_over(gate, exchange);
}

static int load(const char *file, const struct gate_policy_text *text, struct exchange *exchange, uint64_t records,
                struct policy_faults *faults, struct report_why *why)
{
    int error = policy_load(file, text->text, text->length_bytes, &exchange->policy, faults);

    if (!error) {
        exchange->prepared = force_prepare(exchange->policy, records);
        if (!exchange->prepared) {
            policy_free(exchange->policy);
            error = -ENOMEM;
        }
    }
    return error && error != -EINVAL
               ? report_fail(why, error, "the policy %s can't be loaded: %s", file, strerror(-error))
               : error;
}

static void now_in_force(struct gate *gate, const struct policy *policy, const struct gate_policy_text *text)
{
    struct reloading *reloading = gate->reloading;
    char version[2 * POLICY_HASH_BYTES + 1];

    pthread_mutex_lock(&reloading->lock);
    forget_faults(reloading);
    reloading->in_force_ms = clock_now_ms();
    reloading->owner_uid = text->owner_uid;
    reloading->owner_known = true;
    reloading->replaced++;
    pthread_mutex_unlock(&reloading->lock);
    sodium_bin2hex(version, sizeof version, policy->hash, sizeof policy->hash);
    report(REPORT_INFO, "the changed policy is in force, version %s", version);
}

/* The file is again what is in force. */
static int already_in_force(struct gate *gate)
{
    struct reloading *reloading = gate->reloading;

    pthread_mutex_lock(&reloading->lock);
    if (reloading->faulty_ms != 0)
        report(REPORT_INFO, "%s is again the policy that is in force", gate_policy(gate)->file);
    forget_faults(reloading);
    pthread_mutex_unlock(&reloading->lock);
    return 0;
}

static int reload_held(struct gate *gate, const struct gate_policy_text *text, struct report_why *why)
{
    const struct policy *old = gate_policy(gate);
    struct exchange exchange = {0};
    struct policy_faults faults = {0};
    uint64_t records = records_of(text);
    uint8_t hash[POLICY_HASH_BYTES];
    int error;

    hash_of(text, hash);
    if (memcmp(hash, old->hash, sizeof hash) == 0)
        return already_in_force(gate);
    error = load(old->file, text, &exchange, records, &faults, why);
    if (!error)
        error = check_fixed(old, exchange.policy, text, &faults);
    if (!error) {
        pthread_mutex_lock(&gate->publishing);
        error = put_in_force(gate, &exchange, text, records, &faults, why);
        pthread_mutex_unlock(&gate->publishing);
    }
    if (!error)
        now_in_force(gate, exchange.policy, text);
    else if (error == -EINVAL)
        keep_faults(gate, text, &faults);
    policy_faults_clear(&faults);
    dossiers_free(exchange.tables.dossiers); /* the old one, if they were exchanged */
    force_discard(exchange.prepared);
    return error;
}

int gate_reload(struct gate *gate, const struct gate_policy_text *text, struct report_why *why)
{
    int error;

    gate_hold_policy(gate);
    error = reload_held(gate, text, why);
    gate_let_go_policy(gate);
    return error;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

int reload_begin(struct gate *gate, const struct gate_options *options)
{
    struct force_policy *prepared =
        force_prepare(gate->policy, options->policy_text.text ? records_of(&options->policy_text) : 0);
    struct reloading *reloading = calloc(1, sizeof *reloading);
    int error = prepared && reloading ? force_new(&gate->force) : -ENOMEM;

    if (!error) {
        reloading->mountpoint = strdup(options->mountpoint ? options->mountpoint : "");
        error = reloading->mountpoint ? 0 : -ENOMEM;
    }
    if (error) {
        free(prepared);
        free(reloading);
        return error;
    }
    pthread_mutex_init(&reloading->lock, NULL);
    reloading->started_tick_ms = clock_tick_ms();
    reloading->in_force_ms = clock_now_ms();
    reloading->owner_uid = options->policy_text.owner_uid;
    reloading->owner_known = options->policy_text.text != NULL;
    gate->reloading = reloading;
    /* A disk that is full keeps nobody from what may be shown, as far as that can be logged. */
    if (gate->mounted && reloading->owner_known &&
        (error = keep_version(gate, &options->policy_text, &reloading->in_force_ms)) != 0)
        report(REPORT_WARNING, "the store can't keep this version of the policy: %s", strerror(-error));
    force_replace(gate->force, prepared);
    log_term_set(gate, gate->policy);
    return 0;
}

struct owner {
    uint8_t hash[POLICY_HASH_BYTES];
    uint32_t uid;
    bool known;
};

static int take_owner(void *context, const struct store_policy *policy, struct buffer *text)
{
    struct owner *owner = context;
    uint8_t hash[POLICY_HASH_BYTES];

    if (!text || !policy->owner_known)
        return 0;
    hash_of(&(struct gate_policy_text){.text = buffer_text(text), .length_bytes = text->length_bytes}, hash);
    if (memcmp(hash, owner->hash, sizeof hash) != 0)
        return 0;
    owner->uid = policy->owner_uid;
    owner->known = true;
    return 0;
}

bool reload_owner(struct gate *gate, uint32_t *uid)
{
    struct reloading *reloading = gate->reloading;
    struct owner owner = {.known = false};

    pthread_mutex_lock(&reloading->lock);
    owner.known = reloading->owner_known;
    owner.uid = reloading->owner_uid;
    pthread_mutex_unlock(&reloading->lock);
    memcpy(owner.hash, gate_policy(gate)->hash, sizeof owner.hash);
    if (!owner.known && store_policy_each(gate->store, take_owner, &owner) < 0)
        owner.known = false;
    *uid = owner.uid;
    return owner.known;
}

void reload_end(struct gate *gate)
{
    force_free(gate->force);
    if (!gate->reloading)
        return;
    policy_faults_clear(&gate->reloading->faults);
    pthread_mutex_destroy(&gate->reloading->lock);
    free(gate->reloading->mountpoint);
    free(gate->reloading);
}

/* ---- status ------------------------------------------------------------------------------------------------------ */

static int copy_faults(const struct policy_faults *from, struct policy_faults *to)
{
    if (from->count == 0)
        return 0;
    to->faults = malloc(from->count * sizeof *to->faults);
    if (!to->faults)
        return -ENOMEM;
    memcpy(to->faults, from->faults, from->count * sizeof *to->faults);
    to->count = from->count;
    return 0;
}

/* Root and the store's owner: whoever can read the store and the policy's file learns nothing new here. */
static int may_ask(struct gate *gate, const struct gate_person *person, struct report_why *why)
{
    struct log_entry entry;

    if (!gate->mounted || (person->uid != 0 && person->uid != geteuid()))
        return gate_command(gate, person, "status", why);
    gate_entry_person(gate, person, LOG_COMMAND, LOG_DONE, &entry);
    entry.name = "status";
    entry.rule = "owner of the store";
    if (log_append_and_wait(gate->log, &entry) != 0)
        return report_fail(why, -EIO, "the processing log can't be written");
    return 0;
}

size_t gate_sent(const struct gate *gate, struct sent_place places[static POLICY_MAX_SENDS])
{
    const struct policy_log *log = &gate_policy(gate)->log;
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof path, "%s/log", store_path(gate->store)) >= sizeof path)
        return 0;
    for (size_t i = 0; i < log->send_count; i++) {
        places[i] = (struct sent_place){0};
        snprintf(places[i].place, sizeof places[i].place, "%s", log->send[i].text);
        sent_read(path, &places[i]);
    }
    return log->send_count;
}

int gate_status(struct gate *gate, const struct gate_person *person, struct gate_status *status,
                struct report_why *why)
{
    const struct policy *policy = gate_policy(gate);
    struct reloading *reloading = gate->reloading;
    int error = may_ask(gate, person, why);

    if (error)
        return error;
    *status = (struct gate_status){.mounted = gate->mounted,
                                   .file = strdup(policy->file),
                                   .store = strdup(store_path(gate->store)),
                                   .mountpoint = strdup(reloading->mountpoint),
                                   .kinds = policy->kind_count,
                                   .fields = policy->field_count,
                                   .purposes = policy->purpose_count,
                                   .roles = policy->role_count,
                                   .entries = log_size(gate->log),
                                   .uptime_s = (clock_tick_ms() - reloading->started_tick_ms) / 1000};
    memcpy(status->version, policy->hash, sizeof status->version);
    dossiers_read_begin(gate->dossiers);
    status->dossiers = dossiers_count(gate->dossiers);
    dossiers_read_end(gate->dossiers);
    pthread_mutex_lock(&reloading->lock);
    status->in_force_ms = reloading->in_force_ms;
    status->owner_uid = reloading->owner_uid;
    status->owner_known = reloading->owner_known;
    status->replaced = reloading->replaced;
    status->faulty_ms = reloading->faulty_ms;
    error = copy_faults(&reloading->faults, &status->faults);
    pthread_mutex_unlock(&reloading->lock);
    if (error || !status->file || !status->store || !status->mountpoint) {
        gate_status_clear(status);
        return report_fail(why, -ENOMEM, "no memory");
    }
    status->sent_count = gate_sent(gate, status->sent);
    return 0;
}

void gate_status_clear(struct gate_status *status)
{
    policy_faults_clear(&status->faults);
    free(status->file);
    free(status->store);
    free(status->mountpoint);
    *status = (struct gate_status){0};
}

void gate_tell_editor(struct gate *gate, const struct door_caller *caller, struct buffer *out)
{
    struct reloading *reloading = gate->reloading;
    char stamp[CLOCK_STAMP_BYTES];
    unsigned line;

    if (!policy_allows_command(gate->policy, &caller->standing, "policy.edit", &line))
        return;
    pthread_mutex_lock(&reloading->lock);
    clock_stamp(reloading->in_force_ms / 1000, stamp);
    buffer_printf(out, "\nPolicy\n  in force since %s\n", stamp);
    if (reloading->faulty_ms != 0) {
        clock_stamp(reloading->faulty_ms / 1000, stamp);
        buffer_printf(out, "  since %s its file is another one and has faults, so it is not in force:\n", stamp);
    }
    for (size_t i = 0; i < reloading->faults.count && i < FAULTS_SHOWN; i++)
        buffer_printf(out, "  line %u: %s\n", reloading->faults.faults[i].line, reloading->faults.faults[i].text);
    if (reloading->faults.count > FAULTS_SHOWN)
        buffer_printf(out, "  and %zu more: dossier policy check\n", reloading->faults.count - FAULTS_SHOWN);
    pthread_mutex_unlock(&reloading->lock);
}
