/* nodes: what the kernel holds by number. A node id is given once and never again.
 *
 * Directories have one node for everybody, with attributes that do not depend on the caller. A file's node belongs to one
 * (uid, purpose, dossier, leaf, view, version): another caller, another view of it or another content is another node, so that
 * the kernel's page cache is never shared between them. A node whose right or content is gone is retired: it isn't found by
 * its key any more, and opening it answers ESTALE, so that the kernel looks up again.
 *
 * Belongs to the dispatcher. */
#ifndef DOSSIERFS_MOUNT_NODES_H
#define DOSSIERFS_MOUNT_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/base/buffer.h"

enum node_type {
    NODE_ROOT,
    NODE_PURPOSE,
    NODE_DOSSIER,
    NODE_LEAF,
    NODE_OWN,
    NODE_NOTICE,
    NODE_LOG, /* the log's directory, and what is in it (log_tree.h): */
    NODE_LOG_YEAR,
    NODE_LOG_MONTH,
    NODE_LOG_DAY, /* a file: one node for each uid */
};

/* What makes a node that node. Members that do not apply to a type are 0. Purposes and fields are named by their slot (slots.h). */
struct node_key {
    enum node_type type;
    int purpose;
    uint32_t dossier;
    int leaf;
    uint32_t uid;
    uint32_t version;
    uint64_t view;
};

/* What an opening of a leaf showed: a field, by its slot, and the mark of its mask. */
struct node_granted {
    int slot;
    uint64_t mask;
};

/* The generation of a node whose dossier changed since it was decided about. */
#define NODES_CHANGED UINT32_MAX

struct node {
    uint64_t id;
    struct node_key key;
    uint64_t lookups; /* that the kernel owes us a FORGET for */
    unsigned handles; /* open ones */
    bool retired;
    uint64_t size_bytes;
    int64_t changed_s;
    int64_t ends_s;
    uint32_t generation;          /* of the policy under which it was last decided about; 0: a new node */
    bool denied;                  /* NODE_LEAF: what is open of it may not be read any more */
    unsigned granted_count;       /* NODE_LEAF, once it was opened */
    struct node_granted *granted; /* malloc()ed, the node's */
    struct buffer own;            /* NODE_OWN: the page as it was when it was looked up */
    struct node *next_by_id, *next_by_key, *next_by_dossier; /* the last of leaves alone */
};

struct nodes;

int nodes_new(struct nodes **out); /* with the root, whose id is 1 */
void nodes_free(struct nodes *nodes);
struct node *nodes_get(struct nodes *nodes, uint64_t id); /* NULL: there is none */
/* Finds or makes; the look-up is not counted yet. NULL: no memory. */
struct node *nodes_obtain(struct nodes *nodes, const struct node_key *key);
/* Takes back `count` look-ups or one handle; the node is freed when neither is left. */
void nodes_forget(struct nodes *nodes, struct node *node, uint64_t count);
void nodes_release(struct nodes *nodes, struct node *node);
void nodes_retire(struct nodes *nodes, struct node *node);
uint64_t nodes_count(const struct nodes *nodes);
/* Calls `each` for every node; it may retire it, and nothing else. */
void nodes_each(struct nodes *nodes, void (*each)(void *context, struct node *node), void *context);
/* The same in slices: goes over some of the nodes and moves `cursor`, which begins as {0, 0}; false: that was all. Nodes that come
 * in meanwhile may be left out. */
struct nodes_cursor {
    uint64_t at, of;
};
bool nodes_each_some(struct nodes *nodes, struct nodes_cursor *cursor, void (*each)(void *context, struct node *node),
                     void *context);
/* The same for the leaves of one dossier, without a look at the others. */
void nodes_each_of(struct nodes *nodes, uint32_t dossier, void (*each)(void *context, struct node *node),
                   void *context);

#endif
