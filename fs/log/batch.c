#include "fs/log/batch.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "fs/base/bytes.h"
#include "fs/base/random.h"

/* Where things lie in the header ... */
enum { H_LENGTH = 4, H_FIRST = 8, H_COUNT = 16, H_PREFIX = 20 };
/* ... and in front of an entry. */
enum { E_KIND = 0, E_MONTH = 2, E_SEALED = 4, E_CHECK = 6 };
enum { KIND_ENTRY = 1, CHECKSUM_BYTES = 16 };
enum { BOUND_BYTES = BATCH_LEAF_BYTES + LOG_STORE_ID_BYTES + 8 };

static const uint8_t magic[4] = {'D', 'F', 'S', 'B'};

_Static_assert(BATCH_SEALED_MAX_BYTES <= UINT16_MAX, "the length of a sealed body has two bytes");
_Static_assert(BATCH_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(BATCH_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert(BATCH_TRAILER_BYTES == TREE_HASH_BYTES + CHECKSUM_BYTES, "trailer");

static void checksum(const uint8_t *bytes, size_t length_bytes, uint8_t out[static CHECKSUM_BYTES])
{
    crypto_generichash(out, CHECKSUM_BYTES, bytes, length_bytes, NULL, 0);
}

bool batch_begins(const uint8_t *bytes, size_t available_bytes, struct batch *out)
{
    uint32_t length_bytes, count;
    uint64_t first;

    if (available_bytes < BATCH_HEADER_BYTES || memcmp(bytes, magic, sizeof magic) != 0)
        return false;
    length_bytes = bytes_get_u32(bytes + H_LENGTH);
    first = bytes_get_u64(bytes + H_FIRST);
    count = bytes_get_u32(bytes + H_COUNT);
    if (length_bytes > BATCH_MAX_BYTES || count == 0 || first > UINT64_MAX / 2 ||
        length_bytes < BATCH_HEADER_BYTES + BATCH_TRAILER_BYTES ||
        count > (length_bytes - BATCH_HEADER_BYTES - BATCH_TRAILER_BYTES) / (BATCH_ENTRY_BYTES + BATCH_TAG_BYTES))
        return false;
    *out = (struct batch){.bytes = bytes, .length_bytes = length_bytes, .first = first, .count = count};
    return true;
}

bool batch_parse(const uint8_t *bytes, size_t available_bytes, struct batch *out)
{
    struct batch batch;
    struct batch_entry entry;
    uint8_t sum[CHECKSUM_BYTES];
    size_t place = 0;
    uint32_t seen = 0;

    if (!batch_begins(bytes, available_bytes, &batch) || batch.length_bytes > available_bytes)
        return false;
    while (seen < batch.count && batch_next(&batch, &place, &entry))
        seen++;
    if (seen < batch.count || place + BATCH_TRAILER_BYTES != batch.length_bytes)
        return false;
    checksum(bytes, batch.length_bytes - CHECKSUM_BYTES, sum);
    batch.whole = memcmp(sum, bytes + batch.length_bytes - CHECKSUM_BYTES, sizeof sum) == 0;
    *out = batch;
    return true;
}

bool batch_entry_parse(const uint8_t *bytes, size_t available_bytes, const uint8_t *prefix, uint64_t first,
                       uint64_t leaf, struct batch_entry *out)
{
    size_t sealed_bytes;

    if (available_bytes < BATCH_ENTRY_BYTES || bytes[E_KIND] != KIND_ENTRY || bytes[E_KIND + 1] != 0)
        return false;
    sealed_bytes = bytes_get_u16(bytes + E_SEALED);
    if (sealed_bytes < BATCH_TAG_BYTES || sealed_bytes > available_bytes - BATCH_ENTRY_BYTES)
        return false;
    *out = (struct batch_entry){
        .leaf = leaf,
        .month = bytes_get_u16(bytes + E_MONTH),
        .check = bytes_get_u32(bytes + E_CHECK),
        .header = bytes,
        .sealed = bytes + BATCH_ENTRY_BYTES,
        .sealed_bytes = sealed_bytes,
    };
    memcpy(out->nonce, prefix, BATCH_PREFIX_BYTES);
    bytes_put_u32(out->nonce + BATCH_PREFIX_BYTES, (uint32_t)(leaf - first));
    return true;
}

bool batch_next(const struct batch *batch, size_t *place, struct batch_entry *out)
{
    size_t end = batch->length_bytes - BATCH_TRAILER_BYTES;
    uint64_t leaf = *place == 0 ? batch->first : out->leaf + 1;

    if (*place == 0)
        *place = BATCH_HEADER_BYTES;
    if (!batch_entry_parse(batch->bytes + *place, end - *place, batch_prefix(batch), batch->first, leaf, out))
        return false;
    out->place = *place;
    *place += BATCH_ENTRY_BYTES + out->sealed_bytes;
    return true;
}

const uint8_t *batch_prefix(const struct batch *batch)
{
    return batch->bytes + H_PREFIX;
}

const uint8_t *batch_root(const struct batch *batch)
{
    return batch->bytes + batch->length_bytes - BATCH_TRAILER_BYTES;
}

/* The nonce is hashed with the body: else the prefix of a batch could be changed, which makes its entries unreadable,
 * without the tree noticing. */
void batch_leaf_hashed(const struct batch_entry *entry, uint8_t out[static BATCH_LEAF_HASHED_BYTES])
{
    crypto_hash_sha256_state state;

    memcpy(out, entry->header, BATCH_LEAF_BYTES);
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, entry->nonce, sizeof entry->nonce);
    crypto_hash_sha256_update(&state, entry->sealed, entry->sealed_bytes);
    crypto_hash_sha256_final(&state, out + BATCH_LEAF_BYTES);
}

void batch_leaf(const struct batch_entry *entry, uint8_t out[static TREE_HASH_BYTES])
{
    uint8_t leaf[BATCH_LEAF_HASHED_BYTES];

    batch_leaf_hashed(entry, leaf);
    tree_leaf(leaf, sizeof leaf, out);
}

uint32_t batch_leaf_check(const uint8_t hash[static TREE_HASH_BYTES], uint64_t leaf)
{
    return bytes_get_u32(hash) ^ (uint32_t)leaf;
}

static void bind(const uint8_t *header, const uint8_t store_id[static LOG_STORE_ID_BYTES], uint64_t leaf,
                 uint8_t out[static BOUND_BYTES])
{
    memcpy(out, header, BATCH_LEAF_BYTES);
    memcpy(out + BATCH_LEAF_BYTES, store_id, LOG_STORE_ID_BYTES);
    bytes_put_u64(out + BATCH_LEAF_BYTES + LOG_STORE_ID_BYTES, leaf);
}

int batch_unseal(const struct batch_entry *entry, struct months *months,
                 const uint8_t store_id[static LOG_STORE_ID_BYTES], struct buffer *out)
{
    uint8_t bound[BOUND_BYTES];
    uint8_t *to = buffer_reserve(out, entry->sealed_bytes);
    int error;

    if (!to)
        return -ENOMEM;
    bind(entry->header, store_id, entry->leaf, bound);
    error = months_unseal(months, entry->month, entry->leaf, entry->sealed, entry->sealed_bytes, bound, sizeof bound,
                          entry->nonce, to);
    if (!error)
        out->length_bytes += entry->sealed_bytes - BATCH_TAG_BYTES;
    return error;
}

int batch_begin(struct buffer *out, uint64_t first)
{
    uint8_t header[BATCH_HEADER_BYTES] = {0};

    memcpy(header, magic, sizeof magic);
    bytes_put_u64(header + H_FIRST, first);
    random_draw(header + H_PREFIX, BATCH_PREFIX_BYTES);
    buffer_reset(out);
    return buffer_append(out, header, sizeof header);
}

size_t batch_length_with(const struct buffer *batch, size_t body_bytes)
{
    return batch->length_bytes + BATCH_ENTRY_BYTES + body_bytes + BATCH_TAG_BYTES + BATCH_TRAILER_BYTES;
}

int batch_add(struct buffer *out, struct months *months, const uint8_t store_id[static LOG_STORE_ID_BYTES],
              uint16_t month, const uint8_t *body, size_t body_bytes, struct tree *tree)
{
    size_t entry_bytes = BATCH_ENTRY_BYTES + body_bytes + BATCH_TAG_BYTES;
    uint8_t *to = buffer_reserve(out, entry_bytes);
    uint32_t index;
    uint64_t leaf = tree_size(tree);
    uint8_t bound[BOUND_BYTES], hash[TREE_HASH_BYTES];
    struct batch_entry entry;
    int error;

    if (!to)
        return -ENOMEM;
    index = bytes_get_u32(out->bytes + H_COUNT);
    memset(to, 0, BATCH_ENTRY_BYTES);
    to[E_KIND] = KIND_ENTRY;
    bytes_put_u16(to + E_MONTH, month);
    bytes_put_u16(to + E_SEALED, (uint16_t)(body_bytes + BATCH_TAG_BYTES));
    if (!batch_entry_parse(to, entry_bytes, out->bytes + H_PREFIX, leaf - index, leaf, &entry))
        return -EINVAL;
    bind(to, store_id, leaf, bound);
    error = months_seal(months, month, body, body_bytes, bound, sizeof bound, entry.nonce, to + BATCH_ENTRY_BYTES);
    if (error)
        return error;
    batch_leaf(&entry, hash);
    bytes_put_u32(to + E_CHECK, batch_leaf_check(hash, leaf));
    tree_add(tree, hash);
    bytes_put_u32(out->bytes + H_COUNT, index + 1);
    out->length_bytes += entry_bytes;
    return 0;
}

int batch_end(struct buffer *out, const struct tree *tree)
{
    uint8_t *to = buffer_reserve(out, BATCH_TRAILER_BYTES);

    if (!to)
        return -ENOMEM;
    bytes_put_u32(out->bytes + H_LENGTH, (uint32_t)(out->length_bytes + BATCH_TRAILER_BYTES));
    tree_root(tree, to);
    out->length_bytes += TREE_HASH_BYTES;
    checksum(out->bytes, out->length_bytes, to + TREE_HASH_BYTES);
    out->length_bytes += CHECKSUM_BYTES;
    return 0;
}
