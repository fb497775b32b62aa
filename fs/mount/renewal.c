#include "fs/mount/renewal.h"

#include <errno.h>
#include <stdlib.h>

static bool is_old(const struct session *session, const struct node *node)
{
    return node->key.type == NODE_LEAF && node->generation != session->generation;
}

static void retire_if_old(void *context, struct node *node)
{
    struct session *session = context;

    /* Each read of the log asks anew, but a private mapping has pages. */
    if (node->key.type == NODE_LOG_DAY && node->handles > 0)
        notifier_drop(session->notifier, node->id);
    if (!is_old(session, node))
        return;
    /* What is still open of older content may have pages too. */
    if (node->retired && node->handles > 0)
        notifier_drop(session->notifier, node->id);
    session_retire(session, node);
}

void renewal_begin(struct session *session)
{
    if (session->generation == door_generation(session->gate) + 1)
        return;
    session->generation = door_generation(session->gate) + 1;
    session->policy = gate_policy(session->gate);
    if (slots_take(session->slots, session->policy) < 0)
        report(REPORT_ERROR, "no memory for some names of the policy, which are not there");
    session->renewing = true;
    session->renewed = (struct nodes_cursor){0, 0};
}

void renewal_go_on(struct session *session)
{
    if (session->renewing)
        session->renewing = nodes_each_some(session->nodes, &session->renewed, retire_if_old, session);
}

bool renewal_waits(const struct session *session, const struct node *node)
{
    return is_old(session, node) && node->handles > 0 && !door_caller(session->gate, node->key.uid);
}

static bool still_shows(struct session *session, const struct door_ask *ask, const struct node *node, int64_t *ends_s)
{
    struct door_granted granted[POLICY_MAX_FIELDS];

    for (unsigned i = 0; i < node->granted_count; i++) {
        int field = slots_field(session->slots, node->granted[i].slot);

        granted[i] = (struct door_granted){field < 0 ? -1 : field, node->granted[i].mask};
    }
    return node->granted_count > 0 &&
           door_still_shows(session->gate, ask, node->key.dossier, granted, node->granted_count, ends_s);
}

int renewal_decide(struct session *session, struct node *node)
{
    struct door_ask ask = {NULL, DOOR_NO_PROCESS, slots_purpose(session->slots, node->key.purpose)};

    if (!is_old(session, node))
        return node->denied ? -ESTALE : 0;
    ask.caller = door_caller(session->gate, node->key.uid);
    if (!ask.caller || door_is_gap(ask.caller))
        return -EIO;
    node->denied = !still_shows(session, &ask, node, &node->ends_s);
    node->generation = session->generation;
    if (node->ends_s < session->earliest_end_s)
        session->earliest_end_s = node->ends_s;
    session_retire(session, node); /* it opens no more: a look-up makes another one */
    return node->denied ? -ESTALE : 0;
}

int renewal_note(struct session *session, struct node *node, const struct door_shown *shown)
{
    if (node->granted)
        return 0;
    node->granted = calloc(shown->count + 1, sizeof *node->granted);
    if (!node->granted)
        return -ENOMEM;
    for (unsigned i = 0; i < shown->count; i++)
        node->granted[i] =
            (struct node_granted){slots_of_field(session->slots, (int)shown->values[i].field), shown->values[i].mask};
    node->granted_count = shown->count;
    return 0;
}
