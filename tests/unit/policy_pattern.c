/* Goal: patterns match what they say and nothing else, faulty ones are refused, and no pattern or text takes for ever. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/pattern.h"

static struct pattern *compile(const char *text)
{
    struct pattern *pattern = NULL;
    const char *why = NULL;

    if (pattern_compile(text, &pattern, &why))
        fail_msg("%s: %s", text, why);
    assert_string_equal(pattern_text(pattern), text);
    return pattern;
}

static void matches(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool match;
    } rows[] = {
        {"[0-9]{4}-[0-9]{5}", "2024-00123", true},
        {"[0-9]{4}-[0-9]{5}", "2024-0012", false},
        {"[0-9]{4}-[0-9]{5}", "2024-001234", false},
        {"[0-9]{4}-[0-9]{5}", "2024_00123", false},
        {"[0-9]{4}-[0-9]{5}", "", false},
        {"abc", "abc", true},
        {"abc", "abcd", false},
        {"abc", "xabc", false},
        {"abc", "ABC", false},
        {"a.c", "a-c", true},
        {"a.c", "ac", false},
        {"a.c", "a\nc", false},
        {"a.c", "a\xc3\xa9", false},
        {"a?b", "b", true},
        {"a?b", "ab", true},
        {"a?b", "aab", false},
        {"a*", "", true},
        {"a*", "aaaa", true},
        {"a*b", "aaab", true},
        {"a*b", "aaac", false},
        {"a+", "", false},
        {"a+", "a", true},
        {"a+b", "aaab", true},
        {"a+b", "b", false},
        {"a{2,4}", "a", false},
        {"a{2,4}", "aa", true},
        {"a{2,4}", "aaaa", true},
        {"a{2,4}", "aaaaa", false},
        {"a{0,2}b", "b", true},
        {"a{0,2}b", "aab", true},
        {"a{0,2}b", "aaab", false},
        {"a{1}", "a", true},
        {"a*a", "aaa", true},
        {"a?a?a?aaa", "aaa", true},
        {"a?a?a?aaa", "aa", false},
        {"[^0-9]+", "abc", true},
        {"[^0-9]+", "ab1", false},
        {"[^0-9]+", "a\x80", false},
        {"[a-c-]+", "a-c", true},
        {"[-a]+", "-a", true},
        {"[a^]+", "^a", true},
        {"[\\]\\\\]+", "]\\", true},
        {"[.*]+", ".*", true},
        {"[.*]+", "x", false},
        {"\\.", ".", true},
        {"\\.", "x", false},
        {"\\(\\)\\|", "()|", true},
        {"a-b", "a-b", true},
        {"a\\-b", "a-b", true},
        {"SVH [A-Z]", "SVH Q", true},
        {"/:;,#@", "/:;,#@", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pattern *pattern = compile(rows[i].pattern);

        if (pattern_match(pattern, rows[i].text, strlen(rows[i].text)) != rows[i].match)
            fail_msg("%s on '%s' should be %d", rows[i].pattern, rows[i].text, rows[i].match);
        pattern_free(pattern);
    }
}

static void nul_is_a_byte_that_never_matches(void **state)
{
    struct pattern *pattern = compile("..*");

    (void)state;
    assert_true(pattern_match(pattern, "ab", 2));
    assert_false(pattern_match(pattern, "a\0b", 3));
    assert_false(pattern_match(pattern, "\0", 1));
    assert_false(pattern_match(pattern, "ab\0", 3));
    pattern_free(pattern);
}

static void faulty_patterns_are_refused(void **state)
{
    static const char *const faulty[] = {
        "",         "*a",
        "+",        "?",
        "{2}",      "a**",
        "a+?",      "a{2}{3}",
        "a{",       "a{}",
        "a{,3}",    "a{3",
        "a{3,",     "a{3,2}",
        "a{2,}",    "a{0}",
        "a{0,0}",   "a{257}",
        "a{999}",   "a{1000}",
        "a{-1}",    "a{1,b}",
        "[",        "[]",
        "[^]",      "[a",
        "[a-",      "[z-a]",
        "[a\\",     "[^ -~]",
        "]",        "}",
        "(a)",      "a|b",
        "^a",       "a$",
        "\\",       "\\d",
        "\\n",      "a\\",
        "\xc3\xa9", "[\xc3\xa9]",
        "a\nb",     "\x7f",
        "[a-\x7f]", "a{99999999999999999999}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof faulty / sizeof faulty[0]; i++) {
        struct pattern *pattern = (void *)&faulty;
        const char *why = NULL;

        if (pattern_compile(faulty[i], &pattern, &why) != -EINVAL)
            fail_msg("'%s' should be refused", faulty[i]);
        assert_ptr_equal(pattern, (void *)&faulty);
        assert_non_null(why);
    }
    pattern_free(NULL);
}

static void at_most_256_states(void **state)
{
    struct pattern *pattern = compile("a{200}b{56}");
    const char *why = NULL;
    char text[300];

    (void)state;
    memset(text, 'a', 200);
    memset(text + 200, 'b', 56);
    assert_true(pattern_match(pattern, text, 256));
    assert_false(pattern_match(pattern, text, 255));
    pattern_free(pattern);
    assert_int_equal(pattern_compile("a{200}b{57}", &pattern, &why), -EINVAL);
    assert_int_equal(pattern_compile("a{256}b", &pattern, &why), -EINVAL);
    assert_int_equal(pattern_compile("a{256}+", &pattern, &why), -EINVAL);
}

static double milliseconds_for(const struct pattern *pattern, const char *text, size_t length)
{
    struct timespec begin, end;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    assert_false(pattern_match(pattern, text, length));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    return (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
}

/* Each of these takes an engine that tries one way after the other longer than the universe lasts. The most work there can
 * be is 256 states for each of 65,536 characters: a fraction of a second, even in a slow build. */
static void hostile_patterns_take_linear_time(void **state)
{
    static const size_t length = 65536;
    char *text = malloc(length);
    char many[2 * 120 + 2] = "";
    struct pattern *pattern;

    (void)state;
    memset(text, 'a', length);
    for (int i = 0; i < 120; i++)
        memcpy(many + 2 * i, "a*", 3);
    memcpy(many + 240, "b", 2);
    pattern = compile(many);
    assert_true(milliseconds_for(pattern, text, length) < 2000);
    pattern_free(pattern);

    pattern = compile(".*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*b");
    assert_true(milliseconds_for(pattern, text, length) < 2000);
    pattern_free(pattern);

    pattern = compile("a{0,127}a{128}b");
    assert_true(milliseconds_for(pattern, text, 255) < 100);
    pattern_free(pattern);
    free(text);
}

/* Twice the text takes about twice the time; a factor of eight leaves room for a busy machine. */
static void twice_the_text_takes_twice_the_time(void **state)
{
    char *text = malloc(65536);
    struct pattern *pattern = compile("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b");
    double half = 1e9, whole = 1e9;

    (void)state;
    memset(text, 'a', 65536);
    for (int i = 0; i < 5; i++) {
        double took = milliseconds_for(pattern, text, 32768);

        half = took < half ? took : half;
        took = milliseconds_for(pattern, text, 65536);
        whole = took < whole ? took : whole;
    }
    assert_true(whole < half * 8);
    pattern_free(pattern);
    free(text);
}

/* Random patterns: compiled or refused, and an answer for any text. For sanitizers. */
static void random_patterns_do_no_harm(void **state)
{
    static const char alphabet[] = "ab09.-[]^?*+{},\\1230()|$\x01\xc3";
    unsigned seed = 20240229, compiled = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct pattern *pattern = NULL;
        const char *why = NULL;
        char text[24];
        size_t length;

        seed = seed * 1103515245u + 12345u;
        length = (seed >> 16) % 20;
        for (size_t i = 0; i < length; i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        text[length] = '\0';
        if (pattern_compile(text, &pattern, &why) == 0) {
            compiled++;
            pattern_match(pattern, "ab09ab09", 8);
        }
        pattern_free(pattern);
    }
    assert_true(compiled > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(nul_is_a_byte_that_never_matches),
        cmocka_unit_test(faulty_patterns_are_refused),
        cmocka_unit_test(at_most_256_states),
        cmocka_unit_test(hostile_patterns_take_linear_time),
        cmocka_unit_test(twice_the_text_takes_twice_the_time),
        cmocka_unit_test(random_patterns_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
