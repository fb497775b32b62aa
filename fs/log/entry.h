/* entry: the body of an entry as bytes, before sealing and after opening. FORMAT.md has the layout. */
#ifndef DOSSIERFS_LOG_ENTRY_H
#define DOSSIERFS_LOG_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "fs/base/buffer.h"
#include "fs/log/log.h"

enum {
    ENTRY_STRINGS = 7,
    /* Bodies are padded with zeros to this, so that their sizes say little about names and fields. */
    ENTRY_CLASS_BYTES = 16,
    ENTRY_FIXED_MAX_BYTES = 80,
    ENTRY_MAX_BYTES = ENTRY_FIXED_MAX_BYTES + ENTRY_STRINGS * (LOG_TEXT_MAX_BYTES + 1) + ENTRY_CLASS_BYTES,
};

/* Appends the padded body. -EINVAL: `what`, `outcome` or `ground` is none of the format's; -ENOMEM. */
int entry_encode(const struct log_entry *entry, struct buffer *out);
/* The strings of `out` lie in `body`. -EBADMSG if this is no body; `out` is untouched then. */
int entry_decode(const uint8_t *body, size_t length_bytes, struct log_entry *out);

/* Months are counted from January 1970, UTC; times before it or past month 65535 count to the first or the last. */
uint16_t entry_month(int64_t time_ms);
/* The first millisecond of a month. */
int64_t entry_month_start_ms(uint16_t month);

#endif
