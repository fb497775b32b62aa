/* noise: what is counted instead of written again: looks (one entry per caller, purpose, dossier and minute) and identical
 * refusals of one caller (the first at once, the rest as one entry with a count when the minute is over). The table is
 * bounded, and refusals that name ever new things are bounded per uid and minute, so that nobody can flood the log. Any thread. */
#ifndef DOSSIERFS_GATE_NOISE_H
#define DOSSIERFS_GATE_NOISE_H

#include <stdbool.h>
#include <stdint.h>

struct noise;

enum { NOISE_REFUSALS_PER_MINUTE = 600 /* different ones of one uid; the others are counted together */ };
#define NOISE_CROWD                                                                                                  \
    UINT32_MAX /* the uid of refusals past the bound when too many uids are refused at once to tell apart */

/* What makes two of them the same. */
struct noise_key {
    uint32_t uid;
    int32_t purpose;
    uint64_t subject;
    int32_t leaf;
    bool refusal;
};

int noise_new(struct noise **out);
void noise_free(struct noise *noise);
/* True: write an entry for it now. */
bool noise_first(struct noise *noise, const struct noise_key *key, int64_t now_s);
/* The entry for it could not be written: the next one is the first again. */
void noise_take_back(struct noise *noise, const struct noise_key *key);
/* For what anybody may do as often as he likes (listing the root, his own page): true while the uid is within its bound for
 * this minute; past it, false, and it is counted with the refusals past the bound. */
bool noise_within(struct noise *noise, uint32_t uid, int64_t now_s);
/* Calls `counted` for what was counted in minutes that are over (everything, if `all`), and forgets it. A key with
 * `subject` 0 and `leaf` INT32_MIN stands for what was past the bound. `counted` must not call this module. */
void noise_flush(struct noise *noise, int64_t now_s, bool all,
                 void (*counted)(void *context, const struct noise_key *key, uint32_t count), void *context);

#endif
