#include "fs/store/record.h"

#include <errno.h>
#include <string.h>

#include "fs/base/bytes.h"

enum {
    SUBJECT_RECORD = 1,
    SUBJECT_WITH_FACTS_RECORD = 2, /* only where there are some, so that all others look as they always did */
    ITEM_RECORD = 1,
    NUMBER_MAX = 65535,
    SAME_ORIGIN = 1, /* flag of a field: source and time are those of the field before */
};

_Static_assert(STORE_MAX_CATEGORIES <= 255 && STORE_MAX_DATES <= 255, "counts are one byte");

static bool number_is_valid(uint32_t number)
{
    return number >= 1 && number <= NUMBER_MAX;
}

void store_subject_copy(struct store_subject *to, const struct store_subject *from)
{
    memcpy(to, from, offsetof(struct store_subject, facts) + from->fact_count * sizeof *from->facts);
}

/* ---- checks of drafts ------------------------------------------------------------------------------------------- */

static bool categories_are_valid(const struct store_subject *subject)
{
    for (unsigned i = 0; i < subject->category_count; i++) {
        if (!number_is_valid(subject->categories[i].category))
            return false;
        for (unsigned j = 0; j < i; j++)
            if (subject->categories[j].category == subject->categories[i].category)
                return false;
    }
    return true;
}

static bool fields_are_valid(const struct store_subject *subject)
{
    for (unsigned i = 0; i < subject->field_count; i++)
        if (!number_is_valid(subject->fields[i]))
            return false;
    for (unsigned i = 0; i < subject->date_count; i++)
        if (!number_is_valid(subject->dates[i].field))
            return false;
    return true;
}

static bool facts_are_valid(const struct store_subject *subject)
{
    for (unsigned i = 0; i < subject->fact_count; i++) {
        const struct store_fact *fact = &subject->facts[i];

        if (fact->id == 0 || fact->id > subject->last_fact || (i > 0 && fact->id <= subject->facts[i - 1].id) ||
            fact->word == 0 || fact->about > NUMBER_MAX || !memchr(fact->reason, '\0', sizeof fact->reason))
            return false;
    }
    return true;
}

int record_check_subject(const struct store_subject *subject)
{
    if (!number_is_valid(subject->kind) || subject->code_bytes < 1 || subject->code_bytes > STORE_CODE_MAX_BYTES ||
        memchr(subject->code, '\0', subject->code_bytes) || subject->category_count > STORE_MAX_CATEGORIES ||
        subject->field_count > STORE_MAX_FIELDS || subject->date_count > STORE_MAX_DATES ||
        subject->fact_count > STORE_MAX_FACTS)
        return -EINVAL;
    return categories_are_valid(subject) && fields_are_valid(subject) && facts_are_valid(subject) ? 0 : -EINVAL;
}

int record_check_item(const struct store_item_draft *item)
{
    if (!number_is_valid(item->category) || item->field_count > STORE_MAX_FIELDS)
        return -EINVAL;
    for (unsigned i = 0; i < item->field_count; i++) {
        const struct store_field *field = &item->fields[i];

        if (!number_is_valid(field->number) || !field->source ||
            strnlen(field->source, STORE_SOURCE_MAX_BYTES + 1) > STORE_SOURCE_MAX_BYTES ||
            field->value_bytes > BUFFER_MAX_BYTES)
            return -EINVAL;
        for (unsigned j = 0; j < i; j++)
            if (item->fields[j].number == field->number)
                return -EINVAL;
    }
    return 0;
}

/* ---- encoding --------------------------------------------------------------------------------------------------- */

static void put_facts(struct buffer *out, const struct store_subject *subject)
{
    buffer_append_u32(out, subject->last_fact);
    buffer_append_u8(out, (uint8_t)subject->fact_count);
    for (unsigned i = 0; i < subject->fact_count; i++) {
        const struct store_fact *fact = &subject->facts[i];
        size_t reason_bytes = strlen(fact->reason);

        buffer_append_u32(out, fact->id);
        buffer_append_u8(out, fact->word);
        buffer_append_u16(out, (uint16_t)fact->about);
        buffer_append_u64(out, (uint64_t)fact->from_s);
        buffer_append_u64(out, (uint64_t)fact->until_s);
        buffer_append_u64(out, (uint64_t)fact->set_s);
        buffer_append_u64(out, (uint64_t)fact->ended_s);
        buffer_append_u64(out, (uint64_t)fact->reviewed_s);
        buffer_append_u32(out, fact->set_uid);
        buffer_append_u32(out, fact->ended_uid);
        buffer_append_u32(out, fact->reviewed_uid);
        buffer_append_u8(out, (uint8_t)reason_bytes);
        buffer_append(out, fact->reason, reason_bytes);
    }
}

void record_put_subject(struct buffer *out, const struct store_subject *subject)
{
    bool has_facts = subject->last_fact > 0;

    buffer_append_u8(out, has_facts ? SUBJECT_WITH_FACTS_RECORD : SUBJECT_RECORD);
    buffer_append_u16(out, (uint16_t)subject->kind);
    buffer_append_u64(out, subject->pseudonym);
    buffer_append_u8(out, subject->code_bytes);
    buffer_append(out, subject->code, subject->code_bytes);
    buffer_append_u8(out, (uint8_t)subject->category_count);
    for (unsigned i = 0; i < subject->category_count; i++) {
        buffer_append_u16(out, (uint16_t)subject->categories[i].category);
        buffer_append_u64(out, (uint64_t)subject->categories[i].captured_s);
    }
    buffer_append_u16(out, (uint16_t)subject->field_count);
    for (unsigned i = 0; i < subject->field_count; i++)
        buffer_append_u16(out, (uint16_t)subject->fields[i]);
    buffer_append_u8(out, (uint8_t)subject->date_count);
    for (unsigned i = 0; i < subject->date_count; i++) {
        buffer_append_u16(out, (uint16_t)subject->dates[i].field);
        buffer_append_u32(out, (uint32_t)subject->dates[i].day);
    }
    if (has_facts)
        put_facts(out, subject);
}

static bool same_origin(const struct store_item_draft *item, unsigned i)
{
    return i > 0 && item->fields[i].captured_s == item->fields[i - 1].captured_s &&
           strcmp(item->fields[i].source, item->fields[i - 1].source) == 0;
}

void record_put_item(struct buffer *out, const struct store_item_draft *item)
{
    buffer_append_u8(out, ITEM_RECORD);
    buffer_append_u16(out, (uint16_t)item->field_count);
    for (unsigned i = 0; i < item->field_count; i++) {
        const struct store_field *field = &item->fields[i];
        bool same = same_origin(item, i);

        buffer_append_u16(out, (uint16_t)field->number);
        buffer_append_u8(out, same ? SAME_ORIGIN : 0);
        if (!same) {
            size_t source_bytes = strlen(field->source);

            buffer_append_u64(out, (uint64_t)field->captured_s);
            buffer_append_u8(out, (uint8_t)source_bytes);
            buffer_append(out, field->source, source_bytes + 1);
        }
        buffer_append_u32(out, (uint32_t)field->value_bytes);
        buffer_append(out, field->value, field->value_bytes);
    }
}

/* ---- decoding --------------------------------------------------------------------------------------------------- */

static bool read_number(struct bytes_reader *reader, uint32_t *number)
{
    *number = bytes_read_u16(reader);
    return *number != 0;
}

static bool get_code(struct bytes_reader *reader, struct store_subject *subject)
{
    const uint8_t *code;

    subject->code_bytes = bytes_read_u8(reader);
    if (subject->code_bytes < 1 || subject->code_bytes > STORE_CODE_MAX_BYTES)
        return false;
    code = bytes_read(reader, subject->code_bytes);
    if (!code || memchr(code, '\0', subject->code_bytes))
        return false;
    memcpy(subject->code, code, subject->code_bytes);
    return true;
}

static bool get_lists(struct bytes_reader *reader, struct store_subject *subject)
{
    subject->category_count = bytes_read_u8(reader);
    if (subject->category_count > STORE_MAX_CATEGORIES)
        return false;
    for (unsigned i = 0; i < subject->category_count; i++) {
        if (!read_number(reader, &subject->categories[i].category))
            return false;
        subject->categories[i].captured_s = (int64_t)bytes_read_u64(reader);
    }
    subject->field_count = bytes_read_u16(reader);
    if (subject->field_count > STORE_MAX_FIELDS)
        return false;
    for (unsigned i = 0; i < subject->field_count; i++)
        if (!read_number(reader, &subject->fields[i]))
            return false;
    subject->date_count = bytes_read_u8(reader);
    if (subject->date_count > STORE_MAX_DATES)
        return false;
    for (unsigned i = 0; i < subject->date_count; i++) {
        if (!read_number(reader, &subject->dates[i].field))
            return false;
        subject->dates[i].day = (int32_t)bytes_read_u32(reader);
    }
    return true;
}

static bool get_fact(struct bytes_reader *reader, struct store_fact *fact)
{
    const uint8_t *reason;
    size_t reason_bytes;

    fact->id = bytes_read_u32(reader);
    fact->word = bytes_read_u8(reader);
    fact->about = bytes_read_u16(reader);
    fact->from_s = (int64_t)bytes_read_u64(reader);
    fact->until_s = (int64_t)bytes_read_u64(reader);
    fact->set_s = (int64_t)bytes_read_u64(reader);
    fact->ended_s = (int64_t)bytes_read_u64(reader);
    fact->reviewed_s = (int64_t)bytes_read_u64(reader);
    fact->set_uid = bytes_read_u32(reader);
    fact->ended_uid = bytes_read_u32(reader);
    fact->reviewed_uid = bytes_read_u32(reader);
    reason_bytes = bytes_read_u8(reader);
    if (reason_bytes > STORE_REASON_MAX_BYTES)
        return false;
    reason = bytes_read(reader, reason_bytes);
    if (!reason || memchr(reason, '\0', reason_bytes))
        return false;
    memset(fact->reason, 0, sizeof fact->reason);
    memcpy(fact->reason, reason, reason_bytes);
    return true;
}

static bool get_facts(struct bytes_reader *reader, struct store_subject *subject)
{
    subject->last_fact = bytes_read_u32(reader);
    subject->fact_count = bytes_read_u8(reader);
    if (subject->last_fact == 0 || subject->fact_count > STORE_MAX_FACTS)
        return false;
    for (unsigned i = 0; i < subject->fact_count; i++)
        if (!get_fact(reader, &subject->facts[i]))
            return false;
    return facts_are_valid(subject);
}

int record_get_subject(const uint8_t *bytes, size_t length_bytes, struct store_subject *subject)
{
    struct bytes_reader reader;
    uint8_t type;

    bytes_reader_init(&reader, bytes, length_bytes);
    memset(subject, 0,
           offsetof(struct store_subject, facts)); /* a summary with facts is rare, and their places are large */
    type = bytes_read_u8(&reader);
    if ((type != SUBJECT_RECORD && type != SUBJECT_WITH_FACTS_RECORD) || !read_number(&reader, &subject->kind))
        return -EBADMSG;
    subject->pseudonym = bytes_read_u64(&reader);
    if (!get_code(&reader, subject) || !get_lists(&reader, subject) ||
        (type == SUBJECT_WITH_FACTS_RECORD && !get_facts(&reader, subject)) || reader.failed ||
        bytes_left(&reader) != 0)
        return -EBADMSG;
    return 0;
}

/* One field; `before` is the one in front of it, NULL for the first. */
static bool get_field(struct bytes_reader *reader, const struct store_field *before, struct store_field *field)
{
    uint8_t flags;

    if (!read_number(reader, &field->number))
        return false;
    flags = bytes_read_u8(reader);
    if (flags == SAME_ORIGIN && before) {
        field->captured_s = before->captured_s;
        field->source = before->source;
    } else if (flags == 0) {
        size_t source_bytes;
        const uint8_t *source;

        field->captured_s = (int64_t)bytes_read_u64(reader);
        source_bytes = bytes_read_u8(reader);
        source = bytes_read(reader, source_bytes + 1);
        if (!source || memchr(source, '\0', source_bytes + 1) != source + source_bytes)
            return false;
        field->source = (const char *)source;
    } else {
        return false;
    }
    field->value_bytes = bytes_read_u32(reader);
    field->value = bytes_read(reader, field->value_bytes);
    return field->value != NULL;
}

int record_count_fields(const uint8_t *bytes, size_t length_bytes)
{
    struct store_field field[2];
    struct bytes_reader reader;
    unsigned count;

    bytes_reader_init(&reader, bytes, length_bytes);
    if (bytes_read_u8(&reader) != ITEM_RECORD)
        return -EBADMSG;
    count = bytes_read_u16(&reader);
    if (count > STORE_MAX_FIELDS)
        return -EBADMSG;
    for (unsigned i = 0; i < count; i++)
        if (!get_field(&reader, i > 0 ? &field[(i - 1) % 2] : NULL, &field[i % 2]))
            return -EBADMSG;
    return reader.failed || bytes_left(&reader) != 0 ? -EBADMSG : (int)count;
}

void record_get_fields(const uint8_t *bytes, size_t length_bytes, struct store_field *fields)
{
    struct bytes_reader reader;
    unsigned count;

    bytes_reader_init(&reader, bytes, length_bytes);
    bytes_read_u8(&reader);
    count = bytes_read_u16(&reader);
    for (unsigned i = 0; i < count; i++)
        get_field(&reader, i > 0 ? &fields[i - 1] : NULL, &fields[i]);
}
