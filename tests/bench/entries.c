/* entries: fills the log of a store as a year of work would, and asks about it.
 *
 *   entries STORE POLICY KEYFILE FROM COUNT AT_ONCE
 *
 * Appends the entries of openings with numbers from FROM on, COUNT (1 to 10000000) of them, in rounds of AT_ONCE which end when all of a
 * round are durable, as so many callers would; 0: as fast as the log takes them. They are about the store's dossiers in a random order,
 * by 40 people, one a second. Then asks who saw what of 100 dossiers, and compares the answers with what was written, which it can
 * tell again. Prints entries a second, durable, and the median of such a question in nanoseconds. Ends with 1 if an answer lacks
 * anything or has too much. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fs/base/file.h"
#include "fs/base/number.h"
#include "fs/gate/inside.h"
#include "tests/bench/timing.h"

enum { ASKED = 100, PEOPLE = 40, MS_AN_ENTRY = 1000, MAX_COUNT = 10000000 };

static const int64_t start_ms = INT64_C(1790812800000); /* 2026-10-01 00:00:00 UTC */

struct run {
    struct gate *gate;
    uint64_t *subjects;          /* of each dossier, the log's number of it */
    uint32_t dossiers, from, to; /* numbers of entries */
    pthread_mutex_t lock;
    pthread_cond_t all_done;
    uint32_t waiting, failed;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "entries: %s%s%s\n", what, *why ? ": " : "", why);
    exit(1);
}

/* ---- the store ------------------------------------------------------------------------------------------------- */

static void read_whole(const char *path, struct buffer *out)
{
    int error = file_read_path(path, POLICY_TEXT_MAX_BYTES, out);

    if (error)
        die(path, strerror(-error));
}

static struct gate *open_gate(char **argv)
{
    struct buffer text = BUFFER_EMPTY, key = BUFFER_EMPTY;
    struct policy_faults faults = {0};
    struct report_why why = {""};
    struct gate *gate = NULL;
    struct policy *policy = NULL;

    read_whole(argv[2], &text);
    read_whole(argv[3], &key);
    if (policy_load(argv[2], (const char *)text.bytes, text.length_bytes, &policy, &faults) < 0)
        die(argv[2], "it does not load");
    struct gate_options options = {.store = argv[1],
                                   .secret = {STORE_KEY_FILE, key.bytes, key.length_bytes},
                                   .policy = policy,
                                   .policy_text = {(const char *)text.bytes, text.length_bytes, 0}};
    if (gate_open(&options, &gate, &why) < 0)
        die(argv[1], why.text);
    buffer_clear(&text);
    buffer_clear(&key);
    return gate;
}

static void take_subjects(struct run *run)
{
    dossiers_read_begin(run->gate->dossiers);
    run->dossiers = dossiers_count(run->gate->dossiers);
    run->subjects = calloc(run->dossiers + 1, sizeof *run->subjects);
    for (uint32_t i = 0; run->subjects && i < run->dossiers; i++)
        run->subjects[i] = dossiers_get(run->gate->dossiers, i).pseudonym;
    dossiers_read_end(run->gate->dossiers);
    if (!run->subjects || run->dossiers == 0)
        die("there are no dossiers", "");
}

/* ---- what is written ------------------------------------------------------------------------------------------- */

/* splitmix64: the same for the same number, so that the truth can be told again. */
static uint64_t mix(uint64_t number)
{
    uint64_t z = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t subject_of(const struct run *run, uint32_t number)
{
    return run->subjects[mix(number) % run->dossiers];
}

static struct log_entry entry_of(const struct run *run, uint32_t number)
{
    static const char *const fields[] = {"achternaam", "telefoon", "huur", "rekeningnummer", "postcode", "email"};
    static const char *const purposes[] = {"huur-innen", "onderhoud", "overeenkomst-sluiten", "communicatie"};
    static const char *const roles[] = {"incasso", "opzichter", "verhuur", "klantcontact"};
    static const char *const programs[] = {"soffice.bin", "cat", "nautilus", "python3"};
    static const char *const users[] = {"anna.jansen", "bram", "c.devries", "d.bakker", "61005"};
    uint64_t drawn = mix(~(uint64_t)number);
    unsigned job = drawn % 4;
    struct log_entry entry = {.time_ms = start_ms + (int64_t)number * MS_AN_ENTRY,
                              .what = drawn >> 8 & 15 ? LOG_FIELD : LOG_DOSSIER,
                              .outcome = drawn >> 12 & 7 ? LOG_SHOWN : LOG_MASKED,
                              .uid = 61000 + (uint32_t)(drawn >> 16) % PEOPLE,
                              .pid = 2000 + (int32_t)(drawn >> 24 & 0x7fff),
                              .user = users[drawn >> 16 & 3],
                              .program = programs[job],
                              .role = roles[job],
                              .purpose = purposes[job],
                              .ground = 'A',
                              .subject = subject_of(run, number),
                              .rule = "shown 240",
                              .count = 1};

    entry.name = entry.what == LOG_FIELD ? fields[drawn >> 40 & 3] : "dossier.txt";
    entry.fields =
        entry.what == LOG_FIELD ? entry.name : "achternaam,voorletters,straat,huisnummer,postcode,telefoon";
    memcpy(entry.policy, "\x12\x34\x56\x78\x9a\xbc\xde\xf0", sizeof entry.policy);
    return entry;
}

static void landed(void *context, int status)
{
    struct run *run = context;

    pthread_mutex_lock(&run->lock);
    run->failed += status != 0;
    if (--run->waiting == 0)
        pthread_cond_signal(&run->all_done);
    pthread_mutex_unlock(&run->lock);
}

static void append(struct run *run, uint32_t number)
{
    struct log_entry entry = entry_of(run, number);
    int error;

    pthread_mutex_lock(&run->lock);
    run->waiting++;
    pthread_mutex_unlock(&run->lock);
    while ((error = log_append(run->gate->log, &entry, landed, run)) == -EAGAIN)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    if (error)
        die("log_append", strerror(-error));
}

static void wait_for_all(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    while (run->waiting > 0)
        pthread_cond_wait(&run->all_done, &run->lock);
    pthread_mutex_unlock(&run->lock);
    if (run->failed > 0)
        die("the log can't be written", "");
}

/* Entries a second. */
static double fill(struct run *run, uint32_t at_once)
{
    uint64_t began_ns = timing_now_ns();

    for (uint32_t number = run->from; number < run->to; number++) {
        append(run, number);
        if (at_once > 0 && (number - run->from + 1) % at_once == 0)
            wait_for_all(run);
    }
    wait_for_all(run);
    return (run->to - run->from) * 1e9 / (double)(timing_now_ns() - began_ns);
}

/* ---- what is asked --------------------------------------------------------------------------------------------- */

struct sum {
    uint64_t entries, mixed;
};

static void add_to(struct sum *sum, const struct log_entry *entry)
{
    sum->entries++;
    sum->mixed += mix((uint64_t)entry->time_ms) ^ mix(entry->uid) ^ mix((uint64_t)entry->what);
}

static int on_record(void *context, const struct log_record *record)
{
    add_to(context, &record->entry);
    return 0;
}

static struct sum truth_of(const struct run *run, uint64_t subject)
{
    struct sum truth = {0};

    for (uint32_t number = run->from; number < run->to; number++)
        if (subject_of(run, number) == subject) {
            struct log_entry entry = entry_of(run, number);

            add_to(&truth, &entry);
        }
    return truth;
}

static uint64_t ask(struct run *run, uint64_t took_ns[static ASKED])
{
    for (uint32_t i = 0; i < ASKED; i++) {
        uint64_t subject = run->subjects[mix(i * 77) % run->dossiers], began_ns;
        const struct log_filter filter = {.subjects = &subject,
                                          .subject_count = 1,
                                          .from_ms = start_ms + (int64_t)run->from * MS_AN_ENTRY,
                                          .to_ms = start_ms + (int64_t)run->to * MS_AN_ENTRY};
        struct sum told = {0}, truth = truth_of(run, subject);
        struct report_why why = {""};

        began_ns = timing_now_ns();
        if (log_query(run->gate->log, &filter, on_record, &told, &why) < 0)
            die("log_query", why.text);
        took_ns[i] = timing_now_ns() - began_ns;
        if (told.entries != truth.entries || told.mixed != truth.mixed)
            die("who saw what is not what was written", "");
    }
    return timing_percentile_ns(took_ns, ASKED, 50);
}

/* The index is brought up to date by the first question, which is another measurement. */
static void bring_up_to_date(struct run *run)
{
    struct sum none = {0};
    struct report_why why = {""};

    if (log_query(run->gate->log, &(struct log_filter){.limit = 1}, on_record, &none, &why) < 0)
        die("log_query", why.text);
}

int main(int argc, char **argv)
{
    struct run run = {.lock = PTHREAD_MUTEX_INITIALIZER, .all_done = PTHREAD_COND_INITIALIZER};
    uint64_t took_ns[ASKED];
    uint32_t count, at_once;
    double rate;

    if (argc != 7 || number_parse_u32(argv[4], strlen(argv[4]), 0, 100 * MAX_COUNT, &run.from) < 0 ||
        number_parse_u32(argv[5], strlen(argv[5]), 1, MAX_COUNT, &count) < 0 ||
        number_parse_u32(argv[6], strlen(argv[6]), 0, MAX_COUNT, &at_once) < 0)
        die("usage: entries STORE POLICY KEYFILE FROM COUNT AT_ONCE", "");
    run.to = run.from + count;
    run.gate = open_gate(argv);
    take_subjects(&run);
    rate = fill(&run, at_once);
    bring_up_to_date(&run);
    printf("%.0f %" PRIu64 "\n", rate, ask(&run, took_ns));
    gate_close(run.gate);
    free(run.subjects);
    return 0;
}
