/* Goal: numbers are little-endian on every machine, and a reader never runs past the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/bytes.h"

static void test_little_endian(void **state)
{
    uint8_t bytes[8];

    (void)state;
    bytes_put_u16(bytes, 0xfedc);
    assert_memory_equal(bytes, "\xdc\xfe", 2);
    bytes_put_u32(bytes, 0xfedcba98);
    assert_memory_equal(bytes, "\x98\xba\xdc\xfe", 4);
    bytes_put_u64(bytes, 0xfedcba9876543210);
    assert_memory_equal(bytes, "\x10\x32\x54\x76\x98\xba\xdc\xfe", 8);
    assert_int_equal(bytes_get_u16(bytes), 0x3210);
    assert_int_equal(bytes_get_u32(bytes), 0x76543210);
    assert_true(bytes_get_u64(bytes) == 0xfedcba9876543210);
}

static void test_there_and_back(void **state)
{
    uint64_t value = 1;
    uint8_t bytes[9]; /* at odd addresses too */

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        value = value * 6364136223846793005u + 1442695040888963407u;
        bytes_put_u64(bytes + i % 2, value);
        assert_true(bytes_get_u64(bytes + i % 2) == value);
        bytes_put_u32(bytes + i % 2, (uint32_t)value);
        assert_int_equal(bytes_get_u32(bytes + i % 2), (uint32_t)value);
        bytes_put_u16(bytes + i % 2, (uint16_t)value);
        assert_int_equal(bytes_get_u16(bytes + i % 2), (uint16_t)value);
    }
}

/* The bytes lie at the very end of their memory, so that the sanitizers see a step too far. */
static void test_reader(void **state)
{
    uint8_t *bytes = malloc(16);
    struct bytes_reader reader;

    (void)state;
    assert_non_null(bytes);
    for (uint8_t i = 0; i < 16; i++)
        bytes[i] = i;
    bytes_reader_init(&reader, bytes, 16);
    assert_int_equal(bytes_read_u8(&reader), 0);
    assert_int_equal(bytes_read_u16(&reader), 0x0201);
    assert_int_equal(bytes_read_u32(&reader), 0x06050403);
    assert_int_equal(bytes_left(&reader), 9);
    assert_true(bytes_read_u64(&reader) == 0x0e0d0c0b0a090807);
    assert_ptr_equal(bytes_read(&reader, 1), bytes + 15);
    assert_int_equal(bytes_left(&reader), 0);
    assert_non_null(bytes_read(&reader, 0));
    assert_false(reader.failed);
    assert_int_equal(bytes_read_u8(&reader), 0);
    assert_true(reader.failed);
    free(bytes);
}

static void test_failed_stays_failed(void **state)
{
    const uint8_t bytes[7] = {9, 9, 9, 9, 9, 9, 9};
    struct bytes_reader reader;

    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        bytes_reader_init(&reader, bytes, kind == 0 ? 7 : kind == 1 ? 3 : kind == 2 ? 1 : 0);
        assert_true((kind == 0   ? bytes_read_u64(&reader)
                     : kind == 1 ? bytes_read_u32(&reader)
                     : kind == 2 ? bytes_read_u16(&reader)
                                 : bytes_read_u8(&reader)) == 0);
        assert_true(reader.failed);
        assert_int_equal(bytes_read_u8(&reader), 0); /* though there is one left */
        assert_null(bytes_read(&reader, 0));
        assert_true(reader.failed);
    }
    bytes_reader_init(&reader, bytes, 7);
    assert_null(bytes_read(&reader, SIZE_MAX));
    assert_true(reader.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_little_endian),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_reader),
        cmocka_unit_test(test_failed_stays_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
