#include "tools/log_fold.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "tools/moment.h"
#include "tools/output.h"
#include "tools/table.h"

struct line {
    struct log_fold *fold;
    char *values[LOG_FOLD_KEYS_MAX];
    uint64_t times, dossiers;
    int64_t first_ms, last_ms;
    char **fields; /* sorted; a masked one has its '~' */
    size_t field_count;
};

struct seen {
    uint64_t subject;
    struct line *line;
};

struct log_fold {
    const char *const *keys;
    unsigned key_count;
    bool counts_dossiers;
    void *tree; /* of struct line, for tsearch() */
    struct line **lines;
    size_t line_count, line_room;
    struct seen *seen;
    size_t seen_count, seen_room;
    uint64_t entries;
};

int log_fold_new(const char *const *keys, bool counts_dossiers, struct log_fold **out)
{
    struct log_fold *fold = calloc(1, sizeof *fold);

    if (!fold)
        return -ENOMEM;
    fold->keys = keys;
    while (keys[fold->key_count])
        fold->key_count++;
    fold->counts_dossiers = counts_dossiers;
    *out = fold;
    return 0;
}

static void line_free(struct line *line)
{
    for (unsigned i = 0; i < LOG_FOLD_KEYS_MAX; i++)
        free(line->values[i]);
    for (size_t i = 0; i < line->field_count; i++)
        free(line->fields[i]);
    free(line->fields);
    free(line);
}

static void keep(void *node)
{
    (void)node; /* the lines are freed by their list */
}

void log_fold_free(struct log_fold *fold)
{
    if (!fold)
        return;
    tdestroy(fold->tree, keep);
    for (size_t i = 0; i < fold->line_count; i++)
        line_free(fold->lines[i]);
    free(fold->lines);
    free(fold->seen);
    free(fold);
}

static int by_values(const void *one, const void *other)
{
    const struct line *left = one, *right = other;
    int order = 0;

    for (unsigned i = 0; order == 0 && i < left->fold->key_count; i++)
        order = strcmp(left->values[i], right->values[i]);
    return order;
}

/* Room for one more of `item_bytes` in an array of `count`. */
static int make_room(void **array, size_t count, size_t *room, size_t item_bytes)
{
    size_t larger = *room ? *room * 2 : 64;
    void *moved;

    if (count < *room)
        return 0;
    moved = realloc(*array, larger * item_bytes);
    if (!moved)
        return -ENOMEM;
    *array = moved;
    *room = larger;
    return 0;
}

static struct line *line_new(struct log_fold *fold, const char *const *values)
{
    struct line *line = calloc(1, sizeof *line);

    if (!line || make_room((void **)&fold->lines, fold->line_count, &fold->line_room, sizeof(struct line *)) < 0) {
        free(line);
        return NULL;
    }
    line->fold = fold;
    for (unsigned i = 0; i < fold->key_count; i++) {
        line->values[i] = strdup(values[i]);
        if (!line->values[i]) {
            line_free(line);
            return NULL;
        }
    }
    if (!tsearch(line, &fold->tree, by_values)) {
        line_free(line);
        return NULL;
    }
    fold->lines[fold->line_count++] = line;
    return line;
}

static struct line *find_line(struct log_fold *fold, const char *const *values)
{
    struct line wanted = {.fold = fold};
    struct line *const *found;

    for (unsigned i = 0; i < fold->key_count; i++)
        wanted.values[i] = (char *)values[i];
    found = tfind(&wanted, &fold->tree, by_values);
    return found ? *found : line_new(fold, values);
}

static int add_field(struct line *line, const char *name, size_t name_bytes)
{
    char **fields;
    size_t at = 0;

    for (; at < line->field_count; at++) {
        int order = strncmp(line->fields[at], name, name_bytes);

        if (order == 0 && line->fields[at][name_bytes] == '\0')
            return 0;
        if (order >= 0)
            break;
    }
    fields = realloc(line->fields, (line->field_count + 1) * sizeof *fields);
    if (!fields)
        return -ENOMEM;
    line->fields = fields;
    memmove(fields + at + 1, fields + at, (line->field_count - at) * sizeof *fields);
    fields[at] = strndup(name, name_bytes);
    if (!fields[at]) {
        memmove(fields + at, fields + at + 1, (line->field_count - at) * sizeof *fields);
        return -ENOMEM;
    }
    line->field_count++;
    return 0;
}

/* What was seen has names; where it has none, what was done stands for it. */
static int add_fields(struct line *line, const struct log_entry *entry)
{
    char done[32];
    int error = 0;

    for (const char *at = entry->fields; !error && *at; at += strspn(at, ",")) {
        size_t name_bytes = strcspn(at, ",");

        error = add_field(line, at, name_bytes);
        at += name_bytes;
    }
    if (error || entry->fields[0])
        return error;
    snprintf(done, sizeof done, "(%s)", log_what_name(entry->what));
    return add_field(line, done, strlen(done));
}

int log_fold_add(struct log_fold *fold, const char *const *values, const struct log_entry *entry)
{
    struct line *line = find_line(fold, values);

    if (!line)
        return -ENOMEM;
    if (fold->counts_dossiers && entry->subject) {
        if (make_room((void **)&fold->seen, fold->seen_count, &fold->seen_room, sizeof *fold->seen) < 0)
            return -ENOMEM;
        fold->seen[fold->seen_count++] = (struct seen){entry->subject, line};
    }
    if (line->times == 0 || entry->time_ms < line->first_ms)
        line->first_ms = entry->time_ms;
    if (line->times == 0 || entry->time_ms > line->last_ms)
        line->last_ms = entry->time_ms;
    line->times += entry->count ? entry->count : 1;
    fold->entries++;
    return add_fields(line, entry);
}

uint64_t log_fold_entries(const struct log_fold *fold)
{
    return fold->entries;
}

/* ---- printing --------------------------------------------------------------------------------------------------- */

static int by_line_and_subject(const void *one, const void *other)
{
    const struct seen *left = one, *right = other;

    if (left->line != right->line)
        return (uintptr_t)left->line < (uintptr_t)right->line ? -1 : 1;
    return left->subject < right->subject ? -1 : left->subject > right->subject;
}

static int by_first(const void *one, const void *other)
{
    const struct line *left = *(struct line *const *)one, *right = *(struct line *const *)other;

    if (left->first_ms != right->first_ms)
        return left->first_ms < right->first_ms ? -1 : 1;
    return by_values(left, right);
}

static void arrange(struct log_fold *fold)
{
    if (fold->line_count > 1)
        qsort(fold->lines, fold->line_count, sizeof(struct line *), by_first);
    if (fold->seen_count > 1)
        qsort(fold->seen, fold->seen_count, sizeof *fold->seen, by_line_and_subject);
    for (size_t i = 0; i < fold->line_count; i++)
        fold->lines[i]->dossiers = 0;
    for (size_t i = 0; i < fold->seen_count; i++)
        fold->seen[i].line->dossiers += i == 0 || by_line_and_subject(&fold->seen[i - 1], &fold->seen[i]) != 0;
}

static char *join_fields(const struct line *line, struct buffer *buffer)
{
    buffer_reset(buffer);
    for (size_t i = 0; i < line->field_count; i++)
        buffer_printf(buffer, "%s%s", i ? "," : "", line->fields[i]);
    return (char *)buffer_text(buffer);
}

static int print_json(const struct line *line, FILE *out)
{
    const struct log_fold *fold = line->fold;
    char first[MOMENT_BYTES], last[MOMENT_BYTES];
    json_t *object = json_object(), *fields = json_array();

    moment_print_iso(line->first_ms, first);
    moment_print_iso(line->last_ms, last);
    for (unsigned i = 0; i < fold->key_count; i++)
        json_object_set_new(object, fold->keys[i], output_json_text(line->values[i]));
    for (size_t i = 0; i < line->field_count; i++)
        json_array_append_new(fields, output_json_text(line->fields[i]));
    json_object_set_new(object, "fields", fields);
    if (fold->counts_dossiers)
        json_object_set_new(object, "dossiers", json_integer((json_int_t)line->dossiers));
    json_object_set_new(object, "first", json_string(first));
    json_object_set_new(object, "last", json_string(last));
    json_object_set_new(object, "times", json_integer((json_int_t)line->times));
    return output_json(out, object);
}

static int print_csv(const struct line *line, FILE *out, struct buffer *buffer)
{
    const struct log_fold *fold = line->fold;
    char first[MOMENT_BYTES], last[MOMENT_BYTES];
    int result = 0;

    moment_print_iso(line->first_ms, first);
    moment_print_iso(line->last_ms, last);
    for (unsigned i = 0; result == 0 && i < fold->key_count; i++) {
        result = output_csv_safe(out, line->values[i]);
        fputc(',', out);
    }
    if (result == 0)
        result = output_csv_safe(out, join_fields(line, buffer));
    if (fold->counts_dossiers)
        fprintf(out, ",%" PRIu64, line->dossiers);
    fprintf(out, ",%s,%s,%" PRIu64 "\r\n", first, last, line->times);
    return ferror(out) ? -EIO : result;
}

static void csv_head(const struct log_fold *fold, FILE *out)
{
    for (unsigned i = 0; i < fold->key_count; i++)
        fprintf(out, "%s,", fold->keys[i]);
    fprintf(out, "fields%s,first,last,times\r\n", fold->counts_dossiers ? ",dossiers" : "");
}

static int add_to_table(const struct line *line, struct table *table, struct buffer *buffer)
{
    char first[MOMENT_BYTES], last[MOMENT_BYTES], times[24], dossiers[24];
    const char *cells[LOG_FOLD_KEYS_MAX + 5];
    unsigned at = line->fold->key_count;

    moment_print(line->first_ms, first);
    moment_print(line->last_ms, last);
    snprintf(times, sizeof times, "%" PRIu64, line->times);
    snprintf(dossiers, sizeof dossiers, "%" PRIu64, line->dossiers);
    memcpy(cells, line->values, at * sizeof *cells);
    cells[at++] = join_fields(line, buffer);
    if (line->fold->counts_dossiers)
        cells[at++] = dossiers;
    cells[at++] = first;
    cells[at++] = last;
    cells[at] = times;
    return table_add(table, cells);
}

static int print_table(const struct log_fold *fold, struct command_context *context, struct buffer *buffer)
{
    struct table_column columns[LOG_FOLD_KEYS_MAX + 6];
    char names[LOG_FOLD_KEYS_MAX][32];
    struct table *table = NULL;
    unsigned at = 0;
    int result;

    for (; at < fold->key_count; at++) {
        snprintf(names[at], sizeof names[at], "%s", fold->keys[at]);
        for (char *c = names[at]; *c; c++)
            *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        columns[at] = (struct table_column){names[at], TABLE_SHRINKS};
    }
    columns[at++] = (struct table_column){"FIELDS", TABLE_SHRINKS};
    if (fold->counts_dossiers)
        columns[at++] = (struct table_column){"DOSSIERS", TABLE_RIGHT};
    columns[at++] = (struct table_column){"FIRST", TABLE_LEFT};
    columns[at++] = (struct table_column){"LAST", TABLE_LEFT};
    columns[at++] = (struct table_column){"TIMES", TABLE_RIGHT};
    columns[at] = (struct table_column){NULL, 0};
    result = table_new(context->out, columns, true, context->out_is_terminal ? context->columns : 0, &table);
    for (size_t i = 0; result == 0 && i < fold->line_count; i++)
        result = add_to_table(fold->lines[i], table, buffer);
    if (result == 0)
        result = table_print(table);
    table_free(table);
    return result;
}

int log_fold_print(struct log_fold *fold, struct command_context *context)
{
    bool csv = commands_option(context, "csv") != NULL, json = commands_option(context, "json") != NULL;
    struct buffer buffer = BUFFER_EMPTY;
    int result = 0;

    arrange(fold);
    if (csv)
        csv_head(fold, context->out);
    for (size_t i = 0; result == 0 && (csv || json) && i < fold->line_count; i++)
        result = csv ? print_csv(fold->lines[i], context->out, &buffer) : print_json(fold->lines[i], context->out);
    if (!csv && !json && fold->line_count > 0)
        result = print_table(fold, context, &buffer);
    if (!csv && !json && fold->line_count == 0)
        fputs("no entries\n", context->error);
    buffer_clear(&buffer);
    return result;
}
