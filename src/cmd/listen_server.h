#ifndef CMD_LISTEN_SERVER_H
#define CMD_LISTEN_SERVER_H

#include "cmd/members_header.h"
#include "cmd/netcat.h"
#include "net/udp_peers.h"
#include "serve/accept.h"
#include "serve/activation.h"
#include "serve/accept_setup.h"
#include "serve/membership.h"
#include "serve/program.h"
#include "serve/stop.h"

/*
 * The server of rpnc listen: accepts clients, relays them, and leaves its group
 * in order. A script (listen.c) and the commands of a prompt (listen_prompt.c)
 * use the same functions. listen_server.c has a table of the states.
 */
struct listen_server {
	struct netcat netcat;
	struct settings *settings;
	struct membership membership;
	struct activation activation;
	struct acceptor acceptor;
	struct accept_setup setup;
	struct tls_context tls;	/* --tls */
	struct udp_peers peers;
	struct program program;	/* its argv NULL: there is none */
	/* Takes over a client that is ready; NULL: the relay serves it. */
	void (*on_client)(struct listen_server *, struct conn *);
	int64_t program_failed;	/* when that was last reported */
	struct timer program_idle;	/* calls on_last() */
	struct stop stop;
	/* membership.set; empty once it is closed */
	struct sock_set listening;
	struct timer accept_timeout;	/* --accept-timeout */
	struct timer refresh;	/* polls the shares for the prompt */
	struct members_header header;	/* --live */
	bool closing;		/* without -k: a client has come */
};

void listen_init(struct listen_server *, struct settings *);
/* Watches the registry and the signals. Call it before a prompt opens. */
int listen_watch(struct listen_server *);
/* Serves until the end. */
int listen_serve(struct listen_server *);
/* Accepts on the sockets of the membership, at first and after /join. */
int listen_open(struct listen_server *);
/* Starts the timer of --accept-timeout, if that is given. */
void listen_wait(struct listen_server *);
/* Leaves the group, if we are in one, and ends when the sessions have. */
void listen_end(struct listen_server *);
/*
 * A session is over: counts it, with the bytes that came in and went out.
 * counted: its connection's.
 */
void listen_session_over(struct listen_server *, uint64_t in, uint64_t out,
    struct source_count *counted);
/* Updates the shares that the prompt and events show. */
void listen_refresh(struct listen_server *);
/*
 * Sets the state that other members see: STATE_FULL instead of STATE_RUNNING
 * if -m is reached. The prompt does not show STATE_FULL.
 */
void listen_show_state(struct listen_server *, enum slot_state);
/*
 * Call it with true before ^Z stops the process, with false after: shows
 * STATE_STOPPED to the other members, then the earlier state again.
 */
void listen_stopped(struct netcat *, bool stopping);

#endif
