/* import: dossiers from a CSV file into the store, all of them or none, or with --rejects the good ones.
 *
 * No message holds a value: only line, column and what is allowed. The rejects file holds the rows themselves; it is the
 * person's own file. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/import.h"
#include "policy/suggest.h"
#include "tools/columns.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/progress.h"

enum { FAULTS_SHOWN = 20 };

/* One run; what is left of it is freed by clear(). */
struct import {
    struct command_context *context;
    const struct policy *policy;
    const char *file; /* as the person named it */
    unsigned kind;
    char delimiter;
    enum csv_reader_encoding encoding;
    FILE *rejects; /* NULL: all or nothing */
    struct map map;
    struct csv_reader *reader;
    struct columns columns;
    struct gate_import *gate;
    struct gate_import_value *values; /* of one row */
    size_t *value_columns;            /* the column of each */
    struct progress progress;
    uint64_t rows, faults, outcomes[GATE_IMPORT_REJECTED + 1];
    bool rejects_begun;
    json_t *json_faults; /* NULL without --json */
};

static void clear(struct import *import)
{
    gate_import_abandon(import->gate);
    csv_reader_free(import->reader);
    columns_clear(&import->columns);
    map_reader_clear(&import->map);
    free(import->values);
    free(import->value_columns);
    json_decref(import->json_faults);
}

/* ---- faults --------------------------------------------------------------------------------------------------- */

/* One fault: shown if it is among the first. */
static void tell(struct import *import, const char *file, unsigned long line, const char *column, const char *text)
{
    FILE *error = import->context->error;

    import->faults++;
    if (import->faults > FAULTS_SHOWN)
        return;
    if (import->json_faults) {
        json_array_append_new(import->json_faults,
                              json_pack("{so sI so so}", "file", output_json_text(file), "line", (json_int_t)line,
                                        "column", output_json_text(column), "reason", output_json_text(text)));
        return;
    }
    progress_erase(&import->progress);
    fprintf(error, "%s:%lu: %s%s%s%s\n", file, line, column[0] ? "column " : "", column, column[0] ? ": " : "", text);
}

static void tell_map(void *context, unsigned line, const char *text)
{
    struct import *import = context;

    tell(import, commands_option(import->context, "map"), line, "", text);
}

static void tell_header(void *context, const char *column, const char *text)
{
    tell(context, ((struct import *)context)->file, 1, column, text);
}

/* A row that is not imported. */
static void reject(struct import *import, const struct csv_row *row, const char *column, const char *text)
{
    FILE *out = import->rejects;

    import->outcomes[GATE_IMPORT_REJECTED]++;
    tell(import, import->file, row->line, column, text);
    if (!out)
        return;
    if (!import->rejects_begun)
        fputs("line,column,reason,row\r\n", out);
    import->rejects_begun = true;
    fprintf(out, "%lu,", row->line);
    output_csv(out, column, strlen(column));
    fputc(',', out);
    output_csv(out, text, strlen(text));
    fputc(',', out);
    output_csv(out, row->raw, row->raw_bytes);
    fputs("\r\n", out);
}

/* ---- options -------------------------------------------------------------------------------------------------- */

static int take_kind(struct import *import)
{
    const char *kind = commands_option(import->context, "kind");
    struct suggest suggest;
    int found;

    if (!kind && import->policy->kind_count == 1)
        return COMMAND_DONE;
    if (!kind)
        return commands_cannot(import->context, "which kind of dossier? --kind KIND");
    found = policy_find_kind(import->policy, kind);
    if (found >= 0) {
        import->kind = (unsigned)found;
        return COMMAND_DONE;
    }
    suggest_init(&suggest, kind);
    for (unsigned i = 0; i < import->policy->kind_count; i++)
        suggest_consider(&suggest, import->policy->kinds[i].name);
    return commands_cannot(import->context, "the policy has no kind \"%.63s\"%s%s%s", kind,
                           suggest.nearest ? "; did you mean \"" : "", suggest.nearest ? suggest.nearest : "",
                           suggest.nearest ? "\"?" : "");
}

static int take_format(struct import *import)
{
    static const struct {
        const char *word;
        char delimiter;
    } delimiters[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}};
    const char *delimiter = commands_option(import->context, "delimiter");
    const char *encoding = commands_option(import->context, "encoding");

    import->delimiter = delimiter ? '\0' : ',';
    for (size_t i = 0; delimiter && i < sizeof delimiters / sizeof *delimiters; i++)
        if (strcmp(delimiter, delimiters[i].word) == 0)
            import->delimiter = delimiters[i].delimiter;
    if (!import->delimiter)
        return commands_cannot(import->context, "--delimiter is comma, semicolon or tab");
    import->encoding = CSV_READER_UTF8;
    if (encoding && strcasecmp(encoding, "windows-1252") == 0)
        import->encoding = CSV_READER_WINDOWS_1252;
    else if (encoding && strcasecmp(encoding, "utf-8") != 0)
        return commands_cannot(import->context, "--encoding is utf-8 or windows-1252");
    return COMMAND_DONE;
}

static int take_map(struct import *import)
{
    FILE *in = commands_option_stream(import->context, "map");
    int result = in ? map_reader_read(in, import->policy, tell_map, import, &import->map) : 0;

    if (result == -EINVAL)
        return COMMAND_FAULTS;
    return result < 0 ? commands_cannot(import->context, "the map can't be read: %s", strerror(-result))
                      : COMMAND_DONE;
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

static int read_header(struct import *import)
{
    FILE *in = import->context->argument_stream[0];
    struct report_why why = {""};
    struct csv_row header;
    int result = csv_reader_new(in, import->delimiter, import->encoding, &import->reader);

    if (result < 0)
        return commands_cannot(import->context, "the file can't be decoded: %s", strerror(-result));
    switch (csv_reader_next(import->reader, &header, &why)) {
    case CSV_READER_BROKEN:
        return commands_cannot(import->context, "%s: %s", import->file, why.text);
    case CSV_READER_FAULT:
        tell(import, import->file, header.line, "", why.text);
        return COMMAND_FAULTS;
    case CSV_READER_END:
        tell(import, import->file, 1, "", "the file is empty; its first line must name the columns");
        return COMMAND_FAULTS;
    case CSV_READER_ROW:
        break;
    }
    result = columns_resolve(
        &header, import->policy, import->policy->kinds[import->kind].name, commands_option(import->context, "code"),
        commands_option_stream(import->context, "map") ? &import->map : NULL, tell_header, import, &import->columns);
    if (result == -EINVAL)
        return COMMAND_FAULTS;
    import->values = calloc(import->columns.count + 1, sizeof *import->values);
    import->value_columns = calloc(import->columns.count + 1, sizeof *import->value_columns);
    if (result < 0 || !import->values || !import->value_columns)
        return commands_cannot(import->context, "no memory");
    return COMMAND_DONE;
}

/* One row of the right shape through the gate. 0, or a negative errno with which the import can't go on. */
static int put_row(struct import *import, const struct csv_row *row)
{
    const struct csv_value *code = &row->values[import->columns.code];
    enum gate_import_outcome outcome = GATE_IMPORT_REJECTED;
    struct gate_import_reject why = {0};
    const char *column = "";
    size_t count = 0;
    int result;

    for (size_t i = 0; i < row->count; i++) {
        if (import->columns.columns[i].field < 0)
            continue;
        import->value_columns[count] = i;
        import->values[count++] = (struct gate_import_value){.field = (unsigned)import->columns.columns[i].field,
                                                             .value = row->values[i].text,
                                                             .value_bytes = row->values[i].length_bytes};
    }
    result = gate_import_row(import->gate, code->text, code->length_bytes, import->values, count, &outcome, &why);
    if (result < 0)
        return result;
    if (outcome != GATE_IMPORT_REJECTED) {
        import->outcomes[outcome]++;
        return 0;
    }
    if (why.column == -1)
        column = import->columns.columns[import->columns.code].name;
    else if (why.column >= 0 && (size_t)why.column < count)
        column = import->columns.columns[import->value_columns[why.column]].name;
    reject(import, row, column, why.reason);
    return 0;
}

static void show_progress(struct import *import)
{
    int64_t elapsed_ms = progress_elapsed_ms(&import->progress);
    char text[80];

    if (!progress_due(&import->progress))
        return;
    snprintf(text, sizeof text, "importing: %" PRIu64 " rows, %" PRIu64 " a second", import->rows,
             import->rows * 1000 / (uint64_t)(elapsed_ms > 0 ? elapsed_ms : 1));
    progress_show(&import->progress, text);
}

static int read_rows(struct import *import)
{
    for (;;) {
        struct report_why why = {""};
        struct csv_row row;
        enum csv_reader_result next = csv_reader_next(import->reader, &row, &why);
        int result = 0;

        if (commands_stopped(import->context))
            return commands_cannot(import->context, "the import was stopped");
        if (next == CSV_READER_BROKEN)
            return commands_cannot(import->context, "%s: %s", import->file, why.text);
        if (next == CSV_READER_END)
            return COMMAND_DONE;
        import->rows++;
        if (next == CSV_READER_ROW && row.count != import->columns.count) {
            snprintf(why.text, sizeof why.text, "%zu values, where the header names %zu columns", row.count,
                     import->columns.count);
            next = CSV_READER_FAULT;
        }
        if (next == CSV_READER_FAULT)
            reject(import, &row, "", why.text);
        else
            result = put_row(import, &row);
        if (result < 0)
            return commands_cannot(import->context, "the store can't take the rows from line %lu on: %s", row.line,
                                   strerror(-result));
        show_progress(import);
    }
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

/* Publishes, unless rows were rejected and that counts. */
static int publish(struct import *import)
{
    struct report_why why = {""};
    uint64_t rejected = import->outcomes[GATE_IMPORT_REJECTED];

    if (rejected > 0 && !import->rejects)
        return COMMAND_FAULTS;
    /* The rejects must be safe before their rows are gone from this run's sight. */
    if (import->rejects && fflush(import->rejects) != 0)
        return commands_cannot(import->context, "the rejects file can't be written; nothing was imported");
    if (commands_stopped(import->context))
        return commands_cannot(import->context, "the import was stopped");
    if (gate_import_publish(import->gate, &why) < 0)
        return commands_cannot(import->context, "nothing was imported: %s", why.text);
    import->gate = NULL;
    return rejected > 0 ? COMMAND_FAULTS : COMMAND_DONE;
}

static void print_text(const struct import *import, bool published)
{
    const uint64_t *outcomes = import->outcomes;

    if (import->faults > FAULTS_SHOWN)
        fprintf(import->context->error, "... and %" PRIu64 " more fault%s\n", import->faults - FAULTS_SHOWN,
                import->faults - FAULTS_SHOWN == 1 ? "" : "s");
    if (published)
        fprintf(import->context->out,
                "%s: %" PRIu64 " row%s: %" PRIu64 " added, %" PRIu64 " changed, %" PRIu64 " unchanged, %" PRIu64
                " rejected\n",
                import->file, import->rows, import->rows == 1 ? "" : "s", outcomes[GATE_IMPORT_ADDED],
                outcomes[GATE_IMPORT_CHANGED], outcomes[GATE_IMPORT_UNCHANGED], outcomes[GATE_IMPORT_REJECTED]);
    else
        fprintf(import->context->out, "%s: nothing was imported: %" PRIu64 " fault%s in %" PRIu64 " row%s\n",
                import->file, import->faults, import->faults == 1 ? "" : "s", import->rows,
                import->rows == 1 ? "" : "s");
}

static int print_json(struct import *import, bool published)
{
    const uint64_t *outcomes = import->outcomes;
    json_t *faults = import->json_faults;

    import->json_faults = NULL;
    return output_json(import->context->out,
                       json_pack("{so sb sI sI sI sI sI sI so}", "file", output_json_text(import->file), "published",
                                 published, "rows", (json_int_t)import->rows, "added",
                                 (json_int_t)(published ? outcomes[GATE_IMPORT_ADDED] : 0), "changed",
                                 (json_int_t)(published ? outcomes[GATE_IMPORT_CHANGED] : 0), "unchanged",
                                 (json_int_t)outcomes[GATE_IMPORT_UNCHANGED], "rejected",
                                 (json_int_t)outcomes[GATE_IMPORT_REJECTED], "fault_count",
                                 (json_int_t)import->faults, "faults", faults));
}

/* The default source: where a value came from is asked long after the file is gone, so at least its name is kept (B2). */
static const char *source_of(const struct command_context *context)
{
    const char *source = commands_option(context, "source"), *file = context->argument_text[0];
    const char *slash = strrchr(file, '/');

    if (source)
        return source;
    if (strcmp(file, "-") == 0)
        return "standard input";
    return slash ? slash + 1 : file;
}

static int begin(struct import *import)
{
    struct gate_import_options options = {.kind = import->kind,
                                          .source = source_of(import->context),
                                          .update = commands_option(import->context, "update") != NULL};
    struct report_why why = {""};
    int result;

    if (strlen(options.source) > STORE_SOURCE_MAX_BYTES)
        return commands_cannot(import->context, "--source is longer than %d bytes", STORE_SOURCE_MAX_BYTES);
    result = gate_import_begin(import->context->gate, import->context->person, &options, &import->gate, &why);
    if (result == 0)
        return COMMAND_DONE;
    commands_cannot(import->context, "%s", why.text[0] ? why.text : strerror(-result));
    return result == -EACCES ? COMMAND_FAULTS : COMMAND_CANNOT;
}

/* The right comes before the file: who may not import does not learn from the faults which columns there are. */
static int run(struct import *import, bool *published)
{
    int (*const steps[])(struct import *) = {take_kind, take_format, begin, take_map, read_header, read_rows};
    int code = COMMAND_DONE;

    *published = false;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && code == COMMAND_DONE; i++)
        code = steps[i](import);
    if (code != COMMAND_DONE)
        return code;
    code = publish(import);
    *published = code != COMMAND_CANNOT && !import->gate;
    return code;
}

int import_run(struct command_context *context)
{
    struct import import = {.context = context,
                            .policy = gate_policy(context->gate),
                            .file = strcmp(context->argument_text[0], "-") ? context->argument_text[0] : "(stdin)",
                            .rejects = commands_option_stream(context, "rejects")};
    bool json = commands_option(context, "json") != NULL, published;
    int code;

    if (json)
        import.json_faults = json_array();
    progress_init(&import.progress, context->error, context->error_is_terminal);
    code = run(&import, &published);
    progress_erase(&import.progress);
    /* A refusal has said its line; what is left to tell are faults of the file, or the result. */
    if (json && (published || import.faults > 0)) {
        if (print_json(&import, published) < 0)
            code = commands_cannot(context, "the result can't be printed");
    } else if (published || import.faults > 0) {
        print_text(&import, published);
    }
    clear(&import);
    return code;
}
