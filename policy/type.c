#include "policy/type.h"

#include <string.h>
#include <utf8proc.h>

#include "policy/type_rules.h"

static const struct {
    const char *name;
    type_rule *rule;
} types[] = {
    [TYPE_TEXT] = {"text", type_text_plain},
    [TYPE_INITIALS] = {"initials", type_text_initials},
    [TYPE_INFIX] = {"infix", type_text_infix},
    [TYPE_SURNAME] = {"surname", type_text_surname},
    [TYPE_DATE] = {"date", type_moment_date},
    [TYPE_YEAR] = {"year", type_moment_year},
    [TYPE_AMOUNT] = {"amount", type_number_amount},
    [TYPE_IBAN] = {"iban", type_number_iban},
    [TYPE_BSN] = {"bsn", type_number_bsn},
    [TYPE_POSTCODE] = {"postcode", type_contact_postcode},
    [TYPE_PHONE] = {"phone", type_contact_phone},
    [TYPE_EMAIL] = {"email", type_contact_email},
    [TYPE_IP] = {"ip", type_contact_ip},
    [TYPE_ENUM] = {"enum", type_text_enum},
    [TYPE_PATTERN] = {"pattern", type_text_pattern},
};
enum { TYPE_COUNT = sizeof types / sizeof types[0] };

const char *type_name(enum type_code code)
{
    return (unsigned)code < TYPE_COUNT ? types[code].name : NULL;
}

int type_find(const char *name)
{
    for (int code = 0; code < TYPE_COUNT; code++)
        if (strcmp(types[code].name, name) == 0)
            return code;
    return -1;
}

enum { MAX_MARKS = 30 };

struct span {
    const char *at;
    size_t length_bytes;
};

/* Bytes of the blank that `span` begins or ends with; a no-break space (C2 A0) is what old exports pad with. */
static size_t blank_first(const struct span *span)
{
    if (span->length_bytes >= 1 && strchr(" \t\r\n", span->at[0]) && span->at[0])
        return 1;
    return span->length_bytes >= 2 && memcmp(span->at, "\xc2\xa0", 2) == 0 ? 2 : 0;
}

static size_t blank_last(const struct span *span)
{
    const char *end = span->at + span->length_bytes;

    if (span->length_bytes >= 1 && strchr(" \t\r\n", end[-1]) && end[-1])
        return 1;
    return span->length_bytes >= 2 && memcmp(end - 2, "\xc2\xa0", 2) == 0 ? 2 : 0;
}

static struct span trim(struct span span)
{
    size_t blank;

    while ((blank = blank_first(&span)) > 0) {
        span.at += blank;
        span.length_bytes -= blank;
    }
    while ((blank = blank_last(&span)) > 0)
        span.length_bytes -= blank;
    return span;
}

/* Besides the controls of ASCII and Latin-1: whatever breaks a line, and what turns the direction of the text round it,
 * which could make a listing show another value than the one that is kept. */
static bool is_control(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);

    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool has_control(const struct span *span)
{
    for (size_t i = 0; i < span->length_bytes;) {
        int32_t c;

        if ((unsigned char)span->at[i] < 0x80) {
            c = span->at[i++];
            if (c < 0x20 || c == 0x7f)
                return true;
            continue;
        }
        i += (size_t)utf8proc_iterate((const uint8_t *)span->at + i, (utf8proc_ssize_t)(span->length_bytes - i), &c);
        if (is_control(c))
            return true;
    }
    return false;
}

static bool is_ascii(const struct span *span)
{
    for (size_t i = 0; i < span->length_bytes; i++)
        if ((unsigned char)span->at[i] >= 0x80)
            return false;
    return true;
}

/* Putting marks in their order takes the square of the time of a run of them, so a run is held to what Unicode calls
 * stream-safe (UAX #15, section 13); languages need two or three. */
static bool has_long_run_of_marks(const struct span *span)
{
    unsigned run = 0;

    for (size_t i = 0; i < span->length_bytes && run <= MAX_MARKS;) {
        int32_t c;
        utf8proc_ssize_t length =
            utf8proc_iterate((const uint8_t *)span->at + i, (utf8proc_ssize_t)(span->length_bytes - i), &c);

        if (length <= 0)
            return false;
        run = utf8proc_get_property(c)->combining_class ? run + 1 : 0;
        i += (size_t)length;
    }
    return run > MAX_MARKS;
}

/* Points *span at its NFC form, in `room`. utf8proc's own convenience calls leave copies in freed memory. */
static int normalize(struct span *span, struct buffer *room, const char **why)
{
    const uint8_t *from = (const uint8_t *)span->at;
    utf8proc_ssize_t length = (utf8proc_ssize_t)span->length_bytes, points;
    int32_t *decomposed;

    if (is_ascii(span))
        return 0;
    if (has_long_run_of_marks(span))
        return type_refuse(why, "at most 30 marks on one letter");
    points = utf8proc_decompose(from, length, NULL, 0, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (points < 0)
        return type_refuse(why, "text in UTF-8");
    /* one more for the NUL that utf8proc_reencode() writes; malloc's memory suits any type */
    decomposed = (void *)buffer_reserve(room, ((size_t)points + 1) * sizeof *decomposed);
    if (!decomposed)
        return -ENOMEM;
    room->length_bytes = ((size_t)points + 1) * sizeof *decomposed;
    points = utf8proc_decompose(from, length, decomposed, points, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    length = points < 0 ? points : utf8proc_reencode(decomposed, points, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (length < 0)
        return type_refuse(why, "text in UTF-8");
    *span = (struct span){(const char *)room->bytes, (size_t)length};
    return 0;
}

static int check_one(const struct type *type, struct span value, struct buffer *canonical, const char **why)
{
    value = trim(value);
    if (value.length_bytes == 0)
        return 0;
    if (has_control(&value))
        return type_refuse(why, "one line of text without control characters");
    return types[type->code].rule(type, value.at, value.length_bytes, canonical, why);
}

static size_t part_length(const struct span *rest)
{
    size_t length = 0;

    while (length < rest->length_bytes && rest->at[length] != '|' && rest->at[length] != '\n')
        length++;
    return length;
}

static int check_list(const struct type *type, struct span rest, struct buffer *canonical, const char **why)
{
    size_t values = 0;
    int error = 0;

    while (!error && rest.length_bytes > 0) {
        struct span part = {rest.at, part_length(&rest)};
        size_t taken = part.length_bytes < rest.length_bytes ? part.length_bytes + 1 : part.length_bytes;
        size_t before = canonical->length_bytes, begin;

        if (values > 0)
            error = buffer_append_u8(canonical, '\n');
        begin = canonical->length_bytes;
        if (!error)
            error = check_one(type, part, canonical, why);
        if (!error && canonical->length_bytes == begin)
            buffer_cut(canonical, before);
        else if (++values > TYPE_LIST_MAX_VALUES && !error)
            error = type_refuse(why, "at most 256 values");
        rest.at += taken;
        rest.length_bytes -= taken;
    }
    return error;
}

int type_check(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
               const char **why)
{
    struct buffer room = BUFFER_EMPTY;
    struct span span = {value, length_bytes};
    size_t before = canonical->length_bytes;
    int error;

    if (length_bytes == 0)
        return 0;
    if (length_bytes > TYPE_VALUE_MAX_BYTES)
        return type_refuse(why, "at most 65536 bytes");
    error = normalize(&span, &room, why);
    if (!error)
        error = type->is_list ? check_list(type, span, canonical, why) : check_one(type, span, canonical, why);
    /* the kept form can be the longer one: "5" is kept as "5.00" */
    if (!error && canonical->length_bytes - before > TYPE_VALUE_MAX_BYTES)
        error = type_refuse(why, "at most 65536 bytes");
    if (error)
        buffer_cut(canonical, before);
    buffer_clear(&room);
    return error;
}
