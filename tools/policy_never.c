/* policy never: does the policy keep what was said that it never shows? */
#include <errno.h>
#include <string.h>

#include "fs/base/file.h"
#include "policy/never.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/place.h"

struct assertions {
    struct command_context *context;
    struct policy *policy;
    bool as_json;
    unsigned hold, broken, faulty;
};

static int print_json(const struct assertions *this, const char *text, unsigned broken,
                      const struct never_example *example)
{
    const struct policy *policy = this->policy;
    json_t *object =
        json_pack("{so sb si}", "assertion", output_json_text(text), "holds", broken == 0, "broken", (int)broken);

    if (object && broken) {
        json_t *found = json_pack("{ss ss ss ss ss si}", "role", policy->roles[example->role].name, "purpose",
                                  policy->purposes[example->purpose].name, "kind", policy->kinds[example->kind].name,
                                  "field", policy->fields[example->field].name, "verdict",
                                  example->access.verdict == VERDICT_SHOWN ? "shown" : "masked", "line",
                                  (int)example->access.line);

        if (!found || json_object_set_new(object, "example", found) < 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return output_json(this->context->out, object);
}

static int print_text(const struct assertions *this, const char *text, unsigned broken,
                      const struct never_example *example)
{
    const struct policy *policy = this->policy;
    FILE *out = this->context->out;
    struct buffer safe = BUFFER_EMPTY, access = BUFFER_EMPTY;
    bool failed;

    output_safe(&safe, text);
    fprintf(out, "%s  %s\n", broken ? "BROKEN" : "holds ", buffer_text(&safe));
    if (broken) {
        buffer_reset(&safe);
        access_describe(&example->access, &safe);
        output_safe(&access, buffer_text(&safe));
        fprintf(out, "        %s sees %s of a %s for %s, %s  (%s:%u)", policy->roles[example->role].name,
                policy->fields[example->field].name, policy->kinds[example->kind].name,
                policy->purposes[example->purpose].name, buffer_text(&access), policy->file, example->access.line);
        if (broken > 1)
            fprintf(out, "; and %u more", broken - 1);
        fputc('\n', out);
    }
    failed = safe.failed || access.failed;
    buffer_clear(&safe);
    buffer_clear(&access);
    return failed ? -ENOMEM : 0;
}

/* `place` says where the assertion stands, for the message. */
static void judge(struct assertions *this, const char *place, const char *text)
{
    struct never_example example = {0};
    char why[NEVER_WHY_BYTES];
    struct never never;
    unsigned broken;

    if (never_parse(this->policy, text, &never, why) < 0) {
        struct buffer safe = BUFFER_EMPTY;

        output_safe(&safe, why);
        commands_cannot(this->context, "%s: %s", place, buffer_text(&safe));
        buffer_clear(&safe);
        this->faulty++;
        return;
    }
    broken = never_broken(this->policy, &never, &example);
    if ((this->as_json ? print_json : print_text)(this, text, broken, &example) < 0)
        this->faulty++;
    this->hold += broken == 0;
    this->broken += broken != 0;
}

/* A line an assertion; what stands behind ';' or '#' is a comment. The text is cut up. */
static void judge_lines(struct assertions *this, const char *name, char *text)
{
    char *rest = text;

    for (unsigned number = 1; rest && *rest; number++) {
        char *line = strsep(&rest, "\n");
        struct buffer place = BUFFER_EMPTY;

        line[strcspn(line, ";#\r")] = '\0';
        line += strspn(line, " \t");
        buffer_printf(&place, "%s:%u", name, number);
        if (*line)
            judge(this, buffer_text(&place), line);
        buffer_clear(&place);
    }
}

static void judge_file(struct assertions *this, const char *name)
{
    struct buffer text = BUFFER_EMPTY;
    int error = file_read_path(name, POLICY_TEXT_MAX_BYTES, &text);

    if (!error && memchr(buffer_text(&text), '\0', text.length_bytes))
        error = -EINVAL;
    if (!error && text.length_bytes > 0)
        judge_lines(this, name, (char *)text.bytes);
    if (error) {
        commands_cannot(this->context, "%s can't be read: %s", name, strerror(-error));
        this->faulty++;
    }
    buffer_clear(&text);
}

static int conclude(const struct assertions *this)
{
    unsigned all = this->hold + this->broken;

    if (this->faulty)
        return COMMAND_CANNOT;
    if (all == 0)
        return commands_cannot(this->context, "there is no assertion: give one, or --file FILE");
    if (!this->as_json)
        fprintf(this->context->out, "%u of %u hold\n", this->hold, all);
    return this->broken ? COMMAND_FAULTS : COMMAND_DONE;
}

int policy_never_run(struct command_context *context)
{
    struct assertions this = {.context = context, .as_json = commands_option(context, "json") != NULL};
    const char *file = commands_option(context, "file");
    int code = COMMAND_CANNOT;

    if (!context->place.policy)
        return commands_cannot(context, "which policy? -n NAME or -p POLICY");
    if (place_read_policy(context->place.policy, &this.policy, context->error) == COMMAND_DONE) {
        for (unsigned i = 0; i < context->argument_count; i++)
            judge(&this, context->argument_text[i], context->argument_text[i]);
        if (file)
            judge_file(&this, file);
        code = conclude(&this);
    }
    policy_free(this.policy);
    return code;
}
