#ifndef CMD_CONNECT_TO_H
#define CMD_CONNECT_TO_H

#include "app/settings.h"
#include "group/reach/reach.h"
#include "net/dial.h"

/* connect --to: a connection that a given member gets. */
struct connect_to {
	/* The caller's. */
	const struct endpoint *server;
	const struct dial_options *options;
	bool proxied;			/* through proxies: by the greeting */
	bool hidden;			/* TLS: a greeting can't be read */
	int64_t wait;			/* --wait, us */
	/* Makes one connection, with all that comes before a greeting. */
	int (*dial)(void *user, const struct endpoint *,
	    const struct dial_options *);
	void *user;
	/* How it was reached. */
	struct reach reach;
};

/* Reads --to; -1: usage. */
int connect_to_read(struct connect_to *, const struct settings *);
/* Connects; a descriptor, or -1: a fault. limit: of loop_now(), for all. */
int connect_to(struct connect_to *, int64_t limit);

#endif
