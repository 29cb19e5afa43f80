#ifndef CMD_NETCAT_H
#define CMD_NETCAT_H

#include "app/app.h"
#include "net/congestion.h"
#include "net/losses.h"
#include "relay/relay.h"
#include "session/session.h"

/* What listen and connect share: a desk with a relay on it. */
struct netcat {
	struct app app;
	struct relay relay;
	struct relay_options relay_options;
	struct congestion congestion;
	struct losses unsent;		/* datagrams */
	unsigned last_id;
	/* The last connection is gone. */
	void (*on_last)(struct netcat *);
	/* One is gone (told already), before on_last. */
	void (*on_closed)(struct netcat *, struct conn *);
	void (*on_drained)(struct netcat *);
	/* A new one, to be told; NULL: emit_connected(). */
	void (*on_opened)(struct netcat *, struct conn *);
	/* ^Z: about to stop, or going on. */
	void (*on_stop)(struct netcat *, bool stopping);
	/* The terminal has another size. */
	void (*on_resize)(struct netcat *);
	/* SIGTERM or SIGHUP; NULL: the loop ends. */
	void (*on_signal)(struct netcat *);
	bool interactive;
	struct session session;
	void *user;
};

/* What can't be asked for, told before anything is opened; -1: usage. */
int netcat_check(struct netcat *, const struct settings *);

/* The callbacks are filled in already. */
int netcat_open(struct netcat *, const struct settings *);
/*
 * With a person at the terminal (--prompt): shows a prompt, whose session's
 * fields and ops have been filled in.
 */
bool netcat_wants_prompt(const struct settings *);
int netcat_prompt(struct netcat *);

/* Takes over fd, or c; -1 with a fault: they are still yours. */
int netcat_add(struct netcat *, int fd, const struct conn_ops *);
int netcat_add_conn(struct netcat *, struct conn *c);
/* Datagrams are lost: see fail_text(). */
void netcat_lost(struct netcat *);
/* Ends all that is open and gives back the status. */
int netcat_close(struct netcat *);

#endif
