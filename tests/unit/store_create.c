/* Goal: only an untouched store opens, only with its own key, only once; what fails changes nothing and says why. */
#include "tests/unit/store_stage.h"

#include <sodium.h>

#include "fs/base/bytes.h"

enum { HEADER_BYTES = 4096, CHECKSUM_AT = 4064 };

static struct stage stage;

static int set_up(void **state)
{
    (void)state;
    stage_begin(&stage);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static unsigned mode_of(const char *name)
{
    struct stat status;

    assert_int_equal(stat(stage_file(stage.path, name), &status), 0);
    return status.st_mode & 07777;
}

static void creates_private_files(void **state)
{
    mode_t mask = umask(0);

    (void)state;
    stage_create(stage.path);
    umask(mask);
    assert_int_equal(mode_of("."), 0700);
    assert_int_equal(mode_of("log"), 0700);
    assert_int_equal(mode_of("header"), 0600);
    assert_int_equal(mode_of("epoch"), 0600);
    assert_int_equal(mode_of("keyring"), 0600);
    assert_int_equal(mode_of("records.db"), 0600);
}

static void refuses_what_is_there(void **state)
{
    struct store_secret secret = stage_secret();
    struct report_why why = {""};

    (void)state;
    assert_int_equal(mkdir(stage.path, 0755), 0);
    stage_save(stage_file(stage.path, "mine"), "x", 1);
    assert_int_equal(store_create(stage.path, &secret, 1, &why), -EEXIST);
    assert_true(why.text[0] != '\0');
    assert_int_equal(access(stage_file(stage.path, "mine"), F_OK), 0);
    assert_int_equal(access(stage_file(stage.path, "header"), F_OK), -1);
    assert_int_equal(unlink(stage_file(stage.path, "mine")), 0);
    stage_create(stage.path);
    assert_int_equal(mode_of("."), 0700);
    assert_int_equal(store_create(stage.path, &secret, 1, &why), -EEXIST);
    assert_int_equal(stage_try_open(stage.path, &why), 0);
}

static void refuses_bad_secrets(void **state)
{
    static const uint8_t bytes[STORE_KEY_FILE_MAX_BYTES + 1];
    struct store_secret bad[] = {
        {STORE_KEY_FILE, bytes, STORE_KEY_FILE_MIN_BYTES - 1},
        {STORE_KEY_FILE, bytes, STORE_KEY_FILE_MAX_BYTES + 1},
        {STORE_PASSPHRASE, bytes, 0},
        {STORE_PASSPHRASE, bytes, 1025},
        {(enum store_secret_type)7, bytes, 64},
    };
    struct store_secret many[9];
    struct report_why why = {""};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(store_create(stage.path, &bad[i], 1, &why), -EINVAL);
    for (size_t i = 0; i < 9; i++)
        many[i] = stage_secret();
    assert_int_equal(store_create(stage.path, many, 9, &why), -EINVAL);
    assert_int_equal(store_create(stage.path, many, 0, &why), -EINVAL);
    assert_int_equal(access(stage.path, F_OK), -1);
}

static void removes_what_it_made(void **state)
{
    struct store_secret secret = stage_secret();
    struct report_why why = {""};
    char deep[PATH_MAX];

    (void)state;
    /* The full name of records.db gets too long for SQLite, while the directory itself can still be made. */
    snprintf(deep, sizeof deep, "%s", stage.directory);
    while (strlen(deep) < 440) {
        strcat(deep, "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        assert_int_equal(mkdir(deep, 0700), 0);
    }
    strcat(deep, "/");
    while (strlen(deep) < 505)
        strcat(deep, "b");
    assert_true(store_create(deep, &secret, 1, &why) < 0);
    assert_int_equal(access(deep, F_OK), -1);
}

static void opens_with_any_of_its_keys(void **state)
{
    uint8_t other[40] = {1, 2, 3};
    struct store_secret secrets[2] = {stage_secret(), {STORE_KEY_FILE, other, sizeof other}};
    uint8_t key[2][STORE_KEY_BYTES], key_of_other_use[STORE_KEY_BYTES];
    struct report_why why = {""};
    struct store *store = NULL;

    (void)state;
    assert_int_equal(store_create(stage.path, secrets, 2, &why), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_open(stage.path, &secrets[i], &store, &why), 0);
        assert_string_equal(store_path(store), stage.path);
        store_derive_key(store, "log_____", key[i]);
        store_derive_key(store, "st_codes", key_of_other_use);
        store_close(store);
    }
    assert_memory_equal(key[0], key[1], STORE_KEY_BYTES);
    assert_memory_not_equal(key[0], key_of_other_use, STORE_KEY_BYTES);
    other[39] ^= 1;
    store = NULL;
    assert_int_equal(store_open(stage.path, &secrets[1], &store, &why), -EKEYREJECTED);
    secrets[1].type = STORE_PASSPHRASE;
    assert_int_equal(store_open(stage.path, &secrets[1], &store, &why), -EKEYREJECTED);
    assert_null(store);
}

static void tells_a_wrong_passphrase(void **state)
{
    struct store_secret right = {STORE_PASSPHRASE, (const uint8_t *)"vogel vis", 9};
    struct store_secret wrong = {STORE_PASSPHRASE, (const uint8_t *)"vogel vos", 9};
    struct report_why why = {""};
    struct store *store = NULL;

    (void)state;
    assert_int_equal(store_create(stage.path, &right, 1, &why), 0);
    assert_int_equal(store_open(stage.path, &wrong, &store, &why), -EKEYREJECTED);
    assert_null(strstr(why.text, "vos"));
    assert_int_equal(store_open(stage.path, &right, &store, &why), 0);
    store_close(store);
}

static void opens_once(void **state)
{
    struct report_why why = {""};
    struct store *store;

    (void)state;
    stage_create(stage.path);
    store = stage_open(stage.path);
    assert_int_equal(stage_try_open(stage.path, &why), -EBUSY);
    store_close(store);
    assert_int_equal(stage_try_open(stage.path, &why), 0);
    assert_int_equal(stage_try_open(stage.directory, &why), -ENOENT);
    assert_int_equal(stage_try_open("/tmp/dossierfs-no-such-store", &why), -ENOENT);
}

static void tells_an_altered_header(void **state)
{
    struct buffer header = BUFFER_EMPTY;
    const char *file = stage_file(stage.path, "header");
    struct report_why why = {""};

    (void)state;
    stage_create(stage.path);
    stage_load(file, &header);
    for (size_t at = 0; at < HEADER_BYTES; at += at < 600 || at > 4030 ? 7 : 251) {
        header.bytes[at] ^= 0x20;
        stage_save(file, header.bytes, header.length_bytes);
        if (stage_try_open(stage.path, &why) != -EBADMSG)
            fail_msg("a change at %zu was not told as such", at);
        header.bytes[at] ^= 0x20;
    }
    for (size_t length = 0; length < HEADER_BYTES; length = length * 2 + 1) {
        stage_save(file, header.bytes, length);
        assert_int_equal(stage_try_open(stage.path, &why), -EBADMSG);
    }
    stage_save(file, header.bytes, HEADER_BYTES);
    assert_int_equal(stage_try_open(stage.path, &why), 0);
    buffer_append_u8(&header, 0);
    stage_save(file, header.bytes, HEADER_BYTES + 1);
    assert_int_equal(stage_try_open(stage.path, &why), -EBADMSG);
    buffer_clear(&header);
}

static void save_resealed(struct buffer *header)
{
    crypto_generichash(header->bytes + CHECKSUM_AT, 32, header->bytes, CHECKSUM_AT, NULL, 0);
    stage_save(stage_file(stage.path, "header"), header->bytes, header->length_bytes);
}

/* Whoever alters a header can make the checksum right again. */
static void survives_a_hostile_header(void **state)
{
    struct buffer header = BUFFER_EMPTY;
    struct report_why why = {""};
    struct store_secret passphrase = {STORE_PASSPHRASE, (const uint8_t *)"x", 1};
    struct store *store = NULL;

    (void)state;
    stage_create(stage.path);
    stage_load(stage_file(stage.path, "header"), &header);
    bytes_put_u32(header.bytes + 16, 2);
    save_resealed(&header);
    assert_int_equal(stage_try_open(stage.path, &why), -ENOTSUP);
    bytes_put_u32(header.bytes + 16, 1);
    header.bytes[20] ^= 1; /* another store's id */
    save_resealed(&header);
    assert_int_equal(stage_try_open(stage.path, &why), -EKEYREJECTED);
    header.bytes[20] ^= 1;
    for (size_t i = 256; i < 512; i++)
        header.bytes[256 + i] = header.bytes[i]; /* the slot once more, in another place: bound to its number */
    memset(header.bytes + 256, 0, 256);
    save_resealed(&header);
    assert_int_equal(stage_try_open(stage.path, &why), -EKEYREJECTED);
    bytes_put_u32(header.bytes + 256, STORE_PASSPHRASE);
    bytes_put_u32(header.bytes + 260, 0xffffffff);
    bytes_put_u64(header.bytes + 280, UINT64_MAX / 2);
    save_resealed(&header);
    assert_int_equal(store_open(stage.path, &passphrase, &store, &why), -EBADMSG);
    buffer_clear(&header);
}

static void refuses_files_of_another_store(void **state)
{
    static const char *const names[] = {"epoch", "keyring", "records.db"};
    struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY;
    char other[128], kept[128];
    struct report_why why = {""};
    struct store *store;

    (void)state;
    snprintf(other, sizeof other, "%s/other", stage.directory);
    snprintf(kept, sizeof kept, "%s/kept", stage.directory);
    stage_create(stage.path);
    stage_create(other);
    store = stage_open(other);
    stage_publish_new(store, 0, 3);
    store_close(store);
    for (size_t i = 0; i < 3; i++) {
        stage_copy_file(stage_file(stage.path, names[i]), kept);
        stage_copy_file(stage_file(other, names[i]), stage_file(stage.path, names[i]));
        assert_int_equal(stage_try_open(stage.path, &why), -EBADMSG);
        assert_non_null(strstr(why.text, names[i]));
        stage_load(stage_file(other, names[i]), &before);
        stage_load(stage_file(stage.path, names[i]), &after);
        assert_int_equal(before.length_bytes, after.length_bytes);
        assert_memory_equal(before.bytes, after.bytes, before.length_bytes);
        assert_int_equal(unlink(stage_file(stage.path, names[i])), 0);
        assert_int_equal(stage_try_open(stage.path, &why), -EBADMSG);
        stage_copy_file(kept, stage_file(stage.path, names[i]));
        assert_int_equal(stage_try_open(stage.path, &why), 0);
    }
    buffer_clear(&before);
    buffer_clear(&after);
}

static void tells_altered_key_files(void **state)
{
    static const char *const names[] = {"epoch", "keyring"};
    struct buffer bytes = BUFFER_EMPTY;
    struct report_why why = {""};
    struct store *store;

    (void)state;
    stage_create(stage.path);
    store = stage_open(stage.path);
    stage_publish_new(store, 0, 3);
    store_close(store);
    for (size_t i = 0; i < 2; i++) {
        const char *file = stage_file(stage.path, names[i]);

        stage_load(file, &bytes);
        for (size_t at = 0; at < (i ? 72 : 112); at += 3) {
            int error;

            bytes.bytes[at] ^= 4;
            stage_save(file, bytes.bytes, bytes.length_bytes);
            error = stage_try_open(stage.path, &why);
            if (error != -EBADMSG && !(at >= 16 && at < 20 && error == -ENOTSUP))
                fail_msg("%s: a change at %zu was answered %d", names[i], at, error);
            bytes.bytes[at] ^= 4;
        }
        /* cut short: to nothing, in the header, in a slot, and to fewer slots than were filled */
        for (size_t length = 0; length < 128 + 9 * 128; length += 64) {
            if (i == 0 && length == 128)
                break;
            stage_save(file, bytes.bytes, length);
            assert_int_equal(stage_try_open(stage.path, &why), -EBADMSG);
        }
        stage_save(file, bytes.bytes, bytes.length_bytes);
        assert_int_equal(stage_try_open(stage.path, &why), 0);
    }
    buffer_clear(&bytes);
}

static void tells_a_ruined_database(void **state)
{
    struct buffer bytes = BUFFER_EMPTY;
    const char *file = stage_file(stage.path, "records.db");
    struct report_why why = {""};

    (void)state;
    stage_create(stage.path);
    stage_load(file, &bytes);
    for (size_t length = 0; length < bytes.length_bytes; length += length < 128 ? 16 : 3001) {
        stage_save(file, bytes.bytes, length);
        assert_true(stage_try_open(stage.path, &why) < 0);
        assert_true(why.text[0] != '\0');
    }
    stage_save(file, bytes.bytes, bytes.length_bytes);
    stage_sql(stage.path, "PRAGMA user_version = 99");
    assert_int_equal(stage_try_open(stage.path, &why), -ENOTSUP);
    stage_sql(stage.path, "PRAGMA user_version = 1; CREATE VIEW v AS SELECT 1");
    assert_int_equal(stage_try_open(stage.path, &why), -EBADMSG);
    stage_sql(stage.path, "DROP VIEW v; UPDATE meta SET next_subject = -5");
    assert_int_equal(stage_try_open(stage.path, &why), -EBADMSG);
    stage_save(file, bytes.bytes, bytes.length_bytes);
    assert_int_equal(stage_try_open(stage.path, &why), 0);
    buffer_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(creates_private_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_bad_secrets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removes_what_it_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(opens_with_any_of_its_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_a_wrong_passphrase, set_up, tear_down),
        cmocka_unit_test_setup_teardown(opens_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_an_altered_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_a_hostile_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_files_of_another_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_altered_key_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_a_ruined_database, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("store_create", tests, NULL, NULL);
}
