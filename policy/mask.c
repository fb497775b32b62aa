#include "policy/mask.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "fs/base/number.h"

enum { MASK_MAX_COUNT = 16 };

static int parse_counted(const char *text, const char *word, enum mask_code code, struct mask *out)
{
    size_t length = strlen(word);
    uint32_t count;

    if (strncmp(text, word, length) != 0 || text[length] == '0' ||
        number_parse_u32(text + length, strlen(text + length), 1, MASK_MAX_COUNT, &count))
        return -EINVAL;
    *out = (struct mask){.code = code, .count = count};
    return 0;
}

int mask_parse(const char *text, struct mask *out)
{
    static const struct {
        const char *word;
        enum mask_code code;
    } plain[] = {{"year", MASK_YEAR},
                 {"initial", MASK_INITIAL},
                 {"domain", MASK_DOMAIN},
                 {"yes-no", MASK_YES_NO},
                 {"hash", MASK_HASH}};
    static const char fixed[] = "text=";

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(text, plain[i].word) == 0) {
            *out = (struct mask){.code = plain[i].code};
            return 0;
        }
    if (strncmp(text, fixed, strlen(fixed)) == 0 && text[strlen(fixed)])
        *out = (struct mask){.code = MASK_TEXT, .text = text + strlen(fixed)};
    else if (parse_counted(text, "last", MASK_LAST, out) && parse_counted(text, "first", MASK_FIRST, out))
        return -EINVAL;
    return 0;
}

void mask_describe(const struct mask *mask, struct buffer *out)
{
    const char *plural = mask->count == 1 ? "" : "s";

    switch (mask->code) {
    case MASK_NONE:
        buffer_append_text(out, "nothing hidden");
        break;
    case MASK_YEAR:
        buffer_append_text(out, "the year");
        break;
    case MASK_LAST:
        buffer_printf(out, "last %u character%s", mask->count, plural);
        break;
    case MASK_FIRST:
        buffer_printf(out, "first %u character%s", mask->count, plural);
        break;
    case MASK_INITIAL:
        buffer_append_text(out, "first letter");
        break;
    case MASK_DOMAIN:
        buffer_append_text(out, "the domain");
        break;
    case MASK_YES_NO:
        buffer_append_text(out, "only that there is one");
        break;
    case MASK_HASH:
        buffer_append_text(out, "a mark in place of the value, the same for equal values");
        break;
    case MASK_TEXT:
        buffer_printf(out, "the text '%s'", mask->text);
        break;
    }
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

static size_t count_characters(const char *value, size_t length_bytes)
{
    size_t characters = 0;

    for (size_t i = 0; i < length_bytes; i++)
        characters += begins_character(value[i]);
    return characters;
}

/* yyyy-**-**: the hyphens hide nothing and let programs still see a date. */
static bool is_date(const char *value, size_t length_bytes)
{
    if (length_bytes != 10)
        return false;
    for (size_t i = 0; i < 10; i++)
        if (i == 4 || i == 7 ? value[i] != '-' : value[i] < '0' || value[i] > '9')
            return false;
    return true;
}

/* Appends the value with all but its characters from..to (exclusive) starred. */
static int append_starred(const char *value, size_t length_bytes, size_t from, size_t to, struct buffer *out)
{
    size_t character = 0, before = out->length_bytes;
    bool stays = false;
    int error = 0;

    for (size_t i = 0; i < length_bytes && !error; i++) {
        if (begins_character(value[i])) {
            stays = character >= from && character < to;
            character++;
            error = buffer_append(out, stays ? value + i : "*", 1);
        } else if (stays) {
            error = buffer_append(out, value + i, 1);
        }
    }
    if (error)
        buffer_cut(out, before);
    return error;
}

static int append_hash(const uint8_t *key, const char *value, size_t length_bytes, struct buffer *out)
{
    uint8_t hash[crypto_generichash_BYTES_MIN];
    char text[17];

    crypto_generichash(hash, sizeof hash, (const uint8_t *)value, length_bytes, key, MASK_KEY_BYTES);
    sodium_bin2hex(text, sizeof text, hash, 8);
    return buffer_append_text(out, text);
}

/* The characters before the domain, or all of them where there is none. */
static size_t before_domain(const char *value, size_t length_bytes)
{
    const char *at = memrchr(value, '@', length_bytes);

    return count_characters(value, at ? (size_t)(at - value) + 1 : length_bytes);
}

int mask_apply(const struct mask *mask, const uint8_t *key, const char *value, size_t length_bytes,
               struct buffer *out)
{
    size_t characters = count_characters(value, length_bytes), stay = 0;

    if (mask->code == MASK_NONE)
        return buffer_append(out, value, length_bytes);
    if (mask->code == MASK_YEAR && is_date(value, length_bytes))
        return buffer_append(out, value, 4) || buffer_append_text(out, "-**-**") ? -ENOMEM : 0;
    if (mask->code == MASK_YES_NO)
        return buffer_append_text(out, "yes");
    if (mask->code == MASK_TEXT)
        return buffer_append_text(out, mask->text);
    if (mask->code == MASK_HASH && key)
        return append_hash(key, value, length_bytes, out);
    if (mask->code == MASK_DOMAIN)
        return append_starred(value, length_bytes, before_domain(value, length_bytes), characters, out);
    if (mask->code == MASK_INITIAL)
        stay = 1;
    else if (mask->code == MASK_LAST || mask->code == MASK_FIRST)
        stay = mask->count;
    if (stay >= characters)
        stay = 0;
    if (mask->code == MASK_LAST)
        return append_starred(value, length_bytes, characters - stay, characters, out);
    return append_starred(value, length_bytes, 0, stay, out);
}
