/* Goal: what is said is one line with the program in front, whole however many say something, and reasons are cut to fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/base/report.h"

/* What `say` writes to standard error. */
static void hear(void (*say)(void), struct buffer *heard)
{
    int before = dup(STDERR_FILENO), file = fileno(tmpfile());

    fflush(stderr);
    dup2(file, STDERR_FILENO);
    say();
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    lseek(file, 0, SEEK_SET);
    assert_int_equal(file_read_all(file, 1 << 20, heard), 0);
}

static void say_some(void)
{
    char large[2000];

    report(REPORT_INFO, "first %d", 1);
    report_open(REPORT_STDERR, "stage");
    report(REPORT_WARNING, "second %s", "%s %n");
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    report(REPORT_ERROR, "%s", large);
}

static void test_lines(void **state)
{
    static const char begins[] = "dossierfs: first 1\nstage: second %s %n\nstage: xxxx";
    struct buffer heard = BUFFER_EMPTY;

    (void)state;
    hear(say_some, &heard);
    assert_memory_equal(heard.bytes, begins, strlen(begins));
    assert_int_equal(heard.bytes[heard.length_bytes - 1], '\n');
    assert_in_range(heard.length_bytes, 500, 700); /* cut */
    buffer_clear(&heard);
}

static void *say_often(void *context)
{
    for (unsigned i = 0; i < 500; i++)
        report(REPORT_INFO, "%s", (const char *)context);
    return NULL;
}

static void say_together(void)
{
    static char a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    pthread_t threads[2];

    pthread_create(&threads[0], NULL, say_often, a);
    pthread_create(&threads[1], NULL, say_often, b);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

static void test_threads(void **state)
{
    struct buffer heard = BUFFER_EMPTY;
    const char *at;
    unsigned lines = 0;

    (void)state;
    report_open(REPORT_STDERR, "stage");
    hear(say_together, &heard);
    for (at = buffer_text(&heard); *at; lines++) {
        const char *line_end = strchr(at, '\n');

        assert_non_null(line_end);
        assert_int_equal(line_end - at, 7 + 30);
        assert_true(strspn(at + 7, "a") == 30 || strspn(at + 7, "b") == 30);
        at = line_end + 1;
    }
    assert_int_equal(lines, 1000);
    buffer_clear(&heard);
}

static void test_why(void **state)
{
    struct report_why why = {"untouched"};
    char large[1000];

    (void)state;
    assert_int_equal(report_fail(NULL, -EIO, "%s", "nobody listens"), -EIO);
    assert_int_equal(report_fail(&why, -EACCES, "line %d of %s", 7, "x.ini"), -EACCES);
    assert_string_equal(why.text, "line 7 of x.ini");
    memset(large, 'y', sizeof large);
    large[sizeof large - 1] = '\0';
    assert_int_equal(report_fail(&why, 3, "%s", large), 3);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
