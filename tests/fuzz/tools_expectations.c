/* Goal: no file of expectations, however made, crashes, hangs, leaks or reads outside its text; what it is refused for is told; and
 * what is read is decided without a fault. */
#include <errno.h>
#include <stdlib.h>

#include "fs/gate/clock.h"
#include "tools/expectations.h"

static const char policy_text[] = "[policy]\norganisation = X\ntimezone = Europe/Amsterdam\n"
                                  "[kind tenant]\ncode = [0-9]{4}\n"
                                  "[category person]\nretention = earliest(2y after end, 30d after capture)\n"
                                  "[category film]\nincident = required\nroles = guard\n"
                                  "[field name]\ncategory = person\ntype = surname\n"
                                  "[field end]\ncategory = person\ntype = date\n"
                                  "[field film-note]\ncategory = film\ntype = text\n"
                                  "[purpose letter]\nground = D\nkinds = tenant\nfields = person\n"
                                  "[purpose alarm]\nground = E\nkinds = tenant\nfields = name\n"
                                  "[purpose cameras]\nground = C\nbalancing = weighed\nkinds = tenant\n"
                                  "fields = film\n"
                                  "[role desk]\nmembers = @desk\npurposes = letter, alarm\nmask = end:year\n"
                                  "own = name\ncaseload = name: Jansen\n"
                                  "[role guard]\nmembers = @guard\npurposes = cameras\n"
                                  "[secrecy]\nbound = anna 2025-01-01\n";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

static struct policy *load(void)
{
    struct policy *policy = NULL;
    struct policy_faults faults = {0};
    struct report_why why = {""};

    if (policy_load("fuzz.ini", policy_text, sizeof policy_text - 1, &policy, &faults) < 0 ||
        clock_set_zone(policy->timezone, &why) < 0)
        abort();
    return policy;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    static struct policy *policy;
    struct expectations expectations;
    struct policy_faults faults = {0};
    struct buffer text = BUFFER_EMPTY;
    int result;

    if (!policy)
        policy = load();
    buffer_append(&text, bytes, length_bytes);
    result = expectations_read(policy, &text, &expectations, &faults);
    if ((result == -EINVAL) != (faults.count > 0) || (result == 0 && !expectations.item_count))
        abort();
    for (size_t i = 0; result == 0 && i < expectations.item_count; i++) {
        struct policy_standing standing;
        struct decision decision = expectations_decide(policy, &expectations, &expectations.items[i], &standing);

        expectations_met(&expectations.items[i], &decision);
    }
    policy_faults_clear(&faults);
    expectations_clear(&expectations);
    buffer_clear(&text);
    return 0;
}
