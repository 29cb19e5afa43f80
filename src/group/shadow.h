#ifndef GROUP_SHADOW_H
#define GROUP_SHADOW_H

#include "net/sock.h"

enum {
	SHADOWS_MAX = 4,		/* as many as are told */
	SHADOW_TEXT = 1200,
};

/* Groups of one port that take traffic from each other, a line for each. */
struct shadows {
	int count;
	char text[SHADOWS_MAX][SHADOW_TEXT];
};

/*
 * What other groups take from the sockets of set, and then what these take
 * from others since they have come. own: how many of each address are ours;
 * 0: none yet, so it is told how it would be.
 */
void shadows_find(const struct sock_set *set, const struct sock_options *,
    int own, struct shadows *out);

#endif
