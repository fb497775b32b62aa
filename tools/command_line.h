/* command_line: words into options and arguments, strictly: long options only (`--name value`, `--name=value`), `--` ends
 * them, an option twice is a fault. What --help prints is here too. */
#ifndef DOSSIERFS_TOOLS_COMMAND_LINE_H
#define DOSSIERFS_TOOLS_COMMAND_LINE_H

#include "tools/commands.h"

/* The global options, before or behind the command's words. */
struct command_line_globals {
    const char *name;   /* -n, --name */
    const char *store;  /* -s, --store */
    const char *policy; /* -p, --policy */
    const char *key_file, *passphrase_file, *control;
    bool help, version;
};
extern const struct command_option command_line_global_options[]; /* ends with name NULL */

struct command_line {
    const struct command *command; /* NULL: --help or --version, or `help` alone */
    const struct command *help_on; /* `help NOUN VERB`, or --help behind a command; NULL: help on all, or on: */
    const char *help_noun;         /* a noun without its verb; NULL: none */
    bool help, version;
    struct command_line_globals globals;
    const char *option_text[COMMAND_MAX_OPTIONS];
    unsigned argument_count;
    const char *argument_text[COMMAND_MAX_ARGUMENTS];
};

/* Strings stay the caller's. `in_daemon`: global options and help are faults. 0, or -EINVAL with a line for the person in
 * `message`. */
int command_line_parse(int argc, const char *const *argv, bool in_daemon, struct command_line *line,
                       char message[static 256]);

/* The files that a command line names, in one order for frontend and daemon: options in the table's order, then arguments. */
struct command_line_file {
    enum command_file file;
    const char *path;
    int option;   /* place of the option, or -1 */
    int argument; /* place of the argument, or -1 */
};
unsigned command_line_files(const struct command_line *line,
                            struct command_line_file files[static COMMAND_MAX_FILES]);

void command_line_help(FILE *out);
/* The verbs of a noun. */
void command_line_help_noun(FILE *out, const char *noun);
void command_line_help_on(FILE *out, const struct command *command);

#endif
