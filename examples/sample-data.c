/* sample-data: a CSV of invented dossiers for examples/woningcorporatie.ini, the same for the same kind, count, seed and day.
 *
 * Nobody in it exists (sample/person.h). What the dossiers of each kind have, and how many of them go on, ended or are past their
 * term, is in sample/kinds.c. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "examples/sample/kinds.h"
#include "examples/sample/out.h"
#include "fs/base/number.h"
#include "policy/terms.h"

enum { EXIT_USAGE = 2, COUNT_MAX = KINDS_CODE_YEARS * KINDS_CODES_A_YEAR };

static int write_all(const struct sample_kind *kind, uint32_t count, uint64_t seed, int32_t today)
{
    kinds_write_header(kind);
    for (uint32_t number = 1; number <= count && !out_failed(); number++)
        kinds_write_row(kind, number, seed, today);
    if (!out_close()) {
        fprintf(stderr, "sample-data: writing: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    return EXIT_SUCCESS;
}

/* ---- options ---- */

static const char usage[] =
    "usage: sample-data --count N [--kind KIND] [--seed S] [--today YYYY-MM-DD] [--delimiter semicolon]\n";

static void help(void)
{
    fputs(usage, stdout);
    fputs("Writes a CSV of invented dossiers of a kind of examples/woningcorporatie.ini to standard output.\n"
          "\n"
          "  --count N              rows, 0 to 999900000\n"
          "  --kind KIND            of dossiers; default huurder, tenants. One of:\n"
          "                         ",
          stdout);
    kinds_list(stdout, "\n                         ");
    fputs("\n"
          "  --seed S               other people; default 1. The same count, seed and day give the same rows\n"
          "  --today YYYY-MM-DD     the day on which they go on, ended or are past their term; default today\n"
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
        out_delimiter(';');
    else if (strcmp(text, "comma") != 0)
        return false;
    return true;
}

static int refuse(const char *option, const char *allowed)
{
    fprintf(stderr, "sample-data: %s: allowed: %s\n%s", option, allowed, usage);
    return EXIT_USAGE;
}

static int refuse_kind(void)
{
    fputs("sample-data: --kind: allowed: ", stderr);
    kinds_list(stderr, " ");
    fprintf(stderr, "\n%s", usage);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"count", required_argument, NULL, 'c'},
                                            {"kind", required_argument, NULL, 'k'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"today", required_argument, NULL, 't'},
                                            {"delimiter", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const struct sample_kind *kind = kinds_find("huurder");
    uint32_t count = UINT32_MAX;
    uint64_t seed = 1;
    int32_t today = day_now();
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h') {
            help();
            return EXIT_SUCCESS;
        }
        if (option == 'c' && number_parse_u32(optarg, strlen(optarg), 0, COUNT_MAX, &count))
            return refuse("--count", "a number from 0 to 999900000");
        if (option == 'k' && !(kind = kinds_find(optarg)))
            return refuse_kind();
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
    return write_all(kind, count, seed, today);
}
