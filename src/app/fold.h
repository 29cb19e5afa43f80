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
	void (*tell)(struct fold *);	/* reports the counts; then they are 0 */
	int64_t since;			/* of the second */
	unsigned lines;
	uint64_t connected, closed;	/* not shown */
};

/* Whether this line is counted only, for tell() at the end of the second. */
bool fold_takes(struct fold *, struct loop *, bool closed);
/* Reports the rest. */
void fold_end(struct fold *, struct loop *);

#endif
