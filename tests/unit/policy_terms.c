/* Goal: a term ends on the right day at the right second: leap years, month ends, book years, clock changes, no start. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/terms.h"

static int32_t day(const char *iso)
{
    int year = atoi(iso), month = atoi(iso + 5), month_day = atoi(iso + 8);

    assert_true(terms_day_exists(year, month, month_day));
    return terms_day(year, month, month_day);
}

static void days_are_counted(void **state)
{
    int32_t expected = terms_day(1, 1, 1);
    int year, month, month_day;

    (void)state;
    assert_int_equal(terms_day(1970, 1, 1), 0);
    assert_int_equal(terms_day(1969, 12, 31), -1);
    assert_int_equal(terms_day(2000, 2, 29), 11016);
    assert_int_equal(terms_day(2038, 1, 19), 24855);
    assert_int_equal(terms_day(1, 1, 1), -719162);
    assert_int_equal(terms_day(9999, 12, 31), 2932896);
    for (int y = 1; y <= 9999; y++)
        for (int m = 1; m <= 12; m++)
            for (int d = 1; d <= 31; d++) {
                if (!terms_day_exists(y, m, d))
                    continue;
                if (terms_day(y, m, d) != expected)
                    fail_msg("%d-%d-%d is not the day after the one before", y, m, d);
                terms_date(expected, &year, &month, &month_day);
                if (year != y || month != m || month_day != d)
                    fail_msg("day %d is not %d-%d-%d", expected, y, m, d);
                expected++;
            }
    assert_int_equal(expected - 1, terms_day(9999, 12, 31));
}

static void days_that_do_not_exist(void **state)
{
    static const int wrong[][3] = {{2023, 2, 29},
                                   {1900, 2, 29},
                                   {2100, 2, 29},
                                   {2024, 2, 30},
                                   {2024, 4, 31},
                                   {2024, 6, 31},
                                   {2024, 9, 31},
                                   {2024, 11, 31},
                                   {2024, 1, 32},
                                   {2024, 0, 1},
                                   {2024, 13, 1},
                                   {2024, 1, 0},
                                   {2024, 1, -1},
                                   {0, 1, 1},
                                   {10000, 1, 1},
                                   {-1, 1, 1},
                                   {INT_MAX, INT_MAX, INT_MAX},
                                   {INT_MIN, INT_MIN, INT_MIN}};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(terms_day_exists(wrong[i][0], wrong[i][1], wrong[i][2]));
    assert_true(terms_day_exists(2000, 2, 29));
    assert_true(terms_day_exists(2024, 2, 29));
    assert_true(terms_day_exists(1, 1, 1));
    assert_true(terms_day_exists(9999, 12, 31));
}

static void last_days(void **state)
{
    static const struct {
        uint32_t amount;
        enum term_unit unit;
        bool year_end;
        const char *start, *last;
    } rows[] = {
        {2, TERM_YEARS, false, "2024-02-29", "2026-02-28"},     {4, TERM_YEARS, false, "2024-02-29", "2028-02-29"},
        {1, TERM_YEARS, false, "2023-02-28", "2024-02-28"},     {2, TERM_YEARS, false, "2024-11-15", "2026-11-15"},
        {100, TERM_YEARS, false, "2000-02-29", "2100-02-28"},   {0, TERM_YEARS, false, "2024-02-29", "2024-02-29"},
        {1000, TERM_YEARS, false, "1024-01-01", "2024-01-01"},  {1, TERM_MONTHS, false, "2024-01-31", "2024-02-29"},
        {1, TERM_MONTHS, false, "2023-01-31", "2023-02-28"},    {1, TERM_MONTHS, false, "2024-02-29", "2024-03-29"},
        {1, TERM_MONTHS, false, "2024-12-31", "2025-01-31"},    {2, TERM_MONTHS, false, "2024-12-31", "2025-02-28"},
        {6, TERM_MONTHS, false, "2024-08-31", "2025-02-28"},    {11, TERM_MONTHS, false, "2024-01-31", "2024-12-31"},
        {12, TERM_MONTHS, false, "2024-02-29", "2025-02-28"},   {13, TERM_MONTHS, false, "2024-05-31", "2025-06-30"},
        {1000, TERM_MONTHS, false, "2024-01-01", "2107-05-01"}, {28, TERM_DAYS, false, "2024-02-10", "2024-03-09"},
        {28, TERM_DAYS, false, "2023-02-10", "2023-03-10"},     {0, TERM_DAYS, false, "2024-02-29", "2024-02-29"},
        {1, TERM_DAYS, false, "2024-12-31", "2025-01-01"},      {4, TERM_WEEKS, false, "2024-02-10", "2024-03-09"},
        {7, TERM_YEARS, true, "2024-01-01", "2031-12-31"},      {7, TERM_YEARS, true, "2024-12-31", "2031-12-31"},
        {7, TERM_YEARS, true, "2024-02-29", "2031-12-31"},      {0, TERM_YEARS, true, "2024-05-05", "2024-12-31"},
        {2, TERM_MONTHS, true, "2024-05-05", "2025-02-28"},     {1, TERM_DAYS, true, "2024-05-05", "2025-01-01"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct term term = {
            .amount = rows[i].amount, .unit = rows[i].unit, .year_end = rows[i].year_end, .start = TERM_AFTER_FIELD};

        if (terms_last_day(&term, day(rows[i].start)) != day(rows[i].last))
            fail_msg("row %zu: the last day after %s is not %s", i, rows[i].start, rows[i].last);
    }
}

/* A world with two date fields, in the zone that TZ names. */
struct dates {
    bool has[2];
    int32_t day[2];
    unsigned asked;
};

static bool field_day(void *context, int field, int32_t *out)
{
    struct dates *dates = context;

    dates->asked++;
    assert_in_range(field, 0, 1);
    if (dates->has[field])
        *out = dates->day[field];
    return dates->has[field];
}

static int64_t first_second(void *context, int32_t at)
{
    struct tm local = {.tm_isdst = -1};
    int year, month, month_day;

    (void)context;
    terms_date(at, &year, &month, &month_day);
    local.tm_year = year - 1900;
    local.tm_mon = month - 1;
    local.tm_mday = month_day;
    return mktime(&local);
}

static int32_t day_of(void *context, int64_t second)
{
    time_t at = second;
    struct tm local;

    (void)context;
    localtime_r(&at, &local);
    return terms_day(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
}

static struct terms_world world_of(struct dates *dates, int64_t capture_s)
{
    return (struct terms_world){field_day, first_second, day_of, capture_s, dates};
}

static int in_amsterdam(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1); /* Amsterdam's rule, without needing the zone's file */
    tzset();
    return 0;
}

static struct retention one(struct term term)
{
    return (struct retention){.rule = RETENTION_ONE, .term_count = 1, .terms = {term}};
}

static void gone_from_the_first_second_of_the_next_day(void **state)
{
    struct dates dates = {.has = {true, false}, .day = {day("2024-02-29"), 0}};
    struct terms_world world = world_of(&dates, 0);
    struct retention two_years = one((struct term){2, TERM_YEARS, TERM_AFTER_FIELD, 0, false});
    struct retention none = one((struct term){0, TERM_DAYS, TERM_AFTER_FIELD, 0, false});
    struct retention book_year = one((struct term){7, TERM_YEARS, TERM_AFTER_FIELD, 0, true});

    (void)state;
    assert_int_equal(terms_end_s(&two_years, &world), 1772319600); /* 2026-03-01 00:00 +01:00 */
    assert_int_equal(terms_end_s(&none, &world), 1709247600);      /* 2024-03-01 00:00 +01:00 */
    assert_int_equal(terms_end_s(&book_year, &world), 1956524400); /* 2032-01-01 00:00 +01:00 */
    dates.day[0] = day("2024-07-14");
    assert_int_equal(terms_end_s(&two_years, &world), 1784066400); /* 2026-07-15 00:00 +02:00 */
}

/* The days on which the clock is put forward (2025-03-30) and back (2025-10-26) have 23 and 25 hours. */
static void clock_changes(void **state)
{
    struct dates dates = {.has = {true, false}};
    struct terms_world world = world_of(&dates, 0);
    struct retention none = one((struct term){0, TERM_DAYS, TERM_AFTER_FIELD, 0, false});
    int64_t before, after;

    (void)state;
    dates.day[0] = day("2025-03-29");
    before = terms_end_s(&none, &world);
    dates.day[0] = day("2025-03-30");
    after = terms_end_s(&none, &world);
    assert_int_equal(before, 1743289200); /* 2025-03-30 00:00 +01:00 */
    assert_int_equal(after - before, 23 * 3600);
    dates.day[0] = day("2025-10-25");
    before = terms_end_s(&none, &world);
    dates.day[0] = day("2025-10-26");
    after = terms_end_s(&none, &world);
    assert_int_equal(before, 1761429600); /* 2025-10-26 00:00 +02:00 */
    assert_int_equal(after - before, 25 * 3600);
}

static void days_after_capture_are_exact(void **state)
{
    struct dates dates = {0};
    int64_t capture_s = 1742740245; /* 2025-03-23 15:30:45 +01:00: the clock changes within the term */
    struct terms_world world = world_of(&dates, capture_s);
    struct retention days = one((struct term){28, TERM_DAYS, TERM_AFTER_CAPTURE, -1, false});
    struct retention weeks = one((struct term){4, TERM_WEEKS, TERM_AFTER_CAPTURE, -1, false});
    struct retention none = one((struct term){0, TERM_DAYS, TERM_AFTER_CAPTURE, -1, false});
    struct retention most = one((struct term){1000, TERM_WEEKS, TERM_AFTER_CAPTURE, -1, false});

    (void)state;
    assert_int_equal(terms_end_s(&days, &world), capture_s + 28 * 86400);
    assert_int_equal(terms_end_s(&weeks, &world), capture_s + 28 * 86400);
    assert_int_equal(terms_end_s(&none, &world), capture_s);
    assert_int_equal(terms_end_s(&most, &world), capture_s + 7000LL * 86400);
    assert_int_equal(dates.asked, 0);
}

static void months_after_capture_are_calendar_terms(void **state)
{
    struct dates dates = {0};
    /* 2024-12-31 23:30 in Amsterdam is a day of the same year; 00:30 one of the next */
    struct terms_world evening = world_of(&dates, 1735684200), night = world_of(&dates, 1735687800);
    struct retention two_months = one((struct term){2, TERM_MONTHS, TERM_AFTER_CAPTURE, -1, false});
    struct retention year = one((struct term){1, TERM_YEARS, TERM_AFTER_CAPTURE, -1, false});
    struct retention book_year = one((struct term){1, TERM_YEARS, TERM_AFTER_CAPTURE, -1, true});
    struct retention days = one((struct term){28, TERM_DAYS, TERM_AFTER_CAPTURE, -1, true});

    (void)state;
    assert_int_equal(terms_end_s(&two_months, &evening), 1740783600); /* 2025-03-01 +01:00: after 2025-02-28 */
    assert_int_equal(terms_end_s(&year, &evening), 1767222000);       /* 2026-01-01 +01:00 */
    assert_int_equal(terms_end_s(&year, &night), 1767308400);         /* 2026-01-02 +01:00 */
    assert_int_equal(terms_end_s(&book_year, &evening), 1767222000);
    assert_int_equal(terms_end_s(&book_year, &night), 1798758000); /* 2027-01-01 +01:00 */
    assert_int_equal(terms_end_s(&days, &evening), 1738105200);    /* 2025-01-29 +01:00 */
}

static struct retention two(enum retention_rule rule)
{
    return (struct retention){
        .rule = rule,
        .term_count = 2,
        .terms = {{1, TERM_YEARS, TERM_AFTER_FIELD, 0, false}, {1, TERM_YEARS, TERM_AFTER_FIELD, 1, false}}};
}

static void missing_starts(void **state)
{
    struct dates dates = {.day = {day("2024-01-10"), day("2024-06-10")}};
    struct terms_world world = world_of(&dates, 0);
    struct retention only = one((struct term){1, TERM_YEARS, TERM_AFTER_FIELD, 0, false});
    struct retention earliest = two(RETENTION_EARLIEST), latest = two(RETENTION_LATEST);
    int64_t first = first_second(NULL, day("2025-01-11")), second = first_second(NULL, day("2025-06-11"));

    (void)state;
    assert_true(terms_end_s(&only, &world) == TERMS_NEVER);
    assert_true(terms_end_s(&earliest, &world) == TERMS_NEVER);
    assert_true(terms_end_s(&latest, &world) == TERMS_NEVER);

    dates.has[1] = true;
    assert_true(terms_end_s(&only, &world) == TERMS_NEVER);
    assert_int_equal(terms_end_s(&earliest, &world), second); /* the one that runs */
    assert_true(terms_end_s(&latest, &world) == TERMS_NEVER); /* only when all run */

    dates.has[0] = true;
    assert_int_equal(terms_end_s(&only, &world), first);
    assert_int_equal(terms_end_s(&earliest, &world), first);
    assert_int_equal(terms_end_s(&latest, &world), second);

    dates.has[1] = false;
    assert_int_equal(terms_end_s(&earliest, &world), first);
    assert_true(terms_end_s(&latest, &world) == TERMS_NEVER);
}

static void the_order_of_terms_does_not_matter(void **state)
{
    struct dates dates = {.has = {true, true}, .day = {day("2024-06-10"), day("2024-01-10")}};
    struct terms_world world = world_of(&dates, 1735684200);
    struct retention three = {.rule = RETENTION_EARLIEST,
                              .term_count = 3,
                              .terms = {{1, TERM_YEARS, TERM_AFTER_FIELD, 0, false},
                                        {1, TERM_YEARS, TERM_AFTER_FIELD, 1, false},
                                        {4, TERM_WEEKS, TERM_AFTER_CAPTURE, -1, false}}};

    (void)state;
    assert_int_equal(terms_end_s(&three, &world), first_second(NULL, day("2025-01-11")));
    three.rule = RETENTION_LATEST;
    assert_int_equal(terms_end_s(&three, &world), first_second(NULL, day("2025-06-11")));
    three.rule = RETENTION_ONE;
    three.term_count = 1;
    assert_int_equal(terms_end_s(&three, &world), first_second(NULL, day("2025-06-11")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_counted),
        cmocka_unit_test(days_that_do_not_exist),
        cmocka_unit_test(last_days),
        cmocka_unit_test(gone_from_the_first_second_of_the_next_day),
        cmocka_unit_test(clock_changes),
        cmocka_unit_test(days_after_capture_are_exact),
        cmocka_unit_test(months_after_capture_are_calendar_terms),
        cmocka_unit_test(missing_starts),
        cmocka_unit_test(the_order_of_terms_does_not_matter),
    };

    return cmocka_run_group_tests(tests, in_amsterdam, NULL);
}
