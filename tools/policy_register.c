/* policy register: the record of processing activities (GDPR art. 30(1)), an activity for each purpose of the policy. */
#include <errno.h>
#include <string.h>

#include "tools/activity.h"
#include "tools/document.h"
#include "tools/output.h"
#include "tools/publication.h"

/* ---- CSV: a line an activity; several answers with "; " between ------------------------------------------------- */

static void append_one_line(const char *lines, struct buffer *out)
{
    for (; *lines; lines++)
        buffer_append(out, *lines == '\n' ? "; " : lines, *lines == '\n' ? 2 : 1);
}

static int csv_cell(FILE *out, const char *lines, const char *behind)
{
    struct buffer line = BUFFER_EMPTY;
    int result;

    append_one_line(lines, &line);
    result = line.failed ? -ENOMEM : output_csv_safe(out, buffer_text(&line));
    fputs(behind, out);
    buffer_clear(&line);
    return result;
}

static int write_csv(const struct publication *publication)
{
    char version[2 * POLICY_HASH_BYTES + 1];
    int result = 0;

    activity_version(publication->policy, version);
    for (unsigned part = 0; part < ACTIVITY_PARTS; part++)
        fprintf(publication->out, "%s,", activity_key(part));
    fputs("version\r\n", publication->out);
    for (unsigned i = 0; i < publication->policy->purpose_count && result == 0; i++) {
        struct activity activity;

        result = activity_describe(publication->policy, i, publication->language, &activity);
        for (unsigned part = 0; part < ACTIVITY_PARTS && result == 0; part++)
            result = csv_cell(publication->out, buffer_text(&activity.parts[part]), ",");
        if (result == 0)
            result = csv_cell(publication->out, version, "\r\n");
        activity_clear(&activity);
    }
    return result;
}

/* ---- for people ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *title, *made_from, *version, *activities, *all, *other_recipients, *names[3];
} words[] = {
    [WORDING_ENGLISH] = {"Record of processing activities",
                         "Made from the policy that is enforced",
                         "version",
                         "Processing activities",
                         "For all activities",
                         "Recipients of nothing from the dossiers",
                         {"Part", "Content", NULL}},
    [WORDING_DUTCH] = {"Register van verwerkingsactiviteiten",
                       "Gemaakt uit het beleid dat wordt afgedwongen",
                       "versie",
                       "Verwerkingsactiviteiten",
                       "Voor alle activiteiten",
                       "Ontvangers van niets uit de dossiers",
                       {"Onderdeel", "Inhoud", NULL}},
};

/* What is the same for all is said once. */
static bool is_general(enum activity_part part)
{
    return part == ACTIVITY_OFFICER || part == ACTIVITY_SECURITY;
}

static void write_part(struct document *document, const char *name, struct buffer *lines)
{
    if (lines->length_bytes > 0)
        document_term(document, name, buffer_text(lines));
    document->failed |= lines->failed;
}

static void write_activity(struct document *document, enum wording_language language, struct activity *activity)
{
    document_heading(document, buffer_text(&activity->parts[ACTIVITY_ID]),
                     buffer_text(&activity->parts[ACTIVITY_PURPOSE]));
    document_terms_begin(document, words[language].names);
    for (unsigned part = 0; part < ACTIVITY_PARTS; part++)
        if (part != ACTIVITY_PURPOSE && !is_general(part))
            write_part(document, activity_name(part, language), &activity->parts[part]);
    document_terms_end(document);
}

static void write_general(struct document *document, const struct policy *policy, enum wording_language language)
{
    struct buffer officer = BUFFER_EMPTY, security = BUFFER_EMPTY, others = BUFFER_EMPTY;

    buffer_append_text(&officer, policy->published.officer);
    activity_security(policy, language, &security);
    for (unsigned i = policy->own_roles; i < policy->role_count; i++) {
        if (policy->roles[i].purposes)
            continue;
        buffer_printf(&others, "%s%s (", others.length_bytes ? "\n" : "", policy->roles[i].label);
        activity_agreement(&policy->roles[i], language, &others);
        buffer_printf(&others, ")%s%s", *policy->roles[i].transfer ? ": " : "", policy->roles[i].transfer);
    }
    document_heading(document, NULL, words[language].all);
    document_terms_begin(document, words[language].names);
    write_part(document, activity_name(ACTIVITY_OFFICER, language), &officer);
    write_part(document, activity_name(ACTIVITY_SECURITY, language), &security);
    write_part(document, words[language].other_recipients, &others);
    document_terms_end(document);
    buffer_clear(&officer);
    buffer_clear(&security);
    buffer_clear(&others);
}

static void write_contents(struct document *document, const struct publication *publication)
{
    const struct policy *policy = publication->policy;

    document_contents_begin(document, words[publication->language].activities);
    for (unsigned i = 0; i < policy->purpose_count; i++)
        document_contents(document, policy->purposes[i].name, policy->purposes[i].label);
    document_contents_end(document);
}

static int write_document(const struct publication *publication, enum document_form form)
{
    const struct policy *policy = publication->policy;
    enum wording_language language = publication->language;
    struct buffer title = BUFFER_EMPTY, about = BUFFER_EMPTY;
    char version[2 * POLICY_HASH_BYTES + 1];
    struct document document;
    int result, failed;

    activity_version(policy, version);
    buffer_printf(&title, "%s: %s", words[language].title, policy->organisation);
    buffer_printf(&about, "%s: %s, %s %s. %s: %u.", words[language].made_from, policy->file, words[language].version,
                  version, words[language].activities, policy->purpose_count);
    result = title.failed || about.failed ? -ENOMEM : 0;
    document = document_begin(publication->out, form, wording_language_code(language), buffer_text(&title));
    document_paragraph(&document, buffer_text(&about));
    write_contents(&document, publication);
    write_general(&document, policy, language);
    for (unsigned i = 0; i < policy->purpose_count && result == 0; i++) {
        struct activity activity;

        result = activity_describe(policy, i, language, &activity);
        if (result == 0)
            write_activity(&document, language, &activity);
        activity_clear(&activity);
    }
    failed = document_end(&document);
    buffer_clear(&title);
    buffer_clear(&about);
    return result ? result : failed;
}

int policy_register_run(struct command_context *context)
{
    static const char *const formats[] = {"text", "csv", "html", "markdown", NULL};
    struct publication publication;
    int code = publication_begin(context, formats, &publication), result = 0;

    if (code == COMMAND_DONE) {
        switch (publication.format) {
        case 0:
            result = write_document(&publication, DOCUMENT_TEXT);
            break;
        case 1:
            result = write_csv(&publication);
            break;
        case 2:
            result = write_document(&publication, DOCUMENT_HTML);
            break;
        default:
            result = write_document(&publication, DOCUMENT_MARKDOWN);
        }
    }
    return publication_end(&publication, code, result);
}
