/* Goal: days begin and terms end at the right second of the organisation's zone, also where clocks are changed, and at midnight. */
#include "tests/unit/gate_stage.h"

static void set_zone(const char *name)
{
    struct report_why why = {""};

    if (clock_set_zone(name, &why) < 0)
        fail_msg("%s", why.text);
}

static void test_unknown_zones(void **state)
{
    static const char *const names[] = {
        "Europe/Amsterdm", "/etc/passwd", "../../../etc/passwd", "Europe/../../zoneinfo/UTC",
        "AVeryLongName/AVeryLongName/AVeryLongName/AVeryLongName/AVeryLongName/AVeryLongName/"
        "AVeryLongName/AVeryLongName/AVeryLongName/AVeryLongName/AVeryLongName/AVeryLongName/"
        "AVeryLongName/AVeryLongName/AVeryLongName/AVeryLongName/AVeryLongName/AVeryLongName"};

    (void)state;
    set_zone("Europe/Amsterdam");
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct report_why why = {""};

        assert_int_equal(clock_set_zone(names[i], &why), -ENOENT);
        assert_true(strlen(why.text) > 0);
    }
    assert_int_equal(clock_first_second(0), -3600); /* the zone is as it was */
}

static void test_changes_of_the_clock(void **state)
{
    /* 2026-03-29 has 23 hours, 2026-10-25 has 25. From the tables of the zone. */
    static const struct {
        int year, month, day;
        int64_t first_second;
    } rows[] = {{2026, 3, 28, 1774652400},  {2026, 3, 29, 1774738800},  {2026, 3, 30, 1774821600},
                {2026, 10, 24, 1792792800}, {2026, 10, 25, 1792879200}, {2026, 10, 26, 1792969200},
                {2024, 2, 29, 1709161200}};

    (void)state;
    set_zone("Europe/Amsterdam");
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int32_t day = terms_day(rows[i].year, rows[i].month, rows[i].day);

        assert_int_equal(clock_first_second(day), rows[i].first_second);
        assert_int_equal(clock_day_of(rows[i].first_second), day);
        assert_int_equal(clock_day_of(rows[i].first_second - 1), day - 1);
    }
}

/* Of every day of a century: its first second is the first that belongs to it. Cairo, Havana, Beirut and others change
 * their clocks at midnight. */
static void test_first_is_first(void **state)
{
    static const char *const zones[] = {
        "Europe/Amsterdam", "UTC",         "Africa/Cairo",     "America/Havana", "America/Sao_Paulo",
        "Asia/Beirut",      "Asia/Tehran", "America/Santiago", "Asia/Kathmandu", "Atlantic/Azores"};

    (void)state;
    for (unsigned i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        set_zone(zones[i]);
        for (int32_t day = terms_day(1961, 1, 1); day < terms_day(2061, 1, 1); day++) {
            int64_t first = clock_first_second(day);

            if (clock_day_of(first) != day || clock_day_of(first - 1) != day - 1)
                fail_msg("%s, day %d: %lld", zones[i], (int)day, (long long)first);
        }
    }
}

static void test_clocks_go(void **state)
{
    int64_t before_ms = clock_now_ms(), tick_ms = clock_tick_ms();
    struct timespec now;

    (void)state;
    clock_gettime(CLOCK_REALTIME, &now);
    assert_true(llabs((int64_t)now.tv_sec - clock_now_s()) <= 1);
    assert_true(llabs(before_ms / 1000 - clock_now_s()) <= 1);
    while (clock_tick_ms() == tick_ms)
        ;
    assert_true(clock_tick_ms() > tick_ms);
}

/* ---- ends of terms, through import and table ---- */

static const char the_policy[] =
    "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
    "[kind tenant]\ncode = T[0-9]{4}\n[kind seeker]\ncode = S[0-9]{4}\n"
    "[category days]\nretention = 3d after capture\n"
    "[category weeks]\nretention = 2w after capture\n"
    "[category months]\nretention = 1m after capture\n"
    "[category dated]\nretention = 2y after ended\nretention.seeker = 0d after ended\n"
    "[category books]\nretention = 7y after ended year-end\n"
    "[category both]\nretention = latest(1y after ended, 1y after paid)\n"
    "[category either]\nretention = earliest(1y after ended, 1y after paid)\n"
    "[category kept]\n"
    "[field f-days]\ncategory = days\ntype = text\n[field f-weeks]\ncategory = weeks\ntype = text\n"
    "[field f-months]\ncategory = months\ntype = text\n[field ended]\ncategory = dated\ntype = date\n"
    "[field paid]\ncategory = kept\ntype = date\n[field f-books]\ncategory = books\ntype = text\n"
    "[field f-both]\ncategory = both\ntype = text\n[field f-either]\ncategory = either\ntype = text\n"
    "[purpose rent]\nground = A\nkinds = tenant, seeker\nfields = days, weeks, months, dated, books, both, either, "
    "kept\n"
    "[role all]\nmembers = 61001\npurposes = rent\ncommands = import\n"
    "[secrecy]\nbound = 61001 2020-01-01\n";

/* Amsterdam is 1 h ahead of UTC, 2 h from the last Sunday of March to that of October; both change at 01:00 UTC, so the
 * midnights of those Sundays belong to the time before. */
static int64_t midnight(int year, int month, int day)
{
    int32_t number = terms_day(year, month, day), march = terms_day(year, 3, 31), october = terms_day(year, 10, 31);

    march -= (march + 4) % 7; /* 1970-01-01 was a Thursday: (day + 4) % 7 is 0 on Sundays */
    october -= (october + 4) % 7;
    return (int64_t)number * 86400 - (number > march && number <= october ? 7200 : 3600);
}

static int64_t ends_of(struct stage *stage, const char *code, const char *category)
{
    return dossiers_ends_s(stage->gate->dossiers, stage_dossier(stage, code),
                           (unsigned)policy_find_category(gate_policy(stage->gate), category));
}

static void test_ends_to_the_second(void **state)
{
    int64_t before_s, after_s;
    struct stage stage;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage, the_policy, false);
    before_s = clock_now_s();
    stage_import_one(&stage, "tenant", "T0001",
                     (struct stage_cell[]){{"f-days", "x"},
                                           {"f-weeks", "x"},
                                           {"f-months", "x"},
                                           {"f-books", "x"},
                                           {"f-both", "x"},
                                           {"f-either", "x"},
                                           {"ended", "2024-02-29"},
                                           {"paid", "2025-10-25"},
                                           {NULL, NULL}});
    after_s = clock_now_s();
    stage_import_one(
        &stage, "tenant", "T0002",
        (struct stage_cell[]){{"ended", "2024-03-28"}, {"f-both", "x"}, {"f-either", "x"}, {NULL, NULL}});
    stage_import_one(&stage, "seeker", "S0001", (struct stage_cell[]){{"ended", "2026-03-29"}, {NULL, NULL}});
    stage_import_one(&stage, "tenant", "T0003",
                     (struct stage_cell[]){{"f-books", "x"}, {"f-either", "x"}, {NULL, NULL}});
    for (unsigned round = 0; round < 2; round++) { /* as imported, and as loaded */
        assert_in_range(ends_of(&stage, "T0001", "days"), before_s + 3 * 86400, after_s + 3 * 86400);
        assert_int_equal(ends_of(&stage, "T0001", "weeks") - ends_of(&stage, "T0001", "days"), 11 * 86400);
        assert_int_equal(ends_of(&stage, "T0001", "dated"), midnight(2026, 3, 1));
        assert_int_equal(ends_of(&stage, "T0001", "books"), midnight(2032, 1, 1));
        assert_int_equal(ends_of(&stage, "T0001", "both"), midnight(2026, 10, 26)); /* after a day of 25 hours */
        assert_int_equal(ends_of(&stage, "T0001", "either"), midnight(2025, 3, 1));
        assert_true(ends_of(&stage, "T0001", "kept") == TERMS_NEVER);
        assert_int_equal(ends_of(&stage, "T0002", "dated"), midnight(2026, 3, 29));
        assert_true(ends_of(&stage, "T0002", "both") == TERMS_NEVER);
        assert_int_equal(ends_of(&stage, "T0002", "either"), midnight(2025, 3, 29));
        assert_true(ends_of(&stage, "T0002", "books") == TERMS_NEVER);              /* it has no field of it */
        assert_int_equal(ends_of(&stage, "S0001", "dated"), midnight(2026, 3, 30)); /* after one of 23 */
        assert_true(ends_of(&stage, "T0003", "books") == TERMS_NEVER);
        assert_int_equal(clock_day_of(ends_of(&stage, "T0001", "months") - 1) >= stage_today() + 28, 1);
        assert_int_equal(ends_of(&stage, "T0001", "months"),
                         clock_first_second(clock_day_of(ends_of(&stage, "T0001", "months"))));
        stage_open(&stage, the_policy, round == 0);
    }
    stage_end(&stage);
}

/* Yesterday is over, today isn't: seen through the door. */
static void test_the_day_it_ends(void **state)
{
    struct stage stage;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage, the_policy, false);
    for (int again = 1; again;) {
        int32_t today = stage_today();
        struct door_found found;
        struct door_ask ask;
        char day[16];

        stage_open(&stage, the_policy, false);
        stage_date(today - 1, day);
        stage_import_one(&stage, "seeker", "S0010", (struct stage_cell[]){{"ended", day}, {NULL, NULL}});
        stage_date(today, day);
        stage_import_one(&stage, "seeker", "S0011", (struct stage_cell[]){{"ended", day}, {NULL, NULL}});
        stage_open(&stage, the_policy, true);
        ask = stage_ask(&stage, 61001, "rent");
        if (today == stage_today()) {
            int over = door_look_dossier(stage.gate, &ask, "S0010", 5, &found);
            int runs = door_look_dossier(stage.gate, &ask, "S0011", 5, &found);

            again = today != stage_today(); /* midnight came in between */
            assert_int_equal(again ? -ENOENT : over, -ENOENT);
            assert_int_equal(again ? 0 : runs, 0);
            assert_int_equal(again || ends_of(&stage, "S0011", "dated") == clock_first_second(today + 1), 1);
        }
    }
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_zones),      cmocka_unit_test(test_changes_of_the_clock),
        cmocka_unit_test(test_first_is_first),     cmocka_unit_test(test_clocks_go),
        cmocka_unit_test(test_ends_to_the_second), cmocka_unit_test(test_the_day_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
