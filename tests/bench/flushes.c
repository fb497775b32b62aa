/* flushes: what the disk asks for making something durable: the floor under every design with a durable log.
 *
 *   flushes FILE COUNT
 *
 * FILE is made for it and removed. Prints four medians in nanoseconds: fdatasync after an append of 300 bytes to a growing
 * file; after the same in place, into a file whose blocks are there and written; a block of 4096 bytes written in place past
 * the page cache with O_DIRECT and RWF_DSYNC (0 where the file system can't); fdatasync with nothing written. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/bench/timing.h"

enum { ENTRY_BYTES = 300, BLOCK_BYTES = 4096, MAX_COUNT = 1000000 };

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "flushes: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Median of `count` rounds of writing `length_bytes` behind the last ones, from the file's beginning, and syncing. */
static uint64_t measure(int fd, size_t length_bytes, size_t count, uint64_t *took_ns)
{
    char entry[ENTRY_BYTES];

    memset(entry, 'x', sizeof entry);
    for (size_t i = 0; i < count; i++) {
        uint64_t began_ns = timing_now_ns();

        if (length_bytes && pwrite(fd, entry, length_bytes, (off_t)(i * length_bytes)) != (ssize_t)length_bytes)
            die("write");
        if (fdatasync(fd) != 0)
            die("fdatasync");
        took_ns[i] = timing_now_ns() - began_ns;
    }
    return timing_percentile_ns(took_ns, count, 50);
}

/* The same for whole blocks past the page cache. 0: the file system can't. */
static uint64_t measure_direct(const char *path, size_t count, uint64_t *took_ns)
{
    static _Alignas(BLOCK_BYTES) char block[BLOCK_BYTES];
    struct iovec vector = {block, sizeof block};
    int fd = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
    ssize_t wrote = sizeof block;

    memset(block, 'x', sizeof block);
    for (size_t i = 0; fd >= 0 && i < count && wrote == sizeof block; i++) {
        uint64_t began_ns = timing_now_ns();

        wrote = pwritev2(fd, &vector, 1, (off_t)(i * sizeof block), RWF_DSYNC);
        took_ns[i] = timing_now_ns() - began_ns;
    }
    if (wrote != sizeof block && errno != EINVAL && errno != EOPNOTSUPP)
        die("direct write");
    if (fd < 0 && errno != EINVAL)
        die("direct open");
    if (fd >= 0)
        close(fd);
    return fd < 0 || wrote != sizeof block ? 0 : timing_percentile_ns(took_ns, count, 50);
}

/* Blocks that were only allocated are marked written when they are first written, which takes the journal. */
static void fill(int fd, size_t count)
{
    char block[BLOCK_BYTES] = {0};

    for (size_t i = 0; i < count; i++)
        if (pwrite(fd, block, sizeof block, (off_t)(i * sizeof block)) != sizeof block)
            die("write");
    if (fsync(fd) != 0)
        die("fsync");
}

int main(int argc, char **argv)
{
    char *end = NULL;
    size_t count = argc == 3 ? strtoul(argv[2], &end, 10) : 0;
    uint64_t *took_ns, growing_ns, in_place_ns, direct_ns, nothing_ns;
    int fd;

    if (count < 1 || count > MAX_COUNT || *end) {
        fputs("usage: flushes FILE COUNT\n", stderr);
        return 2;
    }
    took_ns = calloc(count, sizeof *took_ns);
    fd = open(argv[1], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || !took_ns)
        die(argv[1]);
    growing_ns = measure(fd, ENTRY_BYTES, count, took_ns);
    fill(fd, count);
    in_place_ns = measure(fd, ENTRY_BYTES, count, took_ns);
    direct_ns = measure_direct(argv[1], count, took_ns);
    nothing_ns = measure(fd, 0, count, took_ns);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", growing_ns, in_place_ns, direct_ns, nothing_ns);
    free(took_ns);
    close(fd);
    if (unlink(argv[1]) != 0)
        die(argv[1]);
    return 0;
}
