/* buffer: the one owner of secrets and personal data in memory.
 *
 * It wipes what it held when it is cleared, when it grows (the old place is wiped before it is given back) and when it
 * is cut short. An append that finds no memory leaves the buffer as it was and marks it failed; the caller may append
 * many times and look once. The limit guards against a hostile length: BUFFER_MAX_BYTES. */
#ifndef DOSSIERFS_BASE_BUFFER_H
#define DOSSIERFS_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BUFFER_MAX_BYTES = 1 << 30 };

struct buffer {
    uint8_t *bytes; /* NULL while nothing was appended */
    size_t length_bytes;
    size_t capacity_bytes;
    bool failed; /* an append found no memory, or went past BUFFER_MAX_BYTES */
};

#define BUFFER_EMPTY ((struct buffer){0})

/* Wipes and frees; the buffer is empty and usable again. */
void buffer_clear(struct buffer *buffer);
/* Wipes the content and keeps the memory for the next use; failed is reset. */
void buffer_reset(struct buffer *buffer);
/* Cuts to `length_bytes` (at most the present length) and wipes the rest. */
void buffer_cut(struct buffer *buffer, size_t length_bytes);
/* 0, or -ENOMEM / -EFBIG with the content unchanged and `failed` set. */
int buffer_append(struct buffer *buffer, const void *from, size_t length_bytes);
int buffer_append_text(struct buffer *buffer, const char *text);
int buffer_append_u8(struct buffer *buffer, uint8_t value);
int buffer_append_u16(struct buffer *buffer, uint16_t value);
int buffer_append_u32(struct buffer *buffer, uint32_t value);
int buffer_append_u64(struct buffer *buffer, uint64_t value);
int buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for `more_bytes` behind the content and returns the place, or NULL (failed). The content's length does not
 * change: the caller adds what it wrote to length_bytes. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t more_bytes);
/* The content as a C string: a NUL stands behind it that does not count. "" if nothing was appended or memory failed. */
const char *buffer_text(struct buffer *buffer);
/* Moves the content: `to` is cleared first, `from` is empty afterwards. */
void buffer_move(struct buffer *to, struct buffer *from);

#endif
