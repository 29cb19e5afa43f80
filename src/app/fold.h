#ifndef APP_FOLD_H
#define APP_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"

/*
 * Lines about datagram peers. Every sender, also a forged one, makes a peer,
 * and a new peer may close an old one. Beyond 10 lines a second they are only
 * counted, and one line has the count.
 */
struct fold {
	struct timer timer;
	void (*on_flush)(struct fold *);	/* reports both counts */
	int64_t since;			/* start of this second, loop_now() */
	unsigned lines;			/* shown in this second */
	uint64_t connected, closed;	/* counted instead of shown */
};

/* True: this line is counted, not shown, and on_flush() reports it later. */
bool fold_takes(struct fold *, struct loop *, bool closed);
/* Reports what is counted. */
void fold_end(struct fold *, struct loop *);

#endif
