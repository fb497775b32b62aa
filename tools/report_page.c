#include "tools/report_page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"
#include "tools/moment.h"
#include "tools/page.h"

enum { FINDINGS_SHOWN = 200, SOON_DAYS = 90, NUMBER_BYTES = 24 };

/* The words around what was counted. */
struct wording {
    const char *title, *period, *until; /* "2027-01-01 to 2027-01-31" */
    const char *organisation, *made, *version, *entries, *opened, *refused, *failed, *erased;
    const char *state, *results[VERIFY_NOT_ANCHORED + 1];
    const char *verified, *bad_entry, *is_signed, *is_signed_none, *sealed, *chains, *erased_by_rule, *own_words;
    const char *sent, *sent_names[5], *never, *failed_at, *late, *in_order, *nowhere;
    const char *days, *days_shown, *days_refused, *day_names[4], *days_table, *plot_text;
    const char *groups[REPORT_GROUPINGS], *group_names[REPORT_GROUPINGS], *none, *others;
    const char *unusual, *unusual_about, *unusual_nothing, *unusual_names[4], *unusual_more, *rules[UNUSUAL_RULES];
    const char *calamities, *calamity_names[3], *calamity_verbs[REPORT_CALAMITIES];
    const char *agreements, *agreement_names[4], *ended;
};

static const struct wording wordings[] = {
    [WORDING_ENGLISH] =
        {
            .title = "Processing log",
            .period = "Period",
            .until = "to",
            .organisation = "Organisation",
            .made = "Made at",
            .version = "Version of the policy",
            .entries = "Entries in this period",
            .opened = "Opened",
            .refused = "Refused",
            .failed = "Failed",
            .erased = "Past their term, not counted",
            .state = "Is the log what it was?",
            .results =
                {[VERIFY_INTACT] = "Yes: nothing was changed since the anchor was taken.",
                 [VERIFY_ALTERED] = "No: somebody or something changed the log. Keep a copy of it as it is now, and "
                                    "find out who.",
                 [VERIFY_IMPOSSIBLE] = "Not known: the log could not be checked.",
                 [VERIFY_SHORTER] = "No: entries are missing at the end.",
                 [VERIFY_DAMAGED] =
                     "In part: some of it can't be read, as after a disk fault. What could be read agrees.",
                 [VERIFY_NOT_ANCHORED] =
                     "It agrees with itself in every byte. That nobody wrote all of it anew can only be proved with "
                     "what is "
                     "kept elsewhere: the public key on paper (--pubkey), or a checkpoint (dossier log verify)."},
            .verified = "Entries checked",
            .bad_entry = "First bad entry",
            .is_signed = "Signed up to entry",
            .is_signed_none = "nothing is signed yet",
            .sealed = "By keys that are destroyed, up to entry",
            .chains = "Times the signing key was lost and begun anew",
            .erased_by_rule = "Destroyed under the log's own term, entries",
            .own_words = "In the words of the check:",
            .sent = "Checkpoints kept elsewhere",
            .sent_names = {"Place", "Last sent", "Up to entry", "State", NULL},
            .never = "never",
            .failed_at = "failed at",
            .late = "late",
            .in_order = "in order",
            .nowhere = "The policy names no place that checkpoints are sent to. Who can write the log could then "
                       "write all of it anew.",
            .days = "Day by day",
            .days_shown = "Opened per day",
            .days_refused = "Refused per day",
            .day_names = {"Day", "Opened", "Refused", NULL},
            .days_table = "Days on which something was opened or refused",
            .plot_text = "A bar for each day; the most on one day:",
            .groups = {"By purpose", "By role", "By program", "Why it was refused"},
            .group_names = {"Purpose", "Role", "Program", "Rule"},
            .none = "(none)",
            .others = "(others)",
            .unusual = "What stands out",
            .unusual_about = "Simple rules for a person to look into, and no verdict. Who it was is told by dossier "
                             "log unusual.",
            .unusual_nothing = "Nothing stands out.",
            .unusual_names = {"When", "What", "How many", NULL},
            .unusual_more = "More than are shown here:",
            .rules = {[UNUSUAL_BULK] = "Many dossiers to one person within an hour",
                      [UNUSUAL_REFUSALS] = "Many refusals to one person within an hour",
                      [UNUSUAL_HABIT] = "Many more dossiers on a day than on any of the person's days before",
                      [UNUSUAL_HOURS] = "Content shown outside working hours",
                      [UNUSUAL_NEW_PURPOSE] = "A person's first use of the purpose"},
            .calamities = "Calamities",
            .calamity_names = {"What was done", "Times", NULL},
            .calamity_verbs = {"Declared: the glass was broken", "Ended before its time", "Reviewed by another"},
            .agreements = "Agreements that end",
            .agreement_names = {"Recipient", "Last day", "Days left", NULL},
            .ended = "ended",
        },
    [WORDING_DUTCH] =
        {
            .title = "Verwerkingslog",
            .period = "Periode",
            .until = "tot en met",
            .organisation = "Organisatie",
            .made = "Gemaakt op",
            .version = "Versie van het beleid",
            .entries = "Regels in deze periode",
            .opened = "Geopend",
            .refused = "Geweigerd",
            .failed = "Mislukt",
            .erased = "Voorbij hun termijn, niet geteld",
            .state = "Is het log nog wat het was?",
            .results = {[VERIFY_INTACT] = "Ja: er is niets veranderd sinds het ijkpunt.",
                        [VERIFY_ALTERED] = "Nee: iemand of iets heeft het log veranderd. Bewaar een kopie zoals het "
                                           "nu is, en zoek uit wie.",
                        [VERIFY_IMPOSSIBLE] = "Onbekend: het log kon niet worden gecontroleerd.",
                        [VERIFY_SHORTER] = "Nee: aan het eind ontbreken regels.",
                        [VERIFY_DAMAGED] = "Deels: een deel is onleesbaar, zoals na een fout van de schijf. Wat "
                                           "leesbaar is, klopt.",
                        [VERIFY_NOT_ANCHORED] = "Het klopt in zichzelf tot op de laatste byte. Dat niemand alles "
                                                "opnieuw heeft geschreven, is alleen te bewijzen met "
                                                "wat elders wordt bewaard: de publieke sleutel op papier (--pubkey), "
                                                "of een checkpoint (dossier log verify)."},
            .verified = "Gecontroleerde regels",
            .bad_entry = "Eerste foute regel",
            .is_signed = "Ondertekend tot en met regel",
            .is_signed_none = "er is nog niets ondertekend",
            .sealed = "Met vernietigde sleutels, tot en met regel",
            .chains = "Keren dat de sleutel zoekraakte en opnieuw begon",
            .erased_by_rule = "Vernietigd volgens de termijn van het log zelf, regels",
            .own_words = "In de woorden van de controle:",
            .sent = "Checkpoints die elders worden bewaard",
            .sent_names = {"Plaats", "Laatst verzonden", "Tot en met regel", "Toestand", NULL},
            .never = "nooit",
            .failed_at = "mislukt op",
            .late = "te laat",
            .in_order = "in orde",
            .nowhere =
                "Het beleid noemt geen plaats waar checkpoints heen gaan. Wie in het log kan schrijven, zou dan "
                "alles opnieuw kunnen schrijven.",
            .days = "Dag voor dag",
            .days_shown = "Geopend per dag",
            .days_refused = "Geweigerd per dag",
            .day_names = {"Dag", "Geopend", "Geweigerd", NULL},
            .days_table = "Dagen waarop iets geopend of geweigerd is",
            .plot_text = "Een staaf per dag; het meeste op één dag:",
            .groups = {"Per doel", "Per rol", "Per programma", "Waarom het geweigerd is"},
            .group_names = {"Doel", "Rol", "Programma", "Regel"},
            .none = "(geen)",
            .others = "(andere)",
            .unusual = "Wat opvalt",
            .unusual_about = "Eenvoudige regels, om naar te kijken en geen oordeel. Wie het was zegt dossier log "
                             "unusual.",
            .unusual_nothing = "Er valt niets op.",
            .unusual_names = {"Wanneer", "Wat", "Aantal", NULL},
            .unusual_more = "Meer dan hier staan:",
            .rules = {[UNUSUAL_BULK] = "Veel dossiers voor één persoon binnen een uur",
                      [UNUSUAL_REFUSALS] = "Veel weigeringen voor één persoon binnen een uur",
                      [UNUSUAL_HABIT] = "Veel meer dossiers op een dag dan op welke dag van die persoon ook",
                      [UNUSUAL_HOURS] = "Inhoud getoond buiten werktijd",
                      [UNUSUAL_NEW_PURPOSE] = "Voor het eerst voor dit doel, door iemand"},
            .calamities = "Calamiteiten",
            .calamity_names = {"Wat er gedaan is", "Keren", NULL},
            .calamity_verbs = {"Uitgeroepen: het glas is gebroken", "Eerder beëindigd", "Door een ander beoordeeld"},
            .agreements = "Overeenkomsten die aflopen",
            .agreement_names = {"Ontvanger", "Laatste dag", "Dagen over", NULL},
            .ended = "afgelopen",
        },
};

static void print_number(uint64_t number, char text[static NUMBER_BYTES])
{
    snprintf(text, NUMBER_BYTES, "%" PRIu64, number);
}

static void print_day(int32_t day, char text[static 16])
{
    char moment[MOMENT_BYTES];

    moment_print(clock_first_second(day) * 1000, moment);
    snprintf(text, 16, "%.10s", moment);
}

static void term(FILE *out, const char *name, uint64_t number)
{
    char text[NUMBER_BYTES];

    print_number(number, text);
    page_term(out, name, text);
}

/* ---- the sections ----------------------------------------------------------------------------------------------- */

static void print_summary(const struct report_page *page, const struct wording *words, FILE *out)
{
    char moment[MOMENT_BYTES], version[2 * POLICY_HASH_BYTES + 1], first[16], last[16], period[64];

    print_day(page->counts->first_day, first);
    print_day(page->counts->last_day, last);
    snprintf(period, sizeof period, "%s %s %s", first, words->until, last);
    moment_print(page->now_ms, moment);
    for (unsigned i = 0; i < POLICY_HASH_BYTES; i++)
        snprintf(version + 2 * i, 3, "%02x", page->policy->hash[i]);
    page_terms_begin(out);
    page_term(out, words->organisation, page->policy->organisation);
    page_term(out, words->period, period);
    page_term(out, words->made, moment);
    page_term(out, words->version, version);
    term(out, words->entries, page->counts->entries);
    term(out, words->opened, page->counts->shown);
    term(out, words->refused, page->counts->refused);
    term(out, words->failed, page->counts->failed);
    if (page->counts->erased > 0)
        term(out, words->erased, page->counts->erased);
    page_terms_end(out);
}

/* The check speaks English, whatever the language of the page. */
static void print_own_words(const struct verify_report *verified, const struct wording *words, FILE *out)
{
    fputs("<p class=\"note\">", out);
    page_text(out, words->own_words);
    fputs(" <span lang=\"en\">", out);
    page_text(out, verified->text);
    if (verified->tail[0])
        fputs(". ", out);
    page_text(out, verified->tail);
    fputs("</span></p>\n", out);
}

/* Why an attempt failed is for those who run it: `dossier status` says it. */
static void sent_row(const struct sent_place *sent, const struct wording *words, int64_t now_s, FILE *out)
{
    char moment[CLOCK_STAMP_BYTES], size[NUMBER_BYTES], state[CLOCK_STAMP_BYTES + 32];

    clock_stamp(sent->tried_s, moment);
    snprintf(state, sizeof state, "%s %s", words->failed_at, moment);
    clock_stamp(sent->sent_s, moment);
    print_number(sent->size, size);
    page_table_row(out, words->sent_names,
                   (const char *[]){sent->place, sent->sent_s ? moment : words->never, sent->sent_s ? size : "",
                                    sent->why[0]                ? state
                                    : sent_is_late(sent, now_s) ? words->late
                                                                : words->in_order});
}

static void print_sent(const struct report_page *page, const struct wording *words, FILE *out)
{
    page_element(out, "h3", words->sent);
    if (page->sent_count == 0) {
        page_element(out, "p", words->nowhere);
        return;
    }
    page_table_begin(out, PAGE_STACKED, NULL, words->sent_names);
    for (size_t i = 0; i < page->sent_count; i++)
        sent_row(&page->sent[i], words, page->now_ms / 1000, out);
    page_table_end(out);
}

static void print_state(const struct report_page *page, const struct wording *words, FILE *out)
{
    const struct verify_report *verified = page->verified;
    char text[96];

    page_element(out, "h2", words->state);
    page_element(out, "p", words->results[verified->result]);
    page_terms_begin(out);
    if (verified->result != VERIFY_IMPOSSIBLE)
        term(out, words->verified, verified->entries);
    if (verified->bad_entry)
        term(out, words->bad_entry, verified->bad_entry);
    snprintf(text, sizeof text, "%" PRIu64 " (%s)", verified->is_signed, verified->signed_at);
    if (verified->result != VERIFY_IMPOSSIBLE)
        page_term(out, words->is_signed, verified->is_signed ? text : words->is_signed_none);
    if (verified->sealed)
        term(out, words->sealed, verified->sealed);
    if (verified->chains > 1)
        term(out, words->chains, verified->chains - 1);
    if (verified->erased_months)
        term(out, words->erased_by_rule, verified->erased_entries);
    page_terms_end(out);
    print_own_words(verified, words, out);
    print_sent(page, words, out);
}

static void plot_days(const struct report_page *page, const struct wording *words, const char *title,
                      const uint64_t *values, FILE *out)
{
    unsigned days = (unsigned)(page->counts->last_day - page->counts->first_day) + 1;
    char first[16], last[16], text[160];
    uint64_t most = 0;

    for (unsigned i = 0; i < days; i++)
        most = values[i] > most ? values[i] : most;
    print_day(page->counts->first_day, first);
    print_day(page->counts->last_day, last);
    snprintf(text, sizeof text, "%s %" PRIu64, words->plot_text, most);
    page_bars(out, &(struct page_plot){.title = title, .text = text, .first = first, .last = last}, values, days);
}

static void print_days(const struct report_page *page, const struct wording *words, FILE *out)
{
    const struct report_counts *counts = page->counts;

    page_element(out, "h2", words->days);
    plot_days(page, words, words->days_shown, counts->shown_on, out);
    plot_days(page, words, words->days_refused, counts->refused_on, out);
    page_table_begin(out, PAGE_WIDE, words->days_table, words->day_names);
    for (int32_t i = 0; i <= counts->last_day - counts->first_day; i++) {
        char day[16], shown[NUMBER_BYTES], refused[NUMBER_BYTES];

        print_day(counts->first_day + i, day);
        print_number(counts->shown_on[i], shown);
        print_number(counts->refused_on[i], refused);
        if (counts->shown_on[i] > 0 || counts->refused_on[i] > 0)
            page_table_row(out, words->day_names, (const char *[]){day, shown, refused});
    }
    page_table_end(out);
}

static int by_shown(const void *one, const void *other)
{
    const struct report_group *left = one, *right = other;

    if (left->shown != right->shown)
        return left->shown > right->shown ? -1 : 1;
    if (left->refused != right->refused)
        return left->refused > right->refused ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* A row with a bar, as long as its share of the longest. */
static void group_row(FILE *out, const char *const *names, const char *name, const uint64_t counts[static 2],
                      bool of_refusals, uint64_t most)
{
    char shown[NUMBER_BYTES], refused[NUMBER_BYTES];

    print_number(counts[0], shown);
    print_number(counts[1], refused);
    page_table_row_share(out, names, (const char *[]){name, of_refusals ? refused : shown, refused},
                         most ? (double)counts[of_refusals] / (double)most : 0);
}

static void print_groups(const struct report_page *page, const struct wording *words, enum report_by by, FILE *out)
{
    struct report_groups *groups = &page->counts->by[by];
    bool of_refusals = by == REPORT_BY_RULE;
    const char *const names[] = {words->group_names[by], of_refusals ? words->refused : words->opened,
                                 of_refusals ? NULL : words->refused, NULL};
    uint64_t others[2] = {groups->others_shown, groups->others_refused}, most = others[of_refusals];

    if (groups->count == 0)
        return;
    qsort(groups->list, groups->count, sizeof *groups->list, by_shown);
    for (size_t i = 0; i < groups->count; i++) {
        uint64_t length = of_refusals ? groups->list[i].refused : groups->list[i].shown;

        most = length > most ? length : most;
    }
    page_element(out, "h2", words->groups[by]);
    page_table_begin(out, PAGE_WIDE, NULL, names);
    for (size_t i = 0; i < groups->count; i++)
        group_row(out, names, groups->list[i].name[0] ? groups->list[i].name : words->none,
                  (const uint64_t[]){groups->list[i].shown, groups->list[i].refused}, of_refusals, most);
    if (others[0] > 0 || others[1] > 0)
        group_row(out, names, words->others, others, of_refusals, most);
    page_table_end(out);
}

/* With the limit that was passed, or the purpose that is new. */
static void describe(const struct report_page *page, const struct wording *words,
                     const struct unusual_finding *finding, char text[static 256])
{
    const char *rule = words->rules[finding->rule];

    if (finding->rule == UNUSUAL_BULK || finding->rule == UNUSUAL_REFUSALS)
        snprintf(text, 256, "%s (> %" PRIu64 ")", rule,
                 finding->rule == UNUSUAL_BULK ? page->limits->bulk : page->limits->refusals);
    else if (finding->rule == UNUSUAL_HABIT)
        snprintf(text, 256, "%s (%" PRIu64 ")", rule, finding->most);
    else if (finding->rule == UNUSUAL_HOURS)
        snprintf(text, 256, "%s (%u-%u)", rule, page->limits->day_from, page->limits->day_to);
    else
        snprintf(text, 256, "%s: %.100s", rule, finding->purpose);
}

static void print_unusual(const struct report_page *page, const struct wording *words, FILE *out)
{
    char text[NUMBER_BYTES + 64];

    page_element(out, "h2", words->unusual);
    if (page->finding_count == 0) {
        page_element(out, "p", words->unusual_nothing);
        return;
    }
    page_element(out, "p", words->unusual_about);
    page_table_begin(out, PAGE_STACKED, NULL, words->unusual_names);
    for (size_t i = 0; i < page->finding_count && i < FINDINGS_SHOWN; i++) {
        const struct unusual_finding *finding = &page->findings[i];
        char moment[MOMENT_BYTES], number[NUMBER_BYTES], what[256];

        moment_print(finding->time_ms, moment);
        print_number(finding->count, number);
        describe(page, words, finding, what);
        page_table_row(out, words->unusual_names, (const char *[]){moment, what, number});
    }
    page_table_end(out);
    if (page->finding_count > FINDINGS_SHOWN) {
        snprintf(text, sizeof text, "%s %zu", words->unusual_more, page->finding_count - FINDINGS_SHOWN);
        page_element(out, "p", text);
    }
}

static void print_calamities(const struct report_page *page, const struct wording *words, FILE *out)
{
    const uint64_t *times = page->counts->calamities;
    char text[NUMBER_BYTES];

    if (times[REPORT_DECLARED] == 0 && times[REPORT_ENDED] == 0 && times[REPORT_REVIEWED] == 0)
        return;
    page_element(out, "h2", words->calamities);
    page_table_begin(out, PAGE_WIDE, NULL, words->calamity_names);
    for (unsigned i = 0; i < REPORT_CALAMITIES; i++) {
        print_number(times[i], text);
        page_table_row(out, words->calamity_names, (const char *[]){words->calamity_verbs[i], text});
    }
    page_table_end(out);
}

static bool ends_soon(const struct policy_role *recipient, int32_t today)
{
    return recipient->until_day != INT32_MAX && (int64_t)recipient->until_day - today <= SOON_DAYS;
}

/* After its last day a recipient sees nothing any more, whatever it was to go on with. */
static void print_agreements(const struct report_page *page, const struct wording *words, FILE *out)
{
    int32_t today = clock_day_of(page->now_ms / 1000);
    bool any = false;

    for (unsigned i = page->policy->own_roles; i < page->policy->role_count; i++)
        any |= ends_soon(&page->policy->roles[i], today);
    if (!any)
        return;
    page_element(out, "h2", words->agreements);
    page_table_begin(out, PAGE_WIDE, NULL, words->agreement_names);
    for (unsigned i = page->policy->own_roles; i < page->policy->role_count; i++) {
        const struct policy_role *recipient = &page->policy->roles[i];
        char day[16], left[NUMBER_BYTES];

        if (!ends_soon(recipient, today))
            continue;
        print_day(recipient->until_day, day);
        snprintf(left, sizeof left, "%" PRId32, recipient->until_day - today);
        page_table_row(out, words->agreement_names,
                       (const char *[]){recipient->label, day, recipient->until_day < today ? words->ended : left});
    }
    page_table_end(out);
}

void report_page_print(const struct report_page *page, FILE *out)
{
    const struct wording *words = &wordings[page->language];

    page_begin(out, wording_language_code(page->language), words->title);
    print_summary(page, words, out);
    print_state(page, words, out);
    print_days(page, words, out);
    for (enum report_by by = 0; by < REPORT_GROUPINGS; by++)
        print_groups(page, words, by, out);
    print_unusual(page, words, out);
    print_calamities(page, words, out);
    print_agreements(page, words, out);
    page_end(out);
}
