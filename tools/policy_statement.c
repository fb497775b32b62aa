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
    const char *who, *who_names[3], *controller, *address, *website, *officer, *people, *questions;
    const char *data, *data_about, *data_names[5];
    const char *purposes, *purposes_about, *purpose_names[3], *ground, *because, *uses, *seen_by, *goes_to, *withdraw,
        *object;
    const char *outside, *outside_names[5], *outside_nothing, *outside_none, *outside_law, *outside_transfers;
    const char *rights, *rights_about, *rights_list, *how, *how_list;
    const char *complaint, *complaint_us, *complaint_authority, *complaint_to;
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
            .who_names = {"What", "Who or where", NULL},
            .controller = "Responsible",
            .address = "Address",
            .website = "Website",
            .officer = "Data protection officer",
            .people = "This page is for",
            .questions = "Questions and requests",
            .data = "Which data, and how long",
            .data_about = "Once a term is over, nobody can see the data any more.",
            .data_names = {"Kind of data", "Data", "How long", "Where from", NULL},
            .purposes = "What the data are used for",
            .purposes_about =
                "For each purpose only the data named with it are shown, and only to those named with it. "
                "For anything else they can't be opened.",
            .purpose_names = {"About", "This purpose", NULL},
            .ground = "Allowed because of",
            .because = "Namely",
            .uses = "Data",
            .seen_by = "Seen by",
            .goes_to = "Goes to",
            .withdraw = "You can take your consent back at any time.",
            .object = "You can object to this.",
            .outside = "Who gets data outside the organisation",
            .outside_names = {"Who", "Under what", "What for", "Outside the EU", NULL},
            .outside_nothing = "gets nothing from the dossiers",
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
            .complaint_to = "You can always go to court, or complain to",
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
            .who_names = {"Wat", "Wie of waar", NULL},
            .controller = "Verantwoordelijk",
            .address = "Adres",
            .website = "Website",
            .officer = "Functionaris gegevensbescherming",
            .people = "Deze pagina is voor",
            .questions = "Vragen en verzoeken",
            .data = "Welke gegevens, en hoe lang",
            .data_about = "Is een termijn om, dan kan niemand de gegevens meer zien.",
            .data_names = {"Soort", "Gegevens", "Hoe lang", "Waar vandaan", NULL},
            .purposes = "Waarvoor ze nodig zijn",
            .purposes_about =
                "Per doel zijn alleen de gegevens te zien die erbij staan, en alleen voor wie erbij staat. "
                "Voor iets anders gaan ze niet open.",
            .purpose_names = {"Wat", "Bij dit doel", NULL},
            .ground = "Mag vanwege",
            .because = "Namelijk",
            .uses = "Gegevens",
            .seen_by = "Te zien voor",
            .goes_to = "Gaat naar",
            .withdraw = "Uw toestemming kunt u altijd intrekken.",
            .object = "Hiertegen kunt u bezwaar maken.",
            .outside = "Wie er buiten de organisatie gegevens krijgt",
            .outside_names = {"Wie", "Op grond waarvan", "Waarvoor", "Buiten de EU", NULL},
            .outside_nothing = "krijgt niets uit de dossiers",
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
            .complaint_to = "U kunt altijd naar de rechter gaan, of klagen bij",
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

/* A name and what it is, if there is anything to say. */
static void term(struct statement *this, const char *name, const char *lines)
{
    if (*lines)
        document_term(&this->document, name, lines);
}

static uint32_t all_kinds(const struct policy *policy)
{
    return (uint32_t)(((uint64_t)1 << policy->kind_count) - 1);
}

static void write_who(struct statement *this)
{
    const struct policy *policy = this->policy;
    const struct wording *words = this->words;
    struct buffer controllers = BUFFER_EMPTY, people = BUFFER_EMPTY;

    activity_controllers(policy, all_kinds(policy), &controllers);
    for (unsigned i = 0; i < policy->kind_count; i++)
        buffer_printf(&people, "%s%s", i ? "\n" : "", policy->kinds[i].people);
    document_heading(&this->document, NULL, words->who);
    document_terms_begin(&this->document, words->who_names);
    term(this, words->controller, buffer_text(&controllers));
    term(this, words->address, policy->published.address);
    term(this, words->website, policy->published.website);
    term(this, words->questions, policy->contact);
    term(this, words->officer, policy->published.officer);
    term(this, words->people, buffer_text(&people));
    document_terms_end(&this->document);
    this->document.failed |= controllers.failed || people.failed;
    buffer_clear(&controllers);
    buffer_clear(&people);
}

/* Whose dossiers a category is used in: a term of another kind would say nothing. */
static uint32_t kinds_using(const struct policy *policy, unsigned category)
{
    uint32_t kinds = 0;

    for (unsigned i = 0; i < policy->purpose_count; i++)
        for (unsigned field = 0; field < policy->field_count; field++)
            if (policy->fields[field].category == category && field_set_has(&policy->purposes[i].fields, field))
                kinds |= policy->purposes[i].kinds;
    return kinds ? kinds : all_kinds(policy);
}

static void write_category(struct statement *this, unsigned category, const struct field_set *all)
{
    const struct policy_category *it = &this->policy->categories[category];
    struct buffer fields = BUFFER_EMPTY, ends = BUFFER_EMPTY;

    activity_term(this->policy, category, kinds_using(this->policy, category), this->language, &ends);
    if (activity_fields(this->policy, category, all, this->language, &fields)) {
        const char *const cells[] = {it->label, buffer_text(&fields), buffer_text(&ends), it->source};

        document_table_row(&this->document, cells);
    }
    this->document.failed |= fields.failed || ends.failed;
    buffer_clear(&fields);
    buffer_clear(&ends);
}

static void write_data(struct statement *this)
{
    enum { SOURCE_COLUMN = 3 };
    const char *names[SOURCE_COLUMN + 2];
    struct field_set all;
    bool sources = false;

    memset(&all, 0xFF, sizeof all);
    memcpy(names, this->words->data_names, sizeof names);
    for (unsigned i = 0; i < this->policy->category_count; i++)
        sources |= *this->policy->categories[i].source != '\0';
    if (!sources)
        names[SOURCE_COLUMN] = NULL;
    document_heading(&this->document, NULL, this->words->data);
    document_table_begin(&this->document, names);
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
    term(this, words->because, buffer_text(&activity.parts[ACTIVITY_BASIS]));
    document_term(&this->document, words->uses, buffer_text(&activity.parts[ACTIVITY_CATEGORIES]));
    document_term(&this->document, words->seen_by, buffer_text(&activity.parts[ACTIVITY_ACCESS]));
    if (activity.has_recipients)
        document_term(&this->document, words->goes_to, buffer_text(&activity.parts[ACTIVITY_RECIPIENTS]));
    document_terms_end(&this->document);
    if (strchr("CFD", it->ground)) /* GDPR art. 21 is about C and F, art. 7(3) about D */
        document_paragraph(&this->document, it->ground == 'D' ? words->withdraw : words->object);
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

static void write_recipient(struct statement *this, unsigned recipient)
{
    const struct policy *policy = this->policy;
    const struct policy_role *it = &policy->roles[recipient];
    struct buffer agreement = BUFFER_EMPTY, purposes = BUFFER_EMPTY;
    struct field_set seen;

    activity_agreement(it, this->language, &agreement);
    for (unsigned i = 0; i < policy->purpose_count; i++)
        if (activity_sees(policy, recipient, i, &seen))
            buffer_printf(&purposes, "%s%s", purposes.length_bytes ? "\n" : "", policy->purposes[i].label);
    if (purposes.length_bytes == 0)
        buffer_append_text(&purposes, this->words->outside_nothing);
    const char *const cells[] = {it->label, buffer_text(&agreement), buffer_text(&purposes), it->transfer};

    document_table_row(&this->document, cells);
    this->document.failed |= agreement.failed || purposes.failed;
    buffer_clear(&agreement);
    buffer_clear(&purposes);
}

static void write_outside(struct statement *this)
{
    enum { TRANSFER_COLUMN = 3 };
    const struct policy *policy = this->policy;
    const char *names[TRANSFER_COLUMN + 2];
    bool transfers = false;

    memcpy(names, this->words->outside_names, sizeof names);
    for (unsigned i = policy->own_roles; i < policy->role_count; i++)
        transfers |= *policy->roles[i].transfer != '\0';
    if (!transfers)
        names[TRANSFER_COLUMN] = NULL;
    document_heading(&this->document, NULL, this->words->outside);
    if (policy->own_roles == policy->role_count) {
        document_paragraph(&this->document, this->words->outside_none);
    } else {
        document_table_begin(&this->document, names);
        for (unsigned i = policy->own_roles; i < policy->role_count; i++)
            write_recipient(this, i);
        document_table_end(&this->document);
    }
    document_paragraph(&this->document, this->words->outside_law);
    if (!transfers)
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
    if (*this->policy->published.authority)
        sentence(this, words->complaint_to, this->policy->published.authority);
    else
        document_paragraph(&this->document, words->complaint_authority);
}

static void write_security(struct statement *this)
{
    struct buffer measures = BUFFER_EMPTY;
    char version[2 * POLICY_HASH_BYTES + 1];

    activity_version(this->policy, version);
    activity_security(this->policy, this->language, &measures);
    document_heading(&this->document, NULL, this->words->security);
    document_list(&this->document, buffer_text(&measures));
    this->document.failed |= measures.failed;
    buffer_clear(&measures);
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
