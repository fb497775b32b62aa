/* Goal: what was noted of checkpoints that were sent is read back as it was, per place; nothing in the file can hurt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/log/sent.h"

static char directory[64];

static int begin(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/dossierfs-sent-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int end(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof path, "%s/sent", directory);
    unlink(path);
    return rmdir(directory);
}

static struct sent_place known(const char *name)
{
    struct sent_place place = {.sent_s = 7, .size = 7, .tried_s = 7, .why = "before"};

    snprintf(place.place, sizeof place.place, "%s", name);
    sent_read(directory, &place);
    return place;
}

static void put(const char *text, size_t length_bytes)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/sent", directory);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length_bytes), (ssize_t)length_bytes);
    close(fd);
}

static void it_is_read_back(void **state)
{
    struct sent_place places[3] = {
        {.place = "journal", .sent_s = 1800000000, .size = 12, .tried_s = 1800000000},
        {.place = "file /a b/c",
         .sent_s = 1800000001,
         .size = UINT32_MAX + UINT64_C(1),
         .tried_s = 1800000002,
         .why = "No\troom\n!"},
        {.place = "command /x", .tried_s = 1800000003, .why = "it failed"},
    };
    struct sent_place place;

    (void)state;
    place = known("journal");
    assert_int_equal(place.sent_s, 0);
    assert_string_equal(place.why, "");
    assert_int_equal(sent_write(directory, places, 3), 0);
    place = known("journal");
    assert_int_equal(place.sent_s, 1800000000);
    assert_int_equal(place.size, 12);
    assert_string_equal(place.why, "");
    place = known("file /a b/c");
    assert_int_equal(place.sent_s, 1800000001);
    assert_true(place.size == UINT32_MAX + UINT64_C(1));
    assert_int_equal(place.tried_s, 1800000002);
    assert_string_equal(place.why, "No room !");
    place = known("command /x");
    assert_int_equal(place.sent_s, 0);
    assert_string_equal(place.why, "it failed");
    place = known("command /");
    assert_int_equal(place.tried_s, 0);
    assert_int_equal(sent_write(directory, places, 1), 0);
    assert_int_equal(known("command /x").tried_s, 0);
}

static void nonsense_is_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "\t\t\t\t",
        "1\t2\t3\tjournal",
        "1\t2\t3\tjournal\t\t",
        "-1\t2\t3\tjournal\t",
        "1\t2\tx\tjournal\t",
        "99999999999999999999\t2\t3\tjournal\t",
        " 1\t2\t3\tjournal\t",
    };
    char long_text[20000], noise[512];
    unsigned seed = 1;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put(texts[i], strlen(texts[i]));
        assert_int_equal(known("journal").sent_s, 0);
        assert_string_equal(known("journal").why, "");
    }
    memset(long_text, 'x', sizeof long_text);
    memcpy(long_text, "1\t2\t3\tjournal\t\n", 15);
    put(long_text, sizeof long_text);
    assert_int_equal(known("journal").sent_s, 0);
    for (unsigned n = 0; n < 2000; n++) {
        size_t length_bytes = (size_t)rand_r(&seed) % sizeof noise;

        for (size_t i = 0; i < length_bytes; i++)
            noise[i] = "\t\n\0x19journal"[rand_r(&seed) % 13];
        put(noise, length_bytes);
        known("journal");
    }
}

static void a_long_reason_is_cut(void **state)
{
    struct sent_place place = {.place = "journal", .sent_s = 5, .tried_s = 6};

    (void)state;
    memset(place.why, 'w', sizeof place.why - 1);
    assert_int_equal(sent_write(directory, &place, 1), 0);
    assert_int_equal(strlen(known("journal").why), sizeof place.why - 1);
    assert_true(sent_write("/nonexistent/log", &place, 1) < 0);
}

static void late_is_late(void **state)
{
    struct sent_place place = {.sent_s = 1000000, .tried_s = 1000000};

    (void)state;
    assert_false(sent_is_late(&place, 1000000 + SENT_LATE_S));
    assert_true(sent_is_late(&place, 1000001 + SENT_LATE_S));
    assert_false(sent_is_late(&place, 900000)); /* a clock that was set back */
    strcpy(place.why, "x");
    assert_true(sent_is_late(&place, 1000000));
    assert_true(sent_is_late(&(struct sent_place){0}, 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_read_back),
        cmocka_unit_test(nonsense_is_nothing),
        cmocka_unit_test(a_long_reason_is_cut),
        cmocka_unit_test(late_is_late),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
