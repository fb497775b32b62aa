/* tree: the Merkle tree of RFC 6962 section 2.1 (SHA-256) over the log's entries, held as its compact range: one hash for each
 * full subtree on the right edge, so that appending and the root need neither the earlier leaves nor more than 2 KiB.
 *
 * After damage the hashes of lost leaves cannot be recomputed. The tree is then restarted: the root that was last recorded
 * stands as one opaque node, to the left of a new tree over what follows (see FORMAT.md). */
#ifndef DOSSIERFS_LOG_TREE_H
#define DOSSIERFS_LOG_TREE_H

#include <stddef.h>
#include <stdint.h>

enum { TREE_HASH_BYTES = 32, TREE_LEVELS = 64 };

struct tree {
    uint64_t base;                               /* leaves under the opaque node; 0: there is none */
    uint64_t count;                              /* leaves after it */
    uint8_t base_root[TREE_HASH_BYTES];          /* the opaque node */
    uint8_t nodes[TREE_LEVELS][TREE_HASH_BYTES]; /* nodes[i] holds 2^i leaves and is there if bit i of count is set */
};

void tree_init(struct tree *tree);
/* Forgets the structure: `size` leaves with this root become one opaque node. */
void tree_restart(struct tree *tree, uint64_t size, const uint8_t root[static TREE_HASH_BYTES]);
uint64_t tree_size(const struct tree *tree);
/* Hash of a leaf: SHA-256(0x00 || bytes). */
void tree_leaf(const void *bytes, size_t length_bytes, uint8_t out[static TREE_HASH_BYTES]);
/* SHA-256(0x01 || left || right); `out` may be one of the two. */
void tree_node(const uint8_t left[static TREE_HASH_BYTES], const uint8_t right[static TREE_HASH_BYTES],
               uint8_t out[static TREE_HASH_BYTES]);
void tree_add(struct tree *tree, const uint8_t leaf[static TREE_HASH_BYTES]);
void tree_root(const struct tree *tree, uint8_t out[static TREE_HASH_BYTES]);

#endif
