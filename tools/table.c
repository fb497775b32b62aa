#include "tools/table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tools/output.h"

struct table {
    struct libscols_table *table;
    FILE *out;
    size_t column_count;
    locale_t locale;
};

int table_new(FILE *out, const struct table_column *columns, bool headings, unsigned width, struct table **out_table)
{
    struct table *table = calloc(1, sizeof *table);
    struct libscols_column *column = NULL;

    if (!table)
        return -ENOMEM;
    table->out = out;
    /* Widths of letters come from the locale: the daemon's, or that of a cron job, would show diacritics as codes. */
    table->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    table->table = scols_new_table();
    if (!table->table)
        goto fail;
    scols_table_enable_noheadings(table->table, !headings);
    scols_table_enable_colors(table->table, 0);
    scols_table_set_termforce(table->table, width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    if (width)
        scols_table_set_termwidth(table->table, width);
    for (; columns->name; columns++) {
        int flags = (columns->flags & TABLE_RIGHT ? SCOLS_FL_RIGHT : 0) |
                    (columns->flags & TABLE_SHRINKS && width ? SCOLS_FL_TRUNC : 0);

        column = scols_table_new_column(table->table, columns->name, columns->flags & TABLE_SHRINKS ? 0.2 : 0, flags);
        if (!column)
            goto fail;
        /* Cells are safe already; a second turn would spell out what is fine. */
        scols_column_set_safechars(column, "\\");
        table->column_count++;
    }
    *out_table = table;
    return 0;
fail:
    table_free(table);
    return -ENOMEM;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    if (table->table)
        scols_unref_table(table->table);
    if (table->locale)
        freelocale(table->locale);
    free(table);
}

int table_add(struct table *table, const char *const *cells)
{
    struct libscols_line *line = scols_table_new_line(table->table, NULL);
    struct buffer safe = BUFFER_EMPTY;
    int result = line ? 0 : -ENOMEM;

    for (size_t i = 0; i < table->column_count && result == 0; i++) {
        buffer_reset(&safe);
        if (!cells[i] || !cells[i][0])
            continue;
        if (output_safe(&safe, cells[i]) < 0 || scols_line_set_data(line, i, buffer_text(&safe)) < 0)
            result = -ENOMEM;
    }
    buffer_clear(&safe);
    return result;
}

/* libsmartcols fills an empty last cell, if it is one that stands at the right, with blanks up to its width. */
static void print_trimmed(FILE *out, const char *lines)
{
    while (*lines) {
        size_t line_bytes = strcspn(lines, "\n"), kept_bytes = line_bytes;

        while (kept_bytes > 0 && lines[kept_bytes - 1] == ' ')
            kept_bytes--;
        fwrite(lines, 1, kept_bytes, out);
        fputc('\n', out);
        lines += line_bytes + (lines[line_bytes] == '\n');
    }
}

int table_print(struct table *table)
{
    locale_t before = table->locale ? uselocale(table->locale) : (locale_t)0;
    char *lines = NULL;
    int result = scols_table_is_empty(table->table) ? 0 : scols_print_table_to_string(table->table, &lines);

    if (table->locale)
        uselocale(before);
    if (result == 0 && lines)
        print_trimmed(table->out, lines);
    if (lines)
        explicit_bzero(lines, strlen(lines));
    free(lines);
    return result;
}
