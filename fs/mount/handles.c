#include "fs/mount/handles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct handle *handles_new(struct node *node, uint32_t uid)
{
    struct handle *handle = calloc(1, sizeof *handle);

    if (!handle)
        return NULL;
    handle->node = node;
    handle->uid = uid;
    node->handles++;
    return handle;
}

void handles_free(struct nodes *nodes, struct handle *handle)
{
    if (!handle)
        return;
    nodes_release(nodes, handle->node);
    buffer_clear(&handle->content);
    buffer_clear(&handle->names);
    free(handle->list);
    free(handle->dossiers);
    free(handle);
}

int handles_add(struct handle *handle, const char *name, uint64_t inode, bool is_directory, uint32_t dossier)
{
    size_t at = handle->names.length_bytes;

    if (handle->list_count == handle->list_capacity) {
        size_t capacity = handle->list_capacity ? handle->list_capacity * 2 : 16;
        struct handle_name *list = realloc(handle->list, capacity * sizeof *list);

        if (!list)
            return -ENOMEM;
        handle->list = list;
        handle->list_capacity = capacity;
    }
    if (buffer_append(&handle->names, name, strlen(name) + 1) < 0)
        return -ENOMEM;
    handle->list[handle->list_count++] = (struct handle_name){inode, (uint32_t)at, dossier, is_directory};
    return 0;
}
