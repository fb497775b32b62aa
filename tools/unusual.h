/* unusual: what stands out in the log, for a person to look at; simple rules, each with its number, none a verdict:
 *  - bulk: one person was shown something of many dossiers within an hour;
 *  - refusals: many were refused to one person within an hour;
 *  - habit: one person was shown many more dossiers on a day than on any of his own days before;
 *  - hours: content was shown at night or in the weekend;
 *  - new-purpose: a person who has been at work for a while acts for a purpose for the first time.
 * People are compared with limits and with their own past, never with each other: this ranks nobody. */
#ifndef DOSSIERFS_TOOLS_UNUSUAL_H
#define DOSSIERFS_TOOLS_UNUSUAL_H

#include <stddef.h>
#include <stdint.h>

#include "fs/gate/answers.h"

enum unusual_rule {
    UNUSUAL_BULK,
    UNUSUAL_REFUSALS,
    UNUSUAL_HABIT,
    UNUSUAL_HOURS,
    UNUSUAL_NEW_PURPOSE,
    UNUSUAL_RULES
};

/* Past which something stands out; hours (0 to 24) at which people work, on working days. */
struct unusual_limits {
    uint64_t bulk, refusals;
    uint64_t times; /* as many dossiers as on any day before */
    unsigned day_from, day_to;
};

/* What the policy says about it, or the defaults. */
struct unusual_limits unusual_limits_of(const struct policy *policy);

struct unusual_finding {
    enum unusual_rule rule;
    uint32_t uid;
    char *user;
    int64_t time_ms;
    uint64_t count;
    unsigned days; /* of UNUSUAL_HABIT: that the person worked before, */
    uint64_t most; /* and the most dossiers on one of them */
    char *purpose; /* of UNUSUAL_NEW_PURPOSE; else "" */
};

struct unusual;

/* What stands out from `from_ms` on. */
int unusual_new(const struct unusual_limits *limits, int64_t from_ms, struct unusual **out);
void unusual_free(struct unusual *unusual);
/* From which moment on entries have to be given, so that it is known what people are used to. */
int64_t unusual_reads_from_ms(int64_t from_ms);
/* The next entry, in the order of the log. 0 or -ENOMEM. */
int unusual_add(struct unusual *unusual, const struct log_record *record);
/* After the last one: the findings, those that began first in front; they are the module's. 0 or -ENOMEM. */
int unusual_end(struct unusual *unusual, const struct unusual_finding **findings, size_t *count);

/* "bulk", and the reason in words. */
const char *unusual_name(enum unusual_rule rule);
enum { UNUSUAL_TEXT_BYTES = 160 };
void unusual_text(const struct unusual_limits *limits, const struct unusual_finding *finding,
                  char text[static UNUSUAL_TEXT_BYTES]);

#endif
