/* What the tests of the log share: a directory of their own, entries, and a log opened on it. */
#ifndef DOSSIERFS_TESTS_UNIT_LOG_STAGE_H
#define DOSSIERFS_TESTS_UNIT_LOG_STAGE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/base/file.h"
#include "fs/log/log.h"
#include "fs/log/verify.h"

struct stage {
    char path[64];
    uint8_t key[LOG_KEY_BYTES], store_id[LOG_STORE_ID_BYTES];
    uint32_t segment_bytes;
    enum log_durability durability;
    struct log *log;
    struct report_why why;
};

/* 2026-10-01 00:00:00 UTC. */
static const int64_t stage_start_ms = INT64_C(1790812800000);

/* Runs a line of shell in the stage's directory. */
static inline int stage_shell(const struct stage *stage, const char *line)
{
    char command[512];
    int status;

    snprintf(command, sizeof command, "cd '%s' && %s", stage->path, line);
    status = system(command);
    return status < 0 || !WIFEXITED(status) ? -1 : WEXITSTATUS(status);
}

static inline void stage_begin(struct stage *stage)
{
    memset(stage, 0, sizeof *stage);
    snprintf(stage->path, sizeof stage->path, "%s/log-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(stage->path));
    memset(stage->key, 0x5a, sizeof stage->key);
    memset(stage->store_id, 0x77, sizeof stage->store_id);
    stage->segment_bytes = 65536;
}

static inline int stage_try_open(struct stage *stage)
{
    struct log_options options = {.path = stage->path,
                                  .key = stage->key,
                                  .store_id = stage->store_id,
                                  .segment_bytes = stage->segment_bytes,
                                  .durability = stage->durability};

    stage->log = NULL;
    return log_open(&options, &stage->log, &stage->why);
}

static inline void stage_open(struct stage *stage)
{
    int error = stage_try_open(stage);

    if (error)
        print_error("%s\n", stage->why.text);
    assert_int_equal(error, 0);
}

static inline void stage_close(struct stage *stage)
{
    log_close(stage->log);
    stage->log = NULL;
}

static inline void stage_end(struct stage *stage)
{
    stage_close(stage);
    assert_int_equal(stage_shell(stage, "rm -rf \"$PWD\""), 0);
}

/* Entry number `i` of the tests: it differs from its neighbours in whatever can be asked for. */
static inline struct log_entry stage_entry(unsigned i)
{
    static const char *const users[] = {"anna", "bram", "chris"};
    static const char *const purposes[] = {"huur-innen", "onderhoud"};
    static const enum log_outcome outcomes[] = {LOG_SHOWN, LOG_MASKED, LOG_REFUSED, LOG_DONE};

    return (struct log_entry){
        .time_ms = stage_start_ms + (int64_t)i * 1000,
        .what = i % 5 ? LOG_FIELD : LOG_LISTING,
        .outcome = outcomes[i % 4],
        .uid = 20001 + i % 3,
        .pid = (int32_t)(4000 + i),
        .user = users[i % 3],
        .program = "plantedprogram",
        .role = "plantedrole",
        .purpose = purposes[i % 2],
        .ground = 'A',
        .subject = 1000000 + i % 7,
        .name = "plantedname.txt",
        .fields = "plantedfield",
        .rule = "plantedrule 40",
        .count = 1,
        .policy = {1, 2, 3, 4, 5, 6, 7, 8},
        .trace = {(uint8_t)i, (uint8_t)(i >> 8), 1},
        .span = {9},
    };
}

/* Each entry a batch of its own. */
static inline void stage_append(struct stage *stage, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        struct log_entry entry = stage_entry(i);

        assert_int_equal(log_append_and_wait(stage->log, &entry), 0);
    }
}

struct stage_answer {
    uint64_t count, first, last, sum, erased;
    bool ordered;
};

static inline int stage_each(void *context, const struct log_record *record)
{
    struct stage_answer *answer = context;

    if (answer->count == 0) {
        answer->first = record->number;
        answer->ordered = true;
    } else if (record->number <= answer->last) {
        answer->ordered = false;
    }
    answer->count++;
    answer->erased += record->erased;
    answer->last = record->number;
    answer->sum += record->number * (uint64_t)(record->entry.pid + 1);
    return 0;
}

static inline int stage_query(struct stage *stage, const struct log_filter *filter, struct stage_answer *answer)
{
    *answer = (struct stage_answer){0};
    return log_query(stage->log, filter, stage_each, answer, &stage->why);
}

/* How many entries the whole log answers with; fails on a bad one. */
static inline uint64_t stage_count(struct stage *stage)
{
    struct stage_answer answer;
    int error = stage_query(stage, &(struct log_filter){0}, &answer);

    if (error)
        print_error("%s\n", stage->why.text);
    assert_int_equal(error, 0);
    return answer.count;
}

static inline struct verify_report stage_verify(const struct stage *stage)
{
    struct verify_report report;

    verify_log(&(struct verify_options){.path = stage->path}, &report);
    return report;
}

static inline void stage_segment_path(const struct stage *stage, unsigned number, char path[static 128])
{
    snprintf(path, 128, "%s/%08u.seg", stage->path, number);
}

static inline int stage_segment_fd(const struct stage *stage, unsigned number)
{
    char path[128];
    int fd;

    stage_segment_path(stage, number, path);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

#endif
