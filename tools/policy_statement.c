/* policy statement: a page that tells people which data about them are kept, what for, on which ground, how long and who sees
 * them (GDPR art. 13 and 14), from the policy that is enforced. Roles are told by their labels, members never. */
#include <errno.h>
#include <string.h>

#include "tools/activity.h"
#include "tools/document.h"
#include "tools/publication.h"

/* The words around the labels. A %s would be a label's place; there is none, so that no translation can lose one. */
struct wording {
    const char *title, *about[2];
    const char *who, *people, *questions;
    const char *data, *data_about, *data_names[4];
    const char *purposes, *purposes_about, *purpose_names[3], *ground, *uses, *seen_by, *withdraw, *object;
    const char *outside, *outside_none, *outside_law, *outside_transfers;
    const char *rights, *rights_about, *rights_list, *how, *how_list;
    const char *complaint, *complaint_us, *complaint_authority;
    const char *security, *profiles, *version;
};

static const struct wording wordings[] = {
    [WORDING_ENGLISH] =
        {
            .title = "Privacy statement",
            .about =
                {"Here you read which data about you are kept, what they are used for and why that is allowed, how "
                 "long they stay, and who sees them.",
                 "This page is made from the rules by which the computer decides about access. What is not on it "
                 "is not shown to anybody."},
            .who = "Who is responsible",
            .people = "This page is for",
            .questions = "Questions and requests",
            .data = "Which data, and how long",
            .data_about = "A term ends at the end of its last day. From then on the data can't be seen any more.",
            .data_names = {"Kind of data", "Data", "How long", NULL},
            .purposes = "What the data are used for",
            .purposes_about =
                "For each purpose only the data named with it are shown, and only to those named with it. "
                "For anything else they can't be opened.",
            .purpose_names = {"About", "This purpose", NULL},
            .ground = "Allowed because of",
            .uses = "Data",
            .seen_by = "Seen by",
            .withdraw = "You can take your consent back at any time.",
            .object = "You can object to this.",
            .outside = "Who gets data outside the organisation",
            .outside_none = "No one outside the organisation has access.",
            .outside_law = "Where a law obliges us to hand over data, we do so.",
            .outside_transfers = "No data go to countries outside the European Union.",
            .rights = "Your rights",
            .rights_about = "You may ask the following of us, free of charge:",
            .rights_list =
                "Access: what we have about you, where it came from, who got it, and for which purposes\n"
                "Correction and completion: of what is wrong, incomplete, beside the point or against the law; we "
                "pass "
                "it on to those who got it before, unless that can't reasonably be done\n"
                "Erasure: of what is no longer needed; what a law obliges us to keep is set apart instead\n"
                "Restriction: your data are set apart while something about them is being settled\n"
                "Objection: because of your particular situation, to what we do for a legitimate interest; if you "
                "are "
                "right, it ends at once\n"
                "A copy to take along: what you gave us yourself for a contract or with your consent, in a form that "
                "computers read\n"
                "Taking back a consent that you gave",
            .how = "How to ask",
            .how_list =
                "By e-mail, by letter or through the website; an objection by e-mail or letter, with your reasons\n"
                "Show us your identity document in person before we begin; we make no copy of it\n"
                "For those under 16, or not allowed to decide for themselves, the legal representative asks\n"
                "You have our answer within four weeks of the day your request arrived\n"
                "Not handed out: personal working notes, data about others (who made a complaint, say), and data "
                "used "
                "to prevent or trace crime",
            .complaint = "If you disagree",
            .complaint_us = "Tell us first, so that we can put it right:",
            .complaint_authority = "You can always complain to the supervisory authority for data protection (in the "
                                   "Netherlands: Autoriteit Persoonsgegevens) and go to court.",
            .security = "How the data are protected",
            .profiles = "No profiles or scores are made of you: the system refuses a place to keep them.",
            .version = "Version of the rules",
        },
    [WORDING_DUTCH] =
        {
            .title = "Privacyverklaring",
            .about =
                {"Hier leest u welke gegevens er van u zijn, waarvoor ze nodig zijn en waarom dat mag, hoe lang ze "
                 "blijven, en wie ze te zien krijgt.",
                 "Deze pagina komt uit de regels waarmee de computer over toegang beslist. Wat er niet op staat, "
                 "krijgt niemand te zien."},
            .who = "Wie verantwoordelijk is",
            .people = "Deze pagina is voor",
            .questions = "Vragen en verzoeken",
            .data = "Welke gegevens, en hoe lang",
            .data_about =
                "Een termijn loopt tot het eind van de laatste dag. Vanaf dan zijn de gegevens niet meer te zien.",
            .data_names = {"Soort", "Gegevens", "Hoe lang", NULL},
            .purposes = "Waarvoor ze nodig zijn",
            .purposes_about =
                "Per doel zijn alleen de gegevens te zien die erbij staan, en alleen voor wie erbij staat. "
                "Voor iets anders gaan ze niet open.",
            .purpose_names = {"Wat", "Bij dit doel", NULL},
            .ground = "Mag vanwege",
            .uses = "Gegevens",
            .seen_by = "Te zien voor",
            .withdraw = "Uw toestemming kunt u altijd intrekken.",
            .object = "Hiertegen kunt u bezwaar maken.",
            .outside = "Wie er buiten de organisatie gegevens krijgt",
            .outside_none = "Buiten de organisatie heeft niemand toegang.",
            .outside_law = "Moeten wij van de wet gegevens afstaan, dan doen wij dat.",
            .outside_transfers = "Er gaan geen gegevens naar landen buiten de Europese Unie.",
            .rights = "Uw rechten",
            .rights_about = "Dit kunt u ons vragen, zonder kosten:",
            .rights_list =
                "Inzage: wat er van u is, waar het vandaan komt, wie het kreeg en voor welke doelen\n"
                "Verbeteren en aanvullen: van wat fout, onvolledig, niet van belang of in strijd met de wet is; wie "
                "het "
                "eerder van ons kreeg hoort het ook, tenzij dat in redelijkheid niet lukt\n"
                "Wissen: van wat niet meer nodig is; wat wij van de wet moeten houden, wordt dan afgeschermd\n"
                "Afschermen: uw gegevens staan apart zolang er iets over wordt uitgezocht\n"
                "Bezwaar: om uw bijzondere situatie, tegen wat wij voor een gerechtvaardigd belang doen; is het "
                "terecht, "
                "dan houdt het meteen op\n"
                "Meenemen: wat u ons zelf gaf voor een overeenkomst of met toestemming, in een vorm die computers "
                "lezen\n"
                "Een gegeven toestemming intrekken",
            .how = "Hoe u het vraagt",
            .how_list =
                "Per e-mail, per brief of via de website; een bezwaar per e-mail of brief, met uw redenen\n"
                "Laat ons vooraf zelf uw identiteitsbewijs zien; er wordt geen kopie van gemaakt\n"
                "Voor wie jonger dan 16 is, of niet zelf mag beslissen, vraagt de wettelijke vertegenwoordiger het\n"
                "U heeft ons antwoord binnen vier weken na de dag waarop uw verzoek binnenkwam\n"
                "Niet afgegeven worden: persoonlijke aantekeningen voor het werk, gegevens over anderen (wie er "
                "klaagde, "
                "bijvoorbeeld) en gegevens om misdrijven te voorkomen of op te sporen",
            .complaint = "Als u het er niet mee eens bent",
            .complaint_us = "Zeg het eerst ons, dan kunnen wij het goedmaken:",
            .complaint_authority = "U kunt altijd klagen bij de toezichthouder op de bescherming van gegevens (in "
                                   "Nederland: de Autoriteit Persoonsgegevens) en naar de rechter gaan.",
            .security = "Hoe de gegevens beschermd zijn",
            .profiles = "Er komen geen profielen of scores van u: het systeem weigert er een plaats voor.",
            .version = "Versie van de regels",
        },
};

struct statement {
    const struct policy *policy;
    enum wording_language language;
    const struct wording *words;
    struct document document;
};

/* "What: this." */
static void sentence(struct statement *this, const char *what, const char *text)
{
    struct buffer line = BUFFER_EMPTY;

    buffer_printf(&line, "%s: %s", what, text);
    document_paragraph(&this->document, buffer_text(&line));
    this->document.failed |= line.failed;
    buffer_clear(&line);
}

static void write_who(struct statement *this)
{
    const struct policy *policy = this->policy;
    struct buffer kinds = BUFFER_EMPTY;

    document_heading(&this->document, NULL, this->words->who);
    document_paragraph(&this->document, policy->organisation);
    if (*policy->contact)
        sentence(this, this->words->questions, policy->contact);
    for (unsigned i = 0; i < policy->kind_count; i++)
        buffer_printf(&kinds, "%s%s", i ? ", " : "", policy->kinds[i].label);
    sentence(this, this->words->people, buffer_text(&kinds));
    this->document.failed |= kinds.failed;
    buffer_clear(&kinds);
}

static void write_category(struct statement *this, unsigned category, const struct field_set *all)
{
    const uint32_t kinds = (uint32_t)(((uint64_t)1 << this->policy->kind_count) - 1);
    struct buffer fields = BUFFER_EMPTY, term = BUFFER_EMPTY;

    activity_term(this->policy, category, kinds, this->language, &term);
    if (activity_fields(this->policy, category, all, &fields)) {
        const char *const cells[] = {this->policy->categories[category].label, buffer_text(&fields),
                                     buffer_text(&term)};

        document_table_row(&this->document, cells);
    }
    this->document.failed |= fields.failed || term.failed;
    buffer_clear(&fields);
    buffer_clear(&term);
}

static void write_data(struct statement *this)
{
    struct field_set all;

    memset(&all, 0xFF, sizeof all);
    document_heading(&this->document, NULL, this->words->data);
    document_table_begin(&this->document, this->words->data_names);
    for (unsigned i = 0; i < this->policy->category_count; i++)
        write_category(this, i, &all);
    document_table_end(&this->document);
    document_paragraph(&this->document, this->words->data_about);
}

static void write_purpose(struct statement *this, unsigned purpose)
{
    const struct wording *words = this->words;
    const struct policy_purpose *it = &this->policy->purposes[purpose];
    struct buffer ground = BUFFER_EMPTY;
    struct activity activity;

    if (activity_describe(this->policy, purpose, this->language, &activity) < 0)
        this->document.failed = true;
    wording_ground(it->ground, this->language, &ground);
    document_subheading(&this->document, it->label);
    document_terms_begin(&this->document, words->purpose_names);
    document_term(&this->document, words->ground, buffer_text(&ground));
    document_term(&this->document, words->uses, buffer_text(&activity.parts[ACTIVITY_CATEGORIES]));
    document_term(&this->document, words->seen_by, buffer_text(&activity.parts[ACTIVITY_ACCESS]));
    document_terms_end(&this->document);
    if (it->ground == 'C' || it->ground == 'D')
        document_paragraph(&this->document, it->ground == 'C' ? words->object : words->withdraw);
    this->document.failed |= ground.failed;
    buffer_clear(&ground);
    activity_clear(&activity);
}

static void write_purposes(struct statement *this)
{
    document_heading(&this->document, NULL, this->words->purposes);
    document_paragraph(&this->document, this->words->purposes_about);
    for (unsigned i = 0; i < this->policy->purpose_count; i++)
        write_purpose(this, i);
}

static void write_outside(struct statement *this)
{
    document_heading(&this->document, NULL, this->words->outside);
    document_paragraph(&this->document, this->words->outside_none);
    document_paragraph(&this->document, this->words->outside_law);
    document_paragraph(&this->document, this->words->outside_transfers);
}

static void write_rights(struct statement *this)
{
    const struct wording *words = this->words;

    document_heading(&this->document, NULL, words->rights);
    document_paragraph(&this->document, words->rights_about);
    document_list(&this->document, words->rights_list);
    document_subheading(&this->document, words->how);
    document_list(&this->document, words->how_list);
    document_heading(&this->document, NULL, words->complaint);
    document_paragraph(&this->document, words->complaint_us);
    document_list(&this->document, *this->policy->contact ? this->policy->contact : this->policy->organisation);
    document_paragraph(&this->document, words->complaint_authority);
}

static void write_security(struct statement *this)
{
    char version[2 * POLICY_HASH_BYTES + 1];

    activity_version(this->policy, version);
    document_heading(&this->document, NULL, this->words->security);
    document_list(&this->document, activity_security(this->language));
    document_paragraph(&this->document, this->words->profiles);
    sentence(this, this->words->version, version);
}

static int write_statement(const struct publication *publication, enum document_form form)
{
    struct statement this = {
        .policy = publication->policy, .language = publication->language, .words = &wordings[publication->language]};
    struct buffer title = BUFFER_EMPTY;

    buffer_printf(&title, "%s: %s", this.words->title, this.policy->organisation);
    this.document = document_begin(publication->out, form, wording_language_code(this.language), buffer_text(&title));
    this.document.failed |= title.failed;
    buffer_clear(&title);
    for (size_t i = 0; i < sizeof this.words->about / sizeof this.words->about[0]; i++)
        document_paragraph(&this.document, this.words->about[i]);
    write_who(&this);
    write_data(&this);
    write_purposes(&this);
    write_outside(&this);
    write_rights(&this);
    write_security(&this);
    return document_end(&this.document);
}

int policy_statement_run(struct command_context *context)
{
    static const char *const formats[] = {"html", "markdown", NULL};
    struct publication publication;
    int code = publication_begin(context, formats, &publication), result = 0;

    if (code == COMMAND_DONE)
        result = write_statement(&publication, publication.format == 0 ? DOCUMENT_HTML : DOCUMENT_MARKDOWN);
    return publication_end(&publication, code, result);
}
