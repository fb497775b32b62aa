/* peak: runs a command with its output thrown away, and prints how long it took, in nanoseconds, and the most memory that it had, in
 * bytes (ru_maxrss).
 *
 *   peak STATUS COMMAND...          ends with 1 if the command does not end with STATUS */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/timing.h"

int main(int argc, char **argv)
{
    struct rusage usage;
    uint64_t began_ns = timing_now_ns();
    int status;
    pid_t child;

    if (argc < 3) {
        fputs("usage: peak STATUS COMMAND...\n", stderr);
        return 2;
    }
    child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);

        if (nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0)
            execvp(argv[2], argv + 2);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || getrusage(RUSAGE_CHILDREN, &usage) < 0) {
        fprintf(stderr, "peak: %s\n", strerror(errno));
        return 1;
    }
    printf("%" PRIu64 " %ld\n", timing_now_ns() - began_ns, usage.ru_maxrss * 1024);
    return WIFEXITED(status) && WEXITSTATUS(status) == atoi(argv[1]) ? 0 : 1;
}
