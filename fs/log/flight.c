#include "fs/log/flight.h"

#include <errno.h>
#include <libaio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct flight {
    io_context_t context;
    int event_fd;
    bool under_way;
    size_t length_bytes;
};

int flight_new(struct flight **out)
{
    struct flight *flight = calloc(1, sizeof *flight);
    int error;

    if (!flight)
        return -ENOMEM;
    flight->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    error = flight->event_fd < 0 ? -errno : io_setup(1, &flight->context);
    if (error) {
        flight->context = NULL;
        flight_free(flight);
        return error;
    }
    *out = flight;
    return 0;
}

void flight_free(struct flight *flight)
{
    if (!flight)
        return;
    if (flight->context)
        io_destroy(flight->context); /* waits */
    if (flight->event_fd >= 0)
        close(flight->event_fd);
    free(flight);
}

int flight_fd(const struct flight *flight)
{
    return flight->event_fd;
}

int flight_start(struct flight *flight, int fd, const void *bytes, size_t length_bytes, off_t offset)
{
    struct iocb write, *list[1] = {&write};
    int began;

    if (flight->under_way)
        return -EBUSY;
    io_prep_pwrite(&write, fd, (void *)(uintptr_t)bytes, length_bytes, offset);
    io_set_eventfd(&write, flight->event_fd);
    began = io_submit(flight->context, 1, list);
    if (began != 1)
        return began < 0 ? began : -EAGAIN;
    flight->under_way = true;
    flight->length_bytes = length_bytes;
    return 0;
}

bool flight_landed(struct flight *flight, bool wait, int *status)
{
    struct timespec at_once = {0, 0};
    struct io_event event;
    eventfd_t count;
    int got;

    if (!flight->under_way)
        return false;
    /* Without a wait this looks into memory that the kernel shares, and is no system call until there is something. */
    do
        got = io_getevents(flight->context, wait, 1, &event, wait ? NULL : &at_once);
    while (got == -EINTR && wait);
    if (got != 1)
        return false;
    eventfd_read(flight->event_fd, &count);
    flight->under_way = false;
    if ((long)event.res < 0)
        *status = (int)(long)event.res;
    else
        *status = event.res == flight->length_bytes ? 0 : -EIO;
    return true;
}
