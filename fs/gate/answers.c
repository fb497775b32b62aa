#include "fs/gate/answers.h"

#include <errno.h>
#include <string.h>

#include "fs/gate/codes.h"
#include "fs/gate/inside.h"

struct answer {
    struct codes *codes; /* NULL: none are wanted */
    gate_log_each *each;
    void *context;
};

static int pass_on(void *context, const struct log_record *record)
{
    struct answer *answer = context;
    char code[CODES_BYTES] = "";
    int result;

    if (answer->codes && !record->erased)
        codes_text(answer->codes, record->entry.subject, codes_count(answer->codes), code);
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
    struct answer answer = {NULL, each, context};
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
    error = question->without_codes ? 0 : codes_new(gate, &answer.codes);
    if (!error)
        error = log_query(gate->log, &filter, pass_on, &answer, why);
    else
        report_fail(why, error, "no memory");
    codes_free(answer.codes);
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
