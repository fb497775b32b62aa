/* programs: what a process calls itself. Whoever starts a program chooses that name, so it is a hint in the log, and refusing by it is
 * a courtesy: it keeps thumbnailers and indexers from reading what nobody asked them to, and nobody who means to. For the
 * dispatcher. */
#ifndef DOSSIERFS_GATE_PROGRAMS_H
#define DOSSIERFS_GATE_PROGRAMS_H

#include <stdint.h>

#include "policy/policy.h"

enum { PROGRAMS_NAME_BYTES = 16 /* with the NUL: the kernel keeps no more */ };

/* The name of a thread; "" if it can't be known. Valid until the next call. Kept for a second. */
const char *programs_name(int32_t pid, int64_t now_s);
/* The line of the policy that refuses the thread, by its own name or that of its process; 0: none does. */
unsigned programs_refused(const struct policy *policy, int32_t pid, int64_t now_s);

#endif
