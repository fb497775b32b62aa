/* Goal: what sample-data writes of each kind is taken by the types of examples/woningcorporatie.ini, value by value; and the kinds are
 * whole: each column is of use, each term starts at something that the kind has, and no field is of no kind. */
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

/* What sample-data makes of one kind: the column of the code, and which columns are empty in more than a few rows. */
struct sample {
    const char *kind, *code;
    const char *optional[12];
};
static const struct sample samples[] = {
    {"huurder",
     "contractnummer",
     {"tussenvoegsel", "telefoon2", "email", "studentnummer", "svh-nummer", "identificatie-gezien",
      "identificatie-soort", "einddatum"}},
    {"medehuurder",
     "code",
     {"tussenvoegsel", "telefoon2", "email", "identificatie-gezien", "identificatie-soort", "einddatum"}},
    {"woningzoekende",
     "code",
     {"tussenvoegsel", "telefoon2", "email", "studentnummer", "inkomen-gecontroleerd", "uitgeschreven",
      "kandidaat-voor", "kandidaat-uitkomst", "toewijzing"}},
    {"koper",
     "code",
     {"tussenvoegsel", "telefoon2", "email", "identificatie-gezien", "identificatie-soort", "afgewikkeld"}},
    {"leverancier", "code", {"tussenvoegsel", "email", "afgewikkeld"}},
    {"vordering", "code", {"tussenvoegsel", "email", "betalingsregeling", "vordering-betaald"}},
    {"huurtoeslag", "code", {"tussenvoegsel", "huurtoeslag-einde"}},
    {"reparatie", "code", {"reparatie-opdracht", "reparatie-afspraak", "reparatie-gereed"}},
    {"klacht", "code", {"tussenvoegsel", "email", "klacht-afgehandeld"}},
    {"overlast", "code", {"tussenvoegsel", "overlast-maatregel", "overlast-gesloten"}},
    {"contactformulier", "code", {"tussenvoegsel", "vraag-afgehandeld"}},
    {"nieuwsbriefabonnee", "code", {"afgemeld"}},
    {"vastgoed", "code", {"tussenvoegsel"}},
    {"camera", "code", {"toegang-opgenomen", "toegang-deur", "toegang-pas"}},
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

/* The columns behind the code, by field. */
struct columns {
    unsigned fields[MAX_COLUMNS], count;
};

static bool has_column(const struct columns *columns, unsigned field)
{
    for (unsigned i = 0; i < columns->count; i++)
        if (columns->fields[i] == field)
            return true;
    return false;
}

/* Each column is a field of the policy, in its order. */
static void read_header(const struct sample *sample, char *values[MAX_COLUMNS], size_t count, struct columns *columns)
{
    int before = -1;

    assert_string_equal(values[0], sample->code);
    columns->count = (unsigned)count - 1;
    for (size_t i = 1; i < count; i++) {
        int field = policy_find_field(policy, values[i]);

        if (field <= before)
            fail_msg("%s, column %s: no field of the policy, or not in its order", sample->kind, values[i]);
        columns->fields[i - 1] = (unsigned)(before = field);
    }
}

static void check_row(const char *kind, unsigned row, char *values[MAX_COLUMNS], const struct columns *columns,
                      unsigned *empty, unsigned *filled)
{
    assert_int_equal(policy_kind_of_code(policy, values[0], strlen(values[0])), policy_find_kind(policy, kind));
    for (unsigned i = 0; i < columns->count; i++) {
        const struct policy_field *field = &policy->fields[columns->fields[i]];
        struct buffer kept = BUFFER_EMPTY;
        const char *value = values[i + 1], *why = NULL;

        if (type_check(&field->type, value, strlen(value), &kept, &why))
            fail_msg("%s, row %u, %s: '%s', allowed: %s", kind, row, field->name, value, why);
        empty[i] += kept.length_bytes == 0;
        filled[i] += kept.length_bytes > 0;
        buffer_clear(&kept);
    }
}

static void check_filled(const struct sample *sample, const struct columns *columns, const unsigned *empty,
                         const unsigned *filled)
{
    unsigned optionals = 0, expected = 0;

    for (const char *const *optional = sample->optional; *optional; optional++)
        expected++;
    for (unsigned i = 0; i < columns->count; i++) {
        const char *name = policy->fields[columns->fields[i]].name;
        bool may_be_empty = false;

        for (const char *const *optional = sample->optional; *optional; optional++)
            may_be_empty |= strcmp(name, *optional) == 0;
        if (filled[i] <= ROWS / 20)
            fail_msg("%s: %s has hardly a value", sample->kind, name);
        if ((empty[i] > ROWS / 20) != may_be_empty)
            fail_msg("%s: %s is empty %u times", sample->kind, name, empty[i]);
        optionals += may_be_empty;
    }
    assert_int_equal(optionals, expected);
}

/* Runs the generator and checks all it writes. */
static void check_all(const struct sample *sample, const char *arguments, char delimiter, struct columns *columns)
{
    unsigned empty[MAX_COLUMNS] = {0}, filled[MAX_COLUMNS] = {0}, rows = 0;
    char command[5000], line[5000], *values[MAX_COLUMNS];
    FILE *output;

    snprintf(command, sizeof command, "'%s' --count %d --kind %s %s", program, ROWS, sample->kind, arguments);
    output = popen(command, "r");
    assert_non_null(output);
    assert_non_null(fgets(line, sizeof line, output));
    read_header(sample, values, split(line, delimiter, values), columns);
    for (; fgets(line, sizeof line, output); rows++) {
        assert_int_equal(split(line, delimiter, values), columns->count + 1);
        check_row(sample->kind, rows, values, columns, empty, filled);
    }
    assert_int_equal(pclose(output), 0);
    assert_int_equal(rows, ROWS);
    check_filled(sample, columns, empty, filled);
}

static void every_value_is_taken(void **state)
{
    struct columns columns;

    (void)state;
    check_all(&samples[0], "--today 2026-03-15 --seed 7 --delimiter semicolon", ';', &columns);
    check_all(&samples[0], "--today 2000-01-01 --seed 3", ',', &columns);
    check_all(&samples[0], "--today 2028-02-29 --seed 18446744073709551615", ',', &columns);
    for (size_t i = 0; i < SAMPLES; i++) {
        check_all(&samples[i], "--today 2026-03-15", ',', &columns);
        check_all(&samples[i], "--today 2199-12-31 --seed 4 --delimiter semicolon", ';', &columns);
    }
}

/* ---- the kinds, as the policy has them ---- */

/* The term runs from a moment that such a dossier has. */
static bool has_start(const struct term *term, const struct columns *columns)
{
    return term->start == TERM_AFTER_CAPTURE || has_column(columns, (unsigned)term->field);
}

static bool can_end(const struct retention *retention, const struct columns *columns)
{
    bool any = false, all = true;

    for (unsigned i = 0; i < retention->term_count; i++) {
        any |= has_start(&retention->terms[i], columns);
        all &= has_start(&retention->terms[i], columns);
    }
    return retention->rule == RETENTION_LATEST ? all : any;
}

/* A purpose of the kind lists it, or a term of what the kind has starts at it. */
static bool is_used(unsigned kind, unsigned field, const struct columns *columns)
{
    for (unsigned i = 0; i < policy->purpose_count; i++)
        if (policy->purposes[i].kinds >> kind & 1 && field_set_has(&policy->purposes[i].fields, field))
            return true;
    for (unsigned i = 0; i < columns->count; i++) {
        const struct retention *retention =
            policy_retention(policy, policy->fields[columns->fields[i]].category, kind);

        for (unsigned j = 0; j < retention->term_count; j++)
            if (retention->terms[j].field == (int)field)
                return true;
    }
    return false;
}

static void every_kind_is_whole(void **state)
{
    bool used[POLICY_MAX_FIELDS] = {false};

    (void)state;
    assert_int_equal(policy->kind_count, SAMPLES);
    for (unsigned kind = 0; kind < SAMPLES; kind++) {
        struct columns columns;

        assert_string_equal(samples[kind].kind, policy->kinds[kind].name);
        check_all(&samples[kind], "--today 2026-03-15", ',', &columns);
        for (unsigned i = 0; i < columns.count; i++) {
            const struct policy_field *field = &policy->fields[columns.fields[i]];

            used[columns.fields[i]] = true;
            if (!is_used(kind, columns.fields[i], &columns))
                fail_msg("%s: no purpose lists %s", samples[kind].kind, field->name);
            if (!can_end(policy_retention(policy, field->category, kind), &columns))
                fail_msg("%s: the term of %s starts at nothing that it has", samples[kind].kind, field->name);
        }
    }
    for (unsigned i = 0; i < policy->field_count; i++)
        assert_int_equal(used[i],
                         strcmp(policy->fields[i].name, "aantekening") != 0); /* staff write it, none is imported */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_value_is_taken), cmocka_unit_test(every_kind_is_whole)};

    if (find_program()) {
        printf("1..0 # SKIP %s is not built\n", program);
        return 0;
    }
    return cmocka_run_group_tests(tests, load, unload);
}
