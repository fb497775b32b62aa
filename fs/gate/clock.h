/* clock: the only place that asks what time it is, and the organisation's time zone. The clock is the system's. */
#ifndef DOSSIERFS_GATE_CLOCK_H
#define DOSSIERFS_GATE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/base/report.h"

/* Sets the process's time zone to a name of the system's database ("Europe/Amsterdam"); before any thread is started.
 * -ENOENT: the database has no such zone. */
int clock_set_zone(const char *name, struct report_why *why);
/* Whether it would; changes nothing. */
bool clock_zone_exists(const char *name);
/* "2026-11-27 14:03:22" in the zone. */
enum { CLOCK_STAMP_BYTES = 32 };
void clock_stamp(int64_t second, char stamp[static CLOCK_STAMP_BYTES]);
/* "2026-11-22T14:00:58.123+01:00", in the zone, for programs. */
enum { CLOCK_ISO_BYTES = 48 };
void clock_iso(int64_t time_ms, char text[static CLOCK_ISO_BYTES]);
int64_t clock_now_s(void);
int64_t clock_now_ms(void);
/* Monotonic milliseconds, for waiting: not moved by who sets the clock. */
int64_t clock_tick_ms(void);
/* Day number (policy/terms.h) of a second, and the first second of a day, in the zone. */
int32_t clock_day_of(int64_t second);
int64_t clock_first_second(int32_t day);

#endif
