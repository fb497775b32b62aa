/* Goal: every faulty policy of the corpus is refused with exactly the faults written beside it, at the right lines.
 *
 * tests/policy/faulty/NAME.ini has one fault (many-in-one-run has several); NAME.expect has a line `LINE: text` for
 * each. The files are found, not listed. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/base/file.h"
#include "policy/policy.h"

#define CORPUS "tests/policy/faulty"

enum { CORPUS_MIN_FILES = 60 };

static int is_ini(const struct dirent *entry)
{
    size_t length_bytes = strlen(entry->d_name);

    return length_bytes > 4 && strcmp(entry->d_name + length_bytes - 4, ".ini") == 0;
}

/* What loading says, a line for each fault; false: it loads. */
static bool faults_of(const char *path, struct buffer *said)
{
    struct buffer text = BUFFER_EMPTY;
    struct policy_faults faults = {0};
    struct policy *policy = NULL;
    int error;

    assert_int_equal(file_read_path(path, 2 * POLICY_TEXT_MAX_BYTES, &text), 0);
    error = policy_load(path, buffer_text(&text), text.length_bytes, &policy, &faults);
    for (size_t i = 0; i < faults.count; i++)
        buffer_printf(said, "%u: %s\n", faults.faults[i].line, faults.faults[i].text);
    policy_faults_clear(&faults);
    policy_free(policy);
    buffer_clear(&text);
    return error == -EINVAL;
}

static void check_file(const char *name, unsigned *wrong)
{
    struct buffer said = BUFFER_EMPTY, expected = BUFFER_EMPTY;
    char path[512];

    snprintf(path, sizeof path, CORPUS "/%.*s.expect", (int)(strlen(name) - 4), name);
    if (file_read_path(path, 65536, &expected) || expected.length_bytes == 0) {
        print_error("%s is missing or empty\n", path);
        ++*wrong;
    }
    snprintf(path, sizeof path, CORPUS "/%s", name);
    if (!faults_of(path, &said)) {
        print_error("%s loads\n", path);
        ++*wrong;
    } else if (strcmp(buffer_text(&said), buffer_text(&expected)) != 0) {
        print_error("%s says\n%sinstead of\n%s", path, buffer_text(&said), buffer_text(&expected));
        ++*wrong;
    }
    buffer_clear(&said);
    buffer_clear(&expected);
}

static void each_says_what_is_expected(void **state)
{
    struct dirent **entries = NULL;
    int count = scandir(CORPUS, &entries, is_ini, alphasort);
    unsigned wrong = 0;

    (void)state;
    assert_true(count >= CORPUS_MIN_FILES);
    for (int i = 0; i < count; i++) {
        check_file(entries[i]->d_name, &wrong);
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_says_what_is_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
