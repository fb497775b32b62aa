/* inside: what the files of the gate share. Not for other rooms. */
#ifndef DOSSIERFS_GATE_INSIDE_H
#define DOSSIERFS_GATE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "fs/gate/bulk.h"
#include "fs/gate/callers.h"
#include "fs/gate/door.h"
#include "fs/gate/dossiers.h"
#include "fs/gate/force.h"
#include "fs/gate/gate.h"
#include "fs/gate/identity.h"
#include "fs/gate/noise.h"
#include "fs/log/log.h"
#include "fs/store/store.h"
#include "policy/match.h"

struct gate {
    struct policy *policy; /* in force; read-only; the dispatcher's, others ask gate_policy() */
    struct force *force;   /* owns it, and those before it that are still read */
    uint32_t generation;   /* counts the policies that came in force; the dispatcher's */
    struct reloading *reloading;
    bool mounted;
    struct store *store;
    struct store_reader *reader; /* the dispatcher's (or the only thread's) */
    struct log *log;
    struct dossiers *dossiers;
    struct dossiers_numbers numbers;
    struct identity *identity;
    struct noise *noise;
    struct bulk *bulk;                 /* the dispatcher's */
    struct callers *callers;           /* the dispatcher's */
    uint8_t hash_key[STORE_KEY_BYTES]; /* for inode numbers, and for codes in refusals that name no subject */
    int wake_fd;
    atomic_uint unsettled; /* imports published, or about to be, that `dossiers` may not know yet */

    /* Held by whoever publishes changes, until the dispatcher knows of them, and while another policy's tables are made and put in
     * force: a table is made from a store that stands still. Comes before changes_lock. */
    pthread_mutex_t publishing;
    pthread_mutex_t changes_lock;          /* guards what follows */
    pthread_cond_t changes_taken;          /* the dispatcher took what was waiting */
    uint32_t *changed;                     /* subjects of published imports that `dossiers` doesn't know yet */
    size_t changed_from, changed_count;    /* waiting: [from, count), in the order of publication */
    uint64_t changes_posted, changes_done; /* numbers of postings */
};

/* Fills in what every entry has: time, trace and span, policy. */
void gate_entry(const struct gate *gate, enum log_what what, enum log_outcome outcome, struct log_entry *entry);
/* The same for a person in a thread that may wait. */
void gate_entry_person(const struct gate *gate, const struct gate_person *person, enum log_what what,
                       enum log_outcome outcome, struct log_entry *entry);
/* What a code is called in an entry that names no subject: a keyed hash that looks like a subject's number, the same whether
 * or not there is such a dossier. */
uint64_t gate_code_mark(const struct gate *gate, const char *code, size_t code_bytes);
/* Reads the summary of a code's dossier. -ENOENT, -EIO and so on, `why` for a person who may know it. */
int gate_find_subject(struct store_reader *reader, const char *code, struct store_subject *subject,
                      struct report_why *why);
/* Reads a summary from the store into the table in memory. */
int gate_take_subject(struct gate *gate, struct store_reader *reader, uint32_t subject);
/* Tells the dispatcher (or does it at once when nothing is mounted) that subjects changed; takes `subjects`. The publisher
 * counted gate->unsettled up before the store could show the change; it is counted down when the table knows of it. */
int gate_post_changes(struct gate *gate, uint32_t *subjects, size_t count);
/* Is it not known who asks? NSS could not tell, or the kernel has no process for it: one of another pid namespace. */
static inline bool gate_is_gap(const struct door_ask *ask)
{
    return ask->caller->gap || ask->pid == 0;
}
/* Is it a uid that nobody stands for: without an account, and in no role by its number? Refused like anybody who is in no role, by the
 * same steps and with the same answer; but in the log it is a gap, since nobody knows who that is. */
#define GATE_NO_ACCOUNT "no-account" /* the rule of such an entry */
static inline bool gate_is_unknown(const char *user, const struct policy_standing *standing)
{
    return user[0] == '\0' && standing->roles == 0;
}
/* Standing of a person today. */
struct policy_standing gate_standing(const struct gate *gate, const struct gate_person *person);
/* "role-purpose 40", or the word alone where no line of the policy decides. */
enum { GATE_RULE_BYTES = 64 };
void gate_rule_text(const char *word, unsigned line, char text[static GATE_RULE_BYTES]);
/* "incasso,verhuur": names of a set of roles, into `text`. */
void gate_role_names(const struct policy *policy, uint64_t roles, char *text, size_t text_bytes);

#endif
