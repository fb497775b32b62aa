/* floor: a file system that answers what dossierfs is asked, from memory: no policy, no decryption, no log. What it costs is
 * what the kernel, libfuse and a wake-up each way cost, so it is the floor under every FUSE server with these answers.
 *
 *   floor MOUNTPOINT <TREE
 *
 * TREE holds the files one behind the other: the length of the path and that of the content (32 bits each, big endian), the
 * path (relative, with / between the names, none of which is longer than 255 bytes), the content. Directories are made as
 * paths name them. It mounts for all users, goes into the background and ends when it is unmounted. Exit code 2: it could
 * not start.
 *
 * One thread in libfuse's own loop. What the kernel may keep is what fs/mount/operations.c lets it keep: an entry in the root
 * 1 s, any other 0, attributes for long, a file's pages as long as its node; no flush, no readdirplus, no splicing. */
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LONG_S 86400.0
enum {
    ROOT = 0,
    NONE = UINT32_MAX,
    DIRECTORY_BYTES = 4096,
    NAME_BYTES = 255,
    PATH_BYTES = 4096,
    CONTENT_BYTES = 1 << 20
};

/* The kernel's number of a node is its index and 1. */
struct node {
    uint32_t parent, next; /* the next one in its bucket */
    uint32_t children, child_count;
    size_t name_at, content_at, content_bytes;
    bool is_directory;
};

struct text {
    char *bytes;
    size_t length, capacity;
};

struct tree {
    struct node *nodes;
    uint32_t count, capacity;
    uint32_t *buckets, bucket_count; /* a power of two */
    uint32_t *children;              /* of all directories, those of one behind each other */
    struct text names, contents;
    time_t made_s;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "floor: %s\n", what);
    exit(2);
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

static size_t text_add(struct text *text, const char *bytes, size_t length)
{
    size_t at = text->length;

    while (text->length + length > text->capacity) {
        text->capacity = text->capacity ? 2 * text->capacity : 1 << 20;
        text->bytes = realloc(text->bytes, text->capacity);
        if (!text->bytes)
            die("no memory");
    }
    if (length)
        memcpy(text->bytes + at, bytes, length);
    text->length += length;
    return at;
}

/* FNV-1a. */
static uint32_t bucket_of(const struct tree *tree, uint32_t parent, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u ^ parent;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return (uint32_t)(hash ^ hash >> 32) & (tree->bucket_count - 1);
}

static const char *name_of(const struct tree *tree, uint32_t index)
{
    return tree->names.bytes + tree->nodes[index].name_at;
}

static uint32_t find(const struct tree *tree, uint32_t parent, const char *name)
{
    uint32_t index = tree->buckets[bucket_of(tree, parent, name)];

    while (index != NONE && (tree->nodes[index].parent != parent || strcmp(name_of(tree, index), name) != 0))
        index = tree->nodes[index].next;
    return index;
}

static void put_in_bucket(struct tree *tree, uint32_t index)
{
    uint32_t *bucket = &tree->buckets[bucket_of(tree, tree->nodes[index].parent, name_of(tree, index))];

    tree->nodes[index].next = *bucket;
    *bucket = index;
}

/* Twice the room for nodes, and as many buckets. */
static void grow(struct tree *tree)
{
    tree->capacity = tree->capacity ? 2 * tree->capacity : 1024;
    tree->bucket_count = tree->capacity;
    tree->nodes = reallocarray(tree->nodes, tree->capacity, sizeof *tree->nodes);
    tree->buckets = reallocarray(tree->buckets, tree->bucket_count, sizeof *tree->buckets);
    if (!tree->nodes || !tree->buckets)
        die("no memory");
    memset(tree->buckets, 0xff, tree->bucket_count * sizeof *tree->buckets);
    for (uint32_t i = 1; i < tree->count; i++)
        put_in_bucket(tree, i);
}

static uint32_t add(struct tree *tree, uint32_t parent, const char *name)
{
    uint32_t index = tree->count;

    if (index == tree->capacity)
        grow(tree);
    tree->nodes[index] = (struct node){.parent = parent, .next = NONE, .is_directory = true};
    tree->nodes[index].name_at = text_add(&tree->names, name, strlen(name) + 1);
    tree->count++;
    if (index != ROOT) {
        tree->nodes[parent].child_count++;
        put_in_bucket(tree, index);
    }
    return index;
}

static void add_file(struct tree *tree, char *path, const char *content, size_t length)
{
    uint32_t at = ROOT;
    char *rest = path, *name;

    while ((name = strsep(&rest, "/"))) {
        uint32_t found = find(tree, at, name);

        if (!*name || strlen(name) > NAME_BYTES || !tree->nodes[at].is_directory || (found != NONE && !rest))
            die("a path is wrong, or is there twice");
        at = found != NONE ? found : add(tree, at, name);
    }
    tree->nodes[at].is_directory = false;
    tree->nodes[at].content_at = text_add(&tree->contents, content, length);
    tree->nodes[at].content_bytes = length;
}

static uint32_t read_length(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void read_tree(struct tree *tree)
{
    unsigned char lengths[8];
    static char path[PATH_BYTES + 1], content[CONTENT_BYTES];
    size_t got;

    tree->made_s = time(NULL);
    add(tree, ROOT, "");
    while ((got = fread(lengths, 1, sizeof lengths, stdin)) == sizeof lengths) {
        size_t path_bytes = read_length(lengths), content_bytes = read_length(lengths + 4);

        if (path_bytes > PATH_BYTES || content_bytes > CONTENT_BYTES ||
            fread(path, 1, path_bytes, stdin) != path_bytes ||
            fread(content, 1, content_bytes, stdin) != content_bytes)
            die("the tree is cut short");
        path[path_bytes] = '\0';
        add_file(tree, path, content, content_bytes);
    }
    if (got || ferror(stdin))
        die("the tree is cut short");
}

/* Children of one directory side by side, so that a listing goes on from any number. */
static void order_children(struct tree *tree)
{
    uint32_t at = 0;

    tree->children = calloc(tree->count, sizeof *tree->children);
    if (!tree->children)
        die("no memory");
    for (uint32_t i = 0; i < tree->count; i++) {
        tree->nodes[i].children = at;
        at += tree->nodes[i].child_count;
        tree->nodes[i].child_count = 0;
    }
    for (uint32_t i = 1; i < tree->count; i++) {
        struct node *parent = &tree->nodes[tree->nodes[i].parent];

        tree->children[parent->children + parent->child_count++] = i;
    }
}

static void free_tree(struct tree *tree)
{
    free(tree->nodes);
    free(tree->buckets);
    free(tree->children);
    free(tree->names.bytes);
    free(tree->contents.bytes);
}

/* ---- answers ------------------------------------------------------------------------------------------------------ */

static const struct tree *tree_of(fuse_req_t request)
{
    return fuse_req_userdata(request);
}

static const struct node *node_of(fuse_req_t request, fuse_ino_t id)
{
    return &tree_of(request)->nodes[id - 1]; /* the kernel knows those alone that it was told */
}

static void fill_attributes(const struct tree *tree, uint32_t index, struct stat *attributes)
{
    const struct node *node = &tree->nodes[index];

    memset(attributes, 0, sizeof *attributes);
    attributes->st_ino = (ino_t)index + 1;
    attributes->st_mode = node->is_directory ? S_IFDIR | 0555 : S_IFREG | 0444;
    attributes->st_nlink = node->is_directory ? 2 : 1;
    attributes->st_size = node->is_directory ? DIRECTORY_BYTES : (off_t)node->content_bytes;
    attributes->st_blksize = DIRECTORY_BYTES;
    attributes->st_blocks = (attributes->st_size + 511) / 512;
    attributes->st_mtim.tv_sec = attributes->st_ctim.tv_sec = attributes->st_atim.tv_sec = tree->made_s;
}

static void op_lookup(fuse_req_t request, fuse_ino_t parent_id, const char *name)
{
    const struct tree *tree = tree_of(request);
    uint32_t index = find(tree, (uint32_t)parent_id - 1, name);
    struct fuse_entry_param entry = {.generation = 1, .attr_timeout = LONG_S};

    if (index == NONE) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    entry.ino = (fuse_ino_t)index + 1;
    entry.entry_timeout = parent_id == FUSE_ROOT_ID ? 1 : 0;
    fill_attributes(tree, index, &entry.attr);
    fuse_reply_entry(request, &entry);
}

static void op_getattr(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *info)
{
    struct stat attributes;

    (void)info;
    fill_attributes(tree_of(request), (uint32_t)id - 1, &attributes);
    fuse_reply_attr(request, &attributes, LONG_S);
}

static void op_open(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *info)
{
    (void)id;
    info->keep_cache = 1;
    info->noflush = 1;
    fuse_reply_open(request, info);
}

static void op_read(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info)
{
    const struct node *node = node_of(request, id);
    size_t at = (size_t)offset, length = node->content_bytes;

    (void)info;
    if (offset < 0 || at >= length)
        fuse_reply_buf(request, NULL, 0);
    else
        fuse_reply_buf(request, tree_of(request)->contents.bytes + node->content_at + at,
                       size < length - at ? size : length - at);
}

static void op_release(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *info)
{
    (void)id;
    (void)info;
    fuse_reply_err(request, 0);
}

static void op_opendir(fuse_req_t request, fuse_ino_t id, struct fuse_file_info *info)
{
    (void)id;
    fuse_reply_open(request, info);
}

/* An offset is the number of the name that comes next: 0 and 1 are "." and "..". */
static void op_readdir(fuse_req_t request, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info)
{
    const struct tree *tree = tree_of(request);
    const struct node *node = node_of(request, id);
    char *reply = malloc(size);
    size_t used = 0;

    (void)info;
    for (size_t i = (size_t)offset; reply && i < 2 + (size_t)node->child_count; i++) {
        uint32_t index = i < 2 ? ROOT : tree->children[node->children + i - 2];
        const char *name = i == 0 ? "." : i == 1 ? ".." : name_of(tree, index);
        struct stat attributes = {.st_mode = tree->nodes[index].is_directory ? S_IFDIR : S_IFREG,
                                  .st_ino = (ino_t)index + 1};
        size_t needed = fuse_add_direntry(request, reply + used, size - used, name, &attributes, (off_t)i + 1);

        if (needed > size - used)
            break;
        used += needed;
    }
    if (reply)
        fuse_reply_buf(request, reply, used);
    else
        fuse_reply_err(request, ENOMEM);
    free(reply);
}

static void op_init(void *context, struct fuse_conn_info *connection)
{
    (void)context;
    connection->want |= connection->capable & FUSE_CAP_PARALLEL_DIROPS;
    connection->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                                    FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_AUTO_INVAL_DATA);
}

static const struct fuse_lowlevel_ops operations = {
    .init = op_init,
    .lookup = op_lookup,
    .getattr = op_getattr,
    .open = op_open,
    .read = op_read,
    .release = op_release,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .releasedir = op_release,
};

int main(int argc, char **argv)
{
    char name[] = "floor", options[] = "-oro,nosuid,nodev,noexec,allow_other,fsname=floor";
    char *arguments[] = {name, options, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(2, arguments);
    struct fuse_session *session;
    struct tree tree = {0};
    int status = 2;

    if (argc != 2)
        die("usage: floor MOUNTPOINT <TREE");
    read_tree(&tree);
    order_children(&tree);
    session = fuse_session_new(&args, &operations, sizeof operations, &tree);
    if (session && fuse_session_mount(session, argv[1]) == 0) {
        status = fuse_daemonize(0) == 0 && fuse_session_loop(session) == 0 ? 0 : 2;
        fuse_session_unmount(session);
    }
    if (session)
        fuse_session_destroy(session);
    fuse_opt_free_args(&args);
    free_tree(&tree);
    return status;
}
