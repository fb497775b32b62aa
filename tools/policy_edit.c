/* policy edit: as visudo does it. The policy is locked, a private copy is edited, what has faults is never installed, the
 * difference is shown, and on a yes the file is replaced in one step, with a backup.
 *
 * What must hold: at every moment, whatever ends this process, the policy's name means the old text or the new one, whole;
 * what others wrote meanwhile is not overwritten; what a person typed is not thrown away because installing failed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "tools/commands.h"
#include "tools/difference_lines.h"
#include "tools/editor.h"
#include "tools/output.h"
#include "tools/policy_text.h"
#include "tools/replace.h"

/* An old text may be longer than a policy may be: it is there to be mended. */
enum { OLD_TEXT_MAX_BYTES = 1 << 26, DIFFERENCE_MAX_BYTES = 1 << 28, WARNINGS_SHOWN = 20 };

struct edit {
    struct command_context *context;
    const char *path, *from;
    bool yes;
    struct buffer old, new;
    char directory[PATH_MAX], copy[PATH_MAX]; /* "" while there is none */
    bool keep_copy;
    FILE *terminal; /* NULL: there is none to ask on */
};

/* What comes next. */
enum step { STEP_EDIT, STEP_CHECK, STEP_SHOW, STEP_INSTALL, STEP_END };

/* ---- the private copy ----------------------------------------------------------------------------------------- */

/* Not in the policy's directory: what an editor leaves beside its file is nobody else's to read. /var/tmp outlives a start of the
 * machine, so that what was typed is found again. */
static int make_copy(struct edit *edit)
{
    const char *slash = strrchr(edit->path, '/'), *parent = getenv("TMPDIR");
    int fd, error;

    if (!parent || parent[0] != '/')
        parent = "/var/tmp";
    if ((size_t)snprintf(edit->directory, sizeof edit->directory, "%s/dossier-edit.XXXXXX", parent) >=
        sizeof edit->directory)
        return -ENAMETOOLONG;
    if (!mkdtemp(edit->directory)) {
        error = -errno;
        edit->directory[0] = '\0';
        return error;
    }
    if ((size_t)snprintf(edit->copy, sizeof edit->copy, "%s/%s", edit->directory, slash ? slash + 1 : edit->path) >=
        sizeof edit->copy)
        return -ENAMETOOLONG;
    fd = open(edit->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    error = file_pwrite(fd, edit->old.bytes, edit->old.length_bytes, 0);
    close(fd);
    return error;
}

/* With what the editor left beside it. */
static void remove_copy(const struct edit *edit)
{
    DIR *directory = edit->directory[0] ? opendir(edit->directory) : NULL;

    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    rmdir(edit->directory);
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

/* One of `allowed`; 'x' where nobody answers, or a signal came. */
static int ask(struct edit *edit, const char *question, const char *allowed)
{
    char line[64];

    for (;;) {
        int answer;

        dprintf(fileno(edit->terminal), "%s ", question);
        if (commands_stopped(edit->context) || !fgets(line, sizeof line, edit->terminal)) {
            dprintf(fileno(edit->terminal), "\n");
            return 'x';
        }
        answer = line[strspn(line, " \t")];
        if (answer >= 'A' && answer <= 'Z')
            answer += 'a' - 'A';
        if (answer > ' ' && strchr(allowed, answer))
            return answer;
    }
}

/* Edits again, or ends. */
static enum step ask_about_faults(struct edit *edit)
{
    if (edit->from || !edit->terminal)
        return STEP_END;
    return ask(edit, "(e)dit again, or e(x)it and leave the policy as it was?", "ex") == 'e' ? STEP_EDIT : STEP_END;
}

static enum step ask_about_difference(struct edit *edit, int *code)
{
    int answer;

    if (edit->yes)
        return STEP_INSTALL;
    if (!edit->terminal) {
        *code = commands_cannot(edit->context, "there is no terminal to ask on; --yes installs without asking");
        return STEP_END;
    }
    if (edit->from)
        answer = ask(edit, "install it? (y)es or (n)o:", "yn");
    else
        answer = ask(edit, "install it? (y)es, (e)dit again, or e(x)it and leave the policy as it was:", "yex");
    return answer == 'y' ? STEP_INSTALL : answer == 'e' ? STEP_EDIT : STEP_END;
}

/* ---- the difference ------------------------------------------------------------------------------------------- */

/* A file of diff's arguments that is in memory only; it gets through to the program. */
static int text_in_memory(const struct buffer *text, char path[static 32])
{
    int fd = memfd_create("policy", 0);

    if (fd < 0)
        return -errno;
    if (file_pwrite(fd, text->bytes, text->length_bytes, 0) < 0) {
        close(fd);
        return -EIO;
    }
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

/* What diff(1) says into `out`. 0 or a negative errno. */
static int run_diff(const char *old, const char *new, struct buffer *out)
{
    int ends[2], status = 0, error;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execlp("diff", "diff", "-u", "--label", "as it is", "--label", "as it would be", old, new, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    error = child < 0 ? -EAGAIN : file_read_all(ends[0], DIFFERENCE_MAX_BYTES, out);
    close(ends[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!error && (!WIFEXITED(status) || WEXITSTATUS(status) > 1))
        error = -ENOENT;
    return error;
}

static void print_safely(FILE *out, struct buffer *text)
{
    char *rest = *buffer_text(text) ? (char *)text->bytes : NULL;

    for (char *line; (line = strsep(&rest, "\n")) && (rest || line[0]);) {
        struct buffer safe = BUFFER_EMPTY;

        output_safe(&safe, line);
        fprintf(out, "%s\n", buffer_text(&safe));
        buffer_clear(&safe);
    }
}

/* In words, what it changes for people. */
static int show_meaning(struct edit *edit, const struct policy *old, const struct policy *new)
{
    struct differences list = {0};
    int error = compare_policies(old, new, &list);

    if (!error) {
        fputs(list.count ? "what it changes:\n" : "it changes nothing for people\n", edit->context->out);
        error = difference_lines_print(edit->context->out, &list);
    }
    differences_clear(&list);
    return error;
}

/* As lines, which say where; the old text need not be a policy. */
static void show_lines(struct edit *edit)
{
    struct buffer difference = BUFFER_EMPTY;
    char old_path[32], new_path[32];
    int old = text_in_memory(&edit->old, old_path), new = text_in_memory(&edit->new, new_path);
    int error = old < 0 ? old : new < 0 ? new : run_diff(old_path, new_path, &difference);

    if (error)
        fprintf(edit->context->error, "dossier: the difference can't be shown (diff): %s\n", strerror(-error));
    else
        print_safely(edit->context->out, &difference);
    fflush(edit->context->out);
    if (old >= 0)
        close(old);
    if (new >= 0)
        close(new);
    buffer_clear(&difference);
}

/* What the new text says in vain, and what seems to be renamed, which takes away what was registered under the old name. Last before the
 * question, so that it is read. `old` NULL: it was no policy. */
static int show_warnings(struct edit *edit, const struct policy *old, const struct policy *new)
{
    struct policy_faults renames = {0}, warnings = {0};
    int error = old ? compare_renames(old, new, &renames) : 0;

    if (!error)
        error = policy_text_warnings(new, &warnings);
    if (!error) {
        policy_text_print_warnings(edit->context->out, edit->path, &renames, WARNINGS_SHOWN);
        policy_text_print_warnings(edit->context->out, edit->path, &warnings, WARNINGS_SHOWN);
    }
    policy_faults_clear(&renames);
    policy_faults_clear(&warnings);
    return error;
}

static enum step show(struct edit *edit, int *code)
{
    struct policy_faults faults = {0};
    struct policy *old = NULL, *new = NULL;
    int error = policy_load(edit->path, buffer_text(&edit->old), edit->old.length_bytes, &old, &faults);

    policy_faults_clear(&faults);
    if (!error || error == -EINVAL) /* what is no policy is mended */
        error = policy_load(edit->path, buffer_text(&edit->new), edit->new.length_bytes, &new, &faults);
    policy_faults_clear(&faults);
    if (!error && old)
        error = show_meaning(edit, old, new);
    show_lines(edit);
    if (!error)
        error = show_warnings(edit, old, new);
    if (error)
        fprintf(edit->context->error, "dossier: what it changes can't be told: %s\n", strerror(-error));
    fflush(edit->context->out);
    policy_free(old);
    policy_free(new);
    return ask_about_difference(edit, code);
}

/* ---- the steps ------------------------------------------------------------------------------------------------ */

static enum step let_edit(struct edit *edit, int *code)
{
    struct report_why why = {""};
    int error;

    if (edit->from) {
        error = replace_read(edit->from, POLICY_TEXT_MAX_BYTES, &edit->new, &why);
        if (error)
            *code = commands_cannot(edit->context, "%s", why.text);
        return error ? STEP_END : STEP_CHECK;
    }
    if (!edit->copy[0]) {
        error = make_copy(edit);
        if (error) {
            *code = commands_cannot(edit->context, "a private copy can't be made: %s", strerror(-error));
            return STEP_END;
        }
    }
    error = editor_run(edit->copy, edit->context->stopped, edit->context->stopped_context, &why);
    buffer_reset(&edit->new);
    if (!error)
        error = replace_read(edit->copy, OLD_TEXT_MAX_BYTES, &edit->new, &why);
    if (error) {
        *code = commands_cannot(edit->context, "%s; the policy is as it was", why.text);
        return STEP_END;
    }
    return STEP_CHECK;
}

static bool is_same(const struct edit *edit)
{
    return edit->old.length_bytes == edit->new.length_bytes &&
           (edit->old.length_bytes == 0 || memcmp(edit->old.bytes, edit->new.bytes, edit->old.length_bytes) == 0);
}

static enum step check(struct edit *edit, int *code)
{
    struct policy_faults faults = {0};
    struct policy *policy = NULL;
    enum step next = STEP_SHOW;
    int error;

    if (is_same(edit)) {
        fprintf(edit->context->out, "%s: nothing was changed\n", edit->path);
        *code = COMMAND_DONE;
        return STEP_END;
    }
    error = policy_text_check(edit->path, &edit->new, &policy, &faults);
    if (error == -EINVAL) {
        policy_text_print_faults(edit->context->out, edit->path, &faults, SIZE_MAX);
        fflush(edit->context->out);
        next = ask_about_faults(edit);
    } else if (error) {
        *code = commands_cannot(edit->context, "the new text can't be checked: %s", strerror(-error));
        next = STEP_END;
    }
    policy_free(policy);
    policy_faults_clear(&faults);
    return next;
}

static void install(struct edit *edit, int *code)
{
    const struct replace replace = {edit->new.bytes, edit->new.length_bytes, &edit->old, "~", 0};
    struct report_why why = {""};
    int error = replace_known(edit->path, &replace, &why);

    if (!error) {
        fprintf(edit->context->out, "%s: installed; what it was before is %s~\n", edit->path, edit->path);
        fputs("a daemon that has it mounted puts it in force within a second, or says in `dossier status` why not\n",
              edit->context->out);
        *code = COMMAND_DONE;
        return;
    }
    *code = commands_cannot(edit->context, "%s", why.text);
    if (error == -ESTALE)
        *code = COMMAND_FAULTS;
    edit->keep_copy = true;
}

static int run_steps(struct edit *edit)
{
    int code = COMMAND_FAULTS;

    for (enum step step = STEP_EDIT; step != STEP_END;) {
        if (step == STEP_EDIT) {
            step = let_edit(edit, &code);
        } else if (step == STEP_CHECK) {
            step = check(edit, &code);
        } else if (step == STEP_SHOW) {
            step = show(edit, &code);
        } else {
            install(edit, &code);
            step = STEP_END;
        }
    }
    if (commands_stopped(edit->context) && !is_same(edit))
        edit->keep_copy = true;
    return code;
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static FILE *open_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    FILE *terminal = fd >= 0 ? fdopen(fd, "r") : NULL;

    if (fd >= 0 && !terminal)
        close(fd);
    return terminal;
}

int policy_edit_run(struct command_context *context)
{
    struct edit edit = {.context = context,
                        .path = context->place.policy,
                        .from = commands_option(context, "from"),
                        .yes = commands_option(context, "yes") != NULL};
    struct replace_lock *lock = NULL;
    struct report_why why = {""};
    int code = COMMAND_CANNOT;

    if (!edit.path)
        return commands_cannot(context, "which policy? -n NAME or -p POLICY");
    if (replace_read(edit.path, OLD_TEXT_MAX_BYTES, &edit.old, &why) < 0 ||
        replace_lock(edit.path, &lock, &why) < 0) {
        commands_cannot(context, "%s", why.text);
        goto out;
    }
    /* Again: whoever had the lock before may have changed it. */
    buffer_reset(&edit.old);
    if (replace_read(edit.path, OLD_TEXT_MAX_BYTES, &edit.old, &why) < 0) {
        commands_cannot(context, "%s", why.text);
        goto out;
    }
    edit.terminal = open_terminal();
    code = run_steps(&edit);
    if (edit.keep_copy && edit.copy[0])
        fprintf(context->error, "dossier: what you wrote is in %s\n", edit.copy);
    else
        remove_copy(&edit);
out:
    if (edit.terminal)
        fclose(edit.terminal);
    replace_unlock(lock);
    buffer_clear(&edit.old);
    buffer_clear(&edit.new);
    return code;
}
