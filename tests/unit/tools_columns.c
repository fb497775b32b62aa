/* Goal: columns of a file find their fields by name or by the map; what does not fit is told with a suggestion, and values are
 * not taken for a header's names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fs/base/buffer.h"
#include "tools/columns.h"
#include "tools/map_reader.h"
#include "tools/output.h"

static const char policy_text[] = "[policy]\norganisation = O\ntimezone = Europe/Amsterdam\n"
                                  "[kind tenant]\ncode = [0-9]+\n"
                                  "[category c]\nretention = 2y after capture\n"
                                  "[field surname]\ncategory = c\ntype = surname\n"
                                  "[field town]\ncategory = c\ntype = text\n"
                                  "[purpose p]\nground = A\nkinds = tenant\nfields = c\n"
                                  "[role r]\nmembers = 20001\npurposes = p\n"
                                  "[secrecy]\nbound = 20001 2025-01-01\n";
static struct policy *policy;
static struct buffer said;

static int load(void **state)
{
    struct policy_faults faults = {0};

    (void)state;
    if (policy_load("test.ini", policy_text, sizeof policy_text - 1, &policy, &faults) == 0)
        return 0;
    for (size_t i = 0; i < faults.count; i++)
        print_message("%u: %s\n", faults.faults[i].line, faults.faults[i].text);
    policy_faults_clear(&faults);
    return -1;
}

static int unload(void **state)
{
    (void)state;
    policy_free(policy);
    buffer_clear(&said);
    return 0;
}

static void note_map(void *context, unsigned line, const char *text)
{
    (void)context;
    buffer_printf(&said, "%u: %s\n", line, text);
}

static void note_column(void *context, const char *column, const char *text)
{
    (void)context;
    buffer_printf(&said, "%s: %s\n", column, text);
}

static int read_map(const char *text, size_t text_bytes, struct map *map)
{
    FILE *in = fmemopen((void *)text, text_bytes, "r");
    int result;

    buffer_reset(&said);
    *map = (struct map){0};
    result = map_reader_read(in, policy, note_map, NULL, map);
    fclose(in);
    return result;
}

static void map_is_read(void **state)
{
    static const char text[] =
        "\xEF\xBB\xBF# what is where\r\n\r\nLast name = surname\r\n ; x\n a=b  =town\nmemo = -";
    struct map map;

    (void)state;
    assert_int_equal(read_map(text, sizeof text - 1, &map), 0);
    assert_int_equal(map.count, 3);
    assert_string_equal(map.entries[0].column, "Last name");
    assert_int_equal(map.entries[0].field, policy_find_field(policy, "surname"));
    assert_string_equal(map.entries[1].column, "a=b");
    assert_int_equal(map.entries[1].field, policy_find_field(policy, "town"));
    assert_string_equal(map.entries[2].column, "memo");
    assert_int_equal(map.entries[2].field, -1);
    map_reader_clear(&map);
}

static void map_faults(void **state)
{
    static const char text[] = "a\n = town\nb =\nc = twon\nd = town\nd = surname\ne\0 = town\nf\xE9 = town\n";
    struct map map;
    char line[3000];

    (void)state;
    assert_int_equal(read_map(text, sizeof text - 1, &map), -EINVAL);
    assert_string_equal(buffer_text(&said), "1: no `=`; a line is `column = field`\n"
                                            "2: nothing stands before the `=`\n"
                                            "3: nothing stands behind the `=`\n"
                                            "4: the policy has no field \"twon\"; did you mean \"town\"?\n"
                                            "6: this column is mapped in line 5 already\n"
                                            "7: a NUL byte\n"
                                            "8: this line is not UTF-8\n");
    assert_int_equal(map.count, 0);
    memset(line, 'x', sizeof line);
    assert_int_equal(read_map(line, sizeof line, &map), -EINVAL);
    assert_string_equal(buffer_text(&said), "1: longer than 1024 bytes\n");
}

static int resolve(const char *code, const char *map_text, struct columns *columns, size_t count,
                   const char *const *names)
{
    struct csv_value values[8];
    struct csv_row header = {.line = 1, .count = count, .values = values};
    struct map map = {0};
    int result;

    if (map_text)
        assert_int_equal(read_map(map_text, strlen(map_text), &map), 0);
    for (size_t i = 0; i < count; i++)
        values[i] = (struct csv_value){.text = names[i], .length_bytes = strlen(names[i])};
    buffer_reset(&said);
    *columns = (struct columns){0};
    result = columns_resolve(&header, policy, "tenant", code, map_text ? &map : NULL, note_column, NULL, columns);
    map_reader_clear(&map);
    return result;
}
#define NAMES(...)                                                                                                   \
    sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *const[])                                    \
    {                                                                                                                \
        __VA_ARGS__                                                                                                  \
    }

static void columns_are_found(void **state)
{
    struct columns columns;

    (void)state;
    assert_int_equal(resolve(NULL, NULL, &columns, NAMES("town", "contractnummer", "surname")), 0);
    assert_int_equal(columns.code, 1);
    assert_int_equal(columns.columns[0].field, policy_find_field(policy, "town"));
    assert_int_equal(columns.columns[1].field, COLUMNS_LEFT_OUT);
    columns_clear(&columns);
    assert_int_equal(resolve("town", NULL, &columns, NAMES("town", "code", "surname")), -EINVAL);
    assert_int_equal(resolve("town", NULL, &columns, NAMES("town", "surname")), 0);
    assert_int_equal(columns.code, 0);
    assert_int_equal(columns.columns[0].field, policy_find_field(policy, "town"));
    columns_clear(&columns);
    assert_int_equal(resolve("Nr", "Name = surname\nMemo = -\n", &columns, NAMES("Name", "Nr", "Memo")), 0);
    assert_int_equal(columns.columns[0].field, policy_find_field(policy, "surname"));
    assert_int_equal(columns.columns[2].field, COLUMNS_LEFT_OUT);
    columns_clear(&columns);
}

static void column_faults(void **state)
{
    struct columns columns;

    (void)state;
    assert_int_equal(resolve(NULL, NULL, &columns, NAMES("code", "surnam")), -EINVAL);
    assert_non_null(strstr(buffer_text(&said), "surnam: the policy has no such field; did you mean \"surname\"?"));
    assert_int_equal(resolve(NULL, NULL, &columns, NAMES("code", "town", "town")), -EINVAL);
    assert_non_null(strstr(buffer_text(&said), "town: the file has this column twice (numbers 2 and 3)"));
    assert_int_equal(resolve(NULL, "x = town\n", &columns, NAMES("code", "town", "x")), -EINVAL);
    assert_non_null(strstr(buffer_text(&said), "x: is the same field as column town"));
    assert_int_equal(resolve(NULL, NULL, &columns, NAMES("town", "surname")), -EINVAL);
    assert_non_null(strstr(buffer_text(&said), "which column holds the dossier's code?"));
    assert_int_equal(resolve("nr", NULL, &columns, NAMES("town", "surname")), -EINVAL);
    assert_non_null(strstr(buffer_text(&said), "there is no column \"nr\""));
    assert_int_equal(resolve(NULL, "y = town\n", &columns, NAMES("code")), -EINVAL);
    assert_non_null(strstr(buffer_text(&said), "line 1 of the map names a column that the file does not have"));
}

/* A file without a header begins with somebody's values: they are not repeated. */
static void values_are_no_names(void **state)
{
    struct columns columns;

    (void)state;
    assert_int_equal(resolve(NULL, NULL, &columns, NAMES("1234", "Jansen", "Delft")), -EINVAL);
    assert_null(strstr(buffer_text(&said), "Jansen"));
    assert_null(strstr(buffer_text(&said), "1234"));
    assert_non_null(strstr(buffer_text(&said), "is the first line a header?"));
}

/* What comes from elsewhere can't steer a terminal. */
static void safe_text(void **state)
{
    struct buffer out = BUFFER_EMPTY;

    (void)state;
    output_safe(&out, "a\x1b[2J\x7f\t\xC2\x9B"
                      "caf\xC3\xA9\xE2\x80\xAE\xFF\xC3");
    assert_string_equal(buffer_text(&out), "a\\x1B[2J\\x7F\\x09\\x9Bcaf\xC3\xA9\\u202E\\xFF\\xC3");
    buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_is_read),   cmocka_unit_test(map_faults),          cmocka_unit_test(columns_are_found),
        cmocka_unit_test(column_faults), cmocka_unit_test(values_are_no_names), cmocka_unit_test(safe_text),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
