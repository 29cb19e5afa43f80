#ifndef CMD_LISTEN_SERVER_H
#define CMD_LISTEN_SERVER_H

#include "cmd/members_header.h"
#include "cmd/netcat.h"
#include "net/udp_peers.h"
#include "serve/accept.h"
#include "serve/membership.h"
#include "serve/stop.h"

/*
 * The server of rpnc listen: accepts clients, relays them, and leaves its group
 * in order. The same functions serve a script (listen.c) and the commands of a
 * prompt (listen_prompt.c).
 */
struct listen_server {
	struct netcat netcat;
	struct settings *settings;
	struct membership membership;
	struct acceptor acceptor;
	struct udp_peers peers;
	struct stop stop;
	struct sock_set live;	/* the place's, while it listens */
	struct timer waiting;	/* --accept-timeout */
	struct timer clock;	/* the shares in the prompt */
	struct members_header header;	/* --live */
	bool closing;		/* the last clients are being accepted */
};

void listen_init(struct listen_server *, struct settings *);
/* Watches the registry and the signals; before a prompt opens. */
int listen_watch(struct listen_server *);
/* Serves until the end. */
int listen_serve(struct listen_server *);
/* Accepts on the sockets of the membership; again after /join. */
int listen_open(struct listen_server *);
/* Starts the clock of --accept-timeout. */
void listen_wait(struct listen_server *);
/* Leaves the group, if we are in one, and ends when the sessions have. */
void listen_end(struct listen_server *);
/* Updates the shares that the prompt and the news show. */
void listen_refresh(struct listen_server *);
/*
 * The state that other members see. A full member shows STATE_FULL to them and
 * not to its own prompt.
 */
void listen_show_state(struct listen_server *, enum slot_state);
/* Before and after ^Z: what it was before holds again afterwards. */
void listen_stopped(struct netcat *, bool stopping);

#endif
