#ifndef PROBE_LOAD_PLAN_H
#define PROBE_LOAD_PLAN_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sources;

/* What a probe is to do. Times are microseconds. */

/*
 * Of an open loop, what is never started: what was due while we ourselves did
 * not run; or all that is late, as all there may be were in flight, too.
 */
enum skip { SKIP_NOTHING, SKIP_ABSENT, SKIP_LATE };

enum by { BY_AUTO, BY_DIAG, BY_BANNER, BY_REPLY, BY_REGISTRY, BY_NONE };

struct plan {
	bool datagram, local;		/* local: Unix sockets */
	enum by by;
	uint64_t count;			/* 0: no limit */
	int concurrency;
	int64_t duration;
	double rate;			/* a second; 0: closed loop */
	int64_t connect_timeout;
	int64_t timeout;		/* of a whole attempt */
	int64_t patience;		/* until accepted, or until a banner */
	int64_t pause;			/* of a closed loop, between attempts */
	int64_t wait;			/* for a server that starts later */
	bool give_up;			/* where nobody answers at all */
	bool losses;			/* looks closer at how attempts end */
	enum skip skip;
	const char *interface;
	struct sources *sources;	/* where it connects from, by turns */
	const char *send;		/* NULL: nothing */
	size_t send_length;
	size_t echo;			/* bytes; 0: none */
	const regex_t *expect, *match;	/* NULL: none */
};

#endif
