#include "fs/gate/noise.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 16384, PROBES = 32, UIDS = 512 };

struct slot {
    bool used;
    int64_t minute;
    uint32_t count; /* since the first, which was written */
    struct noise_key key;
};

/* How many different refusals a uid had in its minute. */
struct quota {
    bool used;
    uint32_t uid;
    int64_t minute;
    uint32_t refusals, beyond;
};

struct noise {
    pthread_mutex_t lock; /* guards what follows */
    struct slot slots[SLOTS];
    struct quota quotas[UIDS + 1]; /* the last is the crowd's */
    int64_t flushed_minute;        /* all before it was handed on */
};

int noise_new(struct noise **out)
{
    struct noise *noise = calloc(1, sizeof *noise);

    if (!noise)
        return -ENOMEM;
    pthread_mutex_init(&noise->lock, NULL);
    *out = noise;
    return 0;
}

void noise_free(struct noise *noise)
{
    if (noise)
        pthread_mutex_destroy(&noise->lock);
    free(noise);
}

static bool equal(const struct noise_key *a, const struct noise_key *b)
{
    return a->uid == b->uid && a->purpose == b->purpose && a->subject == b->subject && a->leaf == b->leaf &&
           a->refusal == b->refusal;
}

static uint32_t place(const struct noise_key *key)
{
    uint64_t hash = key->subject ^ (uint64_t)key->uid << 32 ^ (uint64_t)(uint32_t)key->purpose << 17 ^
                    (uint64_t)(uint32_t)key->leaf << 1 ^ key->refusal;

    hash ^= hash >> 31;
    hash *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(hash >> 32) % SLOTS;
}

static bool is_idle(const struct quota *quota, int64_t minute)
{
    return !quota->used || (quota->minute != minute && quota->beyond == 0);
}

/* The uid's own, so that nobody is charged with another's refusals; where the neighbourhood is full, that of the crowd. */
static struct quota *quota_of(struct noise *noise, uint32_t uid, int64_t minute)
{
    struct quota *quota = NULL;

    for (unsigned i = 0; i < PROBES; i++) {
        struct quota *at = &noise->quotas[(uid + i) % UIDS];

        if (at->used && at->uid == uid) {
            quota = at;
            break;
        }
        if (!quota && is_idle(at, minute))
            quota = at;
    }
    if (!quota) {
        quota = &noise->quotas[UIDS];
        uid = NOISE_CROWD;
    }
    if (is_idle(quota, minute))
        *quota = (struct quota){.used = true, .uid = uid, .minute = minute};
    return quota;
}

static bool within_quota(struct noise *noise, uint32_t uid, int64_t minute)
{
    struct quota *quota = quota_of(noise, uid, minute);

    if (quota->refusals >= NOISE_REFUSALS_PER_MINUTE) {
        quota->beyond++;
        return false;
    }
    quota->refusals++;
    return true;
}

static bool is_first(struct noise *noise, const struct noise_key *key, int64_t now_s)
{
    int64_t minute = now_s / 60;
    struct slot *free_slot = NULL;
    uint32_t at = place(key);

    for (unsigned i = 0; i < PROBES; i++) {
        struct slot *slot = &noise->slots[(at + i) % SLOTS];

        if (slot->used && slot->minute == minute && equal(&slot->key, key)) {
            slot->count++;
            return false;
        }
        if (!free_slot && (!slot->used || (slot->minute != minute && slot->count == 0)))
            free_slot = slot;
    }
    if (key->refusal && !within_quota(noise, key->uid, minute))
        return false;
    if (free_slot) /* a full neighbourhood means that repeats are written again: more entries, never fewer */
        *free_slot = (struct slot){.used = true, .minute = minute, .key = *key};
    return true;
}

bool noise_first(struct noise *noise, const struct noise_key *key, int64_t now_s)
{
    bool first;

    pthread_mutex_lock(&noise->lock);
    first = is_first(noise, key, now_s);
    pthread_mutex_unlock(&noise->lock);
    return first;
}

void noise_take_back(struct noise *noise, const struct noise_key *key)
{
    uint32_t at = place(key);

    pthread_mutex_lock(&noise->lock);
    for (unsigned i = 0; i < PROBES; i++) {
        struct slot *slot = &noise->slots[(at + i) % SLOTS];

        if (slot->used && slot->count == 0 && equal(&slot->key, key))
            slot->used = false;
    }
    pthread_mutex_unlock(&noise->lock);
}

bool noise_within(struct noise *noise, uint32_t uid, int64_t now_s)
{
    bool within;

    pthread_mutex_lock(&noise->lock);
    within = within_quota(noise, uid, now_s / 60);
    pthread_mutex_unlock(&noise->lock);
    return within;
}

static void flush(struct noise *noise, int64_t now_s, bool all,
                  void (*counted)(void *context, const struct noise_key *key, uint32_t count), void *context)
{
    int64_t minute = now_s / 60;

    if (!all && minute == noise->flushed_minute)
        return;
    noise->flushed_minute = minute;
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *slot = &noise->slots[i];

        if (!slot->used || (!all && slot->minute == minute))
            continue;
        if (slot->count > 0 && slot->key.refusal)
            counted(context, &slot->key, slot->count);
        slot->used = false;
    }
    for (unsigned i = 0; i <= UIDS; i++) {
        struct quota *quota = &noise->quotas[i];
        struct noise_key key = {.uid = quota->uid, .purpose = -1, .leaf = INT_MIN, .refusal = true};

        if (!quota->used || (!all && quota->minute == minute))
            continue;
        if (quota->beyond > 0)
            counted(context, &key, quota->beyond);
        quota->used = false;
    }
}

void noise_flush(struct noise *noise, int64_t now_s, bool all,
                 void (*counted)(void *context, const struct noise_key *key, uint32_t count), void *context)
{
    pthread_mutex_lock(&noise->lock);
    flush(noise, now_s, all, counted, context);
    pthread_mutex_unlock(&noise->lock);
}
