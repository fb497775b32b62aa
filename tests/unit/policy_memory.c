/* Goal: when memory runs out at any allocation, loading a policy says so: no half policy, no made-up fault, no leak.
 *
 * The allocator of the C library is wrapped here, so that any allocation can be made to fail. Sanitizers bring an
 * allocator of their own, and valgrind puts its own in front; there this test is skipped. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/base/file.h"
#include "policy/policy.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define OWN_ALLOCATOR 0
#else
#define OWN_ALLOCATOR 1
#endif
#else
#define OWN_ALLOCATOR 1
#endif

/* Volatile, since a compiler takes for granted that malloc() touches no variable of the program. */
static volatile long until_failure = -1; /* allocations that still succeed; -1: all do */
static volatile long alive;              /* allocations that were not given back */

#if OWN_ALLOCATOR
void *__libc_malloc(size_t length_bytes);
void *__libc_calloc(size_t count, size_t each_bytes);
void *__libc_realloc(void *place, size_t length_bytes);
void __libc_free(void *place);

static bool fails(void)
{
    if (until_failure < 0)
        return false;
    until_failure--;
    return until_failure < 0;
}

void *malloc(size_t length_bytes)
{
    if (fails())
        return NULL;
    alive = alive + 1;
    return __libc_malloc(length_bytes);
}

void *calloc(size_t count, size_t each_bytes)
{
    if (fails())
        return NULL;
    alive = alive + 1;
    return __libc_calloc(count, each_bytes);
}

void *realloc(void *place, size_t length_bytes)
{
    if (fails())
        return NULL;
    alive = alive + (place == NULL);
    return __libc_realloc(place, length_bytes);
}

void free(void *place)
{
    alive = alive - (place != NULL);
    __libc_free(place);
}
#endif

/* Loads with the n-th allocation failing; true if all allocations succeeded. */
static bool load_with_failure(const struct buffer *text, long n, int expected)
{
    struct policy_faults faults = {0};
    struct policy *policy = NULL;
    long before = alive;
    bool whole;
    int error;

    until_failure = n;
    error = policy_load("memory.ini", (const char *)text->bytes, text->length_bytes, &policy, &faults);
    whole = until_failure >= 0;
    until_failure = -1;
    /* A failure that a library made up for (utf8proc keeps a larger block) may end well, but only as expected. */
    if (error != -ENOMEM || whole)
        assert_int_equal(error, expected);
    assert_true((policy != NULL) == (error == 0));
    assert_true((faults.count > 0) == (error == -EINVAL));
    policy_free(policy);
    policy_faults_clear(&faults);
    assert_int_equal(alive, before);
    return whole;
}

/* Calls by address: written out in place, the wrapper would be seen even where valgrind stands in front of it. */
static bool is_wrapped(void)
{
    void *(*volatile take)(size_t) = malloc;
    void (*volatile give_back)(void *) = free;
    long before = alive;
    void *place = take(1);
    bool wrapped = alive == before + 1;

    give_back(place);
    return wrapped;
}

/* Each allocation in turn, or each `step`th of a policy so large that all of them would take long. */
static void fail_each(const char *path, int expected, long step)
{
    struct buffer text = BUFFER_EMPTY;
    long n = 0;

    if (!is_wrapped()) {
        print_message("skipped: the allocator is a sanitizer's or valgrind's\n");
        skip();
    }
    assert_int_equal(file_read_path(path, POLICY_TEXT_MAX_BYTES, &text), 0);
    while (!load_with_failure(&text, n, expected))
        n += step;
    assert_true(n > 10);
    buffer_clear(&text);
}

static void a_good_policy(void **state)
{
    (void)state;
    fail_each("examples/clinic.ini", 0, 1);
}

static void a_large_policy(void **state)
{
    (void)state;
    fail_each("examples/woningcorporatie.ini", 0, 7);
}

static void a_faulty_policy(void **state)
{
    (void)state;
    fail_each("tests/policy/faulty/many-in-one-run.ini", -EINVAL, 1);
}

static void a_broken_pattern(void **state)
{
    (void)state;
    fail_each("tests/policy/faulty/kind-pattern-broken.ini", -EINVAL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_policy),
        cmocka_unit_test(a_large_policy),
        cmocka_unit_test(a_faulty_policy),
        cmocka_unit_test(a_broken_pattern),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
