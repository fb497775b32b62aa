/* compare_inside: what the files that compare two policies share. */
#ifndef DOSSIERFS_POLICY_COMPARE_INSIDE_H
#define DOSSIERFS_POLICY_COMPARE_INSIDE_H

#include "policy/compare.h"

/* One thing under the same name in both; -1: it isn't there. */
struct compare_pair {
    int old, new;
};
struct compare_pairs {
    unsigned count;
    struct compare_pair pairs[2 * POLICY_MAX_FIELDS];
};

struct compare {
    const struct policy *old, *new;
    struct compare_pairs roles, purposes, kinds, categories, fields; /* the old ones, then what is new */
    struct differences *list;
};

/* Adds a copy; every string is copied. Without memory the list's arena is marked failed. */
void compare_add(struct compare *compare, const struct difference *difference);
/* A property of a section that is in both policies; "" is none. Adds nothing where they are equal. */
void compare_texts(struct compare *compare, enum difference_what what, const char *name, const char *about,
                   const char *before, const char *after, unsigned old_line, unsigned new_line);
/* Appends a word to a list, with ", " between. */
void compare_append(struct buffer *list, const char *word);
/* Appends the words in the order of the alphabet: for sets, whose order says nothing. */
void compare_append_sorted(struct buffer *list, const char *const *words, size_t count);

/* The name under which the store knows it: what was renamed with `was` is the same thing. */
const char *compare_stored(const char *name, const char *was);
/* The index in `other` of the same field or kind of `policy`; -1: it has none. */
int compare_same_field(const struct policy *policy, unsigned field, const struct policy *other);
int compare_same_kind(const struct policy *policy, unsigned kind, const struct policy *other);

/* Finds out what is the same thing in both. */
void compare_pair_all(struct compare *compare);
/* The name of a section (of purposes, categories, fields and kinds), and its line. */
const char *compare_section_name(const struct policy *policy, enum difference_what what, int index, unsigned *line);
/* Tells what is otherwise in two sections, which need not have one name. */
void compare_section(struct compare *compare, enum difference_what what, const struct compare_pair *pair);

void compare_access(struct compare *compare);   /* compare_access.c */
void compare_roles(struct compare *compare);    /* compare_roles.c */
void compare_sections(struct compare *compare); /* compare_sections.c */

#endif
