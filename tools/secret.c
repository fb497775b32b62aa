#include "tools/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "fs/base/file.h"
#include "fs/store/store.h"

enum { NEW_KEY_BYTES = 32 };

static int told(FILE *error, int result, const char *what, const char *path)
{
    fprintf(error, "%s: %s %s: %s\n", program_invocation_short_name, what, path, strerror(-result));
    return result;
}

int secret_read_key_file(const char *path, struct buffer *bytes, FILE *error)
{
    struct stat status;
    /* O_NONBLOCK: a FIFO in the place of the file must not hold us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), result = 0;

    if (fd < 0)
        return errno == ENOENT ? -ENOENT : told(error, -errno, "can't read the key file", path);
    if (fstat(fd, &status) < 0) {
        result = told(error, -errno, "can't read the key file", path);
    } else if (!S_ISREG(status.st_mode)) {
        fprintf(error, "%s: the key file %s is not a regular file\n", program_invocation_short_name, path);
        result = -EINVAL;
    } else if (status.st_size < STORE_KEY_FILE_MIN_BYTES || status.st_size > STORE_KEY_FILE_MAX_BYTES) {
        fprintf(error, "%s: the key file %s has %lld bytes; it must have %d to %d\n", program_invocation_short_name,
                path, (long long)status.st_size, STORE_KEY_FILE_MIN_BYTES, STORE_KEY_FILE_MAX_BYTES);
        result = -EINVAL;
    } else if ((result = file_read_all(fd, STORE_KEY_FILE_MAX_BYTES, bytes)) < 0) {
        told(error, result, "can't read the key file", path);
    } else if (status.st_mode & 077) {
        fprintf(error, "%s: warning: others than its owner may use the key file %s (chmod 600 %s)\n",
                program_invocation_short_name, path, path);
    }
    close(fd);
    return result;
}

/* The name is durable too: a store whose key file is lost with the power is lost. */
static int sync_parent(const char *path)
{
    char directory[4096];
    char *slash;
    int fd, result;

    if ((size_t)snprintf(directory, sizeof directory, "%s", path) >= sizeof directory)
        return -ENAMETOOLONG;
    slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0';
    fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    result = file_sync_directory(fd);
    close(fd);
    return result;
}

int secret_make_key_file(const char *path, struct buffer *bytes, FILE *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), result = 0;
    uint8_t *key;

    if (fd < 0)
        return told(error, -errno, "can't make the key file", path);
    key = buffer_reserve(bytes, NEW_KEY_BYTES);
    if (!key) {
        result = -ENOMEM;
    } else {
        randombytes_buf(key, NEW_KEY_BYTES);
        bytes->length_bytes += NEW_KEY_BYTES;
        result = file_pwrite(fd, key, NEW_KEY_BYTES, 0);
        if (result == 0 && fsync(fd) < 0)
            result = -errno;
        if (result == 0)
            result = sync_parent(path);
    }
    close(fd);
    if (result < 0) {
        unlink(path);
        told(error, result, "can't make the key file", path);
    }
    return result;
}

/* Reads one line, byte by byte so that nothing behind it is taken from standard input. */
static int read_line(int fd, struct buffer *bytes)
{
    for (;;) {
        uint8_t *to = buffer_reserve(bytes, 1);
        ssize_t count;

        if (!to)
            return -ENOMEM;
        count = read(fd, to, 1);
        if (count < 0)
            return -errno;
        if (count == 0 || *to == '\n')
            break;
        if (bytes->length_bytes == SECRET_PASSPHRASE_MAX_BYTES + 1)
            return -EFBIG;
        bytes->length_bytes++;
    }
    if (bytes->length_bytes > 0 && bytes->bytes[bytes->length_bytes - 1] == '\r')
        buffer_cut(bytes, bytes->length_bytes - 1);
    return bytes->length_bytes > SECRET_PASSPHRASE_MAX_BYTES ? -EFBIG : 0;
}

static int check_passphrase(int result, const struct buffer *bytes, FILE *error)
{
    if (result == -EFBIG)
        fprintf(error, "%s: the passphrase is longer than %d bytes\n", program_invocation_short_name,
                SECRET_PASSPHRASE_MAX_BYTES);
    else if (result == -EINTR)
        fprintf(error, "%s: no passphrase was given\n", program_invocation_short_name);
    else if (result < 0)
        fprintf(error, "%s: the passphrase can't be read: %s\n", program_invocation_short_name, strerror(-result));
    else if (bytes->length_bytes == 0) {
        fprintf(error, "%s: the passphrase is empty\n", program_invocation_short_name);
        result = -EINVAL;
    }
    return result;
}

int secret_read_passphrase(const char *path, struct buffer *bytes, FILE *error)
{
    int fd = STDIN_FILENO, result;

    if (strcmp(path, "-") != 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
            return told(error, -errno, "can't read the passphrase file", path);
    }
    buffer_reserve(bytes, SECRET_PASSPHRASE_MAX_BYTES + 2);
    result = check_passphrase(read_line(fd, bytes), bytes, error);
    if (fd != STDIN_FILENO)
        close(fd);
    return result;
}

int secret_ask_passphrase(const char *question, struct buffer *bytes, FILE *error)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), result;
    struct termios before, silent;
    sigset_t stop, mask_before;

    if (fd < 0 || tcgetattr(fd, &before) < 0) {
        if (fd >= 0)
            close(fd);
        fprintf(error,
                "%s: no key: there is no terminal to ask for the passphrase (--key-file or --passphrase-file)\n",
                program_invocation_short_name);
        return -ENXIO;
    }
    /* Suspended now, the terminal would be left without echo. SIGINT ends the read below, and the echo comes back. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigprocmask(SIG_BLOCK, &stop, &mask_before);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ECHONL;
    tcsetattr(fd, TCSAFLUSH, &silent);
    dprintf(fd, "%s: ", question);
    buffer_reserve(bytes, SECRET_PASSPHRASE_MAX_BYTES + 2);
    result = read_line(fd, bytes);
    tcsetattr(fd, TCSAFLUSH, &before);
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
    close(fd);
    return check_passphrase(result, bytes, error);
}
