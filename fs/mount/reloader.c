#include "fs/mount/reloader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fs/base/report.h"
#include "fs/gate/reload.h"

enum { AGAIN_MS = 1000, NICE = 5 };

struct reloader {
    struct gate *gate;
    struct keeper_talk *talk;
    pthread_t thread;
    int stop_fd;
};

/* What could not be put in force for want of memory or disk is tried again until it can, or until a newer text comes. */
static void *reload_all(void *context)
{
    struct reloader *reloader = context;
    struct gate_policy_text policy = {0};
    struct buffer text = BUFFER_EMPTY;
    bool again = false;
    int error;

    /* Requests come first. (Of this thread alone, in Linux.) */
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    for (;;) {
        struct report_why why = {""};
        struct buffer newer = BUFFER_EMPTY;

        error =
            keeper_next_policy(reloader->talk, reloader->stop_fd, again ? AGAIN_MS : -1, &newer, &policy.owner_uid);
        if (error && error != -ETIMEDOUT)
            break;
        if (!error)
            buffer_move(&text, &newer);
        policy.text = buffer_text(&text);
        policy.length_bytes = text.length_bytes;
        error = gate_reload(reloader->gate, &policy, &why);
        if (error && error != -EINVAL && error != -ECANCELED && !again)
            report(REPORT_ERROR, "the changed policy is not in force yet: %s",
                   why.text[0] ? why.text : strerror(-error));
        again = error && error != -EINVAL;
        keeper_policy_taken(reloader->talk);
    }
    buffer_clear(&text);
    return NULL;
}

int reloader_start(struct gate *gate, struct keeper_talk *talk, struct reloader **out)
{
    struct reloader *reloader = calloc(1, sizeof *reloader);
    int error;

    if (!reloader)
        return -ENOMEM;
    reloader->gate = gate;
    reloader->talk = talk;
    reloader->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    error = reloader->stop_fd < 0 ? -errno : -pthread_create(&reloader->thread, NULL, reload_all, reloader);
    if (error) {
        if (reloader->stop_fd >= 0)
            close(reloader->stop_fd);
        free(reloader);
        return error;
    }
    *out = reloader;
    return 0;
}

void reloader_stop(struct reloader *reloader)
{
    if (!reloader)
        return;
    gate_reload_cancel(reloader->gate);
    eventfd_write(reloader->stop_fd, 1);
    pthread_join(reloader->thread, NULL);
    close(reloader->stop_fd);
    free(reloader);
}
