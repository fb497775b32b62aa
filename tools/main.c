/* dossier, the command: global options, then either the daemon runs the command, or this process does. */
#include <errno.h>
#include <grp.h>
#include <locale.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/gate/clock.h"
#include "tools/files.h"
#include "tools/place.h"
#include "tools/remote.h"
#include "tools/secret.h"

static volatile sig_atomic_t stop_signal;

static void on_stop(int number)
{
    stop_signal = number;
}

static bool was_stopped(const void *context)
{
    (void)context;
    return stop_signal != 0;
}

/* A key must not reach a core file or a debugger of the same user, and a reader that left is an error, not a death that
 * leaves a batch to be taken back. */
static void harden(void)
{
    struct rlimit none = {0, 0};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, stop = {.sa_handler = on_stop};
    const int stops[] = {SIGINT, SIGTERM, SIGHUP};

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    sigaction(SIGPIPE, &ignore, NULL);
    for (unsigned i = 0; i < sizeof stops / sizeof *stops; i++)
        sigaction(stops[i], &stop, NULL);
}

/* For what leaves nothing half done: the first Ctrl-C ends it. */
static void usual_signals(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
}

static unsigned terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* ---- in this process ------------------------------------------------------------------------------------------ */

static int read_secret(const struct command_line_globals *globals, const struct policy *policy, struct buffer *bytes,
                       struct store_secret *secret)
{
    const char *key_file = globals->key_file;
    int result;

    if (key_file && globals->passphrase_file) {
        fputs("dossier: one key opens the store: --key-file or --passphrase-file\n", stderr);
        return -EINVAL;
    }
    if (!key_file && !globals->passphrase_file && policy->mount.key_file[0])
        key_file = policy->mount.key_file;
    secret->type = key_file ? STORE_KEY_FILE : STORE_PASSPHRASE;
    if (key_file)
        result = secret_read_key_file(key_file, bytes, stderr);
    else if (globals->passphrase_file)
        result = secret_read_passphrase(globals->passphrase_file, bytes, stderr);
    else
        result = secret_ask_passphrase("Passphrase of the store", bytes, stderr);
    if (result == -ENOENT && key_file)
        fprintf(stderr, "dossier: there is no key file %s\n", key_file);
    secret->bytes = bytes->bytes;
    secret->length_bytes = bytes->length_bytes;
    return result;
}

/* Root becomes the store's owner while the store is open, as the daemon does: what root wrote, the daemon could not open
 * afterwards. */
static int become_owner(const char *store)
{
    struct stat status;

    if (geteuid() != 0)
        return 0;
    if (stat(store, &status) < 0) {
        fprintf(stderr, "dossier: the store %s can't be reached: %s\n", store, strerror(errno));
        return -1;
    }
    if (status.st_uid == 0)
        return 0;
    if (setgroups(0, NULL) < 0 || setegid(status.st_gid) < 0 || seteuid(status.st_uid) < 0) {
        fprintf(stderr, "dossier: can't become the owner of the store: %s\n", strerror(errno));
        return -1;
    }
    prctl(PR_SET_DUMPABLE, 0); /* the change of user set it again */
    return 0;
}

/* The files of the command line are root's again. If this fails, an empty file may stay. */
static void become_oneself(void)
{
    if (geteuid() != getuid() && (seteuid(getuid()) < 0 || setegid(getgid()) < 0))
        fprintf(stderr, "dossier: can't become root again: %s\n", strerror(errno));
}

static int run_behind_gate(const struct command_line *line, struct place *place, struct command_context *context)
{
    struct gate_options options = {.store = place->store};
    struct gate_person person = {0};
    struct buffer bytes = BUFFER_EMPTY;
    struct gate *gate = NULL;
    struct report_why why = {""};
    int code = COMMAND_CANNOT;

    if (clock_set_zone(place->policy->timezone, &why) < 0) {
        fprintf(stderr, "dossier: %s\n", why.text);
        goto out;
    }
    if (gate_person_look_up(getuid(), getpid(), &person) < 0) {
        fputs("dossier: who you are can't be looked up now (NSS)\n", stderr);
        goto out;
    }
    if (read_secret(&line->globals, place->policy, &bytes, &options.secret) < 0 || become_owner(place->store) < 0)
        goto out;
    options.policy = place->policy;
    if (gate_open(&options, &gate, &why) < 0) {
        fprintf(stderr, "dossier: %s\n", why.text);
        goto out;
    }
    place->policy = options.policy; /* the gate's now */
    buffer_clear(&bytes);
    context->gate = gate;
    context->person = &person;
    code = line->command->run(context);
out:
    context->gate = NULL;
    context->person = NULL;
    gate_close(gate);
    become_oneself();
    gate_person_clear(&person);
    buffer_clear(&bytes);
    return code;
}

static int run_local(const struct command_line *line, struct place *place, struct command_context *context)
{
    const struct command_line_globals *globals = &line->globals;

    if (globals->name && line->command->place != COMMAND_NAMED && place_load(globals, place, stderr) != COMMAND_DONE)
        return COMMAND_CANNOT;
    context->place = (struct command_place_names){.store = place->store,
                                                  .policy = place->policy_path[0] ? place->policy_path : NULL,
                                                  .key_file = globals->key_file,
                                                  .passphrase_file = globals->passphrase_file};
    if (!globals->key_file && !globals->passphrase_file && place->policy && place->policy->mount.key_file[0])
        context->place.key_file = place->policy->mount.key_file;
    if (line->command->run != init_run && line->command->run != policy_edit_run)
        usual_signals();
    return line->command->run(context);
}

/* ---- here or there -------------------------------------------------------------------------------------------- */

static int run_remote(const struct command_line *line, const struct place *place, const struct files *files,
                      const struct command_context *context, int socket)
{
    struct remote remote = {.socket = socket,
                            .line = line,
                            .files = files,
                            .store = place->store,
                            .out_is_terminal = context->out_is_terminal,
                            .error_is_terminal = context->error_is_terminal,
                            .columns = context->columns};

    /* Nothing of ours needs to be closed in order; the daemon sees the socket end and takes back what was half done. */
    usual_signals();
    return remote_run(&remote, stderr);
}

static int run_gate_command(const struct command_line *line, struct place *place, struct command_context *context)
{
    const struct command_line_globals *globals = &line->globals;
    struct files files = {0};
    int socket = -ENOENT, code = COMMAND_CANNOT;

    if (!globals->control && !place->name[0]) {
        fputs("dossier: which mount? -n NAME, or -s STORE -p POLICY\n", stderr);
        return COMMAND_CANNOT;
    }
    if (files_open(line, &files, stderr) != COMMAND_DONE)
        return COMMAND_CANNOT;
    socket = remote_connect(globals->control, place->name, place->store, stderr);
    if (socket >= 0) {
        code = run_remote(line, place, &files, context, socket);
        close(socket);
    } else if (socket == -ENOENT && globals->control && !place->policy_path[0]) {
        fprintf(stderr, "dossier: no daemon answers on %s\n", globals->control);
    } else if (socket == -ENOENT && place_load(globals, place, stderr) == COMMAND_DONE) {
        if (place->store) {
            files_hand_over(&files, context);
            code = run_behind_gate(line, place, context);
        } else {
            fputs("dossier: which store? -s STORE, or `store` in [mount] of the policy\n", stderr);
        }
    }
    return files_close(&files, code, stderr);
}

static int run(const struct command_line *line)
{
    struct command_context context = {.command = line->command,
                                      .out = stdout,
                                      .error = stderr,
                                      .out_is_terminal = isatty(STDOUT_FILENO),
                                      .error_is_terminal = isatty(STDERR_FILENO),
                                      .columns = terminal_columns(),
                                      .argument_count = line->argument_count,
                                      .stopped = was_stopped};
    struct place place;
    int code;

    memcpy(context.option_text, line->option_text, sizeof context.option_text);
    memcpy(context.argument_text, line->argument_text, sizeof context.argument_text);
    code = place_name(&line->globals, &place, stderr);
    if (code == COMMAND_DONE)
        code = commands_place(line->command, line->option_text) == COMMAND_GATE
                   ? run_gate_command(line, &place, &context)
                   : run_local(line, &place, &context);
    place_clear(&place);
    return code;
}

/* Output that didn't arrive is no success. A reader that left (`| head`) knows why. */
static int finish(int code, char *room, size_t room_bytes)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno != EPIPE && errno != 0)
            fprintf(stderr, "dossier: the output can't be written: %s\n", strerror(errno));
        code = COMMAND_CANNOT;
    }
    explicit_bzero(room, room_bytes);
    return code;
}

int main(int argc, char **argv)
{
    static char room[BUFSIZ * 4];
    struct command_line line;
    char message[256];
    int code = COMMAND_DONE;

    setlocale(LC_CTYPE, "");
    harden();
    setvbuf(stdout, room, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, sizeof room);
    report_open(REPORT_STDERR, "dossier");
    if (sodium_init() < 0) {
        fputs("dossier: the cryptography library does not start\n", stderr);
        return COMMAND_CANNOT;
    }
    if (command_line_parse(argc - 1, (const char *const *)argv + 1, false, &line, message) < 0) {
        fprintf(stderr, "dossier: %s\n", message);
        return COMMAND_CANNOT;
    }
    if (line.version)
        puts("dossier " DOSSIERFS_VERSION);
    else if (line.help && line.help_on)
        command_line_help_on(stdout, line.help_on);
    else if (line.help && line.help_noun)
        command_line_help_noun(stdout, line.help_noun);
    else if (line.help)
        command_line_help(stdout);
    else
        code = run(&line);
    return finish(code, room, sizeof room);
}
