#include "policy/terms.h"

enum { MONTHS = 12, DAY_SECONDS = 86400, WEEK_DAYS = 7, ERA_DAYS = 146097, ERA_YEARS = 400, EPOCH_DAYS = 719468 };

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool terms_day_exists(int year, int month, int day)
{
    return year >= 1 && year <= 9999 && month >= 1 && month <= MONTHS && day >= 1 && day <= month_days(year, month);
}

/* Years are counted from March, so that the day a leap year adds is its last, in eras of 400 years, which all have the
 * same number of days; EPOCH_DAYS lie between 0000-03-01 and 1970-01-01. */
int32_t terms_day(int year, int month, int day)
{
    int from_march = month > 2 ? month - 3 : month + 9;
    int y = month > 2 ? year : year - 1;
    int era = (y >= 0 ? y : y - (ERA_YEARS - 1)) / ERA_YEARS;
    int year_of_era = y - era * ERA_YEARS;
    int day_of_year = (153 * from_march + 2) / 5 + day - 1;

    return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH_DAYS;
}

void terms_date(int32_t day, int *year, int *month, int *month_day)
{
    int shifted = day + EPOCH_DAYS;
    int era = (shifted >= 0 ? shifted : shifted - (ERA_DAYS - 1)) / ERA_DAYS;
    int day_of_era = shifted - era * ERA_DAYS;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int from_march = (5 * day_of_year + 2) / 153;

    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *month_day = day_of_year - (153 * from_march + 2) / 5 + 1;
    *year = year_of_era + era * ERA_YEARS + (*month <= 2);
}

int32_t terms_last_day(const struct term *term, int32_t start_day)
{
    int year, month, day, months;

    terms_date(start_day, &year, &month, &day);
    if (term->year_end) {
        month = MONTHS;
        day = 31;
    }
    if (term->unit == TERM_DAYS || term->unit == TERM_WEEKS)
        return terms_day(year, month, day) + (int32_t)term->amount * (term->unit == TERM_WEEKS ? WEEK_DAYS : 1);

    months = month - 1 + (int)term->amount * (term->unit == TERM_YEARS ? MONTHS : 1);
    year += months / MONTHS;
    month = months % MONTHS + 1;
    if (day > month_days(year, month))
        day = month_days(year, month);
    return terms_day(year, month, day);
}

/* The end of one term; TERMS_NEVER if it does not run. */
static int64_t term_end_s(const struct term *term, const struct terms_world *world)
{
    bool exact = !term->year_end && (term->unit == TERM_DAYS || term->unit == TERM_WEEKS);
    int32_t start;

    if (term->start == TERM_AFTER_CAPTURE && exact) {
        int64_t days = (int64_t)term->amount * (term->unit == TERM_WEEKS ? WEEK_DAYS : 1);

        return world->capture_s + days * DAY_SECONDS;
    }
    if (term->start == TERM_AFTER_CAPTURE)
        start = world->day_of(world->context, world->capture_s);
    else if (!world->field_day(world->context, term->field, &start))
        return TERMS_NEVER;
    return world->first_second(world->context, terms_last_day(term, start) + 1);
}

/* TERMS_NEVER is the greatest second there is, so a term that does not run never is the earliest and always the
 * latest. */
int64_t terms_end_s(const struct retention *retention, const struct terms_world *world)
{
    int64_t end_s = term_end_s(&retention->terms[0], world);

    for (unsigned i = 1; i < retention->term_count && retention->rule != RETENTION_ONE; i++) {
        int64_t other_s = term_end_s(&retention->terms[i], world);

        if (retention->rule == RETENTION_EARLIEST ? other_s < end_s : other_s > end_s)
            end_s = other_s;
    }
    return end_s;
}
