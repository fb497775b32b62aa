/* grammar: which sections and keys there are. The one table of them; dossier-policy(5) describes each. */
#ifndef DOSSIERFS_POLICY_GRAMMAR_H
#define DOSSIERFS_POLICY_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

enum section_type {
    SECTION_POLICY,
    SECTION_MOUNT,
    SECTION_LOG,
    SECTION_KIND,
    SECTION_CATEGORY,
    SECTION_FIELD,
    SECTION_PURPOSE,
    SECTION_ROLE,
    SECTION_RECIPIENT,
    SECTION_NEVER,
    SECTION_SECRECY,
    SECTION_TYPES,
};

enum key {
    KEY_ORGANISATION,
    KEY_TIMEZONE,
    KEY_CONTACT,
    KEY_STORE,
    KEY_MOUNTPOINT,
    KEY_KEY_FILE,
    KEY_SUFFIX,
    KEY_DOSSIER,
    KEY_MY_ACCESS,
    KEY_PROCESSING_LOG,
    KEY_LABEL,
    KEY_CODE,
    KEY_RETENTION,
    KEY_CATEGORY,
    KEY_TYPE,
    KEY_VALUES,
    KEY_PATTERN,
    KEY_LIST,
    KEY_NOT_PROFILING,
    KEY_GROUND,
    KEY_ARTICLE,
    KEY_BALANCING,
    KEY_KINDS,
    KEY_FIELDS,
    KEY_MEMBERS,
    KEY_PURPOSES,
    KEY_MASK,
    KEY_COMMANDS,
    KEY_BOUND,
    KEY_PUBLIC_BODY,
    KEY_CONTROLLER,
    KEY_STORED,
    KEY_INCIDENT,
    KEY_ROLES,
    KEY_SPECIAL,
    KEY_SECOND_GROUND,
    KEY_DESPITE_RESTRICTION,
    KEY_WRITE,
    KEY_OWN,
    KEY_DROP,
    KEY_CASELOAD,
    KEY_AGREEMENT,
    KEY_SIGNED,
    KEY_UNTIL,
    KEY_ADDRESS,
    KEY_WEBSITE,
    KEY_OFFICER,
    KEY_AUTHORITY,
    KEY_SECURITY,
    KEY_LANGUAGE,
    KEY_PEOPLE,
    KEY_SOURCE,
    KEY_TRANSFER,
    KEY_REQUESTER,
    KEY_WAS,
    KEY_REFUSE_PROGRAMS,
    KEY_DOSSIERS_PER_HOUR,
    KEY_THAT,
    KEY_SEND,
    KEY_WORKING_HOURS,
    KEY_UNUSUAL_DOSSIERS,
    KEY_UNUSUAL_REFUSALS,
    KEY_UNUSUAL_TIMES,
    KEY_COUNT,
};

struct grammar_key {
    enum key key;
    const char *name;
    bool required;
    bool list;    /* several, separated by commas; goes on with += */
    bool by_kind; /* KEY.KIND says it for one kind of dossier */
};

enum { GRAMMAR_SECTION_MAX_KEYS = 16 };
struct grammar_section {
    const char *word;
    bool named;                                            /* `[word name]`; otherwise `[word]`, once */
    unsigned max;                                          /* at most so many */
    struct grammar_key keys[GRAMMAR_SECTION_MAX_KEYS + 1]; /* ended by a key without a name */
};

const struct grammar_section *grammar_section(enum section_type type);
/* NULL if the section has no such key. */
const struct grammar_key *grammar_key(enum section_type type, const char *name);
const struct grammar_key *grammar_key_of(enum section_type type, enum key key);

#endif
