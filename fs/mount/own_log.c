#include "fs/mount/own_log.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/gate/clock.h"

enum {
    PEOPLE_KEPT = 512,
    /* ls -l of the root asks for the page too, and where the kernel looks up one name of a directory at a time, whoever waits there
     * keeps others waiting. */
    WAIT_MS = 200,
};

struct person {
    struct person *next; /* the one that was asked about before him */
    uint32_t uid;
    bool found, busy;
    uint64_t turn;    /* of session->turns; 0: not looked up yet */
    int64_t since_ms; /* busy since then */
    struct logbook_own own;
};

struct own_log {
    struct session *session;
    struct person *people; /* those asked about last come first */
};

int own_log_new(struct session *session, struct own_log **out)
{
    struct own_log *own_log = calloc(1, sizeof *own_log);

    if (!own_log)
        return -ENOMEM;
    own_log->session = session;
    *out = own_log;
    return 0;
}

void own_log_free(struct own_log *own_log)
{
    if (!own_log)
        return;
    for (struct person *person = own_log->people, *next; person; person = next) {
        next = person->next;
        free(person);
    }
    free(own_log);
}

static struct person *find(const struct own_log *own_log, uint32_t uid)
{
    struct person *person = own_log->people;

    while (person && person->uid != uid)
        person = person->next;
    return person;
}

/* Finds or makes, and puts him in front; the last one goes when there are many, unless the worker is at it. */
static struct person *get(struct own_log *own_log, uint32_t uid)
{
    struct person **at = &own_log->people, *person;
    unsigned count = 0;

    while (*at && (*at)->uid != uid && (*at)->next) {
        at = &(*at)->next;
        count++;
    }
    person = *at && (*at)->uid == uid ? *at : NULL;
    if (person) {
        *at = person->next;
    } else {
        person = calloc(1, sizeof *person);
        if (!person)
            return NULL;
        person->uid = uid;
        if (*at && count + 1 >= PEOPLE_KEPT && !(*at)->busy) {
            free(*at);
            *at = NULL;
        }
    }
    person->next = own_log->people;
    own_log->people = person;
    return person;
}

struct looking_up {
    struct worker_job job;
    struct own_log *own_log;
    uint64_t turn;
    struct logbook_own own;
    int error;
};

static bool look_up(struct worker_job *job)
{
    struct looking_up *looking_up = (struct looking_up *)job;

    looking_up->error = session_book(looking_up->own_log->session);
    if (!looking_up->error)
        looking_up->error = logbook_own(looking_up->own_log->session->book, job->uid, &looking_up->own);
    return false;
}

/* Somebody that the worker is at is never forgotten. */
static void take(struct worker_job *job)
{
    struct looking_up *looking_up = (struct looking_up *)job;
    struct person *person = find(looking_up->own_log, job->uid);

    person->busy = false;
    person->turn = looking_up->turn;
    if (!job->cancelled && !looking_up->error) {
        person->found = true;
        person->own = looking_up->own;
    }
    free(looking_up);
}

static bool begin(struct own_log *own_log, struct person *person)
{
    struct looking_up *looking_up = calloc(1, sizeof *looking_up);

    if (!looking_up)
        return false;
    looking_up->job = (struct worker_job){.uid = person->uid, .work = look_up, .done = take};
    looking_up->own_log = own_log;
    looking_up->turn = ++own_log->session->turns;
    looking_up->own = person->own;
    person->busy = true;
    person->since_ms = clock_tick_ms();
    worker_give(own_log->session->worker, &looking_up->job);
    return true;
}

bool own_log_waits(struct own_log *own_log, uint32_t uid, uint64_t turn)
{
    struct person *person = get(own_log, uid);

    if (!person || person->turn > turn)
        return false;
    if (person->busy)
        return clock_tick_ms() - person->since_ms < WAIT_MS;
    return begin(own_log, person);
}

const struct logbook_own *own_log_get(const struct own_log *own_log, uint32_t uid)
{
    const struct person *person = find(own_log, uid);

    return person && person->found ? &person->own : NULL;
}
