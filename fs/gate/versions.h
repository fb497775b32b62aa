/* versions: the policies that were in force, as the store keeps them; for those who have the command "policy.versions". Each question is
 * logged. For threads that may wait. */
#ifndef DOSSIERFS_GATE_VERSIONS_H
#define DOSSIERFS_GATE_VERSIONS_H

#include "fs/gate/gate.h"

struct gate_version {
    struct store_policy policy;
    bool damaged;                       /* only the number is known */
    uint8_t version[POLICY_HASH_BYTES]; /* as entries of the log name it */
    size_t length_bytes;
    bool in_force; /* now */
};
/* Each, oldest first, until one is answered with other than 0, which is then the result. -EACCES, -EIO, -ENOMEM. */
typedef int gate_version_each(void *context, const struct gate_version *version);
int gate_versions(struct gate *gate, const struct gate_person *person, gate_version_each *each, void *context,
                  struct report_why *why);
/* Appends the text of one. -ENOENT, -EBADMSG. */
int gate_version_text(struct gate *gate, const struct gate_person *person, uint32_t number, struct buffer *text,
                      struct report_why *why);

#endif
