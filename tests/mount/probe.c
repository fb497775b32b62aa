/* probe: does to files what it is told on standard input, a command a line, and says on a line each what came of it. Runs as the
 * person whose view is tested, keeps descriptors and mappings open between commands.
 *
 *   try PATH            the error of every call that could tell whether PATH exists
 *   write PATH          the error of every call that would change PATH
 *   attr PATH           what stat says: type and mode, size, links, times and so on
 *   open N PATH         keeps a descriptor as number N (0..15); likewise: dir N PATH
 *   read N | fstat N | list N | close N
 *   map N shared|private    and then: peek N, which survives a SIGBUS
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SLOTS = 16, ROOM_BYTES = 65536 };

static struct slot {
    int fd;
    DIR *directory;
    char *map;
    size_t map_bytes;
} slots[SLOTS];
static sigjmp_buf bus_back;

static void on_bus(int signal)
{
    (void)signal;
    siglongjmp(bus_back, 1);
}

static const char *error_name(int failed)
{
    return failed ? strerrorname_np(errno) : "0";
}

static void tell(const char *call, int failed)
{
    printf("%s=%s ", call, error_name(failed));
}

/* ---- does it exist? ---------------------------------------------------------------------------------------------- */

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static int try_statx(const char *path, int flags)
{
    struct statx there;

    return statx(AT_FDCWD, path, flags, STATX_BASIC_STATS, &there) < 0;
}

static void try_below(const char *path)
{
    char below[8192];

    snprintf(below, sizeof below, "%s/x", path);
    tell("below", try_statx(below, 0));
    snprintf(below, sizeof below, "%s/../x", path);
    tell("through", try_statx(below, 0));
    snprintf(below, sizeof below, "%s/", path);
    tell("slash", try_statx(below, 0));
}

static void try_path(const char *path)
{
    char room[256], *real;
    struct stat there;
    struct statvfs figures;
    DIR *directory;

    tell("open", try_open(path, O_RDONLY));
    tell("path", try_open(path, O_PATH));
    tell("nofollow", try_open(path, O_RDONLY | O_NOFOLLOW));
    tell("directory", try_open(path, O_RDONLY | O_DIRECTORY));
    tell("stat", stat(path, &there) < 0);
    tell("lstat", lstat(path, &there) < 0);
    tell("statx", try_statx(path, AT_STATX_SYNC_AS_STAT));
    tell("statx-sync", try_statx(path, AT_STATX_FORCE_SYNC));
    tell("statx-cached", try_statx(path, AT_STATX_DONT_SYNC));
    tell("access", access(path, F_OK) < 0);
    tell("readable", access(path, R_OK) < 0);
    tell("readlink", readlink(path, room, sizeof room) < 0);
    tell("getxattr", getxattr(path, "user.x", room, sizeof room) < 0);
    tell("listxattr", listxattr(path, room, sizeof room) < 0);
    tell("statvfs", statvfs(path, &figures) < 0);
    tell("chdir", chdir(path) < 0 || chdir("/") < 0);
    real = realpath(path, NULL);
    tell("realpath", !real);
    free(real);
    directory = opendir(path);
    tell("opendir", !directory);
    if (directory)
        closedir(directory);
    try_below(path);
}

/* ---- can it be changed? ------------------------------------------------------------------------------------------ */

static void write_path(const char *path)
{
    char other[8192];

    snprintf(other, sizeof other, "%s.other", path);
    tell("write", try_open(path, O_WRONLY));
    tell("readwrite", try_open(path, O_RDWR));
    tell("append", try_open(path, O_WRONLY | O_APPEND));
    tell("creat", try_open(other, O_WRONLY | O_CREAT | O_EXCL));
    tell("truncate", truncate(path, 0) < 0);
    tell("unlink", unlink(path) < 0);
    tell("rename", rename(path, other) < 0);
    tell("mkdir", mkdir(other, 0755) < 0);
    tell("mkdir-here", mkdir(path, 0755) < 0);
    tell("link", link(path, other) < 0);
    tell("symlink", symlink("x", other) < 0);
    tell("mknod", mkfifo(other, 0600) < 0);
    tell("chmod", chmod(path, 0777) < 0);
    tell("chown", chown(path, getuid(), getgid()) < 0);
    tell("utimens", utimensat(AT_FDCWD, path, NULL, 0) < 0);
    tell("setxattr", setxattr(path, "user.x", "x", 1, 0) < 0);
    tell("tmpfile", try_open(path, O_TMPFILE | O_WRONLY));
}

static void attr_of(const struct stat *there)
{
    printf("mode=%o size=%lld nlink=%lu ino=%lu uid=%u gid=%u blocks=%lld mtime=%lld.%09ld ctime=%lld.%09ld "
           "atime=%lld.%09ld",
           there->st_mode, (long long)there->st_size, (unsigned long)there->st_nlink, (unsigned long)there->st_ino,
           there->st_uid, there->st_gid, (long long)there->st_blocks, (long long)there->st_mtim.tv_sec,
           there->st_mtim.tv_nsec, (long long)there->st_ctim.tv_sec, there->st_ctim.tv_nsec,
           (long long)there->st_atim.tv_sec, there->st_atim.tv_nsec);
}

/* ---- what is kept open --------------------------------------------------------------------------------------------- */

static void print_bytes(const char *bytes, size_t length_bytes)
{
    printf("hex:");
    for (size_t i = 0; i < length_bytes; i++)
        printf("%02x", (unsigned char)bytes[i]);
}

static void read_slot(const struct slot *slot)
{
    static char room[ROOM_BYTES];
    ssize_t got = pread(slot->fd, room, sizeof room, 0);

    if (got < 0)
        printf("%s", error_name(1));
    else
        print_bytes(room, (size_t)got);
}

static void map_slot(struct slot *slot, const char *how)
{
    struct stat there;
    void *map;

    if (fstat(slot->fd, &there) < 0) {
        printf("fstat:%s", error_name(1));
        return;
    }
    slot->map_bytes = (size_t)there.st_size;
    map = mmap(NULL, slot->map_bytes, PROT_READ, strcmp(how, "shared") == 0 ? MAP_SHARED : MAP_PRIVATE, slot->fd, 0);
    printf("%s", error_name(map == MAP_FAILED));
    slot->map = map == MAP_FAILED ? NULL : map;
}

static void peek_slot(const struct slot *slot)
{
    static char room[ROOM_BYTES];

    if (!slot->map) {
        printf("unmapped");
    } else if (sigsetjmp(bus_back, 1)) {
        printf("SIGBUS");
    } else {
        memcpy(room, slot->map, slot->map_bytes < sizeof room ? slot->map_bytes : sizeof room);
        print_bytes(room, slot->map_bytes);
    }
}

static void list_slot(const struct slot *slot)
{
    struct dirent *entry;

    rewinddir(slot->directory);
    errno = 0;
    while ((entry = readdir(slot->directory)))
        printf("%s ", entry->d_name);
    if (errno)
        printf("%s", error_name(1));
}

static void close_slot(struct slot *slot)
{
    if (slot->map)
        munmap(slot->map, slot->map_bytes);
    if (slot->directory)
        closedir(slot->directory);
    else if (slot->fd >= 0)
        close(slot->fd);
    *slot = (struct slot){.fd = -1};
    printf("0");
}

static void with_slot(const char *word, struct slot *slot, const char *rest)
{
    struct stat there;

    if (strcmp(word, "open") == 0) {
        slot->fd = open(rest, O_RDONLY | O_CLOEXEC);
        printf("%s", error_name(slot->fd < 0));
    } else if (strcmp(word, "dir") == 0) {
        slot->directory = opendir(rest);
        printf("%s", error_name(!slot->directory));
    } else if (strcmp(word, "read") == 0) {
        read_slot(slot);
    } else if (strcmp(word, "fstat") == 0) {
        if (fstat(slot->fd, &there) < 0)
            printf("%s", error_name(1));
        else
            attr_of(&there);
    } else if (strcmp(word, "list") == 0) {
        list_slot(slot);
    } else if (strcmp(word, "map") == 0) {
        map_slot(slot, rest);
    } else if (strcmp(word, "peek") == 0) {
        peek_slot(slot);
    } else if (strcmp(word, "close") == 0) {
        close_slot(slot);
    } else {
        printf("unknown");
    }
}

static void obey(char *line)
{
    char *rest = strchr(line, ' ');
    struct stat there;

    if (rest)
        *rest++ = '\0';
    if (!rest) {
        printf("unknown");
    } else if (strcmp(line, "try") == 0) {
        try_path(rest);
    } else if (strcmp(line, "write") == 0) {
        write_path(rest);
    } else if (strcmp(line, "attr") == 0) {
        if (lstat(rest, &there) < 0)
            printf("%s", error_name(1));
        else
            attr_of(&there);
    } else {
        char *after;
        unsigned long slot = strtoul(rest, &after, 10);

        if (slot < SLOTS)
            with_slot(line, &slots[slot], *after == ' ' ? after + 1 : after);
    }
}

int main(void)
{
    struct sigaction bus = {.sa_handler = on_bus};
    char *line = NULL;
    size_t room_bytes = 0;
    ssize_t length_bytes;

    for (int i = 0; i < SLOTS; i++)
        slots[i].fd = -1;
    sigaction(SIGBUS, &bus, NULL);
    while ((length_bytes = getline(&line, &room_bytes, stdin)) > 0) {
        if (line[length_bytes - 1] == '\n')
            line[length_bytes - 1] = '\0';
        obey(line);
        putchar('\n');
        fflush(stdout);
    }
    free(line);
    return 0;
}
