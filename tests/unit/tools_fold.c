/* Goal: folding loses nothing: every entry is in one line, with its field, its time and its dossier. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tools/log_fold.h"

enum { ENTRIES = 20000, USERS = 7, FIELDS = 5, SUBJECTS = 40 };

static int nothing(struct command_context *context)
{
    (void)context;
    return 0;
}

static const struct command_option options[] = {
    {"csv", NULL, COMMAND_TEXT, ""}, {"json", NULL, COMMAND_TEXT, ""}, {0}};
static const struct command command = {.noun = "log", .verb = "fold", .run = nothing, .options = options};

static char *printed(struct log_fold *fold, int form)
{
    char *text = NULL;
    size_t text_bytes = 0;
    struct command_context context = {.command = &command, .error = stderr};

    context.out = open_memstream(&text, &text_bytes);
    if (form >= 0)
        context.option_text[form] = "";
    assert_int_equal(log_fold_print(fold, &context), 0);
    fclose(context.out);
    return text;
}

static void nothing_is_lost(void **state)
{
    static const char *const keys[] = {"user", NULL};
    static unsigned times[USERS];
    static bool fields[USERS][FIELDS], subjects[USERS][SUBJECTS];
    struct log_fold *fold = NULL;
    char *text, *line, *rest = NULL;
    unsigned lines = 0;

    (void)state;
    srand(7);
    assert_int_equal(log_fold_new(keys, true, &fold), 0);
    for (unsigned i = 0; i < ENTRIES; i++) {
        unsigned user = (unsigned)rand() % USERS, field = (unsigned)rand() % FIELDS,
                 subject = (unsigned)rand() % SUBJECTS;
        char name[16], what[16];
        struct log_entry entry = {.time_ms = 1000 + i, .what = LOG_FIELD, .count = 1 + i % 2, .subject = 1 + subject};

        snprintf(name, sizeof name, "user%u", user);
        snprintf(what, sizeof what, "%sf%u", field == 3 ? "~" : "", field);
        entry.fields = what;
        assert_int_equal(log_fold_add(fold, (const char *[]){name}, &entry), 0);
        times[user] += entry.count;
        fields[user][field] = subjects[user][subject] = true;
    }
    assert_int_equal(log_fold_entries(fold), ENTRIES);
    text = printed(fold, 1);
    for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *object = json_loads(line, 0, NULL);
        unsigned user = 0, seen = 0, with = 0;

        assert_non_null(object);
        assert_int_equal(sscanf(json_string_value(json_object_get(object, "user")), "user%u", &user), 1);
        for (unsigned i = 0; i < FIELDS; i++)
            with += fields[user][i];
        for (unsigned i = 0; i < SUBJECTS; i++)
            seen += subjects[user][i];
        assert_int_equal(json_integer_value(json_object_get(object, "times")), times[user]);
        assert_int_equal(json_integer_value(json_object_get(object, "dossiers")), seen);
        assert_int_equal(json_array_size(json_object_get(object, "fields")), with);
        json_decref(object);
        lines++;
    }
    assert_int_equal(lines, USERS);
    free(text);
    text = printed(fold, 0); /* a second time, and as CSV */
    assert_int_equal(strncmp(text, "user,fields,dossiers,first,last,times\r\n", 39), 0);
    free(text);
    log_fold_free(fold);
}

/* Names of fields that begin alike are different fields; what has none is named by what was done. */
static void names_are_whole(void **state)
{
    static const char *const keys[] = {"user", NULL};
    static const char *const names[] = {"huur", "huurder", "hu", "huur,hu", ""};
    struct log_fold *fold = NULL;
    char *text;

    (void)state;
    assert_int_equal(log_fold_new(keys, false, &fold), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct log_entry entry = {.what = LOG_LOOK, .fields = names[i], .count = 1};

        assert_int_equal(log_fold_add(fold, (const char *[]){"a"}, &entry), 0);
    }
    text = printed(fold, 1);
    assert_non_null(strstr(text, "[\"(look)\",\"hu\",\"huur\",\"huurder\"]"));
    assert_non_null(strstr(text, "\"times\":5"));
    free(text);
    text = printed(fold, -1);
    assert_non_null(strstr(text, "(look),hu,huur,huurder"));
    free(text);
    log_fold_free(fold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost), cmocka_unit_test(names_are_whole)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
