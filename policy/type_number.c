/* type_number: amounts and the numbers with check digits. */
#include <string.h>

#include "policy/type_rules.h"

enum { AMOUNT_MAX_DIGITS = 12, AMOUNT_GROUP_DIGITS = 3 };

/* Is text[0..length) digits alone, or digits in groups of three with `separator` between them? */
static bool is_whole(const char *text, size_t length_bytes, char separator)
{
    size_t run = 0;
    bool grouped = false;

    for (size_t i = 0; i < length_bytes; i++) {
        if (type_is_digit(text[i])) {
            run++;
        } else if (text[i] == separator && run > 0 && (grouped ? run == 3 : run <= AMOUNT_GROUP_DIGITS)) {
            grouped = true;
            run = 0;
        } else {
            return false;
        }
    }
    return run > 0 && (!grouped || run == AMOUNT_GROUP_DIGITS);
}

static bool is_decimals(const char *text, size_t length_bytes)
{
    return (length_bytes == 1 || length_bytes == 2) && type_is_digit(text[0]) &&
           (length_bytes == 1 || type_is_digit(text[1]));
}

/* The place of the last point or comma, or length_bytes. */
static size_t last_separator(const char *text, size_t length_bytes)
{
    for (size_t i = length_bytes; i > 0; i--)
        if (text[i - 1] == '.' || text[i - 1] == ',')
            return i - 1;
    return length_bytes;
}

static bool is_zero(const char *text, size_t length_bytes)
{
    for (size_t i = 0; i < length_bytes; i++)
        if (type_is_digit(text[i]) && text[i] != '0')
            return false;
    return true;
}

/* Appends the digits without zeros in front; -EINVAL if there are too many. */
static int append_whole(const char *text, size_t length_bytes, struct buffer *canonical)
{
    size_t digits = 0;
    int error = 0;

    for (size_t i = 0; i < length_bytes && !error; i++) {
        if (!type_is_digit(text[i]) || (digits == 0 && text[i] == '0'))
            continue;
        if (++digits > AMOUNT_MAX_DIGITS)
            return -EINVAL;
        error = buffer_append(canonical, text + i, 1);
    }
    return !error && digits == 0 ? buffer_append(canonical, "0", 1) : error;
}

/* Thousands are only read beside decimals ("1.234,56"): a lone "1.234" could be either. */
int type_number_amount(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                       const char **why)
{
    static const char allowed[] = "an amount of at most 12 digits with at most two decimals, such as 1234,56";
    bool negative = value[0] == '-';
    const char *text = value + negative;
    size_t length = length_bytes - negative, whole = last_separator(text, length), decimals = 0;
    int error;

    (void)type;
    if (whole < length) {
        decimals = length - whole - 1;
        if (!is_decimals(text + whole + 1, decimals))
            return type_refuse(why, allowed);
    }
    if (!is_whole(text, whole, whole < length && text[whole] == ',' ? '.' : ','))
        return type_refuse(why, allowed);
    if (negative && !is_zero(text, length) && buffer_append(canonical, "-", 1))
        return -ENOMEM;
    error = append_whole(text, whole, canonical);
    if (error == -EINVAL)
        return type_refuse(why, allowed);
    if (!error)
        error = buffer_append(canonical, ".", 1);
    if (!error && decimals > 0)
        error = buffer_append(canonical, text + whole + 1, decimals);
    return error ? error : buffer_append(canonical, "00", 2 - decimals);
}

/* Lengths of the IBAN in the countries of SEPA (EPC409-09, the SWIFT register). */
static const struct {
    char country[3];
    unsigned char characters;
} iban_lengths[] = {
    {"AD", 24}, {"AL", 28}, {"AT", 20}, {"BE", 16}, {"BG", 22}, {"CH", 21}, {"CY", 28}, {"CZ", 24}, {"DE", 22},
    {"DK", 18}, {"EE", 20}, {"ES", 24}, {"FI", 18}, {"FR", 27}, {"GB", 22}, {"GI", 23}, {"GR", 27}, {"HR", 21},
    {"HU", 28}, {"IE", 22}, {"IS", 26}, {"IT", 27}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"MC", 27},
    {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MT", 31}, {"NL", 18}, {"NO", 15}, {"PL", 28}, {"PT", 25}, {"RO", 24},
    {"RS", 22}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"VA", 22},
};
enum { IBAN_MAX_CHARACTERS = 34 };

static size_t iban_length(const char *country)
{
    for (size_t i = 0; i < sizeof iban_lengths / sizeof iban_lengths[0]; i++)
        if (memcmp(country, iban_lengths[i].country, 2) == 0)
            return iban_lengths[i].characters;
    return 0;
}

/* ISO 7064 mod 97-10 over the number that ISO 13616 makes of it: the first four characters moved behind, A = 10. */
static unsigned iban_remainder(const char *iban, size_t length)
{
    unsigned remainder = 0;

    for (size_t i = 0; i < length; i++) {
        char c = iban[(i + 4) % length];

        if (type_is_digit(c))
            remainder = (remainder * 10 + (unsigned)(c - '0')) % 97;
        else
            remainder = (remainder * 100 + (unsigned)(c - 'A' + 10)) % 97;
    }
    return remainder;
}

/* Check digits run from 02 to 98; 00, 01 and 99 leave the same remainder as one of these and are no IBAN. */
static bool iban_check_digits(const char *iban)
{
    int check;

    if (!type_is_digit(iban[2]) || !type_is_digit(iban[3]))
        return false;
    check = (iban[2] - '0') * 10 + (iban[3] - '0');
    return check >= 2 && check <= 98;
}

static bool iban_is_dutch_shape(const char *iban)
{
    for (size_t i = 4; i < 18; i++)
        if (i < 8 ? !type_is_letter(iban[i]) : !type_is_digit(iban[i]))
            return false;
    return true;
}

int type_number_iban(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                     const char **why)
{
    static const char allowed[] = "an IBAN of a SEPA country with right check digits (NL: 18 characters)";
    size_t before = canonical->length_bytes, length = 0;
    const char *iban;

    (void)type;
    for (size_t i = 0; i < length_bytes; i++) {
        char c = type_upper(value[i]);

        if (c == ' ')
            continue;
        if ((!type_is_digit(c) && !type_is_letter(c)) || ++length > IBAN_MAX_CHARACTERS)
            return type_refuse(why, allowed);
        if (buffer_append(canonical, &c, 1))
            return -ENOMEM;
    }
    iban = (const char *)canonical->bytes + before;
    if (length < 15 || iban_length(iban) != length || !iban_check_digits(iban) || iban_remainder(iban, length) != 1 ||
        (memcmp(iban, "NL", 2) == 0 && !iban_is_dutch_shape(iban)))
        return type_refuse(why, allowed);
    return 0;
}

int type_number_bsn(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                    const char **why)
{
    static const char allowed[] = "a BSN: 9 digits that pass the eleven test";
    int sum = 0;

    (void)type;
    if (length_bytes != 9)
        return type_refuse(why, allowed);
    for (int i = 0; i < 9; i++) {
        if (!type_is_digit(value[i]))
            return type_refuse(why, allowed);
        sum += (value[i] - '0') * (i < 8 ? 9 - i : -1);
    }
    if (sum % 11 != 0 || is_zero(value, length_bytes))
        return type_refuse(why, allowed);
    return buffer_append(canonical, value, length_bytes);
}
