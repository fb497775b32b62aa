/* secret: where keys come from: a key file, a file with a passphrase, or the terminal; never the command line or the
 * environment, which others on the machine can read. All print one line on `error` when they fail, with the name of the program that asks. */
#ifndef DOSSIERFS_TOOLS_SECRET_H
#define DOSSIERFS_TOOLS_SECRET_H

#include <stdio.h>

#include "fs/base/buffer.h"

enum { SECRET_PASSPHRASE_MAX_BYTES = 1024, SECRET_NEW_PASSPHRASE_MIN_BYTES = 12 };

/* The bytes of a key file: a regular file of the lengths that store.h allows. Warns if others may read it. 0, -ENOENT without
 * a line (there is no such file), or negative. */
int secret_read_key_file(const char *path, struct buffer *bytes, FILE *error);
/* Makes a key file of 32 random bytes, mode 0600, durable; -EEXIST if there is something. */
int secret_make_key_file(const char *path, struct buffer *bytes, FILE *error);
/* The first line of a file, or of standard input for "-". */
int secret_read_passphrase(const char *path, struct buffer *bytes, FILE *error);
/* Asks on the terminal, without echo. */
int secret_ask_passphrase(const char *question, struct buffer *bytes, FILE *error);

#endif
