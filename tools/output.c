#include "tools/output.h"

#include <errno.h>
#include <string.h>

#include "fs/base/safe.h"

int output_json(FILE *out, json_t *object)
{
    int result;

    if (!object)
        return -ENOMEM;
    result = json_dumpf(object, out, JSON_COMPACT) < 0 || fputc('\n', out) == EOF ? -EIO : 0;
    json_decref(object);
    return result;
}

json_t *output_json_text(const char *text)
{
    struct buffer clean = BUFFER_EMPTY;
    json_t *string = json_string(text); /* NULL also for what is no UTF-8 */

    if (string)
        return string;
    while (*text) {
        size_t length_bytes;
        int32_t character = safe_character(text, &length_bytes);

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

int output_safe(struct buffer *out, const char *text)
{
    return safe_text(out, text);
}

int output_csv_safe(FILE *out, const char *text)
{
    struct buffer cell = BUFFER_EMPTY;
    int result = safe_csv(&cell, text);

    if (result == 0 && fwrite(cell.bytes, 1, cell.length_bytes, out) != cell.length_bytes)
        result = -EIO;
    buffer_clear(&cell);
    return result;
}
