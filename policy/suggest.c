#include "policy/suggest.h"

#include <string.h>

enum { SUGGEST_MAX_BYTES = 63, SUGGEST_SHORT_BYTES = 4 };

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance (Damerau 1964): insertions, deletions, changes, and swaps of neighbours. */
static unsigned distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    unsigned rows[3][SUGGEST_MAX_BYTES + 1];

    for (unsigned j = 0; j <= b_bytes; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a_bytes; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3];

        row[0] = i;
        for (unsigned j = 1; j <= b_bytes; j++) {
            unsigned change = small(a[i - 1]) != small(b[j - 1]);

            row[j] = least(above[j - 1] + change, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && small(a[i - 1]) == small(b[j - 2]) && small(a[i - 2]) == small(b[j - 1]))
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a_bytes % 3][b_bytes];
}

void suggest_init(struct suggest *suggest, const char *word)
{
    *suggest = (struct suggest){.word = word, .distance = strlen(word) <= SUGGEST_SHORT_BYTES ? 2 : 3};
}

void suggest_consider(struct suggest *suggest, const char *candidate)
{
    size_t word_bytes = strlen(suggest->word), candidate_bytes = strlen(candidate);
    size_t apart = word_bytes > candidate_bytes ? word_bytes - candidate_bytes : candidate_bytes - word_bytes;
    unsigned found;

    /* The lengths alone rule most candidates out, which keeps thousands of faults cheap. */
    if (word_bytes > SUGGEST_MAX_BYTES || candidate_bytes > SUGGEST_MAX_BYTES || apart >= suggest->distance)
        return;
    found = distance(suggest->word, word_bytes, candidate, candidate_bytes);
    if (found < suggest->distance && found < candidate_bytes) {
        suggest->distance = found;
        suggest->nearest = candidate;
    }
}
