/* policy versions: the policies that were in force, when, and from whose file. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/number.h"
#include "fs/gate/clock.h"
#include "fs/gate/versions.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/table.h"

struct versions {
    const struct command_context *context;
    struct table *table; /* NULL: JSON */
};

static int add_row(struct versions *versions, const struct gate_version *version, const char *hash)
{
    char number[16], since[CLOCK_STAMP_BYTES] = "", owner[16] = "", bytes[24] = "";
    const char *cells[] = {number, since, version->damaged ? "damaged" : hash,
                           owner,  bytes, version->in_force ? "in force" : ""};

    snprintf(number, sizeof number, "%u", (unsigned)version->policy.number);
    if (!version->damaged) {
        clock_stamp(version->policy.since_ms / 1000, since);
        snprintf(bytes, sizeof bytes, "%zu", version->length_bytes);
    }
    if (version->policy.owner_known)
        snprintf(owner, sizeof owner, "%u", (unsigned)version->policy.owner_uid);
    return table_add(versions->table, cells);
}

static int print_one(const struct versions *versions, const struct gate_version *version, const char *hash)
{
    json_t *object =
        json_pack("{sI sb}", "number", (json_int_t)version->policy.number, "damaged", (int)version->damaged);

    if (object && !version->damaged) {
        json_object_set_new(object, "since_ms", json_integer(version->policy.since_ms));
        json_object_set_new(object, "version", json_string(hash));
        json_object_set_new(object, "bytes", json_integer((json_int_t)version->length_bytes));
        json_object_set_new(object, "in_force", json_boolean(version->in_force));
    }
    if (object && version->policy.owner_known)
        json_object_set_new(object, "owner_uid", json_integer(version->policy.owner_uid));
    return output_json(versions->context->out, object);
}

static int take(void *context, const struct gate_version *version)
{
    struct versions *versions = context;
    char hash[2 * POLICY_HASH_BYTES + 1];

    sodium_bin2hex(hash, sizeof hash, version->version, sizeof version->version);
    if (commands_stopped(versions->context))
        return -EINTR;
    return versions->table ? add_row(versions, version, hash) : print_one(versions, version, hash);
}

static int failed(const struct command_context *context, int error, const struct report_why *why)
{
    commands_cannot(context, "%s", why->text[0] ? why->text : strerror(-error));
    return error == -EACCES ? COMMAND_FAULTS : COMMAND_CANNOT;
}

static int show(struct command_context *context, const char *word)
{
    struct buffer text = BUFFER_EMPTY;
    struct report_why why = {""};
    uint32_t number;
    int error;

    if (number_parse_u32(word, strlen(word), 1, UINT32_MAX, &number) < 0)
        return commands_cannot(context, "--show takes a number of the list, not \"%s\"", word);
    error = gate_version_text(context->gate, context->person, number, &text, &why);
    if (!error && text.length_bytes > 0 &&
        fwrite(text.bytes, 1, text.length_bytes, context->out) != text.length_bytes)
        error = -EIO;
    buffer_clear(&text);
    return error ? failed(context, error, &why) : COMMAND_DONE;
}

int policy_versions_run(struct command_context *context)
{
    static const struct table_column columns[] = {{"NUMBER", TABLE_RIGHT},
                                                  {"SINCE", TABLE_LEFT},
                                                  {"VERSION", TABLE_LEFT},
                                                  {"FILE OF UID", TABLE_RIGHT},
                                                  {"BYTES", TABLE_RIGHT},
                                                  {"", TABLE_LEFT},
                                                  {NULL, 0}};
    struct versions versions = {.context = context};
    struct report_why why = {""};
    int error = 0;

    if (commands_option(context, "show"))
        return show(context, commands_option(context, "show"));
    if (!commands_option(context, "json"))
        error =
            table_new(context->out, columns, true, context->out_is_terminal ? context->columns : 0, &versions.table);
    if (!error)
        error = gate_versions(context->gate, context->person, take, &versions, &why);
    if (!error && versions.table)
        error = table_print(versions.table);
    table_free(versions.table);
    return error ? failed(context, error, &why) : COMMAND_DONE;
}
