/* proof: that an entry is in the log of which a checkpoint was taken: an inclusion proof (RFC 6962 section 2.1.1), put together while
 * the leaves go by, in constant memory; printed in the form tlog-proof (C2SP, c2sp.org/tlog-proof):
 *
 *     c2sp.org/tlog-proof@v1
 *     extra <base64>           the leaf's bytes (FORMAT.md, "The tree"), which the leaf's hash is taken of
 *     index <number>           of the leaf, from 0
 *     <base64> ...             the hashes beside the path, from the leaf up, one a line
 *
 *     <the checkpoint>
 *
 * tools/check_proof.c checks one, and shares no code with this. */
#ifndef DOSSIERFS_LOG_PROOF_H
#define DOSSIERFS_LOG_PROOF_H

#include "fs/log/batch.h"
#include "fs/log/note.h"

struct proof {
    uint64_t index, size; /* 0 <= index < size */
    uint64_t next;        /* the leaf that is due */
    unsigned count;
    struct {
        uint64_t from, to; /* leaves */
        uint8_t hash[TREE_HASH_BYTES];
    } parts[TREE_LEVELS]; /* beside the path, from the root down; with the leaf itself they are all leaves */
    unsigned at;          /* the part that is being put together */
    struct tree part;
    uint8_t leaf[BATCH_LEAF_HASHED_BYTES];
    uint8_t leaf_hash[TREE_HASH_BYTES];
};

void proof_begin(struct proof *proof, uint64_t index, uint64_t size);
/* The leaves, from 0 on, in order; one that was there already, or lies past the size, changes nothing. */
void proof_take(struct proof *proof, const struct batch_entry *entry, const uint8_t hash[static TREE_HASH_BYTES]);
/* All leaves went by, and the proof leads to the root. */
bool proof_holds(const struct proof *proof, const uint8_t root[static TREE_HASH_BYTES]);
/* Appends the text. */
void proof_print(const struct proof *proof, const struct note_signed *checkpoint, struct buffer *out);

#endif
