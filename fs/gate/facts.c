#include "fs/gate/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"

struct held {
    uint8_t word;
    uint8_t about; /* index in the policy */
    uint32_t uid;  /* of a calamity: who declared it */
    int64_t from_s, until_s;
};

struct facts {
    unsigned count;
    struct held held[];
};

static const struct {
    const char *name;
    bool about_purpose;
} words[] = {
    [FACT_CONSENT] = {"consent", true},     [FACT_OPT_OUT] = {"opt-out", true},
    [FACT_OBJECTION] = {"objection", true}, [FACT_RESTRICTION] = {"restriction", false},
    [FACT_INCIDENT] = {"incident", false},  [FACT_HOLD] = {"hold", false},
    [FACT_CALAMITY] = {"calamity", true},
};
enum { WORDS = sizeof words / sizeof *words };

const char *facts_name(unsigned word)
{
    return word < WORDS ? words[word].name : NULL;
}

unsigned facts_find(const char *name)
{
    for (unsigned word = FACT_CONSENT; word < WORDS; word++)
        if (strcmp(words[word].name, name) == 0)
            return word;
    return 0;
}

bool facts_is_about_purpose(unsigned word)
{
    return word < WORDS && words[word].about_purpose;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int index_of(const uint32_t *numbers, unsigned count, uint32_t number)
{
    for (unsigned i = 0; i < count; i++)
        if (number != 0 && numbers[i] == number)
            return (int)i;
    return -1;
}

/* ---- what an incident covers ------------------------------------------------------------------------------------ */

/* The day of a date field of the category, if the subject has a value for one. */
static bool recorded_day(const struct policy *policy, const struct facts_numbers *numbers,
                         const struct store_subject *subject, unsigned category, int32_t *day)
{
    for (unsigned field = 0; field < policy->field_count; field++) {
        if (policy->fields[field].category != category || policy->fields[field].type.code != TYPE_DATE)
            continue;
        for (unsigned i = 0; i < subject->date_count; i++)
            if (subject->dates[i].field == numbers->fields[field]) {
                *day = subject->dates[i].day;
                return true;
            }
    }
    return false;
}

static bool covers(const struct policy *policy, const struct facts_numbers *numbers,
                   const struct store_subject *subject, unsigned category, const struct store_fact *fact)
{
    int32_t day;

    if (recorded_day(policy, numbers, subject, category, &day))
        return clock_first_second(day) < fact->until_s && fact->from_s < clock_first_second(day + 1);
    for (unsigned i = 0; i < subject->category_count; i++)
        if (subject->categories[i].category == numbers->categories[category])
            return fact->from_s <= subject->categories[i].captured_s &&
                   subject->categories[i].captured_s < fact->until_s;
    return false;
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

/* False: nothing that could ever hold, or about what the policy does not know. */
static bool take(const struct policy *policy, const struct facts_numbers *numbers,
                 const struct store_subject *subject, const struct store_fact *fact, struct held *held)
{
    bool about_purpose = facts_is_about_purpose(fact->word);
    int about = about_purpose ? index_of(numbers->purposes, policy->purpose_count, fact->about)
                              : index_of(numbers->categories, policy->category_count, fact->about);

    if (!facts_name(fact->word) || about < 0)
        return false;
    *held = (struct held){.word = fact->word, .about = (uint8_t)about, .uid = fact->set_uid};
    held->from_s = fact->word == FACT_INCIDENT ? fact->set_s : fact->from_s;
    held->until_s = fact->word == FACT_INCIDENT ? fact->ended_s : earlier(fact->until_s, fact->ended_s);
    return held->from_s < held->until_s &&
           (fact->word != FACT_INCIDENT || covers(policy, numbers, subject, (unsigned)about, fact));
}

int facts_new(const struct policy *policy, const struct facts_numbers *numbers, const struct store_subject *subject,
              struct facts **out)
{
    struct held held[STORE_MAX_FACTS];
    struct facts *facts = NULL;
    unsigned count = 0;

    for (unsigned i = 0; i < subject->fact_count; i++)
        count += take(policy, numbers, subject, &subject->facts[i], &held[count]);
    if (count > 0) {
        facts = malloc(sizeof *facts + count * sizeof *held);
        if (!facts)
            return -ENOMEM;
        facts->count = count;
        memcpy(facts->held, held, count * sizeof *held);
    }
    *out = facts;
    return 0;
}

void facts_free(struct facts *facts)
{
    free(facts);
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static bool keeps(const struct held *held, unsigned category)
{
    return (held->word == FACT_HOLD || held->word == FACT_INCIDENT) && held->about == category;
}

/* One may begin while another keeps the item, so they are gone through until none reaches further. */
int64_t facts_ends_s(const struct facts *facts, unsigned category, int64_t ends_s)
{
    bool further = facts != NULL;

    while (further) {
        further = false;
        for (unsigned i = 0; i < facts->count; i++) {
            const struct held *held = &facts->held[i];

            if (keeps(held, category) && held->from_s < ends_s && ends_s < held->until_s) {
                ends_s = held->until_s;
                further = true;
            }
        }
    }
    return ends_s;
}

static void set(const struct held *held, uint32_t uid, struct decide_dossier *out)
{
    uint64_t bit = (uint64_t)1 << held->about;

    switch (held->word) {
    case FACT_CONSENT:
        out->consents |= bit;
        break;
    case FACT_OPT_OUT:
    case FACT_OBJECTION:
        out->objections |= bit;
        break;
    case FACT_RESTRICTION:
        out->restricted |= bit;
        break;
    case FACT_INCIDENT:
        out->incidents |= bit;
        break;
    case FACT_CALAMITY:
        out->calamity |= held->uid == uid ? bit : 0;
        break;
    default: /* a hold lets nothing show that its term does not: see facts_ends_s() */
        break;
    }
}

/* Where less may show from then on: the end of what lets show, the beginning of what hides. */
static int64_t hides_at_s(const struct held *held)
{
    if (held->word == FACT_OPT_OUT || held->word == FACT_OBJECTION || held->word == FACT_RESTRICTION)
        return held->from_s;
    return held->until_s;
}

void facts_at(const struct facts *facts, uint32_t uid, int purpose, int64_t now_s, struct decide_dossier *out,
              int64_t *until_s)
{
    uint64_t inside = out->inside;

    *out = (struct decide_dossier){.inside = inside};
    *until_s = TERMS_NEVER;
    for (unsigned i = 0; facts && i < facts->count; i++) {
        const struct held *held = &facts->held[i];

        if (held->from_s <= now_s && now_s < held->until_s)
            set(held, uid, out);
        if ((!facts_is_about_purpose(held->word) || held->about == purpose) && hides_at_s(held) > now_s)
            *until_s = later(earlier(*until_s, hides_at_s(held)), now_s + 1);
    }
}
