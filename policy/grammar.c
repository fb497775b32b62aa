#include "policy/grammar.h"

#include <string.h>

#include "policy/policy.h"

static const struct grammar_section sections[SECTION_TYPES] = {
    [SECTION_POLICY] = {.word = "policy",
                        .max = 1,
                        .keys = {{KEY_ORGANISATION, "organisation", .required = true},
                                 {KEY_TIMEZONE, "timezone", .required = true},
                                 {KEY_CONTACT, "contact"}}},
    [SECTION_MOUNT] = {.word = "mount",
                       .max = 1,
                       .keys = {{KEY_STORE, "store"},
                                {KEY_MOUNTPOINT, "mountpoint"},
                                {KEY_KEY_FILE, "key-file"},
                                {KEY_SUFFIX, "suffix"},
                                {KEY_DOSSIER, "dossier"},
                                {KEY_MY_ACCESS, "my-access"}}},
    [SECTION_KIND] = {.word = "kind",
                      .named = true,
                      .max = POLICY_MAX_KINDS,
                      .keys = {{KEY_LABEL, "label"}, {KEY_CODE, "code", .required = true}}},
    [SECTION_CATEGORY] = {.word = "category",
                          .named = true,
                          .max = POLICY_MAX_CATEGORIES,
                          .keys = {{KEY_LABEL, "label"}, {KEY_RETENTION, "retention", .by_kind = true}}},
    [SECTION_FIELD] = {.word = "field",
                       .named = true,
                       .max = POLICY_MAX_FIELDS,
                       .keys = {{KEY_LABEL, "label"},
                                {KEY_CATEGORY, "category", .required = true},
                                {KEY_TYPE, "type", .required = true},
                                {KEY_VALUES, "values", .list = true},
                                {KEY_PATTERN, "pattern"},
                                {KEY_LIST, "list"},
                                {KEY_NOT_PROFILING, "not-profiling"}}},
    [SECTION_PURPOSE] = {.word = "purpose",
                         .named = true,
                         .max = POLICY_MAX_PURPOSES,
                         .keys = {{KEY_LABEL, "label"},
                                  {KEY_GROUND, "ground", .required = true},
                                  {KEY_ARTICLE, "article"},
                                  {KEY_BALANCING, "balancing"},
                                  {KEY_KINDS, "kinds", .required = true, .list = true},
                                  {KEY_FIELDS, "fields", .required = true, .list = true}}},
    [SECTION_ROLE] = {.word = "role",
                      .named = true,
                      .max = POLICY_MAX_ROLES,
                      .keys = {{KEY_LABEL, "label"},
                               {KEY_MEMBERS, "members", .required = true, .list = true},
                               {KEY_PURPOSES, "purposes", .list = true},
                               {KEY_FIELDS, "fields", .list = true},
                               {KEY_MASK, "mask", .list = true},
                               {KEY_COMMANDS, "commands", .list = true}}},
    [SECTION_SECRECY] = {.word = "secrecy", .max = 1, .keys = {{KEY_BOUND, "bound", .required = true, .list = true}}},
};

const struct grammar_section *grammar_section(enum section_type type)
{
    return &sections[type];
}

const struct grammar_key *grammar_key(enum section_type type, const char *name)
{
    for (const struct grammar_key *key = sections[type].keys; key->name; key++)
        if (strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

const struct grammar_key *grammar_key_of(enum section_type type, enum key which)
{
    for (const struct grammar_key *key = sections[type].keys; key->name; key++)
        if (key->key == which)
            return key;
    return NULL;
}
