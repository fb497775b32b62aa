/* policy check: every fault of a policy's text, or one line that says what is in it. */
#include <errno.h>
#include <string.h>

#include "fs/base/file.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/policy_text.h"

enum { FAULTS_SHOWN = 20 };

/* ---- the answer ----------------------------------------------------------------------------------------------- */

static void print_good(const struct command_context *context, const struct policy *policy)
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
    fputc('\n', context->out);
}

static int print_json(const struct command_context *context, const char *path, const struct policy *policy,
                      const struct policy_faults *faults)
{
    json_t *object =
        json_pack("{so sb so}", "file", output_json_text(path), "good", policy != NULL, "faults", json_array());

    for (size_t i = 0; object && i < faults->count; i++)
        json_array_append_new(json_object_get(object, "faults"),
                              json_pack("{si so}", "line", (int)faults->faults[i].line, "text",
                                        output_json_text(faults->faults[i].text)));
    if (object && policy) {
        json_t *counts = json_pack("{si si si si si}", "kinds", (int)policy->kind_count, "categories",
                                   (int)policy->category_count, "fields", (int)policy->field_count, "purposes",
                                   (int)policy->purpose_count, "roles", (int)policy->role_count);

        json_object_update_new(object, counts);
    }
    return output_json(context->out, object);
}

int policy_check_run(struct command_context *context)
{
    const char *path = context->argument_text[0];
    struct buffer text = BUFFER_EMPTY;
    struct policy_faults faults = {0};
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
    code = policy ? COMMAND_DONE : COMMAND_FAULTS;
    if (commands_option(context, "json") && print_json(context, path, policy, &faults) < 0)
        code = commands_cannot(context, "the result can't be printed");
    else if (!commands_option(context, "json") && policy)
        print_good(context, policy);
    else if (!commands_option(context, "json"))
        policy_text_print_faults(context->out, path, &faults, FAULTS_SHOWN);
out:
    policy_free(policy);
    policy_faults_clear(&faults);
    buffer_clear(&text);
    return code;
}
