#include "fs/log/note.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "fs/base/number.h"
#include "fs/log/months.h"

enum { ED25519 = 0x01, BASE64 = sodium_base64_VARIANT_ORIGINAL };

static const char origin_prefix[] = "dossierfs/";
static const char dash[] = "\xe2\x80\x94 "; /* an em dash and a space begin a signature */

_Static_assert(NOTE_ORIGIN_BYTES >= sizeof origin_prefix + 2 * LOG_STORE_ID_BYTES, "an origin fits");
_Static_assert(NOTE_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES && NOTE_SECRET_BYTES == crypto_sign_SECRETKEYBYTES &&
                   NOTE_SIGNATURE_BYTES == crypto_sign_BYTES,
               "libsodium's signatures are Ed25519");

/* ---- keys ------------------------------------------------------------------------------------------------------- */

void note_origin(const uint8_t store_id[static LOG_STORE_ID_BYTES], char origin[static NOTE_ORIGIN_BYTES])
{
    char hex[2 * LOG_STORE_ID_BYTES + 1];

    sodium_bin2hex(hex, sizeof hex, store_id, LOG_STORE_ID_BYTES);
    snprintf(origin, NOTE_ORIGIN_BYTES, "%s%s", origin_prefix, hex);
}

static bool is_origin(const char *text, size_t length_bytes)
{
    size_t prefix_bytes = sizeof origin_prefix - 1;

    if (length_bytes != prefix_bytes + (size_t)2 * LOG_STORE_ID_BYTES ||
        memcmp(text, origin_prefix, prefix_bytes) != 0)
        return false;
    for (size_t i = prefix_bytes; i < length_bytes; i++)
        if (!strchr("0123456789abcdef", text[i]) || text[i] == '\0')
            return false;
    return true;
}

/* signed-note: the first four bytes of SHA-256(name || newline || 0x01 || public key). */
void note_key_make(const char *origin, const uint8_t public_key[static NOTE_PUBLIC_BYTES], struct note_key *out)
{
    static const uint8_t between[2] = {'\n', ED25519};
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;

    memset(out, 0, sizeof *out);
    snprintf(out->origin, sizeof out->origin, "%s", origin);
    memcpy(out->public_key, public_key, NOTE_PUBLIC_BYTES);
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)out->origin, strlen(out->origin));
    crypto_hash_sha256_update(&state, between, sizeof between);
    crypto_hash_sha256_update(&state, public_key, NOTE_PUBLIC_BYTES);
    crypto_hash_sha256_final(&state, hash);
    memcpy(out->id, hash, sizeof out->id);
}

void note_key_print(const struct note_key *key, char text[static NOTE_KEY_TEXT_BYTES])
{
    uint8_t typed[1 + NOTE_PUBLIC_BYTES] = {ED25519};
    char id[2 * NOTE_KEY_ID_BYTES + 1], base64[sodium_base64_ENCODED_LEN(sizeof typed, BASE64)];

    memcpy(typed + 1, key->public_key, NOTE_PUBLIC_BYTES);
    sodium_bin2hex(id, sizeof id, key->id, sizeof key->id);
    sodium_bin2base64(base64, sizeof base64, typed, sizeof typed, BASE64);
    snprintf(text, NOTE_KEY_TEXT_BYTES, "%s+%s+%s", key->origin, id, base64);
}

/* Exactly `wanted_bytes` of base64, and nothing but that. */
static bool read_base64(const char *text, size_t length_bytes, uint8_t *out, size_t wanted_bytes)
{
    const char *end = NULL;
    size_t got_bytes = 0;

    return sodium_base642bin(out, wanted_bytes, text, length_bytes, NULL, &got_bytes, &end, BASE64) == 0 &&
           got_bytes == wanted_bytes && end == text + length_bytes;
}

static int parse_key(const char *text, size_t length_bytes, struct note_key *out)
{
    const char *plus = memchr(text, '+', length_bytes);
    char origin[NOTE_ORIGIN_BYTES], hex[2 * NOTE_KEY_ID_BYTES + 1];
    uint8_t typed[1 + NOTE_PUBLIC_BYTES];
    struct note_key key;
    size_t id_at;

    if (!plus || !is_origin(text, (size_t)(plus - text)))
        return -EINVAL;
    snprintf(origin, sizeof origin, "%.*s", (int)(plus - text), text);
    id_at = (size_t)(plus - text) + 1;
    if (length_bytes < id_at + 2 * NOTE_KEY_ID_BYTES + 1 || text[id_at + 2 * NOTE_KEY_ID_BYTES] != '+')
        return -EINVAL;
    text += id_at + 2 * NOTE_KEY_ID_BYTES + 1;
    length_bytes -= id_at + 2 * NOTE_KEY_ID_BYTES + 1;
    if (!read_base64(text, length_bytes, typed, sizeof typed) || typed[0] != ED25519)
        return -EINVAL;
    note_key_make(origin, typed + 1, &key);
    sodium_bin2hex(hex, sizeof hex, key.id, sizeof key.id);
    if (memcmp(hex, text - sizeof hex, sizeof hex - 1) != 0)
        return -EINVAL;
    *out = key;
    return 0;
}

int note_key_parse(const char *text, struct note_key *out)
{
    return parse_key(text, strlen(text), out);
}

bool note_key_same(const struct note_key *one, const struct note_key *other)
{
    return strcmp(one->origin, other->origin) == 0 &&
           memcmp(one->public_key, other->public_key, sizeof one->public_key) == 0;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static const char *const kind_words[] = {[NOTE_CHECKPOINT] = "", [NOTE_FIRST] = "first ", [NOTE_NEXT] = "next "};

static size_t print_text(const struct note *note, char *out)
{
    char root[sodium_base64_ENCODED_LEN(TREE_HASH_BYTES, BASE64)], key[NOTE_KEY_TEXT_BYTES] = "";
    char sum[sizeof root], months[sizeof sum + 32] = "", erased[ERASURE_TEXT_BYTES] = "";

    sodium_bin2base64(root, sizeof root, note->root, sizeof note->root, BASE64);
    if (note->kind != NOTE_CHECKPOINT)
        note_key_print(&note->key, key);
    if (note->has_months) {
        sodium_bin2base64(sum, sizeof sum, note->months_sum, sizeof note->months_sum, BASE64);
        snprintf(months, sizeof months, "months %" PRIu32 " %s\n", note->months, sum);
    }
    if (note->has_erased)
        erasure_print(&note->erased, erased);
    return (size_t)snprintf(out, NOTE_MAX_BYTES, "%s\n%" PRIu64 "\n%s\n%s%s%s%s%s%s%s%s%s", note->origin, note->size,
                            root, note->time[0] ? "time " : "", note->time, note->time[0] ? "\n" : "", months, erased,
                            erased[0] ? "\n" : "", kind_words[note->kind], key, key[0] ? "\n" : "");
}

static size_t print_signature(const char *origin, const uint8_t *key_id, const uint8_t *signature, char *out,
                              size_t room)
{
    uint8_t both[NOTE_KEY_ID_BYTES + NOTE_SIGNATURE_BYTES];
    char base64[sodium_base64_ENCODED_LEN(sizeof both, BASE64)];

    memcpy(both, key_id, NOTE_KEY_ID_BYTES);
    memcpy(both + NOTE_KEY_ID_BYTES, signature, NOTE_SIGNATURE_BYTES);
    sodium_bin2base64(base64, sizeof base64, both, sizeof both, BASE64);
    return (size_t)snprintf(out, room, "%s%s %s\n", dash, origin, base64);
}

size_t note_sign(const struct note *note, const struct note_key *key, const uint8_t secret[static NOTE_SECRET_BYTES],
                 char out[static NOTE_MAX_BYTES])
{
    uint8_t signature[NOTE_SIGNATURE_BYTES];
    size_t text_bytes = print_text(note, out);

    crypto_sign_detached(signature, NULL, (const uint8_t *)out, text_bytes, secret);
    out[text_bytes] = '\n';
    return text_bytes + 1 +
           print_signature(key->origin, key->id, signature, out + text_bytes + 1, NOTE_MAX_BYTES - text_bytes - 1);
}

void note_print(const struct note_signed *note, char text[static NOTE_MAX_BYTES + 1])
{
    size_t at = note->text_bytes;

    memcpy(text, note->text, at);
    text[at++] = '\n';
    text[at] = '\0';
    for (unsigned i = 0; i < note->signature_count && at < NOTE_MAX_BYTES; i++)
        at += print_signature(note->note.origin, note->signatures[i].key_id, note->signatures[i].bytes, text + at,
                              NOTE_MAX_BYTES + 1 - at);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

struct line {
    const char *text;
    size_t length_bytes; /* without the line end */
};

/* The next line; 0, -EINVAL (too long, or a control character in it) or -ENODATA (its end is not there). */
static int next_line(const char **at, const char *end, struct line *out)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = newline ? newline : end;

    for (const char *byte = *at; byte < stop; byte++)
        if ((uint8_t)*byte < 0x20 || *byte == 0x7f)
            return -EINVAL;
    if (!newline)
        return -ENODATA;
    *out = (struct line){*at, (size_t)(newline - *at)};
    *at = newline + 1;
    return 0;
}

static bool begins(const struct line *line, const char *prefix)
{
    size_t prefix_bytes = strlen(prefix);

    return line->length_bytes >= prefix_bytes && memcmp(line->text, prefix, prefix_bytes) == 0;
}

static int read_months(const struct line *line, struct note *note)
{
    const char *count = line->text + 7, *end = line->text + line->length_bytes;
    const char *blank = memchr(count, ' ', (size_t)(end - count));

    if (!blank || note->has_months ||
        number_parse_u32(count, (size_t)(blank - count), 0, MONTHS_SLOTS_MAX, &note->months) < 0 ||
        !read_base64(blank + 1, (size_t)(end - blank) - 1, note->months_sum, sizeof note->months_sum))
        return -EINVAL;
    note->has_months = true;
    return 0;
}

/* Lines that we don't know are allowed: they are signed with the rest. */
static int read_extension(const struct line *line, struct note *note)
{
    for (enum note_kind kind = NOTE_FIRST; kind <= NOTE_NEXT; kind++) {
        size_t word_bytes = strlen(kind_words[kind]);

        if (!begins(line, kind_words[kind]))
            continue;
        if (note->kind != NOTE_CHECKPOINT)
            return -EINVAL;
        note->kind = kind;
        return parse_key(line->text + word_bytes, line->length_bytes - word_bytes, &note->key);
    }
    if (begins(line, "months "))
        return read_months(line, note);
    if (begins(line, "erased ")) {
        if (note->has_erased)
            return -EINVAL;
        note->has_erased = true;
        return erasure_parse(line->text, line->length_bytes, &note->erased);
    }
    if (begins(line, "time ") && line->length_bytes - 5 < sizeof note->time)
        snprintf(note->time, sizeof note->time, "%.*s", (int)line->length_bytes - 5, line->text + 5);
    return 0;
}

static int read_text(const char **at, const char *end, struct note *note)
{
    struct line line;
    int error = next_line(at, end, &line);

    if (error)
        return error;
    if (!is_origin(line.text, line.length_bytes))
        return -EINVAL;
    snprintf(note->origin, sizeof note->origin, "%.*s", (int)line.length_bytes, line.text);
    error = next_line(at, end, &line);
    if (!error && (number_parse_u64(line.text, line.length_bytes, 0, INT64_MAX, &note->size) < 0 ||
                   (line.text[0] == '0' && line.length_bytes > 1)))
        error = -EINVAL;
    if (!error)
        error = next_line(at, end, &line);
    if (!error && !read_base64(line.text, line.length_bytes, note->root, sizeof note->root))
        error = -EINVAL;
    while (!error) {
        error = next_line(at, end, &line);
        if (!error && line.length_bytes == 0)
            return 0;
        if (!error)
            error = read_extension(&line, note);
    }
    return error;
}

static void read_signature(const struct line *line, struct note_signed *out)
{
    uint8_t bytes[NOTE_KEY_ID_BYTES + NOTE_SIGNATURE_BYTES];
    size_t dash_bytes = sizeof dash - 1, name_bytes = strlen(out->note.origin);
    const char *name = line->text + dash_bytes;

    if (line->length_bytes < dash_bytes + name_bytes + 1 || memcmp(name, out->note.origin, name_bytes) != 0 ||
        name[name_bytes] != ' ' || out->signature_count == NOTE_SIGNATURES_MAX ||
        !read_base64(name + name_bytes + 1, line->length_bytes - dash_bytes - name_bytes - 1, bytes, sizeof bytes))
        return;
    memcpy(out->signatures[out->signature_count].key_id, bytes, NOTE_KEY_ID_BYTES);
    memcpy(out->signatures[out->signature_count].bytes, bytes + NOTE_KEY_ID_BYTES, NOTE_SIGNATURE_BYTES);
    out->signature_count++;
}

int note_parse(const char *bytes, size_t available_bytes, struct note_signed *out, size_t *length_bytes)
{
    bool cut = available_bytes > NOTE_MAX_BYTES;
    const char *at = bytes, *end = bytes + (cut ? NOTE_MAX_BYTES : available_bytes);
    unsigned lines = 0;
    int error;

    memset(out, 0, sizeof *out);
    error = read_text(&at, end, &out->note);
    if (error)
        return error == -ENODATA && cut ? -EINVAL : error;
    out->text_bytes = (size_t)(at - bytes) - 1; /* without the blank line */
    memcpy(out->text, bytes, out->text_bytes);
    for (;;) {
        struct line line;
        const char *start = at;

        error = next_line(&at, end, &line);
        if (error == 0 && begins(&line, dash)) {
            read_signature(&line, out);
            lines++;
            continue;
        }
        at = start;
        break;
    }
    if (lines == 0)
        return error == -ENODATA && !cut ? -ENODATA : -EINVAL;
    *length_bytes = (size_t)(at - bytes);
    return 0;
}

bool note_is_signed_by(const struct note_signed *note, const struct note_key *key)
{
    if (strcmp(note->note.origin, key->origin) != 0)
        return false;
    for (unsigned i = 0; i < note->signature_count; i++)
        if (memcmp(note->signatures[i].key_id, key->id, sizeof key->id) == 0 &&
            crypto_sign_verify_detached(note->signatures[i].bytes, (const uint8_t *)note->text, note->text_bytes,
                                        key->public_key) == 0)
            return true;
    return false;
}
