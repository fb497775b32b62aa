/* init: a new store, its keys and its owner. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fs/base/number.h"
#include "fs/log/signer.h"
#include "fs/store/store.h"
#include "tools/commands.h"
#include "tools/secret.h"

#define ZFS_MAGIC      0x2fc12fc1
#define BCACHEFS_MAGIC 0xca451a4e
#define F2FS_MAGIC     0xF2F52010

static const char default_owner[] = "dossierfs";

/* ---- the owner ------------------------------------------------------------------------------------------------ */

struct owner {
    bool given;
    uid_t uid;
    gid_t gid;
};

static int parse_uid(const char *text, size_t length_bytes, uint32_t *id)
{
    return number_parse_u32(text, length_bytes, 1, UINT32_MAX - 1, id);
}

/* The advice is for a shell, so only what is a name is repeated in it. */
static int no_owner(const struct command_context *context, const char *text)
{
    static const char starts[] = "abcdefghijklmnopqrstuvwxyz_", goes_on[] = "abcdefghijklmnopqrstuvwxyz_0123456789-";
    bool is_name = strchr(starts, text[0]) && !text[strspn(text, goes_on)];

    return commands_cannot(context, "--owner: there is no account \"%s\" (USER, UID or UID:GID)%s%s", text,
                           is_name ? "; make one: useradd --system " : "", is_name ? text : "");
}

/* USER, UID or UID:GID. */
static int find_owner(const struct command_context *context, const char *text, struct owner *owner)
{
    const char *colon = strchr(text, ':');
    const struct passwd *account = colon ? NULL : getpwnam(text);
    uint32_t uid, gid;

    if (account) {
        *owner = (struct owner){.given = true, .uid = account->pw_uid, .gid = account->pw_gid};
    } else if (parse_uid(text, colon ? (size_t)(colon - text) : strlen(text), &uid) < 0 ||
               (colon && parse_uid(colon + 1, strlen(colon + 1), &gid) < 0)) {
        return no_owner(context, text);
    } else {
        account = colon ? NULL : getpwuid(uid);
        *owner = (struct owner){.given = true, .uid = uid, .gid = colon ? gid : account ? account->pw_gid : uid};
    }
    if (owner->uid == 0)
        return commands_cannot(context, "--owner: root can't own a store, since the daemon never runs as root");
    return COMMAND_DONE;
}

static int choose_owner(const struct command_context *context, struct owner *owner)
{
    const char *given = commands_option(context, "owner");

    *owner = (struct owner){0};
    if (geteuid() != 0) {
        if (given)
            return commands_cannot(context, "only root can give the store to another owner");
        return COMMAND_DONE;
    }
    if (given)
        return find_owner(context, given, owner);
    if (getpwnam(default_owner))
        return find_owner(context, default_owner, owner);
    return commands_cannot(context,
                           "whose store? --owner USER: the daemon runs as the store's owner and never as root "
                           "(without --owner the account \"dossierfs\" is taken, which is not there; make it: "
                           "useradd --system dossierfs)");
}

static int give_to(const char *path, const struct owner *owner)
{
    char *const paths[] = {(char *)path, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    int result = tree ? 0 : -errno;

    while (tree && result == 0 && (entry = fts_read(tree))) {
        if (entry->fts_info == FTS_DP)
            continue;
        if (lchown(entry->fts_path, owner->uid, owner->gid) < 0)
            result = -errno;
    }
    if (tree)
        fts_close(tree);
    return result;
}

/* ---- the place ------------------------------------------------------------------------------------------------ */

/* The name of a file system that writes changed blocks elsewhere, so that an overwritten key lives on; NULL: none known. */
static const char *copy_on_write(const char *path)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } systems[] = {{BTRFS_SUPER_MAGIC, "btrfs"},
                   {ZFS_MAGIC, "zfs"},
                   {BCACHEFS_MAGIC, "bcachefs"},
                   {F2FS_MAGIC, "f2fs"},
                   {NILFS_SUPER_MAGIC, "nilfs2"}};
    char parent[4096];
    struct statfs status;
    char *slash;

    snprintf(parent, sizeof parent, "%s", path);
    /* The store may not be there yet: then its directory counts. */
    while (statfs(parent, &status) < 0) {
        slash = strrchr(parent, '/');
        if (!slash || slash == parent || errno != ENOENT) {
            if (statfs(slash ? "/" : ".", &status) < 0)
                return NULL;
            break;
        }
        *slash = '\0';
    }
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++)
        if ((uint32_t)status.f_type == systems[i].magic)
            return systems[i].name;
    return NULL;
}

/* ---- the keys ------------------------------------------------------------------------------------------------- */

struct keys {
    struct buffer bytes[2];
    struct store_secret secrets[2];
    size_t count;
    bool made_key_file;
    bool made_store; /* with them: from now on a new key file must stay */
};

static void add_key(struct keys *keys, enum store_secret_type type)
{
    const struct buffer *bytes = &keys->bytes[keys->count];

    keys->secrets[keys->count++] =
        (struct store_secret){.type = type, .bytes = bytes->bytes, .length_bytes = bytes->length_bytes};
}

static int check_length(const struct command_context *context, const struct buffer *passphrase)
{
    if (passphrase->length_bytes >= SECRET_NEW_PASSPHRASE_MIN_BYTES)
        return 0;
    commands_cannot(
        context,
        "the passphrase is shorter than %d bytes: whoever steals the store can try as many as he likes, so "
        "a short one is no lock",
        SECRET_NEW_PASSPHRASE_MIN_BYTES);
    return -EINVAL;
}

static int ask_twice(const struct command_context *context, struct buffer *passphrase)
{
    struct buffer again = BUFFER_EMPTY;
    int result = secret_ask_passphrase("New passphrase of the store", passphrase, context->error);

    if (result == 0)
        result = check_length(context, passphrase);
    if (result == 0)
        result = secret_ask_passphrase("The same again", &again, context->error);
    if (result == 0 && (again.length_bytes != passphrase->length_bytes ||
                        memcmp(again.bytes, passphrase->bytes, again.length_bytes) != 0)) {
        commands_cannot(context, "the two are not the same; nothing was made");
        result = -EINVAL;
    }
    buffer_clear(&again);
    return result;
}

static int get_keys(const struct command_context *context, struct keys *keys)
{
    const char *key_file = context->place.key_file, *passphrase_file = context->place.passphrase_file;
    int result = 0;

    if (key_file) {
        result = secret_read_key_file(key_file, &keys->bytes[keys->count], context->error);
        if (result == -ENOENT) {
            result = secret_make_key_file(key_file, &keys->bytes[keys->count], context->error);
            keys->made_key_file = result == 0;
        }
        if (result < 0)
            return result;
        add_key(keys, STORE_KEY_FILE);
    }
    if (passphrase_file) {
        result = secret_read_passphrase(passphrase_file, &keys->bytes[keys->count], context->error);
        if (result == 0)
            result = check_length(context, &keys->bytes[keys->count]);
    } else if (!key_file) {
        result = ask_twice(context, &keys->bytes[keys->count]);
    }
    if (result == 0 && (passphrase_file || !key_file))
        add_key(keys, STORE_PASSPHRASE);
    return result;
}

/* The options that open the store, as they were given: with both, either would do, and a daemon takes one. */
static void print_key(const struct command_context *context)
{
    const struct command_place_names *place = &context->place;

    if (place->key_file)
        fprintf(context->out, " --key-file %s", place->key_file);
    else if (place->passphrase_file && strcmp(place->passphrase_file, "-") != 0)
        fprintf(context->out, " --passphrase-file %s", place->passphrase_file);
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static void print_result(const struct command_context *context, const struct keys *keys, const struct owner *owner,
                         const char *log_key)
{
    FILE *out = context->out;
    const char *store = context->place.store, *key_file = context->place.key_file;

    fprintf(out, "made the store %s", store);
    if (owner->given)
        fprintf(out, ", owned by uid %u", (unsigned)owner->uid);
    fputc('\n', out);
    if (keys->made_key_file)
        fprintf(out, "made the key file %s: keep a copy of it elsewhere; without a key nobody can read the store\n",
                key_file);
    else if (key_file)
        fprintf(out, "opens with the key file %s\n", key_file);
    if (keys->count > 1 || !key_file)
        fputs("opens with the passphrase: write it down and lock it away; it can't be recovered\n", out);
    fprintf(
        out,
        "the first public key of the log, for paper, away from this machine (dossier log verify --pubkey):\n  %s\n",
        log_key);
    fprintf(out, "next: dossier policy check POLICY\n      dossier -s %s -p POLICY", store);
    print_key(context);
    fprintf(out, " import --kind KIND FILE.csv\n      dossierfs -s %s -p POLICY", store);
    print_key(context);
    fputs(" MOUNTPOINT\n", out);
}

static int begin_log(const char *store, char key[static NOTE_KEY_TEXT_BYTES], struct report_why *why)
{
    uint8_t id[STORE_ID_BYTES];
    char path[4096];
    int error = store_read_id(store, id, why);

    if (error)
        return error;
    if ((size_t)snprintf(path, sizeof path, "%s/log", store) >= sizeof path)
        return report_fail(why, -ENAMETOOLONG, "the path is too long");
    return signer_begin(path, id, key, why);
}

static int make_store(const struct command_context *context, struct keys *keys, const struct owner *owner)
{
    const char *store = context->place.store;
    struct report_why why = {""};
    char log_key[NOTE_KEY_TEXT_BYTES] = "";
    int result;

    if (store_create(store, keys->secrets, keys->count, &why) < 0)
        return commands_cannot(context, "%s", why.text);
    keys->made_store = true;
    if (begin_log(store, log_key, &why) < 0)
        return commands_cannot(context, "the store was made, but its log can't be signed: %s", why.text);
    result = owner->given ? give_to(store, owner) : 0;
    if (result < 0)
        return commands_cannot(context, "the store was made, but can't be given to uid %u: %s", (unsigned)owner->uid,
                               strerror(-result));
    print_result(context, keys, owner, log_key);
    return COMMAND_DONE;
}

int init_run(struct command_context *context)
{
    const char *system;
    struct owner owner;
    struct keys keys = {.count = 0};
    int code = COMMAND_CANNOT;

    if (!context->place.store)
        return commands_cannot(context, "where? -s STORE, or -n NAME with `store` in [mount] of its policy");
    if (choose_owner(context, &owner) != COMMAND_DONE)
        return COMMAND_CANNOT;
    system = copy_on_write(context->place.store);
    if (system && !commands_option(context, "allow-copy-on-write"))
        return commands_cannot(
            context,
            "%s is on %s, which writes changes elsewhere, so that a destroyed key may live on: take "
            "ext4 or xfs, or say --allow-copy-on-write",
            context->place.store, system);
    if (get_keys(context, &keys) == 0)
        code = make_store(context, &keys, &owner);
    /* Of no use without its store, and in the way of the next try. */
    if (!keys.made_store && keys.made_key_file)
        unlink(context->place.key_file);
    for (unsigned i = 0; i < 2; i++)
        buffer_clear(&keys.bytes[i]);
    return code;
}
