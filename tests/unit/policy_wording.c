/* Goal: each form of a term, and each ground, is told in words that say what terms_end_s() does, in both languages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "policy/wording.h"

/* The policy's second category has this retention. */
static struct policy *load(const char *retention)
{
    static const char head[] = "[policy]\norganisation = Org\ntimezone = Europe/Amsterdam\n[kind tenant]\n"
                               "code = [0-9]{4}\n[category ends]\n[category kept]\nretention = ",
                      tail[] = "\n[field end]\nlabel = End of it\ncategory = ends\ntype = date\n"
                               "[field name]\ncategory = kept\ntype = text\n"
                               "[purpose p]\nground = A\nkinds = tenant\nfields = kept\n"
                               "[role r]\nmembers = 1\npurposes = p\n[secrecy]\nbound = 1 2025-01-01\n";
    char text[1024];
    struct policy *policy = NULL;
    struct policy_faults faults = {0};
    int length = snprintf(text, sizeof text, "%s%s%s", head, retention, tail);
    int result = policy_load("test.ini", text, (size_t)length, &policy, &faults);

    for (size_t i = 0; i < faults.count; i++)
        print_error("%s: %u: %s\n", retention, faults.faults[i].line, faults.faults[i].text);
    policy_faults_clear(&faults);
    assert_int_equal(result, 0);
    return policy;
}

static void says(const struct policy *policy, const struct retention *retention, enum wording_language language,
                 const char *words)
{
    struct buffer out = BUFFER_EMPTY;

    wording_retention(policy, retention, language, &out);
    assert_false(out.failed);
    assert_string_equal(buffer_text(&out), words);
    buffer_clear(&out);
}

static void terms_in_words(void **state)
{
    static const struct {
        const char *retention, *english, *dutch;
    } rows[] = {
        {"2y after end", "2 years after “End of it”", "2 jaar na “End of it”"},
        {"1y after end", "1 year after “End of it”", "1 jaar na “End of it”"},
        {"1m after capture", "1 month after being recorded", "1 maand na het vastleggen"},
        {"6m after end", "6 months after “End of it”", "6 maanden na “End of it”"},
        {"1w after end", "1 week after “End of it”", "1 week na “End of it”"},
        {"4w after capture", "4 weeks after being recorded", "4 weken na het vastleggen"},
        {"1d after end", "1 day after “End of it”", "1 dag na “End of it”"},
        {"28d after capture", "28 days after being recorded", "28 dagen na het vastleggen"},
        {"7y after end year-end", "7 years after the end of the year of “End of it”",
         "7 jaar na het eind van het jaar van “End of it”"},
        {"0d after end", "until the end of the day of “End of it”", "tot en met de dag van “End of it”"},
        {"0y after end year-end", "until the end of the year of “End of it”",
         "tot het eind van het jaar van “End of it”"},
        {"0w after capture", "not kept", "wordt niet bewaard"},
        {"0y after capture", "until the end of the day of being recorded", "tot en met de dag van het vastleggen"},
        {"earliest(2y after end, 5y after capture)",
         "whichever comes first: 2 years after “End of it”; 5 years after being recorded",
         "wat het eerst komt: 2 jaar na “End of it”; 5 jaar na het vastleggen"},
        {"latest(2y after end, 5y after capture)",
         "whichever comes last: 2 years after “End of it”; 5 years after being recorded",
         "wat het laatst komt: 2 jaar na “End of it”; 5 jaar na het vastleggen"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy *policy = load(rows[i].retention);

        says(policy, policy_retention(policy, 1, 0), WORDING_ENGLISH, rows[i].english);
        says(policy, policy_retention(policy, 1, 0), WORDING_DUTCH, rows[i].dutch);
        says(policy, policy_retention(policy, 0, 0), WORDING_ENGLISH, "until someone erases it");
        says(policy, policy_retention(policy, 0, 0), WORDING_DUTCH, "tot iemand het wist");
        policy_free(policy);
    }
}

/* The letters of the policy's own list are not those of GDPR art. 6(1). */
static void grounds_in_words(void **state)
{
    static const struct {
        char ground;
        const char *english, *dutch;
    } rows[] = {
        {'A', "a contract (GDPR art. 6(1)(b))", "een overeenkomst (AVG art. 6 lid 1 letter b)"},
        {'B', "a legal duty (GDPR art. 6(1)(c))", "een wettelijke plicht (AVG art. 6 lid 1 letter c)"},
        {'C', "a legitimate interest (GDPR art. 6(1)(f))", "een gerechtvaardigd belang (AVG art. 6 lid 1 letter f)"},
        {'D', "consent (GDPR art. 6(1)(a))", "toestemming (AVG art. 6 lid 1 letter a)"},
        {'E', "a matter of life or death (GDPR art. 6(1)(d))",
         "een zaak van leven of dood (AVG art. 6 lid 1 letter d)"},
        {'F', "a public task (GDPR art. 6(1)(e))", "een publieke taak (AVG art. 6 lid 1 letter e)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned language = WORDING_ENGLISH; language <= WORDING_DUTCH; language++) {
            struct buffer out = BUFFER_EMPTY;

            wording_ground(rows[i].ground, language, &out);
            assert_string_equal(buffer_text(&out), language == WORDING_DUTCH ? rows[i].dutch : rows[i].english);
            buffer_clear(&out);
        }
}

static void languages_have_codes(void **state)
{
    enum wording_language language = WORDING_DUTCH;

    (void)state;
    assert_true(wording_find_language("en", &language));
    assert_int_equal(language, WORDING_ENGLISH);
    assert_true(wording_find_language("nl", &language));
    assert_string_equal(wording_language_code(language), "nl");
    for (const char *const *code = (const char *const[]){"", "e", "EN", "nl-NL", "fr", NULL}; *code; code++)
        assert_false(wording_find_language(*code, &language));
    assert_int_equal(language, WORDING_DUTCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(terms_in_words), cmocka_unit_test(grounds_in_words),
                                       cmocka_unit_test(languages_have_codes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
