#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdbool.h>

#include "net/addr.h"
#include "net/congestion.h"
#include "net/sock.h"
#include "net/sockopts.h"

struct dial_options {
	bool datagram;
	enum stream_kind stream;
	const char *interface;	/* SO_BINDTODEVICE, or NULL */
	struct addr_list source;	/* -s: addresses to come from */
	uint16_t source_port;	/* -p, or 0 */
	struct congestion *congestion;	/* TCP's, or NULL */
	const struct sockopts *sockopts;	/* set before connect(2), or NULL */
	int64_t wait;		/* retry this long (us) until it listens */
};

/*
 * Looks up e, and connects to the first of its addresses that answers, by RFC
 * 8305 (Happy Eyeballs): families take turns, a new attempt starts every 250 ms
 * or when one fails, and the first connection wins. One deadline (loop_now())
 * limits it all. Returns a non-blocking descriptor; *reached is its address.
 * -1: errno is connect(2)'s error, or 0 for another fault.
 */
int dial(const struct endpoint *e, const struct dial_options *options,
    int64_t deadline, struct addr *reached);

/* Whether connect(2)'s error may go away when a server starts. */
bool dial_may_pass(int error);

#endif
