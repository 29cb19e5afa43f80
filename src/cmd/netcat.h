#ifndef CMD_NETCAT_H
#define CMD_NETCAT_H

#include "app/app.h"
#include "net/congestion.h"
#include "net/datagram_losses.h"
#include "relay/relay.h"
#include "session/session.h"

/* listen and connect have this in common: an app, a relay, perhaps a prompt. */
struct netcat {
	struct app app;
	struct relay relay;
	struct relay_options relay_options;
	struct congestion congestion;
	struct losses unsent;		/* datagrams that could not be sent */
	struct timer undumped;		/* stderr takes no more of the dump */
	unsigned last_id;		/* the newest connection's */
	/* The last connection has closed. */
	void (*on_last)(struct netcat *);
	/* A connection has closed; its event is emitted. Before on_last. */
	void (*on_closed)(struct netcat *, struct conn *);
	/* stdout has taken all that was queued for it. */
	void (*on_drained)(struct netcat *);
	/* Emits the event of a new connection; NULL: emit_connected(). */
	void (*on_opened)(struct netcat *, struct conn *);
	/* At a prompt: before (true) and after ^Z stops the process. */
	void (*on_stop)(struct netcat *, bool stopping);
	/* At a prompt: the size of the terminal has changed. */
	void (*on_resize)(struct netcat *);
	/* At a prompt: SIGTERM or SIGHUP; NULL: the loop ends. */
	void (*on_signal)(struct netcat *);
	bool interactive;		/* there is a prompt */
	struct session session;
	void *user;
};

/* Checks options before anything is opened; -1: usage. */
int netcat_check(struct netcat *, const struct settings *);

/* The caller has set the callbacks. */
int netcat_open(struct netcat *, const struct settings *);
/* True for --prompt=always, or if a person is at the terminal. */
bool netcat_wants_prompt(const struct settings *);
/* Shows the prompt; the caller has set the session's fields and ops. */
int netcat_prompt(struct netcat *);

/* Takes over c; -1 with a fault: it is still the caller's. */
int netcat_add(struct netcat *, struct conn *c);
/* Datagrams are lost: reports the last fault. */
void netcat_lost(struct netcat *);
/*
 * A connection has ended. If it was the only one, or the only one that input was
 * for, its fault is the command's. Else only this client is concerned; a line
 * reports it if data was not delivered.
 */
void netcat_judge_end(struct netcat *, const struct conn *,
    const struct relay_end *);
/* Closes all connections and streams; returns the command's status. */
int netcat_close(struct netcat *);

#endif
