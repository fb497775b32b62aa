#include "fs/gate/identity.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "fs/gate/clock.h"
#include "fs/gate/door.h"

enum { BUCKETS = 256, GAP_MS = 1000, KEEP_MS = DOOR_IDENTITY_S * 1000, REFRESH_MS = KEEP_MS * 3 / 4 };

/* One uid. Only the dispatcher touches it; the thread works on questions. */
struct entry {
    struct entry *next;
    uint32_t uid;
    bool asking, has_answer, gap;
    int64_t asked_ms, answered_ms;
    uint64_t generation;
    struct gate_person person;
};

struct question {
    struct question *next;
    uint32_t uid;
    int error;
    struct gate_person person;
};

/* Shared with the thread; it outlives `identity` if the thread hangs in NSS, and the last of both frees it. */
struct desk {
    pthread_mutex_t lock; /* guards all of it */
    pthread_cond_t asked, ended;
    struct question *questions, **questions_end;
    struct question *answers;
    bool closing, thread_ended;
    int64_t working_since_ms; /* when the question that NSS has now was put; 0: none */
    int wake_fd;
};

struct identity {
    struct entry *buckets[BUCKETS];
    struct desk *desk;
    uint64_t generation;
};

static void free_questions(struct question *question)
{
    while (question) {
        struct question *next = question->next;

        gate_person_clear(&question->person);
        free(question);
        question = next;
    }
}

static void desk_free(struct desk *desk)
{
    free_questions(desk->questions);
    free_questions(desk->answers);
    pthread_cond_destroy(&desk->asked);
    pthread_cond_destroy(&desk->ended);
    pthread_mutex_destroy(&desk->lock);
    free(desk);
}

static void *answer_questions(void *context)
{
    struct desk *desk = context;
    bool closing;

    pthread_mutex_lock(&desk->lock);
    while (!desk->closing) {
        struct question *question = desk->questions;

        if (!question) {
            pthread_cond_wait(&desk->asked, &desk->lock);
            continue;
        }
        desk->questions = question->next;
        if (!desk->questions)
            desk->questions_end = &desk->questions;
        desk->working_since_ms = clock_tick_ms();
        pthread_mutex_unlock(&desk->lock);
        question->error = gate_person_look_up(question->uid, 0, &question->person);
        pthread_mutex_lock(&desk->lock);
        desk->working_since_ms = 0;
        question->next = desk->answers;
        desk->answers = question;
        if (!desk->closing)
            eventfd_write(desk->wake_fd, 1);
    }
    desk->thread_ended = true;
    pthread_cond_signal(&desk->ended);
    closing = desk->closing && desk->wake_fd < 0; /* left behind by identity_free() */
    pthread_mutex_unlock(&desk->lock);
    if (closing)
        desk_free(desk);
    return NULL;
}

/* Waits are not to be moved by who sets the clock. */
static void init_monotonic(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int identity_new(int wake_fd, struct identity **out)
{
    struct identity *identity = calloc(1, sizeof *identity);
    struct desk *desk = calloc(1, sizeof *desk);
    pthread_t thread;
    int error = -ENOMEM;

    if (!identity || !desk)
        goto failed;
    pthread_mutex_init(&desk->lock, NULL);
    pthread_cond_init(&desk->asked, NULL);
    init_monotonic(&desk->ended);
    desk->questions_end = &desk->questions;
    desk->wake_fd = wake_fd;
    identity->desk = desk;
    error = -pthread_create(&thread, NULL, answer_questions, desk);
    if (error)
        goto failed;
    pthread_detach(thread);
    *out = identity;
    return 0;
failed:
    free(identity);
    free(desk);
    return error;
}

void identity_forget(struct identity *identity)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        while (identity->buckets[i]) {
            struct entry *entry = identity->buckets[i];

            identity->buckets[i] = entry->next;
            gate_person_clear(&entry->person);
            free(entry);
        }
}

void identity_free(struct identity *identity)
{
    struct timespec until;
    struct desk *desk;
    bool ended;

    if (!identity)
        return;
    desk = identity->desk;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 2;
    pthread_mutex_lock(&desk->lock);
    desk->closing = true;
    pthread_cond_signal(&desk->asked);
    while (!desk->thread_ended && pthread_cond_timedwait(&desk->ended, &desk->lock, &until) == 0)
        ;
    ended = desk->thread_ended;
    desk->wake_fd = -1;
    pthread_mutex_unlock(&desk->lock);
    if (ended)
        desk_free(desk);
    identity_forget(identity);
    free(identity);
}

static void ask(struct identity *identity, struct entry *entry, int64_t now_ms)
{
    struct question *question = calloc(1, sizeof *question);

    entry->asked_ms = now_ms;
    if (!question)
        return; /* whoever looks next asks again */
    entry->asking = true;
    question->uid = entry->uid;
    pthread_mutex_lock(&identity->desk->lock);
    *identity->desk->questions_end = question;
    identity->desk->questions_end = &question->next;
    pthread_cond_signal(&identity->desk->asked);
    pthread_mutex_unlock(&identity->desk->lock);
}

static struct entry *find(struct identity *identity, uint32_t uid)
{
    struct entry *entry = identity->buckets[uid % BUCKETS];

    while (entry && entry->uid != uid)
        entry = entry->next;
    return entry;
}

static void take_answers(struct identity *identity, int64_t now_ms)
{
    struct question *answers;

    pthread_mutex_lock(&identity->desk->lock);
    answers = identity->desk->answers;
    identity->desk->answers = NULL;
    pthread_mutex_unlock(&identity->desk->lock);
    for (struct question *answer = answers; answer; answer = answer->next) {
        struct entry *entry = find(identity, answer->uid);

        if (!entry)
            continue;
        entry->asking = false;
        entry->gap = answer->error != 0;
        entry->has_answer = !entry->gap;
        entry->answered_ms = now_ms;
        entry->generation = ++identity->generation;
        gate_person_clear(&entry->person);
        entry->person = answer->person;
        memset(&answer->person, 0, sizeof answer->person);
    }
    free_questions(answers);
}

/* NSS hangs: new questions won't be answered in time either, so nobody needs to wait to learn that. */
static bool hangs(struct identity *identity, int64_t now_ms)
{
    int64_t since_ms;

    pthread_mutex_lock(&identity->desk->lock);
    since_ms = identity->desk->working_since_ms;
    pthread_mutex_unlock(&identity->desk->lock);
    return since_ms != 0 && now_ms - since_ms >= DOOR_IDENTITY_WAIT_MS;
}

enum identity_state identity_get(struct identity *identity, uint32_t uid, int64_t now_ms,
                                 const struct gate_person **person, uint64_t *generation)
{
    struct entry *entry = find(identity, uid);
    int64_t age_ms;

    if (entry && entry->asking) {
        take_answers(identity, now_ms);
    } else if (!entry) {
        entry = calloc(1, sizeof *entry);
        if (!entry)
            return IDENTITY_GAP;
        entry->uid = uid;
        entry->next = identity->buckets[uid % BUCKETS];
        identity->buckets[uid % BUCKETS] = entry;
    }
    age_ms = now_ms - entry->answered_ms;
    if (entry->gap && age_ms >= GAP_MS)
        entry->gap = false;
    if (entry->has_answer && age_ms >= KEEP_MS)
        entry->has_answer = false;
    if (!entry->asking && !entry->gap && (!entry->has_answer || age_ms >= REFRESH_MS))
        ask(identity, entry, now_ms);
    if (entry->has_answer) {
        *person = &entry->person;
        *generation = entry->generation;
        return IDENTITY_KNOWN;
    }
    if (entry->gap)
        return IDENTITY_GAP;
    if (now_ms - entry->asked_ms < DOOR_IDENTITY_WAIT_MS && !hangs(identity, now_ms))
        return IDENTITY_ASKING;
    return IDENTITY_GAP; /* the question is still out: who this is isn't known in time */
}
