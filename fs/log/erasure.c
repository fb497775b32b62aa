#include "fs/log/erasure.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fs/base/bytes.h"
#include "fs/base/number.h"
#include "fs/log/entry.h"

/* Where things lie in a slot. */
enum {
    E_STATE = 0,
    E_MONTH = 4,
    E_FIRST = 8,
    E_LAST = 16,
    E_COUNT = 24,
    E_TIME = 32,
    E_TERM = 40,
    E_LINE = 44,
    E_POLICY = 48,
};
enum { WORDS = 9 };

bool erasure_is_due(uint16_t month, uint32_t term_months, int64_t time_ms)
{
    return term_months > 0 && entry_month(time_ms) >= month + 1 + term_months;
}

static bool makes_sense(const struct log_erasure *erasure)
{
    return erasure->rule.term_months > 0 && erasure->rule.term_months <= ERASURE_TERM_MAX && erasure->first > 0 &&
           erasure->first <= erasure->last && erasure->last <= INT64_MAX && erasure->count > 0 &&
           erasure->count <= erasure->last - erasure->first + 1 && erasure->time_s >= 0 &&
           erasure->time_s <= INT64_MAX / 1000;
}

void erasure_to_slot(const struct log_erasure *erasure, uint8_t slot[static ERASURE_SLOT_BYTES])
{
    memset(slot, 0, ERASURE_SLOT_BYTES);
    slot[E_STATE] = ERASURE_STATE;
    bytes_put_u32(slot + E_MONTH, erasure->month);
    bytes_put_u64(slot + E_FIRST, erasure->first);
    bytes_put_u64(slot + E_LAST, erasure->last);
    bytes_put_u64(slot + E_COUNT, erasure->count);
    bytes_put_u64(slot + E_TIME, (uint64_t)erasure->time_s);
    bytes_put_u32(slot + E_TERM, erasure->rule.term_months);
    bytes_put_u32(slot + E_LINE, erasure->rule.line);
    memcpy(slot + E_POLICY, erasure->rule.policy, sizeof erasure->rule.policy);
}

bool erasure_from_slot(const uint8_t slot[static ERASURE_SLOT_BYTES], struct log_erasure *out)
{
    uint8_t again[ERASURE_SLOT_BYTES];
    struct log_erasure erasure = {
        .month = (uint16_t)bytes_get_u32(slot + E_MONTH),
        .first = bytes_get_u64(slot + E_FIRST),
        .last = bytes_get_u64(slot + E_LAST),
        .count = bytes_get_u64(slot + E_COUNT),
        .time_s = (int64_t)bytes_get_u64(slot + E_TIME),
        .rule = {.term_months = bytes_get_u32(slot + E_TERM), .line = bytes_get_u32(slot + E_LINE)},
    };

    memcpy(erasure.rule.policy, slot + E_POLICY, sizeof erasure.rule.policy);
    erasure_to_slot(&erasure, again);
    if (memcmp(slot, again, sizeof again) != 0 || !makes_sense(&erasure))
        return false;
    *out = erasure;
    return true;
}

void erasure_print(const struct log_erasure *erasure, char text[static ERASURE_TEXT_BYTES])
{
    char policy[2 * sizeof erasure->rule.policy + 1];

    sodium_bin2hex(policy, sizeof policy, erasure->rule.policy, sizeof erasure->rule.policy);
    snprintf(text, ERASURE_TEXT_BYTES,
             "erased %d-%02d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRIu32 " %" PRIu32 " %s",
             1970 + erasure->month / 12, erasure->month % 12 + 1, erasure->first, erasure->last, erasure->count,
             erasure->time_s, erasure->rule.term_months, erasure->rule.line, policy);
}

struct word {
    const char *text;
    size_t length_bytes;
};

static size_t split(const char *text, size_t length_bytes, struct word words[static WORDS])
{
    const char *end = text + length_bytes;
    size_t count = 0;

    while (count < WORDS) {
        const char *blank = memchr(text, ' ', (size_t)(end - text));

        words[count++] = (struct word){text, (size_t)((blank ? blank : end) - text)};
        if (!blank)
            return count;
        text = blank + 1;
    }
    return WORDS + 1; /* more than there should be */
}

static int read_month(const struct word *word, uint16_t *out)
{
    const char *dash = memchr(word->text, '-', word->length_bytes);
    uint32_t year, month;
    size_t year_bytes = dash ? (size_t)(dash - word->text) : 0;

    if (!dash || word->length_bytes != year_bytes + 3 ||
        number_parse_u32(word->text, year_bytes, 1970, 1970 + UINT16_MAX / 12 - 1, &year) < 0 ||
        number_parse_u32(dash + 1, 2, 1, 12, &month) < 0)
        return -EINVAL;
    *out = (uint16_t)((year - 1970) * 12 + month - 1);
    return 0;
}

static bool read_u64(const struct word *word, uint64_t *out)
{
    return number_parse_u64(word->text, word->length_bytes, 0, INT64_MAX, out) == 0;
}

static bool read_u32(const struct word *word, uint32_t *out)
{
    return number_parse_u32(word->text, word->length_bytes, 0, UINT32_MAX, out) == 0;
}

int erasure_parse(const char *text, size_t length_bytes, struct log_erasure *out)
{
    struct log_erasure erasure = {0};
    struct word words[WORDS];
    char again[ERASURE_TEXT_BYTES];
    uint64_t time_s = 0;
    size_t policy_bytes = 0;

    if (split(text, length_bytes, words) != WORDS || read_month(&words[1], &erasure.month) < 0 ||
        !read_u64(&words[2], &erasure.first) || !read_u64(&words[3], &erasure.last) ||
        !read_u64(&words[4], &erasure.count) || !read_u64(&words[5], &time_s) ||
        !read_u32(&words[6], &erasure.rule.term_months) || !read_u32(&words[7], &erasure.rule.line) ||
        sodium_hex2bin(erasure.rule.policy, sizeof erasure.rule.policy, words[8].text, words[8].length_bytes, NULL,
                       &policy_bytes, NULL) != 0 ||
        policy_bytes != sizeof erasure.rule.policy)
        return -EINVAL;
    erasure.time_s = (int64_t)time_s;
    /* One way to write it: what prints otherwise was not written by this. */
    erasure_print(&erasure, again);
    if (!makes_sense(&erasure) || strlen(again) != length_bytes || memcmp(again, text, length_bytes) != 0)
        return -EINVAL;
    *out = erasure;
    return 0;
}

bool erasure_same(const struct log_erasure *one, const struct log_erasure *other)
{
    uint8_t a[ERASURE_SLOT_BYTES], b[ERASURE_SLOT_BYTES];

    erasure_to_slot(one, a);
    erasure_to_slot(other, b);
    return memcmp(a, b, sizeof a) == 0;
}

void log_erasure_name(const struct log_erasure *erasure, char text[static LOG_ERASURE_NAME_BYTES])
{
    const struct log_rule *rule = &erasure->rule;
    bool years = rule->term_months % 12 == 0;
    char policy[2 * sizeof rule->policy + 1], day[16] = "", entries[96] = "";
    time_t when = (time_t)erasure->time_s;
    struct tm utc;

    sodium_bin2hex(policy, sizeof policy, rule->policy, sizeof rule->policy);
    if (erasure->time_s > 0 && gmtime_r(&when, &utc))
        strftime(day, sizeof day, "%Y-%m-%d", &utc);
    if (erasure->count > 0)
        snprintf(entries, sizeof entries, ", entries %" PRIu64 " to %" PRIu64 " (%" PRIu64 " of them)",
                 erasure->first, erasure->last, erasure->count);
    snprintf(text, LOG_ERASURE_NAME_BYTES, "%d-%02d%s, under [log] retention = %u%c, line %u of policy %s%s%s",
             1970 + erasure->month / 12, erasure->month % 12 + 1, entries,
             (unsigned)(years ? rule->term_months / 12 : rule->term_months), years ? 'y' : 'm', (unsigned)rule->line,
             policy, day[0] ? ", on " : "", day);
}
