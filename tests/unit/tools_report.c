/* Goal: the page of a report says what was counted and found, in both languages: whatever the verification came to, what was done about
 * calamities, which agreements end and when; nothing of what there was none; and what comes from outside stays text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "tools/report_page.h"

static const char policy_text[] =
    "[policy]\norganisation = Huur <b>& zo\ntimezone = UTC\n[kind tenant]\ncode = [0-9]{4}\n"
    "[category c]\nretention = 2y after capture\n[field f]\ncategory = c\ntype = text\n"
    "[purpose p]\nground = A\nkinds = tenant\nfields = f\n"
    "[role r]\nmembers = 61001\npurposes = p\n"
    "[recipient soon]\nlabel = Bailiff <i>\nagreement = processor\nsigned = 2026-01-01\n"
    "until = 2027-03-01\nmembers = 61002\npurposes = p\nfields = f\n"
    "[recipient past]\nagreement = processor\nsigned = 2025-01-01\nuntil = 2026-12-31\n"
    "members = 61003\npurposes = p\nfields = f\n"
    "[recipient later]\nlabel = Later\nagreement = processor\nsigned = 2026-01-01\n"
    "until = 2028-01-01\nmembers = 61004\npurposes = p\nfields = f\n"
    "[secrecy]\nbound = 61001 2020-01-01\n";

/* Members that the report owns elsewhere can't be literals. */
static char planted[] = "plantedperson", rent[] = "rent<", nothing[] = "", little[] = "little<", much[] = "much";

struct trial {
    struct report_counts counts;
    struct verify_report verified;
    struct unusual_limits limits;
    struct unusual_finding findings[UNUSUAL_RULES];
    struct sent_place sent[3];
    struct report_group groups[3];
    struct report_page page;
    struct policy *policy;
    char *text;
};

static void set_up(struct trial *trial)
{
    struct policy_faults faults = {0};
    struct report_why why = {""};

    memset(trial, 0, sizeof *trial);
    assert_int_equal(clock_set_zone("UTC", &why), 0);
    policy_load("report.ini", policy_text, strlen(policy_text), &trial->policy, &faults);
    for (size_t i = 0; i < faults.count; i++)
        print_error("report.ini:%u: %s\n", faults.faults[i].line, faults.faults[i].text);
    assert_non_null(trial->policy);
    trial->limits = (struct unusual_limits){.bulk = 50, .refusals = 20, .times = 3, .day_from = 7, .day_to = 19};
    trial->page = (struct report_page){.policy = trial->policy,
                                       .now_ms = INT64_C(1800000000000), /* 2027-01-15 08:00 */
                                       .counts = &trial->counts,
                                       .verified = &trial->verified,
                                       .limits = &trial->limits,
                                       .findings = trial->findings,
                                       .sent = trial->sent};
    trial->counts.first_day = trial->counts.last_day = clock_day_of(1800000000);
    trial->verified.result = VERIFY_NOT_ANCHORED;
    snprintf(trial->verified.text, sizeof trial->verified.text, "in its own <words>");
}

static const char *print(struct trial *trial, enum wording_language language)
{
    size_t bytes;
    FILE *out;

    free(trial->text);
    trial->text = NULL;
    out = open_memstream(&trial->text, &bytes);
    assert_non_null(out);
    trial->page.language = language;
    report_page_print(&trial->page, out);
    assert_int_equal(fclose(out), 0);
    return trial->text;
}

static void clear(struct trial *trial)
{
    free(trial->text);
    policy_free(trial->policy);
}

static void has(const char *page, const char *wanted)
{
    if (!strstr(page, wanted))
        fail_msg("\"%s\" is not in %s", wanted, page);
}

static void lacks(const char *page, const char *unwanted)
{
    if (strstr(page, unwanted))
        fail_msg("\"%s\" is in %s", unwanted, page);
}

static void the_state_of_the_log(void **state)
{
    static const struct {
        enum verify_result result;
        const char *english, *dutch;
    } rows[] = {{VERIFY_INTACT, "<p>Yes: nothing was changed", "<p>Ja: er is niets veranderd"},
                {VERIFY_ALTERED, "<p>No: somebody or something", "<p>Nee: iemand of iets"},
                {VERIFY_IMPOSSIBLE, "<p>Not known:", "<p>Onbekend:"},
                {VERIFY_SHORTER, "<p>No: entries are missing", "<p>Nee: aan het eind ontbreken"},
                {VERIFY_DAMAGED, "<p>In part:", "<p>Deels:"},
                {VERIFY_NOT_ANCHORED, "<p>It agrees with itself", "<p>Het klopt in zichzelf"}};
    struct trial trial;

    (void)state;
    set_up(&trial);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        trial.verified.result = rows[i].result;
        has(print(&trial, WORDING_ENGLISH), rows[i].english);
        has(print(&trial, WORDING_DUTCH), rows[i].dutch);
        has(trial.text, "<span lang=\"en\">in its own &lt;words&gt;</span>");
    }
    lacks(trial.text, "Eerste foute regel");
    lacks(trial.text, "zoekraakte");
    lacks(trial.text, "Vernietigd volgens");
    trial.verified.bad_entry = 17;
    trial.verified.chains = 3;
    trial.verified.erased_months = 2;
    trial.verified.erased_entries = 1234;
    print(&trial, WORDING_ENGLISH);
    has(trial.text, "<dt>First bad entry</dt>\n<dd>17</dd>");
    has(trial.text, "<dt>Times the signing key was lost and begun anew</dt>\n<dd>2</dd>");
    has(trial.text, "<dt>Destroyed under the log&#39;s own term, entries</dt>\n<dd>1234</dd>");
    clear(&trial);
}

static void places_that_checkpoints_go_to(void **state)
{
    struct trial trial;

    (void)state;
    set_up(&trial);
    has(print(&trial, WORDING_ENGLISH), "The policy names no place");
    for (unsigned i = 0; i < 3; i++)
        snprintf(trial.sent[i].place, sizeof trial.sent[i].place, "file /%u<", i);
    trial.sent[0] = (struct sent_place){.place = "file /0<", .sent_s = 1799990000, .size = 99, .tried_s = 1799990000};
    trial.sent[1] = (struct sent_place){.place = "file /1", .sent_s = 1790000000, .size = 7, .tried_s = 1790000000};
    trial.sent[2] = (struct sent_place){.place = "file /2", .tried_s = 1799990000, .why = "no such place"};
    trial.page.sent_count = 3;
    print(&trial, WORDING_ENGLISH);
    has(trial.text,
        "file /0&lt;</th><td data-name=\"Last sent\">2027-01-15 05:13:20</td><td data-name=\"Up to entry\">99</td>"
        "<td data-name=\"State\">in order</td>");
    has(trial.text, "<td data-name=\"State\">late</td>");
    has(trial.text, "<td data-name=\"Last sent\">never</td><td data-name=\"Up to entry\"></td>"
                    "<td data-name=\"State\">failed at 2027-01-15 05:13:20</td>");
    lacks(trial.text, "The policy names no place");
    clear(&trial);
}

static void what_stands_out(void **state)
{
    static const char *const wanted[UNUSUAL_RULES] = {
        [UNUSUAL_BULK] = "Many dossiers to one person within an hour (&gt; 50)",
        [UNUSUAL_REFUSALS] = "Many refusals to one person within an hour (&gt; 20)",
        [UNUSUAL_HABIT] = "Many more dossiers on a day than on any of the person&#39;s days before (4)",
        [UNUSUAL_HOURS] = "Content shown outside working hours (7-19)",
        [UNUSUAL_NEW_PURPOSE] = "A person&#39;s first use of the purpose: rent&lt;",
    };
    struct trial trial;

    (void)state;
    set_up(&trial);
    has(print(&trial, WORDING_DUTCH), "Er valt niets op.");
    for (unsigned i = 0; i < UNUSUAL_RULES; i++)
        trial.findings[i] = (struct unusual_finding){.rule = i,
                                                     .uid = 61001,
                                                     .user = planted,
                                                     .time_ms = trial.page.now_ms,
                                                     .count = 60,
                                                     .days = 9,
                                                     .most = 4,
                                                     .purpose = i == UNUSUAL_NEW_PURPOSE ? rent : nothing};
    trial.page.finding_count = UNUSUAL_RULES;
    print(&trial, WORDING_ENGLISH);
    for (unsigned i = 0; i < UNUSUAL_RULES; i++)
        has(trial.text, wanted[i]);
    lacks(trial.text, "plantedperson");
    lacks(trial.text, "61001");
    lacks(print(&trial, WORDING_DUTCH), "(null)");
    clear(&trial);
}

static void calamities_and_agreements(void **state)
{
    struct trial trial;

    (void)state;
    set_up(&trial);
    print(&trial, WORDING_ENGLISH);
    lacks(trial.text, "Calamities");
    has(trial.text, "<th scope=\"row\">Bailiff &lt;i&gt;</th><td data-name=\"Last day\">2027-03-01</td>"
                    "<td data-name=\"Days left\">45</td>");
    has(trial.text, "<th scope=\"row\">past</th><td data-name=\"Last day\">2026-12-31</td>"
                    "<td data-name=\"Days left\">ended</td>");
    lacks(trial.text, "Later");
    trial.counts.calamities[REPORT_DECLARED] = 2;
    trial.counts.calamities[REPORT_REVIEWED] = 1;
    has(print(&trial, WORDING_ENGLISH), "Declared: the glass was broken</th><td data-name=\"Times\">2</td>");
    has(print(&trial, WORDING_DUTCH), "Door een ander beoordeeld</th><td data-name=\"Keren\">1</td>");
    trial.page.now_ms = 0; /* 1970: nothing ends soon */
    lacks(print(&trial, WORDING_ENGLISH), "Agreements that end");
    clear(&trial);
}

static void counts_in_order(void **state)
{
    struct trial trial;
    const char *most, *least;

    (void)state;
    set_up(&trial);
    trial.groups[0] = (struct report_group){.name = little, .shown = 1, .refused = 9};
    trial.groups[1] = (struct report_group){.name = much, .shown = 4};
    trial.groups[2] = (struct report_group){.name = nothing, .shown = 0, .refused = 1};
    trial.counts.by[REPORT_BY_PROGRAM] = (struct report_groups){.list = trial.groups, .count = 3, .others_shown = 2};
    trial.counts.erased = 5;
    trial.counts.shown_on[0] = 5;
    print(&trial, WORDING_ENGLISH);
    has(trial.text, "<dd>Huur &lt;b&gt;&amp; zo</dd>");
    has(trial.text, "<dt>Past their term, not counted</dt>\n<dd>5</dd>");
    most = strstr(trial.text, ">much<");
    least = strstr(trial.text, ">little&lt;<");
    assert_true(most && least && most < least);
    has(trial.text, "(none)<svg");
    has(trial.text, "(others)<svg");
    has(trial.text, "<rect width=\"25.0\" height=\"1\"/>"); /* one of four */
    has(trial.text, "most on one day: 5</desc>");
    lacks(trial.text, "<h2>By purpose</h2>");
    clear(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_of_the_log), cmocka_unit_test(places_that_checkpoints_go_to),
        cmocka_unit_test(what_stands_out),      cmocka_unit_test(calamities_and_agreements),
        cmocka_unit_test(counts_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
