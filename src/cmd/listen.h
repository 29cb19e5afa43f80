#ifndef CMD_LISTEN_H
#define CMD_LISTEN_H

#include "cmd/members_header.h"
#include "cmd/netcat.h"
#include "net/udp_peers.h"
#include "serve/accept.h"
#include "serve/membership.h"
#include "serve/stop.h"

/* What rpnc listen works with: listen.c serves, listen_prompt.c obeys. */
struct server {
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

/* Serves on the sockets of the place. */
int listen_open(struct server *);
/* Starts the clock of --accept-timeout. */
void listen_wait(struct server *);
/* Leaves the group, if we are in one, and ends when the sessions have. */
void listen_end(struct server *);

/* Whether the prompt that is asked for can be had; -1: usage. */
int listen_prompt_check(const struct settings *);
/* Shows the prompt, whose commands do what they say to the server. */
int listen_prompt(struct server *);
/* Closes it, with one last line on what a member did. */
void listen_prompt_end(struct server *);
/* The shares that the prompt and the news show. */
void listen_refresh(struct server *);
/* ^Z: what it was before holds again afterwards. */
void listen_stopped(struct netcat *, bool stopping);

#endif
