/* page: one self-contained HTML page: no script, no picture, nothing from a network; for a screen, a telephone and paper.
 *
 * The form is HTML (living standard) that is well-formed XML as well, so that either parser can judge it. Text that comes
 * from a policy goes through page_text() or a function that does; tags, classes and attributes are the program's own. Errors
 * stay in the stream (ferror). */
#ifndef DOSSIERFS_TOOLS_PAGE_H
#define DOSSIERFS_TOOLS_PAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Doctype, head with the style sheet, and the beginning of <main> with the title as its <h1>. `language` is a tag like "nl". */
void page_begin(FILE *out, const char *language, const char *title);
void page_end(FILE *out);

/* Text (UTF-8) for content or a quoted attribute: & < > " ' are written as references, control characters and bytes that are
 * no UTF-8 as U+FFFD. */
void page_text(FILE *out, const char *text);
/* <tag>text</tag> and a line end. */
void page_element(FILE *out, const char *tag, const char *text);

/* A heading of level 2 or 3; `id` (letters, digits, '-') or NULL. The contents are a list of links to such headings. */
void page_heading(FILE *out, unsigned level, const char *id, const char *text);
void page_contents_begin(FILE *out, const char *label);
void page_contents(FILE *out, const char *id, const char *text);
void page_contents_end(FILE *out);

/* A table with a heading over each column; `names` ends with NULL. On a telephone each row becomes a block, whose cells have
 * their heading before them (page_stacked); a wide one (page_wide) is moved sideways instead. The first cell of a row is its
 * heading. */
enum page_table { PAGE_STACKED, PAGE_WIDE };
void page_table_begin(FILE *out, enum page_table form, const char *caption, const char *const *names);
/* One row; `cells` has as many as there are columns, NULL is empty. A line end within a cell begins a new line. */
void page_table_row(FILE *out, const char *const *names, const char *const *cells);
/* The same with a bar under the first cell, as long as `share` (0 to 1) of the longest: what the numbers say, at a glance. */
void page_table_row_share(FILE *out, const char *const *names, const char *const *cells, double share);
void page_table_end(FILE *out);

/* A picture: bars from left to right, the highest as high as the picture, whose text says what they are and how high that is. What
 * stands at the left and right ends is below it. The numbers themselves belong in a table beside it. */
struct page_plot {
    const char *title, *text;
    const char *first, *last;
};
void page_bars(FILE *out, const struct page_plot *plot, const uint64_t *values, size_t count);

/* A list of names and what they are: <dl>, with page_term() in between. A line end in `text` begins another item. */
void page_terms_begin(FILE *out);
void page_term(FILE *out, const char *name, const char *text);
void page_terms_end(FILE *out);

#endif
