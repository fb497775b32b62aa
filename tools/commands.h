/* commands: the table of what `dossier` can do, and what a command is given to do it.
 *
 * A command is a function like a small program: it gets streams, its options and arguments, perhaps a gate and a person,
 * and returns an exit code. It never exits, never touches stdin, stdout or stderr, and opens no path if it may run in the
 * daemon (COMMAND_GATE): the frontend opens what the command line names and passes streams. --help, the daemon's check of
 * what it may run, and the test of the manual come from this table. */
#ifndef DOSSIERFS_TOOLS_COMMANDS_H
#define DOSSIERFS_TOOLS_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "fs/gate/gate.h"

enum command_exit { COMMAND_DONE = 0, COMMAND_FAULTS = 1, COMMAND_CANNOT = 2 };

/* What an option's value or an argument is, besides text. A file to read may be "-": standard input. A file to write is
 * made new, readable by its owner alone, and taken away again if nothing was written to it. */
enum command_file { COMMAND_TEXT, COMMAND_READ, COMMAND_WRITE };

struct command_option {
    const char *name;  /* without the dashes; NULL ends a list */
    const char *value; /* what stands for the value in --help ("KIND"); NULL: a switch */
    enum command_file file;
    const char *help; /* beginning with "-x: ": the option has this letter too */
};

enum {
    COMMAND_MAX_OPTIONS = 16,
    COMMAND_MAX_ARGUMENTS = 4,
    COMMAND_MAX_FILES = 6, /* that one command line names */
};

enum command_place {
    COMMAND_LOCAL, /* always in the process of the frontend; may open paths */
    COMMAND_NAMED, /* the same, for one that deals with a policy's file: what is in it is not looked at before, it may be faulty */
    COMMAND_GATE,   /* behind a gate: in the daemon if one runs, else in the frontend */
    COMMAND_EITHER, /* COMMAND_GATE if the first of its options is given, else COMMAND_LOCAL */
};

struct command_context;

struct command {
    const char *noun, *verb; /* verb NULL: the noun is the whole command */
    int (*run)(struct command_context *context);
    enum command_place place;
    const char *help;      /* one line */
    const char *arguments; /* as in --help: "FILE.csv|-"; "" */
    unsigned min_arguments, max_arguments;
    enum command_file arguments_are;
    const struct command_option *options;
    const char *more; /* further lines for --help, each with its line end; NULL */
};

/* Where the command works, as the global options say; for local commands. */
struct command_place_names {
    const char *store;  /* path; NULL: not given */
    const char *policy; /* path; NULL: not given */
    const char *key_file, *passphrase_file;
};

struct command_context {
    const struct command *command;
    FILE *out, *error;
    bool out_is_terminal, error_is_terminal;
    unsigned columns;                             /* of the terminal; 0: not known */
    const char *option_text[COMMAND_MAX_OPTIONS]; /* by place in command->options; NULL: not given; "" for a switch */
    FILE *option_stream[COMMAND_MAX_OPTIONS];     /* for COMMAND_READ and COMMAND_WRITE */
    unsigned argument_count;
    const char *argument_text[COMMAND_MAX_ARGUMENTS];
    FILE *argument_stream[COMMAND_MAX_ARGUMENTS];
    struct gate *gate; /* COMMAND_GATE */
    const struct gate_person *person;
    struct command_place_names place;     /* COMMAND_LOCAL */
    bool (*stopped)(const void *context); /* true: end soon; nothing half done stays */
    const void *stopped_context;
};

extern const struct command commands_table[]; /* ends with noun NULL */

/* The command of `noun verb`; *used is how many of the words were its name. NULL: *message is a line for the person, with
 * "did you mean"; into `message`. */
const struct command *commands_find(int word_count, const char *const *words, int *used, char message[static 256]);
/* Is it a noun that is a command only with a verb? */
bool commands_has_verbs(const char *noun);
/* Where it works with these options: never COMMAND_EITHER. */
enum command_place commands_place(const struct command *command, const char *const *option_text);
/* "import", "log show". */
void commands_name(const struct command *command, char name[static 64]);

/* Of a running command: the value of an option (NULL: not given), the switch, the stream of a file. The name must be in the
 * table. */
const char *commands_option(const struct command_context *context, const char *name);
FILE *commands_option_stream(const struct command_context *context, const char *name);
bool commands_stopped(const struct command_context *context);
/* "dossier: " and one line to the error stream; answers COMMAND_CANNOT. */
int commands_cannot(const struct command_context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The subcommands, one file each. */
int fact_end_run(struct command_context *context);
int fact_list_run(struct command_context *context);
int fact_review_run(struct command_context *context);
int fact_set_run(struct command_context *context);
int init_run(struct command_context *context);
int import_run(struct command_context *context);
int policy_check_run(struct command_context *context);
int policy_diff_run(struct command_context *context);
int policy_edit_run(struct command_context *context);
int policy_explain_run(struct command_context *context);
int policy_matrix_run(struct command_context *context);
int policy_never_run(struct command_context *context);
int policy_register_run(struct command_context *context);
int policy_statement_run(struct command_context *context);
int log_breach_run(struct command_context *context);
int policy_replay_run(struct command_context *context);
int policy_versions_run(struct command_context *context);
int policy_test_run(struct command_context *context);
int log_checkpoint_run(struct command_context *context);
int log_did_run(struct command_context *context);
int log_expire_run(struct command_context *context);
int log_export_run(struct command_context *context);
int log_prove_run(struct command_context *context);
int log_report_run(struct command_context *context);
int log_send_run(struct command_context *context);
int log_show_run(struct command_context *context);
int log_unusual_run(struct command_context *context);
int log_verify_run(struct command_context *context);
int log_who_saw_run(struct command_context *context);
int status_run(struct command_context *context);

#endif
