/* index: answers which entries a question may mean, and where they lie. An SQLite file that holds times, numbers and keyed
 * hashes, no names; filled from the segments in batches; removed and made anew when in doubt. Thread-safe. */
#ifndef DOSSIERFS_LOG_INDEX_H
#define DOSSIERFS_LOG_INDEX_H

#include <stdint.h>

#include "fs/log/log.h"
#include "fs/log/months.h"

struct index;

enum { INDEX_SUBJECTS_MAX = 30000 };

/* Where an entry lies. */
struct index_place {
    uint64_t leaf;
    uint32_t segment;
    uint64_t batch; /* offsets in the segment: of its batch ... */
    uint64_t entry; /* ... and of itself */
    uint64_t first; /* leaf of the first entry of its batch */
};

/* Opens no file yet: that is done with the first question. `path` is the directory's, which SQLite needs; copied. */
int index_new(int directory_fd, const char *path, const uint8_t key[static LOG_KEY_BYTES],
              const uint8_t store_id[static LOG_STORE_ID_BYTES], struct months *months, struct index **out);
void index_free(struct index *index);

/* Takes in what is durable. */
int index_update(struct index *index, uint64_t durable, struct report_why *why);
/* Makes the file anew and takes everything in: after -EUCLEAN from one of those below. */
int index_remake(struct index *index, uint64_t durable);
/* Like index_update(), as far as it goes in a second: for closing, so that the next question need not wait. */
void index_rest(struct index *index, uint64_t durable);

/* Takes a month's entries out, and its bytes out of the file: they were destroyed. */
int index_clear_month(struct index *index, uint16_t month, uint64_t durable, struct report_why *why);

/* The first `most` places, in order, of entries with from <= leaf < to that the filter may mean (hashes may collide: the
 * caller looks again). Returns their number, or a negative errno; -EUCLEAN: the file makes no sense. */
int index_find(struct index *index, const struct log_filter *filter, uint64_t from, uint64_t to, int most,
               struct index_place *out, struct report_why *why);
/* Narrows from..to by the times asked for, and to the newest filter->limit if those are wanted. */
int index_bounds(struct index *index, const struct log_filter *filter, uint64_t *from, uint64_t *to,
                 struct report_why *why);

/* log_times(), of what was taken in. */
int index_times(struct index *index, int (*each)(void *context, int64_t first_ms, int64_t last_ms), void *context,
                struct report_why *why);
/* The trace and span id of an entry that was given none: always the same. */
void index_ids(const struct index *index, uint64_t leaf, uint8_t trace[static 16], uint8_t span[static 8]);

/* The lowest leaf with from <= leaf < to that is known to be lost or not to open; UINT64_MAX if there is none. */
uint64_t index_bad(struct index *index, uint64_t from, uint64_t to);

#endif
