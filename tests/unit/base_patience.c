/* Goal: polling starts where it would have paid, ends where it doesn't, and never goes on when nothing happens; and drawn random
 * numbers are fresh each time, over the ends of a block too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <string.h>

#include "fs/base/patience.h"
#include "fs/base/random.h"

static void polls_only_while_it_pays(void **state)
{
    struct patience patience = {0};
    unsigned polls = 0;

    (void)state;
    assert_false(patience_has(&patience));
    patience_slept(&patience, INT64_C(1000000000)); /* a long sleep teaches nothing */
    assert_false(patience_has(&patience));
    patience_slept(&patience, PATIENCE_NS); /* a short one would have been worth it */
    assert_true(patience_has(&patience));
    patience_polled(&patience, false);
    assert_false(patience_has(&patience));
    for (unsigned i = 0; i < 1000; i++)
        patience_polled(&patience, true);
    for (; patience_has(&patience); polls++)
        patience_polled(&patience, false);
    assert_in_range(polls, 2, 16); /* whatever it was worth before, it ends soon */
}

static void draws_fresh_numbers(void **state)
{
    static uint8_t drawn[400][20];
    static const uint8_t zeros[20];

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        random_draw(drawn[i], sizeof drawn[i]);
        assert_memory_not_equal(drawn[i], zeros, sizeof zeros);
        for (unsigned j = 0; j < i; j++)
            assert_memory_not_equal(drawn[i], drawn[j], sizeof drawn[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(polls_only_while_it_pays),
                                       cmocka_unit_test(draws_fresh_numbers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
