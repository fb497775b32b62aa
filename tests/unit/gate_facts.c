/* Goal: facts of the register come to what they mean, at the second, for the caller they are about, and nothing else does. */
#include "tests/unit/gate_stage.h"

#include "fs/gate/facts.h"

static const char the_policy[] =
    "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
    "[kind tenant]\ncode = T[0-9]+\n"
    "[category plain]\n[category film]\nincident = required\nroles = all\n[category seen]\nincident = "
    "required\nroles = all\n"
    "[field a]\ncategory = plain\ntype = text\n"
    "[field image]\ncategory = film\ntype = text\n[field taken]\ncategory = film\ntype = date\n"
    "[field gate]\ncategory = seen\ntype = text\n"
    "[purpose rent]\nground = A\nkinds = tenant\nfields = a\n[purpose news]\nground = D\nkinds = tenant\nfields = a\n"
    "[purpose watch]\nground = C\nbalancing = yes it was\nkinds = tenant\nfields = film, seen\n"
    "[role all]\nmembers = 61001\npurposes = rent, news, watch\n[secrecy]\nbound = 61001 2020-01-01\n";

enum { RENT, NEWS, WATCH };
enum { PLAIN, FILM, SEEN };

static struct policy *policy;
static const uint32_t purpose_numbers[] = {30, 31, 0}; /* nothing was ever registered about watch */
static const uint32_t category_numbers[] = {7, 8, 9};
static const uint32_t field_numbers[] = {100, 101, 102, 103};
static struct store_subject subject;
static struct facts *facts;

static int begin(void **state)
{
    (void)state;
    clock_set_zone("Europe/Amsterdam", NULL);
    policy = stage_policy(the_policy);
    return 0;
}

static int end(void **state)
{
    (void)state;
    policy_free(policy);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    facts_free(facts);
    facts = NULL;
    memset(&subject, 0, sizeof subject);
    return 0;
}

static struct store_fact *add(enum fact_word word, uint32_t about, int64_t from_s, int64_t until_s)
{
    struct store_fact *fact = &subject.facts[subject.fact_count++];

    *fact = (struct store_fact){.id = subject.fact_count,
                                .word = (uint8_t)word,
                                .about = about,
                                .from_s = from_s,
                                .until_s = until_s,
                                .set_s = from_s,
                                .ended_s = STORE_NEVER,
                                .reviewed_s = STORE_NEVER,
                                .set_uid = 61001};
    return fact;
}

static void make(void)
{
    struct facts_numbers numbers = {purpose_numbers, category_numbers, field_numbers};

    facts_free(facts);
    facts = NULL;
    assert_int_equal(facts_new(policy, &numbers, &subject, &facts), 0);
}

static struct decide_dossier at(int64_t now_s, uint32_t uid, int purpose, int64_t *until_s)
{
    struct decide_dossier known = {.inside = 5};

    facts_at(facts, uid, purpose, now_s, &known, until_s);
    assert_true(known.inside == 5);
    return known;
}

static void nothing_registered_is_nothing(void **state)
{
    struct decide_dossier known;
    int64_t until_s;

    (void)state;
    make();
    assert_null(facts);
    known = at(1000, 61001, RENT, &until_s);
    assert_true(known.consents == 0 && known.objections == 0 && known.restricted == 0 && known.incidents == 0 &&
                known.calamity == 0 && until_s == TERMS_NEVER);
    assert_true(facts_ends_s(NULL, PLAIN, 500) == 500);
    add(FACT_CONSENT, 999, 0, STORE_NEVER); /* a purpose that the policy lost */
    add((enum fact_word)77, 31, 0, STORE_NEVER);
    add(FACT_CONSENT, 0, 0, STORE_NEVER); /* a number that no name has: not that of `watch`, which has none either */
    make();
    assert_null(facts);
}

static void a_consent_holds_for_its_term(void **state)
{
    int64_t until_s;

    (void)state;
    add(FACT_CONSENT, 31, 100, 200);
    make();
    assert_true(at(99, 1, NEWS, &until_s).consents == 0);
    assert_true(at(100, 1, NEWS, &until_s).consents == 1u << NEWS && until_s == 200);
    assert_true(at(199, 1, NEWS, &until_s).consents == 1u << NEWS && until_s == 200);
    assert_true(at(200, 1, NEWS, &until_s).consents == 0 && until_s == TERMS_NEVER);
    assert_true(at(150, 1, RENT, &until_s).consents == 1u << NEWS && until_s == TERMS_NEVER);
    subject.facts[0].ended_s = 150;
    make();
    assert_true(at(149, 1, NEWS, &until_s).consents != 0 && until_s == 150);
    assert_true(at(150, 1, NEWS, &until_s).consents == 0);
    subject.facts[0].ended_s = 100; /* ended before it began to hold */
    make();
    assert_null(facts);
}

static void what_hides_tells_when_it_begins(void **state)
{
    int64_t until_s;

    (void)state;
    add(FACT_OBJECTION, 30, 300, STORE_NEVER);
    add(FACT_OPT_OUT, 31, 400, 500);
    add(FACT_RESTRICTION, 7, 600, STORE_NEVER);
    make();
    assert_true(at(10, 1, RENT, &until_s).objections == 0 && until_s == 300);
    assert_true(at(10, 1, WATCH, &until_s).objections == 0 && until_s == 600);
    assert_true(at(300, 1, RENT, &until_s).objections == 1u << RENT && until_s == 600);
    assert_true(at(450, 1, NEWS, &until_s).objections == (1u << RENT | 1u << NEWS));
    assert_true(at(500, 1, NEWS, &until_s).objections == 1u << RENT);
    assert_true(at(600, 1, NEWS, &until_s).restricted == 1u << PLAIN && until_s == TERMS_NEVER);
}

static void a_calamity_is_its_callers(void **state)
{
    int64_t until_s;

    (void)state;
    add(FACT_CALAMITY, 30, 100, 200)->set_uid = 7;
    make();
    assert_true(at(150, 7, RENT, &until_s).calamity == 1u << RENT && until_s == 200);
    assert_true(at(150, 8, RENT, &until_s).calamity == 0);
    assert_true(at(200, 7, RENT, &until_s).calamity == 0);
}

/* Of 10 November 2026, by its date field: the seconds of that day in Amsterdam, from 23:00 UTC the day before. */
static void an_incident_covers_its_period(void **state)
{
    const int64_t day_from_s = 1794265200, day_until_s = day_from_s + 86400;
    static const struct {
        int64_t from, until;
        bool covers;
    } periods[] = {{0, 1, true},         {-10, 1, true},        {-10, 0, false},
                   {86399, 90000, true}, {86400, 90000, false}, {-9, 99999, true}};
    int64_t until_s;

    (void)state;
    subject.dates[subject.date_count++] = (struct store_date){102, 20767}; /* days since 1970 */
    assert_true(clock_first_second(20767) == day_from_s && clock_first_second(20768) == day_until_s);
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
        subject.fact_count = 0;
        add(FACT_INCIDENT, 8, day_from_s + periods[i].from, day_from_s + periods[i].until)->set_s = 5000;
        make();
        assert_int_equal(facts != NULL, periods[i].covers);
    }
    assert_true(at(4999, 1, WATCH, &until_s).incidents == 0);
    assert_true(at(5000, 1, WATCH, &until_s).incidents ==
                1u << FILM); /* as long as it is open, whatever its period */
    assert_true(at(day_until_s * 2, 1, WATCH, &until_s).incidents == 1u << FILM && until_s == TERMS_NEVER);
    subject.facts[0].ended_s = 9000;
    make();
    assert_true(at(8999, 1, WATCH, &until_s).incidents == 1u << FILM && until_s == 9000);
    assert_true(at(9000, 1, WATCH, &until_s).incidents == 0);
}

/* Without a date field: the time of capture. */
static void an_incident_goes_by_capture_without_a_date(void **state)
{
    (void)state;
    subject.categories[subject.category_count++] = (struct store_start){9, 1000};
    add(FACT_INCIDENT, 9, 1000, 1001);
    make();
    assert_non_null(facts);
    subject.facts[0].from_s = 1001;
    subject.facts[0].until_s = 2000;
    make();
    assert_null(facts);
    subject.category_count = 0; /* nothing of it is there */
    subject.facts[0].from_s = 0;
    make();
    assert_null(facts);
}

static void a_hold_keeps_what_has_not_ended(void **state)
{
    (void)state;
    add(FACT_HOLD, 7, 100, 300);
    add(FACT_HOLD, 7, 250, 400); /* begins while the other keeps it */
    add(FACT_HOLD, 7, 400, 500); /* begins when nothing keeps it any more */
    make();
    assert_true(facts_ends_s(facts, PLAIN, 200) == 400);
    assert_true(facts_ends_s(facts, PLAIN, 101) == 400);
    assert_true(facts_ends_s(facts, PLAIN, 100) == 100); /* had ended when the hold began */
    assert_true(facts_ends_s(facts, PLAIN, 450) == 500);
    assert_true(facts_ends_s(facts, PLAIN, TERMS_NEVER) == TERMS_NEVER);
    assert_true(facts_ends_s(facts, FILM, 200) == 200);
    subject.facts[0].ended_s = 240;
    make();
    assert_true(facts_ends_s(facts, PLAIN, 200) == 240);
}

static void words_are_found_by_name(void **state)
{
    (void)state;
    for (unsigned word = FACT_CONSENT; word <= FACT_CALAMITY; word++)
        assert_int_equal(facts_find(facts_name(word)), word);
    assert_int_equal(facts_find("nothing"), 0);
    assert_null(facts_name(0));
    assert_null(facts_name(FACT_CALAMITY + 1));
    assert_false(facts_is_about_purpose(99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_registered_is_nothing, clear),
        cmocka_unit_test_teardown(a_consent_holds_for_its_term, clear),
        cmocka_unit_test_teardown(what_hides_tells_when_it_begins, clear),
        cmocka_unit_test_teardown(a_calamity_is_its_callers, clear),
        cmocka_unit_test_teardown(an_incident_covers_its_period, clear),
        cmocka_unit_test_teardown(an_incident_goes_by_capture_without_a_date, clear),
        cmocka_unit_test_teardown(a_hold_keeps_what_has_not_ended, clear),
        cmocka_unit_test(words_are_found_by_name),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
