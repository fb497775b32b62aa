/* Goal: names of files lead to fields and back, files hold what the gate showed and not a byte more, and a person's own page
 * says what the policy makes of him. */
#include "fs/mount/views.h"
#include "tests/unit/gate_stage.h"

static const char the_policy[] =
    "[policy]\norganisation = Stichting Voorbeeld\ntimezone = Europe/Amsterdam\ncontact = fg@example.org\n"
    "[mount]\ndossier = dossier.md\nmy-access = mijn-toegang.txt\nsuffix = .tekst\n"
    "[kind tenant]\nlabel = Huurder\ncode = T[0-9]{4}\n[kind seeker]\nlabel = Zoeker\ncode = S[0-9]{4}\n"
    "[category person]\n[category contact]\n"
    "[field surname]\nlabel = Naam\ncategory = person\ntype = surname\n"
    "[field born]\nlabel = Geboren te Ĳsselstein (één)\ncategory = person\ntype = date\n"
    "[field phones]\nlabel = Telefoon ☎\ncategory = contact\ntype = phone\nlist = yes\n"
    "[field mail]\ncategory = contact\ntype = email\n"
    "[field aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\ncategory = contact\ntype = text\n"
    "[purpose rent]\nlabel = Huur innen\nground = A\nkinds = tenant\nfields = surname, born\n"
    "[purpose housing]\nlabel = Woonruimte verdelen\nground = A\nkinds = tenant, seeker\nfields = person, phones\n"
    "[purpose empty]\nlabel = Niets\nground = A\nkinds = seeker\nfields = mail\n"
    "[role collecting]\nlabel = Incasso\nmembers = 61001\npurposes = rent, empty\nmask = born:year\nfields = person\n"
    "[role letting]\nlabel = Verhuur\nmembers = 61002, 61001, bin\npurposes = housing\nmask = phones:last4\n"
    "[role late]\nlabel = Oud\nmembers = 61003\npurposes = rent\n"
    "[role importers]\nmembers = 61008\ncommands = import\n"
    "[secrecy]\nbound = 61001 2020-01-01, 61002 2020-01-01, bin 2020-01-01, 61003 2020-01-01 2021-01-01\n"
    "bound += 61008 2020-01-01\n";

static struct stage stage;
static const struct policy *policy;

static int begin(void **state)
{
    (void)state;
    stage_begin(&stage);
    stage_open(&stage, the_policy, true);
    policy = gate_policy(stage.gate);
    stage_import_one(&stage, "tenant", "T0001",
                     (struct stage_cell[]){{"surname", "Çelik-Ĳzer"},
                                           {"born", "1980-02-03"},
                                           {"phones", "0612345678|0101234567|0209999999"},
                                           {NULL, NULL}});
    return 0;
}

static int end(void **state)
{
    (void)state;
    stage_end(&stage);
    return 0;
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

static void test_names_both_ways(void **state)
{
    char name[VIEWS_NAME_MAX_BYTES];

    (void)state;
    for (int leaf = DOOR_WHOLE; leaf < (int)policy->field_count; leaf++) {
        views_leaf_name(policy, leaf, name);
        assert_int_equal(views_leaf(policy, name), leaf);
        assert_true(leaf == DOOR_WHOLE || strlen(name) == strlen(policy->fields[leaf].name) + 6);
    }
}

static void test_other_names(void **state)
{
    static const char *const unknown[] = {"",
                                          ".",
                                          ".tekst",
                                          "surname",
                                          "surname.txt",
                                          "surname.teks",
                                          "surname.tekst.tekst",
                                          "surname.tekst ",
                                          " surname.tekst",
                                          "Surname.tekst",
                                          "surname.TEKST",
                                          "surname\n.tekst",
                                          "person.tekst",
                                          "dossier.txt",
                                          "dossier.md.tekst",
                                          "desktop.ini",
                                          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.tekst",
                                          "\xff\xfe.tekst"};
    char large[300];

    (void)state;
    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_int_equal(views_leaf(policy, unknown[i]), VIEWS_UNKNOWN);
    assert_int_equal(views_leaf(policy, "person"), VIEWS_CATEGORY);
    assert_int_equal(views_leaf(policy, "contact"), VIEWS_CATEGORY);
    memset(large, 'a', sizeof large);
    snprintf(large + 250, 50, ".tekst");
    assert_int_equal(views_leaf(policy, large), VIEWS_UNKNOWN);
}

/* ---- contents ------------------------------------------------------------------------------------------------------ */

static void expect_file(uint32_t uid, const char *purpose, int leaf, const char *expected)
{
    struct door_ask ask = stage_ask(&stage, uid, purpose);
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct buffer file = BUFFER_EMPTY;
    struct door_found found;

    assert_int_equal(door_look_leaf(stage.gate, &ask, stage_dossier(&stage, "T0001"), leaf, &found, &shown), 0);
    assert_int_equal(views_render(policy, leaf, "T0001", &shown, &file), 0);
    assert_string_equal(buffer_text(&file), expected);
    assert_int_equal(file.length_bytes, strlen(expected));
    buffer_clear(&file);
    door_shown_clear(&shown);
}

static void test_fields(void **state)
{
    int phones = (int)stage_field(&stage, "phones"), born = (int)stage_field(&stage, "born");

    (void)state;
    expect_file(61001, "rent", (int)stage_field(&stage, "surname"), "Çelik-Ĳzer\n");
    expect_file(61001, "rent", born, "1980-**-**\n");
    expect_file(61002, "housing", born, "1980-02-03\n");
    expect_file(61002, "housing", phones, "********5678\n********4567\n********9999\n");
}

/* Labels count in characters, so that the values stand under each other. */
static void test_whole(void **state)
{
    (void)state;
    expect_file(61001, "rent", DOOR_WHOLE,
                "T0001\n\n"
                "Naam:                        Çelik-Ĳzer\n"
                "Geboren te Ĳsselstein (één): 1980-**-**\n");
    expect_file(61002, "housing", DOOR_WHOLE,
                "T0001\n\n"
                "Naam:                        Çelik-Ĳzer\n"
                "Geboren te Ĳsselstein (één): 1980-02-03\n"
                "Telefoon ☎:                  ********5678\n"
                "                             ********4567\n"
                "                             ********9999\n");
}

/* Every byte belongs to the values shown: the neighbours in `text` stay out. */
static void test_only_what_is_shown(void **state)
{
    struct door_shown shown = {.text = BUFFER_EMPTY, .count = 1};
    struct buffer file = BUFFER_EMPTY;

    (void)state;
    buffer_append_text(&shown.text, "SECRETvalueSECRET");
    shown.values[0] = (struct door_value){0, false, 6, 5, 0};
    assert_int_equal(views_render(policy, 0, "T0001", &shown, &file), 0);
    assert_string_equal(buffer_text(&file), "value\n");
    buffer_reset(&file);
    assert_int_equal(views_render(policy, DOOR_WHOLE, "T0001", &shown, &file), 0);
    assert_string_equal(buffer_text(&file), "T0001\n\nNaam: value\n");
    buffer_reset(&file);
    shown.count = 0;
    assert_int_equal(views_render(policy, DOOR_WHOLE, "T0001", &shown, &file), 0);
    assert_string_equal(buffer_text(&file), "T0001\n\n");
    buffer_clear(&file);
    door_shown_clear(&shown);
}

/* ---- one's own page ------------------------------------------------------------------------------------------------ */

static const struct logbook_own *the_own;

static const char *own_page(uint32_t uid, struct buffer *page)
{
    buffer_reset(page);
    assert_int_equal(views_render_own(stage.gate, stage_caller(&stage, uid), the_own, page), 0);
    return buffer_text(page);
}

static void test_own_page(void **state)
{
    struct buffer page = BUFFER_EMPTY;

    (void)state;
    assert_string_equal(own_page(61001, &page), "Stichting Voorbeeld\n\n"
                                                "You are: uid 61001\n"
                                                "Roles:   Incasso, Verhuur\n"
                                                "Secrecy: bound\n"
                                                "\nrent - Huur innen\n"
                                                "  Huurder: surname, born (the year)\n"
                                                "\nhousing - Woonruimte verdelen\n"
                                                "  Huurder: surname, born, phones (last 4 characters)\n"
                                                "  Zoeker: surname, born, phones (last 4 characters)\n"
                                                "\nempty - Niets\n"
                                                "  nothing\n"
                                                "\nLast refusals\n"
                                                "  none\n"
                                                "\nYour last entries in the log (at most 50, of 30 days)\n"
                                                "  are being looked up; open this file again in a moment\n"
                                                "\nQuestions: fg@example.org\n");
    assert_non_null(strstr(own_page(2, &page), "You are: uid 2, bin\n"));
    assert_string_equal(own_page(61009, &page),
                        "Stichting Voorbeeld\n\n"
                        "You are: uid 61009\n"
                        "Roles:   none: no account has this uid, and no role names it: nothing shows to you\n"
                        "Secrecy: no record in force: nothing shows to you until there is one\n"
                        "\nLast refusals\n"
                        "  none\n"
                        "\nYour last entries in the log (at most 50, of 30 days)\n"
                        "  are being looked up; open this file again in a moment\n"
                        "\nQuestions: fg@example.org\n");
    own_page(61003, &page); /* in a role, but bound to secrecy no more: no purpose is told of */
    assert_non_null(strstr(buffer_text(&page), "Roles:   Oud\n"));
    assert_null(strstr(buffer_text(&page), "Huur innen"));
    buffer_clear(&page);
}

static void test_own_page_tells_refusals(void **state)
{
    struct door_ask ask = stage_ask(&stage, 61002, "rent");
    struct buffer page = BUFFER_EMPTY;
    struct door_shown shown = {.text = BUFFER_EMPTY};
    struct door_found found;
    const char *first, *second, *third;

    (void)state;
    assert_int_equal(door_look_dossier(stage.gate, &ask, "T0001", 5, &found), -ENOENT);
    assert_int_equal(door_look_dossier(stage.gate, &ask, "T0777", 5, &found), -ENOENT);
    ask = stage_ask(&stage, 61002, "housing");
    assert_int_equal(door_look_leaf(stage.gate, &ask, stage_dossier(&stage, "T0001"),
                                    (int)stage_field(&stage, "mail"), &found, &shown),
                     -ENOENT);
    own_page(61002, &page);
    first = strstr(buffer_text(&page), "  rent/T0001: ");
    second = strstr(buffer_text(&page), "  rent/T0777: ");
    third = strstr(buffer_text(&page), "  housing/T0001/mail: ");
    assert_true(first && second && third && first < second && second < third);
    /* The same words for what is there and what is not. */
    assert_memory_equal(first + 14, second + 14, strcspn(first + 14, "\n") + 1);
    assert_non_null(strstr(third, "stage.ini:"));
    assert_null(strstr(buffer_text(&page), "Çelik"));
    buffer_clear(&page);
    door_shown_clear(&shown);
}

static void expect_in(const char *page, const char *part)
{
    if (!strstr(page, part))
        fail_msg("no \"%s\" in:\n%s", part, page);
}

/* A dossier goes by its code where the person sees it, and by nothing else otherwise. */
static void test_own_page_tells_entries(void **state)
{
    uint32_t dossier = stage_dossier(&stage, "T0001");
    struct logbook_own own = {
        .count = 6,
        .entries = {{1700000000000, LOG_FIELD, LOG_MASKED, 1, dossier, "rent", "born"},
                    {1700000001000, LOG_DOSSIER, LOG_SHOWN, 1, dossier, "gone-purpose", "dossier.md"},
                    {1700000002000, LOG_LOOK, LOG_REFUSED, 12, UINT32_MAX, "rent", ""},
                    {1700000003000, LOG_COMMAND, LOG_DONE, 1, UINT32_MAX, "", "log.\x1bshow"},
                    {1700000004000, LOG_FIELD, LOG_SHOWN, 1, dossier, "empty", "mail"},
                    {1700000005000, LOG_LISTING, LOG_SHOWN, 1, UINT32_MAX, "rent", "rent"}}};
    struct logbook_own none = {0};
    struct buffer page = BUFFER_EMPTY;

    (void)state;
    the_own = &own;
    own_page(61001, &page);
    expect_in(buffer_text(&page), "\n  2023-11-14 23:13:20  opened, shown masked: rent/T0001/born\n");
    expect_in(buffer_text(&page), "\n  2023-11-14 23:13:21  opened whole, shown: gone-purpose/-/dossier.md\n");
    expect_in(buffer_text(&page), "\n  2023-11-14 23:13:22  looked for, refused: rent/- (12 times)\n");
    expect_in(buffer_text(&page), "\n  2023-11-14 23:13:23  command, done: log.\\x1Bshow\n");
    expect_in(buffer_text(&page), "\n  2023-11-14 23:13:24  opened, shown: empty/-/mail\n");
    expect_in(buffer_text(&page), "\n  2023-11-14 23:13:25  listed, shown: rent/\n");
    own_page(61003, &page); /* who is bound no more sees it not */
    expect_in(buffer_text(&page), "opened, shown masked: rent/-/born\n");
    the_own = &none;
    expect_in(own_page(61001, &page), "in the log (at most 50, of 30 days)\n  none\n");
    the_own = NULL;
    buffer_clear(&page);
}

static void test_own_page_of_a_gap(void **state)
{
    const struct door_caller gap = {.uid = 61001, .gap = true};
    struct buffer page = BUFFER_EMPTY;

    (void)state;
    assert_int_equal(views_render_own(stage.gate, &gap, NULL, &page), 0);
    assert_non_null(strstr(buffer_text(&page), "could not tell who you are"));
    assert_null(strstr(buffer_text(&page), "Huur innen"));
    buffer_clear(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_both_ways),
        cmocka_unit_test(test_other_names),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_only_what_is_shown),
        cmocka_unit_test(test_own_page),
        cmocka_unit_test(test_own_page_tells_refusals),
        cmocka_unit_test(test_own_page_tells_entries),
        cmocka_unit_test(test_own_page_of_a_gap),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
