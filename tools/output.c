#include "tools/output.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

int output_json(FILE *out, json_t *object)
{
    int result;

    if (!object)
        return -ENOMEM;
    result = json_dumpf(object, out, JSON_COMPACT) < 0 || fputc('\n', out) == EOF ? -EIO : 0;
    json_decref(object);
    return result;
}

/* The next character of a text, and its length; -1: a byte that is no UTF-8 (length 1). */
static utf8proc_int32_t next_character(const char *text, size_t *length_bytes)
{
    utf8proc_int32_t character;
    utf8proc_ssize_t length =
        utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)strnlen(text, 4), &character);

    *length_bytes = length > 0 ? (size_t)length : 1;
    return length > 0 ? character : -1;
}

json_t *output_json_text(const char *text)
{
    struct buffer clean = BUFFER_EMPTY;
    json_t *string = json_string(text); /* NULL also for what is no UTF-8 */

    if (string)
        return string;
    while (*text) {
        size_t length_bytes;
        utf8proc_int32_t character = next_character(text, &length_bytes);

        buffer_append(&clean, character < 0 ? "\xEF\xBF\xBD" : text, character < 0 ? 3 : length_bytes);
        text += length_bytes;
    }
    string = clean.failed ? NULL : json_string(buffer_text(&clean));
    buffer_clear(&clean);
    return string;
}

void output_csv(FILE *out, const char *value, size_t value_bytes)
{
    fputc('"', out);
    for (size_t i = 0; i < value_bytes; i++) {
        if (value[i] == '"')
            fputc('"', out);
        fputc(value[i], out);
    }
    fputc('"', out);
}

static bool steers(utf8proc_int32_t character)
{
    return character < 0x20 || (character >= 0x7F && character < 0xA0) || character == 0x061C ||
           character == 0x200E || character == 0x200F || (character >= 0x2028 && character <= 0x202E) ||
           (character >= 0x2066 && character <= 0x2069) || character == 0xFEFF;
}

int output_safe(struct buffer *out, const char *text)
{
    while (*text) {
        size_t length_bytes;
        utf8proc_int32_t character = next_character(text, &length_bytes);

        if (character >= 0 && !steers(character))
            buffer_append(out, text, length_bytes);
        else if (character > 0xFF)
            buffer_printf(out, "\\u%04X", (unsigned)character);
        else
            buffer_printf(out, "\\x%02X", (unsigned)(uint8_t)(character < 0 ? *text : character));
        text += length_bytes;
    }
    return out->failed ? -ENOMEM : 0;
}

static bool begins_formula(const char *text)
{
    /* U+FF1D, U+FF0B, U+FF0D, U+FF20: a spreadsheet with an East Asian language takes them for the narrow ones. */
    static const char *const wide[] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"};

    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (strncmp(text, wide[i], 3) == 0)
            return true;
    return *text && strchr("=+-@", *text);
}

int output_csv_safe(FILE *out, const char *text)
{
    struct buffer safe = BUFFER_EMPTY, cell = BUFFER_EMPTY;
    int result = output_safe(&safe, text);
    const char *at = result == 0 ? buffer_text(&safe) : "";

    for (const char *next; *at; at = next) {
        size_t part_bytes = strcspn(at, ";");

        if (begins_formula(at))
            buffer_append(&cell, "'", 1);
        next = at + part_bytes + (at[part_bytes] == ';');
        buffer_append(&cell, at, (size_t)(next - at));
    }
    if (safe.failed || cell.failed)
        result = -ENOMEM;
    if (result == 0)
        output_csv(out, buffer_text(&cell), cell.length_bytes);
    buffer_clear(&safe);
    buffer_clear(&cell);
    return result;
}
