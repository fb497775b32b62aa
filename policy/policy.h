/* policy: what the rules say, as a model that is whole or not there at all.
 *
 * Pure: no clock, no database, no FUSE, no files: the text comes in as bytes, time and facts come in as arguments.
 * A policy is read-only once policy_load() gave it out; it may be read by many threads at once. The grammar is
 * dossier-policy(5).
 *
 * Names (of purposes, roles, fields, categories, kinds) are lower-case ASCII letters, digits and '-', 1 to 63 bytes,
 * beginning with a letter: they become directory and file names. Labels are UTF-8 (NFC) for people. */
#ifndef DOSSIERFS_POLICY_POLICY_H
#define DOSSIERFS_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/terms.h"
#include "policy/type.h"

enum {
    POLICY_MAX_KINDS = 16,
    POLICY_MAX_CATEGORIES = 64,
    POLICY_MAX_FIELDS = 256,
    POLICY_MAX_PURPOSES = 64,
    POLICY_MAX_ROLES = 64,
    POLICY_MAX_NEVER = 64, /* sentences in [never] */
    POLICY_MAX_SENDS = 8,  /* places that checkpoints of the log are sent to */
    POLICY_NAME_MAX_BYTES = 63,
    POLICY_CODE_MAX_BYTES = 64, /* a dossier's code is a directory name */
    POLICY_TEXT_MAX_BYTES = 1 << 20,
    POLICY_HASH_BYTES = 8, /* the version: the first bytes of SHA-256 of the policy's text */
};

/* A set of fields, by index. */
struct field_set {
    uint64_t bits[POLICY_MAX_FIELDS / 64];
};
static inline bool field_set_has(const struct field_set *set, unsigned field)
{
    return set->bits[field / 64] >> (field % 64) & 1;
}
static inline void field_set_add(struct field_set *set, unsigned field)
{
    set->bits[field / 64] |= (uint64_t)1 << (field % 64);
}

/* How a value is shown when it is masked; the arithmetic is in mask.h. */
enum mask_code {
    MASK_NONE,
    MASK_YEAR,
    MASK_LAST,
    MASK_FIRST,
    MASK_INITIAL,
    MASK_DOMAIN, /* of an e-mail address */
    MASK_YES_NO, /* whether there is a value: fixed, since only a value that is there is masked */
    MASK_HASH,   /* under a key of the purpose: equal values are equal within a purpose and not across */
    MASK_TEXT,   /* a text of the policy */
};
struct mask {
    enum mask_code code;
    unsigned count;   /* characters that stay, for MASK_LAST and MASK_FIRST: 1..16 */
    const char *text; /* of MASK_TEXT, the policy's; else NULL */
};

/* `was`, of kinds, categories, fields and purposes: the name under which the store knows it; "" where that is `name`. */
struct policy_kind {
    const char *name, *label, *was;
    const char *people;         /* whom such dossiers are about, in the plural; default the label */
    const char *controller;     /* who is answerable for these dossiers (A7); default the organisation */
    const struct pattern *code; /* what a code of this kind looks like */
    unsigned line;              /* of the section, in the policy's text; so everywhere below */
};

struct policy_category {
    const char *name, *label, *was;
    bool has_retention;
    struct retention retention;                /* the default */
    bool has_retention_kind[POLICY_MAX_KINDS]; /* retention.KIND */
    struct retention retention_kind[POLICY_MAX_KINDS];
    unsigned retention_line;
    bool never_stored;  /* `store = never`: of the thing itself only when it was seen, by whom and which kind (B3) */
    bool incident;      /* `incident = required`: shows only while an open incident covers the item (B6) */
    const char *source; /* where the data come from (F3, GDPR art. 14); "" not given */
    uint64_t roles;     /* bit per role: no other sees it (B7); 0: whoever has a purpose for it */
    unsigned store_line, incident_line, roles_line;
    unsigned line;
};

struct policy_field {
    const char *name, *label, *was;
    unsigned category;
    struct type type;
    bool special;             /* special data (H4): no role sees it that does not name it in `special` */
    const char *special_word; /* "bsn", "health"...; "" for what isn't special */
    unsigned special_line;
    unsigned line;
};

struct policy_purpose {
    const char *name, *label, *was;
    char ground;    /* 'A'..'E'; 'F' for a public body alone (H10) */
    uint32_t kinds; /* bit per kind */
    struct field_set fields;
    unsigned line, ground_line, kinds_line, fields_line;
    /* Strings are never NULL; "" means not given. */
    const char *article, *balancing; /* of ground B and C (H6, H7) */
    const char *second_ground;       /* what lifts the ban on special data (H4) */
    const char *despite_restriction; /* why this purpose sees what is restricted (F19: claims, legal duties) */
    unsigned restriction_line;       /* of `despite-restriction`; 0: not given */
};

/* What an external party's access rests on (E1-E4). */
enum policy_agreement { AGREEMENT_NONE, AGREEMENT_PROCESSOR, AGREEMENT_COVENANT, AGREEMENT_LEGAL_POWER };

/* A role, or a [recipient]: an external party, which is a role that lives under an agreement. Recipients stand behind the
 * roles, and count with them. */
struct policy_role {
    const char *name, *label;
    uint64_t purposes; /* bit per purpose */
    bool narrows;      /* `fields` was given: what the role shows of a purpose is cut to these */
    struct field_set fields;
    struct mask mask[POLICY_MAX_FIELDS];
    unsigned mask_line[POLICY_MAX_FIELDS];
    unsigned line, members_line, purposes_line, fields_line;
    struct field_set write;   /* may be changed, once changing is there; reading is not implied */
    struct field_set own;     /* seen by the author only */
    struct field_set drop;    /* may be created without being read back: hidden from this role */
    struct field_set special; /* special data that the role is trusted with (H4) */
    unsigned write_line, own_line, drop_line, special_line;
    int caseload_field; /* index: the role is limited to dossiers in which the field has one of the values (D5); -1: no limit */
    const char *const *caseload_values;
    size_t caseload_count;
    unsigned caseload_line;
    uint32_t
        dossiers_per_hour; /* different ones that a member may open within an hour by way of this role; 0: no limit (D9) */
    unsigned dossiers_line;
    /* Of a recipient; AGREEMENT_NONE: a role of the organisation's own. Days as in terms.h, both included. */
    enum policy_agreement agreement;
    const char *agreement_article; /* of a legal power; "" otherwise */
    const char *requester;         /* who demanded it, of a legal power (E4); "" otherwise */
    const char *transfer;          /* to which country outside the EU, and by which safeguard; "" none */
    int32_t signed_day, until_day; /* INT32_MIN, INT32_MAX: no such limit */
    unsigned agreement_line;       /* of `until`, or where that is not given of `signed` or `agreement` */
};

/* [mount]: where, and the names of what the mount adds. Strings are never NULL; an empty one means not given. */
struct policy_mount {
    const char *store, *mountpoint, *key_file;
    const char *suffix;         /* of field files; default ".txt" */
    const char *dossier;        /* default "dossier.txt" */
    const char *my_access;      /* default "my-access.txt" */
    const char *processing_log; /* a directory; default "processing-log" */
    struct policy_program {
        const char *name; /* of 15 bytes or more the first 15 count: the kernel keeps no more */
        unsigned line;
    } * refused; /* programs that may open and list nothing: a courtesy, since whoever starts one chooses its name */
    size_t refused_count;
};

/* [log]: how long entries are kept, where its checkpoints are sent, and what in it stands out (dossier(1), log unusual). */
enum policy_send_way { SEND_JOURNAL, SEND_FILE, SEND_COMMAND };
struct policy_send {
    enum policy_send_way way;
    const char *path; /* of the file, or of the program; "" for the journal */
    const char *text; /* as the policy says it: "file /mnt/elsewhere/tenants" */
    unsigned line;
};
struct policy_log {
    const struct policy_send *send;
    size_t send_count;
    uint32_t work_from, work_to;                 /* hours of a working day, 0..24 */
    uint32_t unusual_dossiers, unusual_refusals; /* within an hour; more stand out */
    uint32_t retention_months; /* calendar months after the end of the entry's; 1..1200, 0: kept for ever */
    unsigned retention_line;   /* 0: it does not say */
    uint32_t unusual_times;    /* as many dossiers on a day as the person's most before; more stand out */
};

/* What register and statement say and no decision depends on. Strings are never NULL; "" means not given. */
struct policy_published {
    const char *address, *website;
    const char *officer;   /* the data protection officer, and how to reach them */
    const char *authority; /* where people may complain */
    const char *security;  /* measures besides those of the file system, one a line */
    const char *language;  /* "en", "nl" */
};

/* What the policy says of itself that it never shows (never.h), and keeps: or else it would not have loaded. */
struct policy_never {
    const char *text;
    unsigned line;
};

struct policy {
    const char *organisation, *timezone, *contact;
    struct policy_published published;
    struct policy_mount mount;
    struct policy_log log;
    unsigned kind_count, category_count, field_count, purpose_count;
    unsigned role_count; /* roles and recipients, at most POLICY_MAX_ROLES */
    unsigned own_roles;  /* the first so many are [role] sections, the rest [recipient] */
    bool public_body;    /* ground F may be used (H10) */
    const struct policy_kind *kinds;
    const struct policy_category *categories;
    const struct policy_field *fields;
    const struct policy_purpose *purposes;
    const struct policy_role *roles;
    const struct policy_never *never;
    size_t never_count;
    uint8_t hash[POLICY_HASH_BYTES];
    const char *file;               /* as given to policy_load(), for messages */
    struct policy_private *private; /* members, commands, secrecy, memory: asked through match.h */
};

/* One fault of a policy's text. `text` is one line without the file and the line number: what is wrong, what is allowed
 * and, where a known word is near, "did you mean". It never repeats more than a name or a key of the text. */
struct policy_fault {
    unsigned line; /* 1..; 0: the file as a whole */
    char text[280];
};
struct policy_faults {
    struct policy_fault *faults; /* in the order of the lines */
    size_t count;
};
void policy_faults_clear(struct policy_faults *faults);

/* Builds a draft from the text (`length_bytes`, any bytes), checks the whole and publishes it once. 0: *out is the
 * caller's, to be given to policy_free(). -EINVAL: `faults` holds every fault found, at least one, *out untouched.
 * -ENOMEM. `file` is copied and only used in messages. */
int policy_load(const char *file, const char *text, size_t length_bytes, struct policy **out,
                struct policy_faults *faults);
void policy_free(struct policy *policy);

/* Index of the name, or -1. */
int policy_find_kind(const struct policy *policy, const char *name);
int policy_find_category(const struct policy *policy, const char *name);
int policy_find_field(const struct policy *policy, const char *name);
int policy_find_purpose(const struct policy *policy, const char *name);
/* A role or a recipient. */
int policy_find_role(const struct policy *policy, const char *name);
/* The kind whose pattern the text matches, or -1. Text is any bytes; a code is at most POLICY_CODE_MAX_BYTES and, whatever
 * the pattern, the name of a directory: printable ASCII without '/', not beginning with '.'. */
int policy_kind_of_code(const struct policy *policy, const char *code, size_t length_bytes);
/* The retention that holds for dossiers of a kind: retention.KIND, else retention; NULL if the category has none. */
const struct retention *policy_retention(const struct policy *policy, unsigned category, unsigned kind);

#endif
