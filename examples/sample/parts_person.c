/* What is so of people, whatever the kind of dossier. */
#include "examples/sample/out.h"
#include "examples/sample/parts.h"

static void write_name(struct row *row)
{
    out_value(row->person.initials);
    out_value(row->person.infix);
    out_value(row->person.surname);
}
const struct part part_name = {{"voorletters", "tussenvoegsel", "achternaam"}, write_name};

static void write_full_name(struct row *row)
{
    out_value(row->person.initials);
    out_value(row->person.forenames);
    out_value(row->person.infix);
    out_value(row->person.surname);
    out_value(row->person.gender);
}
const struct part part_full_name = {{"voorletters", "voornamen", "tussenvoegsel", "achternaam", "geslacht"},
                                    write_full_name};

static void write_address(struct row *row)
{
    person_out_address(&row->chance);
}
const struct part part_address = {{"straat", "huisnummer", "postcode", "woonplaats"}, write_address};

static void write_phone(struct row *row)
{
    person_out_phone(&row->chance);
}
const struct part part_phone = {{"telefoon"}, write_phone};

static void write_second_phone(struct row *row)
{
    if (chance_percent(&row->chance, 30))
        person_out_phone(&row->chance);
    else
        out_value("");
}
const struct part part_second_phone = {{"telefoon2"}, write_second_phone};

/* Wanted, and not required. */
static void write_email(struct row *row)
{
    out_value(chance_percent(&row->chance, 75) ? row->person.email : "");
}
const struct part part_email = {{"email"}, write_email};

static void write_sure_email(struct row *row)
{
    out_value(row->person.email);
}
const struct part part_sure_email = {{"email"}, write_sure_email};

static void write_birth(struct row *row)
{
    out_day(row->begins - chance_between(&row->chance, 18 * 366, 75 * 365));
}
const struct part part_birth = {{"geboortedatum"}, write_birth};

static void write_account(struct row *row)
{
    person_out_account(&row->chance);
}
const struct part part_account = {{"rekeningnummer"}, write_account};

static void write_payment(struct row *row)
{
    static const char *const payments[] = {"incasso", "incasso", "incasso", "overschrijving", "ideal", "contant"};

    out_value(PICK(&row->chance, payments));
}
const struct part part_payment = {{"betaalwijze"}, write_payment};

static void write_income(struct row *row)
{
    out_amount(chance_between(&row->chance, 1200000, 5500000));
    out_number(row_year(row->begins) - 1, 4);
}
const struct part part_income = {{"inkomen", "inkomensjaar"}, write_income};

static void write_household(struct row *row)
{
    static const char *const households[] = {
        "alleenstaand",
        "alleenstaand",
        "samenwonend",
        "samenwonend",
        "gezin met 1 kind",
        "gezin met 2 kinderen",
        "gezin met 3 kinderen",
        "eenoudergezin, 1 kind",
        "eenoudergezin, 2 kinderen",
        "twee broers, \"samen\" ingeschreven",
    };

    out_value(PICK(&row->chance, households));
}
const struct part part_household = {{"gezinssamenstelling"}, write_household};

static void write_optional_number(struct row *row, int percent, int digits)
{
    if (chance_percent(&row->chance, percent))
        out_number(chance_between(&row->chance, 1, digits == 7 ? 9999999 : 99999999), digits);
    else
        out_value("");
}

static void write_student(struct row *row)
{
    write_optional_number(row, 12, 7);
}
const struct part part_student = {{"studentnummer"}, write_student};

static void write_svh(struct row *row)
{
    write_optional_number(row, 80, 8);
}
const struct part part_svh = {{"svh-nummer"}, write_svh};

static void write_sure_svh(struct row *row)
{
    write_optional_number(row, 100, 8);
}
const struct part part_sure_svh = {{"svh-nummer"}, write_sure_svh};

static void write_document(struct row *row)
{
    static const char *const documents[] = {"paspoort", "identiteitskaart", "identiteitskaart", "rijbewijs"};

    if (chance_percent(&row->chance, 6)) {
        out_value("");
        out_value("");
        return;
    }
    out_day(row->begins - chance_between(&row->chance, 0, 40));
    out_value(PICK(&row->chance, documents));
}
const struct part part_document = {{"identificatie-gezien", "identificatie-soort"}, write_document};

static void write_seen_by(struct row *row)
{
    static const char *const colleagues[] = {"A.B.", "C.", "D.E.", "F.G.", "Th."};

    out_value(PICK(&row->chance, colleagues));
}
const struct part part_seen_by = {{"identificatie-door"}, write_seen_by};

static void write_district(struct row *row)
{
    static const char *const districts[] = {"Noord", "Oost", "Zuid", "West", "Centrum"};

    out_value(PICK(&row->chance, districts));
}
const struct part part_district = {{"wijk"}, write_district};

static void write_bsn(struct row *row)
{
    person_out_bsn(&row->chance);
}
const struct part part_bsn = {{"bsn"}, write_bsn};
