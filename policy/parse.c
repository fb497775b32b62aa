#include "policy/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>
#include <utf8proc.h>

#include "policy/line.h"

struct parser {
    struct line_reader reader;
    struct line line;
    struct draft *draft;
    bool waiting; /* inih was given a pair and has not given it back */
    bool ended;   /* all lines were handed out */
};

/* inih is trusted with a line only as far as it gives back what it was given. */
static void told_nothing(struct parser *parser)
{
    if (!parser->waiting)
        return;
    parser->waiting = false;
    faults_add(&parser->draft->faults, parser->line.number, "the line could not be read as key = value");
    draft_lost_key(parser->draft);
}

static void take_fault(struct parser *parser)
{
    faults_add(&parser->draft->faults, parser->line.number, "%s", parser->line.fault);
    if (parser->line.begins_section)
        draft_lost_section(parser->draft);
    else
        draft_lost_key(parser->draft);
}

/* The reader that inih calls, as fgets(): hands out only lines that line.h let through. */
static char *next_line(char *to, int room_bytes, void *context)
{
    struct parser *parser = context;
    struct line *line = &parser->line;

    told_nothing(parser);
    while (line_next(&parser->reader, line)) {
        if (line->shape == LINE_BLANK)
            continue;
        if (line->shape == LINE_FAULT) {
            take_fault(parser);
            continue;
        }
        if (room_bytes <= (int)line->length_bytes)
            return NULL; /* an inih that was built smaller: parse() tells */
        if (line->shape == LINE_SECTION)
            draft_begin_section(parser->draft, line->section, line->number);
        parser->waiting = line->shape == LINE_PAIR;
        memcpy(to, line->text, line->length_bytes);
        to[line->length_bytes] = '\0';
        return to;
    }
    parser->ended = true;
    return NULL;
}

/* Composed characters (NFC), so that equal words are equal bytes whatever the editor wrote. */
static int add_composed(struct parser *parser, const char *name, const char *value)
{
    utf8proc_uint8_t *composed = utf8proc_NFC((const utf8proc_uint8_t *)value);

    if (!composed)
        return -ENOMEM;
    draft_add(parser->draft, name, (const char *)composed, parser->line.number);
    free(composed);
    return 0;
}

static int take_pair(void *context, const char *section, const char *name, const char *value)
{
    struct parser *parser = context;

    (void)section; /* draft_begin_section() was told where the section begins, which inih doesn't tell */
    if (!parser->waiting)
        return 1;
    parser->waiting = false;
    if (strchr(value, '\t')) {
        faults_add(&parser->draft->faults, parser->line.number, "a tab within a value; allowed: blanks");
        draft_lost_key(parser->draft);
    } else if (add_composed(parser, name, value)) {
        parser->draft->arena.failed = true;
    }
    return 1;
}

int parse(const char *text, size_t length_bytes, struct draft *draft)
{
    struct parser parser = {.draft = draft};
    int result;

    line_reader_init(&parser.reader, text, length_bytes);
    result = ini_parse_stream(next_line, &parser, take_pair, &parser);
    told_nothing(&parser);
    if (result < 0 || draft->arena.failed || draft->faults.failed)
        return -ENOMEM;
    if (!parser.ended || (result > 0 && draft->faults.found.count == 0))
        faults_add(&draft->faults, 0, "the text could not be read as sections and key = value");
    return 0;
}
