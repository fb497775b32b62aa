/* Goal: a policy loads whole or not at all: what is written is what the model says; no bytes make it crash or leak. */
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

#include "fs/base/file.h"
#include "policy/policy.h"

static struct policy *load_file(const char *path)
{
    struct policy_faults faults = {0};
    struct policy *policy = NULL;
    struct buffer text = BUFFER_EMPTY;

    assert_int_equal(file_read_path(path, POLICY_TEXT_MAX_BYTES, &text), 0);
    if (policy_load(path, buffer_text(&text), text.length_bytes, &policy, &faults)) {
        for (size_t i = 0; i < faults.count; i++)
            print_error("%s:%u: %s\n", path, faults.faults[i].line, faults.faults[i].text);
        fail_msg("%s does not load", path);
    }
    assert_null(faults.faults);
    buffer_clear(&text);
    return policy;
}

static void minimal_is_what_it_says(void **state)
{
    struct policy *policy = load_file("examples/minimal.ini");
    const struct retention *retention;

    (void)state;
    assert_string_equal(policy->organisation, "Example Housing");
    assert_string_equal(policy->timezone, "Europe/Amsterdam");
    assert_string_equal(policy->contact, "");
    assert_string_equal(policy->file, "examples/minimal.ini");
    assert_string_equal(policy->mount.suffix, ".txt");
    assert_string_equal(policy->mount.dossier, "dossier.txt");
    assert_string_equal(policy->mount.my_access, "my-access.txt");
    assert_string_equal(policy->mount.processing_log, "processing-log");
    assert_string_equal(policy->mount.store, "");
    assert_int_equal(policy->kind_count, 1);
    assert_int_equal(policy->category_count, 1);
    assert_int_equal(policy->field_count, 2);
    assert_int_equal(policy->purpose_count, 1);
    assert_int_equal(policy->role_count, 1);
    assert_int_equal(policy_find_field(policy, "end-date"), 1);
    assert_int_equal(policy_find_field(policy, "end-dat"), -1);
    assert_int_equal(policy_find_kind(policy, "tenant"), 0);
    assert_int_equal(policy_find_category(policy, "identity"), 0);
    assert_int_equal(policy_find_purpose(policy, "rent-collection"), 0);
    assert_int_equal(policy_find_role(policy, "collections"), 0);
    assert_int_equal(policy_find_role(policy, ""), -1);
    assert_string_equal(policy->kinds[0].label, "tenant");
    assert_int_equal(policy->kinds[0].line, 6);
    assert_int_equal(policy->purposes[0].ground, 'A');
    assert_int_equal(policy->purposes[0].ground_line, 20);
    assert_int_equal(policy->purposes[0].fields.bits[0], 3);
    assert_int_equal(policy->purposes[0].kinds, 1);
    assert_int_equal(policy->roles[0].purposes, 1);
    assert_false(policy->roles[0].narrows);
    assert_int_equal(policy_kind_of_code(policy, "2024-00123", 10), 0);
    assert_int_equal(policy_kind_of_code(policy, "2024-0012", 9), -1);
    assert_int_equal(policy_kind_of_code(policy, "", 0), -1);
    retention = policy_retention(policy, 0, 0);
    assert_non_null(retention);
    assert_int_equal(retention->rule, RETENTION_ONE);
    assert_int_equal(retention->terms[0].amount, 2);
    assert_int_equal(retention->terms[0].unit, TERM_YEARS);
    assert_int_equal(retention->terms[0].field, 1);
    policy_free(policy);
    policy_free(NULL);
}

/* ---- the grammar, on texts of a few lines ---- */

#define FRAME                                                                                                        \
    "[policy]\norganisation = V\ntimezone = Europe/Amsterdam\n[kind huurder]\ncode = [0-9]{4}\n[kind koper]\n"       \
    "code = K[0-9]{4}\n[category naam]\n[category geld]\n[field achternaam]\ncategory = naam\ntype = surname\n"      \
    "[field einde]\ncategory = naam\ntype = date\n[field iban]\ncategory = geld\ntype = iban\n"

static struct policy *load_text(const char *text, size_t length_bytes)
{
    struct policy_faults faults = {0};
    struct policy *policy = NULL;

    if (policy_load("text.ini", text, length_bytes, &policy, &faults)) {
        for (size_t i = 0; i < faults.count; i++)
            print_error("%u: %s\n", faults.faults[i].line, faults.faults[i].text);
        policy_faults_clear(&faults);
        fail_msg("does not load");
    }
    return policy;
}

static struct policy *load_words(const char *text)
{
    return load_text(text, strlen(text));
}

/* The faults' count; their first line and text for the caller to look at. */
static size_t refuse_text(const char *text, size_t length_bytes, struct policy_fault *first)
{
    struct policy_faults faults = {0};
    struct policy *untouched = (struct policy *)&faults, *policy = untouched;
    size_t count;

    assert_int_equal(policy_load("text.ini", text, length_bytes, &policy, &faults), -EINVAL);
    assert_ptr_equal(policy, untouched);
    assert_true(faults.count > 0);
    for (size_t i = 1; i < faults.count; i++)
        assert_true(faults.faults[i].line >= faults.faults[i - 1].line);
    *first = faults.faults[0];
    count = faults.count;
    policy_faults_clear(&faults);
    return count;
}

static void comments_and_line_ends_are_read_as_written(void **state)
{
    static const char text[] = "\xef\xbb\xbf; a comment\r\n# another\r\n\r\n   \t \r\n  ; indented\r\n[policy];c\r\n"
                               "organisation = Wonen;West ; here ; twice\r\n"
                               "timezone\t=\tEurope/Amsterdam\t; tab\r\n"
                               "contact=a=b:c [d] \"e\" \r\n[mount] \t ; none\r\nmy-access = mijn toegang.txt";
    struct policy *policy = load_words(text);

    (void)state;
    assert_string_equal(policy->organisation, "Wonen;West");
    assert_string_equal(policy->timezone, "Europe/Amsterdam");
    assert_string_equal(policy->contact, "a=b:c [d] \"e\"");
    assert_string_equal(policy->mount.my_access, "mijn toegang.txt");
    policy_free(policy);
}

static void the_longest_lines_are_read_whole(void **state)
{
    char text[1024], name[64] = {0}, label[256] = {0};
    struct policy *policy;

    (void)state;
    memset(name, 'a', 44); /* with "role " the 49 bytes that a section may have */
    memset(label, 'x', 197 - 8);
    snprintf(text, sizeof text, FRAME "[role %s]\nlabel = %s\nmembers = 1\ncommands = import\n", name, label);
    policy = load_words(text);
    assert_string_equal(policy->roles[0].name, name);
    assert_string_equal(policy->roles[0].label, label);
    policy_free(policy);
}

static void labels_are_composed(void **state)
{
    struct policy *policy = load_words(FRAME "[category x]\nlabel = Financie\xcc\x88n\n");

    (void)state;
    assert_string_equal(policy->categories[2].label, "Financi\xc3\xabn");
    policy_free(policy);
}

static void lists_go_on(void **state)
{
    struct policy *policy = load_words(FRAME "[purpose p]\nground = A\nkinds = koper ; and\nkinds += huurder\n"
                                             "fields = geld\nlabel = P\nfields += achternaam , einde\n");
    const struct policy_purpose *purpose = &policy->purposes[0];

    (void)state;
    assert_int_equal(purpose->kinds, 3);
    assert_int_equal(purpose->fields.bits[0], 7);
    assert_string_equal(purpose->label, "P");
    assert_int_equal(purpose->line, 19);
    assert_int_equal(purpose->kinds_line, 21);
    assert_int_equal(purpose->fields_line, 23);
    policy_free(policy);
}

static void types_carry_what_they_need(void **state)
{
    struct policy *policy = load_words(FRAME "[field soort]\ncategory = naam\ntype = enum\nvalues = huur, koop\n"
                                             "values += K\xc3\xb6ln\nlist = yes\n[field nummer]\ncategory = naam\n"
                                             "type = pattern\npattern = [0-9]{3}\nlist = no\n"
                                             "[field betaal-score]\nlabel = S\ncategory = geld\ntype = year\n"
                                             "not-profiling = a count of payments, no judgement\n");
    const struct type *type = &policy->fields[3].type;

    (void)state;
    assert_int_equal(type->code, TYPE_ENUM);
    assert_true(type->is_list);
    assert_int_equal(type->word_count, 3);
    assert_string_equal(type->words[1], "koop");
    assert_int_equal(policy->fields[3].category, 0);
    type = &policy->fields[4].type;
    assert_int_equal(type->code, TYPE_PATTERN);
    assert_false(type->is_list);
    assert_true(pattern_match(type->pattern, "123", 3));
    assert_string_equal(policy->fields[5].label, "S");
    policy_free(policy);
}

static void retention_by_kind(void **state)
{
    struct policy *policy =
        load_words(FRAME "[category a]\nretention = earliest(2y after einde, 28d after capture)\n"
                         "retention.koper = latest( 0m after einde year-end , 1000w after capture )\n"
                         "[category b]\nretention.huurder = 1y after einde\n[category c]\n");
    const struct retention *retention = policy_retention(policy, 2, 0);

    (void)state;
    assert_int_equal(retention->rule, RETENTION_EARLIEST);
    assert_int_equal(retention->term_count, 2);
    assert_int_equal(retention->terms[0].start, TERM_AFTER_FIELD);
    assert_int_equal(retention->terms[0].field, 1);
    assert_int_equal(retention->terms[1].start, TERM_AFTER_CAPTURE);
    assert_int_equal(retention->terms[1].unit, TERM_DAYS);
    assert_int_equal(retention->terms[1].amount, 28);
    retention = policy_retention(policy, 2, 1);
    assert_int_equal(retention->rule, RETENTION_LATEST);
    assert_true(retention->terms[0].year_end);
    assert_int_equal(retention->terms[0].unit, TERM_MONTHS);
    assert_false(retention->terms[1].year_end);
    assert_int_equal(retention->terms[1].amount, 1000);
    assert_int_equal(retention->terms[1].unit, TERM_WEEKS);
    assert_ptr_equal(policy_retention(policy, 2, POLICY_MAX_KINDS), policy_retention(policy, 2, 0));
    assert_non_null(policy_retention(policy, 3, 0));
    assert_null(policy_retention(policy, 3, 1));
    assert_null(policy_retention(policy, 4, 0));
    assert_int_equal(policy->categories[2].retention_line, 20);
    assert_int_equal(policy->categories[3].retention_line, 23);
    policy_free(policy);
}

static void roles_narrow_and_mask(void **state)
{
    struct policy *policy = load_words(FRAME "[purpose p]\nground = A\nkinds = koper\nfields = naam, geld\n"
                                             "[role r]\nmembers = 1, 0, 4294967294, anna, @g\npurposes = p\n"
                                             "fields = einde, geld\nmask = einde:year\nmask += iban:last4\n");
    const struct policy_role *role = &policy->roles[0];

    (void)state;
    assert_true(role->narrows);
    assert_int_equal(role->fields.bits[0], 6);
    assert_int_equal(role->purposes, 1);
    assert_int_equal(role->mask[0].code, MASK_NONE);
    assert_int_equal(role->mask[1].code, MASK_YEAR);
    assert_int_equal(role->mask[2].code, MASK_LAST);
    assert_int_equal(role->mask[2].count, 4);
    assert_int_equal(role->mask_line[1], 27);
    assert_int_equal(role->mask_line[2], 28);
    assert_int_equal(role->members_line, 24);
    policy_free(policy);
}

static void bsn_is_for_legal_duties(void **state)
{
    struct policy *policy = load_words(FRAME "[field bsn]\ncategory = naam\ntype = bsn\n[purpose p]\n"
                                             "article = Wet X, art. 1\nground = B\nkinds = koper\nfields = bsn\n");

    (void)state;
    assert_int_equal(policy->purposes[0].ground, 'B');
    policy_free(policy);
}

static void the_hash_is_of_the_text(void **state)
{
    /* The first bytes of `printf '[policy]\norganisation = V\ntimezone = UTC\n' | sha256sum`. */
    static const uint8_t expected[POLICY_HASH_BYTES] = {0x1d, 0x1f, 0x85, 0x64, 0x68, 0x0d, 0xd5, 0x17};
    struct policy *policy = load_words("[policy]\norganisation = V\ntimezone = UTC\n");

    (void)state;
    assert_memory_equal(policy->hash, expected, sizeof expected);
    policy_free(policy);
}

static void a_code_is_a_directory_name(void **state)
{
    struct policy *policy =
        load_words("[policy]\norganisation = V\ntimezone = UTC\n[kind k]\ncode = .*\n"
                   "[mount]\nmy-access = \xc3\xa9.txt\nprocessing-log = \xc3\xa9.log\ndossier = \xc3\xa9.csv\n");
    static const char *const wrong[] = {"", ".", "..", ".x", "a/b", "/", "a\nb", "a\x7f", "\xc3\xa9"};
    char longest[POLICY_CODE_MAX_BYTES + 1];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(policy_kind_of_code(policy, wrong[i], strlen(wrong[i])), -1);
    assert_int_equal(policy_kind_of_code(policy, "a\0b", 3), -1);
    memset(longest, 'a', sizeof longest);
    assert_int_equal(policy_kind_of_code(policy, longest, POLICY_CODE_MAX_BYTES), 0);
    assert_int_equal(policy_kind_of_code(policy, longest, POLICY_CODE_MAX_BYTES + 1), -1);
    policy_free(policy);
}

static void the_flagship_loads(void **state)
{
    struct policy *policy = load_file("examples/woningcorporatie.ini");
    int incasso = policy_find_role(policy, "incasso"), birth = policy_find_field(policy, "geboortedatum");

    (void)state;
    assert_int_equal(policy->kind_count, 14);
    assert_int_equal(policy->purpose_count, 26);
    assert_int_equal(policy->own_roles, 14);
    assert_int_equal(policy->role_count, 20);
    assert_string_equal(policy->mount.my_access, "mijn-toegang.txt");
    assert_true(policy->categories[policy_find_category(policy, "identificatie")].never_stored);
    assert_true(incasso >= 0 && birth >= 0);
    assert_int_equal(policy->roles[incasso].mask[birth].code, MASK_YEAR);
    for (unsigned i = 0; i < policy->category_count; i++)
        for (unsigned kind = 0; kind < policy->kind_count; kind++)
            assert_non_null(policy_retention(policy, i, kind));
    policy_free(policy);
}

/* ---- limits and hostile bytes ---- */

static void a_text_too_large_is_refused(void **state)
{
    size_t length_bytes = POLICY_TEXT_MAX_BYTES + 1;
    char *text = malloc(length_bytes);
    struct policy_fault fault;

    (void)state;
    assert_non_null(text);
    memset(text, '\n', length_bytes);
    memcpy(text, "[policy]\norganisation = V\ntimezone = UTC\n", 41);
    assert_int_equal(refuse_text(text, length_bytes, &fault), 1);
    assert_int_equal(fault.line, 0);
    policy_free(load_text(text, length_bytes - 1));
    free(text);
}

/* The processor's time to read about `length_bytes` of a body that goes on and on. */
static double time_s(const char *body, size_t length_bytes)
{
    struct buffer text = BUFFER_EMPTY;
    struct policy_fault fault;
    clock_t begin;

    buffer_append_text(&text,
                       FRAME "[role same]\nmembers = u1\nfields = iban\ncaseload = achternaam: a\nspecial = iban\n");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    for (unsigned n = 0; text.length_bytes < length_bytes; n++)
        buffer_printf(&text, body, n, n, n);
#pragma GCC diagnostic pop
    assert_false(text.failed);
    begin = clock();
    assert_true(refuse_text(buffer_text(&text), text.length_bytes, &fault) <= 1001);
    begin = clock() - begin;
    buffer_clear(&text);
    return (double)begin / CLOCKS_PER_SEC;
}

/* A megabyte of the worst a writer could do: sections, keys, list items and faults without end. Eight times the text may
 * take eight times the time and some for noise, not sixty-four times, whatever the machine and the sanitizer. */
static void nothing_takes_long(void **state)
{
    static const char *const bodies[] = {
        "[role r%u]\nmembers = %u\ncommands = import\n",
        "[purpsoe p%u]\nfeilds = a%u\n",
        "x%u = %u\n",
        "[role same]\nmember%u = b%u\n",
        "members += u%u, v%u\n",
        "members += u%u, v%u, u1\nfields += f%u\n",
        "caseload += v%u, w%u, a\nspecial += f%u\n",
        "[recipient r%u]\nagreement = x%u\nsigned = %u\nwas = r\n",
        "[category c%u]\nroles = r%u, same\nwas = c%u\nincident = required\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        double eighth_s = time_s(bodies[i], POLICY_TEXT_MAX_BYTES / 8);
        double whole_s = time_s(bodies[i], POLICY_TEXT_MAX_BYTES - 100);

        if (whole_s > 20 * eighth_s + 0.2)
            fail_msg("body %zu: %.3f s for an eighth, %.3f s for the whole", i, eighth_s, whole_s);
    }
}

/* 10,000 sections of a kind, each with its keys, are read or refused within a second. */
static void ten_thousand_sections_take_a_second(void **state)
{
    static const char *const sections[] = {
        "[kind n%u]\ncode = n%u-[0-9]{5}\n",
        "[category n%u]\nretention = 2y after capture\nlabel = Label %u\n",
        "[field n%u]\ncategory = naam\ntype = text\nlabel = Field %u\n",
        "[purpose n%u]\nground = A\nkinds = huurder\nfields = iban\n",
        "[role n%u]\nmembers = @g%u\npurposes = rent\n",
        "[nonsense n%u]\nmembers = u%u\n",
    };
    const char *preload = getenv("LD_PRELOAD");

    (void)state;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        struct buffer text = BUFFER_EMPTY;
        struct policy_fault fault;
        clock_t begin;
        double took_s;

        buffer_append_text(&text, FRAME);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        for (unsigned n = 0; n < 10000; n++)
            buffer_printf(&text, sections[i], n, n);
#pragma GCC diagnostic pop
        assert_false(text.failed);
        assert_true(text.length_bytes < POLICY_TEXT_MAX_BYTES);
        begin = clock();
        assert_true(refuse_text(buffer_text(&text), text.length_bytes, &fault) > 0);
        took_s = (double)(clock() - begin) / CLOCKS_PER_SEC;
        buffer_clear(&text);
        print_message("%zu: %.0f ms\n", i, took_s * 1000);
        if (took_s > 1 && !(preload && strstr(preload, "vgpreload")))
            fail_msg("sections %zu: %.3f s", i, took_s);
    }
}

static void as_many_as_allowed_load(void **state)
{
    struct buffer text = BUFFER_EMPTY;
    struct policy *policy;

    (void)state;
    buffer_append_text(&text, "[policy]\norganisation = V\ntimezone = UTC\n");
    for (unsigned i = 0; i < POLICY_MAX_KINDS; i++)
        buffer_printf(&text, "[kind k%u]\ncode = k%u-[0-9]+\n", i, i);
    for (unsigned i = 0; i < POLICY_MAX_CATEGORIES; i++)
        buffer_printf(&text, "[category c%u]\n", i);
    for (unsigned i = 0; i < POLICY_MAX_FIELDS; i++)
        buffer_printf(&text, "[field f%u]\ncategory = c%u\ntype = text\n", i, i % POLICY_MAX_CATEGORIES);
    for (unsigned i = 0; i < POLICY_MAX_PURPOSES; i++)
        buffer_printf(&text, "[purpose p%u]\nground = A\nkinds = k15\nfields = c63, f%u\n", i, i / 2);
    for (unsigned i = 0; i < POLICY_MAX_ROLES - 10; i++)
        buffer_printf(&text, "[role r%u]\nmembers = %u\npurposes = p63\nfields = f255\n", i, i);
    for (unsigned i = 0; i < 10; i++)
        buffer_printf(&text,
                      "[recipient e%u]\nagreement = covenant\nsigned = 2026-01-01\nmembers = %u\npurposes = p63\n"
                      "fields = f255\n",
                      i, 100 + i);
    policy = load_words(buffer_text(&text));
    assert_int_equal(policy->role_count, POLICY_MAX_ROLES);
    assert_int_equal(policy_find_role(policy, "r53"), 53);
    assert_int_equal(policy_find_role(policy, "e9"), 63);
    assert_int_equal(policy->own_roles, POLICY_MAX_ROLES - 10);
    assert_int_equal(policy_find_field(policy, "f255"), 255);
    assert_true(field_set_has(&policy->roles[63].fields, 255));
    assert_true(policy->purposes[0].kinds == (uint32_t)1 << 15);
    assert_true(policy->roles[0].purposes == (uint64_t)1 << 63);
    assert_int_equal(policy_kind_of_code(policy, "k9-1", 4), 9);
    assert_int_equal(policy_kind_of_code(policy, "k15-1", 5), 15);
    policy_free(policy);
    buffer_clear(&text);
}

static void try_bytes(const char *text, size_t length_bytes)
{
    /* An exact copy, so that a sanitizer sees a read past the end. */
    char *copy = malloc(length_bytes ? length_bytes : 1);
    struct policy_faults faults = {0};
    struct policy *policy = NULL;
    int error;

    assert_non_null(copy);
    memcpy(copy, text, length_bytes);
    error = policy_load("bytes.ini", copy, length_bytes, &policy, &faults);
    assert_true(error == 0 || error == -EINVAL);
    assert_true((error == 0) == (policy != NULL));
    assert_true((error == 0) == (faults.count == 0));
    for (size_t i = 0; i < faults.count; i++)
        for (const char *at = faults.faults[i].text; *at; at++)
            assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
    policy_faults_clear(&faults);
    policy_free(policy);
    free(copy);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void any_bytes_load_or_are_refused(void **state)
{
    static const char spice[] = "[]=;#:,+@\n\r\t \0\xff\xc3(){}\\|0-";
    struct buffer text = BUFFER_EMPTY;
    uint64_t seed = 20261122;

    (void)state;
    assert_int_equal(file_read_path("examples/woningcorporatie.ini", POLICY_TEXT_MAX_BYTES, &text), 0);
    for (size_t cut = 0; cut < text.length_bytes; cut += text.length_bytes / 500 + 1)
        try_bytes((const char *)text.bytes, cut);
    for (unsigned round = 0; round < 700; round++) {
        struct buffer flipped = BUFFER_EMPTY;

        buffer_append(&flipped, text.bytes, text.length_bytes);
        for (unsigned change = 0; change <= round % 7; change++) {
            size_t at = next_random(&seed) % flipped.length_bytes;

            if (round % 2)
                flipped.bytes[at] ^= (uint8_t)(1u << next_random(&seed) % 8);
            else
                flipped.bytes[at] = (uint8_t)spice[next_random(&seed) % (sizeof spice - 1)];
        }
        try_bytes((const char *)flipped.bytes, flipped.length_bytes);
        buffer_clear(&flipped);
    }
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minimal_is_what_it_says),
        cmocka_unit_test(comments_and_line_ends_are_read_as_written),
        cmocka_unit_test(the_longest_lines_are_read_whole),
        cmocka_unit_test(labels_are_composed),
        cmocka_unit_test(lists_go_on),
        cmocka_unit_test(types_carry_what_they_need),
        cmocka_unit_test(retention_by_kind),
        cmocka_unit_test(roles_narrow_and_mask),
        cmocka_unit_test(bsn_is_for_legal_duties),
        cmocka_unit_test(the_hash_is_of_the_text),
        cmocka_unit_test(a_code_is_a_directory_name),
        cmocka_unit_test(the_flagship_loads),
        cmocka_unit_test(a_text_too_large_is_refused),
        cmocka_unit_test(nothing_takes_long),
        cmocka_unit_test(ten_thousand_sections_take_a_second),
        cmocka_unit_test(as_many_as_allowed_load),
        cmocka_unit_test(any_bytes_load_or_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
