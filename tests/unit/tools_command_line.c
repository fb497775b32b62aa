/* Goal: the command line is read strictly: what it names is found, what is wrong is one clear line with "did you mean", and a
 * request to the daemon can't carry what belongs to the frontend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "tools/command_line.h"

static char message[256];

static int parse(bool in_daemon, struct command_line *line, const char *const *words)
{
    int count = 0;

    while (words[count])
        count++;
    message[0] = '\0';
    return command_line_parse(count, words, in_daemon, line, message);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void takes_options_of_both_sorts_anywhere(void **state)
{
    struct command_line line;
    struct command_line_file files[COMMAND_MAX_FILES];

    (void)state;
    assert_int_equal(parse(false, &line,
                           WORDS("-s", "S", "-pP", "import", "--kind=k", "--map", "m.map", "--key-file", "K",
                                 "--rejects", "r.csv", "a.csv")),
                     0);
    assert_string_equal(line.command->noun, "import");
    assert_string_equal(line.globals.store, "S");
    assert_string_equal(line.globals.policy, "P");
    assert_string_equal(line.globals.key_file, "K");
    assert_string_equal(line.argument_text[0], "a.csv");
    assert_int_equal(command_line_files(&line, files), 3);
    assert_string_equal(files[0].path, "m.map");
    assert_int_equal(files[0].file, COMMAND_READ);
    assert_string_equal(files[1].path, "r.csv");
    assert_int_equal(files[1].file, COMMAND_WRITE);
    assert_string_equal(files[2].path, "a.csv");
    assert_int_equal(files[2].argument, 0);
    assert_int_equal(files[2].option, -1);
}

static void two_dashes_end_options(void **state)
{
    struct command_line line;

    (void)state;
    assert_int_equal(parse(false, &line, WORDS("import", "--", "--kind")), 0);
    assert_string_equal(line.argument_text[0], "--kind");
    assert_int_equal(parse(false, &line, WORDS("import", "-")), 0);
    assert_string_equal(line.argument_text[0], "-");
}

static void help_needs_nothing_else(void **state)
{
    struct command_line line;

    (void)state;
    assert_int_equal(parse(false, &line, WORDS("--help")), 0);
    assert_true(line.help && !line.help_on);
    assert_int_equal(parse(false, &line, WORDS("import", "--help")), 0);
    assert_true(line.help && line.help_on && strcmp(line.help_on->noun, "import") == 0);
    assert_int_equal(parse(false, &line, WORDS("help", "log", "show")), 0);
    assert_true(line.help && line.help_on && strcmp(line.help_on->verb, "show") == 0);
    assert_int_equal(parse(false, &line, WORDS("help")), 0);
    assert_true(line.help && !line.help_on);
    assert_int_equal(parse(false, &line, WORDS("--version")), 0);
    assert_true(line.version);
}

static void faults_are_named(void **state)
{
    static const struct {
        const char *words[8];
        const char *said;
    } rows[] = {
        {{"imprt", "x"}, "did you mean \"import\"?"},
        {{"log", "shwo"}, "did you mean \"show\"?"},
        {{"log"}, "log what? one of: "},
        {{"log", "show", "--limt", "3"}, "did you mean --limit?"},
        {{"log", "show", "--limit"}, "--limit needs a value"},
        {{"log", "show", "--limit", "3", "--limit", "4"}, "--limit is given twice"},
        {{"log", "show", "--csv=1"}, "--csv takes no value"},
        {{"log", "show", "--limit="}, "the value of --limit is empty"},
        {{"log", "show", "x"}, "takes no arguments"},
        {{"import"}, "needs FILE.csv|-"},
        {{"import", "a", "b"}, "takes only"},
        {{"-x", "import", "a"}, "unknown option -x"},
        {{"-?", "import", "a"}, "unknown option -?"},
        {{"import", "-", "--map", "-"}, "only one file can be \"-\""},
        {{"import", "-", "--passphrase-file", "-"}, "only one file can be \"-\""},
        {{"-s", "S"}, "no command given"},
        {{"--stor", "S", "import", "a"}, "did you mean --store?"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct command_line line = {.argument_count = 77};

        assert_int_equal(parse(false, &line, rows[i].words), -EINVAL);
        if (!strstr(message, rows[i].said))
            fail_msg("\"%s\" does not say \"%s\"", message, rows[i].said);
        assert_int_equal(line.argument_count, 77);
    }
}

static void daemon_takes_no_options_of_the_frontend(void **state)
{
    struct command_line line;

    (void)state;
    assert_int_equal(parse(true, &line, WORDS("log", "show", "--limit", "3", "--")), 0);
    assert_int_equal(parse(true, &line, WORDS("log", "show", "--key-file", "x")), -EINVAL);
    assert_int_equal(parse(true, &line, WORDS("log", "show", "-k", "x")), -EINVAL);
    assert_int_equal(parse(true, &line, WORDS("--help")), -EINVAL);
    assert_int_equal(parse(true, &line, WORDS("help", "log", "show")), -EINVAL);
}

/* Every command of the table can be asked for help, and names no option that a global one hides. */
static void table_is_sound(void **state)
{
    (void)state;
    for (const struct command *command = commands_table; command->noun; command++) {
        unsigned options = 0, files = 0;

        assert_non_null(command->run);
        for (const struct command_option *option = command->options; option->name; option++) {
            options++;
            files += option->file != COMMAND_TEXT;
            assert_true(option->value || option->file == COMMAND_TEXT);
            for (const struct command_option *other = command_line_global_options; other->name; other++)
                assert_string_not_equal(option->name, other->name);
        }
        if (command->arguments_are != COMMAND_TEXT)
            files += command->max_arguments;
        assert_true(options <= COMMAND_MAX_OPTIONS && command->max_arguments <= COMMAND_MAX_ARGUMENTS);
        assert_true(files <= COMMAND_MAX_FILES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_options_of_both_sorts_anywhere),
        cmocka_unit_test(two_dashes_end_options),
        cmocka_unit_test(help_needs_nothing_else),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(daemon_takes_no_options_of_the_frontend),
        cmocka_unit_test(table_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
