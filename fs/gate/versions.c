#include "fs/gate/versions.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "fs/gate/inside.h"

struct question {
    const struct policy *policy; /* in force */
    gate_version_each *each;
    void *context;
    uint32_t newest; /* number of the last one that says what is in force: an older one may say the same */
};

static void describe(const struct question *question, const struct store_policy *policy, struct buffer *text,
                     struct gate_version *version)
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    *version = (struct gate_version){.policy = *policy, .damaged = !text};
    if (!text)
        return;
    crypto_hash_sha256(hash, (const uint8_t *)buffer_text(text), text->length_bytes);
    memcpy(version->version, hash, sizeof version->version);
    version->length_bytes = text->length_bytes;
    version->in_force = memcmp(version->version, question->policy->hash, sizeof version->version) == 0;
}

static int find_newest(void *context, const struct store_policy *policy, struct buffer *text)
{
    struct question *question = context;
    struct gate_version version;

    describe(question, policy, text, &version);
    if (version.in_force)
        question->newest = policy->number;
    return 0;
}

static int tell(void *context, const struct store_policy *policy, struct buffer *text)
{
    struct question *question = context;
    struct gate_version version;

    describe(question, policy, text, &version);
    version.in_force = policy->number == question->newest;
    return question->each(question->context, &version);
}

int gate_versions(struct gate *gate, const struct gate_person *person, gate_version_each *each, void *context,
                  struct report_why *why)
{
    struct question question = {.policy = gate_policy(gate), .each = each, .context = context};
    int error = gate_command(gate, person, "policy.versions", why);

    if (error)
        return error;
    error = store_policy_each(gate->store, find_newest, &question);
    if (!error)
        error = store_policy_each(gate->store, tell, &question);
    return error < 0 ? report_fail(why, error, "the kept policies can't be read: %s", strerror(-error)) : error;
}

int gate_version_text(struct gate *gate, const struct gate_person *person, uint32_t number, struct buffer *text,
                      struct report_why *why)
{
    struct store_policy policy;
    int error = gate_command(gate, person, "policy.versions", why);

    if (error)
        return error;
    error = store_policy_read(gate->store, number, &policy, text);
    if (error == -ENOENT)
        return report_fail(why, error, "no policy is kept under number %u", (unsigned)number);
    return error ? report_fail(why, error, "the policy of number %u can't be read: %s", (unsigned)number,
                               error == -EBADMSG ? "it was altered or cut short" : strerror(-error))
                 : 0;
}
