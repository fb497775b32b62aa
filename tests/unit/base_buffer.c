/* Goal: a buffer holds what was appended, keeps it when it fails, and wipes every place that it leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char planted[] = "Wolkenveer-2024-00123";
static unsigned frees, unwiped;
static bool memory_fails;

/* Memory that is given back is looked at first: a buffer asks for 64 bytes at least. */
static void watched_free(void *place)
{
    frees += place != NULL;
    unwiped += place && memmem(place, 64, planted, 4);
    free(place);
}

static void *watched_malloc(size_t size_bytes)
{
    return memory_fails ? NULL : malloc(size_bytes);
}

/* The real thing, with these two in the place of the library's. */
#define free   watched_free
#define malloc watched_malloc
#include "fs/base/buffer.c" /* NOLINT */
#undef free
#undef malloc

static void test_appends(void **state)
{
    struct buffer buffer = BUFFER_EMPTY;
    char expected[20000];
    size_t length = 0;

    (void)state;
    for (unsigned i = 0; i < 1500; i++) {
        char piece[16];
        size_t piece_bytes = i % 11;

        memset(piece, 'a' + (int)(i % 26), sizeof piece);
        assert_int_equal(buffer_append(&buffer, piece, piece_bytes), 0);
        memcpy(expected + length, piece, piece_bytes);
        length += piece_bytes;
        assert_int_equal(buffer.length_bytes, length);
    }
    assert_memory_equal(buffer.bytes, expected, length);
    assert_int_equal(strlen(buffer_text(&buffer)), length);
    assert_int_equal(buffer.length_bytes, length); /* the NUL doesn't count */
    assert_false(buffer.failed);
    buffer_clear(&buffer);
    assert_null(buffer.bytes);
    assert_int_equal(buffer.length_bytes, 0);
    buffer_clear(&buffer);
}

static void test_numbers_and_text(void **state)
{
    static const uint8_t expected[] = {1, 0x34, 0x12, 0xef, 0xbe, 0xad, 0xde, 8,   7,  6,
                                       5, 4,    3,    2,    1,    'x',  '-',  '7', '!'};
    struct buffer buffer = BUFFER_EMPTY;

    (void)state;
    assert_string_equal(buffer_text(&buffer), "");
    assert_int_equal(buffer_append_u8(&buffer, 1), 0);
    assert_int_equal(buffer_append_u16(&buffer, 0x1234), 0);
    assert_int_equal(buffer_append_u32(&buffer, 0xdeadbeef), 0);
    assert_int_equal(buffer_append_u64(&buffer, 0x0102030405060708), 0);
    assert_int_equal(buffer_append_text(&buffer, "x"), 0);
    assert_int_equal(buffer_printf(&buffer, "%d%s", -7, "!"), 0);
    assert_int_equal(buffer_printf(&buffer, "%s", ""), 0);
    assert_int_equal(buffer.length_bytes, sizeof expected);
    assert_memory_equal(buffer.bytes, expected, sizeof expected);
    buffer_clear(&buffer);
}

static void test_bounds(void **state)
{
    const volatile size_t most = BUFFER_MAX_BYTES; /* the compiler would rightly wonder */
    struct buffer buffer = BUFFER_EMPTY;

    (void)state;
    assert_int_equal(buffer_append_text(&buffer, "kept"), 0);
    assert_int_equal(buffer_append(&buffer, planted, most), -EFBIG);
    assert_true(buffer.failed);
    assert_int_equal(buffer_append(&buffer, planted, most + 1), -EFBIG);
    assert_int_equal(buffer_append(&buffer, planted, SIZE_MAX - BUFFER_MAX_BYTES + most), -EFBIG);
    assert_int_equal(buffer_append(&buffer, planted, SIZE_MAX - BUFFER_MAX_BYTES - 3 + most), -EFBIG);
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    assert_int_equal(buffer.length_bytes, 4);
    assert_string_equal(buffer_text(&buffer), "kept");
    assert_true(buffer.failed); /* until it is reset */
    buffer_reset(&buffer);
    assert_false(buffer.failed);
    assert_int_equal(buffer.length_bytes, 0);
    buffer_clear(&buffer);
}

static void test_reserve(void **state)
{
    struct buffer buffer = BUFFER_EMPTY;
    uint8_t *place;

    (void)state;
    assert_non_null(buffer_reserve(&buffer, 0));
    place = buffer_reserve(&buffer, 1000);
    assert_non_null(place);
    memset(place, 'r', 1000);
    assert_int_equal(buffer.length_bytes, 0);
    buffer.length_bytes += 999;
    assert_true(buffer.capacity_bytes >= 1000);
    assert_string_equal(buffer_text(&buffer) + 995, "rrrr");
    buffer.length_bytes = buffer.capacity_bytes; /* to the brim: another byte needs more room */
    place = buffer_reserve(&buffer, 0);
    assert_non_null(place);
    *place = 1;
    buffer_clear(&buffer);
}

static void test_cut_and_reset_wipe(void **state)
{
    struct buffer buffer = BUFFER_EMPTY;

    (void)state;
    buffer_append_text(&buffer, "head ");
    buffer_append_text(&buffer, planted);
    buffer_cut(&buffer, 100);
    assert_int_equal(buffer.length_bytes, 5 + strlen(planted));
    buffer_cut(&buffer, 7);
    assert_int_equal(buffer.length_bytes, 7);
    assert_memory_equal(buffer.bytes, "head Wo", 7);
    for (size_t i = 7; i < 5 + strlen(planted); i++)
        assert_int_equal(buffer.bytes[i], 0);
    buffer_append_text(&buffer, planted);
    buffer_reset(&buffer);
    assert_null(memmem(buffer.bytes, 7 + strlen(planted), "Wo", 2));
    assert_non_null(buffer.bytes); /* for the next use */
    buffer_clear(&buffer);
}

static void test_move(void **state)
{
    struct buffer from = BUFFER_EMPTY, to = BUFFER_EMPTY;

    (void)state;
    buffer_append_text(&from, "moved");
    buffer_append_text(&to, "old");
    buffer_move(&to, &from);
    assert_null(from.bytes);
    assert_int_equal(from.length_bytes + from.capacity_bytes, 0);
    assert_string_equal(buffer_text(&to), "moved");
    buffer_clear(&to);
    buffer_clear(&from);
}

static void test_no_memory(void **state)
{
    struct buffer buffer = BUFFER_EMPTY, never = BUFFER_EMPTY;
    char much[1000] = {0};

    (void)state;
    buffer_append_text(&buffer, "kept");
    memory_fails = true;
    assert_int_equal(buffer_append(&buffer, much, sizeof much), -ENOMEM);
    assert_int_equal(buffer_printf(&buffer, "%0200d", 5), -ENOMEM);
    assert_true(buffer.failed);
    assert_string_equal(buffer_text(&buffer), "kept");
    assert_int_equal(buffer_append_u8(&buffer, '!'), 0); /* there was room for that */
    assert_string_equal(buffer_text(&never), "");
    assert_true(never.failed);
    memory_fails = false;
    assert_string_equal(buffer_text(&buffer), "kept!");
    buffer_clear(&buffer);
    buffer_clear(&never);
}

static void test_places_are_wiped(void **state)
{
    struct buffer buffer = BUFFER_EMPTY, other = BUFFER_EMPTY;

    (void)state;
    frees = unwiped = 0;
    for (unsigned i = 0; i < 200; i++)
        buffer_append_text(&buffer, planted); /* grows, and leaves places behind */
    buffer_append_text(&other, planted);
    buffer_move(&other, &buffer);
    buffer_clear(&other);
    assert_true(frees >= 7);
    assert_int_equal(unwiped, 0);
    /* The net does catch. */
    watched_free(memcpy(calloc(1, 64), planted, sizeof planted));
    assert_int_equal(unwiped, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),   cmocka_unit_test(test_numbers_and_text),   cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_reserve),   cmocka_unit_test(test_cut_and_reset_wipe), cmocka_unit_test(test_move),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_places_are_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
