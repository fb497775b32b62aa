#include "fs/mount/log_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/base/number.h"
#include "fs/gate/clock.h"
#include "fs/gate/logbook.h"
#include "policy/terms.h"

enum {
    DAYS_AGE_MS = 5000, /* months may be erased */
    ANEW_S = 60,        /* reading on is an entry */
    /* What an open file of the log is charged with: 256 of them make all that a uid may have open. */
    OPEN_FILE_BYTES = 256 * 1024,
    NAME_BYTES = 32,
};
/* st_ino comes of key.leaf, so each kind has numbers of its own. */
enum { LEAF_ROOT = -20, LEAF_YEARS = -20000, LEAF_MONTHS = -1000000, LEAF_DAYS = -100000000 };

/* What was found out of a day's file. */
struct length {
    struct length *next;
    int32_t day;
    uint64_t bytes;
    int64_t changed_s;
    int error;
    uint64_t turn; /* of session->turns; 0: not found out yet */
    bool busy;     /* the worker is at it */
};

struct log_tree {
    struct session *session;
    int32_t *days; /* that have entries, and today */
    size_t day_count;
    int32_t days_of; /* the day on which they were found out */
    int64_t days_ms; /* when, or when that failed */
    bool days_known, days_busy;
    struct length *lengths;
};

int log_tree_new(struct session *session, struct log_tree **out)
{
    struct log_tree *tree = calloc(1, sizeof *tree);

    if (!tree)
        return -ENOMEM;
    tree->session = session;
    *out = tree;
    return 0;
}

void log_tree_free(struct log_tree *tree)
{
    if (!tree)
        return;
    for (struct length *length = tree->lengths, *next; length; length = next) {
        next = length->next;
        free(length);
    }
    free(tree->days);
    free(tree);
}

bool log_tree_has(const struct node *node)
{
    return node->key.type >= NODE_LOG && node->key.type <= NODE_LOG_DAY;
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

static struct node_key key_of(enum node_type type, int first, uint32_t number)
{
    return (struct node_key){
        .type = type, .purpose = -1, .dossier = UINT32_MAX, .leaf = first - (int)number, .version = number};
}

struct node_key log_tree_root(void)
{
    return key_of(NODE_LOG, LEAF_ROOT, 0);
}

static struct node_key key_of_year(int year)
{
    return key_of(NODE_LOG_YEAR, LEAF_YEARS, (uint32_t)year);
}

static struct node_key key_of_month(int year, int month)
{
    return key_of(NODE_LOG_MONTH, LEAF_MONTHS, (uint32_t)(year * 12 + month - 1));
}

static struct node_key key_of_day(int32_t day)
{
    return key_of(NODE_LOG_DAY, LEAF_DAYS, (uint32_t)day);
}

/* "2026/11/27.csv", for the log of the log. */
static void path_of(const struct node_key *key, char path[static NAME_BYTES])
{
    int year, month, month_day;

    path[0] = '\0';
    if (key->type == NODE_LOG_YEAR)
        snprintf(path, NAME_BYTES, "%04u", key->version);
    if (key->type == NODE_LOG_MONTH)
        snprintf(path, NAME_BYTES, "%04u/%02u", key->version / 12, key->version % 12 + 1);
    if (key->type != NODE_LOG_DAY)
        return;
    terms_date((int32_t)key->version, &year, &month, &month_day);
    snprintf(path, NAME_BYTES, "%04d/%02d/%02d.csv", year, month, month_day);
}

/* In its directory. */
static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Exactly so many digits, and then `end`. */
static bool take_number(const char *name, size_t digits, const char *end, uint32_t least, uint32_t most,
                        uint32_t *number)
{
    return strlen(name) >= digits && strcmp(name + digits, end) == 0 &&
           number_parse_u32(name, digits, least, most, number) == 0;
}

/* What a name would stand for, whether or not there is such a day. False: it can't be one of the log's. */
static bool parse_name(const struct node *parent, const char *name, struct node_key *key)
{
    uint32_t number, months = parent->key.version;

    switch (parent->key.type) {
    case NODE_LOG:
        if (!take_number(name, 4, "", 1, 9999, &number))
            return false;
        *key = key_of_year((int)number);
        return true;
    case NODE_LOG_YEAR:
        if (!take_number(name, 2, "", 1, 12, &number))
            return false;
        *key = key_of_month((int)parent->key.version, (int)number);
        return true;
    case NODE_LOG_MONTH:
        if (!take_number(name, 2, ".csv", 1, 31, &number) ||
            !terms_day_exists((int)months / 12, (int)months % 12 + 1, (int)number))
            return false;
        *key = key_of_day(terms_day((int)months / 12, (int)months % 12 + 1, (int)number));
        return true;
    default:
        return false;
    }
}

/* ---- which days there are ------------------------------------------------------------------------------------------- */

struct finding_days {
    struct worker_job job;
    struct log_tree *tree;
    int32_t *days;
    size_t count;
    int error;
};

static bool find_days(struct worker_job *job)
{
    struct finding_days *finding = (struct finding_days *)job;

    finding->error = session_book(finding->tree->session);
    if (!finding->error)
        finding->error = logbook_days(finding->tree->session->book, &finding->days, &finding->count);
    return false;
}

/* Today has a file also before its first entry. */
static int add_today(int32_t **days, size_t *count, int32_t today)
{
    int32_t *all;

    if (*count > 0 && (*days)[*count - 1] >= today)
        return 0;
    all = realloc(*days, (*count + 1) * sizeof *all);
    if (!all)
        return -ENOMEM;
    all[(*count)++] = today;
    *days = all;
    return 0;
}

static void take_days(struct worker_job *job)
{
    struct finding_days *finding = (struct finding_days *)job;
    struct log_tree *tree = finding->tree;
    int32_t today = clock_day_of(clock_now_s());

    if (!finding->error && !job->cancelled)
        finding->error = add_today(&finding->days, &finding->count, today);
    tree->days_busy = false;
    tree->days_known = !finding->error && !job->cancelled;
    tree->days_of = today;
    tree->days_ms = clock_tick_ms();
    if (finding->error)
        report(REPORT_ERROR, "log: which days have entries can't be found out: %s", strerror(-finding->error));
    if (tree->days_known) {
        free(tree->days);
        tree->days = finding->days;
        tree->day_count = finding->count;
        finding->days = NULL;
    }
    free(finding->days);
    free(finding);
}

/* False: the worker is being asked. What failed is asked again in a second. */
static bool days_are_known(struct log_tree *tree, uint32_t uid)
{
    struct finding_days *finding;

    if (!tree->days_busy && tree->days_ms > 0 && tree->days_of == clock_day_of(clock_now_s()) &&
        clock_tick_ms() - tree->days_ms < (tree->days_known ? DAYS_AGE_MS : 1000))
        return true;
    if (tree->days_busy)
        return false;
    finding = calloc(1, sizeof *finding);
    if (!finding)
        return true;
    finding->job = (struct worker_job){.uid = uid, .work = find_days, .done = take_days};
    finding->tree = tree;
    tree->days_busy = true;
    worker_give(tree->session->worker, &finding->job);
    return false;
}

/* Is there a day with first <= day <= last? */
static bool any_day(const struct log_tree *tree, int32_t first, int32_t last)
{
    size_t low = 0, high = tree->day_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tree->days[middle] < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tree->day_count && tree->days[low] <= last;
}

static bool exists(const struct log_tree *tree, const struct node_key *key)
{
    int year = (int)key->version / 12, month = (int)key->version % 12 + 1;

    switch (key->type) {
    case NODE_LOG_YEAR:
        return any_day(tree, terms_day((int)key->version, 1, 1), terms_day((int)key->version, 12, 31));
    case NODE_LOG_MONTH:
        return any_day(tree, terms_day(year, month, 1),
                       terms_day(month < 12 ? year : year + 1, month < 12 ? month + 1 : 1, 1) - 1);
    default:
        return any_day(tree, (int32_t)key->version, (int32_t)key->version);
    }
}

/* ---- how long a file is --------------------------------------------------------------------------------------------- */

struct measuring {
    struct worker_job job;
    struct log_tree *tree;
    int32_t day;
    uint64_t turn, bytes;
    int error;
};

static struct length *find_length(const struct log_tree *tree, int32_t day)
{
    struct length *length = tree->lengths;

    while (length && length->day != day)
        length = length->next;
    return length;
}

static bool measure(struct worker_job *job)
{
    struct measuring *measuring = (struct measuring *)job;
    int result = session_book(measuring->tree->session);

    if (!result)
        result = logbook_measure(measuring->tree->session->book, measuring->day, &measuring->bytes);
    measuring->error = result < 0 ? result : 0;
    return result > 0;
}

/* A file changes when it grows, and a past day's is as of its last second. */
static void take_length(struct worker_job *job)
{
    struct measuring *measuring = (struct measuring *)job;
    struct length *length = find_length(measuring->tree, measuring->day);
    int64_t ended_s = clock_first_second(measuring->day + 1) - 1, now_s = clock_now_s();

    length->busy = false;
    length->error = job->cancelled ? -EIO : measuring->error;
    length->turn = measuring->turn;
    if (!length->error && (length->bytes != measuring->bytes || length->changed_s == 0))
        length->changed_s = now_s < ended_s ? now_s : ended_s;
    if (!length->error)
        length->bytes = measuring->bytes;
    free(measuring);
}

static bool begin_to_measure(struct log_tree *tree, struct length *length, uint32_t uid)
{
    struct measuring *measuring = calloc(1, sizeof *measuring);

    if (!measuring)
        return false;
    measuring->job = (struct worker_job){.uid = uid, .work = measure, .done = take_length};
    measuring->tree = tree;
    measuring->day = length->day;
    measuring->turn = ++tree->session->turns;
    length->busy = true;
    worker_give(tree->session->worker, &measuring->job);
    return true;
}

/* False: the worker is being asked. There are as many lengths as days at most. */
static bool length_is_known(struct log_tree *tree, int32_t day, uint32_t uid, uint64_t turn)
{
    struct length *length = find_length(tree, day);

    if (!length) {
        length = calloc(1, sizeof *length);
        if (!length)
            return true;
        length->day = day;
        length->next = tree->lengths;
        tree->lengths = length;
    }
    if (length->turn > turn)
        return true;
    return !length->busy && !begin_to_measure(tree, length, uid);
}

int log_tree_measure(const struct log_tree *tree, struct node *node)
{
    const struct length *length = find_length(tree, (int32_t)node->key.version);

    if (!length || length->turn == 0 || length->error)
        return -EIO;
    node->size_bytes = length->bytes;
    node->changed_s = length->changed_s;
    return 0;
}

/* ---- requests ------------------------------------------------------------------------------------------------------- */

bool log_tree_waits(struct log_tree *tree, const struct door_ask *ask, uint32_t uid, const struct node *node,
                    const char *name, uint64_t turn)
{
    struct node_key key = node->key;

    if (node->key.type == NODE_LOG_DAY)
        return log_tree_admits(tree, ask, node) == 0 && !length_is_known(tree, (int32_t)key.version, uid, turn);
    if (!door_reads_log(tree->session->gate, ask))
        return false;
    if (!days_are_known(tree, uid))
        return true;
    return name && parse_name(node, name, &key) && exists(tree, &key) && key.type == NODE_LOG_DAY &&
           !length_is_known(tree, (int32_t)key.version, uid, turn);
}

int log_tree_find(struct log_tree *tree, const struct door_ask *ask, uint32_t uid, const struct node *parent,
                  const char *name, struct node_key *key)
{
    char path[NAME_BYTES];
    bool there;
    int error;

    if (!parse_name(parent, name, key))
        return -ENOENT;
    path_of(key, path);
    there = exists(tree, key);
    error = door_look_log(tree->session->gate, ask, path, key->type == NODE_LOG_DAY && there);
    if (!error && !tree->days_known)
        error = -EIO;
    if (!error && !there)
        error = -ENOENT;
    if (key->type == NODE_LOG_DAY)
        key->uid = uid;
    return error;
}

int log_tree_admits(const struct log_tree *tree, const struct door_ask *ask, const struct node *node)
{
    struct door_ask opener = *ask;

    if (node->key.type == NODE_LOG)
        return 0; /* its name is public, as those of purposes are */
    if (node->key.type == NODE_LOG_DAY && node->handles > 0)
        opener = (struct door_ask){door_caller(tree->session->gate, node->key.uid), DOOR_NO_PROCESS, -1};
    if (!opener.caller || door_is_gap(opener.caller))
        return -EIO;
    return door_reads_log(tree->session->gate, &opener) ? 0 : -ENOENT;
}

/* The directory's own names: each year, month or day once, in their order. */
static int add_names(struct log_tree *tree, const struct node_key *directory, struct handle *handle)
{
    uint32_t last = UINT32_MAX;
    int error = 0;

    for (size_t i = 0; i < tree->day_count && !error; i++) {
        struct node_key key = key_of_day(tree->days[i]);
        char path[NAME_BYTES];
        int year, month, month_day;

        terms_date(tree->days[i], &year, &month, &month_day);
        if ((directory->type == NODE_LOG_YEAR && (int)directory->version != year) ||
            (directory->type == NODE_LOG_MONTH && (int)directory->version != year * 12 + month - 1))
            continue;
        if (directory->type == NODE_LOG)
            key = key_of_year(year);
        else if (directory->type == NODE_LOG_YEAR)
            key = key_of_month(year, month);
        if (key.version == last)
            continue;
        last = key.version;
        path_of(&key, path);
        error = handles_add(handle, name_in(path), door_inode(tree->session->gate, -1, UINT32_MAX, key.leaf),
                            key.type != NODE_LOG_DAY, UINT32_MAX);
    }
    return error;
}

int log_tree_list(struct log_tree *tree, const struct door_ask *ask, struct handle *handle, door_done *done,
                  void *context)
{
    char path[NAME_BYTES];
    int error;

    path_of(&handle->node->key, path);
    error = door_open_log(tree->session->gate, ask, path, false, done, context);
    if (!error)
        handle->failed = !tree->days_known || add_names(tree, &handle->node->key, handle) < 0;
    return error;
}

int log_tree_open(struct log_tree *tree, const struct door_ask *ask, struct handle *handle, door_done *done,
                  void *context)
{
    char path[NAME_BYTES];

    path_of(&handle->node->key, path);
    if (door_reads_log(tree->session->gate, ask) && !session_charge(tree->session, handle, OPEN_FILE_BYTES))
        return -ENFILE;
    handle->logged_s = clock_now_s();
    return door_open_log(tree->session->gate, ask, path, true, done, context);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct reading {
    struct worker_job job;
    struct session *session;
    fuse_req_t request;
    int32_t day;
    uint64_t offset;
    size_t size;
    struct buffer text;
    int error;
};

static bool read_text(struct worker_job *job)
{
    struct reading *reading = (struct reading *)job;
    reading->error = session_book(reading->session);
    if (!reading->error)
        reading->error =
            logbook_read(reading->session->book, reading->day, reading->offset, reading->size, &reading->text);
    return false;
}

static void answer(struct reading *reading)
{
    int error = reading->error == -EBADMSG || reading->error == -ENOMEM ? -EIO : reading->error;

    if (error)
        fuse_reply_err(reading->request, -error);
    else
        fuse_reply_buf(reading->request, (const char *)reading->text.bytes, reading->text.length_bytes);
    buffer_clear(&reading->text);
    free(reading);
}

static void answer_read(struct worker_job *job)
{
    struct reading *reading = (struct reading *)job;

    if (job->cancelled)
        reading->error = -EIO;
    answer(reading);
}

/* That it goes on is in the log, or can't be: in the log thread. */
static void read_on(void *context, int status)
{
    struct reading *reading = context;
    struct session *session = reading->session;

    reading->error = status ? -EIO : 0;
    if (status)
        answer(reading);
    else
        worker_give(session->worker, &reading->job);
    __atomic_sub_fetch(&session->pending, 1, __ATOMIC_RELEASE);
}

/* What came since the opening was logged may be read only when that is logged too. */
static int log_again(struct log_tree *tree, const struct door_ask *ask, struct handle *handle,
                     struct reading *reading)
{
    int64_t now_s = clock_now_s();
    char path[NAME_BYTES];
    int error;

    path_of(&handle->node->key, path);
    __atomic_add_fetch(&tree->session->pending, 1, __ATOMIC_ACQUIRE);
    error = door_open_log(tree->session->gate, ask, path, true, read_on, reading);
    if (error)
        __atomic_sub_fetch(&tree->session->pending, 1, __ATOMIC_RELEASE);
    else
        handle->logged_s = now_s;
    return error;
}

static struct reading *new_reading(struct session *session, fuse_req_t request, const struct node *node,
                                   uint64_t offset, size_t size)
{
    struct reading *reading = calloc(1, sizeof *reading);

    if (!reading)
        return NULL;
    reading->job = (struct worker_job){.uid = node->key.uid, .work = read_text, .done = answer_read};
    reading->session = session;
    reading->request = request;
    reading->day = (int32_t)node->key.version;
    reading->offset = offset;
    reading->size = size;
    return reading;
}

void log_tree_read(struct log_tree *tree, fuse_req_t request, struct handle *handle, uint64_t offset, size_t size)
{
    struct session *session = tree->session;
    const struct node *node = handle->node;
    struct door_ask ask = {door_caller(session->gate, node->key.uid), fuse_req_ctx(request)->pid, -1};
    int64_t now_s = clock_now_s();
    bool grows = (int32_t)node->key.version >= clock_day_of(now_s);
    int error = log_tree_admits(tree, &ask, node);
    struct reading *reading = error ? NULL : new_reading(session, request, node, offset, size);

    if (!reading) {
        fuse_reply_err(request, error == -ENOENT ? ESTALE : error ? -error : ENOMEM);
        return;
    }
    if (!grows || (now_s - handle->logged_s < ANEW_S && now_s >= handle->logged_s)) {
        worker_give(session->worker, &reading->job);
        return;
    }
    error = log_again(tree, &ask, handle, reading);
    if (error) {
        reading->error = error;
        answer(reading);
    }
}
