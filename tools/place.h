/* place: where a command works: which policy, store and socket the global options mean. */
#ifndef DOSSIERFS_TOOLS_PLACE_H
#define DOSSIERFS_TOOLS_PLACE_H

#include "policy/policy.h"
#include "tools/command_line.h"

struct place {
    char name[64]; /* of the mount; "" if nothing names it */
    char policy_path[4096];
    const char *store; /* NULL: not known; belongs to the options or to the policy */
    struct policy *policy;
};

/* From the options alone. COMMAND_DONE, or COMMAND_CANNOT after a line on `error`. */
int place_name(const struct command_line_globals *globals, struct place *place, FILE *error);
/* Loads the policy, prints its faults, and takes the store from its [mount] section if -s did not give it. */
int place_load(const struct command_line_globals *globals, struct place *place, FILE *error);
void place_clear(struct place *place);

/* Loads one policy file and prints every fault as `file:line: text`. COMMAND_DONE; COMMAND_FAULTS; COMMAND_CANNOT. */
int place_read_policy(const char *path, struct policy **policy, FILE *error);
/* The same, and keeps the text (appended) and whose file it is. */
int place_read_policy_text(const char *path, struct policy **policy, struct buffer *text, uint32_t *owner_uid,
                           FILE *error);

#endif
