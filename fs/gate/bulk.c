#include "fs/gate/bulk.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

enum { BUCKETS = 256, FIRST_SLOTS = 64 };

/* The hour of one caller in one role. Only members of limited roles get one, and an hour that is over is taken away when another
 * begins in its bucket. */
struct hour {
    struct hour *next;
    uint32_t uid;
    char role[POLICY_NAME_MAX_BYTES + 1];
    int64_t began_s;
    uint64_t *subjects; /* open addressing; 0 is free, which no pseudonym is */
    uint32_t count, slots;
};

struct bulk {
    struct hour *buckets[BUCKETS];
};

int bulk_new(struct bulk **out)
{
    struct bulk *bulk = calloc(1, sizeof *bulk);

    if (!bulk)
        return -ENOMEM;
    *out = bulk;
    return 0;
}

static void free_hour(struct hour *hour)
{
    free(hour->subjects);
    free(hour);
}

void bulk_free(struct bulk *bulk)
{
    for (unsigned i = 0; bulk && i < BUCKETS; i++)
        while (bulk->buckets[i]) {
            struct hour *hour = bulk->buckets[i];

            bulk->buckets[i] = hour->next;
            free_hour(hour);
        }
    free(bulk);
}

/* Also when the clock was set back: an hour that begins later than now is none. */
static bool is_over(const struct hour *hour, int64_t now_s)
{
    return now_s < hour->began_s || now_s >= hour->began_s + BULK_HOUR_S;
}

static struct hour *find(const struct bulk *bulk, uint32_t uid, const char *role, int64_t now_s)
{
    for (struct hour *hour = bulk->buckets[uid % BUCKETS]; hour; hour = hour->next)
        if (hour->uid == uid && strcmp(hour->role, role) == 0)
            return is_over(hour, now_s) ? NULL : hour;
    return NULL;
}

static void sweep(struct hour **at, int64_t now_s)
{
    while (*at) {
        struct hour *hour = *at;

        if (!is_over(hour, now_s)) {
            at = &hour->next;
            continue;
        }
        *at = hour->next;
        free_hour(hour);
    }
}

static struct hour *begin(struct bulk *bulk, uint32_t uid, const char *role, int64_t now_s)
{
    struct hour *hour = calloc(1, sizeof *hour);

    sweep(&bulk->buckets[uid % BUCKETS], now_s);
    if (!hour)
        return NULL;
    hour->uid = uid;
    hour->began_s = now_s;
    strncpy(hour->role, role, sizeof hour->role - 1);
    hour->next = bulk->buckets[uid % BUCKETS];
    bulk->buckets[uid % BUCKETS] = hour;
    return hour;
}

/* Pseudonyms are random, so they need no hash. */
static uint64_t *slot_of(const struct hour *hour, uint64_t subject)
{
    uint32_t at = (uint32_t)subject & (hour->slots - 1);

    while (hour->subjects[at] != 0 && hour->subjects[at] != subject)
        at = (at + 1) & (hour->slots - 1);
    return &hour->subjects[at];
}

static bool has(const struct hour *hour, uint64_t subject)
{
    return hour->slots > 0 && *slot_of(hour, subject) == subject;
}

static int make_room(struct hour *hour)
{
    uint64_t *old = hour->subjects;
    uint32_t old_slots = hour->slots;

    if (hour->slots > 0 && hour->count < hour->slots / 2)
        return 0;
    hour->slots = old_slots ? old_slots * 2 : FIRST_SLOTS;
    hour->subjects = calloc(hour->slots, sizeof *hour->subjects);
    if (!hour->subjects) {
        hour->subjects = old;
        hour->slots = old_slots;
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < old_slots; i++)
        if (old[i] != 0)
            *slot_of(hour, old[i]) = old[i];
    free(old);
    return 0;
}

int bulk_ask(const struct bulk *bulk, uint32_t uid, const char *role, uint32_t limit, uint64_t subject, int64_t now_s,
             int64_t *until_s)
{
    const struct hour *hour = find(bulk, uid, role, now_s);

    if (!hour || hour->count < limit || has(hour, subject))
        return 0;
    *until_s = hour->began_s + BULK_HOUR_S;
    return -EDQUOT;
}

int bulk_count(struct bulk *bulk, uint32_t uid, const char *role, uint64_t subject, int64_t now_s)
{
    struct hour *hour = find(bulk, uid, role, now_s);

    if (hour && has(hour, subject))
        return 0;
    if (!hour)
        hour = begin(bulk, uid, role, now_s);
    if (!hour || make_room(hour) < 0)
        return -ENOMEM;
    *slot_of(hour, subject) = subject;
    hour->count++;
    return 0;
}

uint32_t bulk_counted(const struct bulk *bulk, uint32_t uid, const char *role, int64_t now_s, int64_t *until_s)
{
    const struct hour *hour = find(bulk, uid, role, now_s);

    if (!hour)
        return 0;
    *until_s = hour->began_s + BULK_HOUR_S;
    return hour->count;
}
