#include "tools/log_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "tools/moment.h"
#include "tools/output.h"

void log_lines_csv_head(FILE *out)
{
    fputs("number,erased,time,user,uid,what,subject,subject_number,purpose,ground,name,outcome,role,fields,rule,"
          "count,"
          "program,pid,policy,trace,span\r\n",
          out);
}

/* What is in the log was chosen by those whom it is about, a program's name for one. */
static int csv_texts(FILE *out, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int result = output_csv_safe(out, texts[i]);

        if (result < 0)
            return result;
        fputc(',', out);
    }
    return 0;
}

int log_lines_csv(FILE *out, const struct log_record *record, const char *code)
{
    const struct log_entry *entry = &record->entry;
    char time[MOMENT_BYTES] = "", policy[17] = "", trace[33] = "", span[17] = "", ground[2] = {entry->ground, '\0'};
    int result;

    if (record->erased) {
        fprintf(out, "%" PRIu64 ",1,,,,,,,,,,,,,,,,,,,\r\n", record->number);
        return ferror(out) ? -EIO : 0;
    }
    moment_print_iso(entry->time_ms, time);
    sodium_bin2hex(policy, sizeof policy, entry->policy, sizeof entry->policy);
    sodium_bin2hex(trace, sizeof trace, entry->trace, sizeof entry->trace);
    sodium_bin2hex(span, sizeof span, entry->span, sizeof entry->span);
    fprintf(out, "%" PRIu64 ",0,%s,", record->number, time);
    result = csv_texts(out, (const char *[]){entry->user}, 1);
    fprintf(out, "%" PRIu32 ",%s,", entry->uid, log_what_name(entry->what));
    if (result == 0)
        result = csv_texts(out, &code, 1);
    if (entry->subject)
        fprintf(out, "%016" PRIx64, entry->subject);
    fputc(',', out);
    if (result == 0)
        result = csv_texts(out, (const char *[]){entry->purpose, ground, entry->name}, 3);
    fprintf(out, "%s,", log_outcome_name(entry->outcome));
    if (result == 0)
        result = csv_texts(out, (const char *[]){entry->role, entry->fields, entry->rule}, 3);
    fprintf(out, "%" PRIu32 ",", entry->count);
    if (result == 0)
        result = csv_texts(out, (const char *[]){entry->program}, 1);
    fprintf(out, "%" PRId32 ",%s,%s,%s\r\n", entry->pid, policy, trace, span);
    return ferror(out) ? -EIO : result;
}

static json_t *json_entry(const struct log_record *record, const char *code)
{
    const struct log_entry *entry = &record->entry;
    char time[MOMENT_BYTES] = "", policy[17], trace[33], span[17], subject[17] = "",
         ground[2] = {entry->ground, '\0'};

    moment_print_iso(entry->time_ms, time);
    if (entry->subject)
        snprintf(subject, sizeof subject, "%016" PRIx64, entry->subject);
    sodium_bin2hex(policy, sizeof policy, entry->policy, sizeof entry->policy);
    sodium_bin2hex(trace, sizeof trace, entry->trace, sizeof entry->trace);
    sodium_bin2hex(span, sizeof span, entry->span, sizeof entry->span);
    return json_pack("{sI sb ss so sI ss so ss so ss so ss so so so sI so si ss ss ss}", "number",
                     (json_int_t)record->number, "erased", 0, "time", time, "user", output_json_text(entry->user),
                     "uid", (json_int_t)entry->uid, "what", log_what_name(entry->what), "subject",
                     output_json_text(code), "subject_number", subject, "purpose", output_json_text(entry->purpose),
                     "ground", ground, "name", output_json_text(entry->name), "outcome",
                     log_outcome_name(entry->outcome), "role", output_json_text(entry->role), "fields",
                     output_json_text(entry->fields), "rule", output_json_text(entry->rule), "count",
                     (json_int_t)entry->count, "program", output_json_text(entry->program), "pid", (int)entry->pid,
                     "policy", policy, "trace", trace, "span", span);
}

int log_lines_json(FILE *out, const struct log_record *record, const char *code)
{
    if (record->erased)
        return output_json(out, json_pack("{sI sb}", "number", (json_int_t)record->number, "erased", 1));
    return output_json(out, json_entry(record, code));
}
