/* report: what the daemon and the command say to the person who runs them: one line each, never a value, a name or a
 * code of a data subject. Thread-safe. Until report_open() lines go to standard error. */
#ifndef DOSSIERFS_BASE_REPORT_H
#define DOSSIERFS_BASE_REPORT_H

enum report_level { REPORT_INFO, REPORT_WARNING, REPORT_ERROR };
enum report_sink { REPORT_STDERR, REPORT_SYSLOG };

/* `program` is kept, not copied: it stands in front of each line. */
void report_open(enum report_sink sink, const char *program);
void report(enum report_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Why something could not be done: one line for a person, without a line end, without personal data. Filled by
 * functions that fail for reasons an errno can't tell; left untouched on success. */
struct report_why {
    char text[256];
};
/* Fills `why` (which may be NULL) and returns `error` unchanged, so that a failure is one statement. */
int report_fail(struct report_why *why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
