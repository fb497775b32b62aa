#include "fs/log/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/bytes.h"
#include "fs/base/file.h"
#include "fs/base/number.h"
#include "fs/log/batch.h"

enum {
    VERSION = 1,
    READY_BYTES = 256 * 1024, /* how far zeros are written ahead at a time */
    CHECKSUM_BYTES = 32,
    BLOCK_BYTES =
        4096, /* what O_DIRECT asks of nearly every file system; smaller pieces make ext4 wait in io_submit(2) */
};
enum {
    H_VERSION = 8,
    H_NUMBER = 12,
    H_STORE = 16,
    H_SIZE = 32,
    H_BASE = 40,
    H_BASE_ROOT = 48,
    H_ROOT = 80,
    H_NODES = 112,
    H_NODES_END = H_NODES + TREE_LEVELS * TREE_HASH_BYTES,
    H_CHECKSUM = SEGMENT_HEADER_BYTES - CHECKSUM_BYTES,
};
_Static_assert((int)H_NODES_END <= (int)H_CHECKSUM, "the header holds a whole tree");

static const uint8_t magic[8] = {'D', 'F', 'S', 'L', 'O', 'G', 'S', 'G'};

void segment_name(uint32_t number, char name[static SEGMENT_NAME_BYTES])
{
    snprintf(name, SEGMENT_NAME_BYTES, "%08u.seg", number % (SEGMENT_MAX_NUMBER + 1u));
}

static bool number_of(const char *name, uint32_t *number)
{
    return strlen(name) == 12 && strcmp(name + 8, ".seg") == 0 &&
           number_parse_u32(name, 8, 1, SEGMENT_MAX_NUMBER, number) == 0;
}

/* The lowest and the highest number with above <= number <= below; 0 and 0 if there is none. */
static int scan(int directory_fd, uint32_t above, uint32_t below, uint32_t *first, uint32_t *last)
{
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    uint32_t low = 0, high = 0, number;
    struct dirent *entry;
    int error;

    if (!directory) {
        error = -errno;
        if (fd >= 0)
            close(fd);
        return error;
    }
    for (errno = 0; (entry = readdir(directory)); errno = 0) {
        if (!number_of(entry->d_name, &number) || number < above || number > below)
            continue;
        low = low == 0 || number < low ? number : low;
        high = number > high ? number : high;
    }
    error = -errno;
    closedir(directory);
    if (error)
        return error;
    *first = low;
    *last = high;
    return 0;
}

int segment_range(int directory_fd, uint32_t *first, uint32_t *last)
{
    return scan(directory_fd, 1, SEGMENT_MAX_NUMBER, first, last);
}

int segment_neighbour(int directory_fd, uint32_t number, bool above, uint32_t *out)
{
    uint32_t next = above ? number + 1 : number - 1, first, last;
    char name[SEGMENT_NAME_BYTES];
    int error;

    segment_name(next, name);
    if (next > 0 && next <= SEGMENT_MAX_NUMBER && faccessat(directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        *out = next;
        return 0;
    }
    error = scan(directory_fd, above ? next : 1, above ? SEGMENT_MAX_NUMBER : next, &first, &last);
    if (!error)
        *out = above ? first : last;
    return error;
}

/* The right edge is written from the oldest, largest subtree to the newest, one after the other. */
static void put_header(const struct segment_header *header, uint8_t to[static SEGMENT_HEADER_BYTES])
{
    const struct tree *tree = &header->tree;
    uint8_t *node = to + H_NODES;

    memset(to, 0, SEGMENT_HEADER_BYTES);
    memcpy(to, magic, sizeof magic);
    bytes_put_u32(to + H_VERSION, VERSION);
    bytes_put_u32(to + H_NUMBER, header->number);
    memcpy(to + H_STORE, header->store_id, LOG_STORE_ID_BYTES);
    bytes_put_u64(to + H_SIZE, tree_size(tree));
    bytes_put_u64(to + H_BASE, tree->base);
    memcpy(to + H_BASE_ROOT, tree->base_root, TREE_HASH_BYTES);
    tree_root(tree, to + H_ROOT);
    for (int level = TREE_LEVELS - 1; level >= 0; level--) {
        if (!(tree->count >> level & 1))
            continue;
        memcpy(node, tree->nodes[level], TREE_HASH_BYTES);
        node += TREE_HASH_BYTES;
    }
    crypto_generichash(to + H_CHECKSUM, CHECKSUM_BYTES, to, H_CHECKSUM, NULL, 0);
}

static bool get_tree(const uint8_t *from, struct tree *tree)
{
    uint64_t size = bytes_get_u64(from + H_SIZE), base = bytes_get_u64(from + H_BASE);
    const uint8_t *node = from + H_NODES;
    uint8_t root[TREE_HASH_BYTES];

    if (base > size || size > UINT64_MAX / 2)
        return false;
    tree_restart(tree, base, from + H_BASE_ROOT);
    tree->count = size - base;
    for (int level = TREE_LEVELS - 1; level >= 0; level--) {
        if (!(tree->count >> level & 1))
            continue;
        memcpy(tree->nodes[level], node, TREE_HASH_BYTES);
        node += TREE_HASH_BYTES;
    }
    tree_root(tree, root);
    return memcmp(root, from + H_ROOT, sizeof root) == 0;
}

int segment_header_read(int fd, struct segment_header *out)
{
    uint8_t bytes[SEGMENT_HEADER_BYTES], sum[CHECKSUM_BYTES];
    struct segment_header header;
    int error = file_pread(fd, bytes, sizeof bytes, 0);

    if (error)
        return error;
    crypto_generichash(sum, sizeof sum, bytes, H_CHECKSUM, NULL, 0);
    if (memcmp(bytes, magic, sizeof magic) != 0 || memcmp(sum, bytes + H_CHECKSUM, sizeof sum) != 0)
        return -EBADMSG;
    if (bytes_get_u32(bytes + H_VERSION) != VERSION)
        return -ENOTSUP;
    if (!get_tree(bytes, &header.tree))
        return -EBADMSG;
    header.number = bytes_get_u32(bytes + H_NUMBER);
    memcpy(header.store_id, bytes + H_STORE, LOG_STORE_ID_BYTES);
    *out = header;
    return 0;
}

int segment_header_read_number(int directory_fd, uint32_t number, struct segment_header *out)
{
    char name[SEGMENT_NAME_BYTES];
    struct segment_header header;
    int fd, error;

    segment_name(number, name);
    fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    error = segment_header_read(fd, &header);
    close(fd);
    if (!error && header.number != number)
        error = -EBADMSG;
    if (!error)
        *out = header;
    return error;
}

uint64_t segment_limit(int directory_fd, uint32_t number)
{
    struct segment_header header;

    while (segment_neighbour(directory_fd, number, true, &number) == 0 && number > 0)
        if (segment_header_read_number(directory_fd, number, &header) == 0)
            return tree_size(&header.tree);
    return UINT64_MAX;
}

static int write_zeros(int fd, off_t from, off_t to)
{
    static const uint8_t zeros[65536];

    while (from < to) {
        size_t piece_bytes = to - from < (off_t)sizeof zeros ? (size_t)(to - from) : sizeof zeros;
        int error = file_pwrite(fd, zeros, piece_bytes, from);

        if (error)
            return error;
        from += (off_t)piece_bytes;
    }
    return 0;
}

/* Without fallocate (some file systems) all of it is written with zeros: what matters is that a later append needs no
 * room. */
static int reserve(int fd, off_t size_bytes)
{
    if (fallocate(fd, 0, 0, size_bytes) == 0)
        return 0;
    return errno == EOPNOTSUPP || errno == ENOSYS ? write_zeros(fd, 0, size_bytes) : -errno;
}

static int fill_new(int fd, const struct segment_header *header, off_t size_bytes, size_t needed_bytes,
                    struct segment *out)
{
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    off_t least_bytes = SEGMENT_HEADER_BYTES + (off_t)needed_bytes;
    int error = reserve(fd, size_bytes);

    while ((error == -ENOSPC || error == -EDQUOT) && size_bytes / 2 >= least_bytes) {
        size_bytes /= 2;
        if (ftruncate(fd, 0) < 0)
            return -errno;
        error = reserve(fd, size_bytes);
    }
    if (error)
        return error;
    put_header(header, bytes);
    out->fd = fd;
    out->number = header->number;
    out->end_bytes = SEGMENT_HEADER_BYTES;
    out->size_bytes = size_bytes;
    out->ready_bytes = size_bytes < READY_BYTES ? size_bytes : READY_BYTES;
    error = write_zeros(fd, SEGMENT_HEADER_BYTES, out->ready_bytes);
    if (!error)
        error = file_pwrite(fd, bytes, sizeof bytes, 0);
    if (!error && fsync(fd) < 0)
        error = -errno;
    return error;
}

/* Without it every append waits for the disk, which is slower and as safe. */
static void open_direct(int directory_fd, const char *name, struct segment *segment)
{
    off_t tail_bytes = segment->end_bytes % BLOCK_BYTES;

    segment->direct_fd = openat(directory_fd, name, O_WRONLY | O_DIRECT | O_DSYNC | O_CLOEXEC | O_NOFOLLOW);
    segment->blocks = segment->direct_fd < 0 ? NULL : aligned_alloc(BLOCK_BYTES, BATCH_MAX_BYTES + 2 * BLOCK_BYTES);
    if (segment->blocks &&
        file_pread(segment->fd, segment->blocks, (size_t)tail_bytes, segment->end_bytes - tail_bytes) == 0)
        return;
    if (segment->direct_fd >= 0)
        close(segment->direct_fd);
    free(segment->blocks);
    segment->direct_fd = -1;
    segment->blocks = NULL;
}

/* Under another name until all of it is on disk: a file with a segment's name always has its header. */
int segment_create(int directory_fd, const struct segment_header *header, off_t size_bytes, size_t needed_bytes,
                   struct segment *out)
{
    static const char new_name[] = "segment.new";
    char name[SEGMENT_NAME_BYTES];
    struct segment segment = SEGMENT_NONE;
    int fd, error;

    if (header->number > SEGMENT_MAX_NUMBER)
        return -ENOSPC;
    fd = openat(directory_fd, new_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return -errno;
    error = fill_new(fd, header, size_bytes, needed_bytes, &segment);
    segment_name(header->number, name);
    if (!error && renameat2(directory_fd, new_name, directory_fd, name, RENAME_NOREPLACE) < 0)
        error = -errno;
    if (!error)
        error = file_sync_directory(directory_fd);
    if (error) {
        close(fd);
        unlinkat(directory_fd, new_name, 0);
        return error;
    }
    open_direct(directory_fd, name, &segment);
    *out = segment;
    return 0;
}

int segment_open(int directory_fd, uint32_t number, off_t end_bytes, struct segment *out)
{
    char name[SEGMENT_NAME_BYTES];
    struct stat status;
    int fd;

    segment_name(number, name);
    fd = openat(directory_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) < 0) {
        int error = -errno;

        close(fd);
        return error;
    }
    *out = (struct segment){.fd = fd,
                            .direct_fd = -1,
                            .number = number,
                            .end_bytes = end_bytes,
                            .ready_bytes = end_bytes,
                            .size_bytes = status.st_size};
    open_direct(directory_fd, name, out);
    return 0;
}

size_t segment_room(const struct segment *segment)
{
    return segment->fd < 0 || segment->size_bytes < segment->end_bytes
               ? 0
               : (size_t)(segment->size_bytes - segment->end_bytes);
}

/* Keeps zeros written ahead of the end. They become durable with the same sync as the batch. */
static int make_ready(struct segment *segment, off_t end_bytes)
{
    off_t to = end_bytes + READY_BYTES;
    int error;

    if (segment->ready_bytes >= end_bytes || segment->ready_bytes >= segment->size_bytes)
        return 0;
    if (to > segment->size_bytes)
        to = segment->size_bytes;
    error = write_zeros(segment->fd, end_bytes, to);
    if (!error)
        segment->ready_bytes = to;
    return error;
}

/* The bytes behind the last full block, for the next launch. `length_bytes` bytes came behind what was kept. */
static void keep_tail(struct segment *segment, const uint8_t *bytes, size_t length_bytes)
{
    size_t had_bytes = (size_t)(segment->end_bytes % BLOCK_BYTES);
    size_t tail_bytes = (had_bytes + length_bytes) % BLOCK_BYTES;

    if (!segment->blocks)
        return;
    if (had_bytes + length_bytes < BLOCK_BYTES)
        memcpy(segment->blocks + had_bytes, bytes, length_bytes);
    else
        memcpy(segment->blocks, bytes + length_bytes - tail_bytes, tail_bytes);
}

int segment_append(struct segment *segment, const uint8_t *bytes, size_t length_bytes, bool sync)
{
    off_t end_bytes = segment->end_bytes + (off_t)length_bytes;
    int error = file_pwrite(segment->fd, bytes, length_bytes, segment->end_bytes);

    if (!error)
        error = make_ready(segment, end_bytes);
    if (!error && sync && fdatasync(segment->fd) < 0)
        error = -errno;
    if (error)
        return error;
    keep_tail(segment, bytes, length_bytes);
    segment->end_bytes = end_bytes;
    return 0;
}

/* What a launch writes: whole blocks from the one that the end lies in. */
static size_t blocks_for(const struct segment *segment, size_t length_bytes)
{
    size_t from_block = (size_t)(segment->end_bytes % BLOCK_BYTES) + length_bytes;

    return (from_block + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
}

bool segment_can_launch(const struct segment *segment, size_t length_bytes)
{
    off_t from = segment->end_bytes - segment->end_bytes % BLOCK_BYTES;

    /* Zeros behind the batch go over zeros that are there already. */
    return segment->direct_fd >= 0 && length_bytes <= BATCH_MAX_BYTES &&
           from + (off_t)blocks_for(segment, length_bytes) <= segment->ready_bytes;
}

int segment_launch(struct segment *segment, struct flight *flight, const uint8_t *bytes, size_t length_bytes)
{
    size_t tail_bytes = (size_t)(segment->end_bytes % BLOCK_BYTES), all_bytes = blocks_for(segment, length_bytes);

    memcpy(segment->blocks + tail_bytes, bytes, length_bytes);
    memset(segment->blocks + tail_bytes + length_bytes, 0, all_bytes - tail_bytes - length_bytes);
    return flight_start(flight, segment->direct_fd, segment->blocks, all_bytes,
                        segment->end_bytes - (off_t)tail_bytes);
}

void segment_land(struct segment *segment, size_t length_bytes)
{
    size_t written_bytes = (size_t)(segment->end_bytes % BLOCK_BYTES) + length_bytes;
    size_t tail_bytes = written_bytes % BLOCK_BYTES;

    if (written_bytes >= BLOCK_BYTES)
        memmove(segment->blocks, segment->blocks + written_bytes - tail_bytes, tail_bytes);
    segment->end_bytes += (off_t)length_bytes;
}

void segment_leave(struct segment *segment)
{
    if (segment->fd >= 0 && ftruncate(segment->fd, segment->end_bytes) < 0)
        /* It keeps its length: readers do not look past what the next header names. */
        errno = 0;
    segment_close(segment);
}

void segment_close(struct segment *segment)
{
    if (segment->fd >= 0)
        close(segment->fd);
    if (segment->direct_fd >= 0)
        close(segment->direct_fd);
    free(segment->blocks);
    *segment = SEGMENT_NONE;
}
