/* report_page: what `log report` counted, as a page (page.h). Counts, and no names of people or dossiers. */
#ifndef DOSSIERFS_TOOLS_REPORT_PAGE_H
#define DOSSIERFS_TOOLS_REPORT_PAGE_H

#include <stdint.h>
#include <stdio.h>

#include "fs/gate/reload.h"
#include "fs/log/verify.h"
#include "policy/wording.h"
#include "tools/unusual.h"

enum { REPORT_MAX_DAYS = 400 };

struct report_group {
    char *name;
    uint64_t shown, refused;
};
/* Groups by one member of the entries. */
struct report_groups {
    struct report_group *list;
    size_t count;
    uint64_t others_shown, others_refused; /* of names past a bound: programs can take as many as they like */
};
enum report_by { REPORT_BY_PURPOSE, REPORT_BY_ROLE, REPORT_BY_PROGRAM, REPORT_BY_RULE, REPORT_GROUPINGS };

/* What was done about calamities: the glass that was broken. */
enum report_calamity { REPORT_DECLARED, REPORT_ENDED, REPORT_REVIEWED, REPORT_CALAMITIES };

struct report_counts {
    int32_t first_day, last_day; /* policy/terms.h; both included, at most REPORT_MAX_DAYS */
    uint64_t shown_on[REPORT_MAX_DAYS], refused_on[REPORT_MAX_DAYS];
    uint64_t entries, shown, refused, failed;
    uint64_t erased; /* entries that can't be opened any more */
    uint64_t calamities[REPORT_CALAMITIES];
    struct report_groups by[REPORT_GROUPINGS];
};

struct report_page {
    const struct policy *policy;
    enum wording_language language;
    int64_t now_ms;
    struct report_counts *counts; /* its groups are put in order */
    const struct verify_report *verified;
    size_t sent_count; /* places that checkpoints are sent to */
    const struct sent_place *sent;
    const struct unusual_limits *limits;
    const struct unusual_finding *findings;
    size_t finding_count;
};

/* Errors stay in the stream. */
void report_page_print(const struct report_page *page, FILE *out);

#endif
