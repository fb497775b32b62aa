/* expectations: what people expect of a policy, read from a file that they write by hand; the language is
 * dossier-policy-test(5). A file is whole or not read at all: every fault is told with its line.
 *
 * Names point into the text and the policy, which must live as long. */
#ifndef DOSSIERFS_TOOLS_EXPECTATIONS_H
#define DOSSIERFS_TOOLS_EXPECTATIONS_H

#include "fs/base/buffer.h"
#include "policy/decide.h"

enum {
    EXPECTATIONS_TEXT_MAX_BYTES = 1 << 20,
    EXPECTATIONS_LINE_MAX_BYTES = 1000,
    EXPECTATIONS_MAX = 65536,
    EXPECTATIONS_MAX_DATES = 4, /* of one line */
    EXPECTATIONS_MAX_IDS = 8,   /* of one line */
};

struct expected_person {
    const char *name;
    struct policy_caller caller; /* its groups belong to the expectations */
    bool asked;
};

/* What is so for the dossier that a line is about. */
struct expected_facts {
    struct decide_dossier dossier;
    bool restriction, incident; /* of the category of the field that is asked for */
    bool absent, expired, own;
    int32_t day;          /* of asking, at noon; so is recorded_day */
    int32_t recorded_day; /* the day of asking unless the line says another */
    unsigned date_count;
    struct {
        int field;
        int32_t day;
    } dates[EXPECTATIONS_MAX_DATES];
};

/* One field of one line. */
struct expectation {
    unsigned line;
    unsigned person;
    int purpose, kind, field;
    struct expected_facts facts;
    enum verdict verdict;
    int rule;         /* enum decide_rule; -1: any */
    struct mask mask; /* MASK_NONE: any */
    unsigned id_count;
    const char *ids[EXPECTATIONS_MAX_IDS]; /* requirements that it shows */
};

struct expectations {
    struct expected_person *persons;
    struct expectation *items;
    size_t person_count, person_capacity, item_count, item_capacity;
};

/* Cuts the text in place. 0; -EINVAL with `faults`; -ENOMEM. Clear after any answer. */
int expectations_read(const struct policy *policy, struct buffer *text, struct expectations *out,
                      struct policy_faults *faults);
void expectations_clear(struct expectations *expectations);

/* What the policy decides; the zone of the process must be the policy's (clock_set_zone()). */
struct decision expectations_decide(const struct policy *policy, const struct expectations *expectations,
                                    const struct expectation *expectation, struct policy_standing *standing);
bool expectations_met(const struct expectation *expectation, const struct decision *decision);

#endif
