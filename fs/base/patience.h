/* patience: is it worth to poll for a moment before going to sleep? Waking a sleeping thread costs more than a short wait, but only
 * if something does come within it. So polling goes on while it pays, is given up after it failed a few times, and is tried
 * again after a sleep that turned out to be short. Nobody polls when nothing happens.
 *
 *     if (patience_has(&patience)) { ... poll for PATIENCE_NS ...; patience_polled(&patience, something_came); }
 *     ... sleep ...; patience_slept(&patience, how_long);
 *
 * Not for two threads at once. */
#ifndef DOSSIERFS_BASE_PATIENCE_H
#define DOSSIERFS_BASE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

enum { PATIENCE_NS = 20000 };

/* Zeros are one without patience yet. */
struct patience {
    int worth;
};

bool patience_has(const struct patience *patience);
void patience_polled(struct patience *patience, bool paid);
void patience_slept(struct patience *patience, int64_t slept_ns);
/* Nanoseconds of a clock that only goes forward. */
int64_t patience_now_ns(void);

#endif
