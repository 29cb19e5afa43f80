#ifndef CMD_NETCAT_H
#define CMD_NETCAT_H

#include "app/app.h"
#include "net/congestion.h"
#include "net/losses.h"
#include "relay/relay.h"
#include "session/session.h"

/* What listen and connect share: a desk with a relay on it. */
struct talk {
	struct desk desk;
	struct relay relay;
	struct relay_options relay_options;
	struct congestion congestion;
	struct losses unsent;		/* datagrams */
	unsigned last_id;
	/* The last connection is gone. */
	void (*on_last)(struct talk *);
	/* One is gone (told already), before on_last. */
	void (*on_closed)(struct talk *, struct conn *);
	void (*on_drained)(struct talk *);
	/* A new one, to be told; NULL: desk_connected(). */
	void (*on_opened)(struct talk *, struct conn *);
	/* ^Z: about to stop, or going on. */
	void (*on_stop)(struct talk *, bool stopping);
	/* The terminal has another size. */
	void (*on_resize)(struct talk *);
	/* SIGTERM or SIGHUP; NULL: the loop ends. */
	void (*on_signal)(struct talk *);
	bool interactive;
	struct session session;
	void *user;
};

/* What can't be asked for, told before anything is opened; -1: usage. */
int talk_check(struct talk *, const struct settings *,
    const struct endpoint *);

/* The callbacks are filled in already. */
int talk_open(struct talk *, const struct settings *);
/*
 * With a person at the terminal (--prompt): shows a prompt, whose session's
 * fields and ops have been filled in.
 */
bool talk_wants_prompt(const struct settings *);
int talk_prompt(struct talk *);

/* Takes over fd, or c; -1 with a fault: they are still yours. */
int talk_add(struct talk *, int fd, const struct conn_ops *);
int talk_add_conn(struct talk *, struct conn *c);
/* Datagrams are lost: see fail_text(). */
void talk_lost(struct talk *);
/* Ends all that is open and gives back the status. */
int talk_close(struct talk *);

#endif
