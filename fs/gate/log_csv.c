#include "fs/gate/log_csv.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>

#include "fs/base/safe.h"
#include "fs/gate/clock.h"

void log_csv_head(struct buffer *out)
{
    buffer_append_text(out,
                       "number,erased,time,user,uid,what,subject,subject_number,purpose,ground,name,outcome,role,"
                       "fields,rule,count,program,pid,policy,trace,span\r\n");
}

/* What is in the log was chosen by those whom it is about, a program's name for one. */
static void add_texts(struct buffer *out, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        safe_csv(out, texts[i]);
        buffer_append_u8(out, ',');
    }
}

int log_csv_line(struct buffer *out, const struct log_record *record, const char *code)
{
    const struct log_entry *entry = &record->entry;
    char time[CLOCK_ISO_BYTES], policy[17], trace[33], span[17], ground[2] = {entry->ground, '\0'};

    if (record->erased) {
        buffer_printf(out, "%" PRIu64 ",1,,,,,,,,,,,,,,,,,,,\r\n", record->number);
        return out->failed ? -ENOMEM : 0;
    }
    clock_iso(entry->time_ms, time);
    sodium_bin2hex(policy, sizeof policy, entry->policy, sizeof entry->policy);
    sodium_bin2hex(trace, sizeof trace, entry->trace, sizeof entry->trace);
    sodium_bin2hex(span, sizeof span, entry->span, sizeof entry->span);
    buffer_printf(out, "%" PRIu64 ",0,%s,", record->number, time);
    add_texts(out, (const char *[]){entry->user}, 1);
    buffer_printf(out, "%" PRIu32 ",%s,", entry->uid, log_what_name(entry->what));
    add_texts(out, &code, 1);
    if (entry->subject)
        buffer_printf(out, "%016" PRIx64, entry->subject);
    buffer_append_u8(out, ',');
    add_texts(out, (const char *[]){entry->purpose, ground, entry->name}, 3);
    buffer_printf(out, "%s,", log_outcome_name(entry->outcome));
    add_texts(out, (const char *[]){entry->role, entry->fields, entry->rule}, 3);
    buffer_printf(out, "%" PRIu32 ",", entry->count);
    add_texts(out, (const char *[]){entry->program}, 1);
    buffer_printf(out, "%" PRId32 ",%s,%s,%s\r\n", entry->pid, policy, trace, span);
    return out->failed ? -ENOMEM : 0;
}
