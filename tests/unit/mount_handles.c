/* Goal: a handle keeps its node, keeps its listing in order, and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fs/mount/handles.h"

static void test_a_handle_keeps_its_node(void **state)
{
    struct node_key key = {.type = NODE_LEAF, .dossier = 4, .uid = 61001};
    struct handle *first, *second;
    struct nodes *nodes;
    struct node *node;
    uint64_t id;

    (void)state;
    assert_int_equal(nodes_new(&nodes), 0);
    node = nodes_obtain(nodes, &key);
    id = node->id;
    node->lookups = 1;
    first = handles_new(node, 61001);
    second = handles_new(node, 61002);
    assert_int_equal(node->handles, 2);
    assert_int_equal(first->uid, 61001);
    assert_false(first->failed || first->is_listing);
    assert_ptr_equal(first->node, node);
    nodes_forget(nodes, node, 1);
    assert_non_null(nodes_get(nodes, id));
    assert_int_equal(buffer_append_text(&first->content, "content"), 0);
    handles_free(nodes, first);
    assert_non_null(nodes_get(nodes, id));
    handles_free(nodes, second);
    assert_null(nodes_get(nodes, id));
    handles_free(nodes, NULL);
    nodes_free(nodes);
}

static void test_listings(void **state)
{
    enum { NAMES = 5000 };
    struct handle *handle;
    struct nodes *nodes;
    char name[32];

    (void)state;
    assert_int_equal(nodes_new(&nodes), 0);
    handle = handles_new(nodes_get(nodes, 1), 0);
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, i % 5 ? "name-%u" : "n%u", i);
        assert_int_equal(handles_add(handle, name, 1000 + i, i % 2, i), 0);
    }
    assert_int_equal(handles_add(handle, "", 5, false, 6), 0);
    assert_int_equal(handle->list_count, NAMES + 1);
    for (unsigned i = 0; i < NAMES; i++) {
        const struct handle_name *listed = &handle->list[i];

        snprintf(name, sizeof name, i % 5 ? "name-%u" : "n%u", i);
        assert_string_equal((const char *)handle->names.bytes + listed->at, name);
        assert_int_equal(listed->inode, 1000 + i);
        assert_int_equal(listed->is_directory, i % 2);
        assert_int_equal(listed->dossier, i);
    }
    handles_free(nodes, handle);
    assert_non_null(nodes_get(nodes, 1));
    nodes_free(nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_handle_keeps_its_node),
        cmocka_unit_test(test_listings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
