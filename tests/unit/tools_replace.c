/* Goal: a file is replaced whole or left as it was, nothing stays beside it, and what is no regular file is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "tools/replace.h"

static char place[64];

static int make_place(void **state)
{
    (void)state;
    snprintf(place, sizeof place, "/tmp/tools_replace.XXXXXX");
    umask(022);
    return mkdtemp(place) && chdir(place) == 0 ? 0 : -1;
}

static int remove_place(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", place);
    return chdir("/") == 0 ? system(command) : -1;
}

/* What replace_file() answers; what it said is in `said`. */
static int replace(const char *path, const char *text, char said[static 512])
{
    FILE *error = fmemopen(said, 512, "w");
    int result = replace_file(path, text, strlen(text), error);

    fclose(error);
    return result;
}

static void holds(const char *path, const char *text)
{
    struct buffer found = BUFFER_EMPTY;

    assert_int_equal(file_read_path(path, 1 << 20, &found), 0);
    assert_string_equal(buffer_text(&found), text);
    buffer_clear(&found);
}

static unsigned entries(void)
{
    DIR *directory = opendir(".");
    unsigned count = 0;

    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2;
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static void a_file_is_replaced(void **state)
{
    char said[512] = "", absolute[128];

    (void)state;
    assert_int_equal(replace("new", "one", said), 0);
    holds("new", "one");
    assert_int_equal(mode_of("new"), 0644);
    chmod("new", 0640);
    assert_int_equal(link("new", "other"), 0);
    snprintf(absolute, sizeof absolute, "%s/new", place);
    assert_int_equal(replace(absolute, "two, longer", said), 0);
    holds("new", "two, longer");
    holds("other", "one"); /* another name of the old file keeps it */
    assert_int_equal(mode_of("new"), 0640);
    assert_int_equal(replace("new", "", said), 0);
    holds("new", "");
    assert_string_equal(said, "");
    assert_int_equal(entries(), 2);
    unlink("new");
    unlink("other");
}

static void odd_things_are_left_alone(void **state)
{
    char said[512];

    (void)state;
    assert_int_equal(replace("target", "kept", said), 0);
    assert_int_equal(symlink("target", "link"), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(mkdir("directory", 0755), 0);
    assert_int_equal(mkfifo("fifo", 0644), 0);
    for (const char *const *path = (const char *const[]){"link", "dangling", "directory", "fifo", NULL}; *path;
         path++) {
        said[0] = '\0';
        assert_int_equal(replace(*path, "x", said), -EEXIST);
        assert_non_null(strstr(said, "no regular file"));
        assert_non_null(strstr(said, *path));
    }
    holds("target", "kept");
    assert_int_equal(access("nowhere", F_OK), -1);
    assert_int_equal(replace("directory/", "x", said), -EISDIR);
    assert_int_equal(replace("missing/file", "x", said), -ENOENT);
    assert_non_null(strstr(said, "missing/file can't be written: No such file"));
    assert_int_equal(entries(), 5);
}

/* The limit on a file's size stands for a disk that is full. */
static void a_failure_leaves_the_old_one(void **state)
{
    const struct rlimit small = {4, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
    char said[512] = "", name[300];
    unsigned before;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(replace("old", "as it was", said), 0);
    before = entries();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(replace("old", "more than four bytes", said), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_non_null(strstr(said, "old can't be written: File too large"));
    holds("old", "as it was");
    memset(name, 'n', sizeof name - 1);
    name[255] = '\0';
    assert_int_equal(replace(name, "the longest name", said), 0);
    unlink(name);
    name[255] = 'n';
    name[256] = '\0';
    assert_int_equal(replace(name, "x", said), -ENAMETOOLONG);
    assert_int_equal(entries(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_is_replaced),
                                       cmocka_unit_test(odd_things_are_left_alone),
                                       cmocka_unit_test(a_failure_leaves_the_old_one)};

    return cmocka_run_group_tests(tests, make_place, remove_place);
}
