#ifndef SERVE_STOP_H
#define SERVE_STOP_H

#include "app/app.h"
#include "serve/accept.h"
#include "serve/activation.h"
#include "serve/adoption.h"
#include "serve/leave.h"

/*
 * The orderly end of a server: it leaves its group without losing a
 * connection, then its sessions have --grace to end. stop.c has the states.
 */
struct stop {
	/* The server sets registry to ends; stop.c sets the rest. */
	struct leave leave;
	struct timer grace;
	struct app *app;
	const char *name;		/* the member's, for events */
	int64_t lost;			/* connections lost by all leaves */
	const char *why;		/* for events; NULL: the user asked */
	char held[ADOPTION_TEXT];	/* text about another holder */
	bool patient;			/* /drain: no limit to the grace */
	void (*on_left)(struct stop *);	/* the sockets are closed; or NULL */
};

/*
 * A signal, or the user, asks to end. in_order: leave the group first;
 * otherwise the loop ends now. A second request ends it at once.
 */
void stop_request(struct stop *, bool in_order);
/* Leaves the group; the fields above are set. Ends the loop if leave.ends. */
void stop_begin(struct stop *);
/* A signal after /drain: the grace is limited from now on. */
void stop_hurry(struct stop *);
/* A second signal: ends the leave and the loop at once. */
void stop_now(struct stop *);
/* The server calls this after a session closed: it may be the last. */
void stop_closed(struct stop *);

#endif
