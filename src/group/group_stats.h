#ifndef GROUP_GROUP_STATS_H
#define GROUP_GROUP_STATS_H

#include "group/members.h"
#include "group/steer/reconcile.h"
#include "report/scoreboard.h"

/*
 * The scoreboard of a port: its members as rows, judged since the group was
 * last another one. Zero it to begin.
 */
enum { SCORE_RATES = 32 };

struct group_stats {
	struct scoreboard board; /* valid until group_stats_take() again */
	struct members members;
	struct member_row *rows;
	struct member_fairness fairness;
	struct finding_list findings;
	char address[ADDR_TEXT], steering[MODE_TEXT];
	uint64_t group;			/* what it was made of; 0: not seen */
	/* Accepted and queued of each slot when the group last changed. */
	uint64_t base[REGISTRY_SLOTS];
	int64_t sampled;		/* when the last rate was */
	uint64_t sample;
	double rates[SCORE_RATES];
};

/*
 * Takes the list over and fills score->registry by it; own: our slot, or -1.
 * Where it is of another group than before, what each has so far counts no
 * more. Returns -1 without memory.
 */
int group_stats_take(struct group_stats *, struct registry *, struct members *,
    int own, bool datagram);
/* Measures the rate, where a second has passed since it last was. */
void group_stats_sample(struct group_stats *, int64_t now);
void group_stats_free(struct group_stats *);

#endif
