/* Goal: whoever rewrites the log is named, whatever of it he makes fit again: entries altered, removed, added, moved or swapped; the
 * tail cut; all of it rolled back; the bodies of a month erased; checkpoints forged with the key of today; the key replaced.
 * Each attack is made at many random places; LOG_ATTACK_SEED repeats a run.
 * slow */
#include "tests/unit/log_stage.h"

#include <dirent.h>
#include <sodium.h>
#include <time.h>

#include "fs/base/bytes.h"
#include "fs/log/batch.h"
#include "fs/log/note.h"
#include "fs/log/segment.h"
#include "fs/log/signer.h"
#include "fs/log/tree.h"

enum { SESSIONS = 12, PER_SESSION = 100, ENTRIES = SESSIONS * PER_SESSION, ROUNDS = 100, FILES_MAX = 32 };

/* ---- chance ----------------------------------------------------------------------------------------------------- */

static uint64_t chance_state;

static uint64_t chance(uint64_t below)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (chance_state >> 11) % below;
}

/* ---- copies of the whole directory ------------------------------------------------------------------------------ */

struct copy {
    unsigned count;
    struct {
        char name[32];
        struct buffer bytes;
    } files[FILES_MAX];
};

static bool is_kept(const char *name)
{
    return name[0] != '.' && strncmp(name, "index", 5) != 0 && strcmp(name, "lock") != 0;
}

static void copy_take(const struct stage *stage, struct copy *copy)
{
    DIR *directory = opendir(stage->path);
    struct dirent *entry;
    char path[400];

    copy->count = 0;
    while ((entry = readdir(directory))) {
        if (!is_kept(entry->d_name))
            continue;
        assert_true(copy->count < FILES_MAX);
        snprintf(copy->files[copy->count].name, 32, "%.31s", entry->d_name);
        snprintf(path, sizeof path, "%s/%s", stage->path, entry->d_name);
        copy->files[copy->count].bytes = BUFFER_EMPTY;
        assert_int_equal(file_read_path(path, 1 << 22, &copy->files[copy->count].bytes), 0);
        copy->count++;
    }
    closedir(directory);
}

static void put(const struct stage *stage, const char *name, const void *bytes, size_t length_bytes)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", stage->path, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length_bytes, file), length_bytes);
    fclose(file);
}

static void copy_put_back(const struct stage *stage, const struct copy *copy)
{
    DIR *directory = opendir(stage->path);
    struct dirent *entry;
    char path[400];

    while ((entry = readdir(directory))) {
        snprintf(path, sizeof path, "%s/%s", stage->path, entry->d_name);
        if (is_kept(entry->d_name))
            unlink(path);
    }
    closedir(directory);
    for (unsigned i = 0; i < copy->count; i++)
        put(stage, copy->files[i].name, copy->files[i].bytes.bytes, copy->files[i].bytes.length_bytes);
}

static struct buffer *copy_file(struct copy *copy, const char *name)
{
    for (unsigned i = 0; i < copy->count; i++)
        if (strcmp(copy->files[i].name, name) == 0)
            return &copy->files[i].bytes;
    fail_msg("no %s", name);
    return NULL;
}

static void copy_clear(struct copy *copy)
{
    for (unsigned i = 0; i < copy->count; i++)
        buffer_clear(&copy->files[i].bytes);
}

/* ---- the log that is attacked ----------------------------------------------------------------------------------- */

static struct stage stage;
static struct copy whole, earlier[SESSIONS];
static char kept[SESSIONS][VERIFY_CHECKPOINT_BYTES]; /* checkpoints kept elsewhere, one a session */
static char paper[NOTE_KEY_TEXT_BYTES];

static int build(void **state)
{
    char key[VERIFY_KEY_BYTES];

    (void)state;
    stage_begin(&stage);
    assert_int_equal(signer_begin(stage.path, stage.store_id, paper, &stage.why), 0);
    for (unsigned session = 0; session < SESSIONS; session++) {
        stage_open(&stage);
        for (unsigned i = session * PER_SESSION; i < (session + 1) * PER_SESSION; i++) {
            struct log_entry entry = stage_entry(i);

            entry.time_ms += (int64_t)(i / 300) * 32 * 86400000; /* four months */
            if (chance(4) == 0 || (i + 1) % PER_SESSION == 0)
                assert_int_equal(log_append_and_wait(stage.log, &entry), 0);
            else
                assert_int_equal(log_append(stage.log, &entry, NULL, NULL), 0);
        }
        stage_close(&stage);
        assert_int_equal(verify_checkpoint(stage.path, kept[session], key), 0);
        copy_take(&stage, &earlier[session]);
    }
    copy_take(&stage, &whole);
    return 0;
}

static int take_down(void **state)
{
    (void)state;
    for (unsigned session = 0; session < SESSIONS; session++)
        copy_clear(&earlier[session]);
    copy_clear(&whole);
    stage_end(&stage);
    return 0;
}

static struct verify_report verify_with(const char *key, const char *since)
{
    struct verify_report report;

    verify_log(&(struct verify_options){.path = stage.path, .key = key, .since = since}, &report);
    return report;
}

/* It is told, and the entry that it names is not behind the first one that was touched; where the log has become shorter, that
 * counts: what is missing can't be pointed at. */
static void assert_named(const struct verify_report *report, uint64_t touched)
{
    if ((report->result != VERIFY_ALTERED && report->result != VERIFY_SHORTER) || report->bad_entry == 0 ||
        (report->result == VERIFY_ALTERED && report->bad_entry > touched))
        fail_msg("entry %llu was touched, and verify says (%d): %s", (unsigned long long)touched, (int)report->result,
                 report->text);
}

/* Without an anchor, with the key from paper, with a checkpoint kept elsewhere: each by itself. */
static void assert_named_by_all(uint64_t touched)
{
    const char *since = kept[SESSIONS - 1];
    struct verify_report reports[] = {verify_with(NULL, NULL), verify_with(paper, NULL), verify_with(NULL, since)};

    for (size_t i = 0; i < 3; i++)
        assert_named(&reports[i], touched);
}

/* ---- the forger: makes everything fit again for which no destroyed key is needed ---------------------------------- */

struct piece {
    uint8_t bytes[BATCH_ENTRY_BYTES + 1024];
    size_t length_bytes;
    unsigned batch, segment; /* where it goes */
};
struct forgery {
    unsigned count;
    uint8_t prefixes[ENTRIES][BATCH_PREFIX_BYTES]; /* by batch */
    struct piece pieces[2 * ENTRIES];
    struct tree trees[ENTRIES + 2]; /* after so many entries, once written */
};
static struct forgery forgery;

static void forgery_load(void)
{
    unsigned batches = 0;
    char name[SEGMENT_NAME_BYTES];

    forgery.count = 0;
    for (unsigned segment = 1; segment <= 99; segment++) {
        struct buffer *bytes = NULL;
        struct batch batch;

        segment_name(segment, name);
        for (unsigned i = 0; i < whole.count; i++)
            if (strcmp(whole.files[i].name, name) == 0)
                bytes = &whole.files[i].bytes;
        if (!bytes)
            break;
        for (size_t at = SEGMENT_HEADER_BYTES; batch_parse(bytes->bytes + at, bytes->length_bytes - at, &batch);
             at += batch.length_bytes) {
            struct batch_entry entry = {0};

            memcpy(forgery.prefixes[batches], batch_prefix(&batch), BATCH_PREFIX_BYTES);
            for (size_t place = 0; batch_next(&batch, &place, &entry);) {
                struct piece *piece = &forgery.pieces[forgery.count++];

                *piece = (struct piece){.batch = batches, .segment = segment};
                piece->length_bytes = BATCH_ENTRY_BYTES + entry.sealed_bytes;
                assert_true(piece->length_bytes <= sizeof piece->bytes);
                memcpy(piece->bytes, entry.header, piece->length_bytes);
            }
            batches++;
        }
    }
    assert_int_equal(forgery.count, ENTRIES);
}

/* One batch of the pieces from..to, with its checks, root and checksum as they should be. */
static void forge_batch(struct segment *segment, struct tree *tree, unsigned from, unsigned to)
{
    static uint8_t bytes[BATCH_MAX_BYTES];
    const uint8_t *prefix = forgery.prefixes[forgery.pieces[from].batch];
    size_t at = BATCH_HEADER_BYTES;

    memset(bytes, 0, BATCH_HEADER_BYTES);
    memcpy(bytes, "DFSB", 4);
    bytes_put_u64(bytes + 8, from);
    bytes_put_u32(bytes + 16, to - from);
    memcpy(bytes + 20, prefix, BATCH_PREFIX_BYTES);
    for (unsigned i = from; i < to; i++) {
        struct piece *piece = &forgery.pieces[i];
        struct batch_entry entry;
        uint8_t hash[TREE_HASH_BYTES];

        assert_true(batch_entry_parse(piece->bytes, piece->length_bytes, prefix, from, i, &entry));
        batch_leaf(&entry, hash);
        bytes_put_u32(piece->bytes + 6, batch_leaf_check(hash, i));
        memcpy(bytes + at, piece->bytes, piece->length_bytes);
        at += piece->length_bytes;
        tree_add(tree, hash);
        if (i < ENTRIES + 1)
            forgery.trees[i + 1] = *tree;
    }
    bytes_put_u32(bytes + 4, (uint32_t)(at + BATCH_TRAILER_BYTES));
    tree_root(tree, bytes + at);
    crypto_generichash(bytes + at + TREE_HASH_BYTES, 16, bytes, at + TREE_HASH_BYTES, NULL, 0);
    assert_int_equal(segment_append(segment, bytes, at + BATCH_TRAILER_BYTES, false), 0);
}

static void forgery_write(void)
{
    int fd = open(stage.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct segment segment = SEGMENT_NONE;
    unsigned number = 0;
    struct tree tree;

    assert_int_equal(stage_shell(&stage, "rm -f *.seg"), 0);
    tree_init(&tree);
    forgery.trees[0] = tree;
    for (unsigned from = 0, to; from < forgery.count; from = to) {
        for (to = from; to < forgery.count && forgery.pieces[to].batch == forgery.pieces[from].batch;)
            to++;
        if (forgery.pieces[from].segment != number) {
            struct segment_header header = {.number = ++number, .tree = tree};

            memcpy(header.store_id, stage.store_id, sizeof header.store_id);
            segment_leave(&segment);
            assert_int_equal(segment_create(fd, &header, 1 << 18, 1 << 17, &segment), 0);
            for (unsigned i = from; i < forgery.count; i++) /* a segment may have lost all of its entries */
                if (forgery.pieces[i].segment == forgery.pieces[from].segment && i > from)
                    forgery.pieces[i].segment = number;
            forgery.pieces[from].segment = number;
        }
        forge_batch(&segment, &tree, from, to);
    }
    segment_leave(&segment);
    close(fd);
}

static void remove_at(unsigned at)
{
    memmove(&forgery.pieces[at], &forgery.pieces[at + 1], (forgery.count - at - 1) * sizeof *forgery.pieces);
    forgery.count--;
}

static void insert_at(unsigned at, const struct piece *piece)
{
    unsigned near = at > 0 ? at - 1 : 0, batch = forgery.pieces[near].batch, segment = forgery.pieces[near].segment;

    memmove(&forgery.pieces[at + 1], &forgery.pieces[at], (forgery.count - at) * sizeof *forgery.pieces);
    forgery.count++;
    forgery.pieces[at] = *piece;
    forgery.pieces[at].batch = batch;
    forgery.pieces[at].segment = segment;
}

static void exchange(unsigned one, unsigned other)
{
    struct piece between = forgery.pieces[one];
    unsigned batch = forgery.pieces[other].batch, segment = forgery.pieces[other].segment;

    forgery.pieces[one] = forgery.pieces[other];
    forgery.pieces[one].batch = between.batch;
    forgery.pieces[one].segment = between.segment;
    forgery.pieces[other] = between;
    forgery.pieces[other].batch = batch;
    forgery.pieces[other].segment = segment;
}

static void bend(struct piece *piece)
{
    piece->bytes[BATCH_ENTRY_BYTES + chance(piece->length_bytes - BATCH_ENTRY_BYTES)] ^= (uint8_t)(1 << chance(8));
}

/* Does what was asked for to the entries at random places; answers the first one touched, from 1. */
static unsigned touch(unsigned how)
{
    unsigned at = (unsigned)chance(ENTRIES), other = (unsigned)chance(ENTRIES - 1);
    struct piece piece;

    if (other >= at)
        other++;
    forgery_load();
    switch (how) {
    case 0: /* altered */
        bend(&forgery.pieces[at]);
        return at + 1;
    case 1: /* removed */
        remove_at(at);
        return at + 1;
    case 2: /* added: a copy of another, or one that is made up */
        piece = forgery.pieces[other];
        if (chance(2))
            bend(&piece);
        insert_at(at, &piece);
        return at + 1;
    case 3: /* moved */
        piece = forgery.pieces[at];
        remove_at(at);
        insert_at(other, &piece);
        return (at < other ? at : other) + 1;
    default: /* swapped */
        exchange(at, other);
        return (at < other ? at : other) + 1;
    }
}

/* ---- attacks ---------------------------------------------------------------------------------------------------- */

static void attack_entries(unsigned how)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned touched;

        copy_put_back(&stage, &whole);
        touched = touch(how);
        forgery_write();
        assert_named_by_all(touched);
    }
}

static void entry_altered(void **state)
{
    (void)state;
    attack_entries(0);
}

/* Without making anything fit: then it is named exactly. */
static void entry_altered_and_left_so(void **state)
{
    char name[SEGMENT_NAME_BYTES];

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned at = (unsigned)chance(ENTRIES);
        struct verify_report report;
        struct buffer *bytes;
        uint8_t *found;
        size_t place;

        copy_put_back(&stage, &whole);
        forgery_load();
        segment_name(forgery.pieces[at].segment, name);
        bytes = copy_file(&whole, name);
        found = memmem(bytes->bytes, bytes->length_bytes, forgery.pieces[at].bytes, forgery.pieces[at].length_bytes);
        assert_non_null(found);
        place = BATCH_ENTRY_BYTES + chance(forgery.pieces[at].length_bytes - BATCH_ENTRY_BYTES);
        found[place] ^= 0x10;
        put(&stage, name, bytes->bytes, bytes->length_bytes);
        found[place] ^= 0x10;
        report = verify_with(NULL, NULL);
        assert_int_equal(report.result, VERIFY_ALTERED);
        assert_int_equal(report.bad_entry, at + 1);
    }
}

static void entry_removed(void **state)
{
    (void)state;
    attack_entries(1);
}

static void entry_added(void **state)
{
    (void)state;
    attack_entries(2);
}

static void entry_moved(void **state)
{
    (void)state;
    attack_entries(3);
}

static void entries_swapped(void **state)
{
    (void)state;
    attack_entries(4);
}

/* Cuts the record of keys behind the last record of at most `size` entries. */
static void cut_succession(uint64_t size)
{
    static struct note_signed note;
    struct buffer *bytes = copy_file(&whole, "succession");
    size_t at = 0, note_bytes = 0;

    while (at < bytes->length_bytes &&
           note_parse((const char *)bytes->bytes + at, bytes->length_bytes - at, &note, &note_bytes) == 0 &&
           note.note.size <= size)
        at += note_bytes;
    put(&stage, "succession", bytes->bytes, at);
}

static void tail_cut(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned left = (unsigned)chance(ENTRIES);
        struct verify_report report;
        char path[128];

        copy_put_back(&stage, &whole);
        forgery_load();
        forgery.count = left;
        forgery_write();
        if (left > 0) {
            assert_named_by_all(left + 1);
            assert_int_equal(verify_with(NULL, NULL).result, VERIFY_SHORTER);
        }
        /* And all that is signed cut with it: only what is kept elsewhere can tell. */
        cut_succession(left);
        snprintf(path, sizeof path, "%s/checkpoint", stage.path);
        unlink(path);
        report = verify_with(paper, kept[SESSIONS - 1]);
        if (left == 0)
            assert_int_equal(report.result, VERIFY_ALTERED); /* no segment at all */
        else
            assert_int_equal(report.result, VERIFY_SHORTER);
        assert_int_equal(report.bad_entry, left + 1);
    }
}

static void all_rolled_back(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned back = (unsigned)chance(SESSIONS - 1);
        unsigned since = back + 1 + (unsigned)chance(SESSIONS - 1 - back);
        struct verify_report report;

        copy_put_back(&stage, &earlier[back]);
        assert_int_equal(verify_with(paper, NULL).result, VERIFY_INTACT); /* which is why a checkpoint is kept */
        report = verify_with(paper, kept[since]);
        assert_int_equal(report.result, VERIFY_SHORTER);
        assert_int_equal(report.bad_entry, (back + 1) * PER_SESSION + 1);
        if (chance(4) == 0) { /* and the log goes on from there */
            stage_open(&stage);
            stage_append(&stage, 0, (SESSIONS + 1) * PER_SESSION);
            stage_close(&stage);
            report = verify_with(paper, kept[since]);
            assert_named(&report, (back + 1) * PER_SESSION + 1);
        }
    }
}

/* The slot of a month's key becomes destroyed, empty or another; the daemon may run afterwards. */
static void months_erased(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned month = (unsigned)chance(4), how = (unsigned)chance(3);
        struct buffer *bytes = copy_file(&whole, "months");
        uint8_t kept_slot[128], *slot = bytes->bytes + 128 + (size_t)month * 128;
        struct verify_report report;

        copy_put_back(&stage, &whole);
        memcpy(kept_slot, slot, sizeof kept_slot);
        if (how < 2)
            memset(slot + 8, 0, sizeof kept_slot - 8);
        if (how == 0)
            slot[0] = 2;
        else if (how == 1)
            memset(slot, 0, 8);
        else
            slot[8 + chance(72)] ^= 0x40;
        put(&stage, "months", bytes->bytes, bytes->length_bytes);
        memcpy(slot, kept_slot, sizeof kept_slot);
        for (unsigned runs = 0; runs < 2; runs++) {
            report = verify_with(NULL, NULL);
            assert_named(&report, how == 0 ? 300 * month + 1 : 1);
            if (how == 0)
                assert_int_equal(report.bad_entry, 300 * month + 1);
            if (chance(2))
                break;
            stage_open(&stage);
            stage_append(&stage, 0, 3);
            stage_close(&stage);
        }
    }
}

/* Or the bodies themselves are overwritten, and everything made to fit. */
static void bodies_erased(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned month = (unsigned)chance(4);

        copy_put_back(&stage, &whole);
        forgery_load();
        for (unsigned i = month * 300; i < (month + 1) * 300; i++)
            memset(forgery.pieces[i].bytes + BATCH_ENTRY_BYTES, (int)round,
                   forgery.pieces[i].length_bytes - BATCH_ENTRY_BYTES);
        forgery_write();
        assert_named_by_all(month * 300 + 1);
    }
}

/* The key that lives now is in the attacker's hands. */
static void current_key(struct note_key *key, uint8_t secret[static NOTE_SECRET_BYTES])
{
    struct buffer *bytes = copy_file(&whole, "signing");
    const uint8_t *slot = bytes->bytes;
    uint8_t public_key[NOTE_PUBLIC_BYTES];
    char origin[NOTE_ORIGIN_BYTES];

    if (sodium_is_zero(slot, 64))
        slot += 4096;
    crypto_sign_seed_keypair(public_key, secret, slot + 16);
    note_origin(stage.store_id, origin);
    note_key_make(origin, public_key, key);
}

/* A month is erased without right, with papers: its slot says so by itself, or there is a record too, by a key of the attacker's, or
 * by the one that lives now: for a month whose term has not passed, or has only by times that are still to come. */
static void erasures_forged(void **state)
{
    enum { NO_RECORD, OWN_KEY, NOT_DUE, TIMES_TO_COME, WAYS };
    static char records[1 << 20];
    uint8_t secret[NOTE_SECRET_BYTES], own_public[NOTE_PUBLIC_BYTES], own_secret[NOTE_SECRET_BYTES];
    struct note_key key, own;

    (void)state;
    current_key(&key, secret);
    crypto_sign_keypair(own_public, own_secret);
    note_key_make(key.origin, own_public, &own);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned place = (unsigned)chance(4), how = round % WAYS;
        struct buffer *months = copy_file(&whole, "months"), *succession = copy_file(&whole, "succession");
        uint8_t kept_slot[128], *slot = months->bytes + 128 + (size_t)place * 128;
        struct note note = {.kind = NOTE_NEXT, .size = ENTRIES, .has_months = true, .months = 4, .has_erased = true};
        struct verify_report report;
        size_t length_bytes;

        copy_put_back(&stage, &whole);
        forgery_load();
        forgery_write();
        note.erased = (struct log_erasure){.month = (uint16_t)bytes_get_u32(slot + 4),
                                           .first = 300 * place + 1,
                                           .last = 300 * place + 300,
                                           .count = 300,
                                           .time_s = how == TIMES_TO_COME ? INT64_C(7258118400) : time(NULL),
                                           .rule = {.term_months = how == NOT_DUE ? 1200 : 12, .line = 3}};
        memcpy(note.origin, key.origin, sizeof note.origin);
        snprintf(note.time, sizeof note.time, "%s",
                 how == TIMES_TO_COME ? "2200-01-01T00:00:00Z" : "2026-11-27T12:00:00Z");
        tree_root(&forgery.trees[ENTRIES], note.root);
        note.key = own;
        memcpy(kept_slot, slot, sizeof kept_slot);
        erasure_to_slot(&note.erased, slot);
        put(&stage, "months", months->bytes, months->length_bytes);
        memcpy(slot, kept_slot, sizeof kept_slot);
        crypto_hash_sha256(note.months_sum, months->bytes, 128 + 4 * 128);
        memcpy(records, succession->bytes, succession->length_bytes);
        length_bytes = note_sign(&note, how == OWN_KEY ? &own : &key, how == OWN_KEY ? own_secret : secret,
                                 records + succession->length_bytes);
        if (how != NO_RECORD)
            put(&stage, "succession", records, succession->length_bytes + length_bytes);
        report = verify_with(paper, kept[SESSIONS - 1]);
        assert_int_equal(report.result, VERIFY_ALTERED);
        if (how != OWN_KEY)
            assert_int_equal(report.bad_entry, 300 * place + 1);
    }
}

static void checkpoints_forged_with_the_key_of_today(void **state)
{
    static struct note_signed note;
    static char records[1 << 20], text[NOTE_MAX_BYTES];
    uint8_t secret[NOTE_SECRET_BYTES];
    struct note_key key;

    (void)state;
    current_key(&key, secret);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct buffer *bytes = copy_file(&whole, "succession");
        bool all = chance(2);
        size_t at = 0, note_bytes = 0, used = 0, length_bytes;
        unsigned touched;

        copy_put_back(&stage, &whole);
        touched = touch(chance(2) ? 0 : 4);
        forgery_write();
        /* Every record from the touched entry on (or all of them) says what the forged log is, signed with the key there is. */
        while (at < bytes->length_bytes) {
            assert_int_equal(
                note_parse((const char *)bytes->bytes + at, bytes->length_bytes - at, &note, &note_bytes), 0);
            if (note.note.size >= touched || all) {
                tree_root(&forgery.trees[note.note.size], note.note.root);
                length_bytes = note_sign(&note.note, &key, secret, text);
            } else {
                length_bytes = note_bytes;
                memcpy(text, bytes->bytes + at, note_bytes);
            }
            memcpy(records + used, text, length_bytes);
            used += length_bytes;
            at += note_bytes;
        }
        put(&stage, "succession", records, used);
        note.note.kind = NOTE_CHECKPOINT;
        note.note.size = ENTRIES;
        tree_root(&forgery.trees[ENTRIES], note.note.root);
        length_bytes = note_sign(&note.note, &key, secret, text);
        put(&stage, "checkpoint", text, length_bytes);
        assert_named_by_all(touched);
    }
}

static void key_replaced(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool keeps_old = chance(2);
        struct signer_head head = {.size = 0};
        struct verify_report report;
        struct signer *signer = NULL;
        unsigned touched;
        int fd;

        copy_put_back(&stage, &whole);
        touched = touch((unsigned)chance(5));
        forgery_write();
        assert_int_equal(stage_shell(&stage, "rm signing checkpoint"), 0);
        if (keeps_old) /* the chain of the old key, as far as it fits */
            cut_succession(touched - 1);
        else
            put(&stage, "succession", "", 0);
        fd = open(stage.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        head.size = forgery.count < ENTRIES ? forgery.count : ENTRIES;
        tree_root(&forgery.trees[head.size], head.root);
        head.months = 4;
        assert_int_equal(signer_open(fd, stage.store_id, &head, &signer), 0);
        assert_int_equal(signer_succeed(signer, &head, NULL), 0);
        assert_int_equal(signer_checkpoint(signer, &head, false), 0);
        signer_close(signer);
        close(fd);
        report = verify_with(paper, NULL);
        assert_named(&report, touched);
        report = verify_with(NULL, kept[SESSIONS - 1]);
        assert_named(&report, touched);
        assert_int_equal(verify_with(NULL, NULL).result, VERIFY_NOT_ANCHORED); /* and that is what this means */
    }
}

static void left_alone(void **state)
{
    (void)state;
    copy_put_back(&stage, &whole);
    assert_int_equal(verify_with(paper, kept[SESSIONS / 2]).result, VERIFY_INTACT);
    forgery_load();
    forgery_write();
    assert_int_equal(verify_with(paper, kept[SESSIONS / 2]).result,
                     VERIFY_INTACT); /* the forger makes no other faults */
    assert_int_equal(verify_with(paper, NULL).by_key, ENTRIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(left_alone),
        cmocka_unit_test(entry_altered),
        cmocka_unit_test(entry_altered_and_left_so),
        cmocka_unit_test(entry_removed),
        cmocka_unit_test(entry_added),
        cmocka_unit_test(entry_moved),
        cmocka_unit_test(entries_swapped),
        cmocka_unit_test(tail_cut),
        cmocka_unit_test(all_rolled_back),
        cmocka_unit_test(months_erased),
        cmocka_unit_test(bodies_erased),
        cmocka_unit_test(erasures_forged),
        cmocka_unit_test(checkpoints_forged_with_the_key_of_today),
        cmocka_unit_test(key_replaced),
    };
    const char *seed = getenv("LOG_ATTACK_SEED");

    if (access("/dev/shm", W_OK) == 0) /* nothing here is about the disk, and it would take most of the time */
        setenv("TMPDIR", "/dev/shm", 0);
    if (sodium_init() < 0)
        return 1;
    randombytes_buf(&chance_state, sizeof chance_state);
    chance_state |= 1;
    if (seed)
        chance_state = strtoull(seed, NULL, 10);
    printf("# LOG_ATTACK_SEED=%llu\n", (unsigned long long)chance_state);
    return cmocka_run_group_tests(tests, build, take_down);
}
