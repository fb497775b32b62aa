/* schema: the tables of records.db, their versions, and the settings of every connection to it. */
#ifndef DOSSIERFS_STORE_SCHEMA_H
#define DOSSIERFS_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/base/report.h"
#include "fs/store/crypt.h"

enum { SCHEMA_PAGE_BYTES = 4096 };

/* The only row of meta: what counts up and must never go back. */
struct schema_counters {
    int64_t next_subject;
    int64_t next_slot;
    int64_t next_batch;
};

/* Makes the tables in the empty, existing file `path` and closes it; the counters start at random places where two
 * stores must not be alike. Durable on return, but for the directory. */
int schema_create(const char *path, const struct crypt_keys *keys);
/* Looks at the file without changing it: is it this store's, and of a version that is known? `has_log`: a write-ahead log
 * that isn't empty lies beside it. */
int schema_check(const char *path, bool has_log, const struct crypt_keys *keys, struct report_why *why);
/* The writer's connection; migrates to the newest version. */
int schema_open_writer(const char *path, sqlite3 **out);
int schema_open_reader(const char *path, sqlite3 **out);
/* Closes without moving anything from the log to the database: for an open that failed. */
void schema_close_untouched(sqlite3 *db);

int schema_load_counters(sqlite3 *db, struct schema_counters *counters);
int schema_save_counters(sqlite3 *db, const struct schema_counters *counters);

/* Row numbers: an item's newest version is the last one of a range, and so is a summary's. */
enum { SCHEMA_VERSION_BITS = 20, SCHEMA_VERSION_MAX = (1 << SCHEMA_VERSION_BITS) - 1, SCHEMA_CATEGORY_MAX = 4095 };
#define SCHEMA_SUBJECT_MAX INT64_C(0x7fffffff)
int64_t schema_summary_row(uint32_t subject, uint32_t version);
int64_t schema_item_row(uint32_t subject, uint32_t category, uint32_t version);

#endif
