/* model: from a draft to a policy, checked as a whole.
 *
 * Every model_* file builds one part and adds the faults that it finds to the draft's list. A part that has a fault is
 * left as it is: what is built is only ever published when the list is empty. Memory that runs out marks the arena. */
#ifndef DOSSIERFS_POLICY_MODEL_H
#define DOSSIERFS_POLICY_MODEL_H

#include "policy/draft.h"
#include "policy/private.h"

struct model {
    struct draft *draft;
    struct arena *arena;       /* the draft's */
    struct fault_list *faults; /* the draft's */
    struct policy *policy;
    struct policy_private *private;
    struct policy_kind *kinds;
    struct policy_category *categories;
    struct policy_field *fields;
    struct policy_purpose *purposes;
    struct policy_role *roles;
};

/* Builds and checks everything; faults are in the draft. -ENOMEM if memory ran out. The model is to be cleared or
 * published in any case. */
int model_build(struct model *model, struct draft *draft);
/* The policy takes over the draft's memory, which is empty then. Only without faults. */
struct policy *model_publish(struct model *model);
/* Frees what is not in the arena (patterns). */
void model_clear(struct model *model);

/* ---- the parts, in the order they are built: each needs those before it ---- */

/* [policy], [kind], [category] without its terms, [field], the terms. (model_record.c) */
void model_policy(struct model *model);
void model_kinds(struct model *model);
void model_categories(struct model *model);
void model_fields(struct model *model);
void model_terms(struct model *model);
/* [mount]; the names it gives may not meet those of purposes, fields and codes. (model_mount.c) */
void model_mount(struct model *model);
/* [log]. (model_log.c) */
void model_log(struct model *model);
/* (model_purpose.c) */
void model_purposes(struct model *model);
/* What of purposes and categories only shows when both are known: special and incident-bound data. (model_rules.c) */
void model_rules(struct model *model);
/* [role], [recipient] and [secrecy]. (model_role.c) */
void model_roles(struct model *model);
/* What a role may do with fields besides seeing them, and its caseload. (model_limits.c) */
void model_limits(struct model *model, const struct draft_section *section, struct policy_role *role);
/* The agreement that a recipient lives under. (model_limits.c) */
void model_agreement(struct model *model, const struct draft_section *section, struct policy_role *role);
void model_secrecy(struct model *model);
/* [never]: proved when there is no fault so far. (model_never.c) */
void model_never(struct model *model);
/* What is there for the readers of register and statement. (model_published.c) */
void model_published(struct model *model);

/* ---- what the parts share (model.c) ---- */

/* The section's value, or `otherwise`. */
const char *model_text(const struct draft_section *section, enum key key, const char *otherwise);
unsigned model_line(const struct draft_section *section, enum key key);
/* The index of the section with that name, or -1 and a fault; -1 without a fault if a section was lost to another. */
int model_reference(struct model *model, enum section_type type, const char *name, unsigned line);
/* A field, or all fields of a category. False, with a fault: neither. */
bool model_reference_fields(struct model *model, const char *name, unsigned line, struct field_set *set);
/* Adds the fields that a name of a list stands for; a name that adds none is a fault. */
void model_add_fields(struct model *model, const char *name, unsigned line, const struct field_set *added,
                      struct field_set *set);

/* The name that a section's thing had before; "" without `was`. */
const char *model_was(struct model *model, const struct draft_section *section);
/* A role or a recipient, or -1 and a fault. */
int model_reference_role(struct model *model, const char *name, unsigned line);
/* The fields of a list of fields and categories, each once. */
void model_fields_of(struct model *model, const struct draft_section *section, enum key key, struct field_set *set);
/* The key's text, which must be given with at least one word in it when `key` stands there; "" where it isn't. */
const char *model_reason(struct model *model, const struct draft_section *section, enum key key);
/* `yes` or `no`; default no. */
bool model_yes(struct model *model, const struct draft_section *section, enum key key);
/* YYYY-MM-DD. False, with a fault: no day. */
bool model_day(struct model *model, const char *text, unsigned line, int32_t *day);

/* Walks the elements of a list over all its lines; an empty element is a fault and is left out. */
struct model_list {
    struct model *model;
    const struct draft_value *value;
    char *at;   /* the rest of the present line; NULL: it is used up */
    char *text; /* the element, without blanks around it */
    unsigned line;
};
struct model_list model_list(struct model *model, const struct draft_section *section, enum key key);
bool model_list_next(struct model_list *list);
/* At least as many as the list has elements. */
size_t model_list_room(const struct draft_section *section, enum key key);

#endif
