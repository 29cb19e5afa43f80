#ifndef PROBE_LOAD_ATTEMPT_H
#define PROBE_LOAD_ATTEMPT_H

#include "base/loop.h"
#include "net/ephemeral_ports.h"
#include "net/proxy_handshake.h"
#include "probe/load/exchange.h"
#include "probe/stats/tally.h"

/*
 * One connection (or datagram and its reply), from start to end. See attempt.c
 * for its stages.
 */

struct attempt;
struct identify;
struct tls;

/* All attempts of a load share one of these. */
struct attempt_shared {
	struct loop *loop;
	const struct plan *plan;
	struct tally *tally;
	struct identify *identify;	/* NULL: the kernel is not asked */
	struct addr target;		/* the server, or the first proxy */
	const struct proxy_route *route;	/* NULL: no proxies */
	const struct addr *known;	/* the last one's target; NULL: a name */
	struct ephemeral_ports ports;	/* at the start */
	enum by by;			/* the first attempts replace BY_AUTO */
	/* Requests a call of attempt_tick() at that time (clock_ns()). */
	void (*wake)(struct attempt_shared *, int64_t when);
	/* The server is reached, whatever the outcome will be. */
	void (*on_connect)(struct attempt *);
	/* The attempt has ended and may be started again. */
	void (*on_end)(struct attempt *, const struct attempt_result *);
};

enum stage {
	STAGE_IDLE, STAGE_CONNECT, STAGE_PROXY, STAGE_OBSERVE, STAGE_TLS,
	STAGE_HOLD, STAGE_TALK, STAGE_CLOSE,
};

struct attempt {
	struct source source;
	struct timer limit;
	struct timer more;		/* TLS holds bytes that it has read */
	struct attempt_shared *shared;
	enum stage stage;
	struct proxy_handshake proxies;	/* in STAGE_PROXY */
	struct tls *tls;		/* from STAGE_TLS on, or NULL */
	struct exchange exchange;
	struct addr ours;		/* len 0: not known */
	uint64_t predicted_inode;	/* the listener's inode, or 0 */
	uint64_t chosen_inode;		/* the port was chosen for it; or 0 */
	int reopened;			/* how often its port was in use */
	bool verifying, verified;	/* the prediction: to be, has been */
	int64_t connect_by;		/* for all before TALK, loop_now() */
	int64_t deadline;		/* the whole attempt's, loop_now() */
	int64_t started, connected, secured_from, sent;	/* clock_ns() */
	int64_t tick_at;		/* attempt_tick() is due; 0: never */
	int64_t observe_gap;		/* between two looks, nanoseconds */
	int64_t asking;			/* time identify took after the reply */
	bool unbound;			/* the second try: any source port */
	bool held;			/* its port still has a connection */
	bool shut;			/* our FIN is sent */
	bool peer_ended;		/* its FIN, or a datagram, has come */
	bool vanished;			/* the server's socket is gone, and
					 * nobody was seen to accept it */
	bool served;			/* a process has sent something */
	bool mute;			/* no greeting came in time */
	struct attempt_result result;
	struct attempt *next;		/* in the list of idle attempts */
};

/* intended: when it was due, and its latency begins; 0: now. */
void attempt_start(struct attempt *, uint64_t id, int64_t intended);

/* Shortens the limit of reaching the server, while that is in progress. */
void attempt_hasten(struct attempt *, int64_t microseconds);

/* Does what is due by now; returns when the next thing is due, or 0. */
int64_t attempt_tick(struct attempt *, int64_t now);

/* Closes it without a result. */
void attempt_drop(struct attempt *);

#endif
