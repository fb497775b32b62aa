/* Goal: what sample-data writes is taken by the types of examples/woningcorporatie.ini, value by value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/base/file.h"
#include "policy/policy.h"

#define POLICY_FILE "examples/woningcorporatie.ini"

enum { ROWS = 2000, MAX_COLUMNS = 64 };

static struct policy *policy;
static char program[4096];

/* The program stands one directory up from this test. */
static int find_program(void)
{
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 20);

    for (int up = 0; up < 2 && length > 0; up++)
        while (length > 0 && program[--length] != '/')
            ;
    strcpy(program + (length > 0 ? length : 0), "/sample-data");
    return access(program, X_OK);
}

static int load(void **state)
{
    struct policy_faults faults = {0};
    struct buffer text = BUFFER_EMPTY;
    int error = file_read_path(POLICY_FILE, POLICY_TEXT_MAX_BYTES, &text);

    (void)state;
    if (!error)
        error = policy_load(POLICY_FILE, buffer_text(&text), text.length_bytes, &policy, &faults);
    policy_faults_clear(&faults);
    buffer_clear(&text);
    return error;
}

static int unload(void **state)
{
    (void)state;
    policy_free(policy);
    return 0;
}

/* Cuts one line of CSV into values, in place. */
static size_t split(char *line, char delimiter, char *values[MAX_COLUMNS])
{
    size_t count = 0;
    char *from = line, *to = line;
    bool quoted = false;

    values[count++] = to;
    for (; *from && (quoted || *from != '\n'); from++) {
        if (*from == '"' && quoted && from[1] == '"') {
            *to++ = *from++;
        } else if (*from == '"') {
            quoted = !quoted;
        } else if (*from == delimiter && !quoted) {
            assert_true(count < MAX_COLUMNS);
            *to++ = '\0';
            values[count++] = to;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return count;
}

/* The columns behind the code, each a field of the policy and in its order; how many, their fields into `columns`. */
static unsigned check_header(char *values[MAX_COLUMNS], size_t count, unsigned columns[MAX_COLUMNS])
{
    int before = -1;

    assert_string_equal(values[0], "contractnummer");
    for (size_t i = 1; i < count; i++) {
        int field = policy_find_field(policy, values[i]);

        if (field <= before)
            fail_msg("column %s: no field of the policy, or not in its order", values[i]);
        columns[i - 1] = (unsigned)(before = field);
    }
    return (unsigned)count - 1;
}

static void check_row(unsigned row, char *values[MAX_COLUMNS], const unsigned *columns, unsigned column_count,
                      unsigned *empty, unsigned *filled)
{
    assert_int_equal(policy_kind_of_code(policy, values[0], strlen(values[0])), policy_find_kind(policy, "huurder"));
    for (unsigned i = 0; i < column_count; i++) {
        const struct policy_field *field = &policy->fields[columns[i]];
        struct buffer kept = BUFFER_EMPTY;
        const char *value = values[i + 1], *why = NULL;

        if (type_check(&field->type, value, strlen(value), &kept, &why))
            fail_msg("row %u, %s: '%s', allowed: %s", row, field->name, value, why);
        empty[i] += kept.length_bytes == 0;
        filled[i] += kept.length_bytes > 0;
        buffer_clear(&kept);
    }
}

/* Runs the generator and checks all it writes. */
static void check_all(const char *arguments, char delimiter)
{
    static const char *const optional[] = {"tussenvoegsel",       "telefoon2",  "email",
                                           "studentnummer",       "svh-nummer", "identificatie-gezien",
                                           "identificatie-soort", "einddatum"};
    unsigned empty[MAX_COLUMNS] = {0}, filled[MAX_COLUMNS] = {0}, rows = 0, optionals = 0;
    unsigned columns[MAX_COLUMNS], column_count;
    char command[5000], line[5000], *values[MAX_COLUMNS];
    FILE *output;

    snprintf(command, sizeof command, "'%s' --count %d %s", program, ROWS, arguments);
    output = popen(command, "r");
    assert_non_null(output);
    assert_non_null(fgets(line, sizeof line, output));
    column_count = check_header(values, split(line, delimiter, values), columns);
    for (; fgets(line, sizeof line, output); rows++) {
        assert_int_equal(split(line, delimiter, values), column_count + 1);
        check_row(rows, values, columns, column_count, empty, filled);
    }
    assert_int_equal(pclose(output), 0);
    assert_int_equal(rows, ROWS);
    for (unsigned i = 0; i < column_count; i++) {
        bool may_be_empty = false;

        for (size_t j = 0; j < sizeof optional / sizeof optional[0]; j++)
            may_be_empty |= strcmp(policy->fields[columns[i]].name, optional[j]) == 0;
        assert_true(filled[i] > ROWS / 20);
        assert_int_equal(empty[i] > ROWS / 20, may_be_empty);
        optionals += may_be_empty;
    }
    assert_int_equal(optionals, sizeof optional / sizeof optional[0]);
}

static void every_value_is_taken(void **state)
{
    (void)state;
    check_all("--today 2026-03-15", ',');
    check_all("--today 2026-03-15 --seed 7 --delimiter semicolon", ';');
    check_all("--today 2000-01-01 --seed 3", ',');
    check_all("--today 2199-12-31 --seed 4", ',');
    check_all("--today 2028-02-29 --seed 18446744073709551615", ',');
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_value_is_taken)};

    if (find_program()) {
        printf("1..0 # SKIP %s is not built\n", program);
        return 0;
    }
    return cmocka_run_group_tests(tests, load, unload);
}
