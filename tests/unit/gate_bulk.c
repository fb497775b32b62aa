/* Goal: a limit counts different dossiers, of one caller in one role, within an hour; never another's, never the same one twice, and
 * begins anew when the hour is over or the clock went back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "fs/gate/bulk.h"

enum { ANNA = 61001, BRAM = 61001 + 256 /* of the same bucket */ };
static const int64_t noon_s = 1800000000;

static int ask(struct bulk *bulk, uint32_t uid, const char *role, uint32_t limit, uint64_t subject, int64_t now_s)
{
    int64_t until_s = 0;
    int result = bulk_ask(bulk, uid, role, limit, subject, now_s, &until_s);

    if (result == -EDQUOT)
        assert_true(until_s > now_s && until_s <= now_s + BULK_HOUR_S);
    return result;
}

static struct bulk *begin(void)
{
    struct bulk *bulk = NULL;

    assert_int_equal(bulk_new(&bulk), 0);
    return bulk;
}

static void test_different_dossiers_count(void **state)
{
    struct bulk *bulk = begin();
    int64_t until_s = 0;

    (void)state;
    assert_int_equal(bulk_counted(bulk, ANNA, "incasso", noon_s, &until_s), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        for (unsigned again = 0; again < 2; again++) {
            assert_int_equal(ask(bulk, ANNA, "incasso", 1000, i * 0x9e3779b97f4a7c15u, noon_s + (int64_t)i), 0);
            assert_int_equal(bulk_count(bulk, ANNA, "incasso", i * 0x9e3779b97f4a7c15u, noon_s + (int64_t)i), 0);
        }
    assert_int_equal(bulk_counted(bulk, ANNA, "incasso", noon_s + 1001, &until_s), 1000);
    assert_int_equal(until_s, noon_s + 1 + BULK_HOUR_S);
    assert_int_equal(ask(bulk, ANNA, "incasso", 1000, 7, noon_s + 1001), -EDQUOT);
    assert_int_equal(ask(bulk, ANNA, "incasso", 1001, 7, noon_s + 1001), 0); /* a policy that allows more */
    for (uint64_t i = 1; i <= 1000; i++)                                     /* what was opened may be opened again */
        assert_int_equal(ask(bulk, ANNA, "incasso", 1000, i * 0x9e3779b97f4a7c15u, noon_s + 1001), 0);
    bulk_free(bulk);
}

static void test_nobody_elses(void **state)
{
    struct bulk *bulk = begin();

    (void)state;
    assert_int_equal(bulk_count(bulk, ANNA, "incasso", 1, noon_s), 0);
    assert_int_equal(ask(bulk, ANNA, "incasso", 1, 2, noon_s), -EDQUOT);
    assert_int_equal(ask(bulk, BRAM, "incasso", 1, 2, noon_s), 0);
    assert_int_equal(ask(bulk, ANNA, "verhuur", 1, 2, noon_s), 0);
    assert_int_equal(bulk_count(bulk, BRAM, "incasso", 2, noon_s), 0);
    assert_int_equal(ask(bulk, BRAM, "incasso", 1, 1, noon_s), -EDQUOT);
    bulk_free(bulk);
}

static void test_an_hour(void **state)
{
    struct bulk *bulk = begin();
    int64_t until_s = 0;

    (void)state;
    assert_int_equal(bulk_count(bulk, ANNA, "incasso", 1, noon_s), 0);
    assert_int_equal(ask(bulk, ANNA, "incasso", 1, 2, noon_s + BULK_HOUR_S - 1), -EDQUOT);
    assert_int_equal(ask(bulk, ANNA, "incasso", 1, 2, noon_s + BULK_HOUR_S), 0);
    assert_int_equal(bulk_counted(bulk, ANNA, "incasso", noon_s + BULK_HOUR_S, &until_s), 0);
    assert_int_equal(bulk_count(bulk, ANNA, "incasso", 2, noon_s + BULK_HOUR_S), 0);
    assert_int_equal(ask(bulk, ANNA, "incasso", 1, 1, noon_s + BULK_HOUR_S),
                     -EDQUOT);                                         /* the old hour counts no more */
    assert_int_equal(ask(bulk, ANNA, "incasso", 1, 1, noon_s - 1), 0); /* the clock went back */
    bulk_free(bulk);
    bulk_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_different_dossiers_count),
        cmocka_unit_test(test_nobody_elses),
        cmocka_unit_test(test_an_hour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
