/* dossiers: the summaries of all subjects in memory: what listings, look-ups and terms need, and no content. About 60 bytes a
 * dossier: what many have in common (which fields have a value) is kept once, as a shape.
 *
 * Numbers of dossiers are given out in the order of loading and never reused, so nodes may keep them.
 *
 * Locks: the owner (the dispatcher, or the only thread) reads without a lock and calls dossiers_put() between write_begin and
 * write_end; other threads read between read_begin and read_end. */
#ifndef DOSSIERFS_GATE_DOSSIERS_H
#define DOSSIERFS_GATE_DOSSIERS_H

#include "fs/gate/facts.h"
#include "fs/store/store.h"
#include "policy/policy.h"

struct dossiers;

enum { DOSSIERS_NONE = 0xffffffff };

/* One dossier, as read; points into the table and holds until the next dossiers_put(). */
struct dossier {
    uint32_t number;
    uint32_t subject; /* the store's */
    uint32_t version; /* of its content */
    uint64_t pseudonym;
    unsigned kind; /* index in the policy */
    const char *code;
    const struct field_set *present; /* fields that have a value */
};

/* Numbers of the store for the policy's names; a name the store never used has number 0. */
struct dossiers_numbers {
    uint32_t kinds[POLICY_MAX_KINDS];
    uint32_t categories[POLICY_MAX_CATEGORIES];
    uint32_t fields[POLICY_MAX_FIELDS];
    uint32_t purposes[POLICY_MAX_PURPOSES];
};

int dossiers_new(const struct policy *policy, struct dossiers **out);
void dossiers_free(struct dossiers *dossiers);
/* Adds or replaces by subject->id; new ones come in growing order, as the store gives them out (-ERANGE). -EINVAL: a kind or field that the policy does not have, or has in another category. */
int dossiers_put(struct dossiers *dossiers, const struct dossiers_numbers *numbers,
                 const struct store_subject *subject);
uint32_t dossiers_count(const struct dossiers *dossiers);
/* `number` < dossiers_count(). */
struct dossier dossiers_get(const struct dossiers *dossiers, uint32_t number);
/* The number of a code's dossier, or DOSSIERS_NONE; takes about the same time for both. */
uint32_t dossiers_find(const struct dossiers *dossiers, const char *code, size_t code_bytes);
uint32_t dossiers_find_subject(const struct dossiers *dossiers, uint32_t subject);
/* What is registered of the dossier; NULL: nothing. Holds until the next dossiers_put() of this dossier. */
const struct facts *dossiers_facts(const struct dossiers *dossiers, uint32_t number);
/* First second at which the dossier's items of a category are gone; TERMS_NEVER if no term runs, or a hold keeps them. */
int64_t dossiers_ends_s(const struct dossiers *dossiers, uint32_t number, unsigned category);

/* Another policy that gives the same table: its kinds, categories, fields and terms are the same, in the same order. For the
 * owner. */
void dossiers_set_policy(struct dossiers *dossiers, const struct policy *policy);
/* Exchanges the contents of the owner's table and of one that nobody else knows yet. False: others read the first just now, so
 * nothing was done. */
bool dossiers_exchange(struct dossiers *dossiers, struct dossiers *other);

void dossiers_read_begin(struct dossiers *dossiers);
void dossiers_read_end(struct dossiers *dossiers);
void dossiers_write_begin(struct dossiers *dossiers);
void dossiers_write_end(struct dossiers *dossiers);

#endif
