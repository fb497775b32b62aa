#include "fs/mount/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    char name[POLICY_NAME_MAX_BYTES + 1];
    int index; /* in the policy, or SLOTS_GONE */
};

struct list {
    struct slot *slots;
    int count;
    int of[POLICY_MAX_FIELDS]; /* slots by index */
    int of_count;
};

struct slots {
    struct list purposes, fields;
};

int slots_new(struct slots **out)
{
    struct slots *slots = calloc(1, sizeof *slots);

    if (!slots)
        return -ENOMEM;
    *out = slots;
    return 0;
}

void slots_free(struct slots *slots)
{
    if (!slots)
        return;
    free(slots->purposes.slots);
    free(slots->fields.slots);
    free(slots);
}

static void begin(struct list *list)
{
    for (int i = 0; i < list->count; i++)
        list->slots[i].index = SLOTS_GONE;
    list->of_count = 0;
}

static int add(struct list *list, const char *name)
{
    struct slot *slots;
    int slot = 0;

    while (slot < list->count && strcmp(list->slots[slot].name, name) != 0)
        slot++;
    if (slot == list->count) {
        slots = realloc(list->slots, ((size_t)slot + 1) * sizeof *slots);
        if (!slots) {
            list->of[list->of_count++] = SLOTS_GONE;
            return -ENOMEM;
        }
        list->slots = slots;
        list->count++;
        memset(&slots[slot], 0, sizeof slots[slot]);
        strncpy(slots[slot].name, name, sizeof slots[slot].name - 1);
    }
    list->slots[slot].index = list->of_count;
    list->of[list->of_count++] = slot;
    return 0;
}

int slots_take(struct slots *slots, const struct policy *policy)
{
    int error = 0;

    begin(&slots->purposes);
    begin(&slots->fields);
    for (unsigned i = 0; i < policy->purpose_count; i++)
        if (add(&slots->purposes, policy->purposes[i].name) < 0)
            error = -ENOMEM;
    for (unsigned i = 0; i < policy->field_count; i++)
        if (add(&slots->fields, policy->fields[i].name) < 0)
            error = -ENOMEM;
    return error;
}

static int of_index(const struct list *list, int index)
{
    if (index < 0)
        return index;
    return index < list->of_count ? list->of[index] : SLOTS_GONE;
}

static int of_slot(const struct list *list, int slot)
{
    if (slot < 0)
        return slot;
    return slot < list->count ? list->slots[slot].index : SLOTS_GONE;
}

int slots_of_purpose(const struct slots *slots, int index)
{
    return of_index(&slots->purposes, index);
}

int slots_purpose(const struct slots *slots, int slot)
{
    return of_slot(&slots->purposes, slot);
}

int slots_of_field(const struct slots *slots, int index)
{
    return of_index(&slots->fields, index);
}

int slots_field(const struct slots *slots, int slot)
{
    return of_slot(&slots->fields, slot);
}
