/* hammer SECONDS THREADS DIRECTORY: reads what stands in the directory in every way there is, as fast as it can, and checks each
 * answer against what the caller may see. On standard input, a line each: NAME HEX, a content that the file NAME may have (several
 * lines for one name: any of them), and at the end the line "." so that several can start together.
 *
 * Prints how many answers each way gave, and each kind of fault with its count; exit 1 if there was one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LEAVES = 16, CONTENTS = 8, CONTENT_BYTES = 4096, FAULTS = 32, THREADS = 16 };
enum way { READ, PREAD, STAT, FSTAT, STATX, STATX_SYNC, SHARED, PRIVATE, LISTING, ACCESS, WAYS };
static const char *const way_names[WAYS] = {"read",       "pread",  "stat",    "fstat",   "statx",
                                            "statx-sync", "shared", "private", "listing", "access"};

static struct leaf {
    char name[64], path[4096];
    unsigned count;
    struct content {
        size_t length_bytes;
        unsigned char bytes[CONTENT_BYTES];
    } contents[CONTENTS];
} leaves[LEAVES];
static unsigned leaf_count;
static const char *directory;
static double until_s;
static atomic_ulong answers[WAYS];
static pthread_mutex_t faults_lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct fault {
    char text[160];
    unsigned long count;
} faults[FAULTS];
static _Thread_local sigjmp_buf bus_back;

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fault(enum way way, const struct leaf *leaf, const char *what)
{
    char text[160];
    unsigned i = 0;

    snprintf(text, sizeof text, "%s %s: %s", way_names[way], leaf ? leaf->name : ".", what);
    pthread_mutex_lock(&faults_lock);
    while (i < FAULTS - 1 && faults[i].count > 0 && strcmp(faults[i].text, text) != 0)
        i++;
    memcpy(faults[i].text, text, sizeof text);
    faults[i].count++;
    pthread_mutex_unlock(&faults_lock);
}

static void check_bytes(enum way way, const struct leaf *leaf, const unsigned char *bytes, size_t length_bytes)
{
    char what[128];

    for (unsigned i = 0; i < leaf->count; i++)
        if (leaf->contents[i].length_bytes == length_bytes &&
            memcmp(leaf->contents[i].bytes, bytes, length_bytes) == 0)
            return;
    snprintf(what, sizeof what, "foreign content of %zu bytes: %.*s", length_bytes,
             length_bytes < 60 ? (int)length_bytes : 60, (const char *)bytes);
    fault(way, leaf, what);
}

static void check_size(enum way way, const struct leaf *leaf, long long size_bytes)
{
    char what[64];

    for (unsigned i = 0; i < leaf->count; i++)
        if ((long long)leaf->contents[i].length_bytes == size_bytes)
            return;
    snprintf(what, sizeof what, "foreign size %lld", size_bytes);
    fault(way, leaf, what);
}

/* ---- the ways ------------------------------------------------------------------------------------------------------ */

static void on_bus(int signal)
{
    (void)signal;
    siglongjmp(bus_back, 1);
}

static int by_reading(enum way way, const struct leaf *leaf, int fd)
{
    unsigned char room[CONTENT_BYTES];
    ssize_t got, filled = 0;

    if (way == PREAD) {
        filled = pread(fd, room, sizeof room, 0);
        if (filled < 0)
            return -1;
    }
    for (; way == READ; filled += got) {
        got = read(fd, room + filled, filled == 0 ? 3 : sizeof room - (size_t)filled);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
    }
    check_bytes(way, leaf, room, (size_t)filled);
    return 0;
}

static int by_mapping(enum way way, const struct leaf *leaf, int fd)
{
    unsigned char room[CONTENT_BYTES];
    struct stat there;
    size_t length_bytes;
    void *map;

    if (fstat(fd, &there) < 0)
        return -1;
    check_size(way, leaf, there.st_size);
    length_bytes = (size_t)there.st_size < sizeof room ? (size_t)there.st_size : sizeof room;
    map = mmap(NULL, length_bytes, PROT_READ, way == SHARED ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return -1;
    if (sigsetjmp(bus_back, 1)) {
        fault(way, leaf, "SIGBUS");
    } else {
        memcpy(room, map, length_bytes);
        check_bytes(way, leaf, room, length_bytes);
    }
    munmap(map, length_bytes);
    return 0;
}

static int by_handle(enum way way, const struct leaf *leaf)
{
    int fd = open(leaf->path, O_RDONLY | O_CLOEXEC), result;
    struct stat there;
    int error;

    if (fd < 0)
        return -1;
    if (way == FSTAT) {
        result = fstat(fd, &there);
        if (result == 0)
            check_size(way, leaf, there.st_size);
    } else {
        result = way == READ || way == PREAD ? by_reading(way, leaf, fd) : by_mapping(way, leaf, fd);
    }
    error = errno;
    close(fd);
    errno = error;
    return result;
}

static int by_path(enum way way, const struct leaf *leaf)
{
    struct stat there;
    struct statx more;
    int result;

    if (way == ACCESS)
        return access(leaf->path, R_OK);
    if (way == STAT) {
        result = stat(leaf->path, &there);
        if (result == 0)
            check_size(way, leaf, there.st_size);
        return result;
    }
    result = statx(AT_FDCWD, leaf->path, way == STATX_SYNC ? AT_STATX_FORCE_SYNC : AT_STATX_SYNC_AS_STAT,
                   STATX_BASIC_STATS, &more);
    if (result == 0)
        check_size(way, leaf, (long long)more.stx_size);
    return result;
}

static int by_listing(void)
{
    DIR *listing = opendir(directory);
    struct dirent *entry;
    unsigned seen = 0;

    if (!listing)
        return -1;
    errno = 0;
    while ((entry = readdir(listing))) {
        bool known = entry->d_name[0] == '.';

        for (unsigned i = 0; i < leaf_count && !known; i++)
            if (strcmp(leaves[i].name, entry->d_name) == 0) {
                known = true;
                seen++;
            }
        if (!known)
            fault(LISTING, NULL, "a name of somebody else");
    }
    if (errno) {
        int error = errno;

        closedir(listing);
        errno = error;
        return -1;
    }
    closedir(listing);
    if (seen != leaf_count)
        fault(LISTING, NULL, "a name is missing");
    return 0;
}

static void *hammer(void *seed)
{
    unsigned state = *(const unsigned *)seed;

    while (now_s() < until_s) {
        enum way way = (enum way)((unsigned)rand_r(&state) % WAYS);
        const struct leaf *leaf = &leaves[(unsigned)rand_r(&state) % leaf_count];
        int result;

        if (way == LISTING)
            result = by_listing();
        else if (way == STAT || way == STATX || way == STATX_SYNC || way == ACCESS)
            result = by_path(way, leaf);
        else
            result = by_handle(way, leaf);
        if (result < 0)
            fault(way, way == LISTING ? NULL : leaf, strerrorname_np(errno));
        atomic_fetch_add(&answers[way], 1);
    }
    return NULL;
}

/* ---- what may be seen ---------------------------------------------------------------------------------------------- */

static void take_content(char *line)
{
    char *hex = strchr(line, ' ');
    struct leaf *leaf = leaves;
    struct content *content;

    if (!hex)
        exit(2);
    *hex++ = '\0';
    hex[strcspn(hex, "\n")] = '\0';
    while (leaf < leaves + leaf_count && strcmp(leaf->name, line) != 0)
        leaf++;
    if (leaf == leaves + LEAVES || leaf->count == CONTENTS || strlen(hex) / 2 > CONTENT_BYTES)
        exit(2);
    if (leaf == leaves + leaf_count) {
        leaf_count++;
        snprintf(leaf->name, sizeof leaf->name, "%.63s", line);
        snprintf(leaf->path, sizeof leaf->path, "%.3000s/%s", directory, leaf->name);
    }
    content = &leaf->contents[leaf->count++];
    for (; hex[0] && hex[1]; hex += 2) {
        char pair[3] = {hex[0], hex[1], '\0'};

        content->bytes[content->length_bytes++] = (unsigned char)strtoul(pair, NULL, 16);
    }
}

int main(int argc, char **argv)
{
    unsigned thread_count = argc == 4 ? (unsigned)atoi(argv[2]) : 0, seeds[THREADS];
    struct sigaction bus = {.sa_handler = on_bus};
    pthread_t threads[THREADS];
    char line[2 * CONTENT_BYTES + 128];
    int status = 0;

    if (thread_count < 1 || thread_count > THREADS)
        return 2;
    directory = argv[3];
    while (fgets(line, sizeof line, stdin) && line[0] != '.')
        take_content(line);
    if (leaf_count == 0)
        return 2;
    sigaction(SIGBUS, &bus, NULL);
    until_s = now_s() + atof(argv[1]);
    for (unsigned i = 0; i < thread_count; i++) {
        seeds[i] = (unsigned)getpid() * 31 + i;
        if (pthread_create(&threads[i], NULL, hammer, &seeds[i]) != 0)
            return 2;
    }
    for (unsigned i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    for (int way = 0; way < WAYS; way++)
        printf("%s %lu\n", way_names[way], atomic_load(&answers[way]));
    for (unsigned i = 0; i < FAULTS && faults[i].count > 0; i++) {
        printf("FAULT %lu times: %s\n", faults[i].count, faults[i].text);
        status = 1;
    }
    return status;
}
