#ifndef CMD_ECHO_MODELS_H
#define CMD_ECHO_MODELS_H

#include "cmd/echo_server.h"

/*
 * The accept models in which a process does more than watch the listening
 * sockets: echo_models.c has a table of them.
 */

/* Checks that the accept model can do what is asked; -1: usage. */
int echo_models_check(const struct settings *);
/* Decides which processes there are; reads --stall and --busy; -1: usage. */
int echo_models_arrange(struct echo_server *);
/* Called before the fork. */
int echo_models_prepare(struct echo_server *);
/* The parent begins to accept, if the model is handoff or fork. */
int echo_models_start(struct echo_server *);
/* Ends service in the parent or the only process. */
void echo_models_stop(struct echo_server *);
/* Runs a worker's loop; --accept blocking waits in accept(2) on set instead. */
int echo_worker_loop(struct echo_server *, int index,
    const struct sock_set *set);
/* True if the service doesn't watch sockets: it is handed connections. */
bool echo_is_given(const struct echo_server *);

#endif
