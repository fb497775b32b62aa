#include "tools/moment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fs/base/number.h"
#include "fs/gate/clock.h"
#include "policy/terms.h"

const char moment_allowed[] = "yyyy-mm-dd, yyyy-mm-dd hh:mm[:ss][Z|+hh:mm], now, today, yesterday or -N(s|m|h|d|w)";

/* Exactly `digits` digits at *at, which moves on. */
static bool take_number(const char **at, size_t digits, uint32_t min, uint32_t max, uint32_t *number)
{
    if (strnlen(*at, digits) < digits || number_parse_u32(*at, digits, min, max, number) < 0)
        return false;
    *at += digits;
    return true;
}

static bool take_character(const char **at, char character)
{
    if (**at != character)
        return false;
    (*at)++;
    return true;
}

static int parse_ago(const char *text, int64_t now_s, int64_t *second)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    size_t length_bytes = strlen(text);
    uint32_t count;

    if (length_bytes < 2 || number_parse_u32(text, length_bytes - 1, 0, 1000000, &count) < 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == text[length_bytes - 1]) {
            *second = now_s - (int64_t)count * units[i].seconds;
            return 0;
        }
    return -EINVAL;
}

struct written {
    uint32_t year, month, day, hour, minute, second;
    bool has_offset;
    int64_t offset_s; /* east of UTC */
};

static bool take_date(const char **at, struct written *written)
{
    return take_number(at, 4, 1, 9999, &written->year) && take_character(at, '-') &&
           take_number(at, 2, 1, 12, &written->month) && take_character(at, '-') &&
           take_number(at, 2, 1, 31, &written->day) &&
           terms_day_exists((int)written->year, (int)written->month, (int)written->day);
}

static bool take_time(const char **at, struct written *written)
{
    uint32_t hours, minutes;
    char sign;

    if (!take_number(at, 2, 0, 23, &written->hour) || !take_character(at, ':') ||
        !take_number(at, 2, 0, 59, &written->minute))
        return false;
    if (take_character(at, ':') && !take_number(at, 2, 0, 59, &written->second))
        return false;
    sign = **at;
    if (sign == 'Z') {
        written->has_offset = true;
        (*at)++;
    } else if (sign == '+' || sign == '-') {
        (*at)++;
        if (!take_number(at, 2, 0, 14, &hours) || !take_character(at, ':') || !take_number(at, 2, 0, 59, &minutes))
            return false;
        written->has_offset = true;
        written->offset_s = (sign == '-' ? -60 : 60) * ((int64_t)hours * 60 + minutes);
    }
    return **at == '\0';
}

static int64_t second_of(const struct written *written)
{
    int32_t day = terms_day((int)written->year, (int)written->month, (int)written->day);
    struct tm local = {.tm_year = (int)written->year - 1900,
                       .tm_mon = (int)written->month - 1,
                       .tm_mday = (int)written->day,
                       .tm_hour = (int)written->hour,
                       .tm_min = (int)written->minute,
                       .tm_sec = (int)written->second,
                       .tm_isdst = -1};

    if (written->has_offset)
        return (int64_t)day * 86400 + written->hour * 3600 + written->minute * 60 + written->second -
               written->offset_s;
    return (int64_t)mktime(&local);
}

int moment_parse(const char *text, int64_t now_s, int64_t *second, bool *is_day)
{
    struct written written = {0};
    const char *at = text;
    bool day = false;
    int64_t found;

    if (text[0] == '-' || strcmp(text, "now") == 0) {
        found = now_s;
        if (text[0] == '-' && parse_ago(text + 1, now_s, &found) < 0)
            return -EINVAL;
    } else if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0) {
        found = clock_first_second(clock_day_of(now_s) - (text[0] == 'y'));
        day = true;
    } else {
        if (!take_date(&at, &written))
            return -EINVAL;
        day = *at == '\0';
        if (!day && ((!take_character(&at, 'T') && !take_character(&at, ' ')) || !take_time(&at, &written)))
            return -EINVAL;
        found = day ? clock_first_second(terms_day((int)written.year, (int)written.month, (int)written.day))
                    : second_of(&written);
    }
    *second = found;
    *is_day = day;
    return 0;
}

void moment_print_iso(int64_t time_ms, char text[static MOMENT_BYTES])
{
    clock_iso(time_ms, text);
}

void moment_print(int64_t time_ms, char text[static MOMENT_BYTES])
{
    time_t second = (time_t)(time_ms / 1000 - (time_ms % 1000 < 0));
    struct tm local;

    if (!localtime_r(&second, &local) || strftime(text, MOMENT_BYTES, "%Y-%m-%d %H:%M:%S", &local) == 0)
        snprintf(text, MOMENT_BYTES, "-");
}
