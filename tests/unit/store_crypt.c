/* Goal: a cell opens with its own key, store, subject, category and version and no other; sizes are those of FORMAT.md. */
#include "tests/unit/store_stage.h"

#include "fs/store/crypt.h"

static struct crypt_keys *keys;
static const uint8_t KEY[CRYPT_KEY_BYTES] = {1, 2, 3};

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(crypt_init(), 0);
    keys = crypt_keys_new();
    assert_non_null(keys);
    memset(keys->store_id, 7, sizeof keys->store_id);
    memset(keys->master, 9, sizeof keys->master);
    crypt_keys_derive(keys);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    crypt_keys_free(keys);
    return 0;
}

static int open_at(const uint8_t *key, uint32_t subject, uint32_t category, uint32_t version,
                   const struct buffer *cell)
{
    struct buffer plain = BUFFER_EMPTY;
    const uint8_t *content = NULL;
    size_t content_bytes = 0;
    int error = crypt_open_cell(keys, key, &(struct crypt_place){subject, category, version}, cell->bytes,
                                cell->length_bytes, &plain, &content, &content_bytes);

    if (error == 0) {
        assert_int_equal(content_bytes, 5);
        assert_memory_equal(content, "waard", 5);
    } else {
        assert_int_equal(plain.length_bytes, 0);
        assert_null(content);
    }
    buffer_clear(&plain);
    return error;
}

static void a_cell_opens_in_its_place_only(void **state)
{
    uint8_t other_key[CRYPT_KEY_BYTES] = {1, 2, 4};
    struct buffer cell = BUFFER_EMPTY;

    (void)state;
    assert_int_equal(crypt_seal_cell(keys, KEY, &(struct crypt_place){5, 6, 7}, "waard", 5, &cell), 0);
    assert_int_equal(cell.length_bytes, 64 + CRYPT_TAG_BYTES);
    assert_int_equal(open_at(KEY, 5, 6, 7, &cell), 0);
    assert_int_equal(open_at(other_key, 5, 6, 7, &cell), -EBADMSG);
    assert_int_equal(open_at(KEY, 4, 6, 7, &cell), -EBADMSG);
    assert_int_equal(open_at(KEY, 5, 0, 7, &cell), -EBADMSG);
    assert_int_equal(open_at(KEY, 5, 6, 8, &cell), -EBADMSG);
    keys->store_id[15] ^= 1;
    assert_int_equal(open_at(KEY, 5, 6, 7, &cell), -EBADMSG);
    keys->store_id[15] ^= 1;
    while (cell.length_bytes > 0) {
        buffer_cut(&cell, cell.length_bytes - 1);
        assert_int_equal(open_at(KEY, 5, 6, 7, &cell), -EBADMSG);
    }
    buffer_clear(&cell);
}

static void a_box_opens_with_its_own_data_only(void **state)
{
    uint8_t nonce[CRYPT_NONCE_BYTES] = {3}, plain[8] = "sleutel", box[8 + CRYPT_BOX_EXTRA_BYTES], out[8];

    (void)state;
    crypt_seal_box(KEY, "ad", 2, nonce, plain, sizeof plain, box);
    assert_int_equal(crypt_open_box(KEY, "ad", 2, box, out, sizeof out), 0);
    assert_memory_equal(out, plain, sizeof out);
    assert_int_equal(crypt_open_box(KEY, "ae", 2, box, out, sizeof out), -EBADMSG);
    for (size_t i = 0; i < sizeof box; i++) {
        box[i] ^= 1;
        assert_int_equal(crypt_open_box(KEY, "ad", 2, box, out, sizeof out), -EBADMSG);
        assert_memory_equal(out, (uint8_t[8]){0}, sizeof out);
        box[i] ^= 1;
    }
}

static void sizes_are_those_of_the_format(void **state)
{
    static const size_t table[][2] = {
        {0, 64},      {1, 64},      {64, 64},     {65, 128},      {128, 128},     {129, 192},       {193, 256},
        {257, 384},   {385, 512},   {512, 512},   {513, 576},     {576, 576},     {577, 640},       {1024, 1024},
        {1025, 1152}, {2048, 2048}, {2049, 2304}, {65536, 65536}, {65537, 73728}, {100000, 106496},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(crypt_padded_bytes(table[i][0]), table[i][1]);
    for (size_t size = 1; size < 300000; size += 7)
        assert_in_range(crypt_padded_bytes(size), size, size < 513 ? size + 127 : size + size / 8);
}

static void keys_are_apart(void **state)
{
    uint8_t outside[CRYPT_KEY_BYTES], again[CRYPT_KEY_BYTES], code[2][CRYPT_CODE_HASH_BYTES];

    (void)state;
    assert_memory_not_equal(keys->names, keys->codes, CRYPT_KEY_BYTES);
    assert_memory_not_equal(keys->names, keys->check, CRYPT_KEY_BYTES);
    assert_memory_not_equal(keys->names, keys->epoch_wrap, CRYPT_KEY_BYTES);
    crypt_derive_outside(keys, "st_names", outside);
    assert_memory_not_equal(keys->names, outside, CRYPT_KEY_BYTES);
    crypt_derive_outside(keys, "st_names", again);
    assert_memory_equal(again, outside, CRYPT_KEY_BYTES);
    crypt_hash_code(keys, "2024-1", 6, code[0]);
    keys->codes[0] ^= 1;
    crypt_hash_code(keys, "2024-1", 6, code[1]);
    keys->codes[0] ^= 1;
    assert_memory_not_equal(code[0], code[1], CRYPT_CODE_HASH_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cell_opens_in_its_place_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_box_opens_with_its_own_data_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sizes_are_those_of_the_format, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_are_apart, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("store_crypt", tests, NULL, NULL);
}
