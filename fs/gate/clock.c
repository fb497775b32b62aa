#include "fs/gate/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/terms.h"

bool clock_zone_exists(const char *name)
{
    char path[256];

    return name[0] != '/' && !strstr(name, "..") &&
           (size_t)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name) < sizeof path &&
           access(path, R_OK) == 0;
}

int clock_set_zone(const char *name, struct report_why *why)
{
    /* glibc takes a zone that it doesn't know for UTC without a word: terms would end hours off. */
    if (!clock_zone_exists(name))
        return report_fail(why, -ENOENT, "the system knows no time zone \"%s\" (is the package tzdata installed?)",
                           name);
    if (setenv("TZ", name, 1) < 0)
        return report_fail(why, -errno, "the time zone can't be set: %s", strerror(errno));
    tzset();
    return 0;
}

int64_t clock_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_s(void)
{
    return clock_now_ms() / 1000;
}

int64_t clock_tick_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int32_t clock_day_of(int64_t second)
{
    time_t when = (time_t)second;
    struct tm local;

    if (!localtime_r(&when, &local))
        return 0;
    return terms_day(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
}

int64_t clock_first_second(int32_t day)
{
    struct tm local = {.tm_isdst = -1};
    int year, month, month_day;

    terms_date(day, &year, &month, &month_day);
    local.tm_year = year - 1900;
    local.tm_mon = month - 1;
    local.tm_mday = month_day;
    return (int64_t)mktime(&local);
}

void clock_stamp(int64_t second, char stamp[static CLOCK_STAMP_BYTES])
{
    time_t when = (time_t)second;
    struct tm local;

    stamp[0] = '\0';
    if (localtime_r(&when, &local))
        strftime(stamp, CLOCK_STAMP_BYTES, "%Y-%m-%d %H:%M:%S", &local);
}

void clock_iso(int64_t time_ms, char text[static CLOCK_ISO_BYTES])
{
    time_t second = (time_t)(time_ms / 1000 - (time_ms % 1000 < 0));
    struct tm local;
    char day[24];
    long offset;

    if (!localtime_r(&second, &local) || strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &local) == 0) {
        snprintf(text, CLOCK_ISO_BYTES, "-");
        return;
    }
    offset = local.tm_gmtoff < 0 ? -local.tm_gmtoff : local.tm_gmtoff;
    snprintf(text, CLOCK_ISO_BYTES, "%s.%03u%c%02u:%02u", day, (unsigned)((time_ms % 1000 + 1000) % 1000),
             local.tm_gmtoff < 0 ? '-' : '+', (unsigned)(offset / 3600 % 24), (unsigned)(offset / 60 % 60));
}
