#include "tools/commands.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy/suggest.h"

static const struct command_option init_options[] = {
    {"owner", "USER|UID[:GID]", COMMAND_TEXT,
     "who owns the store and runs the daemon (root only; default: dossierfs)"},
    {"allow-copy-on-write", NULL, COMMAND_TEXT, "accept a file system on which destroyed keys may live on"},
    {0},
};

static const struct command_option import_options[] = {
    {"kind", "KIND", COMMAND_TEXT, "the kind of dossier; may be left out if the policy has one"},
    {"code", "COLUMN", COMMAND_TEXT, "the column that holds the dossier's code"},
    {"delimiter", "WORD", COMMAND_TEXT, "comma (default), semicolon or tab"},
    {"encoding", "NAME", COMMAND_TEXT, "utf-8 (default) or windows-1252"},
    {"map", "FILE", COMMAND_READ, "lines `column = field`; a field `-` leaves the column out"},
    {"source", "TEXT", COMMAND_TEXT, "where the values come from; default: the file's name"},
    {"update", NULL, COMMAND_TEXT, "different values of a known dossier replace the old ones"},
    {"rejects", "FILE", COMMAND_WRITE, "import the good rows, write the others here (a new file)"},
    {"json", NULL, COMMAND_TEXT, "the result as one JSON object"},
    {0},
};

static const struct command_option check_options[] = {
    {"json", NULL, COMMAND_TEXT, "the result as one JSON object"},
    {"strict", NULL, COMMAND_TEXT, "exit with 1 where there are warnings, too"},
    {0},
};

static const struct command_option diff_options[] = {
    {"json", NULL, COMMAND_TEXT, "JSON lines: one object a difference"},
    {0},
};

static const struct command_option edit_options[] = {
    {"from", "FILE", COMMAND_TEXT, "take the new text from this file instead of an editor"},
    {"yes", NULL, COMMAND_TEXT, "install what has no faults without asking"},
    {0},
};

static const struct command_option explain_options[] = {
    {"dossier", "CODE", COMMAND_TEXT, "of this dossier, with what is so for it now; else of the policy alone"},
    {"user", "USER|UID", COMMAND_TEXT, "whose view"},
    {"purpose", "PURPOSE", COMMAND_TEXT, "for which purpose"},
    {"field", "FIELD", COMMAND_TEXT, "the whole chain of conditions for this field"},
    {"kind", "KIND", COMMAND_TEXT, "the kind of dossier; default: the purpose's first"},
    {"at", "TIME", COMMAND_TEXT, "at this date or date-time instead of now"},
    {0},
};

static const struct command_option replay_options[] = {
    {"days", "N", COMMAND_TEXT, "entries of the last N days; default: 30"},
    {"json", NULL, COMMAND_TEXT, "the result as one JSON object"},
    {0},
};

static const struct command_option matrix_options[] = {
    {"purpose", "PURPOSE", COMMAND_TEXT, "this purpose alone"},
    {"csv", NULL, COMMAND_TEXT, "comma-separated values: a line for each purpose, kind, role and field"},
    {"html", NULL, COMMAND_TEXT, "one page that needs nothing else"},
    {0},
};

static const struct command_option never_options[] = {
    {"file", "FILE", COMMAND_TEXT, "assertions from this file, one a line"},
    {"json", NULL, COMMAND_TEXT, "JSON lines: one object an assertion"},
    {0},
};

static const struct command_option register_options[] = {
    {"format", "WORD", COMMAND_TEXT, "text (default), csv, html or markdown"},
    {"language", "LANGUAGE", COMMAND_TEXT, "of the words around its labels: en or nl; default: as the policy says"},
    {"output", "FILE", COMMAND_TEXT, "-o: into this file, which is replaced whole"},
    {0},
};

static const struct command_option statement_options[] = {
    {"format", "WORD", COMMAND_TEXT, "html (default) or markdown"},
    {"language", "LANGUAGE", COMMAND_TEXT, "of the words around its labels: en or nl; default: as the policy says"},
    {"output", "FILE", COMMAND_TEXT, "-o: into this file, which is replaced whole"},
    {0},
};

static const struct command_option versions_options[] = {
    {"show", "N", COMMAND_TEXT, "the text of number N instead of the list"},
    {"json", NULL, COMMAND_TEXT, "JSON lines: one object a version"},
    {0},
};

static const struct command_option test_options[] = {
    {"failures", NULL, COMMAND_TEXT, "of the expectations, print only those that are not met"},
    {"tap", NULL, COMMAND_TEXT, "the result in the Test Anything Protocol"},
    {"json", NULL, COMMAND_TEXT, "the result as one JSON object"},
    {0},
};

static const struct command_option show_options[] = {
    {"from", "TIME", COMMAND_TEXT, "entries from this moment on"},
    {"to", "TIME", COMMAND_TEXT, "entries before this moment; a date means the end of that day"},
    {"user", "USER|UID", COMMAND_TEXT, "of this person"},
    {"subject", "CODE", COMMAND_TEXT, "about this dossier"},
    {"purpose", "PURPOSE", COMMAND_TEXT, "for this purpose"},
    {"outcome", "WORD", COMMAND_TEXT, "shown, masked, refused, done, failed or gap"},
    {"what", "WORD", COMMAND_TEXT, "field, dossier, listing, look, import and so on"},
    {"limit", "N", COMMAND_TEXT, "the newest N; default: 50 on a terminal, otherwise all"},
    {"csv", NULL, COMMAND_TEXT, "comma-separated values, one entry a line"},
    {"json", NULL, COMMAND_TEXT, "JSON lines: one object an entry"},
    {0},
};

static const struct command_option verify_options[] = {
    {"pubkey", "KEY", COMMAND_TEXT, "a public key of the log that is kept elsewhere: on paper, from init"},
    {"since", "FILE", COMMAND_TEXT, "checkpoints that were kept elsewhere: the log must go on from each"},
    {"json", NULL, COMMAND_TEXT, "the result as one JSON object"},
    {0},
};

static const struct command_option checkpoint_options[] = {
    {"append", "FILE", COMMAND_TEXT, "put it behind those in this file, elsewhere; once a day, say"},
    {"pubkey", NULL, COMMAND_TEXT, "the public key that signed it, instead of the checkpoint"},
    {0},
};

static const struct command_option send_options[] = {
    {0},
};

static const struct command_option breach_options[] = {
    {"user", "USER|UID", COMMAND_TEXT, "to this person"},
    {"program", "NAME", COMMAND_TEXT, "to this program; its name is a hint"},
    {"dossier", "CODE", COMMAND_TEXT, "of this dossier"},
    {"from", "TIME", COMMAND_TEXT, "from this moment on"},
    {"to", "TIME", COMMAND_TEXT, "before this moment; a date means the end of that day"},
    {"noticed", "TIME", COMMAND_TEXT, "when it was noticed: the 72 hours begin"},
    {"dossiers", NULL, COMMAND_TEXT, "each dossier too"},
    {"json", NULL, COMMAND_TEXT, "one JSON object, with each dossier"},
    {0},
};

static const struct command_option export_options[] = {
    {"format", "FORMAT", COMMAND_TEXT, "ldv, otlp, vng, vng-inzage, csv or jsonl"},
    {"from", "TIME", COMMAND_TEXT, "entries from this moment on"},
    {"to", "TIME", COMMAND_TEXT, "entries before this moment; a date means the end of that day"},
    {"after", "N", COMMAND_TEXT, "entries with a higher number"},
    {"limit", "N", COMMAND_TEXT, "the first N of them"},
    {"subject", "CODE", COMMAND_TEXT, "about this dossier"},
    {"export-key", "FILE", COMMAND_READ, "makes pseudonyms the same from one export to the next; 16 bytes or more"},
    {"register", "URI", COMMAND_TEXT, "where the register has its activities; the purpose's name is put behind it"},
    {"oin", "DIGITS", COMMAND_TEXT, "vng: the organisation's number, 20 digits"},
    {"term", "TERM", COMMAND_TEXT, "vng: how long entries are kept, default P5Y"},
    {"confidential", "PURPOSES", COMMAND_TEXT, "vng: these are confidential, and stay out of vng-inzage"},
    {0},
};

static const struct command_option report_options[] = {
    {"from", "TIME", COMMAND_TEXT, "from this moment on"},
    {"to", "TIME", COMMAND_TEXT, "before this moment; a date means the end of that day"},
    {"pubkey", "KEY", COMMAND_TEXT, "a public key of the log that is kept elsewhere, for `log verify`"},
    {"language", "LANGUAGE", COMMAND_TEXT, "en or nl; default: what the policy says, else en"},
    {"output", "FILE", COMMAND_WRITE, "into this file (a new one); default: standard output"},
    {0},
};

static const struct command_option unusual_options[] = {
    {"from", "TIME", COMMAND_TEXT, "from this moment on"},
    {"to", "TIME", COMMAND_TEXT, "before this moment; a date means the end of that day"},
    {"bulk", "N", COMMAND_TEXT, "more dossiers than this within an hour stand out; default: as the policy says"},
    {"refusals", "N", COMMAND_TEXT, "more refusals than this within an hour stand out; default: as the policy says"},
    {"times", "N", COMMAND_TEXT,
     "more than N times the dossiers of one's busiest day stand out; default: as the policy says"},
    {"hours", "FROM-TO", COMMAND_TEXT, "when people work, on working days; default: as the policy says"},
    {"json", NULL, COMMAND_TEXT, "JSON lines"},
    {0},
};

static const struct command_option fold_options[] = {
    {"from", "TIME", COMMAND_TEXT, "from this moment on"},
    {"to", "TIME", COMMAND_TEXT, "before this moment; a date means the end of that day"},
    {"csv", NULL, COMMAND_TEXT, "comma-separated values"},
    {"json", NULL, COMMAND_TEXT, "JSON lines"},
    {0},
};

static const struct command_option prove_options[] = {{0}};

static const struct command_option status_options[] = {
    {"json", NULL, COMMAND_TEXT, "one JSON object"},
    {0},
};

static const struct command_option expire_options[] = {
    {"dry-run", NULL, COMMAND_TEXT, "erase nothing: which months would be, and which wait"},
    {"confirm", NULL, COMMAND_TEXT, "erase what waits, too"},
    {"json", NULL, COMMAND_TEXT, "JSON lines: one object a month"},
    {0},
};

static const char time_help[] =
    "TIME is yyyy-mm-dd, yyyy-mm-dd hh:mm[:ss] (or with a T), in the organisation's time zone; the\n"
    "same with Z or +hh:mm behind it; now, today, yesterday; or -90s, -30m, -2h, -7d, -4w before now.\n";

static const char explain_help[] =
    "--dossier asks the mounted store, for roles with commands = policy.explain; it is in the log.\n"
    "TIME is as for `log show`.\n";

static const struct command_option fact_set_options[] = {
    {"reason", "TEXT", COMMAND_TEXT, "why, on one line: a letter's date, a case number, what happened"},
    {"from", "TIME", COMMAND_TEXT, "from this moment; default: now; of an incident: what it is about begins"},
    {"until", "TIME", COMMAND_TEXT,
     "until this moment; a date means the end of that day; default: until it is ended"},
    {0},
};

static const struct command_option fact_end_options[] = {{0}};

static const struct command_option fact_list_options[] = {
    {"json", NULL, COMMAND_TEXT, "JSON lines: one object a fact"},
    {0},
};

static const struct command_option fact_review_options[] = {{0}};

static const char fact_help[] =
    "KIND is consent, opt-out, objection or calamity, about a purpose, or restriction, incident or hold, about\n"
    "a category. Who has a purpose of ground E may declare a calamity for himself, for an hour (at most a day).\n";

const struct command commands_table[] = {
    {"init", NULL, init_run, COMMAND_LOCAL, "make a new, empty store", "", 0, 0, COMMAND_TEXT, init_options,
     "The global options say where and with which keys: --store, --key-file, --passphrase-file; both kinds of\n"
     "key may be given. A key file that does not exist is made. Without either a passphrase is asked for.\n"},
    {"import", NULL, import_run, COMMAND_GATE, "put dossiers from a CSV file into the store", "FILE.csv|-", 1, 1,
     COMMAND_READ, import_options,
     "All or nothing: a fault in any row leaves everything as it was, unless --rejects is given.\n"},
    {"fact", "end", fact_end_run, COMMAND_GATE, "end what is registered of a dossier", "KIND CODE ABOUT", 3, 3,
     COMMAND_TEXT, fact_end_options, fact_help},
    {"fact", "list", fact_list_run, COMMAND_GATE, "list what is registered of a dossier", "KIND|all [CODE]", 1, 2,
     COMMAND_TEXT, fact_list_options,
     "`dossier fact list calamity` lists those of all dossiers that wait for a review.\n"},
    {"fact", "review", fact_review_run, COMMAND_GATE, "review a calamity that somebody else declared", "CODE NUMBER",
     2, 2, COMMAND_TEXT, fact_review_options, NULL},
    {"fact", "set", fact_set_run, COMMAND_GATE, "register a consent, objection, restriction and so on",
     "KIND CODE ABOUT", 3, 3, COMMAND_TEXT, fact_set_options, fact_help},
    {"policy", "check", policy_check_run, COMMAND_LOCAL, "check a policy: every fault, and what it says in vain",
     "FILE", 1, 1, COMMAND_TEXT, check_options, NULL},
    {"policy", "diff", policy_diff_run, COMMAND_LOCAL, "tell what another policy changes for people", "OLD NEW", 2, 2,
     COMMAND_TEXT, diff_options, "Exit code: 0 no difference but in comments and layout, 1 differences, 2 can't.\n"},
    {"policy", "edit", policy_edit_run, COMMAND_NAMED,
     "change a policy with an editor; only one without faults is installed", "", 0, 0, COMMAND_TEXT, edit_options,
     "The policy is that of -n NAME or -p FILE. The editor is $VISUAL, $EDITOR or sensible-editor.\n"},
    {"policy", "explain", policy_explain_run, COMMAND_EITHER,
     "tell what the policy shows to a person, and which line decides", "", 0, 0, COMMAND_TEXT, explain_options,
     explain_help},
    {"policy", "matrix", policy_matrix_run, COMMAND_LOCAL, "who sees what: a table for each purpose", "", 0, 0,
     COMMAND_TEXT, matrix_options, NULL},
    {"policy", "never", policy_never_run, COMMAND_LOCAL, "prove what the policy never shows, or show where it does",
     "[ASSERTION...]", 0, COMMAND_MAX_ARGUMENTS, COMMAND_TEXT, never_options,
     "ASSERTION: [never] WHO sees WHAT [of KIND] [for PURPOSE] [unmasked] [without CONDITION]\n"
     "WHO: anyone, role, recipient, role NAME, recipient NAME. WHAT: a field, a category, special, anything.\n"
     "CONDITION: agreement, consent, calamity, incident, caseload, own, no-objection, unrestricted.\n"
     "Exit code: 0 all hold, 1 one is broken, 2 can't.\n"},
    {"policy", "replay", policy_replay_run, COMMAND_GATE,
     "which decisions of the log would have come out otherwise under another policy", "NEW.ini|-", 1, 1, COMMAND_READ,
     replay_options, NULL},
    {"policy", "register", policy_register_run, COMMAND_LOCAL,
     "the record of processing activities (GDPR art. 30) of the policy", "", 0, 0, COMMAND_TEXT, register_options,
     NULL},
    {"policy", "statement", policy_statement_run, COMMAND_LOCAL,
     "a page that tells people what is kept about them, and why", "", 0, 0, COMMAND_TEXT, statement_options, NULL},
    {"policy", "test", policy_test_run, COMMAND_LOCAL,
     "compare what people expect of the policy with what it decides", "FILE", 1, 1, COMMAND_TEXT, test_options,
     "The language of FILE is dossier-policy-test(5). Exit code: 0 all as expected, 1 something is not, 2 can't.\n"},
    {"log", "breach", log_breach_run, COMMAND_GATE, "tell what was disclosed, for the notification of a breach", "",
     0, 0, COMMAND_TEXT, breach_options, time_help},
    {"log", "checkpoint", log_checkpoint_run, COMMAND_LOCAL, "print the newest signed checkpoint, to keep elsewhere",
     "[DIRECTORY]", 0, 1, COMMAND_TEXT, checkpoint_options,
     "Needs no key and no policy. `dossier log verify --since` compares the log with it later.\n"
     "Exit code of --append: 0 done, 1 the log does not go on from what the file holds, 2 can't.\n"},
    {"log", "did", log_did_run, COMMAND_GATE, "tell what a person did, by purpose", "USER|UID", 1, 1, COMMAND_TEXT,
     fold_options, time_help},
    {"log", "expire", log_expire_run, COMMAND_GATE, "erase months of the log that are past its own term", "", 0, 0,
     COMMAND_TEXT, expire_options,
     "The mounted store does it by itself, but for what waits for a confirmation: after a leap of the clock, or "
     "where\n"
     "the policy shortened the term. For roles with commands = log.expire, which has to be named.\n"},
    {"log", "export", log_export_run, COMMAND_GATE, "entries of the log in the forms of the standards", "", 0, 0,
     COMMAND_TEXT, export_options,
     "A line an entry, in order. The last line on standard error says with which --after the next export goes on.\n"
     "TIME is as for `log show`.\n"},
    {"log", "prove", log_prove_run, COMMAND_LOCAL, "print a proof that an entry is in the signed log",
     "NUMBER [DIRECTORY]", 1, 2, COMMAND_TEXT, prove_options,
     "Verifies the log on the way. dossier-check-proof(1) checks the proof, with nothing but a public key.\n"
     "Exit code: 0 printed, 1 the log is not what it was, 2 can't.\n"},
    {"policy", "versions", policy_versions_run, COMMAND_GATE, "list the policies that were in force, or show one", "",
     0, 0, COMMAND_TEXT, versions_options, "For roles with commands = policy.versions.\n"},
    {"log", "report", log_report_run, COMMAND_GATE, "a period of the log as one HTML page: counts, no names", "", 0,
     0, COMMAND_TEXT, report_options,
     "Without --from: thirty days.\nTIME is as for `log show`.\n"
     "Exit code 1: the log is not what it was (or you may not ask).\n"},
    {"log", "send", log_send_run, COMMAND_LOCAL, "take the newest signed checkpoint to where the policy says", "", 0,
     0, COMMAND_TEXT, send_options,
     "Needs a policy and no key; for a timer, once a day. `status` tells when that last worked.\n"
     "Exit code: 0 done, 1 the log does not go on from what a file holds, 2 could not be sent to all.\n"},
    {"log", "show", log_show_run, COMMAND_GATE, "show entries of the processing log", "", 0, 0, COMMAND_TEXT,
     show_options, time_help},
    {"log", "verify", log_verify_run, COMMAND_LOCAL, "check that the processing log is what it was", "[DIRECTORY]", 0,
     1, COMMAND_TEXT, verify_options,
     "Needs no key and no policy: the store (-s, -n) or the log's directory.\n"
     "Exit code: 0 intact, 1 altered, 2 can't check, 3 shorter than the anchor, 4 damaged, 5 intact, not "
     "anchored.\n"},
    {"log", "unusual", log_unusual_run, COMMAND_GATE, "tell what stands out in the log", "", 0, 0, COMMAND_TEXT,
     unusual_options,
     "Without --from: the last seven days. What people are used to is taken from the 90 days before.\n"
     "TIME is as for `log show`.\n"},
    {"log", "who-saw", log_who_saw_run, COMMAND_GATE, "tell who was shown what of a dossier", "CODE|~NUMBER", 1, 1,
     COMMAND_TEXT, fold_options,
     "~NUMBER is what `log show` prints for a dossier whose code is erased.\n"
     "TIME is as for `log show`.\n"},
    {"status", NULL, status_run, COMMAND_GATE, "tell which policy is in force, and what is open", "", 0, 0,
     COMMAND_TEXT, status_options,
     "For root, the store's owner, and roles with commands = status. Exit code 1: the policy's file has faults\n"
     "and is not what is in force, a checkpoint could not be sent or was not for 36 hours, or you may not ask.\n"},
    {0},
};

bool commands_has_verbs(const char *noun)
{
    for (const struct command *command = commands_table; command->noun; command++)
        if (strcmp(command->noun, noun) == 0)
            return command->verb != NULL;
    return false;
}

enum command_place commands_place(const struct command *command, const char *const *option_text)
{
    if (command->place != COMMAND_EITHER)
        return command->place;
    return option_text[0] ? COMMAND_GATE : COMMAND_LOCAL;
}

void commands_name(const struct command *command, char name[static 64])
{
    snprintf(name, 64, "%s%s%s", command->noun, command->verb ? " " : "", command->verb ? command->verb : "");
}

/* The message for words that name no command. `noun` is known if `known_noun`. */
static void not_found(const char *noun, const char *verb, bool known_noun, char message[static 256])
{
    const char *word = known_noun ? verb : noun;
    struct suggest suggest;

    if (known_noun && !verb) {
        size_t at = (size_t)snprintf(message, 256, "%s what? one of:", noun);

        for (const struct command *command = commands_table; command->noun && at < 256; command++)
            if (strcmp(command->noun, noun) == 0)
                at += (size_t)snprintf(message + at, 256 - at, " %s", command->verb);
        return;
    }
    suggest_init(&suggest, word);
    for (const struct command *command = commands_table; command->noun; command++)
        if (!known_noun)
            suggest_consider(&suggest, command->noun);
        else if (strcmp(command->noun, noun) == 0)
            suggest_consider(&suggest, command->verb);
    if (!known_noun)
        suggest_consider(&suggest, "help");
    snprintf(message, 256, "no command \"%s%s%.40s\"%s%s%s (see dossier --help)", known_noun ? noun : "",
             known_noun ? " " : "", word, suggest.nearest ? "; did you mean \"" : "",
             suggest.nearest ? suggest.nearest : "", suggest.nearest ? "\"?" : "");
}

const struct command *commands_find(int word_count, const char *const *words, int *used, char message[static 256])
{
    const char *verb = word_count > 1 && words[1][0] != '-' ? words[1] : NULL;
    bool known_noun = false;

    for (const struct command *command = commands_table; word_count > 0 && command->noun; command++) {
        if (strcmp(command->noun, words[0]) != 0)
            continue;
        known_noun = true;
        if (!command->verb || (verb && strcmp(command->verb, verb) == 0)) {
            *used = command->verb ? 2 : 1;
            return command;
        }
    }
    if (word_count > 0)
        not_found(words[0], verb, known_noun, message);
    else
        snprintf(message, 256, "no command given (see dossier --help)");
    return NULL;
}

static int place_of(const struct command_context *context, const char *name)
{
    const struct command_option *options = context->command->options;

    for (int i = 0; options[i].name; i++)
        if (strcmp(options[i].name, name) == 0)
            return i;
    abort(); /* a command asks for an option that its table does not have */
}

const char *commands_option(const struct command_context *context, const char *name)
{
    return context->option_text[place_of(context, name)];
}

FILE *commands_option_stream(const struct command_context *context, const char *name)
{
    return context->option_stream[place_of(context, name)];
}

bool commands_stopped(const struct command_context *context)
{
    return context->stopped && context->stopped(context->stopped_context);
}

int commands_cannot(const struct command_context *context, const char *format, ...)
{
    va_list arguments;

    fputs("dossier: ", context->error);
    va_start(arguments, format);
    vfprintf(context->error, format, arguments);
    va_end(arguments);
    fputc('\n', context->error);
    return COMMAND_CANNOT;
}
