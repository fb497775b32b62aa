/* Goal: after an I/O error nothing more is given out or changed until the store was closed, opened and so checked. */
#include "tests/unit/store_stage.h"

#include <sys/socket.h>

static struct stage stage;
static struct store *store;

static int set_up(void **state)
{
    (void)state;
    stage_begin(&stage);
    stage_create(stage.path);
    store = stage_open(stage.path);
    stage_publish_new(store, 0, 10);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_close(store);
    stage_end(&stage);
    return 0;
}

/* Puts something in the place of the store's open keyring on which every read, write and sync fails. */
static void break_keyring(void)
{
    char link[64], target[PATH_MAX];
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (int fd = 3; fd < 64; fd++) {
        ssize_t length;

        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        length = readlink(link, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        if (length > 8 && strcmp(target + length - 8, "/keyring") == 0)
            assert_int_equal(dup2(pair[0], fd), fd);
    }
    close(pair[0]);
    close(pair[1]);
}

static void expect_failed(struct store_reader *reader, uint32_t id)
{
    struct store_batch *batch = NULL;
    struct store_reader *another = NULL;
    struct store_item item = {0};
    struct store_subject subject;
    uint64_t damaged = 0;
    unsigned count = 0;
    uint32_t number;

    assert_int_equal(store_read_item(reader, id, 1, &item), -EIO);
    assert_int_equal(store_read_item(reader, id, 99999, &item), -EIO);
    assert_int_equal(store_read_subject(reader, id, &subject), -EIO);
    assert_int_equal(store_find(reader, "2024-00003", 10, &number), -EIO);
    assert_int_equal(store_find(reader, "unknown", 7, &number), -EIO);
    assert_int_equal(store_each_subject(reader, 0, stage_count_one, &count, &damaged), -EIO);
    assert_int_equal(count + damaged, 0);
    assert_int_equal(store_reader_open(store, &another), -EIO);
    assert_int_equal(store_batch_begin(store, &batch), -EIO);
    assert_int_equal(store_number_assign(store, STORE_KINDS, "x", &number), -EIO);
    assert_int_equal(store_number(store, STORE_KINDS, "x", &number), -EIO);
}

static void expect_whole_again(void)
{
    struct store_reader *reader;

    store_close(store);
    store = stage_open(stage.path);
    reader = stage_reader(store);
    assert_int_equal(stage_count(reader), 10);
    stage_expect(reader, 9, 1);
    store_reader_close(reader);
    stage_publish_new(store, 10, 12);
}

static void a_failed_read_stops_everything(void **state)
{
    struct store_reader *reader = stage_reader(store);
    uint32_t id = stage_find(reader, 3);
    struct store_item item = {0};

    (void)state;
    assert_int_not_equal(id, 0);
    break_keyring();
    assert_int_equal(store_read_item(reader, id, 1, &item), -EIO);
    expect_failed(reader, id);
    store_reader_close(reader);
    expect_whole_again();
}

static void a_failed_write_publishes_nothing(void **state)
{
    struct store_reader *reader = stage_reader(store);
    uint32_t id = stage_find(reader, 3);
    struct store_batch *batch = stage_batch(store);
    struct stage_person person;

    (void)state;
    stage_put_new(batch, 10, 20);
    break_keyring();
    assert_int_equal(store_batch_publish(batch), -EIO);
    stage_person(&person, 20, 1);
    assert_int_equal(store_batch_put(batch, &person.subject, person.items, 2), -EIO);
    assert_int_equal(store_batch_publish(batch), -EIO);
    store_batch_abandon(batch);
    expect_failed(reader, id);
    store_reader_close(reader);
    expect_whole_again();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_failed_read_stops_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_write_publishes_nothing, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("store_failed", tests, NULL, NULL);
}
