/* Goal: what comes from elsewhere is no formula in a spreadsheet and no order to a terminal, and tables have no loose ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/output.h"
#include "tools/table.h"

static void csv_cells(void **state)
{
    static const struct {
        const char *text, *cell;
    } rows[] = {
        {"", "\"\""},
        {"cat", "\"cat\""},
        {"a=b+c-d@e", "\"a=b+c-d@e\""},
        {"say \"x\", y", "\"say \"\"x\"\", y\""},
        {"=1+1", "\"'=1+1\""},
        {"+1", "\"'+1\""},
        {"-1", "\"'-1\""},
        {"@SUM(A1)", "\"'@SUM(A1)\""},
        {"\xEF\xBC\x9D"
         "1",
         "\"'\xEF\xBC\x9D"
         "1\""},
        {"\xEF\xBC\x8B"
         "1",
         "\"'\xEF\xBC\x8B"
         "1\""},
        {"\xEF\xBC\x8D"
         "1",
         "\"'\xEF\xBC\x8D"
         "1\""},
        {"\xEF\xBC\xA0"
         "1",
         "\"'\xEF\xBC\xA0"
         "1\""},
        {"\xEF\xBC\x8C"
         "1",
         "\"\xEF\xBC\x8C"
         "1\""},
        {"\t=1", "\"\\x09=1\""},
        {"\r=1", "\"\\x0D=1\""},
        {"\n=1", "\"\\x0A=1\""},
        {"x;=1;;-2;", "\"x;'=1;;'-2;\""},
        {";", "\";\""},
        {"=", "\"'=\""},
        {"a\x1b[2J\xE2\x80\xAE\xFF", "\"a\\x1B[2J\\u202E\\xFF\""},
        {"caf\xC3\xA9", "\"caf\xC3\xA9\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL;
        size_t text_bytes;
        FILE *out = open_memstream(&text, &text_bytes);

        assert_int_equal(output_csv_safe(out, rows[i].text), 0);
        fclose(out);
        assert_string_equal(text, rows[i].cell);
        free(text);
    }
}

/* The lines of a table with two columns, the last to the right; freed by the caller. */
static char *print_table(unsigned width, const char *const cells[][2], size_t count)
{
    static const struct table_column columns[] = {{"NAME", TABLE_LEFT}, {"COUNT", TABLE_RIGHT}, {NULL, 0}};
    struct table *table = NULL;
    char *text = NULL;
    size_t text_bytes;
    FILE *out = open_memstream(&text, &text_bytes);

    assert_int_equal(table_new(out, columns, true, width, &table), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(table_add(table, cells[i]), 0);
    assert_int_equal(table_print(table), 0);
    table_free(table);
    fclose(out);
    return text;
}

static void tables_have_no_loose_ends(void **state)
{
    static const char *const cells[][2] = {{"a", NULL}, {"bcdef", "12"}, {NULL, NULL}, {"e ", ""}};
    char *text;

    (void)state;
    text = print_table(0, cells, 4);
    assert_string_equal(text, "NAME  COUNT\n"
                              "a\n"
                              "bcdef    12\n"
                              "\n"
                              "e\n");
    free(text);
    text = print_table(40, cells, 4);
    assert_null(strstr(text, " \n"));
    assert_non_null(strstr(text, "12\n"));
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
    text = print_table(0, NULL, 0);
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(csv_cells), cmocka_unit_test(tables_have_no_loose_ends)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
