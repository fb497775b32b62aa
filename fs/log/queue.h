/* queue: entries that wait to be written, encoded, with whom to tell. No lock of its own. */
#ifndef DOSSIERFS_LOG_QUEUE_H
#define DOSSIERFS_LOG_QUEUE_H

#include <stddef.h>

#include "fs/base/buffer.h"
#include "fs/log/log.h"
#include "fs/log/writer.h"

struct queue_waiter {
    log_done *done; /* NULL: nobody waits */
    void *context;
};

/* Three arrays in step. A queue of zeros is an empty one. Bodies exist in the clear only in `bodies`, which wipes itself. */
struct queue {
    struct buffer bodies;
    struct writer_entry *entries;
    struct queue_waiter *waiters;
    size_t count, capacity;
};

/* Encodes a copy of the entry behind the others. -ENOMEM, -EINVAL; then the queue is as it was. */
int queue_put(struct queue *queue, const struct log_entry *entry, log_done *done, void *context);
/* Empties it and keeps its memory. */
void queue_reset(struct queue *queue);
void queue_clear(struct queue *queue);
static inline void queue_swap(struct queue *one, struct queue *other)
{
    struct queue between = *one;

    *one = *other;
    *other = between;
}

#endif
