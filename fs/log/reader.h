/* reader: walks the batches of one segment in a fixed amount of memory. Everything it reads is taken for hostile. It may read a
 * segment that is being written. */
#ifndef DOSSIERFS_LOG_READER_H
#define DOSSIERFS_LOG_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/log/batch.h"

struct reader;

enum reader_step {
    READER_BATCH, /* a batch whose checksum fits; the reader stands behind it */
    READER_END,   /* nothing but zeros, or nothing at all, until the end of the file */
    READER_BAD, /* something else; the reader stays in front of it. batch.count > 0: its lengths are those of a batch */
};

/* From `offset_bytes` on. -ENOENT: no such segment. */
int reader_open(int directory_fd, uint32_t number, off_t offset_bytes, struct reader **out);
void reader_close(struct reader *reader);
off_t reader_offset(const struct reader *reader);
off_t reader_size(const struct reader *reader);
/* A reader_step, or a negative errno if the file can't be read. The batch stays valid until the next call. */
int reader_next(struct reader *reader, struct batch *batch);
/* Goes past a bad batch whose lengths make sense. */
void reader_skip(struct reader *reader, const struct batch *batch);
/* Forgets what was read ahead and looks again at how long the file is: for one that is being written. */
int reader_refresh(struct reader *reader);
/* After READER_BAD: goes to the next whole batch behind the bad place. 1: there is one; 0: none (the place does not
 * change). */
int reader_resync(struct reader *reader);
/* After READER_BAD: is this what a write leaves that was cut short? Segments hold zeros where nothing was written, so a
 * sector's worth that is still zero tells. 1, 0, or a negative errno; `*length_bytes` becomes how far the bad bytes go. */
int reader_torn(struct reader *reader, off_t *length_bytes);

#endif
