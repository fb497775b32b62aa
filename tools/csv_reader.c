#include "tools/csv_reader.h"

#include <csv.h>
#include <errno.h>
#include <iconv.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/buffer.h"

enum {
    CHUNK_BYTES = 65536,
    READ_AGAIN_MAX_BYTES = 64 << 20, /* in one file: a file full of stray quotes must not be read over and over */
};

struct csv_reader {
    FILE *in;
    char delimiter;
    iconv_t decoder;
    enum csv_reader_encoding encoding;
    struct csv_parser parser;
    bool has_parser;

    struct buffer chunk; /* what was read from the stream, from chunk_at on not yet taken */
    size_t chunk_at;
    size_t first_line_bytes; /* of the row's first line in `raw`, with its line end */
    size_t read_again_bytes; /* in all */
    struct buffer raw;       /* the row's lines as read */
    struct buffer decoded;   /* its newest line as UTF-8 */
    struct buffer text;      /* its values behind each other */
    size_t *ends;            /* where each value ends in `text` */
    struct csv_value *values;
    size_t count, room; /* values; room in both arrays */

    unsigned long line;     /* of the newest line */
    unsigned long row_line; /* where the row began */
    unsigned rows_ended;    /* in the newest line */
    bool more_after_row;    /* a value came behind the row's end, in the same line */
    bool failed;            /* no memory in a callback */
};

/* ---- libcsv --------------------------------------------------------------------------------------------------- */

static void wipe_free(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

/* libcsv holds one value in memory that it grows: the old place is wiped. */
static void *wipe_realloc(void *memory, size_t size_bytes)
{
    size_t old_bytes = memory ? malloc_usable_size(memory) : 0;
    void *grown = malloc(size_bytes);

    if (!grown)
        return NULL;
    if (memory)
        memcpy(grown, memory, old_bytes < size_bytes ? old_bytes : size_bytes);
    wipe_free(memory);
    return grown;
}

static void restart_parser(struct csv_reader *reader)
{
    if (reader->has_parser)
        csv_free(&reader->parser);
    csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&reader->parser, (unsigned char)reader->delimiter);
    csv_set_realloc_func(&reader->parser, wipe_realloc);
    csv_set_free_func(&reader->parser, wipe_free);
    reader->has_parser = true;
}

static bool make_room(struct csv_reader *reader)
{
    size_t room = reader->room ? reader->room * 2 : 64;
    size_t *ends = reallocarray(reader->ends, room, sizeof *ends);
    struct csv_value *values;

    if (!ends)
        return false;
    reader->ends = ends;
    values = reallocarray(reader->values, room, sizeof *values);
    if (!values)
        return false;
    reader->values = values;
    reader->room = room;
    return true;
}

static void on_value(void *value, size_t length_bytes, void *context)
{
    struct csv_reader *reader = context;

    if (reader->rows_ended > 0)
        reader->more_after_row = true;
    /* A row of a million commas is told by its count; its values are of no use. */
    if (reader->rows_ended > 0 || reader->count > CSV_READER_MAX_COLUMNS)
        return;
    if (reader->count == reader->room && !make_room(reader)) {
        reader->failed = true;
        return;
    }
    if (value && buffer_append(&reader->text, value, length_bytes) < 0)
        reader->failed = true;
    reader->ends[reader->count++] = reader->text.length_bytes;
}

static void on_row_end(int terminator, void *context)
{
    struct csv_reader *reader = context;

    (void)terminator;
    reader->rows_ended++;
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

/* More of the stream. 1, 0 at its end, negative if it failed. */
static int read_chunk(struct csv_reader *reader)
{
    uint8_t *to;

    buffer_reset(&reader->chunk);
    reader->chunk_at = 0;
    to = buffer_reserve(&reader->chunk, CHUNK_BYTES);
    if (!to)
        return -ENOMEM;
    errno = 0;
    reader->chunk.length_bytes = fread(to, 1, CHUNK_BYTES, reader->in);
    if (ferror(reader->in))
        return errno ? -errno : -EIO;
    return reader->chunk.length_bytes > 0;
}

/* Appends the next line with its line end to `raw`, or, once the row is too long, drops it. 1, 0 at the end, negative;
 * *too_long tells whether something was dropped. */
static int read_line(struct csv_reader *reader, bool *too_long)
{
    size_t at = reader->raw.length_bytes;
    bool any = false;

    *too_long = false;
    for (;;) {
        const uint8_t *from, *end;
        size_t length_bytes;

        if (reader->chunk_at >= reader->chunk.length_bytes) {
            int result = read_chunk(reader);

            if (result <= 0)
                return result < 0 ? result : any;
        }
        from = reader->chunk.bytes + reader->chunk_at;
        end = memchr(from, '\n', reader->chunk.length_bytes - reader->chunk_at);
        length_bytes = end ? (size_t)(end + 1 - from) : reader->chunk.length_bytes - reader->chunk_at;
        reader->chunk_at += length_bytes;
        any = true;
        /* The line that takes a row over the limit is read whole, unless it is too long by itself: see read_again(). */
        if (*too_long || reader->raw.length_bytes - at + length_bytes > CSV_READER_ROW_MAX_BYTES)
            *too_long = true;
        else if (buffer_append(&reader->raw, from, length_bytes) < 0)
            return -ENOMEM;
        if (end)
            return 1;
    }
}

/* ---- encoding ------------------------------------------------------------------------------------------------- */

/* The place of a byte as a person counts: characters of the line, from 1. */
static unsigned long character_at(const char *line, size_t at, bool utf8)
{
    unsigned long count = 1;

    for (size_t i = 0; i < at; i++)
        count += !utf8 || ((unsigned char)line[i] & 0xC0) != 0x80;
    return count;
}

/* A fault's text; true so that the caller can pass it on. */
static bool say(struct report_why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool say(struct report_why *why, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    return true;
}

/* Decodes the newest line (from `at` in raw). True: a fault. */
static bool decode_line(struct csv_reader *reader, size_t at, struct report_why *why)
{
    char *from = (char *)reader->raw.bytes + at;
    size_t left = reader->raw.length_bytes - at;
    const char *line = from;
    const void *nul = memchr(from, 0, left);
    char *to;
    size_t room = left * 3; /* no character of either encoding becomes longer than three bytes a byte */

    if (nul)
        return say(why, "character %lu is a NUL byte; is this a text file in UTF-16, or no text at all?",
                   character_at(line, (size_t)((const char *)nul - line), false));
    buffer_reset(&reader->decoded);
    to = (char *)buffer_reserve(&reader->decoded, room + 1);
    if (!to) {
        reader->failed = true;
        return true;
    }
    iconv(reader->decoder, NULL, NULL, NULL, NULL);
    if (iconv(reader->decoder, &from, &left, &to, &room) == (size_t)-1) {
        bool utf8 = reader->encoding == CSV_READER_UTF8;

        return say(why,
                   utf8 ? "character %lu is not UTF-8 (is the file in another encoding? --encoding windows-1252)"
                        : "character %lu does not exist in windows-1252 (is the file in UTF-8? --encoding utf-8)",
                   character_at(line, (size_t)(from - line), utf8));
    }
    reader->decoded.length_bytes = (size_t)(to - (char *)reader->decoded.bytes);
    return false;
}

static void skip_mark(struct csv_reader *reader)
{
    static const uint8_t mark[] = {0xEF, 0xBB, 0xBF};
    struct buffer *raw = &reader->raw;

    if (reader->encoding != CSV_READER_UTF8 || raw->length_bytes < 3 || memcmp(raw->bytes, mark, 3) != 0)
        return;
    memmove(raw->bytes, raw->bytes + 3, raw->length_bytes - 3);
    buffer_cut(raw, raw->length_bytes - 3);
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

static bool parse_line(struct csv_reader *reader, struct report_why *why)
{
    const char *line = (const char *)reader->decoded.bytes;
    size_t done = csv_parse(&reader->parser, line, reader->decoded.length_bytes, on_value, on_row_end, reader);

    if (done < reader->decoded.length_bytes) {
        unsigned long at = character_at(line, done, true);

        if (csv_error(&reader->parser) != CSV_EPARSE)
            reader->failed = true;
        if (reader->line != reader->row_line)
            return say(why,
                       "a quote opens here that nothing closes before line %lu, where the quote at character %lu "
                       "fits nothing",
                       reader->line, at);
        return say(why,
                   "character %lu: a quote in the wrong place (a value with quotes in it is quoted as a whole, and "
                   "each quote in it is doubled)",
                   at);
    }
    if (reader->rows_ended > 1 || reader->more_after_row || (reader->rows_ended == 1 && reader->parser.pstate != 0))
        return say(why, "line %lu holds a carriage return that ends no line", reader->line);
    return false;
}

/* The last line may lack its end. */
static bool finish_row(struct csv_reader *reader, struct report_why *why)
{
    if (csv_fini(&reader->parser, on_value, on_row_end, reader) == 0)
        return false;
    return say(why, "a quote opens here that nothing closes before the end of the file");
}

/* A stray quote makes one row of many lines: only its first line is at fault, and the others are given back to be read
 * again, so that no good row is lost with it. */
static void read_again(struct csv_reader *reader)
{
    size_t back_bytes = reader->raw.length_bytes - reader->first_line_bytes;
    struct buffer chunk = BUFFER_EMPTY;

    if (back_bytes == 0 || reader->read_again_bytes + back_bytes > READ_AGAIN_MAX_BYTES)
        return;
    buffer_append(&chunk, reader->raw.bytes + reader->first_line_bytes, back_bytes);
    buffer_append(&chunk, reader->chunk.bytes + reader->chunk_at, reader->chunk.length_bytes - reader->chunk_at);
    if (chunk.failed) {
        buffer_clear(&chunk); /* then the whole row is at fault */
        return;
    }
    reader->read_again_bytes += back_bytes;
    buffer_move(&reader->chunk, &chunk);
    reader->chunk_at = 0;
    buffer_cut(&reader->raw, reader->first_line_bytes);
    reader->line = reader->row_line;
}

/* Where the row began, and its lines without the last line end. */
static struct csv_row place_of(const struct csv_reader *reader)
{
    const char *raw = (const char *)reader->raw.bytes;
    size_t raw_bytes = reader->raw.length_bytes;

    if (raw_bytes > 0 && raw[raw_bytes - 1] == '\n')
        raw_bytes--;
    if (raw_bytes > 0 && raw[raw_bytes - 1] == '\r')
        raw_bytes--;
    return (struct csv_row){.line = reader->row_line, .raw = raw, .raw_bytes = raw_bytes};
}

static enum csv_reader_result fault_of(struct csv_reader *reader, bool too_long, struct csv_row *row,
                                       struct report_why *why)
{
    restart_parser(reader);
    if (reader->failed) {
        say(why, "no memory");
        return CSV_READER_BROKEN;
    }
    if (!too_long)
        read_again(reader);
    *row = place_of(reader);
    if (too_long)
        row->raw_bytes = 0;
    return CSV_READER_FAULT;
}

static enum csv_reader_result row_of(struct csv_reader *reader, struct csv_row *row, struct report_why *why)
{
    size_t start = 0;

    if (reader->failed || reader->count > CSV_READER_MAX_COLUMNS) {
        snprintf(why->text, sizeof why->text, "the row has more than %d values", CSV_READER_MAX_COLUMNS);
        return fault_of(reader, false, row, why);
    }
    *row = place_of(reader);
    for (size_t i = 0; i < reader->count; i++) {
        /* All values may be empty, and then there is no text. */
        reader->values[i] =
            (struct csv_value){.text = reader->text.bytes ? (const char *)reader->text.bytes + start : "",
                               .length_bytes = reader->ends[i] - start};
        start = reader->ends[i];
    }
    row->values = reader->values;
    row->count = reader->count;
    return CSV_READER_ROW;
}

static void begin_row(struct csv_reader *reader)
{
    reader->first_line_bytes = 0;
    buffer_reset(&reader->raw);
    buffer_reset(&reader->text);
    reader->count = 0;
    reader->rows_ended = 0;
    reader->more_after_row = false;
    reader->row_line = reader->line + 1;
}

enum csv_reader_result csv_reader_next(struct csv_reader *reader, struct csv_row *row, struct report_why *why)
{
    begin_row(reader);
    for (;;) {
        size_t at = reader->raw.length_bytes;
        bool too_long = false;
        int result;

        if (at > CSV_READER_ROW_MAX_BYTES) {
            say(why, "a quote opens here that nothing closes within %d bytes", CSV_READER_ROW_MAX_BYTES);
            return fault_of(reader, false, row, why);
        }
        result = read_line(reader, &too_long);

        if (result < 0) {
            snprintf(why->text, sizeof why->text, "reading broke off: %s", strerror(-result));
            return CSV_READER_BROKEN;
        }
        if (result == 0 && reader->parser.pstate == 0)
            return CSV_READER_END;
        if (result == 0) {
            if (finish_row(reader, why))
                return fault_of(reader, false, row, why);
            return row_of(reader, row, why);
        }
        reader->line++;
        if (too_long) {
            say(why, "the row is longer than %d bytes", CSV_READER_ROW_MAX_BYTES);
            return fault_of(reader, true, row, why);
        }
        if (reader->line == 1)
            skip_mark(reader);
        if (at == 0)
            reader->first_line_bytes = reader->raw.length_bytes;
        if (decode_line(reader, at, why) || parse_line(reader, why))
            return fault_of(reader, false, row, why);
        if (reader->rows_ended == 1)
            return row_of(reader, row, why);
        if (reader->parser.pstate == 0)
            begin_row(reader); /* a blank line */
    }
}

/* ---- making --------------------------------------------------------------------------------------------------- */

int csv_reader_new(FILE *in, char delimiter, enum csv_reader_encoding encoding, struct csv_reader **out)
{
    struct csv_reader *reader = calloc(1, sizeof *reader);

    if (!reader)
        return -ENOMEM;
    reader->decoder = iconv_open("UTF-8", encoding == CSV_READER_UTF8 ? "UTF-8" : "CP1252");
    if (reader->decoder == (iconv_t)-1) {
        free(reader);
        return -ENOTSUP;
    }
    reader->in = in;
    reader->delimiter = delimiter;
    reader->encoding = encoding;
    restart_parser(reader);
    *out = reader;
    return 0;
}

void csv_reader_free(struct csv_reader *reader)
{
    if (!reader)
        return;
    csv_free(&reader->parser);
    iconv_close(reader->decoder);
    buffer_clear(&reader->chunk);
    buffer_clear(&reader->raw);
    buffer_clear(&reader->decoded);
    buffer_clear(&reader->text);
    free(reader->ends);
    free(reader->values);
    free(reader);
}
