#ifndef PROBE_LOAD_SCAN_H
#define PROBE_LOAD_SCAN_H

#include "base/loop.h"
#include "net/proxy_route.h"

/*
 * Finds the ports that accept connections. Each is tried once. Through proxies,
 * the last one says whether a port is open.
 */

struct sources;
struct scan_try;

enum scan_state { SCAN_UNTRIED, SCAN_OPEN, SCAN_CLOSED, SCAN_SILENT };

struct scan_port {
	uint16_t port;
	enum scan_state state;
	int error;			/* errno; ETIMEDOUT, ... if silent */
	char *reason;			/* instead: a proxy's words; malloced */
	int64_t us;			/* time to the answer */
	struct addr address;		/* that answered; len 0: by name */
};

struct scan {
	struct addr_list addresses;	/* tried in this order for each port */
	const struct proxy_route *route;	/* behind these, or NULL */
	struct sources *sources;
	const char *interface;
	const struct sockopts *sockopts;	/* NULL: none */
	int64_t timeout;		/* for one port, microseconds */
	int concurrency;
	struct scan_port *ports;	/* the caller's */
	int count;
	void (*on_done)(struct scan *);
	/* The rest is scan.c's. */
	struct loop *loop;
	struct scan_try *tries, *idle;
	int next, in_flight;
	bool filling;
	struct timer again;
};

/* Starts; on_done is called from the loop. -1 without memory. */
int scan_open(struct scan *, struct loop *);
void scan_close(struct scan *);

#endif
