/* note: checkpoints of the log as text, signed: the formats signed-note, tlog-checkpoint (C2SP, c2sp.org/signed-note and
 * /tlog-checkpoint), with Ed25519 (RFC 8032). Pure: no files, no clock. Everything that is parsed is taken for hostile.
 *
 *     dossierfs/7777...77                            the origin: "dossierfs/" and the store's id in hex
 *     1200                                           entries
 *     xoR0lvEXjE7BWAwxZo3lrX8NZxiZZqZ7c0cKyM2Lk0w=   the tree's root over them, base64
 *     time 2026-11-22T15:57:08Z
 *     months 14 <base64>                             with the next line: sum over the first slots of the months' keys
 *     erased 2021-03 1 120 118 1774000000 60 12 0011223344556677    where a month is destroyed, with the next line (erasure.h)
 *     next dossierfs/7777...77+1a2b3c4d+AY...=       only where a key hands over to its successor; "first" where a chain begins
 *
 *     — dossierfs/7777...77 GisT...==                base64 of the key's id (4 bytes) and the signature (64) of all above the blank
 *
 * A key is written NAME+ID+BASE64, as signed-note has it; its name is the origin. */
#ifndef DOSSIERFS_LOG_NOTE_H
#define DOSSIERFS_LOG_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/log/erasure.h"
#include "fs/log/log.h"
#include "fs/log/tree.h"

enum {
    NOTE_ORIGIN_BYTES = 44, /* with the NUL */
    NOTE_KEY_ID_BYTES = 4,
    NOTE_PUBLIC_BYTES = 32,
    NOTE_SECRET_BYTES = 64,
    NOTE_SIGNATURE_BYTES = 64,
    NOTE_KEY_TEXT_BYTES = 128, /* a printed key, with the NUL */
    NOTE_MAX_BYTES = 4096,     /* of a whole note; ours have less than 500 */
    NOTE_SIGNATURES_MAX = 8,
};

struct note_key {
    char origin[NOTE_ORIGIN_BYTES];
    uint8_t id[NOTE_KEY_ID_BYTES];
    uint8_t public_key[NOTE_PUBLIC_BYTES];
};

enum note_kind { NOTE_CHECKPOINT, NOTE_FIRST, NOTE_NEXT };

struct note {
    enum note_kind kind;
    char origin[NOTE_ORIGIN_BYTES];
    uint64_t size;
    uint8_t root[TREE_HASH_BYTES];
    char time[24];   /* "2026-11-22T15:57:08Z"; "" if it has none */
    bool has_months; /* the sum over the first so many slots of the months' keys */
    uint32_t months;
    uint8_t months_sum[TREE_HASH_BYTES];
    bool has_erased; /* of NOTE_NEXT: a month's bodies are destroyed, and why that is right */
    struct log_erasure erased;
    struct note_key key; /* of NOTE_FIRST and NOTE_NEXT: the one that begins the chain, or the successor */
};

/* A note as it was read, with the signatures that are of its origin; others', of witnesses say, are passed over. */
struct note_signed {
    struct note note;
    char text[NOTE_MAX_BYTES]; /* what is signed */
    size_t text_bytes;
    unsigned signature_count;
    struct {
        uint8_t key_id[NOTE_KEY_ID_BYTES], bytes[NOTE_SIGNATURE_BYTES];
    } signatures[NOTE_SIGNATURES_MAX];
};

void note_origin(const uint8_t store_id[static LOG_STORE_ID_BYTES], char origin[static NOTE_ORIGIN_BYTES]);
void note_key_make(const char *origin, const uint8_t public_key[static NOTE_PUBLIC_BYTES], struct note_key *out);
void note_key_print(const struct note_key *key, char text[static NOTE_KEY_TEXT_BYTES]);
/* -EINVAL: it is no key of this program's logs, or its id does not fit it (a slip of the pen). */
int note_key_parse(const char *text, struct note_key *out);
bool note_key_same(const struct note_key *one, const struct note_key *other);

/* The whole note, with its NUL; answers its length. `note->time` is written as it is. */
size_t note_sign(const struct note *note, const struct note_key *key, const uint8_t secret[static NOTE_SECRET_BYTES],
                 char out[static NOTE_MAX_BYTES]);
/* A note that was read, as text, with the signatures that were kept. */
void note_print(const struct note_signed *note, char text[static NOTE_MAX_BYTES + 1]);
/* Takes the first note of `bytes` apart; *length_bytes becomes its length. -EINVAL: none begins here; -ENODATA: it is one
 * as far as it goes, and more of it would have to follow. */
int note_parse(const char *bytes, size_t available_bytes, struct note_signed *out, size_t *length_bytes);
/* Is one of its signatures that of the key? */
bool note_is_signed_by(const struct note_signed *note, const struct note_key *key);

#endif
