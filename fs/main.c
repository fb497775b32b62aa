/* dossierfs, the daemon: options and start-up order.
 *
 * In this order: options; the policy, whole or not at all; the mount point; the key; the control socket; then the keeper forks
 * the daemon, which gives up its rights, opens the store, asks for the mount and serves. Nothing is changed before all of it
 * was checked. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/gate/control.h"
#include "fs/gate/gate.h"
#include "fs/mount/keeper.h"
#include "fs/mount/reloader.h"
#include "fs/mount/session.h"
#include "tools/place.h"
#include "tools/secret.h"
#include "tools/serve.h"

/* Who unmounts and mounts again at once meets the old daemon at its end: it is given this long. */
enum { EXIT_CANT = 2, PATIENCE_MS = 3000, TRY_EACH_MS = 50 };

struct start {
    bool foreground, allow_other, no_allow_other;
    enum log_durability log_durability;
    char name[64];
    const char *source, *mountpoint, *store, *policy_path, *key_file, *passphrase_file, *control_path;
    char policy_file[4096], policy_watched[PATH_MAX], socket_path[CONTROL_PATH_BYTES], store_path[PATH_MAX];
    struct policy *policy;
    struct buffer policy_text;
    uint32_t policy_owner;
    struct buffer secret;
    enum store_secret_type secret_type;
    struct keeper_options keeper;
    int control_fd;
    int ready_fd; /* the launcher waits here; -1 in the foreground */
};

static const char the_help[] =
    "Usage: dossierfs [options] NAME\n"
    "       dossierfs [options] -s STORE -p POLICY MOUNTPOINT\n"
    "       mount -t fuse.dossierfs -o policy=POLICY,key-file=FILE STORE MOUNTPOINT\n"
    "\n"
    "Mounts a store of dossiers under a policy. NAME stands for /etc/dossierfs/NAME.ini, whose [mount]\n"
    "section says the rest.\n"
    "\n"
    "  -s, --store STORE            the store's directory\n"
    "  -p, --policy POLICY          the policy's file\n"
    "  -k, --key-file FILE          opens the store with a key file\n"
    "      --passphrase-file FILE   opens it with the first line of a file (- for standard input)\n"
    "      --control SOCKET         where the command dossier reaches this daemon\n"
    "                               (default /run/dossierfs/NAME.sock)\n"
    "      --log-durability WHAT    power (default): an entry of the log outlives a loss of power before\n"
    "                               anything is shown; crash: only the end of the daemon\n"
    "      --private                only the user who mounts may enter the mount\n"
    "  -f, --foreground             stay in the foreground, messages to standard error\n"
    "  -o OPTIONS                   as mount(8) gives them: store=, policy=, key-file=, passphrase-file=,\n"
    "                               control=, log-durability=, private; ro, nosuid, nodev, noexec are always on\n"
    "  -h, --help                   this text\n"
    "  -V, --version                the version\n"
    "\n"
    "Without a key option the passphrase is asked for on the terminal.\n"
    "Exit status: 0 mounted (or, in the foreground, ended as asked), 1 the daemon died, 2 it could not start.\n";

/* ---- options ------------------------------------------------------------------------------------------------------- */

static int usage(const char *what, const char *which)
{
    fprintf(stderr, "dossierfs: %s%s; see dossierfs --help\n", what, which);
    return -EINVAL;
}

static int take_log_durability(struct start *start, const char *word)
{
    if (strcmp(word, "power") != 0 && strcmp(word, "crash") != 0)
        return usage("--log-durability is power or crash, not ", word);
    start->log_durability = word[0] == 'p' ? LOG_DURABLE_POWER : LOG_DURABLE_CRASH;
    return 0;
}

/* One of the words after -o. Words for the kernel that hold anyway, or that mount(8) keeps for itself, are passed over, and so
 * are dev and suid, which mount.fuse3 adds unasked; none of them changes what the mount gives. */
static int take_mount_option(struct start *start, char *word)
{
    static const char *const passed_over[] = {"ro",      "rw",          "nosuid", "nodev",  "noexec",  "auto",
                                              "noauto",  "nofail",      "user",   "nouser", "_netdev", "relatime",
                                              "noatime", "allow_other", "dev",    "suid"};
    char *value = strchr(word, '=');

    if (value)
        *value++ = '\0';
    if (strcmp(word, "private") == 0 && !value) {
        start->no_allow_other = true;
        return 0;
    }
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over && !value; i++)
        if (strcmp(word, passed_over[i]) == 0)
            return 0;
    if (strncmp(word, "x-", 2) == 0 || strcmp(word, "comment") == 0 || word[0] == '\0')
        return 0;
    if (value && strcmp(word, "store") == 0)
        start->store = value;
    else if (value && strcmp(word, "policy") == 0)
        start->policy_path = value;
    else if (value && strcmp(word, "key-file") == 0)
        start->key_file = value;
    else if (value && strcmp(word, "passphrase-file") == 0)
        start->passphrase_file = value;
    else if (value && strcmp(word, "control") == 0)
        start->control_path = value;
    else if (value && strcmp(word, "log-durability") == 0)
        return take_log_durability(start, value);
    else
        return usage("unknown mount option ", word);
    return 0;
}

static int take_mount_options(struct start *start, char *words)
{
    char *rest = words, *word;
    int error = 0;

    while (!error && (word = strsep(&rest, ",")))
        error = take_mount_option(start, word);
    return error;
}

static int take_operands(struct start *start, int count, char **operands)
{
    if (count > 2)
        return usage("too many operands: ", operands[2]);
    if (count == 2) {
        start->source = operands[0];
        start->mountpoint = operands[1];
        /* As mount(8) says it: a store's path, or the name of a mount. */
        if (!start->store && strchr(operands[0], '/'))
            start->store = operands[0];
    } else if (count == 1 && (start->policy_path || start->store)) {
        start->mountpoint = operands[0];
    } else if (count == 1) {
        start->source = operands[0];
    }
    if (!start->policy_path && (!start->source || strchr(start->source, '/')))
        return usage("which policy? NAME, or -s STORE -p POLICY MOUNTPOINT", "");
    if (start->key_file && start->passphrase_file)
        return usage("one key opens the store: --key-file or --passphrase-file", "");
    return 0;
}

/* 0: go on; 1: done, exit 0; negative: usage. */
static int read_options(struct start *start, int argc, char **argv)
{
    static const struct option options[] = {{"store", required_argument, NULL, 's'},
                                            {"policy", required_argument, NULL, 'p'},
                                            {"key-file", required_argument, NULL, 'k'},
                                            {"passphrase-file", required_argument, NULL, 'P'},
                                            {"control", required_argument, NULL, 'C'},
                                            {"private", no_argument, NULL, 'O'},
                                            {"log-durability", required_argument, NULL, 'L'},
                                            {"foreground", no_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {NULL, 0, NULL, 0}};
    int letter;

    opterr = 0; /* one line, ours */
    while ((letter = getopt_long(argc, argv, "s:p:k:fo:hV", options, NULL)) >= 0) {
        switch (letter) {
        case 's':
            start->store = optarg;
            break;
        case 'p':
            start->policy_path = optarg;
            break;
        case 'k':
            start->key_file = optarg;
            break;
        case 'P':
            start->passphrase_file = optarg;
            break;
        case 'C':
            start->control_path = optarg;
            break;
        case 'L':
            if (take_log_durability(start, optarg) < 0)
                return -EINVAL;
            break;
        case 'O':
            start->no_allow_other = true;
            break;
        case 'f':
            start->foreground = true;
            break;
        case 'o':
            if (take_mount_options(start, optarg) < 0)
                return -EINVAL;
            break;
        case 'h':
            fputs(the_help, stdout);
            return 1;
        case 'V':
            puts("dossierfs " DOSSIERFS_VERSION);
            return 1;
        default:
            return usage("no such option, or its value is missing: ", argv[optind - 1]);
        }
    }
    return take_operands(start, argc - optind, argv + optind);
}

/* ---- start-up -------------------------------------------------------------------------------------------------------- */

static int load_policy(struct start *start)
{
    const char *name = start->policy_path ? NULL : start->source;

    if (control_name(name, start->policy_path, start->name) < 0)
        return usage("that is no name of a mount: ", start->policy_path ? start->policy_path : start->source);
    if (start->policy_path)
        snprintf(start->policy_file, sizeof start->policy_file, "%s", start->policy_path);
    else
        snprintf(start->policy_file, sizeof start->policy_file, "/etc/dossierfs/%s.ini", start->name);
    if (place_read_policy_text(start->policy_file, &start->policy, &start->policy_text, &start->policy_owner,
                               stderr) != 0)
        return -EINVAL;
    if (!start->store && start->policy->mount.store[0])
        start->store = start->policy->mount.store;
    if (!start->mountpoint && start->policy->mount.mountpoint[0])
        start->mountpoint = start->policy->mount.mountpoint;
    if (!start->key_file && !start->passphrase_file && start->policy->mount.key_file[0])
        start->key_file = start->policy->mount.key_file;
    if (!start->store || !start->mountpoint)
        return usage(start->store ? "where? a mount point is missing" : "which store? -s STORE", "");
    return 0;
}

/* The daemon runs as the store's owner: the store needs no other right than its own. */
static int find_user(struct start *start)
{
    struct stat store;

    if (stat(start->store, &store) < 0 || !S_ISDIR(store.st_mode)) {
        report(REPORT_ERROR, "there is no store %s: %s", start->store, errno ? strerror(errno) : "not a directory");
        return -ENOENT;
    }
    if (!realpath(start->store, start->store_path)) {
        report(REPORT_ERROR, "the store %s can't be reached: %s", start->store, strerror(errno));
        return -errno;
    }
    if (geteuid() == 0 && store.st_uid == 0) {
        report(REPORT_ERROR,
               "the store %s belongs to root, and the daemon runs as the store's owner, never as root: "
               "chown -R it to an unprivileged user",
               start->store);
        return -EPERM;
    }
    start->keeper.uid = store.st_uid;
    start->keeper.gid = store.st_gid;
    start->keeper.allow_other = geteuid() == 0 && !start->no_allow_other;
    start->keeper.source = start->source ? start->source : start->store;
    return 0;
}

static int read_secret(struct start *start)
{
    int error;

    start->secret_type = start->key_file ? STORE_KEY_FILE : STORE_PASSPHRASE;
    if (start->key_file)
        error = secret_read_key_file(start->key_file, &start->secret, stderr);
    else if (start->passphrase_file)
        error = secret_read_passphrase(start->passphrase_file, &start->secret, stderr);
    else
        error = secret_ask_passphrase("Passphrase of the store", &start->secret, stderr);
    if (error == -ENOENT && start->key_file)
        report(REPORT_ERROR, "there is no key file %s", start->key_file);
    return error;
}

/* As it was given, but absolute: in the background both processes leave the directory they were started in. */
static int make_absolute(const char *path, char *absolute, size_t absolute_bytes)
{
    char here[PATH_MAX] = "";
    int length;

    if (path[0] != '/' && !getcwd(here, sizeof here))
        return -errno;
    length = snprintf(absolute, absolute_bytes, "%s%s%s", here, here[0] ? "/" : "", path);
    return (size_t)length >= absolute_bytes ? -ENAMETOOLONG : 0;
}

static int listen_for_commands(struct start *start)
{
    struct report_why why = {""};
    int error = start->control_path
                    ? make_absolute(start->control_path, start->socket_path, sizeof start->socket_path)
                    : control_path(start->name, geteuid() == 0, start->socket_path);

    if (error == -ENOENT)
        return 0; /* an ordinary user without a runtime directory: the mount works, without commands */
    for (int waited_ms = 0; !error; waited_ms += TRY_EACH_MS) {
        error = control_listen(start->socket_path, &start->control_fd, &why);
        if (error != -EADDRINUSE || waited_ms >= PATIENCE_MS)
            break;
        poll(NULL, 0, TRY_EACH_MS);
        error = 0;
    }
    if (error)
        report(REPORT_ERROR, "%s", why.text[0] ? why.text : strerror(-error));
    return error;
}

/* ---- the daemon ------------------------------------------------------------------------------------------------------- */

/* In the background: neither the launcher's terminal and pipes nor its directory are ours to keep, since who waits for their
 * end would wait for ours. */
static void let_go(void)
{
    int none = open("/dev/null", O_RDWR | O_CLOEXEC);

    report_open(REPORT_SYSLOG, "dossierfs");
    if (chdir("/") < 0)
        report(REPORT_WARNING, "can't leave the directory: %s", strerror(errno));

    for (int fd = 0; fd < 3 && none >= 0; fd++)
        dup2(none, fd);
    if (none > 2)
        close(none);
}

static int serve(void *context, struct keeper_talk *talk)
{
    struct start *start = context;
    struct gate_options options = {
        .store = start->store_path,
        .policy = start->policy,
        .policy_text = {buffer_text(&start->policy_text), start->policy_text.length_bytes, start->policy_owner},
        .mountpoint = start->keeper.mountpoint,
        .mounted = true,
        .log_durability = start->log_durability};
    struct session_options session = {.keeper_fd = keeper_fd(talk), .stop_fd = keeper_stop_fd(talk)};
    struct control *control = NULL;
    struct reloader *reloader = NULL;
    struct gate *gate = NULL;
    struct report_why why = {""};
    int error;

    options.secret = (struct store_secret){start->secret_type, start->secret.bytes, start->secret.length_bytes};
    error = gate_open(&options, &gate, &why);
    for (int waited_ms = 0; error == -EBUSY && waited_ms < PATIENCE_MS; waited_ms += TRY_EACH_MS) {
        poll(NULL, 0, TRY_EACH_MS);
        error = gate_open(&options, &gate, &why);
    }
    buffer_clear(&start->secret);
    buffer_clear(&start->policy_text);
    if (!error) {
        start->policy = options.policy;
        error = keeper_request_mount(talk, &session.fuse_fd);
    }
    if (!error && start->control_fd >= 0)
        error = control_start(start->control_fd, tools_serve, gate, &control);
    if (!error) {
        if (!start->foreground)
            let_go();
        error = reloader_start(gate, talk, &reloader);
        if (!error)
            error = session_serve(gate, &session, &why);
    }
    if (error && why.text[0])
        report(REPORT_ERROR, "%s", why.text);
    reloader_stop(reloader);
    control_stop(control);
    gate_close(gate);
    return error ? EXIT_CANT : 0;
}

static void ready(void *context)
{
    struct start *start = context;

    buffer_clear(&start->secret); /* the daemon has its own copy, and wiped it */
    if (start->ready_fd < 0)
        return;
    if (write(start->ready_fd, "0", 1) != 1)
        report(REPORT_WARNING, "nobody waits for the mount");
    close(start->ready_fd);
    start->ready_fd = -1;
    let_go();
}

static int keep(struct start *start)
{
    int code;

    start->keeper.source = start->keeper.source ? start->keeper.source : "dossierfs";
    start->keeper.policy_file = start->policy_watched;
    code = keeper_run(&start->keeper, serve, ready, start);
    /* While this process holds it too, nobody can have put another one in its place. */
    if (start->control_fd >= 0)
        unlink(start->socket_path);
    return code;
}

/* In the background: this process waits until the mount serves, and a child becomes the keeper. */
static int launch(struct start *start)
{
    int pipe_fds[2];
    char word;
    pid_t pid;

    if (start->foreground)
        return keep(start);
    if (pipe2(pipe_fds, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
        report(REPORT_ERROR, "can't start: %s", strerror(errno));
        return EXIT_CANT;
    }
    if (pid == 0) {
        close(pipe_fds[0]);
        start->ready_fd = pipe_fds[1];
        setsid();
        _exit(keep(start));
    }
    close(pipe_fds[1]);
    buffer_clear(&start->secret);
    return read(pipe_fds[0], &word, 1) == 1 ? 0 : EXIT_CANT;
}

int main(int argc, char **argv)
{
    struct start start = {.control_fd = -1, .ready_fd = -1};
    struct rlimit no_core = {0, 0};
    struct report_why why = {""};
    int error, code = EXIT_CANT;

    report_open(REPORT_STDERR, "dossierfs");
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0) {
        report(REPORT_ERROR, "the cryptography library does not start");
        return EXIT_CANT;
    }
    error = read_options(&start, argc, argv);
    if (error)
        return error > 0 ? 0 : EXIT_CANT;
    error = load_policy(&start);
    if (!error) {
        error = make_absolute(start.policy_file, start.policy_watched, sizeof start.policy_watched);
        if (error)
            report(REPORT_ERROR, "the policy %s can't be reached: %s", start.policy_file, strerror(-error));
    }
    if (!error)
        error = find_user(&start);
    if (!error && keeper_check_mountpoint(start.mountpoint, start.keeper.mountpoint, &why) < 0) {
        report(REPORT_ERROR, "%s", why.text);
        error = -EINVAL;
    }
    if (!error)
        error = read_secret(&start);
    if (!error)
        error = listen_for_commands(&start);
    if (!error)
        code = launch(&start);
    buffer_clear(&start.secret);
    buffer_clear(&start.policy_text);
    policy_free(start.policy);
    return code;
}
