/* policy check: every fault of a policy's text, or one line that says what is in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/file.h"
#include "fs/gate/clock.h"
#include "tools/commands.h"
#include "tools/output.h"

enum { FAULTS_SHOWN = 20 };

/* ---- what the text alone does not say ------------------------------------------------------------------------- */

/* The line of `timezone` in [policy]; 0: not found. The text is that of a policy without faults. */
static unsigned line_of_zone(const char *text)
{
    bool inside = false;

    for (unsigned line = 1; *text; line++) {
        const char *word = text + strspn(text, " \t");

        if (*word == '[')
            inside = strncmp(word, "[policy]", 8) == 0;
        else if (inside && strncmp(word, "timezone", 8) == 0 && strchr(" \t=:", word[8]))
            return line;
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return 0;
}

/* Whether the system knows the zone is not the policy's to say, but a daemon can't start without it. 0 or -ENOMEM. */
static int check_zone(const char *text, struct policy **policy, struct policy_faults *faults)
{
    if (clock_zone_exists((*policy)->timezone))
        return 0;
    faults->faults = calloc(1, sizeof *faults->faults);
    if (!faults->faults)
        return -ENOMEM;
    faults->count = 1;
    faults->faults[0].line = line_of_zone(text);
    snprintf(faults->faults[0].text, sizeof faults->faults[0].text,
             "timezone: the system knows no '%.64s'; allowed: a name of its database (the package tzdata), like "
             "Europe/Amsterdam",
             (*policy)->timezone);
    policy_free(*policy);
    *policy = NULL;
    return 0;
}

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

static void print_faults(const struct command_context *context, const char *path, const struct policy_faults *faults)
{
    for (size_t i = 0; i < faults->count && i < FAULTS_SHOWN; i++) {
        struct buffer text = BUFFER_EMPTY;

        output_safe(&text, faults->faults[i].text);
        fprintf(context->out, "%s:%u: %s\n", path, faults->faults[i].line, buffer_text(&text));
        buffer_clear(&text);
    }
    if (faults->count > FAULTS_SHOWN)
        fprintf(context->out, "... and %zu more\n", faults->count - FAULTS_SHOWN);
    fprintf(context->out, "%s: %zu fault%s\n", path, faults->count, faults->count == 1 ? "" : "s");
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
    result = policy_load(path, buffer_text(&text), text.length_bytes, &policy, &faults);
    if (result == 0)
        result = check_zone(buffer_text(&text), &policy, &faults);
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
        print_faults(context, path, &faults);
out:
    policy_free(policy);
    policy_faults_clear(&faults);
    buffer_clear(&text);
    return code;
}
