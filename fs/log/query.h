/* query: answers a question from the index and the segments. */
#ifndef DOSSIERFS_LOG_QUERY_H
#define DOSSIERFS_LOG_QUERY_H

#include "fs/log/index.h"
#include "fs/log/log.h"
#include "fs/log/months.h"

struct query {
    int directory_fd;
    const uint8_t *store_id;
    struct months *months;
    struct index *index;
    uint64_t durable; /* entries from here on are not looked at */
    uint32_t hidden;  /* months below this one are past their term */
};

int query_run(const struct query *query, const struct log_filter *filter,
              int (*each)(void *, const struct log_record *), void *context, struct report_why *why);

#endif
