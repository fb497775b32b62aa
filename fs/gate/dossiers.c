#include "fs/gate/dossiers.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fs/gate/clock.h"

/* What dossiers have in common. The ends of a dossier are one number per category that has a value, in the order of the
 * policy; `rank` says which. */
struct shape {
    struct field_set present;
    uint8_t kind;
    uint8_t category_count;
    uint8_t rank[POLICY_MAX_CATEGORIES]; /* 255: no value in this category */
};

/* Ends are kept as 32-bit seconds; the last value is never. Terms that end after 2106 are as good as that. */
#define ENDS_NEVER UINT32_MAX

struct row {
    uint64_t pseudonym;
    uint32_t subject;
    uint32_t version;
    uint32_t code_at; /* in `codes` */
    uint32_t ends_at; /* in `ends` */
    uint32_t shape;
    uint32_t facts; /* index + 1; 0: none */
};

/* What the first second of a day is costs a look into the time zone's rules, and dossiers share their days. */
enum { DAYS = 4096 };
struct day {
    int32_t day;
    bool known;
    int64_t first_s;
};

struct dossiers {
    const struct policy *policy;
    struct row *rows;
    uint32_t count, capacity;
    struct shape *shapes;
    uint32_t shape_count, shape_capacity;
    uint32_t *shape_slots; /* open addressing by content: index + 1, 0 is free */
    uint32_t shape_slot_count;
    struct day days[DAYS];
    char *codes;
    uint32_t codes_used, codes_capacity;
    uint32_t *ends;
    uint32_t ends_used, ends_capacity;
    struct facts **facts; /* of the few dossiers that have any; a place stays its dossier's */
    uint32_t facts_used, facts_capacity;
    uint32_t *slots; /* open addressing by code: number + 1, 0 is free */
    uint32_t slot_count;
    uint8_t
        hash_key[crypto_shorthash_KEYBYTES]; /* codes come from outside: chosen collisions must not slow us down */
    pthread_rwlock_t lock;                   /* the last member: see dossiers_exchange() */
};

int dossiers_new(const struct policy *policy, struct dossiers **out)
{
    struct dossiers *dossiers = calloc(1, sizeof *dossiers);

    if (!dossiers)
        return -ENOMEM;
    dossiers->policy = policy;
    dossiers->slot_count = 1024;
    dossiers->slots = calloc(dossiers->slot_count, sizeof *dossiers->slots);
    dossiers->shape_slot_count = 64;
    dossiers->shape_slots = calloc(dossiers->shape_slot_count, sizeof *dossiers->shape_slots);
    if (!dossiers->slots || !dossiers->shape_slots) {
        free(dossiers->slots);
        free(dossiers->shape_slots);
        free(dossiers);
        return -ENOMEM;
    }
    randombytes_buf(dossiers->hash_key, sizeof dossiers->hash_key);
    pthread_rwlock_init(&dossiers->lock, NULL);
    *out = dossiers;
    return 0;
}

void dossiers_free(struct dossiers *dossiers)
{
    if (!dossiers)
        return;
    if (dossiers->codes)
        explicit_bzero(dossiers->codes, dossiers->codes_capacity);
    pthread_rwlock_destroy(&dossiers->lock);
    free(dossiers->rows);
    free(dossiers->shapes);
    free(dossiers->shape_slots);
    free(dossiers->codes);
    free(dossiers->ends);
    for (uint32_t i = 0; i < dossiers->facts_used; i++)
        facts_free(dossiers->facts[i]);
    free(dossiers->facts);
    free(dossiers->slots);
    free(dossiers);
}

void dossiers_set_policy(struct dossiers *dossiers, const struct policy *policy)
{
    dossiers->policy = policy;
}

bool dossiers_exchange(struct dossiers *dossiers, struct dossiers *other)
{
    enum { CONTENT_BYTES = offsetof(struct dossiers, lock) };
    uint8_t held[CONTENT_BYTES];

    if (pthread_rwlock_trywrlock(&dossiers->lock) != 0)
        return false;
    memcpy(held, dossiers, CONTENT_BYTES);
    memcpy(dossiers, other, CONTENT_BYTES);
    memcpy(other, held, CONTENT_BYTES);
    pthread_rwlock_unlock(&dossiers->lock);
    explicit_bzero(held, sizeof held);
    return true;
}

void dossiers_read_begin(struct dossiers *dossiers)
{
    pthread_rwlock_rdlock(&dossiers->lock);
}

void dossiers_read_end(struct dossiers *dossiers)
{
    pthread_rwlock_unlock(&dossiers->lock);
}

void dossiers_write_begin(struct dossiers *dossiers)
{
    pthread_rwlock_wrlock(&dossiers->lock);
}

void dossiers_write_end(struct dossiers *dossiers)
{
    pthread_rwlock_unlock(&dossiers->lock);
}

/* Makes room for `more` elements behind `used`; the array may move. */
static int make_room(void **array, uint32_t used, uint32_t more, uint32_t *capacity, size_t element_bytes)
{
    uint64_t needed = (uint64_t)used + more;
    uint64_t wanted = *capacity ? *capacity : 64;
    void *moved;

    if (needed <= *capacity)
        return 0;
    if (needed > UINT32_MAX)
        return -ENOMEM;
    while (wanted < needed)
        wanted += wanted / 2;
    if (wanted > UINT32_MAX)
        wanted = UINT32_MAX;
    moved = realloc(*array, wanted * element_bytes);
    if (!moved)
        return -ENOMEM;
    *array = moved;
    *capacity = (uint32_t)wanted;
    return 0;
}

static uint64_t hash_of(const struct dossiers *dossiers, const char *code, size_t code_bytes)
{
    uint64_t hash;

    crypto_shorthash((uint8_t *)&hash, (const uint8_t *)code, code_bytes, dossiers->hash_key);
    return hash;
}

static uint32_t *slot_of(const struct dossiers *dossiers, const char *code, size_t code_bytes)
{
    uint32_t mask = dossiers->slot_count - 1;
    uint32_t at = (uint32_t)hash_of(dossiers, code, code_bytes) & mask;

    for (;; at = (at + 1) & mask) {
        const char *here;

        if (dossiers->slots[at] == 0)
            return &dossiers->slots[at];
        here = dossiers->codes + dossiers->rows[dossiers->slots[at] - 1].code_at;
        if (strlen(here) == code_bytes && memcmp(here, code, code_bytes) == 0)
            return &dossiers->slots[at];
    }
}

static int grow_slots(struct dossiers *dossiers)
{
    uint32_t *old = dossiers->slots;

    if (dossiers->count + 1 < dossiers->slot_count / 4 * 3)
        return 0;
    if (dossiers->slot_count > UINT32_MAX / 4)
        return -ENOMEM;
    dossiers->slots = calloc((size_t)dossiers->slot_count * 2, sizeof *old);
    if (!dossiers->slots) {
        dossiers->slots = old;
        return -ENOMEM;
    }
    dossiers->slot_count *= 2;
    free(old);
    for (uint32_t i = 0; i < dossiers->count; i++) {
        const char *code = dossiers->codes + dossiers->rows[i].code_at;

        *slot_of(dossiers, code, strlen(code)) = i + 1;
    }
    return 0;
}

/* Index of a number of the store among the policy's, or -1. `from` is where it is likely: behind the one before, since summaries
 * name their fields in an order of their own, but nearly always in the same. */
static int index_of(const uint32_t *numbers, unsigned count, uint32_t number, unsigned from)
{
    for (unsigned i = 0; number != 0 && i < count; i++) {
        unsigned at = from + i < count ? from + i : from + i - count;

        if (numbers[at] == number)
            return (int)at;
    }
    return -1;
}

/* The policy's categories in which the subject has an item: a bit each. */
static uint64_t categories_of(const struct dossiers *dossiers, const struct dossiers_numbers *numbers,
                              const struct store_subject *subject)
{
    uint64_t held = 0;
    int at = -1;

    for (unsigned i = 0; i < subject->category_count; i++) {
        int found = index_of(numbers->categories, dossiers->policy->category_count, subject->categories[i].category,
                             (unsigned)(at + 1) < dossiers->policy->category_count ? (unsigned)(at + 1) : 0);

        if (found < 0)
            continue;
        held |= (uint64_t)1 << found;
        at = found;
    }
    return held;
}

static int shape_of(const struct dossiers *dossiers, const struct dossiers_numbers *numbers,
                    const struct store_subject *subject, struct shape *shape)
{
    const struct policy *policy = dossiers->policy;
    int kind = index_of(numbers->kinds, policy->kind_count, subject->kind, 0);
    uint64_t held = categories_of(dossiers, numbers, subject);
    int field = -1;

    memset(shape, 0, sizeof *shape);
    memset(shape->rank, 255, sizeof shape->rank);
    if (kind < 0)
        return -EINVAL;
    shape->kind = (uint8_t)kind;
    for (unsigned i = 0; i < subject->field_count; i++) {
        field = index_of(numbers->fields, policy->field_count, subject->fields[i],
                         (unsigned)(field + 1) < policy->field_count ? (unsigned)(field + 1) : 0);
        if (field < 0 || !(held >> policy->fields[field].category & 1))
            return -EINVAL; /* not known, or not where the policy looks for it */
        field_set_add(&shape->present, (unsigned)field);
        shape->rank[policy->fields[field].category] = 0;
    }
    for (unsigned i = 0; i < policy->category_count; i++)
        if (shape->rank[i] != 255)
            shape->rank[i] = shape->category_count++;
    return 0;
}

/* Where the shape is, or where it would go. Keyed: which fields a dossier has comes from outside. */
static uint32_t *shape_slot(const struct dossiers *dossiers, const struct shape *shape)
{
    uint32_t mask = dossiers->shape_slot_count - 1;
    uint32_t at = (uint32_t)hash_of(dossiers, (const char *)shape, sizeof *shape) & mask;

    while (dossiers->shape_slots[at] != 0 &&
           memcmp(&dossiers->shapes[dossiers->shape_slots[at] - 1], shape, sizeof *shape) != 0)
        at = (at + 1) & mask;
    return &dossiers->shape_slots[at];
}

static int grow_shape_slots(struct dossiers *dossiers)
{
    uint32_t *old = dossiers->shape_slots;

    if (dossiers->shape_count < dossiers->shape_slot_count / 2)
        return 0;
    if (dossiers->shape_slot_count > UINT32_MAX / 4)
        return -ENOMEM;
    dossiers->shape_slots = calloc((size_t)dossiers->shape_slot_count * 2, sizeof *old);
    if (!dossiers->shape_slots) {
        dossiers->shape_slots = old;
        return -ENOMEM;
    }
    dossiers->shape_slot_count *= 2;
    free(old);
    for (uint32_t i = 0; i < dossiers->shape_count; i++)
        *shape_slot(dossiers, &dossiers->shapes[i]) = i + 1;
    return 0;
}

static int intern_shape(struct dossiers *dossiers, const struct shape *shape, uint32_t *out)
{
    uint32_t found = *shape_slot(dossiers, shape);
    int error;

    if (found == 0) {
        error =
            make_room((void **)&dossiers->shapes, dossiers->shape_count, 1, &dossiers->shape_capacity, sizeof *shape);
        if (!error)
            error = grow_shape_slots(dossiers);
        if (error)
            return error;
        dossiers->shapes[dossiers->shape_count] = *shape;
        found = ++dossiers->shape_count;
        *shape_slot(dossiers, shape) = found;
    }
    *out = found - 1;
    return 0;
}

/* ---- ends of terms -------------------------------------------------------------------------------------------- */

struct starts {
    struct dossiers *dossiers;
    const struct store_subject *subject;
    const struct dossiers_numbers *numbers;
};

static bool field_day(void *context, int field, int32_t *day)
{
    const struct starts *starts = context;

    for (unsigned i = 0; i < starts->subject->date_count; i++)
        if (starts->subject->dates[i].field == starts->numbers->fields[field]) {
            *day = starts->subject->dates[i].day;
            return true;
        }
    return false;
}

static int64_t first_second(void *context, int32_t day)
{
    const struct starts *starts = context;
    struct day *known = &starts->dossiers->days[(uint32_t)day % DAYS];

    if (!known->known || known->day != day)
        *known = (struct day){day, true, clock_first_second(day)};
    return known->first_s;
}

static int32_t day_of(void *context, int64_t second)
{
    (void)context;
    return clock_day_of(second);
}

static uint32_t end_of(const struct policy *policy, unsigned category, unsigned kind, const struct starts *starts)
{
    const struct retention *retention = policy_retention(policy, category, kind);
    struct terms_world world = {field_day, first_second, day_of, 0, (void *)starts};
    int64_t end_s;

    if (!retention)
        return ENDS_NEVER;
    for (unsigned i = 0; i < starts->subject->category_count; i++)
        if (starts->subject->categories[i].category == starts->numbers->categories[category])
            world.capture_s = starts->subject->categories[i].captured_s;
    end_s = terms_end_s(retention, &world);
    if (end_s >= (int64_t)ENDS_NEVER)
        return ENDS_NEVER;
    return end_s < 0 ? 0 : (uint32_t)end_s;
}

/* ---- the table ------------------------------------------------------------------------------------------------ */

uint32_t dossiers_count(const struct dossiers *dossiers)
{
    return dossiers->count;
}

struct dossier dossiers_get(const struct dossiers *dossiers, uint32_t number)
{
    const struct row *row = &dossiers->rows[number];
    const struct shape *shape = &dossiers->shapes[row->shape];

    return (struct dossier){number,         row->subject, row->version,
                            row->pseudonym, shape->kind,  dossiers->codes + row->code_at,
                            &shape->present};
}

uint32_t dossiers_find(const struct dossiers *dossiers, const char *code, size_t code_bytes)
{
    uint32_t found = *slot_of(dossiers, code, code_bytes);

    return found ? found - 1 : DOSSIERS_NONE;
}

uint32_t dossiers_find_subject(const struct dossiers *dossiers, uint32_t subject)
{
    uint32_t low = 0, high = dossiers->count;

    if (high > 0 && dossiers->rows[high - 1].subject < subject)
        return DOSSIERS_NONE; /* the next one, while loading */
    while (low < high) {      /* rows are in the order of subjects: see dossiers_put() */
        uint32_t middle = low + (high - low) / 2;

        if (dossiers->rows[middle].subject < subject)
            low = middle + 1;
        else
            high = middle;
    }
    return low < dossiers->count && dossiers->rows[low].subject == subject ? low : DOSSIERS_NONE;
}

const struct facts *dossiers_facts(const struct dossiers *dossiers, uint32_t number)
{
    uint32_t facts = dossiers->rows[number].facts;

    return facts ? dossiers->facts[facts - 1] : NULL;
}

int64_t dossiers_ends_s(const struct dossiers *dossiers, uint32_t number, unsigned category)
{
    const struct row *row = &dossiers->rows[number];
    uint8_t rank = dossiers->shapes[row->shape].rank[category];
    uint32_t end_s = rank == 255 ? ENDS_NEVER : dossiers->ends[row->ends_at + rank];

    return facts_ends_s(dossiers_facts(dossiers, number), category,
                        end_s == ENDS_NEVER ? TERMS_NEVER : (int64_t)end_s);
}

static int append_code(struct dossiers *dossiers, const struct store_subject *subject, uint32_t *at)
{
    uint32_t bytes = (uint32_t)subject->code_bytes + 1;
    int error = make_room((void **)&dossiers->codes, dossiers->codes_used, bytes, &dossiers->codes_capacity, 1);

    if (error)
        return error;
    *at = dossiers->codes_used;
    memcpy(dossiers->codes + *at, subject->code, subject->code_bytes);
    dossiers->codes[*at + subject->code_bytes] = '\0';
    dossiers->codes_used += bytes;
    return 0;
}

/* Room is there. The place of the dossier's facts, or 0 if it never had any; `facts` is taken over. */
static uint32_t keep_facts(struct dossiers *dossiers, uint32_t place, struct facts *facts)
{
    if (place > 0) {
        facts_free(dossiers->facts[place - 1]);
        dossiers->facts[place - 1] = facts;
        return place;
    }
    if (!facts)
        return 0;
    dossiers->facts[dossiers->facts_used] = facts;
    return ++dossiers->facts_used;
}

int dossiers_put(struct dossiers *dossiers, const struct dossiers_numbers *numbers,
                 const struct store_subject *subject)
{
    uint32_t known = dossiers_find_subject(dossiers, subject->id);
    struct starts starts = {dossiers, subject, numbers};
    struct facts_numbers known_numbers = {numbers->purposes, numbers->categories, numbers->fields};
    struct row row = {.pseudonym = subject->pseudonym, .subject = subject->id, .version = subject->version};
    struct facts *facts = NULL;
    struct shape shape;
    int error = shape_of(dossiers, numbers, subject, &shape);

    if (!error)
        error = intern_shape(dossiers, &shape, &row.shape);
    if (!error)
        error = make_room((void **)&dossiers->ends, dossiers->ends_used, POLICY_MAX_CATEGORIES,
                          &dossiers->ends_capacity, sizeof *dossiers->ends);
    if (!error)
        error = make_room((void **)&dossiers->rows, dossiers->count, 1, &dossiers->capacity, sizeof row);
    if (!error)
        error = make_room((void **)&dossiers->facts, dossiers->facts_used, 1, &dossiers->facts_capacity,
                          sizeof *dossiers->facts);
    if (!error)
        error = grow_slots(dossiers);
    if (!error && known == DOSSIERS_NONE && dossiers->count > 0 &&
        subject->id < dossiers->rows[dossiers->count - 1].subject)
        error = -ERANGE; /* rows are found by halving: see dossiers_find_subject() */
    if (!error && known == DOSSIERS_NONE)
        error = append_code(dossiers, subject, &row.code_at);
    if (!error)
        error = facts_new(dossiers->policy, &known_numbers, subject, &facts);
    if (error)
        return error;
    row.facts = keep_facts(dossiers, known == DOSSIERS_NONE ? 0 : dossiers->rows[known].facts, facts);
    row.ends_at = dossiers->ends_used;
    if (known != DOSSIERS_NONE) {
        const struct row *old = &dossiers->rows[known];

        row.code_at = old->code_at;
        if (dossiers->shapes[old->shape].category_count >= shape.category_count)
            row.ends_at = old->ends_at;
    }
    for (unsigned i = 0; i < dossiers->policy->category_count; i++)
        if (shape.rank[i] != 255)
            dossiers->ends[row.ends_at + shape.rank[i]] = end_of(dossiers->policy, i, shape.kind, &starts);
    if (row.ends_at == dossiers->ends_used)
        dossiers->ends_used += shape.category_count;
    if (known != DOSSIERS_NONE) {
        dossiers->rows[known] = row;
        return 0;
    }
    dossiers->rows[dossiers->count++] = row;
    *slot_of(dossiers, subject->code, subject->code_bytes) = dossiers->count;
    return 0;
}
