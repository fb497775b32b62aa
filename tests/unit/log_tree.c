/* Goal: the tree is RFC 6962's, bit by bit, survives a segment's header, and goes on after a restart. */
#include "tests/unit/log_stage.h"

#include <sodium.h>

#include "fs/log/segment.h"
#include "fs/log/tree.h"

/* The leaves and roots with which implementations of certificate transparency test themselves. */
static const struct {
    const char *leaf;
    size_t length_bytes;
    const char *root;
} vectors[] = {
    {"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    {"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
    {"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
    {"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
    {"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
    {"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
    {"\x50\x51\x52\x53\x54\x55\x56\x57", 8, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
    {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
     "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

static void assert_root(const struct tree *tree, const char *expected)
{
    uint8_t root[TREE_HASH_BYTES];
    char text[2 * TREE_HASH_BYTES + 1];

    tree_root(tree, root);
    sodium_bin2hex(text, sizeof text, root, sizeof root);
    assert_string_equal(text, expected);
}

static void tree_has_the_known_roots(void **state)
{
    struct tree tree;
    uint8_t hash[TREE_HASH_BYTES];

    (void)state;
    tree_init(&tree);
    assert_root(&tree, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        tree_leaf(vectors[i].leaf, vectors[i].length_bytes, hash);
        tree_add(&tree, hash);
        assert_int_equal(tree_size(&tree), i + 1);
        assert_root(&tree, vectors[i].root);
    }
}

/* The definition of RFC 6962 as it stands there, to compare with for sizes that have no vector. */
static void root_by_definition(uint8_t (*leaves)[TREE_HASH_BYTES], size_t count, uint8_t out[static TREE_HASH_BYTES])
{
    uint8_t both[1 + 2 * TREE_HASH_BYTES] = {1};
    size_t half = 1;

    if (count == 1) {
        memcpy(out, leaves[0], TREE_HASH_BYTES);
        return;
    }
    while (half * 2 < count)
        half *= 2;
    root_by_definition(leaves, half, both + 1);
    root_by_definition(leaves + half, count - half, both + 1 + TREE_HASH_BYTES);
    crypto_hash_sha256(out, both, sizeof both);
}

static void tree_equals_the_definition(void **state)
{
    static uint8_t leaves[300][TREE_HASH_BYTES];
    struct tree tree;
    uint8_t ours[TREE_HASH_BYTES], theirs[TREE_HASH_BYTES];

    (void)state;
    tree_init(&tree);
    for (size_t i = 0; i < 300; i++) {
        tree_leaf(&i, sizeof i, leaves[i]);
        tree_add(&tree, leaves[i]);
        tree_root(&tree, ours);
        root_by_definition(leaves, i + 1, theirs);
        assert_memory_equal(ours, theirs, sizeof ours);
    }
}

static void tree_goes_on_after_a_restart(void **state)
{
    struct tree tree, right;
    uint8_t left_root[TREE_HASH_BYTES], leaf[TREE_HASH_BYTES],
        both[1 + 2 * TREE_HASH_BYTES] = {1}, expected[TREE_HASH_BYTES], root[TREE_HASH_BYTES];

    (void)state;
    memset(left_root, 3, sizeof left_root);
    tree_restart(&tree, 1000, left_root);
    tree_root(&tree, root);
    assert_memory_equal(root, left_root, sizeof root);
    tree_init(&right);
    for (unsigned i = 0; i < 5; i++) {
        tree_leaf(&i, sizeof i, leaf);
        tree_add(&tree, leaf);
        tree_add(&right, leaf);
    }
    memcpy(both + 1, left_root, sizeof left_root);
    tree_root(&right, both + 1 + TREE_HASH_BYTES);
    crypto_hash_sha256(expected, both, sizeof both);
    tree_root(&tree, root);
    assert_memory_equal(root, expected, sizeof root);
    assert_int_equal(tree_size(&tree), 1005);
}

static void header_keeps_the_tree(void **state)
{
    struct stage stage;
    struct segment segment;
    struct segment_header header = {.number = 3}, back;
    int directory_fd;

    (void)state;
    stage_begin(&stage);
    directory_fd = open(stage.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tree_restart(&header.tree, 17, (const uint8_t[TREE_HASH_BYTES]){5});
    for (unsigned i = 0; i < 1234; i++) {
        uint8_t leaf[TREE_HASH_BYTES];

        tree_leaf(&i, sizeof i, leaf);
        tree_add(&header.tree, leaf);
    }
    assert_int_equal(segment_create(directory_fd, &header, SEGMENT_MIN_BYTES, 100, &segment), 0);
    segment_close(&segment);
    assert_int_equal(segment_header_read_number(directory_fd, 3, &back), 0);
    assert_int_equal(tree_size(&back.tree), 17 + 1234);
    for (unsigned i = 0; i < 99; i++) {
        uint8_t leaf[TREE_HASH_BYTES], one[TREE_HASH_BYTES], two[TREE_HASH_BYTES];

        tree_leaf(&i, sizeof i, leaf);
        tree_add(&header.tree, leaf);
        tree_add(&back.tree, leaf);
        tree_root(&header.tree, one);
        tree_root(&back.tree, two);
        assert_memory_equal(one, two, sizeof one);
    }
    close(directory_fd);
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_has_the_known_roots),
        cmocka_unit_test(tree_equals_the_definition),
        cmocka_unit_test(tree_goes_on_after_a_restart),
        cmocka_unit_test(header_keeps_the_tree),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
