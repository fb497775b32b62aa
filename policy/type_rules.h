/* type_rules: the rule of each type for a single value, each in one place; type.c alone calls them.
 *
 * A rule gets a value that is not empty, has no blanks around it, is UTF-8 in NFC and one line without control
 * characters. It appends the kept form to `canonical` (nothing, if the value stands for an empty one) and returns 0, or
 * -EINVAL with *why a constant phrase that says what is allowed, or -ENOMEM. What a failed rule appended is cut off by
 * type.c, so that rules may write as they read and need no copy of personal data of their own. */
#ifndef DOSSIERFS_POLICY_TYPE_RULES_H
#define DOSSIERFS_POLICY_TYPE_RULES_H

#include <errno.h>

#include "policy/type.h"

typedef int type_rule(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                      const char **why);

type_rule type_text_plain, type_text_initials, type_text_infix, type_text_surname, type_text_enum, type_text_pattern;
type_rule type_number_amount, type_number_iban, type_number_bsn;
type_rule type_moment_date, type_moment_year;
type_rule type_contact_postcode, type_contact_phone, type_contact_email, type_contact_ip;

/* Returns -EINVAL, so that a refusal is one statement. */
static inline int type_refuse(const char **why, const char *allowed)
{
    *why = allowed;
    return -EINVAL;
}

static inline bool type_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool type_is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
static inline char type_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}
static inline char type_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
