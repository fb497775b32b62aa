/* Goal: a caller's roles, secrecy and commands are those the policy gives, on the day asked for, and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/match.h"

static const char text[] = "[policy]\n"                                                /* 1 */
                           "organisation = V\n"                                        /* 2 */
                           "timezone = Europe/Amsterdam\n"                             /* 3 */
                           "[kind huurder]\n"                                          /* 4 */
                           "code = [0-9]{4}\n"                                         /* 5 */
                           "[category naam]\n"                                         /* 6 */
                           "[field achternaam]\n"                                      /* 7 */
                           "category = naam\n"                                         /* 8 */
                           "type = surname\n"                                          /* 9 */
                           "[purpose innen]\n"                                         /* 10 */
                           "ground = A\n"                                              /* 11 */
                           "kinds = huurder\n"                                         /* 12 */
                           "fields = naam\n"                                           /* 13 */
                           "[role incasso]\n"                                          /* 14 */
                           "members = @incasso, anna, 20001\n"                         /* 15 */
                           "members += @domain users, 0\n"                             /* 16 */
                           "purposes = innen\n"                                        /* 17 */
                           "[role verhuur]\n"                                          /* 18 */
                           "members = @verhuur, anna\n"                                /* 19 */
                           "purposes = innen\n"                                        /* 20 */
                           "commands = import\n"                                       /* 21 */
                           "[role functionaris]\n"                                     /* 22 */
                           "members = 20004\n"                                         /* 23 */
                           "commands = log.*, policy.*\n"                              /* 24 */
                           "[secrecy]\n"                                               /* 25 */
                           "bound = anna 2025-02-01\n"                                 /* 26 */
                           "bound += 20001 2025-02-01 2025-02-28\n"                    /* 27 */
                           "bound += 20001 2026-01-01 2026-01-01, 20004 2025-01-01\n"; /* 28 */

enum { INCASSO = 1, VERHUUR = 2, FUNCTIONARIS = 4 };

static struct policy *policy;

static int load(void **state)
{
    struct policy_faults faults = {0};
    int error = policy_load("test.ini", text, strlen(text), &policy, &faults);

    (void)state;
    for (size_t i = 0; i < faults.count; i++)
        print_error("%u: %s\n", faults.faults[i].line, faults.faults[i].text);
    policy_faults_clear(&faults);
    return error;
}

static int unload(void **state)
{
    (void)state;
    policy_free(policy);
    return 0;
}

static struct policy_standing standing(uint32_t uid, const char *user, const char *group, int year, int month,
                                       int day)
{
    const char *const groups[] = {"staff", group};
    const struct policy_caller caller = {.uid = uid, .user = user, .groups = groups, .group_count = group ? 2 : 1};

    return policy_match(policy, &caller, terms_day(year, month, day));
}

static void members_by_group_name_and_uid(void **state)
{
    (void)state;
    assert_int_equal(standing(5, "anna", NULL, 2025, 3, 1).roles, INCASSO | VERHUUR);
    assert_int_equal(standing(5, "bert", "incasso", 2025, 3, 1).roles, INCASSO);
    assert_int_equal(standing(5, "bert", "domain users", 2025, 3, 1).roles, INCASSO);
    assert_int_equal(standing(20001, NULL, NULL, 2025, 3, 1).roles, INCASSO);
    assert_int_equal(standing(20004, NULL, "verhuur", 2025, 3, 1).roles, VERHUUR | FUNCTIONARIS);
    assert_int_equal(standing(0, NULL, NULL, 2025, 3, 1).roles, INCASSO);
}

static void nobody_else(void **state)
{
    (void)state;
    assert_int_equal(standing(5, "bert", NULL, 2025, 3, 1).roles, 0);
    assert_int_equal(standing(5, "Anna", NULL, 2025, 3, 1).roles, 0);
    assert_int_equal(standing(5, "ann", "incass", 2025, 3, 1).roles, 0);
    /* A user called as a group, a group called as a user, a name that is the digits of a uid. */
    assert_int_equal(standing(5, "incasso", NULL, 2025, 3, 1).roles, 0);
    assert_int_equal(standing(5, "@incasso", "@incasso", 2025, 3, 1).roles, 0);
    assert_int_equal(standing(5, "bert", "anna", 2025, 3, 1).roles, 0);
    assert_int_equal(standing(5, "20001", "20001", 2025, 3, 1).roles, 0);
    assert_int_equal(standing(20000, NULL, NULL, 2025, 3, 1).roles, 0);
    assert_int_equal(standing(UINT32_MAX, NULL, NULL, 2025, 3, 1).roles, 0);
    assert_int_equal(standing(UINT32_MAX, "anna", "incasso", 2025, 3, 1).roles, 0);
    assert_false(standing(UINT32_MAX, "anna", NULL, 2025, 3, 1).bound);
}

static void secrecy_holds_from_the_first_to_the_last_day(void **state)
{
    static const struct {
        uint32_t uid;
        const char *user;
        int year, month, day;
        bool bound;
        unsigned line;
    } rows[] = {
        {5, "anna", 2025, 1, 31, false, 26},   {5, "anna", 2025, 2, 1, true, 26},
        {5, "anna", 9999, 12, 31, true, 26},   {20001, NULL, 2025, 1, 31, false, 28},
        {20001, NULL, 2025, 2, 1, true, 27},   {20001, NULL, 2025, 2, 28, true, 27},
        {20001, NULL, 2025, 3, 1, false, 28},  {20001, NULL, 2025, 12, 31, false, 28},
        {20001, NULL, 2026, 1, 1, true, 28},   {20001, NULL, 2026, 1, 2, false, 28},
        {20004, NULL, 2025, 1, 1, true, 28},   {20002, NULL, 2025, 2, 1, false, 0},
        {5, "20001", 2025, 2, 1, false, 0},    {20001, "anna", 2024, 1, 1, false, 28},
        {20001, "anna", 2025, 6, 1, true, 26},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_standing found =
            standing(rows[i].uid, rows[i].user, NULL, rows[i].year, rows[i].month, rows[i].day);

        if (found.bound != rows[i].bound || found.bound_line != rows[i].line)
            fail_msg("row %zu: bound %d, line %u", i, found.bound, found.bound_line);
    }
}

static bool allows(uint32_t uid, const char *user, const char *group, const char *command, unsigned *line)
{
    struct policy_standing found = standing(uid, user, group, 2025, 2, 10);

    return policy_allows_command(policy, &found, command, line);
}

static void commands_are_those_listed(void **state)
{
    unsigned line = 99;

    (void)state;
    assert_true(allows(5, "anna", NULL, "import", &line));
    assert_int_equal(line, 21);
    assert_false(allows(5, "anna", NULL, "log.show", &line));
    assert_int_equal(line, 0);
    assert_true(allows(20004, NULL, NULL, "log.show", &line));
    assert_int_equal(line, 24);
    assert_false(allows(20004, NULL, NULL, "import", &line));
    assert_false(allows(20004, NULL, NULL, "log.", &line));
    assert_false(allows(20004, NULL, NULL, "log", &line));
    assert_false(allows(20004, NULL, NULL, "logs.show", &line));
    assert_false(allows(20004, NULL, NULL, "", &line));
    assert_true(allows(20004, NULL, NULL, "policy.replay", &line));
    assert_false(allows(20004, NULL, NULL, "policy.explain", &line)); /* has to be named */
    assert_true(policy_command_covers("policy.explain", "policy.explain"));
    assert_false(policy_command_covers("log.*", "log.expire"));
    assert_true(policy_command_covers("log.expire", "log.expire"));
    assert_true(policy_command_covers("policy.*", "policy.*"));
    assert_false(allows(5, "anna", NULL, "impor", &line));
    assert_false(allows(5, "anna", NULL, "import.", &line));
}

static void who_is_not_bound_commands_nothing(void **state)
{
    struct policy_standing early = standing(5, "anna", NULL, 2025, 1, 31);
    unsigned line = 99;

    (void)state;
    assert_false(policy_allows_command(policy, &early, "import", &line));
    assert_int_equal(line, 26);
    assert_false(allows(6, "kees", "verhuur", "import", &line));
    assert_int_equal(line, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_by_group_name_and_uid),
        cmocka_unit_test(nobody_else),
        cmocka_unit_test(secrecy_holds_from_the_first_to_the_last_day),
        cmocka_unit_test(commands_are_those_listed),
        cmocka_unit_test(who_is_not_bound_commands_nothing),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
