/* flight: one write to a file, under way while the thread that asked for it goes on. Done by the kernel (io_submit(2), by way of
 * libaio), which needs no second thread to hand the work to and back: each such hand-over costs as much as a look-up.
 *
 * The file must be open with O_DIRECT | O_DSYNC: landed then means durable. Not for two threads at once. */
#ifndef DOSSIERFS_LOG_FLIGHT_H
#define DOSSIERFS_LOG_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct flight;

/* -ENOSYS, -EPERM: the kernel has no such thing, or not for us; -EAGAIN: fs.aio-max-nr is used up; -ENOMEM. */
int flight_new(struct flight **out);
/* Waits for what is under way. NULL is allowed. */
void flight_free(struct flight *flight);
/* Readable when a write landed, until flight_landed() took it. Others may write to it (an eventfd) to wake who polls it. */
int flight_fd(const struct flight *flight);
/* Begins to write `length_bytes` bytes at `bytes`, all aligned as O_DIRECT asks, which must stay as they are until it landed.
 * One at a time. A negative errno: nothing was begun. */
int flight_start(struct flight *flight, int fd, const void *bytes, size_t length_bytes, off_t offset);
/* True: what was under way ended, and *status is 0, or a negative errno (-EIO for a short write). With `wait` it waits for
 * that. False: it is still under way, or there is nothing. */
bool flight_landed(struct flight *flight, bool wait, int *status);

#endif
