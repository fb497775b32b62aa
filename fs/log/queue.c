#include "fs/log/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/log/entry.h"

enum { FIRST_CAPACITY = 256 };

static int grow(struct queue *queue)
{
    size_t capacity = queue->capacity ? queue->capacity * 2 : FIRST_CAPACITY;
    struct writer_entry *entries = realloc(queue->entries, capacity * sizeof *entries);
    struct queue_waiter *waiters;

    if (!entries)
        return -ENOMEM;
    queue->entries = entries;
    waiters = realloc(queue->waiters, capacity * sizeof *waiters);
    if (!waiters)
        return -ENOMEM;
    queue->waiters = waiters;
    queue->capacity = capacity;
    return 0;
}

int queue_put(struct queue *queue, const struct log_entry *entry, log_done *done, void *context)
{
    size_t offset_bytes = queue->bodies.length_bytes;
    int error = queue->count < queue->capacity ? 0 : grow(queue);

    if (!error)
        error = entry_encode(entry, &queue->bodies);
    if (error)
        return error;
    queue->entries[queue->count] = (struct writer_entry){
        .offset_bytes = offset_bytes,
        .length_bytes = (uint32_t)(queue->bodies.length_bytes - offset_bytes),
        .month = entry_month(entry->time_ms),
    };
    queue->waiters[queue->count] = (struct queue_waiter){.done = done, .context = context};
    queue->count++;
    return 0;
}

void queue_reset(struct queue *queue)
{
    buffer_reset(&queue->bodies);
    queue->count = 0;
}

void queue_clear(struct queue *queue)
{
    buffer_clear(&queue->bodies);
    free(queue->entries);
    free(queue->waiters);
}
