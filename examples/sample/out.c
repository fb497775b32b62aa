#include "examples/sample/out.h"

#include <stdio.h>
#include <string.h>

#include "policy/terms.h"

enum { OUT_BYTES = 1 << 18, ROW_MAX_BYTES = 4096 };

static struct out {
    char bytes[OUT_BYTES];
    size_t length_bytes;
    char delimiter;
    bool first; /* of its row */
    bool failed;
} out = {.delimiter = ',', .first = true};

static void out_flush(void)
{
    if (fwrite(out.bytes, 1, out.length_bytes, stdout) != out.length_bytes)
        out.failed = true;
    out.length_bytes = 0;
}

static void out_byte(char c)
{
    out.bytes[out.length_bytes++] = c;
}

void out_value(const char *value)
{
    bool quoted = strchr(value, out.delimiter) || strchr(value, '"');

    if (!out.first)
        out_byte(out.delimiter);
    out.first = false;
    if (quoted)
        out_byte('"');
    for (; *value; value++) {
        if (*value == '"')
            out_byte('"');
        out_byte(*value);
    }
    if (quoted)
        out_byte('"');
}

void out_end_row(void)
{
    out_byte('\n');
    out.first = true;
    if (out.length_bytes > OUT_BYTES - ROW_MAX_BYTES)
        out_flush();
}

void out_number(int number, int digits)
{
    char text[16];

    snprintf(text, sizeof text, "%0*d", digits, number);
    out_value(text);
}

void out_day(int32_t day)
{
    int year, month, month_day;
    char text[40];

    terms_date(day, &year, &month, &month_day);
    snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, month_day);
    out_value(text);
}

void out_amount(int cents)
{
    char text[32];

    snprintf(text, sizeof text, "%d%c%02d", cents / 100, out.delimiter == ';' ? ',' : '.', cents % 100);
    out_value(text);
}

void out_delimiter(char delimiter)
{
    out.delimiter = delimiter;
}

bool out_failed(void)
{
    return out.failed;
}

bool out_close(void)
{
    out_flush();
    return !out.failed && fflush(stdout) == 0;
}
