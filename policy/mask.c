#include "policy/mask.h"

#include <errno.h>
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
    *out = (struct mask){code, count};
    return 0;
}

int mask_parse(const char *text, struct mask *out)
{
    if (strcmp(text, "year") == 0)
        *out = (struct mask){MASK_YEAR, 0};
    else if (strcmp(text, "initial") == 0)
        *out = (struct mask){MASK_INITIAL, 0};
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

int mask_apply(const struct mask *mask, const char *value, size_t length_bytes, struct buffer *out)
{
    size_t characters = count_characters(value, length_bytes), stay = 0;

    if (mask->code == MASK_NONE)
        return buffer_append(out, value, length_bytes);
    if (mask->code == MASK_YEAR && is_date(value, length_bytes))
        return buffer_append(out, value, 4) || buffer_append_text(out, "-**-**") ? -ENOMEM : 0;
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
