/* Goal: a policy that was in force is kept whole, once, sealed, in order; what was altered or moved is told and never given out. */
#include "tests/unit/store_stage.h"

struct kept {
    unsigned count, damaged;
    uint32_t last;
};

static int count_one(void *context, const struct store_policy *policy, struct buffer *text)
{
    struct kept *kept = context;

    kept->count++;
    kept->damaged += text == NULL;
    kept->last = policy->number;
    return 0;
}

static struct kept count_all(struct store *store)
{
    struct kept kept = {0};

    assert_int_equal(store_policy_each(store, count_one, &kept), 0);
    return kept;
}

static struct store *open_again(struct stage *stage, struct store *store)
{
    struct store_secret secret = stage_secret();
    struct report_why why = {""};
    struct store *opened = NULL;

    store_close(store);
    if (store_open(stage->path, &secret, &opened, &why) < 0)
        fail_msg("%s", why.text);
    return opened;
}

static uint32_t keep(struct store *store, int64_t since_ms, const char *text)
{
    struct store_policy policy = {.since_ms = since_ms, .owner_known = true, .owner_uid = 61000};

    assert_int_equal(store_policy_keep(store, &policy, text, strlen(text)), 0);
    return policy.number;
}

static void test_kept_once_and_in_order(void **state)
{
    struct store_secret secret = stage_secret();
    struct store_policy policy = {0};
    struct buffer text = BUFFER_EMPTY;
    struct store *store = NULL;
    struct stage stage;

    (void)state;
    stage_begin(&stage);
    assert_int_equal(store_create(stage.path, &secret, 1, NULL), 0);
    store = open_again(&stage, NULL);
    assert_int_equal(count_all(store).count, 0);
    assert_int_equal(store_policy_read(store, 1, &policy, &text), -ENOENT);
    assert_int_equal(keep(store, 1000, "[policy]\n"), 1);
    assert_int_equal(keep(store, 2000, "[policy]\n"), 1); /* the newest already */
    assert_int_equal(keep(store, 3000, "[policy]\nother\n"), 2);
    assert_int_equal(keep(store, 4000, "[policy]\n"), 3); /* in force again */
    assert_int_equal(keep(store, 5000, ""), 4);
    store = open_again(&stage, store);
    assert_int_equal(keep(store, 6000, ""), 4);
    assert_int_equal(count_all(store).count, 4);
    assert_int_equal(store_policy_read(store, 2, &policy, &text), 0);
    assert_string_equal(buffer_text(&text), "[policy]\nother\n");
    assert_int_equal(policy.since_ms, 3000);
    assert_true(policy.owner_known);
    assert_int_equal(policy.owner_uid, 61000);
    buffer_clear(&text);
    store_close(store);
    stage_end(&stage);
}

static void path_of(const struct stage *stage, const char *name, char path[static 200])
{
    snprintf(path, 200, "%s/policies/%s", stage->path, name);
}

/* Whichever byte changes, and wherever a file is put. */
static void test_altered_is_told(void **state)
{
    struct store_secret secret = stage_secret();
    struct store_policy policy = {0};
    struct buffer bytes = BUFFER_EMPTY, text = BUFFER_EMPTY;
    char path[200], other[200];
    struct store *store;
    struct stage stage;
    int fd;

    (void)state;
    stage_begin(&stage);
    assert_int_equal(store_create(stage.path, &secret, 1, NULL), 0);
    store = open_again(&stage, NULL);
    keep(store, 1000, "the first secret member");
    keep(store, 2000, "the second");
    path_of(&stage, "00000001", path);
    assert_int_equal(file_read_path(path, 1 << 20, &bytes), 0);
    assert_null(memmem(bytes.bytes, bytes.length_bytes, "secret", 6));
    fd = open(path, O_RDWR);
    for (size_t i = 0; i < bytes.length_bytes; i++) {
        uint8_t changed = bytes.bytes[i] ^ 0x20;

        assert_int_equal(file_pwrite(fd, &changed, 1, (off_t)i), 0);
        assert_int_equal(store_policy_read(store, 1, &policy, &text), -EBADMSG);
        assert_int_equal(text.length_bytes, 0);
        assert_int_equal(file_pwrite(fd, &bytes.bytes[i], 1, (off_t)i), 0);
    }
    assert_int_equal(store_policy_read(store, 1, &policy, &text), 0);
    for (size_t length = 0; length < bytes.length_bytes; length += 7) {
        assert_int_equal(ftruncate(fd, (off_t)length), 0);
        assert_int_equal(store_policy_read(store, 1, &policy, &text), -EBADMSG);
    }
    close(fd);
    assert_int_equal(count_all(store).damaged, 1);
    /* One put in the place of another. */
    path_of(&stage, "00000002", other);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(store_policy_read(store, 1, &policy, &text), -EBADMSG);
    /* A damaged newest one keeps no new one out, and what is no kept policy is passed over. */
    path_of(&stage, "new", other);
    fd = open(other, O_RDWR | O_CREAT, 0600);
    assert_int_equal(file_pwrite(fd, "half", 4, 0), 0);
    close(fd);
    assert_int_equal(keep(store, 3000, "the first secret member"), 2);
    assert_int_equal(count_all(store).count, 2);
    assert_int_equal(count_all(store).last, 2);
    buffer_clear(&bytes);
    buffer_clear(&text);
    store_close(store);
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_once_and_in_order),
        cmocka_unit_test(test_altered_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
