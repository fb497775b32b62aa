/* Two tables of dossiers are asked, one for the policy in force and one for the other, since both what has a value and when terms
 * end are kept by the fields and categories of a policy. They are this command's own: the gate's table belongs to the policy
 * that is in force from moment to moment. */
#include "fs/gate/replay.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "fs/gate/inside.h"
#include "fs/gate/sight.h"
#include "fs/gate/tables.h"

enum { PROGRESS_EACH = 1024, NO_DAY = INT32_MIN };

/* The two policies. */
enum side { FORCE, OTHER, SIDES };

/* One uid under one name. */
struct actor {
    uint32_t uid;
    char user[GATE_USER_MAX_BYTES]; /* as in the log */
    struct gate_person person;
    bool unknown, renamed;
    int32_t day; /* of the standings; NO_DAY: none */
    struct policy_standing standings[SIDES];
};

struct named {
    uint64_t pseudonym;
    uint32_t subject;
};

struct group {
    struct gate_replay_group told;
    uint8_t *actors; /* a bit each, by place in the table */
    size_t actor_bytes;
};

struct replaying {
    struct gate *gate;
    const struct gate_replay_question *question;
    struct gate_replay *out;
    const struct policy *policies[SIDES];
    struct tables tables[SIDES];
    struct store_reader *reader; /* for the values that caseloads go by */
    struct named *names;         /* sorted by pseudonym */
    size_t name_count;
    struct actor *actors; /* open addressing by uid and name */
    size_t actor_count;
    struct group *groups;
    uint16_t *slots; /* of groups: place + 1, 0 is free */
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
    bool entry_otherwise, entry_already;
};

enum { ACTOR_SLOTS = GATE_REPLAY_MAX_PERSONS * 2, GROUP_SLOTS = GATE_REPLAY_MAX_GROUPS * 2 };

/* What is asked again. */
struct asked {
    const struct log_entry *entry;
    const char *field; /* NULL: the dossier as a whole */
    bool sizes_only;   /* the entry says that it was seen, not whether masked */
    enum gate_replay_verdict was;
};

struct answer {
    enum gate_replay_verdict verdict;
    struct decision decision;
};

/* ---- the dossiers --------------------------------------------------------------------------------------------- */

static int load_table(struct replaying *replaying, enum side side, struct report_why *why)
{
    struct report_why unfit = {""};
    struct store_reader *reader = NULL;
    int error = store_reader_open(replaying->gate->store, &reader);

    if (!error)
        error = tables_load(replaying->gate->store, reader, replaying->policies[side], NULL, &replaying->tables[side],
                            &unfit);
    store_reader_close(reader);
    if (error)
        report_fail(why, error, "%s%s%s", error == -EINVAL ? replaying->policies[side]->file : "",
                    error == -EINVAL ? " could not come in force: " : "",
                    unfit.text[0] ? unfit.text : strerror(-error));
    return error;
}

static int by_pseudonym(const void *a, const void *b)
{
    const struct named *left = a, *right = b;

    return left->pseudonym < right->pseudonym ? -1 : left->pseudonym > right->pseudonym;
}

static int load_dossiers(struct replaying *replaying, struct report_why *why)
{
    int error = load_table(replaying, OTHER, why);

    if (!error)
        error = load_table(replaying, FORCE, why);
    if (!error) {
        error = store_reader_open(replaying->gate->store, &replaying->reader);
        if (error)
            report_fail(why, error, "the store can't be read: %s", strerror(-error));
    }
    if (error)
        return error;
    replaying->name_count = dossiers_count(replaying->tables[OTHER].dossiers);
    replaying->names = calloc(replaying->name_count + 1, sizeof *replaying->names);
    if (!replaying->names)
        return report_fail(why, -ENOMEM, "no memory");
    for (uint32_t i = 0; i < replaying->name_count; i++) {
        struct dossier dossier = dossiers_get(replaying->tables[OTHER].dossiers, i);

        replaying->names[i] = (struct named){dossier.pseudonym, dossier.subject};
    }
    qsort(replaying->names, replaying->name_count, sizeof *replaying->names, by_pseudonym);
    return 0;
}

/* The dossier's number in a table, or DOSSIERS_NONE. */
static uint32_t find_dossier(const struct replaying *replaying, enum side side, uint64_t pseudonym)
{
    const struct named key = {pseudonym, 0};
    const struct named *found = bsearch(&key, replaying->names, replaying->name_count, sizeof key, by_pseudonym);

    return found ? dossiers_find_subject(replaying->tables[side].dossiers, found->subject) : DOSSIERS_NONE;
}

/* ---- the people ----------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct replaying *replaying, const void *bytes, size_t length_bytes)
{
    uint64_t hash;

    crypto_shorthash((uint8_t *)&hash, bytes, length_bytes, replaying->hash_key);
    return hash;
}

static void meet(struct actor *actor)
{
    actor->day = NO_DAY;
    if (gate_person_look_up(actor->uid, 0, &actor->person) < 0) {
        actor->unknown = true;
        return;
    }
    actor->renamed = strcmp(actor->person.user, actor->user) != 0;
}

/* NULL: there are too many. A free place has an empty person and the day 0, which meet() changes. */
static struct actor *actor_of(struct replaying *replaying, const struct log_entry *entry)
{
    struct {
        uint32_t uid;
        char user[GATE_USER_MAX_BYTES];
    } key;
    size_t at;

    memset(&key, 0, sizeof key);
    key.uid = entry->uid;
    strncpy(key.user, entry->user, sizeof key.user - 1);
    for (at = hash_of(replaying, &key, sizeof key) % ACTOR_SLOTS;; at = (at + 1) % ACTOR_SLOTS) {
        struct actor *actor = &replaying->actors[at];

        if (actor->day == 0) {
            if (replaying->actor_count == GATE_REPLAY_MAX_PERSONS)
                return NULL;
            replaying->actor_count++;
            actor->uid = key.uid;
            memcpy(actor->user, key.user, sizeof actor->user);
            meet(actor);
            return actor;
        }
        if (actor->uid == key.uid && strcmp(actor->user, key.user) == 0)
            return actor;
    }
}

static void stand(const struct replaying *replaying, struct actor *actor, int64_t time_ms)
{
    /* Day 0 would look like a free place, and is before any log. */
    int32_t day = clock_day_of(time_ms / 1000);
    struct policy_caller caller = {actor->uid, actor->user[0] ? actor->user : NULL,
                                   (const char *const *)actor->person.groups,
                                   actor->renamed ? 0 : actor->person.group_count};

    if (day == 0)
        day = 1;
    if (actor->day == day)
        return;
    actor->day = day;
    for (enum side side = 0; side < SIDES; side++)
        actor->standings[side] = policy_match(replaying->policies[side], &caller, day);
}

/* A field of the log in a policy, which may have renamed it since. */
static int find_field(const struct policy *policy, const char *name)
{
    int field = policy_find_field(policy, name);

    for (unsigned i = 0; field < 0 && i < policy->field_count; i++)
        if (policy->fields[i].was[0] && strcmp(policy->fields[i].was, name) == 0)
            field = (int)i;
    return field;
}

/* ---- decisions ------------------------------------------------------------------------------------------------ */

static struct decision decide_one(const struct replaying *replaying, enum side side, const struct actor *actor,
                                  int purpose, int field, uint32_t number, const struct asked *asked)
{
    const struct policy *policy = replaying->policies[side];
    const struct tables *tables = &replaying->tables[side];
    const struct sight_source source = {policy, tables->dossiers, &tables->numbers, replaying->reader};
    const struct policy_standing *standing = &actor->standings[side];
    int64_t then_s = asked->entry->time_ms / 1000, until_s;
    struct dossier dossier = dossiers_get(tables->dossiers, number);
    struct decide_dossier known;
    struct decide_facts facts = {.kind = (int)dossier.kind, .ends_s = TERMS_NEVER, .dossier = &known};

    sight_facts(&source, actor->uid, standing->roles, purpose, &dossier, then_s, &known, &until_s);
    if (field >= 0) {
        facts.present =
            (asked->field && asked->was != GATE_REPLAY_REFUSED) || field_set_has(dossier.present, (unsigned)field);
        facts.ends_s = dossiers_ends_s(tables->dossiers, number, policy->fields[field].category);
    }
    return decide(policy, standing, purpose, field, &facts, then_s);
}

static struct answer answer_of(struct decision decision, bool sizes_only)
{
    enum gate_replay_verdict verdict = decision.verdict == VERDICT_HIDDEN   ? GATE_REPLAY_REFUSED
                                       : decision.verdict == VERDICT_MASKED ? GATE_REPLAY_MASKED
                                                                            : GATE_REPLAY_SHOWN;

    if (sizes_only && verdict == GATE_REPLAY_MASKED)
        verdict = GATE_REPLAY_SHOWN;
    return (struct answer){verdict, decision};
}

/* The dossier as a whole is there if any of its fields shows; if none does, the condition that came furthest says why. */
static struct answer decide_dossier(const struct replaying *replaying, enum side side, const struct actor *actor,
                                    int purpose, uint32_t number, const struct asked *asked)
{
    struct decision nearest = decide_one(replaying, side, actor, purpose, -1, number, asked);

    for (unsigned field = 0; field < replaying->policies[side]->field_count; field++) {
        struct decision decision = decide_one(replaying, side, actor, purpose, (int)field, number, asked);

        if (decision.verdict != VERDICT_HIDDEN)
            return answer_of(decision, true);
        if (decision.rule > nearest.rule)
            nearest = decision;
    }
    return answer_of(nearest, true);
}

static struct answer decide_again(const struct replaying *replaying, enum side side, const struct actor *actor,
                                  const struct asked *asked)
{
    const struct policy *policy = replaying->policies[side];
    int purpose = policy_find_purpose(policy, asked->entry->purpose);
    uint32_t number = find_dossier(replaying, side, asked->entry->subject);

    if (number == DOSSIERS_NONE) /* it came between the loading of the two */
        return (struct answer){asked->was, {.rule = DECIDE_ABSENT, .role = -1}};
    if (!asked->field)
        return decide_dossier(replaying, side, actor, purpose, number, asked);
    return answer_of(decide_one(replaying, side, actor, purpose, find_field(policy, asked->field), number, asked),
                     asked->sizes_only);
}

/* The listing of a purpose: whoever has a role that has it may list it. */
static struct answer decide_listing(const struct replaying *replaying, enum side side, const struct actor *actor,
                                    const struct asked *asked)
{
    const struct policy *policy = replaying->policies[side];
    const struct policy_standing *standing = &actor->standings[side];
    int purpose = policy_find_purpose(policy, asked->entry->purpose);
    struct decision decision = {.rule = DECIDE_NO_PURPOSE, .role = -1};

    if (purpose >= 0)
        decision.rule = !standing->roles ? DECIDE_NO_ROLE : !standing->bound ? DECIDE_NOT_BOUND : DECIDE_ROLE_PURPOSE;
    for (unsigned i = 0; purpose >= 0 && standing->bound && i < policy->role_count; i++)
        if ((standing->roles >> i & 1) && (policy->roles[i].purposes >> purpose & 1))
            return (struct answer){GATE_REPLAY_SHOWN,
                                   {.verdict = VERDICT_SHOWN,
                                    .rule = DECIDE_SHOWN,
                                    .role = (int)i,
                                    .line = policy->roles[i].purposes_line}};
    return (struct answer){GATE_REPLAY_REFUSED, decision};
}

static struct answer decide_command(const struct replaying *replaying, enum side side, const struct actor *actor,
                                    const struct asked *asked)
{
    unsigned line = 0;
    bool allowed =
        policy_allows_command(replaying->policies[side], &actor->standings[side], asked->entry->name, &line);

    return (struct answer){allowed ? GATE_REPLAY_SHOWN : GATE_REPLAY_REFUSED,
                           {.rule = allowed ? DECIDE_SHOWN : DECIDE_NO_ROLE, .role = -1, .line = line}};
}

/* ---- groups --------------------------------------------------------------------------------------------------- */

struct group_key {
    uint32_t what, was, would, already;
    char purpose[POLICY_NAME_MAX_BYTES + 1], name[POLICY_NAME_MAX_BYTES + 1], role[128];
};

static bool is_group(const struct gate_replay_group *told, const struct group_key *key)
{
    return told->what == key->what && told->was == key->was && told->would == key->would &&
           told->already == key->already && strcmp(told->purpose, key->purpose) == 0 &&
           strcmp(told->name, key->name) == 0 && strcmp(told->role, key->role) == 0;
}

/* NULL: there are too many. */
static struct group *group_of(struct replaying *replaying, const struct group_key *key)
{
    for (size_t at = hash_of(replaying, key, sizeof *key) % GROUP_SLOTS;; at = (at + 1) % GROUP_SLOTS) {
        struct group *group;

        if (replaying->slots[at] != 0) {
            group = &replaying->groups[replaying->slots[at] - 1];
            if (is_group(&group->told, key))
                return group;
            continue;
        }
        if (replaying->out->group_count == GATE_REPLAY_MAX_GROUPS)
            return NULL;
        group = &replaying->groups[replaying->out->group_count++];
        replaying->slots[at] = (uint16_t)replaying->out->group_count;
        group->told = (struct gate_replay_group){.what = (enum log_what)key->what,
                                                 .was = (enum gate_replay_verdict)key->was,
                                                 .would = (enum gate_replay_verdict)key->would,
                                                 .already = key->already};
        memcpy(group->told.purpose, key->purpose, sizeof key->purpose);
        memcpy(group->told.name, key->name, sizeof key->name);
        memcpy(group->told.role, key->role, sizeof key->role);
        return group;
    }
}

static int count_actor(struct group *group, size_t place)
{
    if (place / 8 >= group->actor_bytes) {
        size_t wanted = place / 8 + 64;
        uint8_t *moved = realloc(group->actors, wanted);

        if (!moved)
            return -ENOMEM;
        memset(moved + group->actor_bytes, 0, wanted - group->actor_bytes);
        group->actors = moved;
        group->actor_bytes = wanted;
    }
    if (!(group->actors[place / 8] >> place % 8 & 1))
        group->told.persons++;
    group->actors[place / 8] |= (uint8_t)(1 << place % 8);
    return 0;
}

static int note_otherwise(struct replaying *replaying, const struct actor *actor, const struct asked *asked,
                          const struct answer *would, bool already)
{
    const struct log_entry *entry = asked->entry;
    const struct policy *policy = replaying->policies[OTHER];
    const char *word = decide_rule_name(would->decision.rule);
    struct group_key key;
    struct group *group;

    memset(&key, 0, sizeof key);
    key.what = entry->what;
    key.was = asked->was;
    key.would = would->verdict;
    key.already = already;
    strncpy(key.purpose, entry->purpose, sizeof key.purpose - 1);
    strncpy(key.name,
            entry->what == LOG_COMMAND ? entry->name
            : asked->field             ? asked->field
                                       : "",
            sizeof key.name - 1);
    strncpy(key.role, would->decision.role >= 0 ? policy->roles[would->decision.role].name : entry->role,
            sizeof key.role - 1);
    group = group_of(replaying, &key);
    if (!group) {
        replaying->out->left_out += entry->count;
        return 0;
    }
    if (group->told.decisions == 0) {
        group->told.first_ms = entry->time_ms;
        gate_rule_text(entry->what == LOG_COMMAND ? "commands" : word, would->decision.line, group->told.rule);
    }
    group->told.last_ms = entry->time_ms;
    group->told.decisions += entry->count;
    return count_actor(group, (size_t)(actor - replaying->actors));
}

/* ---- entries -------------------------------------------------------------------------------------------------- */

typedef struct answer decide_with(const struct replaying *replaying, enum side side, const struct actor *actor,
                                  const struct asked *asked);

static int compare(struct replaying *replaying, const struct actor *actor, const struct asked *asked,
                   decide_with *with)
{
    struct answer would = with(replaying, OTHER, actor, asked);
    struct answer now;
    bool already;

    replaying->out->replayed += asked->entry->count;
    if (would.verdict == asked->was)
        return 0;
    now = with(replaying, FORCE, actor, asked);
    already = now.verdict == would.verdict;
    *(already ? &replaying->out->already : &replaying->out->otherwise) += asked->entry->count;
    return note_otherwise(replaying, actor, asked, &would, already);
}

/* Every field of "naam,~geboortedatum"; a list that was cut ends with a name that no policy has, or less. */
static int each_field(struct replaying *replaying, const struct actor *actor, const struct log_entry *entry)
{
    struct asked asked = {.entry = entry, .sizes_only = entry->what == LOG_LISTING};
    const char *at = entry->fields;
    int error = 0;

    while (*at && !error) {
        size_t length = strcspn(at, ",");
        bool masked = *at == '~';
        char name[POLICY_NAME_MAX_BYTES + 1];

        snprintf(name, sizeof name, "%.*s", (int)(length - masked), at + masked);
        asked.field = name;
        asked.was = masked ? GATE_REPLAY_MASKED : GATE_REPLAY_SHOWN;
        error = compare(replaying, actor, &asked, decide_again);
        at += length;
        at += *at == ',';
    }
    return error;
}

static bool is_field(const struct replaying *replaying, const char *name)
{
    return find_field(replaying->policies[FORCE], name) >= 0 || find_field(replaying->policies[OTHER], name) >= 0;
}

/* About one dossier, as a whole or one field of it. */
static int about_dossier(struct replaying *replaying, const struct actor *actor, const struct log_entry *entry,
                         enum gate_replay_verdict was)
{
    struct asked asked = {.entry = entry, .was = was, .sizes_only = entry->what == LOG_LOOK};

    if (find_dossier(replaying, OTHER, entry->subject) == DOSSIERS_NONE) {
        /* A refusal may name a dossier that never was: that stays refused. */
        *(was == GATE_REPLAY_REFUSED ? &replaying->out->replayed : &replaying->out->gone) += entry->count;
        return 0;
    }
    if (was != GATE_REPLAY_REFUSED && entry->fields[0])
        return each_field(replaying, actor, entry);
    if (is_field(replaying, entry->name)) {
        asked.field = entry->name;
    } else if (entry->name[0] && strcmp(entry->name, replaying->policies[FORCE]->mount.dossier) != 0) {
        replaying->out->undecided++; /* a category's name, say: never there, whatever the policy */
        return 0;
    }
    return compare(replaying, actor, &asked, decide_again);
}

static bool tells_decision(const struct log_entry *entry)
{
    bool decided =
        entry->outcome == LOG_SHOWN || entry->outcome == LOG_MASKED || log_outcome_is_refusal(entry->outcome);

    switch (entry->what) {
    case LOG_FIELD:
    case LOG_DOSSIER:
    case LOG_LOOK:
        return decided && entry->purpose[0] && entry->subject != 0;
    case LOG_LISTING:
        return decided && entry->purpose[0]; /* the list of purposes is everybody's */
    case LOG_COMMAND:
        /* A key holder's command is decided by the key. */
        return entry->name[0] && (log_outcome_is_refusal(entry->outcome) || strncmp(entry->rule, "commands", 8) == 0);
    default:
        return false;
    }
}

static int replay_entry(struct replaying *replaying, const struct log_entry *entry)
{
    enum gate_replay_verdict was = log_outcome_is_refusal(entry->outcome) ? GATE_REPLAY_REFUSED
                                   : entry->outcome == LOG_MASKED         ? GATE_REPLAY_MASKED
                                                                          : GATE_REPLAY_SHOWN;
    struct asked asked = {.entry = entry, .was = was};
    struct actor *actor;

    /* Another policy may name the number of a uid that has no account; who asked is else not known. */
    if (entry->outcome == LOG_GAP && strcmp(entry->rule, GATE_NO_ACCOUNT) != 0) {
        replaying->out->gaps += entry->count;
        return 0;
    }
    if (!tells_decision(entry)) {
        replaying->out->undecided++;
        return 0;
    }
    actor = actor_of(replaying, entry);
    if (!actor || actor->unknown) {
        replaying->out->unknown_persons += entry->count;
        return 0;
    }
    if (actor->renamed)
        replaying->out->renamed += entry->count;
    stand(replaying, actor, entry->time_ms);
    if (entry->what == LOG_COMMAND)
        return compare(replaying, actor, &asked, decide_command);
    if (entry->what == LOG_LISTING && entry->subject == 0)
        return compare(replaying, actor, &asked, decide_listing);
    return about_dossier(replaying, actor, entry, was);
}

static int on_record(void *context, const struct log_record *record)
{
    struct replaying *replaying = context;
    const struct gate_replay_question *question = replaying->question;

    if (++replaying->out->entries % PROGRESS_EACH == 0) {
        store_reader_rest(replaying->reader); /* so that it keeps nothing of the store from being cut back */
        if (question->progress && !question->progress(question->context, replaying->out->entries))
            return -EINTR;
    }
    if (record->erased) {
        replaying->out->erased++;
        return 0;
    }
    return replay_entry(replaying, &record->entry);
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static int begin(struct replaying *replaying, struct report_why *why)
{
    replaying->actors = calloc(ACTOR_SLOTS, sizeof *replaying->actors);
    replaying->groups = calloc(GATE_REPLAY_MAX_GROUPS, sizeof *replaying->groups);
    replaying->slots = calloc(GROUP_SLOTS, sizeof *replaying->slots);
    if (!replaying->actors || !replaying->groups || !replaying->slots)
        return report_fail(why, -ENOMEM, "no memory");
    crypto_shorthash_keygen(replaying->hash_key);
    memcpy(replaying->out->policy, replaying->policies[OTHER]->hash, POLICY_HASH_BYTES);
    replaying->out->other_zone =
        strcmp(replaying->policies[OTHER]->timezone, replaying->policies[FORCE]->timezone) != 0;
    return load_dossiers(replaying, why);
}

static int give_groups(struct replaying *replaying)
{
    struct gate_replay *out = replaying->out;

    out->groups = calloc(out->group_count + 1, sizeof *out->groups);
    if (!out->groups)
        return -ENOMEM;
    for (size_t i = 0; i < out->group_count; i++)
        out->groups[i] = replaying->groups[i].told;
    return 0;
}

static void end(struct replaying *replaying)
{
    store_reader_close(replaying->reader);
    for (size_t i = 0; replaying->actors && i < ACTOR_SLOTS; i++)
        gate_person_clear(&replaying->actors[i].person);
    for (size_t i = 0; replaying->groups && i < GATE_REPLAY_MAX_GROUPS; i++)
        free(replaying->groups[i].actors);
    free(replaying->actors);
    free(replaying->groups);
    free(replaying->slots);
    free(replaying->names);
    for (enum side side = 0; side < SIDES; side++)
        dossiers_free(replaying->tables[side].dossiers);
}

static int count_erased(void *context, const struct log_erasure *erasure, enum log_erasure_state state)
{
    struct gate_replay *told = context;

    (void)state; /* hidden ones are not counted, so they add nothing */
    told->erased += erasure->count;
    return 0;
}

int gate_replay(struct gate *gate, const struct gate_person *person, const struct gate_replay_question *question,
                struct gate_replay *out, struct report_why *why)
{
    struct gate_replay told = {0};
    struct replaying replaying = {
        .gate = gate, .question = question, .out = &told, .policies = {gate_policy(gate), NULL}};
    const struct log_filter filter = {.from_ms = question->from_ms, .to_ms = question->to_ms};
    struct policy *policy = NULL;
    int error = gate_command(gate, person, "policy.replay", why);

    if (!error) {
        error = policy_load(question->file, question->text, question->length_bytes, &policy, question->faults);
        if (error)
            report_fail(why, error, error == -EINVAL ? "%s has faults" : "%s can't be read", question->file);
    }
    if (error)
        return error;
    replaying.policies[OTHER] = policy;
    error = begin(&replaying, why);
    if (!error)
        error = log_query(gate->log, &filter, on_record, &replaying, why);
    if (!error || error == -EBADMSG)
        log_erasures(gate->log, filter.from_ms, filter.to_ms, count_erased, &told);
    if (!error || error == -EBADMSG) {
        int failed = give_groups(&replaying);

        if (failed)
            error = report_fail(why, failed, "no memory");
        else
            *out = told;
    }
    end(&replaying);
    policy_free(policy);
    return error;
}

void gate_replay_clear(struct gate_replay *replay)
{
    free(replay->groups);
    *replay = (struct gate_replay){0};
}
