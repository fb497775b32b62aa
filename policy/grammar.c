#include "policy/grammar.h"

#include <string.h>

#include "policy/policy.h"

static const struct grammar_section sections[SECTION_TYPES] = {
    [SECTION_POLICY] = {.word = "policy",
                        .max = 1,
                        .keys = {{.key = KEY_ORGANISATION, .name = "organisation", .required = true},
                                 {.key = KEY_TIMEZONE, .name = "timezone", .required = true},
                                 {.key = KEY_CONTACT, .name = "contact"},
                                 {.key = KEY_PUBLIC_BODY, .name = "public-body"},
                                 {.key = KEY_ADDRESS, .name = "address"},
                                 {.key = KEY_WEBSITE, .name = "website"},
                                 {.key = KEY_OFFICER, .name = "officer"},
                                 {.key = KEY_AUTHORITY, .name = "authority"},
                                 {.key = KEY_SECURITY, .name = "security", .list = true},
                                 {.key = KEY_LANGUAGE, .name = "language"}}},
    [SECTION_MOUNT] = {.word = "mount",
                       .max = 1,
                       .keys = {{.key = KEY_STORE, .name = "store"},
                                {.key = KEY_MOUNTPOINT, .name = "mountpoint"},
                                {.key = KEY_KEY_FILE, .name = "key-file"},
                                {.key = KEY_SUFFIX, .name = "suffix"},
                                {.key = KEY_DOSSIER, .name = "dossier"},
                                {.key = KEY_MY_ACCESS, .name = "my-access"},
                                {.key = KEY_PROCESSING_LOG, .name = "processing-log"},
                                {.key = KEY_REFUSE_PROGRAMS, .name = "refuse-programs", .list = true}}},
    [SECTION_LOG] = {.word = "log",
                     .max = 1,
                     .keys = {{.key = KEY_RETENTION, .name = "retention"},
                              {.key = KEY_SEND, .name = "send", .list = true},
                              {.key = KEY_WORKING_HOURS, .name = "working-hours"},
                              {.key = KEY_UNUSUAL_DOSSIERS, .name = "unusual-dossiers"},
                              {.key = KEY_UNUSUAL_REFUSALS, .name = "unusual-refusals"},
                              {.key = KEY_UNUSUAL_TIMES, .name = "unusual-times"}}},
    [SECTION_KIND] = {.word = "kind",
                      .named = true,
                      .max = POLICY_MAX_KINDS,
                      .keys = {{.key = KEY_LABEL, .name = "label"},
                               {.key = KEY_CODE, .name = "code", .required = true},
                               {.key = KEY_CONTROLLER, .name = "controller"},
                               {.key = KEY_PEOPLE, .name = "people"},
                               {.key = KEY_WAS, .name = "was"}}},
    [SECTION_CATEGORY] = {.word = "category",
                          .named = true,
                          .max = POLICY_MAX_CATEGORIES,
                          .keys = {{.key = KEY_LABEL, .name = "label"},
                                   {.key = KEY_RETENTION, .name = "retention", .by_kind = true},
                                   {.key = KEY_STORED, .name = "store"},
                                   {.key = KEY_INCIDENT, .name = "incident"},
                                   {.key = KEY_ROLES, .name = "roles", .list = true},
                                   {.key = KEY_SOURCE, .name = "source"},
                                   {.key = KEY_WAS, .name = "was"}}},
    [SECTION_FIELD] = {.word = "field",
                       .named = true,
                       .max = POLICY_MAX_FIELDS,
                       .keys = {{.key = KEY_LABEL, .name = "label"},
                                {.key = KEY_CATEGORY, .name = "category", .required = true},
                                {.key = KEY_TYPE, .name = "type", .required = true},
                                {.key = KEY_VALUES, .name = "values", .list = true},
                                {.key = KEY_PATTERN, .name = "pattern"},
                                {.key = KEY_LIST, .name = "list"},
                                {.key = KEY_NOT_PROFILING, .name = "not-profiling"},
                                {.key = KEY_SPECIAL, .name = "special"},
                                {.key = KEY_WAS, .name = "was"}}},
    [SECTION_PURPOSE] = {.word = "purpose",
                         .named = true,
                         .max = POLICY_MAX_PURPOSES,
                         .keys = {{.key = KEY_LABEL, .name = "label"},
                                  {.key = KEY_GROUND, .name = "ground", .required = true},
                                  {.key = KEY_ARTICLE, .name = "article"},
                                  {.key = KEY_BALANCING, .name = "balancing"},
                                  {.key = KEY_SECOND_GROUND, .name = "second-ground"},
                                  {.key = KEY_DESPITE_RESTRICTION, .name = "despite-restriction"},
                                  {.key = KEY_KINDS, .name = "kinds", .required = true, .list = true},
                                  {.key = KEY_FIELDS, .name = "fields", .required = true, .list = true},
                                  {.key = KEY_WAS, .name = "was"}}},
    [SECTION_ROLE] = {.word = "role",
                      .named = true,
                      .max = POLICY_MAX_ROLES,
                      .keys = {{.key = KEY_LABEL, .name = "label"},
                               {.key = KEY_MEMBERS, .name = "members", .required = true, .list = true},
                               {.key = KEY_PURPOSES, .name = "purposes", .list = true},
                               {.key = KEY_FIELDS, .name = "fields", .list = true},
                               {.key = KEY_MASK, .name = "mask", .list = true},
                               {.key = KEY_COMMANDS, .name = "commands", .list = true},
                               {.key = KEY_WRITE, .name = "write", .list = true},
                               {.key = KEY_OWN, .name = "own", .list = true},
                               {.key = KEY_DROP, .name = "drop", .list = true},
                               {.key = KEY_SPECIAL, .name = "special", .list = true},
                               {.key = KEY_CASELOAD, .name = "caseload", .list = true},
                               {.key = KEY_DOSSIERS_PER_HOUR, .name = "dossiers-per-hour"}}},
    [SECTION_RECIPIENT] = {.word = "recipient",
                           .named = true,
                           .max = POLICY_MAX_ROLES,
                           .keys = {{.key = KEY_LABEL, .name = "label"},
                                    {.key = KEY_AGREEMENT, .name = "agreement", .required = true},
                                    {.key = KEY_SIGNED, .name = "signed"},
                                    {.key = KEY_UNTIL, .name = "until"},
                                    {.key = KEY_ARTICLE, .name = "article"},
                                    {.key = KEY_REQUESTER, .name = "requester"},
                                    {.key = KEY_TRANSFER, .name = "transfer"},
                                    {.key = KEY_MEMBERS, .name = "members", .list = true},
                                    {.key = KEY_PURPOSES, .name = "purposes", .list = true},
                                    {.key = KEY_FIELDS, .name = "fields", .list = true},
                                    {.key = KEY_MASK, .name = "mask", .list = true},
                                    {.key = KEY_SPECIAL, .name = "special", .list = true},
                                    {.key = KEY_CASELOAD, .name = "caseload", .list = true},
                                    {.key = KEY_DOSSIERS_PER_HOUR, .name = "dossiers-per-hour"}}},
    [SECTION_NEVER] = {.word = "never",
                       .max = 1,
                       .keys = {{.key = KEY_THAT, .name = "that", .required = true, .list = true}}},
    [SECTION_SECRECY] = {.word = "secrecy",
                         .max = 1,
                         .keys = {{.key = KEY_BOUND, .name = "bound", .required = true, .list = true}}},
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
