/* Goal: a caller is who NSS and the policy say he is today, for as long as that holds; while NSS fails or hangs he is a gap, which
 * sees nothing, is logged as a gap, and is asked for again. */
#include "tests/unit/gate_stage.h"

#include <grp.h>
#include <pwd.h>
#include <semaphore.h>
#include <sys/prctl.h>

static const char the_policy[] =
    "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
    "[kind tenant]\ncode = T[0-9]{4}\n[kind seeker]\ncode = S[0-9]{4}\n"
    "[category person]\n[category contact]\n"
    "[field surname]\ncategory = person\ntype = surname\n[field born]\ncategory = person\ntype = date\n"
    "[field mail]\ncategory = contact\ntype = email\n"
    "[purpose rent]\nground = A\nkinds = tenant\nfields = person\n"
    "[purpose housing]\nground = A\nkinds = tenant, seeker\nfields = born, contact\n"
    "[role collecting]\nmembers = anna, @collectors\npurposes = rent\n"
    "[role letting]\nmembers = @letters, 70009\npurposes = housing\nfields = contact\n"
    "[role importers]\nmembers = 61008\ncommands = import, log.show\n"
    "[secrecy]\nbound = anna 2020-01-01, bob 2020-01-01, 70009 2020-01-01, shaky 2020-01-01, 61008 2020-01-01\n";

/* ---- an NSS of our own, instead of the C library's ---------------------------------------------------------------- */

enum {
    ANNA = 70001,
    BOB = 70002,
    LONG_NAME = 70003,
    MANY_GROUPS = 70004,
    NOBODY = 70009,
    FAILING = 70010,
    HANGING = 70011
};

static atomic_int failing_errno, asked;
static sem_t hung;

int getpwuid_r(uid_t uid, struct passwd *entry, char *scratch, size_t scratch_bytes, struct passwd **found)
{
    static const char *const names[] = {[ANNA - ANNA] = "anna", [BOB - ANNA] = "bob", [MANY_GROUPS - ANNA] = "many"};

    *found = NULL;
    atomic_fetch_add(&asked, 1);
    if (uid == HANGING)
        while (sem_wait(&hung) < 0)
            ;
    if (uid == FAILING && atomic_load(&failing_errno))
        return atomic_load(&failing_errno);
    memset(entry, 0, sizeof *entry);
    entry->pw_gid = uid + 1000;
    if (uid == LONG_NAME)
        snprintf(scratch, scratch_bytes, "%0*d", GATE_USER_MAX_BYTES, 1);
    else if (uid == FAILING || uid == HANGING)
        snprintf(scratch, scratch_bytes, "shaky");
    else if (uid >= ANNA && uid <= MANY_GROUPS)
        snprintf(scratch, scratch_bytes, "%s", names[uid - ANNA]);
    else
        return uid == NOBODY ? ENOENT : 0;
    entry->pw_name = scratch;
    *found = entry;
    return 0;
}

int getgrouplist(const char *user, gid_t gid, gid_t *groups, int *count)
{
    int room = *count;

    *count = strcmp(user, "many") == 0 ? 1000 : 2;
    for (int i = 0; i < *count && i < room; i++)
        groups[i] = i == 0 ? gid : strcmp(user, "bob") == 0 ? 80001 : 90000 + (gid_t)i;
    return *count > room ? -1 : *count;
}

int getgrgid_r(gid_t gid, struct group *entry, char *scratch, size_t scratch_bytes, struct group **found)
{
    memset(entry, 0, sizeof *entry);
    *found = NULL;
    if (gid == 80001)
        snprintf(scratch, scratch_bytes, "letters");
    else if (gid == ANNA + 1000 || gid > 90000)
        snprintf(scratch, scratch_bytes, gid > 90000 ? "g%u" : "own", (unsigned)gid);
    else
        return gid == BOB + 1000 ? ENOENT : 0;
    entry->gr_name = scratch;
    *found = entry;
    return 0;
}

/* ---- persons ------------------------------------------------------------------------------------------------------ */

static void test_persons(void **state)
{
    struct gate_person person = {.uid = 5};
    char name[16];

    (void)state;
    assert_int_equal(gate_person_look_up(ANNA, getpid(), &person), 0);
    assert_int_equal(person.uid, ANNA);
    assert_int_equal(person.pid, getpid());
    assert_int_equal(prctl(PR_GET_NAME, name), 0); /* under valgrind another than one thinks */
    assert_string_equal(person.program, name);
    assert_string_equal(person.user, "anna");
    assert_int_equal(person.group_count, 2);
    assert_string_equal(person.groups[0], "own");
    gate_person_clear(&person);
    gate_person_clear(&person); /* twice does nothing */
    assert_int_equal(gate_person_look_up(BOB, 0, &person), 0);
    assert_int_equal(person.group_count, 1); /* the other has no name */
    assert_string_equal(person.groups[0], "letters");
    assert_string_equal(person.program, "");
    gate_person_clear(&person);
    assert_int_equal(gate_person_look_up(NOBODY, -5, &person), 0);
    assert_string_equal(person.user, "");
    assert_int_equal(gate_person_look_up(LONG_NAME, 0, &person), 0); /* a name that can't be in a policy is none */
    assert_string_equal(person.user, "");
    assert_int_equal(person.group_count, 0);
    assert_int_equal(gate_person_look_up(MANY_GROUPS, 0, &person), 0);
    assert_in_range(person.group_count, 1, GATE_MAX_GROUPS);
    gate_person_clear(&person);
}

static void test_failing_is_a_gap(void **state)
{
    static const int errors[] = {EIO, ERANGE, EMFILE, ENOMEM};
    struct gate_person person = {.uid = 5};

    (void)state;
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        atomic_store(&failing_errno, errors[i]);
        assert_int_equal(gate_person_look_up(FAILING, 0, &person), -EAGAIN);
        assert_int_equal(person.uid, 5); /* untouched */
    }
    atomic_store(&failing_errno, 0);
}

/* ---- identities, with a clock of our own ----------------------------------------------------------------------------- */

static struct identity *identity;
static int wake_fd;

static int begin_identity(void **state)
{
    (void)state;
    sem_init(&hung, 0, 0);
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return identity_new(wake_fd, &identity);
}

static int end_identity(void **state)
{
    (void)state;
    identity_free(identity);
    identity_free(NULL);
    close(wake_fd);
    return 0;
}

static enum identity_state state_of(uint32_t uid, int64_t now_ms)
{
    const struct gate_person *person;
    uint64_t generation;

    return identity_get(identity, uid, now_ms, &person, &generation);
}

/* Waits for one answer to have come in. */
static void await_answer(void)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN};
    eventfd_t count;

    assert_int_equal(poll(&wake, 1, 10000), 1);
    eventfd_read(wake_fd, &count);
}

static void test_answers_are_kept(void **state)
{
    const int64_t keep_ms = DOOR_IDENTITY_S * 1000;
    const struct gate_person *person = NULL;
    uint64_t first = 0, second = 0;
    int before = atomic_load(&asked);

    (void)state;
    assert_int_equal(state_of(ANNA, 0), IDENTITY_ASKING);
    await_answer();
    assert_int_equal(identity_get(identity, ANNA, 10, &person, &first), IDENTITY_KNOWN);
    assert_string_equal(person->user, "anna");
    assert_int_equal(identity_get(identity, ANNA, 20, &person, &second), IDENTITY_KNOWN);
    assert_true(first == second);
    assert_int_equal(atomic_load(&asked), before + 1);
    /* It is asked again before it is too old, and holds until then. */
    assert_int_equal(identity_get(identity, ANNA, keep_ms - 1000, &person, &second), IDENTITY_KNOWN);
    await_answer();
    assert_int_equal(identity_get(identity, ANNA, keep_ms - 900, &person, &second), IDENTITY_KNOWN);
    assert_true(second > first);
    assert_int_equal(atomic_load(&asked), before + 2);
    /* Nobody came for a long time. */
    assert_int_equal(state_of(ANNA, 10 * keep_ms), IDENTITY_ASKING);
    await_answer();
    assert_int_equal(state_of(ANNA, 10 * keep_ms + 1), IDENTITY_KNOWN);
    identity_forget(identity);
    assert_int_equal(state_of(ANNA, 10 * keep_ms + 2), IDENTITY_ASKING);
    await_answer();
    assert_int_equal(state_of(ANNA, 10 * keep_ms + 3), IDENTITY_KNOWN);
}

static void test_a_failure_is_kept_for_a_second(void **state)
{
    int before = atomic_load(&asked);

    (void)state;
    atomic_store(&failing_errno, EIO);
    assert_int_equal(state_of(FAILING, 1000), IDENTITY_ASKING);
    await_answer();
    assert_int_equal(state_of(FAILING, 1001), IDENTITY_GAP);
    assert_int_equal(state_of(FAILING, 1999), IDENTITY_GAP);
    assert_int_equal(atomic_load(&asked), before + 1);
    atomic_store(&failing_errno, 0);
    assert_int_equal(state_of(FAILING, 2002), IDENTITY_ASKING);
    await_answer();
    assert_int_equal(state_of(FAILING, 2003), IDENTITY_KNOWN);
    /* A refresh that fails takes the right away: who this is isn't known any more. */
    atomic_store(&failing_errno, EIO);
    assert_int_equal(state_of(FAILING, 50000), IDENTITY_KNOWN);
    await_answer();
    assert_int_equal(state_of(FAILING, 50001), IDENTITY_GAP);
    atomic_store(&failing_errno, 0);
}

static void test_a_hanging_server(void **state)
{
    (void)state;
    assert_int_equal(state_of(HANGING, 100000), IDENTITY_ASKING);
    assert_int_equal(state_of(HANGING, 100000 + DOOR_IDENTITY_WAIT_MS - 1), IDENTITY_ASKING);
    assert_int_equal(state_of(HANGING, 100000 + DOOR_IDENTITY_WAIT_MS), IDENTITY_GAP);
    assert_int_equal(state_of(BOB, 103000), IDENTITY_ASKING); /* waits behind it */
    assert_int_equal(state_of(BOB, 103000 + DOOR_IDENTITY_WAIT_MS), IDENTITY_GAP);
    sem_post(&hung);
    await_answer();
    while (state_of(BOB, 105001) != IDENTITY_KNOWN)
        await_answer();
    assert_int_equal(state_of(HANGING, 105002), IDENTITY_KNOWN);
}

/* ---- callers, through the door --------------------------------------------------------------------------------------- */

static struct stage stage;

static int begin(void **state)
{
    struct gate_import *import;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage, the_policy, false);
    import = stage_import_begin(&stage, "tenant", "stage.csv", false);
    stage_row(
        &stage, import, "T0001",
        (struct stage_cell[]){{"surname", "Anders"}, {"born", "1980-01-01"}, {"mail", "a@example.org"}, {NULL, NULL}},
        NULL);
    stage_publish(import);
    stage_open(&stage, the_policy, true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

static void test_standing(void **state)
{
    static const struct {
        uint32_t uid;
        uint64_t roles;
        bool bound;
        const char *user;
    } rows[] = {{ANNA, 1, true, "anna"},    {BOB, 2, true, "bob"},     {NOBODY, 2, true, ""}, {0, 0, false, ""},
                {UINT32_MAX, 0, false, ""}, {LONG_NAME, 0, false, ""}, {61008, 4, true, ""}};

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct door_caller *caller = stage_caller(&stage, rows[i].uid);
        struct door_self self;

        assert_false(caller->gap);
        door_self(stage.gate, caller, &self);
        assert_int_equal(self.uid, rows[i].uid);
        assert_string_equal(self.user, rows[i].user);
        assert_true(self.standing.roles == rows[i].roles);
        assert_int_equal(self.standing.bound, rows[i].bound);
        assert_false(self.gap);
    }
}

static void test_candidates_are_decisions(void **state)
{
    static const uint32_t uids[] = {ANNA, BOB, NOBODY, 0};
    const struct policy *policy = gate_policy(stage.gate);
    unsigned shown = 0;

    (void)state;
    for (unsigned u = 0; u < 4; u++)
        for (unsigned p = 0; p < policy->purpose_count; p++)
            for (unsigned k = 0; k < policy->kind_count; k++) {
                struct door_caller *caller = callers_get(stage.gate->callers, uids[u]);
                const struct field_set *set = callers_candidates(stage.gate->callers, caller, (int)p, k);

                for (unsigned f = 0; f < policy->field_count; f++) {
                    struct decide_facts facts = {.kind = (int)k,
                                                 .present = true,
                                                 .ends_s = TERMS_NEVER,
                                                 .dossier = &decide_favourable,
                                                 .own = true};
                    bool shows =
                        decide(policy, &caller->standing, (int)p, (int)f, &facts, 0).verdict != VERDICT_HIDDEN;

                    assert_int_equal(field_set_has(set, f), shows);
                    shown += shows;
                }
            }
    assert_in_range(shown, 3, 20);
}

/* What was computed yesterday does not count today. */
static void test_a_new_day(void **state)
{
    struct door_caller *caller = (struct door_caller *)stage_caller(&stage, ANNA);
    struct field_set *before;

    (void)state;
    callers_candidates(stage.gate->callers, caller, 0, 0);
    before = caller->candidates[0];
    assert_non_null(before);
    assert_ptr_equal(callers_get(stage.gate->callers, ANNA), caller);
    assert_ptr_equal(caller->candidates[0], before);
    caller->day--;
    caller->standing.roles = 2;
    callers_get(stage.gate->callers, ANNA);
    assert_true(caller->standing.roles == 1);
    assert_null(caller->candidates[0]);
    assert_int_equal(caller->day, stage_today());
}

static void test_refusals_are_a_ring(void **state)
{
    struct door_caller *caller = (struct door_caller *)stage_caller(&stage, BOB);

    (void)state;
    caller->refusal_count = 0;
    for (int i = 0; i < DOOR_REFUSALS_KEPT + 3; i++) {
        const struct door_refusal refusal = {.time_ms = i};

        callers_refused(caller, &refusal);
    }
    assert_int_equal(caller->refusal_count, DOOR_REFUSALS_KEPT);
    for (int i = 0; i < DOOR_REFUSALS_KEPT; i++)
        assert_int_equal(caller->refusals[i].time_ms, i + 3);
    caller->refusal_count = 0;
}

/* A gap is no denial: -EIO everywhere, and an entry that says so. */
static void test_a_gap_at_the_door(void **state)
{
    struct stage_log log = {NULL, 0};
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct stage_done done = {0};
    struct door_found found = {.version = 1};
    struct field_set fields;
    uint32_t *numbers, count, number = stage_dossier(&stage, "T0001");
    uint64_t purposes, after = stage_log_size(&stage);
    struct door_ask ask;

    (void)state;
    atomic_store(&failing_errno, EIO);
    ask = stage_ask(&stage, FAILING, "rent");
    assert_true(ask.caller->gap);
    assert_int_equal(door_look_dossier(stage.gate, &ask, "T0001", 5, &found), -EIO);
    assert_int_equal(door_look_dossier(stage.gate, &ask, "T0002", 5, &found), -EIO);
    assert_int_equal(door_look_leaf(stage.gate, &ask, number, 0, &found, &shown), -EIO);
    assert_int_equal(door_open_leaf(stage.gate, &ask, number, 0, &found, &shown, stage_done, &done), -EIO);
    assert_int_equal(door_list_leaves(stage.gate, &ask, number, &fields, stage_done, &done), -EIO);
    assert_int_equal(door_list_dossiers(stage.gate, &ask, &numbers, &count, stage_done, &done), -EIO);
    assert_int_equal(door_list_purposes(stage.gate, &ask, &purposes, stage_done, &done), -EIO);
    assert_false(door_sees(stage.gate, &ask, number));
    stage_log_read(&stage, after, &log);
    assert_int_equal(atomic_load(&done.calls), 0);
    assert_true(log.count >= 4);
    for (size_t i = 0; i < log.count; i++) {
        assert_int_equal(log.entries[i].entry.outcome, LOG_GAP);
        assert_string_equal(log.entries[i].entry.rule, "identity");
        assert_int_equal(log.entries[i].entry.uid, FAILING);
    }
    atomic_store(&failing_errno, 0);
    stage_log_clear(&log);
}

/* Whoever can act as ever new uids fills no memory. */
static void test_callers_are_trimmed(void **state)
{
    (void)state;
    for (uint32_t uid = 1000000; uid < 1005000; uid++)
        stage_caller(&stage, uid);
    assert_non_null(stage_caller(&stage, ANNA));
    door_tick(stage.gate, stage_changed, NULL);
    assert_true(stage_caller(&stage, ANNA)->standing.roles == 1);
}

static int begin_both(void **state)
{
    return begin_identity(state) || begin(state);
}

static int end_both(void **state)
{
    return end(state) | end_identity(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_persons),
        cmocka_unit_test(test_failing_is_a_gap),
        cmocka_unit_test(test_answers_are_kept),
        cmocka_unit_test(test_a_failure_is_kept_for_a_second),
        cmocka_unit_test(test_a_hanging_server),
        cmocka_unit_test(test_standing),
        cmocka_unit_test(test_candidates_are_decisions),
        cmocka_unit_test(test_a_new_day),
        cmocka_unit_test(test_refusals_are_a_ring),
        cmocka_unit_test(test_a_gap_at_the_door),
        cmocka_unit_test(test_callers_are_trimmed),
    };

    return cmocka_run_group_tests(tests, begin_both, end_both);
}
