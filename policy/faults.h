/* faults: every fault of a policy, collected in one run, and put in the order of the lines at the end. */
#ifndef DOSSIERFS_POLICY_FAULTS_H
#define DOSSIERFS_POLICY_FAULTS_H

#include "policy/policy.h"

/* A file that is no policy at all must not fill the memory: past this many, one more says that there are others. */
enum { FAULTS_MAX = 1000 };

struct fault_list {
    struct policy_faults found;
    size_t capacity;
    bool more;   /* there were more than FAULTS_MAX */
    bool failed; /* memory ran out */
};

/* Names of the policy's text that go into a fault are cut to this and marked. */
enum { FAULTS_WORD_BYTES = 72 };
struct fault_word {
    char text[FAULTS_WORD_BYTES];
};
/* The word as it may be repeated: at most 64 bytes, cut between characters, with "..." behind when cut. */
struct fault_word faults_word(const char *word);

void faults_add(struct fault_list *list, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "unknown WHAT 'word'[; did you mean 'nearest'?] allowed: ALLOWED". */
void faults_add_unknown(struct fault_list *list, unsigned line, const char *what, const char *word,
                        const char *nearest, const char *allowed);
/* Sorts by line (faults of one line stay in the order they were found) and moves the faults to `out`. */
void faults_finish(struct fault_list *list, struct policy_faults *out);
void faults_clear(struct fault_list *list);

#endif
