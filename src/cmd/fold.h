#ifndef CMD_FOLD_H
#define CMD_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"

/*
 * Lines about datagram peers: every sender, also a forged one, makes a peer,
 * which may close another. Over 10 lines a second are counted in one.
 */
struct fold {
	struct timer timer;		/* first */
	void (*tell)(struct fold *);	/* what was counted, and is 0 then */
	int64_t since;			/* of the second */
	unsigned lines;
	uint64_t connected, closed;	/* not shown */
};

/* Whether this line is counted only, for tell() at the end of the second. */
bool fold_takes(struct fold *, struct loop *, bool closed);
/* Tells what is left. */
void fold_end(struct fold *, struct loop *);

#endif
