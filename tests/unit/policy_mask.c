/* Goal: a masked value shows what its mask leaves and nothing more, in characters and not in bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/mask.h"

static void words(void **state)
{
    static const struct {
        const char *text;
        enum mask_code code;
        unsigned count;
        const char *told;
    } rows[] = {
        {"year", MASK_YEAR, 0, "the year"},
        {"initial", MASK_INITIAL, 0, "first letter"},
        {"last4", MASK_LAST, 4, "last 4 characters"},
        {"last1", MASK_LAST, 1, "last 1 character"},
        {"last16", MASK_LAST, 16, "last 16 characters"},
        {"first2", MASK_FIRST, 2, "first 2 characters"},
        {"first16", MASK_FIRST, 16, "first 16 characters"},
        {"domain", MASK_DOMAIN, 0, "the domain"},
        {"yes-no", MASK_YES_NO, 0, "only that there is one"},
        {"hash", MASK_HASH, 0, "a mark in place of the value, the same for equal values"},
        {"text=not shown", MASK_TEXT, 0, "the text 'not shown'"},
    };
    static const char *const faulty[] = {
        "",       "none",   "Year",    "years",    "last",       "last0",
        "last17", "last04", "last-1",  "last 4",   "last4 ",     "last4x",
        "first",  "first0", "first17", "initials", "lastfirst2", "last99999999999999999999",
        "4",      "text",   "text=",   "Text=x",   "domains",    "yes",
        "hash8",  "yes-no "};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mask mask = {.count = 99};
        struct buffer out = BUFFER_EMPTY;

        assert_int_equal(mask_parse(rows[i].text, &mask), 0);
        assert_int_equal(mask.code, rows[i].code);
        assert_int_equal(mask.count, rows[i].count);
        mask_describe(&mask, &out);
        assert_string_equal(buffer_text(&out), rows[i].told);
        buffer_clear(&out);
    }
    for (size_t i = 0; i < sizeof faulty / sizeof faulty[0]; i++) {
        struct mask mask = {.count = 99};

        if (mask_parse(faulty[i], &mask) != -EINVAL)
            fail_msg("'%s' should be refused", faulty[i]);
        assert_int_equal(mask.code, MASK_NONE);
        assert_int_equal(mask.count, 99);
    }
}

static void forms(void **state)
{
    static const struct {
        const char *mask, *value, *shown;
    } rows[] = {
        {"last4", "NL91ABNA0417164300", "**************4300"},
        {"last4", "12345", "*2345"},
        {"last4", "1234", "****"},
        {"last4", "123", "***"},
        {"last4", "", ""},
        {"last1", "ab", "*b"},
        {"last16", "0123456789abcdefg", "*123456789abcdefg"},
        {"first2", "1234 AB", "12*****"},
        {"first2", "12", "**"},
        {"first2", "123", "12*"},
        {"year", "1980-05-17", "1980-**-**"},
        {"year", "1980", "****"},
        {"year", "1980-05-1", "*********"},
        {"year", "17-05-1980", "**********"},
        {"year", "abcd-ef-gh", "**********"},
        {"year", "1980-05-17x", "***********"},
        {"domain", "jan@voorbeeld.example", "****voorbeeld.example"},
        {"domain", "a@b@c.example", "****c.example"},
        {"domain", "jan", "***"},
        {"domain", "jan@", "****"},
        {"domain", "", ""},
        {"yes-no", "jan", "yes"},
        {"text=not shown", "jan", "not shown"},
        {"hash", "jan", "***"}, /* without a key it is masked whole */
        {"initial", "Jansen", "J*****"},
        {"initial", "J", "*"},
        {"initial",
         "\xc3\x87"
         "elik",
         "\xc3\x87****"},
        {"last2",
         "\xc3\x87"
         "el\xc3\xae\xc4\x9f",
         "***\xc3\xae\xc4\x9f"},
        {"last4", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "****"},
        {"last1", "\xf0\x9f\x8f\xa0\xf0\x9f\x8f\xa1", "*\xf0\x9f\x8f\xa1"},
        {"first1", "\xf0\x9f\x8f\xa0x", "\xf0\x9f\x8f\xa0*"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out = BUFFER_EMPTY;
        struct mask mask;

        assert_int_equal(mask_parse(rows[i].mask, &mask), 0);
        assert_int_equal(buffer_append_text(&out, ">"), 0);
        assert_int_equal(mask_apply(&mask, NULL, rows[i].value, strlen(rows[i].value), &out), 0);
        if (strcmp(buffer_text(&out) + 1, rows[i].shown) != 0)
            fail_msg("%s of '%s' is '%s'", rows[i].mask, rows[i].value, buffer_text(&out) + 1);
        buffer_clear(&out);
    }
}

static void without_a_mask_the_value_stays(void **state)
{
    struct buffer out = BUFFER_EMPTY;
    struct mask none = {0};

    (void)state;
    assert_int_equal(mask_apply(&none, NULL, "Jansen", 6, &out), 0);
    assert_string_equal(buffer_text(&out), "Jansen");
    buffer_clear(&out);
}

/* However long the value: as many characters as it has, and never more than the mask leaves of it. */
static void never_more_than_the_mask_leaves(void **state)
{
    char value[41];

    (void)state;
    memset(value, 'x', sizeof value);
    for (size_t length = 0; length < sizeof value; length++) {
        for (unsigned count = 1; count <= 16; count++) {
            for (int code = MASK_LAST; code <= MASK_FIRST; code++) {
                struct mask mask = {.code = (enum mask_code)code, .count = count};
                struct buffer out = BUFFER_EMPTY;
                size_t shown = 0;

                assert_int_equal(mask_apply(&mask, NULL, value, length, &out), 0);
                assert_int_equal(out.length_bytes, length);
                for (size_t i = 0; i < out.length_bytes; i++)
                    shown += out.bytes[i] == 'x';
                assert_int_equal(shown, count < length ? count : 0);
                buffer_clear(&out);
            }
        }
    }
}

/* Equal values look equal under one purpose's key, and under another's they don't; the value can't be told from it. */
static void a_hash_is_of_one_purpose(void **state)
{
    static const struct mask hash = {.code = MASK_HASH};
    static const uint8_t keys[2][MASK_KEY_BYTES] = {{1}, {2}};
    static const struct {
        unsigned key;
        const char *value;
    } asked[] = {{0, "2024-00123"}, {0, "2024-00123"}, {0, "2024-00124"}, {1, "2024-00123"}, {0, ""}};
    struct buffer out[5] = {BUFFER_EMPTY, BUFFER_EMPTY, BUFFER_EMPTY, BUFFER_EMPTY, BUFFER_EMPTY};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(mask_apply(&hash, keys[asked[i].key], asked[i].value, strlen(asked[i].value), &out[i]), 0);
        assert_int_equal(out[i].length_bytes, 16);
        assert_int_equal(strspn(buffer_text(&out[i]), "0123456789abcdef"), 16);
    }
    assert_string_equal(buffer_text(&out[0]), buffer_text(&out[1]));
    assert_string_not_equal(buffer_text(&out[0]), buffer_text(&out[2]));
    assert_string_not_equal(buffer_text(&out[0]), buffer_text(&out[3]));
    for (size_t i = 0; i < 5; i++)
        buffer_clear(&out[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(forms),
        cmocka_unit_test(without_a_mask_the_value_stays),
        cmocka_unit_test(never_more_than_the_mask_leaves),
        cmocka_unit_test(a_hash_is_of_one_purpose),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
