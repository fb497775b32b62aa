#include "fs/gate/answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/inside.h"

struct named {
    uint64_t pseudonym;
    uint32_t number;
};

struct answer {
    struct gate *gate;
    struct named *names; /* sorted by pseudonym */
    size_t name_count;
    gate_log_each *each;
    void *context;
};

static int by_pseudonym(const void *a, const void *b)
{
    const struct named *left = a, *right = b;

    return left->pseudonym < right->pseudonym ? -1 : left->pseudonym > right->pseudonym;
}

static int name_subjects(struct answer *answer)
{
    struct dossiers *dossiers = answer->gate->dossiers;

    dossiers_read_begin(dossiers);
    answer->name_count = dossiers_count(dossiers);
    answer->names = malloc((answer->name_count + 1) * sizeof *answer->names);
    for (uint32_t i = 0; answer->names && i < answer->name_count; i++)
        answer->names[i] = (struct named){dossiers_get(dossiers, i).pseudonym, i};
    dossiers_read_end(dossiers);
    if (!answer->names)
        return -ENOMEM;
    qsort(answer->names, answer->name_count, sizeof *answer->names, by_pseudonym);
    return 0;
}

static int pass_on(void *context, const struct log_record *record)
{
    struct answer *answer = context;
    struct named key = {record->entry.subject, 0};
    const struct named *found = NULL;
    char code[STORE_CODE_MAX_BYTES + 1] = "";
    int result;

    if (answer->names && !record->erased && record->entry.subject != 0)
        found = bsearch(&key, answer->names, answer->name_count, sizeof key, by_pseudonym);
    if (found) {
        dossiers_read_begin(answer->gate->dossiers);
        strncpy(code, dossiers_get(answer->gate->dossiers, found->number).code, sizeof code - 1);
        dossiers_read_end(answer->gate->dossiers);
    }
    result = answer->each(answer->context, record, code);
    explicit_bzero(code, sizeof code);
    return result;
}

/* The numbers under which the log may know a code: the subject's, and that of refusals which named no subject. */
static size_t numbers_of(struct gate *gate, const char *code, uint64_t subjects[2])
{
    uint32_t number;
    size_t count = 0;

    subjects[count++] = gate_code_mark(gate, code, strlen(code));
    dossiers_read_begin(gate->dossiers);
    number = dossiers_find(gate->dossiers, code, strlen(code));
    if (number != DOSSIERS_NONE)
        subjects[count++] = dossiers_get(gate->dossiers, number).pseudonym;
    dossiers_read_end(gate->dossiers);
    return count;
}

int gate_log_ask(struct gate *gate, const struct gate_person *person, const struct gate_log_question *question,
                 gate_log_each *each, void *context, struct report_why *why)
{
    struct log_filter filter = question->filter;
    struct answer answer = {gate, NULL, 0, each, context};
    uint64_t subjects[2] = {0};
    int error = gate_command(gate, person, question->command, why);

    if (error)
        return error;
    if (question->number) {
        subjects[0] = question->number;
        filter.subject_count = 1;
        filter.subjects = subjects;
    } else if (question->code) {
        filter.subject_count = numbers_of(gate, question->code, subjects);
        filter.subjects = subjects;
    }
    error = question->without_codes ? 0 : name_subjects(&answer);
    if (!error)
        error = log_query(gate->log, &filter, pass_on, &answer, why);
    else
        report_fail(why, error, "no memory");
    free(answer.names);
    return error;
}

uint32_t gate_log_subjects(struct gate *gate)
{
    uint32_t count;

    dossiers_read_begin(gate->dossiers);
    count = dossiers_count(gate->dossiers);
    dossiers_read_end(gate->dossiers);
    return count;
}
