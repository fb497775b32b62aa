/* person: people who do not exist. Surnames, streets and towns are put together from made-up parts, accounts are of a bank that there
 * is not, phone numbers lie in ranges that are not given out, e-mail goes to example.org (RFC 2606), citizen service numbers are
 * those for tests. */
#ifndef DOSSIERFS_EXAMPLES_SAMPLE_PERSON_H
#define DOSSIERFS_EXAMPLES_SAMPLE_PERSON_H

#include "examples/sample/chance.h"

struct person {
    char initials[32], forenames[128], surname[64], gender[2], email[128];
    const char *infix; /* "" for none */
};

/* `number` makes the address for e-mail one of its own. */
struct person person_make(struct chance *chance, uint64_t number);
/* Street, number, postal code and town: four values. */
void person_out_address(struct chance *chance);
void person_out_phone(struct chance *chance);
void person_out_account(struct chance *chance);
void person_out_bsn(struct chance *chance);

#endif
