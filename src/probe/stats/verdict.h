#ifndef PROBE_STATS_VERDICT_H
#define PROBE_STATS_VERDICT_H

#include "math/fair.h"
#include "probe/stats/tally.h"
#include "report/finding.h"
#include "report/group_flag.h"

/* Shares and the verdict that follow from a tally, and their report. */

struct verdict {
	struct probe_report report;
	struct probe_failures failed;
	struct probe_target target;
	struct probe_tls tls;
	struct probe_fairness fairness;
	struct latencies latency, *member_latency;
	struct probe_member *members;
	struct row **order;
	struct group_flags flags, *member_flags;
	enum fair_verdict verdict;
	double chance;			/* the p of the verdict; 1: by no p */
	uint64_t missing;		/* attempts without a row, if too many */
	/* Sentences, if --expect-weights do not fit the members; or NULL. */
	const char *absent, *unlisted;
	struct finding_list findings;
};

enum knowledge {
	KNOW_ALL,		/* every member of the group has a row */
	KNOW_SOME,		/* other members may never have answered */
	KNOW_GIVEN,		/* weights are the expected shares */
	KNOW_SHARED,		/* no hash distributes the connections */
	KNOW_PREDICTED,		/* all by the hash: it can't test itself */
	KNOW_NOTHING,		/* the rows can't be judged */
};

/* Number of hosts in the rows, as far as known; 2: several. */
int verdict_hosts(const struct tally *);

/*
 * Fills in what the tally knows; the caller adds the rest. The tally must
 * outlive it. -1 without memory.
 */
int verdict_make(struct verdict *, struct tally *, enum knowledge,
    bool changed);
/*
 * Puts timeouts down to members, and flags those that answered nothing.
 * Without this call nobody is blamed.
 */
void verdict_blame(struct verdict *, enum predicted);
/* Whether a program chooses the members: 0, 1, or -1: not known. */
void verdict_steered(struct verdict *, int64_t steered);
/*
 * Puts it in words. unjudged: why there is no verdict, or NULL; running:
 * the load goes on. -1 without memory.
 */
int verdict_conclude(struct verdict *, const char *unjudged, bool running);
void verdict_free(struct verdict *);

#endif
