#include "policy/wording.h"

#include <string.h>

static const char *const codes[] = {[WORDING_ENGLISH] = "en", [WORDING_DUTCH] = "nl"};

bool wording_find_language(const char *code, enum wording_language *out)
{
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(codes[i], code) == 0) {
            *out = (enum wording_language)i;
            return true;
        }
    return false;
}

const char *wording_language_code(enum wording_language language)
{
    return codes[language];
}

/* ---- grounds --------------------------------------------------------------------------------------------------- */

static const struct {
    char ground, letter;
    const char *words[2];
} grounds[] = {
    {'A', 'b', {"a contract", "een overeenkomst"}},
    {'B', 'c', {"a legal duty", "een wettelijke plicht"}},
    {'C', 'f', {"a legitimate interest", "een gerechtvaardigd belang"}},
    {'D', 'a', {"consent", "toestemming"}},
    {'E', 'd', {"a matter of life or death", "een zaak van leven of dood"}},
    {'F', 'e', {"a public task", "een publieke taak"}},
};

void wording_ground(char ground, enum wording_language language, struct buffer *out)
{
    for (size_t i = 0; i < sizeof grounds / sizeof grounds[0]; i++) {
        if (grounds[i].ground != ground)
            continue;
        if (language == WORDING_DUTCH)
            buffer_printf(out, "%s (AVG art. 6 lid 1 letter %c)", grounds[i].words[language], grounds[i].letter);
        else
            buffer_printf(out, "%s (GDPR art. 6(1)(%c))", grounds[i].words[language], grounds[i].letter);
    }
}

/* ---- terms ----------------------------------------------------------------------------------------------------- */

static void append_length(const struct term *term, enum wording_language language, struct buffer *out)
{
    /* Singular, plural; the Dutch year stays as it is behind a number. */
    static const char *const units[2][4][2] = {
        [WORDING_ENGLISH] = {[TERM_DAYS] = {"day", "days"},
                             [TERM_WEEKS] = {"week", "weeks"},
                             [TERM_MONTHS] = {"month", "months"},
                             [TERM_YEARS] = {"year", "years"}},
        [WORDING_DUTCH] = {[TERM_DAYS] = {"dag", "dagen"},
                           [TERM_WEEKS] = {"week", "weken"},
                           [TERM_MONTHS] = {"maand", "maanden"},
                           [TERM_YEARS] = {"jaar", "jaar"}},
    };

    buffer_printf(out, "%u %s", term->amount, units[language][term->unit][term->amount != 1]);
}

/* What a term starts at, as a noun. */
static void append_start(const struct policy *policy, const struct term *term, enum wording_language language,
                         struct buffer *out)
{
    bool dutch = language == WORDING_DUTCH;

    switch (term->start) {
    case TERM_AFTER_FIELD:
        buffer_printf(out, "\xE2\x80\x9C%s\xE2\x80\x9D", policy->fields[term->field].label);
        break;
    case TERM_AFTER_CAPTURE:
        buffer_append_text(out, dutch ? "het vastleggen" : "being recorded");
        break;
    }
}

/* No days or weeks after capture are over at once; any other nothing lasts till the end of its day, or of its year. */
static bool is_never_kept(const struct term *term)
{
    return term->amount == 0 && term->start == TERM_AFTER_CAPTURE && !term->year_end &&
           (term->unit == TERM_DAYS || term->unit == TERM_WEEKS);
}

static void append_term(const struct policy *policy, const struct term *term, enum wording_language language,
                        struct buffer *out)
{
    bool dutch = language == WORDING_DUTCH;

    if (is_never_kept(term)) {
        buffer_append_text(out, dutch ? "wordt niet bewaard" : "not kept");
        return;
    }
    if (term->amount > 0) {
        append_length(term, language, out);
        buffer_append_text(out, dutch ? " na " : " after ");
    } else if (term->year_end) {
        buffer_append_text(out, dutch ? "tot " : "until ");
    } else {
        buffer_append_text(out, dutch ? "tot en met de dag van " : "until the end of the day of ");
    }
    if (term->year_end)
        buffer_append_text(out, dutch ? "het eind van het jaar van " : "the end of the year of ");
    append_start(policy, term, language, out);
}

void wording_retention(const struct policy *policy, const struct retention *retention, enum wording_language language,
                       struct buffer *out)
{
    static const char *const rules[2][3] = {
        [WORDING_ENGLISH] = {[RETENTION_ONE] = "",
                             [RETENTION_EARLIEST] = "whichever comes first: ",
                             [RETENTION_LATEST] = "whichever comes last: "},
        [WORDING_DUTCH] = {[RETENTION_ONE] = "",
                           [RETENTION_EARLIEST] = "wat het eerst komt: ",
                           [RETENTION_LATEST] = "wat het laatst komt: "},
    };

    if (!retention) {
        buffer_append_text(out, language == WORDING_DUTCH ? "tot iemand het wist" : "until someone erases it");
        return;
    }
    buffer_append_text(out, rules[language][retention->rule]);
    for (unsigned i = 0; i < retention->term_count; i++) {
        buffer_append_text(out, i ? "; " : "");
        append_term(policy, &retention->terms[i], language, out);
    }
}
