/* Goal: a file that people keep is replaced whole or not at all: with owner, mode and access list of the old one, links followed, a backup
 * that is whole too, nothing left behind a failure; and one person at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "tools/replace.h"

static char place[64];

static int make_place(void **state)
{
    (void)state;
    strcpy(place, "/var/tmp/dossierfs-replace-XXXXXX");
    return mkdtemp(place) && chdir(place) == 0 ? 0 : -1;
}

static int remove_place(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf -- %s", place);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void assert_text(const char *path, const char *wanted)
{
    struct buffer text = BUFFER_EMPTY;

    assert_int_equal(file_read_path(path, 1 << 20, &text), 0);
    assert_string_equal(buffer_text(&text), wanted);
    buffer_clear(&text);
}

static unsigned count_names(void)
{
    DIR *directory = opendir(".");
    unsigned count = 0;

    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count;
}

static int replace_with(const char *path, const char *text, const char *expected, const char *backup,
                        struct report_why *why)
{
    struct buffer there = BUFFER_EMPTY;
    struct replace replace = {text, strlen(text), expected ? &there : NULL, backup, 0644};
    int error;

    if (expected)
        buffer_append_text(&there, expected);
    error = replace_known(path, &replace, why);
    buffer_clear(&there);
    return error;
}

static void a_new_file(void **state)
{
    struct stat status;

    (void)state;
    assert_int_equal(replace_with("new", "text\n", NULL, "~", NULL), 0);
    assert_text("new", "text\n");
    assert_int_equal(stat("new", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_int_equal(count_names(), 1);
    assert_int_equal(replace_with("new", "", NULL, NULL, NULL), 0);
    assert_text("new", "");
}

static void the_old_rights_and_a_backup(void **state)
{
    struct stat before, after, kept;

    (void)state;
    write_text("file", "old", 0640);
    if (geteuid() == 0)
        assert_int_equal(chown("file", 61001, 61002), 0);
    assert_int_equal(stat("file", &before), 0);
    assert_int_equal(replace_with("file", "new", "old", "~", NULL), 0);
    assert_text("file", "new");
    assert_text("file~", "old");
    assert_int_equal(stat("file", &after), 0);
    assert_int_equal(stat("file~", &kept), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
    assert_true(after.st_mode == before.st_mode && after.st_uid == before.st_uid && after.st_gid == before.st_gid);
    assert_true(kept.st_mode == before.st_mode && kept.st_uid == before.st_uid && kept.st_gid == before.st_gid);
    assert_int_equal(replace_with("file", "newer", "new", "~", NULL), 0);
    assert_text("file~", "new");
    assert_int_equal(count_names(), 2);
}

/* user::rw- user:61001:r-- group::--- mask::r-- other::---, as the kernel keeps it. */
static void the_access_list(void **state)
{
    static const uint8_t list[] = {2, 0,  0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                                   0, 73, 238, 0,   0,   4,   0,  0, 0,   255, 255, 255, 255, 16, 0,
                                   4, 0,  255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
    uint8_t found[256];

    (void)state;
    write_text("file", "old", 0600);
    if (setxattr("file", "system.posix_acl_access", list, sizeof list, 0) < 0) {
        print_message("skipped: no access lists here: %s\n", strerror(errno));
        skip();
    }
    assert_int_equal(replace_with("file", "new", "old", "~", NULL), 0);
    assert_int_equal(getxattr("file", "system.posix_acl_access", found, sizeof found), sizeof list);
    assert_memory_equal(found, list, sizeof list);
    assert_int_equal(getxattr("file~", "system.posix_acl_access", found, sizeof found), sizeof list);
}

static void a_symbolic_link_stays(void **state)
{
    struct stat status;
    struct report_why why = {""};

    (void)state;
    assert_int_equal(mkdir("kept", 0755), 0);
    write_text("kept/file", "old", 0644);
    assert_int_equal(symlink("kept/file", "link"), 0);
    assert_int_equal(replace_with("link", "new", "old", "~", NULL), 0);
    assert_int_equal(lstat("link", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_text("kept/file", "new");
    assert_text("kept/file~", "old");
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(replace_with("dangling", "new", NULL, NULL, &why), -ENOENT);
    assert_non_null(strstr(why.text, "link to nothing"));
    assert_int_equal(count_names(), 3);
}

static void what_is_no_file(void **state)
{
    struct report_why why = {""};

    (void)state;
    assert_int_equal(mkdir("directory", 0755), 0);
    assert_int_equal(replace_with("directory", "new", NULL, NULL, &why), -EINVAL);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(replace_with("pipe", "new", NULL, NULL, &why), -EINVAL);
    assert_int_equal(replace_with("none/file", "new", NULL, NULL, &why), -ENOENT);
    assert_int_equal(replace_with("directory/..", "new", NULL, NULL, &why), -EINVAL);
    assert_int_equal(count_names(), 2);
}

static void what_changed_meanwhile(void **state)
{
    struct report_why why = {""};

    (void)state;
    write_text("file", "theirs", 0644);
    assert_int_equal(replace_with("file", "new", "old", "~", &why), -ESTALE);
    assert_non_null(strstr(why.text, "changed by somebody else"));
    assert_text("file", "theirs");
    assert_int_equal(count_names(), 1);
    assert_int_equal(unlink("file"), 0);
    assert_int_equal(replace_with("file", "new", "old", "~", &why), -ESTALE);
    assert_int_equal(count_names(), 0);
}

/* The limit on the size of files stands for a full disk: the write fails half-way. */
static void a_disk_that_is_full(void **state)
{
    struct rlimit before, small = {4096, 4096};
    struct report_why why = {""};
    char *text = calloc(1, 100001);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 100000);
    write_text("file", "old", 0644);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(replace_with("file", text, "old", NULL, &why), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_text("file", "old");
    assert_int_equal(count_names(), 1);
    free(text);
}

static void the_directory_of_others(void **state)
{
    struct report_why why = {""};
    pid_t child;
    int status;

    (void)state;
    if (geteuid() != 0)
        skip();
    write_text("file", "old", 0666);
    assert_int_equal(chmod(".", 0755), 0);
    child = fork();
    if (child == 0) {
        if (setgid(61001) < 0 || setuid(61001) < 0)
            _exit(9);
        _exit(replace_with("file", "new", "old", "~", &why) == -EACCES ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    /* Who may write the directory but can't give files away does not take the file over. */
    assert_int_equal(chmod(".", 0777), 0);
    child = fork();
    if (child == 0) {
        if (setgid(61001) < 0 || setuid(61001) < 0)
            _exit(9);
        _exit(replace_with("file", "new", "old", NULL, &why) == -EPERM ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_text("file", "old");
    assert_int_equal(count_names(), 1);
}

static void one_at_a_time(void **state)
{
    struct replace_lock *lock = NULL, *second = NULL;
    struct report_why why = {""};
    char wanted[64];
    struct stat status;

    (void)state;
    write_text("file", "old", 0644);
    assert_int_equal(symlink("file", "link"), 0);
    write_text("file.lock", "99999999\n", 0600); /* left by one that was killed */
    assert_int_equal(replace_lock("file", &lock, &why), 0);
    assert_int_equal(replace_lock("link", &second, &why), -EBUSY);
    snprintf(wanted, sizeof wanted, "is being edited by process %ld", (long)getpid());
    assert_non_null(strstr(why.text, wanted));
    assert_int_equal(stat("file.lock", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    replace_unlock(lock);
    assert_int_equal(count_names(), 2);
    assert_int_equal(replace_lock("file", &lock, &why), 0);
    replace_unlock(lock);
    replace_unlock(NULL);
    assert_int_equal(symlink("file", "file.lock"), 0);
    assert_int_equal(replace_lock("file", &lock, &why), -ELOOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_file, make_place, remove_place),
        cmocka_unit_test_setup_teardown(the_old_rights_and_a_backup, make_place, remove_place),
        cmocka_unit_test_setup_teardown(the_access_list, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_symbolic_link_stays, make_place, remove_place),
        cmocka_unit_test_setup_teardown(what_is_no_file, make_place, remove_place),
        cmocka_unit_test_setup_teardown(what_changed_meanwhile, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_disk_that_is_full, make_place, remove_place),
        cmocka_unit_test_setup_teardown(the_directory_of_others, make_place, remove_place),
        cmocka_unit_test_setup_teardown(one_at_a_time, make_place, remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
