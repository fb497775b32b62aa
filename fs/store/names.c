#include "fs/store/names.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/bytes.h"
#include "fs/store/schema.h"
#include "fs/store/sql.h"

enum {
    NAME_MAX_BYTES = 63,
    LISTS = 4,
    PLAIN_BYTES = 1 + NAME_MAX_BYTES, /* one size for all, so that a size tells nothing */
    SEALED_BYTES = PLAIN_BYTES + CRYPT_BOX_EXTRA_BYTES,
    AD_BYTES = CRYPT_ID_BYTES + 8,
};

struct entry {
    uint32_t number;
    char name[NAME_MAX_BYTES + 1];
};

struct list {
    struct entry *entries; /* in the order of their names */
    size_t count;
    size_t capacity;
    uint32_t highest;
};

struct names {
    const struct crypt_keys *keys;
    pthread_rwlock_t lock; /* guards the lists */
    struct list lists[LISTS];
};

static struct list *list_of(struct names *names, enum store_names list)
{
    return list >= STORE_KINDS && list <= STORE_PURPOSES ? &names->lists[list - 1] : NULL;
}

/* A category's number is part of a row's number, which has twelve bits for it. */
static uint32_t highest_allowed(enum store_names list)
{
    return list == STORE_CATEGORIES ? SCHEMA_CATEGORY_MAX : 65535;
}

/* Where the name is, or where it belongs. */
static size_t place_of(const struct list *list, const char *name, bool *found)
{
    size_t low = 0, high = list->count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, list->entries[middle].name);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Makes room first, so that a row is never committed which the list then has no memory for. */
static int reserve(struct list *list)
{
    size_t capacity = list->capacity ? list->capacity * 2 : 64;
    struct entry *entries;

    if (list->count < list->capacity)
        return 0;
    entries = reallocarray(list->entries, capacity, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    list->entries = entries;
    list->capacity = capacity;
    return 0;
}

static void insert(struct list *list, size_t place, const char *name, uint32_t number)
{
    memmove(&list->entries[place + 1], &list->entries[place], (list->count - place) * sizeof *list->entries);
    list->entries[place] = (struct entry){.number = number};
    memcpy(list->entries[place].name, name, strlen(name) + 1);
    list->count++;
    if (number > list->highest)
        list->highest = number;
}

static void name_ad(const struct crypt_keys *keys, uint32_t list, uint32_t number, uint8_t ad[static AD_BYTES])
{
    memcpy(ad, keys->store_id, CRYPT_ID_BYTES);
    bytes_put_u32(ad + 16, list);
    bytes_put_u32(ad + 20, number);
}

static int load_row(struct names *names, sqlite3_stmt *row)
{
    int64_t id = sqlite3_column_int64(row, 0);
    struct list *list = id > 0 && id >> 16 <= STORE_PURPOSES ? list_of(names, (enum store_names)(id >> 16)) : NULL;
    uint32_t number = (uint32_t)(id & 0xffff);
    uint8_t plain[PLAIN_BYTES], ad[AD_BYTES];
    char name[NAME_MAX_BYTES + 1] = {0};
    bool found;
    size_t place;
    int error;

    if (!list || number == 0 || number > highest_allowed((enum store_names)(id >> 16)) ||
        sqlite3_column_bytes(row, 1) != SEALED_BYTES)
        return -EBADMSG;
    name_ad(names->keys, (uint32_t)(id >> 16), number, ad);
    error = crypt_open_box(names->keys->names, ad, sizeof ad, sqlite3_column_blob(row, 1), plain, sizeof plain);
    if (error < 0)
        return error;
    if (plain[0] < 1 || plain[0] > NAME_MAX_BYTES || memchr(plain + 1, '\0', plain[0]))
        return -EBADMSG;
    memcpy(name, plain + 1, plain[0]);
    place = place_of(list, name, &found);
    if (found)
        return -EBADMSG;
    error = reserve(list);
    if (error == 0)
        insert(list, place, name, number);
    return error;
}

int names_open(sqlite3 *db, const struct crypt_keys *keys, struct names **out)
{
    struct names *names = calloc(1, sizeof *names);
    sqlite3_stmt *statement = NULL;
    int error = -ENOMEM;
    int rc;

    if (!names)
        return -ENOMEM;
    names->keys = keys;
    pthread_rwlock_init(&names->lock, NULL);
    error = sql_prepare(db, "SELECT id, sealed FROM name", &statement);
    if (error < 0)
        goto out;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        error = load_row(names, statement);
        if (error < 0)
            goto out;
    }
    error = sql_error(rc);
out:
    sqlite3_finalize(statement);
    if (error < 0)
        names_close(names);
    else
        *out = names;
    return error;
}

void names_close(struct names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < LISTS; i++)
        free(names->lists[i].entries);
    pthread_rwlock_destroy(&names->lock);
    free(names);
}

static bool length_is_valid(const char *name)
{
    return name[0] != '\0' && strnlen(name, NAME_MAX_BYTES + 1) <= NAME_MAX_BYTES;
}

int names_find(struct names *names, enum store_names which, const char *name, uint32_t *number)
{
    struct list *list = list_of(names, which);
    bool found;
    size_t place;

    if (!list || !length_is_valid(name))
        return -EINVAL;
    pthread_rwlock_rdlock(&names->lock);
    place = place_of(list, name, &found);
    if (found)
        *number = list->entries[place].number;
    pthread_rwlock_unlock(&names->lock);
    return found ? 0 : -ENOENT;
}

int names_name(struct names *names, enum store_names which, uint32_t number, char name[static 64])
{
    struct list *list = list_of(names, which);
    int error = -ENOENT;

    _Static_assert(NAME_MAX_BYTES + 1 <= 64, "a name fits");
    if (!list)
        return -EINVAL;
    pthread_rwlock_rdlock(&names->lock);
    for (size_t i = 0; i < list->count && error; i++)
        if (list->entries[i].number == number) {
            memcpy(name, list->entries[i].name, sizeof list->entries[i].name);
            error = 0;
        }
    pthread_rwlock_unlock(&names->lock);
    return error;
}

static int insert_row(struct names *names, sqlite3 *db, uint32_t list, uint32_t number, const char *name)
{
    uint8_t plain[PLAIN_BYTES] = {0}, ad[AD_BYTES], nonce[CRYPT_NONCE_BYTES], sealed[SEALED_BYTES];
    sqlite3_stmt *statement = NULL;
    int error = sql_prepare(db, "INSERT INTO name VALUES (?1, ?2)", &statement);

    if (error < 0)
        return error;
    plain[0] = (uint8_t)strlen(name);
    memcpy(plain + 1, name, plain[0]);
    name_ad(names->keys, list, number, ad);
    randombytes_buf(nonce, sizeof nonce);
    crypt_seal_box(names->keys->names, ad, sizeof ad, nonce, plain, sizeof plain, sealed);
    sql_bind(statement, 1, (int64_t[]){(int64_t)list << 16 | number});
    sqlite3_bind_blob(statement, 2, sealed, sizeof sealed, SQLITE_STATIC);
    error = sql_run(statement);
    sqlite3_finalize(statement);
    return error;
}

int names_add(struct names *names, sqlite3 *db, enum store_names which, const char *name, uint32_t *number)
{
    struct list *list = list_of(names, which);
    uint32_t next;
    bool found;
    size_t place;
    int error;

    if (!list || !length_is_valid(name))
        return -EINVAL;
    pthread_rwlock_wrlock(&names->lock);
    place = place_of(list, name, &found);
    next = found ? list->entries[place].number : list->highest + 1;
    error = found ? 0 : next > highest_allowed(which) ? -ENOSPC : reserve(list);
    if (!found && error == 0) {
        error = insert_row(names, db, which, next, name);
        if (error == 0)
            insert(list, place, name, next);
    }
    pthread_rwlock_unlock(&names->lock);
    if (error == 0)
        *number = next;
    return error;
}
