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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minimal_is_what_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
