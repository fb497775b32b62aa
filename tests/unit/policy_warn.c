/* Goal: what a policy says in vain is told, once, at the line that says it; what has a use is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/warn.h"

enum { TODAY = 20500, TEXT_BYTES = 8192 }; /* 2026-02-16 */

/* A line a place, so that a row below can change one of them. Nothing in it is in vain. */
static const char base[] =
    "[policy]\norganisation = Org\ntimezone = Europe/Amsterdam\n"
    "[kind tenant]\ncode = [0-9]{4}\n[kind buyer]\ncode = K[0-9]{4}\n"
    "[category name]\nretention = 2y after end\n"
    "[category money]\nretention.tenant = 7y after end\nretention.buyer = 2y after end\n"
    "[category camera]\nretention = 28d after capture\nincident = required\nroles = guard\n"
    "[field surname]\ncategory = name\ntype = surname\n"
    "[field initials]\ncategory = name\ntype = initials\n"
    "[field end]\ncategory = name\ntype = date\n"
    "[field account]\nlabel = Account\ncategory = money\ntype = iban\n"
    "[field number]\nlabel = Number\ncategory = money\ntype = pattern\npattern = [0-9]{6,10}\n"
    "[field film]\ncategory = camera\ntype = text\n"
    "[purpose let]\nground = A\nkinds = tenant, buyer\nfields = surname, initials\n"
    "[purpose collect]\nground = A\nkinds = tenant, buyer\nfields = surname, money\n"
    "[purpose safety]\nground = C\nbalancing = why\nkinds = tenant\nfields = film\n"
    "[role desk]\nmembers = 1, anna\npurposes = let\n"
    "[role collector]\nmembers = 2\npurposes = collect\nfields = name, money\nmask = account:last4\n"
    "[role guard]\nmembers = @guards\npurposes = safety\n"
    "[recipient bailiff]\nagreement = processor\nsigned = 2025-01-01\nuntil = 2026-12-31\nmembers = 5\n"
    "purposes = collect\nfields = surname, account\n"
    "[secrecy]\nbound = 1 2025-01-01\nbound += 2 2025-01-01 2026-12-31\nbound += 5 2025-01-01\n";

/* The base with one text for another, which must be there once. */
static char *changed(const char *from, const char *to)
{
    const char *at = strstr(base, from);
    char *text = malloc(TEXT_BYTES);

    assert_non_null(text);
    assert_non_null(at);
    assert_null(strstr(at + 1, from));
    snprintf(text, TEXT_BYTES, "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
    return text;
}

static unsigned line_of(const char *text, const char *part)
{
    const char *at = strstr(text, part);
    unsigned line = 1;

    assert_non_null(at);
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

static struct policy_faults warnings_of(const char *text, int32_t today)
{
    struct policy *policy = NULL;
    struct policy_faults found = {0};
    int result = policy_load("test.ini", text, strlen(text), &policy, &found);

    for (size_t i = 0; i < found.count; i++)
        print_error("%u: %s\n", found.faults[i].line, found.faults[i].text);
    assert_int_equal(result, 0);
    assert_int_equal(policy_warnings(policy, today, &found), 0);
    policy_free(policy);
    return found;
}

static void expect(const char *from, const char *to, int32_t today, const char *line_has, const char *says)
{
    char *text = changed(from, to);
    struct policy_faults found = warnings_of(text, today);
    size_t wanted = says ? 1 : 0;

    if (found.count != wanted)
        print_error("'%s' -> '%s': %zu warnings\n", from, to, found.count);
    for (size_t i = 0; i < found.count && found.count != wanted; i++)
        print_error("    %u: %s\n", found.faults[i].line, found.faults[i].text);
    assert_int_equal(found.count, wanted);
    if (says) {
        assert_string_equal(found.faults[0].text, says);
        assert_int_equal(found.faults[0].line, line_of(text, line_has));
    }
    policy_faults_clear(&found);
    free(text);
}

#define BSN_SAYS(name)                                                                                               \
    "the field '" name                                                                                               \
    "' may well hold a number of type bsn, which its type does not check; better: type = bsn, or "                   \
    "a pattern that takes no such number"
#define IBAN_SAYS(name)                                                                                              \
    "the field '" name "' may well hold a number of type iban, which its type does not check; better: type = iban, " \
    "or a pattern that takes no such number"

static void in_vain(void **state)
{
    static const struct {
        const char *from, *to, *line_has, *says;
    } rows[] = {
        /* what nothing is about */
        {"[category name]", "[kind guest]\ncode = G[0-9]\n[category name]", "[kind guest]",
         "no purpose covers the kind 'guest': nobody can see such a dossier"},
        {"[field surname]", "[category empty]\nretention = 1y after end\n[field surname]", "[category empty]",
         "the category 'empty' has no field"},
        {"[purpose let]", "[field spare]\ncategory = name\ntype = text\n[purpose let]", "[field spare]",
         "no purpose lists the field 'spare': nobody can see it"},
        {"[purpose safety]", "[purpose extra]\nground = A\nkinds = tenant\nfields = surname\n[purpose safety]",
         "[purpose extra]", "no role has the purpose 'extra': nobody sees anything for it"},
        {"fields = name, money", "fields = surname, account", "fields = surname, money",
         "[purpose collect]: 'number' listed, and neither shown nor written by any role with this purpose"},
        {"fields = film",
         "fields = film\n[purpose both]\nground = A\nkinds = tenant\nfields = surname, initials, end\n"
         "[role narrow]\nmembers = 1\npurposes = both\nfields = surname",
         "fields = surname, initials, end",
         "[purpose both]: 'initials' and 1 more listed, and neither shown nor written by any role with this purpose"},
        /* roles that give nothing */
        {"bound = 1 2025-01-01", "bound = 9 2025-01-01", "members = 1, anna",
         "no member of [role desk] is bound to secrecy today, as [secrecy] writes them: it gives nobody anything"},
        {"bound += 2 2025-01-01 2026-12-31", "bound += 2 2025-01-01 2026-02-15", "members = 2",
         "no member of [role collector] is bound to secrecy today, as [secrecy] writes them: it gives nobody "
         "anything"},
        {"bound += 2 2025-01-01", "bound += 2 2026-02-17", "members = 2",
         "no member of [role collector] is bound to secrecy today, as [secrecy] writes them: it gives nobody "
         "anything"},
        {"until = 2026-12-31\nmembers = 5\n", "until = 2026-12-31\n", "[recipient bailiff]",
         "[recipient bailiff] has purposes and no members: nobody sees anything by it"},
        {"until = 2026-12-31\nmembers", "until = 2026-02-15\nmembers", "until = 2026-02-15",
         "the agreement of [recipient bailiff] ended on 2026-02-15: nobody sees anything under it"},
        {"purposes = let", "purposes = let, safety", "purposes = let, safety",
         "[role desk] has the purpose 'safety' and shows and writes nothing under it"},
        /* lines without effect */
        {"fields = name, money", "fields = name, money, film", "fields = name, money, film",
         "[role collector] fields: 'film' in vain: no purpose of the role lists it"},
        {"fields = name, money", "fields = surname, initials, money", "fields = surname, initials, money",
         "[role collector] fields: 'initials' in vain: no purpose of the role lists it"},
        {"purposes = let", "purposes = let\nwrite = account, number", "write = account",
         "[role desk] write: 'account' and 1 more in vain: no purpose of the role lists it"},
        {"purposes = let", "purposes = let\nown = account", "own = account",
         "[role desk] own: 'account' in vain: no purpose of the role lists it"},
        {"purposes = let", "purposes = let\ndrop = account", "drop = account",
         "[role desk] drop: 'account' in vain: no purpose of the role lists it"},
        {"purposes = let", "purposes = let\nmask = account:last4", "mask = account:last4\n[role collector]",
         "[role desk] masks 'account' in vain: the role does not show it"},
        {"purposes = let", "purposes = let\nmask = surname:initial\ndrop = surname", "mask = surname",
         "[role desk] masks 'surname' in vain: the role does not show it"},
        {"roles = guard", "roles = guard, desk", "roles = guard, desk",
         "[role desk] shows nothing of the category 'camera' that admits it"},
        /* terms */
        {"retention = 2y after end\n", "label = Name\n", "[category name]",
         "the category 'name' has no term ('retention'): it is kept until someone erases it"},
        {"retention.buyer = 2y after end\n", "", "retention.tenant",
         "the category 'money' has no term for the kind 'buyer': there it is kept until someone erases it"},
        /* numbers */
        {"pattern = [0-9]{6,10}", "pattern = [0-9]{9}", "[field number]", BSN_SAYS("number")},
        {"label = Number", "label = BSN", "[field number]", BSN_SAYS("number")},
        {"label = Number", "label = Burgerservice-nummer", "[field number]", BSN_SAYS("number")},
        {"type = pattern\npattern = [0-9]{6,10}", "type = pattern\npattern = [1-9][0-9]{8}", "[field number]",
         BSN_SAYS("number")},
        {"category = money\ntype = iban",
         "category = money\ntype = pattern\npattern = [A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", "[field account]",
         IBAN_SAYS("account")},
        {"label = Account\ncategory = money\ntype = iban", "label = Account number\ncategory = money\ntype = text",
         "[field account]", IBAN_SAYS("account")},
        {"label = Number\ncategory = money\ntype = pattern\npattern = [0-9]{6,10}",
         "label = Bank-rekening nummer\ncategory = money\ntype = text", "[field number]", IBAN_SAYS("number")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].from, rows[i].to, TODAY, rows[i].line_has, rows[i].says);
}

/* Each is next to a row above, and has a use. */
static void of_use(void **state)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"[policy]", "[policy]"}, /* `end` starts the terms, so no purpose need list it */
        {"[purpose let]", "[field area]\ncategory = name\ntype = text\n[role local]\nmembers = 1\npurposes = let\n"
                          "caseload = area: north\n[purpose let]"},
        {"purposes = let", "purposes = let\ndrop = surname"},
        {"purposes = let", "purposes = let, collect\ndrop = surname, account\nfields = initials, number"},
        {"purposes = let", "purposes = let\nwrite = surname"},
        {"bound = 1 2025-01-01", "bound = anna 2025-01-01"},
        {"bound += 2 2025-01-01 2026-12-31", "bound += 2 2025-01-01 2026-02-16"},
        {"until = 2026-12-31\nmembers", "until = 2026-02-16\nmembers"},
        {"[secrecy]", "[recipient counter]\nagreement = processor\nsigned = 2025-01-01\n[secrecy]"},
        {"retention.buyer = 2y after end\n", "retention = 2y after end\n"},
        /* dossiers of the kind have nothing of the category */
        {"retention = 28d after capture", "retention.tenant = 28d after capture"},
        {"label = Number\ncategory = money\ntype = pattern\npattern = [0-9]{6,10}",
         "label = RSIN\ncategory = money\ntype = pattern\npattern = [0-9]{9}"},
        {"label = Number\ncategory = money\ntype = pattern\npattern = [0-9]{6,10}",
         "label = Obsnoxious\ncategory = money\ntype = text"},
        {"label = Number\ncategory = money\ntype = pattern\npattern = [0-9]{6,10}",
         "label = Jobsn\ncategory = money\ntype = text"},
        {"pattern = [0-9]{6,10}", "pattern = [0-9]{9,10}"},
        {"pattern = [0-9]{6,10}", "pattern = [0-9]{8,9}"},
        {"pattern = [0-9]{6,10}", "pattern = [A-Z]{2}[0-9A-Z]*"},
        {"pattern = [0-9]{6,10}", "pattern = [0-9A-Z]{5,34}"},
        {"label = Number\ncategory = money\ntype = pattern\npattern = [0-9]{6,10}",
         "label = BSN seen on\ncategory = money\ntype = date"},
        {"label = Number\ncategory = money\ntype = pattern\npattern = [0-9]{6,10}",
         "label = Grootboekrekeningnummer\ncategory = money\ntype = pattern\npattern = [0-9]{4,6}"},
        {"label = Number\ncategory = money\ntype = pattern\npattern = [0-9]{6,10}",
         "label = Remark\ncategory = money\ntype = pattern\npattern = .{1,100}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].from, rows[i].to, TODAY, NULL, NULL);
}

/* Special data stand for nothing but themselves, and a role that is not trusted with them shows nothing of them. */
static void special_data(void **state)
{
    static const char more[] =
        "[category care]\nretention = 2y after end\n[field illness]\ncategory = care\ntype = text\n"
        "special = health\n[purpose care]\nground = A\nsecond-ground = why\nkinds = tenant\n"
        "fields = illness\n[role nurse]\nmembers = 1\npurposes = care\n%s[secrecy]";
    char with[1024], without[1024];

    (void)state;
    snprintf(with, sizeof with, more, "special = illness\n");
    expect("[secrecy]", with, TODAY, NULL, NULL);
    snprintf(without, sizeof without, more, "write = illness\n");
    expect("[secrecy]", without, TODAY, NULL, NULL);
    snprintf(with, sizeof with, more,
             "special = illness\n[role other]\nmembers = 1\npurposes = let\nspecial = illness\n");
    expect("[secrecy]", with, TODAY, "special = illness\n[secrecy]",
           "[role other] special: 'illness' in vain: no purpose of the role lists it");
}

static void in_the_order_of_the_lines(void **state)
{
    char *text = changed("[category money]", "[category last]\n[category money]");
    struct policy_faults found = warnings_of(text, TODAY + 400);

    (void)state;
    /* `last`, the agreement, the one member whose record ended too */
    assert_int_equal(found.count, 3);
    for (size_t i = 1; i < found.count; i++)
        assert_true(found.faults[i - 1].line < found.faults[i].line);
    policy_faults_clear(&found);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_vain),
        cmocka_unit_test(of_use),
        cmocka_unit_test(special_data),
        cmocka_unit_test(in_the_order_of_the_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
