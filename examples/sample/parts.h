/* parts: the columns that kinds of dossiers are made of, some at a time, each with what writes their values. */
#ifndef DOSSIERFS_EXAMPLES_SAMPLE_PARTS_H
#define DOSSIERFS_EXAMPLES_SAMPLE_PARTS_H

#include <stdint.h>

#include "examples/sample/person.h"

enum { PART_COLUMNS = 6 };

/* One dossier while it is written. */
struct row {
    struct chance chance;
    int32_t today;
    int32_t begins, ends; /* days as in policy/terms.h; ends: INT32_MAX while it goes on */
    struct person person;
};

struct part {
    const char *columns[PART_COLUMNS]; /* names of fields, ended by NULL */
    void (*write)(struct row *row);    /* a value for each */
};

int row_year(int32_t day);

/* of people */
extern const struct part part_name;
extern const struct part part_full_name;
extern const struct part part_address;
extern const struct part part_phone;
extern const struct part part_second_phone;
extern const struct part part_email;
extern const struct part part_sure_email;
extern const struct part part_birth;
extern const struct part part_account;
extern const struct part part_payment;
extern const struct part part_income;
extern const struct part part_household;
extern const struct part part_student;
extern const struct part part_svh;
extern const struct part part_sure_svh;
extern const struct part part_document;
extern const struct part part_seen_by;
extern const struct part part_district;
extern const struct part part_bsn;

/* of one kind of dossier */
extern const struct part part_rent;
extern const struct part part_tenancy;
extern const struct part part_main_contract;
extern const struct part part_audit;
extern const struct part part_registration;
extern const struct part part_candidacy;
extern const struct part part_sale;
extern const struct part part_settled;
extern const struct part part_company_name;
extern const struct part part_vat_number;
extern const struct part part_company;
extern const struct part part_invoice;
extern const struct part part_debt;
extern const struct part part_benefit;
extern const struct part part_repair;
extern const struct part part_complaint;
extern const struct part part_nuisance;
extern const struct part part_reporter;
extern const struct part part_question;
extern const struct part part_visit;
extern const struct part part_unsubscribed;
extern const struct part part_premises;
extern const struct part part_footage;
extern const struct part part_door;

#endif
