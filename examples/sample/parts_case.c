/* What is so of one kind of dossier. */
#include <stdio.h>

#include "examples/sample/out.h"
#include "examples/sample/parts.h"
#include "policy/terms.h"

int row_year(int32_t day)
{
    int year, month, month_day;

    terms_date(day, &year, &month, &month_day);
    return year;
}

static void write_nothing(int columns)
{
    while (columns-- > 0)
        out_value("");
}

static void write_end(struct row *row)
{
    if (row->ends == INT32_MAX)
        out_value("");
    else
        out_day(row->ends);
}

/* The day, or none for some. */
static void write_day_or_none(struct row *row, int percent, int32_t day)
{
    if (chance_percent(&row->chance, percent))
        out_day(day);
    else
        out_value("");
}

/* A home, say, with a number. */
static void write_object(struct row *row, const char *what)
{
    char text[64];

    snprintf(text, sizeof text, "%s %d", what, chance_between(&row->chance, 1, 4999));
    out_value(text);
}

static void write_rent(struct row *row)
{
    out_amount(chance_between(&row->chance, 35000, 140000));
}
const struct part part_rent = {{"huur"}, write_rent};

static void write_tenancy(struct row *row)
{
    out_day(row->begins);
    write_end(row);
}
const struct part part_tenancy = {{"begindatum", "einddatum"}, write_tenancy};

static void write_main_contract(struct row *row)
{
    char text[24];
    int year = row_year(row->begins);

    snprintf(text, sizeof text, "%04d-%05d", year, chance_between(&row->chance, 1, 99999));
    out_value(text);
}
const struct part part_main_contract = {{"hoofdcontract"}, write_main_contract};

static void write_audit(struct row *row)
{
    write_day_or_none(row, 20, row->today - chance_between(&row->chance, 0, 10));
}
const struct part part_audit = {{"inkomen-gecontroleerd"}, write_audit};

static void write_registration(struct row *row)
{
    out_day(row->begins);
    write_end(row);
}
const struct part part_registration = {{"ingeschreven", "uitgeschreven"}, write_registration};

static void write_candidacy(struct row *row)
{
    static const char *const outcomes[] = {"aangeboden", "geweigerd", "afgewezen", "geaccepteerd"};

    if (!chance_percent(&row->chance, 40)) {
        write_nothing(3);
        return;
    }
    write_object(row, "Woning");
    out_value(PICK(&row->chance, outcomes));
    write_day_or_none(row, 50, row->today - chance_between(&row->chance, -5, 60));
}
const struct part part_candidacy = {{"kandidaat-voor", "kandidaat-uitkomst", "toewijzing"}, write_candidacy};

static void write_sale(struct row *row)
{
    write_object(row, chance_percent(&row->chance, 80) ? "Woning" : "Parkeerplaats");
    out_amount(chance_between(&row->chance, 1500000, 42000000));
}
const struct part part_sale = {{"koopobject", "koopsom"}, write_sale};

static void write_settled(struct row *row)
{
    write_end(row);
}
const struct part part_settled = {{"afgewikkeld"}, write_settled};

static void write_company_name(struct row *row)
{
    static const char *const forms[] = {"B.V.", "V.O.F.", "& Zn."};
    char text[96];

    snprintf(text, sizeof text, "%s %s", row->person.surname, PICK(&row->chance, forms));
    out_value(text);
}
const struct part part_company_name = {{"bedrijfsnaam"}, write_company_name};

static void write_vat_number(struct row *row)
{
    char text[24];

    snprintf(text, sizeof text, "NL000%06dB99", chance_between(&row->chance, 1, 999999));
    out_value(text);
}
const struct part part_vat_number = {{"btw-nummer"}, write_vat_number};

static void write_company(struct row *row)
{
    static const char *const works[] = {"schilderwerk",   "loodgieterswerk", "dakbedekking, \"plat en hellend\"",
                                        "groenonderhoud", "schoonmaak",      "liftonderhoud"};

    write_company_name(row);
    out_number(chance_between(&row->chance, 1, 999999), 8);
    out_number(chance_between(&row->chance, 1, 999999), 12);
    write_vat_number(row);
    out_value(PICK(&row->chance, works));
}
const struct part part_company = {{"bedrijfsnaam", "kvk-nummer", "vestigingsnummer", "btw-nummer", "werkzaamheden"},
                                  write_company};

static void write_invoice(struct row *row)
{
    char text[24];

    snprintf(text, sizeof text, "F%06d", chance_between(&row->chance, 1, 999999));
    out_value(text);
    out_day(row->begins);
    out_amount(chance_between(&row->chance, 5000, 2500000));
}
const struct part part_invoice = {{"factuurnummer", "factuurdatum", "factuurbedrag"}, write_invoice};

static void write_debt(struct row *row)
{
    static const char *const stands[] = {"open", "regeling", "overgedragen"};
    static const char *const arrangements[] = {"", "in 6 termijnen", "in 12 termijnen", "na de vakantie, in eens"};

    out_amount(chance_between(&row->chance, 5000, 900000));
    out_value(PICK(&row->chance, arrangements));
    out_value(row->ends == INT32_MAX ? PICK(&row->chance, stands) : "betaald");
    write_end(row);
}
const struct part part_debt = {{"achterstand", "betalingsregeling", "vordering-stand", "vordering-betaald"},
                               write_debt};

static void write_benefit(struct row *row)
{
    out_amount(chance_between(&row->chance, 2500, 42000));
    out_day(row->begins);
    write_end(row);
}
const struct part part_benefit = {{"huurtoeslag-bedrag", "huurtoeslag-begin", "huurtoeslag-einde"}, write_benefit};

static void write_repair(struct row *row)
{
    static const char *const reports[] = {"kraan lekt", "deur klemt", "cv geeft \"F28\"",
                                          "ruit gebarsten, achterkant", "licht in het trappenhuis"};
    static const char *const orders[] = {"", "nakijken en herstellen", "vervangen", "offerte maken"};

    out_day(row->begins);
    out_value(PICK(&row->chance, reports));
    out_value(PICK(&row->chance, orders));
    write_day_or_none(row, 70, row->begins + chance_between(&row->chance, 0, 10));
    write_end(row);
}
const struct part part_repair = {
    {"reparatie-gemeld", "reparatie-melding", "reparatie-opdracht", "reparatie-afspraak", "reparatie-gereed"},
    write_repair};

static void write_complaint(struct row *row)
{
    static const char *const subjects[] = {"servicekosten", "onderhoud", "bejegening", "huurverhoging"};
    static const char *const texts[] = {"Er is drie keer gebeld, zonder antwoord",
                                        "De afrekening klopt niet; zie de bijlage", "De afspraak is \"vergeten\"",
                                        "Geen warm water sinds maandag"};

    out_day(row->begins);
    out_value(PICK(&row->chance, subjects));
    out_value(PICK(&row->chance, texts));
    write_end(row);
}
const struct part part_complaint = {
    {"klacht-ontvangen", "klacht-onderwerp", "klacht-omschrijving", "klacht-afgehandeld"}, write_complaint};

static void write_nuisance(struct row *row)
{
    static const char *const sorts[] = {"geluid", "stank", "vervuiling", "dieren", "bedreiging", "anders"};
    static const char *const reports[] = {"muziek na middernacht", "vuil in het trappenhuis",
                                          "hond blaft, de hele dag", "fietsen voor de nooduitgang"};
    static const char *const measures[] = {"", "gesprek gevoerd", "brief gestuurd", "buurtbemiddeling"};

    out_day(row->begins);
    out_value(PICK(&row->chance, sorts));
    out_value(PICK(&row->chance, reports));
    out_value(PICK(&row->chance, measures));
    write_end(row);
}
const struct part part_nuisance = {
    {"overlast-gemeld", "overlast-soort", "overlast-melding", "overlast-maatregel", "overlast-gesloten"},
    write_nuisance};

static void write_reporter(struct row *row)
{
    struct person reporter = person_make(&row->chance, 0);

    out_value(reporter.surname);
    person_out_phone(&row->chance);
}
const struct part part_reporter = {{"melder-naam", "melder-telefoon"}, write_reporter};

static void write_question(struct row *row)
{
    static const char *const questions[] = {"Wanneer komt de schilder?", "Hoe zeg ik de huur op?",
                                            "Mag ik een \"airco\" plaatsen?",
                                            "Waar staat mijn inschrijving, en hoe lang nog?"};

    out_day(row->begins);
    out_value(PICK(&row->chance, questions));
    write_end(row);
}
const struct part part_question = {{"vraag-ontvangen", "vraag", "vraag-afgehandeld"}, write_question};

/* Addresses for documentation (RFC 5737, RFC 3849), whole: the last part is cut when they are kept. */
static void write_visit(struct row *row)
{
    char text[48];
    int last = chance_between(&row->chance, 1, 254);

    snprintf(text, sizeof text, chance_percent(&row->chance, 75) ? "203.0.113.%d" : "2001:db8:77:1::%x",
             (unsigned)last);
    out_value(text);
}
const struct part part_visit = {{"ip-adres"}, write_visit};

static void write_unsubscribed(struct row *row)
{
    write_end(row);
}
const struct part part_unsubscribed = {{"afgemeld"}, write_unsubscribed};

static void write_premises(struct row *row)
{
    write_object(row, "Bedrijfsruimte");
    out_day(row->begins);
    out_amount(chance_between(&row->chance, 100000, 21000000));
}
const struct part part_premises = {{"vastgoedobject", "eerste-gebruik", "btw-bedrag"}, write_premises};

static void write_footage(struct row *row)
{
    static const char *const places[] = {"entree", "fietsenkelder", "parkeergarage, laag -1", "trappenhuis B"};
    char text[64];

    out_day(row->begins);
    out_value(PICK(&row->chance, places));
    out_value(chance_percent(&row->chance, 98) ? "ja" : "nee");
    out_value(chance_percent(&row->chance, 98) ? "ja" : "nee");
    snprintf(text, sizeof text, "recorder %d", chance_between(&row->chance, 1, 9));
    out_value(text);
}
const struct part part_footage = {{"opgenomen", "camera-plaats", "camera-bord", "camera-woningvrij", "camera-opname"},
                                  write_footage};

static void write_door(struct row *row)
{
    char text[16];

    if (!chance_percent(&row->chance, 50)) {
        write_nothing(3);
        return;
    }
    out_day(row->begins);
    out_value(chance_percent(&row->chance, 50) ? "hoofdingang" : "berging");
    snprintf(text, sizeof text, "P%06d", chance_between(&row->chance, 1, 999999));
    out_value(text);
}
const struct part part_door = {{"toegang-opgenomen", "toegang-deur", "toegang-pas"}, write_door};
