#include "tools/columns.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fs/base/buffer.h"
#include "policy/suggest.h"
#include "tools/output.h"

struct resolving {
    const struct csv_row *header;
    const struct policy *policy;
    struct columns *columns;
    columns_fault *fault;
    void *context;
    bool faulty;
};

static void tell(struct resolving *resolving, const char *column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void tell(struct resolving *resolving, const char *column, const char *format, ...)
{
    char text[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    resolving->fault(resolving->context, column, text);
    resolving->faulty = true;
}

static bool is_named(const struct csv_value *value, const char *name)
{
    return value->length_bytes == strlen(name) && memcmp(value->text, name, value->length_bytes) == 0;
}

/* Spreadsheets like capitals. Only where nothing has the very name. */
static bool is_nearly_named(const struct csv_value *value, const char *name)
{
    return value->length_bytes == strlen(name) && strncasecmp(value->text, name, value->length_bytes) == 0;
}

/* The column's name as messages show it: no control characters, and a short form of a long one. */
static void name_column(const struct csv_value *value, size_t place, char name[static COLUMNS_NAME_MAX_BYTES + 4])
{
    struct buffer text = BUFFER_EMPTY, safe = BUFFER_EMPTY;

    buffer_append(&text, value->text, value->length_bytes);
    output_safe(&safe, buffer_text(&text));
    if (safe.length_bytes == 0)
        snprintf(name, COLUMNS_NAME_MAX_BYTES + 4, "number %zu", place + 1);
    else if (safe.length_bytes > COLUMNS_NAME_MAX_BYTES)
        snprintf(name, COLUMNS_NAME_MAX_BYTES + 4, "number %zu (a long name)", place + 1);
    else
        snprintf(name, COLUMNS_NAME_MAX_BYTES + 4, "%s", buffer_text(&safe));
    buffer_clear(&text);
    buffer_clear(&safe);
}

/* By the map, else by the field's own name, each compared with `named`. */
static bool find_named(struct resolving *resolving, const struct csv_value *value, const struct map *map,
                       bool (*named)(const struct csv_value *, const char *), int *field)
{
    for (size_t i = 0; map && i < map->count; i++)
        if (named(value, map->entries[i].column)) {
            map->entries[i].used = true;
            *field = map->entries[i].field;
            return true;
        }
    for (unsigned i = 0; i < resolving->policy->field_count; i++)
        if (named(value, resolving->policy->fields[i].name)) {
            *field = (int)i;
            return true;
        }
    return false;
}

/* The field of a column; false: neither the map nor the policy knows it. */
static bool find_field(struct resolving *resolving, const struct csv_value *value, const struct map *map, int *field)
{
    *field = COLUMNS_LEFT_OUT;
    return find_named(resolving, value, map, is_named, field) ||
           find_named(resolving, value, map, is_nearly_named, field);
}

static int find_column(const struct csv_row *header, const char *name)
{
    int near = -1;

    for (size_t i = 0; i < header->count; i++) {
        if (is_named(&header->values[i], name))
            return (int)i;
        if (is_nearly_named(&header->values[i], name))
            near = near == -1 ? (int)i : -2; /* of two, none is meant for certain */
    }
    return near;
}

static void find_code(struct resolving *resolving, const char *kind, const char *code)
{
    const char *const usual[] = {"code", kind, "contractnummer"};
    int found = -1;

    if (code)
        found = find_column(resolving->header, code);
    for (size_t i = 0; !code && found < 0 && i < sizeof usual / sizeof *usual; i++)
        found = find_column(resolving->header, usual[i]);
    if (found >= 0)
        resolving->columns->code = (size_t)found;
    else if (code)
        tell(resolving, "", "there is no column \"%.63s\", which --code names", code);
    else
        tell(resolving, "",
             "which column holds the dossier's code? None is named \"code\", \"%s\" or \"contractnummer\"; say "
             "--code COLUMN",
             kind);
}

/* A column that nothing knows. Where no column at all is known the first line is no header, but somebody's values, and these
 * stay out of messages. */
static void tell_unknown(struct resolving *resolving, const char *name)
{
    struct suggest suggest;

    suggest_init(&suggest, name);
    for (unsigned i = 0; i < resolving->policy->field_count; i++)
        suggest_consider(&suggest, resolving->policy->fields[i].name);
    tell(resolving, name, "the policy has no such field%s%s%s (--map can name its field, or leave the column out)",
         suggest.nearest ? "; did you mean \"" : "", suggest.nearest ? suggest.nearest : "",
         suggest.nearest ? "\"?" : "");
}

static void check_twice(struct resolving *resolving)
{
    const struct csv_row *header = resolving->header;
    const struct column *columns = resolving->columns->columns;

    for (size_t i = 0; i < header->count; i++)
        for (size_t j = 0; j < i; j++) {
            if (header->values[i].length_bytes == header->values[j].length_bytes &&
                memcmp(header->values[i].text, header->values[j].text, header->values[i].length_bytes) == 0)
                tell(resolving, columns[i].name, "the file has this column twice (numbers %zu and %zu)", j + 1,
                     i + 1);
            else if (columns[i].field >= 0 && columns[i].field == columns[j].field)
                tell(resolving, columns[i].name, "is the same field as column %s", columns[j].name);
            else
                continue;
            break;
        }
}

static void resolve_all(struct resolving *resolving, const char *kind, const char *code, const struct map *map)
{
    struct columns *columns = resolving->columns;
    const struct csv_row *header = resolving->header;
    bool *known = calloc(header->count, sizeof *known);
    size_t known_count = 0;

    if (!known) {
        tell(resolving, "", "no memory");
        return;
    }
    columns->code = header->count;
    find_code(resolving, kind, code);
    for (size_t i = 0; i < header->count; i++) {
        name_column(&header->values[i], i, columns->columns[i].name);
        known[i] = find_field(resolving, &header->values[i], map, &columns->columns[i].field) || i == columns->code;
        known_count += known[i];
    }
    if (known_count == 0)
        tell(resolving, "",
             "none of the columns is known: is the first line a header? (and is the delimiter right?)");
    for (size_t i = 0; known_count > 0 && i < header->count; i++)
        if (!known[i])
            tell_unknown(resolving, columns->columns[i].name);
    if (known_count > 0)
        check_twice(resolving);
    for (size_t i = 0; map && i < map->count; i++)
        if (!map->entries[i].used)
            tell(resolving, "", "line %u of the map names a column that the file does not have",
                 map->entries[i].line);
    free(known);
}

int columns_resolve(const struct csv_row *header, const struct policy *policy, const char *kind, const char *code,
                    const struct map *map, columns_fault *fault, void *context, struct columns *columns)
{
    struct columns draft = {.count = header->count};
    struct resolving resolving = {
        .header = header, .policy = policy, .columns = &draft, .fault = fault, .context = context};

    draft.columns = calloc(header->count ? header->count : 1, sizeof *draft.columns);
    if (!draft.columns)
        return -ENOMEM;
    resolve_all(&resolving, kind, code, map);
    if (resolving.faulty) {
        columns_clear(&draft);
        return -EINVAL;
    }
    *columns = draft;
    return 0;
}

void columns_clear(struct columns *columns)
{
    free(columns->columns);
    *columns = (struct columns){0};
}
