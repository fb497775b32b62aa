/* Goal: whatever the kernel looks up, forgets and holds open, an id means one thing for ever, and what nobody holds is freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fs/mount/nodes.h"

enum { STEPS = 60000, KEYS = 3000, MODELS = STEPS };

static uint64_t random_state = 5;

static unsigned draw(unsigned below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

/* What a node should be. */
struct model {
    uint64_t id;
    struct node_key key;
    uint64_t lookups;
    unsigned handles;
    bool retired, alive;
};

static struct model models[MODELS];
static unsigned model_count;
static struct nodes *nodes;

/* Keys that differ in one member only, so that each of them must count. */
static struct node_key key_of(unsigned n)
{
    struct node_key key = {
        .type = NODE_LEAF, .purpose = 1, .dossier = 9, .leaf = 2, .uid = 61001, .version = 1, .view = 7};

    switch (n % 7) {
    case 0:
        key.dossier = n;
        break;
    case 1:
        key.leaf = (int)n;
        break;
    case 2:
        key.uid = n;
        break;
    case 3:
        key.version = n;
        break;
    case 4:
        key.view = (uint64_t)n << 40;
        break;
    case 5:
        key.purpose = (int)n;
        break;
    default:
        key.type = n % 2 ? NODE_DOSSIER : NODE_OWN;
        key.dossier = n;
    }
    return key;
}

static bool is_same(const struct node_key *a, const struct node_key *b)
{
    return a->type == b->type && a->purpose == b->purpose && a->dossier == b->dossier && a->leaf == b->leaf &&
           a->uid == b->uid && a->version == b->version && a->view == b->view;
}

static struct model *find_by_key(const struct node_key *key)
{
    for (unsigned i = model_count; i-- > 0;)
        if (models[i].alive && !models[i].retired && is_same(&models[i].key, key))
            return &models[i];
    return NULL;
}

static struct model *draw_alive(void)
{
    for (unsigned tries = 0; tries < 200 && model_count > 0; tries++) {
        /* The young ones: they live more often. */
        unsigned span = model_count < 4000 ? model_count : 4000;
        struct model *model = &models[model_count - 1 - draw(span)];

        if (model->alive)
            return model;
    }
    return NULL;
}

static void settle(struct model *model)
{
    if (model->lookups == 0 && model->handles == 0)
        model->alive = false;
    assert_int_equal(nodes_get(nodes, model->id) != NULL, model->alive);
}

static void look_up(void)
{
    struct node_key key = key_of(draw(KEYS));
    struct model *model = find_by_key(&key);
    struct node *node = nodes_obtain(nodes, &key);

    assert_non_null(node);
    if (!model) {
        model = &models[model_count++];
        *model = (struct model){.id = node->id, .key = key, .alive = true};
        for (unsigned i = 0; i + 1 < model_count; i += 97) /* ids only ever grow: see below */
            assert_true(models[i].id < node->id);
        assert_true(model_count < 2 || models[model_count - 2].id < node->id);
        assert_int_equal(node->lookups, 0);
        assert_int_equal(node->handles, 0);
        assert_false(node->retired);
        assert_true(node->ends_s == INT64_MAX);
    }
    assert_int_equal(node->id, model->id);
    assert_true(is_same(&node->key, &key));
    node->lookups++; /* as the mount does */
    model->lookups++;
}

static void act(struct model *model)
{
    struct node *node = nodes_get(nodes, model->id);
    uint64_t count;

    assert_non_null(node);
    assert_int_equal(node->lookups, model->lookups);
    assert_int_equal(node->handles, model->handles);
    assert_int_equal(node->retired, model->retired);
    switch (draw(6)) {
    case 0:
    case 1:
        count =
            draw(4) == 0 ? model->lookups + draw(3) : draw((unsigned)model->lookups + 1); /* or more than it owes */
        nodes_forget(nodes, node, count);
        model->lookups -= count < model->lookups ? count : model->lookups;
        settle(model);
        break;
    case 2:
        node->handles++;
        model->handles++;
        break;
    case 3:
    case 4:
        nodes_release(nodes, node);
        model->handles -= model->handles > 0;
        settle(model);
        break;
    default:
        nodes_retire(nodes, node);
        model->retired = true;
        assert_non_null(nodes_get(nodes, model->id));
    }
}

static void mark_seen(void *context, struct node *node)
{
    struct model *found = NULL;

    for (unsigned low = 0, high = model_count; low < high;) {
        unsigned middle = low + (high - low) / 2;

        if (models[middle].id == node->id)
            found = &models[middle];
        if (models[middle].id < node->id)
            low = middle + 1;
        else
            high = middle;
    }
    assert_true(node->id == 1 || (found && found->alive && is_same(&found->key, &node->key)));
    ++*(uint64_t *)context;
}

static void test_like_a_list(void **state)
{
    uint64_t alive = 1, seen = 0; /* the root */

    (void)state;
    assert_int_equal(nodes_new(&nodes), 0);
    for (unsigned i = 0; i < STEPS; i++) {
        struct model *model = i > 4000 && draw(3) ? draw_alive() : NULL;

        if (model)
            act(model);
        else
            look_up();
    }
    for (unsigned i = 0; i < model_count; i++) {
        alive += models[i].alive;
        assert_int_equal(nodes_get(nodes, models[i].id) != NULL, models[i].alive);
    }
    assert_true(alive > 1025); /* the table has grown */
    assert_int_equal(nodes_count(nodes), alive);
    nodes_each(nodes, mark_seen, &seen);
    assert_int_equal(seen, alive);
    nodes_free(nodes);
    nodes_free(NULL);
}

static void test_the_root_stays(void **state)
{
    struct node_key key = {.type = NODE_ROOT, .purpose = -1};
    struct node *root;

    (void)state;
    assert_int_equal(nodes_new(&nodes), 0);
    root = nodes_get(nodes, 1);
    assert_non_null(root);
    assert_int_equal(root->key.type, NODE_ROOT);
    assert_ptr_equal(nodes_obtain(nodes, &key), root);
    nodes_forget(nodes, root, 1000);
    nodes_release(nodes, root);
    assert_ptr_equal(nodes_get(nodes, 1), root);
    assert_int_equal(nodes_count(nodes), 1);
    assert_null(nodes_get(nodes, 0));
    assert_null(nodes_get(nodes, 2));
    assert_null(nodes_get(nodes, UINT64_MAX));
    nodes_free(nodes);
}

static void test_retired(void **state)
{
    struct node_key key = key_of(3);
    struct node *old, *new;
    uint64_t old_id;

    (void)state;
    assert_int_equal(nodes_new(&nodes), 0);
    old = nodes_obtain(nodes, &key);
    old->lookups = 2;
    old->handles = 1;
    old_id = old->id;
    nodes_retire(nodes, old);
    nodes_retire(nodes, old); /* twice is once */
    new = nodes_obtain(nodes, &key);
    assert_ptr_not_equal(new, old);
    assert_true(new->id > old_id);
    new->lookups = 1;
    nodes_forget(nodes, old, 2);
    assert_ptr_equal(nodes_get(nodes, old_id), old); /* still open */
    nodes_release(nodes, old);
    assert_null(nodes_get(nodes, old_id));
    assert_ptr_equal(nodes_obtain(nodes, &key), new);
    nodes_forget(nodes, new, 1);
    assert_int_equal(nodes_count(nodes), 1);
    nodes_free(nodes);
}

static void retire_some(void *context, struct node *node)
{
    if (node->id % 3 == 0)
        nodes_retire(context, node);
}

/* Only the leaves of the dossier, and all of them, also those that are retired and still held. */
struct walk {
    uint32_t dossier;
    uint64_t seen;
};

static void note_leaf(void *context, struct node *node)
{
    struct walk *walk = context;

    assert_int_equal(node->key.type, NODE_LEAF);
    assert_int_equal(node->key.dossier, walk->dossier);
    walk->seen++;
    nodes_retire(nodes, node);
}

static void test_leaves_of_one_dossier(void **state)
{
    enum { DOSSIERS = 700, EACH = 5 };

    (void)state;
    assert_int_equal(nodes_new(&nodes), 0);
    for (uint32_t n = 0; n < DOSSIERS * EACH; n++) {
        struct node_key leaf = {.type = NODE_LEAF, .dossier = n % DOSSIERS, .leaf = (int)(n / DOSSIERS)};
        struct node_key directory = {.type = NODE_DOSSIER, .dossier = n % DOSSIERS};

        nodes_obtain(nodes, &leaf)->lookups = 1;
        nodes_obtain(nodes, &directory)->lookups = 1;
    }
    for (uint32_t dossier = 0; dossier < DOSSIERS; dossier++)
        for (unsigned left = EACH; left > 0; left--) {
            struct node_key key = {.type = NODE_LEAF, .dossier = dossier, .leaf = (int)left - 1};
            struct node *node = nodes_obtain(nodes, &key);
            struct walk walk = {dossier, 0};

            node->lookups++; /* the first round found it; later ones make it anew, once it was retired */
            nodes_each_of(nodes, dossier, note_leaf, &walk);
            assert_int_equal(walk.seen, left == EACH ? EACH : EACH + 1);
            nodes_forget(nodes, node, left == EACH ? 2 : 1);
            walk.seen = 0;
            nodes_each_of(nodes, dossier, note_leaf, &walk);
            assert_int_equal(walk.seen, left == EACH ? EACH - 1 : EACH);
            if (left == EACH)
                nodes_obtain(nodes, &key)->lookups = 1;
        }
    nodes_free(nodes);
}

static void test_retire_while_walking(void **state)
{
    (void)state;
    assert_int_equal(nodes_new(&nodes), 0);
    for (unsigned n = 0; n < KEYS; n++) {
        struct node_key key = key_of(n);
        struct node *node = nodes_obtain(nodes, &key);

        node->lookups = 1;
        buffer_append_text(&node->own, "freed with its node");
    }
    nodes_each(nodes, retire_some, nodes);
    assert_int_equal(nodes_count(nodes), KEYS + 1);
    for (uint64_t id = 2; id < KEYS + 2; id++) {
        struct node *node = nodes_get(nodes, id);
        struct node_key key = node->key;
        struct node *now = nodes_obtain(nodes, &key);

        assert_int_equal(now == node, id % 3 != 0);
        now->lookups += now != node;
    }
    nodes_free(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_a_list),
        cmocka_unit_test(test_the_root_stays),
        cmocka_unit_test(test_retired),
        cmocka_unit_test(test_leaves_of_one_dossier),
        cmocka_unit_test(test_retire_while_walking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
