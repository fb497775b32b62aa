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
/* The same of a text that others chose, for a reader that may be a spreadsheet: as output_safe() writes it, and with a ' before
 * = + - @ (wide ones too) where a cell begins, which would be a formula. A cell begins after a semicolon as well: where that is
 * the list separator (the Netherlands), a spreadsheet cuts there, whatever the quotes say. 0 or -ENOMEM. */
int output_csv_safe(FILE *out, const char *text);
/* Appends the text for a terminal: control characters (C0, DEL, C1), characters that turn the direction of writing, and bytes
 * that are no UTF-8 appear as \xNN or \uNNNN. */
int output_safe(struct buffer *out, const char *text);

#endif
