/* expectations: one line after the other, each cut where it stands. A line with a fault gives no expectation; the next one is
 * read all the same, so that all faults are told at once. */
#include "tools/expectations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/number.h"
#include "fs/gate/clock.h"
#include "policy/faults.h"
#include "policy/mask.h"
#include "policy/suggest.h"
#include "tools/policy_names.h"

static const char blanks[] = " \t";
enum { NOON_S = 12 * 3600, PERSON_MAX_GROUPS = 32, ID_MAX_BYTES = 15 };

struct reading {
    const struct policy *policy;
    struct expectations *out;
    struct fault_list faults;
    unsigned line;
    bool has_day;
    int32_t day;
};

/* ---- words ---------------------------------------------------------------------------------------------------- */

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, blanks);
    for (length = strlen(text); length && strchr(blanks, text[length - 1]); length--)
        ;
    text[length] = '\0';
    return text;
}

/* The next word, cut off; NULL: none. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, blanks);
    size_t length = strcspn(word, blanks);

    if (!length)
        return NULL;
    *at = word + length + (word[length] != '\0');
    word[length] = '\0';
    return word;
}

/* The next item of a list with commas; NULL: none is left. An empty item is "". */
static char *next_item(char **at)
{
    char *item = *at;
    size_t length;

    if (!item)
        return NULL;
    length = strcspn(item, ",");
    *at = item[length] ? item + length + 1 : NULL;
    item[length] = '\0';
    return trim(item);
}

static bool is_name(const char *text)
{
    return text[0] >= 'a' && text[0] <= 'z' && strlen(text) <= POLICY_NAME_MAX_BYTES &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static int take_day(struct reading *reading, const char *text, int32_t *day)
{
    uint32_t year, month, month_day;

    if (strlen(text) == 10 && text[4] == '-' && text[7] == '-' && number_parse_u32(text, 4, 1, 9000, &year) == 0 &&
        number_parse_u32(text + 5, 2, 1, 12, &month) == 0 && number_parse_u32(text + 8, 2, 1, 31, &month_day) == 0 &&
        terms_day_exists((int)year, (int)month, (int)month_day)) {
        *day = terms_day((int)year, (int)month, (int)month_day);
        return 0;
    }
    faults_add(&reading->faults, reading->line, "'%s' is no date; allowed: yyyy-mm-dd", faults_word(text).text);
    return -EINVAL;
}

static int take_name(struct reading *reading, enum policy_names_of part, const char *name, int *index)
{
    const char *nearest = NULL;

    *index = policy_names_find(reading->policy, part, name, &nearest);
    if (*index >= 0)
        return 0;
    faults_add(&reading->faults, reading->line, "the policy has no %s '%s'%s%s%s", policy_names_word(part),
               faults_word(name).text, nearest ? "; did you mean '" : "", nearest ? nearest : "",
               nearest ? "'?" : "");
    return -EINVAL;
}

static int more(void **items, size_t *capacity, size_t count, size_t item_bytes)
{
    size_t wanted = *capacity ? 2 * *capacity : 64;
    void *grown;

    if (count < *capacity)
        return 0;
    grown = realloc(*items, wanted * item_bytes);
    if (!grown)
        return -ENOMEM;
    *items = grown;
    *capacity = wanted;
    return 0;
}

/* ---- people --------------------------------------------------------------------------------------------------- */

static int find_person(const struct expectations *expectations, const char *name)
{
    for (size_t i = 0; i < expectations->person_count; i++)
        if (strcmp(expectations->persons[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* One of `anna`, `20001`, `@incasso`. */
static int take_member(struct reading *reading, char *word, struct policy_caller *caller, const char **groups)
{
    if (word[0] == '@' && word[1]) {
        if (caller->group_count == PERSON_MAX_GROUPS) {
            faults_add(&reading->faults, reading->line, "a person is in at most %d groups", PERSON_MAX_GROUPS);
            return -EINVAL;
        }
        groups[caller->group_count++] = word + 1;
        return 0;
    }
    if (word[0] >= '0' && word[0] <= '9' && caller->uid == UINT32_MAX &&
        number_parse_u32(word, strlen(word), 0, UINT32_MAX - 2, &caller->uid) == 0)
        return 0;
    if (word[0] != '@' && (word[0] < '0' || word[0] > '9') && !caller->user) {
        caller->user = word;
        return 0;
    }
    faults_add(&reading->faults, reading->line,
               "'%s' can't be part of a person; allowed: one user, one uid, and groups with @",
               faults_word(word).text);
    return -EINVAL;
}

/* `NAME = USER UID @GROUP ...` */
static int read_person(struct reading *reading, char *at)
{
    struct expected_person person = {.caller.uid = UINT32_MAX};
    const char *groups[PERSON_MAX_GROUPS], **kept = NULL;
    struct expectations *out = reading->out;
    char *word = next_word(&at), *equals = next_word(&at);
    int members = 0;

    if (!word || !equals || strcmp(equals, "=") != 0 || !is_name(word) || strcmp(word, "on") == 0 ||
        strcmp(word, "person") == 0) {
        faults_add(&reading->faults, reading->line,
                   "a person is 'person NAME = USER UID @GROUP ...'; the name has letters a to z, digits and '-', "
                   "and is not 'on' or 'person'");
        return -EINVAL;
    }
    person.name = word;
    if (find_person(out, word) >= 0) {
        faults_add(&reading->faults, reading->line, "there is a person '%s' already", word);
        return -EINVAL;
    }
    for (; (word = next_word(&at)); members++)
        if (take_member(reading, word, &person.caller, groups) < 0)
            return -EINVAL;
    if (!members) {
        faults_add(&reading->faults, reading->line, "a person needs a user, a uid or a group");
        return -EINVAL;
    }
    /* UINT32_MAX is nobody to the policy; a person without a uid is somebody, under one that no account has. */
    if (person.caller.uid == UINT32_MAX)
        person.caller.uid = UINT32_MAX - 1;
    if (person.caller.group_count) {
        kept = malloc(person.caller.group_count * sizeof *kept);
        if (!kept)
            return -ENOMEM;
        memcpy(kept, groups, person.caller.group_count * sizeof *kept);
        person.caller.groups = kept;
    }
    if (more((void **)&out->persons, &out->person_capacity, out->person_count, sizeof *out->persons) < 0) {
        free(kept);
        return -ENOMEM;
    }
    out->persons[out->person_count++] = person;
    return 0;
}

/* ---- facts ---------------------------------------------------------------------------------------------------- */

/* Facts about a purpose, a category or a role; without a name those that the question is about. */
static int take_register_fact(struct reading *reading, const char *word, const char *name, int purpose,
                              struct expected_facts *facts, bool *known)
{
    const struct {
        const char *word;
        enum policy_names_of part;
        uint64_t *bits;
        bool *here;
    } words[] = {
        {"consent", POLICY_PURPOSES, &facts->dossier.consents, NULL},
        {"objection", POLICY_PURPOSES, &facts->dossier.objections, NULL},
        {"opt-out", POLICY_PURPOSES, &facts->dossier.objections, NULL},
        {"calamity", POLICY_PURPOSES, &facts->dossier.calamity, NULL},
        {"restriction", POLICY_CATEGORIES, &facts->dossier.restricted, &facts->restriction},
        {"incident", POLICY_CATEGORIES, &facts->dossier.incidents, &facts->incident},
        {"caseload", POLICY_ROLES, &facts->dossier.inside, NULL},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        int index = purpose;

        if (strcmp(word, words[i].word) != 0)
            continue;
        *known = true;
        if (name && take_name(reading, words[i].part, name, &index) < 0)
            return -EINVAL;
        if (!name && words[i].here)
            *words[i].here = true;
        else if (!name && words[i].part == POLICY_ROLES)
            *words[i].bits = UINT64_MAX;
        else
            *words[i].bits |= (uint64_t)1 << index;
    }
    return 0;
}

/* `FIELD DATE`: what a date field of the dossier says. */
static int take_date_fact(struct reading *reading, const char *word, const char *value, struct expected_facts *facts)
{
    int field;

    if (!value) {
        faults_add(
            &reading->faults, reading->line,
            "unknown fact '%s'; allowed: consent, objection, opt-out, calamity, restriction, incident, caseload, "
            "own, absent, expired, recorded DATE, on DATE, and FIELD DATE for a field of type date",
            faults_word(word).text);
        return -EINVAL;
    }
    if (take_name(reading, POLICY_FIELDS, word, &field) < 0)
        return -EINVAL;
    if (reading->policy->fields[field].type.code != TYPE_DATE || facts->date_count == EXPECTATIONS_MAX_DATES) {
        faults_add(&reading->faults, reading->line, "%s: allowed: fields of type date, at most %d a line", word,
                   EXPECTATIONS_MAX_DATES);
        return -EINVAL;
    }
    facts->dates[facts->date_count].field = field;
    return take_day(reading, value, &facts->dates[facts->date_count++].day);
}

static int take_fact(struct reading *reading, char *item, int purpose, struct expected_facts *facts)
{
    char *word = next_word(&item), *value = next_word(&item);
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {{"absent", &facts->absent}, {"expired", &facts->expired}, {"own", &facts->own}};
    bool known = false;

    if (!word || next_word(&item)) {
        faults_add(&reading->faults, reading->line,
                   "a fact has one or two words, and a comma between it and the next");
        return -EINVAL;
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(word, flags[i].word) == 0) {
            if (!value)
                return *flags[i].flag = true, 0;
            faults_add(&reading->faults, reading->line, "%s stands alone", word);
            return -EINVAL;
        }
    if (value && strcmp(word, "on") == 0)
        return take_day(reading, value, &facts->day);
    if (value && strcmp(word, "recorded") == 0)
        return take_day(reading, value, &facts->recorded_day);
    if (take_register_fact(reading, word, value, purpose, facts, &known) < 0)
        return -EINVAL;
    return known ? 0 : take_date_fact(reading, word, value, facts);
}

/* ---- what is expected ----------------------------------------------------------------------------------------- */

static int find_rule(const char *word, const char **nearest)
{
    struct suggest suggest;

    suggest_init(&suggest, word);
    for (int i = 0; i <= DECIDE_MASKED; i++) {
        const char *known = decide_rule_name((enum decide_rule)i);

        if (strcmp(known, word) == 0)
            return i;
        suggest_consider(&suggest, known);
    }
    *nearest = suggest.nearest;
    return -1;
}

static int take_rule(struct reading *reading, const char *word, struct expectation *expectation)
{
    const char *nearest = NULL;

    expectation->rule = find_rule(word, &nearest);
    if (expectation->rule < 0) {
        faults_add(&reading->faults, reading->line, "no rule is called '%s'%s%s%s", faults_word(word).text,
                   nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        return -EINVAL;
    }
    if ((expectation->rule == DECIDE_SHOWN) != (expectation->verdict == VERDICT_SHOWN) ||
        (expectation->rule == DECIDE_MASKED) != (expectation->verdict == VERDICT_MASKED)) {
        faults_add(&reading->faults, reading->line, "%s is not what can decide this verdict", word);
        return -EINVAL;
    }
    return 0;
}

/* `(A1, C5)` at the end of the line; cut off. */
static int take_ids(struct reading *reading, char *text, struct expectation *expectation)
{
    char *open = strrchr(text, '('), *item;
    size_t length = strlen(text);

    if (!open || text[length - 1] != ')')
        return 0;
    text[length - 1] = *open = '\0';
    for (open++; (item = next_item(&open));) {
        size_t id_bytes = strspn(item, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.");

        if (!id_bytes || item[id_bytes] || id_bytes > ID_MAX_BYTES || expectation->id_count == EXPECTATIONS_MAX_IDS) {
            faults_add(
                &reading->faults, reading->line,
                "'%s' is no number of a requirement; allowed: at most %d in (), of letters, digits, '-' and '.', "
                "each at most %d bytes",
                faults_word(item).text, EXPECTATIONS_MAX_IDS, ID_MAX_BYTES);
            return -EINVAL;
        }
        expectation->ids[expectation->id_count++] = item;
    }
    return 0;
}

/* `VERDICT [by RULE] [(ID, ID)]` */
static int take_verdict(struct reading *reading, char *text, struct expectation *expectation)
{
    char *by, *word;

    if (take_ids(reading, text, expectation) < 0)
        return -EINVAL;
    by = strstr(text, " by ");
    if (by)
        *by = '\0';
    text = trim(text);
    word = next_word(&text);
    if (word && strcmp(word, "shown") == 0)
        expectation->verdict = VERDICT_SHOWN;
    else if (word && strcmp(word, "hidden") == 0)
        expectation->verdict = VERDICT_HIDDEN;
    else if (word && strcmp(word, "masked") == 0)
        expectation->verdict = VERDICT_MASKED;
    else
        word = NULL;
    text = trim(text);
    if (!word || (*text && expectation->verdict != VERDICT_MASKED)) {
        faults_add(&reading->faults, reading->line,
                   "behind ':' stands 'shown', 'hidden' or 'masked MASK', then perhaps 'by RULE' and '(ID, ID)'");
        return -EINVAL;
    }
    if (*text && mask_parse(text, &expectation->mask) < 0) {
        faults_add(&reading->faults, reading->line, "'%s' is no mask; see dossier-policy(5)", faults_word(text).text);
        return -EINVAL;
    }
    return by ? take_rule(reading, trim(by + 4), expectation) : 0;
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

static int add_field(struct reading *reading, const struct expectation *expectation, unsigned field)
{
    struct expectations *out = reading->out;
    unsigned category = reading->policy->fields[field].category;
    struct expectation *item;

    if (out->item_count == EXPECTATIONS_MAX) {
        faults_add(&reading->faults, reading->line, "more than %d expectations", EXPECTATIONS_MAX);
        return -EFBIG;
    }
    if (more((void **)&out->items, &out->item_capacity, out->item_count, sizeof *out->items) < 0)
        return -ENOMEM;
    item = &out->items[out->item_count++];
    *item = *expectation;
    item->field = (int)field;
    if (item->facts.restriction)
        item->facts.dossier.restricted |= (uint64_t)1 << category;
    if (item->facts.incident)
        item->facts.dossier.incidents |= (uint64_t)1 << category;
    return 0;
}

/* A field, or a category for all of its fields. */
static int add_fields(struct reading *reading, const struct expectation *expectation, char *list)
{
    const struct policy *policy = reading->policy;
    char *item;
    int result = 0;

    while (result == 0 && (item = next_item(&list))) {
        int category = policy_find_category(policy, item), field;

        if (category < 0)
            result = take_name(reading, POLICY_FIELDS, item, &field) < 0
                         ? -EINVAL
                         : add_field(reading, expectation, (unsigned)field);
        for (unsigned i = 0; category >= 0 && i < policy->field_count && result == 0; i++)
            if (policy->fields[i].category == (unsigned)category)
                result = add_field(reading, expectation, i);
    }
    return result;
}

static int take_person(struct reading *reading, const char *name, struct expectation *expectation)
{
    struct suggest suggest;
    int person = find_person(reading->out, name);

    if (person >= 0) {
        expectation->person = (unsigned)person;
        reading->out->persons[person].asked = true;
        return 0;
    }
    suggest_init(&suggest, name);
    for (size_t i = 0; i < reading->out->person_count; i++)
        suggest_consider(&suggest, reading->out->persons[i].name);
    faults_add(&reading->faults, reading->line,
               "nobody is called '%s'%s%s%s; a line 'person NAME = ...' before this one says who it is",
               faults_word(name).text, suggest.nearest ? "; did you mean '" : "",
               suggest.nearest ? suggest.nearest : "", suggest.nearest ? "'?" : "");
    return -EINVAL;
}

/* Where the facts begin; cut off from the fields. NULL: none. */
static char *cut_facts(char *text)
{
    char *word = strstr(text, " if ");

    if (!word)
        return NULL;
    *word = '\0';
    return word + 4;
}

/* `WHO PURPOSE KIND FIELD, FIELD [if FACT, FACT]: VERDICT ...` */
static int read_expectation(struct reading *reading, char *at)
{
    struct expectation expectation = {
        .line = reading->line, .rule = -1, .facts.day = reading->day, .facts.recorded_day = INT32_MIN};
    char *verdict = strchr(at, ':'), *who, *purpose, *kind, *facts, *item;

    if (verdict)
        *verdict++ = '\0';
    facts = cut_facts(at);
    who = next_word(&at);
    purpose = next_word(&at);
    kind = next_word(&at);
    at = trim(at);
    if (!verdict || !who || !purpose || !kind || !*at) {
        faults_add(&reading->faults, reading->line,
                   "an expectation is 'WHO PURPOSE KIND FIELD, FIELD [if FACT, FACT]: VERDICT [by RULE] [(ID, ID)]'");
        return -EINVAL;
    }
    if (!reading->has_day) {
        faults_add(&reading->faults, reading->line,
                   "no day yet: a line 'on yyyy-mm-dd' comes before the first of these");
        reading->has_day = true; /* once is enough */
    }
    if (take_person(reading, who, &expectation) < 0 ||
        take_name(reading, POLICY_PURPOSES, purpose, &expectation.purpose) < 0 ||
        take_name(reading, POLICY_KINDS, kind, &expectation.kind) < 0)
        return -EINVAL;
    while ((item = next_item(&facts)))
        if (take_fact(reading, item, expectation.purpose, &expectation.facts) < 0)
            return -EINVAL;
    if (expectation.facts.recorded_day == INT32_MIN)
        expectation.facts.recorded_day = expectation.facts.day;
    if (take_verdict(reading, trim(verdict), &expectation) < 0)
        return -EINVAL;
    return add_fields(reading, &expectation, at);
}

static int read_line(struct reading *reading, char *line)
{
    char *comment = strstr(line, " ;");

    if (comment)
        *comment = '\0';
    line = trim(line);
    if (!*line || *line == ';' || *line == '#')
        return 0;
    if (strncmp(line, "person ", 7) == 0)
        return read_person(reading, line + 7);
    if (strncmp(line, "on ", 3) == 0) {
        reading->has_day = true;
        return take_day(reading, trim(line + 3), &reading->day);
    }
    return read_expectation(reading, line);
}

/* Bytes that a person doesn't write, and that could steer a terminal or hide the rest of a line. */
static bool is_clean(const char *line, size_t length_bytes)
{
    for (size_t i = 0; i < length_bytes; i++)
        if ((unsigned char)line[i] < ' ' && line[i] != '\t')
            return false;
    return true;
}

static int read_text(struct reading *reading, char *text, size_t left_bytes)
{
    int result = 0;

    while (left_bytes && result != -ENOMEM && result != -EFBIG) {
        char *end = memchr(text, '\n', left_bytes);
        size_t length = end ? (size_t)(end - text) : left_bytes, next = length + (end != NULL);
        size_t shown = length && text[length - 1] == '\r' ? length - 1 : length;

        reading->line++;
        text[shown] = '\0'; /* at the end of the text stands a byte for this (buffer_text()) */
        if (shown > EXPECTATIONS_LINE_MAX_BYTES)
            faults_add(&reading->faults, reading->line, "the line has %zu bytes; allowed: %d", shown,
                       EXPECTATIONS_LINE_MAX_BYTES);
        else if (!is_clean(text, shown))
            faults_add(&reading->faults, reading->line, "the line has a control character; allowed: text");
        else
            result = read_line(reading, text);
        text += next;
        left_bytes -= next;
    }
    return result == -ENOMEM ? result : 0;
}

int expectations_read(const struct policy *policy, struct buffer *text, struct expectations *out,
                      struct policy_faults *faults)
{
    struct reading reading = {.policy = policy, .out = out};
    int result;

    *out = (struct expectations){0};
    buffer_text(text);
    if (text->failed)
        return -ENOMEM;
    result = read_text(&reading, (char *)text->bytes, text->length_bytes);
    if (result == 0 && !reading.faults.found.count && !out->item_count)
        faults_add(&reading.faults, 0, "nothing is expected");
    if (result == 0 && reading.faults.failed)
        result = -ENOMEM;
    if (result == 0 && reading.faults.found.count) {
        faults_finish(&reading.faults, faults);
        result = -EINVAL;
    }
    faults_clear(&reading.faults);
    return result;
}

void expectations_clear(struct expectations *expectations)
{
    for (size_t i = 0; i < expectations->person_count; i++)
        free((void *)expectations->persons[i].caller.groups);
    free(expectations->persons);
    free(expectations->items);
    *expectations = (struct expectations){0};
}

/* ---- what the policy makes of it ------------------------------------------------------------------------------ */

static bool field_day(void *context, int field, int32_t *day)
{
    const struct expected_facts *facts = context;

    for (unsigned i = 0; i < facts->date_count; i++)
        if (facts->dates[i].field == field) {
            *day = facts->dates[i].day;
            return true;
        }
    return false;
}

static int64_t first_second(void *context, int32_t day)
{
    (void)context;
    return clock_first_second(day);
}

static int32_t day_of(void *context, int64_t second)
{
    (void)context;
    return clock_day_of(second);
}

struct decision expectations_decide(const struct policy *policy, const struct expectations *expectations,
                                    const struct expectation *expectation, struct policy_standing *standing)
{
    struct expected_facts facts = expectation->facts;
    const struct retention *retention =
        policy_retention(policy, policy->fields[expectation->field].category, (unsigned)expectation->kind);
    struct terms_world world = {field_day, first_second, day_of, clock_first_second(facts.recorded_day) + NOON_S,
                                &facts};
    int64_t now_s = clock_first_second(facts.day) + NOON_S;
    struct decide_facts decided = {.kind = expectation->kind,
                                   .present = !facts.absent,
                                   .ends_s = retention ? terms_end_s(retention, &world) : TERMS_NEVER,
                                   .dossier = &facts.dossier,
                                   .own = facts.own};

    if (facts.expired)
        decided.ends_s = now_s;
    *standing = policy_match(policy, &expectations->persons[expectation->person].caller, facts.day);
    return decide(policy, standing, expectation->purpose, expectation->field, &decided, now_s);
}

bool expectations_met(const struct expectation *expectation, const struct decision *decision)
{
    const struct mask *expected = &expectation->mask, *got = &decision->mask;

    if (expectation->verdict != decision->verdict ||
        (expectation->rule >= 0 && expectation->rule != (int)decision->rule))
        return false;
    return expected->code == MASK_NONE || (expected->code == got->code && expected->count == got->count &&
                                           (expected->code != MASK_TEXT || strcmp(expected->text, got->text) == 0));
}
