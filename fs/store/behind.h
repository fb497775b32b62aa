/* behind: a second thread that does pieces of work behind the first, one at a time and in their order. */
#ifndef DOSSIERFS_STORE_BEHIND_H
#define DOSSIERFS_STORE_BEHIND_H

struct behind;

/* Starts the thread; it calls work(context, piece) for each piece. A negative errno: there is none to be had. */
int behind_new(void (*work)(void *context, void *piece), void *context, struct behind **out);
/* Waits until the thread is free, and gives it the piece, which is its own until the next call of this or of behind_wait(). */
void behind_give(struct behind *behind, void *piece);
/* Waits until it is free. NULL is allowed. */
void behind_wait(struct behind *behind);
/* Waits and ends the thread. NULL is allowed. */
void behind_free(struct behind *behind);

#endif
