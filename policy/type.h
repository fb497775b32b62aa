/* type: the types of fields: what a value must look like, and the one form in which it is kept. One place for each type.
 *
 * Sources of the rules: BSN (eleven test: weights 9..2 and -1, sum mod 11 = 0, not all zeros); IBAN (ISO 13616, mod 97 =
 * 1, NL has 18 characters, the SEPA countries' lengths); Dutch postcode ([1-9][0-9]{3} [A-Z]{2}, not SA, SD, SS); phone
 * (+31 and 9 digits); dates ISO 8601, dd-mm-yyyy read too; text UTF-8 in NFC. */
#ifndef DOSSIERFS_POLICY_TYPE_H
#define DOSSIERFS_POLICY_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/base/buffer.h"
#include "policy/pattern.h"

enum type_code {
    TYPE_TEXT,     /* one line of UTF-8, NFC, no control characters */
    TYPE_INITIALS, /* voorletters: letters each followed by a point: "A.B.", "Th." */
    TYPE_INFIX,    /* tussenvoegsel: lower-case words, "van der", "'t" */
    TYPE_SURNAME,  /* achternaam, kept apart so that people are sorted on it */
    TYPE_DATE,     /* yyyy-mm-dd; dd-mm-yyyy is read; 1753-01-01 means empty */
    TYPE_YEAR,     /* 1900..2199 */
    TYPE_AMOUNT,   /* euro: -?digits with at most two decimals; kept with a point and two decimals */
    TYPE_IBAN,     /* kept without blanks, upper case */
    TYPE_BSN,      /* 9 digits */
    TYPE_POSTCODE, /* "1234 AB" */
    TYPE_PHONE,    /* "+31612345678" */
    TYPE_EMAIL,
    TYPE_IP,      /* masked before it is kept: last octet 0, IPv6 cut to /48 (G6) */
    TYPE_ENUM,    /* one of the listed words */
    TYPE_PATTERN, /* text that the whole pattern matches */
};

struct type {
    enum type_code code;
    bool is_list;                  /* several values, kept one a line */
    const struct pattern *pattern; /* TYPE_PATTERN; owned by the policy */
    const char *const *words;      /* TYPE_ENUM, owned by the policy */
    size_t word_count;
};

/* The word the policy uses ("iban"), or NULL / -1. */
const char *type_name(enum type_code code);
int type_find(const char *name);

enum { TYPE_VALUE_MAX_BYTES = 65536, TYPE_LIST_MAX_VALUES = 256 };

/* Checks a value and appends its kept form to `canonical`. 0: done; nothing was appended: the value is empty (blank, or
 * an empty date), which is no error (A8). -EINVAL: *why is a constant phrase that says what is allowed, never the value;
 * `canonical` is as it was. -ENOMEM. A list's values are separated by '|' or line ends in `value` and by '\n' in
 * `canonical`. `value` is any bytes. */
int type_check(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
               const char **why);

/* The day number of a kept TYPE_DATE value. */
bool type_date_day(const char *canonical, size_t length_bytes, int32_t *day);

#endif
