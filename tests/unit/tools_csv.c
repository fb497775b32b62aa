/* Goal: the CSV reader gives the rows that are there, names every fault with its line, loses no good row beside a bad one, and
 * stays within its memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/buffer.h"
#include "tools/csv_reader.h"

/* What reading a text gives, written down: "1:[a][b]", "2!why". */
static char *read_text(const char *text, size_t text_bytes, char delimiter, enum csv_reader_encoding encoding)
{
    static struct buffer seen;
    FILE *in = fmemopen((void *)text, text_bytes, "r");
    struct csv_reader *reader = NULL;
    enum csv_reader_result result = CSV_READER_ROW;

    assert_non_null(in);
    assert_int_equal(csv_reader_new(in, delimiter, encoding, &reader), 0);
    buffer_clear(&seen);
    while (result == CSV_READER_ROW || result == CSV_READER_FAULT) {
        struct report_why why = {""};
        struct csv_row row = {0};

        result = csv_reader_next(reader, &row, &why);
        if (result == CSV_READER_ROW) {
            buffer_printf(&seen, "%lu:", row.line);
            for (size_t i = 0; i < row.count; i++)
                buffer_printf(&seen, "[%.*s]", (int)row.values[i].length_bytes, row.values[i].text);
            buffer_append_text(&seen, "\n");
        } else if (result == CSV_READER_FAULT) {
            buffer_printf(&seen, "%lu!%s\n", row.line, why.text);
        }
    }
    assert_int_equal(result, CSV_READER_END);
    csv_reader_free(reader);
    fclose(in);
    assert_false(seen.failed);
    return (char *)buffer_text(&seen);
}

static void expect(const char *text, const char *seen)
{
    assert_string_equal(read_text(text, strlen(text), ',', CSV_READER_UTF8), seen);
}

static void expect_part(const char *text, size_t text_bytes, enum csv_reader_encoding encoding, const char *part)
{
    const char *seen = read_text(text, text_bytes, ',', encoding);

    if (!strstr(seen, part))
        fail_msg("\"%s\" does not hold \"%s\"", seen, part);
}

static void reads_what_is_there(void **state)
{
    (void)state;
    expect("a,b\nc,d\n", "1:[a][b]\n2:[c][d]\n");
    expect("a,b\r\nc,d\r\n", "1:[a][b]\n2:[c][d]\n");
    expect("a,b\nc,d", "1:[a][b]\n2:[c][d]\n");
    expect("\xEF\xBB\xBF"
           "a,b\n",
           "1:[a][b]\n");
    expect("\n\r\n a , b \n   \nc,\n", "3:[a][b]\n5:[c][]\n");
    expect("\"a,\"\"b\"\"\",\" c \"\n", "1:[a,\"b\"][ c ]\n");
    expect("\"a\nb\r\nc\",d\ne,f\n", "1:[a\nb\r\nc][d]\n4:[e][f]\n");
    expect(",\n,", "1:[][]\n2:[][]\n");
    assert_string_equal(read_text("a;b,c\n", 6, ';', CSV_READER_UTF8), "1:[a][b,c]\n");
    assert_string_equal(read_text("a\tb\t\n", 5, '\t', CSV_READER_UTF8), "1:[a][b][]\n");
}

static void empty_file_has_no_rows(void **state)
{
    (void)state;
    expect("\n", "");
    expect("\xEF\xBB\xBF\n", "");
}

static void quotes_in_the_wrong_place(void **state)
{
    (void)state;
    expect_part("a,b\nc\"d,e\nf,g\n", 14, CSV_READER_UTF8, "2!character 2: a quote in the wrong place");
    expect_part("a,b\nc\"d,e\nf,g\n", 14, CSV_READER_UTF8, "3:[f][g]\n");
    expect_part("a,b\n\"c\"d,e\n", 11, CSV_READER_UTF8, "2!character 4: ");
    expect_part("a,b\nc,\"d\n", 9, CSV_READER_UTF8, "2!a quote opens here that nothing closes before the end");
    /* Only the line of the stray quote is lost, whatever comes behind it. */
    expect("a,b\n\"c,d\ne,f\ng,h\n",
           "1:[a][b]\n2!a quote opens here that nothing closes before the end of the file\n3:[e][f]\n4:[g][h]\n");
    expect("a,b\n\"c,d\ne,f\ng,\"h\"\n",
           "1:[a][b]\n2!a quote opens here that nothing closes before line 4, where the quote at character 4 fits "
           "nothing\n3:[e][f]\n4:[g][h]\n");
}

static void other_line_ends(void **state)
{
    (void)state;
    expect("a,b\rc,d\re,f\n", "1!line 1 holds a carriage return that ends no line\n");
    expect("a,b\rc\nd,e\n", "1!line 1 holds a carriage return that ends no line\n2:[d][e]\n");
}

static void nul_bytes(void **state)
{
    (void)state;
    expect_part("a,b\nc,\0d\ne,f\n", 13, CSV_READER_UTF8, "2!character 3 is a NUL byte");
    expect_part("a,b\nc,\0d\ne,f\n", 13, CSV_READER_UTF8, "3:[e][f]\n");
    expect_part("\xFF\xFE"
                "a\0,\0b\0\n\0",
                10, CSV_READER_UTF8, "NUL byte");
}

static void encodings(void **state)
{
    (void)state;
    expect_part("a,b\nd\xC3\xA9,\xE9"
                "e\nf,g\n",
                15, CSV_READER_UTF8, "2!character 4 is not UTF-8");
    expect_part("a,b\nd\xC3\xA9,\xE9"
                "e\nf,g\n",
                15, CSV_READER_UTF8, "3:[f][g]\n");
    expect_part("a,\xED\xA0\x80\n", 6, CSV_READER_UTF8, "1!character 3 is not UTF-8");
    expect_part("a,\xC0\x80\n", 5, CSV_READER_UTF8, "1!character 3 is not UTF-8");
    expect_part("a,b\xC3\n", 5, CSV_READER_UTF8, "1!character 4 is not UTF-8");
    expect_part("caf\xE9,\x80\n", 7, CSV_READER_WINDOWS_1252, "1:[caf\xC3\xA9][\xE2\x82\xAC]\n");
    expect_part("a\x81,b\n", 5, CSV_READER_WINDOWS_1252, "1!character 2 does not exist in windows-1252");
    for (const char *undefined = "\x81\x8D\x8F\x90\x9D"; *undefined; undefined++) {
        char text[] = {'x', ',', *undefined, '\n'};

        expect_part(text, sizeof text, CSV_READER_WINDOWS_1252, "does not exist in windows-1252");
    }
}

/* Ten megabytes in one line, in one quoted value of many lines, and in commas. */
static void too_long(void **state)
{
    enum { LONG_BYTES = 10 << 20 };
    char *text = malloc(LONG_BYTES + 16);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', LONG_BYTES);
    memcpy(text, "a,b\n", 4);
    memcpy(text + LONG_BYTES, "\nc,d\n", 5);
    assert_string_equal(read_text(text, LONG_BYTES + 5, ',', CSV_READER_UTF8),
                        "1:[a][b]\n2!the row is longer than 1048576 bytes\n3:[c][d]\n");
    memset(text + 4, ',', LONG_BYTES - 4);
    assert_string_equal(read_text(text, LONG_BYTES + 5, ',', CSV_READER_UTF8),
                        "1:[a][b]\n2!the row is longer than 1048576 bytes\n3:[c][d]\n");
    memset(text + 4, ',', 5000);
    assert_string_equal(read_text(text, 5004, ',', CSV_READER_UTF8),
                        "1:[a][b]\n2!the row has more than 4096 values\n");
    /* One quote, and after it a million lines: it costs its line. */
    memset(text + 4, '\n', LONG_BYTES - 4);
    text[4] = '"';
    assert_string_equal(read_text(text, 3 << 20, ',', CSV_READER_UTF8),
                        "1:[a][b]\n2!a quote opens here that nothing closes within 1048576 bytes\n");
    free(text);
}

/* A quote in every line: each is told, each good row between is read. */
static void stray_quotes_everywhere(void **state)
{
    enum { LINES = 20000 };
    struct buffer text = BUFFER_EMPTY;
    const char *seen;
    int faults = 0, rows = 0;

    (void)state;
    for (int i = 0; i < LINES; i++)
        buffer_append_text(&text, i % 2 ? "good,row\n" : "\"aaaa,b\n");
    seen = read_text((const char *)text.bytes, text.length_bytes, ',', CSV_READER_UTF8);
    for (const char *line = seen; *line; line = strchr(line, '\n') + 1) {
        const char *mark = line + strspn(line, "0123456789");

        faults += strncmp(mark, "!a quote opens here", 19) == 0;
        rows += strncmp(mark, ":[good][row]\n", 13) == 0;
    }
    assert_int_equal(faults, LINES / 2);
    assert_int_equal(rows, LINES / 2);
    buffer_clear(&text);
}

/* The row as it stands in the file is kept for the rejects, in the file's own encoding. */
static void raw_rows(void **state)
{
    const char text[] = "a,b\r\n\"c\r\nd\",caf\xE9\r\n";
    FILE *in = fmemopen((void *)text, sizeof text - 1, "r");
    struct csv_reader *reader = NULL;
    struct report_why why;
    struct csv_row row;

    (void)state;
    assert_int_equal(csv_reader_new(in, ',', CSV_READER_WINDOWS_1252, &reader), 0);
    assert_int_equal(csv_reader_next(reader, &row, &why), CSV_READER_ROW);
    assert_int_equal(row.raw_bytes, 3);
    assert_int_equal(csv_reader_next(reader, &row, &why), CSV_READER_ROW);
    assert_int_equal(row.raw_bytes, 11);
    assert_memory_equal(row.raw, "\"c\r\nd\",caf\xE9", 11);
    csv_reader_free(reader);
    fclose(in);
}

static ssize_t fail_to_read(void *cookie, char *to, size_t length_bytes)
{
    unsigned *calls = cookie;

    if ((*calls)++ > 0)
        return -1;
    memcpy(to, "a,b\nc,", length_bytes < 6 ? length_bytes : 6);
    return 6;
}

/* A stream that breaks off is no end of a file. */
static void broken_stream(void **state)
{
    unsigned calls = 0;
    FILE *in = fopencookie(&calls, "r", (cookie_io_functions_t){.read = fail_to_read});
    struct csv_reader *reader = NULL;
    struct report_why why;
    struct csv_row row;
    enum csv_reader_result result = CSV_READER_ROW;

    (void)state;
    assert_int_equal(csv_reader_new(in, ',', CSV_READER_UTF8, &reader), 0);
    while (result == CSV_READER_ROW)
        result = csv_reader_next(reader, &row, &why);
    assert_int_equal(result, CSV_READER_BROKEN);
    csv_reader_free(reader);
    fclose(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_there),
        cmocka_unit_test(empty_file_has_no_rows),
        cmocka_unit_test(quotes_in_the_wrong_place),
        cmocka_unit_test(other_line_ends),
        cmocka_unit_test(nul_bytes),
        cmocka_unit_test(encodings),
        cmocka_unit_test(too_long),
        cmocka_unit_test(stray_quotes_everywhere),
        cmocka_unit_test(raw_rows),
        cmocka_unit_test(broken_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
