#include "policy/draft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/suggest.h"

#define NAME_RULE "a to z, 0 to 9 and '-', beginning with a letter"

static const char sections_allowed[] =
    "[policy], [mount], [log], [never], [secrecy] and [kind NAME], [category NAME], "
    "[field NAME], [purpose NAME], [role NAME], [recipient NAME]";

int draft_init(struct draft *draft)
{
    *draft = (struct draft){0};
    for (enum section_type type = 0; type < SECTION_TYPES; type++)
        draft->sections[type] =
            arena_take_many(&draft->arena, grammar_section(type)->max, sizeof *draft->sections[type]);
    return draft->arena.failed ? -ENOMEM : 0;
}

void draft_clear(struct draft *draft)
{
    arena_clear(&draft->arena);
    faults_clear(&draft->faults);
}

struct draft_words draft_keys(enum section_type type)
{
    struct draft_words words = {0};
    size_t used = 0;

    for (const struct grammar_key *key = grammar_section(type)->keys; key->name && used < sizeof words.text; key++)
        used += (size_t)snprintf(words.text + used, sizeof words.text - used, "%s%s%s", used ? ", " : "", key->name,
                                 key->by_kind ? ", retention.KIND" : "");
    return words;
}

bool draft_is_name(const char *name)
{
    size_t length_bytes = strlen(name);

    if (length_bytes == 0 || length_bytes > POLICY_NAME_MAX_BYTES || name[0] < 'a' || name[0] > 'z')
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length_bytes;
}

/* The section type of a word; for a word that is only near one, that one, and the fault. False: neither. */
static bool find_type(struct draft *draft, const char *word, unsigned line, enum section_type *out)
{
    struct suggest suggest;

    suggest_init(&suggest, word);
    for (enum section_type type = 0; type < SECTION_TYPES; type++) {
        if (strcmp(grammar_section(type)->word, word) == 0) {
            *out = type;
            return true;
        }
        suggest_consider(&suggest, grammar_section(type)->word);
    }
    faults_add_unknown(&draft->faults, line, "section", word, suggest.nearest, sections_allowed);
    for (enum section_type type = 0; suggest.nearest && type < SECTION_TYPES; type++) {
        if (grammar_section(type)->word == suggest.nearest) {
            *out = type;
            return true;
        }
    }
    return false;
}

static void check_name(struct draft *draft, const struct grammar_section *grammar, const char *name, unsigned line)
{
    struct fault_word shown = faults_word(name);

    if (!grammar->named && *name)
        faults_add(&draft->faults, line, "[%s] takes no name, but has '%s'", grammar->word, shown.text);
    else if (grammar->named && !*name)
        faults_add(&draft->faults, line, "[%s] needs a name: [%s NAME]; allowed: " NAME_RULE, grammar->word,
                   grammar->word);
    else if (grammar->named && !draft_is_name(name))
        faults_add(&draft->faults, line, "'%s' is no name; allowed: " NAME_RULE, shown.text);
}

static const struct draft_section *find_section(const struct draft *draft, enum section_type type, const char *name)
{
    if (!grammar_section(type)->named)
        return draft->counts[type] ? draft->sections[type][0] : NULL;
    for (unsigned i = 0; i < draft->counts[type]; i++)
        if (strcmp(draft->sections[type][i]->name, name) == 0)
            return draft->sections[type][i];
    return NULL;
}

/* A place for the section's keys: kept, or the scratch one if the section is given twice or there are too many. */
static struct draft_section *place_section(struct draft *draft, enum section_type type, const char *name,
                                           unsigned line)
{
    const struct grammar_section *grammar = grammar_section(type);
    const struct draft_section *earlier = find_section(draft, type, name);
    struct draft_section *section;

    draft->scratch = (struct draft_section){.type = type, .name = "", .line = line};
    if (earlier) {
        faults_add(&draft->faults, line, "[%s%s%s] is given twice, first on line %u; allowed: once", grammar->word,
                   grammar->named ? " " : "", grammar->named ? faults_word(name).text : "", earlier->line);
        return &draft->scratch;
    }
    if (draft->counts[type] == grammar->max) {
        if (!draft->too_many[type])
            faults_add(&draft->faults, line, "more than %u [%s NAME] sections; allowed: at most %u", grammar->max,
                       grammar->word, grammar->max);
        draft->too_many[type] = true;
        draft->damaged = true;
        return &draft->scratch;
    }
    section = arena_take(&draft->arena, sizeof *section);
    if (!section)
        return &draft->scratch;
    *section = draft->scratch;
    section->name = arena_text(&draft->arena, name, strlen(name));
    if (!section->name)
        return &draft->scratch;
    draft->sections[type][draft->counts[type]++] = section;
    return section;
}

void draft_begin_section(struct draft *draft, const char *text, unsigned line)
{
    char word[64] = "";
    size_t word_bytes = strcspn(text, " ");
    const char *name = text[word_bytes] ? text + word_bytes + 1 : text + word_bytes;
    enum section_type type;

    draft->in_section = true;
    draft->current = NULL;
    if (word_bytes == 0) {
        faults_add(&draft->faults, line, "no word behind '['; allowed: %s", sections_allowed);
        draft->damaged = true;
        return;
    }
    if (word_bytes < sizeof word)
        memcpy(word, text, word_bytes);
    if (!find_type(draft, word, line, &type)) {
        draft->damaged = true;
        return;
    }
    check_name(draft, grammar_section(type), name, line);
    draft->current = place_section(draft, type, name, line);
}

void draft_lost_section(struct draft *draft)
{
    draft->in_section = true;
    draft->current = NULL;
    draft->damaged = true;
}

void draft_lost_key(struct draft *draft)
{
    if (draft->current)
        draft->current->damaged = true;
}

static const struct grammar_key *guess_key(struct draft *draft, const char *name, unsigned line)
{
    const struct grammar_section *grammar = grammar_section(draft->current->type);
    struct draft_words allowed = draft_keys(draft->current->type);
    struct fault_word shown = faults_word(name);
    struct suggest suggest;

    suggest_init(&suggest, name);
    for (const struct grammar_key *key = grammar->keys; key->name; key++)
        suggest_consider(&suggest, key->name);
    faults_add(&draft->faults, line, "unknown key '%s' in [%s]%s%s%s allowed: %s", shown.text, grammar->word,
               suggest.nearest ? "; did you mean '" : ";", suggest.nearest ? suggest.nearest : "",
               suggest.nearest ? "'?" : "", allowed.text);
    return suggest.nearest ? grammar_key(draft->current->type, suggest.nearest) : NULL;
}

/* `retention.KIND = value`: the name is checked when all kinds are known. */
static void add_by_kind(struct draft *draft, const char *key, const char *kind, struct draft_value *value)
{
    struct draft_by_kind **place = &draft->current->by_kind;
    unsigned count = 0;

    for (; *place; place = &(*place)->next, count++) {
        if (strcmp((*place)->kind, kind) == 0) {
            faults_add(&draft->faults, value->line, "'%s' is given twice, first on line %u; allowed: once",
                       faults_word(key).text, (*place)->value->line);
            return;
        }
    }
    if (count == POLICY_MAX_KINDS) {
        faults_add(&draft->faults, value->line, "more than %d retention.KIND keys; allowed: one for each [kind]",
                   POLICY_MAX_KINDS);
        return;
    }
    *place = arena_take(&draft->arena, sizeof **place);
    if (*place)
        **place = (struct draft_by_kind){.kind = arena_text(&draft->arena, kind, strlen(kind)), .value = value};
    if (*place && !(*place)->kind)
        *place = NULL;
}

static void store_value(struct draft *draft, const struct grammar_key *key, struct draft_value *value, bool guessed)
{
    struct draft_section *section = draft->current;
    struct draft_value *earlier = section->values[key->key];

    if (earlier && guessed)
        return;
    if (earlier && !section->guessed[key->key]) {
        faults_add(&draft->faults, value->line, "'%s' is given twice, first on line %u; allowed: once%s", key->name,
                   earlier->line, key->list ? ", and a list goes on with +=" : "");
        return;
    }
    section->values[key->key] = section->lasts[key->key] = value;
    section->guessed[key->key] = guessed;
}

static void store_more(struct draft *draft, const struct grammar_key *key, struct draft_value *value)
{
    struct draft_section *section = draft->current;
    struct draft_value *last = section->lasts[key->key];

    if (!key->list) {
        faults_add(&draft->faults, value->line, "'%s +=' but '%s' is no list; allowed: %s = value, once", key->name,
                   key->name, key->name);
        return;
    }
    if (!last) {
        if (!section->damaged)
            faults_add(&draft->faults, value->line, "'%s +=' goes on with a list that no '%s =' began", key->name,
                       key->name);
        section->values[key->key] = section->lasts[key->key] = value;
        section->guessed[key->key] = true;
        return;
    }
    last->next = value;
    section->lasts[key->key] = value;
}

static struct draft_value *new_value(struct draft *draft, const char *text, unsigned line)
{
    struct draft_value *value = arena_take(&draft->arena, sizeof *value);

    if (!value)
        return NULL;
    *value = (struct draft_value){.text = arena_text(&draft->arena, text, strlen(text)), .line = line};
    return value->text ? value : NULL;
}

static void add_to_section(struct draft *draft, const char *name, bool more, struct draft_value *value)
{
    const struct grammar_key *key = grammar_key(draft->current->type, name);
    const char *dot = strchr(name, '.');
    bool guessed = false;

    if (!key && dot && draft->current->type == SECTION_CATEGORY && strncmp(name, "retention.", 10) == 0 && !more) {
        add_by_kind(draft, name, dot + 1, value);
        return;
    }
    if (!key) {
        key = guess_key(draft, name, value->line);
        guessed = true;
    }
    if (key && more)
        store_more(draft, key, value);
    else if (key)
        store_value(draft, key, value, guessed);
}

void draft_add(struct draft *draft, const char *key, const char *text, unsigned line)
{
    char name[256] = "";
    size_t length_bytes = strlen(key);
    bool more = length_bytes > 0 && key[length_bytes - 1] == '+';
    struct draft_value *value;

    if (more)
        length_bytes--;
    while (length_bytes > 0 && (key[length_bytes - 1] == ' ' || key[length_bytes - 1] == '\t'))
        length_bytes--;
    if (length_bytes >= sizeof name)
        return; /* longer than a line can be */
    memcpy(name, key, length_bytes);
    if (!draft->in_section) {
        faults_add(&draft->faults, line, "'%s' stands before the first section; allowed: %s", faults_word(name).text,
                   sections_allowed);
        return;
    }
    if (!draft->current)
        return;
    if (!*name) {
        faults_add(&draft->faults, line, "no key before '='; allowed: %s", draft_keys(draft->current->type).text);
        return;
    }
    if (!*text) {
        faults_add(&draft->faults, line, "'%s' has no value; leave the line out if there is none",
                   faults_word(name).text);
        draft->current->damaged = true;
        return;
    }
    value = new_value(draft, text, line);
    if (value)
        add_to_section(draft, name, more, value);
}
