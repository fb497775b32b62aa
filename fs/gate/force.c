#include "fs/gate/force.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct force_policy {
    struct force_policy *next;
    struct policy *policy;
    uint64_t records;
    unsigned holds;
};

struct force {
    pthread_mutex_t lock;         /* guards what follows */
    struct force_policy *current; /* the first is in force; the others were replaced and are still held */
};

/* What this thread works under. A thread works for one gate at a time. */
static _Thread_local struct {
    const struct force *force;
    struct force_policy *held;
} own;

struct force_policy *force_prepare(struct policy *policy, uint64_t records)
{
    struct force_policy *prepared = calloc(1, sizeof *prepared);

    if (prepared) {
        prepared->policy = policy;
        prepared->records = records;
    }
    return prepared;
}

void force_discard(struct force_policy *prepared)
{
    if (!prepared)
        return;
    policy_free(prepared->policy);
    free(prepared);
}

int force_new(struct force **out)
{
    struct force *force = calloc(1, sizeof *force);

    if (!force)
        return -ENOMEM;
    pthread_mutex_init(&force->lock, NULL);
    *out = force;
    return 0;
}

void force_free(struct force *force)
{
    if (!force)
        return;
    while (force->current) {
        struct force_policy *next = force->current->next;

        force_discard(force->current);
        force->current = next;
    }
    pthread_mutex_destroy(&force->lock);
    free(force);
}

void force_replace(struct force *force, struct force_policy *prepared)
{
    pthread_mutex_lock(&force->lock);
    prepared->next = force->current;
    force->current = prepared;
    pthread_mutex_unlock(&force->lock);
}

void force_sweep(struct force *force)
{
    struct force_policy *unheld = NULL, **at;

    pthread_mutex_lock(&force->lock);
    at = &force->current->next; /* the first is in force */
    while (*at) {
        struct force_policy *old = *at;

        if (old->holds > 0) {
            at = &old->next;
            continue;
        }
        *at = old->next;
        old->next = unheld;
        unheld = old;
    }
    pthread_mutex_unlock(&force->lock);
    while (unheld) {
        struct force_policy *next = unheld->next;

        force_discard(unheld);
        unheld = next;
    }
}

void force_hold(struct force *force)
{
    pthread_mutex_lock(&force->lock);
    own.force = force;
    own.held = force->current;
    own.held->holds++;
    pthread_mutex_unlock(&force->lock);
}

void force_let_go(struct force *force)
{
    pthread_mutex_lock(&force->lock);
    own.held->holds--;
    own.force = NULL;
    own.held = NULL;
    pthread_mutex_unlock(&force->lock);
    force_sweep(force);
}

const struct policy *force_held(const struct force *force)
{
    return force && own.force == force ? own.held->policy : NULL;
}

bool force_same_records(struct force *force)
{
    bool same;

    pthread_mutex_lock(&force->lock);
    same = own.force != force || own.held == force->current ||
           (own.held->records != 0 && own.held->records == force->current->records);
    pthread_mutex_unlock(&force->lock);
    return same;
}

uint64_t force_records(struct force *force)
{
    uint64_t records;

    pthread_mutex_lock(&force->lock);
    records = force->current->records;
    pthread_mutex_unlock(&force->lock);
    return records;
}
