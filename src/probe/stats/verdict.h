#ifndef PROBE_STATS_VERDICT_H
#define PROBE_STATS_VERDICT_H

#include "math/fair.h"
#include "probe/stats/tally.h"
#include "report/finding.h"

/* What a tally says: shares, a verdict, and the report that shows them. */

struct verdict {
	struct probe_report report;
	struct probe_failures failed;
	struct probe_target target;
	struct probe_fairness fairness;
	struct latencies latency, *member_latency;
	struct probe_member *members;
	struct row **order;
	enum fair_verdict verdict;
	double p;			/* 1 where nothing was tested */
	double chance;			/* of the verdict; 1 */
	uint64_t missing;		/* of members not known, if too many */
	struct finding_list findings;
};

enum knowledge {
	KNOW_ALL,		/* each member of the group has a row */
	KNOW_SOME,		/* there may be more, who never answered */
	KNOW_GIVEN,		/* what each is to get is told by its weight */
	KNOW_SHARED,		/* who answered, but no hash dealt it out */
	KNOW_PREDICTED,		/* by the hash only: it can't test itself */
	KNOW_NOTHING,		/* whose the rows are can't be judged */
};

/* How many hosts the rows are of, as far as they tell. */
int verdict_hosts(const struct tally *);

/*
 * Fills the report in as far as the tally knows; the rest is the caller's.
 * The tally must outlive it. -1 without memory.
 */
int verdict_make(struct verdict *, struct tally *, enum knowledge,
    bool changed);
/*
 * Says it in words: unjudged is why there is no verdict, or NULL; live where
 * it goes on. -1 without memory.
 */
int verdict_conclude(struct verdict *, const char *unjudged, bool live);
void verdict_free(struct verdict *);

#endif
