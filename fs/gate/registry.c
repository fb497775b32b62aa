#include "fs/gate/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/gate/clock.h"
#include "fs/gate/entries.h"
#include "fs/gate/facts.h"
#include "fs/gate/inside.h"
#include "fs/gate/numbers.h"

/* One change under way. */
struct change {
    struct gate *gate;
    const struct gate_person *person;
    struct store_reader *reader;
    struct store_batch *batch; /* from before the subject is read, so that nobody changes it in between */
    struct store_subject *subject;
    const char *code;
    struct report_why *why;
};

static int begin(struct change *change, struct gate *gate, const struct gate_person *person, struct report_why *why)
{
    int error;

    *change = (struct change){.gate = gate, .person = person, .why = why};
    change->subject = calloc(1, sizeof *change->subject);
    error = change->subject ? store_reader_open(gate->store, &change->reader) : -ENOMEM;
    return error ? report_fail(why, error, "the store can't be read: %s", strerror(-error)) : 0;
}

static void end(struct change *change)
{
    store_batch_abandon(change->batch);
    store_reader_close(change->reader);
    if (change->subject)
        explicit_bzero(change->subject, sizeof *change->subject);
    free(change->subject);
}

/* Another change of a fact takes milliseconds, an import may take minutes. */
static int begin_batch(struct change *change)
{
    static const struct timespec pause = {0, 10 * 1000 * 1000};
    int error = store_batch_begin(change->gate->store, &change->batch);

    for (unsigned tries = 0; error == -EBUSY && tries < 200; tries++) {
        nanosleep(&pause, NULL);
        error = store_batch_begin(change->gate->store, &change->batch);
    }
    if (error)
        return report_fail(change->why, error,
                           error == -EBUSY ? "an import is running; try again when it is done"
                                           : "the store can't take a change: %s",
                           strerror(-error));
    store_reader_rest(change->reader);
    return 0;
}

static int find(struct change *change, const char *code)
{
    change->code = code;
    return gate_find_subject(change->reader, code, change->subject, change->why);
}

/* ---- names of what facts are about -------------------------------------------------------------------------------- */

static enum store_names list_of(unsigned word)
{
    return facts_is_about_purpose(word) ? STORE_PURPOSES : STORE_CATEGORIES;
}

/* The name that a purpose or category of this policy had before (`was`), or "". */
static const char *was_of(const struct policy *policy, unsigned word, const char *name)
{
    bool purpose = facts_is_about_purpose(word);
    int index = purpose ? policy_find_purpose(policy, name) : policy_find_category(policy, name);

    if (index < 0)
        return "";
    return purpose ? policy->purposes[index].was : policy->categories[index].was;
}

static int check_about(const struct policy *policy, const struct gate_fact_draft *draft, struct report_why *why)
{
    bool purpose = facts_is_about_purpose(draft->word);
    int index = purpose ? policy_find_purpose(policy, draft->about) : policy_find_category(policy, draft->about);

    if (index < 0)
        return report_fail(why, -EINVAL, "the policy has no %s of that name; a %s is about a %s",
                           purpose ? "purpose" : "category", facts_name(draft->word),
                           purpose ? "purpose" : "category");
    if (draft->word == FACT_CONSENT && policy->purposes[index].ground != 'D')
        return report_fail(why, -EINVAL, "%s does not rest on consent: its ground is %c", draft->about,
                           policy->purposes[index].ground);
    /* Objections are for what rests on an interest (F14), and a legal duty goes on (F18). */
    if (draft->word == FACT_OBJECTION && policy->purposes[index].ground != 'C')
        return report_fail(why, -EINVAL, "an objection is for a purpose of ground C; that of %s is %c", draft->about,
                           policy->purposes[index].ground);
    if (draft->word == FACT_OPT_OUT && policy->purposes[index].ground == 'B')
        return report_fail(why, -EINVAL, "%s is a legal duty, which there is no way out of", draft->about);
    if (draft->word == FACT_CALAMITY && policy->purposes[index].ground != 'E')
        return report_fail(why, -EINVAL, "%s is not for calamities: its ground is %c", draft->about,
                           policy->purposes[index].ground);
    if (draft->word == FACT_INCIDENT && !policy->categories[index].incident)
        return report_fail(why, -EINVAL, "%s is not bound to incidents", draft->about);
    return 0;
}

static int check_draft(const struct gate *gate, const struct gate_fact_draft *draft, struct report_why *why)
{
    size_t reason_bytes = strlen(draft->reason);

    if (reason_bytes == 0 || reason_bytes > STORE_REASON_MAX_BYTES)
        return report_fail(why, -EINVAL, "a reason is 1 to %d bytes long", STORE_REASON_MAX_BYTES);
    for (size_t i = 0; i < reason_bytes; i++)
        if ((unsigned char)draft->reason[i] < 0x20 || draft->reason[i] == 0x7f)
            return report_fail(why, -EINVAL, "a reason is one line without control characters");
    if (draft->from_s != STORE_NEVER && draft->until_s <= draft->from_s)
        return report_fail(why, -EINVAL, "it would end before it begins");
    return check_about(gate_policy(gate), draft, why);
}

/* ---- rights ------------------------------------------------------------------------------------------------------- */

/* A refusal, which is the same whether or not there is a dossier with the code; counted if it is repeated. */
static int log_refused_calamity(struct change *change, const char *purpose, const char *verb, const char *rule)
{
    uint64_t mark = gate_code_mark(change->gate, change->code, strlen(change->code));
    struct noise_key key = {change->person->uid, -1, mark, ENTRIES_COMMAND, true};
    const struct policy_standing standing = gate_standing(change->gate, change->person);
    bool unknown = gate_is_unknown(change->person->user, &standing);
    struct log_entry entry;

    if (!noise_first(change->gate->noise, &key, clock_now_s()))
        return 0;
    gate_entry_person(change->gate, change->person, LOG_CALAMITY, unknown ? LOG_GAP : LOG_REFUSED, &entry);
    entry.purpose = purpose;
    entry.subject = mark;
    entry.rule = unknown ? GATE_NO_ACCOUNT : rule;
    entry.name = verb;
    if (log_append_and_wait(change->gate->log, &entry) == 0)
        return 0;
    noise_take_back(change->gate->noise, &key);
    return report_fail(change->why, -EIO, "the processing log can't be written, so nothing is done");
}

/* May the person declare a calamity for this purpose, or end his own? Logged with the fact itself; a refusal here. */
static int may_declare(struct change *change, const char *purpose, const char *verb)
{
    const struct policy *policy = gate_policy(change->gate);
    struct policy_standing standing = gate_standing(change->gate, change->person);
    int index = policy_find_purpose(policy, purpose), error;

    for (unsigned i = 0; i < policy->role_count && index >= 0; i++)
        if (standing.bound && (standing.roles & standing.in_force) >> i & 1 && policy->roles[i].purposes >> index & 1)
            return 0;
    error = log_refused_calamity(change, purpose, verb, standing.bound ? "role-purpose" : "not-bound");
    return error
               ? error
               : report_fail(change->why, -EACCES, "no role of yours, bound to secrecy, has the purpose %s", purpose);
}

static int may(struct gate *gate, const struct gate_person *person, const char *word, struct report_why *why)
{
    char command[32];

    snprintf(command, sizeof command, "fact.%s", word);
    return gate_command(gate, person, command, why);
}

/* ---- changing ----------------------------------------------------------------------------------------------------- */

static const char *name_of(const struct gate *gate, const struct store_fact *fact, char name[static 64])
{
    const struct policy *policy = gate_policy(gate);
    bool purpose = facts_is_about_purpose(fact->word);

    if (store_name(gate->store, list_of(fact->word), fact->about, name))
        return "?";
    for (unsigned i = 0; i < policy->purpose_count && purpose; i++)
        if (strcmp(policy->purposes[i].was, name) == 0)
            return policy->purposes[i].name;
    for (unsigned i = 0; i < policy->category_count && !purpose; i++)
        if (strcmp(policy->categories[i].was, name) == 0)
            return policy->categories[i].name;
    return name;
}

/* The entry that is durable before anything changes. */
static int write_entry(struct change *change, const struct store_fact *fact, const char *verb)
{
    bool calamity = fact->word == FACT_CALAMITY;
    char about[64], text[STORE_REASON_MAX_BYTES + 128];
    struct log_entry entry;
    int error;

    name_of(change->gate, fact, about);
    gate_entry_person(change->gate, change->person, calamity ? LOG_CALAMITY : LOG_FACT, LOG_DONE, &entry);
    entry.subject = change->subject->pseudonym;
    entry.purpose = facts_is_about_purpose(fact->word) ? about : "";
    snprintf(text, sizeof text, "%s %s %s #%u: %s", verb, facts_name(fact->word), about, fact->id, fact->reason);
    entry.name = text;
    error = log_append_and_wait(change->gate->log, &entry);
    return error ? report_fail(change->why, -EIO, "the processing log can't be written, so nothing is done: %s",
                               strerror(-error))
                 : 0;
}

static int publish(struct change *change)
{
    uint32_t *changed = malloc(sizeof *changed);
    int error = changed ? store_batch_put(change->batch, change->subject, NULL, 0) : -ENOMEM;

    store_reader_rest(change->reader);
    if (!error) {
        *changed = change->subject->id;
        atomic_fetch_add(&change->gate->unsettled, 1);
        error = store_batch_publish(change->batch);
        if (error)
            atomic_fetch_sub(&change->gate->unsettled, 1);
    }
    if (error) {
        free(changed);
        return report_fail(change->why, error, "the store can't take the change: %s", strerror(-error));
    }
    change->batch = NULL;
    gate_post_changes(change->gate, changed, 1);
    return 0;
}

static bool is_live(const struct store_fact *fact, int64_t now_s)
{
    return now_s < fact->ended_s && (fact->word == FACT_INCIDENT || now_s < fact->until_s);
}

/* What only history is kept for gives way to what matters now: the log has it all. */
static bool matters(const struct store_fact *fact, int64_t now_s)
{
    if (fact->word == FACT_CALAMITY && fact->reviewed_s == STORE_NEVER)
        return true;
    return is_live(fact, now_s);
}

/* Any number of them would take the places of what subjects and officers register. */
static bool too_many_calamities(const struct store_subject *subject)
{
    unsigned waiting = 0;

    for (unsigned i = 0; i < subject->fact_count; i++)
        waiting += subject->facts[i].word == FACT_CALAMITY && subject->facts[i].reviewed_s == STORE_NEVER;
    return waiting >= GATE_CALAMITIES_WAITING;
}

static struct store_fact *place_for(struct store_subject *subject, int64_t now_s)
{
    for (unsigned i = 0; i < subject->fact_count && subject->fact_count == STORE_MAX_FACTS; i++) {
        if (matters(&subject->facts[i], now_s))
            continue;
        memmove(&subject->facts[i], &subject->facts[i + 1], (subject->fact_count - i - 1) * sizeof *subject->facts);
        subject->fact_count--;
    }
    return subject->fact_count < STORE_MAX_FACTS && subject->last_fact < UINT32_MAX
               ? &subject->facts[subject->fact_count]
               : NULL;
}

static int64_t end_of(const struct gate_fact_draft *draft, int64_t from_s)
{
    if (draft->word != FACT_CALAMITY)
        return draft->until_s;
    if (draft->until_s == STORE_NEVER)
        return from_s + GATE_CALAMITY_DEFAULT_S;
    return draft->until_s;
}

static int add(struct change *change, const struct gate_fact_draft *draft, uint32_t *id)
{
    int64_t now_s = clock_now_s();
    struct store_fact *fact;
    uint32_t about;
    int error;

    if (draft->word == FACT_CALAMITY && too_many_calamities(change->subject))
        return report_fail(change->why, -EOVERFLOW,
                           "%d calamities of this dossier wait for a review; no more can be declared",
                           GATE_CALAMITIES_WAITING);
    fact = place_for(change->subject, now_s);
    if (!fact)
        return report_fail(change->why, -EOVERFLOW, "%d facts of this dossier still matter; end one first",
                           STORE_MAX_FACTS);
    error = numbers_assign(change->gate->store, list_of(draft->word), draft->about,
                           was_of(gate_policy(change->gate), draft->word, draft->about), &about);
    if (error)
        return report_fail(change->why, error, "the store can't name it: %s", strerror(-error));
    memset(fact, 0, sizeof *fact);
    fact->id = ++change->subject->last_fact;
    fact->word = (uint8_t)draft->word;
    fact->about = about;
    fact->from_s = draft->word == FACT_CALAMITY || draft->from_s == STORE_NEVER ? now_s : draft->from_s;
    fact->until_s = end_of(draft, fact->from_s);
    fact->set_s = now_s;
    fact->ended_s = fact->reviewed_s = STORE_NEVER;
    fact->set_uid = change->person->uid;
    memcpy(fact->reason, draft->reason, strlen(draft->reason));
    if (fact->until_s <= fact->from_s ||
        (draft->word == FACT_CALAMITY && fact->until_s > now_s + GATE_CALAMITY_MAX_S))
        return report_fail(change->why, -EINVAL,
                           draft->word == FACT_CALAMITY ? "a calamity ends within %d hours from now"
                                                        : "it would end before it begins",
                           GATE_CALAMITY_MAX_S / 3600);
    change->subject->fact_count++;
    error = write_entry(change, fact, draft->word == FACT_CALAMITY ? "declare" : "set");
    if (!error)
        error = publish(change);
    if (!error)
        *id = fact->id;
    return error;
}

int gate_fact_set(struct gate *gate, const struct gate_person *person, const char *code,
                  const struct gate_fact_draft *draft, uint32_t *id, struct report_why *why)
{
    struct change change;
    int error = begin(&change, gate, person, why);

    change.code = code;
    if (!error && !facts_name(draft->word))
        error = report_fail(why, -EINVAL, "there is no such kind of fact");
    /* Who has no right learns neither what the policy knows nor which dossiers there are. */
    if (!error)
        error = draft->word == FACT_CALAMITY ? may_declare(&change, draft->about, "declare")
                                             : may(gate, person, facts_name(draft->word), why);
    if (!error)
        error = check_draft(gate, draft, why);
    if (!error)
        error = begin_batch(&change);
    if (!error)
        error = find(&change, code);
    if (error == -ENOENT && draft->word == FACT_CALAMITY &&
        log_refused_calamity(&change, draft->about, "declare", "absent") < 0)
        error = -EIO;
    if (!error)
        error = add(&change, draft, id);
    end(&change);
    return error;
}

static struct store_fact *fact_of(struct change *change, uint32_t id)
{
    for (unsigned i = 0; i < change->subject->fact_count; i++)
        if (change->subject->facts[i].id == id)
            return &change->subject->facts[i];
    report_fail(change->why, -ENOENT, "the dossier has no fact with the number %u", id);
    return NULL;
}

/* Ends what is live of it; of a calamity only one's own, where there is no right to more. */
static int end_live(struct change *change, unsigned word, uint32_t about, bool own_only, unsigned *ended)
{
    int64_t now_s = clock_now_s();
    int error = 0;

    *ended = 0;
    for (unsigned i = 0; i < change->subject->fact_count && !error; i++) {
        struct store_fact *fact = &change->subject->facts[i];

        if (fact->word != word || fact->about != about || !is_live(fact, now_s) ||
            (own_only && fact->set_uid != change->person->uid))
            continue;
        fact->ended_s = now_s;
        fact->ended_uid = change->person->uid;
        ++*ended;
        error = write_entry(change, fact, "end");
    }
    if (!error && *ended == 0)
        error = report_fail(change->why, -ENOENT, "the dossier has no such %s that could end", facts_name(word));
    return error;
}

int gate_fact_end(struct gate *gate, const struct gate_person *person, const char *code, unsigned word,
                  const char *about, unsigned *ended, struct report_why *why)
{
    struct change change;
    uint32_t number;
    int error = begin(&change, gate, person, why);

    if (!error && !facts_name(word))
        error = report_fail(why, -EINVAL, "there is no such kind of fact");
    change.code = code;
    if (!error)
        error = word == FACT_CALAMITY ? may_declare(&change, about, "end") : may(gate, person, facts_name(word), why);
    if (!error)
        error = begin_batch(&change);
    if (!error)
        error = find(&change, code);
    if (error == -ENOENT && word == FACT_CALAMITY) /* as for a dossier in which he declared none */
        report_fail(why, error, "the dossier has no such %s that could end", facts_name(word));
    if (!error && numbers_find(gate->store, list_of(word), about, was_of(gate_policy(gate), word, about), &number))
        error = report_fail(why, -ENOENT, "the dossier has no such %s that could end", facts_name(word));
    if (!error)
        error = end_live(&change, word, number, word == FACT_CALAMITY, ended);
    if (!error)
        error = publish(&change);
    end(&change);
    return error;
}

int gate_fact_review(struct gate *gate, const struct gate_person *person, const char *code, uint32_t id,
                     struct report_why *why)
{
    struct store_fact *fact = NULL;
    struct change change;
    int error = begin(&change, gate, person, why);

    if (!error)
        error = may(gate, person, "review", why);
    if (!error)
        error = begin_batch(&change);
    if (!error)
        error = find(&change, code);
    if (!error && !(fact = fact_of(&change, id)))
        error = -ENOENT;
    if (!error && fact->word != FACT_CALAMITY)
        error = report_fail(why, -EINVAL, "only a calamity is reviewed");
    if (!error && fact->set_uid == person->uid)
        error = report_fail(why, -EPERM, "who declared a calamity does not review it");
    if (!error && fact->reviewed_s != STORE_NEVER)
        error = report_fail(why, -EALREADY, "it was reviewed already");
    if (!error) {
        fact->reviewed_s = clock_now_s();
        fact->reviewed_uid = person->uid;
        error = write_entry(&change, fact, "review");
    }
    if (!error)
        error = publish(&change);
    end(&change);
    return error;
}

/* ---- listing ------------------------------------------------------------------------------------------------------ */

struct listing {
    struct gate *gate;
    gate_fact_each *each;
    void *context;
    bool waiting; /* only calamities that wait for a review */
    int64_t now_s;
};

static int list_subject(void *context, const struct store_subject *subject)
{
    struct listing *listing = context;
    int answer = 0;

    for (unsigned i = 0; i < subject->fact_count && answer == 0; i++) {
        const struct store_fact *fact = &subject->facts[i];
        char about[64];
        struct gate_fact told = {.code = subject->code, .fact = fact};

        if (listing->waiting && (fact->word != FACT_CALAMITY || fact->reviewed_s != STORE_NEVER))
            continue;
        told.word = facts_name(fact->word) ? facts_name(fact->word) : "?";
        told.about = name_of(listing->gate, fact, about);
        told.holds = is_live(fact, listing->now_s) && (fact->word == FACT_INCIDENT || fact->from_s <= listing->now_s);
        answer = listing->each(listing->context, &told);
    }
    return answer;
}

int gate_fact_list(struct gate *gate, const struct gate_person *person, const char *code, gate_fact_each *each,
                   void *context, struct report_why *why)
{
    struct listing listing = {gate, each, context, code == NULL, clock_now_s()};
    struct change change;
    int error = begin(&change, gate, person, why);

    if (!error)
        error = may(gate, person, "list", why);
    if (!error && code) {
        error = find(&change, code);
        if (!error)
            error = list_subject(&listing, change.subject);
    } else if (!error) {
        error = store_each_subject(change.reader, 0, list_subject, &listing, NULL);
    }
    end(&change);
    return error;
}
