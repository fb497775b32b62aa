#include "fs/gate/loading.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SUBJECTS = 256, BLOCKS = 2 }; /* a hand-over costs as much as opening a few summaries */

struct block {
    bool full; /* under `lock` */
    unsigned count;
    struct store_subject subjects[BLOCK_SUBJECTS];
};

struct loading {
    struct store_reader *reader;
    uint64_t *damaged;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ended, enough; /* under `lock`: nothing more comes, nothing more is wanted */
    int error;          /* of the walk; the reading thread's until `ended` */
    unsigned filling;   /* the reading thread's: which block */
    struct block blocks[BLOCKS];
};

/* Hands over the block that was being filled, and waits for the next to be free. False: nothing more is wanted. */
static bool hand_over(struct loading *loading)
{
    struct block *next;
    bool wanted;

    pthread_mutex_lock(&loading->lock);
    loading->blocks[loading->filling].full = true;
    loading->filling = (loading->filling + 1) % BLOCKS;
    next = &loading->blocks[loading->filling];
    pthread_cond_signal(&loading->changed);
    while (next->full && !loading->enough)
        pthread_cond_wait(&loading->changed, &loading->lock);
    wanted = !loading->enough;
    pthread_mutex_unlock(&loading->lock);
    if (wanted)
        next->count = 0;
    return wanted;
}

static int keep_one(void *context, const struct store_subject *subject)
{
    struct loading *loading = context;
    struct block *block = &loading->blocks[loading->filling];

    store_subject_copy(&block->subjects[block->count++], subject);
    return block->count < BLOCK_SUBJECTS || hand_over(loading) ? 0 : 1;
}

static void *read_all(void *context)
{
    struct loading *loading = context;
    int error = store_each_subject(loading->reader, 0, keep_one, loading, loading->damaged);

    if (error == 0 && loading->blocks[loading->filling].count > 0)
        hand_over(loading);
    pthread_mutex_lock(&loading->lock);
    loading->error = error < 0 ? error : 0;
    loading->ended = true;
    pthread_cond_signal(&loading->changed);
    pthread_mutex_unlock(&loading->lock);
    return NULL;
}

/* The next full block, or NULL: there is none and will be none. */
static struct block *next_block(struct loading *loading, unsigned at)
{
    struct block *block = &loading->blocks[at];

    pthread_mutex_lock(&loading->lock);
    while (!block->full && !loading->ended)
        pthread_cond_wait(&loading->changed, &loading->lock);
    if (!block->full)
        block = NULL;
    pthread_mutex_unlock(&loading->lock);
    return block;
}

static void free_block(struct loading *loading, struct block *block, bool enough)
{
    pthread_mutex_lock(&loading->lock);
    block->full = false;
    loading->enough = loading->enough || enough;
    pthread_cond_signal(&loading->changed);
    pthread_mutex_unlock(&loading->lock);
}

static int take_all(struct loading *loading, int (*each)(void *, const struct store_subject *), void *context)
{
    struct block *block;
    int answer = 0;

    for (unsigned at = 0; (block = next_block(loading, at)); at = (at + 1) % BLOCKS) {
        for (unsigned i = 0; i < block->count && answer == 0; i++)
            answer = each(context, &block->subjects[i]);
        free_block(loading, block, answer != 0);
    }
    return answer;
}

int loading_each(struct store_reader *reader, int (*each)(void *context, const struct store_subject *subject),
                 void *context, uint64_t *damaged)
{
    struct loading *loading = calloc(1, sizeof *loading);
    pthread_t thread;
    int answer;

    if (!loading)
        return store_each_subject(reader, 0, each, context, damaged);
    loading->reader = reader;
    loading->damaged = damaged;
    pthread_mutex_init(&loading->lock, NULL);
    pthread_cond_init(&loading->changed, NULL);
    if (pthread_create(&thread, NULL, read_all, loading) == 0) {
        answer = take_all(loading, each, context);
        pthread_join(thread, NULL);
        if (answer == 0)
            answer = loading->error;
    } else {
        answer = store_each_subject(reader, 0, each, context, damaged);
    }
    pthread_cond_destroy(&loading->changed);
    pthread_mutex_destroy(&loading->lock);
    explicit_bzero(loading, sizeof *loading);
    free(loading);
    return answer;
}
