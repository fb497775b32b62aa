/* Goal: what the fuzzer found, and every policy of the tree, holds to what it checks; without the fuzzer, in every build.
 *
 * Files are found, not listed. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/base/file.h"
#include "tests/fuzz/policy.c" /* the target itself: a second copy of what it checks would drift */

enum { PATH_BYTES = 512 };

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* An exact copy, so that a sanitizer sees a read past the end. */
static void read_one(const char *path)
{
    struct buffer text = BUFFER_EMPTY;
    uint8_t *copy;

    assert_int_equal(file_read_path(path, 2 * POLICY_TEXT_MAX_BYTES, &text), 0);
    copy = malloc(text.length_bytes ? text.length_bytes : 1);
    assert_non_null(copy);
    if (text.length_bytes)
        memcpy(copy, text.bytes, text.length_bytes);
    LLVMFuzzerTestOneInput(copy, text.length_bytes);
    free(copy);
    buffer_clear(&text);
}

static void read_all(const char *directory, const char *ending, int least)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_shown, alphasort), read = 0;
    char path[PATH_BYTES];

    for (int i = 0; i < count; i++) {
        size_t length = strlen(entries[i]->d_name);

        if (length >= strlen(ending) && strcmp(entries[i]->d_name + length - strlen(ending), ending) == 0) {
            snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
            read_one(path);
            read++;
        }
        free(entries[i]);
    }
    free(entries);
    print_message("%s: %d files\n", directory, read);
    assert_true(read >= least);
}

static void the_kept_corpus(void **state)
{
    (void)state;
    read_all("tests/fuzz/policy", "", 50);
}

static void the_policies_of_the_tree(void **state)
{
    (void)state;
    read_all("tests/policy/faulty", ".ini", 80);
    read_all("tests/policy", ".ini", 1);
    read_all("examples", ".ini", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kept_corpus),
        cmocka_unit_test(the_policies_of_the_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
