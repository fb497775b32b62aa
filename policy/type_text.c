/* type_text: text, the parts of a name, words and patterns. */
#include <string.h>
#include <utf8proc.h>

#include "policy/type_rules.h"

/* The code point at *at, which moves behind it. The text is known to be UTF-8. */
static int32_t next(const char **at, const char *end)
{
    int32_t c = -1;
    utf8proc_ssize_t length = utf8proc_iterate((const uint8_t *)*at, end - *at, &c);

    *at = length > 0 ? *at + length : end;
    return c;
}

static bool is_mark(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);

    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC;
}

static bool is_lower(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);

    return category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LO || category == UTF8PROC_CATEGORY_LM;
}

/* Capitals, and the letters of scripts that have none. */
static bool is_initial(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);

    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT || category == UTF8PROC_CATEGORY_LO;
}

static bool is_apostrophe(int32_t c)
{
    return c == '\'' || c == '`' || c == 0x2018 || c == 0x2019 || c == 0x02bc;
}

/* Appends the words with one space between them. */
static int append_words(const char *value, size_t length_bytes, struct buffer *canonical)
{
    int error = 0;

    for (size_t i = 0; i < length_bytes && !error; i++)
        if (value[i] != ' ' || value[i - 1] != ' ')
            error = buffer_append(canonical, value + i, 1);
    return error;
}

int type_text_plain(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                    const char **why)
{
    (void)type;
    (void)why;
    return buffer_append(canonical, value, length_bytes);
}

int type_text_initials(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                       const char **why)
{
    static const char allowed[] = "initials, each with a point behind it, such as A.B. or Th.";
    const char *at = value, *end = value + length_bytes;
    unsigned letters = 0; /* of the initial that is being read; 0: between two */
    bool hyphen = false;  /* J.-P. */
    int error = 0;

    (void)type;
    while (at < end && !error) {
        const char *from = at;
        int32_t c = next(&at, end);
        bool kept = true;

        if (letters == 0 && c == ' ' && !hyphen)
            kept = false;
        else if (letters == 0 && c == '-' && !hyphen && from > value)
            hyphen = true;
        else if (letters == 0 && is_initial(c))
            letters = 1;
        else if (letters > 0 && c == '.')
            letters = 0, hyphen = false;
        else if (letters > 0 && letters < 4 && (is_lower(c) || is_initial(c)))
            letters++;
        else if (letters == 0 || !is_mark(c))
            return type_refuse(why, allowed);
        if (kept)
            error = buffer_append(canonical, from, (size_t)(at - from));
    }
    if (letters > 0 || hyphen)
        return type_refuse(why, allowed);
    return error;
}

int type_text_infix(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                    const char **why)
{
    static const char allowed[] = "lower-case words, such as van der or 't";
    const char *at = value, *end = value + length_bytes;
    bool letter = false;

    (void)type;
    while (at < end) {
        int32_t c = next(&at, end);

        if (is_lower(c))
            letter = true;
        else if (!is_apostrophe(c) && !(letter && (is_mark(c) || c == ' ' || c == '-' || c == '.')))
            return type_refuse(why, allowed);
    }
    return letter ? append_words(value, length_bytes, canonical) : type_refuse(why, allowed);
}

int type_text_surname(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                      const char **why)
{
    static const char allowed[] = "a name of letters, spaces, hyphens, apostrophes, points and commas";
    const char *at = value, *end = value + length_bytes;
    bool letter = false;

    (void)type;
    while (at < end) {
        int32_t c = next(&at, end);

        if (is_lower(c) || is_initial(c))
            letter = true;
        else if (!is_apostrophe(c) && !(letter && (is_mark(c) || c == ' ' || c == '-' || c == '.' || c == ',')))
            return type_refuse(why, allowed);
    }
    return letter ? append_words(value, length_bytes, canonical) : type_refuse(why, allowed);
}

int type_text_enum(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                   const char **why)
{
    for (size_t i = 0; i < type->word_count; i++)
        if (strlen(type->words[i]) == length_bytes && memcmp(type->words[i], value, length_bytes) == 0)
            return buffer_append(canonical, value, length_bytes);
    return type_refuse(why, "one of the words that the policy lists for the field");
}

int type_text_pattern(const struct type *type, const char *value, size_t length_bytes, struct buffer *canonical,
                      const char **why)
{
    if (!type->pattern || !pattern_match(type->pattern, value, length_bytes))
        return type_refuse(why, "text of the pattern that the policy gives for the field");
    return buffer_append(canonical, value, length_bytes);
}
