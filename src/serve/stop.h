#ifndef SERVE_STOP_H
#define SERVE_STOP_H

#include "app/app.h"
#include "serve/accept.h"
#include "serve/adoption.h"
#include "serve/leave.h"

/*
 * The orderly end of a server: it leaves its group without losing a
 * connection, then its sessions have --grace to end by themselves.
 */
struct stop {
	struct leave leave;		/* its loop and callback are stop.c's */
	struct timer grace;
	struct app *app;
	const char *name;
	int64_t lost;			/* in all that was left */
	const char *why;		/* or NULL: as the user asked */
	char held[ADOPTION_TEXT];	/* by whom, too */
	bool patient;			/* /drain: no limit to the grace */
	void (*on_left)(struct stop *);	/* or NULL */
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
