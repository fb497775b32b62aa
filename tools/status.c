/* status: which policy is in force since when, whether its file has faults, and what the daemon has open. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "fs/gate/reload.h"
#include "tools/commands.h"
#include "tools/output.h"

static void print_time(const struct command_context *context, const char *words, int64_t time_ms)
{
    char stamp[CLOCK_STAMP_BYTES];

    clock_stamp(time_ms / 1000, stamp);
    fprintf(context->out, "%s%s", words, stamp);
}

static void print_faults(const struct command_context *context, const struct gate_status *status)
{
    if (status->faulty_ms == 0)
        return;
    print_time(context, "file         faulty since ", status->faulty_ms);
    fputs(", so it is not in force:\n", context->out);
    for (size_t i = 0; i < status->faults.count; i++)
        fprintf(context->out, "             %s:%u: %s\n", status->file, status->faults.faults[i].line,
                status->faults.faults[i].text);
}

/* Where the newest checkpoint of the log went, and what is wrong with that. */
static void print_sent(const struct command_context *context, const struct sent_place *sent)
{
    char stamp[CLOCK_STAMP_BYTES];

    fprintf(context->out, "sent to      %s", sent->place);
    if (sent->sent_s) {
        clock_stamp(sent->sent_s, stamp);
        fprintf(context->out, ", at %s, up to entry %llu\n", stamp, (unsigned long long)sent->size);
    } else {
        fputs(": nothing yet\n", context->out);
    }
    if (sent->why[0]) {
        clock_stamp(sent->tried_s, stamp);
        fprintf(context->out, "             FAILED at %s: %s\n", stamp, sent->why);
    } else if (sent_is_late(sent, clock_now_s())) {
        fprintf(context->out, "             LATE: dossier log send is to run once a day, from a timer\n");
    }
}

static bool some_late(const struct gate_status *status)
{
    for (size_t i = 0; i < status->sent_count; i++)
        if (sent_is_late(&status->sent[i], clock_now_s()))
            return true;
    return false;
}

static void print_text(const struct command_context *context, const struct gate_status *status)
{
    char version[2 * POLICY_HASH_BYTES + 1];
    int64_t minutes = status->uptime_s / 60;

    sodium_bin2hex(version, sizeof version, status->version, sizeof status->version);
    fprintf(context->out, "policy       %s, version %s\n", status->file, version);
    print_time(context, "in force     since ", status->in_force_ms);
    if (status->owner_known)
        fprintf(context->out, ", from a file of uid %u", (unsigned)status->owner_uid);
    fprintf(context->out, "\nreplaced     %u times since the start\n", (unsigned)status->replaced);
    print_faults(context, status);
    fprintf(context->out, "holds        %u kinds, %u fields, %u purposes, %u roles\n", status->kinds, status->fields,
            status->purposes, status->roles);
    fprintf(context->out, "store        %s, %u dossiers\n", status->store, (unsigned)status->dossiers);
    fprintf(context->out, "log          %llu entries\n", (unsigned long long)status->entries);
    for (size_t i = 0; i < status->sent_count; i++)
        print_sent(context, &status->sent[i]);
    if (status->mounted)
        fprintf(context->out, "mounted on   %s, for %lld h %lld min\n", status->mountpoint, (long long)(minutes / 60),
                (long long)(minutes % 60));
    else
        fputs("mounted on   nothing: this command opened the store itself\n", context->out);
}

static json_t *faults_json(const struct gate_status *status)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < status->faults.count; i++)
        json_array_append_new(list, json_pack("{sI so}", "line", (json_int_t)status->faults.faults[i].line, "text",
                                              output_json_text(status->faults.faults[i].text)));
    return list;
}

static json_t *sent_json(const struct gate_status *status)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < status->sent_count; i++) {
        const struct sent_place *sent = &status->sent[i];

        json_array_append_new(list, json_pack("{so sI sI sI so sb}", "place", output_json_text(sent->place), "sent_s",
                                              (json_int_t)sent->sent_s, "entries", (json_int_t)sent->size, "tried_s",
                                              (json_int_t)sent->tried_s, "failed", output_json_text(sent->why),
                                              "late", (int)sent_is_late(sent, clock_now_s())));
    }
    return list;
}

static int print_json(const struct command_context *context, const struct gate_status *status)
{
    char version[2 * POLICY_HASH_BYTES + 1];
    json_t *object;

    sodium_bin2hex(version, sizeof version, status->version, sizeof status->version);
    object = json_pack(
        "{so ss sI sI sb sI so so so sb sI sI sI sI sI sI sI so}", "policy", output_json_text(status->file),
        "version", version, "in_force_ms", (json_int_t)status->in_force_ms, "replaced", (json_int_t)status->replaced,
        "faulty", (int)(status->faulty_ms != 0), "faulty_ms", (json_int_t)status->faulty_ms, "faults",
        faults_json(status), "store", output_json_text(status->store), "mountpoint",
        output_json_text(status->mountpoint), "mounted", (int)status->mounted, "uptime_s",
        (json_int_t)status->uptime_s, "kinds", (json_int_t)status->kinds, "fields", (json_int_t)status->fields,
        "purposes", (json_int_t)status->purposes, "roles", (json_int_t)status->roles, "dossiers",
        (json_int_t)status->dossiers, "entries", (json_int_t)status->entries, "sent", sent_json(status));
    if (object && status->owner_known)
        json_object_set_new(object, "owner_uid", json_integer(status->owner_uid));
    return output_json(context->out, object);
}

int status_run(struct command_context *context)
{
    struct gate_status status;
    struct report_why why = {""};
    int code, error = gate_status(context->gate, context->person, &status, &why);

    if (error) {
        commands_cannot(context, "%s", why.text);
        return error == -EACCES ? COMMAND_FAULTS : COMMAND_CANNOT;
    }
    code = status.faulty_ms || some_late(&status) ? COMMAND_FAULTS : COMMAND_DONE;
    if (!commands_option(context, "json"))
        print_text(context, &status);
    else if (print_json(context, &status) < 0)
        code = commands_cannot(context, "the status can't be printed");
    gate_status_clear(&status);
    return code;
}
