#include "fs/base/random.h"

#include <sodium.h>
#include <string.h>

enum { POOL_BYTES = 2048 };

void random_draw(uint8_t *to, size_t length_bytes)
{
    static _Thread_local uint8_t pool[POOL_BYTES];
    static _Thread_local size_t left;

    if (left < length_bytes) {
        randombytes_buf(pool, sizeof pool);
        left = sizeof pool;
    }
    left -= length_bytes;
    memcpy(to, pool + left, length_bytes);
    explicit_bzero(pool + left, length_bytes);
}
