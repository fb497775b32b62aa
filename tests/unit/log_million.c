/* Goal: of a million entries none is lost, each is verified, and a question about a subject finds exactly those that are about it; they
 * take no more room than was promised. Times are told, and decide nothing: make bench ONLY=log. TEST_ENTRIES: how many instead, for
 * builds that are many times slower.
 * slow */
#include "tests/unit/log_stage.h"

#include <time.h>

enum { SUBJECTS = 10000 };
static unsigned entries = 1000000; /* a multiple of SUBJECTS */

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Says what a step took; `promised` is what it may take on a quiet machine, for a million. */
static void told(const char *what, double took_s, double promised_s)
{
    print_message("%-20s %.3f s (promised %.3f)\n", what, took_s, promised_s * entries / 1e6);
}

static uint64_t disk_bytes(const struct stage *stage)
{
    char command[256];
    unsigned long long bytes = 0;
    FILE *pipe;

    snprintf(command, sizeof command, "du -s --block-size=1 '%s' | cut -f1", stage->path);
    pipe = popen(command, "r");
    assert_int_equal(fscanf(pipe, "%llu", &bytes), 1);
    pclose(pipe);
    return bytes;
}

static uint64_t subject_of(unsigned i)
{
    return UINT64_C(0x9e3779b97f4a7c15) * (i * UINT64_C(2654435761) % SUBJECTS + 1);
}

static struct log_entry entry_of(unsigned i)
{
    static const char *const names[] = {"achternaam", "telefoon", "huur", "rekeningnummer", "dossier"};
    static const char *const users[] = {"anna.jansen", "bram", "chris.de.vries", "61001"};
    static const char *const purposes[] = {"huur-innen", "onderhoud", "overeenkomst-sluiten"};

    return (struct log_entry){
        .time_ms = stage_start_ms + (int64_t)i * 1500,
        .what = i % 5 == 4 ? LOG_DOSSIER : LOG_FIELD,
        .outcome = i % 11 ? LOG_SHOWN : LOG_MASKED,
        .uid = 61001 + i % 40,
        .pid = (int32_t)(4000 + i),
        .user = users[i % 4],
        .program = "soffice.bin",
        .role = "incasso",
        .purpose = purposes[i % 3],
        .ground = 'A',
        .subject = subject_of(i),
        .name = names[i % 5],
        .fields = names[i % 5],
        .rule = "shown 240",
        .count = 1,
        .policy = {1, 2, 3, 4, 5, 6, 7, 8},
    };
}

static void note_done(void *context, int status)
{
    uint64_t *left = context;

    assert_int_equal(status, 0);
    __atomic_sub_fetch(left, 1, __ATOMIC_RELAXED);
}

static void a_million_entries(void **state)
{
    struct stage stage;
    struct stage_answer answer;
    struct verify_report report;
    uint64_t left = entries, subject = entry_of(77).subject;
    struct log_filter filter = {.subjects = &subject, .subject_count = 1};
    double start, took;

    (void)state;
    stage_begin(&stage);
    stage.segment_bytes = 0;
    stage_open(&stage);
    start = now_s();
    for (unsigned i = 0; i < entries; i++) {
        struct log_entry entry = entry_of(i);

        while (log_append(stage.log, &entry, note_done, &left) == -EAGAIN)
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    while (__atomic_load_n(&left, __ATOMIC_RELAXED) > 0)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    took = now_s() - start;
    told("written, durable", took, 10);
    start = now_s();
    report = stage_verify(&stage);
    told("verified", now_s() - start, 5);
    assert_int_equal(report.entries, entries);
    start = now_s();
    assert_int_equal(stage_query(&stage, &filter, &answer), 0);
    told("index made", now_s() - start, 10);
    start = now_s();
    assert_int_equal(stage_query(&stage, &filter, &answer), 0);
    told("asked about one", now_s() - start, 0.1);
    assert_int_equal(answer.count, entries / SUBJECTS);
    start = now_s();
    assert_int_equal(stage_count(&stage), entries);
    told("read back, for exports", now_s() - start, 10);
    for (unsigned round = 0; round < 100; round++) { /* found are exactly those that are about it */
        uint64_t sum = 0;

        subject = entry_of(round * 7919).subject;
        for (unsigned i = 0; i < entries; i++)
            if (subject_of(i) == subject)
                sum += (uint64_t)(i + 1) * (4000 + i + 1);
        assert_int_equal(stage_query(&stage, &filter, &answer), 0);
        assert_int_equal(answer.count, entries / SUBJECTS);
        assert_true(answer.sum == sum);
    }
    stage_close(&stage);
    print_message("on disk              %.1f bytes an entry (promised 300)\n", (double)disk_bytes(&stage) / entries);
    /* What is preallocated and not used yet is no entry's. */
    assert_true(disk_bytes(&stage) <= UINT64_C(300) * entries + (entries < 1000000 ? UINT64_C(17) << 20 : 0));
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_million_entries)};
    const char *fewer = getenv("TEST_ENTRIES");

    if (fewer)
        entries = (unsigned)atoi(fewer) / SUBJECTS * SUBJECTS;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
