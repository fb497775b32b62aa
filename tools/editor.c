#include "tools/editor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_NO_PROGRAM = 127 };

int editor_split(char *text, char *words[EDITOR_MAX_WORDS])
{
    int count = 0;
    char *to = text;

    for (;;) {
        char quote = '\0';

        text += strspn(text, " \t");
        if (!*text)
            return count ? count : -EINVAL;
        if (count == EDITOR_MAX_WORDS)
            return -EINVAL;
        words[count++] = to;
        for (; *text && (quote || !strchr(" \t", *text)); text++) {
            if (*text == quote)
                quote = '\0';
            else if (!quote && (*text == '\'' || *text == '"'))
                quote = *text;
            else
                *to++ = *text;
        }
        if (quote)
            return -EINVAL;
        if (*text)
            text++;
        *to++ = '\0';
    }
}

static const char *chosen(void)
{
    const char *names[] = {"VISUAL", "EDITOR"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);

        if (value && value[strspn(value, " \t")])
            return value;
    }
    return "sensible-editor";
}

/* In the child. What this process ignores or handles, the editor must not. */
static void become_editor(char **words)
{
    const int usual[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE};

    for (unsigned i = 0; i < sizeof usual / sizeof *usual; i++)
        signal(usual[i], SIG_DFL);
    execvp(words[0], words);
    _exit(EXIT_NO_PROGRAM);
}

static int wait_for(pid_t child, bool (*stopped)(const void *context), const void *context)
{
    int status;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
        if (stopped && stopped(context))
            kill(child, SIGTERM);
    }
    return status;
}

static int run_words(char **words, bool (*stopped)(const void *context), const void *context, struct report_why *why)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, quit;
    int status;
    pid_t child;

    sigaction(SIGINT, &ignore, &interrupt);
    sigaction(SIGQUIT, &ignore, &quit);
    child = fork();
    if (child == 0)
        become_editor(words);
    status = child < 0 ? -errno : wait_for(child, stopped, context);
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    if (status < 0)
        return report_fail(why, status, "the editor %.60s can't be started: %s", words[0], strerror(-status));
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_PROGRAM)
        return report_fail(why, -ENOENT, "there is no editor \"%.60s\" to be run; set EDITOR", words[0]);
    if (WIFSIGNALED(status))
        return report_fail(why, -ECANCELED, "the editor %.60s was ended by signal %d", words[0], WTERMSIG(status));
    if (status != 0)
        return report_fail(why, -ECANCELED, "the editor %.60s failed (exit code %d)", words[0], WEXITSTATUS(status));
    return 0;
}

int editor_run(const char *path, bool (*stopped)(const void *context), const void *context, struct report_why *why)
{
    char *words[EDITOR_MAX_WORDS + 2] = {NULL};
    char *text = strdup(chosen()), *last = strdup(path);
    int count, error;

    if (!text || !last) {
        error = report_fail(why, -ENOMEM, "no memory");
        goto out;
    }
    count = editor_split(text, words);
    if (count < 0) {
        error = report_fail(why, count, "VISUAL or EDITOR can't be split into a program and its arguments");
        goto out;
    }
    words[count] = last;
    words[count + 1] = NULL;
    error = run_words(words, stopped, context, why);
out:
    free(text);
    free(last);
    return error;
}
