/* line: the safe line reader under inih.
 *
 * inih as Debian packages it is lenient where a policy may not be: it cuts lines at 200 bytes and takes the rest as the
 * next line (so the tail of a long comment becomes a rule), cuts section names at 49, joins indented lines to the value
 * before, splits at ':' as well as at '=', ignores what stands behind ']', and keeps "# text" as part of a value. This
 * reader hands out one line at a time and refuses every line that inih would read otherwise than a person does. Line
 * ends are LF or CRLF. One UTF-8 byte order mark at the start is skipped. */
#ifndef DOSSIERFS_POLICY_LINE_H
#define DOSSIERFS_POLICY_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LINE_MAX_BYTES = 197,        /* inih's buffer holds 200: the longest line and CR, LF, NUL */
    LINE_SECTION_MAX_BYTES = 49, /* between the brackets; inih's buffer holds 50 */
};

enum line_shape {
    LINE_BLANK,   /* nothing, or only a comment */
    LINE_SECTION, /* `[section]` */
    LINE_PAIR,    /* `key = value` */
    LINE_FAULT,   /* refused: `fault` says why */
};

struct line_reader {
    const char *at, *end;
    unsigned number;
};

struct line {
    unsigned number; /* 1.. */
    enum line_shape shape;
    bool begins_section;                      /* also of a refused line: it was meant to begin a section */
    const char *text;                         /* in the policy's text, without the line end, not terminated */
    size_t length_bytes;                      /* at most LINE_MAX_BYTES unless refused */
    char section[LINE_SECTION_MAX_BYTES + 1]; /* LINE_SECTION: what stands between the brackets */
    char fault[200];
};

/* `text` (any bytes) is borrowed while lines are read. */
void line_reader_init(struct line_reader *reader, const char *text, size_t length_bytes);
/* False: no more lines. */
bool line_next(struct line_reader *reader, struct line *line);

#endif
