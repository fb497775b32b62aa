/* segment: one append-only file of the log. Made whole (preallocated, header synced, directory synced) before it is used;
 * written only at its end; after a failed write or sync never again. FORMAT.md has the layout.
 *
 * Two ways to append: segment_append() waits for the disk; segment_launch() and segment_land() leave the thread free in
 * between. A launched write goes past the page cache in whole blocks, so the last, unfilled block is kept in memory. */
#ifndef DOSSIERFS_LOG_SEGMENT_H
#define DOSSIERFS_LOG_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/log/flight.h"
#include "fs/log/log.h"
#include "fs/log/tree.h"

enum {
    SEGMENT_HEADER_BYTES = 4096,
    SEGMENT_MIN_BYTES = 65536,
    SEGMENT_NAME_BYTES = 16,
    SEGMENT_MAX_NUMBER = 99999999,
};

struct segment_header {
    uint32_t number;
    uint8_t store_id[LOG_STORE_ID_BYTES];
    struct tree tree; /* of the log in front of the segment: its size is the index of the first leaf */
};

struct segment {
    int fd;        /* -1: none */
    int direct_fd; /* the same file past the page cache, synced with each write; -1: the file system can't */
    uint32_t number;
    off_t end_bytes;   /* where the next batch goes */
    off_t ready_bytes; /* zeros are written up to here, so that a sync has no extents to convert */
    off_t size_bytes;  /* preallocated */
    uint8_t *
        blocks; /* aligned: what is launched; it begins with what the last block holds already; NULL without direct_fd */
};
#define SEGMENT_NONE ((struct segment){.fd = -1, .direct_fd = -1})

void segment_name(uint32_t number, char name[static SEGMENT_NAME_BYTES]);
/* The lowest and the highest number in the directory; 0 and 0 if there is no segment. */
int segment_range(int directory_fd, uint32_t *first, uint32_t *last);

/* The nearest segment above (or below) `number` that there is; 0 if there is none. Numbers from a directory may leave gaps of
 * any size, so nothing counts through them. */
int segment_neighbour(int directory_fd, uint32_t number, bool above, uint32_t *out);

/* -ENODATA: no whole header; -EBADMSG: its magic, checksum or tree does not fit; -ENOTSUP: a whole header of another version
 * of the format; others: reading. */
int segment_header_read(int fd, struct segment_header *out);
/* -ENOENT: no such segment. */
int segment_header_read_number(int directory_fd, uint32_t number, struct segment_header *out);
/* Size of the log at which a segment was left for good, as the next whole header says: batches past it were never
 * acknowledged. UINT64_MAX if there is no later segment with a header that can be read. */
uint64_t segment_limit(int directory_fd, uint32_t number);

/* Makes a segment that can take at least `needed_bytes` of batches; on a full disk a smaller one than asked for. */
int segment_create(int directory_fd, const struct segment_header *header, off_t size_bytes, size_t needed_bytes,
                   struct segment *out);
/* Opens one to append at `end_bytes`, which is where its content ends. */
int segment_open(int directory_fd, uint32_t number, off_t end_bytes, struct segment *out);
size_t segment_room(const struct segment *segment);
/* Writes at the end and, if so asked, syncs; fits by segment_room(). After a failure the segment may only be closed. */
int segment_append(struct segment *segment, const uint8_t *bytes, size_t length_bytes, bool sync);
/* Can these bytes be launched? No: the file system can't, or zeros must be written ahead first; segment_append() does. */
bool segment_can_launch(const struct segment *segment, size_t length_bytes);
/* Begins to write and sync at the end. A negative errno: nothing was begun, and the segment is as it was. Until it landed, the
 * segment may not be used otherwise. */
int segment_launch(struct segment *segment, struct flight *flight, const uint8_t *bytes, size_t length_bytes);
/* The launched write of `length_bytes` landed well. (If it did not, the segment may only be closed.) */
void segment_land(struct segment *segment, size_t length_bytes);
/* Gives back what was preallocated and not used, and bytes of a failed append, as far as possible; then closes. */
void segment_leave(struct segment *segment);
/* Closes and changes nothing. */
void segment_close(struct segment *segment);

#endif
