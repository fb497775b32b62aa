/* serve: the daemon's side: runs a command that came in over the control socket (fs/gate/control.h). */
#ifndef DOSSIERFS_TOOLS_SERVE_H
#define DOSSIERFS_TOOLS_SERVE_H

#include "fs/gate/control.h"

/* A control_run: `gate` is the struct gate of the daemon. Who may do what is asked by the commands from the gate. */
/* A request of the one word tools_serve_question asks whether this daemon has the store that the request names: exit code 0,
 * or 1: another. */
extern const char tools_serve_question[];
int tools_serve(void *gate, const struct control_request *request);

#endif
