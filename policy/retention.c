#include "policy/retention.h"

#include <string.h>

#include "fs/base/number.h"
#include "policy/suggest.h"

enum { TERM_MAX_AMOUNT = 1000, TERM_WORDS = 5 };

#define TERM_RULE "Ny, Nm, Nw or Nd (N 0 to 1000), then: after FIELD|capture [year-end]"

static bool read_amount(struct model *model, const char *word, unsigned line, struct term *term)
{
    static const char units[] = "dwmy";
    static const enum term_unit codes[] = {TERM_DAYS, TERM_WEEKS, TERM_MONTHS, TERM_YEARS};
    size_t length_bytes = strlen(word);
    const char *unit = length_bytes ? strchr(units, word[length_bytes - 1]) : NULL;

    if (!unit || !*unit || number_parse_u32(word, length_bytes - 1, 0, TERM_MAX_AMOUNT, &term->amount)) {
        faults_add(model->faults, line, "'%s' is no length of time; allowed: " TERM_RULE, faults_word(word).text);
        return false;
    }
    term->unit = codes[unit - units];
    return true;
}

static void tell_unknown_start(struct model *model, const char *word, unsigned line)
{
    struct suggest suggest;

    if (model->draft->damaged)
        return;
    suggest_init(&suggest, word);
    suggest_consider(&suggest, "capture");
    for (unsigned i = 0; i < model->policy->field_count; i++)
        if (model->fields[i].type.code == TYPE_DATE && !model->fields[i].type.is_list)
            suggest_consider(&suggest, model->fields[i].name);
    if (strcmp(word, "recording") == 0)
        faults_add(model->faults, line,
                   "'recording' is not known as the start of a term in this version; allowed: "
                   "capture, or a field of type date");
    else
        faults_add_unknown(model->faults, line, "start of a term", word, suggest.nearest,
                           "capture, or a field of type date (events are not known in this version)");
}

static bool read_start(struct model *model, const char *word, unsigned line, struct term *term)
{
    int field = name_table_find(&model->private->names[SECTION_FIELD], word);

    term->field = -1;
    term->start = TERM_AFTER_CAPTURE;
    if (strcmp(word, "capture") == 0)
        return true;
    if (field < 0) {
        tell_unknown_start(model, word, line);
        return false;
    }
    if (model->fields[field].type.code != TYPE_DATE || model->fields[field].type.is_list) {
        faults_add(model->faults, line, "a term can't start at '%s', which is %s%s; allowed: a field of type date",
                   faults_word(word).text, model->fields[field].type.is_list ? "a list of type " : "of type ",
                   type_name(model->fields[field].type.code));
        return false;
    }
    term->start = TERM_AFTER_FIELD;
    term->field = field;
    return true;
}

/* Cuts a term into its words; the count, or TERM_WORDS if there are too many. */
static size_t cut_words(char *text, char *words[TERM_WORDS])
{
    char *rest = NULL;
    size_t count = 0;

    for (char *word = strtok_r(text, " ", &rest); word && count < TERM_WORDS; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    return count;
}

static bool read_term(struct model *model, char *text, unsigned line, struct term *term)
{
    char *words[TERM_WORDS] = {0};
    size_t count = cut_words(text, words);

    if (count < 3 || count > 4 || strcmp(words[1], "after") != 0) {
        faults_add(model->faults, line, "no term; allowed: " TERM_RULE);
        return false;
    }
    if (count == 4 && strcmp(words[3], "year-end") != 0) {
        faults_add_unknown(model->faults, line, "word behind a term", words[3], NULL, "year-end");
        return false;
    }
    *term = (struct term){.year_end = count == 4};
    return read_amount(model, words[0], line, term) && read_start(model, words[2], line, term);
}

/* "earliest(" or "latest(" and the ")" at the end are cut away; false: a fault in them. */
static bool read_rule(struct model *model, char **text, unsigned line, struct retention *retention)
{
    size_t length_bytes = strlen(*text);
    char *open = strchr(*text, '(');

    retention->rule = RETENTION_ONE;
    if (!open)
        return true;
    if (strncmp(*text, "earliest(", 9) == 0)
        retention->rule = RETENTION_EARLIEST;
    else if (strncmp(*text, "latest(", 7) == 0)
        retention->rule = RETENTION_LATEST;
    if (retention->rule == RETENTION_ONE || (*text)[length_bytes - 1] != ')') {
        faults_add(model->faults, line, "no retention; allowed: TERM, earliest(TERM, TERM) or latest(TERM, TERM)");
        return false;
    }
    (*text)[length_bytes - 1] = '\0';
    *text = open + 1;
    return true;
}

bool retention_read(struct model *model, const struct draft_value *value, struct retention *out)
{
    struct retention retention = {0};
    char *text = value->text, *comma;

    if (!read_rule(model, &text, value->line, &retention))
        return false;
    do {
        comma = strchr(text, ',');
        if (comma)
            *comma = '\0';
        if (comma && retention.rule == RETENTION_ONE) {
            faults_add(model->faults, value->line,
                       "several terms; allowed: TERM, earliest(TERM, TERM) or latest(TERM, TERM)");
            return false;
        }
        if (retention.term_count == RETENTION_MAX_TERMS) {
            faults_add(model->faults, value->line, "more than %d terms; allowed: 1 to %d", RETENTION_MAX_TERMS,
                       RETENTION_MAX_TERMS);
            return false;
        }
        if (!read_term(model, text, value->line, &retention.terms[retention.term_count++]))
            return false;
        text = comma ? comma + 1 : NULL;
    } while (text);
    *out = retention;
    return true;
}
