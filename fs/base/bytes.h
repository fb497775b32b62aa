/* bytes: integers in byte strings, and a reader that cannot run past the end.
 *
 * Every number that dossierfs writes to disk is little-endian and unsigned unless a FORMAT.md says otherwise. The reader
 * is for bytes that came from outside: after the first read past the end it stays failed, gives zeros, and the caller
 * looks once, at the end. */
#ifndef DOSSIERFS_BASE_BYTES_H
#define DOSSIERFS_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void bytes_put_u16(uint8_t *to, uint16_t value);
void bytes_put_u32(uint8_t *to, uint32_t value);
void bytes_put_u64(uint8_t *to, uint64_t value);
uint16_t bytes_get_u16(const uint8_t *from);
uint32_t bytes_get_u32(const uint8_t *from);
uint64_t bytes_get_u64(const uint8_t *from);

struct bytes_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed; /* a read asked for more than was left */
};

void bytes_reader_init(struct bytes_reader *reader, const void *from, size_t length_bytes);
uint8_t bytes_read_u8(struct bytes_reader *reader);
uint16_t bytes_read_u16(struct bytes_reader *reader);
uint32_t bytes_read_u32(struct bytes_reader *reader);
uint64_t bytes_read_u64(struct bytes_reader *reader);
/* The next `length_bytes` bytes, in place; NULL (and failed) if there are fewer. */
const uint8_t *bytes_read(struct bytes_reader *reader, size_t length_bytes);
size_t bytes_left(const struct bytes_reader *reader);

#endif
