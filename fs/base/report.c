#include "fs/base/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

static enum report_sink the_sink = REPORT_STDERR;
static const char *the_program = "dossierfs";

void report_open(enum report_sink sink, const char *program)
{
    the_sink = sink;
    the_program = program;
    if (sink == REPORT_SYSLOG)
        openlog(program, LOG_PID, LOG_DAEMON);
}

void report(enum report_level level, const char *format, ...)
{
    static const int priority[] = {LOG_INFO, LOG_WARNING, LOG_ERR};
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (the_sink == REPORT_SYSLOG)
        syslog(priority[level], "%s", line);
    else
        fprintf(stderr, "%s: %s\n", the_program, line);
}

int report_fail(struct report_why *why, int error, const char *format, ...)
{
    va_list arguments;

    if (why) {
        va_start(arguments, format);
        vsnprintf(why->text, sizeof why->text, format, arguments);
        va_end(arguments);
    }
    return error;
}
