/* bulk: how many different dossiers a caller opened within an hour by way of a role, where the policy limits that (D9). An hour begins
 * with the first of them and takes 3600 seconds; what was opened in it may be opened again. Kept in memory: a new mount begins
 * anew, and a new policy does not, since roles are known here by their names. For the dispatcher. */
#ifndef DOSSIERFS_GATE_BULK_H
#define DOSSIERFS_GATE_BULK_H

#include <stdint.h>

struct bulk;

enum { BULK_HOUR_S = 3600 };

int bulk_new(struct bulk **out);
void bulk_free(struct bulk *bulk); /* NULL is allowed */

/* Would one more opening of this dossier be within the limit? 0; -EDQUOT: no, before *until_s (Unix time). */
int bulk_ask(const struct bulk *bulk, uint32_t uid, const char *role, uint32_t limit, uint64_t subject, int64_t now_s,
             int64_t *until_s);
/* Counts it. 0 or -ENOMEM: it isn't counted, so it must not be shown. */
int bulk_count(struct bulk *bulk, uint32_t uid, const char *role, uint64_t subject, int64_t now_s);
/* How many are counted in the hour that runs, which ends at *until_s; 0: none runs. */
uint32_t bulk_counted(const struct bulk *bulk, uint32_t uid, const char *role, int64_t now_s, int64_t *until_s);

#endif
