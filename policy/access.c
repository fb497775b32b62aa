#include "policy/access.h"

#include <string.h>

#include "policy/mask.h"

static uint64_t all_if(unsigned conditions, enum access_condition condition)
{
    return conditions & condition ? UINT64_MAX : 0;
}

void access_facts(const struct policy *policy, unsigned role, int kind, unsigned conditions,
                  struct policy_standing *standing, struct decide_dossier *dossier, struct decide_facts *facts)
{
    const uint64_t bit = (uint64_t)1 << role;
    /* An agreement is a recipient's: a role of one's own is in force whatever the day. */
    bool in_force = conditions & ACCESS_AGREEMENT || policy->roles[role].agreement == AGREEMENT_NONE;

    *standing = (struct policy_standing){.roles = bit, .in_force = in_force ? bit : 0, .bound = true};
    *dossier = (struct decide_dossier){.consents = all_if(conditions, ACCESS_CONSENT),
                                       .objections = ~all_if(conditions, ACCESS_NO_OBJECTION),
                                       .restricted = ~all_if(conditions, ACCESS_UNRESTRICTED),
                                       .incidents = all_if(conditions, ACCESS_INCIDENT),
                                       .calamity = all_if(conditions, ACCESS_CALAMITY),
                                       .inside = all_if(conditions, ACCESS_CASELOAD)};
    *facts = (struct decide_facts){.kind = kind,
                                   .present = true,
                                   .ends_s = INT64_MAX,
                                   .dossier = dossier,
                                   .own = (conditions & ACCESS_OWN) != 0};
}

static struct decision decide_with(const struct policy *policy, int role, int purpose, int kind, int field,
                                   unsigned conditions)
{
    struct policy_standing standing;
    struct decide_dossier dossier;
    struct decide_facts facts;

    access_facts(policy, (unsigned)role, kind, conditions, &standing, &dossier, &facts);
    return decide(policy, &standing, purpose, field, &facts, 0);
}

enum verdict access_verdict(const struct policy *policy, unsigned role, unsigned purpose, unsigned kind,
                            unsigned field)
{
    const unsigned all = (1U << ACCESS_CONDITIONS) - 1;

    return decide_with(policy, (int)role, (int)purpose, (int)kind, (int)field, all).verdict;
}

struct access access_of(const struct policy *policy, int role, int purpose, int kind, int field)
{
    const unsigned all = (1U << ACCESS_CONDITIONS) - 1;
    struct access access = {.verdict = VERDICT_HIDDEN, .rule = DECIDE_NO_PURPOSE};
    struct decision decision;

    if (role < 0 || purpose < 0 || kind < 0 || field < 0)
        return access;
    decision = decide_with(policy, role, purpose, kind, field, all);
    access = (struct access){
        .verdict = decision.verdict, .rule = decision.rule, .line = decision.line, .mask = decision.mask};
    for (unsigned bit = 0; bit < ACCESS_CONDITIONS && access.verdict != VERDICT_HIDDEN; bit++)
        if (decide_with(policy, role, purpose, kind, field, all & ~(1U << bit)).verdict == VERDICT_HIDDEN)
            access.conditions |= 1U << bit;
    return access;
}

static bool same_mask(const struct mask *one, const struct mask *other)
{
    return one->code == other->code && one->count == other->count &&
           strcmp(one->text ? one->text : "", other->text ? other->text : "") == 0;
}

bool access_same(const struct access *one, const struct access *other)
{
    return one->verdict == other->verdict && one->conditions == other->conditions &&
           same_mask(&one->mask, &other->mask);
}

/* In the order in which people read them. The last two are said where they are lacking. */
static const struct {
    unsigned condition;
    const char *name, *words;
} conditions_in_words[ACCESS_CONDITIONS] = {
    {ACCESS_AGREEMENT, "agreement", "while the agreement is in force"},
    {ACCESS_CONSENT, "consent", "while the person's consent holds"},
    {ACCESS_CALAMITY, "calamity", "during a declared calamity"},
    {ACCESS_INCIDENT, "incident", "while an open incident covers it"},
    {ACCESS_CASELOAD, "caseload", "in the role's caseload"},
    {ACCESS_OWN, "own", "what they wrote themselves"},
    {ACCESS_NO_OBJECTION, "no-objection", "whatever is objected to"},
    {ACCESS_UNRESTRICTED, "unrestricted", "even where restricted"},
};

const char *access_condition_name(unsigned condition)
{
    for (unsigned i = 0; i < ACCESS_CONDITIONS; i++)
        if (conditions_in_words[i].condition == condition)
            return conditions_in_words[i].name;
    return "unknown";
}

void access_describe_conditions(unsigned conditions, struct buffer *out)
{
    const unsigned usual = ACCESS_NO_OBJECTION | ACCESS_UNRESTRICTED;

    for (unsigned i = 0; i < ACCESS_CONDITIONS; i++)
        if ((conditions ^ usual) & conditions_in_words[i].condition)
            buffer_printf(out, ", %s", conditions_in_words[i].words);
}

void access_describe(const struct access *access, struct buffer *out)
{
    static const char *const words[] = {"hidden", "shown", "masked: "};

    buffer_append_text(out, words[access->verdict]);
    if (access->verdict == VERDICT_MASKED)
        mask_describe(&access->mask, out);
    if (access->verdict != VERDICT_HIDDEN)
        access_describe_conditions(access->conditions, out);
}
