/* Goal: what the door shows is what the policy decides, field by field, for everybody; nothing leaves without its entry, and
 * hidden and absent can't be told apart. */
#include "tests/unit/gate_stage.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/resource.h>

#include "policy/mask.h"

enum { DOSSIERS = 48, FIELDS = 9, CALLERS = 9, CODE_BYTES = 16 };

static const char the_policy[] =
    "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
    "[kind tenant]\ncode = T[0-9]{4}\n"
    "[kind seeker]\ncode = S[0-9]{4}\n"
    "[category person]\nretention = 2y after ended\n"
    "[category payments]\nretention = 1y after ended\nretention.seeker = 30d after capture\n"
    "[category contact]\n"
    /* Fields of one category lie apart, so that the order of the policy is not that of the items. */
    "[field surname]\ncategory = person\ntype = surname\n"
    "[field account]\ncategory = payments\ntype = text\n"
    "[field mail]\ncategory = contact\ntype = text\n"
    "[field born]\ncategory = person\ntype = date\n"
    "[field phones]\ncategory = contact\ntype = text\nlist = yes\n"
    "[field income]\ncategory = payments\ntype = amount\n"
    "[field ended]\ncategory = person\ntype = date\n"
    "[field note]\ncategory = contact\ntype = text\n"
    "[field nick]\ncategory = person\ntype = text\n"
    "[purpose rent]\nground = A\nkinds = tenant\nfields = surname, account, ended, phones\n"
    "[purpose housing]\nground = A\nkinds = tenant, seeker\nfields = person, mail, phones\n"
    "[purpose checks]\nground = A\nkinds = seeker\nfields = person, payments, contact\n"
    "[purpose unused]\nground = A\nkinds = tenant\nfields = note\n"
    "[role collecting]\nmembers = 61001, 61003\npurposes = rent\nmask = account:last4, phones:last2\n"
    "[role letting]\nmembers = 61002, 61003, @daemon\npurposes = housing, rent\nfields = surname, born, phones, "
    "account\n"
    "mask = born:year, phones:first3\n"
    "[role checking]\nmembers = 61004, bin\npurposes = checks, housing\nmask = surname:initial, born:year\n"
    "[role all]\nmembers = 61005\npurposes = rent, housing, checks, unused\n"
    "[role late]\nmembers = 61006, 61007\npurposes = rent, housing\n"
    "[role log]\nmembers = 61008\ncommands = log.show, import\n"
    "[secrecy]\nbound = 61001 2020-01-01, 61002 2020-01-01, 61003 2020-01-01, 61004 2020-01-01, 61005 2020-01-01\n"
    "bound += 61006 2020-01-01 2021-01-01, daemon 2020-01-01, bin 2020-01-01, 61008 2020-01-01\n";

/* daemon and bin come by their group and their name; 61006 isn't bound any more, 61007 never was, 61009 is a stranger. */
static const uint32_t callers[CALLERS] = {61001, 61002, 61003, 61004, 61005, 61006, 61007, 61009, 1};

/* ---- a world, and what it should look like ---------------------------------------------------------------------- */

struct person {
    char code[CODE_BYTES];
    int kind; /* 0 tenant, 1 seeker */
    bool present[FIELDS];
    char values[FIELDS][32];
    int32_t ended_day;
};

static struct person world[DOSSIERS];
static struct stage stage;
static const struct policy *policy;

static void reopen(bool mounted)
{
    stage_open(&stage, the_policy, mounted);
    policy = gate_policy(stage.gate);
}

static uint64_t random_state = 7;

static unsigned draw(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

/* A day whose terms of one and two years end neither yesterday nor today: the seconds are another test's matter. */
static int32_t draw_ended(int32_t today)
{
    static const int32_t around[] = {-800, -740, -728, -700, -400, -370, -361, -300, -20, 0, 40};

    return today + around[draw(sizeof around / sizeof around[0])];
}

static void make_person(unsigned n, int32_t today)
{
    struct person *person = &world[n];

    memset(person, 0, sizeof *person);
    person->kind = (int)draw(3) == 0;
    snprintf(person->code, sizeof person->code, "%c%04u", person->kind ? 'S' : 'T', n);
    person->ended_day = draw_ended(today);
    for (unsigned f = 0; f < FIELDS; f++) {
        person->present[f] = draw(4) != 0;
        snprintf(person->values[f], 32, "%s-%u", policy->fields[f].name, n);
    }
    snprintf(person->values[0], 32, "Çelik%c", 'a' + (int)(n % 26));
    stage_date(-3650 - (int32_t)n, person->values[3]);
    snprintf(person->values[4], 32, "06-%03u\n+31-%03u", n, n + 1);
    snprintf(person->values[5], 32, "%u.50", n + 1000);
    stage_date(person->ended_day, person->values[6]);
}

static void import_world(int kind, const char *kind_name)
{
    struct gate_import *import = stage_import_begin(&stage, kind_name, "stage.csv", false);

    for (unsigned n = 0; n < DOSSIERS; n++) {
        struct stage_cell cells[FIELDS + 1] = {{NULL, NULL}};
        unsigned count = 0;

        for (unsigned f = 0; f < FIELDS; f++)
            if (world[n].present[f])
                cells[count++] = (struct stage_cell){policy->fields[f].name, world[n].values[f]};
        if (world[n].kind == kind)
            assert_int_equal(stage_row(&stage, import, world[n].code, cells, NULL), GATE_IMPORT_ADDED);
    }
    stage_publish(import);
}

static int begin(void **state)
{
    (void)state;
    stage_begin(&stage);
    reopen(false);
    for (unsigned n = 0; n < DOSSIERS; n++)
        make_person(n, stage_today());
    import_world(0, "tenant");
    import_world(1, "seeker");
    reopen(true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static int32_t years_after(int32_t day, int years)
{
    int year, month, month_day;

    terms_date(day, &year, &month, &month_day);
    while (!terms_day_exists(year + years, month, month_day))
        month_day--;
    return terms_day(year + years, month, month_day);
}

/* By hand: is the item of a category gone? */
static bool is_over(const struct person *person, unsigned category)
{
    const char *name = policy->categories[category].name;

    if (strcmp(name, "contact") == 0 || (person->kind == 1 && strcmp(name, "payments") == 0) || !person->present[6])
        return false; /* kept for ever; captured just now; its term does not run */
    return years_after(person->ended_day, strcmp(name, "person") == 0 ? 2 : 1) < stage_today();
}

static struct decision expected(const struct policy_standing *standing, int purpose, const struct person *person,
                                unsigned field)
{
    struct decide_facts facts = {.kind = person->kind, .present = person->present[field], .ends_s = INT64_MAX};

    if (is_over(person, policy->fields[field].category))
        facts.ends_s = 1;
    return decide(policy, standing, purpose, (int)field, &facts, clock_now_s());
}

static void expected_value(const struct decision *decision, const char *value, struct buffer *out)
{
    const char *end = strchr(value, '\n');

    mask_apply(&decision->mask, NULL, value, end ? (size_t)(end - value) : strlen(value), out);
    if (end) {
        buffer_append_u8(out, '\n');
        expected_value(decision, end + 1, out);
    }
}

/* Of one caller, purpose and dossier. */
struct view {
    const struct person *person;
    struct door_ask ask;
    uint32_t number;
    struct decision decisions[FIELDS];
    unsigned count; /* of fields that show */
};

static void check_value(const struct view *view, const struct door_shown *shown, unsigned at, unsigned field)
{
    const struct door_value *value = &shown->values[at];
    struct buffer text = BUFFER_EMPTY;

    expected_value(&view->decisions[field], view->person->values[field], &text);
    assert_int_equal(value->field, field);
    assert_int_equal(value->masked, view->decisions[field].verdict == VERDICT_MASKED);
    assert_int_equal(value->length_bytes, text.length_bytes);
    assert_memory_equal(shown->text.bytes + value->at, text.bytes, text.length_bytes);
    buffer_clear(&text);
}

static void expect_whole(const struct view *view, const struct door_shown *shown)
{
    unsigned at = 0;

    assert_int_equal(shown->count, view->count);
    for (unsigned f = 0; f < FIELDS; f++)
        if (view->decisions[f].verdict != VERDICT_HIDDEN)
            check_value(view, shown, at++, f);
}

static struct stage_done dones[CALLERS * 4 * DOSSIERS * (FIELDS + 3)];
static unsigned done_count, done_expected;

/* A place for a `done`; if the call answers an error, it must stay at no calls. */
static struct stage_done *next_done(void)
{
    assert_true(done_count < sizeof dones / sizeof dones[0]);
    return &dones[done_count++];
}

static void check_leaf(const struct view *view, int leaf)
{
    bool shows = leaf < 0 ? view->count > 0 : view->decisions[leaf].verdict != VERDICT_HIDDEN;
    struct door_shown looked = {.text = BUFFER_EMPTY}, opened = {.text = BUFFER_EMPTY};
    struct door_found found = {.dossier = 77, .version = 1};
    struct stage_done *done = next_done();

    assert_int_equal(door_look_leaf(stage.gate, &view->ask, view->number, leaf, &found, &looked),
                     shows ? 0 : -ENOENT);
    assert_int_equal(door_open_leaf(stage.gate, &view->ask, view->number, leaf, &found, &opened, stage_done, done),
                     shows ? 0 : -ENOENT);
    if (shows) {
        done_expected++;
        assert_int_equal(found.dossier, view->number);
        assert_int_equal(looked.text.length_bytes, opened.text.length_bytes);
        assert_memory_equal(looked.text.bytes, opened.text.bytes, opened.text.length_bytes);
    } else {
        assert_int_equal(found.dossier, 77); /* untouched */
        assert_int_equal(looked.count + opened.count, 0);
        atomic_store(&done->status, -1); /* marks that nobody may call */
    }
    if (shows && leaf >= 0) {
        assert_int_equal(opened.count, 1);
        check_value(view, &opened, 0, (unsigned)leaf);
    } else if (shows) {
        expect_whole(view, &opened);
    }
    door_shown_clear(&looked);
    door_shown_clear(&opened);
}

static void check_leaves(const struct view *view)
{
    struct stage_done *done = next_done();
    struct field_set fields = {{0}};
    int error = door_list_leaves(stage.gate, &view->ask, view->number, &fields, stage_done, done);

    assert_int_equal(error, view->count > 0 ? 0 : -ENOENT);
    done_expected += !error;
    if (error)
        atomic_store(&done->status, -1);
    for (unsigned f = 0; f < FIELDS && !error; f++)
        assert_int_equal(field_set_has(&fields, f), view->decisions[f].verdict != VERDICT_HIDDEN);
}

static bool check_dossier(const struct door_ask *ask, const struct person *person)
{
    struct view view = {.person = person, .ask = *ask, .number = stage_dossier(&stage, person->code)};
    struct door_found found;

    for (unsigned f = 0; f < FIELDS; f++) {
        view.decisions[f] = expected(&ask->caller->standing, ask->purpose, person, f);
        view.count += view.decisions[f].verdict != VERDICT_HIDDEN;
    }
    assert_int_equal(door_sees(stage.gate, ask, view.number), view.count > 0);
    assert_int_equal(door_look_dossier(stage.gate, ask, person->code, strlen(person->code), &found),
                     view.count > 0 ? 0 : -ENOENT);
    check_leaves(&view);
    for (int leaf = DOOR_WHOLE; leaf < FIELDS; leaf++)
        check_leaf(&view, leaf);
    return view.count > 0;
}

static bool has_purpose(const struct policy_standing *standing, int purpose)
{
    for (unsigned i = 0; i < policy->role_count && standing->bound; i++)
        if ((standing->roles >> i & 1) && (policy->roles[i].purposes >> purpose & 1))
            return true;
    return false;
}

/* Returns how many dossiers the caller sees for the purpose. */
static unsigned check_purpose(const struct door_ask *ask)
{
    bool shows = has_purpose(&ask->caller->standing, ask->purpose), sees[DOSSIERS];
    uint32_t *numbers = NULL, count = 0, at = 0;
    struct stage_done *done = next_done();
    unsigned seen = 0;
    int error = door_list_dossiers(stage.gate, ask, &numbers, &count, stage_done, done);

    assert_int_equal(error, shows ? 0 : -ENOENT);
    done_expected += !error;
    if (error)
        atomic_store(&done->status, -1);
    for (unsigned n = 0; n < DOSSIERS; n++) {
        sees[n] = check_dossier(ask, &world[n]);
        seen += sees[n];
        assert_true(shows || !sees[n]);
    }
    assert_int_equal(count, seen);
    for (uint32_t number = 0; number < DOSSIERS; number++) {
        bool listed = at < count && numbers[at] == number;

        for (unsigned n = 0; n < DOSSIERS; n++)
            if (strcmp(world[n].code, door_code(stage.gate, number)) == 0)
                assert_int_equal(listed, sees[n]);
        at += listed;
    }
    free(numbers);
    return seen;
}

static void test_everybody_sees_what_is_decided(void **state)
{
    unsigned seen = 0;

    (void)state;
    memset(dones, 0, sizeof dones);
    done_count = done_expected = 0;
    for (unsigned c = 0; c < CALLERS; c++)
        for (unsigned p = 0; p < policy->purpose_count; p++) {
            struct door_ask ask = {stage_caller(&stage, callers[c]), 1, (int)p};

            assert_false(ask.caller->gap);
            seen += check_purpose(&ask);
        }
    assert_in_range(seen, DOSSIERS, DOSSIERS * CALLERS * 3); /* the world is neither dark nor bare */
    stage_flush(&stage);
    for (unsigned i = 0; i < done_count; i++) {
        bool expects = atomic_load(&dones[i].status) != -1;

        assert_int_equal(atomic_load(&dones[i].calls), expects);
        assert_int_equal(atomic_load(&dones[i].status), expects ? 0 : -1);
        done_expected -= expects;
    }
    assert_int_equal(done_expected, 0);
}

/* A process that the kernel can't name: who has a right gets nothing, and the log calls it a gap. (A uid whose refusals were not yet
 * so many in this minute that they are only counted.) */
static void test_no_process(void **state)
{
    struct door_ask ask = {stage_caller(&stage, 2), 0, 1};
    struct door_found found = {0};
    uint64_t purposes = 99, before = stage_log_size(&stage);
    struct stage_log log = {0};
    uint32_t *numbers = NULL, count = 0;
    struct stage_done done = {0};
    char code[POLICY_CODE_MAX_BYTES + 1];

    (void)state;
    snprintf(code, sizeof code, "%s", door_code(stage.gate, 0));
    ask.pid = 0;
    assert_int_equal(door_list_purposes(stage.gate, &ask, &purposes, stage_done, &done), -EIO);
    assert_int_equal(door_list_dossiers(stage.gate, &ask, &numbers, &count, stage_done, &done), -EIO);
    assert_int_equal(door_look_dossier(stage.gate, &ask, code, strlen(code), &found), -EIO);
    assert_false(door_sees(stage.gate, &ask, 0));
    assert_int_equal(atomic_load(&done.calls), 0);
    assert_int_equal(purposes, 99);
    stage_log_read(&stage, before, &log);
    assert_true(log.count > 0);
    for (size_t i = 0; i < log.count; i++) {
        assert_int_equal(log.entries[i].entry.outcome, LOG_GAP);
        assert_string_equal(log.entries[i].entry.rule, "no-process");
    }
    stage_log_clear(&log);
}

static void test_listing_of_purposes(void **state)
{
    static const struct {
        uint32_t uid;
        uint64_t purposes;
    } rows[] = {{61001, 1}, {61002, 3}, {61003, 3}, {61004, 6}, {61005, 15},
                {61006, 0}, {61007, 0}, {61008, 0}, {2, 6}};

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct door_ask ask = {stage_caller(&stage, rows[i].uid), 1, -1};
        struct stage_done done = {0};
        uint64_t purposes = 99;

        assert_int_equal(door_list_purposes(stage.gate, &ask, &purposes, stage_done, &done), 0);
        assert_int_equal(purposes, rows[i].purposes);
        stage_flush(&stage);
        assert_int_equal(atomic_load(&done.calls), 1);
    }
}

/* ---- entries ---------------------------------------------------------------------------------------------------- */

/* The first dossier of a kind in which these fields are there and kept. */
static const struct person *find_person(int kind, const char *const *fields, bool whole)
{
    for (unsigned n = 0; n < DOSSIERS; n++) {
        bool fits = world[n].kind == kind;

        for (unsigned i = 0; fields[i] && fits; i++) {
            unsigned field = stage_field(&stage, fields[i]);

            fits = world[n].present[field] && is_over(&world[n], policy->fields[field].category) != whole;
        }
        if (fits)
            return &world[n];
    }
    fail_msg("the world has no such person");
    return NULL;
}

static const struct log_entry *only_entry(uint64_t after, struct stage_log *log)
{
    stage_log_read(&stage, after, log);
    assert_int_equal(log->count, 1);
    return &log->entries[0].entry;
}

static void expect_entry(const struct log_entry *entry, enum log_what what, enum log_outcome outcome, uint32_t uid)
{
    int64_t now_ms = clock_now_ms();

    assert_int_equal(entry->what, what);
    assert_int_equal(entry->outcome, outcome);
    assert_int_equal(entry->uid, uid);
    assert_int_equal(entry->count, 1);
    assert_true(entry->time_ms <= now_ms && entry->time_ms > now_ms - 60000);
    assert_memory_equal(entry->policy, policy->hash, POLICY_HASH_BYTES);
}

/* Opens for 61003, who has two roles for rents, after a look. */
static uint64_t open_fresh(struct door_ask *ask, uint32_t number, int leaf)
{
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct stage_done done = {0};
    struct door_found found;
    uint64_t after;

    *ask = stage_ask(&stage, 61003, "rent");
    assert_int_equal(door_look_leaf(stage.gate, ask, number, leaf, &found, &shown), 0);
    after = stage_log_size(&stage);
    assert_int_equal(door_open_leaf(stage.gate, ask, number, leaf, &found, &shown, stage_done, &done), 0);
    stage_flush(&stage);
    assert_int_equal(atomic_load(&done.calls), 1);
    door_shown_clear(&shown);
    return after;
}

static void test_entry_of_an_open(void **state)
{
    static const char *const fields[] = {"surname", "account", "phones", "ended", NULL};
    const struct person *person = find_person(0, fields, true);
    uint32_t number = stage_dossier(&stage, person->code);
    uint64_t pseudonym = dossiers_get(stage.gate->dossiers, number).pseudonym;
    struct stage_log log = {NULL, 0};
    const struct log_entry *entry;
    struct decision decision;
    struct door_ask ask;
    char rule[64];

    (void)state;
    entry = only_entry(open_fresh(&ask, number, (int)stage_field(&stage, "account")), &log);
    expect_entry(entry, LOG_FIELD, LOG_MASKED == entry->outcome ? LOG_MASKED : LOG_SHOWN, 61003);
    assert_int_equal(entry->outcome, LOG_SHOWN); /* one of two roles shows it plain */
    assert_int_equal(entry->pid, getpid());
    assert_string_equal(entry->user, "");
    assert_string_equal(entry->role, "collecting,letting");
    assert_string_equal(entry->purpose, "rent");
    assert_int_equal(entry->ground, 'A');
    assert_true(entry->subject == pseudonym);
    assert_string_equal(entry->name, "account");
    assert_string_equal(entry->fields, "account");
    decision = expected(&ask.caller->standing, ask.purpose, person, stage_field(&stage, "account"));
    snprintf(rule, sizeof rule, "shown %u", decision.line);
    assert_string_equal(entry->rule, rule);

    entry = only_entry(open_fresh(&ask, number, (int)stage_field(&stage, "phones")), &log);
    expect_entry(entry, LOG_FIELD, LOG_MASKED, 61003);
    assert_string_equal(entry->fields, "~phones");
    assert_memory_equal(entry->rule, "masked ", 7);

    entry = only_entry(open_fresh(&ask, number, DOOR_WHOLE), &log);
    expect_entry(entry, LOG_DOSSIER, LOG_SHOWN, 61003);
    assert_true(entry->subject == pseudonym);
    assert_string_equal(entry->name, "dossier.txt");
    assert_string_equal(entry->fields, "surname,account,~phones,ended");
    stage_log_clear(&log);
}

static void test_entries_of_listings(void **state)
{
    static const char *const fields[] = {"surname", "account", "phones", "ended", NULL};
    const struct person *person = find_person(0, fields, true);
    uint32_t number = stage_dossier(&stage, person->code), *numbers, count;
    struct stage_log log = {NULL, 0};
    struct stage_done done = {0};
    const struct log_entry *entry;
    struct field_set set;
    struct door_ask ask;
    uint64_t after;

    (void)state;
    reopen(true); /* with a fresh allowance of entries for everybody */
    ask = stage_ask(&stage, 1, "housing");
    after = stage_log_size(&stage);
    assert_int_equal(door_list_leaves(stage.gate, &ask, number, &set, stage_done, &done), 0);
    entry = only_entry(after, &log);
    expect_entry(entry, LOG_LISTING, LOG_SHOWN, 1);
    assert_string_equal(entry->user, "daemon");
    assert_string_equal(entry->role, "letting");
    assert_memory_equal(entry->fields, "surname", 7);
    assert_true(entry->subject == dossiers_get(stage.gate->dossiers, number).pseudonym);

    after = stage_log_size(&stage);
    assert_int_equal(door_list_dossiers(stage.gate, &ask, &numbers, &count, stage_done, &done), 0);
    free(numbers);
    entry = only_entry(after, &log);
    expect_entry(entry, LOG_LISTING, LOG_SHOWN, 1);
    assert_string_equal(entry->name, "housing");
    assert_true(entry->subject == 0);

    after = stage_log_size(&stage);
    assert_int_equal(door_open_own(stage.gate, &ask, stage_done, &done), 0);
    entry = only_entry(after, &log);
    expect_entry(entry, LOG_OWN, LOG_SHOWN, 1);
    assert_string_equal(entry->name, "my-access.txt");
    assert_string_equal(entry->purpose, "");
    assert_string_equal(entry->role, "letting");
    stage_log_clear(&log);
}

static void test_looks_once_a_minute(void **state)
{
    static const char *const fields[] = {"surname", "born", NULL};
    const struct person *person = find_person(1, fields, true);
    uint32_t number = stage_dossier(&stage, person->code);
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct stage_log log = {NULL, 0};
    struct door_found found;
    int64_t first_s, last_s;

    (void)state;
    do { /* again if a minute went over in between */
        struct door_ask ask = stage_ask(&stage, 61005, "checks");
        uint64_t after;

        reopen(true); /* forgets what was counted */
        ask = stage_ask(&stage, 61005, "checks");
        after = stage_log_size(&stage);
        first_s = clock_now_s();
        for (unsigned i = 0; i < 50; i++) {
            assert_int_equal(
                door_look_leaf(stage.gate, &ask, number, (int)stage_field(&stage, "surname"), &found, &shown), 0);
            assert_int_equal(door_look_leaf(stage.gate, &ask, number, DOOR_WHOLE, &found, &shown), 0);
            assert_int_equal(door_look_dossier(stage.gate, &ask, person->code, strlen(person->code), &found), 0);
        }
        ask = stage_ask(&stage, 61005, "housing"); /* another purpose is another look */
        assert_int_equal(door_look_dossier(stage.gate, &ask, person->code, strlen(person->code), &found), 0);
        last_s = clock_now_s();
        stage_log_read(&stage, after, &log);
    } while (first_s / 60 != last_s / 60);
    assert_int_equal(log.count, 2);
    expect_entry(&log.entries[0].entry, LOG_LOOK, LOG_SHOWN, 61005);
    assert_string_equal(log.entries[0].entry.name, "surname");
    assert_true(log.entries[0].entry.subject == dossiers_get(stage.gate->dossiers, number).pseudonym);
    assert_string_equal(log.entries[1].entry.purpose, "housing");
    stage_log_clear(&log);
    door_shown_clear(&shown);
}

/* ---- hidden and absent ------------------------------------------------------------------------------------------ */

/* Two entries that differ in nothing but their number, moment, random ids, and the subject. */
static void expect_alike(const struct log_entry *a, const struct log_entry *b)
{
    assert_int_equal(a->what, b->what);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->uid, b->uid);
    assert_int_equal(a->pid, b->pid);
    assert_string_equal(a->user, b->user);
    assert_string_equal(a->program, b->program);
    assert_string_equal(a->role, b->role);
    assert_string_equal(a->purpose, b->purpose);
    assert_int_equal(a->ground, b->ground);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->fields, b->fields);
    assert_string_equal(a->rule, b->rule);
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->policy, b->policy, sizeof a->policy);
    assert_int_equal(a->subject != 0, b->subject != 0);
    assert_true(a->subject == 0 || a->subject != b->subject);
}

static void look_for(uint32_t uid, const char *purpose, const char *code)
{
    struct door_ask ask = stage_ask(&stage, uid, purpose);
    struct door_found found = {.dossier = 77};

    assert_int_equal(door_look_dossier(stage.gate, &ask, code, strlen(code), &found), -ENOENT);
    assert_int_equal(found.dossier, 77);
}

static void test_hidden_dossier_is_like_none(void **state)
{
    static const char *const fields[] = {"account", NULL}, *const over[] = {"surname", "account", NULL};
    const struct person *seeker = find_person(1, fields, true), *old = find_person(0, over, false);
    /* A uid without an account, an account without a role (sys), a purpose of other kinds, no secrecy; and, last, a dossier whose every term is over. */
    const struct {
        uint32_t uid;
        const char *purpose, *hidden, *absent;
        enum log_outcome outcome;
    } rows[] = {{61009, "checks", seeker->code, "S9001", LOG_GAP},
                {3, "checks", seeker->code, "S9001", LOG_REFUSED},
                {61001, "rent", seeker->code, "S9002", LOG_REFUSED},
                {61006, "housing", seeker->code, "S9003", LOG_REFUSED},
                {61004, "rent", old->code, "T9004", LOG_REFUSED}};
    struct stage_log log = {NULL, 0};

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct door_caller *caller = stage_caller(&stage, rows[i].uid);
        uint64_t after;

        reopen(true);
        after = stage_log_size(&stage);
        look_for(rows[i].uid, rows[i].purpose, rows[i].hidden);
        look_for(rows[i].uid, rows[i].purpose, rows[i].absent);
        stage_log_read(&stage, after, &log);
        assert_int_equal(log.count, 2);
        assert_int_equal(log.entries[0].entry.outcome, rows[i].outcome);
        expect_alike(&log.entries[0].entry, &log.entries[1].entry);
        assert_true(log.entries[0].entry.subject ==
                    dossiers_get(stage.gate->dossiers, stage_dossier(&stage, rows[i].hidden)).pseudonym);
        caller = stage_caller(&stage, rows[i].uid);
        assert_int_equal(caller->refusal_count, 2);
        assert_string_equal(caller->refusals[0].reason, caller->refusals[1].reason);
        assert_string_equal(caller->refusals[0].name, rows[i].hidden);
        assert_string_equal(caller->refusals[1].name, rows[i].absent);
    }
    stage_log_clear(&log);
}

/* A dossier whose dossier-wide terms ended, and one that never was, for someone who may see such dossiers. */
static void test_expired_dossier_is_like_none(void **state)
{
    struct stage_log log = {NULL, 0};
    struct gate_import *import;
    char day[16];
    uint64_t after;

    (void)state;
    reopen(false);
    import = stage_import_begin(&stage, "tenant", "stage.csv", false);
    stage_date(stage_today() - 1000, day);
    stage_row(&stage, import, "T8001",
              (struct stage_cell[]){{"surname", "Oudman"}, {"account", "old"}, {"ended", day}, {NULL, NULL}}, NULL);
    stage_publish(import);
    reopen(true);
    after = stage_log_size(&stage);
    look_for(61005, "rent", "T8001");
    look_for(61005, "rent", "T8002");
    stage_log_read(&stage, after, &log);
    assert_int_equal(log.count, 2);
    expect_alike(&log.entries[0].entry, &log.entries[1].entry);
    assert_memory_equal(log.entries[0].entry.rule, "absent", 6);
    stage_log_clear(&log);
}

/* Fields of one dossier: without a value, or over. */
static void test_expired_field_is_like_none(void **state)
{
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct stage_done done = {0};
    struct stage_log log = {NULL, 0};
    struct gate_import *import;
    struct door_found found = {.version = 1};
    struct door_ask ask;
    uint64_t after;
    int account;
    char day[16];

    (void)state;
    reopen(false);
    import = stage_import_begin(&stage, "tenant", "stage.csv", false);
    stage_date(stage_today() - 500, day);
    stage_row(&stage, import, "T8003",
              (struct stage_cell[]){{"surname", "Half"}, {"account", "old"}, {"ended", day}, {NULL, NULL}}, NULL);
    stage_row(&stage, import, "T8004", (struct stage_cell[]){{"surname", "Half"}, {"ended", day}, {NULL, NULL}},
              NULL);
    stage_publish(import);
    reopen(true);
    account = (int)stage_field(&stage, "account");
    ask = stage_ask(&stage, 61005, "rent");
    after = stage_log_size(&stage);
    assert_int_equal(door_look_leaf(stage.gate, &ask, stage_dossier(&stage, "T8003"), account, &found, &shown),
                     -ENOENT);
    assert_int_equal(
        door_open_leaf(stage.gate, &ask, stage_dossier(&stage, "T8004"), account, &found, &shown, stage_done, &done),
        -ENOENT);
    stage_log_read(&stage, after, &log);
    assert_int_equal(atomic_load(&done.calls), 0);
    assert_int_equal(log.count, 2);
    expect_alike(&log.entries[0].entry, &log.entries[1].entry);
    assert_string_equal(log.entries[0].entry.name, "account");
    /* The rest of the dossier is still there. */
    assert_int_equal(door_look_leaf(stage.gate, &ask, stage_dossier(&stage, "T8003"),
                                    (int)stage_field(&stage, "surname"), &found, &shown),
                     0);
    stage_log_clear(&log);
    door_shown_clear(&shown);
}

static void test_no_code_no_entry(void **state)
{
    struct door_ask ask = stage_ask(&stage, 61005, "rent");
    uint64_t before = stage_log_size(&stage);
    struct door_found found;

    (void)state;
    assert_int_equal(door_look_dossier(stage.gate, &ask, "desktop.ini", 11, &found), -ENOENT);
    assert_int_equal(door_look_dossier(stage.gate, &ask, "", 0, &found), -ENOENT);
    assert_int_equal(door_look_dossier(stage.gate, &ask, "T00\0001", 6, &found), -ENOENT);
    assert_int_equal(stage_log_size(&stage), before + 1); /* the flush's own */
}

/* ---- refusals that repeat --------------------------------------------------------------------------------------- */

static uint64_t refusals_counted(const struct stage_log *log, const char *words)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < log->count; i++)
        if (log_outcome_is_refusal(log->entries[i].entry.outcome) && strstr(log->entries[i].entry.rule, words))
            sum += log->entries[i].entry.count;
    return sum;
}

static uint64_t refusals_all(const struct stage_log *log)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < log->count; i++)
        if (log_outcome_is_refusal(log->entries[i].entry.outcome))
            sum += log->entries[i].entry.count;
    return sum;
}

static void test_repeated_refusals_are_counted(void **state)
{
    struct stage_log log = {NULL, 0};
    struct door_ask ask;
    uint64_t after;

    (void)state;
    reopen(true);
    after = stage_log_size(&stage);
    for (unsigned i = 0; i < 40; i++)
        look_for(61009, "rent", "T7001");
    ask = stage_ask(&stage, 61009, "rent");
    for (unsigned i = 0; i < 30; i++) {
        uint32_t *numbers, count;
        assert_int_equal(door_list_dossiers(stage.gate, &ask, &numbers, &count, stage_done, NULL), -ENOENT);
    }
    assert_int_equal(stage_caller(&stage, 61009)->refusal_count, 2);
    reopen(true); /* what was counted is written when the daemon stops */
    stage_log_read(&stage, after, &log);
    assert_int_equal(refusals_all(&log), 70);
    assert_in_range(log.count, 4, 8); /* 4, or more if a minute went over */
    for (size_t i = 0; i < log.count; i++) {
        const struct log_entry *entry = &log.entries[i].entry;

        assert_int_equal(entry->uid, 61009);
        assert_int_equal(entry->outcome, LOG_GAP); /* also what was counted: it has no account */
        assert_string_equal(entry->purpose, "rent");
        assert_true(entry->what == LOG_LISTING ? entry->subject == 0 : entry->subject != 0);
        assert_string_equal(entry->name, entry->what == LOG_LISTING ? "rent" : "");
    }
    stage_log_clear(&log);
}

static void test_floods_are_counted_together(void **state)
{
    struct stage_log log = {NULL, 0};
    uint64_t after;

    (void)state;
    reopen(true);
    after = stage_log_size(&stage);
    for (unsigned i = 0; i < 3 * NOISE_REFUSALS_PER_MINUTE; i++) {
        char code[8];

        snprintf(code, sizeof code, "T%04u", 5000 + i);
        look_for(61009, "rent", code);
    }
    reopen(true);
    stage_log_read(&stage, after, &log);
    assert_int_equal(refusals_all(&log), 3 * NOISE_REFUSALS_PER_MINUTE);
    assert_true(refusals_counted(&log, "than are written one by one") > 0);
    assert_in_range(log.count, NOISE_REFUSALS_PER_MINUTE + 1, 2 * NOISE_REFUSALS_PER_MINUTE + 2);
    stage_log_clear(&log);
}

/* ---- what changed in between -------------------------------------------------------------------------------------- */

struct look {
    struct door_ask ask;
    uint32_t number;
    int leaf;
    struct door_found found;
    struct door_shown shown;
};

static void look_again(struct look *look)
{
    look->ask = stage_ask(&stage, 61005, "rent");
    look->number = stage_dossier(&stage, "T6001");
    look->leaf = (int)stage_field(&stage, "account");
    assert_int_equal(door_look_leaf(stage.gate, &look->ask, look->number, look->leaf, &look->found, &look->shown), 0);
}

/* Neither content, nor an entry, nor a `done`. */
static void expect_stale(struct look *look)
{
    uint64_t before = stage_log_size(&stage);
    struct stage_done done = {0};
    struct door_found found = look->found;

    assert_int_equal(
        door_open_leaf(stage.gate, &look->ask, look->number, look->leaf, &found, &look->shown, stage_done, &done),
        -ESTALE);
    assert_memory_equal(&found, &look->found, sizeof found);
    assert_int_equal(look->shown.count, 0);
    assert_int_equal(look->shown.text.length_bytes, 0);
    assert_int_equal(stage_log_size(&stage), before + 1); /* the flush's own */
    assert_int_equal(atomic_load(&done.calls), 0);
}

static void expect_account(const struct look *look, const char *value)
{
    assert_int_equal(look->shown.count, 1);
    assert_int_equal(look->shown.values[0].length_bytes, strlen(value));
    assert_memory_equal(look->shown.text.bytes, value, strlen(value));
}

static void test_stale(void **state)
{
    struct look look = {.shown = {.text = BUFFER_EMPTY}};
    struct stage_done done = {0};

    (void)state;
    stage_import_one(&stage, "tenant", "T6001", (struct stage_cell[]){{"account", "first"}, {NULL, NULL}});
    look_again(&look);
    expect_account(&look, "first");
    look.found.view ^= 1;
    expect_stale(&look);

    look_again(&look);
    stage_import_one(&stage, "tenant", "T6001", (struct stage_cell[]){{"account", "second"}, {NULL, NULL}});
    expect_stale(&look);
    look_again(&look);
    expect_account(&look, "second");
    assert_int_equal(
        door_open_leaf(stage.gate, &look.ask, look.number, look.leaf, &look.found, &look.shown, stage_done, &done),
        0);
    expect_account(&look, "second");
    stage_flush(&stage);
    assert_int_equal(atomic_load(&done.calls), 1);
    door_shown_clear(&look.shown);
}

/* Between the publication and the dispatcher's next tick, new content must not go under the old version's name: sizes and pages
 * in the kernel's cache belong to that. */
static void test_published_but_not_told(void **state)
{
    struct look look = {.shown = {.text = BUFFER_EMPTY}};
    struct stage_publisher publisher;
    struct gate_import *import;
    uint32_t version;

    (void)state;
    stage_import_one(&stage, "tenant", "T6001", (struct stage_cell[]){{"account", "third"}, {NULL, NULL}});
    look_again(&look);
    version = look.found.version;
    import = stage_import_begin(&stage, "tenant", "stage.csv", true);
    stage_row(&stage, import, "T6001", (struct stage_cell[]){{"account", "fourth"}, {NULL, NULL}}, NULL);
    stage_publish_start(&stage, &publisher, import);
    for (bool posted = false; !posted;) {
        struct pollfd wake = {.fd = door_wake_fd(stage.gate), .events = POLLIN};

        poll(&wake, 1, -1);
        pthread_mutex_lock(&stage.gate->changes_lock);
        posted = stage.gate->changed_count > 0;
        pthread_mutex_unlock(&stage.gate->changes_lock);
    }
    door_rest(stage.gate); /* the reader sees the new state; the table doesn't */
    expect_stale(&look);
    look_again(&look);
    expect_account(&look, "fourth");
    assert_int_equal(look.found.version, version + 1);
    assert_int_equal(stage_publish_finish(&stage, &publisher), 1); /* nodes of the old version are still told */
    door_shown_clear(&look.shown);
}

/* ---- the log can't be written, or has no room --------------------------------------------------------------------- */

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void await(const struct stage_done *done)
{
    while (atomic_load(&done->calls) == 0)
        poll(NULL, 0, 1);
}

static void test_log_not_writable(void **state)
{
    struct look look = {.shown = {.text = BUFFER_EMPTY}};
    struct stage_done failed = {0}, then = {0};

    (void)state;
    look_again(&look);
    stage_flush(&stage);
    signal(SIGXFSZ, SIG_IGN);
    set_file_limit(0);
    assert_int_equal(
        door_open_leaf(stage.gate, &look.ask, look.number, look.leaf, &look.found, &look.shown, stage_done, &failed),
        0);
    await(&failed);
    set_file_limit(RLIM_INFINITY);
    assert_int_equal(atomic_load(&failed.status), -EIO); /* so the content is not given out */
    assert_int_equal(
        door_open_leaf(stage.gate, &look.ask, look.number, look.leaf, &look.found, &look.shown, stage_done, &then),
        0);
    await(&then);
    assert_int_equal(atomic_load(&then.status), 0); /* it recovers by itself */
    stage_flush(&stage);
    assert_int_equal(atomic_load(&failed.calls), 1);
    door_shown_clear(&look.shown);
}

static void hold_log(void *context, int status)
{
    (void)status;
    while (sem_wait(context) < 0)
        ;
}

static void test_log_full(void **state)
{
    struct look look = {.shown = {.text = BUFFER_EMPTY}};
    uint32_t *numbers = NULL, count = 77;
    struct stage_done done = {0};
    struct field_set fields = {{77}};
    uint64_t purposes = 77;
    struct log_entry entry;
    sem_t released;

    (void)state;
    look_again(&look);
    sem_init(&released, 0, 0);
    gate_entry(stage.gate, LOG_MOUNT, LOG_DONE, &entry);
    assert_int_equal(log_append(stage.gate->log, &entry, hold_log, &released), 0);
    while (log_append(stage.gate->log, &entry, NULL, NULL) == 0)
        ;
    assert_int_equal(
        door_open_leaf(stage.gate, &look.ask, look.number, look.leaf, &look.found, &look.shown, stage_done, &done),
        -EIO);
    assert_int_equal(look.shown.count, 0);
    assert_int_equal(door_list_dossiers(stage.gate, &look.ask, &numbers, &count, stage_done, &done), -EIO);
    assert_int_equal(door_list_leaves(stage.gate, &look.ask, look.number, &fields, stage_done, &done), -EIO);
    assert_int_equal(door_list_purposes(stage.gate, &look.ask, &purposes, stage_done, &done), -EIO);
    assert_int_equal(door_open_own(stage.gate, &look.ask, stage_done, &done), -EIO);
    assert_null(numbers);
    assert_true(count == 77 && purposes == 77 && fields.bits[0] == 77);
    sem_post(&released);
    reopen(true); /* whatever waits is written, and calls its `done` */
    assert_int_equal(atomic_load(&done.calls), 0);
    door_shown_clear(&look.shown);
}

static void test_views_differ(void **state)
{
    static const char *const fields[] = {"surname", "account", "phones", "ended", NULL};
    uint32_t number = stage_dossier(&stage, find_person(0, fields, true)->code);
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct door_found plain, masked, other, again;
    struct door_ask ask = stage_ask(&stage, 61005, "rent");
    int account = (int)stage_field(&stage, "account");

    (void)state;
    assert_int_equal(door_look_leaf(stage.gate, &ask, number, account, &plain, &shown), 0);
    assert_int_equal(door_look_leaf(stage.gate, &ask, number, account, &again, &shown), 0);
    assert_int_equal(door_look_leaf(stage.gate, &ask, number, DOOR_WHOLE, &other, &shown), 0);
    ask = stage_ask(&stage, 61001, "rent");
    assert_int_equal(door_look_leaf(stage.gate, &ask, number, account, &masked, &shown), 0);
    assert_true(plain.view == again.view);
    assert_true(plain.view != masked.view && plain.view != other.view);
    door_shown_clear(&shown);
}

static void test_inodes(void **state)
{
    uint64_t one = door_inode(stage.gate, 0, 1, 2);

    (void)state;
    assert_true(one > 1);
    assert_true(one == door_inode(stage.gate, 0, 1, 2));
    assert_true(one != door_inode(stage.gate, 1, 1, 2));
    assert_true(one != door_inode(stage.gate, 0, 2, 2));
    assert_true(one != door_inode(stage.gate, 0, 1, 3));
    assert_string_equal(door_code(stage.gate, 1000000), "");
    assert_int_equal(door_version(stage.gate, 1000000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody_sees_what_is_decided),
        cmocka_unit_test(test_no_process),
        cmocka_unit_test(test_listing_of_purposes),
        cmocka_unit_test(test_entry_of_an_open),
        cmocka_unit_test(test_entries_of_listings),
        cmocka_unit_test(test_looks_once_a_minute),
        cmocka_unit_test(test_hidden_dossier_is_like_none),
        cmocka_unit_test(test_expired_dossier_is_like_none),
        cmocka_unit_test(test_expired_field_is_like_none),
        cmocka_unit_test(test_no_code_no_entry),
        cmocka_unit_test(test_repeated_refusals_are_counted),
        cmocka_unit_test(test_floods_are_counted_together),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_published_but_not_told),
        cmocka_unit_test(test_log_not_writable),
        cmocka_unit_test(test_log_full),
        cmocka_unit_test(test_views_differ),
        cmocka_unit_test(test_inodes),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
