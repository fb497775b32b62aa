/* Goal: the table of dossiers says what a naive list says, after any number of additions and replacements. */
#include "tests/unit/gate_stage.h"

enum { STEPS = 20000, CATEGORIES = 4, FIELDS = 8, CODE_BYTES = 24 };

static const char the_policy[] =
    "[policy]\norganisation = Stage\ntimezone = Europe/Amsterdam\n"
    "[kind tenant]\ncode = T[0-9]+\n[kind seeker]\ncode = S[0-9]+\n"
    "[category short]\nretention = 10d after capture\n"
    "[category long]\nretention = 1000y after d0\nretention.seeker = 0d after d1\n"
    "[category mixed]\nretention = earliest(1w after capture, 1w after d1)\n"
    "[category kept]\n"
    "[field a]\ncategory = short\ntype = text\n[field b]\ncategory = long\ntype = text\n"
    "[field c]\ncategory = kept\ntype = text\n[field d0]\ncategory = kept\ntype = date\n"
    "[field d1]\ncategory = mixed\ntype = date\n[field e]\ncategory = mixed\ntype = text\n"
    "[field f]\ncategory = short\ntype = text\n[field g]\ncategory = long\ntype = text\n"
    "[purpose rent]\nground = A\nkinds = tenant, seeker\nfields = short, long, mixed, kept\n"
    "[role all]\nmembers = 61001\npurposes = rent\n[secrecy]\nbound = 61001 2020-01-01\n";

static struct policy *policy;
static struct dossiers *dossiers;
/* The store's numbers: others than the indexes. */
static struct dossiers_numbers numbers;

static uint64_t random_state = 11;

static unsigned draw(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

static int begin(void **state)
{
    (void)state;
    clock_set_zone("Europe/Amsterdam", NULL);
    policy = stage_policy(the_policy);
    for (unsigned i = 0; i < policy->kind_count; i++)
        numbers.kinds[i] = 7 - i;
    for (unsigned i = 0; i < policy->category_count; i++)
        numbers.categories[i] = 30 - i;
    for (unsigned i = 0; i < policy->field_count; i++)
        numbers.fields[i] = 100 + 3 * i;
    return dossiers_new(policy, &dossiers);
}

static int end(void **state)
{
    (void)state;
    dossiers_free(dossiers);
    dossiers_free(NULL);
    policy_free(policy);
    return 0;
}

/* ---- the naive list ---- */

struct naive {
    struct store_subject subject;
    bool present[FIELDS];
    int64_t ends_s[CATEGORIES];
};

static int32_t draw_day(void)
{
    static const int32_t days[] = {-800000, -3650, 0,     19000, 20560, 20600,
                                   40000,   49709, 49710, 49711, 60000, 2000000};

    return days[draw(sizeof days / sizeof days[0])];
}

static bool date_of(const struct naive *naive, unsigned field, int32_t *day)
{
    for (unsigned i = 0; i < naive->subject.date_count; i++)
        if (naive->subject.dates[i].field == numbers.fields[field]) {
            *day = naive->subject.dates[i].day;
            return true;
        }
    return false;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What the policy says, by hand. Before 1970 is as gone as 1970, after the 32 bits as good as never. */
static void set_ends(struct naive *naive)
{
    int64_t captured_s[CATEGORIES] = {0};
    bool has[CATEGORIES] = {false};
    int32_t day;

    for (unsigned i = 0; i < naive->subject.category_count; i++)
        captured_s[30 - naive->subject.categories[i].category] = naive->subject.categories[i].captured_s;
    for (unsigned f = 0; f < FIELDS; f++)
        has[policy->fields[f].category] |= naive->present[f];
    for (unsigned c = 0; c < CATEGORIES; c++)
        naive->ends_s[c] = TERMS_NEVER;
    naive->ends_s[0] = captured_s[0] + 10 * 86400;
    if (naive->subject.kind == numbers.kinds[1] && date_of(naive, 4, &day))
        naive->ends_s[1] = clock_first_second(day + 1);
    if (naive->subject.kind == numbers.kinds[0] && date_of(naive, 3, &day))
        naive->ends_s[1] = day < -700000 ? 0 : TERMS_NEVER; /* a thousand years */
    naive->ends_s[2] = captured_s[2] + 7 * 86400;
    if (date_of(naive, 4, &day))
        naive->ends_s[2] = earlier(naive->ends_s[2], clock_first_second(day + 8));
    for (unsigned c = 0; c < CATEGORIES; c++) {
        if (!has[c] || naive->ends_s[c] >= UINT32_MAX)
            naive->ends_s[c] = TERMS_NEVER;
        if (naive->ends_s[c] < 0)
            naive->ends_s[c] = 0;
    }
}

static void fill(struct naive *naive)
{
    struct store_subject *subject = &naive->subject;
    bool has[CATEGORIES] = {false};

    subject->field_count = subject->date_count = subject->category_count = 0;
    for (unsigned f = 0; f < FIELDS; f++) {
        naive->present[f] = draw(3) > 0;
        if (!naive->present[f])
            continue;
        has[policy->fields[f].category] = true;
        subject->fields[subject->field_count++] = numbers.fields[f];
        if (policy->fields[f].type.code == TYPE_DATE)
            subject->dates[subject->date_count++] = (struct store_date){numbers.fields[f], draw_day()};
    }
    for (unsigned c = 0; c < CATEGORIES; c++)
        if (has[c])
            subject->categories[subject->category_count++] =
                (struct store_start){numbers.categories[c], draw(4) ? 1700000000 + (int64_t)draw(1000) : 4294967295};
    set_ends(naive);
}

static void expect_same(const struct naive *naive, uint32_t number)
{
    struct dossier dossier = dossiers_get(dossiers, number);

    assert_int_equal(dossier.number, number);
    assert_int_equal(dossier.subject, naive->subject.id);
    assert_int_equal(dossier.version, naive->subject.version);
    assert_true(dossier.pseudonym == naive->subject.pseudonym);
    assert_int_equal(numbers.kinds[dossier.kind], naive->subject.kind);
    assert_string_equal(dossier.code, naive->subject.code);
    for (unsigned f = 0; f < FIELDS; f++)
        assert_int_equal(field_set_has(dossier.present, f), naive->present[f]);
    for (unsigned c = 0; c < CATEGORIES; c++)
        assert_true(dossiers_ends_s(dossiers, number, c) == naive->ends_s[c]);
    assert_int_equal(dossiers_find(dossiers, naive->subject.code, naive->subject.code_bytes), number);
    assert_int_equal(dossiers_find_subject(dossiers, naive->subject.id), number);
}

static void set_code(struct store_subject *subject, const char *code)
{
    subject->code_bytes = (uint8_t)strlen(code);
    snprintf(subject->code, sizeof subject->code, "%s", code);
}

static void test_like_a_list(void **state)
{
    struct naive *list = calloc(STEPS, sizeof *list);
    uint32_t count = 0, id = 5;
    char code[CODE_BYTES];

    (void)state;
    assert_non_null(list);
    for (unsigned i = 0; i < STEPS; i++) {
        struct naive *naive = count > 10 && draw(3) == 0 ? &list[draw(count)] : &list[count];

        if (naive == &list[count]) {
            naive->subject.id = id += 1 + draw(3);
            naive->subject.pseudonym = (uint64_t)draw(1 << 30) << 32 | i;
            naive->subject.kind = numbers.kinds[draw(2)];
            /* Codes that share long beginnings, and nearly all their bytes. */
            snprintf(code, sizeof code, "%c%018u", naive->subject.kind == 7 ? 'T' : 'S', count * 64);
            set_code(&naive->subject, code);
            count++;
        }
        naive->subject.version++;
        fill(naive);
        assert_int_equal(dossiers_put(dossiers, &numbers, &naive->subject), 0);
        expect_same(naive, (uint32_t)(naive - list));
    }
    assert_int_equal(dossiers_count(dossiers), count);
    for (uint32_t i = 0; i < count; i++)
        expect_same(&list[i], i);
    assert_int_equal(dossiers_find(dossiers, "T1", 2), DOSSIERS_NONE);
    assert_int_equal(dossiers_find(dossiers, "", 0), DOSSIERS_NONE);
    assert_int_equal(dossiers_find(dossiers, list[0].subject.code, list[0].subject.code_bytes - 1u), DOSSIERS_NONE);
    assert_int_equal(dossiers_find(dossiers, list[0].subject.code, list[0].subject.code_bytes + 1u), DOSSIERS_NONE);
    assert_int_equal(dossiers_find_subject(dossiers, 1), DOSSIERS_NONE);
    assert_int_equal(dossiers_find_subject(dossiers, UINT32_MAX), DOSSIERS_NONE);
    free(list);
}

/* What is refused changes nothing. */
static void test_refused(void **state)
{
    uint32_t count = dossiers_count(dossiers);
    struct naive naive = {.subject = {.id = 10000000, .version = 1, .pseudonym = 1, .kind = 99}};

    (void)state;
    set_code(&naive.subject, "T77");
    assert_int_equal(dossiers_put(dossiers, &numbers, &naive.subject), -EINVAL); /* no such kind */
    naive.subject.kind = 0;
    assert_int_equal(dossiers_put(dossiers, &numbers, &naive.subject),
                     -EINVAL); /* what a name without a number has */
    naive.subject.kind = numbers.kinds[0];
    naive.subject.fields[naive.subject.field_count++] = 101;
    assert_int_equal(dossiers_put(dossiers, &numbers, &naive.subject), -EINVAL); /* no such field */
    naive.subject.field_count = 0;
    naive.subject.id = 6; /* between two that are there, or before all */
    assert_int_equal(dossiers_find_subject(dossiers, 6) == DOSSIERS_NONE
                         ? dossiers_put(dossiers, &numbers, &naive.subject)
                         : -ERANGE,
                     -ERANGE);
    naive.subject.id = 1;
    assert_int_equal(dossiers_put(dossiers, &numbers, &naive.subject), -ERANGE);
    assert_int_equal(dossiers_count(dossiers), count);
    assert_int_equal(dossiers_find(dossiers, "T77", 3), DOSSIERS_NONE);
    naive.subject.id = 10000000;
    set_ends(&naive);
    assert_int_equal(dossiers_put(dossiers, &numbers, &naive.subject), 0);
    expect_same(&naive, count);
}

/* A code may have 64 bytes. */
static void test_longest_code(void **state)
{
    struct naive naive = {.subject = {.id = 20000000, .version = 1, .pseudonym = 2, .kind = numbers.kinds[1]}};
    char code[STORE_CODE_MAX_BYTES + 1];

    (void)state;
    memset(code, '9', sizeof code);
    code[0] = 'S';
    code[STORE_CODE_MAX_BYTES] = '\0';
    set_code(&naive.subject, code);
    set_ends(&naive);
    assert_int_equal(dossiers_put(dossiers, &numbers, &naive.subject), 0);
    expect_same(&naive, dossiers_count(dossiers) - 1);
}

/* Others read while the owner adds: what they find is whole. Meant for the thread sanitizer too. */
static atomic_bool adding;

static void *read_along(void *context)
{
    unsigned *reads = context;

    while (atomic_load(&adding)) {
        uint32_t count;

        dossiers_read_begin(dossiers);
        count = dossiers_count(dossiers);
        if (count > 0) {
            struct dossier dossier = dossiers_get(dossiers, count - 1);

            *reads += dossiers_find(dossiers, dossier.code, strlen(dossier.code)) != count - 1;
        }
        dossiers_read_end(dossiers);
        sched_yield();
    }
    return NULL;
}

static void test_readers(void **state)
{
    struct naive naive = {.subject = {.id = 30000000, .version = 1, .kind = numbers.kinds[0]}};
    unsigned wrong = 0;
    pthread_t thread;
    char code[CODE_BYTES];

    (void)state;
    atomic_store(&adding, true);
    assert_int_equal(pthread_create(&thread, NULL, read_along, &wrong), 0);
    for (unsigned i = 0; i < 5000; i++) {
        naive.subject.id++;
        snprintf(code, sizeof code, "T8%u", i);
        set_code(&naive.subject, code);
        dossiers_write_begin(dossiers);
        assert_int_equal(dossiers_put(dossiers, &numbers, &naive.subject), 0);
        dossiers_write_end(dossiers);
    }
    atomic_store(&adding, false);
    pthread_join(thread, NULL);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_a_list),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_longest_code),
        cmocka_unit_test(test_readers),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
