/* safe: text that others chose (the name of a program, say), for readers that it must not steer: a terminal, a spreadsheet. */
#ifndef DOSSIERFS_BASE_SAFE_H
#define DOSSIERFS_BASE_SAFE_H

#include "fs/base/buffer.h"

/* The character that a text begins with, and its length; -1: a byte that is no UTF-8 (length 1). */
int32_t safe_character(const char *text, size_t *length_bytes);
/* Appends the text for a terminal: control characters (C0, DEL, C1), characters that turn the direction of writing, and bytes
 * that are no UTF-8 appear as \xNN or \uNNNN. 0 or -ENOMEM. */
int safe_text(struct buffer *out, const char *text);
/* Appends one CSV value (RFC 4180), always in quotes, for a reader that may be a spreadsheet: as safe_text() writes it, and with a '
 * before = + - @ (wide ones too) where a cell begins, which would be a formula. A cell begins after a semicolon as well: where that
 * is the list separator (the Netherlands), a spreadsheet cuts there, whatever the quotes say. 0 or -ENOMEM. */
int safe_csv(struct buffer *out, const char *text);

#endif
