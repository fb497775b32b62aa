/* hostile: somebody without rights who asks for dossiers as fast as he can.
 *
 *   hostile CLIENTS WAY PREFIX
 *
 * CLIENTS processes ask for the attributes of PREFIX/CODE, until this program is ended or its standard input is; then it prints how
 * many refusals it got a second. Ways: `same`, always one code; `other`, codes at random. An answer that is no refusal ends it with 1. */
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

static _Noreturn void ask(unsigned client, bool same, const char *prefix, volatile uint64_t *count)
{
    unsigned seed = client + 1;
    char path[4096];

    for (;;) {
        struct stat attributes;

        snprintf(path, sizeof path, "%s/%04u-%05u", prefix, same ? 1999 : 1900 + (unsigned)rand_r(&seed) % 200,
                 same ? client : (unsigned)rand_r(&seed) % 100000);
        if (stat(path, &attributes) == 0 || (errno != ENOENT && errno != EACCES)) {
            fprintf(stderr, "hostile: %s: %s\n", path, errno ? strerror(errno) : "it is shown");
            _exit(1);
        }
        ++*count;
    }
}

int main(int argc, char **argv)
{
    unsigned clients = argc == 4 ? (unsigned)atoi(argv[1]) : 0;
    uint64_t *counts, all = 0, began_ns;
    pid_t pids[MAX_CLIENTS];
    char byte;
    int status, code = 0;

    if (clients < 1 || clients > MAX_CLIENTS) {
        fputs("Usage: hostile CLIENTS same|other PREFIX\n", stderr);
        return 2;
    }
    counts = mmap(NULL, clients * 64, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED)
        return 2;
    began_ns = timing_now_ns();
    for (unsigned i = 0; i < clients; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            errno = 0;
            ask(i, strcmp(argv[2], "same") == 0, argv[3], &counts[8 * i]);
        }
    }
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    for (unsigned i = 0; i < clients; i++)
        kill(pids[i], SIGTERM);
    for (unsigned i = 0; i < clients; i++) {
        if (waitpid(pids[i], &status, 0) > 0 && WIFEXITED(status))
            code = 1;
        all += counts[8 * i];
    }
    printf("%.0f\n", (double)all / ((double)(timing_now_ns() - began_ns) / 1e9));
    return code;
}
