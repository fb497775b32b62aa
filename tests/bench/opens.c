/* opens: clients that open, read and close files, and what one such round costs.
 *
 *   opens CLIENTS OPENS <LIST
 *
 * LIST holds one path a line. Each client is a process of its own and opens OPENS files, going through the whole list from
 * a place of its own, so that no two ask for the same file at once and no file is asked for twice in a row. Prints one
 * line: nanoseconds of wall time per open over all clients together, then the median and the 99th percentile that one open
 * took. An open or read that fails, or an empty file, ends everything with exit code 1. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 256, MAX_OPENS = 10000000, MAX_FILES = 1000000 };

struct work {
    char **paths;
    size_t path_count;
    unsigned clients;
    unsigned opens;
    uint32_t *took_ns; /* clients x opens, shared with the clients */
};

static _Noreturn void die(const char *what, const char *path)
{
    fprintf(stderr, "opens: %s: %s: %s\n", path, what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void open_read_close(const char *path)
{
    char content[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die("open", path);
    ssize_t length = read(fd, content, sizeof content);
    if (length <= 0)
        die(length < 0 ? "read" : "empty", path);
    if (close(fd) != 0)
        die("close", path);
}

/* Waits until the parent closes the other end, so that all begin together. */
static _Noreturn void run_client(const struct work *work, unsigned client, int gate_fd)
{
    uint32_t *took_ns = work->took_ns + (size_t)client * work->opens;
    size_t at = work->path_count * client / work->clients;
    char byte;
    if (read(gate_fd, &byte, 1) != 0)
        die("read", "gate");
    for (unsigned i = 0; i < work->opens; i++, at++) {
        uint64_t began_ns = now_ns();
        open_read_close(work->paths[at % work->path_count]);
        uint64_t each_ns = now_ns() - began_ns;
        took_ns[i] = each_ns > UINT32_MAX ? UINT32_MAX : (uint32_t)each_ns;
    }
    _exit(0);
}

/* Wall time from the opening of the gate until the last client is done. */
static uint64_t run_all(const struct work *work)
{
    int gate[2];
    if (pipe(gate) != 0)
        die("pipe", "gate");
    for (unsigned client = 0; client < work->clients; client++) {
        pid_t pid = fork();
        if (pid < 0)
            die("fork", "client");
        if (pid == 0) {
            close(gate[1]);
            run_client(work, client, gate[0]);
        }
    }
    close(gate[0]);
    uint64_t began_ns = now_ns();
    close(gate[1]);
    int failed = 0, status;
    while (wait(&status) > 0)
        failed |= status;
    uint64_t took_ns = now_ns() - began_ns;
    if (failed)
        exit(1);
    return took_ns;
}

static void read_paths(struct work *work)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    work->paths = calloc(MAX_FILES, sizeof *work->paths);
    if (!work->paths)
        die("calloc", "list");
    while (work->path_count < MAX_FILES && (length = getline(&line, &capacity, stdin)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        work->paths[work->path_count] = strdup(line);
        if (!work->paths[work->path_count++])
            die("strdup", "list");
    }
    free(line);
}

static int compare_u32(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static unsigned parse_count(const char *text, unsigned max)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || end == text || value < 1 || value > max) {
        fprintf(stderr, "opens: %s is no number from 1 to %u\n", text, max);
        exit(2);
    }
    return (unsigned)value;
}

int main(int argc, char **argv)
{
    struct work work = {0};
    if (argc != 3) {
        fputs("usage: opens CLIENTS OPENS <LIST\n", stderr);
        return 2;
    }
    work.clients = parse_count(argv[1], MAX_CLIENTS);
    work.opens = parse_count(argv[2], MAX_OPENS);
    read_paths(&work);
    if (!work.path_count) {
        fputs("opens: the list is empty\n", stderr);
        return 2;
    }
    size_t all = (size_t)work.clients * work.opens;
    work.took_ns = mmap(NULL, all * sizeof *work.took_ns, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (work.took_ns == MAP_FAILED)
        die("mmap", "times");
    uint64_t wall_ns = run_all(&work);
    qsort(work.took_ns, all, sizeof *work.took_ns, compare_u32);
    printf("%" PRIu64 " %" PRIu32 " %" PRIu32 "\n", wall_ns / all, work.took_ns[all / 2],
           work.took_ns[all * 99 / 100]);
    for (size_t i = 0; i < work.path_count; i++)
        free(work.paths[i]);
    free(work.paths);
    return 0;
}
