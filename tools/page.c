#include "tools/page.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

/* Colours hold a contrast of 7 to 1 in both schemes; paper takes none. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d2329;--dim:#46505a;--line:#c3cad1;--bar:#3f6d9e;--paper:#fff}\n"
    "@media "
    "(prefers-color-scheme:dark){:root{--ink:#e7ebef;--dim:#b5bec7;--line:#454e57;--bar:#7fb0e0;--paper:#14181c}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,sans-serif;"
    "overflow-wrap:break-word}\n"
    "main{max-width:60rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}\n"
    "h1,h2,h3{hyphens:auto}\n"
    "h1{font-size:1.8rem;line-height:1.2;margin:.5rem 0 1rem}\n"
    "h2{font-size:1.3rem;line-height:1.3;margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:1px solid "
    "var(--line)}\n"
    "h3{font-size:1.08rem;line-height:1.35;margin:1.75rem 0 .4rem}\n"
    "p,ul,ol{margin:.5rem 0 .75rem;max-width:44rem}\n"
    "ul,ol{padding-left:1.4rem}\n"
    "a{color:inherit}\n"
    "nav ol{columns:20rem 2;column-gap:2rem;max-width:none;padding-left:2rem}\n"
    "dl{display:grid;grid-template-columns:minmax(8rem,13rem) 1fr;gap:.35rem 1.25rem;margin:.75rem 0}\n"
    "dt{color:var(--dim);grid-column:1}\n"
    "dd{margin:0;grid-column:2;min-width:0}\n"
    "table{border-collapse:collapse;width:100%;margin:.75rem 0;font-size:.95rem}\n"
    "caption{text-align:left;color:var(--dim);padding:.25rem 0}\n"
    "th,td{text-align:left;vertical-align:top;padding:.45rem .75rem .45rem 0;border-bottom:1px solid var(--line)}\n"
    "thead th{color:var(--dim);font-weight:600}\n"
    ".wide{overflow-x:auto}\n"
    ".plot{margin:1rem 0}\n"
    ".plot svg{display:block;width:100%;height:9rem;margin-top:.35rem;border-bottom:1px solid var(--dim)}\n"
    ".plot figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem}\n"
    ".plot strong{flex-basis:100%}\n"
    ".ends{display:flex;justify-content:space-between;color:var(--dim);font-size:.92rem}\n"
    ".share{display:block;width:100%;height:.35rem;margin-top:.2rem}\n"
    "rect{fill:var(--bar)}\n"
    ".named{overflow-wrap:anywhere;min-width:8rem}\n"
    ".broad td{font-variant-numeric:tabular-nums}\n"
    ".note{color:var(--dim);font-size:.92rem}\n"
    "@media (max-width:40rem){\n"
    "main{padding:1rem 1rem 3rem}\n"
    "h1{font-size:1.4rem}\n"
    "dl{display:block}\n"
    "dt{margin-top:.6rem;font-size:.9rem}\n"
    "table.stacked,.stacked tbody,.stacked tr,.stacked th,.stacked td{display:block}\n"
    ".stacked caption{display:block}\n"
    ".stacked thead{display:none}\n"
    ".stacked tr{padding:.6rem 0;border-bottom:1px solid var(--line)}\n"
    ".stacked th,.stacked td{border:0;padding:.1rem 0}\n"
    ".stacked td::before{content:attr(data-name);display:block;color:var(--dim);font-size:.9rem}\n"
    ".stacked td:empty{display:none}\n"
    "}\n"
    "@page{size:A4;margin:18mm 16mm}\n"
    "@media print{\n"
    ":root{--ink:#000;--dim:#333;--line:#999;--bar:#444;--paper:#fff}\n"
    "html{font-size:10pt}\n"
    "main{max-width:none;padding:0}\n"
    "nav{display:none}\n"
    "h2,h3{break-after:avoid}\n"
    "tr,dl,figure{break-inside:avoid}\n"
    "rect{print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
    "thead{display:table-header-group}\n"
    "}\n";

void page_begin(FILE *out, const char *language, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"", out);
    page_text(out, language);
    fputs(
        "\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n",
        out);
    page_element(out, "title", title);
    fprintf(out, "<style>\n%s</style>\n</head>\n<body>\n<main>\n", style);
    page_element(out, "h1", title);
}

void page_end(FILE *out)
{
    fputs("</main>\n</body>\n</html>\n", out);
}

static bool may_stand(utf8proc_int32_t character)
{
    return character >= 0x20 && !(character >= 0x7F && character < 0xA0) && character != 0xFFFE &&
           character != 0xFFFF;
}

/* Writes one character of the text and answers its length in bytes. */
static size_t write_character(FILE *out, const char *text)
{
    utf8proc_int32_t character;
    utf8proc_ssize_t length =
        utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)strnlen(text, 4), &character);

    if (length <= 0 || !may_stand(character)) {
        fputs("\xEF\xBF\xBD", out);
        return length > 0 ? (size_t)length : 1;
    }
    switch (character) {
    case '&':
        fputs("&amp;", out);
        break;
    case '<':
        fputs("&lt;", out);
        break;
    case '>':
        fputs("&gt;", out);
        break;
    case '"':
        fputs("&quot;", out);
        break;
    case '\'':
        fputs("&#39;", out);
        break;
    default:
        fwrite(text, 1, (size_t)length, out);
    }
    return (size_t)length;
}

void page_text(FILE *out, const char *text)
{
    while (*text)
        text += write_character(out, text);
}

void page_element(FILE *out, const char *tag, const char *text)
{
    fprintf(out, "<%s>", tag);
    page_text(out, text);
    fprintf(out, "</%s>\n", tag);
}

void page_heading(FILE *out, unsigned level, const char *id, const char *text)
{
    fprintf(out, "<h%u", level);
    if (id) {
        fputs(" id=\"", out);
        page_text(out, id);
        fputc('"', out);
    }
    fputc('>', out);
    page_text(out, text);
    fprintf(out, "</h%u>\n", level);
}

void page_contents_begin(FILE *out, const char *label)
{
    fputs("<nav aria-label=\"", out);
    page_text(out, label);
    fputs("\">\n<ol>\n", out);
}

void page_contents(FILE *out, const char *id, const char *text)
{
    fputs("<li><a href=\"#", out);
    page_text(out, id);
    fputs("\">", out);
    page_text(out, text);
    fputs("</a></li>\n", out);
}

void page_contents_end(FILE *out)
{
    fputs("</ol>\n</nav>\n", out);
}

/* What stands before the line ends in a text, line by line, with `between` there. */
static void write_lines(FILE *out, const char *text, const char *between)
{
    for (; *text; text++) {
        while (*text && *text != '\n')
            text += write_character(out, text);
        if (!*text)
            return;
        fputs(between, out);
    }
}

void page_table_begin(FILE *out, enum page_table form, const char *caption, const char *const *names)
{
    fprintf(out, "<div class=\"%s\">\n<table class=\"%s\">\n", form == PAGE_WIDE ? "wide" : "fits",
            form == PAGE_WIDE ? "broad" : "stacked");
    if (caption)
        page_element(out, "caption", caption);
    fputs("<thead>\n<tr>", out);
    for (; *names; names++) {
        fputs("<th scope=\"col\">", out);
        page_text(out, *names);
        fputs("</th>", out);
    }
    fputs("</tr>\n</thead>\n<tbody>\n", out);
}

static void write_share(FILE *out, double share)
{
    fprintf(out,
            "<svg class=\"share\" aria-hidden=\"true\" viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" "
            "xmlns=\"http://www.w3.org/2000/svg\"><rect width=\"%.1f\" height=\"1\"/></svg>",
            100 * share);
}

static void write_row(FILE *out, const char *const *names, const char *const *cells, const double *share)
{
    fputs("<tr>", out);
    for (size_t i = 0; names[i]; i++) {
        if (i == 0) {
            fputs(share ? "<th scope=\"row\" class=\"named\">" : "<th scope=\"row\">", out);
        } else {
            fputs("<td data-name=\"", out);
            page_text(out, names[i]);
            fputs("\">", out);
        }
        if (cells[i])
            write_lines(out, cells[i], "<br/>");
        if (i == 0 && share)
            write_share(out, *share);
        fputs(i == 0 ? "</th>" : "</td>", out);
    }
    fputs("</tr>\n", out);
}

void page_table_row(FILE *out, const char *const *names, const char *const *cells)
{
    write_row(out, names, cells, NULL);
}

void page_table_row_share(FILE *out, const char *const *names, const char *const *cells, double share)
{
    write_row(out, names, cells, &share);
}

void page_table_end(FILE *out)
{
    fputs("</tbody>\n</table>\n</div>\n", out);
}

/* Stretched to whatever room there is, so text that must stay readable is beside the picture and not in it. */
void page_bars(FILE *out, const struct page_plot *plot, const uint64_t *values, size_t count)
{
    uint64_t most = 1;

    for (size_t i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    fputs("<figure class=\"plot\">\n<figcaption><strong>", out);
    page_text(out, plot->title);
    fputs("</strong> <span class=\"note\">", out);
    page_text(out, plot->text);
    fprintf(out,
            "</span></figcaption>\n<svg role=\"img\" viewBox=\"0 0 %zu 100\" preserveAspectRatio=\"none\" "
            "xmlns=\"http://www.w3.org/2000/svg\">\n<title>",
            count);
    page_text(out, plot->title);
    fputs("</title>\n<desc>", out);
    page_text(out, plot->text);
    fputs("</desc>\n", out);
    for (size_t i = 0; i < count; i++) {
        double height = (double)values[i] / (double)most * 100;

        if (values[i] > 0)
            fprintf(out, "<rect x=\"%zu.1\" y=\"%.2f\" width=\"0.8\" height=\"%.2f\"/>\n", i, 100 - height, height);
    }
    fputs("</svg>\n<div class=\"ends\"><span>", out);
    page_text(out, plot->first);
    fputs("</span><span>", out);
    page_text(out, plot->last);
    fputs("</span></div>\n</figure>\n", out);
}

void page_terms_begin(FILE *out)
{
    fputs("<dl>\n", out);
}

void page_term(FILE *out, const char *name, const char *text)
{
    fputs("<dt>", out);
    page_text(out, name);
    fputs("</dt>\n<dd>", out);
    write_lines(out, text, "</dd>\n<dd>");
    fputs("</dd>\n", out);
}

void page_terms_end(FILE *out)
{
    fputs("</dl>\n", out);
}
