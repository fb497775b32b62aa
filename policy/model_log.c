#include <string.h>

#include "fs/base/number.h"
#include "policy/model.h"

enum {
    UNUSUAL_MAX = 1000000,
    WORK_FROM = 7,
    WORK_TO = 19,
    UNUSUAL_DOSSIERS = 50,
    UNUSUAL_REFUSALS = 20,
    UNUSUAL_TIMES = 3,
    RETENTION_MAX_MONTHS = 1200,
};

static const char send_allowed[] = "journal, file PATH, command PATH; a PATH begins with /";

/* The way that the text begins with, and the path behind it; false: none. */
static bool read_send(const char *text, struct policy_send *send)
{
    static const struct {
        const char *word;
        enum policy_send_way way;
    } ways[] = {{"file ", SEND_FILE}, {"command ", SEND_COMMAND}};

    *send = (struct policy_send){.way = SEND_JOURNAL, .path = "", .text = text};
    if (strcmp(text, "journal") == 0)
        return true;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strncmp(text, ways[i].word, strlen(ways[i].word)) == 0) {
            send->way = ways[i].way;
            send->path = text + strlen(ways[i].word);
            send->path += strspn(send->path, " ");
            return *send->path == '/';
        }
    return false;
}

static void add_send(struct model *model, struct policy_send *sends, const char *text, unsigned line)
{
    struct policy_log *log = &model->policy->log;
    struct policy_send send;

    if (!read_send(text, &send)) {
        faults_add(model->faults, line, "'%s' is no way to send; allowed: %s", faults_word(text).text, send_allowed);
        return;
    }
    for (size_t i = 0; i < log->send_count; i++)
        if (sends[i].way == send.way && strcmp(sends[i].path, send.path) == 0) {
            faults_add(model->faults, line, "'%s' is listed twice; allowed: once", faults_word(text).text);
            return;
        }
    if (log->send_count == POLICY_MAX_SENDS) {
        faults_add(model->faults, line, "more than %d places; allowed: at most %d", POLICY_MAX_SENDS,
                   POLICY_MAX_SENDS);
        return;
    }
    send.line = line;
    sends[log->send_count++] = send;
}

static void read_sends(struct model *model, const struct draft_section *section)
{
    struct policy_send *sends = arena_take_many(model->arena, POLICY_MAX_SENDS, sizeof *sends);
    struct model_list list = model_list(model, section, KEY_SEND);

    model->policy->log.send = sends;
    while (sends && model_list_next(&list))
        add_send(model, sends, list.text, list.line);
}

static void read_hours(struct model *model, const struct draft_section *section)
{
    struct policy_log *log = &model->policy->log;
    const char *text = model_text(section, KEY_WORKING_HOURS, NULL), *dash = text ? strchr(text, '-') : NULL;

    if (text &&
        (!dash || number_parse_u32(text, (size_t)(dash - text), 0, 24, &log->work_from) < 0 ||
         number_parse_u32(dash + 1, strlen(dash + 1), 0, 24, &log->work_to) < 0 || log->work_from >= log->work_to))
        faults_add(model->faults, model_line(section, KEY_WORKING_HOURS),
                   "'%s' is no part of a day; allowed: two hours, 0 to 24, the first before the second, as in 7-19",
                   faults_word(text).text);
}

/* Months and years alone: the log's months are its smallest part, and anybody can then count after us. */
static void read_retention(struct model *model, const struct draft_section *section)
{
    struct policy_log *log = &model->policy->log;
    const char *text = model_text(section, KEY_RETENTION, NULL);
    size_t length_bytes = text ? strlen(text) : 0;
    char unit = length_bytes > 1 ? text[length_bytes - 1] : '\0';
    uint32_t amount, months = unit == 'y' ? 12 : 1;

    log->retention_line = model_line(section, KEY_RETENTION);
    if (!text || strcmp(text, "none") == 0)
        return;
    if ((unit == 'y' || unit == 'm') &&
        number_parse_u32(text, length_bytes - 1, 1, RETENTION_MAX_MONTHS / months, &amount) == 0)
        log->retention_months = amount * months;
    else
        faults_add(model->faults, log->retention_line,
                   "'%s' is no term of the log; allowed: none, 1m to %dm, 1y to %dy, as in 5y",
                   faults_word(text).text, RETENTION_MAX_MONTHS, RETENTION_MAX_MONTHS / 12);
}

static void read_limit(struct model *model, const struct draft_section *section, enum key key, uint32_t *limit)
{
    const char *text = model_text(section, key, NULL);

    if (text && number_parse_u32(text, strlen(text), 1, UNUSUAL_MAX, limit) < 0)
        faults_add(model->faults, model_line(section, key), "'%s' is no limit; allowed: 1 to %d",
                   faults_word(text).text, UNUSUAL_MAX);
}

void model_log(struct model *model)
{
    struct policy_log *log = &model->policy->log;
    const struct draft_section *section;

    *log = (struct policy_log){.work_from = WORK_FROM,
                               .work_to = WORK_TO,
                               .unusual_dossiers = UNUSUAL_DOSSIERS,
                               .unusual_refusals = UNUSUAL_REFUSALS,
                               .unusual_times = UNUSUAL_TIMES};
    if (model->draft->counts[SECTION_LOG] == 0)
        return;
    section = model->draft->sections[SECTION_LOG][0];
    read_retention(model, section);
    read_sends(model, section);
    read_hours(model, section);
    read_limit(model, section, KEY_UNUSUAL_DOSSIERS, &log->unusual_dossiers);
    read_limit(model, section, KEY_UNUSUAL_REFUSALS, &log->unusual_refusals);
    read_limit(model, section, KEY_UNUSUAL_TIMES, &log->unusual_times);
}
