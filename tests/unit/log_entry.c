/* Goal: a body comes back as it went in, padded; a long string is cut at a character; any other bytes are refused. */
#include "tests/unit/log_stage.h"

#include <sodium.h>
#include <time.h>

#include "fs/log/batch.h"
#include "fs/log/entry.h"

static void assert_same(const struct log_entry *a, const struct log_entry *b)
{
    assert_true(a->time_ms == b->time_ms && a->what == b->what && a->outcome == b->outcome && a->uid == b->uid &&
                a->pid == b->pid && a->ground == b->ground && a->subject == b->subject && a->count == b->count);
    assert_memory_equal(a->policy, b->policy, sizeof a->policy);
    assert_memory_equal(a->trace, b->trace, sizeof a->trace);
    assert_memory_equal(a->span, b->span, sizeof a->span);
    assert_string_equal(a->user ? a->user : "", b->user);
    assert_string_equal(a->program ? a->program : "", b->program);
    assert_string_equal(a->role ? a->role : "", b->role);
    assert_string_equal(a->purpose ? a->purpose : "", b->purpose);
    assert_string_equal(a->name ? a->name : "", b->name);
    assert_string_equal(a->fields ? a->fields : "", b->fields);
    assert_string_equal(a->rule ? a->rule : "", b->rule);
}

static void round_trip(const struct log_entry *entry)
{
    struct buffer body = BUFFER_EMPTY;
    struct log_entry back;

    assert_int_equal(entry_encode(entry, &body), 0);
    assert_int_equal(body.length_bytes % ENTRY_CLASS_BYTES, 0);
    assert_int_equal(entry_decode(body.bytes, body.length_bytes, &back), 0);
    assert_same(entry, &back);
    for (size_t cut = 0; cut + ENTRY_CLASS_BYTES <= body.length_bytes; cut++)
        assert_int_equal(entry_decode(body.bytes, cut, &back), -EBADMSG);
    buffer_clear(&body);
}

static void body_comes_back(void **state)
{
    struct log_entry entry = stage_entry(7);

    (void)state;
    round_trip(&entry);
    entry.uid = UINT32_MAX;
    entry.pid = -1;
    entry.count = UINT32_MAX;
    entry.time_ms = INT64_MIN;
    entry.subject = UINT64_MAX;
    round_trip(&entry);
    round_trip(&(struct log_entry){.what = LOG_COMMAND, .outcome = LOG_GAP});
}

static void unknown_numbers_are_refused(void **state)
{
    struct buffer body = BUFFER_EMPTY;
    struct log_entry entry = stage_entry(1);

    (void)state;
    entry.what = 0;
    assert_int_equal(entry_encode(&entry, &body), -EINVAL);
    entry = stage_entry(1);
    entry.outcome = (enum log_outcome)7;
    assert_int_equal(entry_encode(&entry, &body), -EINVAL);
    entry = stage_entry(1);
    entry.ground = 'F';
    assert_int_equal(entry_encode(&entry, &body), -EINVAL);
    assert_int_equal(body.length_bytes, 0);
    buffer_clear(&body);
}

static void long_string_is_cut_at_a_character(void **state)
{
    char text[LOG_TEXT_MAX_BYTES + 100];
    struct log_entry entry = stage_entry(1), back;
    struct buffer body = BUFFER_EMPTY;

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    memcpy(text + LOG_TEXT_MAX_BYTES - 2, "\xe2\x82\xac", 3); /* the euro sign lies across the limit */
    entry.user = entry.program = entry.role = entry.purpose = entry.name = entry.fields = entry.rule = text;
    assert_int_equal(entry_encode(&entry, &body), 0);
    assert_true(body.length_bytes <= ENTRY_MAX_BYTES);
    assert_int_equal(entry_decode(body.bytes, body.length_bytes, &back), 0);
    assert_int_equal(strlen(back.rule), LOG_TEXT_MAX_BYTES - 2);
    buffer_clear(&body);
}

/* Whatever comes in: refused or decoded, nothing read outside (the sanitizers watch), strings ended inside. */
static void random_bytes_do_no_harm(void **state)
{
    struct log_entry entry = stage_entry(3), back;
    struct buffer body = BUFFER_EMPTY;

    (void)state;
    assert_int_equal(entry_encode(&entry, &body), 0);
    for (unsigned round = 0; round < 50000; round++) {
        size_t length_bytes = randombytes_uniform((uint32_t)body.length_bytes + 1);
        uint8_t *bytes = malloc(length_bytes + 1);

        if (round % 2)
            randombytes_buf(bytes, length_bytes);
        else
            memcpy(bytes, body.bytes, length_bytes);
        if (length_bytes > 0)
            bytes[randombytes_uniform((uint32_t)length_bytes)] = (uint8_t)randombytes_random();
        bytes = realloc(bytes, length_bytes ? length_bytes : 1);
        if (entry_decode(bytes, length_bytes, &back) == 0)
            assert_true(strlen(back.rule) < length_bytes);
        free(bytes);
    }
    buffer_clear(&body);
}

static void random_batches_do_no_harm(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t length_bytes = 88 + randombytes_uniform(300), place = 0;
        uint8_t *bytes = malloc(length_bytes);
        struct batch batch;
        struct batch_entry entry = {0};

        randombytes_buf(bytes, length_bytes);
        memcpy(bytes, "DFSB", 4);
        bytes[4] = (uint8_t)(length_bytes - (round % 3 == 0));
        bytes[5] = (uint8_t)(length_bytes >> 8);
        bytes[6] = bytes[7] = bytes[15] = 0;
        memcpy(bytes + 16, "\1\0\0\0", 4);
        memcpy(bytes + 40, "\1\0", 2);
        bytes[44] = (uint8_t)(length_bytes - 88 - 10);
        bytes[45] = (uint8_t)((length_bytes - 88 - 10) >> 8);
        if (batch_parse(bytes, length_bytes, &batch))
            while (batch_next(&batch, &place, &entry))
                assert_true(place <= length_bytes);
        free(bytes);
    }
}

static void months_are_those_of_the_calendar(void **state)
{
    (void)state;
    assert_int_equal(entry_month(0), 0);
    assert_int_equal(entry_month(-1), 0);
    assert_int_equal(entry_month(INT64_MIN), 0);
    assert_int_equal(entry_month(INT64_MAX), UINT16_MAX);
    for (uint32_t month = 0; month < 12 * 200; month++) {
        struct tm date = {.tm_year = 70 + (int)month / 12, .tm_mon = (int)month % 12, .tm_mday = 1};
        int64_t start_ms = (int64_t)timegm(&date) * 1000;

        assert_true(entry_month_start_ms((uint16_t)month) == start_ms);
        assert_int_equal(entry_month(start_ms), month);
        if (month > 0)
            assert_int_equal(entry_month(start_ms - 1), month - 1);
    }
}

static void words_have_numbers(void **state)
{
    (void)state;
    for (int what = LOG_FIELD; what <= LOG_ERASE; what++)
        assert_int_equal(log_what_find(log_what_name((enum log_what)what)), what);
    for (int outcome = LOG_SHOWN; outcome <= LOG_GAP; outcome++)
        assert_int_equal(log_outcome_find(log_outcome_name((enum log_outcome)outcome)), outcome);
    for (int outcome = LOG_SHOWN; outcome <= LOG_GAP; outcome++)
        assert_int_equal(log_outcome_is_refusal((enum log_outcome)outcome),
                         outcome == LOG_REFUSED || outcome == LOG_GAP);
    assert_int_equal(log_what_find("nothing"), -1);
    assert_int_equal(log_outcome_find(""), -1);
    assert_string_equal(log_what_name((enum log_what)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_comes_back),
        cmocka_unit_test(unknown_numbers_are_refused),
        cmocka_unit_test(long_string_is_cut_at_a_character),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(random_batches_do_no_harm),
        cmocka_unit_test(months_are_those_of_the_calendar),
        cmocka_unit_test(words_have_numbers),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
