/* expiry: destroys the months of the log that are past the log's own term, carefully, and each so that a crash leaves it either
 * untouched or to be finished. The rule and what makes a month wait are told in log.h, the files in FORMAT.md.
 *
 * The order, each step durable before the next: the intent (file `erasing`); an entry in the log; a record signed by the key of
 * now, which is destroyed with it (signer.h); the month's keys overwritten; its rows taken out of the index; the intent removed. The
 * next start, or the next run, goes through all of it again where an intent is found.
 *
 * Whoever can write files, but has no key, can't make any of that happen: intent and state are sealed. */
#ifndef DOSSIERFS_LOG_EXPIRY_H
#define DOSSIERFS_LOG_EXPIRY_H

#include "fs/log/index.h"
#include "fs/log/log.h"
#include "fs/log/months.h"
#include "fs/log/notary.h"

struct expiry;

/* What it works on; borrowed. */
struct expiry_parts {
    struct log *log;
    int directory_fd;
    struct months *months;
    struct index *index;
    struct notary *notary;
};

/* Finishes a destruction that was begun. Its failure is said and tried again with the next run; -ENOMEM is all that fails. The log
 * must be able to take entries. */
int expiry_start(const struct expiry_parts *parts, struct expiry **out);
/* NULL is allowed. */
void expiry_stop(struct expiry *expiry);

/* These are log_set_rule(), log_expire_due() and log_erasures(). */
void expiry_set_rule(struct expiry *expiry, const struct log_rule *rule, bool by_itself);
int expiry_run(struct expiry *expiry, int64_t now_ms, enum log_expire how, log_each_erasure *each, void *context,
               struct log_expired *out, struct report_why *why);
int expiry_list(struct expiry *expiry, int64_t from_ms, int64_t to_ms, log_each_erasure *each, void *context);
/* Months below this one are hidden now; 0: none. */
uint32_t expiry_hidden(struct expiry *expiry);

#endif
