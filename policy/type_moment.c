/* type_moment: dates and years. */
#include <string.h>

#include "policy/terms.h"
#include "policy/type_rules.h"

/* The number of exactly `digits` digits, or -1. */
static int digits_at(const char *text, size_t digits)
{
    int number = 0;

    for (size_t i = 0; i < digits; i++) {
        if (!type_is_digit(text[i]))
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

static bool parse_iso(const char *text, size_t length_bytes, int *year, int *month, int *day)
{
    if (length_bytes != 10 || text[4] != '-' || text[7] != '-')
        return false;
    *year = digits_at(text, 4);
    *month = digits_at(text + 5, 2);
    *day = digits_at(text + 8, 2);
    return terms_day_exists(*year, *month, *day);
}

static bool parse_dutch(const char *text, size_t length_bytes, int *year, int *month, int *day)
{
    if (length_bytes != 10 || text[2] != '-' || text[5] != '-')
        return false;
    *day = digits_at(text, 2);
    *month = digits_at(text + 3, 2);
    *year = digits_at(text + 6, 4);
    return terms_day_exists(*year, *month, *day);
}

int type_moment_date(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                     const char **why)
{
    int year, month, day;

    (void)type;
    if (!parse_iso(value, length_bytes, &year, &month, &day) &&
        !parse_dutch(value, length_bytes, &year, &month, &day))
        return type_refuse(why, "a day of the calendar, as yyyy-mm-dd or dd-mm-yyyy");
    /* how a common ERP writes "no date" */
    if (year == 1753 && month == 1 && day == 1)
        return 0;
    return buffer_printf(canonical, "%04d-%02d-%02d", year, month, day);
}

int type_moment_year(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                     const char **why)
{
    int year = length_bytes == 4 ? digits_at(value, 4) : -1;

    (void)type;
    if (year < 1900 || year > 2199)
        return type_refuse(why, "a year from 1900 to 2199");
    return buffer_append(canonical, value, length_bytes);
}

bool type_date_day(const char *canonical, size_t length_bytes, int32_t *day)
{
    int year, month, month_day;

    if (!parse_iso(canonical, length_bytes, &year, &month, &month_day))
        return false;
    *day = terms_day(year, month, month_day);
    return true;
}
