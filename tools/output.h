/* output: how commands print what came from elsewhere: JSON lines, CSV, and text that can't steer a terminal. */
#ifndef DOSSIERFS_TOOLS_OUTPUT_H
#define DOSSIERFS_TOOLS_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "fs/base/buffer.h"

/* Prints the object in one line and frees it. NULL (no memory when it was built) is -ENOMEM. */
int output_json(FILE *out, json_t *object);
/* A JSON string of any bytes without NUL: what is no UTF-8 becomes U+FFFD, since JSON has no other text. */
json_t *output_json_text(const char *text);
/* One CSV value (RFC 4180), always in quotes. */
void output_csv(FILE *out, const char *value, size_t value_bytes);
/* safe_csv() (fs/base/safe.h) onto a stream. 0, -ENOMEM, -EIO. */
int output_csv_safe(FILE *out, const char *text);
/* safe_text(): for a terminal. 0 or -ENOMEM. */
int output_safe(struct buffer *out, const char *text);

#endif
