/* A stage for the gate's unit tests: a store and a log in a directory of one's own, a policy from a text, callers, imports,
 * and what the log has to say about it all. */
#ifndef DOSSIERFS_TESTS_GATE_STAGE_H
#define DOSSIERFS_TESTS_GATE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs/gate/answers.h"
#include "fs/gate/clock.h"
#include "fs/gate/door.h"
#include "fs/gate/gate.h"
#include "fs/gate/import.h"
#include "fs/gate/inside.h"

struct stage {
    char directory[64];
    char path[96]; /* of the store, inside */
    struct gate *gate;
};

static const uint8_t STAGE_KEY[32] = "an invented key file of 32 bytes";
/* Policies of these tests let 61008 import and ask. */
static const struct gate_person STAGE_IMPORTER = {.uid = 61008, .pid = 1, .program = "stage"};

static inline void stage_begin(struct stage *stage)
{
    const struct store_secret secret = {STORE_KEY_FILE, STAGE_KEY, sizeof STAGE_KEY};
    struct report_why why = {""};

    memset(stage, 0, sizeof *stage);
    snprintf(stage->directory, sizeof stage->directory, "/tmp/dossierfs-gate-XXXXXX");
    assert_non_null(mkdtemp(stage->directory));
    snprintf(stage->path, sizeof stage->path, "%s/store", stage->directory);
    if (store_create(stage->path, &secret, 1, &why) < 0)
        fail_msg("store_create: %s", why.text);
}

static inline struct policy *stage_policy(const char *text)
{
    struct policy_faults faults = {0};
    struct policy *policy = NULL;

    policy_load("stage.ini", text, strlen(text), &policy, &faults);
    for (size_t i = 0; i < faults.count; i++)
        print_error("stage.ini:%u: %s\n", faults.faults[i].line, faults.faults[i].text);
    policy_faults_clear(&faults);
    assert_non_null(policy);
    return policy;
}

static inline void stage_close(struct stage *stage)
{
    gate_close(stage->gate);
    stage->gate = NULL;
}

/* Opens (again), for a policy. */
static inline void stage_open(struct stage *stage, const char *policy_text, bool mounted)
{
    struct gate_options options = {.store = stage->path,
                                   .secret = {STORE_KEY_FILE, STAGE_KEY, sizeof STAGE_KEY},
                                   .policy = stage_policy(policy_text),
                                   .mounted = mounted};
    struct report_why why = {""};

    stage_close(stage);
    if (gate_open(&options, &stage->gate, &why) < 0) {
        policy_free(options.policy);
        fail_msg("gate_open: %s", why.text);
    }
    assert_null(options.policy);
}

static inline int stage_remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void stage_end(struct stage *stage)
{
    stage_close(stage);
    nftw(stage->directory, stage_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline unsigned stage_field(const struct stage *stage, const char *name)
{
    int field = policy_find_field(gate_policy(stage->gate), name);

    assert_true(field >= 0);
    return (unsigned)field;
}

static inline int stage_purpose(const struct stage *stage, const char *name)
{
    int purpose = policy_find_purpose(gate_policy(stage->gate), name);

    assert_true(purpose >= 0);
    return purpose;
}

/* ---- the dispatcher's part ---- */

static inline void stage_changed(void *context, uint32_t dossier)
{
    (void)dossier;
    if (context)
        ++*(unsigned *)context;
}

/* Waits for the identity thread, as the dispatcher does. */
static inline const struct door_caller *stage_caller(struct stage *stage, uint32_t uid)
{
    const struct door_caller *caller;

    while (!(caller = door_caller(stage->gate, uid))) {
        struct pollfd wake = {.fd = door_wake_fd(stage->gate), .events = POLLIN};

        poll(&wake, 1, 100);
        door_tick(stage->gate, stage_changed, NULL);
    }
    return caller;
}

static inline struct door_ask stage_ask(struct stage *stage, uint32_t uid, const char *purpose)
{
    return (struct door_ask){stage_caller(stage, uid), (int32_t)getpid(), stage_purpose(stage, purpose)};
}

static inline uint32_t stage_dossier(const struct stage *stage, const char *code)
{
    return dossiers_find(stage->gate->dossiers, code, strlen(code));
}

/* What an opening waits for: how often it was called, and with what. */
struct stage_done {
    atomic_int calls, status;
};

static inline void stage_done(void *context, int status)
{
    struct stage_done *done = context;

    atomic_store(&done->status, status);
    atomic_fetch_add(&done->calls, 1);
}

/* Everything that was queued before is durable, and its `done` was called, when this returns: entries keep their order. */
static inline void stage_flush(struct stage *stage)
{
    struct log_entry entry;

    gate_entry(stage->gate, LOG_MOUNT, LOG_DONE, &entry);
    entry.name = "flushed by the test";
    assert_int_equal(log_append_and_wait(stage->gate->log, &entry), 0);
}

/* ---- the log ---- */

/* A copy of an entry. */
struct stage_entry {
    uint64_t number;
    struct log_entry entry; /* its strings point below */
    char text[7][256];
};

struct stage_log {
    struct stage_entry *entries;
    size_t count;
};

static inline void stage_log_clear(struct stage_log *log)
{
    free(log->entries);
    *log = (struct stage_log){NULL, 0};
}

static inline int stage_log_add(void *context, const struct log_record *record)
{
    const char *const texts[7] = {record->entry.user,    record->entry.program, record->entry.role,
                                  record->entry.purpose, record->entry.name,    record->entry.fields,
                                  record->entry.rule};
    struct stage_log *log = context;
    struct stage_entry *entry;

    if (record->entry.what == LOG_MOUNT || record->entry.what == LOG_POLICY)
        return 0; /* beginnings, ends, and this test's own */
    log->entries = realloc(log->entries, (log->count + 1) * sizeof *log->entries);
    assert_non_null(log->entries);
    entry = &log->entries[log->count++];
    entry->number = record->number;
    entry->entry = record->entry;
    for (unsigned i = 0; i < 7; i++)
        snprintf(entry->text[i], sizeof entry->text[i], "%s", texts[i]);
    return 0;
}

static inline void stage_log_point(struct stage_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        struct stage_entry *entry = &log->entries[i];

        entry->entry.user = entry->text[0];
        entry->entry.program = entry->text[1];
        entry->entry.role = entry->text[2];
        entry->entry.purpose = entry->text[3];
        entry->entry.name = entry->text[4];
        entry->entry.fields = entry->text[5];
        entry->entry.rule = entry->text[6];
    }
}

/* The entries with a number above `after`, without those of starts and stops. */
static inline void stage_log_read(struct stage *stage, uint64_t after, struct stage_log *log)
{
    const struct log_filter filter = {.after = after};
    struct report_why why = {""};

    stage_log_clear(log);
    stage_flush(stage);
    if (log_query(stage->gate->log, &filter, stage_log_add, log, &why) < 0)
        fail_msg("log_query: %s", why.text);
    stage_log_point(log);
}

static inline uint64_t stage_log_size(struct stage *stage)
{
    stage_flush(stage);
    return log_size(stage->gate->log);
}

/* ---- imports ---- */

/* One cell: the name of a field and its value. A row ends with a name that is NULL. */
struct stage_cell {
    const char *field, *value;
};
enum { STAGE_MAX_CELLS = 16 };

static inline struct gate_import *stage_import_begin(struct stage *stage, const char *kind, const char *source,
                                                     bool update)
{
    const struct gate_import_options options = {(unsigned)policy_find_kind(gate_policy(stage->gate), kind), source,
                                                update};
    struct gate_import *import = NULL;
    struct report_why why = {""};

    if (gate_import_begin(stage->gate, &STAGE_IMPORTER, &options, &import, &why) < 0)
        fail_msg("gate_import_begin: %s", why.text);
    return import;
}

static inline enum gate_import_outcome stage_row(struct stage *stage, struct gate_import *import, const char *code,
                                                 const struct stage_cell *cells, struct gate_import_reject *reject)
{
    struct gate_import_value values[STAGE_MAX_CELLS];
    struct gate_import_reject unused;
    enum gate_import_outcome outcome;
    size_t count = 0;

    for (; cells[count].field; count++) {
        assert_true(count < STAGE_MAX_CELLS);
        values[count] = (struct gate_import_value){stage_field(stage, cells[count].field), cells[count].value,
                                                   strlen(cells[count].value)};
    }
    assert_int_equal(gate_import_row(import, code, strlen(code), values, count, &outcome, reject ? reject : &unused),
                     0);
    return outcome;
}

static inline void stage_publish(struct gate_import *import)
{
    struct report_why why = {""};

    if (gate_import_publish(import, &why) < 0)
        fail_msg("gate_import_publish: %s", why.text);
}

/* Publishes in another thread, as the control socket's do, since a mounted gate waits for its dispatcher. */
struct stage_publisher {
    pthread_t thread;
    struct gate_import *import;
    int wake_fd;
    int error;
    atomic_bool ended;
};

static inline void *stage_publish_there(void *context)
{
    struct stage_publisher *publisher = context;

    publisher->error = gate_import_publish(publisher->import, NULL);
    atomic_store(&publisher->ended, true);
    eventfd_write(publisher->wake_fd, 1);
    return NULL;
}

static inline void stage_publish_start(struct stage *stage, struct stage_publisher *publisher,
                                       struct gate_import *import)
{
    *publisher = (struct stage_publisher){.import = import, .wake_fd = door_wake_fd(stage->gate)};
    assert_int_equal(pthread_create(&publisher->thread, NULL, stage_publish_there, publisher), 0);
}

/* Returns how many dossiers the dispatcher was told of. */
static inline unsigned stage_publish_finish(struct stage *stage, struct stage_publisher *publisher)
{
    unsigned changed = 0;

    while (!atomic_load(&publisher->ended)) {
        struct pollfd wake = {.fd = door_wake_fd(stage->gate), .events = POLLIN};

        poll(&wake, 1, 100);
        door_tick(stage->gate, stage_changed, &changed);
    }
    pthread_join(publisher->thread, NULL);
    assert_int_equal(publisher->error, 0);
    door_tick(stage->gate, stage_changed, &changed);
    return changed;
}

/* One row, published. */
static inline void stage_import_one(struct stage *stage, const char *kind, const char *code,
                                    const struct stage_cell *cells)
{
    struct gate_import *import = stage_import_begin(stage, kind, "stage.csv", true);
    struct stage_publisher publisher;

    assert_int_not_equal(stage_row(stage, import, code, cells, NULL), GATE_IMPORT_REJECTED);
    if (!stage->gate->mounted) {
        stage_publish(import);
        return;
    }
    stage_publish_start(stage, &publisher, import);
    stage_publish_finish(stage, &publisher);
}

/* ---- days ---- */

static inline int32_t stage_today(void)
{
    return clock_day_of(clock_now_s());
}

/* "2026-11-22" */
static inline const char *stage_date(int32_t day, char text[static 16])
{
    int year, month, month_day;

    terms_date(day, &year, &month, &month_day);
    snprintf(text, 16, "%04d-%02d-%02d", year % 10000, month % 100, month_day % 100);
    return text;
}

#endif
