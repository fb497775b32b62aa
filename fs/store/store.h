/* store: personal data at rest: subjects, their items, and the names behind the numbers. The bytes are described in
 * FORMAT.md beside this file.
 *
 * The store knows nothing of policies, purposes or FUSE. It keeps numbers: of kinds, categories, fields and purposes, given out by
 * store_number() in the order of first use. An item is what one subject has in one category: all its fields, sealed
 * together under a key of its own; each change makes a new version, and readers see the newest published one.
 *
 * Errors are negative errno: -ENOENT (no such subject, item or name), -EBADMSG (bytes that were altered, cut short or
 * belong elsewhere: nothing of them is given out), -EIO, -ENOSPC, -ENOMEM, -EBUSY. After -EIO the store is failed: every
 * later call answers -EIO until it is closed, opened and so checked again.
 *
 * Threads: one writer at a time (a batch; a second store_batch_begin() answers -EBUSY). Readers are made per thread. */
#ifndef DOSSIERFS_STORE_STORE_H
#define DOSSIERFS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/base/buffer.h"
#include "fs/base/report.h"

enum {
    STORE_ID_BYTES = 16,
    STORE_KEY_BYTES = 32,
    STORE_CODE_MAX_BYTES = 64,
    STORE_MAX_CATEGORIES = 64, /* in one subject */
    STORE_MAX_FIELDS = 256,    /* in one subject */
    STORE_MAX_DATES = 64,      /* in one subject */
    STORE_SOURCE_MAX_BYTES = 255,
    STORE_MAX_FACTS = 32,         /* in one subject */
    STORE_REASON_MAX_BYTES = 160, /* of a fact */
    STORE_KEY_FILE_MIN_BYTES = 32,
    STORE_KEY_FILE_MAX_BYTES = 65536,
};

struct store;
struct store_reader;
struct store_batch;

/* ---- making and opening --------------------------------------------------------------------------------------- */

/* What opens a key slot: the bytes of a passphrase (1..1024, without a line end) or of a key file. Borrowed. */
enum store_secret_type { STORE_PASSPHRASE = 1, STORE_KEY_FILE = 2 };
struct store_secret {
    enum store_secret_type type;
    const uint8_t *bytes;
    size_t length_bytes;
};

/* Makes a new store in `path`, a directory that doesn't exist or is empty; mode 0700; the log's directory `log/` is made
 * too, empty. One key slot per secret (1..8). On failure what was made is removed again. -EEXIST: something is there;
 * -EINVAL: a secret is too short or too long. `why` says it for a person. Everything is durable on return. */
int store_create(const char *path, const struct store_secret *secrets, size_t secret_count, struct report_why *why);

/* The id of the store at `path`, without a key: it is not secret. Errors as store_open(). */
int store_read_id(const char *path, uint8_t id[static STORE_ID_BYTES], struct report_why *why);

/* Opens for one process: -EBUSY if another has it open. -EKEYREJECTED: no slot opens with this secret (a wrong passphrase
 * or key file). -EBADMSG: header, keyring or database cut short, altered or of another store. -ENOTSUP: a newer format.
 * Finishes what a crash left half done (unpublished batches are taken back, destructions completed) and says so through
 * report(). Nothing on disk is changed by an open that fails. */
int store_open(const char *path, const struct store_secret *secret, struct store **out, struct report_why *why);
/* Readers are closed and the batch is published or abandoned before. NULL is allowed. */
void store_close(struct store *store);

const uint8_t *store_id(const struct store *store); /* STORE_ID_BYTES, random, not secret */
const char *store_path(const struct store *store);
/* A key for another use, derived from the master key: the same in every opening. `use` is 8 characters, "log_____". */
void store_derive_key(const struct store *store, const char use[static 8], uint8_t key[static STORE_KEY_BYTES]);

/* ---- names and numbers ---------------------------------------------------------------------------------------- */

enum store_names { STORE_KINDS = 1, STORE_CATEGORIES = 2, STORE_FIELDS = 3, STORE_PURPOSES = 4 };
/* The number (1..65535) of a name (1..63 bytes); -ENOENT if it has none. Any thread. */
int store_number(struct store *store, enum store_names names, const char *name, uint32_t *number);
/* The name of a number, NUL-terminated; -ENOENT if it was never given out. Any thread. */
int store_name(struct store *store, enum store_names names, uint32_t number, char name[static 64]);
/* The same, and gives the name the next free number, durable on return, if it has none. -ENOSPC: no number left. */
int store_number_assign(struct store *store, enum store_names names, const char *name, uint32_t *number);

/* ---- subjects and items --------------------------------------------------------------------------------------- */

/* Something that is so for a subject and that decisions depend on: a consent, an objection, a restriction and so on. The store keeps
 * it and gives no meaning to it; `word` says which, and `about` what it is about, a number of some list of names. Times are Unix
 * seconds; STORE_NEVER: not (yet). It is kept after it ended: who set it, until when, and why. */
#define STORE_NEVER INT64_MAX
struct store_fact {
    uint32_t id;    /* 1.., the subject's own, never reused */
    uint8_t word;   /* 1.. */
    uint32_t about; /* 0..65535 */
    int64_t from_s, until_s;
    int64_t set_s, ended_s, reviewed_s;
    uint32_t set_uid, ended_uid, reviewed_uid; /* the latter two only where the time is not STORE_NEVER */
    char reason[STORE_REASON_MAX_BYTES + 1];   /* NUL-terminated */
};

/* The summary of one subject: what listings, terms and decisions need, without any content. */
struct store_subject {
    uint32_t id;        /* number in the store, never reused; 0 in a draft: a new subject */
    uint32_t version;   /* 1..; grows with each published change of the subject; set by the store */
    uint64_t pseudonym; /* random; what the log knows the subject by; set by the store for a new subject */
    uint32_t kind;
    uint8_t code_bytes;
    char code[STORE_CODE_MAX_BYTES + 1]; /* NUL-terminated; any bytes but NUL */
    unsigned category_count;
    struct store_start {
        uint32_t category;
        int64_t captured_s; /* Unix time */
    } categories[STORE_MAX_CATEGORIES];
    unsigned field_count;
    uint32_t fields[STORE_MAX_FIELDS]; /* numbers of the fields that have a value */
    unsigned date_count;
    struct store_date {
        uint32_t field;
        int32_t day;
    } dates[STORE_MAX_DATES]; /* the values of date fields: terms may start at any of them */
    uint32_t last_fact;       /* the highest id that a fact ever had */
    unsigned fact_count;
    struct store_fact facts[STORE_MAX_FACTS]; /* in the order of their ids; most subjects have none */
};
/* Copies a summary without the places for facts that are not there: they are most of it. */
void store_subject_copy(struct store_subject *to, const struct store_subject *from);

/* One field of an item. In a draft all pointers are borrowed; in a store_item they point into it. */
struct store_field {
    uint32_t number;
    int64_t captured_s;   /* when it was captured (B2) */
    const char *source;   /* where it came from, at most STORE_SOURCE_MAX_BYTES */
    const uint8_t *value; /* the kept form; several values are separated by '\n' */
    size_t value_bytes;
};
struct store_item {
    struct buffer plain; /* owns the bytes below */
    unsigned field_count;
    struct store_field *fields; /* owned */
};
void store_item_clear(struct store_item *item);

/* A reader belongs to one thread. While it works it may keep a read transaction open; store_reader_rest() ends it, and is
 * to be called whenever the thread goes idle and before it should see what was published since. */
int store_reader_open(struct store *store, struct store_reader **out);
void store_reader_close(struct store_reader *reader);
void store_reader_rest(struct store_reader *reader);

/* The subject of a code, through its keyed hash. -ENOENT. */
int store_find(struct store_reader *reader, const char *code, size_t code_bytes, uint32_t *subject);
/* Reads one summary into *subject. -ENOENT, -EBADMSG. */
int store_read_subject(struct store_reader *reader, uint32_t subject_id, struct store_subject *subject);
/* Calls `each` for every published subject with a number above `after`, in the order of their numbers, until it answers other than 0, which is then
 * the result. A summary that can't be opened: `damaged` (may be NULL) is counted up and the walk goes on. */
int store_each_subject(struct store_reader *reader, uint32_t after,
                       int (*each)(void *context, const struct store_subject *subject), void *context,
                       uint64_t *damaged);
/* The newest published version of an item into *item, which must be empty or used before; store_item_clear() in the end. */
int store_read_item(struct store_reader *reader, uint32_t subject_id, uint32_t category, struct store_item *item);
/* The same, but the item stays the reader's: it holds until the next call with this reader. A few of them are kept until the reader
 * rests, so that asking again for one costs no decryption. */
int store_borrow_item(struct store_reader *reader, uint32_t subject_id, uint32_t category,
                      const struct store_item **item);

/* ---- changing ------------------------------------------------------------------------------------------------- */

struct store_item_draft {
    uint32_t category;
    const struct store_field *fields;
    unsigned field_count;
};

/* A batch collects changes under an unpublished number, committing as it goes so that it may be as large as it likes; nobody
 * sees them until store_batch_publish(), which makes them all visible and durable with one commit. */
int store_batch_begin(struct store *store, struct store_batch **out);
/* Puts one subject. `subject->id` 0: new, and the code must be unknown, else -EEXIST (in the batch too); otherwise the
 * summary replaces the subject's. Each item becomes the newest version of its category; categories without a draft keep
 * their item. id, pseudonym and version are filled in. Nothing is changed by -EINVAL (out of bounds, a number twice, a code
 * that is not the subject's), -EFBIG (an item over 16 MiB), -ENOENT, -EOVERFLOW (a million versions). -ENOSPC and -EIO end
 * the batch: only abandon is left, and -ECANCELED is what everything else answers. */
int store_batch_put(struct store_batch *batch, struct store_subject *subject, const struct store_item_draft *items,
                    size_t item_count);
/* The same for a new subject of an unknown code (`subject->id` 0), but a second thread does the sealing and writing. id, pseudonym
 * and version are filled in at once. What goes wrong then ends the batch, -EEXIST for a code that was not unknown included, and is
 * the answer of the next store_batch_put() or of store_batch_publish(). */
int store_batch_queue(struct store_batch *batch, struct store_subject *subject, const struct store_item_draft *items,
                      size_t item_count);
/* 0: published and durable, the batch is freed. On failure it is not published and not freed: abandon it. */
int store_batch_publish(struct store_batch *batch);
/* Takes back everything of the batch (rows dropped, keys destroyed) and frees it. A NULL is allowed. */
void store_batch_abandon(struct store_batch *batch);

/* ---- policies that were in force -------------------------------------------------------------------------------- */

/* The store knows nothing of what is in them. */
struct store_policy {
    uint32_t number; /* 1.., in the order in which they were kept */
    int64_t since_ms;
    bool owner_known;
    uint32_t owner_uid; /* whose file it was */
};
/* Keeps a text, durable on return, and gives it a number. The newest that is kept is this very text: nothing is written, and *policy
 * becomes what is known of that one. -ENOSPC, -EIO, -ENOMEM. One thread at a time. */
int store_policy_keep(struct store *store, struct store_policy *policy, const char *text, size_t length_bytes);
/* Appends the text. -ENOENT: there is no such number; -EBADMSG. Any thread. */
int store_policy_read(struct store *store, uint32_t number, struct store_policy *policy, struct buffer *text);
/* Each that is kept, oldest first, until one is answered with other than 0, which is then the result. `text` NULL: it is damaged, and
 * only its number is known. Any thread. */
typedef int store_policy_taker(void *context, const struct store_policy *policy, struct buffer *text);
int store_policy_each(struct store *store, store_policy_taker *each, void *context);

#endif
