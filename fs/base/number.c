#include "fs/base/number.h"

#include <errno.h>

int number_parse_u64(const char *text, size_t length_bytes, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (length_bytes == 0)
        return -EINVAL;
    for (size_t i = 0; i < length_bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return -ERANGE;
    }
    if (value < min || value > max)
        return -ERANGE;
    *out = value;
    return 0;
}

int number_parse_u32(const char *text, size_t length_bytes, uint32_t min, uint32_t max, uint32_t *out)
{
    uint64_t value;
    int error = number_parse_u64(text, length_bytes, min, max, &value);

    if (error)
        return error;
    *out = (uint32_t)value;
    return 0;
}
