/* Goal: what is acknowledged is signed, in the form that other programs read; a key that has handed over is gone from the disk
 * and can't have signed anything else; a crash between any two steps leaves one chain; a lost key is told. */
#include "tests/unit/log_stage.h"

#include <signal.h>
#include <sodium.h>
#include <sys/wait.h>
#include <time.h>

#include "fs/log/note.h"
#include "fs/log/signer.h"

static struct verify_report verify_with(const struct stage *stage, const char *key, const char *since)
{
    struct verify_report report;

    verify_log(&(struct verify_options){.path = stage->path, .key = key, .since = since}, &report);
    return report;
}

static size_t read_file(const struct stage *stage, const char *name, uint8_t *to, size_t room)
{
    struct buffer bytes = BUFFER_EMPTY;
    char path[128];
    size_t length_bytes;

    snprintf(path, sizeof path, "%s/%s", stage->path, name);
    assert_int_equal(file_read_path(path, room, &bytes), 0);
    length_bytes = bytes.length_bytes;
    memcpy(to, bytes.bytes, length_bytes);
    buffer_clear(&bytes);
    return length_bytes;
}

/* What is printed is read back, and nothing that differs by a character passes. */
static void keys_and_notes_are_read_strictly(void **state)
{
    const uint8_t store_id[LOG_STORE_ID_BYTES] = {0x12, 0x34};
    char origin[NOTE_ORIGIN_BYTES], text[NOTE_KEY_TEXT_BYTES], note_text[NOTE_MAX_BYTES];
    uint8_t public_key[NOTE_PUBLIC_BYTES], secret[NOTE_SECRET_BYTES], seed[32] = {7};
    struct note_key key, again;
    struct note note = {.kind = NOTE_CHECKPOINT, .size = 1200, .time = "2026-11-22T15:57:08Z"};
    struct note_signed *parsed = malloc(sizeof *parsed);
    size_t length_bytes, note_bytes = 0;

    (void)state;
    assert_non_null(parsed);
    note_origin(store_id, origin);
    assert_string_equal(origin, "dossierfs/12340000000000000000000000000000");
    crypto_sign_seed_keypair(public_key, secret, seed);
    note_key_make(origin, public_key, &key);
    note_key_print(&key, text);
    assert_int_equal(note_key_parse(text, &again), 0);
    assert_true(note_key_same(&key, &again));
    for (size_t i = 0; text[i]; i++) { /* a slip of the pen anywhere */
        char was = text[i];

        text[i] = was == 'B' ? 'C' : 'B';
        assert_true(note_key_parse(text, &again) == -EINVAL || !note_key_same(&key, &again));
        text[i] = was;
    }
    memcpy(note.origin, origin, sizeof origin);
    length_bytes = note_sign(&note, &key, secret, note_text);
    assert_int_equal(note_parse(note_text, length_bytes, parsed, &note_bytes), 0);
    assert_int_equal(note_bytes, length_bytes);
    assert_int_equal(parsed->note.size, 1200);
    assert_string_equal(parsed->note.time, note.time);
    assert_true(note_is_signed_by(parsed, &key));
    for (size_t cut = 0; cut < length_bytes; cut++)
        assert_int_equal(note_parse(note_text, cut, parsed, &note_bytes), -ENODATA);
    for (size_t i = 0; i < length_bytes; i++) { /* nothing that is altered stays signed */
        note_text[i] ^= 1;
        assert_true(note_parse(note_text, length_bytes, parsed, &note_bytes) < 0 || !note_is_signed_by(parsed, &key));
        note_text[i] ^= 1;
    }
    free(parsed);
}

static void the_log_signs_what_it_acknowledged(void **state)
{
    struct stage stage;
    struct verify_report report;
    char checkpoint[VERIFY_CHECKPOINT_BYTES], key[VERIFY_KEY_BYTES], first[NOTE_KEY_TEXT_BYTES];

    (void)state;
    stage_begin(&stage);
    assert_int_equal(signer_begin(stage.path, stage.store_id, first, &stage.why), 0);
    stage_open(&stage);
    stage_append(&stage, 0, 40);
    /* A second, while it runs. The record of the hand-over may vouch for them a moment before the checkpoint does. */
    for (unsigned waits = 0;; waits++) {
        assert_int_equal(verify_checkpoint(stage.path, checkpoint, key), 0);
        if (strstr(checkpoint, "\n40\n"))
            break;
        assert_true(waits < 500);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    report = verify_with(&stage, first, NULL);
    assert_int_equal(report.result, VERIFY_INTACT);
    assert_int_equal(report.by_key, 40);
    assert_int_equal(verify_checkpoint(stage.path, checkpoint, key), 0);
    assert_int_equal(strncmp(checkpoint, "dossierfs/7777", 14), 0);
    stage_append(&stage, 40, 60);
    stage_close(&stage);
    report = verify_with(&stage, first, checkpoint);
    assert_int_equal(report.result, VERIFY_INTACT);
    assert_int_equal(report.by_key, 60);
    assert_int_equal(report.by_since, 40);
    assert_int_equal(report.sealed, 60); /* the stop hands over */
    assert_int_equal(report.chains, 1);
    assert_int_equal(verify_with(&stage, key, NULL).result, VERIFY_INTACT); /* a later key will do as well */
    first[60] = first[60] == 'x' ? 'y' : 'x';
    assert_int_equal(verify_with(&stage, first, NULL).result, VERIFY_IMPOSSIBLE);
    assert_int_equal(verify_with(&stage, NULL, "nonsense\n").result, VERIFY_IMPOSSIBLE);
    stage_end(&stage);
}

/* Each hour, also when nothing happens. */
static void keys_hand_over_by_the_clock(void **state)
{
    struct stage stage;
    struct log_options options;
    char first[NOTE_KEY_TEXT_BYTES];
    uint8_t seeds[2][64], bytes[8192], record[16384];
    size_t before, after;

    (void)state;
    stage_begin(&stage);
    assert_int_equal(signer_begin(stage.path, stage.store_id, first, &stage.why), 0);
    options = (struct log_options){.path = stage.path, .key = stage.key, .store_id = stage.store_id, .hour_ms = 500};
    assert_int_equal(log_open(&options, &stage.log, &stage.why), 0);
    for (before = 0; before < 2 * 300;) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        before = read_file(&stage, "succession", record, sizeof record);
    }
    memset(bytes, 0, sizeof bytes);
    read_file(&stage, "signing", bytes, sizeof bytes);
    memcpy(seeds[0], bytes, 64);
    memcpy(seeds[1], bytes + 4096, 64);
    for (after = before; after < before + 2 * 300;) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        after = read_file(&stage, "succession", record, sizeof record);
    }
    stage_close(&stage);
    read_file(&stage, "signing", bytes, sizeof bytes);
    /* What was there is overwritten, and exactly one key is left. */
    assert_true(sodium_is_zero(seeds[0], 64) || memcmp(seeds[0], bytes, 64) != 0);
    assert_true(sodium_is_zero(seeds[1], 64) || memcmp(seeds[1], bytes + 4096, 64) != 0);
    assert_true(sodium_is_zero(bytes, 4096) != sodium_is_zero(bytes + 4096, 4096));
    assert_int_equal(stage_verify(&stage).result, VERIFY_NOT_ANCHORED);
    stage_end(&stage);
}

/* Puts together what a crash leaves after each step of a hand-over, from the files before and after it. */
static void an_interrupted_hand_over_is_finished(void **state)
{
    enum { BEFORE, SUCCESSOR, HALF_RECORD, RECORD, STEPS };

    (void)state;
    for (unsigned step = BEFORE; step < STEPS; step++) {
        struct stage stage;
        char first[NOTE_KEY_TEXT_BYTES];
        uint8_t signing[2][8192] = {{0}}, record[2][16384], both[8192];
        size_t record_bytes[2];
        FILE *file;
        char path[128];

        stage_begin(&stage);
        assert_int_equal(signer_begin(stage.path, stage.store_id, first, &stage.why), 0);
        read_file(&stage, "signing", signing[0], 8192);
        record_bytes[0] = read_file(&stage, "succession", record[0], 16384);
        {
            struct signer *signer = NULL;
            struct signer_head head = {.size = 0};
            struct tree empty;
            int fd = open(stage.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

            tree_init(&empty);
            tree_root(&empty, head.root);
            assert_int_equal(signer_open(fd, stage.store_id, &head, &signer), 0);
            assert_int_equal(signer_succeed(signer, &head, NULL), 0);
            signer_close(signer);
            close(fd);
        }
        read_file(&stage, "signing", signing[1], 8192);
        record_bytes[1] = read_file(&stage, "succession", record[1], 16384);
        for (size_t i = 0; i < sizeof both; i++)
            both[i] = step == BEFORE ? signing[0][i] : signing[0][i] | signing[1][i]; /* other slots: both keys */
        if (step == HALF_RECORD)
            record_bytes[1] -= 50;
        snprintf(path, sizeof path, "%s/signing", stage.path);
        file = fopen(path, "w");
        assert_int_equal(fwrite(both, 1, sizeof both, file), sizeof both);
        fclose(file);
        snprintf(path, sizeof path, "%s/succession", stage.path);
        file = fopen(path, "w");
        fwrite(record[1], 1, step <= SUCCESSOR ? record_bytes[0] : record_bytes[1], file);
        fclose(file);

        stage_open(&stage);
        stage_append(&stage, 0, 5);
        stage_close(&stage);
        read_file(&stage, "signing", both, sizeof both);
        assert_true(sodium_is_zero(both, 4096) != sodium_is_zero(both + 4096, 4096));
        assert_int_equal(verify_with(&stage, first, NULL).result, VERIFY_INTACT);
        assert_int_equal(verify_with(&stage, first, NULL).by_key, 5);
        assert_int_equal(stage_verify(&stage).chains, 1);
        stage_end(&stage);
    }
}

/* Hands over and signs as fast as it can, until it is killed. */
static void hand_over_for_ever(const struct stage *stage, const struct signer_head *head)
{
    struct signer *signer = NULL;
    int fd = open(stage->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (signer_open(fd, stage->store_id, head, &signer) < 0)
        _exit(1);
    while (signer_succeed(signer, head, NULL) == 0 && signer_checkpoint(signer, head, false) == 0)
        ;
    _exit(1);
}

static void killed_at_any_moment(void **state)
{
    struct stage stage;
    struct signer_head head = {.size = 3};
    struct verify_report report;
    char first[NOTE_KEY_TEXT_BYTES];
    uint8_t bytes[8192];

    (void)state;
    stage_begin(&stage);
    assert_int_equal(signer_begin(stage.path, stage.store_id, first, &stage.why), 0);
    stage_open(&stage);
    stage_append(&stage, 0, 3);
    stage_close(&stage);
    report = stage_verify(&stage);
    memcpy(head.root, report.root, sizeof head.root);
    head.months = 1;
    for (unsigned round = 0; round < 60; round++) {
        pid_t child = fork();
        int status = 0;

        assert_true(child >= 0);
        if (child == 0)
            hand_over_for_ever(&stage, &head);
        nanosleep(&(struct timespec){.tv_nsec = (long)randombytes_uniform(15000000)}, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); /* until then all went well */
        report = verify_with(&stage, first, NULL);
        if (report.result != VERIFY_INTACT)
            fail_msg("round %u: %s", round, report.text);
        assert_int_equal(report.chains, 1);
    }
    stage_open(&stage);
    stage_append(&stage, 3, 5);
    stage_close(&stage);
    report = verify_with(&stage, first, NULL);
    assert_int_equal(report.result, VERIFY_INTACT);
    assert_int_equal(report.by_key, 5);
    read_file(&stage, "signing", bytes, sizeof bytes);
    assert_true(sodium_is_zero(bytes, 4096) != sodium_is_zero(bytes + 4096, 4096));
    stage_end(&stage);
}

/* A start that fails behind the log leaves it as it was. */
static void opened_without_an_entry_it_stays_as_it_was(void **state)
{
    struct stage stage;
    char first[NOTE_KEY_TEXT_BYTES];
    uint8_t before[16384], after[16384];
    size_t before_bytes;

    (void)state;
    stage_begin(&stage);
    assert_int_equal(signer_begin(stage.path, stage.store_id, first, &stage.why), 0);
    stage_open(&stage);
    stage_append(&stage, 0, 3);
    stage_close(&stage);
    before_bytes = read_file(&stage, "succession", before, sizeof before);
    stage_open(&stage);
    stage_close(&stage);
    assert_int_equal(read_file(&stage, "succession", after, sizeof after), before_bytes);
    assert_memory_equal(before, after, before_bytes);
    stage_end(&stage);
}

/* A restored backup has no signing key: the log goes on, with another chain, and whoever holds the old key is told. */
static void a_lost_key_begins_another_chain(void **state)
{
    struct stage stage;
    struct verify_report report;
    char first[NOTE_KEY_TEXT_BYTES], checkpoint[VERIFY_CHECKPOINT_BYTES], key[VERIFY_KEY_BYTES];

    (void)state;
    stage_begin(&stage);
    assert_int_equal(signer_begin(stage.path, stage.store_id, first, &stage.why), 0);
    stage_open(&stage);
    stage_append(&stage, 0, 10);
    stage_close(&stage);
    assert_int_equal(stage_shell(&stage, "rm signing"), 0);
    stage_open(&stage);
    stage_append(&stage, 10, 20);
    stage_close(&stage);
    report = stage_verify(&stage);
    assert_int_equal(report.result, VERIFY_NOT_ANCHORED);
    assert_int_equal(report.chains, 2);
    report = verify_with(&stage, first, NULL);
    assert_int_equal(report.result, VERIFY_ALTERED);
    assert_int_equal(report.bad_entry, 11);
    assert_int_equal(verify_checkpoint(stage.path, checkpoint, key), 0);
    assert_int_equal(verify_with(&stage, key, NULL).result, VERIFY_INTACT);
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_notes_are_read_strictly),
        cmocka_unit_test(the_log_signs_what_it_acknowledged),
        cmocka_unit_test(keys_hand_over_by_the_clock),
        cmocka_unit_test(an_interrupted_hand_over_is_finished),
        cmocka_unit_test(opened_without_an_entry_it_stays_as_it_was),
        cmocka_unit_test(killed_at_any_moment),
        cmocka_unit_test(a_lost_key_begins_another_chain),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
