/* Goal: times as people write them become the right second in the organisation's zone, and nothing else is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "fs/gate/clock.h"
#include "tools/moment.h"

enum { NOW_S = 1795363199 }; /* 2026-11-22 15:59:59 UTC, 16:59:59 in Amsterdam */

static void expect(const char *text, int64_t wanted, bool wanted_day)
{
    int64_t second = 0;
    bool is_day = !wanted_day;

    if (moment_parse(text, NOW_S, &second, &is_day) != 0)
        fail_msg("\"%s\" is not taken", text);
    if (second != wanted || is_day != wanted_day)
        fail_msg("\"%s\" is %lld", text, (long long)second);
}

static void times_in_the_zone(void **state)
{
    (void)state;
    expect("2026-11-22", 1795302000, true);
    expect("2026-07-01", 1782856800, true);
    expect("2026-11-22 16:59", NOW_S - 59, false);
    expect("2026-11-22T16:59:59", NOW_S, false);
    expect("2026-11-22T15:59:59Z", NOW_S, false);
    expect("2026-11-22 10:59:59-05:00", NOW_S, false);
    expect("2026-11-22 21:29:59+05:30", NOW_S, false);
    expect("2026-11-22 15:59Z", NOW_S - 59, false);
}

static void words_and_spans(void **state)
{
    (void)state;
    expect("now", NOW_S, false);
    expect("today", 1795302000, true);
    expect("yesterday", 1795302000 - 86400, true);
    expect("-30m", NOW_S - 1800, false);
    expect("-2h", NOW_S - 7200, false);
    expect("-7d", NOW_S - 7 * 86400, false);
    expect("-1w", NOW_S - 7 * 86400, false);
    expect("-0s", NOW_S, false);
}

static void what_is_no_time(void **state)
{
    static const char *const texts[] = {"",
                                        "-",
                                        "2h",
                                        "-h",
                                        "--2h",
                                        "-2x",
                                        "-2 h",
                                        "-1000001d",
                                        "2026-1-22",
                                        "2026-11-31",
                                        "2026-02-29",
                                        "22-11-2026",
                                        "0000-01-01",
                                        "2026-11-22 ",
                                        "2026-11-22 24:00",
                                        "2026-11-22 23:60",
                                        "2026-11-22 23:59:60",
                                        "2026-11-22 23",
                                        "2026-11-22 23:00+1",
                                        "2026-11-22 23:00 Z",
                                        "2026-11-22T23:00Zx",
                                        "Today",
                                        "2026-11-22x",
                                        " 2026-11-22"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t second = 42;
        bool is_day = true;

        if (moment_parse(texts[i], NOW_S, &second, &is_day) != -EINVAL || second != 42)
            fail_msg("\"%s\" is taken for a time", texts[i]);
    }
}

static void printing(void **state)
{
    char text[MOMENT_BYTES];

    (void)state;
    moment_print_iso((int64_t)NOW_S * 1000 + 7, text);
    assert_string_equal(text, "2026-11-22T16:59:59.007+01:00");
    moment_print_iso(1782856800000, text);
    assert_string_equal(text, "2026-07-01T00:00:00.000+02:00");
    moment_print((int64_t)NOW_S * 1000, text);
    assert_string_equal(text, "2026-11-22 16:59:59");
    moment_print_iso(-1, text);
    assert_string_equal(text, "1970-01-01T00:59:59.999+01:00");
}

static int set_zone(void **state)
{
    (void)state;
    return clock_set_zone("Europe/Amsterdam", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_in_the_zone),
        cmocka_unit_test(words_and_spans),
        cmocka_unit_test(what_is_no_time),
        cmocka_unit_test(printing),
    };

    return cmocka_run_group_tests(tests, set_zone, NULL);
}
