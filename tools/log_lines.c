#include "tools/log_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>

#include "fs/gate/log_csv.h"
#include "tools/moment.h"
#include "tools/output.h"

static int write_out(FILE *out, struct buffer *line, int result)
{
    if (result == 0 && fwrite(line->bytes, 1, line->length_bytes, out) != line->length_bytes)
        result = -EIO;
    buffer_clear(line);
    return result;
}

int log_lines_csv_head(FILE *out)
{
    struct buffer line = BUFFER_EMPTY;

    log_csv_head(&line);
    return write_out(out, &line, line.failed ? -ENOMEM : 0);
}

int log_lines_csv(FILE *out, const struct log_record *record, const char *code)
{
    struct buffer line = BUFFER_EMPTY;

    return write_out(out, &line, log_csv_line(&line, record, code));
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
