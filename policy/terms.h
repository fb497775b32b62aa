/* terms: calendar terms of retention. Pure: days are numbers, and the time zone is the caller's.
 *
 * A term of days, weeks, months or years after a date ends at the end of its last day in the organisation's time zone:
 * 2 y after 2024-02-29 is 2026-02-28 (the last day of a shorter month stands for a day it lacks), and the item is gone
 * from the first second of 2026-03-01. Days and weeks after a moment (capture, recording) are exact to the second.
 * `year-end` moves a start to the last day of its calendar year first (a book year). */
#ifndef DOSSIERFS_POLICY_TERMS_H
#define DOSSIERFS_POLICY_TERMS_H

#include <stdbool.h>
#include <stdint.h>

/* A day number counts days since 1970-01-01 in the proleptic Gregorian calendar; years 1..9999. */
int32_t terms_day(int year, int month, int day); /* the day must exist: terms_day_exists() */
bool terms_day_exists(int year, int month, int day);
void terms_date(int32_t day, int *year, int *month, int *month_day);

enum term_unit { TERM_DAYS, TERM_WEEKS, TERM_MONTHS, TERM_YEARS };
enum term_start { TERM_AFTER_FIELD, TERM_AFTER_CAPTURE };
struct term {
    uint32_t amount; /* 0..1000 */
    enum term_unit unit;
    enum term_start start;
    int field; /* index of a date field, for TERM_AFTER_FIELD */
    bool year_end;
};

enum retention_rule { RETENTION_ONE, RETENTION_EARLIEST, RETENTION_LATEST };
enum { RETENTION_MAX_TERMS = 4 };
struct retention {
    enum retention_rule rule;
    unsigned term_count; /* 1..RETENTION_MAX_TERMS */
    struct term terms[RETENTION_MAX_TERMS];
};

#define TERMS_NEVER INT64_MAX

/* The last day of a term that starts on a day. */
int32_t terms_last_day(const struct term *term, int32_t start_day);

/* Where a term's start comes from, and the organisation's time zone. */
struct terms_world {
    bool (*field_day)(void *context, int field, int32_t *day); /* false: the dossier has no such date */
    int64_t (*first_second)(void *context, int32_t day);       /* Unix time of the day's beginning */
    int32_t (*day_of)(void *context, int64_t second);
    int64_t capture_s; /* when the item was captured */
    void *context;
};
/* The first second (Unix time) at which an item is gone; TERMS_NEVER if no term runs: a missing start means that its term
 * is not running; `earliest` takes the terms that run; `latest` runs only when all do. */
int64_t terms_end_s(const struct retention *retention, const struct terms_world *world);

#endif
