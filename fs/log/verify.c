/* Goes through the segments in order with one tree. Rules:
 *  - nothing is trusted but what the hashes bind; no length or number from disk is used before it was checked;
 *  - the first thing that does not fit decides the result. From the next whole header on, checking goes on with the tree
 *    that it records, so that one bad place does not leave all after it unchecked;
 *  - the log may be written meanwhile: what looks bad at the end of the newest segment is looked at again. */
#include "fs/log/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs/log/anchors.h"
#include "fs/log/batch.h"
#include "fs/log/months.h"
#include "fs/log/proof.h"
#include "fs/log/reader.h"
#include "fs/log/segment.h"
#include "fs/log/tree.h"

enum { LOOKS = 4, LOOK_AGAIN_NS = 1000000, PROGRESS_BYTES = 1 << 20 };

/* The entries of a month: numbers of the first, 0 if there is none, and of the last; how many. */
struct of_month {
    uint64_t first, last, count;
};

struct check {
    int directory_fd;
    bool in_step; /* the tree is that of the log; false after something bad, until a header can be adopted */
    bool have_store_id;
    uint8_t store_id[LOG_STORE_ID_BYTES];
    struct tree tree;
    struct anchors *anchors;
    struct of_month *of; /* by month */
    struct proof *proof; /* NULL: none is asked for */
    struct verify_report report;
    uint64_t done_bytes, all_bytes, told_bytes;
    const struct verify_options *options;
};

static void bad(struct check *check, enum verify_result result, uint64_t entry, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void bad(struct check *check, enum verify_result result, uint64_t entry, const char *format, ...)
{
    va_list arguments;

    check->in_step = false;
    if (check->report.result != VERIFY_INTACT)
        return;
    check->report.result = result;
    check->report.bad_entry = entry;
    tree_root(&check->tree, check->report.root);
    va_start(arguments, format);
    vsnprintf(check->report.text, sizeof check->report.text, format, arguments);
    va_end(arguments);
}

static void tell_progress(struct check *check, uint64_t segment_bytes, bool always)
{
    uint64_t done_bytes = check->done_bytes + segment_bytes;

    if (!check->options->progress || (!always && done_bytes < check->told_bytes + PROGRESS_BYTES))
        return;
    check->told_bytes = done_bytes;
    if (done_bytes > check->all_bytes)
        check->all_bytes = done_bytes;
    check->options->progress(check->options->context, done_bytes, check->all_bytes);
}

static unsigned long long next_entry(const struct check *check)
{
    return tree_size(&check->tree) + 1;
}

/* ---- anchors ---------------------------------------------------------------------------------------------------- */

/* The first thing that does not fit decides, be it an entry or what is signed. */
static void take_fault(struct check *check)
{
    const struct anchors_fault *fault = anchors_fault(check->anchors);

    if (fault->result == VERIFY_INTACT || check->report.result != VERIFY_INTACT)
        return;
    check->report.result = fault->result;
    check->report.bad_entry = fault->entry;
    tree_root(&check->tree, check->report.root);
    memcpy(check->report.text, fault->text, sizeof check->report.text);
}

/* The root of the log over its first `size` entries, the last of which lies in the batch. */
static void root_within(const struct tree *before, const struct batch *batch, uint64_t size,
                        uint8_t root[static TREE_HASH_BYTES])
{
    struct tree tree = *before;
    struct batch_entry entry = {0};
    uint8_t hash[TREE_HASH_BYTES];

    for (size_t place = 0; tree_size(&tree) < size && batch_next(batch, &place, &entry);) {
        batch_leaf(&entry, hash);
        tree_add(&tree, hash);
    }
    tree_root(&tree, root);
}

/* The tree has grown, by the batch from `before` on if there is one: what is wanted on the way is compared. */
static void compare(struct check *check, const struct tree *before, const struct batch *batch)
{
    uint8_t root[TREE_HASH_BYTES];
    uint64_t size = tree_size(&check->tree), wanted;

    while ((wanted = anchors_wanted(check->anchors)) <= size) {
        if (wanted == size)
            tree_root(&check->tree, root);
        else if (batch && wanted >= batch->first)
            root_within(before, batch, wanted, root);
        if (wanted == size || (batch && wanted >= batch->first))
            anchors_meet(check->anchors, wanted, root);
        else
            anchors_pass(check->anchors, wanted);
    }
    take_fault(check);
}

/* ---- headers ---------------------------------------------------------------------------------------------------- */

static bool same_tree(const struct tree *ours, const struct tree *theirs)
{
    uint8_t our_root[TREE_HASH_BYTES], their_root[TREE_HASH_BYTES];

    tree_root(ours, our_root);
    tree_root(theirs, their_root);
    return tree_size(ours) == tree_size(theirs) && memcmp(our_root, their_root, sizeof our_root) == 0 &&
           (ours->base == theirs->base || theirs->base == tree_size(theirs));
}

static void adopt_header(struct check *check, uint32_t number, const struct segment_header *header)
{
    uint64_t ours = tree_size(&check->tree), theirs = tree_size(&header->tree);

    if (!check->have_store_id)
        memcpy(check->store_id, header->store_id, sizeof check->store_id);
    check->have_store_id = true;
    if (memcmp(header->store_id, check->store_id, sizeof check->store_id) != 0)
        bad(check, VERIFY_ALTERED, ours + 1, "altered: segment %u belongs to another store", number);
    else if (check->in_step && ours != theirs)
        bad(check, VERIFY_ALTERED, (ours < theirs ? ours : theirs) + 1,
            "altered: segment %u begins with entry %llu, but entry %llu is due", number,
            (unsigned long long)theirs + 1, (unsigned long long)ours + 1);
    else if (check->in_step && !same_tree(&check->tree, &header->tree))
        bad(check, VERIFY_ALTERED, ours + 1, "altered: segment %u continues another log than the segment before it",
            number);
    check->tree = header->tree;
    check->in_step = true;
    compare(check, NULL, NULL);
}

/* False: there is nothing to read in this segment. */
static bool check_header(struct check *check, uint32_t number)
{
    struct segment_header header;
    int error = segment_header_read_number(check->directory_fd, number, &header);

    if (error == -ENOTSUP) {
        bad(check, VERIFY_IMPOSSIBLE, 0, "segment %u has another version of the format", number);
        return false;
    }
    if (error == -EBADMSG || error == -ENODATA || error == -EIO) {
        bool in_step = check->in_step;

        bad(check, VERIFY_DAMAGED, next_entry(check), "damaged: the header of segment %u, in front of entry %llu",
            number, next_entry(check));
        check->in_step = in_step; /* the entries tell for themselves whether they go on where the last ones ended */
        return in_step && error != -EIO;
    }
    if (error) {
        bad(check, VERIFY_IMPOSSIBLE, 0, "segment %u can't be read: %s", number, strerror(-error));
        return false;
    }
    adopt_header(check, number, &header);
    return true;
}

/* ---- batches ---------------------------------------------------------------------------------------------------- */

/* Adds the leaves to `next`; `*suspect` becomes the number of the first entry that does not fit, or 0. */
static bool batch_fits(const struct batch *batch, struct tree *next, struct proof *proof, uint64_t *suspect)
{
    struct batch_entry entry = {0};
    uint8_t hash[TREE_HASH_BYTES];

    *suspect = 0;
    for (size_t place = 0, left = batch->count; left > 0; left--) {
        if (!batch_next(batch, &place, &entry))
            return false;
        batch_leaf(&entry, hash);
        if (*suspect == 0 && batch_leaf_check(hash, entry.leaf) != entry.check)
            *suspect = entry.leaf + 1;
        tree_add(next, hash);
        if (proof)
            proof_take(proof, &entry, hash);
    }
    tree_root(next, hash);
    return batch->whole && *suspect == 0 && memcmp(hash, batch_root(batch), sizeof hash) == 0;
}

static void note_months(struct check *check, const struct batch *batch)
{
    struct batch_entry entry = {0};

    for (size_t place = 0, left = batch->count; left > 0 && batch_next(batch, &place, &entry); left--) {
        struct of_month *of = &check->of[entry.month];

        if (entry.leaf < of->last) /* read a second time: see check_with_limit() */
            continue;
        of->last = entry.leaf + 1;
        of->count++;
        if (of->first == 0)
            of->first = entry.leaf + 1;
    }
}

/* A batch whose lengths make sense. True: it fits and is in the tree. */
static bool check_batch(struct check *check, const struct batch *batch, uint64_t limit)
{
    struct tree before, next = check->tree;
    uint64_t suspect;

    if (batch->first != tree_size(&check->tree)) {
        bad(check, VERIFY_ALTERED, next_entry(check), "altered: entry %llu is due, and entry %llu is there",
            next_entry(check), (unsigned long long)batch->first + 1);
        return false;
    }
    if (!batch_fits(batch, &next, check->proof, &suspect)) {
        if (suspect == 0)
            suspect = batch->first + 1;
        bad(check, VERIFY_ALTERED, suspect, "altered: entry %llu", (unsigned long long)suspect);
        return false;
    }
    if (tree_size(&next) > limit) {
        bad(check, VERIFY_ALTERED, limit + 1, "altered: the next segment begins inside a batch, with entry %llu",
            (unsigned long long)limit + 1);
        return false;
    }
    if (anchors_wanted(check->anchors) <= tree_size(&next)) {
        before = check->tree;
        check->tree = next;
        compare(check, &before, batch);
    }
    check->tree = next;
    check->report.entries += batch->count;
    note_months(check, batch);
    return true;
}

static void unreadable(struct check *check, uint32_t number, int error)
{
    bad(check, error == -ENOMEM ? VERIFY_IMPOSSIBLE : VERIFY_DAMAGED, next_entry(check),
        "damaged: segment %u can't be read from entry %llu on: %s", number, next_entry(check), strerror(-error));
}

/* What lies behind the last acknowledged batch. */
static void count_rest(struct check *check, struct reader *reader, uint32_t number)
{
    off_t length_bytes = 0;
    int torn = reader_torn(reader, &length_bytes);

    if (torn < 0)
        unreadable(check, number, torn);
    else
        check->report.unacknowledged_bytes += (uint64_t)length_bytes;
}

/* Something that is no whole batch, where one should begin. `limit` says whether later segments count on more entries. */
static void check_bad(struct check *check, struct reader *reader, const struct batch *batch, uint32_t number,
                      uint64_t limit)
{
    off_t length_bytes = 0;
    uint64_t entry = next_entry(check);
    int behind, torn = reader_torn(reader, &length_bytes);

    if (torn >= 0 && batch->count > 0 && !(torn && limit == UINT64_MAX)) {
        if (check_batch(check, batch, limit))
            bad(check, VERIFY_DAMAGED, entry, "damaged: entry %llu", (unsigned long long)entry);
        return;
    }
    behind = torn < 0 ? torn : reader_resync(reader);
    if (behind < 0)
        unreadable(check, number, behind);
    else if (behind || limit != UINT64_MAX)
        bad(check, VERIFY_DAMAGED, entry, "damaged: segment %u from entry %llu on; entries behind it are whole",
            number, (unsigned long long)entry);
    else if (torn)
        check->report.unacknowledged_bytes += (uint64_t)length_bytes;
    else
        bad(check, VERIFY_DAMAGED, entry, "damaged: segment %u from entry %llu on, to its end", number,
            (unsigned long long)entry);
}

/* Longer each time: a writer may have been interrupted in the middle. */
static void look_again_later(int looks)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS << looks}, NULL);
}

static void check_batches(struct check *check, struct reader *reader, uint32_t number, uint64_t limit)
{
    int looks = 0;

    while (check->in_step) {
        struct batch batch;
        int step;

        if (tree_size(&check->tree) >= limit) {
            count_rest(check, reader, number);
            return;
        }
        step = reader_next(reader, &batch);
        if (step == READER_END)
            return;
        if (step == READER_BATCH) {
            check_batch(check, &batch, limit);
            tell_progress(check, (uint64_t)reader_offset(reader), false);
            continue;
        }
        if (step == READER_BAD && limit == UINT64_MAX && looks < LOOKS) {
            look_again_later(looks++);
            step = reader_refresh(reader);
            if (step == 0)
                continue;
        }
        if (step < 0)
            unreadable(check, number, step);
        else
            check_bad(check, reader, &batch, number, limit);
        return;
    }
}

static void check_segment(struct check *check, uint32_t number, uint64_t limit)
{
    struct reader *reader = NULL;
    int error;

    if (!check_header(check, number))
        return;
    error = reader_open(check->directory_fd, number, SEGMENT_HEADER_BYTES, &reader);
    if (error) {
        unreadable(check, number, error);
        return;
    }
    check_batches(check, reader, number, limit);
    check->report.segments++;
    check->done_bytes += (uint64_t)reader_size(reader);
    tell_progress(check, 0, true);
    reader_close(reader);
}

/* While the newest segment was read it may have grown, and a next one may have begun, whose header says what of this one
 * counts: then it is read again. `*next` becomes the segment after it, 0 if this is where the log ended. */
static void check_with_limit(struct check *check, uint32_t number, uint32_t *next)
{
    const struct check before = *check;
    int error;

    for (;;) {
        uint64_t limit = segment_limit(check->directory_fd, number);

        check_segment(check, number, limit);
        error = segment_neighbour(check->directory_fd, number, true, next);
        if (error || *next == 0 || limit != UINT64_MAX || segment_limit(check->directory_fd, number) == UINT64_MAX)
            break;
        *check = before;
    }
    if (error)
        bad(check, VERIFY_IMPOSSIBLE, 0, "the log can't be read: %s", strerror(-error));
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static bool sum_sizes(struct check *check, uint32_t *from)
{
    uint32_t first = 0, last = 0;
    int error;

    check->directory_fd = open(check->options->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    error = check->directory_fd < 0 ? -errno : segment_range(check->directory_fd, &first, &last);
    if (error) {
        bad(check, VERIFY_IMPOSSIBLE, 0, "the log can't be read: %s", strerror(-error));
        return false;
    }
    if (last == 0 && faccessat(check->directory_fd, "months", F_OK, 0) == 0)
        bad(check, VERIFY_ALTERED, 1, "altered: there are no segments");
    else if (last == 0)
        bad(check, VERIFY_IMPOSSIBLE, 0, "there is no log here");
    *from = first;
    while (first > 0) {
        char name[SEGMENT_NAME_BYTES];
        struct stat status;

        segment_name(first, name);
        if (fstatat(check->directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
            check->all_bytes += (uint64_t)status.st_size;
        if (segment_neighbour(check->directory_fd, first, true, &first) != 0)
            break;
    }
    return last > 0;
}

static void check_all(struct check *check, uint32_t first)
{
    uint32_t due = 1;

    for (uint32_t number = first; number > 0 && check->report.result != VERIFY_IMPOSSIBLE;) {
        uint32_t next = 0;

        if (number != due)
            bad(check, VERIFY_ALTERED, check->in_step ? next_entry(check) : 0, "altered: segment %u is missing", due);
        check_with_limit(check, number, &next);
        due = number + 1;
        number = next;
    }
}

/* How far it reaches, for a person: the line that must not promise more than was shown. */
static void say_tail(struct verify_report *report, const struct verify_options *options)
{
    unsigned long long entries = report->entries, is_signed = report->is_signed;
    uint64_t anchored = report->by_key > report->by_since ? report->by_key : report->by_since;
    char *tail = report->tail;
    size_t room = sizeof report->tail;
    int used = 0;

    if (!options->key && !options->since)
        used = snprintf(
            tail, room,
            "Not anchored: the log agrees with itself in every byte, but no key and no checkpoint of it that "
            "is kept elsewhere was given, so that nobody wrote all of it anew can't be proved.");
    else if (anchored < entries)
        used =
            snprintf(tail, room, "No anchor covers the last %llu entries.", entries - (unsigned long long)anchored);
    else
        used = snprintf(tail, room, "All entries are covered.");
    if (options->since && report->by_since < entries)
        used += snprintf(tail + used, room - (size_t)used,
                         " Up to entry %llu it is the log of which the checkpoint was taken.",
                         (unsigned long long)report->by_since);
    if (options->key)
        used += snprintf(tail + used, room - (size_t)used,
                         " Up to entry %llu it is signed by keys that follow from the given one%s.",
                         (unsigned long long)report->by_key,
                         options->since ? "" : "; that nothing newer was cut off, only a checkpoint can tell");
    if (is_signed < entries)
        snprintf(tail + used, room - (size_t)used, " %llu entr%s not signed%s.", entries - is_signed,
                 entries - is_signed == 1 ? "y is" : "ies are", report->chains ? " yet" : "");
}

/* Bodies open under the keys of their months alone: who takes a key away, or puts another there, has erased them. */
static void check_months(struct check *check, const struct anchors_reach *reach)
{
    uint8_t sum[TREE_HASH_BYTES];
    int error = !reach->has_months
                    ? 0
                    : months_sum(check->directory_fd, reach->months, reach->erased, reach->erased_count, sum);
    int lost;

    if (!reach->has_months || check->report.result != VERIFY_INTACT ||
        (!error && memcmp(sum, reach->months_sum, sizeof sum) == 0))
        return;
    lost = months_lost(check->directory_fd, reach->months, reach->erased, reach->erased_count);
    if (error && error != -ENOENT && error != -ENODATA)
        bad(check, VERIFY_DAMAGED, 0, "damaged: the keys of the months can't be read: %s", strerror(-error));
    else if (error)
        bad(check, VERIFY_ALTERED, 1, "altered: keys of months are gone, and with them what was sealed under them");
    else if (lost >= 0)
        bad(check, VERIFY_ALTERED, check->of[lost].first,
            "altered: the bodies of month %d-%02d, from entry %llu on, were erased without right: their key is gone",
            1970 + lost / 12, lost % 12 + 1, (unsigned long long)check->of[lost].first);
    else
        bad(check, VERIFY_ALTERED, 1,
            "altered: the keys of the months are not those that were signed: bodies were erased "
            "without right, or can't be opened any more");
}

/* What a record says of an erased month is what the tree has of it. A month that got entries again counts as far as it went. */
static bool erasure_fits(struct check *check, const struct log_erasure *erasure)
{
    const struct of_month *of = &check->of[erasure->month];

    if (of->first == erasure->first && of->last >= erasure->last && of->count >= erasure->count &&
        (of->last > erasure->last || of->count == erasure->count))
        return true;
    bad(check, VERIFY_ALTERED, erasure->first,
        "altered: month %d-%02d was erased as entries %llu to %llu, %llu of them, and the log has others",
        1970 + erasure->month / 12, erasure->month % 12 + 1, (unsigned long long)erasure->first,
        (unsigned long long)erasure->last, (unsigned long long)erasure->count);
    return false;
}

static void check_erased(struct check *check, const struct anchors_reach *reach)
{
    for (size_t i = 0; i < reach->erased_count && check->report.result == VERIFY_INTACT; i++) {
        const struct log_erasure *erasure = &reach->erased[i].erasure;

        if (!erasure_fits(check, erasure))
            return;
        check->report.erased_months++;
        check->report.erased_entries += erasure->count;
    }
    for (size_t i = 0; i < reach->erased_count && check->options->erased; i++)
        if (check->report.result == VERIFY_INTACT)
            check->options->erased(check->options->context, &reach->erased[i].erasure,
                                   months_is_destroyed(check->directory_fd, &reach->erased[i]) == 1);
}

static void sum_up(struct check *check)
{
    struct verify_report *report = &check->report;
    const struct verify_options *options = check->options;
    bool anchored = options->key || options->since;
    char origin[NOTE_ORIGIN_BYTES];
    struct anchors_reach reach;

    if (report->result == VERIFY_INTACT) {
        note_origin(check->store_id, origin);
        anchors_end(check->anchors, tree_size(&check->tree), origin);
        take_fault(check);
    }
    if (check->anchors) {
        reach = anchors_reach(check->anchors);
        report->sealed = reach.sealed;
        report->is_signed = reach.signed_;
        report->by_key = reach.key;
        report->by_since = reach.since;
        report->chains = reach.chains;
        memcpy(report->signed_at, reach.time, sizeof report->signed_at);
        check_months(check, &reach);
        check_erased(check, &reach);
    }
    if (report->result != VERIFY_INTACT)
        return;
    tree_root(&check->tree, report->root);
    report->result = anchored ? VERIFY_INTACT : VERIFY_NOT_ANCHORED;
    snprintf(report->text, sizeof report->text, "intact%s: %llu entries in %llu segment%s fit together%s%s%s",
             anchored ? "" : ", not anchored", (unsigned long long)report->entries,
             (unsigned long long)report->segments, report->segments == 1 ? "" : "s",
             options->key ? ", and with the given key" : "", options->key && options->since ? "," : "",
             options->since ? " and with the given checkpoint" : "");
    say_tail(report, options);
}

static int open_anchors(struct check *check)
{
    const struct verify_options *options = check->options;
    struct note_key key;
    int error;

    if (options->key && note_key_parse(options->key, &key) < 0) {
        bad(check, VERIFY_IMPOSSIBLE, 0, "the given key is none: it is like dossierfs/7777...+1a2b3c4d+AYq...=");
        return -EINVAL;
    }
    error = anchors_open(check->directory_fd, options->key ? &key : NULL, options->since, &check->anchors);
    if (error == -EINVAL)
        bad(check, VERIFY_IMPOSSIBLE, 0, "the given checkpoint is none: `dossier log checkpoint` prints one");
    else if (error)
        bad(check, VERIFY_IMPOSSIBLE, 0, "the signatures can't be read: %s", strerror(-error));
    return error;
}

static void check_begin(struct check *check, const struct verify_options *options)
{
    *check = (struct check){.directory_fd = -1, .options = options, .in_step = true};
    tree_init(&check->tree);
}

/* True: there is something to check, from segment `first` on. */
static bool check_open(struct check *check, uint32_t *first)
{
    if (sodium_init() < 0)
        bad(check, VERIFY_IMPOSSIBLE, 0, "libsodium can't start");
    else if (!(check->of = calloc((size_t)UINT16_MAX + 1, sizeof *check->of)))
        bad(check, VERIFY_IMPOSSIBLE, 0, "no memory");
    return check->report.result == VERIFY_INTACT && sum_sizes(check, first) && open_anchors(check) == 0;
}

static void check_close(struct check *check, struct verify_report *report)
{
    anchors_close(check->anchors);
    free(check->of);
    if (check->directory_fd >= 0)
        close(check->directory_fd);
    *report = check->report;
}

void verify_log(const struct verify_options *options, struct verify_report *report)
{
    struct check check;
    uint32_t first = 0;

    check_begin(&check, options);
    if (check_open(&check, &first)) {
        compare(&check, NULL, NULL);
        check_all(&check, first);
    }
    sum_up(&check);
    check_close(&check, report);
}

/* ---- proving ---------------------------------------------------------------------------------------------------- */

static int no_proof(struct check *check, int error, const char *text)
{
    check->report.result = VERIFY_IMPOSSIBLE;
    snprintf(check->report.text, sizeof check->report.text, "%s", text);
    return error;
}

static int prove(struct check *check, uint32_t first, uint64_t number, struct buffer *out)
{
    const struct note_signed *checkpoint = anchors_checkpoint(check->anchors);
    struct proof *proof;
    int error = 0;

    if (!checkpoint || number == 0 || number > checkpoint->note.size)
        return no_proof(check, -ENOENT, "there is no such entry in the newest checkpoint");
    proof = malloc(sizeof *proof);
    if (!proof)
        return no_proof(check, -ENOMEM, "no memory");
    proof_begin(proof, number - 1, checkpoint->note.size);
    check->proof = proof;
    compare(check, NULL, NULL);
    check_all(check, first);
    sum_up(check);
    if (check->report.result != VERIFY_INTACT && check->report.result != VERIFY_NOT_ANCHORED)
        error = -EBADMSG;
    else if (check->tree.base > 0 || !proof_holds(proof, checkpoint->note.root))
        error = no_proof(check, -ENOTSUP, "entries were lost to damage once, and since then there are no proofs");
    else
        proof_print(proof, checkpoint, out);
    free(proof);
    return error ? error : out->failed ? no_proof(check, -ENOMEM, "no memory") : 0;
}

int verify_prove(const struct verify_options *options, uint64_t number, struct buffer *out,
                 struct verify_report *report)
{
    struct check check;
    uint32_t first = 0;
    int error = -EIO;

    check_begin(&check, options);
    if (check_open(&check, &first))
        error = prove(&check, first, number, out);
    check_close(&check, report);
    return error;
}

/* ---- the newest checkpoint -------------------------------------------------------------------------------------- */

static int newest_of(int directory_fd, struct note_signed *note, struct note_key *key)
{
    struct anchors *anchors = NULL;
    int error = anchors_open(directory_fd, NULL, NULL, &anchors);

    if (!error)
        error = anchors_newest(anchors, note, key);
    anchors_close(anchors);
    return error;
}

int verify_checkpoint(const char *path, char checkpoint[static VERIFY_CHECKPOINT_BYTES],
                      char key[static VERIFY_KEY_BYTES])
{
    struct note_signed *note = malloc(sizeof *note);
    int directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = !note ? -ENOMEM : directory_fd < 0 ? -errno : sodium_init() < 0 ? -EIO : 0;
    struct note_key signer;

    if (!error)
        error = newest_of(directory_fd, note, &signer);
    if (!error) {
        note_key_print(&signer, key);
        note_print(note, checkpoint);
    }
    if (directory_fd >= 0)
        close(directory_fd);
    free(note);
    return error;
}

int verify_goes_on(const char *kept, const char *checkpoint)
{
    struct note_signed *last = calloc(1, sizeof *last), *next = calloc(1, sizeof *next);
    size_t note_bytes = 0, left_bytes = strlen(kept);
    int error = last && next ? 0 : -ENOMEM;

    if (!error)
        error = note_parse(checkpoint, strlen(checkpoint), next, &note_bytes);
    while (!error && left_bytes > 0) {
        error = note_parse(kept, left_bytes, last, &note_bytes) < 0 ? -EINVAL : 0;
        kept += note_bytes;
        left_bytes -= note_bytes;
    }
    if (!error && last->text_bytes > 0) {
        if (strcmp(last->note.origin, next->note.origin) != 0)
            error = -EXDEV;
        else if (next->note.size < last->note.size)
            error = -ERANGE;
        else if (next->text_bytes == last->text_bytes && memcmp(next->text, last->text, last->text_bytes) == 0)
            error = -EALREADY;
    }
    free(last);
    free(next);
    return error;
}
