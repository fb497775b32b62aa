/* remote: the command's side of the control socket: sends the command line to the daemon, reads for it what it wants of the
 * files here, and writes what it puts out. */
#ifndef DOSSIERFS_TOOLS_REMOTE_H
#define DOSSIERFS_TOOLS_REMOTE_H

#include "tools/files.h"

/* Where a daemon may listen: --control, or the places of the mount's name. With `store` (a path as given with -s) only the
 * daemon of that store counts. A connection, or -ENOENT: no daemon serves this; -EINVAL after a line on `error`: it can't be
 * known. */
int remote_connect(const char *control, const char *name, const char *store, FILE *error);

struct remote {
    int socket; /* connected; stays the caller's */
    const struct command_line *line;
    const struct files *files;
    const char *store; /* path as given with -s, or NULL: the daemon must be the one of this store */
    bool out_is_terminal, error_is_terminal;
    unsigned columns;
};
/* The exit code of the command. */
int remote_run(const struct remote *remote, FILE *error);

#endif
