/* timing: the clock and the figures that the bench's programs share. */
#ifndef DOSSIERFS_BENCH_TIMING_H
#define DOSSIERFS_BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t timing_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static inline int timing_compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* The value that `percent` (0 to 99) of the `count` (at least 1) values lie below. Sorts them. */
static inline uint64_t timing_percentile_ns(uint64_t *took_ns, size_t count, size_t percent)
{
    qsort(took_ns, count, sizeof *took_ns, timing_compare);
    return took_ns[count * percent / 100];
}

#endif
