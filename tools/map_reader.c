#include "tools/map_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "policy/suggest.h"

struct reading {
    const struct policy *policy;
    map_reader_fault *fault;
    void *context;
    struct map *map;
    unsigned line;
    bool faulty;
};

static int fault(struct reading *reading, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fault(struct reading *reading, const char *format, ...)
{
    char text[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    reading->fault(reading->context, reading->line, text);
    reading->faulty = true;
    return 0;
}

/* Cuts the blanks around `text` off, in place. */
static char *trim(char *text)
{
    size_t length_bytes;

    while (*text == ' ' || *text == '\t')
        text++;
    length_bytes = strlen(text);
    while (length_bytes > 0 && strchr(" \t\r", text[length_bytes - 1]))
        text[--length_bytes] = '\0';
    return text;
}

static int unknown_field(struct reading *reading, const char *name)
{
    struct suggest suggest;

    if (strcmp(name, "code") == 0)
        return fault(reading, "the policy has no field \"code\" (the column of the code: --code COLUMN)");
    suggest_init(&suggest, name);
    for (unsigned i = 0; i < reading->policy->field_count; i++)
        suggest_consider(&suggest, reading->policy->fields[i].name);
    return fault(reading, "the policy has no field \"%.63s\"%s%s%s", name, suggest.nearest ? "; did you mean \"" : "",
                 suggest.nearest ? suggest.nearest : "", suggest.nearest ? "\"?" : "");
}

static int add(struct reading *reading, const char *column, int field)
{
    struct map *map = reading->map;
    struct map_entry *entries;

    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->entries[i].column, column) == 0)
            return fault(reading, "this column is mapped in line %u already", map->entries[i].line);
    if (map->count == MAP_READER_MAX_ENTRIES)
        return fault(reading, "more than %d lines", MAP_READER_MAX_ENTRIES);
    entries = reallocarray(map->entries, map->count + 1, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    map->entries = entries;
    entries[map->count] = (struct map_entry){.column = strdup(column), .field = field, .line = reading->line};
    if (!entries[map->count].column)
        return -ENOMEM;
    map->count++;
    return 0;
}

static int take_line(struct reading *reading, char *text, size_t length_bytes)
{
    utf8proc_int32_t character;
    char *equals, *column, *name;
    int field = -1;

    if (strlen(text) != length_bytes)
        return fault(reading, "a NUL byte");
    for (size_t at = 0; at < length_bytes;) {
        utf8proc_ssize_t step = utf8proc_iterate((utf8proc_uint8_t *)text + at, -1, &character);

        if (step <= 0)
            return fault(reading, "this line is not UTF-8");
        at += (size_t)step;
    }
    if (reading->line == 1 && strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3;
    column = trim(text);
    if (!*column || *column == '#' || *column == ';')
        return 0;
    equals = strrchr(column, '=');
    if (!equals)
        return fault(reading, "no `=`; a line is `column = field`");
    *equals = '\0';
    name = trim(equals + 1);
    column = trim(column);
    if (!*column || !*name)
        return fault(reading, "nothing stands %s the `=`", *column ? "behind" : "before");
    if (strcmp(name, "-") != 0) {
        field = policy_find_field(reading->policy, name);
        if (field < 0)
            return unknown_field(reading, name);
    }
    return add(reading, column, field);
}

int map_reader_read(FILE *in, const struct policy *policy, map_reader_fault *tell, void *context, struct map *map)
{
    struct map draft = {0};
    struct reading reading = {.policy = policy, .fault = tell, .context = context, .map = &draft};
    char line[MAP_READER_LINE_MAX_BYTES + 2];
    size_t length_bytes = 0;
    bool too_long = false;
    int character, result = 0;

    do {
        character = getc(in);
        if (character != '\n' && character != EOF) {
            if (length_bytes < MAP_READER_LINE_MAX_BYTES)
                line[length_bytes++] = (char)character;
            else
                too_long = true;
            continue;
        }
        reading.line++;
        line[length_bytes] = '\0';
        result = too_long ? fault(&reading, "longer than %d bytes", MAP_READER_LINE_MAX_BYTES)
                          : take_line(&reading, line, length_bytes);
        length_bytes = 0;
        too_long = false;
    } while (character != EOF && result == 0);
    if (result == 0 && ferror(in))
        result = -EIO;
    if (result == 0 && reading.faulty)
        result = -EINVAL;
    if (result < 0) {
        map_reader_clear(&draft);
        return result;
    }
    *map = draft;
    return 0;
}

void map_reader_clear(struct map *map)
{
    for (size_t i = 0; i < map->count; i++)
        free(map->entries[i].column);
    free(map->entries);
    *map = (struct map){0};
}
