/* sent: when a checkpoint of the log was last taken to each of the places that keep them elsewhere, and what became of the last
 * attempt. It proves nothing (whoever can write the log can write this file): it tells people that a timer stopped. The file `sent`
 * in the log's directory is described in FORMAT.md; what can't be read in it counts as never sent. */
#ifndef DOSSIERFS_LOG_SENT_H
#define DOSSIERFS_LOG_SENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SENT_MAX_PLACES = 8,
    SENT_PLACE_BYTES = 256, /* with the NUL; of a longer one the beginning counts */
    SENT_WHY_BYTES = 160,
    SENT_LATE_S = 36 * 3600, /* once a day is expected; half a day more is nothing to worry about */
};

struct sent_place {
    char place[SENT_PLACE_BYTES]; /* as the policy names it: "file /mnt/elsewhere/tenants" */
    int64_t sent_s;               /* of the last one that arrived, Unix time; 0: none */
    uint64_t size;                /* how many entries it vouches for */
    int64_t tried_s;              /* of the last attempt; 0: none */
    char why[SENT_WHY_BYTES];     /* why that failed; "": it did not */
};

/* Sets `place` (with its name filled in) to what is known of it; all else zero if nothing is. `log_path` is the log's directory. */
void sent_read(const char *log_path, struct sent_place *place);
/* The file holds these places from now on, and no others. The file belongs to the directory's owner. 0 or a negative errno, and then
 * it is as it was. */
int sent_write(const char *log_path, const struct sent_place *places, size_t count);
/* Failed, or not for SENT_LATE_S: something for people to look at. */
bool sent_is_late(const struct sent_place *place, int64_t now_s);

#endif
