/* draft: a policy as it was written, section by section and key by key, before anything about it is believed.
 *
 * The draft finds what can be said of a line without the others: unknown and duplicate sections and keys. It keeps
 * going after a fault, and remembers where it guessed or lost something, so that one mistake is told once: a key with a
 * typing error counts as the key that was meant. Nothing is published from a draft that has a fault. */
#ifndef DOSSIERFS_POLICY_DRAFT_H
#define DOSSIERFS_POLICY_DRAFT_H

#include "policy/arena.h"
#include "policy/faults.h"
#include "policy/grammar.h"

/* One line's value; a list that goes on has several. */
struct draft_value {
    char *text;
    unsigned line;
    struct draft_value *next;
};

/* `retention.KIND`. */
struct draft_by_kind {
    const char *kind;
    struct draft_value *value;
    struct draft_by_kind *next;
};

struct draft_section {
    enum section_type type;
    const char *name; /* "" for sections without names */
    unsigned line;
    bool damaged;                          /* a line of it was refused: what is missing may have been there */
    struct draft_value *values[KEY_COUNT]; /* NULL: not given */
    struct draft_value *lasts[KEY_COUNT];  /* where a list goes on */
    bool guessed[KEY_COUNT];
    struct draft_by_kind *by_kind; /* in the order of the lines */
};

struct draft {
    struct arena arena;
    struct fault_list faults;
    struct draft_section **sections[SECTION_TYPES];
    unsigned counts[SECTION_TYPES];
    bool too_many[SECTION_TYPES];  /* told already */
    bool damaged;                  /* a section was refused: a name that isn't known may have been there */
    struct draft_section *current; /* NULL: outside any section, or in an unknown one */
    bool in_section;               /* a section line came by */
    struct draft_section scratch;  /* takes the keys of a duplicate: they are checked, and dropped */
};

int draft_init(struct draft *draft);
void draft_clear(struct draft *draft);

/* What stands between the brackets of a section line. */
void draft_begin_section(struct draft *draft, const char *text, unsigned line);
/* A section line that could not be read. */
void draft_lost_section(struct draft *draft);
/* A key line that could not be read. */
void draft_lost_key(struct draft *draft);
/* `key = value`; `key` still has the '+' of `+=` behind it. */
void draft_add(struct draft *draft, const char *key, const char *value, unsigned line);

/* Is it a name: a to z, 0 to 9 and '-', beginning with a letter, 1 to POLICY_NAME_MAX_BYTES bytes? */
bool draft_is_name(const char *name);
/* The names of the keys of a section, for faults. */
struct draft_words {
    char text[240];
};
struct draft_words draft_keys(enum section_type type);

#endif
