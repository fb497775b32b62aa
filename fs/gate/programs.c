#include "fs/gate/programs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 64 };

struct seen {
    int32_t pid;
    int64_t until_s;
    char name[PROGRAMS_NAME_BYTES];
    char process[PROGRAMS_NAME_BYTES]; /* of the process that the thread is in; "" until it was asked for */
};

static size_t read_small(const char *path, char *text, size_t text_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, text_bytes - 1);

    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

static void read_name(int32_t pid, char name[static PROGRAMS_NAME_BYTES])
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    read_small(path, name, PROGRAMS_NAME_BYTES);
    name[strcspn(name, "\n")] = '\0';
}

/* The name of a program changes rarely and is a hint only, so one look into /proc serves a second. */
static struct seen *see(int32_t pid, int64_t now_s)
{
    static struct seen table[SLOTS]; /* of the one dispatcher */
    struct seen *seen = &table[(unsigned)pid % SLOTS];

    if (seen->pid == pid && now_s < seen->until_s && now_s >= seen->until_s - 1)
        return seen;
    *seen = (struct seen){.pid = pid, .until_s = now_s + 1};
    read_name(pid, seen->name);
    return seen;
}

const char *programs_name(int32_t pid, int64_t now_s)
{
    return pid > 0 ? see(pid, now_s)->name : "";
}

/* Programs name their threads as they like ("pool-tracker-ex"). */
static const char *process_name(struct seen *seen)
{
    char path[64], status[512];
    const char *group;
    int32_t process = 0;

    if (seen->process[0])
        return seen->process;
    snprintf(path, sizeof path, "/proc/%d/status", seen->pid);
    read_small(path, status, sizeof status);
    group = strstr(status, "\nTgid:");
    if (group)
        process = (int32_t)strtol(group + strlen("\nTgid:"), NULL, 10);
    if (process > 0 && process != seen->pid)
        read_name(process, seen->process);
    if (!seen->process[0])
        memcpy(seen->process, seen->name, sizeof seen->process);
    return seen->process;
}

/* The kernel keeps 15 bytes of a name, so no more are compared. */
static bool is_named(const char *name, const char *program)
{
    return name[0] && strncmp(name, program, PROGRAMS_NAME_BYTES - 1) == 0;
}

unsigned programs_refused(const struct policy *policy, int32_t pid, int64_t now_s)
{
    struct seen *seen;

    if (policy->mount.refused_count == 0 || pid <= 0)
        return 0;
    seen = see(pid, now_s);
    for (size_t i = 0; i < policy->mount.refused_count; i++)
        if (is_named(seen->name, policy->mount.refused[i].name) ||
            is_named(process_name(seen), policy->mount.refused[i].name))
            return policy->mount.refused[i].line;
    return 0;
}
