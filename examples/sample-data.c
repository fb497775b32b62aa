/* sample-data: a CSV of invented tenants for examples/woningcorporatie.ini, the same for the same count, seed and day.
 *
 * Nobody in it exists: surnames, streets and towns are put together from made-up parts, accounts are of a bank that there
 * is not, phone numbers lie in ranges that are not given out, and e-mail goes to example.org (RFC 2606). Of the tenancies
 * 70% run, 15% ended and are within their term, 15% are past it (a third of these still with payments to keep). */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/base/number.h"
#include "policy/terms.h"

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum {
    EXIT_USAGE = 2,
    CODE_YEARS = 9999,
    CODES_A_YEAR = 100000,
    COUNT_MAX = CODE_YEARS * CODES_A_YEAR,
    OUT_BYTES = 1 << 18,
    ROW_MAX_BYTES = 4096,
};

/* ---- chance: splitmix64, a stream of its own for each row, so that rows do not depend on how many there are ---- */

struct chance {
    uint64_t state;
};

static uint64_t chance_next(struct chance *chance)
{
    uint64_t z = chance->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A number from `low` to `high`, both included. */
static int chance_between(struct chance *chance, int low, int high)
{
    return low + (int)((chance_next(chance) >> 32) * (uint64_t)(high - low + 1) >> 32);
}

static bool chance_percent(struct chance *chance, int percent)
{
    return chance_between(chance, 1, 100) <= percent;
}

#define PICK(chance, array) ((array)[chance_between(chance, 0, (int)ARRAY_LENGTH(array) - 1)])

/* ---- words ---- */

/* With the ASCII that an address for e-mail is made of, and the initial where it is not the first letter. */
struct word {
    const char *text, *ascii, *initial;
};

static const struct word names_m[] = {
    {"Adriaan", 0, 0},
    {"Bartho", 0, 0},
    {"Casper", 0, 0},
    {"Diederik", 0, 0},
    {"Evert", 0, 0},
    {"Floris", 0, 0},
    {"Gijsbert", 0, 0},
    {"Hidde", 0, 0},
    {"IJsbrand", 0, "IJ."},
    {"Jurriën", "jurrien", 0},
    {"Koenraad", 0, 0},
    {"Lieuwe", 0, 0},
    {"Maarten", 0, 0},
    {"Noël-Jan", "noeljan", 0},
    {"Olivier", 0, 0},
    {"Pieter", 0, 0},
    {"Theodoor", 0, "Th."},
    {"Reinier", 0, 0},
    {"Siebren", 0, 0},
    {"Tjeerd", 0, 0},
    {"Ümit-Can", "umitcan", "Ü."},
    {"Wessel", 0, 0},
    {"Yusuf", 0, 0},
    {"Zbyšek", "zbysek", 0},
    {"André", "andre", 0},
    {"İlhan", "ilhan", "İ."},
    {"Søren", "soren", 0},
    {"Łukasz", "lukasz", "Ł."},
};
static const struct word names_v[] = {
    {"Aleida", 0, 0},
    {"Beatrijs", 0, 0},
    {"Cornelia", 0, 0},
    {"Désirée", "desiree", 0},
    {"Eefje", 0, 0},
    {"Fenna", 0, 0},
    {"Geertrui", 0, 0},
    {"Hendrikje", 0, 0},
    {"Ilonka", 0, 0},
    {"Josephine", 0, 0},
    {"Katrijn", 0, 0},
    {"Liselot", 0, 0},
    {"Marijke", 0, 0},
    {"Noémie", "noemie", 0},
    {"Ottilie", 0, 0},
    {"Philippine", 0, "Ph."},
    {"Roosmarijn", 0, 0},
    {"Saskia", 0, 0},
    {"Trijntje", 0, 0},
    {"Ursula", 0, 0},
    {"Willemijn", 0, 0},
    {"Yasemin", 0, 0},
    {"Zoë-Lynn", "zoelynn", 0},
    {"Chloé", "chloe", "Ch."},
    {"Çağla", "cagla", "Ç."},
    {"Ángela", "angela", "Á."},
    {"Élodie", "elodie", "É."},
    {"Šejla", "sejla", "Š."},
};

static const char *const surname_begins[] = {
    "Vlier", "Wilgen", "Kwartel", "Zand", "Brem",   "Duin",   "Elzen", "Fluiten",  "Gerst", "Hazel",
    "Iepen", "Juf",    "Klaver",  "Lind", "Mispel", "Noord",  "Oever", "Populier", "Quint", "Riet",
    "Spar",  "Tarwe",  "Uiter",   "Veen", "Wikke",  "IJssel", "Zeven", "Appel",    "Bever", "Distel",
};
static const char *const surname_ends[] = {
    "beek", "stam",  "maat",  "stroo", "kamp", "hoven", "brugge", "wijck", "dorper", "meester",
    "zoom", "schot", "horst", "daele", "mans", "veldt", "sluijs", "burgh", "kooij",  "huijsen",
};
static const struct word surnames_other[] = {
    {"Çelikoğlu", "celikoglu", 0},       {"Müllenbach", "mullenbach", 0}, {"Núñarez", "nunarez", 0},
    {"Šimkovčić", "simkovcic", 0},       {"Ådahlsen", "adahlsen", 0},     {"Öztürmen", "ozturmen", 0},
    {"'s-Gravenzoom", "sgravenzoom", 0}, {"Façonneur", "faconneur", 0},   {"Łabędzki", "labedzki", 0},
    {"Benhadjoui", "benhadjoui", 0},     {"Coöpmans", "coopmans", 0},     {"Desirésson", "desiresson", 0},
    {"D’Aubervelde", "daubervelde", 0},  {"Đurovičan", "durovican", 0},   {"Strauß-Kämper", "strausskamper", 0},
};
static const char *const infixes[] = {
    "van", "van",   "de",     "de",    "van der", "van der", "van den", "van de", "ter", "ten",
    "'t",  "in 't", "van 't", "op de", "uit den", "von",     "el",      "d'",     "à",   "de la",
};
static const char *const street_begins[] = {
    "Akker",  "Bloesem", "Citroenvlinder", "Dageraad",  "Egelantier", "Fuut",   "Grutto",   "Heide",
    "Iris",   "Jasmijn", "Korhoen",        "Leeuwerik", "Margriet",   "Narcis", "Ooievaar", "Patrijs",
    "Reiger", "Sperwer", "Tureluur",       "Viooltjes", "Wulp",       "Zwaluw", "Één-Mei-", "Noordoost-",
};
static const char *const street_ends[] = {"straat", "laan", "weg", "plein", "hof", "kade", "singel", "pad"};
static const char *const towns[] = {
    "Voorbeelddam", "Testerveen",        "Nieuw-Verzonnen", "Oud-Bedacht",       "Schijnhoven",
    "Fictiezijl",   "Proefwijk aan Zee", "'t Verzinsel",    "Sint-Niemandsrade", "Ruïnerhaven",
};
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
static const char *const payments[] = {"incasso", "incasso", "incasso", "overschrijving", "ideal", "contant"};
static const char *const documents[] = {"paspoort", "identiteitskaart", "identiteitskaart", "rijbewijs"};

/* ---- output ---- */

static struct out {
    char bytes[OUT_BYTES];
    size_t length_bytes;
    char delimiter;
    bool first; /* of its row */
    bool failed;
} out;

static void out_flush(void)
{
    if (fwrite(out.bytes, 1, out.length_bytes, stdout) != out.length_bytes)
        out.failed = true;
    out.length_bytes = 0;
}

static void out_byte(char c)
{
    out.bytes[out.length_bytes++] = c;
}

/* One value, quoted where it has to be (RFC 4180). */
static void out_value(const char *value)
{
    bool quoted = strchr(value, out.delimiter) || strchr(value, '"');

    if (!out.first)
        out_byte(out.delimiter);
    out.first = false;
    if (quoted)
        out_byte('"');
    for (; *value; value++) {
        if (*value == '"')
            out_byte('"');
        out_byte(*value);
    }
    if (quoted)
        out_byte('"');
}

static void out_end_row(void)
{
    out_byte('\n');
    out.first = true;
    if (out.length_bytes > OUT_BYTES - ROW_MAX_BYTES)
        out_flush();
}

static void out_number(int number, int digits)
{
    char text[16];

    snprintf(text, sizeof text, "%0*d", digits, number);
    out_value(text);
}

static void out_day(int32_t day)
{
    int year, month, month_day;
    char text[40];

    terms_date(day, &year, &month, &month_day);
    snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, month_day);
    out_value(text);
}

/* With the decimal comma that goes with a semicolon between the values. */
static void out_amount(int cents)
{
    char text[32];

    snprintf(text, sizeof text, "%d%c%02d", cents / 100, out.delimiter == ';' ? ',' : '.', cents % 100);
    out_value(text);
}

/* ---- a tenancy ---- */

struct tenancy {
    int32_t begins, ends; /* ends: INT32_MAX while nobody gave notice */
};

static int year_of(int32_t day)
{
    int year, month, month_day;

    terms_date(day, &year, &month, &month_day);
    return year;
}

/* Personal data goes two years after the end of the tenancy, payments seven years after the end of that book year. */
static struct tenancy make_tenancy(struct chance *chance, int32_t today)
{
    int part = chance_between(chance, 1, 100);
    struct tenancy tenancy = {.ends = INT32_MAX};

    if (part <= 70) {
        tenancy.begins = today - chance_between(chance, 0, chance_percent(chance, 15) ? 360 : 9000);
        if (part <= 2) /* notice given */
            tenancy.ends = today + chance_between(chance, 1, 60);
        return tenancy;
    }
    if (part <= 85)
        tenancy.ends = today - chance_between(chance, 1, 728);
    else if (part <= 90)
        tenancy.ends = today - chance_between(chance, 733, 2200);
    else
        tenancy.ends = terms_day(year_of(today) - 8, 12, 31) - chance_between(chance, 0, 3600);
    tenancy.begins = tenancy.ends - chance_between(chance, 180, 9000);
    return tenancy;
}

/* The year in which the contract began and a number in that year; a full year passes its codes on to the one before. */
static void make_code(int year, char code[32])
{
    static int used[CODE_YEARS + 1];

    while (used[year] == CODES_A_YEAR)
        year = year > 1 ? year - 1 : CODE_YEARS;
    used[year]++;
    snprintf(code, 32, "%04d-%05d", year, used[year] % CODES_A_YEAR);
}

/* ---- the columns, in the order of the policy's fields ---- */

static const char header[][24] = {
    "contractnummer",
    "voorletters",
    "voornamen",
    "tussenvoegsel",
    "achternaam",
    "geslacht",
    "straat",
    "huisnummer",
    "postcode",
    "woonplaats",
    "telefoon",
    "telefoon2",
    "email",
    "geboortedatum",
    "rekeningnummer",
    "betaalwijze",
    "inkomen",
    "inkomensjaar",
    "gezinssamenstelling",
    "studentnummer",
    "svh-nummer",
    "identificatie-gezien",
    "identificatie-soort",
    "huur",
    "begindatum",
    "einddatum",
};

/* The bytes of the first character. */
static int first_letter(const char *text)
{
    int length = 1;

    while (((unsigned char)text[length] & 0xc0) == 0x80)
        length++;
    return length;
}

static const struct word *pick_name(struct chance *chance, char gender)
{
    bool female = gender == 'V' || (gender != 'M' && chance_percent(chance, 50));

    return female ? &PICK(chance, names_v) : &PICK(chance, names_m);
}

static void append_initial(char *initials, size_t size, const struct word *name)
{
    size_t length = strlen(initials);

    if (name->initial)
        snprintf(initials + length, size - length, "%s", name->initial);
    else
        snprintf(initials + length, size - length, "%.*s.", first_letter(name->text), name->text);
}

/* Writes voorletters to geslacht, and the e-mail address for later. */
static void out_person(struct chance *chance, uint64_t number, char email[128])
{
    static const char genders[] = {'M', 'V', 'N', 'O', 'X'};
    char gender = genders[chance_percent(chance, 97) ? chance_between(chance, 0, 1) : chance_between(chance, 2, 4)];
    int names = chance_between(chance, 1, 3);
    char initials[32] = "", forenames[128] = "", surname[64], gender_text[] = {gender, '\0'};
    const struct word *first = NULL;

    for (int i = 0; i < names; i++) {
        const struct word *name = pick_name(chance, gender);

        first = first ? first : name;
        append_initial(initials, sizeof initials, name);
        snprintf(forenames + strlen(forenames), sizeof forenames - strlen(forenames), "%s%s", i ? " " : "",
                 name->text);
    }
    if (chance_percent(chance, 12)) {
        const struct word *other = &PICK(chance, surnames_other);

        snprintf(surname, sizeof surname, "%s", other->text);
        snprintf(email, 128, "%s.%s", first->ascii ? first->ascii : first->text, other->ascii);
    } else {
        snprintf(surname, sizeof surname, "%s%s", PICK(chance, surname_begins), PICK(chance, surname_ends));
        snprintf(email, 128, "%s.%s", first->ascii ? first->ascii : first->text, surname);
    }
    for (char *at = email; *at; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    snprintf(email + strlen(email), 128 - strlen(email), "%llu@example.org", (unsigned long long)number);
    if (chance_percent(chance, 10)) {
        snprintf(surname + strlen(surname), sizeof surname - strlen(surname), "-%s%s", PICK(chance, surname_begins),
                 PICK(chance, surname_ends));
    }
    out_value(initials);
    out_value(forenames);
    out_value(chance_percent(chance, 40) ? PICK(chance, infixes) : "");
    out_value(surname);
    out_value(gender_text);
}

static void out_address(struct chance *chance)
{
    static const char letters[] = "ABCDEGHJKLMNPRTVWXZ"; /* no S: not SA, SD, SS */
    static const char *const additions[] = {"A", "B", "C", "-2", "-3", " hs", " bis"};
    char text[96];

    snprintf(text, sizeof text, "%s%s", PICK(chance, street_begins), PICK(chance, street_ends));
    out_value(text);
    snprintf(text, sizeof text, "%d%s", chance_between(chance, 1, 399),
             chance_percent(chance, 25) ? PICK(chance, additions) : "");
    out_value(text);
    snprintf(text, sizeof text, "%d%s%c%c", chance_between(chance, 1000, 9999), chance_percent(chance, 80) ? " " : "",
             letters[chance_between(chance, 0, sizeof letters - 2)],
             letters[chance_between(chance, 0, sizeof letters - 2)]);
    out_value(text);
    out_value(PICK(chance, towns));
}

/* 06-0 and 099 are not given out to anybody. */
static void out_phone(struct chance *chance)
{
    static const char *const mobile[] = {"06-0", "060", "+3160", "0031 6 0", "+31 (0)6 0"};
    static const char *const fixed[] = {"099-", "099 ", "(099) ", "+3199"};
    int number = chance_between(chance, 0, 9999999);
    char text[32];

    snprintf(text, sizeof text, "%s%07d", chance_percent(chance, 75) ? PICK(chance, mobile) : PICK(chance, fixed),
             number);
    out_value(text);
}

/* An account of a bank "TEST", which there is not. Check digits by ISO 13616: T E S T is 29 14 28 29, N L 23 21. */
static void out_account(struct chance *chance)
{
    uint64_t account = chance_next(chance) % 10000000000u;
    unsigned remainder = 29142829u % 97;
    char text[32];

    remainder = (unsigned)((remainder * (10000000000u % 97) + account % 97) % 97);
    remainder = (remainder * (1000000u % 97) + 232100u % 97) % 97;
    snprintf(text, sizeof text, "NL%02uTEST%010llu", 98 - remainder, (unsigned long long)account);
    out_value(text);
}

static void out_document(struct chance *chance, int32_t begins)
{
    if (chance_percent(chance, 6)) {
        out_value("");
        out_value("");
        return;
    }
    out_day(begins - chance_between(chance, 0, 40));
    out_value(PICK(chance, documents));
}

static void out_optional_number(struct chance *chance, int percent, int digits)
{
    if (chance_percent(chance, percent))
        out_number(chance_between(chance, 1, digits == 7 ? 9999999 : 99999999), digits);
    else
        out_value("");
}

static void out_row(uint64_t number, uint64_t seed, int32_t today)
{
    struct chance chance = {seed * 0xd1342543de82ef95u + number * 0xda942042e4dd58b5u};
    struct tenancy tenancy = make_tenancy(&chance, today);
    char code[32], email[128];

    make_code(year_of(tenancy.begins), code);
    out_value(code);
    out_person(&chance, number, email);
    out_address(&chance);
    out_phone(&chance);
    if (chance_percent(&chance, 30))
        out_phone(&chance);
    else
        out_value("");
    out_value(chance_percent(&chance, 75) ? email : "");
    out_day(tenancy.begins - chance_between(&chance, 18 * 366, 75 * 365));
    out_account(&chance);
    out_value(PICK(&chance, payments));
    out_amount(chance_between(&chance, 1200000, 5500000));
    out_number(year_of(tenancy.begins) - 1, 4);
    out_value(PICK(&chance, households));
    out_optional_number(&chance, 12, 7);
    out_optional_number(&chance, 80, 8);
    out_document(&chance, tenancy.begins);
    out_amount(chance_between(&chance, 35000, 140000));
    out_day(tenancy.begins);
    if (tenancy.ends == INT32_MAX)
        out_value("");
    else
        out_day(tenancy.ends);
    out_end_row();
}

static int write_all(uint32_t count, uint64_t seed, int32_t today)
{
    out.first = true;
    for (size_t i = 0; i < ARRAY_LENGTH(header); i++)
        out_value(header[i]);
    out_end_row();
    for (uint32_t number = 1; number <= count && !out.failed; number++)
        out_row(number, seed, today);
    out_flush();
    if (out.failed || fflush(stdout)) {
        fprintf(stderr, "sample-data: writing: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    return EXIT_SUCCESS;
}

/* ---- options ---- */

static const char usage[] = "usage: sample-data --count N [--seed S] [--today YYYY-MM-DD] [--delimiter semicolon]\n";

static void help(void)
{
    fputs(usage, stdout);
    fputs("Writes a CSV of invented tenants (kind huurder of examples/woningcorporatie.ini) to standard output.\n"
          "\n"
          "  --count N              rows, 0 to 999900000\n"
          "  --seed S               other people; default 1. The same count, seed and day give the same rows\n"
          "  --today YYYY-MM-DD     the day from which tenancies run, ended or are past their term; default today\n"
          "  --delimiter semicolon  between the values, and a decimal comma; default comma\n"
          "  --help                 this text\n"
          "\n"
          "Exit status: 0 written, 2 wrong usage or a failed write.\n",
          stdout);
}

/* A day of 2000 to 2199: within what the types of the fields take. */
static bool parse_day(const char *text, int32_t *day)
{
    uint32_t year, month, month_day;

    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || number_parse_u32(text, 4, 2000, 2199, &year) ||
        number_parse_u32(text + 5, 2, 1, 12, &month) || number_parse_u32(text + 8, 2, 1, 31, &month_day) ||
        !terms_day_exists((int)year, (int)month, (int)month_day))
        return false;
    *day = terms_day((int)year, (int)month, (int)month_day);
    return true;
}

static int32_t day_now(void)
{
    time_t now = time(NULL);
    struct tm local;

    localtime_r(&now, &local);
    return terms_day(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
}

static bool parse_delimiter(const char *text)
{
    if (strcmp(text, "semicolon") == 0)
        out.delimiter = ';';
    else if (strcmp(text, "comma") != 0)
        return false;
    return true;
}

static int refuse(const char *option, const char *allowed)
{
    fprintf(stderr, "sample-data: %s: allowed: %s\n%s", option, allowed, usage);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"count", required_argument, NULL, 'c'}, {"seed", required_argument, NULL, 's'},
        {"today", required_argument, NULL, 't'}, {"delimiter", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
    uint32_t count = UINT32_MAX;
    uint64_t seed = 1;
    int32_t today = day_now();
    int option;

    out.delimiter = ',';
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h') {
            help();
            return EXIT_SUCCESS;
        }
        if (option == 'c' && number_parse_u32(optarg, strlen(optarg), 0, COUNT_MAX, &count))
            return refuse("--count", "a number from 0 to 999900000");
        if (option == 's' && number_parse_u64(optarg, strlen(optarg), 0, UINT64_MAX, &seed))
            return refuse("--seed", "a number from 0 to 18446744073709551615");
        if (option == 't' && !parse_day(optarg, &today))
            return refuse("--today", "a day of the years 2000 to 2199, as yyyy-mm-dd");
        if (option == 'd' && !parse_delimiter(optarg))
            return refuse("--delimiter", "comma or semicolon");
        if (option == '?') {
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc || count == UINT32_MAX) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return write_all(count, seed, today);
}
