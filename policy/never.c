#include "policy/never.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/suggest.h"

enum { MAX_WORDS = 16 };

/* A sentence in words, and where its reader is. */
struct sentence {
    const struct policy *policy;
    char text[NEVER_TEXT_MAX_BYTES + 1];
    const char *words[MAX_WORDS + 1]; /* ends with NULL */
    unsigned at;
    char *why;
};

static int __attribute__((format(printf, 2, 3))) fail(struct sentence *sentence, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence->why, NEVER_WHY_BYTES, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int split(struct sentence *sentence, const char *text)
{
    unsigned count = 0;
    char *rest = NULL;

    if (strlen(text) > NEVER_TEXT_MAX_BYTES)
        return fail(sentence, "it is longer than %d bytes", NEVER_TEXT_MAX_BYTES);
    memcpy(sentence->text, text, strlen(text) + 1);
    for (char *word = strtok_r(sentence->text, " \t\r\n", &rest); word; word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (count == MAX_WORDS)
            return fail(sentence, "it has more than %d words", MAX_WORDS);
        sentence->words[count++] = word;
    }
    return 0;
}

static bool next_is(const struct sentence *sentence, const char *word)
{
    return sentence->words[sentence->at] && strcmp(sentence->words[sentence->at], word) == 0;
}

static bool take(struct sentence *sentence, const char *word)
{
    bool is_there = next_is(sentence, word);

    sentence->at += is_there;
    return is_there;
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

static const char *role_name(const struct policy *policy, unsigned index)
{
    return index < policy->role_count ? policy->roles[index].name : NULL;
}
static const char *purpose_name(const struct policy *policy, unsigned index)
{
    return index < policy->purpose_count ? policy->purposes[index].name : NULL;
}
static const char *kind_name(const struct policy *policy, unsigned index)
{
    return index < policy->kind_count ? policy->kinds[index].name : NULL;
}
/* Fields, then categories. */
static const char *datum_name(const struct policy *policy, unsigned index)
{
    if (index < policy->field_count)
        return policy->fields[index].name;
    index -= policy->field_count;
    return index < policy->category_count ? policy->categories[index].name : NULL;
}

/* The index of the next word, which has to be one of these names. */
static int take_name(struct sentence *sentence, const char *what,
                     const char *(*name)(const struct policy *policy, unsigned index), unsigned *index)
{
    const char *word = sentence->words[sentence->at];
    struct suggest suggest;

    if (!word)
        return fail(sentence, "it ends where the name of a %s is expected", what);
    suggest_init(&suggest, word);
    for (*index = 0; name(sentence->policy, *index); ++*index) {
        if (strcmp(name(sentence->policy, *index), word) == 0) {
            sentence->at++;
            return 0;
        }
        suggest_consider(&suggest, name(sentence->policy, *index));
    }
    return fail(sentence, "the policy has no %s \"%.63s\"%s%s%s", what, word,
                suggest.nearest ? "; did you mean \"" : "", suggest.nearest ? suggest.nearest : "",
                suggest.nearest ? "\"?" : "");
}

/* ---- the parts ----------------------------------------------------------------------------------------------------- */

static uint64_t first_bits(unsigned count)
{
    return count < 64 ? ((uint64_t)1 << count) - 1 : UINT64_MAX;
}

static int take_who(struct sentence *sentence, struct never *never)
{
    const struct policy *policy = sentence->policy;
    const uint64_t all = first_bits(policy->role_count), own = first_bits(policy->own_roles);
    const char *what = "role";
    unsigned index;
    int result;

    if (take(sentence, "anyone")) {
        never->roles = all;
        return 0;
    }
    if (take(sentence, "recipient")) {
        what = "recipient";
        never->roles = all & ~own;
    } else if (take(sentence, "role")) {
        never->roles = own;
    } else {
        return fail(sentence, "it does not begin with who: anyone, role, recipient, role NAME or recipient NAME");
    }
    if (next_is(sentence, "sees"))
        return 0;
    result = take_name(sentence, what, role_name, &index);
    if (result == 0 && !(never->roles >> index & 1))
        return fail(sentence, "%s is a %s, not a %s", policy->roles[index].name,
                    index < policy->own_roles ? "role" : "recipient", what);
    if (result == 0)
        never->roles = (uint64_t)1 << index;
    return result;
}

/* A field that is named like one of the two words goes before. */
static int take_what(struct sentence *sentence, struct never *never)
{
    const struct policy *policy = sentence->policy;
    const char *word = sentence->words[sentence->at];
    bool is_name = word && (policy_find_field(policy, word) >= 0 || policy_find_category(policy, word) >= 0);
    bool special = !is_name && take(sentence, "special"), anything = !is_name && take(sentence, "anything");
    unsigned index = 0;

    if (!special && !anything) {
        int result = take_name(sentence, "field or category", datum_name, &index);

        if (result < 0)
            return result;
    }
    for (unsigned i = 0; i < policy->field_count; i++)
        if (anything || (special && policy->fields[i].special) ||
            (!anything && !special && (i == index || policy->fields[i].category + policy->field_count == index)))
            field_set_add(&never->fields, i);
    return 0;
}

static int take_condition(struct sentence *sentence, struct never *never)
{
    for (unsigned i = 0; i < ACCESS_CONDITIONS; i++)
        if (take(sentence, access_condition_name(1U << i))) {
            never->without |= 1U << i;
            return 0;
        }
    return fail(sentence,
                "without what? one of: agreement, consent, calamity, incident, caseload, own, no-objection, "
                "unrestricted");
}

/* One of the parts behind WHAT; none is there twice. */
static int take_limit(struct sentence *sentence, struct never *never)
{
    const struct policy *policy = sentence->policy;
    unsigned index;
    int result;

    if (never->kinds == first_bits(policy->kind_count) && take(sentence, "of")) {
        result = take_name(sentence, "kind", kind_name, &index);
        if (result == 0)
            never->kinds = UINT32_C(1) << index;
        return result;
    }
    if (never->purposes == first_bits(policy->purpose_count) && take(sentence, "for")) {
        result = take_name(sentence, "purpose", purpose_name, &index);
        if (result == 0)
            never->purposes = (uint64_t)1 << index;
        return result;
    }
    if (!never->unmasked && take(sentence, "unmasked")) {
        never->unmasked = true;
        return 0;
    }
    if (!never->without && take(sentence, "without"))
        return take_condition(sentence, never);
    return fail(sentence,
                "\"%.63s\" is not expected here; allowed, each once: of KIND, for PURPOSE, unmasked, without "
                "CONDITION",
                sentence->words[sentence->at]);
}

int never_parse(const struct policy *policy, const char *text, struct never *out, char why[static NEVER_WHY_BYTES])
{
    struct sentence sentence = {.policy = policy, .why = why};
    struct never never = {.kinds = (uint32_t)first_bits(policy->kind_count),
                          .purposes = first_bits(policy->purpose_count)};
    int result = split(&sentence, text);

    if (result == 0) {
        take(&sentence, "never");
        result = take_who(&sentence, &never);
    }
    if (result == 0 && !take(&sentence, "sees"))
        result = fail(&sentence, "the word \"sees\" is expected behind who");
    if (result == 0)
        result = take_what(&sentence, &never);
    while (result == 0 && sentence.words[sentence.at])
        result = take_limit(&sentence, &never);
    if (result == 0)
        *out = never;
    return result;
}

/* ---- is it so? ------------------------------------------------------------------------------------------------------- */

static bool is_about(const struct never *never, unsigned role, unsigned purpose, unsigned kind, unsigned field)
{
    return never->roles >> role & 1 && never->purposes >> purpose & 1 && never->kinds >> kind & 1 &&
           field_set_has(&never->fields, field);
}

static bool breaks(const struct policy *policy, const struct never *never, enum verdict verdict,
                   const struct never_example *at)
{
    if (verdict == VERDICT_HIDDEN || (never->unmasked && verdict == VERDICT_MASKED))
        return false;
    return !never->without ||
           !(access_of(policy, (int)at->role, (int)at->purpose, (int)at->kind, (int)at->field).conditions &
             never->without);
}

static void judge_one(const struct policy *policy, const struct never *sentences, size_t count, unsigned *broken,
                      struct never_example *first, const struct never_example *at)
{
    enum verdict verdict = access_verdict(policy, at->role, at->purpose, at->kind, at->field);

    for (size_t i = 0; i < count && verdict != VERDICT_HIDDEN; i++) {
        if (!is_about(&sentences[i], at->role, at->purpose, at->kind, at->field) ||
            !breaks(policy, &sentences[i], verdict, at))
            continue;
        if (broken[i]++ > 0)
            continue;
        first[i] = *at;
        first[i].access = access_of(policy, (int)at->role, (int)at->purpose, (int)at->kind, (int)at->field);
    }
}

void never_judge(const struct policy *policy, const struct never *sentences, size_t count, unsigned *broken,
                 struct never_example *first)
{
    for (size_t i = 0; i < count; i++)
        broken[i] = 0;
    for (unsigned r = 0; r < policy->role_count; r++)
        for (unsigned p = 0; p < policy->purpose_count; p++)
            for (unsigned k = 0; k < policy->kind_count; k++)
                for (unsigned f = 0; f < policy->field_count; f++) {
                    const struct never_example at = {.role = r, .purpose = p, .kind = k, .field = f};

                    judge_one(policy, sentences, count, broken, first, &at);
                }
}

unsigned never_broken(const struct policy *policy, const struct never *never, struct never_example *first)
{
    unsigned broken;

    never_judge(policy, never, 1, &broken, first);
    return broken;
}
