#include "policy/arena.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK_BYTES = 16384 };

struct arena_block {
    struct arena_block *next;
    size_t used_bytes, size_bytes;
    _Alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *add_block(struct arena *arena, size_t length_bytes)
{
    size_t size_bytes = length_bytes > ARENA_BLOCK_BYTES ? length_bytes : ARENA_BLOCK_BYTES;
    struct arena_block *block = calloc(1, sizeof *block + size_bytes);

    if (!block)
        return NULL;
    block->size_bytes = size_bytes;
    /* A block of its own for a large piece goes behind the first, so that the room left in the first stays in use. */
    if (arena->blocks && length_bytes > ARENA_BLOCK_BYTES) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *arena_take(struct arena *arena, size_t length_bytes)
{
    struct arena_block *block = arena->blocks;
    size_t align = _Alignof(max_align_t);
    void *place;

    if (__builtin_add_overflow(length_bytes, align - 1, &length_bytes)) {
        arena->failed = true;
        return NULL;
    }
    length_bytes -= length_bytes % align;
    if (!block || block->size_bytes - block->used_bytes < length_bytes)
        block = add_block(arena, length_bytes);
    if (!block) {
        arena->failed = true;
        return NULL;
    }
    place = block->bytes + block->used_bytes;
    block->used_bytes += length_bytes;
    return place;
}

void *arena_take_many(struct arena *arena, size_t count, size_t each_bytes)
{
    size_t total_bytes;

    if (__builtin_mul_overflow(count, each_bytes, &total_bytes)) {
        arena->failed = true;
        return NULL;
    }
    return arena_take(arena, total_bytes);
}

char *arena_text(struct arena *arena, const char *text, size_t length_bytes)
{
    char *copy = arena_take(arena, length_bytes + 1);

    if (copy)
        memcpy(copy, text, length_bytes);
    return copy;
}

void arena_clear(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (struct arena){0};
}
