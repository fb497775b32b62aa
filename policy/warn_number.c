#include "policy/warn_number.h"

#include <string.h>
#include <strings.h>

/* Valid by their checks, and of nobody: BSNs that begin with 9 aren't given out, the IBAN is the standard's example. */
static const char sample_bsn[] = "900000004", sample_iban[] = "NL91ABNA0417164300";

enum { SQUEEZED_BYTES = 128 };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The word stands by itself: "bsn" in "bsn-huurder" and "BSN 2", not in "obsnoxious". Upper case and lower case are one. */
static bool has_word(const char *text, const char *word)
{
    size_t length_bytes = strlen(word);

    for (const char *at = text; *at; at++)
        if ((at == text || !is_letter(at[-1])) && strncasecmp(at, word, length_bytes) == 0 &&
            !is_letter(at[length_bytes]))
            return true;
    return false;
}

/* The letters alone hold the word: "rekeningnummer" in "Bank-rekening nummer". */
static bool has_letters(const char *text, const char *word)
{
    char squeezed[SQUEEZED_BYTES];
    size_t length_bytes = 0;

    for (; *text && length_bytes < sizeof squeezed - 1; text++)
        if (is_letter(*text))
            squeezed[length_bytes++] = (char)(*text | 0x20);
    squeezed[length_bytes] = '\0';
    return strstr(squeezed, word) != NULL;
}

static bool says(const char *text, const char *word, const char *const *long_words)
{
    if (has_word(text, word))
        return true;
    for (; *long_words; long_words++)
        if (has_letters(text, *long_words))
            return true;
    return false;
}

static bool says_bsn(const char *text)
{
    static const char *const words[] = {"burgerservicen", "sofinummer", "citizenservicenumber", NULL};

    return says(text, "bsn", words);
}

static bool says_account(const char *text)
{
    static const char *const words[] = {"rekeningnummer", "rekeningnr",    "bankrekening",
                                        "bankaccount",    "accountnumber", NULL};

    return says(text, "iban", words);
}

static bool takes(const struct type *type, const char *value)
{
    struct buffer kept = BUFFER_EMPTY;
    const char *why;
    bool taken = type_check(type, value, strlen(value), &kept, &why) == 0;

    buffer_clear(&kept);
    return taken;
}

/* A pattern that takes this and not what is a digit shorter or longer was made for it. */
static bool is_made_for_bsn(const struct type *type)
{
    return type->code == TYPE_PATTERN && takes(type, sample_bsn) && takes(type, "999999990") &&
           !takes(type, "90000000") && !takes(type, "9000000040");
}

static bool is_made_for_iban(const struct type *type)
{
    return type->code == TYPE_PATTERN && takes(type, sample_iban) && !takes(type, "NL91") &&
           !takes(type, "910417164300ABNANL");
}

const char *warn_number_type(const struct policy_field *field)
{
    const struct type *type = &field->type;
    bool bsn = says_bsn(field->name) || says_bsn(field->label);
    bool account = says_account(field->name) || says_account(field->label);
    bool organisation = has_word(field->name, "rsin") || has_word(field->label, "rsin");

    if (type->code != TYPE_BSN && ((bsn && takes(type, sample_bsn)) || (!organisation && is_made_for_bsn(type))))
        return type_name(TYPE_BSN);
    if (type->code != TYPE_IBAN && ((account && takes(type, sample_iban)) || is_made_for_iban(type)))
        return type_name(TYPE_IBAN);
    return NULL;
}
