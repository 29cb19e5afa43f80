#ifndef APP_RATE_LIMIT_H
#define APP_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"

/*
 * Lines about datagram peers and denied clients. Every sender, also a forged
 * one, makes a peer, and a new peer may close an old one. Beyond 10 lines a second they are only
 * counted, and one line has the count.
 */
struct rate_limit {
	struct timer timer;
	void (*on_flush)(struct rate_limit *);	/* reports both counts */
	int64_t since;			/* start of this second, loop_now() */
	unsigned lines;			/* shown in this second */
	uint64_t connected, closed;	/* counted instead of shown */
};

/* True: this line is counted, not shown, and on_flush() reports it later. */
bool rate_limit_takes(struct rate_limit *, struct loop *, bool closed);
/* Reports what is counted. */
void rate_limit_end(struct rate_limit *, struct loop *);

#endif
