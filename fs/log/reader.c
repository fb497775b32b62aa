#include "fs/log/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/log/segment.h"

enum {
    WINDOW_BYTES = BATCH_MAX_BYTES + 256 * 1024,
    SECTOR_BYTES = 512,
    TELLING_BYTES = 8, /* so many zeros in a row, where there should be hashes and ciphertext, are no accident */
    /* How much a search for the next whole batch may hash: bytes made to look like batches everywhere would else cost
     * their number times their length. */
    RESYNC_MAX_BYTES = 256 << 20,
};

struct reader {
    int fd;
    off_t size_bytes;
    off_t offset_bytes;
    off_t window_offset; /* of window[0] in the file */
    size_t window_bytes; /* how much of it is filled */
    uint8_t window[WINDOW_BYTES];
};

int reader_open(int directory_fd, uint32_t number, off_t offset_bytes, struct reader **out)
{
    char name[SEGMENT_NAME_BYTES];
    struct reader *reader = malloc(sizeof *reader);
    int error;

    if (!reader)
        return -ENOMEM;
    segment_name(number, name);
    reader->offset_bytes = offset_bytes;
    reader->fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    error = reader->fd < 0 ? -errno : reader_refresh(reader);
    if (error) {
        reader_close(reader);
        return error;
    }
    *out = reader;
    return 0;
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    free(reader);
}

off_t reader_offset(const struct reader *reader)
{
    return reader->offset_bytes;
}

off_t reader_size(const struct reader *reader)
{
    return reader->size_bytes;
}

int reader_refresh(struct reader *reader)
{
    struct stat status;

    if (fstat(reader->fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EBADMSG;
    reader->size_bytes = status.st_size;
    reader->window_bytes = 0;
    reader->window_offset = 0;
    return 0;
}

/* Makes up to `wanted_bytes` (at most BATCH_MAX_BYTES) from `offset` on available; fewer only where the file ends. */
static int look(struct reader *reader, off_t offset, size_t wanted_bytes, const uint8_t **at, size_t *available_bytes)
{
    off_t left_bytes = reader->size_bytes > offset ? reader->size_bytes - offset : 0;
    size_t needed_bytes = left_bytes < (off_t)wanted_bytes ? (size_t)left_bytes : wanted_bytes;

    if (offset < reader->window_offset ||
        offset + (off_t)needed_bytes > reader->window_offset + (off_t)reader->window_bytes) {
        size_t fill_bytes = needed_bytes + 256 * 1024;
        int error;

        if ((off_t)fill_bytes > left_bytes)
            fill_bytes = (size_t)left_bytes;
        reader->window_bytes = 0;
        error = file_pread(reader->fd, reader->window, fill_bytes, offset);
        if (error == -ENODATA) { /* it was cut off since we looked */
            error = reader_refresh(reader);
            return error ? error : -EAGAIN;
        }
        if (error)
            return error;
        reader->window_offset = offset;
        reader->window_bytes = fill_bytes;
    }
    *at = reader->window + (offset - reader->window_offset);
    *available_bytes = (size_t)(reader->window_offset + (off_t)reader->window_bytes - offset);
    return 0;
}

static int look_again(struct reader *reader, off_t offset, size_t wanted_bytes, const uint8_t **at,
                      size_t *available_bytes)
{
    int error = look(reader, offset, wanted_bytes, at, available_bytes);

    for (int tries = 0; error == -EAGAIN && tries < 3; tries++)
        error = look(reader, offset, wanted_bytes, at, available_bytes);
    return error == -EAGAIN ? -EIO : error;
}

static bool all_zero(const uint8_t *bytes, size_t length_bytes)
{
    return length_bytes == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length_bytes - 1) == 0);
}

/* Where the last byte lies that is not zero, plus one; `from` if there is none. */
static int find_end(struct reader *reader, off_t from, off_t *end)
{
    *end = from;
    for (off_t offset = from; offset < reader->size_bytes;) {
        const uint8_t *at;
        size_t available_bytes;
        int error = look_again(reader, offset, 65536, &at, &available_bytes);

        if (error || available_bytes == 0)
            return error;
        if (!all_zero(at, available_bytes))
            for (size_t i = available_bytes; i > 0; i--)
                if (at[i - 1] != 0) {
                    *end = offset + (off_t)i;
                    break;
                }
        offset += (off_t)available_bytes;
    }
    return 0;
}

int reader_next(struct reader *reader, struct batch *batch)
{
    const uint8_t *at;
    size_t available_bytes;
    struct batch found = {0};
    off_t end;
    int error = look_again(reader, reader->offset_bytes, BATCH_HEADER_BYTES, &at, &available_bytes);

    if (!error && batch_begins(at, available_bytes, &found))
        error = look_again(reader, reader->offset_bytes, found.length_bytes, &at, &available_bytes);
    if (error)
        return error;
    if (found.count > 0 && batch_parse(at, available_bytes, &found)) {
        *batch = found;
        if (found.whole)
            reader->offset_bytes += (off_t)found.length_bytes;
        return found.whole ? READER_BATCH : READER_BAD;
    }
    error = find_end(reader, reader->offset_bytes, &end);
    if (error)
        return error;
    *batch = (struct batch){0};
    return end > reader->offset_bytes ? READER_BAD : READER_END;
}

void reader_skip(struct reader *reader, const struct batch *batch)
{
    reader->offset_bytes += (off_t)batch->length_bytes;
}

/* Is there a whole batch at `offset`? Takes what it hashes off the budget. */
static int try_at(struct reader *reader, off_t offset, const uint8_t *at, size_t available_bytes, off_t *budget_bytes)
{
    struct batch batch;
    int error;

    if (!batch_begins(at, available_bytes, &batch))
        return 0;
    *budget_bytes -= (off_t)batch.length_bytes;
    error = look_again(reader, offset, batch.length_bytes, &at, &available_bytes);
    if (error)
        return error;
    return batch_parse(at, available_bytes, &batch) && batch.whole;
}

int reader_resync(struct reader *reader)
{
    off_t offset = reader->offset_bytes + 1, budget_bytes = RESYNC_MAX_BYTES;

    while (offset + BATCH_HEADER_BYTES <= reader->size_bytes && budget_bytes > 0) {
        const uint8_t *at, *hit;
        size_t available_bytes;
        int found = look_again(reader, offset, 65536, &at, &available_bytes);

        if (found < 0)
            return found;
        if (available_bytes < BATCH_HEADER_BYTES)
            break;
        hit = memchr(at, 'D', available_bytes - BATCH_HEADER_BYTES + 1);
        if (!hit) {
            offset += (off_t)(available_bytes - BATCH_HEADER_BYTES + 1);
            continue;
        }
        offset += hit - at;
        found = try_at(reader, offset, hit, available_bytes - (size_t)(hit - at), &budget_bytes);
        if (found < 0)
            return found;
        if (found) {
            reader->offset_bytes = offset;
            return 1;
        }
        offset++;
    }
    return 0;
}

int reader_torn(struct reader *reader, off_t *length_bytes)
{
    const uint8_t *at;
    size_t available_bytes;
    struct batch batch;
    off_t start = reader->offset_bytes, end;
    int error = find_end(reader, start, &end);

    if (!error)
        error = look_again(reader, start, BATCH_HEADER_BYTES, &at, &available_bytes);
    if (error)
        return error;
    if (batch_begins(at, available_bytes, &batch) && start + (off_t)batch.length_bytes > end)
        end = start + (off_t)batch.length_bytes;
    *length_bytes = end - start;
    if (end > reader->size_bytes || end - start < BATCH_MIN_BYTES)
        return 1;
    for (off_t offset = start; offset < end;) {
        off_t next = (offset / SECTOR_BYTES + 1) * SECTOR_BYTES;
        size_t piece_bytes = (size_t)((next < end ? next : end) - offset);

        error = look_again(reader, offset, piece_bytes, &at, &available_bytes);
        if (error)
            return error;
        if (available_bytes < piece_bytes || (piece_bytes >= TELLING_BYTES && all_zero(at, piece_bytes)))
            return 1;
        offset += (off_t)piece_bytes;
    }
    return 0;
}
