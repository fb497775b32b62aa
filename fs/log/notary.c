#include "fs/log/notary.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOUR_MS = 3600 * 1000 };

struct notary {
    int directory_fd;
    uint8_t store_id[LOG_STORE_ID_BYTES];
    int64_t hour_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    struct signer_head head;           /* lock */
    bool stopping;                     /* lock */
    bool told;                         /* lock: something was acknowledged since the start */
    const struct log_erasure *erasing; /* lock: somebody waits for its record */
    int erased;                        /* lock: how that ended */
    pthread_cond_t is_erased;

    /* of the thread */
    struct signer *signer; /* NULL: it could not be opened yet */
    uint64_t signed_size;
    bool is_signed;       /* something was, since the start */
    bool to_hand_over;    /* now, or again since it failed */
    int64_t hand_over_ms; /* the next one */
    bool failing;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Once when it begins to fail, and once when it is over. */
static void say_state(struct notary *notary, int error)
{
    if (error && !notary->failing)
        report(REPORT_ERROR, "log: checkpoints can't be signed (%s); entries are written all the same",
               strerror(-error));
    if (!error && notary->failing)
        report(REPORT_WARNING, "log: checkpoints are signed again");
    notary->failing = error != 0;
}

/* What is due. Hand-over first: the checkpoint behind it is then by the key that lives. At the stop the other way round: the
 * last checkpoint is by a key that is destroyed. */
static void sign(struct notary *notary, const struct signer_head *head, bool last)
{
    bool news = !notary->is_signed || head->size != notary->signed_size;
    int error = 0;

    if (now_ms() >= notary->hand_over_ms || last)
        notary->to_hand_over = true;
    if (!notary->signer && (news || notary->to_hand_over))
        error = signer_open(notary->directory_fd, notary->store_id, head, &notary->signer);
    if (!error && last)
        error = signer_checkpoint(notary->signer, head, true);
    if (!error && notary->to_hand_over) {
        error = signer_succeed(notary->signer, head, NULL);
        if (!error) {
            notary->to_hand_over = false;
            notary->hand_over_ms = now_ms() + notary->hour_ms;
            news = true;
        }
    }
    if (!error && news && !last)
        error = signer_checkpoint(notary->signer, head, !notary->is_signed);
    if (!error && news) {
        notary->signed_size = head->size;
        notary->is_signed = true;
    }
    say_state(notary, error);
}

static int erase(struct notary *notary, const struct signer_head *head, const struct log_erasure *erased)
{
    int error = notary->signer ? 0 : signer_open(notary->directory_fd, notary->store_id, head, &notary->signer);

    if (!error)
        error = signer_succeed(notary->signer, head, erased);
    if (error)
        return error;
    notary->to_hand_over = false;
    notary->hand_over_ms = now_ms() + notary->hour_ms;
    notary->is_signed = false; /* the newest checkpoint is of a key that is gone: another one, at once */
    return 0;
}

static void *run(void *context)
{
    struct notary *notary = context;
    const struct log_erasure *erasing;
    struct signer_head head;
    bool last = false, due;

    while (!last) {
        struct timespec until;

        pthread_mutex_lock(&notary->lock);
        head = notary->head;
        last = notary->stopping;
        erasing = notary->erasing;
        due = notary->told || notary->is_signed || now_ms() >= notary->hand_over_ms;
        pthread_mutex_unlock(&notary->lock);
        if (erasing) {
            int error = erase(notary, &head, erasing);

            pthread_mutex_lock(&notary->lock);
            notary->erased = error;
            notary->erasing = NULL;
            pthread_cond_signal(&notary->is_erased);
            pthread_mutex_unlock(&notary->lock);
        }
        /* A log that was opened for a start that failed is left as it was. */
        if (due)
            sign(notary, &head, last);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += 1;
        pthread_mutex_lock(&notary->lock);
        while (!last && !notary->stopping && !notary->erasing &&
               pthread_cond_timedwait(&notary->stop, &notary->lock, &until) != ETIMEDOUT)
            ;
        pthread_mutex_unlock(&notary->lock);
    }
    return NULL;
}

static void notary_free(struct notary *notary)
{
    signer_close(notary->signer);
    pthread_cond_destroy(&notary->is_erased);
    pthread_cond_destroy(&notary->stop);
    pthread_mutex_destroy(&notary->lock);
    free(notary);
}

int notary_start(int directory_fd, const uint8_t store_id[static LOG_STORE_ID_BYTES], const struct signer_head *head,
                 uint32_t hour_ms, struct notary **out)
{
    struct notary *notary = calloc(1, sizeof *notary);
    pthread_condattr_t monotonic;
    int error;

    if (!notary)
        return -ENOMEM;
    notary->directory_fd = directory_fd;
    memcpy(notary->store_id, store_id, LOG_STORE_ID_BYTES);
    notary->hour_ms = hour_ms ? hour_ms : HOUR_MS;
    notary->head = *head;
    notary->to_hand_over = true;
    notary->hand_over_ms = now_ms() + notary->hour_ms;
    pthread_mutex_init(&notary->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&notary->stop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&notary->is_erased, NULL);
    error = -pthread_create(&notary->thread, NULL, run, notary);
    if (error) {
        notary_free(notary);
        return error;
    }
    *out = notary;
    return 0;
}

void notary_tell(struct notary *notary, const struct signer_head *head)
{
    pthread_mutex_lock(&notary->lock);
    notary->head = *head;
    notary->told = true;
    pthread_mutex_unlock(&notary->lock);
}

int notary_erase(struct notary *notary, const struct log_erasure *erased)
{
    int error;

    pthread_mutex_lock(&notary->lock);
    notary->erasing = erased;
    pthread_cond_signal(&notary->stop);
    while (notary->erasing)
        pthread_cond_wait(&notary->is_erased, &notary->lock);
    error = notary->erased;
    pthread_mutex_unlock(&notary->lock);
    return error;
}

void notary_stop(struct notary *notary)
{
    if (!notary)
        return;
    pthread_mutex_lock(&notary->lock);
    notary->stopping = true;
    pthread_cond_signal(&notary->stop);
    pthread_mutex_unlock(&notary->lock);
    pthread_join(notary->thread, NULL);
    notary_free(notary);
}
