/* Goal: what a role sees of a policy, and on which conditions, and what is otherwise under another policy, is told exactly as
 * decide() decides it: over every role, purpose, kind, field and combination of facts of random policies (by a seed), and for a
 * change of every key that there is; and a sentence about what is never seen holds or breaks as decide() has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compare.h"
#include "policy/grammar.h"
#include "policy/never.h"

enum { POLICIES = 150, SEED = 20261127 };

/* ---- random policies ----------------------------------------------------------------------------------------------- */

static uint32_t state;

static uint32_t pick(uint32_t below)
{
    state = state * 1664525 + 1013904223;
    return (state >> 16) % below;
}

static bool chance(uint32_t percent)
{
    return pick(100) < percent;
}

/* A list of some of `prefix`0..; at least one. */
static void some(struct buffer *out, const char *key, const char *prefix, unsigned count, uint32_t percent)
{
    bool any = false;

    buffer_printf(out, "%s = ", key);
    for (unsigned i = 0; i < count; i++)
        if (chance(percent) || (!any && i + 1 == count)) {
            buffer_printf(out, "%s%s%u", any ? ", " : "", prefix, i);
            any = true;
        }
    buffer_append_text(out, "\n");
}

static void write_role(struct buffer *out, bool recipient, unsigned number)
{
    static const char *const masks[] = {"last2", "first1", "initial", "yes-no", "hash", "text=gone"};

    buffer_printf(out, "[%s %s%u]\nmembers = %u\n", recipient ? "recipient" : "role", recipient ? "x" : "r", number,
                  100 + number);
    if (recipient)
        buffer_append_text(out, "agreement = covenant\nsigned = 2026-01-01\n");
    some(out, "purposes", "p", 4, 50);
    if (recipient || chance(50))
        some(out, "fields", "f", 6, 60);
    buffer_printf(out, "mask = f0:%s", masks[pick(6)]);
    for (unsigned i = 1; i < 6; i++)
        if (chance(40))
            buffer_printf(out, ", f%u:%s", i, masks[pick(6)]);
    buffer_append_text(out, "\n");
    if (chance(40))
        buffer_append_text(out, "special = f5\n");
    if (chance(30))
        buffer_append_text(out, "caseload = f0: north\n");
    if (!recipient && chance(30))
        some(out, "own", "f", 3, 30);
    if (!recipient && chance(20))
        buffer_printf(out, "drop = f%u\n", 3 + pick(3));
}

static void write_policy(struct buffer *out)
{
    buffer_append_text(out, "[policy]\norganisation = O\ntimezone = Europe/Amsterdam\n[kind k0]\ncode = A[0-9]\n"
                            "[kind k1]\ncode = B[0-9]\n[category c0]\n[category c1]\n");
    if (chance(30))
        buffer_append_text(out, "roles = r0, r1\n");
    buffer_append_text(out, "[category c2]\n");
    if (chance(60))
        buffer_append_text(out, "incident = required\nroles = r0, r2, x0\n");
    for (unsigned i = 0; i < 6; i++)
        buffer_printf(out, "[field f%u]\ncategory = c%u\ntype = text\n%s", i, i / 2 == 2 && i == 5 ? 0 : i / 2,
                      i == 5 ? "special = health\n" : "");
    for (unsigned i = 0; i < 4; i++) {
        char ground = "ABCDE"[pick(5)];

        buffer_printf(out, "[purpose p%u]\nground = %c\narticle = a\nbalancing = b\nsecond-ground = s\n", i, ground);
        some(out, "kinds", "k", 2, 60);
        if (i == 3)
            buffer_append_text(out, "fields = f4\n"); /* what is bound to an incident stands alone */
        else
            buffer_printf(out, "fields = f%u, f%u%s\n", pick(2), 2 + pick(2), chance(50) ? ", f5" : "");
        if (chance(30))
            buffer_append_text(out, "despite-restriction = d\n");
    }
    for (unsigned i = 0; i < 3; i++)
        write_role(out, false, i);
    write_role(out, true, 0);
    buffer_append_text(out, "[secrecy]\nbound = 100 2025-01-01\n");
}

static struct policy *load(const char *text)
{
    struct policy *policy = NULL;
    struct policy_faults faults = {0};

    if (policy_load("test.ini", text, strlen(text), &policy, &faults) < 0 && faults.count)
        print_error("line %u: %s\n%s\n", faults.faults[0].line, faults.faults[0].text, text);
    policy_faults_clear(&faults);
    assert_non_null(policy);
    return policy;
}

static struct policy *random_policy(void)
{
    struct buffer text = BUFFER_EMPTY;
    struct policy *policy;

    write_policy(&text);
    policy = load(buffer_text(&text));
    buffer_clear(&text);
    return policy;
}

/* ---- one policy --------------------------------------------------------------------------------------------------- */

static struct decision decide_under(const struct policy *policy, uint64_t roles, unsigned conditions, int purpose,
                                    int kind, int field)
{
    struct policy_standing standing;
    struct decide_dossier dossier;
    struct decide_facts facts;

    access_facts(policy, 0, kind, conditions, &standing, &dossier, &facts);
    standing.roles = roles;
    standing.in_force = 0;
    for (unsigned i = 0; i < policy->role_count; i++)
        if (roles >> i & 1 && (conditions & ACCESS_AGREEMENT || policy->roles[i].agreement == AGREEMENT_NONE))
            standing.in_force |= (uint64_t)1 << i;
    return decide(policy, &standing, purpose, field, &facts, 0);
}

/* Somebody in these roles sees what any of them sees: the first unmasked, or else the first that masks it. */
static void check_roles(const struct policy *policy, uint64_t roles, int purpose, int kind, int field)
{
    struct access access[POLICY_MAX_ROLES];

    for (unsigned i = 0; i < policy->role_count; i++)
        access[i] = access_of(policy, (int)i, purpose, kind, field);
    for (unsigned conditions = 0; conditions < 1U << ACCESS_CONDITIONS; conditions++) {
        struct decision decision = decide_under(policy, roles, conditions, purpose, kind, field);
        enum verdict expected = VERDICT_HIDDEN;
        const struct mask *mask = NULL;

        for (unsigned i = 0; i < policy->role_count; i++) {
            bool sees =
                roles >> i & 1 && access[i].verdict != VERDICT_HIDDEN && (access[i].conditions & ~conditions) == 0;

            if (sees && access[i].verdict == VERDICT_SHOWN)
                expected = VERDICT_SHOWN;
            if (sees && access[i].verdict == VERDICT_MASKED && !mask)
                mask = &access[i].mask;
        }
        if (expected == VERDICT_HIDDEN && mask)
            expected = VERDICT_MASKED;
        assert_int_equal(decision.verdict, expected);
        if (expected == VERDICT_MASKED)
            assert_true(decision.mask.code == mask->code && decision.mask.count == mask->count);
    }
}

static void access_is_what_decide_says(void **unused)
{
    unsigned seen[3] = {0}, conditions = 0;

    (void)unused;
    state = SEED;
    for (unsigned n = 0; n < POLICIES; n++) {
        struct policy *policy = random_policy();

        for (int p = 0; p < (int)policy->purpose_count; p++)
            for (int k = 0; k < (int)policy->kind_count; k++)
                for (int f = 0; f < (int)policy->field_count; f++) {
                    for (unsigned r = 0; r < policy->role_count; r++) {
                        struct access access = access_of(policy, (int)r, p, k, f);

                        seen[access.verdict]++;
                        conditions |= access.conditions;
                        check_roles(policy, (uint64_t)1 << r, p, k, f);
                    }
                    check_roles(policy, 1 + pick(15), p, k, f);
                }
        policy_free(policy);
    }
    /* Or else the policies tried nothing. */
    assert_true(seen[VERDICT_HIDDEN] > 100 && seen[VERDICT_SHOWN] > 100 && seen[VERDICT_MASKED] > 100);
    assert_int_equal(conditions, (1U << ACCESS_CONDITIONS) - 1);
}

static void other_access_has_other_words(void **unused)
{
    struct buffer words[1U << ACCESS_CONDITIONS];

    (void)unused;
    for (unsigned i = 0; i < 1U << ACCESS_CONDITIONS; i++) {
        const struct access access = {.verdict = VERDICT_SHOWN, .conditions = i};

        words[i] = BUFFER_EMPTY;
        access_describe(&access, &words[i]);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(buffer_text(&words[i]), buffer_text(&words[j]));
    }
    for (unsigned i = 0; i < 1U << ACCESS_CONDITIONS; i++)
        buffer_clear(&words[i]);
}

/* ---- two policies ------------------------------------------------------------------------------------------------- */

static bool lists(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; at && (at = strstr(at, word)); at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* How many differences tell of it, and whether the words are those of both accesses. */
static unsigned told(const struct differences *list, const struct policy *policy, unsigned r, unsigned p, unsigned k,
                     unsigned f, const struct access *before, const struct access *after)
{
    struct buffer old = BUFFER_EMPTY, new = BUFFER_EMPTY;
    unsigned count = 0;

    access_describe(before, &old);
    access_describe(after, &new);
    for (size_t i = 0; i < list->count; i++) {
        const struct difference *difference = &list->all[i];

        if (difference->what != DIFFERENCE_ACCESS || strcmp(difference->name, policy->roles[r].name) != 0 ||
            strcmp(difference->purpose, policy->purposes[p].name) != 0 ||
            !lists(difference->kinds, policy->kinds[k].name) || !lists(difference->fields, policy->fields[f].name))
            continue;
        count++;
        assert_string_equal(difference->before, buffer_text(&old));
        assert_string_equal(difference->after, buffer_text(&new));
    }
    buffer_clear(&old);
    buffer_clear(&new);
    return count;
}

/* The random policies have the same names in the same order. */
static unsigned check_pair(const struct policy *old, const struct policy *new)
{
    struct differences list;
    unsigned changed = 0;

    assert_int_equal(compare_policies(old, new, &list), 0);
    for (unsigned r = 0; r < old->role_count; r++)
        for (unsigned p = 0; p < old->purpose_count; p++)
            for (unsigned k = 0; k < old->kind_count; k++)
                for (unsigned f = 0; f < old->field_count; f++) {
                    struct access before = access_of(old, (int)r, (int)p, (int)k, (int)f),
                                  after = access_of(new, (int)r, (int)p, (int)k, (int)f);
                    bool differs = !access_same(&before, &after);

                    assert_int_equal(told(&list, old, r, p, k, f, &before, &after), differs);
                    changed += differs;
                }
    differences_clear(&list);
    return changed;
}

static void each_change_is_told_once(void **unused)
{
    struct policy *old;
    unsigned changed = 0;

    (void)unused;
    state = SEED + 1;
    old = random_policy();
    for (unsigned n = 0; n < POLICIES; n++) {
        struct policy *new = random_policy();

        changed += check_pair(old, new);
        assert_int_equal(check_pair(new, new), 0);
        policy_free(old);
        old = new;
    }
    policy_free(old);
    assert_true(changed > 1000);
}

/* ---- every key ------------------------------------------------------------------------------------------------------ */

static const char whole[] =
    "[policy]\norganisation = Org\ntimezone = Europe/Amsterdam\ncontact = c1\npublic-body = yes\naddress = a1\n"
    "website = w1\nofficer = o1\nauthority = au1\nsecurity = s1\nlanguage = en\n"
    "[mount]\nstore = /s1\nmountpoint = /m1\nkey-file = /k1\nsuffix = .txt\ndossier = dossier.txt\nprocessing-log = "
    "log\n"
    "my-access = mine.txt\nrefuse-programs = indexer, finder\n"
    "[log]\nretention = 5y\nsend = journal, file /f1\nworking-hours = 6-20\nunusual-dossiers = 51\nunusual-refusals "
    "= "
    "21\nunusual-times = 4\n"
    "[kind tenant]\nlabel = L1\ncode = [0-9]{4}\ncontroller = C1\npeople = P1\n"
    "[category person]\nlabel = CL1\nretention = 2y after ended\nretention.tenant = 24m after ended\nsource = S1\n"
    "[category seen]\nstore = never\n[category film]\nincident = required\nroles = rent, police\n"
    "[category plain]\n"
    "[field name]\nlabel = FL1\ncategory = person\ntype = text\nlist = yes\n"
    "[field ended]\ncategory = person\ntype = date\n[field sort]\ncategory = person\ntype = enum\nvalues = x, y\n"
    "[field number]\ncategory = person\ntype = pattern\npattern = [0-9]{3}\n"
    "[field seen-on]\ncategory = seen\ntype = date\n[field shot]\ncategory = film\ntype = text\n"
    "[field ill]\ncategory = plain\ntype = text\nspecial = health\n"
    "[purpose renting]\nlabel = PL1\nground = B\narticle = art1\nbalancing = bal1\nsecond-ground = sec1\n"
    "despite-restriction = des1\nkinds = tenant\nfields = name, sort, ill\n"
    "[purpose filming]\nground = A\nkinds = tenant\nfields = shot\n"
    "[role rent]\nlabel = RL1\nmembers = anna, @rent, 7\npurposes = renting, filming\nfields = name, ill, shot\n"
    "mask = name:last4\ncommands = import\nwrite = sort\nown = shot\ndrop = ended\nspecial = ill\n"
    "caseload = sort: x\ndossiers-per-hour = 10\n"
    "[role idle]\nmembers = bob\ncommands = log.show\n"
    "[recipient police]\nlabel = XL1\nagreement = legal-power\nsigned = 2026-01-01\nuntil = 2026-12-31\n"
    "article = xart1\nrequester = req1\ntransfer = xtr1\nmembers = 8\npurposes = filming\nfields = shot\nmask = "
    "shot:last4\n"
    "caseload = sort: x\ndossiers-per-hour = 10\n"
    "[recipient clinic]\nagreement = processor\nsigned = 2026-01-01\nmembers = 9\npurposes = renting\nfields = ill\n"
    "special = ill\n"
    "[never]\nthat = anyone sees ended\n[secrecy]\nbound = anna 2025-01-01\n";

static const struct {
    const char *key, *from, *to; /* the key as SECTION.KEY; of the text */
} changes[] = {
    {"policy.organisation", "= Org", "= Other"},
    {"policy.timezone", "Europe/Amsterdam", "Europe/Dublin"},
    {"policy.contact", "= c1", "= c2"},
    {"policy.public-body", "public-body = yes", "public-body = no"},
    {"policy.address", "= a1", "= a2"},
    {"policy.website", "= w1", "= w2"},
    {"policy.officer", "= o1", "= o2"},
    {"policy.authority", "= au1", "= au2"},
    {"policy.security", "= s1", "= s2"},
    {"policy.language", "language = en", "language = nl"},
    {"mount.store", "/s1", "/s2"},
    {"mount.mountpoint", "/m1", "/m2"},
    {"mount.key-file", "/k1", "/k2"},
    {"mount.suffix", "suffix = .txt", "suffix = .csv"},
    {"mount.dossier", "dossier.txt", "all.txt"},
    {"mount.my-access", "mine.txt", "my.txt"},
    {"mount.processing-log", "processing-log = log", "processing-log = logboek"},
    {"mount.refuse-programs", "indexer, finder", "indexer"},
    {"log.retention", "retention = 5y\nsend", "retention = 18m\nsend"},
    {"log.send", "send = journal, file /f1", "send = journal, command /f1"},
    {"log.working-hours", "6-20", "7-20"},
    {"log.unusual-dossiers", "= 51", "= 52"},
    {"log.unusual-refusals", "= 21", "= 22"},
    {"log.unusual-times", "unusual-times = 4", "unusual-times = 5"},
    {"kind.label", "= L1", "= L2"},
    {"kind.code", "[0-9]{4}", "[0-9]{5}"},
    {"kind.controller", "= C1", "= C2"},
    {"kind.people", "= P1", "= P2"},
    {"kind.was", "[kind tenant]\n", "[kind tenant]\nwas = renter\n"},
    {"category.label", "CL1", "CL2"},
    {"category.retention", "retention = 2y after ended\nretention.tenant = 24m after ended\n",
     "retention = 3y after ended\n"},
    {"category.store", "store = never\n", ""},
    {"category.incident", "incident = required\n", ""},
    {"category.roles", "roles = rent, police", "roles = rent"},
    {"category.source", "= S1", "= S2"},
    {"category.was", "[category plain]\n", "[category plain]\nwas = simple\n"},
    {"field.label", "FL1", "FL2"},
    {"field.category", "[field number]\ncategory = person", "[field number]\ncategory = plain"},
    {"field.type", "[field name]\nlabel = FL1\ncategory = person\ntype = text",
     "[field name]\nlabel = FL1\ncategory = person\ntype = surname"},
    {"field.values", "values = x, y", "values = x, y, z"},
    {"field.pattern", "[0-9]{3}", "[0-9]{2}"},
    {"field.list", "list = yes\n", ""},
    {"field.special", "special = health", "special = belief"},
    {"field.was", "[field sort]\n", "[field sort]\nwas = kind\n"},
    {"purpose.label", "PL1", "PL2"},
    {"purpose.ground", "ground = A", "ground = D"},
    {"purpose.article", "art1\nbal", "art2\nbal"},
    {"purpose.balancing", "bal1", "bal2"},
    {"purpose.second-ground", "sec1", "sec2"},
    {"purpose.despite-restriction", "despite-restriction = des1\n", ""},
    {"purpose.kinds", "kinds = tenant\nfields = name, sort, ill", "kinds = tenant, other\nfields = name, sort, ill"},
    {"purpose.fields", "name, sort, ill", "name, ill"},
    {"purpose.was", "[purpose renting]\n", "[purpose renting]\nwas = letting\n"},
    {"role.label", "RL1", "RL2"},
    {"role.members", "anna, @rent, 7", "anna, @rent"},
    {"role.purposes", "purposes = renting, filming", "purposes = renting"},
    {"role.fields", "name, ill, shot", "name, shot"},
    {"role.mask", "name:last4", "name:last3"},
    {"role.commands", "commands = import", "commands = log.*"},
    {"role.write", "write = sort", "write = name"},
    {"role.own", "own = shot\n", ""},
    {"role.drop", "drop = ended\n", ""},
    {"role.special", "drop = ended\nspecial = ill\n", "drop = ended\n"},
    {"role.caseload", "caseload = sort: x\ndossiers-per-hour = 10\n[role",
     "caseload = sort: y\ndossiers-per-hour = 10\n[role"},
    {"role.dossiers-per-hour", "dossiers-per-hour = 10\n[role", "dossiers-per-hour = 11\n[role"},
    {"recipient.label", "XL1", "XL2"},
    {"recipient.agreement", "agreement = processor\n", "agreement = covenant\n"},
    {"recipient.signed", "legal-power\nsigned = 2026-01-01", "legal-power\nsigned = 2026-01-02"},
    {"recipient.until", "2026-12-31", "2026-12-30"},
    {"recipient.article", "xart1", "xart2"},
    {"recipient.requester", "req1", "req2"},
    {"recipient.transfer", "xtr1", "xtr2"},
    {"recipient.members", "members = 8", "members = 88"},
    {"recipient.purposes", "members = 9\npurposes = renting\nfields = ill",
     "members = 9\npurposes = filming\nfields = ill"},
    {"recipient.fields", "members = 9\npurposes = renting\nfields = ill",
     "members = 9\npurposes = renting\nfields = name, ill"},
    {"recipient.mask", "shot:last4", "shot:last3"},
    {"recipient.special", "fields = ill\nspecial = ill\n", "fields = ill\n"},
    {"recipient.caseload", "caseload = sort: x\ndossiers-per-hour = 10\n[rec",
     "caseload = sort: y\ndossiers-per-hour = 10\n[rec"},
    {"recipient.dossiers-per-hour", "dossiers-per-hour = 10\n[rec", "[rec"},
    {"never.that", "that = anyone sees ended", "that = anyone sees number"},
    {"secrecy.bound", "anna 2025-01-01", "anna 2025-01-02"},
    /* Why a name is not what it seems: of no effect. */
    {"field.not-profiling", NULL, NULL},
};

/* A copy with the first `from` replaced, to be freed. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *copy = malloc(strlen(text) + strlen(to) + 1);

    if (!at)
        print_error("there is no %s\n", from);
    assert_non_null(at);
    sprintf(copy, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return copy;
}

static size_t differences_of(const char *before, const char *after)
{
    struct policy *old = load(before), *new = load(after);
    struct differences list;
    size_t count;

    assert_int_equal(compare_policies(old, new, &list), 0);
    policy_free(old);
    policy_free(new);
    count = list.count;
    for (size_t i = 0; i < list.count; i++) {
        struct buffer text = BUFFER_EMPTY;

        difference_describe(&list.all[i], &text);
        assert_true(text.length_bytes > 10 && !text.failed);
        buffer_clear(&text);
    }
    differences_clear(&list);
    return count;
}

static void a_change_of_any_key_is_told(void **unused)
{
    (void)unused;
    assert_int_equal(differences_of(whole, whole), 0);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *text, *other = NULL;

        if (!changes[i].from)
            continue;
        text = replaced(whole, changes[i].from, changes[i].to);
        if (strcmp(changes[i].key, "purpose.kinds") == 0) {
            other = replaced(text, "[category person]", "[kind other]\ncode = X[0-9]\n[category person]");
            free(text);
            text = other;
        }
        if (differences_of(whole, text) == 0)
            fail_msg("%s: a change is not told", changes[i].key);
        free(text);
    }
}

static void no_key_is_forgotten(void **unused)
{
    (void)unused;
    for (int section = 0; section < SECTION_TYPES; section++) {
        const struct grammar_section *of = grammar_section((enum section_type)section);

        for (const struct grammar_key *key = of->keys; key->name; key++) {
            char name[64];
            bool found = false;

            snprintf(name, sizeof name, "%s.%s", of->word, key->name);
            for (size_t i = 0; i < sizeof changes / sizeof changes[0] && !found; i++)
                found = strcmp(changes[i].key, name) == 0;
            if (!found)
                fail_msg("does policy diff tell of a change of %s? Add one to this test", name);
        }
    }
}

/* ---- what is no difference ------------------------------------------------------------------------------------------- */

static void what_comes_to_the_same_is_not_told(void **unused)
{
    static const char *const same[][2] = {
        {"2y after ended", "24m after ended"},
        {"24m after ended", "latest(2y after ended)"},
        {"anna, @rent, 7", "7, anna, @rent"},
        {"anna 2025-01-01", "anna 2025-01-01 2025-06-30, anna 2025-07-01"},
        {"[kind tenant]\n", "; a comment\n[kind tenant]\n"},
        {"values = x, y", "values = y, x"},
        {"name, ill, shot", "shot, name, ill"},
        {"mask = shot:last4\n", "mask = shot:last4   ; a remark\n"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        char *text = replaced(whole, same[i][0], same[i][1]);

        if (differences_of(whole, text) != 0)
            fail_msg("told of %s", same[i][1]);
        free(text);
    }
}

/* Under another name with `was` it is the same data: what is told is the name, and what follows from it. */
static void what_is_renamed_is_the_same(void **unused)
{
    static const char form[] =
        "[policy]\norganisation = O\ntimezone = Europe/Amsterdam\n[kind %s\nlabel = K\ncode = [0-9]\n"
        "[category %s\nlabel = C\nretention = 2y after %s\n[field %s\nlabel = F\ncategory = %s\ntype = date\n"
        "[purpose %s\nlabel = P\nground = A\nkinds = %s\nfields = %s\n"
        "[role r]\nmembers = 1\npurposes = %s\nwrite = %s\n[secrecy]\nbound = 1 2025-01-01\n";
    char before[1024], after[1024], other[1024];
    struct policy *old, *new;
    struct differences list;

    (void)unused;
    snprintf(before, sizeof before, form, "k]", "c]", "f", "f]", "c", "p]", "k", "f", "p", "f");
    snprintf(after, sizeof after, form, "k2]\nwas = k", "c2]\nwas = c", "f2", "f2]\nwas = f", "c2", "p2]\nwas = p",
             "k2", "f2", "p2", "f2");
    snprintf(other, sizeof other, form, "k2]", "c2]", "f2", "f2]", "c2", "p2]", "k2", "f2", "p2", "f2");
    old = load(before);
    new = load(after);
    assert_int_equal(compare_policies(old, new, &list), 0);
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < list.count; i++)
        assert_string_equal(list.all[i].about, "name");
    differences_clear(&list);
    policy_free(old);
    policy_free(new);
    assert_true(differences_of(before, other) > 8);
    assert_int_equal(differences_of(after, after), 0);
}

static void replace_all(const char *text, const char *from, const char *to, struct buffer *out)
{
    for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
        buffer_append(out, (const uint8_t *)text, (size_t)(at - text));
        buffer_append_text(out, to);
    }
    buffer_append_text(out, text);
}

/* One name becomes another everywhere, or some text another; warned of is a rename without `was`, and nothing that is otherwise. */
static void what_seems_renamed_is_warned_of(void **unused)
{
    static const char text[] = "[policy]\norganisation = O\ntimezone = Europe/Amsterdam\n[kind kind1]\ncode = "
                               "[0-9]\n[kind kind2]\ncode = x\n"
                               "[category cat1]\nretention = 2y after field1\n[category cat2]\n[field "
                               "field1]\ncategory = cat1\ntype = date\n"
                               "[field field2]\nlabel = The second\ncategory = cat2\ntype = text\n"
                               "[purpose purp1]\nlabel = P\nground = D\nkinds = kind1\nfields = field1\n"
                               "[purpose purp2]\nground = A\nkinds = kind1, kind2\nfields = field2\n"
                               "[role r]\nmembers = 1\npurposes = purp1, purp2\n[secrecy]\nbound = 1 2025-01-01\n";
    static const struct {
        const char *from, *to, *from2, *to2;
        const char *warned; /* begins the warning; NULL: there is none */
    } rows[] = {
        {"purp1", "newp1", NULL, NULL, "purpose purp1 is gone, and newp1 is new"},
        {"purp1", "newp1", "label = P", "label = Q", "purpose purp1 is gone, and newp1 is new"},
        {"purp1", "newp1", "ground = D", "ground = A", NULL},
        {"purp1", "newp1", "fields = field1", "fields = field2", NULL},
        {"purp1]", "newp1]\nwas = purp1", " purp1,", " newp1,", NULL},
        {"[purpose purp1]", "[purpose newp1]\nground = D\nkinds = kind1\nfields = field1\n[purpose purp1]", NULL,
         NULL, NULL},
        {"cat1", "newc1", NULL, NULL, "category cat1 is gone, and newc1 is new"},
        {"cat1", "newc1", "2y after", "3y after", NULL},
        {"field2", "newf2", NULL, NULL, "field field2 is gone, and newf2 is new"},
        {"field2", "newf2", "= The second", "= Another", NULL},
        {"field2", "newf2", "= text", "= email", NULL},
        {"kind2", "newk2", NULL, NULL, "kind kind2 is gone, and newk2 is new"},
        {"kind2", "newk2", "code = x", "code = y", NULL},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer first = BUFFER_EMPTY, second = BUFFER_EMPTY;
        struct policy_faults warnings = {0};
        struct policy *old = load(text), *new;

        replace_all(text, rows[i].from, rows[i].to, &first);
        replace_all(buffer_text(&first), rows[i].from2 ? rows[i].from2 : "no such text", rows[i].to2, &second);
        new = load(buffer_text(&second));

        assert_int_equal(compare_renames(old, new, &warnings), 0);
        assert_int_equal(warnings.count, rows[i].warned ? 1 : 0);
        if (rows[i].warned) {
            assert_int_equal(strncmp(warnings.faults[0].text, rows[i].warned, strlen(rows[i].warned)), 0);
            assert_true(warnings.faults[0].line > 0);
        }
        policy_faults_clear(&warnings);
        assert_int_equal(compare_renames(old, old, &warnings), 0);
        assert_int_equal(warnings.count, 0);
        policy_free(old);
        policy_free(new);
        buffer_clear(&first);
        buffer_clear(&second);
    }
}

/* Whoever is in two roles that mask a field sees the mask of the first in the file; so the order of roles can be a difference. */
static void the_order_of_roles_is_told_where_it_counts(void **unused)
{
    static const char head[] =
        "[policy]\norganisation = O\ntimezone = Europe/Amsterdam\n[kind k]\ncode = [0-9]\n[category c]\n"
        "[field f]\ncategory = c\ntype = text\n[purpose p]\nground = A\nkinds = k\nfields = f\n%s%s"
        "[secrecy]\nbound = 1 2025-01-01\n";
    static const char one[] = "[role one]\nmembers = 1\npurposes = p\nmask = f:last2\n",
                      other[] = "[role other]\nmembers = 1\npurposes = p\nmask = f:initial\n",
                      alike[] = "[role other]\nmembers = 1\npurposes = p\nmask = f:last2\n";
    char before[1024], after[1024];

    (void)unused;
    snprintf(before, sizeof before, head, one, other);
    snprintf(after, sizeof after, head, other, one);
    assert_int_equal(differences_of(before, after), 1);
    snprintf(before, sizeof before, head, one, alike);
    snprintf(after, sizeof after, head, alike, one);
    assert_int_equal(differences_of(before, after), 0);
}

/* ---- never ---------------------------------------------------------------------------------------------------------- */

/* A sentence of parts that are drawn, and the same by hand: which roles, fields, kinds, purposes, conditions it is about. */
struct drawn {
    char text[200];
    uint64_t roles, fields, purposes;
    uint32_t kinds;
    bool unmasked;
    unsigned without;
};

static void draw(struct drawn *drawn)
{
    static const struct {
        const char *words;
        uint64_t bits;
    } who[] = {{"anyone", 15}, {"role", 7}, {"recipient", 8}, {"role r1", 2}, {"recipient x0", 8}},
      what[] = {{"anything", 63}, {"special", 32}, {"f2", 4}, {"c0", 35}, {"c2", 16}, {"f5", 32}};
    unsigned i = pick(5), j = pick(6), kind = pick(3), purpose = pick(6), condition = pick(12);
    struct buffer text = BUFFER_EMPTY;

    *drawn = (struct drawn){.roles = who[i].bits,
                            .fields = what[j].bits,
                            .purposes = purpose < 4 ? 1U << purpose : 15,
                            .kinds = kind < 2 ? 1U << kind : 3,
                            .unmasked = chance(30),
                            .without = condition < ACCESS_CONDITIONS ? 1U << condition : 0};
    buffer_printf(&text, "%s%s sees %s", chance(50) ? "never " : "", who[i].words, what[j].words);
    if (drawn->unmasked)
        buffer_append_text(&text, " unmasked");
    if (purpose < 4)
        buffer_printf(&text, " for p%u", purpose);
    if (drawn->without)
        buffer_printf(&text, "  without %s", access_condition_name(drawn->without));
    if (kind < 2)
        buffer_printf(&text, " of k%u ", kind);
    snprintf(drawn->text, sizeof drawn->text, "%s", buffer_text(&text));
    buffer_clear(&text);
}

/* Asks decide() whether the role sees the field although the condition is not met. */
static bool seen(const struct policy *policy, const struct drawn *drawn, unsigned r, unsigned p, unsigned k,
                 unsigned f)
{
    unsigned conditions = ((1U << ACCESS_CONDITIONS) - 1) & ~drawn->without;
    struct decision decision = decide_under(policy, (uint64_t)1 << r, conditions, (int)p, (int)k, (int)f);

    if (!(drawn->roles >> r & 1) || !(drawn->purposes >> p & 1) || !(drawn->kinds >> k & 1) ||
        !(drawn->fields >> f & 1))
        return false;
    return decision.verdict == VERDICT_SHOWN || (decision.verdict == VERDICT_MASKED && !drawn->unmasked);
}

static bool check_never(const struct policy *policy)
{
    struct never_example first = {0};
    char why[NEVER_WHY_BYTES];
    struct never never;
    struct drawn drawn;
    unsigned expected = 0;

    draw(&drawn);
    if (never_parse(policy, drawn.text, &never, why) < 0)
        fail_msg("%s: %s", drawn.text, why);
    for (unsigned r = 0; r < policy->role_count; r++)
        for (unsigned p = 0; p < policy->purpose_count; p++)
            for (unsigned k = 0; k < policy->kind_count; k++)
                for (unsigned f = 0; f < policy->field_count; f++)
                    expected += seen(policy, &drawn, r, p, k, f);
    assert_int_equal(never_broken(policy, &never, &first), expected);
    if (expected)
        assert_true(seen(policy, &drawn, first.role, first.purpose, first.kind, first.field));
    return expected == 0;
}

static void what_is_never_seen_is_so(void **unused)
{
    unsigned hold = 0, all = 0;

    (void)unused;
    state = SEED + 2;
    for (unsigned n = 0; n < POLICIES; n++) {
        struct policy *policy = random_policy();

        for (unsigned i = 0; i < 40; i++, all++)
            hold += check_never(policy);
        policy_free(policy);
    }
    assert_true(hold > all / 10 && hold < all * 9 / 10);
}

/* A sentence of the policy's own that does not hold is a fault, and one that holds is none. */
static void a_policy_keeps_its_own_word(void **unused)
{
    unsigned kept = 0, all = 0;

    (void)unused;
    state = SEED + 3;
    for (unsigned n = 0; n < POLICIES; n++) {
        struct buffer text = BUFFER_EMPTY;
        struct policy *policy, *bound = NULL;
        struct policy_faults faults = {0};
        struct never_example first;
        char why[NEVER_WHY_BYTES];
        struct never never;
        struct drawn drawn;
        bool holds;

        write_policy(&text);
        policy = load(buffer_text(&text));
        draw(&drawn);
        assert_int_equal(never_parse(policy, drawn.text, &never, why), 0);
        holds = never_broken(policy, &never, &first) == 0;
        buffer_printf(&text, "[never]\nthat = %s\n", drawn.text);
        assert_int_equal(policy_load("test.ini", buffer_text(&text), text.length_bytes, &bound, &faults),
                         holds ? 0 : -EINVAL);
        assert_int_equal(faults.count, !holds);
        policy_faults_clear(&faults);
        policy_free(bound);
        policy_free(policy);
        buffer_clear(&text);
        kept += holds;
        all++;
    }
    assert_true(kept > all / 10 && kept < all * 9 / 10);
}

static void a_sentence_that_says_nothing_is_refused(void **unused)
{
    static const char *const rows[][2] = {
        {"", "begin with who"},
        {"never", "begin with who"},
        {"nobody sees name", "begin with who"},
        {"anyone", "\"sees\" is expected"},
        {"anyone reads name", "\"sees\" is expected"},
        {"anyone sees", "field or category"},
        {"anyone sees nam", "did you mean \"name\""},
        {"role police sees name", "police is a recipient, not a role"},
        {"recipient rent sees name", "rent is a role, not a recipient"},
        {"role rnt sees name", "did you mean \"rent\""},
        {"anyone sees name for", "ends where the name of a purpose"},
        {"anyone sees name for letting", "no purpose \"letting\""},
        {"anyone sees name of landlord", "no kind \"landlord\""},
        {"anyone sees name without", "without what"},
        {"anyone sees name without doubt", "without what"},
        {"anyone sees name unmasked unmasked", "is not expected here"},
        {"anyone sees name for filming for filming", "is not expected here"},
        {"anyone sees name, sort", "no field or category"},
        {"a a a a a a a a a a a a a a a a a", "more than 16 words"},
    };
    struct policy *policy = load(whole);
    char long_one[NEVER_TEXT_MAX_BYTES + 2];

    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char why[NEVER_WHY_BYTES];
        struct never never = {.roles = 77};

        if (never_parse(policy, rows[i][0], &never, why) == 0)
            fail_msg("understood: %s", rows[i][0]);
        if (!strstr(why, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], why);
        assert_int_equal(never.roles, 77);
    }
    memset(long_one, 'a', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    char why[NEVER_WHY_BYTES];
    struct never never;

    assert_int_equal(never_parse(policy, long_one, &never, why), -EINVAL);
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_is_what_decide_says),
        cmocka_unit_test(other_access_has_other_words),
        cmocka_unit_test(each_change_is_told_once),
        cmocka_unit_test(a_change_of_any_key_is_told),
        cmocka_unit_test(no_key_is_forgotten),
        cmocka_unit_test(what_comes_to_the_same_is_not_told),
        cmocka_unit_test(what_is_renamed_is_the_same),
        cmocka_unit_test(what_seems_renamed_is_warned_of),
        cmocka_unit_test(the_order_of_roles_is_told_where_it_counts),
        cmocka_unit_test(what_is_never_seen_is_so),
        cmocka_unit_test(a_policy_keeps_its_own_word),
        cmocka_unit_test(a_sentence_that_says_nothing_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
