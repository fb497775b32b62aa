#include "fs/log/proof.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

enum { BASE64 = sodium_base64_VARIANT_ORIGINAL, BASE64_ROOM = 128 };

/* The largest power of two below `count` (RFC 6962's k). */
static uint64_t split(uint64_t count)
{
    uint64_t half = 1;

    while (half < count - half)
        half *= 2;
    return half;
}

void proof_begin(struct proof *proof, uint64_t index, uint64_t size)
{
    uint64_t from = 0, to = size;

    memset(proof, 0, sizeof *proof);
    proof->index = index;
    proof->size = size;
    while (to - from > 1) {
        uint64_t middle = from + split(to - from);

        if (index < middle) {
            proof->parts[proof->count].from = middle;
            proof->parts[proof->count++].to = to;
            to = middle;
        } else {
            proof->parts[proof->count].from = from;
            proof->parts[proof->count++].to = middle;
            from = middle;
        }
    }
    tree_init(&proof->part);
}

static void take_beside(struct proof *proof, const uint8_t hash[static TREE_HASH_BYTES])
{
    uint64_t leaf = proof->next;

    if (tree_size(&proof->part) == 0)
        for (proof->at = 0; leaf < proof->parts[proof->at].from || leaf >= proof->parts[proof->at].to;)
            proof->at++;
    tree_add(&proof->part, hash);
    if (leaf + 1 == proof->parts[proof->at].to) {
        tree_root(&proof->part, proof->parts[proof->at].hash);
        tree_init(&proof->part);
    }
}

void proof_take(struct proof *proof, const struct batch_entry *entry, const uint8_t hash[static TREE_HASH_BYTES])
{
    if (entry->leaf != proof->next || entry->leaf >= proof->size)
        return;
    if (entry->leaf == proof->index) {
        batch_leaf_hashed(entry, proof->leaf);
        memcpy(proof->leaf_hash, hash, sizeof proof->leaf_hash);
    } else {
        take_beside(proof, hash);
    }
    proof->next++;
}

bool proof_holds(const struct proof *proof, const uint8_t root[static TREE_HASH_BYTES])
{
    uint8_t hash[TREE_HASH_BYTES];

    if (proof->next != proof->size)
        return false;
    memcpy(hash, proof->leaf_hash, sizeof hash);
    for (unsigned i = proof->count; i > 0; i--)
        if (proof->parts[i - 1].from > proof->index)
            tree_node(hash, proof->parts[i - 1].hash, hash);
        else
            tree_node(proof->parts[i - 1].hash, hash, hash);
    return memcmp(hash, root, sizeof hash) == 0;
}

static void print_base64(struct buffer *out, const char *before, const uint8_t *bytes, size_t length_bytes)
{
    char base64[BASE64_ROOM];

    sodium_bin2base64(base64, sizeof base64, bytes, length_bytes, BASE64);
    buffer_printf(out, "%s%s\n", before, base64);
}

void proof_print(const struct proof *proof, const struct note_signed *checkpoint, struct buffer *out)
{
    char text[NOTE_MAX_BYTES + 1];

    buffer_append_text(out, "c2sp.org/tlog-proof@v1\n");
    print_base64(out, "extra ", proof->leaf, sizeof proof->leaf);
    buffer_printf(out, "index %" PRIu64 "\n", proof->index);
    for (unsigned i = proof->count; i > 0; i--)
        print_base64(out, "", proof->parts[i - 1].hash, TREE_HASH_BYTES);
    note_print(checkpoint, text);
    buffer_printf(out, "\n%s", text);
}
