#include "fs/log/tree.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

_Static_assert(TREE_HASH_BYTES == crypto_hash_sha256_BYTES, "the tree is SHA-256");

void tree_node(const uint8_t left[static TREE_HASH_BYTES], const uint8_t right[static TREE_HASH_BYTES],
               uint8_t out[static TREE_HASH_BYTES])
{
    uint8_t both[1 + 2 * TREE_HASH_BYTES];

    both[0] = 0x01;
    memcpy(both + 1, left, TREE_HASH_BYTES);
    memcpy(both + 1 + TREE_HASH_BYTES, right, TREE_HASH_BYTES);
    crypto_hash_sha256(out, both, sizeof both);
}

void tree_init(struct tree *tree)
{
    memset(tree, 0, sizeof *tree);
}

void tree_restart(struct tree *tree, uint64_t size, const uint8_t root[static TREE_HASH_BYTES])
{
    uint8_t kept[TREE_HASH_BYTES];

    memcpy(kept, root, sizeof kept);
    tree_init(tree);
    tree->base = size;
    memcpy(tree->base_root, kept, sizeof kept);
}

uint64_t tree_size(const struct tree *tree)
{
    return tree->base + tree->count;
}

void tree_leaf(const void *bytes, size_t length_bytes, uint8_t out[static TREE_HASH_BYTES])
{
    static const uint8_t prefix = 0x00;
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, &prefix, 1);
    crypto_hash_sha256_update(&state, bytes, length_bytes);
    crypto_hash_sha256_final(&state, out);
}

void tree_add(struct tree *tree, const uint8_t leaf[static TREE_HASH_BYTES])
{
    uint8_t carried[TREE_HASH_BYTES];
    unsigned level = 0;

    memcpy(carried, leaf, sizeof carried);
    for (uint64_t count = tree->count; count & 1; count >>= 1) {
        tree_node(tree->nodes[level], carried, carried);
        level++;
    }
    memcpy(tree->nodes[level], carried, sizeof carried);
    tree->count++;
}

void tree_root(const struct tree *tree, uint8_t out[static TREE_HASH_BYTES])
{
    uint8_t root[TREE_HASH_BYTES];
    bool have = false;

    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        if (!(tree->count >> level & 1))
            continue;
        if (have)
            tree_node(tree->nodes[level], root, root);
        else
            memcpy(root, tree->nodes[level], sizeof root);
        have = true;
    }
    if (tree->base > 0 && have)
        tree_node(tree->base_root, root, root);
    else if (tree->base > 0)
        memcpy(root, tree->base_root, sizeof root);
    else if (!have)
        crypto_hash_sha256(root, NULL, 0);
    memcpy(out, root, sizeof root);
}
