#include "fs/gate/numbers.h"

#include <errno.h>

int numbers_find(struct store *store, enum store_names names, const char *name, const char *was, uint32_t *number)
{
    int error = store_number(store, names, name, number);

    return error == -ENOENT && *was ? store_number(store, names, was, number) : error;
}

int numbers_assign(struct store *store, enum store_names names, const char *name, const char *was, uint32_t *number)
{
    int error = numbers_find(store, names, name, was, number);

    return error == -ENOENT ? store_number_assign(store, names, name, number) : error;
}
