/* Goal: what is counted instead of written is never lost, never written twice, never charged to another, and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <string.h>

#include "fs/gate/noise.h"

enum { KEYS = 64, UIDS = 2048 };
static const int64_t noon_s = 1800000000 - 1800000000 % 60;

static uint64_t random_state = 3;

static unsigned draw(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

/* What was handed on. */
struct heard {
    unsigned calls;
    uint64_t by_key[KEYS]; /* by leaf */
    uint64_t beyond[UIDS]; /* by uid */
    uint64_t crowd;
};

static void hear(void *context, const struct noise_key *key, uint32_t count)
{
    struct heard *heard = context;

    assert_true(key->refusal);
    assert_true(count > 0);
    heard->calls++;
    if (key->leaf == INT_MIN) {
        assert_int_equal(key->subject, 0);
        assert_int_equal(key->purpose, -1);
        if (key->uid == NOISE_CROWD)
            heard->crowd += count;
        else
            heard->beyond[key->uid % UIDS] += count;
    } else {
        heard->by_key[key->leaf] += count;
    }
}

static struct noise_key key_of(unsigned n, bool refusal)
{
    return (struct noise_key){n % 3, (int32_t)(n % 2), 1000 + n % 5, (int32_t)n, refusal};
}

static void test_looks_once_a_minute(void **state)
{
    struct noise_key look = key_of(1, false), other = look;
    struct heard heard = {0};
    struct noise *noise;

    (void)state;
    assert_int_equal(noise_new(&noise), 0);
    assert_true(noise_first(noise, &look, noon_s));
    assert_false(noise_first(noise, &look, noon_s));
    assert_false(noise_first(noise, &look, noon_s + 59));
    assert_true(noise_first(noise, &look, noon_s + 60));
    other.uid++;
    assert_true(noise_first(noise, &other, noon_s + 60));
    other = look;
    other.purpose++;
    assert_true(noise_first(noise, &other, noon_s + 60));
    other = look;
    other.subject++;
    assert_true(noise_first(noise, &other, noon_s + 60));
    other = look;
    other.refusal = true;
    assert_true(noise_first(noise, &other, noon_s + 60));
    noise_flush(noise, noon_s + 600, true, hear, &heard);
    assert_int_equal(heard.calls, 0); /* looks leave no counts */
    noise_free(noise);
    noise_free(NULL);
}

/* Firsts and counts together are all there were, whatever the clock does in between. */
static void test_nothing_is_lost(void **state)
{
    uint64_t asked[KEYS] = {0}, firsts[KEYS] = {0};
    struct heard heard = {0};
    int64_t now_s = noon_s;
    struct noise *noise;

    (void)state;
    assert_int_equal(noise_new(&noise), 0);
    for (unsigned i = 0; i < 100000; i++) {
        unsigned n = draw(KEYS);
        struct noise_key key = key_of(n, true);

        now_s += draw(50) == 0;
        now_s -= draw(5000) == 0 ? 90 : 0; /* somebody sets the clock back */
        asked[n]++;
        firsts[n] += noise_first(noise, &key, now_s);
        if (draw(100) == 0)
            noise_flush(noise, now_s, false, hear, &heard);
    }
    noise_flush(noise, now_s, true, hear, &heard);
    for (unsigned n = 0; n < KEYS; n++) {
        assert_true(firsts[n] > 10 && firsts[n] < asked[n]);
        assert_int_equal(firsts[n] + heard.by_key[n], asked[n]);
    }
    noise_flush(noise, now_s + 60, true, hear, &heard);
    assert_int_equal(firsts[0] + heard.by_key[0], asked[0]); /* and forgotten then */
    noise_free(noise);
}

/* In a busy second the next minute's refusals come before the tick. */
static void test_flush_after_the_minute_began(void **state)
{
    struct noise_key key = key_of(1, true), other = key_of(2, true);
    struct heard heard = {0};
    struct noise *noise;

    (void)state;
    assert_int_equal(noise_new(&noise), 0);
    noise_flush(noise, noon_s, false, hear, &heard);
    for (unsigned i = 0; i < 5; i++)
        noise_first(noise, &key, noon_s + 30);
    noise_flush(noise, noon_s + 59, false, hear, &heard);
    assert_int_equal(heard.calls, 0); /* its minute isn't over */
    assert_true(noise_first(noise, &other, noon_s + 60));
    noise_flush(noise, noon_s + 60, false, hear, &heard);
    assert_int_equal(heard.calls, 1);
    assert_int_equal(heard.by_key[1], 4);
    noise_flush(noise, noon_s + 61, false, hear, &heard);
    noise_flush(noise, noon_s + 120, false, hear, &heard);
    assert_int_equal(heard.calls, 1);
    noise_free(noise);
}

static void test_floods_are_bounded(void **state)
{
    struct noise_key key = {.uid = 7, .refusal = true}, neighbour = {.uid = 7 + 512, .refusal = true, .subject = 1};
    unsigned written = 0, total = 100000;
    struct heard heard = {0};
    struct noise *noise;

    (void)state;
    assert_int_equal(noise_new(&noise), 0);
    for (key.subject = 1; key.subject <= total; key.subject++)
        written += noise_first(noise, &key, noon_s);
    assert_int_equal(written, NOISE_REFUSALS_PER_MINUTE);
    assert_true(noise_first(noise, &neighbour, noon_s)); /* another's flood silences nobody */
    noise_flush(noise, noon_s + 60, false, hear, &heard);
    assert_int_equal(heard.calls, 1);
    assert_int_equal(heard.beyond[7], total - NOISE_REFUSALS_PER_MINUTE);
    key.subject = 1;
    assert_true(noise_first(noise, &key, noon_s + 61)); /* a new minute, a new allowance */
    noise_free(noise);
}

/* Many uids, each with a flood: every refusal is written or counted, and nobody else's uid stands on it. */
static void test_many_uids(void **state)
{
    enum { PER_UID = 700 };
    uint64_t written = 0, beyond = 0;
    struct heard heard = {0};
    struct noise *noise;

    (void)state;
    assert_int_equal(noise_new(&noise), 0);
    for (uint32_t uid = 0; uid < UIDS; uid++)
        for (unsigned i = 0; i < PER_UID; i++) {
            struct noise_key key = {.uid = uid, .refusal = true, .subject = (uint64_t)uid << 32 | i};

            written += noise_first(noise, &key, noon_s);
        }
    noise_flush(noise, noon_s, true, hear, &heard);
    for (uint32_t uid = 0; uid < UIDS; uid++) {
        beyond += heard.beyond[uid];
        assert_true(heard.beyond[uid] == 0 || heard.beyond[uid] == PER_UID - NOISE_REFUSALS_PER_MINUTE);
    }
    assert_true(heard.crowd > 0);
    assert_int_equal(written + beyond + heard.crowd, (uint64_t)UIDS * PER_UID);
    assert_true(written <= (uint64_t)513 * NOISE_REFUSALS_PER_MINUTE);
    noise_free(noise);
}

/* An entry that could not be written makes the next one the first again; what was counted already stays counted. */
static void test_taken_back(void **state)
{
    struct noise_key look = key_of(1, false), refusal = key_of(2, true);
    struct heard heard = {0};
    struct noise *noise;

    (void)state;
    assert_int_equal(noise_new(&noise), 0);
    noise_take_back(noise, &look); /* nothing is there yet */
    assert_true(noise_first(noise, &look, noon_s));
    noise_take_back(noise, &look);
    assert_true(noise_first(noise, &look, noon_s));
    assert_false(noise_first(noise, &look, noon_s));
    assert_true(noise_first(noise, &refusal, noon_s));
    assert_false(noise_first(noise, &refusal, noon_s));
    noise_take_back(noise, &refusal);
    noise_flush(noise, noon_s, true, hear, &heard);
    assert_int_equal(heard.by_key[2], 1);
    noise_free(noise);
}

/* What anybody may do shares the bound with refusals. */
static void test_within(void **state)
{
    struct noise_key refusal = {.uid = 7, .refusal = true};
    struct heard heard = {0};
    struct noise *noise;
    unsigned within = 0;

    (void)state;
    assert_int_equal(noise_new(&noise), 0);
    for (unsigned i = 0; i < 1000; i++)
        within += noise_within(noise, 7, noon_s);
    assert_int_equal(within, NOISE_REFUSALS_PER_MINUTE);
    assert_false(noise_first(noise, &refusal, noon_s));
    assert_true(noise_within(noise, 8, noon_s));
    noise_flush(noise, noon_s + 60, false, hear, &heard);
    assert_int_equal(heard.beyond[7], 1001 - NOISE_REFUSALS_PER_MINUTE);
    assert_true(noise_within(noise, 7, noon_s + 60));
    noise_free(noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looks_once_a_minute),
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_flush_after_the_minute_began),
        cmocka_unit_test(test_floods_are_bounded),
        cmocka_unit_test(test_many_uids),
        cmocka_unit_test(test_taken_back),
        cmocka_unit_test(test_within),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
