#include "tools/command_line.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "policy/suggest.h"

enum {
    GLOBAL_NAME,
    GLOBAL_STORE,
    GLOBAL_POLICY,
    GLOBAL_KEY_FILE,
    GLOBAL_PASSPHRASE,
    GLOBAL_CONTROL,
    GLOBAL_HELP,
    GLOBAL_VERSION
};

const struct command_option command_line_global_options[] = {
    [GLOBAL_NAME] = {"name", "NAME", COMMAND_TEXT, "-n: the mount whose policy is /etc/dossierfs/NAME.ini"},
    [GLOBAL_STORE] = {"store", "STORE", COMMAND_TEXT, "-s: the store's directory"},
    [GLOBAL_POLICY] = {"policy", "POLICY", COMMAND_TEXT, "-p: the policy's file"},
    [GLOBAL_KEY_FILE] = {"key-file", "FILE", COMMAND_TEXT, "-k: open the store with this key file"},
    [GLOBAL_PASSPHRASE] = {"passphrase-file", "FILE|-", COMMAND_TEXT,
                           "open it with the passphrase in FILE (its first line)"},
    [GLOBAL_CONTROL] = {"control", "SOCKET", COMMAND_TEXT, "where the daemon listens, if not at the usual place"},
    [GLOBAL_HELP] = {"help", NULL, COMMAND_TEXT, "-h: this text, or that of a command"},
    [GLOBAL_VERSION] = {"version", NULL, COMMAND_TEXT, "-V: the version"},
    {0},
};

struct reading {
    int argc, at;
    const char *const *argv;
    bool in_daemon;
    struct command_line *line;
    char *message; /* 256 bytes */
};

static int fault(struct reading *reading, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fault(struct reading *reading, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reading->message, 256, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int find_option(const struct command_option *options, const char *name, size_t name_bytes)
{
    for (int i = 0; options && options[i].name; i++)
        if (strlen(options[i].name) == name_bytes && memcmp(options[i].name, name, name_bytes) == 0)
            return i;
    return -1;
}

static int unknown_option(struct reading *reading, const char *name, size_t name_bytes)
{
    const struct command *command = reading->line->command;
    const struct command_option *lists[2] = {command ? command->options : NULL, command_line_global_options};
    char word[64], of[80] = "";
    struct suggest suggest;

    snprintf(word, sizeof word, "%.*s", (int)name_bytes, name);
    suggest_init(&suggest, word);
    for (int i = 0; i < 2; i++)
        for (const struct command_option *option = lists[i]; option && option->name; option++)
            suggest_consider(&suggest, option->name);
    if (command) {
        char command_name[64];

        commands_name(command, command_name);
        snprintf(of, sizeof of, " of %s", command_name);
    }
    return fault(reading, "unknown option --%s%s%s%s%s", word, of, suggest.nearest ? "; did you mean --" : "",
                 suggest.nearest ? suggest.nearest : "", suggest.nearest ? "?" : "");
}

static const char **global_place(struct command_line_globals *globals, int option)
{
    switch (option) {
    case GLOBAL_NAME:
        return &globals->name;
    case GLOBAL_STORE:
        return &globals->store;
    case GLOBAL_POLICY:
        return &globals->policy;
    case GLOBAL_KEY_FILE:
        return &globals->key_file;
    case GLOBAL_PASSPHRASE:
        return &globals->passphrase_file;
    default:
        return &globals->control;
    }
}

/* Stores the value (given with '=', or the next word) at `place`. */
static int take_value(struct reading *reading, const struct command_option *option, const char *value,
                      const char **place)
{
    if (*place)
        return fault(reading, "--%s is given twice", option->name);
    if (!option->value) {
        if (value)
            return fault(reading, "--%s takes no value", option->name);
        *place = "";
        return 0;
    }
    if (!value) {
        if (reading->at >= reading->argc)
            return fault(reading, "--%s needs a value: --%s %s", option->name, option->name, option->value);
        value = reading->argv[reading->at++];
    }
    if (value[0] == '\0')
        return fault(reading, "the value of --%s is empty", option->name);
    *place = value;
    return 0;
}

static int take_global(struct reading *reading, int option, const char *value)
{
    struct command_line_globals *globals = &reading->line->globals;

    if (option == GLOBAL_HELP || option == GLOBAL_VERSION) {
        if (value)
            return fault(reading, "--%s takes no value", command_line_global_options[option].name);
        *(option == GLOBAL_HELP ? &globals->help : &globals->version) = true;
        return 0;
    }
    return take_value(reading, &command_line_global_options[option], value, global_place(globals, option));
}

static int take_long(struct reading *reading, const char *word)
{
    struct command_line *line = reading->line;
    const char *equals = strchr(word, '='), *value = equals ? equals + 1 : NULL;
    size_t name_bytes = equals ? (size_t)(equals - word) : strlen(word);
    int option = find_option(line->command ? line->command->options : NULL, word, name_bytes);

    if (option >= 0)
        return take_value(reading, &line->command->options[option], value, &line->option_text[option]);
    option = find_option(command_line_global_options, word, name_bytes);
    if (option < 0)
        return unknown_option(reading, word, name_bytes);
    if (reading->in_daemon)
        return fault(reading, "--%s has no place in a request to the daemon",
                     command_line_global_options[option].name);
    return take_global(reading, option, value);
}

/* The option whose help begins with its letter. */
static int find_letter(const struct command_option *options, char letter)
{
    for (int i = 0; options && options[i].name; i++)
        if (options[i].help[0] == '-' && options[i].help[1] == letter && options[i].help[2] == ':')
            return i;
    return -1;
}

static int take_short(struct reading *reading, const char *word)
{
    struct command_line *line = reading->line;
    const char *value = word[1] ? word + 1 : NULL;
    int option = find_letter(line->command ? line->command->options : NULL, word[0]);

    if (option >= 0)
        return take_value(reading, &line->command->options[option], value, &line->option_text[option]);
    option = find_letter(command_line_global_options, word[0]);
    if (option < 0 || reading->in_daemon)
        return fault(reading, "unknown option -%.1s (see dossier --help)", word);
    return take_global(reading, option, value);
}

/* The words that are no options: those of the command, then its arguments. */
static int take_word(struct reading *reading, const char *word)
{
    struct command_line *line = reading->line;
    char name[64];

    commands_name(line->command, name);
    if (line->argument_count >= line->command->max_arguments)
        return fault(reading, "%s takes %s%s; \"%.60s\" is too much (see dossier %s --help)", name,
                     line->command->arguments[0] ? "only " : "no arguments", line->command->arguments, word, name);
    line->argument_text[line->argument_count++] = word;
    return 0;
}

/* A noun alone is no command, but its help can be asked for: `log --help`, `help log`. */
static bool take_noun_help(struct reading *reading)
{
    const char *noun = reading->argv[reading->at], *next = NULL;
    bool help = reading->line->globals.help;

    if (reading->at + 1 < reading->argc)
        next = reading->argv[reading->at + 1];
    if (reading->in_daemon || !commands_has_verbs(noun) || (next && next[0] != '-'))
        return false;
    for (int i = reading->at + 1; i < reading->argc; i++)
        help |= strcmp(reading->argv[i], "--help") == 0 || strcmp(reading->argv[i], "-h") == 0;
    if (!help)
        return false;
    reading->line->globals.help = true;
    reading->line->help_noun = noun;
    reading->at = reading->argc;
    return true;
}

static int take_command(struct reading *reading)
{
    struct command_line *line = reading->line;
    bool help = !reading->in_daemon && strcmp(reading->argv[reading->at], "help") == 0;
    int used = 0;

    if (help) {
        line->globals.help = true;
        if (++reading->at >= reading->argc)
            return 0;
    }
    if (take_noun_help(reading))
        return 0;
    line->command = commands_find(reading->argc - reading->at, reading->argv + reading->at, &used, reading->message);
    if (!line->command)
        return -EINVAL;
    reading->at += used;
    return 0;
}

static int take_all(struct reading *reading)
{
    bool options_end = false;
    int result = 0;

    while (reading->at < reading->argc && result == 0) {
        const char *word = reading->argv[reading->at];

        if (!options_end && strcmp(word, "--") == 0) {
            options_end = true;
            reading->at++;
        } else if (!options_end && word[0] == '-' && word[1]) {
            reading->at++;
            result = word[1] == '-' ? take_long(reading, word + 2) : take_short(reading, word + 1);
        } else if (!reading->line->command) {
            result = take_command(reading);
        } else {
            reading->at++;
            result = take_word(reading, word);
        }
    }
    return result;
}

int command_line_parse(int argc, const char *const *argv, bool in_daemon, struct command_line *line,
                       char message[static 256])
{
    struct command_line draft = {0};
    struct reading reading = {.argc = argc, .argv = argv, .in_daemon = in_daemon, .line = &draft, .message = message};
    struct command_line_file files[COMMAND_MAX_FILES];
    unsigned standard_inputs = 0;
    char name[64];
    int result = take_all(&reading);

    draft.help = draft.globals.help;
    draft.version = draft.globals.version;
    draft.help_on = draft.command;
    if (result < 0)
        return result;
    if (draft.help || draft.version) {
        *line = draft;
        return 0;
    }
    if (!draft.command)
        return fault(&reading, "no command given (see dossier --help)");
    commands_name(draft.command, name);
    if (draft.argument_count < draft.command->min_arguments)
        return fault(&reading, "%s needs %s (see dossier %s --help)", name, draft.command->arguments, name);
    for (unsigned i = command_line_files(&draft, files); i-- > 0;)
        standard_inputs += files[i].file == COMMAND_READ && strcmp(files[i].path, "-") == 0;
    if (draft.globals.passphrase_file && strcmp(draft.globals.passphrase_file, "-") == 0)
        standard_inputs++;
    if (standard_inputs > 1)
        return fault(&reading, "only one file can be \"-\", standard input");
    *line = draft;
    return 0;
}

unsigned command_line_files(const struct command_line *line, struct command_line_file files[static COMMAND_MAX_FILES])
{
    const struct command *command = line->command;
    unsigned count = 0;

    for (int i = 0; command->options[i].name && count < COMMAND_MAX_FILES; i++)
        if (line->option_text[i] && command->options[i].file != COMMAND_TEXT)
            files[count++] = (struct command_line_file){
                .file = command->options[i].file, .path = line->option_text[i], .option = i, .argument = -1};
    for (unsigned i = 0; i < line->argument_count && count < COMMAND_MAX_FILES; i++)
        if (command->arguments_are != COMMAND_TEXT)
            files[count++] = (struct command_line_file){
                .file = command->arguments_are, .path = line->argument_text[i], .option = -1, .argument = (int)i};
    return count;
}

/* ---- help ----------------------------------------------------------------------------------------------------- */

static void print_options(FILE *out, const struct command_option *options)
{
    for (; options->name; options++) {
        char left[64];

        snprintf(left, sizeof left, "--%s%s%s", options->name, options->value ? " " : "",
                 options->value ? options->value : "");
        fprintf(out, "  %-26s %s\n", left, options->help);
    }
}

void command_line_help(FILE *out)
{
    fputs("usage: dossier [-n NAME | -s STORE -p POLICY] [options] NOUN [VERB] [options] [arguments]\n\n"
          "commands:\n",
          out);
    for (const struct command *command = commands_table; command->noun; command++) {
        char name[64];

        commands_name(command, name);
        fprintf(out, "  %-26s %s\n", name, command->help);
    }
    fprintf(out, "  %-26s %s\n", "help [NOUN [VERB]]", "this text, or that of a command");
    fputs("\noptions of every command:\n", out);
    print_options(out, command_line_global_options);
    fputs("\nExit code: 0 done, 1 refused or faults found, 2 wrong usage or it can't be done.\n"
          "`dossier NOUN VERB --help` tells more; the manual is dossier(1).\n",
          out);
}

void command_line_help_noun(FILE *out, const char *noun)
{
    fprintf(out, "usage: dossier [-n NAME | -s STORE -p POLICY] %s VERB [options] [arguments]\n\ncommands:\n", noun);
    for (const struct command *command = commands_table; command->noun; command++) {
        char name[64];

        if (strcmp(command->noun, noun) != 0)
            continue;
        commands_name(command, name);
        fprintf(out, "  %-26s %s\n", name, command->help);
    }
    fprintf(out, "\n`dossier %s VERB --help` tells more; the manual is dossier(1).\n", noun);
}

void command_line_help_on(FILE *out, const struct command *command)
{
    char name[64];

    commands_name(command, name);
    fprintf(out, "usage: dossier [-n NAME | -s STORE -p POLICY] %s%s%s%s\n\n  %s\n", name,
            command->options->name ? " [options]" : "", command->arguments[0] ? " " : "", command->arguments,
            command->help);
    if (command->options->name) {
        fputs("\noptions:\n", out);
        print_options(out, command->options);
    }
    if (command->more)
        fprintf(out, "\n%s", command->more);
}
