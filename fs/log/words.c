/* The words for what was done and how it came out: what people type and read. */
#include <stddef.h>
#include <string.h>

#include "fs/log/log.h"

static const char *const whats[] = {
    [LOG_FIELD] = "field",       [LOG_DOSSIER] = "dossier", [LOG_LISTING] = "listing", [LOG_LOOK] = "look",
    [LOG_OWN] = "own",           [LOG_CHANGE] = "change",   [LOG_IMPORT] = "import",   [LOG_QUERY] = "query",
    [LOG_MOUNT] = "mount",       [LOG_POLICY] = "policy",   [LOG_COMMAND] = "command", [LOG_FACT] = "fact",
    [LOG_CALAMITY] = "calamity", [LOG_EXPLAIN] = "explain", [LOG_ERASE] = "erase",
};
static const char *const outcomes[] = {
    [LOG_SHOWN] = "shown", [LOG_MASKED] = "masked", [LOG_REFUSED] = "refused",
    [LOG_DONE] = "done",   [LOG_FAILED] = "failed", [LOG_GAP] = "gap",
};
enum { WHATS = sizeof whats / sizeof *whats, OUTCOMES = sizeof outcomes / sizeof *outcomes };

static const char *name(const char *const *names, size_t count, size_t number)
{
    return number > 0 && number < count ? names[number] : "unknown";
}

static int find(const char *const *names, size_t count, const char *wanted)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i], wanted) == 0)
            return (int)i;
    return -1;
}

const char *log_what_name(enum log_what what)
{
    return name(whats, WHATS, (size_t)what);
}

const char *log_outcome_name(enum log_outcome outcome)
{
    return name(outcomes, OUTCOMES, (size_t)outcome);
}

bool log_outcome_is_refusal(enum log_outcome outcome)
{
    return outcome == LOG_REFUSED || outcome == LOG_GAP;
}

int log_what_find(const char *wanted)
{
    return find(whats, WHATS, wanted);
}

int log_outcome_find(const char *wanted)
{
    return find(outcomes, OUTCOMES, wanted);
}
