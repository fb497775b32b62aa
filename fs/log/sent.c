#include "fs/log/sent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/base/buffer.h"
#include "fs/base/file.h"
#include "fs/base/number.h"

enum { FILE_MAX_BYTES = SENT_MAX_PLACES * (SENT_PLACE_BYTES + SENT_WHY_BYTES + 64), FIELDS = 5 };

/* The fields of a line, ended by tabs, the last by the line's end; cut in place. False: they are not so many. */
static bool cut(char *line, char *fields[static FIELDS])
{
    for (unsigned i = 0; i < FIELDS; i++) {
        fields[i] = line;
        line = line ? strchr(line, '\t') : NULL;
        if (i + 1 < FIELDS) {
            if (!line)
                return false;
            *line++ = '\0';
        }
    }
    return !line;
}

static bool take_time(const char *text, int64_t *out)
{
    uint64_t value;

    if (number_parse_u64(text, strlen(text), 0, INT64_MAX / 1000, &value) < 0)
        return false;
    *out = (int64_t)value;
    return true;
}

/* A line about this place. */
static bool take_line(char *line, struct sent_place *place)
{
    struct sent_place found = {0};
    char *fields[FIELDS];

    if (!cut(line, fields) || strcmp(fields[3], place->place) != 0 || !take_time(fields[0], &found.sent_s) ||
        number_parse_u64(fields[1], strlen(fields[1]), 0, INT64_MAX, &found.size) < 0 ||
        !take_time(fields[2], &found.tried_s))
        return false;
    memcpy(found.place, place->place, sizeof found.place);
    snprintf(found.why, sizeof found.why, "%s", fields[4]);
    *place = found;
    return true;
}

static int open_directory(const char *log_path)
{
    int fd = open(log_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

void sent_read(const char *log_path, struct sent_place *place)
{
    int directory_fd = open_directory(log_path), fd = -1;
    struct buffer text = BUFFER_EMPTY;
    char *line, *rest = NULL;

    place->sent_s = place->tried_s = 0;
    place->size = 0;
    place->why[0] = '\0';
    if (directory_fd >= 0)
        fd = openat(directory_fd, "sent", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && file_read_all(fd, FILE_MAX_BYTES, &text) == 0 && buffer_text(&text)[0])
        for (line = strtok_r((char *)text.bytes, "\n", &rest); line && !take_line(line, place);)
            line = strtok_r(NULL, "\n", &rest);
    if (fd >= 0)
        close(fd);
    if (directory_fd >= 0)
        close(directory_fd);
    buffer_clear(&text);
}

static void append_word(struct buffer *text, const char *word)
{
    for (; *word; word++)
        buffer_append_u8(text, (uint8_t)(*word == '\t' || *word == '\n' ? ' ' : *word));
}

static int write_file(int directory_fd, struct buffer *text)
{
    int fd = openat(directory_fd, "sent.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat owner;
    int error = fd < 0 ? -errno : 0;

    /* So that it stays writable for the store's owner when root ran the command. */
    if (!error && (fstat(directory_fd, &owner) < 0 || (geteuid() == 0 && fchown(fd, owner.st_uid, owner.st_gid) < 0)))
        error = -errno;
    if (!error)
        error = file_pwrite(fd, text->bytes, text->length_bytes, 0);
    if (!error && fsync(fd) < 0)
        error = -errno;
    if (fd >= 0)
        close(fd);
    if (!error && renameat(directory_fd, "sent.new", directory_fd, "sent") < 0)
        error = -errno;
    return error ? error : file_sync_directory(directory_fd);
}

int sent_write(const char *log_path, const struct sent_place *places, size_t count)
{
    int directory_fd = open_directory(log_path), error;
    struct buffer text = BUFFER_EMPTY;

    if (directory_fd < 0)
        return directory_fd;
    for (size_t i = 0; i < count; i++) {
        buffer_printf(&text, "%" PRId64 "\t%" PRIu64 "\t%" PRId64 "\t", places[i].sent_s, places[i].size,
                      places[i].tried_s);
        append_word(&text, places[i].place);
        buffer_append_u8(&text, '\t');
        append_word(&text, places[i].why);
        buffer_append_u8(&text, '\n');
    }
    error = text.failed ? -ENOMEM : write_file(directory_fd, &text);
    close(directory_fd);
    buffer_clear(&text);
    return error;
}

bool sent_is_late(const struct sent_place *place, int64_t now_s)
{
    return place->why[0] || place->sent_s == 0 || now_s - place->sent_s > SENT_LATE_S;
}
