#ifndef NET_CONGESTION_H
#define NET_CONGESTION_H

#include "net/addr.h"

/*
 * TCP's congestion control. Between two sockets of one host there is nothing
 * to find out, and bbr, which paces what it sends, only costs time: if it is
 * the system's, reno is set there. That is before there is a connection, for
 * one that was paced stays so; peers elsewhere get the system's again.
 */
struct congestion {
	const char *asked;	/* NULL: as above; a name, or "keep" */
	char was[16];		/* the system's, where it was changed */
};

/* Whether the choice is possible; -1: a fault that lists the possible ones. */
int congestion_check(const struct congestion *);

/* For a listener (to: NULL), or a socket that is to be connected. */
void congestion_prepare(struct congestion *, int fd, const struct addr *to);

/* For one that has been connected or accepted. */
void congestion_settle(const struct congestion *, int fd);

#endif
