/* Goal: a text is a number as a whole and within its range, or the output stays as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fs/base/number.h"

static void test_u64(void **state)
{
    static const struct {
        const char *text;
        uint64_t min, max;
        int error;
        uint64_t value;
    } rows[] = {
        {"0", 0, 9, 0, 0},
        {"9", 0, 9, 0, 9},
        {"007", 0, 9, 0, 7},
        {"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
        {"00000000000000000000000000000000000012", 0, 99, 0, 12},
        {"", 0, 9, -EINVAL, 0},
        {" 1", 0, 9, -EINVAL, 0},
        {"1 ", 0, 9, -EINVAL, 0},
        {"1\n", 0, 9, -EINVAL, 0},
        {"+1", 0, 9, -EINVAL, 0},
        {"-1", 0, 9, -EINVAL, 0},
        {"-0", 0, 9, -EINVAL, 0},
        {"0x1", 0, 99, -EINVAL, 0},
        {"1e1", 0, 99, -EINVAL, 0},
        {"1.0", 0, 99, -EINVAL, 0},
        {"1,0", 0, 99, -EINVAL, 0},
        {"/", 0, 99, -EINVAL, 0},
        {":", 0, 99, -EINVAL, 0},
        {"\xd9\xa1", 0, 99, -EINVAL, 0},
        {"10", 0, 9, -ERANGE, 0},
        {"4", 5, 9, -ERANGE, 0},
        {"18446744073709551616", 0, UINT64_MAX, -ERANGE, 0},
        {"28446744073709551615", 0, UINT64_MAX, -ERANGE, 0},
        {"184467440737095516150", 0, UINT64_MAX, -ERANGE, 0},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 77;

        assert_int_equal(number_parse_u64(rows[i].text, strlen(rows[i].text), rows[i].min, rows[i].max, &value),
                         rows[i].error);
        assert_true(value == (rows[i].error ? 77 : rows[i].value));
    }
}

static void test_length_counts(void **state)
{
    uint64_t value = 77;

    (void)state;
    assert_int_equal(number_parse_u64("123", 2, 0, 999, &value), 0);
    assert_int_equal(value, 12);
    assert_int_equal(number_parse_u64("12\0", 3, 0, 999, &value), -EINVAL);
    assert_int_equal(number_parse_u64(NULL, 0, 0, 999, &value), -EINVAL);
    assert_int_equal(value, 12);
}

static void test_u32(void **state)
{
    uint32_t value = 77;

    (void)state;
    assert_int_equal(number_parse_u32("4294967296", 10, 0, UINT32_MAX, &value), -ERANGE);
    assert_int_equal(number_parse_u32("x", 1, 0, UINT32_MAX, &value), -EINVAL);
    assert_int_equal(value, 77);
    assert_int_equal(number_parse_u32("4294967295", 10, 0, UINT32_MAX, &value), 0);
    assert_int_equal(value, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u64),
        cmocka_unit_test(test_length_counts),
        cmocka_unit_test(test_u32),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
