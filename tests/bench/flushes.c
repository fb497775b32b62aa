/* flushes: what the disk asks for making something durable: the floor under every design with a durable log.
 *
 *   flushes FILE COUNT
 *
 * FILE is made for it and removed. Prints three medians in nanoseconds: fdatasync after an append of 300 bytes to a growing
 * file, after the same into a preallocated and already written file, and with nothing written. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ENTRY_BYTES = 300, MAX_COUNT = 1000000 };

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "flushes: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int compare_u64(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Median of `count` rounds of writing `length_bytes` behind the last ones, from the file's beginning, and syncing. */
static uint64_t measure(int fd, size_t length_bytes, size_t count, uint64_t *took_ns)
{
    char entry[ENTRY_BYTES];
    memset(entry, 'x', sizeof entry);
    for (size_t i = 0; i < count; i++) {
        uint64_t began_ns = now_ns();
        if (length_bytes && pwrite(fd, entry, length_bytes, (off_t)(i * length_bytes)) != (ssize_t)length_bytes)
            die("write");
        if (fdatasync(fd) != 0)
            die("fdatasync");
        took_ns[i] = now_ns() - began_ns;
    }
    qsort(took_ns, count, sizeof *took_ns, compare_u64);
    return took_ns[count / 2];
}

int main(int argc, char **argv)
{
    char *end = NULL;
    size_t count = argc == 3 ? strtoul(argv[2], &end, 10) : 0;
    if (count < 1 || count > MAX_COUNT || *end) {
        fputs("usage: flushes FILE COUNT\n", stderr);
        return 2;
    }
    uint64_t *took_ns = calloc(count, sizeof *took_ns);
    int fd = open(argv[1], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || !took_ns)
        die(argv[1]);
    uint64_t growing_ns = measure(fd, ENTRY_BYTES, count, took_ns);
    /* The same bytes once more: the file's size and extents stay, so that only its content has to reach the disk. */
    uint64_t in_place_ns = measure(fd, ENTRY_BYTES, count, took_ns);
    uint64_t nothing_ns = measure(fd, 0, count, took_ns);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", growing_ns, in_place_ns, nothing_ns);
    free(took_ns);
    close(fd);
    if (unlink(argv[1]) != 0)
        die(argv[1]);
    return 0;
}
