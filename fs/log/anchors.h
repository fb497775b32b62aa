/* anchors: what vouches for a log from outside its entries, compared with the log's tree as it grows: the record of keys
 * (succession), the newest checkpoint, and what the person who asks brings along: a public key, a checkpoint kept elsewhere.
 * In constant memory: each key of the chain is looked at once, in order. Everything read is taken for hostile. FORMAT.md has
 * the formats and what each of them proves. */
#ifndef DOSSIERFS_LOG_ANCHORS_H
#define DOSSIERFS_LOG_ANCHORS_H

#include <stdbool.h>

#include "fs/log/months.h"
#include "fs/log/note.h"
#include "fs/log/verify.h"

struct anchors;

/* What does not fit: `entry` is the first one that may be bad; 0: none in particular. */
struct anchors_fault {
    enum verify_result result; /* VERIFY_INTACT: there is no fault */
    uint64_t entry;
    char text[256];
};

/* Reads the heads of the files. To be called before the segments are looked at: what is signed by then is there. `key` and `kept`
 * may be NULL; `kept` is the text of one checkpoint or of several, one behind the other, as they were taken. -EINVAL: `kept` is
 * something else; -ENOMEM, or reading. A fault may be there already. */
int anchors_open(int directory_fd, const struct note_key *key, const char *kept, struct anchors **out);
void anchors_close(struct anchors *anchors);
/* The next number of entries at which the log's root is wanted; UINT64_MAX: none. Never less than before. */
uint64_t anchors_wanted(const struct anchors *anchors);
/* The log's root over its first `size` entries, for the wanted `size`. */
void anchors_meet(struct anchors *anchors, uint64_t size, const uint8_t root[static TREE_HASH_BYTES]);
/* A number of entries whose root can't be known, since the entries were lost before. */
void anchors_pass(struct anchors *anchors, uint64_t size);
/* The log ends, whole, after `size` entries of the store with this origin. */
void anchors_end(struct anchors *anchors, uint64_t size, const char *origin);

/* The newest checkpoint as its file says, and nothing checked; NULL: there is none. */
const struct note_signed *anchors_checkpoint(const struct anchors *anchors);
/* The newest checkpoint and the key that signed it, whatever the entries say: goes through all records, so the rest of these
 * functions are of no use after it. -ENOENT, -EBADMSG. */
int anchors_newest(struct anchors *anchors, struct note_signed *newest, struct note_key *key);

const struct anchors_fault *anchors_fault(const struct anchors *anchors);
/* How far entries are vouched for; 0: not at all. */
struct anchors_reach {
    uint64_t sealed;  /* by a record of a key that is destroyed */
    uint64_t signed_; /* by the newest checkpoint or record */
    uint64_t key;     /* by what the given key leads to */
    uint64_t since;   /* by the given checkpoint */
    bool has_months;  /* the newest record that fits says what the months' keys are */
    uint32_t months;
    uint8_t months_sum[TREE_HASH_BYTES];
    const struct months_erased *erased; /* of the records that fit, by month; lives as long as the anchors */
    size_t erased_count;
    uint64_t chains; /* how many chains of keys there are */
    char time[24];   /* of the newest checkpoint or record */
};
struct anchors_reach anchors_reach(const struct anchors *anchors);

#endif
