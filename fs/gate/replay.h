/* replay: which decisions of the processing log would have come out otherwise under another policy. A command of its own
 * ("policy.replay"), logged before anything is read. For threads that may wait.
 *
 * Each decision that an entry tells (a field shown, masked or refused; a dossier or a listing; a command) is taken again under the
 * other policy, and under the one in force. With these facts:
 *   - time, person, purpose, field and dossier: as in the entry;
 *   - groups of the person: as NSS says today (none if the account has another name now), since the log keeps roles only;
 *   - terms: at the time of the entry, from the dates kept today;
 *   - consents, objections, restrictions, incidents, holds and calamities: at the time of the entry, as the register has them;
 *   - the value that a role's caseload goes by: as today;
 *   - that a field had a value: as in the entry if it was shown, as today if it was refused.
 * What was and what would be are then compared. Where the policy in force decides like the other one, it is not the other one
 * that makes the difference: these are kept apart (`already`). */
#ifndef DOSSIERFS_GATE_REPLAY_H
#define DOSSIERFS_GATE_REPLAY_H

#include "fs/gate/gate.h"

enum gate_replay_verdict { GATE_REPLAY_REFUSED, GATE_REPLAY_MASKED, GATE_REPLAY_SHOWN };

enum { GATE_REPLAY_MAX_GROUPS = 2048, GATE_REPLAY_MAX_PERSONS = 16384, GATE_REPLAY_RULE_BYTES = 64 };

/* Decisions that have all of these in common. Names are "" where there is none. */
struct gate_replay_group {
    enum log_what what;
    char purpose[POLICY_NAME_MAX_BYTES + 1];
    char
        name[POLICY_NAME_MAX_BYTES + 1]; /* of the field; of the command; "": the dossier or the listing as a whole */
    char role[128]; /* would be shown: the role that shows it under the other policy; otherwise as in the log */
    enum gate_replay_verdict was, would;
    bool already;
    uint64_t decisions; /* refusals that were counted into one entry count each */
    unsigned persons;
    int64_t first_ms, last_ms;
    char rule[GATE_REPLAY_RULE_BYTES]; /* what decides under the other policy, with its line; of the first */
};

struct gate_replay {
    uint64_t entries;            /* read */
    uint64_t replayed;           /* decisions taken again */
    uint64_t otherwise, already; /* of them, by the other policy alone; and by the one in force too */
    uint64_t undecided;          /* entries that tell no decision of a policy: starts, imports, lists of purposes */
    uint64_t erased, gaps;       /* entries of destroyed months; entries made while nobody knew who asked */
    uint64_t gone;               /* decisions about dossiers that are no longer there */
    uint64_t unknown_persons;    /* decisions of people of whom NSS can't tell now, or past GATE_REPLAY_MAX_PERSONS */
    uint64_t renamed;            /* decisions replayed without groups: the account has another name, or none */
    uint64_t left_out;           /* decisions that would be otherwise, past GATE_REPLAY_MAX_GROUPS */
    bool other_zone;             /* the other policy has another time zone; days are those of the one in force */
    uint8_t policy[POLICY_HASH_BYTES]; /* the other's version */
    size_t group_count;
    struct gate_replay_group *groups; /* in the order in which they were met */
};
void gate_replay_clear(struct gate_replay *replay);

struct gate_replay_question {
    const char *file, *text; /* of the other policy; it is read only after it is known that the person may */
    size_t length_bytes;
    struct policy_faults *faults; /* what is wrong with it; to be cleared */
    int64_t from_ms, to_ms;       /* entries of from <= time < to */
    /* Called now and then with how many entries were read; false stops it. NULL is allowed. */
    bool (*progress)(void *context, uint64_t entries);
    void *context;
};
/* 0 with *out, which is to be cleared. -EACCES; -EIO; -EINTR; -ENOMEM; -EINVAL: the other policy has faults, or (none
 * are told then) the store holds what it lacks, so that it could not come in force. -EBADMSG: entries could not be read; *out has the others. */
int gate_replay(struct gate *gate, const struct gate_person *person, const struct gate_replay_question *question,
                struct gate_replay *out, struct report_why *why);

#endif
