/* log export: entries of the log in the forms that other systems take, each a projection of one entry, a line each:
 *  - ldv: Logboek Dataverwerkingen 1.0.0 (Logius); otlp: the same as OpenTelemetry spans (OTLP/JSON, a request a line);
 *  - vng: Verwerkingenlogging, API 0.9.0 (VNG); vng-inzage: what of it a data subject may see;
 *  - csv, jsonl: all that an entry holds.
 *
 * The standards' forms are about what was processed: refused attempts, entries of neither a person nor a purpose, and entries that
 * are erased stay out. A person is a pseudonym under the export's key, so that who gets two exports under two keys can't join
 * them; an employee is in none but vng, as a key without meaning. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/bytes.h"
#include "fs/base/number.h"
#include "tools/log_ask.h"
#include "tools/log_lines.h"
#include "tools/moment.h"
#include "tools/output.h"
#include "tools/progress.h"

enum { KEY_MIN_BYTES = 16, KEY_MAX_BYTES = 4096, PSEUDONYM_BYTES = 16, TRACE_BYTES = 16, SPAN_BYTES = 8 };
enum { PSEUDONYM_TEXT = 2 * PSEUDONYM_BYTES + 1, UUID_TEXT = 37, URI_TEXT = 1024, OIN_DIGITS = 20 };

struct export;
typedef int export_line(struct export *export, const struct log_record *record, const char *code);

struct export
{
    struct command_context *context;
    export_line *line;
    uint8_t key[crypto_generichash_KEYBYTES];
    const char *register_uri, *oin, *term, *confidential;
    uint64_t last, written;
    struct progress progress;
};

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* The same value is the same pseudonym under the same key; `kind` keeps people and subjects apart. */
static void pseudonym(const struct export *export, const char *kind, uint64_t value, char text[static PSEUDONYM_TEXT])
{
    uint8_t bytes[8], out[PSEUDONYM_BYTES];
    crypto_generichash_state state;

    bytes_put_u64(bytes, value);
    crypto_generichash_init(&state, export->key, sizeof export->key, sizeof out);
    crypto_generichash_update(&state, (const uint8_t *)kind, strlen(kind) + 1);
    crypto_generichash_update(&state, bytes, sizeof bytes);
    crypto_generichash_final(&state, out, sizeof out);
    sodium_bin2hex(text, PSEUDONYM_TEXT, out, sizeof out);
}

/* RFC 9562, version 8. */
static void uuid_of(const char *what, const void *value, size_t value_bytes, char text[static UUID_TEXT])
{
    uint8_t out[16];
    char hex[33];
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, sizeof out);
    crypto_generichash_update(&state, (const uint8_t *)what, strlen(what) + 1);
    crypto_generichash_update(&state, value, value_bytes);
    crypto_generichash_final(&state, out, sizeof out);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x80);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
    sodium_bin2hex(hex, sizeof hex, out, sizeof out);
    snprintf(text, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* What was done, in the words of GDPR art. 4(2). */
static const char *verb_of(const struct log_entry *entry)
{
    switch (entry->what) {
    case LOG_CHANGE:
        return "change";
    case LOG_IMPORT:
        return "store";
    default:
        return "view";
    }
}

static const char *activity_of(const struct log_entry *entry)
{
    return entry->purpose[0] ? entry->purpose : "import";
}

/* The activity in the register, as it was in the policy of then. Names of purposes need no escapes in a URI. */
static void activity_uri(const struct export *export, const struct log_entry *entry, char text[static URI_TEXT])
{
    char version[17];

    sodium_bin2hex(version, sizeof version, entry->policy, sizeof entry->policy);
    snprintf(text, URI_TEXT, "%s%s?version=%s", export->register_uri, activity_of(entry), version);
}

static bool is_processing(const struct log_record *record)
{
    const struct log_entry *entry = &record->entry;

    return !record->erased && !log_outcome_is_refusal(entry->outcome) && (entry->subject || entry->purpose[0]);
}

/* ---- Logboek Dataverwerkingen, OpenTelemetry ------------------------------------------------------------------------ */

static const char subject_type[] = "urn:dossierfs:pseudonym";

static int ldv_line(struct export *export, const struct log_record *record, const char *code)
{
    const struct log_entry *entry = &record->entry;
    char trace_hex[33], span_hex[17], uri[URI_TEXT], subject[PSEUDONYM_TEXT];
    json_t *attributes;

    (void)code;
    if (!is_processing(record))
        return 0;
    sodium_bin2hex(trace_hex, sizeof trace_hex, entry->trace, sizeof entry->trace);
    sodium_bin2hex(span_hex, sizeof span_hex, entry->span, sizeof entry->span);
    activity_uri(export, entry, uri);
    attributes = json_pack("{so}", "dpl.core.processing_activity_id", output_json_text(uri));
    if (entry->subject) {
        pseudonym(export, "subject", entry->subject, subject);
        json_object_set_new(attributes, "dpl.core.data_subject_id", json_string(subject));
        json_object_set_new(attributes, "dpl.core.data_subject_id_type", json_string(subject_type));
    }
    export->written++;
    return output_json(export->context->out,
                       json_pack("{ss ss ss ss sI sI s{ss} so}", "trace_id", trace_hex, "span_id", span_hex, "status",
                                 entry->outcome == LOG_FAILED ? "Error" : "Ok", "name", verb_of(entry), "start_time",
                                 (json_int_t)entry->time_ms, "end_time", (json_int_t)entry->time_ms, "resource",
                                 "name", "dossierfs", "attributes", attributes));
}

static json_t *text_attribute(const char *key, const char *value)
{
    return json_pack("{ss s{so}}", "key", key, "value", "stringValue", output_json_text(value));
}

static json_t *otlp_span(struct export *export, const struct log_record *record)
{
    const struct log_entry *entry = &record->entry;
    char trace_hex[33], span_hex[17], uri[URI_TEXT], subject[PSEUDONYM_TEXT], nanoseconds[32];
    json_t *attributes = json_array();

    sodium_bin2hex(trace_hex, sizeof trace_hex, entry->trace, sizeof entry->trace);
    sodium_bin2hex(span_hex, sizeof span_hex, entry->span, sizeof entry->span);
    snprintf(nanoseconds, sizeof nanoseconds, "%" PRId64 "000000", entry->time_ms);
    activity_uri(export, entry, uri);
    json_array_append_new(attributes, text_attribute("dpl.core.processing_activity_id", uri));
    if (entry->subject) {
        pseudonym(export, "subject", entry->subject, subject);
        json_array_append_new(attributes, text_attribute("dpl.core.data_subject_id", subject));
        json_array_append_new(attributes, text_attribute("dpl.core.data_subject_id_type", subject_type));
    }
    return json_pack("{ss ss ss si ss ss so s{si}}", "traceId", trace_hex, "spanId", span_hex, "name", verb_of(entry),
                     "kind", 1, "startTimeUnixNano", nanoseconds, "endTimeUnixNano", nanoseconds, "attributes",
                     attributes, "status", "code", entry->outcome == LOG_FAILED ? 2 : 1);
}

static int otlp_line(struct export *export, const struct log_record *record, const char *code)
{
    (void)code;
    if (!is_processing(record))
        return 0;
    export->written++;
    return output_json(export->context->out,
                       json_pack("{s[{s{s[o]} s[{s{ss ss} s[o]}]}]}", "resourceSpans", "resource", "attributes",
                                 text_attribute("service.name", "dossierfs"), "scopeSpans", "scope", "name",
                                 "dossierfs", "version", DOSSIERFS_VERSION, "spans", otlp_span(export, record)));
}

/* ---- Verwerkingenlogging -------------------------------------------------------------------------------------------- */

static bool is_among(const char *list, const char *name)
{
    size_t name_bytes = strlen(name);

    for (const char *at = list; at && *at; at += strspn(at, ",")) {
        size_t bytes = strcspn(at, ",");

        if (bytes == name_bytes && memcmp(at, name, bytes) == 0)
            return true;
        at += bytes;
    }
    return false;
}

/* The fields shown; where the entry names none, what it is about. */
static json_t *kinds_of_data(const struct log_entry *entry)
{
    json_t *kinds = json_array();
    char name[LOG_TEXT_MAX_BYTES + 1];

    for (const char *at = entry->fields; *at; at += strspn(at, ",")) {
        size_t bytes = strcspn(at, ",");

        snprintf(name, sizeof name, "%.*s", (int)bytes, at);
        at += bytes;
        json_array_append_new(kinds,
                              json_pack("{so}", "soortGegeven", output_json_text(name[0] == '~' ? name + 1 : name)));
    }
    if (json_array_size(kinds) == 0)
        json_array_append_new(kinds,
                              json_pack("{so}", "soortGegeven",
                                        output_json_text(entry->name[0] ? entry->name : log_what_name(entry->what))));
    return kinds;
}

static json_t *vng_object(struct export *export, const struct log_record *record, bool confidential)
{
    const struct log_entry *entry = &record->entry;
    char action[UUID_TEXT], processing[UUID_TEXT], activity[UUID_TEXT], uri[URI_TEXT], subject[PSEUDONYM_TEXT],
        time[MOMENT_BYTES];
    uint8_t trace[TRACE_BYTES + SPAN_BYTES];

    memcpy(trace, record->entry.trace, TRACE_BYTES);
    memcpy(trace + TRACE_BYTES, record->entry.span, SPAN_BYTES);
    uuid_of("action", trace, sizeof trace, action);
    uuid_of("processing", trace, TRACE_BYTES, processing);
    activity_uri(export, entry, uri);
    uuid_of("activity", uri, strlen(uri), activity);
    pseudonym(export, "subject", entry->subject, subject);
    moment_print_iso(entry->time_ms, time);
    return json_pack("{ss ss ss so ss ss so ss ss ss ss ss s[{ss ss ss ss so}]}", "actieId", action, "actieNaam",
                     verb_of(entry), "handelingNaam", log_what_name(entry->what), "verwerkingNaam",
                     output_json_text(activity_of(entry)), "verwerkingId", processing, "verwerkingsactiviteitId",
                     activity, "verwerkingsactiviteitUrl", output_json_text(uri), "vertrouwelijkheid",
                     confidential ? "vertrouwelijk" : "normaal", "bewaartermijn", export->term, "uitvoerder",
                     export->oin, "tijdstip", time, "tijdstipRegistratie", time, "verwerkteObjecten", "objecttype",
                     "persoon", "soortObjectId", "pseudoniem", "objectId", subject, "betrokkenheid", "betrokkene",
                     "verwerkteSoortenGegevens", kinds_of_data(entry));
}

static int vng_line(struct export *export, const struct log_record *record, const char *code)
{
    char user[PSEUDONYM_TEXT];
    json_t *object;

    (void)code;
    if (!is_processing(record) || !record->entry.subject)
        return 0;
    object = vng_object(export, record, is_among(export->confidential, record->entry.purpose));
    pseudonym(export, "user", record->entry.uid, user);
    json_object_set_new(object, "systeem", json_string("dossierfs"));
    json_object_set_new(object, "gebruiker", json_string(user));
    json_object_set_new(object, "gegevensbron", json_string("dossierfs"));
    export->written++;
    return output_json(export->context->out, object);
}

static int vng_inzage_line(struct export *export, const struct log_record *record, const char *code)
{
    (void)code;
    if (!is_processing(record) || !record->entry.subject || is_among(export->confidential, record->entry.purpose))
        return 0;
    export->written++;
    return output_json(export->context->out, vng_object(export, record, false));
}

/* ---- all of an entry -------------------------------------------------------------------------------------------- */

static int csv_line(struct export *export, const struct log_record *record, const char *code)
{
    if (export->written++ == 0)
        log_lines_csv_head(export->context->out);
    return log_lines_csv(export->context->out, record, code);
}

static int jsonl_line(struct export *export, const struct log_record *record, const char *code)
{
    export->written++;
    return log_lines_json(export->context->out, record, code);
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    export_line *line;
    bool has_pseudonyms;
} formats[] = {{"ldv", ldv_line, true},  {"otlp", otlp_line, true},
               {"vng", vng_line, true},  {"vng-inzage", vng_inzage_line, true},
               {"csv", csv_line, false}, {"jsonl", jsonl_line, false}};

static int on_record(void *context, const struct log_record *record, const char *code)
{
    struct export *export = context;
    char text[80];

    if (commands_stopped(export->context))
        return -EINTR;
    if (progress_due(&export->progress)) {
        snprintf(text, sizeof text, "exporting: %" PRIu64 " entries", export->written);
        progress_show(&export->progress, text);
    }
    export->last = record->number;
    return export->line(export, record, code);
}

/* A key from a file makes pseudonyms the same from one export to the next; without one they are this export's own. */
static int take_key(struct export *export, bool has_pseudonyms)
{
    FILE *stream = commands_option_stream(export->context, "export-key");
    uint8_t bytes[KEY_MAX_BYTES];
    size_t length_bytes = stream ? fread(bytes, 1, sizeof bytes, stream) : 0;
    int code = COMMAND_DONE;

    if (!stream)
        randombytes_buf(export->key, sizeof export->key);
    else if (ferror(stream) || length_bytes < KEY_MIN_BYTES || length_bytes == sizeof bytes)
        code = commands_cannot(export->context, "--export-key: the file has %d to %d bytes", KEY_MIN_BYTES,
                               KEY_MAX_BYTES - 1);
    else
        crypto_generichash(export->key, sizeof export->key, bytes, length_bytes, NULL, 0);
    if (!stream && has_pseudonyms)
        fputs("dossier: without --export-key the pseudonyms are those of this export alone\n",
              export->context->error);
    sodium_memzero(bytes, sizeof bytes);
    return code;
}

static bool is_oin(const char *text)
{
    return strlen(text) == OIN_DIGITS && strspn(text, "0123456789") == OIN_DIGITS;
}

static int take_names(struct export *export)
{
    struct command_context *context = export->context;
    const char *uri = commands_option(context, "register"), *oin = commands_option(context, "oin"),
               *term = commands_option(context, "term");

    export->register_uri = uri ? uri : "urn:dossierfs:register:";
    export->oin = oin ? oin : "00000000000000000000";
    export->term = term ? term : "P5Y";
    export->confidential = commands_option(context, "confidential");
    if (strlen(export->register_uri) > 512 || !strchr(export->register_uri, ':') ||
        strpbrk(export->register_uri, " \t\"<>"))
        return commands_cannot(context, "--register is a URI, which the purpose's name is put behind");
    if (!is_oin(export->oin))
        return commands_cannot(context, "--oin has 20 digits");
    if (export->term[0] != 'P' || strlen(export->term) > 16 ||
        strspn(export->term + 1, "0123456789YMWD") != strlen(export->term + 1))
        return commands_cannot(context, "--term is a term like P5Y or P18M (ISO 8601)");
    return COMMAND_DONE;
}

static int take_format(struct export *export, bool *has_pseudonyms)
{
    const char *name = commands_option(export->context, "format");

    for (size_t i = 0; name && i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0) {
            export->line = formats[i].line;
            *has_pseudonyms = formats[i].has_pseudonyms;
            return COMMAND_DONE;
        }
    return commands_cannot(export->context, "--format FORMAT: one of ldv, otlp, vng, vng-inzage, csv, jsonl");
}

static int take_numbers(struct command_context *context, struct log_filter *filter)
{
    const char *after = commands_option(context, "after"), *limit = commands_option(context, "limit");

    if (after && number_parse_u64(after, strlen(after), 0, INT64_MAX, &filter->after) < 0)
        return commands_cannot(context, "--after is the number of an entry");
    if (limit && number_parse_u64(limit, strlen(limit), 1, INT64_MAX, &filter->limit) < 0)
        return commands_cannot(context, "--limit is a number from 1 on");
    return COMMAND_DONE;
}

int log_export_run(struct command_context *context)
{
    struct gate_log_question question = {.command = "log.export"};
    struct export export = {.context = context};
    struct report_why why = {""};
    bool has_pseudonyms = false;
    int result;

    if (take_format(&export, &has_pseudonyms) != COMMAND_DONE || take_names(&export) != COMMAND_DONE ||
        take_numbers(context, &question.filter) != COMMAND_DONE ||
        log_ask_times(context, &question.filter) != COMMAND_DONE || take_key(&export, has_pseudonyms) != COMMAND_DONE)
        return COMMAND_CANNOT;
    log_ask_subject(context, commands_option(context, "subject"), &question);
    question.without_codes = has_pseudonyms;
    progress_init(&export.progress, context->error, context->error_is_terminal);
    result = gate_log_ask(context->gate, context->person, &question, on_record, &export, &why);
    progress_erase(&export.progress);
    sodium_memzero(export.key, sizeof export.key);
    if (result == 0 || result == -EBADMSG)
        log_ask_erased(context, &question.filter);
    if (export.last > 0)
        fprintf(context->error, "dossier: %" PRIu64 " lines; the next export goes on with --after %" PRIu64 "\n",
                export.written, export.last);
    return log_ask_end(context, result, &why);
}
