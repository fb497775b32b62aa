#include "examples/sample/kinds.h"

#include <stdio.h>
#include <string.h>

#include "examples/sample/out.h"
#include "examples/sample/parts.h"
#include "policy/terms.h"

enum { KIND_PARTS = 24 };

/* How dossiers of a kind begin and end: one that ended is within its term for `within_days`, one that goes on began `longest_days`
 * ago at most. */
struct sample_kind {
    const char *name, *code_column, *prefix;
    void (*begin)(struct row *row, int within_days, int longest_days);
    int within_days, longest_days;
    const struct part *parts[KIND_PARTS]; /* ended by NULL */
};

/* ---- begin and end ---- */

/* Personal data goes two years after the end of the tenancy, payments seven years after the end of that book year: 70% run, 15% ended
 * and are within their term, 15% are past it (a third of these still with payments to keep). */
static void begin_tenancy(struct row *row, int within_days, int longest_days)
{
    struct chance *chance = &row->chance;
    int part = chance_between(chance, 1, 100);

    row->ends = INT32_MAX;
    if (part <= 70) {
        row->begins = row->today - chance_between(chance, 0, chance_percent(chance, 15) ? 360 : longest_days);
        if (part <= 2) /* notice given */
            row->ends = row->today + chance_between(chance, 1, 60);
        return;
    }
    if (part <= 85)
        row->ends = row->today - chance_between(chance, 1, within_days);
    else if (part <= 90)
        row->ends = row->today - chance_between(chance, 733, 2200);
    else
        row->ends = terms_day(row_year(row->today) - 8, 12, 31) - chance_between(chance, 0, 3600);
    row->begins = row->ends - chance_between(chance, 180, longest_days);
}

/* 60% go on, 25% ended and are within their term, 15% are past it. */
static void begin_case(struct row *row, int within_days, int longest_days)
{
    struct chance *chance = &row->chance;
    int part = chance_between(chance, 1, 100);

    row->ends = INT32_MAX;
    if (part <= 60) {
        row->begins = row->today - chance_between(chance, 0, longest_days);
        return;
    }
    row->ends = row->today -
                (part <= 85 ? chance_between(chance, 0, within_days) : within_days + chance_between(chance, 5, 1000));
    row->begins = row->ends - chance_between(chance, 1, longest_days);
}

/* What begins and never ends: 80% are within the term from their beginning. */
static void begin_moment(struct row *row, int within_days, int longest_days)
{
    struct chance *chance = &row->chance;

    row->ends = INT32_MAX;
    row->begins = row->today - (chance_percent(chance, 80) ? chance_between(chance, 0, within_days)
                                                           : within_days + chance_between(chance, 5, longest_days));
}

/* ---- the kinds ---- */

/* The columns of a kind stand in the order of the policy's fields. */
static const struct sample_kind kinds[] = {
    {"huurder",
     "contractnummer",
     "",
     begin_tenancy,
     728,
     9000,
     {&part_full_name, &part_address, &part_phone, &part_second_phone, &part_email, &part_birth, &part_account,
      &part_payment, &part_income, &part_household, &part_student, &part_svh, &part_document, &part_rent,
      &part_tenancy}},
    {"medehuurder",
     "code",
     "MH-",
     begin_tenancy,
     728,
     9000,
     {&part_full_name, &part_address, &part_phone, &part_second_phone, &part_email, &part_birth, &part_document,
      &part_tenancy, &part_main_contract}},
    {"woningzoekende",
     "code",
     "WZ-",
     begin_case,
     728,
     5000,
     {&part_full_name, &part_address, &part_phone, &part_second_phone, &part_email, &part_birth, &part_income,
      &part_household, &part_student, &part_sure_svh, &part_audit, &part_registration, &part_candidacy}},
    {"koper",
     "code",
     "KP-",
     begin_case,
     728,
     300,
     {&part_full_name, &part_address, &part_phone, &part_second_phone, &part_email, &part_birth, &part_account,
      &part_document, &part_seen_by, &part_sale, &part_settled}},
    {"leverancier",
     "code",
     "LV-",
     begin_case,
     728,
     300,
     {&part_name, &part_address, &part_phone, &part_email, &part_account, &part_settled, &part_company,
      &part_invoice}},
    {"vordering",
     "code",
     "VO-",
     begin_case,
     728,
     1000,
     {&part_name, &part_address, &part_phone, &part_email, &part_birth, &part_account, &part_debt}},
    {"huurtoeslag", "code", "HT-", begin_case, 1800, 4000, {&part_name, &part_address, &part_bsn, &part_benefit}},
    {"reparatie", "code", "RP-", begin_case, 728, 60, {&part_address, &part_phone, &part_district, &part_repair}},
    {"klacht",
     "code",
     "KL-",
     begin_case,
     728,
     120,
     {&part_name, &part_address, &part_phone, &part_email, &part_district, &part_complaint}},
    {"overlast",
     "code",
     "OV-",
     begin_case,
     728,
     400,
     {&part_name, &part_address, &part_district, &part_nuisance, &part_reporter}},
    {"contactformulier",
     "code",
     "CF-",
     begin_case,
     0,
     30,
     {&part_name, &part_phone, &part_sure_email, &part_question, &part_visit}},
    {"nieuwsbriefabonnee", "code", "NB-", begin_case, 364, 3000, {&part_sure_email, &part_unsubscribed}},
    {"vastgoed",
     "code",
     "VG-",
     begin_moment,
     3200,
     3000,
     {&part_name, &part_address, &part_company_name, &part_vat_number, &part_premises}},
    {"camera", "code", "CAM-", begin_moment, 26, 60, {&part_footage, &part_door}},
};

const struct sample_kind *kinds_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

void kinds_list(FILE *out, const char *line_break)
{
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        fprintf(out, "%s%s%s", i ? "," : "", i == 0 ? "" : i % 6 ? " " : line_break, kinds[i].name);
}

void kinds_write_header(const struct sample_kind *kind)
{
    out_value(kind->code_column);
    for (const struct part *const *part = kind->parts; *part; part++)
        for (const char *const *column = (*part)->columns; *column; column++)
            out_value(*column);
    out_end_row();
}

/* The year in which it began and a number in that year; a full year passes its codes on to the one before. */
static void write_code(const struct sample_kind *kind, int year)
{
    static int used[KINDS_CODE_YEARS + 1];
    char code[48];

    while (used[year] == KINDS_CODES_A_YEAR)
        year = year > 1 ? year - 1 : KINDS_CODE_YEARS;
    used[year]++;
    snprintf(code, sizeof code, "%s%04d-%05d", kind->prefix, year, used[year] % KINDS_CODES_A_YEAR);
    out_value(code);
}

void kinds_write_row(const struct sample_kind *kind, uint64_t number, uint64_t seed, int32_t today)
{
    struct row row = {.today = today};

    /* A stream of its own for each row, so that rows do not depend on how many there are; and other people in each kind. */
    row.chance.state =
        seed * 0xd1342543de82ef95u + number * 0xda942042e4dd58b5u + (uint64_t)(kind - kinds) * 0x9fb21c651e98df25u;
    kind->begin(&row, kind->within_days, kind->longest_days);
    row.person = person_make(&row.chance, number);
    write_code(kind, row_year(row.begins));
    for (const struct part *const *part = kind->parts; *part; part++)
        (*part)->write(&row);
    out_end_row();
}
