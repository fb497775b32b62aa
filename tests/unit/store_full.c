/* Goal: a full disk is -ENOSPC, never loss or half a batch; after room is made the store goes on. Needs a mount. */
#include "tests/unit/store_stage.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

enum { DISK_BYTES = 6 << 20 };

static struct stage stage;
static char disk[80];

static int set_up(void **state)
{
    char options[32];

    (void)state;
    stage_begin(&stage);
    snprintf(disk, sizeof disk, "%s/disk", stage.directory);
    snprintf(options, sizeof options, "size=%d,mode=0700", DISK_BYTES);
    assert_int_equal(mkdir(disk, 0700), 0);
    assert_int_equal(mount("dossierfs-test", disk, "tmpfs", MS_NOSUID | MS_NODEV, options), 0);
    snprintf(stage.path, sizeof stage.path, "%s/store", disk);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    umount2(disk, MNT_DETACH);
    stage_end(&stage);
    return 0;
}

/* Leaves `free_bytes` on the disk, more or less. */
static void fill(size_t free_bytes)
{
    int fd = open(stage_file(disk, "ballast"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    static uint8_t block[4096];
    size_t written = 0;

    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) == (ssize_t)sizeof block)
        written += sizeof block;
    assert_true(written >= free_bytes);
    assert_int_equal(ftruncate(fd, (off_t)(written - free_bytes)), 0);
    close(fd);
}

static void make_room(void)
{
    assert_int_equal(unlink(stage_file(disk, "ballast")), 0);
}

static void create_removes_what_it_made(void **state)
{
    struct store_secret secret = stage_secret();
    struct report_why why = {""};

    (void)state;
    for (size_t free_bytes = 0; free_bytes < 60000; free_bytes += 8192) {
        int error;

        fill(free_bytes);
        error = store_create(stage.path, &secret, 1, &why);
        if (error == 0) {
            stage_remove(stage.path);
        } else {
            assert_int_equal(error, -ENOSPC);
            assert_int_equal(access(stage.path, F_OK), -1);
        }
        make_room();
    }
    stage_create(stage.path);
}

/* Puts until it fails or 3,000 are in; how many went well. */
static unsigned put_until_full(struct store_batch *batch, unsigned from, int *error)
{
    unsigned n = from;

    *error = 0;
    for (; n < from + 3000 && *error == 0; n++) {
        struct stage_person person;

        stage_person(&person, n, 1);
        *error = store_batch_put(batch, &person.subject, person.items, 2);
    }
    return n - from;
}

static void expect_first_hundred(struct store *store)
{
    struct store_reader *reader = stage_reader(store);

    assert_int_equal(stage_count(reader), 100);
    stage_expect(reader, 0, 1);
    stage_expect(reader, 99, 1);
    assert_int_equal(stage_find(reader, 100), 0);
    store_reader_close(reader);
}

static void a_full_disk_ends_the_batch_only(void **state)
{
    struct store *store;

    (void)state;
    stage_create(stage.path);
    store = stage_open(stage.path);
    stage_publish_new(store, 0, 100);
    for (size_t free_bytes = 0; free_bytes < 1600000; free_bytes = free_bytes * 2 + 20000) {
        struct store_batch *batch = NULL;
        int error;

        fill(free_bytes);
        error = store_batch_begin(store, &batch);
        if (error == 0) {
            put_until_full(batch, 100, &error);
            if (error == 0)
                error = store_batch_publish(batch);
            assert_int_equal(error, -ENOSPC);
            assert_int_equal(store_batch_publish(batch), -ECANCELED);
            store_batch_abandon(batch);
        } else {
            assert_int_equal(error, -ENOSPC);
        }
        expect_first_hundred(store);
        make_room();
    }
    stage_publish_new(store, 100, 103); /* takes up what could not be taken back */
    store_close(store);
    assert_int_equal(stage_filled_slots(stage.path), 103 * 3);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM item"), 103 * 2);
    assert_int_equal(stage_ask(stage.path, "SELECT count(*) FROM batch"), 0);
}

static void a_full_disk_at_opening_hides_the_rest(void **state)
{
    struct report_why why = {""};
    struct store *store;
    pid_t child;
    int error;

    (void)state;
    stage_create(stage.path);
    store = stage_open(stage.path);
    stage_publish_new(store, 0, 100);
    store_close(store);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        stage_put_new(stage_batch(stage_open(stage.path)), 100, 1500); /* more than one commit */
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    fill(0);
    error = stage_try_open(stage.path, &why);
    if (error != 0 && error != -ENOSPC)
        fail_msg("%s (%s)", strerror(-error), why.text);
    make_room();
    store = stage_open(stage.path);
    expect_first_hundred(store);
    store_close(store);
    assert_int_equal(stage_filled_slots(stage.path), 100 * 3);
}

static bool can_mount(void)
{
    char directory[] = "/tmp/dossierfs-store-XXXXXX";
    bool can;

    if (!mkdtemp(directory))
        return false;
    can = mount("dossierfs-test", directory, "tmpfs", 0, "size=65536") == 0;
    if (can)
        umount2(directory, MNT_DETACH);
    rmdir(directory);
    return can;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(create_removes_what_it_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_ends_the_batch_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_at_opening_hides_the_rest, set_up, tear_down),
    };

    if (!can_mount()) {
        printf("store_full: skipped: a tmpfs can't be mounted here (needs CAP_SYS_ADMIN)\n");
        return 77;
    }
    return cmocka_run_group_tests_name("store_full", tests, NULL, NULL);
}
