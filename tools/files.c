#include "tools/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM_BYTES = 65536 };

static int open_one(const struct command_line_file *named, FILE **stream, FILE *error)
{
    bool reads = named->file == COMMAND_READ;
    struct stat status;
    int fd;

    if (reads && strcmp(named->path, "-") == 0)
        fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    else if (reads)
        fd = open(named->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    else
        fd = open(named->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        const char *hint = errno == EEXIST ? "; name a new file, nothing is overwritten" : "";

        fprintf(error, "dossier: %s can't be %s: %s%s\n", named->path, reads ? "read" : "made", strerror(errno),
                hint);
        return COMMAND_CANNOT;
    }
    if (reads && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        fprintf(error, "dossier: %s is a directory\n", named->path);
        close(fd);
        return COMMAND_CANNOT;
    }
    *stream = fdopen(fd, reads ? "r" : "w");
    if (!*stream) {
        fprintf(error, "dossier: %s can't be opened: %s\n", named->path, strerror(errno));
        close(fd);
        return COMMAND_CANNOT;
    }
    return COMMAND_DONE;
}

int files_open(const struct command_line *line, struct files *files, FILE *error)
{
    struct command_line_file named[COMMAND_MAX_FILES];
    unsigned count = command_line_files(line, named);

    *files = (struct files){0};
    for (unsigned i = 0; i < count; i++) {
        files->named[i] = named[i];
        if (open_one(&named[i], &files->streams[i], error) != COMMAND_DONE) {
            files_close(files, COMMAND_CANNOT, error);
            return COMMAND_CANNOT;
        }
        files->count = i + 1;
        files->rooms[i] = malloc(ROOM_BYTES);
        if (files->rooms[i])
            setvbuf(files->streams[i], files->rooms[i], _IOFBF, ROOM_BYTES);
    }
    return COMMAND_DONE;
}

void files_hand_over(const struct files *files, struct command_context *context)
{
    for (unsigned i = 0; i < files->count; i++) {
        if (files->named[i].option >= 0)
            context->option_stream[files->named[i].option] = files->streams[i];
        else
            context->argument_stream[files->named[i].argument] = files->streams[i];
    }
}

int files_close(struct files *files, int code, FILE *error)
{
    for (unsigned i = 0; i < files->count; i++) {
        bool writes = files->named[i].file == COMMAND_WRITE;
        struct stat status = {.st_size = 1};
        bool failed = fflush(files->streams[i]) != 0 || ferror(files->streams[i]);

        fstat(fileno(files->streams[i]), &status);
        if (writes && status.st_size > 0 && fsync(fileno(files->streams[i])) < 0)
            failed = true;
        fclose(files->streams[i]);
        if (writes && status.st_size == 0)
            unlink(files->named[i].path);
        if (writes && failed) {
            fprintf(error, "dossier: %s could not be written completely\n", files->named[i].path);
            code = COMMAND_CANNOT;
        }
        if (files->rooms[i])
            explicit_bzero(files->rooms[i], ROOM_BYTES);
        free(files->rooms[i]);
    }
    *files = (struct files){0};
    return code;
}
