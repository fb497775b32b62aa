#include "fs/base/bytes.h"

void bytes_put_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

void bytes_put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

void bytes_put_u64(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

uint16_t bytes_get_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] | from[1] << 8);
}

uint32_t bytes_get_u32(const uint8_t *from)
{
    uint32_t value = 0;

    for (int i = 3; i >= 0; i--)
        value = value << 8 | from[i];
    return value;
}

uint64_t bytes_get_u64(const uint8_t *from)
{
    return bytes_get_u32(from) | (uint64_t)bytes_get_u32(from + 4) << 32;
}

void bytes_reader_init(struct bytes_reader *reader, const void *from, size_t length_bytes)
{
    reader->at = from;
    reader->end = reader->at + length_bytes;
    reader->failed = false;
}

const uint8_t *bytes_read(struct bytes_reader *reader, size_t length_bytes)
{
    const uint8_t *here = reader->at;

    if (reader->failed || bytes_left(reader) < length_bytes) {
        reader->failed = true;
        return NULL;
    }
    reader->at += length_bytes;
    return here;
}

uint8_t bytes_read_u8(struct bytes_reader *reader)
{
    const uint8_t *from = bytes_read(reader, 1);

    return from ? *from : 0;
}

uint16_t bytes_read_u16(struct bytes_reader *reader)
{
    const uint8_t *from = bytes_read(reader, 2);

    return from ? bytes_get_u16(from) : 0;
}

uint32_t bytes_read_u32(struct bytes_reader *reader)
{
    const uint8_t *from = bytes_read(reader, 4);

    return from ? bytes_get_u32(from) : 0;
}

uint64_t bytes_read_u64(struct bytes_reader *reader)
{
    const uint8_t *from = bytes_read(reader, 8);

    return from ? bytes_get_u64(from) : 0;
}

size_t bytes_left(const struct bytes_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}
