#ifndef NET_DATAGRAM_LOSSES_H
#define NET_DATAGRAM_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

/*
 * Counts datagrams that were not sent, or not received whole. The first is
 * reported at once, later ones together: once a minute, and at the end.
 */
struct losses {
	const char *verb;	/* "was not VERB"; NULL: sent */
	uint64_t count;		/* not reported yet */
	uint64_t total;
	struct addr to;		/* the last one's destination, and the reason */
	size_t length;
	int error;
	int64_t reported;	/* loop_now() of the last report; 0: none */
	int reported_error;
};

void losses_count(struct losses *, const struct addr *to, size_t length,
    int error);

/* Whether a report is due; if so, records it as the last fault (fail.h). */
bool losses_due(struct losses *);
/* The same at the end: everything unreported is due. */
bool losses_rest(struct losses *);

#endif
