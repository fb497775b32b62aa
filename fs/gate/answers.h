/* answers: questions to the processing log by those who may ask (commands "log.show" and so on). Each question is logged itself, durable
 * before the first answer. For threads that may wait. */
#ifndef DOSSIERFS_GATE_ANSWERS_H
#define DOSSIERFS_GATE_ANSWERS_H

#include "fs/gate/gate.h"

struct gate_log_question {
    const char *command;      /* the right that is asked for: "log.show" */
    struct log_filter filter; /* subjects and subject_count are filled in here from `code` or `number` */
    const char *code;         /* of the data subject, or NULL: everybody */
    uint64_t number;          /* instead of it: the number under which the log knows the subject; 0: none */
    bool without_codes;       /* `each` is given no codes, which spares sorting all subjects by their numbers */
};
/* Answers 0 to go on, or a negative number to stop. `code` is the dossier's code, or "" when the subject is unknown, erased or none. */
typedef int gate_log_each(void *context, const struct log_record *record, const char *code);
/* 0, what `each` answered, -EACCES, -EBADMSG, -EIO. */
int gate_log_ask(struct gate *gate, const struct gate_person *person, const struct gate_log_question *question,
                 gate_log_each *each, void *context, struct report_why *why);

/* How many data subjects there are now. */
uint32_t gate_log_subjects(struct gate *gate);

#endif
