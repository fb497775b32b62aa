/* operations: what the kernel asks, each in a few steps: find the node, ask the gate, act, reply once.
 *
 * Rules for the kernel's caches, each of which was seen to leak or to cost when broken: a dossier's and a file's entry live 0
 * seconds, so every path is asked again; attributes live long, since they belong to a node of one caller or are constants; no
 * negative entries; no ENOSYS for open or opendir, which the kernel would remember; no readdirplus and no cached directories. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/gate/clock.h"
#include "fs/gate/door.h"
#include "fs/mount/inside.h"
#include "fs/mount/log_tree.h"
#include "fs/mount/own_log.h"
#include "fs/mount/renewal.h"
#include "fs/mount/views.h"

#define LONG_S 86400.0
enum { PURPOSE_ENTRY_S = 1, DIRECTORY_BYTES = 4096, NAME_BYTES = 255 };
static const char the_notice[] = ".trackerignore"; /* an empty file that asks indexers to stay out */

static struct session *session_of(fuse_req_t request)
{
    return fuse_req_userdata(request);
}

/* Who asks. The session parked the request until the caller was known. `purpose` is a slot; -1: none. */
static struct door_ask ask_of(fuse_req_t request, int purpose)
{
    const struct fuse_ctx *context = fuse_req_ctx(request);
    const struct session *session = session_of(request);

    return (struct door_ask){door_caller(session->gate, context->uid), context->pid,
                             slots_purpose(session->slots, purpose)};
}

static bool is_directory(enum node_type type)
{
    return type == NODE_ROOT || type == NODE_PURPOSE || type == NODE_DOSSIER || type == NODE_LOG ||
           type == NODE_LOG_YEAR || type == NODE_LOG_MONTH;
}

/* Those of a node of one caller and those of a directory don't change; a file of the log grows. */
static double attributes_s(const struct node *node)
{
    return node->key.type == NODE_LOG_DAY ? 0 : LONG_S;
}

static void fill_attributes(const struct session *session, const struct node *node, struct stat *attributes)
{
    bool has_time = node->key.type == NODE_LEAF || node->key.type == NODE_LOG_DAY;
    int64_t when_s = has_time ? node->changed_s : session->started_s;

    memset(attributes, 0, sizeof *attributes);
    attributes->st_mode = is_directory(node->key.type) ? S_IFDIR | 0555 : S_IFREG | 0444;
    attributes->st_nlink = is_directory(node->key.type) ? 2 : 1;
    attributes->st_size = is_directory(node->key.type) ? DIRECTORY_BYTES : (off_t)node->size_bytes;
    attributes->st_blksize = DIRECTORY_BYTES;
    attributes->st_blocks = (attributes->st_size + 511) / 512;
    attributes->st_mtim.tv_sec = attributes->st_ctim.tv_sec = attributes->st_atim.tv_sec = when_s;
    attributes->st_ino = node->key.type == NODE_ROOT
                             ? 1
                             : door_inode(session->gate, node->key.purpose, node->key.dossier, node->key.leaf);
}

/* Replies to a look-up. The look-up is counted before the reply: a FORGET may come before fuse_reply_entry() returns. */
static void reply_entry(fuse_req_t request, struct node *node, double entry_s)
{
    struct session *session = session_of(request);
    struct fuse_entry_param entry = {
        .ino = node->id, .generation = 1, .attr_timeout = attributes_s(node), .entry_timeout = entry_s};

    fill_attributes(session, node, &entry.attr);
    node->lookups++;
    if (fuse_reply_entry(request, &entry) < 0)
        nodes_forget(session->nodes, node, 1);
}

static void reply_node(fuse_req_t request, const struct node_key *key, double entry_s)
{
    struct node *node = nodes_obtain(session_of(request)->nodes, key);

    if (!node)
        fuse_reply_err(request, ENOMEM);
    else
        reply_entry(request, node, entry_s);
}

/* ---- look-ups ---------------------------------------------------------------------------------------------------- */

/* The caller's own page is rendered when it is looked up and kept with its node, so that size and content agree. */
static void look_up_own(fuse_req_t request)
{
    struct session *session = session_of(request);
    struct door_ask ask = ask_of(request, -1);
    struct node_key key = {.type = NODE_OWN, .purpose = -1, .dossier = UINT32_MAX, .leaf = -10};
    struct buffer page = BUFFER_EMPTY;
    struct node *node = NULL;

    key.uid = fuse_req_ctx(request)->uid;
    if (ask.caller &&
        views_render_own(session->gate, ask.caller, own_log_get(session->own_log, key.uid), &page) == 0) {
        for (size_t i = 0; i < page.length_bytes; i++)
            key.view = (key.view ^ page.bytes[i]) * 0x100000001b3u;
        node = nodes_obtain(session->nodes, &key);
    }
    if (!node) {
        buffer_clear(&page);
        fuse_reply_err(request, EIO);
        return;
    }
    node->size_bytes = page.length_bytes;
    buffer_move(&node->own, &page);
    reply_entry(request, node, 0);
}

static void look_up_in_root(fuse_req_t request, const char *name)
{
    const struct policy *policy = session_of(request)->policy;
    struct node_key notice = {.type = NODE_NOTICE, .purpose = -1, .dossier = UINT32_MAX, .leaf = -11};
    int purpose = slots_of_purpose(session_of(request)->slots, policy_find_purpose(policy, name));
    struct node_key key = {.type = NODE_PURPOSE, .purpose = purpose, .dossier = UINT32_MAX, .leaf = -12};
    struct node_key the_log = log_tree_root();

    if (strcmp(name, policy->mount.my_access) == 0)
        look_up_own(request);
    else if (strcmp(name, policy->mount.processing_log) == 0)
        reply_node(request, &the_log, PURPOSE_ENTRY_S);
    else if (strcmp(name, the_notice) == 0)
        reply_node(request, &notice, LONG_S);
    else if (purpose >= 0)
        reply_node(request, &key, PURPOSE_ENTRY_S);
    else
        fuse_reply_err(request, ENOENT);
}

static void look_up_dossier(fuse_req_t request, const struct node *parent, const char *name)
{
    struct session *session = session_of(request);
    struct door_ask ask = ask_of(request, parent->key.purpose);
    struct node_key key = {.type = NODE_DOSSIER, .purpose = parent->key.purpose, .leaf = -13};
    struct door_found found;
    int error = ask.purpose == SLOTS_GONE ? -ENOENT : ask.caller ? 0 : -EIO;

    if (!error)
        error = door_look_dossier(session->gate, &ask, name, strlen(name), &found);
    if (error) {
        fuse_reply_err(request, -error);
        return;
    }
    key.dossier = found.dossier;
    reply_node(request, &key, 0);
}

/* A node of an earlier policy is not taken, even if that was the same one. */
static struct node *obtain_leaf(struct session *session, const struct node_key *key)
{
    struct node *node = nodes_obtain(session->nodes, key);

    if (node && node->generation != 0 && node->generation != session->generation) {
        session_retire(session, node);
        node = nodes_obtain(session->nodes, key);
    }
    if (node)
        node->generation = session->generation;
    return node;
}

static void look_up_leaf(fuse_req_t request, const struct node *parent, const char *name)
{
    struct session *session = session_of(request);
    struct door_ask ask = ask_of(request, parent->key.purpose);
    struct node_key key = {NODE_LEAF, parent->key.purpose, parent->key.dossier, 0, fuse_req_ctx(request)->uid, 0, 0};
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct buffer content = BUFFER_EMPTY;
    struct door_found found;
    struct node *node = NULL;
    int leaf = views_leaf(session->policy, name);
    int error = ask.purpose == SLOTS_GONE ? -ENOENT : ask.caller ? 0 : -EIO;

    key.leaf = slots_of_field(session->slots, leaf);
    if (!error && leaf == VIEWS_CATEGORY)
        door_look_refused(session->gate, &ask, key.dossier, name);
    if (!error && (leaf == VIEWS_CATEGORY || leaf == VIEWS_UNKNOWN || key.leaf == SLOTS_GONE))
        error = -ENOENT;
    if (!error)
        error = door_look_leaf(session->gate, &ask, key.dossier, leaf, &found, &shown);
    if (!error)
        error = views_render(session->policy, leaf, door_code(session->gate, key.dossier), &shown, &content);
    if (!error) {
        key.version = found.version;
        key.view = found.view;
        node = obtain_leaf(session, &key);
        error = node ? 0 : -ENOMEM;
    }
    if (error) {
        fuse_reply_err(request, -error);
    } else {
        node->size_bytes = content.length_bytes;
        node->changed_s = found.changed_s;
        node->ends_s = found.ends_s;
        if (found.ends_s < session->earliest_end_s)
            session->earliest_end_s = found.ends_s;
        reply_entry(request, node, 0);
    }
    buffer_clear(&content);
    door_shown_clear(&shown);
}

static void look_up_in_log(fuse_req_t request, const struct node *parent, const char *name)
{
    struct session *session = session_of(request);
    struct door_ask ask = ask_of(request, -1);
    struct node_key key;
    struct node *node = NULL;
    int error =
        ask.caller ? log_tree_find(session->log_tree, &ask, fuse_req_ctx(request)->uid, parent, name, &key) : -EIO;

    if (!error) {
        node = nodes_obtain(session->nodes, &key);
        error = node ? 0 : -ENOMEM;
    }
    if (!error && key.type == NODE_LOG_DAY)
        error = log_tree_measure(session->log_tree, node);
    if (!error) {
        reply_entry(request, node, 0);
        return;
    }
    if (node)
        nodes_forget(session->nodes, node, 0);
    fuse_reply_err(request, -error);
}

static void op_lookup(fuse_req_t request, fuse_ino_t parent_id, const char *name)
{
    const struct node *parent = nodes_get(session_of(request)->nodes, parent_id);

    if (!parent)
        fuse_reply_err(request, ESTALE);
    else if (strlen(name) > NAME_BYTES)
        fuse_reply_err(request, ENAMETOOLONG); /* as statfs says; the kernel lets 1024 bytes through */
    else if (parent->key.type == NODE_ROOT)
        look_up_in_root(request, name);
    else if (parent->key.type == NODE_PURPOSE)
        look_up_dossier(request, parent, name);
    else if (parent->key.type == NODE_DOSSIER)
        look_up_leaf(request, parent, name);
    else if (log_tree_has(parent) && is_directory(parent->key.type))
        look_up_in_log(request, parent, name);
    else
        fuse_reply_err(request, ENOTDIR);
}

static void op_forget(fuse_req_t request, fuse_ino_t id, uint64_t count)
{
    struct session *session = session_of(request);
    struct node *node = nodes_get(session->nodes, id);

    if (node)
        nodes_forget(session->nodes, node, count);
    fuse_reply_none(request);
}

static void op_forget_multi(fuse_req_t request, size_t count, struct fuse_forget_data *forgets)
{
    struct session *session = session_of(request);

    for (size_t i = 0; i < count; i++) {
        struct node *node = nodes_get(session->nodes, forgets[i].ino);

        if (node)
            nodes_forget(session->nodes, node, forgets[i].nlookup);
    }
    fuse_reply_none(request);
}

/* fstat comes without its handle. So whoever holds a descriptor of a node is told of it, also once it is retired: no path leads
 * there any more, and a path of another caller leads to a node of his own. */
static void op_getattr(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *info)
{
    struct session *session = session_of(request);
    struct node *node = nodes_get(session->nodes, id);
    struct door_ask ask = ask_of(request, node ? node->key.purpose : -1);
    bool is_open = node && node->handles > 0;
    struct stat attributes;
    int error = !node ? ESTALE : ask.purpose == SLOTS_GONE && is_directory(node->key.type) ? ENOENT : 0;

    (void)info;
    if (!error && node->key.type == NODE_DOSSIER &&
        !(ask.caller && door_sees(session->gate, &ask, node->key.dossier)))
        error = ENOENT;
    if (!error && (node->key.type == NODE_LEAF || node->key.type == NODE_OWN || node->key.type == NODE_LOG_DAY) &&
        !is_open && node->key.uid != fuse_req_ctx(request)->uid)
        error = ENOENT;
    if (!error && node->key.type == NODE_LEAF && is_open)
        error = -renewal_decide(session, node);
    if (!error && log_tree_has(node))
        error = -log_tree_admits(session->log_tree, &ask, node);
    if (!error && node->key.type == NODE_LOG_DAY)
        error = -log_tree_measure(session->log_tree, node);
    if (!error && ((node->retired && !is_open) || clock_now_s() >= node->ends_s))
        error = ESTALE;
    if (error) {
        fuse_reply_err(request, error);
        return;
    }
    fill_attributes(session, node, &attributes);
    fuse_reply_attr(request, &attributes, attributes_s(node));
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* An open that waits for its entry to be durable. */
struct waiting {
    struct session *session;
    fuse_req_t request;
    struct handle *handle;
    struct fuse_file_info info;
};

/* In the log thread: the entry is durable, or can't be. */
static void answer_open(void *context, int status)
{
    struct waiting *waiting = context;
    struct session *session = waiting->session;
    bool taken = false;

    if (status)
        fuse_reply_err(waiting->request, EIO);
    else
        taken = fuse_reply_open(waiting->request, &waiting->info) == 0;
    if (!taken)
        session_queue_release(session, waiting->handle);
    free(waiting);
    __atomic_sub_fetch(&session->pending, 1, __ATOMIC_RELEASE);
}

static struct waiting *wait_for(fuse_req_t request, struct handle *handle, const struct fuse_file_info *info)
{
    struct waiting *waiting = handle ? malloc(sizeof *waiting) : NULL;

    if (!waiting)
        return NULL;
    *waiting = (struct waiting){session_of(request), request, handle, *info};
    waiting->info.fh = (uint64_t)(uintptr_t)handle;
    __atomic_add_fetch(&waiting->session->pending, 1, __ATOMIC_ACQUIRE);
    return waiting;
}

/* The entry could not be queued, or there is nothing to log: the open ends here. */
static void give_up(fuse_req_t request, struct waiting *waiting, struct handle *handle, int error)
{
    struct session *session = session_of(request);

    if (waiting)
        __atomic_sub_fetch(&session->pending, 1, __ATOMIC_RELEASE);
    free(waiting);
    fuse_reply_err(request, error);
    session_close_handle(session, handle);
}

/* Filling a handle after its entry was queued is safe: only this thread reads handles, and a handle that could not be filled
 * answers EIO. */
static int open_leaf(struct session *session, const struct door_ask *ask, struct handle *handle,
                     struct waiting *waiting)
{
    const struct node_key *key = &handle->node->key;
    struct door_found found = {.version = key->version, .view = key->view};
    struct door_shown shown = {.text = BUFFER_EMPTY};
    int leaf = slots_field(session->slots, key->leaf);
    int error = ask->purpose == SLOTS_GONE || leaf == SLOTS_GONE ? -ESTALE : 0;

    if (!error)
        error = door_open_leaf(session->gate, ask, key->dossier, leaf, &found, &shown, answer_open, waiting);
    if (!error) {
        handle->node->ends_s = found.ends_s;
        handle->failed =
            renewal_note(session, handle->node, &shown) < 0 ||
            views_render(session->policy, leaf, door_code(session->gate, key->dossier), &shown, &handle->content) < 0;
    }
    door_shown_clear(&shown);
    return error;
}

static int open_own(struct session *session, const struct door_ask *ask, struct handle *handle,
                    struct waiting *waiting)
{
    int error = buffer_append(&handle->content, handle->node->own.bytes, handle->node->own.length_bytes);

    return error ? error : door_open_own(session->gate, ask, answer_open, waiting);
}

static void op_open(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *info)
{
    struct session *session = session_of(request);
    struct node *node = nodes_get(session->nodes, id);
    struct door_ask ask = ask_of(request, node ? node->key.purpose : -1);
    struct handle *handle;
    struct waiting *waiting;
    int error = 0;

    if (!node || node->retired || (node->key.type == NODE_LEAF && node->generation != session->generation) ||
        (node->key.type != NODE_NOTICE && node->key.uid != fuse_req_ctx(request)->uid)) {
        fuse_reply_err(request, ESTALE); /* the kernel looks up again, and finds the caller's own node */
        return;
    }
    info->keep_cache = node->key.type != NODE_LOG_DAY;
    info->direct_io = node->key.type == NODE_LOG_DAY;
    info->noflush = 1;
    handle = handles_new(node, fuse_req_ctx(request)->uid);
    waiting = wait_for(request, handle, info);
    if (!waiting || !ask.caller)
        error = waiting ? -EIO : -ENOMEM;
    else if (node->key.type == NODE_NOTICE)
        answer_open(waiting, 0);
    else if (node->key.type == NODE_OWN)
        error = open_own(session, &ask, handle, waiting);
    else if (node->key.type == NODE_LOG_DAY)
        error = log_tree_open(session->log_tree, &ask, handle, answer_open, waiting);
    else
        error = open_leaf(session, &ask, handle, waiting);
    if (error)
        give_up(request, waiting, handle, -error);
}

static void op_read(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info)
{
    struct handle *handle = (struct handle *)(uintptr_t)info->fh;
    size_t length = handle->content.length_bytes, at = (size_t)offset;
    int error;

    (void)id;
    if (handle->node->key.type == NODE_LOG_DAY) {
        log_tree_read(session_of(request)->log_tree, request, handle, (uint64_t)offset, size);
        return;
    }
    error = handle->failed ? -EIO : renewal_decide(session_of(request), handle->node);
    if (!error && clock_now_s() >= handle->node->ends_s)
        error = -ESTALE; /* gone at the second, for open handles too */
    if (error) {
        fuse_reply_err(request, -error);
        return;
    }
    if (offset < 0 || at >= length)
        fuse_reply_buf(request, NULL, 0);
    else
        fuse_reply_buf(request, (const char *)handle->content.bytes + at, size < length - at ? size : length - at);
}

static void op_release(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *info)
{
    (void)id;
    session_close_handle(session_of(request), (struct handle *)(uintptr_t)info->fh);
    fuse_reply_err(request, 0);
}

/* ---- listing ----------------------------------------------------------------------------------------------------- */

static int list_root(struct session *session, const struct door_ask *ask, struct handle *handle,
                     struct waiting *waiting)
{
    const struct policy *policy = session->policy;
    uint64_t purposes;
    int error = door_list_purposes(session->gate, ask, &purposes, answer_open, waiting);

    if (error)
        return error;
    error = handles_add(handle, policy->mount.my_access, door_inode(session->gate, -1, UINT32_MAX, -10), false,
                        UINT32_MAX);
    if (!error && door_reads_log(session->gate, ask))
        error = handles_add(handle, policy->mount.processing_log,
                            door_inode(session->gate, -1, UINT32_MAX, log_tree_root().leaf), true, UINT32_MAX);
    if (!error)
        error = handles_add(handle, the_notice, door_inode(session->gate, -1, UINT32_MAX, -11), false, UINT32_MAX);
    for (unsigned i = 0; i < policy->purpose_count && !error; i++)
        if (purposes >> i & 1)
            error = handles_add(handle, policy->purposes[i].name,
                                door_inode(session->gate, slots_of_purpose(session->slots, (int)i), UINT32_MAX, -12),
                                true, UINT32_MAX);
    handle->failed = error < 0;
    return 0;
}

static int list_dossiers(struct session *session, const struct door_ask *ask, struct handle *handle,
                         struct waiting *waiting)
{
    uint32_t *numbers, count;
    int error;

    if (!session_charge(session, handle, door_count(session->gate) * sizeof *numbers))
        return -ENFILE;
    error = door_list_dossiers(session->gate, ask, &numbers, &count, answer_open, waiting);
    if (error)
        return error;
    handle->dossiers = numbers;
    handle->dossier_count = count;
    return 0;
}

static int list_leaves(struct session *session, const struct door_ask *ask, struct handle *handle,
                       struct waiting *waiting)
{
    uint32_t dossier = handle->node->key.dossier;
    char name[VIEWS_NAME_MAX_BYTES];
    struct field_set fields;
    int error = door_list_leaves(session->gate, ask, dossier, &fields, answer_open, waiting);

    if (error)
        return error;
    for (int leaf = DOOR_WHOLE; leaf < (int)session->policy->field_count && !error; leaf++) {
        if (leaf != DOOR_WHOLE && !field_set_has(&fields, (unsigned)leaf))
            continue;
        views_leaf_name(session->policy, leaf, name);
        error = handles_add(
            handle, name,
            door_inode(session->gate, handle->node->key.purpose, dossier, slots_of_field(session->slots, leaf)),
            false, dossier);
    }
    handle->failed = error < 0;
    return 0;
}

static void op_opendir(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *info)
{
    struct session *session = session_of(request);
    struct node *node = nodes_get(session->nodes, id);
    struct door_ask ask = ask_of(request, node ? node->key.purpose : -1);
    struct handle *handle;
    struct waiting *waiting;
    int error = 0;

    if (!node || !is_directory(node->key.type) || ask.purpose == SLOTS_GONE) {
        fuse_reply_err(request, !node ? ESTALE : is_directory(node->key.type) ? ENOENT : ENOTDIR);
        return;
    }
    handle = handles_new(node, fuse_req_ctx(request)->uid);
    waiting = wait_for(request, handle, info);
    if (!waiting || !ask.caller) {
        give_up(request, waiting, handle, waiting ? EIO : ENOMEM);
        return;
    }
    handle->is_listing = true;
    handle->listed_s = clock_now_s();
    handle->generation = session->generation;
    handle->changes = session->changes;
    if (node->key.type == NODE_ROOT)
        error = list_root(session, &ask, handle, waiting);
    else if (node->key.type == NODE_PURPOSE)
        error = list_dossiers(session, &ask, handle, waiting);
    else if (log_tree_has(node))
        error = log_tree_list(session->log_tree, &ask, handle, answer_open, waiting);
    else
        error = list_leaves(session, &ask, handle, waiting);
    if (error)
        give_up(request, waiting, handle, -error);
}

/* Under another policy than that of the listing, or after a change: does the name still stand for something that the caller sees? */
static bool name_shows(struct session *session, const struct handle *handle, const struct door_ask *ask,
                       const char *name, uint32_t dossier)
{
    int leaf = VIEWS_UNKNOWN;

    if (log_tree_has(handle->node))
        return door_reads_log(session->gate, ask);
    if (handle->node->key.type == NODE_DOSSIER)
        leaf = views_leaf(session->policy, name);
    if (handle->node->key.type == NODE_DOSSIER)
        return leaf != VIEWS_UNKNOWN && leaf != VIEWS_CATEGORY && door_sees_leaf(session->gate, ask, dossier, leaf);
    if (handle->node->key.type == NODE_ROOT)
        return strcmp(name, session->policy->mount.my_access) == 0 || strcmp(name, the_notice) == 0 ||
               (strcmp(name, session->policy->mount.processing_log) == 0 && door_reads_log(session->gate, ask)) ||
               door_has_purpose(session->gate, ask, policy_find_purpose(session->policy, name));
    return door_sees(session->gate, ask, dossier);
}

/* A listing is made when it is opened; what ended since, or what another policy hides, is left out of what is still to be read. 0,
 * -ENOENT, or -EIO: who opened it isn't known now, and a shortened listing must not pass for a whole one. */
static int still_there(struct session *session, const struct handle *handle, const char *name, uint32_t dossier,
                       int64_t now_s)
{
    struct door_ask ask = {NULL, DOOR_NO_PROCESS, slots_purpose(session->slots, handle->node->key.purpose)};
    bool same_policy = handle->generation == session->generation, unchanged = handle->changes == session->changes;

    if (same_policy && (dossier == UINT32_MAX || (unchanged && now_s == handle->listed_s)))
        return 0;
    ask.caller = door_caller(session->gate, handle->uid);
    if (!ask.caller || door_is_gap(ask.caller))
        return -EIO;
    if (ask.purpose == SLOTS_GONE)
        return -ENOENT;
    if (!same_policy || !unchanged)
        return name_shows(session, handle, &ask, name, dossier) ? 0 : -ENOENT;
    return door_sees(session->gate, &ask, dossier) ? 0 : -ENOENT;
}

/* Name `index` of a listing: 0 and 1 are "." and "..", then come the names, then the dossiers. */
static const char *name_at(const struct session *session, const struct handle *handle, size_t index,
                           struct stat *attributes, uint32_t *dossier)
{
    *dossier = UINT32_MAX;
    *attributes = (struct stat){.st_mode = S_IFDIR, .st_ino = 1};
    if (index < 2)
        return index == 0 ? "." : "..";
    index -= 2;
    if (index < handle->list_count) {
        const struct handle_name *listed = &handle->list[index];

        attributes->st_mode = listed->is_directory ? S_IFDIR : S_IFREG;
        attributes->st_ino = listed->inode;
        *dossier = listed->dossier;
        return (const char *)handle->names.bytes + listed->at;
    }
    *dossier = handle->dossiers[index - handle->list_count];
    attributes->st_ino = door_inode(session->gate, handle->node->key.purpose, *dossier, -13);
    return door_code(session->gate, *dossier);
}

/* Fills the reply with names from `offset` on: an offset is the number of the name that comes next. */
static int fill_listing(fuse_req_t request, const struct handle *handle, size_t offset, char *reply, size_t size,
                        size_t *used)
{
    struct session *session = session_of(request);
    int64_t now_s = clock_now_s();
    size_t all = 2 + handle->list_count + handle->dossier_count;

    *used = 0;
    for (size_t i = offset; i < all; i++) {
        struct stat attributes;
        uint32_t dossier;
        const char *name = name_at(session, handle, i, &attributes, &dossier);
        int there = i < 2 ? 0 : still_there(session, handle, name, dossier, now_s);
        size_t needed;

        if (there == -EIO)
            return there;
        if (there)
            continue;
        needed = fuse_add_direntry(request, reply + *used, size - *used, name, &attributes, (off_t)i + 1);
        if (needed > size - *used)
            break;
        *used += needed;
    }
    return 0;
}

static void op_readdir(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info)
{
    const struct handle *handle = (const struct handle *)(uintptr_t)info->fh;
    char *reply = handle->failed || offset < 0 ? NULL : malloc(size);
    size_t used;

    (void)id;
    if (!reply || fill_listing(request, handle, (size_t)offset, reply, size, &used) < 0)
        fuse_reply_err(request, EIO);
    else
        fuse_reply_buf(request, reply, used);
    free(reply);
}

static void op_statfs(fuse_req_t request, fuse_ino_t id)
{
    struct statvfs figures;

    (void)id;
    /* The disk under the store; numbers of files would tell how many dossiers there are. */
    if (gate_statvfs(session_of(request)->gate, &figures) < 0)
        memset(&figures, 0, sizeof figures);
    figures.f_files = figures.f_ffree = figures.f_favail = 0;
    figures.f_namemax = NAME_BYTES;
    figures.f_flag |= ST_RDONLY;
    fuse_reply_statfs(request, &figures);
}

static void op_init(void *context, struct fuse_conn_info *connection)
{
    (void)context;
    /* Without it the kernel looks up one unknown name of a directory at a time, and whoever waits keeps the others waiting.
     * libfuse passes it on from 3.16.2 on. */
    connection->want |= connection->capable & FUSE_CAP_PARALLEL_DIROPS;
    /* Splicing costs more than it saves on small files; readdirplus would instantiate every dossier of a listing. */
    connection->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                                    FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA);
}

const struct fuse_lowlevel_ops operations = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .open = op_open,
    .read = op_read,
    .release = op_release,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .releasedir = op_release,
    .statfs = op_statfs,
};
