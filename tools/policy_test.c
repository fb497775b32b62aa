/* policy test: what people expect of a policy, each compared with what it decides. No dossier is looked at. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/file.h"
#include "fs/gate/clock.h"
#include "policy/mask.h"
#include "tools/commands.h"
#include "tools/expectations.h"
#include "tools/output.h"
#include "tools/place.h"
#include "tools/policy_coverage.h"
#include "tools/policy_text.h"

enum { FAULTS_SHOWN = 50 };
static const char *const verdict_words[] = {"hidden", "shown", "masked"};

struct test {
    struct command_context *context;
    struct policy *policy;
    const char *path;
    struct buffer text;
    struct expectations expectations;
    struct policy_coverage coverage;
    size_t failed;
    json_t *results; /* with --json */
};

/* ---- the file ------------------------------------------------------------------------------------------------- */

static int read_expectations(struct test *test)
{
    struct policy_faults faults = {0};
    struct report_why why = {""};
    int code = COMMAND_CANNOT;
    int result = file_read_path(test->path, EXPECTATIONS_TEXT_MAX_BYTES, &test->text);

    if (result == -EFBIG)
        return commands_cannot(test->context, "%s: longer than %d bytes", test->path, EXPECTATIONS_TEXT_MAX_BYTES);
    if (result == 0 && clock_set_zone(test->policy->timezone, &why) < 0)
        return commands_cannot(test->context, "%s", why.text);
    if (result == 0)
        result = expectations_read(test->policy, &test->text, &test->expectations, &faults);
    if (result == -EINVAL)
        policy_text_print_faults(test->context->error, test->path, &faults, FAULTS_SHOWN);
    else if (result < 0)
        commands_cannot(test->context, "%s: %s", test->path, strerror(-result));
    else
        code = COMMAND_DONE;
    policy_faults_clear(&faults);
    return code;
}

/* ---- one expectation ------------------------------------------------------------------------------------------ */

static void append_verdict(struct buffer *out, enum verdict verdict, const struct mask *mask)
{
    buffer_append_text(out, verdict_words[verdict]);
    if (mask->code == MASK_NONE)
        return;
    buffer_append_text(out, ": ");
    mask_describe(mask, out);
}

static void append_question(const struct test *test, const struct expectation *expectation, struct buffer *out)
{
    const struct policy *policy = test->policy;

    buffer_printf(out, "%s %s %s %s", test->expectations.persons[expectation->person].name,
                  policy->purposes[expectation->purpose].name, policy->kinds[expectation->kind].name,
                  policy->fields[expectation->field].name);
}

/* "expected ..., got ... by RULE (FILE:LINE)" */
static void append_difference(const struct test *test, const struct expectation *expectation,
                              const struct decision *decision, struct buffer *out)
{
    buffer_append_text(out, "expected ");
    append_verdict(out, expectation->verdict, &expectation->mask);
    if (expectation->rule >= 0)
        buffer_printf(out, " by %s", decide_rule_name((enum decide_rule)expectation->rule));
    buffer_append_text(out, ", got ");
    append_verdict(out, decision->verdict, &decision->mask);
    buffer_printf(out, " by %s", decide_rule_name(decision->rule));
    if (decision->line)
        buffer_printf(out, " (%s:%u)", test->policy->file, decision->line);
}

static void print_text(struct test *test, const struct expectation *expectation, const struct decision *decision,
                       bool met)
{
    struct buffer line = BUFFER_EMPTY, safe = BUFFER_EMPTY;

    if (met && commands_option(test->context, "failures"))
        return;
    buffer_printf(&line, "%s  %s:%u  ", met ? "PASS" : "FAIL", test->path, expectation->line);
    append_question(test, expectation, &line);
    buffer_append_text(&line, ": ");
    if (met)
        append_verdict(&line, decision->verdict, &decision->mask);
    else
        append_difference(test, expectation, decision, &line);
    output_safe(&safe, buffer_text(&line));
    fprintf(test->context->out, "%s\n", buffer_text(&safe));
    buffer_clear(&line);
    buffer_clear(&safe);
}

static void print_tap(struct test *test, const struct expectation *expectation, const struct decision *decision,
                      bool met)
{
    size_t number = (size_t)(expectation - test->expectations.items) + 1;
    struct buffer line = BUFFER_EMPTY, safe = BUFFER_EMPTY;

    append_question(test, expectation, &line);
    fprintf(test->context->out, "%sok %zu - line %u: %s", met ? "" : "not ", number, expectation->line,
            buffer_text(&line));
    for (unsigned i = 0; i < expectation->id_count; i++)
        fprintf(test->context->out, "%s%s", i ? " " : " / ", expectation->ids[i]);
    fputc('\n', test->context->out);
    buffer_reset(&line);
    append_difference(test, expectation, decision, &line);
    output_safe(&safe, buffer_text(&line));
    if (!met)
        fprintf(test->context->out, "# %s\n", buffer_text(&safe));
    buffer_clear(&line);
    buffer_clear(&safe);
}

static int add_json(struct test *test, const struct expectation *expectation, const struct decision *decision,
                    bool met)
{
    const struct policy *policy = test->policy;
    struct buffer expected = BUFFER_EMPTY, got = BUFFER_EMPTY;
    json_t *ids = json_array(), *object;

    append_verdict(&expected, expectation->verdict, &expectation->mask);
    append_verdict(&got, decision->verdict, &decision->mask);
    for (unsigned i = 0; i < expectation->id_count; i++)
        json_array_append_new(ids, json_string(expectation->ids[i]));
    object = json_pack("{sb si ss ss ss ss so so ss si so}", "pass", met, "line", (int)expectation->line, "person",
                       test->expectations.persons[expectation->person].name, "purpose",
                       policy->purposes[expectation->purpose].name, "kind", policy->kinds[expectation->kind].name,
                       "field", policy->fields[expectation->field].name, "expected",
                       output_json_text(buffer_text(&expected)), "got", output_json_text(buffer_text(&got)), "rule",
                       decide_rule_name(decision->rule), "policyLine", (int)decision->line, "requirements", ids);
    if (object && expectation->rule >= 0)
        json_object_set_new(object, "expectedRule",
                            json_string(decide_rule_name((enum decide_rule)expectation->rule)));
    buffer_clear(&expected);
    buffer_clear(&got);
    return object && json_array_append_new(test->results, object) == 0 ? 0 : -ENOMEM;
}

static int try_all(struct test *test)
{
    const struct expectations *expectations = &test->expectations;
    int result = 0;

    for (size_t i = 0; i < expectations->item_count && result == 0; i++) {
        const struct expectation *expectation = &expectations->items[i];
        struct policy_standing standing;
        struct decision decision = expectations_decide(test->policy, expectations, expectation, &standing);
        bool met = expectations_met(expectation, &decision);

        test->failed += !met;
        policy_coverage_add(&test->coverage, test->policy, &standing, expectation->purpose, expectation->kind,
                            expectation->field, &decision);
        if (test->results)
            result = add_json(test, expectation, &decision, met);
        else if (commands_option(test->context, "tap"))
            print_tap(test, expectation, &decision, met);
        else
            print_text(test, expectation, &decision, met);
    }
    return result;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static int compare_ids(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* How many requirements the file names. -ENOMEM. */
static int count_requirements(const struct expectations *expectations, unsigned *out)
{
    const char **ids = calloc(expectations->item_count * EXPECTATIONS_MAX_IDS + 1, sizeof *ids);
    size_t count = 0;

    if (!ids)
        return -ENOMEM;
    for (size_t i = 0; i < expectations->item_count; i++)
        for (unsigned at = 0; at < expectations->items[i].id_count; at++)
            ids[count++] = expectations->items[i].ids[at];
    qsort(ids, count, sizeof *ids, compare_ids);
    *out = 0;
    for (size_t i = 0; i < count; i++)
        *out += i == 0 || strcmp(ids[i - 1], ids[i]) != 0;
    free(ids);
    return 0;
}

static int print_end(struct test *test)
{
    FILE *out = test->context->out;
    const size_t count = test->expectations.item_count;
    unsigned requirements;

    if (count_requirements(&test->expectations, &requirements) < 0)
        return -ENOMEM;
    if (test->results) {
        json_t *object = json_pack("{so so si si si sO so}", "file", output_json_text(test->path), "policy",
                                   output_json_text(test->policy->file), "passed", (int)(count - test->failed),
                                   "failed", (int)test->failed, "requirements", (int)requirements, "expectations",
                                   test->results, "coverage", policy_coverage_json(&test->coverage, test->policy));

        return output_json(out, object);
    }
    if (commands_option(test->context, "tap"))
        return 0;
    for (size_t i = 0; i < test->expectations.person_count; i++)
        if (!test->expectations.persons[i].asked)
            fprintf(out, "note  %s: nothing is expected for the person %s\n", test->path,
                    test->expectations.persons[i].name);
    fprintf(out, "%zu expectations, %u requirements: %zu passed, %zu failed\n\n", count, requirements,
            count - test->failed, test->failed);
    policy_coverage_print(out, &test->coverage, test->policy);
    return 0;
}

static int run(struct test *test)
{
    int result;

    if (commands_option(test->context, "json") && !(test->results = json_array()))
        return commands_cannot(test->context, "no memory");
    if (commands_option(test->context, "tap"))
        fprintf(test->context->out, "1..%zu\n", test->expectations.item_count);
    result = try_all(test);
    if (result == 0)
        result = print_end(test);
    json_decref(test->results);
    if (result < 0)
        return commands_cannot(test->context, "%s", strerror(-result));
    return test->failed ? COMMAND_FAULTS : COMMAND_DONE;
}

int policy_test_run(struct command_context *context)
{
    struct test *test;
    int code;

    if (!context->place.policy)
        return commands_cannot(context, "which policy? -n NAME or -p POLICY");
    if (commands_option(context, "tap") && commands_option(context, "json"))
        return commands_cannot(context, "--tap or --json, not both");
    test = calloc(1, sizeof *test);
    if (!test)
        return commands_cannot(context, "no memory");
    test->context = context;
    test->path = context->argument_text[0];
    code = place_read_policy(context->place.policy, &test->policy, context->error);
    if (code != COMMAND_DONE)
        code = COMMAND_CANNOT; /* 1 is for what is not as expected */
    if (code == COMMAND_DONE)
        code = read_expectations(test);
    if (code == COMMAND_DONE)
        code = run(test);
    expectations_clear(&test->expectations);
    buffer_clear(&test->text);
    policy_free(test->policy);
    free(test);
    return code;
}
