#ifndef CMD_ECHO_ACCEPT_H
#define CMD_ECHO_ACCEPT_H

#include "cmd/echo_server.h"

/*
 * The accept models in which a process does not simply watch the listening
 * sockets: it waits in accept(2) itself, is handed connections, or is forked
 * for one.
 */

/*
 * What an accept model can't do, and how many processes there are; -1: usage.
 */
int echo_accept_check(const struct settings *);
int echo_accept_arrange(struct echo_server *);
/* Before the fork, in the parent after it, and at its end. */
int echo_accept_prepare(struct echo_server *);
int echo_accept_start(struct echo_server *);
void echo_accept_stop(struct echo_server *);
/* In place of a worker's loop_run(); whether set is not to be in that loop. */
int echo_worker_loop(struct echo_server *, int index, const struct sock_set *set);
bool echo_is_given(const struct echo_server *);

#endif
