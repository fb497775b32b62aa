#include "examples/sample/person.h"

#include <stdio.h>
#include <string.h>

#include "examples/sample/out.h"

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

/* ---- a person ---- */

/* Chance is asked in statements of its own: in the arguments of a call the order would be the compiler's. */

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

/* The surname, and what stands before the number in the address for e-mail. */
static void make_surname(struct chance *chance, const struct word *first, struct person *person)
{
    const char *name = first->ascii ? first->ascii : first->text;

    if (chance_percent(chance, 12)) {
        const struct word *other = &PICK(chance, surnames_other);

        snprintf(person->surname, sizeof person->surname, "%s", other->text);
        snprintf(person->email, sizeof person->email, "%s.%s", name, other->ascii);
    } else {
        const char *end = PICK(chance, surname_ends);

        snprintf(person->surname, sizeof person->surname, "%s%s", PICK(chance, surname_begins), end);
        snprintf(person->email, sizeof person->email, "%s.%s", name, person->surname);
    }
    for (char *at = person->email; *at; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
}

static void append_surname(struct chance *chance, struct person *person)
{
    size_t length_bytes = strlen(person->surname);
    const char *end = PICK(chance, surname_ends);

    snprintf(person->surname + length_bytes, sizeof person->surname - length_bytes, "-%s%s",
             PICK(chance, surname_begins), end);
}

struct person person_make(struct chance *chance, uint64_t number)
{
    static const char genders[] = {'M', 'V', 'N', 'O', 'X'};
    char gender = genders[chance_percent(chance, 97) ? chance_between(chance, 0, 1) : chance_between(chance, 2, 4)];
    int names = chance_between(chance, 1, 3);
    struct person person = {.gender = {gender}};
    const struct word *first = pick_name(chance, gender);
    size_t length_bytes;

    for (int i = 0; i < names; i++) {
        const struct word *name = i ? pick_name(chance, gender) : first;

        append_initial(person.initials, sizeof person.initials, name);
        length_bytes = strlen(person.forenames);
        snprintf(person.forenames + length_bytes, sizeof person.forenames - length_bytes, "%s%s", i ? " " : "",
                 name->text);
    }
    make_surname(chance, first, &person);
    length_bytes = strlen(person.email);
    snprintf(person.email + length_bytes, sizeof person.email - length_bytes, "%llu@example.org",
             (unsigned long long)number);
    if (chance_percent(chance, 10))
        append_surname(chance, &person);
    person.infix = chance_percent(chance, 40) ? PICK(chance, infixes) : "";
    return person;
}

/* ---- where and how they are reached ---- */

void person_out_address(struct chance *chance)
{
    static const char letters[] = "ABCDEGHJKLMNPRTVWXZ"; /* no S: not SA, SD, SS */
    static const char *const additions[] = {"A", "B", "C", "-2", "-3", " hs", " bis"};
    const char *part = PICK(chance, street_ends);
    char text[96], ends_with[3];

    snprintf(text, sizeof text, "%s%s", PICK(chance, street_begins), part);
    out_value(text);
    part = chance_percent(chance, 25) ? PICK(chance, additions) : "";
    snprintf(text, sizeof text, "%d%s", chance_between(chance, 1, 399), part);
    out_value(text);
    ends_with[1] = letters[chance_between(chance, 0, sizeof letters - 2)];
    ends_with[0] = letters[chance_between(chance, 0, sizeof letters - 2)];
    ends_with[2] = '\0';
    part = chance_percent(chance, 80) ? " " : "";
    snprintf(text, sizeof text, "%d%s%s", chance_between(chance, 1000, 9999), part, ends_with);
    out_value(text);
    out_value(PICK(chance, towns));
}

/* 06-0 and 099 are not given out to anybody. */
void person_out_phone(struct chance *chance)
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
void person_out_account(struct chance *chance)
{
    uint64_t account = chance_next(chance) % 10000000000u;
    unsigned remainder = 29142829u % 97;
    char text[32];

    remainder = (unsigned)((remainder * (10000000000u % 97) + account % 97) % 97);
    remainder = (remainder * (1000000u % 97) + 232100u % 97) % 97;
    snprintf(text, sizeof text, "NL%02uTEST%010llu", 98 - remainder, (unsigned long long)account);
    out_value(text);
}

/* Weights 9, 8, .. 2 and -1 (the eleven test). Numbers that begin with 9 are for tests. */
void person_out_bsn(struct chance *chance)
{
    int digits[8] = {9}, sum = 0;
    char text[10] = "9";

    for (int i = 1; i < 8; i++) {
        digits[i] = chance_between(chance, 0, 9);
        text[i] = (char)('0' + digits[i]);
    }
    for (int i = 0; i < 8; i++)
        sum += (9 - i) * digits[i];
    /* No last digit fits a remainder of 10; the digit of weight 2 then takes one of the two next to it. */
    if (sum % 11 == 10) {
        int by = digits[7] < 9 ? 1 : -1;

        text[7] = (char)(text[7] + by);
        sum += 2 * by;
    }
    text[8] = (char)('0' + sum % 11);
    out_value(text);
}
