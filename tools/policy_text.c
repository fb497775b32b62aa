#include "tools/policy_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "policy/warn.h"
#include "tools/output.h"

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

/* Whether the system knows the zone is not the policy's to say, but a daemon can't start without it. 0, -EINVAL with a
 * fault, or -ENOMEM. */
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
    return -EINVAL;
}

int policy_text_check(const char *file, struct buffer *text, struct policy **out, struct policy_faults *faults)
{
    struct policy *policy = NULL;
    int error = policy_load(file, buffer_text(text), text->length_bytes, &policy, faults);

    if (!error)
        error = check_zone(buffer_text(text), &policy, faults);
    if (error) {
        policy_free(policy);
        return error;
    }
    *out = policy;
    return 0;
}

int policy_text_warnings(const struct policy *policy, struct policy_faults *warnings)
{
    struct report_why why;
    int error = clock_set_zone(policy->timezone, &why);

    return error ? error : policy_warnings(policy, clock_day_of(clock_now_s()), warnings);
}

static void print_lines(FILE *out, const char *path, const char *word, const struct policy_faults *faults,
                        size_t most)
{
    for (size_t i = 0; i < faults->count && i < most; i++) {
        struct buffer text = BUFFER_EMPTY;

        output_safe(&text, faults->faults[i].text);
        fprintf(out, "%s:%u: %s%s\n", path, faults->faults[i].line, word, buffer_text(&text));
        buffer_clear(&text);
    }
    if (faults->count > most)
        fprintf(out, "... and %zu more\n", faults->count - most);
}

void policy_text_print_warnings(FILE *out, const char *path, const struct policy_faults *warnings, size_t most)
{
    print_lines(out, path, "warning: ", warnings, most);
}

void policy_text_print_faults(FILE *out, const char *path, const struct policy_faults *faults, size_t most)
{
    print_lines(out, path, "", faults, most);
    fprintf(out, "%s: %zu fault%s\n", path, faults->count, faults->count == 1 ? "" : "s");
}
