#include "tools/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/output.h"
#include "tools/page.h"

/* ---- the three ways of writing text ---------------------------------------------------------------------------- */

/* How much of the text is a number with its point, which would begin a list. */
static size_t list_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits && (text[digits] == '.' || text[digits] == ')') ? digits : 0;
}

/* Each character that Markdown takes for a sign wherever it stands loses its meaning; a number, '+', '-' or '=' has one at the
 * beginning only. */
void document_markdown(FILE *out, const char *text)
{
    struct buffer safe = BUFFER_EMPTY;
    const char *at;
    size_t number;

    output_safe(&safe, text);
    at = buffer_text(&safe);
    number = list_number(at);
    fprintf(out, "%.*s", (int)number, at);
    at += number;
    if (number || (*at && strchr("+-=", *at)))
        fputc('\\', out);
    for (; *at; at++) {
        if (*at == '<')
            fputs("&lt;", out);
        else if (*at == '&')
            fputs("&amp;", out);
        else if (strchr("\\`*_[]|#~>", *at))
            fprintf(out, "\\%c", *at);
        else
            fputc(*at, out);
    }
    buffer_clear(&safe);
}

static void write_plain(FILE *out, const char *text)
{
    struct buffer safe = BUFFER_EMPTY;

    output_safe(&safe, text);
    fputs(buffer_text(&safe), out);
    buffer_clear(&safe);
}

/* Writes the lines one after the other with `between` in between; false: no memory. */
static bool write_lines(FILE *out, const char *lines, void (*write)(FILE *out, const char *line), const char *between)
{
    char *copy = strdup(lines);

    for (char *line = copy, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        write(out, line);
        if (next)
            fputs(between, out);
    }
    free(copy);
    return copy != NULL;
}

/* ---- parts ----------------------------------------------------------------------------------------------------- */

struct document document_begin(FILE *out, enum document_form form, const char *language, const char *title)
{
    switch (form) {
    case DOCUMENT_HTML:
        page_begin(out, language, title);
        break;
    case DOCUMENT_MARKDOWN:
        fputs("# ", out);
        document_markdown(out, title);
        fputc('\n', out);
        break;
    case DOCUMENT_TEXT:
        write_plain(out, title);
        fputc('\n', out);
        break;
    }
    return (struct document){.out = out, .form = form};
}

int document_end(struct document *document)
{
    if (document->form == DOCUMENT_HTML)
        page_end(document->out);
    table_free(document->table);
    document->table = NULL;
    return document->failed ? -ENOMEM : 0;
}

static void write_heading(struct document *document, unsigned level, const char *id, const char *text)
{
    switch (document->form) {
    case DOCUMENT_HTML:
        page_heading(document->out, level, id, text);
        break;
    case DOCUMENT_MARKDOWN:
        fprintf(document->out, "\n%.*s ", (int)level, "###");
        document_markdown(document->out, text);
        fputc('\n', document->out);
        break;
    case DOCUMENT_TEXT:
        fputc('\n', document->out);
        write_plain(document->out, text);
        fputc('\n', document->out);
        break;
    }
}

void document_heading(struct document *document, const char *id, const char *text)
{
    write_heading(document, 2, id, text);
}

void document_subheading(struct document *document, const char *text)
{
    write_heading(document, 3, NULL, text);
}

void document_contents_begin(struct document *document, const char *label)
{
    if (document->form == DOCUMENT_HTML)
        page_contents_begin(document->out, label);
}

void document_contents(struct document *document, const char *id, const char *text)
{
    if (document->form == DOCUMENT_HTML)
        page_contents(document->out, id, text);
}

void document_contents_end(struct document *document)
{
    if (document->form == DOCUMENT_HTML)
        page_contents_end(document->out);
}

void document_paragraph(struct document *document, const char *text)
{
    if (document->form == DOCUMENT_HTML) {
        page_element(document->out, "p", text);
        return;
    }
    fputc('\n', document->out);
    (document->form == DOCUMENT_MARKDOWN ? document_markdown : write_plain)(document->out, text);
    fputc('\n', document->out);
}

void document_list(struct document *document, const char *lines)
{
    FILE *out = document->out;
    bool done = true;

    switch (document->form) {
    case DOCUMENT_HTML:
        fputs("<ul>\n<li>", out);
        done = write_lines(out, lines, page_text, "</li>\n<li>");
        fputs("</li>\n</ul>\n", out);
        break;
    case DOCUMENT_MARKDOWN:
        fputs("\n- ", out);
        done = write_lines(out, lines, document_markdown, "\n- ");
        fputc('\n', out);
        break;
    case DOCUMENT_TEXT:
        fputs("  ", out);
        done = write_lines(out, lines, write_plain, "\n  ");
        fputc('\n', out);
        break;
    }
    document->failed |= !done;
}

/* ---- tables ---------------------------------------------------------------------------------------------------- */

static void begin_plain_table(struct document *document, const char *const *names)
{
    struct table_column columns[DOCUMENT_MAX_COLUMNS + 1] = {0};

    for (size_t i = 0; i < DOCUMENT_MAX_COLUMNS && names[i]; i++)
        columns[i].name = names[i];
    if (table_new(document->out, columns, false, 0, &document->table) < 0)
        document->failed = true;
}

void document_table_begin(struct document *document, const char *const *names)
{
    FILE *out = document->out;

    document->names = names;
    switch (document->form) {
    case DOCUMENT_HTML:
        page_table_begin(out, PAGE_STACKED, NULL, names);
        break;
    case DOCUMENT_MARKDOWN:
        fputs("\n|", out);
        for (size_t i = 0; names[i]; i++) {
            fputc(' ', out);
            document_markdown(out, names[i]);
            fputs(" |", out);
        }
        fputs("\n|", out);
        for (size_t i = 0; names[i]; i++)
            fputs("---|", out);
        fputc('\n', out);
        break;
    case DOCUMENT_TEXT:
        begin_plain_table(document, names);
        break;
    }
}

/* A cell of several lines takes as many rows. */
static void add_plain_row(struct document *document, const char *const *cells)
{
    char *copies[DOCUMENT_MAX_COLUMNS] = {0}, *rests[DOCUMENT_MAX_COLUMNS] = {0};
    bool more = document->table != NULL;

    for (size_t i = 0; document->names[i]; i++)
        rests[i] = copies[i] = cells[i] ? strdup(cells[i]) : NULL;
    while (more) {
        const char *row[DOCUMENT_MAX_COLUMNS] = {0};

        more = false;
        for (size_t i = 0; document->names[i]; i++) {
            row[i] = rests[i];
            rests[i] = rests[i] ? strchr(rests[i], '\n') : NULL;
            if (rests[i])
                *rests[i]++ = '\0';
            more |= rests[i] != NULL;
        }
        if (table_add(document->table, row) < 0) {
            document->failed = true;
            more = false;
        }
    }
    for (size_t i = 0; document->names[i]; i++)
        free(copies[i]);
}

void document_table_row(struct document *document, const char *const *cells)
{
    FILE *out = document->out;

    switch (document->form) {
    case DOCUMENT_HTML:
        page_table_row(out, document->names, cells);
        break;
    case DOCUMENT_MARKDOWN:
        fputc('|', out);
        for (size_t i = 0; document->names[i]; i++) {
            fputc(' ', out);
            if (cells[i] && !write_lines(out, cells[i], document_markdown, "<br>"))
                document->failed = true;
            fputs(" |", out);
        }
        fputc('\n', out);
        break;
    case DOCUMENT_TEXT:
        add_plain_row(document, cells);
        break;
    }
}

void document_table_end(struct document *document)
{
    if (document->form == DOCUMENT_HTML)
        page_table_end(document->out);
    if (document->table && table_print(document->table) < 0)
        document->failed = true;
    table_free(document->table);
    document->table = NULL;
}

void document_terms_begin(struct document *document, const char *const *names)
{
    if (document->form == DOCUMENT_HTML)
        page_terms_begin(document->out);
    else
        document_table_begin(document, names);
}

void document_term(struct document *document, const char *name, const char *lines)
{
    const char *const cells[] = {name, lines};

    if (document->form == DOCUMENT_HTML)
        page_term(document->out, name, lines);
    else
        document_table_row(document, cells);
}

void document_terms_end(struct document *document)
{
    if (document->form == DOCUMENT_HTML)
        page_terms_end(document->out);
    else
        document_table_end(document);
}
