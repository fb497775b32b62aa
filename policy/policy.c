#include "policy/policy.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "policy/model.h"
#include "policy/parse.h"

static void hash_text(struct policy *policy, const char *text, size_t length_bytes)
{
    uint8_t whole[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(whole, (const unsigned char *)text, length_bytes);
    memcpy(policy->hash, whole, sizeof policy->hash);
}

/* 0: the model may be published. */
static int build(const char *file, const char *text, size_t length_bytes, struct draft *draft, struct model *model)
{
    int error = draft_init(draft);

    if (error)
        return error;
    if (length_bytes > POLICY_TEXT_MAX_BYTES) {
        faults_add(&draft->faults, 0, "the file has %zu bytes; at most %d are read", length_bytes,
                   POLICY_TEXT_MAX_BYTES);
        return draft->faults.failed ? -ENOMEM : -EINVAL;
    }
    error = parse(text, length_bytes, draft);
    if (!error)
        error = model_build(model, draft);
    if (error)
        return error;
    if (draft->faults.found.count > 0)
        return -EINVAL;
    hash_text(model->policy, text, length_bytes);
    model->policy->file = arena_text(&draft->arena, file, strlen(file));
    return model->policy->file ? 0 : -ENOMEM;
}

int policy_load(const char *file, const char *text, size_t length_bytes, struct policy **out,
                struct policy_faults *faults)
{
    struct draft draft = {0};
    struct model model = {0};
    int error = build(file, text, length_bytes, &draft, &model);

    if (error == -EINVAL) {
        struct policy_faults found;

        faults_finish(&draft.faults, &found);
        if (draft.faults.failed)
            error = -ENOMEM;
        if (error == -ENOMEM)
            policy_faults_clear(&found);
        else
            *faults = found;
    }
    if (!error)
        *out = model_publish(&model);
    model_clear(&model);
    draft_clear(&draft);
    return error;
}

void policy_free(struct policy *policy)
{
    struct arena arena;

    if (!policy)
        return;
    for (unsigned i = 0; i < policy->kind_count; i++)
        pattern_free((struct pattern *)policy->kinds[i].code);
    for (unsigned i = 0; i < policy->field_count; i++)
        pattern_free((struct pattern *)policy->fields[i].type.pattern);
    arena = policy->private->arena; /* which holds the policy */
    arena_clear(&arena);
}

int policy_find_kind(const struct policy *policy, const char *name)
{
    return name_table_find(&policy->private->names[SECTION_KIND], name);
}

int policy_find_category(const struct policy *policy, const char *name)
{
    return name_table_find(&policy->private->names[SECTION_CATEGORY], name);
}

int policy_find_field(const struct policy *policy, const char *name)
{
    return name_table_find(&policy->private->names[SECTION_FIELD], name);
}

int policy_find_purpose(const struct policy *policy, const char *name)
{
    return name_table_find(&policy->private->names[SECTION_PURPOSE], name);
}

int policy_find_role(const struct policy *policy, const char *name)
{
    int role = name_table_find(&policy->private->names[SECTION_ROLE], name);
    int recipient = role < 0 ? name_table_find(&policy->private->names[SECTION_RECIPIENT], name) : -1;

    return recipient < 0 ? role : (int)policy->own_roles + recipient;
}

/* A code is a directory's name, whatever a careless pattern (`.*`) would take. */
static bool is_directory_name(const char *code, size_t length_bytes)
{
    if (length_bytes == 0 || length_bytes > POLICY_CODE_MAX_BYTES || code[0] == '.')
        return false;
    for (size_t i = 0; i < length_bytes; i++)
        if (code[i] < 0x20 || code[i] > 0x7e || code[i] == '/')
            return false;
    return true;
}

int policy_kind_of_code(const struct policy *policy, const char *code, size_t length_bytes)
{
    if (!is_directory_name(code, length_bytes))
        return -1;
    for (unsigned i = 0; i < policy->kind_count; i++)
        if (pattern_match(policy->kinds[i].code, code, length_bytes))
            return (int)i;
    return -1;
}

const struct retention *policy_retention(const struct policy *policy, unsigned category, unsigned kind)
{
    const struct policy_category *from = &policy->categories[category];

    if (kind < POLICY_MAX_KINDS && from->has_retention_kind[kind])
        return &from->retention_kind[kind];
    return from->has_retention ? &from->retention : NULL;
}
