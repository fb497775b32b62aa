/* arena: the memory of one policy. What a policy consists of is given back together, so nothing in it is freed alone. */
#ifndef DOSSIERFS_POLICY_ARENA_H
#define DOSSIERFS_POLICY_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
    bool failed; /* memory ran out once: what was built on it is not whole */
};

/* Zeroed and aligned for any type; NULL (and failed) if there is no memory. */
void *arena_take(struct arena *arena, size_t length_bytes);
void *arena_take_many(struct arena *arena, size_t count, size_t each_bytes);
/* A terminated copy, or NULL (and failed). */
char *arena_text(struct arena *arena, const char *text, size_t length_bytes);
void arena_clear(struct arena *arena);

#endif
