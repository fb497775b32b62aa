/* clients: processes that do one thing with files again and again, and what it costs.
 *
 *   clients ACTION CLIENTS COUNT [FIELD ...] <LIST
 *
 * LIST holds one path a line. Each client is a process of its own and does ACTION to COUNT of them, going through the whole
 * list from a place of its own, so that no two ask for the same at once and nothing is asked for twice in a row:
 *
 *   open   open, read, close of a file
 *   cat    open, fstat, read, read, close: what cat(1) asks for
 *   stat   stat of a file
 *   list   opendir, readdir to the end, closedir
 *   ls     the same with an lstat of each name: what ls -l asks for
 *   scan   list a directory of directories, and in each of them open, read and close the files named FIELD
 *
 * Prints one line: nanoseconds of wall time per action over all clients together; the median and the 99th percentile that
 * one action took; what was seen: bytes of content, sizes or names, summed over all; and the longest that one took. That sum depends on the files
 * alone, so it proves that two file systems were asked for the same and gave it. Whatever fails, an empty file and an empty
 * directory too, ends everything with exit code 1. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/timing.h"

enum { MAX_CLIENTS = 256, MAX_COUNT = 10000000 };

struct work {
    uint64_t (*act)(const struct work *work, const char *path); /* what was seen */
    char **paths;
    size_t path_count, path_capacity;
    char **fields;
    unsigned clients;
    unsigned count;
    uint64_t *took_ns; /* clients x count, shared with the clients; behind them what each client saw */
};

static _Noreturn void die(const char *what, const char *path)
{
    fprintf(stderr, "clients: %s: %s: %s\n", path, what, strerror(errno));
    _exit(1);
}

/* ---- actions ----------------------------------------------------------------------------------------------------- */

static int open_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        die("open", path);
    return fd;
}

static uint64_t read_some(int fd, const char *path)
{
    char content[65536];
    ssize_t length = read(fd, content, sizeof content);

    if (length < 0)
        die("read", path);
    return (uint64_t)length;
}

static void expect(uint64_t seen, const char *path)
{
    if (!seen) {
        errno = ENODATA;
        die("empty", path);
    }
}

static uint64_t act_open(const struct work *work, const char *path)
{
    int fd = open_file(path);
    uint64_t seen = read_some(fd, path);

    (void)work;
    expect(seen, path);
    if (close(fd) != 0)
        die("close", path);
    return seen;
}

static uint64_t act_cat(const struct work *work, const char *path)
{
    int fd = open_file(path);
    struct stat attributes;
    uint64_t seen = fstat(fd, &attributes) == 0 ? read_some(fd, path) : 0;

    (void)work;
    expect(seen, path);
    if (read_some(fd, path) != 0) {
        errno = EFBIG;
        die("read to the end", path);
    }
    if (close(fd) != 0)
        die("close", path);
    return seen;
}

static uint64_t act_stat(const struct work *work, const char *path)
{
    struct stat attributes;

    (void)work;
    if (stat(path, &attributes) != 0)
        die("stat", path);
    return (uint64_t)attributes.st_size;
}

/* Calls `each`, if there is one, with the path of every name; the sum of what it gives, and 1 for each name. */
static uint64_t walk(const struct work *work, const char *path,
                     uint64_t (*each)(const struct work *work, const char *path))
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    char inside[PATH_MAX];
    uint64_t seen = 0;

    if (!directory)
        die("opendir", path);
    while (errno = 0, (entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        seen++;
        if (!each)
            continue;
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        seen += each(work, inside);
    }
    if (errno)
        die("readdir", path);
    expect(seen, path);
    if (closedir(directory) != 0)
        die("closedir", path);
    return seen;
}

static uint64_t act_list(const struct work *work, const char *path)
{
    return walk(work, path, NULL);
}

static uint64_t lstat_one(const struct work *work, const char *path)
{
    struct stat attributes;

    (void)work;
    if (lstat(path, &attributes) != 0)
        die("lstat", path);
    return (uint64_t)attributes.st_size;
}

static uint64_t act_ls(const struct work *work, const char *path)
{
    return walk(work, path, lstat_one);
}

static uint64_t read_fields(const struct work *work, const char *path)
{
    char inside[PATH_MAX + NAME_MAX + 2];
    uint64_t seen = 0;

    for (char **field = work->fields; *field; field++) {
        snprintf(inside, sizeof inside, "%s/%s", path, *field);
        seen += act_open(work, inside);
    }
    return seen;
}

static uint64_t act_scan(const struct work *work, const char *path)
{
    return walk(work, path, read_fields);
}

static const struct {
    const char *name;
    uint64_t (*act)(const struct work *work, const char *path);
} the_actions[] = {{"open", act_open}, {"cat", act_cat}, {"stat", act_stat},
                   {"list", act_list}, {"ls", act_ls},   {"scan", act_scan}};

/* ---- clients ----------------------------------------------------------------------------------------------------- */

/* Waits until the parent closes the other end, so that all begin together. Ends when the parent is ended. */
static _Noreturn void run_client(const struct work *work, unsigned client, int gate_fd)
{
    uint64_t *took_ns = work->took_ns + (size_t)client * work->count;
    uint64_t *seen = work->took_ns + (size_t)work->clients * work->count + client;
    size_t at = work->path_count * client / work->clients;
    char byte;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (read(gate_fd, &byte, 1) != 0)
        die("read", "gate");
    for (unsigned i = 0; i < work->count; i++, at++) {
        uint64_t began_ns = timing_now_ns();

        *seen += work->act(work, work->paths[at % work->path_count]);
        took_ns[i] = timing_now_ns() - began_ns;
    }
    _exit(0);
}

/* Wall time from the opening of the gate until the last client is done. */
static uint64_t run_all(const struct work *work)
{
    int gate[2], failed = 0, status;
    uint64_t began_ns;

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
    began_ns = timing_now_ns();
    close(gate[1]);
    while (wait(&status) > 0)
        failed |= status;
    if (failed)
        exit(1);
    return timing_now_ns() - began_ns;
}

/* ---- what to do -------------------------------------------------------------------------------------------------- */

static void add_path(struct work *work, const char *line)
{
    if (work->path_count == work->path_capacity) {
        work->path_capacity = work->path_capacity ? 2 * work->path_capacity : 1024;
        work->paths = reallocarray(work->paths, work->path_capacity, sizeof *work->paths);
    }
    if (!work->paths || !(work->paths[work->path_count++] = strdup(line)))
        die("no memory", "list");
}

static void read_paths(struct work *work)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    while ((length = getline(&line, &capacity, stdin)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        add_path(work, line);
    }
    free(line);
    if (!work->path_count) {
        fputs("clients: the list is empty\n", stderr);
        exit(2);
    }
}

static unsigned parse_count(const char *text, unsigned max)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno || *end || end == text || value < 1 || value > max) {
        fprintf(stderr, "clients: %s is no number from 1 to %u\n", text, max);
        exit(2);
    }
    return (unsigned)value;
}

static void read_arguments(struct work *work, int argc, char **argv)
{
    for (size_t i = 0; argc >= 4 && i < sizeof the_actions / sizeof *the_actions; i++)
        if (strcmp(argv[1], the_actions[i].name) == 0)
            work->act = the_actions[i].act;
    if (!work->act || (work->act == act_scan) != (argc > 4)) {
        fputs("usage: clients open|cat|stat|list|ls CLIENTS COUNT <LIST\n"
              "       clients scan CLIENTS COUNT FIELD ... <LIST\n",
              stderr);
        exit(2);
    }
    work->clients = parse_count(argv[2], MAX_CLIENTS);
    work->count = parse_count(argv[3], MAX_COUNT);
    work->fields = argv + 4;
}

int main(int argc, char **argv)
{
    struct work work = {0};
    uint64_t wall_ns, median_ns, p99_ns, seen = 0;
    size_t all;

    read_arguments(&work, argc, argv);
    read_paths(&work);
    all = (size_t)work.clients * work.count;
    work.took_ns = mmap(NULL, (all + work.clients) * sizeof *work.took_ns, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (work.took_ns == MAP_FAILED)
        die("mmap", "times");
    wall_ns = run_all(&work);
    for (unsigned client = 0; client < work.clients; client++)
        seen += work.took_ns[all + client];
    median_ns = timing_percentile_ns(work.took_ns, all, 50);
    p99_ns = timing_percentile_ns(work.took_ns, all, 99);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", wall_ns / all, median_ns, p99_ns, seen,
           work.took_ns[all - 1]); /* sorted by now */
    for (size_t i = 0; i < work.path_count; i++)
        free(work.paths[i]);
    free(work.paths);
    return 0;
}
