#ifndef PROBE_INSPECT_INSPECT_H
#define PROBE_INSPECT_INSPECT_H

#include "net/addr.h"
#include "probe/inspect/snapshot.h"
#include "report/group.h"

/* What there is on a port of this host, and how it fares: without a packet. */

enum {
	SURVEY_SAMPLES = 4,		/* that are judged together */
	SURVEY_GAP_US = 100 * 1000,	/* from one to the next */
};

struct survey {
	bool datagram;
	uint16_t port;
	int family;			/* AF_UNSPEC: both */
	struct addr host;		/* only what takes its traffic; none: all */
	/* the rest is survey.c's */
	struct lookout lookout;
	struct sample samples[SURVEY_SAMPLES];
	int taken;
	struct group_found *groups;
	int count;
};

/* The fields above are filled in. -1: the kernel does not tell. */
int survey_open(struct survey *);
void survey_close(struct survey *);

/* Looks once more; forgets what is older than the last few looks. */
int survey_sample(struct survey *);
/* Whether a further look would change nothing of the judgement. */
bool survey_is_settled(const struct survey *);

/* Judges what was seen; how many groups there are, or -1 without memory. */
int survey_judge(struct survey *);
/* One of them, until the next judgement. */
struct group_report *survey_group(struct survey *, int index);

#endif
