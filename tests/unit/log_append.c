/* Goal: what was appended is there, in order, after reopening, for every filter; months can be lost one by one; the queue is
 * bounded; threads may append at once; a failed sync is told, leaves nothing behind and is recovered from. */
#include "tests/unit/log_stage.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "fs/base/bytes.h"

static bool is_segment(int fd)
{
    char link[64], path[4096];
    ssize_t length_bytes;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length_bytes = readlink(link, path, sizeof path);
    return length_bytes > 4 && memcmp(path + length_bytes - 4, ".seg", 4) == 0;
}

/* The log is linked with this one: it fails while it is told to, for segments; the thread that signs syncs files of its own. */
static atomic_int failing_syncs;
int fdatasync(int fd)
{
    if (failing_syncs > 0 && is_segment(fd)) {
        failing_syncs--;
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static bool wanted(const struct log_filter *filter, unsigned i)
{
    struct log_entry entry = stage_entry(i);
    bool about = !filter->subjects;

    for (size_t s = 0; filter->subjects && s < filter->subject_count; s++)
        about = about || filter->subjects[s] == entry.subject;
    return about && (!filter->from_ms || entry.time_ms >= filter->from_ms) &&
           (!filter->to_ms || entry.time_ms < filter->to_ms) &&
           (!filter->user || strcmp(filter->user, entry.user) == 0) &&
           (!filter->has_uid || filter->uid == entry.uid) &&
           (!filter->purpose || strcmp(filter->purpose, entry.purpose) == 0) &&
           (!filter->outcome || filter->outcome == entry.outcome) && (!filter->what || filter->what == entry.what) &&
           i + 1 > filter->after;
}

static struct stage_answer expect(const struct log_filter *filter, unsigned count)
{
    struct stage_answer answer = {.ordered = true};
    uint64_t all = 0, skip = 0;

    for (unsigned i = 0; i < count; i++)
        all += wanted(filter, i);
    if (filter->newest && filter->limit && all > filter->limit)
        skip = all - filter->limit;
    for (unsigned i = 0; i < count; i++) {
        if (!wanted(filter, i) || (skip > 0 && skip--))
            continue;
        if (filter->limit && answer.count == filter->limit)
            break;
        if (answer.count++ == 0)
            answer.first = i + 1;
        answer.last = i + 1;
        answer.sum += (i + 1) * (uint64_t)(stage_entry(i).pid + 1);
    }
    return answer;
}

static const uint64_t two_subjects[] = {1000002, 1000005};
static const struct log_filter filters[] = {
    {0},
    {.from_ms = INT64_C(1790812900000)},
    {.to_ms = INT64_C(1790812900000)},
    {.from_ms = INT64_C(1790812900000), .to_ms = INT64_C(1790813000000)},
    {.from_ms = 1, .to_ms = 2},
    {.user = "bram"},
    {.user = "nobody"},
    {.has_uid = true, .uid = 20003},
    {.has_uid = true, .uid = 0},
    {.subjects = two_subjects, .subject_count = 2},
    {.subjects = two_subjects, .subject_count = 0},
    {.purpose = "onderhoud"},
    {.outcome = LOG_REFUSED},
    {.what = LOG_LISTING},
    {.after = 300},
    {.after = UINT64_MAX},
    {.limit = 10},
    {.limit = 10, .newest = true},
    {.limit = 10, .newest = true, .subjects = two_subjects, .subject_count = 2},
    {.limit = 3, .after = 17, .user = "chris", .outcome = LOG_SHOWN},
    {.limit = 100000, .newest = true, .purpose = "huur-innen"},
    {.user = "anna",
     .has_uid = true,
     .uid = 20001,
     .purpose = "huur-innen",
     .outcome = LOG_SHOWN,
     .what = LOG_FIELD,
     .subjects = two_subjects,
     .subject_count = 2,
     .from_ms = INT64_C(1790812801000),
     .newest = true,
     .limit = 4},
};

static void assert_answers(struct stage *stage, unsigned count)
{
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct stage_answer expected = expect(&filters[i], count), answer;

        assert_int_equal(stage_query(stage, &filters[i], &answer), 0);
        if (answer.count != expected.count)
            print_error("filter %zu\n", i);
        assert_int_equal(answer.count, expected.count);
        assert_int_equal(answer.first, expected.first);
        assert_int_equal(answer.last, expected.last);
        assert_true(answer.sum == expected.sum);
        assert_true(answer.count == 0 || answer.ordered);
    }
}

static void entries_are_found_again(void **state)
{
    struct stage stage;
    struct verify_report report;
    char path[128];

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    stage_append(&stage, 0, 300);
    assert_answers(&stage, 300);
    stage_append(&stage, 300, 600); /* several segments by now */
    stage_close(&stage);
    stage_open(&stage);
    assert_int_equal(log_size(stage.log), 600);
    assert_answers(&stage, 600);
    stage_close(&stage);

    snprintf(path, sizeof path, "%s/index.db", stage.path);
    assert_int_equal(unlink(path), 0);
    stage_open(&stage);
    assert_answers(&stage, 600);
    stage_close(&stage);

    assert_int_equal(stage_shell(&stage, "head -c 30000 /dev/urandom > index.db"), 0);
    stage_open(&stage);
    assert_answers(&stage, 600);
    report = stage_verify(&stage);
    assert_int_equal(report.result, VERIFY_NOT_ANCHORED);
    assert_int_equal(report.entries, 600);
    assert_true(report.segments > 1);
    stage_end(&stage);
}

/* An index of another state of the log: the segments are those of before it was filled. */
static void index_that_is_ahead_is_made_anew(void **state)
{
    struct stage stage;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    stage_append(&stage, 0, 20);
    stage_close(&stage);
    assert_int_equal(stage_shell(&stage, "cp 00000001.seg kept"), 0);
    stage_open(&stage);
    stage_append(&stage, 20, 40);
    assert_answers(&stage, 40);
    stage_close(&stage);
    assert_int_equal(stage_shell(&stage, "mv kept 00000001.seg"), 0);
    stage_open(&stage);
    assert_answers(&stage, 20);
    stage_append(&stage, 20, 50); /* other batches than those that the index had seen */
    assert_answers(&stage, 50);
    stage_end(&stage);
}

static void nothing_is_in_the_clear(void **state)
{
    static const char *const planted[] = {"plantedname",    "plantedfield", "plantedrole", "plantedrule",
                                          "plantedprogram", "huur-innen",   "anna"};
    struct stage stage;
    char command[64];

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    stage_append(&stage, 0, 50);
    assert_int_equal(stage_count(&stage), 50);
    stage_close(&stage);
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        snprintf(command, sizeof command, "grep -rqaF '%s' .", planted[i]);
        assert_int_equal(stage_shell(&stage, command), 1);
    }
    assert_int_equal(stage_shell(&stage, "LC_ALL=C grep -rqaP '\\x44\\x46\\x53\\x42' ."),
                     0); /* the search does find */
    assert_int_equal(stage_shell(&stage, "LC_ALL=C grep -rqaP '\\x0f\\x42\\x42|\\x42\\x42\\x0f\\x00' ."), 1);
    stage_end(&stage);
}

static void months_can_be_lost_one_by_one(void **state)
{
    struct stage stage;
    struct stage_answer answer;
    struct log_filter users = {.user = "anna"};
    uint8_t destroyed[128] = {2};
    char path[128];
    int fd;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    for (unsigned i = 0; i < 30; i++) {
        struct log_entry entry = stage_entry(i);

        entry.time_ms += (int64_t)(i / 10) * 32 * 86400000;
        entry.user = "anna";
        assert_int_equal(log_append_and_wait(stage.log, &entry), 0);
    }
    stage_close(&stage);
    snprintf(path, sizeof path, "%s/months", stage.path);
    fd = open(path, O_RDWR | O_CLOEXEC);
    bytes_put_u32(destroyed + 4, (2026 - 1970) * 12 + 10); /* November 2026 */
    assert_int_equal(file_pwrite(fd, destroyed, sizeof destroyed, 128 + 128), 0);
    close(fd);
    assert_int_equal(stage_shell(&stage, "rm -f index.db*"), 0);

    stage_open(&stage);
    assert_int_equal(stage_query(&stage, &(struct log_filter){0}, &answer), 0);
    assert_int_equal(answer.count, 30);
    assert_int_equal(answer.erased, 10);
    assert_int_equal(stage_query(&stage, &users, &answer), 0);
    assert_int_equal(answer.count, 20);
    assert_int_equal(stage_verify(&stage).result, VERIFY_ALTERED); /* nobody had the right to */
    assert_int_equal(stage_verify(&stage).bad_entry, 11);
    stage_close(&stage);

    assert_int_equal(unlink(path), 0); /* all keys */
    stage_open(&stage);
    stage_append(&stage, 30, 40); /* a new key for the same month does not make the old ones look altered */
    assert_int_equal(stage_query(&stage, &(struct log_filter){0}, &answer), 0);
    assert_int_equal(answer.count, 40);
    assert_int_equal(answer.erased, 30);
    stage_end(&stage);
}

static void another_key_or_store_is_refused(void **state)
{
    struct stage stage, second;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    stage_append(&stage, 0, 3);
    second = stage;
    assert_int_equal(stage_try_open(&second), -EBUSY);
    stage_close(&stage);
    stage.key[0] ^= 1;
    assert_int_equal(stage_try_open(&stage), -EBADMSG);
    stage.key[0] ^= 1;
    stage.store_id[5] ^= 1;
    assert_int_equal(stage_try_open(&stage), -EBADMSG);
    stage.store_id[5] ^= 1;
    stage_open(&stage);
    assert_int_equal(stage_count(&stage), 3);
    stage_end(&stage);
}

struct order {
    pthread_mutex_t lock;
    unsigned calls, next, wrong, failed;
};
struct ticket {
    struct order *order;
    unsigned number;
};

static void in_order(void *context, int status)
{
    struct ticket *ticket = context;

    ticket->order->wrong += ticket->number != ticket->order->next;
    ticket->order->next++;
    ticket->order->calls++;
    ticket->order->failed += status != 0;
}

enum { MANY = 3000, THREADS = 8 };

static void waiters_are_called_in_order(void **state)
{
    static struct ticket tickets[MANY];
    struct stage stage;
    struct order order = {0};

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    for (unsigned i = 0; i < MANY; i++) {
        struct log_entry entry = stage_entry(i);

        tickets[i] = (struct ticket){.order = &order, .number = i};
        assert_int_equal(log_append(stage.log, &entry, in_order, &tickets[i]), 0);
    }
    stage_close(&stage); /* calls the last ones */
    assert_int_equal(order.calls, MANY);
    assert_int_equal(order.wrong, 0);
    assert_int_equal(order.failed, 0);
    stage_open(&stage);
    assert_answers(&stage, MANY);
    stage_end(&stage);
}

struct appender {
    struct stage *stage;
    unsigned from;
};

static void *append_some(void *context)
{
    struct appender *appender = context;

    for (unsigned i = 0; i < 200; i++) {
        struct log_entry entry = stage_entry(appender->from + i);

        if (log_append_and_wait(appender->stage->log, &entry) != 0)
            return appender;
    }
    return NULL;
}

static void *ask_meanwhile(void *context)
{
    struct stage own = *(struct stage *)context;
    struct stage_answer answer;

    for (unsigned i = 0; i < 20; i++)
        if (stage_query(&own, &(struct log_filter){0}, &answer) != 0 || (answer.count > 0 && !answer.ordered))
            return context;
    return NULL;
}

static void threads_append_and_ask_at_once(void **state)
{
    struct stage stage;
    struct appender appenders[THREADS];
    pthread_t threads[THREADS + 2];
    struct stage_answer answer;
    uint64_t sum = 0;

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    for (unsigned i = 0; i < THREADS; i++) {
        appenders[i] = (struct appender){.stage = &stage, .from = i * 200};
        pthread_create(&threads[i], NULL, append_some, &appenders[i]);
    }
    pthread_create(&threads[THREADS], NULL, ask_meanwhile, &stage);
    pthread_create(&threads[THREADS + 1], NULL, ask_meanwhile, &stage);
    for (unsigned i = 0; i < THREADS + 2; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(stage_query(&stage, &(struct log_filter){0}, &answer), 0);
    assert_int_equal(answer.count, THREADS * 200);
    for (unsigned subject = 0; subject < 7; subject++) {
        struct log_filter filter = {.subjects = (uint64_t[]){1000000 + subject}, .subject_count = 1};

        assert_int_equal(stage_query(&stage, &filter, &answer), 0);
        sum += answer.count;
    }
    assert_int_equal(sum, THREADS * 200);
    stage_end(&stage);
}

static void hold(void *context, int status)
{
    (void)status;
    sem_wait(context);
}

static void queue_is_bounded(void **state)
{
    struct stage stage;
    struct log_entry entry = stage_entry(0);
    sem_t gate;
    unsigned queued = 1;
    int error;

    (void)state;
    stage_begin(&stage);
    stage.segment_bytes = 1 << 24;
    stage_open(&stage);
    sem_init(&gate, 0, 0);
    assert_int_equal(log_append(stage.log, &entry, hold, &gate), 0);
    while ((error = log_append(stage.log, &entry, NULL, NULL)) == 0)
        queued++;
    assert_int_equal(error, -EAGAIN);
    assert_in_range(queued, LOG_QUEUE_MAX, LOG_QUEUE_MAX + 1);
    sem_post(&gate);
    stage_close(&stage);
    sem_destroy(&gate);
    stage_open(&stage);
    assert_int_equal(log_size(stage.log), queued);
    stage_end(&stage);
}

static void failed_sync_is_told_and_recovered_from(void **state)
{
    struct stage stage;
    struct verify_report report;
    struct log_entry entry = stage_entry(10);

    (void)state;
    stage_begin(&stage);
    stage_open(&stage);
    stage_append(&stage, 0, 10);
    for (unsigned round = 0; round < 3; round++) {
        entry.user = "neverthere";
        failing_syncs = 1;
        assert_int_equal(log_append_and_wait(stage.log, &entry), -EIO);
        assert_int_equal(log_size(stage.log), 10 + round * 10);
        stage_append(&stage, 10 + round * 10, 20 + round * 10);
    }
    assert_answers(&stage, 40);
    report = stage_verify(&stage);
    assert_int_equal(report.result, VERIFY_NOT_ANCHORED);
    assert_int_equal(report.entries, 40);
    assert_int_equal(report.segments, 4);
    stage_close(&stage);
    assert_int_equal(stage_shell(&stage, "rm -f index.db*"), 0);
    stage_open(&stage);
    assert_answers(&stage, 40);
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_again),
        cmocka_unit_test(index_that_is_ahead_is_made_anew),
        cmocka_unit_test(nothing_is_in_the_clear),
        cmocka_unit_test(months_can_be_lost_one_by_one),
        cmocka_unit_test(another_key_or_store_is_refused),
        cmocka_unit_test(waiters_are_called_in_order),
        cmocka_unit_test(threads_append_and_ask_at_once),
        cmocka_unit_test(queue_is_bounded),
        cmocka_unit_test(failed_sync_is_told_and_recovered_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
