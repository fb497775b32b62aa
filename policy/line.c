#include "policy/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void __attribute__((format(printf, 2, 3))) refuse(struct line *line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line->fault, sizeof line->fault, format, arguments);
    va_end(arguments);
    line->shape = LINE_FAULT;
}

/* Characters that a person can't see, or that show a line in another order than it is read: a policy that looks
 * different from what it says is no policy. */
static bool is_unseen(utf8proc_int32_t c)
{
    return (c < 0x20 && c != '\t') || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x061c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb);
}

/* inih and this reader have to mean the same by each byte, so the bytes are checked before anything else. */
static bool check_characters(struct line *line)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)line->text;
    utf8proc_ssize_t length = (utf8proc_ssize_t)line->length_bytes;
    utf8proc_int32_t c;

    for (utf8proc_ssize_t at = 0, step; at < length; at += step) {
        if (bytes[at] == 0) {
            refuse(line, "a NUL byte; allowed: text in UTF-8");
            return false;
        }
        step = utf8proc_iterate(bytes + at, length - at, &c);
        if (step <= 0) {
            refuse(line, "byte %zu of the line is not UTF-8; allowed: text in UTF-8", (size_t)at + 1);
            return false;
        }
        if (is_unseen(c)) {
            refuse(line, "a control or invisible character (U+%04X); allowed: visible text", (unsigned)c);
            return false;
        }
    }
    return true;
}

static void read_section(struct line *line)
{
    const char *begin = line->text + 1, *end = line->text + line->length_bytes;
    const char *close = memchr(begin, ']', (size_t)(end - begin));
    size_t length_bytes;

    if (!close) {
        refuse(line, "'[' without ']'; a section is written [word] or [word name]");
        return;
    }
    length_bytes = (size_t)(close - begin);
    if (length_bytes > LINE_SECTION_MAX_BYTES) {
        refuse(line, "the section's name has %zu bytes; at most %d are read", length_bytes, LINE_SECTION_MAX_BYTES);
        return;
    }
    /* inih takes " ;" as a comment even between brackets, and would stay in the section before. */
    if (memchr(begin, ';', length_bytes)) {
        refuse(line, "';' between the brackets; a section is written [word] or [word name]");
        return;
    }
    for (const char *rest = close + 1; rest < end; rest++) {
        if (*rest == ';')
            break;
        if (!is_blank(*rest)) {
            refuse(line, "text behind ']'; allowed: a comment that begins with ';'");
            return;
        }
    }
    memcpy(line->section, begin, length_bytes);
    line->section[length_bytes] = '\0';
    line->shape = LINE_SECTION;
}

/* The value as far as inih reads it: to a ';' behind a blank. */
static bool check_value(struct line *line, const char *value, const char *end)
{
    bool after_blank = false;

    for (const char *at = value; at < end; at++) {
        if (*at == ';' && after_blank)
            return true;
        if (*at == ';' && at == value) {
            refuse(line,
                   "';' directly behind '='; a comment needs a blank before it, and a value can't begin with ';'");
            return false;
        }
        if (*at == '#' && (after_blank || at == value)) {
            refuse(line, "'#' behind a value is no comment; behind a value, write ' ;'");
            return false;
        }
        after_blank = is_blank(*at);
    }
    return true;
}

static void read_pair(struct line *line)
{
    const char *end = line->text + line->length_bytes;
    bool after_blank = false;

    for (const char *at = line->text; at < end; at++) {
        if (*at == '=') {
            if (check_value(line, at + 1, end))
                line->shape = LINE_PAIR;
            return;
        }
        if (*at == ':') {
            refuse(line, "':' before the first '='; a key is written key = value");
            return;
        }
        if (*at == ';' && after_blank)
            break;
        after_blank = is_blank(*at);
    }
    refuse(line, "neither a [section], nor key = value, nor a comment (; or # first)");
}

static void read_line(struct line *line)
{
    const char *end = line->text + line->length_bytes, *first = line->text;

    while (first < end && is_blank(*first))
        first++;
    line->begins_section = first < end && *first == '[';
    if (!check_characters(line))
        return;
    if (line->length_bytes > LINE_MAX_BYTES) {
        refuse(line, "the line has %zu bytes; at most %d are read (a long list goes on with key += more)",
               line->length_bytes, LINE_MAX_BYTES);
        return;
    }
    if (first == end || *first == ';' || *first == '#')
        line->shape = LINE_BLANK;
    else if (first > line->text)
        refuse(line, "the line is indented; every section and key begins in the first column");
    else if (*first == '[')
        read_section(line);
    else
        read_pair(line);
}

void line_reader_init(struct line_reader *reader, const char *text, size_t length_bytes)
{
    *reader = (struct line_reader){.at = text, .end = text + length_bytes};
    if (length_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        reader->at += 3;
}

bool line_next(struct line_reader *reader, struct line *line)
{
    const char *stop;

    if (reader->at == reader->end)
        return false;
    stop = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    *line = (struct line){.number = ++reader->number, .text = reader->at, .shape = LINE_FAULT};
    line->length_bytes = (size_t)((stop ? stop : reader->end) - reader->at);
    reader->at = stop ? stop + 1 : reader->end;
    if (line->length_bytes > 0 && line->text[line->length_bytes - 1] == '\r')
        line->length_bytes--;
    read_line(line);
    return true;
}
