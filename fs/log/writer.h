/* writer: the end of the log. Knows what was acknowledged, writes batches behind it and makes new segments. Used by one
 * thread at a time. */
#ifndef DOSSIERFS_LOG_WRITER_H
#define DOSSIERFS_LOG_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "fs/log/flight.h"
#include "fs/log/months.h"
#include "fs/log/tree.h"

struct writer;

/* An encoded entry; its body lies in the bytes that are given with it. */
struct writer_entry {
    size_t offset_bytes;
    uint32_t length_bytes;
    uint16_t month;
};

/* Finds the end of the log: see log_open(). `segment_bytes` is checked by the caller. */
int writer_open(int directory_fd, const uint8_t store_id[static LOG_STORE_ID_BYTES], uint32_t segment_bytes,
                enum log_durability durability, struct writer **out, struct report_why *why);
/* Where the sealing keys come from; before the first writer_write(). Not owned. */
void writer_set_months(struct writer *writer, struct months *months);
/* A log without any segment gets its first. */
int writer_start(struct writer *writer, struct report_why *why);
void writer_close(struct writer *writer);

uint64_t writer_size(const struct writer *writer);
void writer_root(const struct writer *writer, uint8_t out[static TREE_HASH_BYTES]);

/* Writes as many of the entries as fit in one batch and makes them durable. 0: the first `*taken` are durable. -EIO or -ENOSPC: the
 * first `*taken` are not, and won't be; nothing changed. `*cause` is then the errno behind it, for a message. */
int writer_write(struct writer *writer, const struct writer_entry *entries, size_t count, const uint8_t *bodies,
                 size_t *taken, int *cause);

/* The same without a wait: the write of the first `*taken` entries was begun with `flight`, and the writer may not be used
 * otherwise until writer_land(). 1: the first `*taken` are durable already, since a crash of the daemon is all that they must
 * outlive. -EAGAIN: only writer_write() can do this now. */
int writer_launch(struct writer *writer, struct flight *flight, const struct writer_entry *entries, size_t count,
                  const uint8_t *bodies, size_t *taken);
/* What was launched landed, with this status. 0: it is durable. -EIO or -ENOSPC, *cause: as writer_write(); writer_recover()
 * must be called before anybody is told, and before anything else is written. */
int writer_land(struct writer *writer, int status, int *cause);
/* Leaves the segment and begins another, so that what failed does not count. May wait long. */
void writer_recover(struct writer *writer);

#endif
