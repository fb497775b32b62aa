#include "fs/mount/session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fs/base/patience.h"
#include "fs/base/report.h"
#include "fs/gate/clock.h"
#include "fs/gate/door.h"
#include "fs/gate/logbook.h"
#include "fs/mount/inside.h"
#include "fs/mount/log_tree.h"
#include "fs/mount/own_log.h"
#include "fs/mount/renewal.h"

enum {
    TICK_MS = 1000,
    PARKED_MAX = 1024,
    REST_MS = 5,      /* idle for this long: the store's read transaction ends */
    LOOK_AROUND = 32, /* requests */
    /* The log is written when no more requests wait, so that those which came together share a write; under a load that never
     * lets up, after so many of them. */
    LAUNCH_AT_LEAST = 16,
    NOTIFIER_END_MS = 5000,
    WORKER_WAIT_MS = 30000, /* an index that has to be made anew takes some seconds a million entries */
};

/* When a request came, by the clock and by session->turns. */
struct arrival {
    int64_t tick_ms;
    uint64_t turn;
};

/* A request whose caller isn't known yet, or that waits for the worker: the bytes as the kernel sent them. */
struct parked {
    struct parked *next;
    struct arrival arrival;
    size_t length_bytes;
    uint8_t bytes[];
};

struct loop {
    struct session *session;
    const struct session_options *options;
    struct fuse_buf buffer;
    struct parked *parked, **parked_end;
    unsigned parked_count;
    unsigned requests;
    int64_t next_tick_ms;
    int64_t last_second;
    struct patience patience[2]; /* how long to poll for requests; [1] while opens wait for the disk */
    bool stopping;
};

/* ---- releases, retirements --------------------------------------------------------------------------------------- */

void session_queue_release(struct session *session, struct handle *handle)
{
    pthread_mutex_lock(&session->released_lock);
    handle->next_released = session->released;
    session->released = handle;
    pthread_mutex_unlock(&session->released_lock);
    eventfd_write(session->released_fd, 1);
}

static void free_released(struct session *session)
{
    struct handle *handle;
    eventfd_t count;

    eventfd_read(session->released_fd, &count);
    pthread_mutex_lock(&session->released_lock);
    handle = session->released;
    session->released = NULL;
    pthread_mutex_unlock(&session->released_lock);
    while (handle) {
        struct handle *next = handle->next_released;

        session_close_handle(session, handle);
        handle = next;
    }
}

/* ---- listings ---------------------------------------------------------------------------------------------------- */

/* A listing of a million dossiers takes 4 MB of our memory for as long as it is open, and anybody with a purpose can open as
 * many as he likes. */
enum { LISTING_BYTES_PER_UID = 64 << 20 };
struct lister {
    struct lister *next;
    uint32_t uid;
    size_t bytes;
};

bool session_charge(struct session *session, struct handle *handle, size_t listing_bytes)
{
    struct lister *lister = session->listers;

    while (lister && lister->uid != handle->uid)
        lister = lister->next;
    if (!lister) {
        lister = calloc(1, sizeof *lister);
        if (!lister)
            return false;
        lister->uid = handle->uid;
        lister->next = session->listers;
        session->listers = lister;
    }
    if (lister->bytes > LISTING_BYTES_PER_UID)
        return false;
    lister->bytes += listing_bytes;
    handle->charged_bytes = listing_bytes;
    return true;
}

void session_close_handle(struct session *session, struct handle *handle)
{
    struct lister **at = &session->listers;

    while (handle && handle->charged_bytes > 0 && *at && (*at)->uid != handle->uid)
        at = &(*at)->next;
    if (handle && handle->charged_bytes > 0 && *at) {
        struct lister *lister = *at;

        lister->bytes -= handle->charged_bytes;
        if (lister->bytes == 0) {
            *at = lister->next;
            free(lister);
        }
    }
    handles_free(session->nodes, handle);
}

void session_retire(struct session *session, struct node *node)
{
    if (node->retired)
        return;
    nodes_retire(session->nodes, node);
    notifier_drop(session->notifier, node->id);
}

int session_book(struct session *session)
{
    return session->book ? 0 : logbook_new(session->gate, &session->book);
}

struct change {
    struct session *session;
    uint32_t dossier;
};

/* What is open of it is decided about once more: the change may have ended a term, or blocked something. */
static void retire_if_changed(void *context, struct node *node)
{
    const struct change *change = context;

    if (node->key.version == door_version(change->session->gate, change->dossier))
        return;
    node->generation = NODES_CHANGED;
    /* What is still open of older content may have pages too. */
    if (node->retired && node->handles > 0)
        notifier_drop(change->session->notifier, node->id);
    session_retire(change->session, node);
}

static void dossier_changed(void *context, uint32_t dossier)
{
    struct change change = {context, dossier};

    change.session->changes++;
    nodes_each_of(change.session->nodes, dossier, retire_if_changed, &change);
}

struct expiry {
    struct session *session;
    int64_t before_s, now_s; /* the second of the last tick, and of this one */
};

static void retire_if_ended(void *context, struct node *node)
{
    struct expiry *expiry = context;

    if (node->key.type != NODE_LEAF)
        return;
    if (node->ends_s > expiry->now_s) {
        if (node->ends_s < expiry->session->earliest_end_s)
            expiry->session->earliest_end_s = node->ends_s;
        return;
    }
    /* Older content that is still open was read into the kernel's cache again since it was retired. */
    if (node->retired && node->ends_s > expiry->before_s)
        notifier_drop(expiry->session->notifier, node->id);
    session_retire(expiry->session, node);
}

/* Walks the nodes only in a second in which one of them ends; also when the clock was set: a jump is seen within a tick. */
static void retire_ended(struct session *session, int64_t before_s, int64_t now_s)
{
    struct expiry expiry = {session, before_s, now_s};

    if (now_s < session->earliest_end_s)
        return;
    session->earliest_end_s = INT64_MAX;
    nodes_each(session->nodes, retire_if_ended, &expiry);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static bool is_own_page(const struct loop *loop, const struct fuse_in_header *header, const char *name)
{
    return header->opcode == FUSE_LOOKUP && header->nodeid == FUSE_ROOT_ID &&
           strcmp(name, loop->session->policy->mount.my_access) == 0;
}

/* Must the gate know the caller for this? Whoever waits for a look-up makes everybody wait who looks up the same name, so what
 * is public does not wait: the root, and the purposes in it. */
static bool needs_caller(const struct loop *loop, const struct fuse_in_header *header, const char *name)
{
    const struct node *node;

    switch (header->opcode) {
    case FUSE_LOOKUP:
        return header->nodeid != FUSE_ROOT_ID || is_own_page(loop, header, name);
    case FUSE_GETATTR:
        node = nodes_get(loop->session->nodes, header->nodeid);
        return node && (node->key.type == NODE_DOSSIER || (log_tree_has(node) && node->key.type != NODE_LOG));
    case FUSE_OPEN:
    case FUSE_OPENDIR:
    case FUSE_READDIR:
        return true;
    default:
        return false;
    }
}

static bool caller_unknown(const struct loop *loop, const struct fuse_in_header *header, const char *name)
{
    if (header->opcode == FUSE_READ || header->opcode == FUSE_GETATTR) {
        const struct node *node = nodes_get(loop->session->nodes, header->nodeid);

        if (node && renewal_waits(loop->session, node))
            return true;
        if (node && node->key.type == NODE_LOG_DAY && !door_caller(loop->session->gate, node->key.uid))
            return true;
    }
    return needs_caller(loop, header, name) && !door_caller(loop->session->gate, header->uid);
}

/* Of a request whose caller is known. */
static bool waits_for_worker(const struct loop *loop, const struct fuse_in_header *header, const char *name,
                             const struct arrival *arrival)
{
    struct session *session = loop->session;
    const struct node *node = nodes_get(session->nodes, header->nodeid);
    struct door_ask ask = {NULL, (int32_t)header->pid, -1};
    bool is_look_up = header->opcode == FUSE_LOOKUP;
    int64_t waited_ms = clock_tick_ms() - arrival->tick_ms;

    if (is_own_page(loop, header, name))
        return own_log_waits(session->own_log, header->uid, arrival->turn);
    if (!node || !log_tree_has(node) ||
        !(is_look_up || header->opcode == FUSE_OPENDIR ||
          (header->opcode == FUSE_GETATTR && node->key.type == NODE_LOG_DAY)) ||
        waited_ms >= WORKER_WAIT_MS)
        return false;
    ask.caller = door_caller(session->gate, header->uid);
    return ask.caller &&
           log_tree_waits(session->log_tree, &ask, header->uid, node, is_look_up ? name : NULL, arrival->turn);
}

/* For who asks to be known, or for what the worker finds out. */
static bool has_to_wait(const struct loop *loop, const void *bytes, size_t length_bytes,
                        const struct arrival *arrival)
{
    struct fuse_in_header header;
    const char *name = (const char *)bytes + sizeof header;

    if (length_bytes < sizeof header)
        return false;
    memcpy(&header, bytes, sizeof header);
    if (header.opcode == FUSE_LOOKUP && !memchr(name, '\0', length_bytes - sizeof header))
        return false;
    return caller_unknown(loop, &header, name) || waits_for_worker(loop, &header, name, arrival);
}

/* A request that can't be parked is processed: its operation finds no caller and answers EIO. */
static bool park(struct loop *loop, const struct fuse_buf *buffer, const struct arrival *arrival)
{
    struct parked *parked = loop->parked_count < PARKED_MAX ? malloc(sizeof *parked + buffer->size) : NULL;

    if (!parked)
        return false;
    parked->next = NULL;
    parked->arrival = *arrival;
    parked->length_bytes = buffer->size;
    memcpy(parked->bytes, buffer->mem, buffer->size);
    *loop->parked_end = parked;
    loop->parked_end = &parked->next;
    loop->parked_count++;
    return true;
}

static void take_up_parked(struct loop *loop)
{
    struct parked *parked = loop->parked;

    loop->parked = NULL;
    loop->parked_end = &loop->parked;
    loop->parked_count = 0;
    while (parked) {
        struct parked *next = parked->next;
        struct fuse_buf buffer = {.size = parked->length_bytes, .mem = parked->bytes};

        if (!loop->stopping && has_to_wait(loop, parked->bytes, parked->length_bytes, &parked->arrival)) {
            parked->next = NULL;
            *loop->parked_end = parked;
            loop->parked_end = &parked->next;
            loop->parked_count++;
        } else {
            fuse_session_process_buf(loop->session->fuse, &buffer);
            free(parked);
        }
        parked = next;
    }
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static void tick(struct loop *loop)
{
    struct session *session = loop->session;
    int64_t now_ms = clock_tick_ms(), now_s = clock_now_s();

    free_released(session);
    worker_take(session->worker);
    door_tick(session->gate, dossier_changed, session);
    renewal_begin(session);
    take_up_parked(loop);
    if (now_s != loop->last_second) {
        retire_ended(session, loop->last_second, now_s);
        loop->last_second = now_s;
        door_rest(session->gate); /* also under a load that never lets the dispatcher wait */
    }
    if (now_ms < loop->next_tick_ms)
        return;
    loop->next_tick_ms = now_ms + TICK_MS;
    /* Without a keeper nobody would unmount, and a new daemon could not have the store. A full queue is no such sign. */
    if (loop->options->keeper_fd >= 0 && send(loop->options->keeper_fd, "H", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
        errno != EAGAIN && errno != EINTR) {
        report(REPORT_ERROR, "the keeper is gone, so the daemon ends");
        loop->stopping = true;
    }
    if (loop->options->stop_fd) {
        struct pollfd stop = {*loop->options->stop_fd, POLLIN, 0};

        /* Also under a load that never lets the dispatcher wait. */
        if (poll(&stop, 1, 0) > 0)
            loop->stopping = true;
    }
}

/* Waits for the kernel, an identity, a release, the end, or the next second. */
static void wait_for_work(struct loop *loop)
{
    struct session *session = loop->session;
    struct pollfd waits[] = {{fuse_session_fd(session->fuse), POLLIN, 0},
                             {door_wake_fd(session->gate), POLLIN, 0},
                             {session->released_fd, POLLIN, 0},
                             {loop->options->stop_fd ? *loop->options->stop_fd : -1, POLLIN, 0},
                             {door_log_fd(session->gate), POLLIN, 0}};
    int64_t log_ms = door_log(session->gate, true);
    int64_t now_ms = clock_tick_ms(), left_in_second_ms = 1000 - clock_now_ms() % 1000;
    int64_t wait_ms = loop->next_tick_ms - now_ms;

    if (left_in_second_ms < wait_ms)
        wait_ms = left_in_second_ms; /* terms end at the second, not up to a second later */
    if (loop->parked && wait_ms > 50)
        wait_ms = 50;
    if (log_ms >= 0 && log_ms < wait_ms)
        wait_ms = log_ms;
    if (session->renewing)
        wait_ms = 0;
    /* The store's read transaction outlives the short pauses between requests, and ends in the first longer one. */
    if (poll(waits, sizeof waits / sizeof *waits, wait_ms < REST_MS ? (wait_ms < 0 ? 0 : (int)wait_ms) : REST_MS) ==
        0) {
        door_rest(session->gate);
        if (wait_ms > REST_MS)
            poll(waits, sizeof waits / sizeof *waits, (int)wait_ms - REST_MS);
    }
    if (waits[3].revents)
        loop->stopping = true;
    if (waits[1].revents || waits[2].revents || loop->parked || clock_now_s() != loop->last_second ||
        clock_tick_ms() >= loop->next_tick_ms)
        tick(loop);
}

/* Under a load that never lets the dispatcher wait, what else there is to do is looked after now and then. */
static void look_around(struct loop *loop)
{
    struct pollfd news[] = {{door_wake_fd(loop->session->gate), POLLIN, 0}, {loop->session->released_fd, POLLIN, 0}};

    if (clock_now_s() != loop->last_second)
        tick(loop);
    else if (++loop->requests % LOOK_AROUND == 0 && (poll(news, 2, 0) > 0 || loop->parked))
        tick(loop);
}

/* Asks for a request again and again for a moment, which is shorter than waking up takes. */
static int poll_for_request(struct loop *loop, struct patience *patience)
{
    int64_t until_ns = patience_now_ns() + PATIENCE_NS;
    int got = -EAGAIN;

    while (got == -EAGAIN && patience_now_ns() < until_ns) {
        got = fuse_session_receive_buf(loop->session->fuse, &loop->buffer);
        if (got == -EAGAIN)
            door_log(loop->session->gate, false);
    }
    patience_polled(patience, got != -EAGAIN);
    return got;
}

/* No request is there: now what they logged is written, and the next is waited for. */
static int pause_between(struct loop *loop)
{
    struct patience *patience;
    int64_t began_ns;
    int got = -EAGAIN;

    door_log(loop->session->gate, true);
    patience = &loop->patience[door_log_busy(loop->session->gate)];
    if (patience_has(patience))
        got = poll_for_request(loop, patience);
    if (got != -EAGAIN)
        return got;
    began_ns = patience_now_ns();
    wait_for_work(loop);
    patience_slept(patience, patience_now_ns() - began_ns);
    return got;
}

/* Takes one request, or waits. False: the mount ended. */
static bool step(struct loop *loop)
{
    struct fuse_session *fuse = loop->session->fuse;
    struct arrival arrival;
    int got = fuse_session_receive_buf(fuse, &loop->buffer);

    renewal_go_on(loop->session);
    if (got == -EAGAIN)
        got = pause_between(loop);
    if (got == -EAGAIN)
        return true;
    if (got <= 0)
        return got == -EINTR;
    look_around(loop);
    door_log(loop->session->gate, loop->requests % LAUNCH_AT_LEAST == 0);
    arrival = (struct arrival){clock_tick_ms(), loop->session->turns};
    if (!has_to_wait(loop, loop->buffer.mem, loop->buffer.size, &arrival) || !park(loop, &loop->buffer, &arrival))
        fuse_session_process_buf(fuse, &loop->buffer);
    return true;
}

static void serve(struct loop *loop)
{
    struct notifier *notifier = loop->session->notifier;
    bool mounted = true;
    int64_t until_ms;

    while (mounted && !loop->stopping)
        mounted = step(loop) && !fuse_session_exited(loop->session->fuse);
    loop->stopping = true;
    take_up_parked(loop);
    notifier_end(notifier);
    until_ms = clock_tick_ms() + NOTIFIER_END_MS;
    while (mounted && !notifier_ended(notifier) && clock_tick_ms() < until_ms) {
        loop->next_tick_ms = clock_tick_ms() + 10; /* wait no longer than that */
        mounted = step(loop);
    }
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

static int open_session(struct session *session, int fuse_fd, struct report_why *why)
{
    char name[] = "dossierfs", path[32];
    char *arguments[] = {name, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, arguments);
    int error;

    session->fuse = fuse_session_new(&args, &operations, sizeof operations, session);
    fuse_opt_free_args(&args);
    if (!session->fuse)
        return report_fail(why, -ENOMEM, "libfuse can't make a session");
    snprintf(path, sizeof path, "/dev/fd/%d", fuse_fd);
    if (fuse_session_mount(session->fuse, path) < 0)
        return report_fail(why, -EIO, "libfuse does not take the mount's descriptor");
    if (fcntl(fuse_fd, F_SETFL, fcntl(fuse_fd, F_GETFL) | O_NONBLOCK) < 0)
        return report_fail(why, -errno, "the mount's descriptor can't be made non-blocking: %s", strerror(errno));
    error = notifier_start(session->fuse, &session->notifier);
    return error ? report_fail(why, error, "a thread can't be started: %s", strerror(-error)) : 0;
}

/* Opens that are still with the log thread hold requests of this session: they are answered before it ends. */
static void wait_for_pending(struct session *session)
{
    while (__atomic_load_n(&session->pending, __ATOMIC_ACQUIRE) > 0) {
        struct pollfd none = {-1, 0, 0};

        poll(&none, 1, 1);
    }
}

int session_serve(struct gate *gate, const struct session_options *options, struct report_why *why)
{
    struct session session = {.gate = gate,
                              .policy = gate_policy(gate),
                              .generation = door_generation(gate) + 1,
                              .started_s = clock_now_s(),
                              .released_fd = -1,
                              .turns = 1,
                              .earliest_end_s = INT64_MAX};
    struct loop loop = {.session = &session, .options = options, .parked_end = &loop.parked};
    int error;

    pthread_mutex_init(&session.released_lock, NULL);
    session.released_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    error = session.released_fd < 0 ? -errno : nodes_new(&session.nodes);
    if (!error)
        error = slots_new(&session.slots);
    if (!error)
        error = slots_take(session.slots, session.policy);
    if (!error)
        error = worker_start(session.released_fd, &session.worker);
    if (!error)
        error = log_tree_new(&session, &session.log_tree);
    if (!error)
        error = own_log_new(&session, &session.own_log);
    if (!error)
        error = open_session(&session, options->fuse_fd, why);
    if (!error) {
        if (options->keeper_fd >= 0)
            send(options->keeper_fd, "R", 1, MSG_NOSIGNAL);
        door_log_begin(gate);
        serve(&loop);
        door_log_end(gate);
        wait_for_pending(&session);
        free_released(&session);
    }
    worker_stop(session.worker);
    log_tree_free(session.log_tree);
    own_log_free(session.own_log);
    logbook_free(session.book);
    notifier_stop(session.notifier);
    if (session.fuse)
        fuse_session_destroy(session.fuse);
    free(loop.buffer.mem);
    nodes_free(session.nodes);
    slots_free(session.slots);
    if (session.released_fd >= 0)
        close(session.released_fd);
    pthread_mutex_destroy(&session.released_lock);
    return error;
}
