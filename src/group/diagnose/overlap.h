#ifndef GROUP_DIAGNOSE_OVERLAP_H
#define GROUP_DIAGNOSE_OVERLAP_H

#include "group/diagnose/port_sockets.h"
#include "net/sock.h"

enum {
	OVERLAPS_MAX = 4,		/* most that are reported */
	OVERLAP_TEXT = 1200,
};

/* Groups of one port that take traffic from each other, a line for each. */
struct overlaps {
	int count;
	char text[OVERLAPS_MAX][OVERLAP_TEXT];
};

/*
 * Lists the traffic that other groups take from the sockets of set, then the
 * traffic that these take from others. own: how many sockets of each address
 * this process has already; 0: none, so the lines say what would happen.
 */
void overlaps_find(const struct sock_set *set, const struct sock_options *,
    int own, struct overlaps *out);

/*
 * A line for each group of set that has foreign sockets (not rpnc's), with the
 * fraction of new connections that this process's own sockets take.
 */
void overlap_strangers(const struct sock_set *set, const struct sock_options *,
    int own, struct overlaps *out);

/*
 * Whether the winner's group takes traffic from the loser's, and which: "all
 * that is for 127.0.0.1". Both are places in the list, each the first of its
 * group.
 */
bool overlap_between(const struct port_sockets *, int winner, int loser,
    char text[static PORT_SOCKET_TEXT]);

#endif
