#include "fs/base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/bytes.h"

void buffer_clear(struct buffer *buffer)
{
    if (buffer->bytes)
        explicit_bzero(buffer->bytes, buffer->capacity_bytes);
    free(buffer->bytes);
    *buffer = BUFFER_EMPTY;
}

void buffer_reset(struct buffer *buffer)
{
    if (buffer->bytes)
        explicit_bzero(buffer->bytes, buffer->length_bytes);
    buffer->length_bytes = 0;
    buffer->failed = false;
}

void buffer_cut(struct buffer *buffer, size_t length_bytes)
{
    if (length_bytes >= buffer->length_bytes)
        return;
    explicit_bzero(buffer->bytes + length_bytes, buffer->length_bytes - length_bytes);
    buffer->length_bytes = length_bytes;
}

/* realloc would leave the old copy in freed memory, so the content is moved by hand. */
static int grow(struct buffer *buffer, size_t needed_bytes)
{
    size_t capacity_bytes = buffer->capacity_bytes ? buffer->capacity_bytes : 64;
    uint8_t *bytes;

    while (capacity_bytes < needed_bytes)
        capacity_bytes *= 2;
    bytes = malloc(capacity_bytes);
    if (!bytes)
        return -ENOMEM;
    if (buffer->bytes) {
        memcpy(bytes, buffer->bytes, buffer->length_bytes);
        explicit_bzero(buffer->bytes, buffer->capacity_bytes);
        free(buffer->bytes);
    }
    buffer->bytes = bytes;
    buffer->capacity_bytes = capacity_bytes;
    return 0;
}

static bool is_too_much(const struct buffer *buffer, size_t more_bytes)
{
    return more_bytes > BUFFER_MAX_BYTES || buffer->length_bytes + more_bytes > BUFFER_MAX_BYTES;
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t more_bytes)
{
    size_t needed_bytes = buffer->length_bytes + (more_bytes > 0 ? more_bytes : 1);

    if (is_too_much(buffer, more_bytes) ||
        (needed_bytes > buffer->capacity_bytes && grow(buffer, needed_bytes) < 0)) {
        buffer->failed = true;
        return NULL;
    }
    return buffer->bytes + buffer->length_bytes;
}

int buffer_append(struct buffer *buffer, const void *from, size_t length_bytes)
{
    uint8_t *to;

    if (length_bytes == 0)
        return 0;
    to = buffer_reserve(buffer, length_bytes);
    if (!to)
        return is_too_much(buffer, length_bytes) ? -EFBIG : -ENOMEM;
    memcpy(to, from, length_bytes);
    buffer->length_bytes += length_bytes;
    return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

int buffer_append_u8(struct buffer *buffer, uint8_t value)
{
    return buffer_append(buffer, &value, 1);
}

int buffer_append_u16(struct buffer *buffer, uint16_t value)
{
    uint8_t bytes[2];

    bytes_put_u16(bytes, value);
    return buffer_append(buffer, bytes, sizeof bytes);
}

int buffer_append_u32(struct buffer *buffer, uint32_t value)
{
    uint8_t bytes[4];

    bytes_put_u32(bytes, value);
    return buffer_append(buffer, bytes, sizeof bytes);
}

int buffer_append_u64(struct buffer *buffer, uint64_t value)
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, value);
    return buffer_append(buffer, bytes, sizeof bytes);
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    int length;
    uint8_t *to;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    to = length < 0 ? NULL : buffer_reserve(buffer, (size_t)length + 1);
    if (!to) {
        buffer->failed = true;
        return -ENOMEM;
    }
    va_start(arguments, format);
    vsnprintf((char *)to, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length_bytes += (size_t)length;
    return 0;
}

const char *buffer_text(struct buffer *buffer)
{
    uint8_t *end = buffer_reserve(buffer, 1);

    if (!end)
        return "";
    *end = '\0';
    return (const char *)buffer->bytes;
}

void buffer_move(struct buffer *to, struct buffer *from)
{
    buffer_clear(to);
    *to = *from;
    *from = BUFFER_EMPTY;
}
