/* moment: times as people write them, in the organisation's time zone (which clock_set_zone() made the process's). */
#ifndef DOSSIERFS_TOOLS_MOMENT_H
#define DOSSIERFS_TOOLS_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/gate/clock.h"

enum { MOMENT_BYTES = CLOCK_ISO_BYTES };

/* yyyy-mm-dd; yyyy-mm-dd hh:mm[:ss] (or with a T), with Z or +hh:mm behind it if it is not the organisation's time; now,
 * today, yesterday; -N(s|m|h|d|w) before now. A time that a change of the clocks skips or repeats is the later or the
 * first. *is_day: it was a whole day, and *second is its first. 0 or -EINVAL. */
int moment_parse(const char *text, int64_t now_s, int64_t *second, bool *is_day);
/* What a person takes for a time, for messages. */
extern const char moment_allowed[];
/* "2026-11-22T14:00:58.123+01:00", for programs; "2026-11-22 14:00:58", for people. */
void moment_print_iso(int64_t time_ms, char text[static MOMENT_BYTES]);
void moment_print(int64_t time_ms, char text[static MOMENT_BYTES]);

#endif
