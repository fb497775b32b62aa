#include "fs/gate/codes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct named {
    uint64_t pseudonym;
    uint32_t number;
};

struct codes {
    struct dossiers *dossiers;
    struct named *names; /* sorted by pseudonym */
    size_t count;
};

static int by_pseudonym(const void *a, const void *b)
{
    const struct named *left = a, *right = b;

    return left->pseudonym < right->pseudonym ? -1 : left->pseudonym > right->pseudonym;
}

/* A subject keeps its pseudonym and its place for good, so what was sorted stays right; only new ones are missing. */
int codes_refresh(struct codes *codes)
{
    struct named *names;
    size_t count;

    dossiers_read_begin(codes->dossiers);
    count = dossiers_count(codes->dossiers);
    names = count != codes->count || !codes->names ? malloc((count + 1) * sizeof *names) : NULL;
    for (uint32_t i = 0; names && i < count; i++)
        names[i] = (struct named){dossiers_get(codes->dossiers, i).pseudonym, i};
    dossiers_read_end(codes->dossiers);
    if (!names)
        return count != codes->count || !codes->names ? -ENOMEM : 0;
    qsort(names, count, sizeof *names, by_pseudonym);
    free(codes->names);
    codes->names = names;
    codes->count = count;
    return 0;
}

int codes_new(struct gate *gate, struct codes **out)
{
    struct codes *codes = calloc(1, sizeof *codes);
    int error = -ENOMEM;

    if (codes) {
        codes->dossiers = gate->dossiers;
        error = codes_refresh(codes);
    }
    if (error) {
        codes_free(codes);
        return error;
    }
    *out = codes;
    return 0;
}

void codes_free(struct codes *codes)
{
    if (!codes)
        return;
    free(codes->names);
    free(codes);
}

uint32_t codes_find(const struct codes *codes, uint64_t pseudonym)
{
    struct named key = {pseudonym, 0};
    const struct named *found = NULL;

    if (pseudonym != 0)
        found = bsearch(&key, codes->names, codes->count, sizeof key, by_pseudonym);
    return found ? found->number : DOSSIERS_NONE;
}

uint32_t codes_count(const struct codes *codes)
{
    return (uint32_t)codes->count;
}

void codes_text(const struct codes *codes, uint64_t pseudonym, uint32_t known, char code[static CODES_BYTES])
{
    uint32_t number = codes_find(codes, pseudonym);

    code[0] = '\0';
    if (number >= known)
        return;
    dossiers_read_begin(codes->dossiers);
    if (number < dossiers_count(codes->dossiers))
        strncat(code, dossiers_get(codes->dossiers, number).code, CODES_BYTES - 1);
    dossiers_read_end(codes->dossiers);
}
