#ifndef GROUP_GROUP_STATS_H
#define GROUP_GROUP_STATS_H

#include "group/members.h"
#include "group/steer/reconcile.h"
#include "report/scoreboard.h"

/*
 * The scoreboard of a port: its members as rows, judged since the group last
 * changed. Zero it to begin.
 */
enum { SCORE_RATES = 240 };

struct group_stats {
	bool multicast;			/* each member gets every datagram */
	struct scoreboard scoreboard; /* valid until group_stats_take() again */
	struct members members;
	struct member_row *rows;
	struct member_fairness fairness;
	struct finding_list findings;
	bool closed;			/* our sockets are; we go on */
	char address[ADDR_TEXT], steering[MODE_TEXT];
	char spread[112];		/* of open connections; STEER_LEAST */
	uint64_t group;			/* hash of the last one; 0: none */
	/* Each slot's accepted and queued count when the group last changed. */
	uint64_t base[REGISTRY_SLOTS];
	int64_t sampled;		/* when rates last got one */
	uint64_t sample;
	double rates[SCORE_RATES];
	struct rate_history history;	/* of each member of rpnc's */
};

/*
 * Takes ownership of the list and fills scoreboard from it; own: our slot, or
 * -1. If the group has changed, the counts begin anew. Returns -1 if memory is
 * short.
 */
int group_stats_take(struct group_stats *, struct registry *, struct members *,
    int own, bool datagram);
/*
 * The share that each member should get by weights: "A 70 %, B 30 %". NULL: the
 * members are not steered by weights. Of the members last taken.
 */
enum { SHARES_TEXT = 400 };
const char *group_stats_shares(const struct group_stats *, struct registry *,
    char text[static SHARES_TEXT]);
/* Adds a rate for all and for each, if a second has passed since the last. */
void group_stats_sample(struct group_stats *, int64_t now);
void group_stats_free(struct group_stats *);

#endif
