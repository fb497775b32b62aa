/* Goal: reads and writes are whole or fail, and reading past a limit leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/base/file.h"

enum { LARGE_BYTES = 300000 };

static char directory[64], path[96];

static int begin(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/dossierfs-base-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/file", directory);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void fill(uint8_t *bytes, size_t length_bytes)
{
    for (size_t i = 0; i < length_bytes; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 256);
}

static void test_at_offsets(void **state)
{
    uint8_t *bytes = malloc(LARGE_BYTES), *back = malloc(LARGE_BYTES);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    (void)state;
    assert_true(bytes && back && fd >= 0);
    fill(bytes, LARGE_BYTES);
    assert_int_equal(file_pwrite(fd, bytes, LARGE_BYTES, 100), 0);
    assert_int_equal(file_pread(fd, back, LARGE_BYTES, 100), 0);
    assert_memory_equal(back, bytes, LARGE_BYTES);
    assert_int_equal(lseek(fd, 0, SEEK_END), LARGE_BYTES + 100);
    assert_int_equal(file_pread(fd, back, 2, LARGE_BYTES + 98), 0);
    assert_int_equal(file_pread(fd, back, 3, LARGE_BYTES + 98), -ENODATA);
    assert_int_equal(file_pread(fd, back, 1, LARGE_BYTES + 500), -ENODATA);
    assert_int_equal(file_pread(fd, back, 0, LARGE_BYTES + 500), 0);
    assert_int_equal(file_pwrite(fd, bytes, 0, 0), 0);
    close(fd);
    assert_int_equal(file_pread(fd, back, 1, 0), -EBADF);
    assert_int_equal(file_pwrite(fd, bytes, 1, 0), -EBADF);
    fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(file_pwrite(fd, bytes, 10, 0), -ENOSPC);
    close(fd);
    free(bytes);
    free(back);
}

static void test_read_path(void **state)
{
    uint8_t *bytes = malloc(LARGE_BYTES);
    struct buffer buffer = BUFFER_EMPTY;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    (void)state;
    assert_true(bytes && fd >= 0);
    fill(bytes, LARGE_BYTES);
    assert_int_equal(file_pwrite(fd, bytes, LARGE_BYTES, 0), 0);
    close(fd);
    buffer_append_text(&buffer, "before");
    assert_int_equal(file_read_path(path, LARGE_BYTES - 1, &buffer), -EFBIG);
    assert_int_equal(buffer.length_bytes, 6);
    for (size_t i = 6; i < buffer.capacity_bytes && i < LARGE_BYTES; i++)
        assert_int_equal(buffer.bytes[i], 0); /* wiped */
    assert_int_equal(file_read_path(path, LARGE_BYTES, &buffer), 0);
    assert_int_equal(buffer.length_bytes, 6 + LARGE_BYTES);
    assert_memory_equal(buffer.bytes, "before", 6);
    assert_memory_equal(buffer.bytes + 6, bytes, LARGE_BYTES);
    assert_int_equal(file_read_path("/nonexistent/file", 10, &buffer), -ENOENT);
    assert_int_equal(file_read_path(directory, 10, &buffer), -EISDIR);
    assert_int_equal(buffer.length_bytes, 6 + LARGE_BYTES);
    assert_int_equal(file_read_path("/dev/null", 0, &buffer), 0);
    assert_int_equal(file_read_path("/dev/zero", 100000, &buffer), -EFBIG); /* no end */
    assert_int_equal(buffer.length_bytes, 6 + LARGE_BYTES);
    buffer_clear(&buffer);
    free(bytes);
}

static void *write_piecemeal(void *context)
{
    uint8_t bytes[LARGE_BYTES / 100];
    int fd = *(int *)context;

    fill(bytes, sizeof bytes);
    for (unsigned i = 0; i < 100; i++)
        for (size_t at = 0; at < sizeof bytes;) {
            ssize_t put = write(fd, bytes + at, sizeof bytes - at > 777 ? 777 : sizeof bytes - at);

            if (put > 0)
                at += (size_t)put;
        }
    close(fd);
    return NULL;
}

static void test_read_pipe(void **state)
{
    struct buffer buffer = BUFFER_EMPTY;
    pthread_t writer;
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_piecemeal, &ends[1]), 0);
    assert_int_equal(file_read_all(ends[0], LARGE_BYTES, &buffer), 0);
    pthread_join(writer, NULL);
    close(ends[0]);
    assert_int_equal(buffer.length_bytes, LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; i++) {
        size_t at = i % (LARGE_BYTES / 100);

        if (buffer.bytes[i] != (uint8_t)(at * 31 + at / 256))
            fail_msg("byte %zu", i);
    }
    assert_int_equal(file_read_all(ends[0], 10, &buffer), -EBADF);
    assert_int_equal(buffer.length_bytes, LARGE_BYTES);
    buffer_clear(&buffer);
}

static void test_sync_directory(void **state)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    assert_int_equal(file_sync_directory(fd), 0);
    close(fd);
    assert_int_equal(file_sync_directory(fd), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_offsets),
        cmocka_unit_test(test_read_path),
        cmocka_unit_test(test_read_pipe),
        cmocka_unit_test(test_sync_directory),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
