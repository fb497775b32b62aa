/* document: headings, paragraphs, lists and tables, written as HTML, Markdown or plain text.
 *
 * What is given is text (UTF-8) and never markup: each form escapes what would mean something in it. Lines of a list or within
 * a cell are parted by line ends. Errors stay in the document until document_end(). */
#ifndef DOSSIERFS_TOOLS_DOCUMENT_H
#define DOSSIERFS_TOOLS_DOCUMENT_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/table.h"

enum document_form { DOCUMENT_HTML, DOCUMENT_MARKDOWN, DOCUMENT_TEXT };
enum { DOCUMENT_MAX_COLUMNS = 16 };

struct document {
    FILE *out;
    enum document_form form;
    const char *const *names; /* of the table that is open */
    struct table *table;      /* the same, in the plain form */
    bool failed;              /* no memory */
};

/* `language` is a tag like "nl". The stream stays the caller's. */
struct document document_begin(FILE *out, enum document_form form, const char *language, const char *title);
/* 0, or -ENOMEM. */
int document_end(struct document *document);

/* `id`: letters, digits and '-', once in a document, for document_contents(); or NULL. */
void document_heading(struct document *document, const char *id, const char *text);
void document_subheading(struct document *document, const char *text);
/* Links to the headings with these ids, in a page; nothing in the other forms. */
void document_contents_begin(struct document *document, const char *label);
void document_contents(struct document *document, const char *id, const char *text);
void document_contents_end(struct document *document);
void document_paragraph(struct document *document, const char *text);
void document_list(struct document *document, const char *lines);
/* The first cell of a row is what the others are about; a NULL cell is empty. `names` ends with NULL, has at least two and at
 * most DOCUMENT_MAX_COLUMNS, and stays the caller's until the table ends. */
void document_table_begin(struct document *document, const char *const *names);
void document_table_row(struct document *document, const char *const *cells);
void document_table_end(struct document *document);

/* Names and what they are: in Markdown a table, whose headings are `names` (two and NULL). */
void document_terms_begin(struct document *document, const char *const *names);
void document_term(struct document *document, const char *name, const char *lines);
void document_terms_end(struct document *document);

/* One line of Markdown text for a place where no construct may begin: in a paragraph, an item, a cell. */
void document_markdown(FILE *out, const char *text);

#endif
