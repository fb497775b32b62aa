/* pattern: a pattern is a row of states, one a character; a set of states is carried along the text, so that the time is
 * at most states x characters and nothing is tried twice. */
#include "policy/pattern.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHARACTERS = 128, FIRST_PRINTABLE = 0x20, LAST_PRINTABLE = 0x7e };

struct class {
    uint64_t bits[CHARACTERS / 64];
};

struct state {
    struct class class;
    bool optional; /* may be passed over */
    bool loop;     /* stays after a match; always optional too: x+ is x x* */
};

struct pattern {
    char *text;
    size_t state_count;
    struct state states[PATTERN_MAX_STATES];
};

static const char specials[] = ".[]?*+{}\\()|^$";

static void class_add(struct class *class, unsigned char c)
{
    class->bits[c / 64] |= (uint64_t)1 << (c % 64);
}

static bool class_has(const struct class *class, unsigned char c)
{
    return c < CHARACTERS && (class->bits[c / 64] >> (c % 64) & 1);
}

static bool is_printable(char c)
{
    return c >= FIRST_PRINTABLE && c <= LAST_PRINTABLE;
}

static int refuse(const char **why, const char *phrase)
{
    *why = phrase;
    return -EINVAL;
}

/* The character of a class at *at, which moves behind it: plain, or `\` and a character. */
static int parse_class_character(const char **at, char *c, const char **why)
{
    if (**at == '\\')
        ++*at;
    if (!is_printable(**at))
        return refuse(why, "a '[' needs a ']', and between them are printable ASCII characters");
    *c = *(*at)++;
    return 0;
}

static void class_invert(struct class *class)
{
    for (int c = 0; c < CHARACTERS; c++)
        class->bits[c / 64] ^= (uint64_t)is_printable((char)c) << (c % 64);
}

/* [...], from behind the '['. */
static int parse_class(const char **at, struct class *class, const char **why)
{
    bool inverted = **at == '^';
    int error;

    *at += inverted;
    if (**at == ']')
        return refuse(why, "[] is empty; '\\]' stands for a bracket");
    while (**at != ']') {
        char first, last;

        error = parse_class_character(at, &first, why);
        if (error)
            return error;
        last = first;
        if (**at == '-' && (*at)[1] != ']') {
            ++*at;
            error = parse_class_character(at, &last, why);
            if (error)
                return error;
        }
        if (last < first)
            return refuse(why, "a range such as [a-z] goes from the lower to the higher character");
        for (int c = first; c <= last; c++)
            class_add(class, (unsigned char)c);
    }
    ++*at;
    if (inverted)
        class_invert(class);
    if (!class->bits[0] && !class->bits[1])
        return refuse(why, "a class that no character is in");
    return 0;
}

/* One character of the pattern, without what says how often. */
static int parse_atom(const char **at, struct class *class, const char **why)
{
    char c = *(*at)++;

    *class = (struct class){0};
    if (c == '[')
        return parse_class(at, class, why);
    if (c == '.') {
        class_invert(class);
        return 0;
    }
    if (c == '\\') {
        c = *(*at)++;
        if (!c || (!strchr(specials, c) && c != '-'))
            return refuse(why, "'\\' stands before one of . [ ] ? * + { } \\ ( ) | ^ $");
    } else if (strchr("?*+{", c)) {
        return refuse(why, "?, *, + and {n} stand behind a character or a class");
    } else if (strchr(specials, c)) {
        return refuse(why,
                      "groups, alternatives and anchors are not known; '\\' makes ( ) | ^ $ ] } plain characters");
    }
    if (!is_printable(c))
        return refuse(why, "printable ASCII characters");
    class_add(class, (unsigned char)c);
    return 0;
}

/* A number of at most three digits, or -1. */
static int parse_count(const char **at)
{
    int count = -1;

    for (int digits = 0; digits < 3 && **at >= '0' && **at <= '9'; digits++)
        count = (count < 0 ? 0 : count * 10) + (*(*at)++ - '0');
    return count;
}

struct repeat {
    int min, max; /* max -1: without end */
};

static int parse_repeat(const char **at, struct repeat *repeat, const char **why)
{
    static const char wrong[] = "{n} or {n,m} with n not above m, and m from 1 to 256";

    *repeat = (struct repeat){1, 1};
    if (**at == '?')
        *repeat = (struct repeat){0, 1};
    else if (**at == '*')
        *repeat = (struct repeat){0, -1};
    else if (**at == '+')
        *repeat = (struct repeat){1, -1};
    else if (**at != '{')
        return 0;
    if (*(*at)++ == '{') {
        repeat->min = repeat->max = parse_count(at);
        if (**at == ',') {
            ++*at;
            repeat->max = parse_count(at);
        }
        if (repeat->min < 0 || repeat->max < 1 || repeat->min > repeat->max || repeat->max > PATTERN_MAX_STATES ||
            *(*at)++ != '}')
            return refuse(why, wrong);
    }
    if (**at && strchr("?*+{", **at))
        return refuse(why, "one of ?, *, + and {n} behind a character, not several");
    return 0;
}

static int add_states(struct pattern *pattern, const struct class *class, const struct repeat *repeat,
                      const char **why)
{
    int count = repeat->max < 0 ? repeat->min + 1 : repeat->max;

    if (pattern->state_count + (size_t)count > PATTERN_MAX_STATES)
        return refuse(why, "a pattern for at most 256 characters");
    for (int i = 0; i < count; i++)
        pattern->states[pattern->state_count++] = (struct state){
            .class = *class,
            .optional = i >= repeat->min,
            .loop = repeat->max < 0 && i >= repeat->min,
        };
    return 0;
}

int pattern_compile(const char *text, struct pattern **out, const char **why)
{
    struct pattern *pattern = calloc(1, sizeof *pattern);
    const char *at = text;
    int error = -ENOMEM;

    if (!pattern || !(pattern->text = strdup(text)))
        goto out;
    error = *text ? 0 : refuse(why, "a pattern of at least one character");
    while (!error && *at) {
        struct class class;
        struct repeat repeat;

        error = parse_atom(&at, &class, why);
        if (!error)
            error = parse_repeat(&at, &repeat, why);
        if (!error)
            error = add_states(pattern, &class, &repeat, why);
    }
    if (error)
        goto out;
    *out = pattern;
    pattern = NULL;
out:
    pattern_free(pattern);
    return error;
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    free(pattern->text);
    free(pattern);
}

const char *pattern_text(const struct pattern *pattern)
{
    return pattern->text;
}

/* A set of states that the text read so far can lead to; state_count stands for "all of the pattern was read". */
struct reached {
    bool state[PATTERN_MAX_STATES + 1];
    bool any;
};

/* Adds a state and those behind it that the text may go to without a character. A state that is there already brought
 * its followers along, so the work for one character is bounded by the number of states. */
static void reach(const struct pattern *pattern, struct reached *set, size_t state)
{
    set->any = true;
    for (; !set->state[state]; state++) {
        set->state[state] = true;
        if (state == pattern->state_count || !pattern->states[state].optional)
            break;
    }
}

bool pattern_match(const struct pattern *pattern, const char *text, size_t length_bytes)
{
    struct reached sets[2] = {0}, *now = &sets[0], *then = &sets[1];

    reach(pattern, now, 0);
    for (size_t i = 0; i < length_bytes && now->any; i++) {
        struct reached *before = now;

        for (size_t state = 0; state < pattern->state_count; state++) {
            if (!now->state[state] || !class_has(&pattern->states[state].class, (unsigned char)text[i]))
                continue;
            reach(pattern, then, pattern->states[state].loop ? state : state + 1);
        }
        now = then;
        then = before;
        memset(then->state, 0, pattern->state_count + 1);
        then->any = false;
    }
    return now->any && now->state[pattern->state_count];
}
