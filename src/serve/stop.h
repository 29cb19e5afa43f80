#ifndef SERVE_STOP_H
#define SERVE_STOP_H

#include "app/app.h"
#include "serve/accept.h"
#include "serve/adoption.h"
#include "serve/leave.h"

struct stop;

/* What serves datagrams. */
struct stop_datagrams {
	/* Serves some of what is queued, if it can just now. */
	void (*serve)(struct stop *);
	void (*close)(struct stop *);
};

/*
 * The orderly end of a server: it leaves its group without losing a
 * connection, then its sessions have --grace to end by themselves.
 */
struct stop {
	struct leave leave;
	struct timer grace;
	struct app *app;
	struct acceptor *acceptor;
	const struct stop_datagrams *datagrams;	/* NULL: streams */
	struct registry *registry;
	struct sock_set *set;		/* empty once they are closed */
	const uint64_t *served;		/* connections, or datagrams, ever */
	const char *name;
	int slot;
	int64_t lost;			/* in all that was left */
	bool ending;			/* the process ends with it */
	const char *why;		/* or NULL: as the user asked */
	char held[ADOPTION_TEXT];	/* by whom, too */
	bool patient;			/* /drain: no limit to the grace */
	void (*on_left)(struct stop *);	/* or NULL */
	void *user;
};

/*
 * A request to end. in_order: the sockets are left first; otherwise the loop
 * ends now. A second request cuts that short.
 */
void stop_request(struct stop *, bool in_order);
/* The fields above are filled in. Ends the loop when all is done. */
void stop_begin(struct stop *);
/* A signal after /drain: with a limit. */
void stop_hurry(struct stop *);
/* A second signal: at once. */
void stop_now(struct stop *);
/* A session closed. */
void stop_closed(struct stop *);

#endif
