#include "fs/log/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs/base/bytes.h"
#include "fs/base/file.h"
#include "fs/log/months.h"

/* The file `signing`: two slots, a key's in that of its number's parity; all zeros: none. */
enum {
    SLOT_BYTES = 4096, /* a block of its own: overwriting one never rewrites the other */
    S_NUMBER = 8,
    S_SEED = 16,
    S_SUM = 48,
    SLOT_USED_BYTES = 64,
    SUM_BYTES = 16,
};
static const uint8_t magic[8] = {'D', 'F', 'S', 'I', 'G', 'N', '0', '1'};

_Static_assert(S_SUM - S_SEED == crypto_sign_SEEDBYTES && SLOT_USED_BYTES - S_SUM == SUM_BYTES, "a slot's layout");

/* A key; the secret in locked memory. Number 0: none. */
struct pair {
    uint64_t number;
    struct note_key key;
    uint8_t *secret;
};

struct signer {
    int directory_fd; /* borrowed */
    int signing_fd, succession_fd;
    char origin[NOTE_ORIGIN_BYTES];
    struct pair now, next; /* next: durable, but not handed over to yet */
    bool handed_over;      /* the record is durable, and the old key is not destroyed yet */
    off_t end_bytes;       /* of the whole records in succession */
    bool has_months;       /* what the last record says of the months' keys */
    uint32_t months;
    uint8_t months_sum[TREE_HASH_BYTES];
};

/* ---- slots ------------------------------------------------------------------------------------------------------ */

static void pair_forget(struct pair *pair)
{
    if (pair->secret)
        sodium_memzero(pair->secret, NOTE_SECRET_BYTES);
    pair->number = 0;
}

static void pair_from_seed(struct signer *signer, struct pair *pair, uint64_t number, const uint8_t *seed)
{
    uint8_t public_key[NOTE_PUBLIC_BYTES];

    crypto_sign_seed_keypair(public_key, pair->secret, seed);
    note_key_make(signer->origin, public_key, &pair->key);
    pair->number = number;
}

static void slot_sum(const struct signer *signer, const uint8_t *slot, uint8_t sum[static SUM_BYTES])
{
    crypto_generichash(sum, SUM_BYTES, slot, S_SUM, (const uint8_t *)signer->origin, strlen(signer->origin));
}

/* A slot that is torn, or of another store, holds no key. */
static int slot_read(struct signer *signer, unsigned parity, struct pair *pair)
{
    uint8_t slot[SLOT_USED_BYTES], sum[SUM_BYTES];
    int error = file_pread(signer->signing_fd, slot, sizeof slot, (off_t)parity * SLOT_BYTES);

    pair_forget(pair);
    if (!error) {
        uint64_t number = bytes_get_u64(slot + S_NUMBER);

        slot_sum(signer, slot, sum);
        if (memcmp(slot, magic, sizeof magic) == 0 && memcmp(sum, slot + S_SUM, sizeof sum) == 0 && number > 0 &&
            number % 2 == parity)
            pair_from_seed(signer, pair, number, slot + S_SEED);
    }
    sodium_memzero(slot, sizeof slot);
    return error == -ENODATA ? 0 : error;
}

static int slot_write(struct signer *signer, uint64_t number, const uint8_t *slot)
{
    int error = file_pwrite(signer->signing_fd, slot, SLOT_BYTES, (off_t)(number % 2) * SLOT_BYTES);

    return !error && fdatasync(signer->signing_fd) < 0 ? -errno : error;
}

static int slot_destroy(struct signer *signer, uint64_t number)
{
    static const uint8_t zeros[SLOT_BYTES];

    return slot_write(signer, number, zeros);
}

/* A new key, durable before anything is signed with it or says its name. */
static int slot_fill(struct signer *signer, struct pair *pair, uint64_t number)
{
    uint8_t *slot = sodium_malloc(SLOT_BYTES);
    int error;

    if (!slot)
        return -ENOMEM;
    memset(slot, 0, SLOT_BYTES);
    memcpy(slot, magic, sizeof magic);
    bytes_put_u64(slot + S_NUMBER, number);
    randombytes_buf(slot + S_SEED, crypto_sign_SEEDBYTES);
    slot_sum(signer, slot, slot + S_SUM);
    error = slot_write(signer, number, slot);
    if (!error)
        pair_from_seed(signer, pair, number, slot + S_SEED);
    sodium_free(slot);
    return error;
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

static size_t make_note(const struct signer *signer, enum note_kind kind, const struct signer_head *head,
                        const struct note_key *names, const struct log_erasure *erased,
                        char text[static NOTE_MAX_BYTES])
{
    struct note note = {.kind = kind, .size = head->size, .months = signer->months};
    time_t now = time(NULL);
    struct tm utc;

    memcpy(note.origin, signer->origin, sizeof note.origin);
    memcpy(note.root, head->root, sizeof note.root);
    if (gmtime_r(&now, &utc))
        strftime(note.time, sizeof note.time, "%Y-%m-%dT%H:%M:%SZ", &utc);
    note.has_months = kind != NOTE_CHECKPOINT && signer->has_months;
    memcpy(note.months_sum, signer->months_sum, sizeof note.months_sum);
    if (names)
        note.key = *names;
    note.has_erased = erased != NULL;
    if (erased)
        note.erased = *erased;
    return note_sign(&note, &signer->now.key, signer->now.secret, text);
}

/* Do the months' keys begin with what was signed of them? A month whose destruction is announced a second time, since it was
 * interrupted, was signed as destroyed. */
static bool months_fit(const struct signer *signer, const struct months_erased *erased)
{
    uint8_t sum[TREE_HASH_BYTES];

    for (size_t with = 0; with <= (erased ? 1 : 0); with++)
        if (months_sum(signer->directory_fd, signer->months, erased, with, sum) == 0 &&
            memcmp(sum, signer->months_sum, sizeof sum) == 0)
            return true;
    return false;
}

/* The months' keys as they are now, or will be without the erased one, if they begin with what was signed of them; else
 * again what was signed. */
static void bind_months(struct signer *signer, const struct signer_head *head, const struct log_erasure *erasure)
{
    struct months_erased erased = {.below = head->months};

    if (erasure)
        erased.erasure = *erasure;
    if (signer->has_months && (head->months < signer->months || !months_fit(signer, erasure ? &erased : NULL)))
        return;
    if (months_sum(signer->directory_fd, head->months, &erased, erasure ? 1 : 0, signer->months_sum) != 0)
        return;
    signer->months = head->months;
    signer->has_months = true;
}

static int append_record(struct signer *signer, enum note_kind kind, const struct signer_head *head,
                         const struct note_key *names, const struct log_erasure *erased)
{
    char text[NOTE_MAX_BYTES];
    size_t length_bytes;
    int error;

    bind_months(signer, head, erased);
    length_bytes = make_note(signer, kind, head, names, erased, text);
    error = file_pwrite(signer->succession_fd, text, length_bytes, signer->end_bytes);

    if (!error && fdatasync(signer->succession_fd) < 0)
        error = -errno;
    if (!error)
        signer->end_bytes += (off_t)length_bytes;
    return error;
}

/* The last whole record, and where it begins and ends. A torn one behind it is cut off with the next append. 1: there is one;
 * 0: none. Reads from the front of a stretch at the end that holds several: a record begins where the one before it ends. */
static int last_record(struct signer *signer, struct note_signed *last, off_t *begins, off_t *ends)
{
    enum { STRETCH_BYTES = 4 * NOTE_MAX_BYTES };
    struct stat status;
    struct note_signed *note = NULL;
    char *bytes = NULL;
    off_t from;
    size_t length_bytes;
    int error = fstat(signer->succession_fd, &status) < 0 ? -errno : 0, found = 0;

    *begins = *ends = 0;
    if (error || status.st_size == 0)
        return error;
    from = status.st_size > STRETCH_BYTES ? status.st_size - STRETCH_BYTES : 0;
    length_bytes = (size_t)(status.st_size - from);
    bytes = malloc(length_bytes);
    note = malloc(sizeof *note);
    error = bytes && note ? file_pread(signer->succession_fd, bytes, length_bytes, from) : -ENOMEM;
    for (size_t at = 0; !error && at < length_bytes;) {
        size_t note_bytes = 0;

        if (note_parse(bytes + at, length_bytes - at, note, &note_bytes) == 0) {
            *last = *note;
            *begins = from + (off_t)at;
            at += note_bytes;
            *ends = from + (off_t)at;
            found = 1;
        } else if (found) {
            break; /* torn, or no record: what follows does not count */
        } else {
            at++; /* the stretch begins inside one */
        }
    }
    free(note);
    free(bytes);
    return error ? error : found;
}

/* ---- taking up the chain ---------------------------------------------------------------------------------------- */

static int open_file(struct signer *signer, const char *name, int *fd)
{
    *fd = openat(signer->directory_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*fd >= 0)
        return 0;
    if (errno != ENOENT)
        return -errno;
    *fd = openat(signer->directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *fd < 0 ? -errno : file_sync_directory(signer->directory_fd);
}

static int begin_chain(struct signer *signer, const struct signer_head *head, bool broken)
{
    char text[NOTE_KEY_TEXT_BYTES];
    int error;

    if (signer->now.number == 0 || broken) {
        uint64_t number = (signer->now.number > signer->next.number ? signer->now.number : signer->next.number) + 1;

        error = slot_fill(signer, &signer->now, number);
        if (!error)
            error = slot_destroy(signer, number + 1);
        pair_forget(&signer->next);
        if (error)
            return error;
    }
    error = append_record(signer, NOTE_FIRST, head, &signer->now.key, NULL);
    note_key_print(&signer->now.key, text);
    if (!error && head->size > 0)
        report(broken ? REPORT_ERROR : REPORT_WARNING,
               "log: %s; a chain of signing keys begins after entry %llu, with the public key %s",
               broken ? "the signing key and the record of keys do not fit each other"
                      : "there is no signing key yet",
               (unsigned long long)head->size, text);
    return error;
}

static void swap_pairs(struct signer *signer)
{
    struct pair between = signer->now;

    signer->now = signer->next;
    signer->next = between;
}

/* The older key of the two, if there are two, becomes `now`. */
static int read_pairs(struct signer *signer)
{
    int error = slot_read(signer, 0, &signer->now);

    if (!error)
        error = slot_read(signer, 1, &signer->next);
    if (!error && (signer->now.number == 0 || (signer->next.number > 0 && signer->next.number < signer->now.number)))
        swap_pairs(signer);
    return error;
}

static int take_up(struct signer *signer, const struct signer_head *head)
{
    struct note_signed *last = malloc(sizeof *last);
    off_t begins = 0;
    int found = last ? read_pairs(signer) : -ENOMEM;
    bool fits = false;

    if (found == 0)
        found = last_record(signer, last, &begins, &signer->end_bytes);
    if (found > 0 && last->note.has_months) {
        signer->has_months = true;
        signer->months = last->note.months;
        memcpy(signer->months_sum, last->note.months_sum, sizeof signer->months_sum);
    }
    if (found > 0 && signer->now.number > 0) {
        /* As long as the older key lives, it has not handed over: a record by it counts only if it names the successor. */
        if (signer->next.number == signer->now.number + 1 && note_is_signed_by(last, &signer->now.key) &&
            last->note.kind == NOTE_NEXT) {
            signer->handed_over = note_key_same(&last->note.key, &signer->next.key);
            if (!signer->handed_over)
                signer->end_bytes = begins;
            fits = true;
        } else {
            fits = note_key_same(&last->note.key, &signer->now.key) &&
                   (signer->next.number == 0 || signer->next.number == signer->now.number + 1);
        }
    }
    if (found >= 0 && ftruncate(signer->succession_fd, signer->end_bytes) < 0)
        found = -errno;
    free(last);
    if (found < 0)
        return found;
    return fits ? 0 : begin_chain(signer, head, found > 0 || signer->next.number > 0);
}

static int set_up(struct signer *signer)
{
    signer->now.secret = sodium_malloc(NOTE_SECRET_BYTES);
    signer->next.secret = sodium_malloc(NOTE_SECRET_BYTES);
    return signer->now.secret && signer->next.secret ? 0 : -ENOMEM;
}

int signer_open(int directory_fd, const uint8_t store_id[static LOG_STORE_ID_BYTES], const struct signer_head *head,
                struct signer **out)
{
    struct signer *signer = calloc(1, sizeof *signer);
    int error;

    if (!signer)
        return -ENOMEM;
    signer->directory_fd = directory_fd;
    signer->signing_fd = signer->succession_fd = -1;
    note_origin(store_id, signer->origin);
    error = set_up(signer);
    if (!error)
        error = open_file(signer, "signing", &signer->signing_fd);
    if (!error)
        error = open_file(signer, "succession", &signer->succession_fd);
    if (!error)
        error = take_up(signer, head);
    if (error) {
        signer_close(signer);
        return error;
    }
    *out = signer;
    return 0;
}

void signer_close(struct signer *signer)
{
    if (!signer)
        return;
    sodium_free(signer->now.secret);
    sodium_free(signer->next.secret);
    if (signer->signing_fd >= 0)
        close(signer->signing_fd);
    if (signer->succession_fd >= 0)
        close(signer->succession_fd);
    free(signer);
}

/* ---- signing ---------------------------------------------------------------------------------------------------- */

int signer_checkpoint(struct signer *signer, const struct signer_head *head, bool sync)
{
    char text[NOTE_MAX_BYTES];
    size_t length_bytes = make_note(signer, NOTE_CHECKPOINT, head, NULL, NULL, text);
    int fd =
        openat(signer->directory_fd, "checkpoint.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error = fd < 0 ? -errno : file_pwrite(fd, text, length_bytes, 0);

    if (!error && sync && fdatasync(fd) < 0)
        error = -errno;
    if (fd >= 0 && close(fd) < 0 && !error)
        error = -errno;
    /* By its name: whoever reads it has the one or the other whole. */
    if (!error && renameat(signer->directory_fd, "checkpoint.new", signer->directory_fd, "checkpoint") < 0)
        error = -errno;
    if (!error && sync)
        error = file_sync_directory(signer->directory_fd);
    return error;
}

static int hand_over(struct signer *signer, const struct signer_head *head, const struct log_erasure *erased)
{
    int error = 0;

    if (signer->next.number == 0)
        error = slot_fill(signer, &signer->next, signer->now.number + 1);
    if (!error && !signer->handed_over) {
        error = append_record(signer, NOTE_NEXT, head, &signer->next.key, erased);
        signer->handed_over = !error;
    }
    if (!error)
        error = slot_destroy(signer, signer->now.number);
    if (error)
        return error;
    swap_pairs(signer);
    pair_forget(&signer->next);
    signer->handed_over = false;
    return 0;
}

int signer_succeed(struct signer *signer, const struct signer_head *head, const struct log_erasure *erased)
{
    int error = 0;

    /* Verify would take it for an erasure before its time. */
    if (erased && !erasure_is_due(erased->month, erased->rule.term_months, (int64_t)time(NULL) * 1000))
        return -EAGAIN;
    /* A record that was made before says nothing of it. */
    if (erased && signer->handed_over)
        error = hand_over(signer, head, NULL);
    return error ? error : hand_over(signer, head, erased);
}

int signer_begin(const char *log_path, const uint8_t store_id[static LOG_STORE_ID_BYTES],
                 char key_text[static NOTE_KEY_TEXT_BYTES], struct report_why *why)
{
    struct signer_head head = {.size = 0};
    struct signer *signer = NULL;
    struct tree empty;
    int error = 0, fd;

    if (sodium_init() < 0)
        return report_fail(why, -EIO, "log: libsodium can't start");
    fd = open(log_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tree_init(&empty);
    tree_root(&empty, head.root);
    error = fd < 0 ? -errno : signer_open(fd, store_id, &head, &signer);
    if (!error)
        error = signer_checkpoint(signer, &head, true);
    if (!error)
        note_key_print(&signer->now.key, key_text);
    signer_close(signer);
    if (fd >= 0)
        close(fd);
    return error ? report_fail(why, error, "log: the signing key can't be made: %s", strerror(-error)) : 0;
}
