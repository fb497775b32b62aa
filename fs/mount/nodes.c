#include "fs/mount/nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 1024, SOME_BUCKETS = 1024 };

struct nodes {
    struct node **by_id, **by_key, **by_dossier;
    uint64_t bucket_count, count;
    uint64_t next_id;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static uint64_t hash_key(const struct node_key *key)
{
    uint64_t hash = mix((uint64_t)key->type, (uint64_t)(uint32_t)key->purpose);

    hash = mix(hash, key->dossier);
    hash = mix(hash, (uint64_t)(uint32_t)key->leaf);
    hash = mix(hash, key->uid);
    hash = mix(hash, key->version);
    return mix(hash, key->view);
}

static bool equal(const struct node_key *a, const struct node_key *b)
{
    return a->type == b->type && a->purpose == b->purpose && a->dossier == b->dossier && a->leaf == b->leaf &&
           a->uid == b->uid && a->version == b->version && a->view == b->view;
}

static void link_node(struct nodes *nodes, struct node *node)
{
    uint64_t id_at = node->id % nodes->bucket_count, key_at = hash_key(&node->key) % nodes->bucket_count;

    node->next_by_id = nodes->by_id[id_at];
    nodes->by_id[id_at] = node;
    if (node->key.type == NODE_LEAF) {
        struct node **first = &nodes->by_dossier[node->key.dossier % nodes->bucket_count];

        node->next_by_dossier = *first;
        *first = node;
    }
    if (node->retired)
        return;
    node->next_by_key = nodes->by_key[key_at];
    nodes->by_key[key_at] = node;
}

static int grow(struct nodes *nodes)
{
    uint64_t bucket_count = nodes->bucket_count ? nodes->bucket_count * 2 : FIRST_BUCKETS;
    struct node **by_id = calloc(bucket_count, sizeof *by_id);
    struct node **by_key = calloc(bucket_count, sizeof *by_key);
    struct node **by_dossier = calloc(bucket_count, sizeof *by_dossier);
    struct node **old = nodes->by_id;
    uint64_t old_count = nodes->bucket_count;

    if (!by_id || !by_key || !by_dossier) {
        free(by_id);
        free(by_key);
        free(by_dossier);
        return -ENOMEM;
    }
    free(nodes->by_key);
    free(nodes->by_dossier);
    nodes->by_id = by_id;
    nodes->by_key = by_key;
    nodes->by_dossier = by_dossier;
    nodes->bucket_count = bucket_count;
    for (uint64_t i = 0; i < old_count; i++)
        for (struct node *node = old[i], *next; node; node = next) {
            next = node->next_by_id;
            link_node(nodes, node);
        }
    free(old);
    return 0;
}

int nodes_new(struct nodes **out)
{
    struct nodes *nodes = calloc(1, sizeof *nodes);
    struct node_key root = {.type = NODE_ROOT, .purpose = -1};
    struct node *node = NULL;

    if (nodes && grow(nodes) == 0) {
        nodes->next_id = 1;
        node = nodes_obtain(nodes, &root);
    }
    if (!node) {
        nodes_free(nodes);
        return -ENOMEM;
    }
    node->lookups = 1; /* the kernel never forgets the root */
    *out = nodes;
    return 0;
}

static void free_node(struct node *node)
{
    buffer_clear(&node->own);
    free(node->granted);
    free(node);
}

void nodes_free(struct nodes *nodes)
{
    if (!nodes)
        return;
    for (uint64_t i = 0; i < nodes->bucket_count; i++)
        while (nodes->by_id[i]) {
            struct node *node = nodes->by_id[i];

            nodes->by_id[i] = node->next_by_id;
            free_node(node);
        }
    free(nodes->by_id);
    free(nodes->by_key);
    free(nodes->by_dossier);
    free(nodes);
}

struct node *nodes_get(struct nodes *nodes, uint64_t id)
{
    struct node *node = nodes->by_id[id % nodes->bucket_count];

    while (node && node->id != id)
        node = node->next_by_id;
    return node;
}

struct node *nodes_obtain(struct nodes *nodes, const struct node_key *key)
{
    struct node *node = nodes->by_key[hash_key(key) % nodes->bucket_count];

    while (node && !equal(&node->key, key))
        node = node->next_by_key;
    if (node)
        return node;
    if (nodes->count >= nodes->bucket_count && grow(nodes) < 0)
        return NULL;
    node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->id = nodes->next_id++;
    node->key = *key;
    node->ends_s = INT64_MAX;
    link_node(nodes, node);
    nodes->count++;
    return node;
}

void nodes_retire(struct nodes *nodes, struct node *node)
{
    struct node **at = &nodes->by_key[hash_key(&node->key) % nodes->bucket_count];

    if (node->retired)
        return;
    while (*at != node)
        at = &(*at)->next_by_key;
    *at = node->next_by_key;
    node->next_by_key = NULL;
    node->retired = true;
}

static void drop_if_unused(struct nodes *nodes, struct node *node)
{
    struct node **at = &nodes->by_id[node->id % nodes->bucket_count];

    if (node->lookups > 0 || node->handles > 0 || node->key.type == NODE_ROOT)
        return;
    nodes_retire(nodes, node);
    while (*at != node)
        at = &(*at)->next_by_id;
    *at = node->next_by_id;
    if (node->key.type == NODE_LEAF) {
        for (at = &nodes->by_dossier[node->key.dossier % nodes->bucket_count]; *at != node;)
            at = &(*at)->next_by_dossier;
        *at = node->next_by_dossier;
    }
    nodes->count--;
    free_node(node);
}

void nodes_forget(struct nodes *nodes, struct node *node, uint64_t count)
{
    node->lookups -= count < node->lookups ? count : node->lookups;
    drop_if_unused(nodes, node);
}

void nodes_release(struct nodes *nodes, struct node *node)
{
    if (node->handles > 0)
        node->handles--;
    drop_if_unused(nodes, node);
}

uint64_t nodes_count(const struct nodes *nodes)
{
    return nodes->count;
}

void nodes_each(struct nodes *nodes, void (*each)(void *context, struct node *node), void *context)
{
    for (uint64_t i = 0; i < nodes->bucket_count; i++)
        for (struct node *node = nodes->by_id[i]; node; node = node->next_by_id)
            each(context, node);
}

bool nodes_each_some(struct nodes *nodes, struct nodes_cursor *cursor, void (*each)(void *context, struct node *node),
                     void *context)
{
    if (cursor->of != nodes->bucket_count)
        *cursor = (struct nodes_cursor){0, nodes->bucket_count}; /* it grew: nodes are elsewhere now */
    for (unsigned i = 0; i < SOME_BUCKETS && cursor->at < cursor->of; i++, cursor->at++)
        for (struct node *node = nodes->by_id[cursor->at]; node; node = node->next_by_id)
            each(context, node);
    return cursor->at < cursor->of;
}

void nodes_each_of(struct nodes *nodes, uint32_t dossier, void (*each)(void *context, struct node *node),
                   void *context)
{
    for (struct node *node = nodes->by_dossier[dossier % nodes->bucket_count]; node; node = node->next_by_dossier)
        if (node->key.dossier == dossier)
            each(context, node);
}
