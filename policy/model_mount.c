#include <stdio.h>
#include <string.h>

#include "policy/model.h"

enum { FILE_NAME_MAX_BYTES = 128, SUFFIX_MAX_BYTES = 16, PROGRAM_NAME_MAX_BYTES = 63 };

static const struct draft_section *mount_section(const struct model *model)
{
    return model->draft->counts[SECTION_MOUNT] ? model->draft->sections[SECTION_MOUNT][0] : NULL;
}

/* The daemon changes its directory, so a path has to be whole. */
static const char *read_path(struct model *model, enum key key)
{
    const struct draft_section *section = mount_section(model);
    const char *text = model_text(section, key, "");

    if (*text && *text != '/')
        faults_add(model->faults, model_line(section, key),
                   "'%s' is no whole path; allowed: a path that begins with /",
                   grammar_key_of(SECTION_MOUNT, key)->name);
    return text;
}

/* A name of one file that every system a mount is shared with takes as it is. */
static bool is_file_name(const char *text)
{
    size_t length_bytes = strlen(text);

    return length_bytes > 0 && length_bytes <= FILE_NAME_MAX_BYTES && *text != '.' && *text != '-' &&
           text[length_bytes - 1] != '.' && !strpbrk(text, "/\\:*?\"<>|");
}

static const char *read_file_name(struct model *model, enum key key, const char *otherwise)
{
    const struct draft_section *section = mount_section(model);
    const char *text = model_text(section, key, otherwise);

    if (is_file_name(text))
        return text;
    faults_add(
        model->faults, model_line(section, key),
        "'%s' is no file name; allowed: at most %d bytes, not beginning with . or -, not ending with ., none of "
        "/ \\ : * ? \" < > |",
        grammar_key_of(SECTION_MOUNT, key)->name, FILE_NAME_MAX_BYTES);
    return otherwise;
}

static const char *read_suffix(struct model *model)
{
    const struct draft_section *section = mount_section(model);
    const char *text = model_text(section, KEY_SUFFIX, ".txt");
    size_t length_bytes = strlen(text), rest_bytes = length_bytes - 1;

    if (length_bytes >= 2 && length_bytes <= SUFFIX_MAX_BYTES && strchr(".-_", *text) &&
        strspn(text + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == rest_bytes &&
        text[rest_bytes] != '.')
        return text;
    faults_add(
        model->faults, model_line(section, KEY_SUFFIX),
        "no suffix; allowed: 2 to %d bytes, first . or - or _, then letters, digits, . - and _, not ending with .",
        SUFFIX_MAX_BYTES);
    return ".txt";
}

/* Where a name that meets another is to be told: at the key that gives it, or, for a default, at the other. */
static unsigned line_of(const struct model *model, enum key key, unsigned other_line)
{
    const struct draft_section *section = mount_section(model);

    return section && section->values[key] ? section->values[key]->line : other_line;
}

static void check_codes(struct model *model, enum key key, const char *name)
{
    for (unsigned i = 0; i < model->policy->kind_count; i++)
        if (model->kinds[i].code && pattern_match(model->kinds[i].code, name, strlen(name)))
            faults_add(model->faults, line_of(model, key, model->kinds[i].line),
                       "%s = %s could be a code of [kind %s]; allowed: a name that no code looks like",
                       grammar_key_of(SECTION_MOUNT, key)->name, faults_word(name).text, model->kinds[i].name);
}

static void check_purposes(struct model *model, enum key key, const char *name)
{
    for (unsigned i = 0; i < model->policy->purpose_count; i++)
        if (strcmp(model->purposes[i].name, name) == 0)
            faults_add(model->faults, line_of(model, key, model->purposes[i].line),
                       "%s = %s is the name of a purpose; allowed: a name of its own",
                       grammar_key_of(SECTION_MOUNT, key)->name, faults_word(name).text);
}

/* Files of fields stand beside the file that holds all of them. */
static void check_fields(struct model *model, enum key key, const char *name, const char *suffix)
{
    for (unsigned i = 0; i < model->policy->field_count; i++) {
        size_t length_bytes = strlen(model->fields[i].name);

        if (strncmp(model->fields[i].name, name, length_bytes) == 0 && strcmp(name + length_bytes, suffix) == 0)
            faults_add(model->faults, line_of(model, key, model->fields[i].line),
                       "%s = %s is the file of [field %s]; allowed: a name of its own",
                       grammar_key_of(SECTION_MOUNT, key)->name, faults_word(name).text, model->fields[i].name);
    }
}

static void check_different(struct model *model, enum key key, const char *name, enum key other,
                            const char *other_name)
{
    if (strcmp(name, other_name) == 0)
        faults_add(model->faults, line_of(model, key, model_line(mount_section(model), other)),
                   "%s = %s is also %s; allowed: a name of its own", grammar_key_of(SECTION_MOUNT, key)->name,
                   faults_word(name).text, grammar_key_of(SECTION_MOUNT, other)->name);
}

static bool is_program(const char *text)
{
    size_t length_bytes = strlen(text);

    for (size_t i = 0; i < length_bytes; i++)
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '/')
            return false;
    return length_bytes > 0 && length_bytes <= PROGRAM_NAME_MAX_BYTES;
}

static void add_program(struct model *model, const char *text, unsigned line)
{
    struct policy_mount *mount = &model->policy->mount;

    if (!is_program(text)) {
        faults_add(model->faults, line,
                   "'%s' is no name of a program; allowed: 1 to %d printable characters without / and blanks",
                   faults_word(text).text, PROGRAM_NAME_MAX_BYTES);
        return;
    }
    for (size_t i = 0; i < mount->refused_count; i++)
        if (strcmp(mount->refused[i].name, text) == 0) {
            faults_add(model->faults, line, "'%s' is listed twice; allowed: once", text);
            return;
        }
    mount->refused[mount->refused_count++] = (struct policy_program){text, line};
}

static void read_programs(struct model *model)
{
    const struct draft_section *section = mount_section(model);
    struct model_list list;

    if (!section || !section->values[KEY_REFUSE_PROGRAMS])
        return;
    model->policy->mount.refused = arena_take_many(model->arena, model_list_room(section, KEY_REFUSE_PROGRAMS),
                                                   sizeof *model->policy->mount.refused);
    list = model_list(model, section, KEY_REFUSE_PROGRAMS);
    while (model->policy->mount.refused && model_list_next(&list))
        add_program(model, list.text, list.line);
}

void model_mount(struct model *model)
{
    struct policy_mount *mount = &model->policy->mount;

    mount->store = read_path(model, KEY_STORE);
    mount->mountpoint = read_path(model, KEY_MOUNTPOINT);
    mount->key_file = read_path(model, KEY_KEY_FILE);
    mount->suffix = read_suffix(model);
    mount->dossier = read_file_name(model, KEY_DOSSIER, "dossier.txt");
    mount->my_access = read_file_name(model, KEY_MY_ACCESS, "my-access.txt");
    mount->processing_log = read_file_name(model, KEY_PROCESSING_LOG, "processing-log");
    read_programs(model);
    check_fields(model, KEY_DOSSIER, mount->dossier, mount->suffix);
    check_codes(model, KEY_DOSSIER, mount->dossier);
    check_codes(model, KEY_MY_ACCESS, mount->my_access);
    check_purposes(model, KEY_MY_ACCESS, mount->my_access);
    check_codes(model, KEY_PROCESSING_LOG, mount->processing_log);
    check_purposes(model, KEY_PROCESSING_LOG, mount->processing_log);
    check_different(model, KEY_PROCESSING_LOG, mount->processing_log, KEY_MY_ACCESS, mount->my_access);
}
