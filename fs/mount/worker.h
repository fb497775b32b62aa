/* worker: a thread for what takes long, reading and rendering the log: the dispatcher gives it jobs, goes on, and takes them back when
 * they are done. Jobs of one uid and those of others take turns, and a long one is done in slices. */
#ifndef DOSSIERFS_MOUNT_WORKER_H
#define DOSSIERFS_MOUNT_WORKER_H

#include <stdbool.h>
#include <stdint.h>

struct worker;

/* The first member of what a job is about. Belongs to the worker from worker_give() until `done`. */
struct worker_job {
    struct worker_job *next;
    uint32_t uid;                         /* for whom */
    bool (*work)(struct worker_job *job); /* in the worker; true: a slice of it is done, and there is more */
    void (*done)(struct worker_job *job); /* in the dispatcher */
    bool cancelled;                       /* the worker ended before the job was done */
};

/* `done_fd` is an eventfd, raised when there is something for worker_take(). */
int worker_start(int done_fd, struct worker **out);
/* Any thread. */
void worker_give(struct worker *worker, struct worker_job *job);
/* Calls `done` of the jobs that were done; the dispatcher's. */
void worker_take(struct worker *worker);
/* Waits for the slice that is being done, cancels the rest, and calls `done` of all. NULL is allowed. */
void worker_stop(struct worker *worker);

#endif
