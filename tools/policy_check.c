/* policy check: every fault of a policy's text, or what it says in vain and one line that says what is in it. */
#include <errno.h>
#include <string.h>

#include "fs/base/file.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/policy_text.h"

enum { FAULTS_SHOWN = 20 };

/* ---- the answer ----------------------------------------------------------------------------------------------- */

static void print_good(const struct command_context *context, const struct policy *policy, size_t warnings)
{
    const struct {
        unsigned count;
        const char *one, *many;
    } counts[] = {{policy->kind_count, "kind", "kinds"},
                  {policy->category_count, "category", "categories"},
                  {policy->field_count, "field", "fields"},
                  {policy->purpose_count, "purpose", "purposes"},
                  {policy->role_count, "role", "roles"}};

    fprintf(context->out, "%s: good", policy->file);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(context->out, "%s %u %s", i ? "," : ":", counts[i].count,
                counts[i].count == 1 ? counts[i].one : counts[i].many);
    if (warnings > 0)
        fprintf(context->out, "; %zu warning%s", warnings, warnings == 1 ? "" : "s");
    fputc('\n', context->out);
}

static json_t *json_faults(const struct policy_faults *faults)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < faults->count; i++)
        json_array_append_new(array, json_pack("{si so}", "line", (int)faults->faults[i].line, "text",
                                               output_json_text(faults->faults[i].text)));
    return array;
}

static int print_json(const struct command_context *context, const char *path, const struct policy *policy,
                      const struct policy_faults *faults, const struct policy_faults *warnings)
{
    json_t *object = json_pack("{so sb so so}", "file", output_json_text(path), "good", policy != NULL, "faults",
                               json_faults(faults), "warnings", json_faults(warnings));

    if (object && policy) {
        json_t *counts = json_pack("{si si si si si}", "kinds", (int)policy->kind_count, "categories",
                                   (int)policy->category_count, "fields", (int)policy->field_count, "purposes",
                                   (int)policy->purpose_count, "roles", (int)policy->role_count);

        json_object_update_new(object, counts);
    }
    return output_json(context->out, object);
}

static int print(struct command_context *context, const char *path, const struct policy *policy,
                 const struct policy_faults *faults, const struct policy_faults *warnings)
{
    if (commands_option(context, "json")) {
        if (print_json(context, path, policy, faults, warnings) < 0)
            return commands_cannot(context, "the result can't be printed");
    } else if (policy) {
        policy_text_print_warnings(context->out, path, warnings, FAULTS_SHOWN);
        print_good(context, policy, warnings->count);
    } else {
        policy_text_print_faults(context->out, path, faults, FAULTS_SHOWN);
    }
    return !policy || (warnings->count > 0 && commands_option(context, "strict")) ? COMMAND_FAULTS : COMMAND_DONE;
}

int policy_check_run(struct command_context *context)
{
    const char *path = context->argument_text[0];
    struct buffer text = BUFFER_EMPTY;
    struct policy_faults faults = {0}, warnings = {0};
    struct policy *policy = NULL;
    int result = file_read_path(path, POLICY_TEXT_MAX_BYTES, &text), code = COMMAND_CANNOT;

    if (result == -EFBIG) {
        commands_cannot(context, "%s is longer than %d bytes, which no policy may be", path, POLICY_TEXT_MAX_BYTES);
        goto out;
    }
    if (result < 0) {
        commands_cannot(context, "%s can't be read: %s", path, strerror(-result));
        goto out;
    }
    result = policy_text_check(path, &text, &policy, &faults);
    if (result < 0 && result != -EINVAL) {
        commands_cannot(context, "%s can't be checked: %s", path, strerror(-result));
        goto out;
    }
    result = policy ? policy_text_warnings(policy, &warnings) : 0;
    if (result < 0)
        commands_cannot(context, "%s can't be looked through for warnings: %s", path, strerror(-result));
    else
        code = print(context, path, policy, &faults, &warnings);
out:
    policy_free(policy);
    policy_faults_clear(&faults);
    policy_faults_clear(&warnings);
    buffer_clear(&text);
    return code;
}
