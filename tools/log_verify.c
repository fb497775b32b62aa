/* log verify: is the processing log what it was? Reads the log's directory itself: no key, no policy, no daemon. */
#include <sodium.h>
#include <string.h>

#include "fs/base/file.h"
#include "fs/log/verify.h"
#include "tools/commands.h"
#include "tools/log_place.h"
#include "tools/output.h"
#include "tools/progress.h"

enum { SINCE_MAX_BYTES = 65536 };

static const char *const result_names[] = {"intact", "altered", "impossible", "shorter", "damaged", "not-anchored"};

/* What is gathered on the way. */
struct verifying {
    struct progress progress;
    struct buffer lines; /* of the months that were erased, for a person */
    json_t *erased;      /* and for a machine */
};

static void show_progress(void *context, uint64_t done_bytes, uint64_t all_bytes)
{
    struct verifying *verifying = context;
    struct progress *progress = &verifying->progress;
    char text[80];

    if (!progress_due(progress))
        return;
    snprintf(text, sizeof text, "verifying: %llu of %llu MiB", (unsigned long long)(done_bytes >> 20),
             (unsigned long long)(all_bytes >> 20));
    progress_show(progress, text);
}

static void take_erased(void *context, const struct log_erasure *erasure, bool finished)
{
    struct verifying *verifying = context;
    char line[LOG_ERASURE_NAME_BYTES];

    log_erasure_name(erasure, line);
    buffer_printf(&verifying->lines, "erased            %s%s\n", line,
                  finished ? "" : "; begun, and finished at the next start");
    json_array_append_new(verifying->erased, json_pack("{ss sb}", "text", line, "finished", finished));
}

/* What the result means to someone who did not write this program. */
static const char *meaning(enum verify_result result)
{
    switch (result) {
    case VERIFY_INTACT:
        return "Nothing was changed since the anchor was taken.";
    case VERIFY_ALTERED:
        return "Somebody or something changed the log: keep a copy of the directory as it is now, and find out who.";
    case VERIFY_IMPOSSIBLE:
        return "The log could not be checked; that says nothing about its content.";
    case VERIFY_SHORTER:
        return "Entries that the anchor vouches for are missing at the end.";
    case VERIFY_DAMAGED:
        return "Part of the log can't be read, as after a disk fault; what could be read agrees.";
    case VERIFY_NOT_ANCHORED:
        break; /* report.tail says it */
    }
    return "";
}

static void print_text(const struct command_context *context, const char *path, const struct verify_report *report,
                       struct buffer *erased)
{
    char root[2 * LOG_ROOT_BYTES + 1];

    sodium_bin2hex(root, sizeof root, report->root, LOG_ROOT_BYTES);
    if (report->result == VERIFY_IMPOSSIBLE) {
        commands_cannot(context, "%s: %s", path, report->text);
        return;
    }
    fprintf(context->out, "%s: %s\n", path, report->text);
    fprintf(context->out, "entries verified  %llu, in %llu segment%s\n", (unsigned long long)report->entries,
            (unsigned long long)report->segments, report->segments == 1 ? "" : "s");
    fprintf(context->out, "root of the tree  %s\n", root);
    if (report->bad_entry)
        fprintf(context->out, "first bad entry   %llu\n", (unsigned long long)report->bad_entry);
    if (report->unacknowledged_bytes)
        fprintf(context->out, "unacknowledged    %llu bytes at the end (a batch being written, or a crash)\n",
                (unsigned long long)report->unacknowledged_bytes);
    if (report->chains)
        fprintf(context->out,
                "signed            up to entry %llu (%s); up to entry %llu by keys that are destroyed\n",
                (unsigned long long)report->is_signed, report->signed_at, (unsigned long long)report->sealed);
    if (report->chains > 1)
        fprintf(context->out, "chains of keys    %llu: the signing key was lost and begun anew\n",
                (unsigned long long)report->chains);
    if (erased->length_bytes > 0)
        fprintf(context->out, "%s", buffer_text(erased));
    fprintf(context->out, "%s\n", report->tail[0] ? report->tail : meaning(report->result));
}

/* Up to which entry an anchor vouches; null if none was given. */
static json_t *by(uint64_t entry, bool given)
{
    return given ? json_integer((json_int_t)entry) : json_null();
}

static int print_json(const struct command_context *context, const char *path, const struct verify_report *report,
                      json_t *erased)
{
    bool key = commands_option(context, "pubkey") != NULL, since = commands_option(context, "since") != NULL;
    char root[2 * LOG_ROOT_BYTES + 1];

    sodium_bin2hex(root, sizeof root, report->root, LOG_ROOT_BYTES);
    return output_json(context->out,
                       json_pack("{so ss si sI sI sI sI ss sI ss sI so so sI so so sI sO}", "log",
                                 output_json_text(path), "result", result_names[report->result], "exit",
                                 (int)report->result, "entries", (json_int_t)report->entries, "segments",
                                 (json_int_t)report->segments, "bad_entry", (json_int_t)report->bad_entry,
                                 "unacknowledged_bytes", (json_int_t)report->unacknowledged_bytes, "root", root,
                                 "signed", (json_int_t)report->is_signed, "signed_at", report->signed_at, "sealed",
                                 (json_int_t)report->sealed, "by_key", by(report->by_key, key), "by_checkpoint",
                                 by(report->by_since, since), "chains", (json_int_t)report->chains, "text",
                                 output_json_text(report->text), "tail", output_json_text(report->tail),
                                 "erased_entries", (json_int_t)report->erased_entries, "erased", erased));
}

int log_verify_run(struct command_context *context)
{
    struct verify_report report = {.result = VERIFY_IMPOSSIBLE};
    const char *since_path = commands_option(context, "since");
    struct buffer since = BUFFER_EMPTY;
    struct verifying verifying = {.lines = BUFFER_EMPTY, .erased = json_array()};
    int code;
    char path[4096];
    struct verify_options options = {.path = path,
                                     .key = commands_option(context, "pubkey"),
                                     .progress = show_progress,
                                     .erased = take_erased,
                                     .context = &verifying};

    if (!log_place(context, 0, path)) {
        json_decref(verifying.erased);
        return COMMAND_CANNOT;
    }
    if (since_path) {
        int error = file_read_path(since_path, SINCE_MAX_BYTES, &since);

        if (error) {
            json_decref(verifying.erased);
            return commands_cannot(context, "%s can't be read: %s", since_path, strerror(-error));
        }
        options.since = buffer_text(&since);
    }
    progress_init(&verifying.progress, context->error, context->error_is_terminal);
    verify_log(&options, &report);
    progress_erase(&verifying.progress);
    buffer_clear(&since);
    code = (int)report.result;
    if (!commands_option(context, "json"))
        print_text(context, path, &report, &verifying.lines);
    else if (print_json(context, path, &report, verifying.erased) < 0)
        code = commands_cannot(context, "the result can't be printed");
    buffer_clear(&verifying.lines);
    json_decref(verifying.erased);
    return code;
}
