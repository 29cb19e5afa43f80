#ifndef PROBE_INSPECT_INSPECT_H
#define PROBE_INSPECT_INSPECT_H

#include "net/addr.h"
#include "probe/inspect/snapshot.h"
#include "report/group.h"

/* What there is on a port of this host, and how it fares: without a packet. */

enum {
	INSPECT_SNAPSHOTS = 4,		/* that are judged together */
	INSPECT_GAP_US = 100 * 1000,	/* from one to the next */
};

struct inspect {
	bool datagram;
	uint16_t port;
	int family;			/* AF_UNSPEC: both */
	struct addr host;		/* only what takes its traffic; none: all */
	/* the rest is inspect.c's */
	struct sockinfo sockinfo;
	struct snapshot snapshots[INSPECT_SNAPSHOTS];
	int taken;
	struct inspect_group *groups;
	int count;
};

/* The fields above are filled in. -1: the kernel does not tell. */
int inspect_open(struct inspect *);
void inspect_close(struct inspect *);

/* Looks once more; forgets what is older than the last few looks. */
int inspect_snapshot(struct inspect *);
/* Whether a further look would change nothing of the judgement. */
bool inspect_is_settled(const struct inspect *);

/* Judges what was seen; how many groups there are, or -1 without memory. */
int inspect_judge(struct inspect *);
/* One of them, until the next judgement. */
struct group_report *inspect_group(struct inspect *, int index);

#endif
