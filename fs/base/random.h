/* random: small random numbers, asked from the kernel a block at a time, since a system call for each is dear. For what may be
 * known once it is used (nonces, numbers of entries); keys come from libsodium at once. Any thread. */
#ifndef DOSSIERFS_BASE_RANDOM_H
#define DOSSIERFS_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { RANDOM_MAX_BYTES = 256 };

/* At most RANDOM_MAX_BYTES. What was given out is not kept. After a fork() the child must not have drawn before. */
void random_draw(uint8_t *to, size_t length_bytes);

#endif
