/* signer: the key that signs the log's checkpoints, and how it hands over to its successor. The files are described in FORMAT.md.
 *
 * Forward security: a key signs its successor together with a checkpoint of the log as it is then, and is overwritten. Whoever
 * takes the machine later finds a key that can't sign anything about the time before it. The order, each step durable before
 * the next: the successor (signing), the record (succession), the old key destroyed (signing). Whatever step was the last one
 * at a crash, the next signer_open() goes on from there.
 *
 * Overwriting destroys only where a file is written in place: see `dossier init` on file systems that don't. The file
 * `signing` belongs in no backup; a log without it begins a new chain, and says so.
 *
 * A record also binds the file of the months' keys, whose loss or exchange would erase what was sealed under them. Once that file
 * is not what was signed any more, the records go on to say what it was, so that verify keeps telling. A month that is destroyed
 * under the log's rule is announced in a record first, which makes it right for good: the key of that record is destroyed too.
 *
 * No lock of its own: one thread at a time (see notary.h). Nothing here fails the log: an entry that is not signed yet is
 * still an entry. */
#ifndef DOSSIERFS_LOG_SIGNER_H
#define DOSSIERFS_LOG_SIGNER_H

#include "fs/base/report.h"
#include "fs/log/note.h"

struct signer;

/* The log as far as it is acknowledged. */
struct signer_head {
    uint64_t size;
    uint8_t root[TREE_HASH_BYTES];
    uint32_t months; /* slots of the months' keys that are durable */
};

/* Takes up the key that is there, finishes a hand-over that was interrupted, or begins a chain of keys (said with its first
 * public key, unless the log is empty). -ENOMEM; -ENOSPC, -EIO and others: the files can't be read or written; try again later.
 * The directory stays the caller's. */
int signer_open(int directory_fd, const uint8_t store_id[static LOG_STORE_ID_BYTES], const struct signer_head *head,
                struct signer **out);
void signer_close(struct signer *signer);
/* Signs the log's head into the file `checkpoint`; with `sync` it outlives a loss of power. */
int signer_checkpoint(struct signer *signer, const struct signer_head *head, bool sync);
/* Hands over to a successor. After a failure the same call goes on where it stopped. With `erased` (else NULL) the record says
 * that this month's bodies are destroyed, and binds the file of the months' keys as it is once they are. -EAGAIN: by this
 * machine's clock the month is not past its term. */
int signer_succeed(struct signer *signer, const struct signer_head *head, const struct log_erasure *erased);

/* For a new store: begins the chain in the log's directory, which is empty, and prints its first public key: for paper. */
int signer_begin(const char *log_path, const uint8_t store_id[static LOG_STORE_ID_BYTES],
                 char key_text[static NOTE_KEY_TEXT_BYTES], struct report_why *why);

#endif
