/* chance: numbers that look random and are the same each time (splitmix64). */
#ifndef DOSSIERFS_EXAMPLES_SAMPLE_CHANCE_H
#define DOSSIERFS_EXAMPLES_SAMPLE_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

/* A stream of numbers; any state begins one. */
struct chance {
    uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
    uint64_t z = chance->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A number from `low` to `high`, both included. */
static inline int chance_between(struct chance *chance, int low, int high)
{
    return low + (int)((chance_next(chance) >> 32) * (uint64_t)(high - low + 1) >> 32);
}

static inline bool chance_percent(struct chance *chance, int percent)
{
    return chance_between(chance, 1, 100) <= percent;
}

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
/* One of an array that is there as a whole. */
#define PICK(chance, array) ((array)[chance_between(chance, 0, (int)ARRAY_LENGTH(array) - 1)])

#endif
