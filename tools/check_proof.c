/* dossier-check-proof: is the entry in the log that was signed? Reads a proof as `dossier log prove` prints it, and a public key from
 * elsewhere; needs nothing of the store, and shares no code with it, so that a fault of the one is no fault of the other.
 *
 * The forms are C2SP's tlog-proof, tlog-checkpoint and signed-note; the tree is that of RFC 6962. Only libsodium. */
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROVED = 0, NOT_PROVED = 1, CANNOT = 2 };
enum { MAX_BYTES = 65536, HASH = crypto_hash_sha256_BYTES, BASE64 = sodium_base64_VARIANT_ORIGINAL };

static const char dash[] = "\xe2\x80\x94 ";

static const char help[] =
    "Usage: dossier-check-proof --pubkey KEY [--checkpoint FILE] [PROOF]\n"
    "\n"
    "Checks that an entry is in a processing log that was signed. PROOF is what `dossier log prove` printed; "
    "default:\n"
    "standard input.\n"
    "\n"
    "  --pubkey KEY        the public key that signed the checkpoint (dossier log checkpoint --pubkey)\n"
    "  --checkpoint FILE   the proof must be for this checkpoint, byte for byte up to its signatures\n"
    "  --help              this text\n"
    "\n"
    "Exit status: 0 proved, 1 not proved, 2 wrong usage or can't be checked.\n";

struct text {
    const char *at, *end;
};

static void sha256(uint8_t out[HASH], const void *one, size_t one_bytes, const void *two, size_t two_bytes,
                   int prefix)
{
    crypto_hash_sha256_state state;
    uint8_t byte = (uint8_t)prefix;

    crypto_hash_sha256_init(&state);
    if (prefix >= 0)
        crypto_hash_sha256_update(&state, &byte, 1);
    crypto_hash_sha256_update(&state, one, one_bytes);
    if (two_bytes > 0)
        crypto_hash_sha256_update(&state, two, two_bytes);
    crypto_hash_sha256_final(&state, out);
}

/* The next line without its end; false: there is no whole one. */
static bool next_line(struct text *text, struct text *line)
{
    const char *newline = memchr(text->at, '\n', (size_t)(text->end - text->at));

    if (!newline)
        return false;
    *line = (struct text){text->at, newline};
    text->at = newline + 1;
    return true;
}

static bool skip_word(struct text *line, const char *word)
{
    size_t bytes = strlen(word);

    if ((size_t)(line->end - line->at) < bytes || memcmp(line->at, word, bytes) != 0)
        return false;
    line->at += bytes;
    return true;
}

static bool is_empty(const struct text *line)
{
    return line->at == line->end;
}

static bool read_base64(const struct text *line, uint8_t *out, size_t room, size_t *bytes)
{
    const char *end = NULL;

    return sodium_base642bin(out, room, line->at, (size_t)(line->end - line->at), NULL, bytes, &end, BASE64) == 0 &&
           end == line->end;
}

static bool read_hash(const struct text *line, uint8_t out[HASH])
{
    size_t bytes = 0;

    return read_base64(line, out, HASH, &bytes) && bytes == HASH;
}

static bool read_number(const struct text *line, uint64_t *out)
{
    uint64_t value = 0;

    if (is_empty(line) || line->end - line->at > 18 || (*line->at == '0' && line->end - line->at > 1))
        return false;
    for (const char *digit = line->at; digit < line->end; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        value = value * 10 + (uint64_t)(*digit - '0');
    }
    *out = value;
    return true;
}

/* ---- the checkpoint --------------------------------------------------------------------------------------------- */

struct checkpoint {
    struct text text; /* what is signed */
    uint64_t size;
    uint8_t root[HASH];
    struct text time;
};

struct key {
    char name[256];
    uint8_t id[4], public_key[crypto_sign_PUBLICKEYBYTES];
};

static bool read_key(const char *given, struct key *key)
{
    const char *id = strchr(given, '+'), *base64 = id ? strchr(id + 1, '+') : NULL;
    uint8_t typed[1 + crypto_sign_PUBLICKEYBYTES], hash[HASH];
    char head[sizeof key->name + 2], hex[9];
    struct text rest;
    size_t bytes = 0;

    if (!base64 || (size_t)(id - given) >= sizeof key->name || base64 - id != 9)
        return false;
    rest = (struct text){base64 + 1, given + strlen(given)};
    if (!read_base64(&rest, typed, sizeof typed, &bytes) || bytes != sizeof typed || typed[0] != 1)
        return false;
    memcpy(key->name, given, (size_t)(id - given));
    key->name[id - given] = '\0';
    memcpy(key->public_key, typed + 1, sizeof key->public_key);
    snprintf(head, sizeof head, "%s\n", key->name);
    sha256(hash, head, strlen(head), typed, sizeof typed, -1);
    memcpy(key->id, hash, sizeof key->id);
    sodium_bin2hex(hex, sizeof hex, key->id, sizeof key->id);
    return memcmp(hex, id + 1, 8) == 0;
}

/* Takes the text of the checkpoint, up to and with the blank line behind it; the signatures stay in `text`. */
static bool read_checkpoint(struct text *text, const struct key *key, struct checkpoint *out)
{
    struct text line;

    out->text.at = text->at;
    if (!next_line(text, &line) || !skip_word(&line, key->name) || !is_empty(&line) || !next_line(text, &line) ||
        !read_number(&line, &out->size) || !next_line(text, &line) || !read_hash(&line, out->root))
        return false;
    for (;;) {
        out->text.end = text->at;
        if (!next_line(text, &line))
            return false;
        if (is_empty(&line))
            return true;
        if (skip_word(&line, "time "))
            out->time = line;
    }
}

static bool is_signed(struct text signatures, const struct checkpoint *checkpoint, const struct key *key)
{
    struct text line;

    while (next_line(&signatures, &line)) {
        uint8_t both[4 + crypto_sign_BYTES];
        size_t bytes = 0;

        if (skip_word(&line, dash) && skip_word(&line, key->name) && skip_word(&line, " ") &&
            read_base64(&line, both, sizeof both, &bytes) && bytes == sizeof both && memcmp(both, key->id, 4) == 0 &&
            crypto_sign_verify_detached(both + 4, (const uint8_t *)checkpoint->text.at,
                                        (size_t)(checkpoint->text.end - checkpoint->text.at), key->public_key) == 0)
            return true;
    }
    return false;
}

/* ---- the proof -------------------------------------------------------------------------------------------------- */

struct proof {
    uint64_t index;
    unsigned count;
    uint8_t leaf_hash[HASH], hashes[64][HASH];
};

static bool read_proof(struct text *text, struct proof *proof)
{
    struct text line;
    uint8_t leaf[512];
    size_t bytes = 0;

    *proof = (struct proof){0};
    if (!next_line(text, &line) || !skip_word(&line, "c2sp.org/tlog-proof@v1") || !is_empty(&line) ||
        !next_line(text, &line) || !skip_word(&line, "extra ") || !read_base64(&line, leaf, sizeof leaf, &bytes) ||
        !next_line(text, &line) || !skip_word(&line, "index ") || !read_number(&line, &proof->index))
        return false;
    sha256(proof->leaf_hash, leaf, bytes, NULL, 0, 0);
    for (;;) {
        if (!next_line(text, &line))
            return false;
        if (is_empty(&line))
            return true;
        if (proof->count == 64 || !read_hash(&line, proof->hashes[proof->count++]))
            return false;
    }
}

/* RFC 9162 section 2.1.3.2. */
static bool leads_to(const struct proof *proof, const struct checkpoint *checkpoint)
{
    uint64_t at = proof->index, last = checkpoint->size - 1;
    uint8_t hash[HASH];

    if (proof->index >= checkpoint->size)
        return false;
    memcpy(hash, proof->leaf_hash, sizeof hash);
    for (unsigned i = 0; i < proof->count; i++) {
        if (last == 0)
            return false;
        if (at % 2 == 1 || at == last) {
            sha256(hash, proof->hashes[i], HASH, hash, HASH, 1);
            for (; at % 2 == 0 && at != 0; at /= 2)
                last /= 2;
        } else {
            sha256(hash, hash, HASH, proof->hashes[i], HASH, 1);
        }
        at /= 2;
        last /= 2;
    }
    return last == 0 && memcmp(hash, checkpoint->root, HASH) == 0;
}

/* ---- the program ------------------------------------------------------------------------------------------------ */

static bool read_file(const char *path, char bytes[MAX_BYTES], struct text *out)
{
    FILE *file = path ? fopen(path, "r") : stdin;
    size_t length_bytes = file ? fread(bytes, 1, MAX_BYTES, file) : 0;
    bool good = file && !ferror(file) && feof(file);

    if (file && path)
        fclose(file);
    *out = (struct text){bytes, bytes + length_bytes};
    if (!good)
        fprintf(stderr, "dossier-check-proof: %s can't be read\n", path ? path : "standard input");
    return good;
}

static int not_proved(const char *why)
{
    printf("not proved: %s\n", why);
    return NOT_PROVED;
}

static int check(const struct key *key, const struct text *kept, struct text proof_text)
{
    struct checkpoint checkpoint = {.size = 0}, kept_checkpoint = {.size = 0};
    struct text kept_text;
    struct proof proof;

    if (!read_proof(&proof_text, &proof))
        return not_proved("this is no proof in the form c2sp.org/tlog-proof@v1");
    if (!read_checkpoint(&proof_text, key, &checkpoint))
        return not_proved("there is no checkpoint of the key's log in it");
    if (!is_signed(proof_text, &checkpoint, key))
        return not_proved("the checkpoint is not signed by the given key");
    if (kept) {
        kept_text = *kept;
        if (!read_checkpoint(&kept_text, key, &kept_checkpoint) ||
            kept_checkpoint.text.end - kept_checkpoint.text.at != checkpoint.text.end - checkpoint.text.at ||
            memcmp(kept_checkpoint.text.at, checkpoint.text.at, (size_t)(checkpoint.text.end - checkpoint.text.at)) !=
                0)
            return not_proved("it is for another checkpoint than the given one");
    }
    if (!leads_to(&proof, &checkpoint))
        return not_proved("the hashes do not lead from the entry to the checkpoint");
    printf("proved: entry %" PRIu64 " is in the log of %" PRIu64 " entries that was signed%s%.*s\n", proof.index + 1,
           checkpoint.size, checkpoint.time.at ? " at " : "",
           checkpoint.time.at ? (int)(checkpoint.time.end - checkpoint.time.at) : 0,
           checkpoint.time.at ? checkpoint.time.at : "");
    return PROVED;
}

int main(int argc, char **argv)
{
    static char proof_bytes[MAX_BYTES], kept_bytes[MAX_BYTES];
    const char *key_text = NULL, *kept_path = NULL, *proof_path = NULL;
    struct text proof_text, kept;
    struct key key;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return PROVED;
        }
        if (strcmp(argv[i], "--pubkey") == 0 && i + 1 < argc) {
            key_text = argv[++i];
        } else if (strcmp(argv[i], "--checkpoint") == 0 && i + 1 < argc) {
            kept_path = argv[++i];
        } else if (argv[i][0] != '-' && !proof_path) {
            proof_path = argv[i];
        } else {
            fputs(help, stderr);
            return CANNOT;
        }
    }
    if (!key_text || sodium_init() < 0) {
        fputs(help, stderr);
        return CANNOT;
    }
    if (!read_key(key_text, &key)) {
        fputs("dossier-check-proof: --pubkey: this is no public key\n", stderr);
        return CANNOT;
    }
    if (!read_file(proof_path, proof_bytes, &proof_text) || (kept_path && !read_file(kept_path, kept_bytes, &kept)))
        return CANNOT;
    return check(&key, kept_path ? &kept : NULL, proof_text);
}
