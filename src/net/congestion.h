#ifndef NET_CONGESTION_H
#define NET_CONGESTION_H

#include "net/addr.h"

/*
 * TCP's congestion control. Between two sockets of one host there is no network
 * to measure, and the pacing of bbr only costs time. So if bbr is the system's
 * default, such sockets get reno. It is set before the connection exists,
 * because a connection once paced stays so; a connection that turns out to be
 * remote gets the default again.
 */
struct congestion {
	const char *asked;	/* a name, or "keep"; NULL: see above */
	char was[16];		/* the default, if it was replaced */
};

/* Whether the choice is possible; -1: a fault that lists the possible ones. */
int congestion_check(const struct congestion *);

/* The names of those that the kernel has, with spaces between, or "none". */
enum { CONGESTION_TEXT = 256 };
const char *congestion_available(char text[static CONGESTION_TEXT]);

/* Before listen(2) (to: NULL), or before connect(2). */
void congestion_prepare(struct congestion *, int fd, const struct addr *to);

/* After connect(2) or accept(2). */
void congestion_settle(const struct congestion *, int fd);

#endif
