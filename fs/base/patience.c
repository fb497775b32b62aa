#include "fs/base/patience.h"

#include <time.h>

enum { WORTH_MAX = 8, SHORT_NS = 2 * PATIENCE_NS };

bool patience_has(const struct patience *patience)
{
    return patience->worth > 0;
}

void patience_polled(struct patience *patience, bool paid)
{
    if (paid && patience->worth < WORTH_MAX)
        patience->worth++;
    else if (!paid && patience->worth > 0)
        patience->worth--;
}

void patience_slept(struct patience *patience, int64_t slept_ns)
{
    if (slept_ns < SHORT_NS)
        patience_polled(patience, true);
}

int64_t patience_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
