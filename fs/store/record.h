/* record: what a summary and an item look like before they are sealed. The decoders take hostile bytes: a sealed cell is
 * authentic, but it may be of an older program or come from a fault, and a length that lies must not be believed. */
#ifndef DOSSIERFS_STORE_RECORD_H
#define DOSSIERFS_STORE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "fs/base/buffer.h"
#include "fs/store/store.h"

/* -EINVAL: a count, length or number out of bounds, a category, field or date twice, a NUL in code or source. */
int record_check_subject(const struct store_subject *subject);
int record_check_item(const struct store_item_draft *item);
/* Append. What was checked fits; the buffer says whether memory did. */
void record_put_subject(struct buffer *out, const struct store_subject *subject);
void record_put_item(struct buffer *out, const struct store_item_draft *item);

/* Fills all but id and version. -EBADMSG; then *subject is undefined. */
int record_get_subject(const uint8_t *bytes, size_t length_bytes, struct store_subject *subject);
/* How many fields the item has, whole and in bounds, or -EBADMSG. */
int record_count_fields(const uint8_t *bytes, size_t length_bytes);
/* Points `fields`, room for as many as were counted, into bytes that record_count_fields() found good. */
void record_get_fields(const uint8_t *bytes, size_t length_bytes, struct store_field *fields);

#endif
