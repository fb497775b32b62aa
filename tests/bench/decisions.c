/* decisions: what a decision costs, by a policy as large as a big organisation's.
 *
 *   decisions COUNT
 *
 * The policy is made here: 20 roles, 30 purposes, 60 fields in 12 categories; every role has 9 purposes, half of the roles
 * narrow, all mask two fields, a tenth of the fields is special, the grounds are A to D. Prints four medians of COUNT (1 to
 * 1000000) measurements: nanoseconds a decision for a caller in 3 roles and in all 20, for each field under each
 * purpose that they have; nanoseconds of policy_match() for the caller in 3; and of policy_load(). A decision is far shorter
 * than reading the clock, so one measurement is the 60 fields of a purpose, divided. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs/base/buffer.h"
#include "fs/base/number.h"
#include "policy/decide.h"
#include "tests/bench/timing.h"

enum { ROLES = 20, PURPOSES = 30, FIELDS = 60, CATEGORIES = 12, ROLE_PURPOSES = 9, MAX_COUNT = 1000000, LOADS = 50 };

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "decisions: %s\n", what);
    exit(1);
}

/* ---- the policy ------------------------------------------------------------------------------------------------ */

static bool is_special(unsigned field)
{
    return field % 10 == 9;
}

static void write_records(struct buffer *out)
{
    buffer_append_text(out, "[policy]\norganisation = Org\ntimezone = UTC\n[kind tenant]\ncode = [0-9]{4}-[0-9]{5}\n"
                            "[kind buyer]\ncode = B[0-9]{6}\n");
    for (unsigned i = 0; i < CATEGORIES; i++)
        buffer_printf(out, "[category c%u]\nretention = %uy after f0\n", i, 1 + i % 7);
    for (unsigned i = 0; i < FIELDS; i++)
        buffer_printf(out, "[field f%u]\ncategory = c%u\ntype = %s\n%s", i, i % CATEGORIES, i ? "text" : "date",
                      is_special(i) ? "special = health\n" : "");
}

/* Two of three fields. */
static void write_purposes(struct buffer *out)
{
    for (unsigned i = 0; i < PURPOSES; i++) {
        buffer_printf(out,
                      "[purpose p%u]\nground = %c\narticle = Act\nbalancing = Weighed\nsecond-ground = Act\n"
                      "kinds = tenant, buyer\nfields = f0\n",
                      i, "ABCD"[i % 4]);
        for (unsigned field = 1; field < FIELDS; field++)
            if ((field + i) % 3)
                buffer_printf(out, "fields += f%u\n", field);
    }
}

static void write_roles(struct buffer *out)
{
    for (unsigned i = 0; i < ROLES; i++) {
        buffer_printf(out, "[role r%u]\nmembers = @g%u, %u\npurposes = p%u\n", i, i, 20000 + i, i);
        for (unsigned n = 1; n < ROLE_PURPOSES; n++)
            buffer_printf(out, "purposes += p%u\n", (i + 3 * n) % PURPOSES);
        buffer_printf(out, "mask = f%u:last4, f%u:first2\nspecial = f9, f19, f29\n", 1 + i, 31 + i % 20);
        if (i % 2)
            buffer_append_text(out, "fields = c0, c1, c2, c3, c4, c5, c6, c7\n");
    }
    buffer_append_text(out, "[secrecy]\nbound = 20000 2020-01-01\n");
    for (unsigned i = 1; i < 200; i++)
        buffer_printf(out, "bound += %u 2020-01-01 2040-01-01\n", 20000 + i);
}

static struct policy *load(const struct buffer *text)
{
    struct policy_faults faults = {0};
    struct policy *policy = NULL;

    if (policy_load("bench.ini", (const char *)text->bytes, text->length_bytes, &policy, &faults) < 0) {
        for (size_t i = 0; i < faults.count; i++)
            fprintf(stderr, "decisions: %u: %s\n", faults.faults[i].line, faults.faults[i].text);
        die("its own policy does not load");
    }
    return policy;
}

/* ---- measuring ------------------------------------------------------------------------------------------------- */

/* The purposes that a role of the caller has: of the others a decision is over before it looks at a field. */
static unsigned open_purposes(const struct policy *policy, uint64_t roles, int purposes[static PURPOSES])
{
    unsigned count = 0;

    for (int purpose = 0; purpose < PURPOSES; purpose++)
        for (unsigned role = 0; role < ROLES; role++)
            if (roles >> role & 1 && policy->roles[role].purposes >> purpose & 1) {
                purposes[count++] = purpose;
                break;
            }
    return count;
}

/* Nanoseconds a decision. *shown counts what showed: nobody could leave the work out, and it is checked. */
static double measure_decisions(const struct policy *policy, const struct policy_standing *standing, size_t count,
                                uint64_t *took_ns, uint64_t *shown)
{
    const struct decide_facts facts = {
        .kind = 0, .present = true, .ends_s = INT64_MAX, .dossier = &decide_favourable};
    int purposes[PURPOSES];
    unsigned open = open_purposes(policy, standing->roles, purposes);

    if (open == 0)
        die("the caller has no purpose");
    *shown = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t began_ns = timing_now_ns();

        for (int field = 0; field < FIELDS; field++)
            *shown += decide(policy, standing, purposes[i % open], field, &facts, 0).verdict != VERDICT_HIDDEN;
        took_ns[i] = timing_now_ns() - began_ns;
    }
    return (double)timing_percentile_ns(took_ns, count, 50) / FIELDS;
}

static double measure_matching(const struct policy *policy, const struct policy_caller *caller, size_t count,
                               uint64_t *took_ns)
{
    uint64_t roles = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t began_ns = timing_now_ns();

        roles |= policy_match(policy, caller, 20000 + (int32_t)(i % 2)).roles;
        took_ns[i] = timing_now_ns() - began_ns;
    }
    if (!roles)
        die("the caller has no role");
    return (double)timing_percentile_ns(took_ns, count, 50);
}

static double measure_loading(const struct buffer *text, uint64_t *took_ns)
{
    for (size_t i = 0; i < LOADS; i++) {
        uint64_t began_ns = timing_now_ns();
        struct policy *policy = load(text);

        took_ns[i] = timing_now_ns() - began_ns;
        policy_free(policy);
    }
    return (double)timing_percentile_ns(took_ns, LOADS, 50);
}

int main(int argc, char **argv)
{
    const char *const groups[] = {"g0", "g3", "g7"};
    const struct policy_caller caller = {.uid = 20000, .groups = groups, .group_count = 3};
    struct buffer text = BUFFER_EMPTY;
    uint64_t *took_ns, shown_few, shown_all;
    uint32_t count;
    struct policy *policy;

    if (argc != 2 || number_parse_u32(argv[1], strlen(argv[1]), 1, MAX_COUNT, &count) < 0)
        die("usage: decisions COUNT");
    write_records(&text);
    write_purposes(&text);
    write_roles(&text);
    took_ns = malloc((count > LOADS ? count : LOADS) * sizeof *took_ns);
    if (text.failed || !took_ns)
        die("no memory");
    policy = load(&text);
    if (policy->role_count != ROLES || policy->purpose_count != PURPOSES || policy->field_count != FIELDS)
        die("the policy is not the one it should be");

    struct policy_standing few = policy_match(policy, &caller, 20000), all = few;

    all.roles = all.in_force = (UINT64_C(1) << ROLES) - 1;
    double few_ns = measure_decisions(policy, &few, count, took_ns, &shown_few);
    double all_ns = measure_decisions(policy, &all, count, took_ns, &shown_all);

    if (count >= PURPOSES && (shown_few == 0 || shown_few > shown_all || shown_all >= (uint64_t)count * FIELDS))
        die("more or less shows than should");
    printf("%.1f %.1f %.1f", few_ns, all_ns, measure_matching(policy, &caller, count, took_ns));
    printf(" %.1f\n", measure_loading(&text, took_ns));
    policy_free(policy);
    free(took_ns);
    buffer_clear(&text);
    return 0;
}
