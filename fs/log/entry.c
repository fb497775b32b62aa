#include "fs/log/entry.h"

#include <errno.h>
#include <string.h>

#include "fs/base/bytes.h"

enum { VERSION = 1, HAS_TRACE = 1 };
enum { MS_PER_DAY = 86400000 };

/* Seven bits a byte, low ones first, the high bit says that more follow. */
static uint8_t *put_number(uint8_t *to, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

static uint32_t read_number(struct bytes_reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte = bytes_read_u8(reader);

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (value > UINT32_MAX || (byte == 0 && shift > 0))
                break;
            return (uint32_t)value;
        }
    }
    reader->failed = true;
    return 0;
}

/* A string that is too long is cut in front of a character, not inside one. */
static uint8_t *put_string(uint8_t *to, const char *text)
{
    size_t length_bytes = text ? strnlen(text, LOG_TEXT_MAX_BYTES + 1) : 0;

    if (length_bytes > LOG_TEXT_MAX_BYTES) {
        length_bytes = LOG_TEXT_MAX_BYTES;
        for (int back = 0; back < 3 && ((uint8_t)text[length_bytes] & 0xc0) == 0x80; back++)
            length_bytes--;
    }
    if (length_bytes > 0)
        memcpy(to, text, length_bytes);
    to[length_bytes] = '\0';
    return to + length_bytes + 1;
}

static const char *read_string(struct bytes_reader *reader)
{
    size_t left_bytes = bytes_left(reader);
    const uint8_t *end = left_bytes ? memchr(reader->at, '\0', left_bytes) : NULL;

    if (reader->failed || !end) {
        reader->failed = true;
        return "";
    }
    return (const char *)bytes_read(reader, (size_t)(end - reader->at) + 1);
}

static bool ground_is_known(char ground)
{
    return ground == 0 || (ground >= 'A' && ground <= 'E');
}

static bool has_trace(const struct log_entry *entry)
{
    static const uint8_t zeros[sizeof entry->trace];

    return memcmp(entry->trace, zeros, sizeof entry->trace) != 0 ||
           memcmp(entry->span, zeros, sizeof entry->span) != 0;
}

int entry_encode(const struct log_entry *entry, struct buffer *out)
{
    uint8_t *start, *to;

    if (entry->what < LOG_FIELD || entry->what > LOG_ERASE || entry->outcome < LOG_SHOWN ||
        entry->outcome > LOG_GAP || !ground_is_known(entry->ground))
        return -EINVAL;
    start = to = buffer_reserve(out, ENTRY_MAX_BYTES);
    if (!to)
        return -ENOMEM;
    *to++ = VERSION;
    *to++ = has_trace(entry) ? HAS_TRACE : 0;
    *to++ = (uint8_t)entry->what;
    *to++ = (uint8_t)entry->outcome;
    *to++ = (uint8_t)entry->ground;
    bytes_put_u64(to, (uint64_t)entry->time_ms);
    bytes_put_u64(to + 8, entry->subject);
    memcpy(to + 16, entry->policy, sizeof entry->policy);
    to += 24;
    to = put_number(to, entry->uid);
    to = put_number(to, (uint32_t)entry->pid);
    to = put_number(to, entry->count);
    if (has_trace(entry)) {
        memcpy(to, entry->trace, sizeof entry->trace);
        memcpy(to + sizeof entry->trace, entry->span, sizeof entry->span);
        to += sizeof entry->trace + sizeof entry->span;
    }
    to = put_string(to, entry->user);
    to = put_string(to, entry->program);
    to = put_string(to, entry->role);
    to = put_string(to, entry->purpose);
    to = put_string(to, entry->name);
    to = put_string(to, entry->fields);
    to = put_string(to, entry->rule);
    while ((to - start) % ENTRY_CLASS_BYTES != 0)
        *to++ = 0;
    out->length_bytes += (size_t)(to - start);
    return 0;
}

static void read_fixed(struct bytes_reader *reader, struct log_entry *out, uint8_t *flags)
{
    const uint8_t *from;

    if (bytes_read_u8(reader) != VERSION)
        reader->failed = true;
    *flags = bytes_read_u8(reader);
    out->what = (enum log_what)bytes_read_u8(reader);
    out->outcome = (enum log_outcome)bytes_read_u8(reader);
    out->ground = (char)bytes_read_u8(reader);
    out->time_ms = (int64_t)bytes_read_u64(reader);
    out->subject = bytes_read_u64(reader);
    from = bytes_read(reader, sizeof out->policy);
    if (from)
        memcpy(out->policy, from, sizeof out->policy);
    out->uid = read_number(reader);
    out->pid = (int32_t)read_number(reader);
    out->count = read_number(reader);
    if (*flags & HAS_TRACE) {
        from = bytes_read(reader, sizeof out->trace);
        if (from)
            memcpy(out->trace, from, sizeof out->trace);
        from = bytes_read(reader, sizeof out->span);
        if (from)
            memcpy(out->span, from, sizeof out->span);
    }
}

int entry_decode(const uint8_t *body, size_t length_bytes, struct log_entry *out)
{
    struct bytes_reader reader;
    struct log_entry entry = {0};
    uint8_t flags;

    bytes_reader_init(&reader, body, length_bytes);
    read_fixed(&reader, &entry, &flags);
    entry.user = read_string(&reader);
    entry.program = read_string(&reader);
    entry.role = read_string(&reader);
    entry.purpose = read_string(&reader);
    entry.name = read_string(&reader);
    entry.fields = read_string(&reader);
    entry.rule = read_string(&reader);
    if (reader.failed || flags > HAS_TRACE || bytes_left(&reader) >= ENTRY_CLASS_BYTES)
        return -EBADMSG;
    while (bytes_left(&reader) > 0)
        if (bytes_read_u8(&reader) != 0)
            return -EBADMSG;
    if (entry.what < LOG_FIELD || entry.what > LOG_ERASE || entry.outcome < LOG_SHOWN || entry.outcome > LOG_GAP ||
        !ground_is_known(entry.ground))
        return -EBADMSG;
    *out = entry;
    return 0;
}

/* Days from 1970-01-01 to the first of March of `year` 0.. ; the usual arithmetic of the Gregorian calendar in which the
 * year begins in March, so that the leap day is the last. */
static int64_t month_start_days(int64_t year, int64_t month_from_january)
{
    int64_t march_year = month_from_january < 2 ? year - 1 : year;
    int64_t march_month = (month_from_january + 10) % 12;

    return march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 + (march_month * 153 + 2) / 5 -
           719468;
}

int64_t entry_month_start_ms(uint16_t month)
{
    return month_start_days(1970 + month / 12, month % 12) * MS_PER_DAY;
}

uint16_t entry_month(int64_t time_ms)
{
    uint32_t low = 0, high = UINT16_MAX;

    if (time_ms < 0)
        return 0;
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;

        if (entry_month_start_ms((uint16_t)middle) <= time_ms)
            low = middle;
        else
            high = middle - 1;
    }
    return (uint16_t)low;
}
