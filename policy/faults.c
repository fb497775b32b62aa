#include "policy/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS_WORD_SHOWN_BYTES = 64 };

struct fault_word faults_word(const char *word)
{
    struct fault_word shown = {0};
    size_t length_bytes = strlen(word), cut = FAULTS_WORD_SHOWN_BYTES;

    if (length_bytes <= FAULTS_WORD_SHOWN_BYTES) {
        memcpy(shown.text, word, length_bytes);
        return shown;
    }
    while (cut > 0 && ((unsigned char)word[cut] & 0xc0) == 0x80)
        cut--;
    memcpy(shown.text, word, cut);
    memcpy(shown.text + cut, "...", 4);
    return shown;
}

static bool grow(struct fault_list *list)
{
    size_t capacity = list->capacity ? 2 * list->capacity : 16;
    struct policy_fault *grown = realloc(list->found.faults, capacity * sizeof *grown);

    if (!grown) {
        list->failed = true;
        return false;
    }
    list->found.faults = grown;
    list->capacity = capacity;
    return true;
}

/* Tabs are the only control characters that get past line.h; a fault is one line whatever it repeats. */
static void blank_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20)
            *text = '?';
}

/* A fault that was cut may have lost half a character. */
static void trim_utf8(char *text)
{
    size_t at = strlen(text), begin = at;
    unsigned char lead;

    while (begin > 0 && at - begin < 3 && ((unsigned char)text[begin - 1] & 0xc0) == 0x80)
        begin--;
    if (begin == 0)
        return;
    lead = (unsigned char)text[begin - 1];
    if ((lead >= 0xf0 && at - begin < 3) || (lead >= 0xe0 && at - begin < 2) || (lead >= 0xc0 && at == begin))
        text[begin - 1] = '\0';
}

void faults_add(struct fault_list *list, unsigned line, const char *format, ...)
{
    struct policy_fault *fault;
    va_list arguments;

    if (list->found.count == FAULTS_MAX) {
        list->more = true;
        return;
    }
    /* One place stays free for the fault that says there are more. */
    if (list->found.count + 1 >= list->capacity && !grow(list))
        return;
    fault = &list->found.faults[list->found.count++];
    fault->line = line;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    trim_utf8(fault->text);
    blank_controls(fault->text);
}

void faults_add_unknown(struct fault_list *list, unsigned line, const char *what, const char *word,
                        const char *nearest, const char *allowed)
{
    struct fault_word shown = faults_word(word);

    if (nearest)
        faults_add(list, line, "unknown %s '%s'; did you mean '%s'? allowed: %s", what, shown.text, nearest, allowed);
    else
        faults_add(list, line, "unknown %s '%s'; allowed: %s", what, shown.text, allowed);
}

/* A merge sort keeps the order of equal lines, which qsort() need not. `spare` holds as many faults as `faults`. */
static void sort_by_line(struct policy_fault *faults, size_t count, struct policy_fault *spare)
{
    size_t half = count / 2, left = 0, right = half;

    if (count < 2)
        return;
    sort_by_line(faults, half, spare);
    sort_by_line(faults + half, count - half, spare);
    for (size_t at = 0; at < count; at++) {
        if (right == count || (left < half && faults[left].line <= faults[right].line))
            spare[at] = faults[left++];
        else
            spare[at] = faults[right++];
    }
    memcpy(faults, spare, count * sizeof *faults);
}

void faults_finish(struct fault_list *list, struct policy_faults *out)
{
    struct policy_fault *spare = list->found.count ? malloc(list->found.count * sizeof *spare) : NULL;

    if (spare)
        sort_by_line(list->found.faults, list->found.count, spare);
    else if (list->found.count)
        list->failed = true;
    free(spare);
    if (list->more) {
        struct policy_fault *last = &list->found.faults[list->found.count++];

        last->line = last[-1].line;
        snprintf(last->text, sizeof last->text, "more than %d faults; the others are not told", FAULTS_MAX);
    }
    *out = list->found;
    *list = (struct fault_list){.failed = list->failed};
}

void faults_clear(struct fault_list *list)
{
    free(list->found.faults);
    *list = (struct fault_list){0};
}

void policy_faults_clear(struct policy_faults *faults)
{
    free(faults->faults);
    *faults = (struct policy_faults){0};
}
