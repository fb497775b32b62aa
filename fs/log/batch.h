/* batch: the unit that is written and synced at once: a header, sealed entries, the tree's root after them and a checksum.
 * FORMAT.md has the layout. Building is for the log thread; taking apart is for bytes that came from disk and trusts nothing. */
#ifndef DOSSIERFS_LOG_BATCH_H
#define DOSSIERFS_LOG_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/base/buffer.h"
#include "fs/log/entry.h"
#include "fs/log/months.h"
#include "fs/log/tree.h"

enum {
    BATCH_HEADER_BYTES = 40,
    BATCH_TRAILER_BYTES = 48,
    BATCH_ENTRY_BYTES = 10, /* in front of each sealed body */
    BATCH_LEAF_BYTES = 6,   /* as many of them are hashed and authenticated with it */
    BATCH_LEAF_HASHED_BYTES = BATCH_LEAF_BYTES + TREE_HASH_BYTES,
    BATCH_TAG_BYTES = 16,
    BATCH_MIN_BYTES = BATCH_HEADER_BYTES + BATCH_ENTRY_BYTES + BATCH_TAG_BYTES + BATCH_TRAILER_BYTES,
    BATCH_NONCE_BYTES = 24,
    BATCH_PREFIX_BYTES = 20,
    BATCH_MAX_BYTES = 1 << 20,
    BATCH_SEALED_MAX_BYTES = ENTRY_MAX_BYTES + BATCH_TAG_BYTES,
};

/* A batch in someone else's memory. */
struct batch {
    const uint8_t *bytes;
    size_t length_bytes;
    uint64_t first; /* index of its first leaf */
    uint32_t count;
    bool whole; /* the checksum fits */
};
struct batch_entry {
    uint64_t leaf;
    size_t place; /* of the entry's header, from the start of the batch */
    uint16_t month;
    uint32_t check;
    const uint8_t *header; /* BATCH_LEAF_BYTES */
    const uint8_t *sealed;
    size_t sealed_bytes;
    uint8_t nonce[BATCH_NONCE_BYTES];
};

/* Reads the header alone: whether a batch may begin here, and its length. */
bool batch_begins(const uint8_t *bytes, size_t available_bytes, struct batch *out);
/* Takes the header and the entries' lengths apart; false if they do not make a batch within `available_bytes`. Whether the
 * checksum fits is told in `whole`. */
bool batch_parse(const uint8_t *bytes, size_t available_bytes, struct batch *out);
/* Walks the entries: `*place` is 0 before the first. False after the last. */
bool batch_next(const struct batch *batch, size_t *place, struct batch_entry *out);
/* One entry: `bytes` are those at its place, `prefix` that of its batch. False if it does not fit into available_bytes. */
bool batch_entry_parse(const uint8_t *bytes, size_t available_bytes, const uint8_t *prefix, uint64_t first,
                       uint64_t leaf, struct batch_entry *out);
const uint8_t *batch_prefix(const struct batch *batch);
const uint8_t *batch_root(const struct batch *batch);

/* What a leaf's hash is taken of: the leaf header and the hash of the sealed body. */
void batch_leaf_hashed(const struct batch_entry *entry, uint8_t out[static BATCH_LEAF_HASHED_BYTES]);
void batch_leaf(const struct batch_entry *entry, uint8_t out[static TREE_HASH_BYTES]);
/* What the entry's `check` should be: names the one that was altered within a batch; no protection by itself. */
uint32_t batch_leaf_check(const uint8_t hash[static TREE_HASH_BYTES], uint64_t leaf);
/* Appends the opened body to `out`. 0, -ENOKEY (erased), -EBADMSG (does not open), -ENOMEM. */
int batch_unseal(const struct batch_entry *entry, struct months *months,
                 const uint8_t store_id[static LOG_STORE_ID_BYTES], struct buffer *out);

/* Building: begin, add one or more, end. The tree takes the leaves. */
int batch_begin(struct buffer *out, uint64_t first);
int batch_add(struct buffer *out, struct months *months, const uint8_t store_id[static LOG_STORE_ID_BYTES],
              uint16_t month, const uint8_t *body, size_t body_bytes, struct tree *tree);
int batch_end(struct buffer *out, const struct tree *tree);
/* How long the batch becomes if one more body of this length is added. */
size_t batch_length_with(const struct buffer *batch, size_t body_bytes);

#endif
