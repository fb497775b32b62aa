#include "fs/base/safe.h"

#include <errno.h>
#include <string.h>
#include <utf8proc.h>

int32_t safe_character(const char *text, size_t *length_bytes)
{
    utf8proc_int32_t character;
    utf8proc_ssize_t length =
        utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)strnlen(text, 4), &character);

    *length_bytes = length > 0 ? (size_t)length : 1;
    return length > 0 ? character : -1;
}

static bool steers(int32_t character)
{
    return character < 0x20 || (character >= 0x7F && character < 0xA0) || character == 0x061C ||
           character == 0x200E || character == 0x200F || (character >= 0x2028 && character <= 0x202E) ||
           (character >= 0x2066 && character <= 0x2069) || character == 0xFEFF;
}

/* Appends the character that the text begins with; returns its length. */
static size_t append_character(struct buffer *out, const char *text)
{
    size_t length_bytes;
    int32_t character = safe_character(text, &length_bytes);

    if (character >= 0 && !steers(character))
        buffer_append(out, text, length_bytes);
    else if (character > 0xFF)
        buffer_printf(out, "\\u%04X", (unsigned)character);
    else
        buffer_printf(out, "\\x%02X", (unsigned)(uint8_t)(character < 0 ? *text : character));
    return length_bytes;
}

int safe_text(struct buffer *out, const char *text)
{
    while (*text)
        text += append_character(out, text);
    return out->failed ? -ENOMEM : 0;
}

static bool begins_formula(const char *text)
{
    /* U+FF1D, U+FF0B, U+FF0D, U+FF20: a spreadsheet with an East Asian language takes them for the narrow ones. */
    static const char *const wide[] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};

    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (strncmp(text, wide[i], 3) == 0)
            return true;
    return strchr("=+-@", *text) != NULL;
}

int safe_csv(struct buffer *out, const char *text)
{
    bool cell_begins = true;

    buffer_append_u8(out, '"');
    while (*text) {
        if (cell_begins && begins_formula(text))
            buffer_append_u8(out, '\'');
        cell_begins = *text == ';';
        if (*text == '"')
            buffer_append_u8(out, '"');
        text += append_character(out, text);
    }
    buffer_append_u8(out, '"');
    return out->failed ? -ENOMEM : 0;
}
