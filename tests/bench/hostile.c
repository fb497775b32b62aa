/* hostile: somebody without rights who asks for dossiers as fast as he can.
 *
 *   hostile [--count] CLIENTS WAY PREFIX
 *
 * CLIENTS processes ask for the attributes of PREFIX/CODE, until standard input ends; then it prints how many refusals it got a
 * second, or all in all. What is asked for at that moment is waited for, so that the count is that of the other side. Ways: `same`, always one code; `other`, codes at random. An answer that is no refusal ends it with 1. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/timing.h"

enum { MAX_CLIENTS = 1024 };

/* Shared by all. */
struct shared {
    bool stop;
    struct {
        uint64_t refusals;
        char apart[56]; /* a line of the processor's cache each */
    } client[MAX_CLIENTS];
};

static _Noreturn void ask(struct shared *shared, unsigned client, bool same, const char *prefix)
{
    unsigned seed = client + 1;
    char path[4096];

    while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
        struct stat attributes;

        snprintf(path, sizeof path, "%s/%04u-%05u", prefix, same ? 1999 : 1900 + (unsigned)rand_r(&seed) % 100,
                 same ? client : (unsigned)rand_r(&seed) % 100000);
        errno = 0;
        if (stat(path, &attributes) == 0 || (errno != ENOENT && errno != EACCES)) {
            fprintf(stderr, "hostile: %s: %s\n", path, errno ? strerror(errno) : "it is shown");
            _exit(1);
        }
        shared->client[client].refusals++;
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    bool count = argc > 1 && strcmp(argv[1], "--count") == 0;
    char **words = argv + count;
    unsigned clients = argc - count == 4 ? (unsigned)atoi(words[1]) : 0;
    struct shared *shared;
    uint64_t all = 0, began_ns;
    int status, code = 0;
    char byte;

    if (clients < 1 || clients > MAX_CLIENTS) {
        fputs("Usage: hostile [--count] CLIENTS same|other PREFIX\n", stderr);
        return 2;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    began_ns = timing_now_ns();
    for (unsigned i = 0; i < clients; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            ask(shared, i, strcmp(words[2], "same") == 0, words[3]);
        }
        if (pid < 0)
            code = 1;
    }
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    __atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
    while (wait(&status) > 0)
        if (status != 0)
            code = 1;
    for (unsigned i = 0; i < clients; i++)
        all += shared->client[i].refusals;
    printf("%.0f\n", count ? (double)all : (double)all / ((double)(timing_now_ns() - began_ns) / 1e9));
    return code;
}
