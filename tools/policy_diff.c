/* policy diff: what another policy changes for people, a difference a line. */
#include <errno.h>
#include <string.h>

#include "policy/compare.h"
#include "tools/commands.h"
#include "tools/difference_lines.h"
#include "tools/output.h"
#include "tools/place.h"
#include "tools/policy_text.h"

static json_t *text_or_null(const char *text)
{
    return text ? output_json_text(text) : json_null();
}

/* "a, b" as an array; names have no commas. */
static json_t *words(const char *text)
{
    json_t *array = json_array();

    while (array && text && *text) {
        size_t length = strcspn(text, ",");

        json_array_append_new(array, json_stringn(text, length));
        text += length;
        text += strspn(text, ", ");
    }
    return array;
}

static int print_json(const struct command_context *context, const struct difference *difference)
{
    static const char *const ways[] = {"gains", "loses", "changes"};
    struct buffer text = BUFFER_EMPTY;
    json_t *object;

    difference_describe(difference, &text);
    object = json_pack("{ss ss so so so so so so so si so si si so}", "what", difference_what_name(difference->what),
                       "way", ways[difference->way], "name", output_json_text(difference->name), "about",
                       text_or_null(difference->about), "purpose", text_or_null(difference->purpose), "kinds",
                       words(difference->kinds), "fields", words(difference->fields), "before",
                       text_or_null(difference->before), "after", text_or_null(difference->after), "people",
                       (int)difference->people, "groups", words(difference->groups), "old_line",
                       (int)difference->old_line, "new_line", (int)difference->new_line, "text",
                       text.failed ? NULL : output_json_text(buffer_text(&text)));
    buffer_clear(&text);
    return output_json(context->out, object);
}

static int print_renames(const struct command_context *context, const struct policy *old, const struct policy *new)
{
    struct policy_faults renames = {0};
    int result = compare_renames(old, new, &renames);

    if (!commands_option(context, "json"))
        policy_text_print_warnings(context->out, new->file, &renames, SIZE_MAX);
    for (size_t i = 0; commands_option(context, "json") && i < renames.count && result == 0; i++)
        result = output_json(context->out,
                             json_pack("{ss si so}", "what", "warning", "new_line", (int)renames.faults[i].line,
                                       "text", output_json_text(renames.faults[i].text)));
    policy_faults_clear(&renames);
    return result;
}

static int print_all(const struct command_context *context, const struct policy *old, const struct policy *new)
{
    bool as_json = commands_option(context, "json");
    struct differences list;
    int result = compare_policies(old, new, &list), code;

    for (size_t i = 0; i < list.count && as_json && result == 0; i++)
        result = print_json(context, &list.all[i]);
    if (result == 0 && !as_json)
        result = difference_lines_print(context->out, &list);
    if (result == 0 && list.count == 0 && !as_json)
        fprintf(context->out, "%s and %s say the same\n", old->file, new->file);
    if (result == 0)
        result = print_renames(context, old, new);
    code = list.count ? COMMAND_FAULTS : COMMAND_DONE;
    differences_clear(&list);
    return result < 0 ? commands_cannot(context, "the result can't be printed: %s", strerror(-result)) : code;
}

int policy_diff_run(struct command_context *context)
{
    struct policy *old = NULL, *new = NULL;
    int code = COMMAND_CANNOT;

    /* A policy with faults is none that could be compared: 1 is for differences. */
    if (place_read_policy(context->argument_text[0], &old, context->error) == COMMAND_DONE &&
        place_read_policy(context->argument_text[1], &new, context->error) == COMMAND_DONE)
        code = print_all(context, old, new);
    policy_free(old);
    policy_free(new);
    return code;
}
