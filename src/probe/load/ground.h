#ifndef PROBE_LOAD_GROUND_H
#define PROBE_LOAD_GROUND_H

#include "base/loop.h"
#include "net/addr.h"
#include "probe/load/exchange.h"
#include "probe/stats/tally.h"

struct attempt;
struct identify;

/* What all attempts share. */
struct ground {
	struct loop *loop;
	const struct plan *plan;
	struct tally *tally;
	struct identify *who;		/* NULL: the kernel is not asked */
	struct addr target;
	enum by by;			/* BY_AUTO is settled by the first */
	/* Wants attempt_tick() at that time (clock_ns()). */
	void (*wake)(struct ground *, int64_t when);
	/* A connection is there, whatever comes of it. */
	void (*on_connect)(struct attempt *);
	/* It has ended and may be started again. */
	void (*on_end)(struct attempt *, const struct attempt_result *);
};

enum stage { STAGE_IDLE, STAGE_CONNECT, STAGE_LOOK, STAGE_TALK, STAGE_CLOSE };

struct attempt {
	struct source source;
	struct timer limit;
	struct ground *ground;
	enum stage stage;
	struct exchange exchange;
	struct addr ours;		/* len 0: not known */
	uint64_t predicted_inode;		/* the listener's inode, or 0 */
	bool proving, proved;		/* to be seen, and seen, whose it is */
	int64_t deadline;		/* of the whole, loop_now() */
	int64_t started, connected, sent;	/* clock_ns() */
	int64_t look_at, gap;		/* next look; 0: none */
	int64_t asking;			/* what that took after the reply */
	bool unbound;			/* has its second try */
	bool held;			/* its port has a connection yet */
	bool ended;			/* the peer has */
	bool looked;			/* identified, or given up */
	bool served;			/* something came from a process */
	bool mute;			/* a greeting was awaited in vain */
	struct attempt_result result;
	struct attempt *next;		/* idle ones */
};

#endif
